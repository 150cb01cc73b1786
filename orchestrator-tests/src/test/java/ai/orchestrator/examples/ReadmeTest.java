package ai.orchestrator.examples;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.config.ConfigLoader;
import ai.orchestrator.config.OrchestratorConfig;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.quota.QuotaSettings;
import ai.orchestrator.routing.TokenPrice;
import ai.orchestrator.testkit.ManualTimeSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReadmeTest {

    private static final Path README = Path.of("..", "README.md");
    private static final Path DOCS = Path.of("..", "docs");
    private static final Path BREAKER = DOCS.resolve("circuit-breaker.md");
    private static final Path ROUTING = DOCS.resolve("routing.md");
    private static final Path EXAMPLES = Path.of("src", "test", "java", "ai", "orchestrator", "examples");

    private final ManualTimeSource time = new ManualTimeSource();

    @Test
    void the_readmes_examples_are_those_that_are_compiled() throws IOException {
        assertThat(blocks(README, "java").stream().map(ReadmeTest::words))
                .containsExactly(
                        words(compiled("FailoverExample.java")),
                        words(compiled("RequestExample.java")),
                        words(compiled("StreamExample.java")),
                        words(compiled("RouteExample.java")));
    }

    @Test
    void the_breakers_example_is_the_one_that_is_compiled() throws IOException {
        assertThat(words(block(BREAKER, "java"))).isEqualTo(words(compiled("CircuitBreakerExample.java")));
    }

    @Test
    void the_readmes_configuration_is_accepted(@TempDir Path directory) throws IOException {
        Path file = Files.writeString(directory.resolve("readme.properties"), block(README, "properties"));

        OrchestratorConfig config = ConfigLoader.of(file)
                .environment(Map.of("GROQ_API_KEY", "gsk_readme"))
                .systemProperties(Map.of())
                .load();

        assertThat(config.settings().providers())
                .extracting(provider -> provider.name())
                .containsExactly("groq-1", "local");
        assertThat(config.settings().routes())
                .extracting(route -> route.providers())
                .containsExactly(List.of("local", "groq-1"));
    }

    @Test
    void the_quotas_configuration_is_accepted_and_each_of_its_limits_is_kept(@TempDir Path directory)
            throws IOException {
        Path file = Files.writeString(
                directory.resolve("quotas.properties"), block(DOCS.resolve("quotas.md"), "properties"));

        OrchestratorConfig config = ConfigLoader.of(file)
                .environment(Map.of("GROQ_API_KEY", "gsk_quotas"))
                .systemProperties(Map.of())
                .load();

        assertThat(config.settings().providers())
                .extracting(provider -> provider.quota())
                .containsExactly(QuotaSettings.builder()
                        .requestsPerMinute(60)
                        .requestsPerDay(14_400)
                        .tokensPerMinute(18_000)
                        .zone(ZoneId.of("America/Los_Angeles"))
                        .build());
    }

    @Test
    void the_routing_pages_strategy_is_the_one_that_is_compiled_and_does_what_it_says() throws IOException {
        assertThat(words(blocks(ROUTING, "java").get(1))).isEqualTo(words(compiled("CheapestOfTheQuick.java")));

        try (Orchestrator orchestrator = Orchestrator.builder()
                .strategy(new CheapestOfTheQuick())
                .timeSource(time)
                .provider(
                        "cheap",
                        p -> p.chatProvider(taking(Duration.ofSeconds(3))).price(new TokenPrice(1, 1)))
                .provider(
                        "dear",
                        p -> p.chatProvider(taking(Duration.ofSeconds(2))).price(new TokenPrice(9, 9)))
                .build()) {
            assertThat(orchestrator.chat("Why?").provider()).isEqualTo("cheap");
            assertThat(orchestrator.chat("Why?").provider()).isEqualTo("dear");
            assertThat(orchestrator.chat("Why?").provider()).isEqualTo("dear");
            assertThat(orchestrator.status().routes().get(0).strategy()).isEqualTo("cheapest-of-the-quick");
        }
    }

    private ChatProvider taking(Duration duration) {
        return (request, delivery, deadline, cancellation, sink) -> {
            sink.connected();
            time.advance(duration);
            sink.event(new ChatEvent.Text("Because."));
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        };
    }

    @Test
    void the_routing_pages_lambda_is_a_strategy_and_its_configuration_is_accepted(@TempDir Path directory)
            throws IOException {
        assertThat(words(blocks(ROUTING, "java").get(0))).isEqualTo(words(compiled("RouteOfOnesOwnExample.java")));
        Path file = Files.writeString(directory.resolve("routing.properties"), block(ROUTING, "properties"));

        OrchestratorConfig config = ConfigLoader.of(file)
                .environment(Map.of("GROQ_API_KEY", "gsk_routing", "HF_TOKEN", "hf_routing"))
                .systemProperties(Map.of())
                .load();

        assertThat(config.settings().routes()).extracting(route -> route.name()).containsExactly("fast", "smart");
    }

    @Test
    void the_walk_through_a_dialect_shows_its_sources_as_they_are() throws IOException {
        Path document = DOCS.resolve("adding-a-dialect.md");
        List<MatchResult> excerpts = Pattern.compile(
                        "\\[\\w+\\.java]\\(([^)]+)\\)\\n\\n```java\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(document))
                .results()
                .toList();

        assertThat(excerpts).hasSameSizeAs(blocks(document, "java"));
        for (MatchResult excerpt : excerpts) {
            String source = Files.readString(DOCS.resolve(excerpt.group(1)));
            assertThat(words(source)).as(excerpt.group(1)).contains(words(excerpt.group(2)));
        }
    }

    private static String compiled(String example) throws IOException {
        String source = Files.readString(EXAMPLES.resolve(example));
        return source.substring(source.indexOf("// example: begin") + 17, source.indexOf("// example: end"));
    }

    private static String block(Path document, String language) throws IOException {
        return blocks(document, language).get(0);
    }

    private static List<String> blocks(Path document, String language) throws IOException {
        return Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(document))
                .results()
                .map(block -> block.group(1))
                .toList();
    }

    /** The formatter may break lines elsewhere than the README does. */
    private static String words(String code) {
        return code.replaceAll("\\s+", "");
    }
}
