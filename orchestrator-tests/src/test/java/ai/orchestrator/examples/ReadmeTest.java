package ai.orchestrator.examples;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.config.OrchestratorConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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
    private static final Path EXAMPLES = Path.of("src", "test", "java", "ai", "orchestrator", "examples");

    @Test
    void the_readmes_examples_are_those_that_are_compiled() throws IOException {
        assertThat(blocks(README, "java").stream().map(ReadmeTest::words))
                .containsExactly(
                        words(compiled("FailoverExample.java")),
                        words(compiled("RequestExample.java")),
                        words(compiled("StreamExample.java")));
    }

    @Test
    void the_breakers_example_is_the_one_that_is_compiled() throws IOException {
        assertThat(words(block(BREAKER, "java"))).isEqualTo(words(compiled("CircuitBreakerExample.java")));
    }

    @Test
    void the_readmes_configuration_is_accepted(@TempDir Path directory) throws IOException {
        Path file = Files.writeString(directory.resolve("readme.properties"), block(README, "properties"));

        OrchestratorConfig config = OrchestratorConfig.load(file, Map.of("GROQ_API_KEY", "gsk_readme"));

        assertThat(config.providers()).extracting(provider -> provider.name()).containsExactly("groq-1", "local");
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
