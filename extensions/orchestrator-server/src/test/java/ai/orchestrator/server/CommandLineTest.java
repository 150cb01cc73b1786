package ai.orchestrator.server;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class CommandLineTest {

    private static final String KEY = "sk-planted-secret-1234567890";

    @TempDir
    private Path directory;

    private final ScriptedServer first = ScriptedServer.start();
    private final ScriptedServer second = ScriptedServer.start();

    private record Result(int code, String out, String err) {}

    @AfterEach
    void stopServers() {
        first.close();
        second.close();
    }

    private Result run(String input, String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int code = Main.run(
                args,
                new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                StandardCharsets.UTF_8,
                Map.of("KEY", KEY),
                Terminal.NONE);
        Result result = new Result(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
        assertThat(result.out() + result.err()).doesNotContain(KEY).doesNotContain("\tat ");
        return result;
    }

    private String config() throws IOException {
        return Files.writeString(directory.resolve("o.properties"), """
                        orchestrator.providers.first.type=openai
                        orchestrator.providers.first.base-url=%s
                        orchestrator.providers.first.api-key=${KEY}
                        orchestrator.providers.first.priority=1
                        orchestrator.providers.second.type=openai
                        orchestrator.providers.second.base-url=%s
                        orchestrator.providers.second.priority=2
                        """.formatted(first.baseUrl(), second.baseUrl()))
                .toString();
    }

    @Test
    void without_configuration_a_simulated_provider_fails_and_another_answers() {
        Result result = run("", "ask", "Why is the sky blue?");

        assertThat(result.code()).isZero();
        assertThat(result.out())
                .startsWith("This is a simulated answer to \"Why is the sky blue?\"")
                .endsWith(".\n");
        assertThat(result.out().lines()).hasSize(1);
        assertThat(result.err())
                .contains("simulated providers")
                .contains("simulated-1 failed")
                .contains("simulated-2 answered");
    }

    @Test
    void configured_providers_answer_and_nothing_else_is_printed() throws IOException {
        first.reply(Reply.answer("Rayleigh."));

        assertThat(run("", "ask", "--config", config(), "Why", "blue?")).isEqualTo(new Result(0, "Rayleigh.\n", ""));
        assertThat(first.requests().get(0).body()).contains("\"Why blue?\"");
    }

    @Test
    void verbose_shows_what_was_tried() throws IOException {
        Reply failure = Reply.error(500, "server_error", "for " + KEY);
        first.reply(failure, failure);
        second.reply(Reply.answer("Rayleigh."));

        Result result = run("", "ask", "--verbose", "-c", config(), "Why?");

        assertThat(result.out()).isEqualTo("Rayleigh.\n");
        List<String> lines = result.err().lines().toList();
        assertThat(lines.subList(0, 2))
                .allSatisfy(line -> assertThat(line).contains("first failed", "SERVER: 500 server_error: for ***"));
        assertThat(lines.get(2)).contains("second answered");
        assertThat(lines.get(3)).matches("  total \\d+ ms; model: scripted-1; tokens: 8 in, 1 out");
    }

    @Test
    void an_answer_without_model_and_usage_says_so() throws IOException {
        Reply bare = Reply.json("""
                {"choices":[{"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}]}""");
        first.reply(bare, bare);
        String config = config();

        assertThat(run("", "ask", "--verbose", "-c", config, "Why?").err())
                .contains("model: unnamed; tokens: not reported");
        JsonNode json = new ObjectMapper()
                .readTree(run("", "ask", "--json", "-c", config, "Why?").out());
        assertThat(json.has("model")).isFalse();
        assertThat(json.has("usage")).isFalse();
    }

    @Test
    void a_question_with_an_at_sign_is_never_replaced_by_a_file() throws IOException {
        Path secret = Files.writeString(directory.resolve("secret"), "do-not-send");
        first.reply(Reply.answer("ok"));

        assertThat(run("", "ask", "-c", config(), "@" + secret).code()).isZero();
        assertThat(first.requests().get(0).body()).contains("\"@").doesNotContain("do-not-send");
    }

    @Test
    void a_hyphen_reads_the_question_from_standard_input() throws IOException {
        first.reply(Reply.answer("ok"));

        assertThat(run("Größe?\n", "ask", "-c", config(), "-").code()).isZero();
        assertThat(first.requests().get(0).body()).contains("\"Größe?\"");
    }

    @Test
    void json_has_the_answer_and_the_trail() throws IOException {
        first.reply(Reply.error(429, "rate_limit_exceeded", "slow down"));
        second.reply(Reply.answer("two words").withModel("m"));

        Result result = run("", "ask", "--json", "-c", config(), "Why?");

        JsonNode json = new ObjectMapper().readTree(result.out());
        assertThat(json.path("answer").asText()).isEqualTo("two words");
        assertThat(json.path("provider").asText()).isEqualTo("second");
        assertThat(json.path("model").asText()).isEqualTo("m");
        assertThat(json.path("usage").path("output_tokens").asInt()).isEqualTo(2);
        assertThat(json.path("trail").path(0).path("kind").asText()).isEqualTo("RATE_LIMITED");
        assertThat(json.path("trail").path(0).path("status").asInt()).isEqualTo(429);
        assertThat(json.path("trail").path(1).path("outcome").asText()).isEqualTo("answered");
        assertThat(result.err()).isEmpty();
    }

    @Test
    void when_all_are_down_each_ones_reason_is_listed_and_the_exit_code_is_1() throws IOException {
        first.reply(Reply.error(503, "server_is_overloaded", "busy"));
        second.reply(Reply.error(401, "invalid_api_key", "who?"));

        Result result = run("", "ask", "-c", config(), "Why?");

        assertThat(result.code()).isEqualTo(1);
        assertThat(result.out()).isEmpty();
        assertThat(result.err())
                .contains("orchestrator: no provider could answer", "first failed", "busy", "second failed", "who?");
    }

    @Test
    void json_of_a_failure_names_the_error() throws IOException {
        first.reply(Reply.error(400, "invalid_value", "bad"));

        Result result = run("", "ask", "--json", "-c", config(), "Why?");

        assertThat(result.code()).isEqualTo(1);
        JsonNode json = new ObjectMapper().readTree(result.out());
        assertThat(json.path("error").path("type").asText()).isEqualTo("RequestRejectedException");
        assertThat(json.path("trail")).hasSize(1);
        assertThat(result.err()).contains("first rejected the request");
    }

    @Test
    void silent_providers_end_at_the_deadline_with_exit_code_1() throws IOException {
        first.reply(Reply.hang());
        second.reply(Reply.hang());
        Path file = Path.of(config());
        Files.writeString(file, Files.readString(file) + "orchestrator.deadline=300ms");

        Result result = run("", "ask", "-c", file.toString(), "Why?");

        assertThat(result.code()).isEqualTo(1);
        assertThat(result.out()).isEmpty();
        assertThat(result.err()).startsWith("orchestrator: No answer within the deadline of 300 ms");
    }

    @Test
    void json_of_a_bad_configuration_names_the_error() throws IOException {
        Result result = run("", "ask", "--json", "-c", "none.properties", "Why?");

        assertThat(result.code()).isEqualTo(2);
        JsonNode json = new ObjectMapper().readTree(result.out());
        assertThat(json.path("error").path("type").asText()).isEqualTo("ConfigurationException");
        assertThat(json.path("trail").isEmpty()).isTrue();
        assertThat(result.err()).isEqualTo("orchestrator: none.properties: there is no such file\n");
    }

    @Test
    void json_of_a_bad_configuration_has_each_mistake_with_its_line() throws IOException {
        Path file = Path.of(config());
        Files.writeString(file, Files.readString(file) + "orchestrator.deadlne=1s\norchestrator.deadline=soon");

        for (String command : List.of("ask", "status")) {
            Result result =
                    run("", command, "--json", "-c", file.toString(), command.equals("ask") ? "Why?" : "--no-check");

            assertThat(result.code()).isEqualTo(2);
            JsonNode mistakes =
                    new ObjectMapper().readTree(result.out()).path("error").path("mistakes");
            assertThat(mistakes).hasSize(2);
            assertThat(mistakes.path(0).path("line").asInt()).isEqualTo(8);
            assertThat(mistakes.path(0).path("nearest").asText()).isEqualTo("orchestrator.deadline");
            assertThat(mistakes.path(1).path("line").asInt()).isEqualTo(9);
            assertThat(mistakes.path(1).path("value").asText()).isEqualTo("soon");
            assertThat(result.err())
                    .startsWith("orchestrator: " + file + ": 2 mistakes\n  line 8: orchestrator.deadlne: ")
                    .contains("\n  line 9: orchestrator.deadline=soon: ");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "orchestrator.providers.a.typ=openai|orchestrator.providers.a.typ: unknown key",
                "orchestrator.providers.first.timeout.total=x|timeout.total=x: must be a duration",
                "orchestrator.providers.a.type=groq|orchestrator.providers.a.api-key: missing",
                "orchestrator.providers.a.type=grok|unknown provider type; allowed: anthropic, ",
                "orchestrator.providers.first.type=groq|given twice",
                "orchestrator.metrics.enabled=true|not available yet",
                "orchestrator.providers.a.priority=high|orchestrator.providers.a.priority=high: must be",
                "orchestrator.providers.a.api-key=${UNSET}|the environment variable UNSET",
                "orchestrator.providers.a.type=openai;orchestrator.providers.a.base-url=http://llm.example.com/v1"
                        + "|plain http to another machine",
                "orchestrator.providers.a.type=openai;orchestrator.providers.a.base-url=llm.example.com/v1"
                        + "|must start with https://",
            })
    void a_mistake_in_the_configuration_is_named_and_nothing_is_sent(String line, String message) throws IOException {
        Path file = Path.of(config());
        Files.writeString(file, Files.readString(file) + line.replace(';', '\n'));

        Result result = run("", "ask", "-c", file.toString(), "Why?");

        assertThat(result.code()).isEqualTo(2);
        assertThat(result.out()).isEmpty();
        assertThat(result.err())
                .startsWith("orchestrator: ")
                .contains("o.properties")
                .contains(message);
        assertThat(first.requestCount() + second.requestCount()).isZero();
    }

    @Test
    void a_missing_file_is_named() {
        Result result = run("", "ask", "-c", "none.properties", "Why?");

        assertThat(result.code()).isEqualTo(2);
        assertThat(result.err()).isEqualTo("orchestrator: none.properties: there is no such file\n");
    }

    @ParameterizedTest
    @CsvSource({
        "'', Missing command",
        "ask, Missing required parameter: 'QUESTION'",
        "ask -, The question is empty",
        "ask --, Missing required parameter: 'QUESTION'",
        "check, Missing required parameter: 'FILE'",
        "aks hello, Unmatched argument",
        "ask --jsn hello, Unknown option: '--jsn'",
        "ask --config, Missing required parameter for option '--config'",
        "demo --color=red, Invalid value for option '--color': must be auto",
        "demo basc, unknown scenario 'basc'; did you mean basic?",
    })
    void bad_usage_is_explained_with_exit_code_2(String line, String message) {
        Result result = run(" \n", line.isEmpty() ? new String[0] : line.split(" "));

        assertThat(result.code()).isEqualTo(2);
        assertThat(result.out()).isEmpty();
        assertThat(result.err()).startsWith("orchestrator: " + message);
    }

    @Test
    void a_misspelt_option_or_command_is_answered_with_what_is_known() {
        assertThat(run("", "aask", "Why?").err()).contains("Did you mean: orchestrator ask?");
        assertThat(run("", "aks", "Why?").err()).contains("Usage: orchestrator", "ask     Asks one question");
        assertThat(run("", "ask", "--verbos", "Why?").err()).contains("Possible solutions: --verbose");
    }

    @Test
    void help_and_version_go_to_standard_output() {
        assertThat(run("", "--help").out()).contains("Usage: orchestrator", "ask");
        assertThat(run("", "ask", "--help").out()).contains("--config", "Exit codes:");
        assertThat(run("", "demo", "--help").out())
                .contains("basic, recovery, failed-recovery,", "auto, always, never", "Exit codes:");
        assertThat(run("", "--version").out()).startsWith("orchestrator ");
    }
}
