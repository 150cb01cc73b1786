package ai.orchestrator.server;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.testkit.ScriptedServer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class CheckCommandTest {

    private static final String KEY = "planted-secret-1234567890";

    private static final String GOOD = """
            orchestrator.deadline=20s
            orchestrator.defaults.timeout.connect=2s
            orchestrator.defaults.circuit-breaker.preset=slow-api
            orchestrator.providers.groq-1.type=groq
            orchestrator.providers.groq-1.api-key=${KEY}
            orchestrator.providers.groq-1.circuit-breaker.preset=fast-api
            orchestrator.providers.local.type=openai
            orchestrator.providers.local.base-url=http://localhost:8000/v1
            orchestrator.providers.local.model=${MODEL:qwen3}
            orchestrator.routes.fast.providers=local,groq-1
            """;

    @TempDir
    private Path directory;

    private final Map<String, String> environment = new HashMap<>(Map.of("KEY", KEY));

    private CommandRun check(String text, String... options) throws IOException {
        Path file = Files.writeString(directory.resolve("o.properties"), text);
        return checked(file, options);
    }

    /** With the file's bare name in what is printed. */
    private CommandRun checked(Path file, String... options) {
        String[] args = new String[options.length + 2];
        args[0] = "check";
        args[1] = file.toString();
        System.arraycopy(options, 0, args, 2, options.length);
        CommandRun run = CommandRun.of(environment, args);
        assertThat(run.out() + run.err()).doesNotContain(KEY);
        String name = String.valueOf(file.getFileName());
        return new CommandRun(
                run.code(), run.out().replace(file.toString(), name), run.err().replace(file.toString(), name));
    }

    @Test
    void what_is_set_is_shown_with_where_it_comes_from_and_what_the_type_has_chosen() throws IOException {
        environment.put("ORCHESTRATOR_PROVIDERS_LOCAL_PRIORITY", "7");

        CommandRun run = check(GOOD, "--color=never");

        assertThat(run.out()).isEqualTo("""
                orchestrator
                  deadline                           20s                             line 1

                orchestrator.providers.groq-1
                  type                               groq                            line 4
                  api-key                            ****                            line 5, ${KEY}
                  base-url                           https://api.groq.com/openai/v1  default
                  model                              openai/gpt-oss-20b              default
                  circuit-breaker.failure-threshold  5                               preset fast-api, line 6
                  circuit-breaker.timeout-duration   30s                             preset fast-api, line 6
                  timeout.connect                    2s                              defaults, line 2

                orchestrator.providers.local
                  type                               openai                          line 7
                  base-url                           http://localhost:8000/v1        line 8
                  model                              qwen3                           line 9, ${MODEL}
                  priority                           7                               environment variable \
                ORCHESTRATOR_PROVIDERS_LOCAL_PRIORITY
                  circuit-breaker.failure-threshold  3                               \
                orchestrator.defaults.circuit-breaker.preset=slow-api, line 3
                  circuit-breaker.timeout-duration   60s                             \
                orchestrator.defaults.circuit-breaker.preset=slow-api, line 3
                  timeout.connect                    2s                              defaults, line 2

                orchestrator.routes.fast
                  providers                          local,groq-1                    line 10
                  deadline                           20s                             orchestrator.deadline, line 1
                """);
        assertThat(run.err()).isEqualTo("o.properties: 2 providers, 1 route, no mistakes\n");
        assertThat(run.code()).isZero();
    }

    @Test
    void all_shows_the_defaults_too() throws IOException {
        CommandRun run = check(GOOD, "--color=never", "--all");

        assertThat(run.out().lines())
                .contains(
                        "  drain-timeout                      10s                             default",
                        "  weight                             1                               default",
                        "  api-key                            none                            default",
                        "  strategy                           priority                        default");
        assertThat(run.code()).isZero();
    }

    @Test
    void a_value_too_long_for_its_column_is_shown_in_full() throws IOException {
        String address = "https://a-rather-long-name-of-a-host.example.com/with/a/path/v1";

        CommandRun run = check("""
                orchestrator.providers.a.type=openai
                orchestrator.providers.a.base-url=%s
                """.formatted(address), "--color=never");

        assertThat(run.out().lines())
                .containsExactly(
                        "orchestrator.providers.a",
                        "  type      openai                                line 1",
                        "  base-url  " + address + "  line 2",
                        "  model     gpt-6-luna                            default");
    }

    @Test
    void the_readme_shows_seven_mistakes_as_they_are_told() throws IOException {
        environment.put("GROQ_API_KEY", KEY);
        List<String> shown = Pattern.compile(
                        "```ini\n(.*?)```\n\n```\n\\./orchestrator check bad.properties\n\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(Path.of("..", "..", "README.md")))
                .results()
                .flatMap(blocks -> List.of(blocks.group(1), blocks.group(2)).stream())
                .toList();
        assertThat(shown).hasSize(2);

        CommandRun run = checked(Files.writeString(directory.resolve("bad.properties"), shown.get(0)), "--color=never");

        assertThat(run).isEqualTo(new CommandRun(2, "", shown.get(1)));
        assertThat(run.err().lines()).hasSize(8).last().isEqualTo("bad.properties: 7 mistakes");
    }

    @Test
    void beside_mistakes_what_could_be_read_is_shown_only_if_asked_for() throws IOException {
        String bad = GOOD.replace("20s", "soon");

        assertThat(check(bad).out()).isEmpty();
        CommandRun run = check(bad, "--color=never", "--all");

        assertThat(run.out())
                .contains("  type                               groq                            line 4\n")
                .doesNotContain("soon");
        assertThat(run.err()).startsWith("o.properties:1: orchestrator.deadline=soon: must be a duration");
        assertThat(run.code()).isEqualTo(2);
    }

    @Test
    void a_mistake_in_the_environment_is_told_with_the_variables_name() throws IOException {
        environment.put("ORCHESTRATOR_DEADLINE", "-1s");

        CommandRun run = check(GOOD, "--color=never");

        assertThat(run.err())
                .startsWith("environment variable ORCHESTRATOR_DEADLINE: orchestrator.deadline=-1s: must be ")
                .endsWith("\no.properties: 1 mistake\n");
        assertThat(run.code()).isEqualTo(2);
    }

    @Test
    void a_mistake_that_is_in_no_line_is_told_with_the_files_name() throws IOException {
        assertThat(check("", "--color=never").err()).isEqualTo("""
                o.properties: orchestrator.providers: none is configured; configure at least one, for example \
                orchestrator.providers.groq.type=groq
                o.properties: 1 mistake
                """);
    }

    @Test
    void warnings_are_told_and_refuse_only_if_strict() throws IOException {
        String warned = GOOD.replace("local,groq-1", "local");
        String warning = "o.properties:4: warning: orchestrator.providers.groq-1: no route lists it, so only calls that"
                + " name no route ask it\no.properties: 2 providers, 1 route, no mistakes, 1 warning";

        CommandRun run = check(warned, "--color=never");
        CommandRun strict = check(warned, "--color=never", "--strict");

        assertThat(run.err()).isEqualTo(warning + "\n");
        assertThat(run.code()).isZero();
        assertThat(strict).isEqualTo(new CommandRun(2, run.out(), warning + ", and --strict allows none\n"));
        assertThat(check(GOOD, "--strict").code()).isZero();
    }

    @Test
    void json_has_values_mistakes_and_warnings() throws IOException {
        CommandRun run = check(GOOD.replace("local,groq-1", "local").replace("groq\n", "grok\n"), "--json");

        JsonNode json = new ObjectMapper().readTree(run.out());
        assertThat(run.out().lines()).hasSize(1);
        assertThat(json.path("file").asText()).isEqualTo("o.properties");
        assertThat(json.path("values"))
                .contains(
                        new ObjectMapper()
                                .readTree(
                                        "{\"key\":\"orchestrator.deadline\",\"value\":\"20s\",\"origin\":\"line 1\"}"),
                        new ObjectMapper().readTree("{\"key\":\"orchestrator.drain-timeout\",\"value\":\"10s\"}"),
                        new ObjectMapper()
                                .readTree("{\"key\":\"orchestrator.providers.groq-1.api-key\",\"value\":\"****\","
                                        + "\"origin\":\"line 5, ${KEY}\"}"));
        JsonNode mistake = json.path("mistakes").path(0);
        assertThat(json.path("mistakes")).hasSize(1);
        assertThat(mistake.path("source").asText()).isEqualTo("o.properties");
        assertThat(mistake.path("line").asInt()).isEqualTo(4);
        assertThat(mistake.path("key").asText()).isEqualTo("orchestrator.providers.groq-1.type");
        assertThat(mistake.path("value").asText()).isEqualTo("grok");
        assertThat(mistake.path("problem").asText()).startsWith("unknown provider type; allowed: anthropic, ");
        assertThat(mistake.path("nearest").asText()).isEqualTo("groq");
        assertThat(json.path("warnings").path(0).path("line").asInt()).isEqualTo(4);
        assertThat(run.code()).isEqualTo(2);
        assertThat(check(GOOD, "--json").code()).isZero();
    }

    @Test
    void a_file_that_cannot_be_read_is_told_in_one_sentence() throws IOException {
        Path binary = Files.write(directory.resolve("binary"), new byte[] {(byte) 0xff, (byte) 0xfe});
        Path log = Files.writeString(directory.resolve("log"), "#".repeat(1024 * 1024 + 1));
        Path folder = Files.createDirectory(directory.resolve("folder"));

        assertThat(checked(directory.resolve("none"), "--color=never"))
                .isEqualTo(new CommandRun(2, "", "none: there is no such file\n"));
        assertThat(checked(folder, "--color=never")).isEqualTo(new CommandRun(2, "", "folder: it is a directory\n"));
        assertThat(checked(binary, "--color=never")).isEqualTo(new CommandRun(2, "", "binary: it is not UTF-8\n"));
        assertThat(checked(log, "--color=never"))
                .isEqualTo(new CommandRun(2, "", "log: it is larger than 1 MB, so no configuration\n"));
        assertThat(checked(folder, "--json", "--color=never").out())
                .isEqualTo("{\"file\":\"folder\",\"values\":[],\"mistakes\":[{\"problem\":\"it is a directory\"}],"
                        + "\"warnings\":[]}\n");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "orchestrator.providers.a.api-key=KEY",
                "orchestrator.providers.a.api-kye=KEY",
                "orchestrator.providers.a.model=KEY\norchestrator.providers.a.api-key=KEY",
                "orchestrator.providers.a.priority=KEY\norchestrator.providers.a.api-key=KEY",
                "orchestrator.providers.a.api-key=KEY ",
                "orchestrator.providers.a.api-key=KEY KEY",
                "orchestrator.providers.a.model=${KEY}",
                "orchestrator.providers.a.type=${KEY}",
                "orchestrator.providers.a.api-key=${UNSET:KEY}",
                "KEY",
            })
    void a_key_is_not_shown_wherever_it_is(String lines) throws IOException {
        String text = "orchestrator.providers.a.type=openai\n"
                + lines.replace("KEY}", "K}").replace("KEY", "sk-" + KEY).replace("K}", "KEY}");

        check(text, "--all");
        check(text, "--json", "--all");
    }

    @Test
    void mistakes_are_red_and_warnings_yellow_on_a_terminal() throws IOException {
        String warned = GOOD.replace("local,groq-1", "local");

        assertThat(check(warned).err()).startsWith("\u001B[33mo.properties:4:\u001B[0m warning: ");
        assertThat(check(warned).out()).startsWith("\u001B[1morchestrator\u001B[0m\n  deadline ");
        assertThat(check(warned + "x=y").err()).contains("\n\u001B[31mo.properties:11:\u001B[0m x: unknown key");
        environment.put("NO_COLOR", "1");
        assertThat(check(warned).err() + check(warned).out()).doesNotContain("\u001B");
    }

    @Test
    void nothing_is_sent() throws IOException {
        try (ScriptedServer server = ScriptedServer.start()) {
            CommandRun run = check("""
                    orchestrator.health.check=true
                    orchestrator.providers.a.type=openai
                    orchestrator.providers.a.base-url=%s
                    """.formatted(server.baseUrl()));

            assertThat(run.code()).isZero();
            assertThat(server.requestCount()).isZero();
        }
    }
}
