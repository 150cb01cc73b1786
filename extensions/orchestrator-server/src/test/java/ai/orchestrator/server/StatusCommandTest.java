package ai.orchestrator.server;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer;
import ai.orchestrator.time.TimeSource;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

@Timeout(60)
class StatusCommandTest {

    private static final String KEY = "sk-planted-secret-1234567890";
    private static final Terminal TERMINAL = new Terminal(true, true);
    private static final Reply MODELS = Reply.json("{\"data\":[]}");

    @TempDir
    private Path directory;

    private final ScriptedServer first = ScriptedServer.start();
    private final ScriptedServer second = ScriptedServer.start();
    private Map<String, String> environment = Map.of("KEY", KEY);

    private record Result(int code, String out, String err) {

        private List<String> lines() {
            return out.lines().toList();
        }
    }

    @AfterEach
    void stopServers() {
        first.close();
        second.close();
    }

    private static PrintStream stream(OutputStream out) {
        return new PrintStream(out, true, StandardCharsets.UTF_8);
    }

    private static String text(ByteArrayOutputStream bytes) {
        String text = bytes.toString(StandardCharsets.UTF_8).replace(System.lineSeparator(), "\n");
        assertThat(text).doesNotContain(KEY).doesNotContain("\tat ");
        return text;
    }

    private Result run(String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int code = Main.run(
                args,
                new ByteArrayInputStream(new byte[0]),
                stream(out),
                stream(err),
                StandardCharsets.UTF_8,
                environment,
                Terminal.NONE);
        return new Result(code, text(out), text(err));
    }

    /** The command alone, on time that passes by being waited for, until so many lines have been printed. */
    private Result watched(Terminal terminal, TimeSource time, int lines, String... args) {
        ByteArrayOutputStream shown = new ByteArrayOutputStream();
        OutputStream out = new OutputStream() {
            private int left = lines;

            @Override
            public void write(int b) throws IOException {
                if (left <= 0) {
                    throw new IOException("closed");
                }
                shown.write(b);
                if (b == '\n') {
                    left--;
                }
            }
        };
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int code = new CommandLine(new StatusCommand(stream(out), stream(err), environment, terminal, () -> time))
                .execute(args);
        return new Result(code, text(shown), text(err));
    }

    private String config(String more) throws IOException {
        return Files.writeString(
                        directory.resolve("o.properties"), """
                        orchestrator.providers.first.type=openai
                        orchestrator.providers.first.base-url=%s
                        orchestrator.providers.first.api-key=${KEY}
                        orchestrator.providers.first.priority=2
                        orchestrator.providers.second.type=openai
                        orchestrator.providers.second.base-url=%s
                        orchestrator.providers.second.model=other
                        orchestrator.providers.second.priority=1
                        orchestrator.routes.fast.providers=first,second
                        orchestrator.routes.fast.strategy=latency
                        %s
                        """.formatted(first.baseUrl(), second.baseUrl(), more))
                .toString();
    }

    @Test
    void without_configuration_simulated_providers_are_shown_after_some_traffic() {
        Result result = run("status");

        assertThat(result.code()).isZero();
        assertThat(result.lines()).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(100));
        assertThat(result.lines().get(1)).matches("simulated-1 .*  open \\d+ s  .*  0%  .*  0/5  .*  ok .*");
        assertThat(result.lines().get(2)).matches("simulated-2 .*  closed  .*  100%  .*  94%  .*  6/0  .*  ok .*");
        assertThat(result.out()).contains("default  priority  simulated-1, simulated-2");
        assertThat(result.err()).startsWith("No --config was given").contains("simulated-1 fails on purpose");
    }

    @Test
    void the_readme_shows_it_as_it_is() throws IOException {
        Matcher shown = Pattern.compile("```\n\\./orchestrator status\n\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(Path.of("..", "..", "README.md")));

        assertThat(shown.find()).isTrue();
        assertThat(withoutFigures(shown.group(1)))
                .isEqualTo(withoutFigures(run("status").out()));
    }

    private static String withoutFigures(String table) {
        return table.replaceAll("\\d+(\\.\\d+)? ?(ms|s|%)?", "#").replaceAll(" +", " ");
    }

    @Test
    void each_provider_is_asked_something_free_and_shown_in_the_order_of_the_route() throws IOException {
        first.reply(Reply.error(401, "invalid_api_key", "the key " + KEY + " is unknown"));
        second.reply(MODELS);

        Result result = run("status", "--config", config(""));

        assertThat(result.code()).isZero();
        assertThat(result.err()).isEmpty();
        assertThat(result.lines().get(1)).startsWith("second    openai other ").matches(".*  ok \\d+ ms");
        assertThat(result.lines().get(2)).startsWith("first ").endsWith("  CREDENTIAL");
        assertThat(result.lines().get(3))
                .startsWith("  first comes after the others: its check failed ")
                .endsWith("401 invalid_api_key: the key *** is unknown");
        assertThat(result.out()).endsWith("""

                route    strategy  providers
                default  priority  second, first
                fast     latency   first, second
                """);
        assertThat(List.of(first.awaitRequest().path(), second.awaitRequest().path()))
                .containsOnly("/v1/models");
        assertThat(first.requestCount() + second.requestCount()).isEqualTo(2);
    }

    @Test
    void the_exit_code_is_1_where_nobody_can_be_asked() throws IOException {
        first.reply(Reply.error(503, "overloaded", "busy"));
        second.reply(MODELS);

        assertThat(run("status", "-c", config("orchestrator.providers.second.enabled=false"))
                        .code())
                .isEqualTo(1);
        assertThat(second.requestCount()).isZero();
    }

    @Test
    void nobody_is_asked_anything_without_checks() throws IOException {
        Result result = run("status", "--no-check", "-c", config("orchestrator.health.check=true"));

        assertThat(result.code()).isZero();
        assertThat(result.lines().get(1)).endsWith("  -");
        assertThat(first.requestCount() + second.requestCount()).isZero();
    }

    @Test
    void json_has_everything() throws IOException {
        first.reply(Reply.error(429, "rate_limit_exceeded", "slow down"));
        second.reply(MODELS);

        Result result = run("status", "--json", "-c", config("orchestrator.providers.first.quota.requests-per-day=10"));

        assertThat(result.lines()).hasSize(1);
        JsonNode json = tree(result.out());
        JsonNode provider = json.path("providers").path(0);
        assertThat(provider.path("name").asText()).isEqualTo("first");
        assertThat(provider.path("circuit_breaker").path("state").asText()).isEqualTo("closed");
        assertThat(provider.path("health").path("score").asDouble()).isEqualTo(1);
        assertThat(provider.path("quotas").path(0).path("left").asInt()).isEqualTo(10);
        assertThat(provider.path("deprioritized").asBoolean()).isTrue();
        assertThat(provider.path("check").path("outcome").asText()).isEqualTo("failed");
        assertThat(provider.path("check").path("kind").asText()).isEqualTo("RATE_LIMITED");
        assertThat(provider.path("attempts").path("answered").asInt(-1)).isZero();
        assertThat(json.path("providers").path(1).path("check").path("outcome").asText())
                .isEqualTo("ok");
        assertThat(json.path("routes").path(1).path("providers"))
                .extracting(JsonNode::asText)
                .containsExactly("first", "second");
        assertThat(result.err()).isEmpty();
    }

    private static JsonNode tree(String json) {
        try {
            return new ObjectMapper().readTree(json);
        } catch (JsonProcessingException e) {
            throw new AssertionError("not JSON: " + json, e);
        }
    }

    @Test
    void a_bad_configuration_is_explained_with_exit_code_2() throws IOException {
        Result result = run("status", "--json", "-c", config("orchestrator.health.interval=soon"));

        assertThat(result.code()).isEqualTo(2);
        assertThat(tree(result.out()).path("error").path("type").asText()).isEqualTo("ConfigurationException");
        assertThat(result.err()).startsWith("orchestrator: ").contains("orchestrator.health.interval=soon: must be");
    }

    @ParameterizedTest
    @CsvSource({
        "status --interval 2s, --interval needs --watch",
        "status --watch --interval 5, 'Invalid value for option ''--interval'': must be 100ms to 1440m, such as 2s'",
        "status --watch --interval 99ms, 'Invalid value for option ''--interval'': must be 100ms'",
        "status --watch --interval 1441m, 'Invalid value for option ''--interval'': must be 100ms'",
        "status now, Unmatched argument",
    })
    void bad_usage_is_explained_with_exit_code_2(String line, String message) {
        Result result = run(line.split(" "));

        assertThat(result.code()).isEqualTo(2);
        assertThat(result.out()).isEmpty();
        assertThat(result.err()).startsWith("orchestrator: " + message);
    }

    @Test
    void into_a_pipe_it_is_printed_anew_each_time_until_nobody_reads() {
        Result result = watched(Terminal.NONE, new PassingTime(), 20, "--watch", "--no-check");

        assertThat(result.out())
                .contains(", every 2 s; Ctrl-C ends\n\nprovider ")
                .containsSubsequence("open 15 s", "\n\n", "open 13 s")
                .matches(text -> text.chars().allMatch(c -> c == '\n' || c >= ' '), "is plain");
        assertThat(result.code()).isZero();
    }

    @Test
    void on_a_terminal_it_is_redrawn_in_place() {
        environment = Map.of("NO_COLOR", "1");

        assertThat(watched(TERMINAL, new PassingTime(), 20, "--watch", "--no-check", "--interval", "500ms")
                        .out())
                .startsWith("\u001B[2J\u001B[H\u001B[K")
                .containsSubsequence("every 500 ms", "\n\u001B[J\u001B[H\u001B[K", "every 500 ms")
                .doesNotContain("\u001B[3");
        environment = Map.of();
        assertThat(watched(TERMINAL, new PassingTime(), 20, "--watch", "--no-check")
                        .out())
                .contains("\u001B[31mopen 15 s\u001B[0m");
    }

    @Test
    void json_is_one_object_on_each_line_while_it_is_watched() {
        Result result = watched(TERMINAL, new PassingTime(), 3, "--watch", "--no-check", "--json");

        assertThat(result.lines())
                .hasSize(3)
                .allSatisfy(line -> assertThat(tree(line).path("providers")).hasSize(2));
    }

    @Test
    void whoever_waits_for_long_is_told_for_what() throws IOException {
        first.reply(Reply.hang());
        second.reply(MODELS);

        // Waiting for the checks makes time pass beyond their limit.
        Result result = watched(Terminal.NONE, new PassingTime(), 100, "-c", config(""));

        assertThat(result.err()).isEqualTo("orchestrator: waiting for the answers to the checks\n");
    }

    @Test
    void a_question_goes_to_the_route_that_is_named() throws IOException {
        first.reply(Reply.answer("of the first"));

        assertThat(run("ask", "--route", "fast", "-c", config(""), "Why?").out())
                .isEqualTo("of the first\n");
        assertThat(run("ask", "--route", "fats", "-c", config(""), "Why?"))
                .isEqualTo(new Result(
                        2, "", "orchestrator: unknown route 'fats'; did you mean fast?\nThere are: default, fast\n"));
    }
}
