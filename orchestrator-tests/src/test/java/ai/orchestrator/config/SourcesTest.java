package ai.orchestrator.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import ai.orchestrator.ConfigurationException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorSettings;
import ai.orchestrator.OrchestratorStatus;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.RouteSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where values come from, and which of them wins (C1). */
class SourcesTest {

    private static final String KEY = "orchestrator.providers.groq-1.timeout.total";
    private static final String FILE = """
            orchestrator.defaults.timeout.total=1s
            orchestrator.providers.groq-1.type=groq
            orchestrator.providers.groq-1.api-key=${GROQ_API_KEY}
            orchestrator.providers.groq-1.timeout.total=2s
            """;

    @TempDir
    private Path directory;

    @Test
    void the_program_wins_over_system_properties_over_the_environment_over_the_file_over_the_defaults()
            throws IOException {
        Map<String, String> environment = new HashMap<>(Map.of("GROQ_API_KEY", "gsk-1"));
        Map<String, String> properties = new HashMap<>();
        String[][] expected = {
            {"1s", "orchestrator.defaults.timeout.total, line 1"},
            {"2s", "line 4"},
            {"3s", "environment variable ORCHESTRATOR_PROVIDERS_GROQ_1_TIMEOUT_TOTAL"},
            {"4s", "system property " + KEY},
            {"5s", "set by the program"}
        };
        for (int strongest = 0; strongest < expected.length; strongest++) {
            if (strongest == 2) {
                environment.put("ORCHESTRATOR_PROVIDERS_GROQ_1_TIMEOUT_TOTAL", "3s");
            }
            if (strongest == 3) {
                properties.put(KEY, "4s");
            }
            ConfigLoader loader = ConfigFiles.loader(directory, strongest == 0 ? FILE.replace(KEY, "#" + KEY) : FILE)
                    .environment(environment)
                    .systemProperties(properties);
            if (strongest == 4) {
                loader.set(KEY, "5s");
            }

            ConfigReport report = loader.check();

            assertThat(report.mistakes()).isEmpty();
            assertThat(ConfigFiles.value(report, KEY)).isEqualTo(expected[strongest][0]);
            assertThat(ConfigFiles.origin(report, KEY)).isEqualTo(expected[strongest][1]);
            assertThat(report.settings().orElseThrow().providers().get(0).totalTimeout())
                    .contains(Duration.ofSeconds(strongest + 1));
        }
    }

    @Test
    void what_the_builder_is_told_last_wins_over_all() throws IOException {
        Orchestrator.Builder builder = ConfigFiles.loader(directory, ConfigFiles.GOOD)
                .systemProperties(Map.of("orchestrator.deadline", "3s"))
                .load()
                .toBuilder()
                .deadline(Duration.ofSeconds(1));

        assertThat(builder.settings().deadline()).isEqualTo(Duration.ofSeconds(1));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ORCHESTRATOR_PROVIDERS_GROQ_1_CIRCUIT_BREAKER_FAILURE_THRESHOLD",
                "ORCHESTRATOR_PROVIDERS_GROQ1_CIRCUITBREAKER_FAILURETHRESHOLD",
                "ORCHESTRATOR_PROVIDERS_GROQ_1_CIRCUITBREAKER_FAILURETHRESHOLD"
            })
    void a_variable_may_have_its_hyphens_as_underscores_or_not_at_all(String variable) throws IOException {
        ConfigReport report = ConfigFiles.loader(directory, FILE)
                .environment(Map.of("GROQ_API_KEY", "gsk-1", variable, "9"))
                .check();

        assertThat(report.mistakes()).isEmpty();
        assertThat(ConfigFiles.value(report, "orchestrator.providers.groq-1.circuit-breaker.failure-threshold"))
                .isEqualTo("9");
    }

    @Test
    void the_environment_alone_can_configure_everything() {
        ConfigReport report = ConfigLoader.withoutFile()
                .systemProperties(Map.of())
                .environment(Map.of(
                        "ORCHESTRATOR_PROVIDERS_MY_GROQ_TYPE", "groq",
                        "ORCHESTRATOR_PROVIDERS_MY_GROQ_API_KEY", "gsk-1",
                        "ORCHESTRATOR_PROVIDERS_MY_GROQ_CIRCUIT_BREAKER_PRESET", "fast-api",
                        "ORCHESTRATOR_PROVIDERS_C_TYPE", "anthropic",
                        "ORCHESTRATOR_PROVIDERS_C_API_KEY", "sk-1",
                        "ORCHESTRATOR_PROVIDERS_C_MAX_TOKENS", "99",
                        "ORCHESTRATOR_ROUTES_FAST_PROVIDERS_0", "my-groq",
                        "ORCHESTRATOR_ROUTES_SLOW_PROVIDERS", "c,my-groq",
                        "ORCHESTRATOR_ROUTES_SLOW_STREAM_RESCUE", "HOLD",
                        "ORCHESTRATOR_DEADLINE", "9s"))
                .check();

        assertThat(report.mistakes()).isEmpty();
        OrchestratorSettings settings = report.settings().orElseThrow();
        assertThat(settings.deadline()).isEqualTo(Duration.ofSeconds(9));
        assertThat(settings.providers()).extracting(ProviderSettings::name).containsExactlyInAnyOrder("my-groq", "c");
        assertThat(settings.routes())
                .extracting(RouteSettings::name, RouteSettings::providers)
                .containsExactlyInAnyOrder(tuple("fast", List.of("my-groq")), tuple("slow", List.of("c", "my-groq")));
    }

    @Test
    void a_variable_that_may_mean_two_providers_is_a_mistake() throws IOException {
        ConfigReport report = ConfigFiles.loader(directory, FILE + "orchestrator.providers.groq1.type=ollama\n")
                .environment(Map.of("GROQ_API_KEY", "gsk-1", "ORCHESTRATOR_PROVIDERS_GROQ_1_PRIORITY", "3"))
                .check();

        assertThat(report.mistakes())
                .hasToString("[environment variable ORCHESTRATOR_PROVIDERS_GROQ_1_PRIORITY: may mean groq-1 and groq1,"
                        + " which are the same in the name of a variable; rename one of the two]");
    }

    @Test
    void a_bad_value_is_a_mistake_wherever_it_comes_from() throws IOException {
        ConfigReport report = ConfigFiles.loader(directory, FILE)
                .environment(Map.of("GROQ_API_KEY", "gsk-1", "ORCHESTRATOR_DEADLINE", "soon"))
                .systemProperties(Map.of("orchestrator.cache.ttl", "never"))
                .set("orchestrator.health.check", "perhaps")
                .set("orchestrator.helth.check", "true")
                .set("deadline", "3s")
                .check();

        assertThat(report.mistakes())
                .extracting(String::valueOf)
                .containsExactlyInAnyOrder(
                        "environment variable ORCHESTRATOR_DEADLINE: orchestrator.deadline=soon: must be a duration, more"
                                + " than 0s, such as 500ms, 60s, 5m, 2h, 30d or PT1M30S",
                        "system property orchestrator.cache.ttl: orchestrator.cache.ttl=never: must be a duration, more"
                                + " than 0s, such as 500ms, 60s, 5m, 2h, 30d or PT1M30S",
                        "set by the program: orchestrator.health.check=perhaps: must be true or false",
                        "set by the program: orchestrator.helth.check: unknown key; did you mean"
                                + " orchestrator.health.check?",
                        "set by the program: deadline: unknown key; did you mean orchestrator.deadline?");
    }

    @Test
    void a_variable_that_is_not_set_may_have_been_meant_to_be_one_that_is() throws IOException {
        assertThat(ConfigFiles.loader(directory, FILE)
                        .environment(Map.of("GROQ_APIKEY", "gsk-1"))
                        .check()
                        .mistakes())
                .hasToString("[line 3: orchestrator.providers.groq-1.api-key: missing; the environment variable"
                        + " GROQ_API_KEY is not set; set it, or give a default as ${GROQ_API_KEY:default}; did you mean"
                        + " ${GROQ_APIKEY}?]");
    }

    @Test
    void a_value_that_a_stronger_source_has_need_not_be_right_in_the_weaker_one() throws IOException {
        ConfigReport report = ConfigFiles.loader(directory, FILE)
                .set("orchestrator.providers.groq-1.api-key", "gsk-vault")
                .check();

        assertThat(report.mistakes()).isEmpty();
        assertThat(report.settings().orElseThrow().providers().get(0).apiKey()).contains("gsk-vault");
    }

    @Test
    void what_is_almost_a_key_is_warned_of_and_what_is_not_is_passed_over() throws IOException {
        ConfigReport report = ConfigFiles.loader(directory, FILE)
                .environment(Map.of(
                        "GROQ_API_KEY", "gsk-1",
                        "ORCHESTRATOR_DEDLINE", "3s",
                        "ORCHESTRATOR_PROVIDERS_GROQ_1_PRIORTY", "3",
                        "ORCHESTRATOR_HOME", "/opt",
                        "ORCHESTRATOR_VERSION", "1"))
                .systemProperties(Map.of("orchestrator.debug", "true", "orchestrator.cache.tll", "1s", "other", "x"))
                .check();

        assertThat(report.mistakes()).isEmpty();
        assertThat(report.warnings())
                .extracting(String::valueOf)
                .containsExactlyInAnyOrder(
                        "environment variable ORCHESTRATOR_DEDLINE: is no key of the configuration and has no effect; did"
                                + " you mean ORCHESTRATOR_DEADLINE?",
                        "environment variable ORCHESTRATOR_PROVIDERS_GROQ_1_PRIORTY: is no key of the configuration and has"
                                + " no effect; did you mean ORCHESTRATOR_PROVIDERS_GROQ_1_PRIORITY?",
                        "system property orchestrator.cache.tll: is no key of the configuration and has no effect; did you"
                                + " mean orchestrator.cache.ttl?");
    }

    @ParameterizedTest
    @CsvSource({
        "api-key=gsk-of-line, API_KEY_FILE, key, gsk-of-file",
        "api-key-file=key, API_KEY, gsk-of-line, gsk-of-line",
    })
    void of_a_key_and_a_key_file_the_stronger_source_wins(String line, String variable, String value, String expected)
            throws IOException {
        Files.writeString(directory.resolve("key"), "\n  gsk-of-file \r\n");
        ConfigReport report = ConfigFiles.loader(
                        directory, "orchestrator.providers.groq-1.type=groq\norchestrator.providers.groq-1." + line)
                .environment(Map.of("ORCHESTRATOR_PROVIDERS_GROQ_1_" + variable, value))
                .check();

        assertThat(report.mistakes()).isEmpty();
        assertThat(report.settings().orElseThrow().providers().get(0).apiKey()).contains(expected);
        assertThat(report.toString()).doesNotContain("gsk-of-");
    }

    @Test
    void a_key_file_is_looked_for_beside_the_properties_file_and_never_shown() throws IOException {
        Path secrets = Files.createDirectory(directory.resolve("secrets"));
        Files.writeString(secrets.resolve("groq"), "gsk-of-file-123456\n");
        ConfigReport report = ConfigFiles.loader(directory, """
                        orchestrator.providers.g.type=groq
                        orchestrator.providers.g.api-key-file=secrets/groq
                        orchestrator.providers.g.organization=gsk-of-file-123456
                        orchestrator.providers.g.model=gsk-of-file-123456
                        """).check();

        assertThat(ConfigFiles.value(report, "orchestrator.providers.g.api-key"))
                .isEqualTo("****");
        assertThat(ConfigFiles.origin(report, "orchestrator.providers.g.api-key"))
                .isEqualTo("line 2, file secrets/groq");
        assertThat(ConfigFiles.value(report, "orchestrator.providers.g.model")).isEqualTo("****");
        assertThat(report.mistakes().toString() + report.values() + report.warnings())
                .doesNotContain("gsk-of-file");
    }

    @Test
    void a_key_file_that_holds_no_key_is_refused_without_showing_it() throws IOException {
        Files.writeString(directory.resolve("two"), "gsk-first-123456\ngsk-second-123456\n");
        Files.writeString(directory.resolve("empty"), " \n");
        Files.write(directory.resolve("large"), new byte[70_000]);
        Files.writeString(directory.resolve("umlaut"), "gsk-ä");
        for (String[] expected : List.of(
                new String[] {"two", "must hold the key alone, in visible ASCII without blanks or line breaks"},
                new String[] {"empty", "is empty"},
                new String[] {"large", "is larger than 64 KB, so no key"},
                new String[] {"umlaut", "must hold the key alone, in visible ASCII without blanks or line breaks"})) {
            ConfigReport report = ConfigFiles.loader(
                            directory,
                            "orchestrator.providers.g.type=groq\norchestrator.providers.g.api-key-file=" + expected[0])
                    .check();

            assertThat(report.mistakes())
                    .hasToString("[line 2: orchestrator.providers.g.api-key-file=" + expected[0] + ": the file "
                            + directory.resolve(expected[0]) + " " + expected[1] + "]");
        }
        assertThatThrownBy(() -> ProviderSettings.builder("p").apiKeyFile(directory.resolve("two")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageNotContaining("gsk");
    }

    @Test
    void providers_keep_the_order_of_the_file_whatever_else_is_said_of_them() throws IOException {
        try (Orchestrator orchestrator = ConfigFiles.loader(directory, """
                        orchestrator.providers.z.type=ollama
                        orchestrator.providers.a.type=ollama
                        orchestrator.providers.z.model=m
                        """)
                .environment(Map.of("ORCHESTRATOR_PROVIDERS_A_MODEL", "x"))
                .systemProperties(Map.of("orchestrator.providers.a.weight", "3"))
                .load()
                .orchestrator()) {
            assertThat(orchestrator.status().routes())
                    .containsExactly(new OrchestratorStatus.Route("default", "priority", List.of("z", "a")));
        }
    }

    @Test
    void two_spellings_of_one_key_are_a_mistake_wherever_they_are() throws IOException {
        ConfigReport report = ConfigFiles.loader(directory, ConfigFiles.GOOD)
                .environment(Map.of("ORCHESTRATOR_DRAIN_TIMEOUT", "1s", "ORCHESTRATOR_DRAINTIMEOUT", "2s"))
                .systemProperties(Map.of("orchestrator.cache.max-size", "1MB", "orchestrator.cache.maxSize", "2MB"))
                .set("orchestrator.stream-rescue", "hold")
                .set("orchestrator.streamRescue", "fail")
                .check();

        assertThat(report.mistakes())
                .extracting(String::valueOf)
                .containsExactlyInAnyOrder(
                        "environment variable ORCHESTRATOR_DRAIN_TIMEOUT: set twice, also as ORCHESTRATOR_DRAINTIMEOUT; set"
                                + " it once",
                        "system property orchestrator.cache.maxSize: set twice, also as orchestrator.cache.max-size; set it"
                                + " once",
                        "set by the program: orchestrator.streamRescue: set twice, also as orchestrator.stream-rescue; set"
                                + " it once");
    }

    @Test
    void quotes_and_remarks_that_became_a_part_of_a_value_are_warned_of() throws IOException {
        ConfigReport report = ConfigFiles.loader(directory, """
                        orchestrator.providers.a.type=ollama
                        orchestrator.providers.a.model=llama # the best
                        orchestrator.providers.a.api-key="gsk-0123456789"
                        """).check();

        assertThat(report.mistakes()).isEmpty();
        assertThat(report.warnings())
                .extracting(String::valueOf)
                .containsExactly(
                        "line 2: orchestrator.providers.a.model: all of it is the value; a comment needs a line of its own",
                        "line 3: orchestrator.providers.a.api-key: all of it is the value; leave out the quotes");
    }

    @Test
    void a_provider_that_is_never_asked_gives_no_warning() throws IOException {
        ConfigReport report = ConfigFiles.loader(directory, """
                        orchestrator.providers.a.type=ollama
                        orchestrator.providers.a.enabled=false
                        orchestrator.providers.b.type=ollama
                        orchestrator.providers.c.type=ollama
                        orchestrator.providers.c.weight=0
                        orchestrator.routes.r.providers=b
                        """).check();

        assertThat(report.mistakes()).isEmpty();
        assertThat(report.warnings()).isEmpty();
    }

    @Test
    void a_key_is_masked_however_long_and_wherever_it_is() throws IOException {
        String longKey = "a-key-".repeat(100) + "end";
        ConfigReport report = ConfigFiles.loader(directory, """
                        orchestrator.providers.a.type=openai
                        orchestrator.providers.a.api-key=abcdefgh
                        orchestrator.providers.b.type=openai
                        orchestrator.providers.b.api-key=abcdefghTAIL
                        orchestrator.providers.b.model=abcdefghTAIL
                        orchestrator.providers.c.type=openai
                        orchestrator.providers.c.api-key=%1$s
                        orchestrator.providers.c.model=%1$s
                        orchestrator.providers.sk-abcdefghij0123456789abcd.type=openai
                        orchestrator.providers.sk-abcdefghij0123456789abcd.api-key=${SECRETS_DIR}
                        orchestrator.providers.hf-inference-europe.type=openai
                        orchestrator.providers.hf-inference-europe.model=hf-internal-testing/tiny
                        """.formatted(longKey))
                .environment(Map.of("SECRETS_DIR", "/run/secrets"))
                .check();

        String said = report.mistakes() + " " + report.warnings() + " " + report.values();
        assertThat(said)
                .doesNotContain("TAIL", "a-key-a-key", "abcdefghij0123")
                .contains("orchestrator.providers.hf-inference-europe.type", "hf-internal-testing/tiny");
    }

    @Test
    void masking_takes_no_time_however_long_a_text_is() {
        Secrets secrets = new Secrets();
        for (String piece : List.of("sk-", "sk-a", "a", "1", "a1", "a1-", "sk-a_", "eyJ", "AIza")) {
            String text = piece.repeat(200_000 / piece.length());
            // A quadratic search would take minutes.
            assertThat(secrets.mask(text)).isNotNull();
        }
    }

    @Test
    void words_that_people_say_are_not_masked_and_keys_are() {
        Secrets secrets = new Secrets();
        secrets.add("orchestrator");
        for (String word : List.of(
                "orchestrator.providers.xai-grok-4-fast-reasoning.type",
                "hf-mistral-7b-instruct-v03",
                "hf-internal-testing/tiny",
                "/run/secrets/hf_production_token",
                "meta-llama/Llama-3.3-70B-Instruct-Turbo",
                "accounts/fireworks/models/qwen3-235b-a22b",
                "supercalifragilisticexpialidocious")) {
            assertThat(secrets.mask(word)).isEqualTo(word);
        }
        for (String key : List.of(
                "sk-proj-abcdef0123456789",
                "sk-ant-api03-abcdefABCDEF0123456789",
                "gsk_abcdefghij0123456789",
                "ghp_0123456789abcdefghij0123456789abcdef",
                "abcdef0123456789abcdef01",
                "AIzaSyA-0123456789_abcdefghij")) {
            assertThat(secrets.mask("is " + key + ", no"))
                    .doesNotContain(key)
                    .startsWith("is ")
                    .endsWith(", no");
        }
        assertThat(List.of("GROQ_API_KEY", "GROQ_API_KEY_2", "HF_TOKEN", "TOKEN_PROD", "KEY"))
                .allMatch(Secrets::isSecret);
        assertThat(List.of("SECRETS_DIR", "TOKENS_PER_MINUTE", "MONKEY_URL", "API_KEY_FILE", "DEADLINE"))
                .noneMatch(Secrets::isSecret);
    }

    @Test
    void the_place_of_a_file_is_shown_whatever_it_is_called() throws IOException {
        Path hashed = Files.createDirectory(directory.resolve("bld0123456789abcdef012345"));
        assertThat(ConfigFiles.loader(hashed, "orchestrator.deadline=x")
                        .check()
                        .mistakes()
                        .get(0)
                        .source())
                .contains(hashed.resolve("o.properties").toString());
    }

    @Test
    void advice_is_never_cut_off() throws IOException {
        StringBuilder text = new StringBuilder("orchestrator.routes.r.providers=p-sixty\n");
        for (int i = 0; i < 60; i++) {
            text.append("orchestrator.providers.provider-").append(i).append(".type=ollama\n");
        }
        text.append("orchestrator.providers.p-sixty1.type=ollama\norchestrator.deadline=" + "x".repeat(2_000));
        ConfigReport report = ConfigFiles.loader(directory, text.toString()).check();

        assertThat(report.mistakes().get(0).toString()).endsWith("and 51 more; did you mean p-sixty1?");
        assertThat(report.mistakes().get(1).toString())
                .hasSizeLessThan(600)
                .endsWith("...: must be a duration, more than 0s, such as 500ms, 60s, 5m, 2h, 30d or PT1M30S");
    }

    @Test
    void a_file_is_read_with_the_mark_that_windows_editors_put_before_it() throws IOException {
        assertThat(ConfigFiles.loader(directory, "\ufeff" + ConfigFiles.GOOD)
                        .check()
                        .mistakes())
                .isEmpty();
    }

    @Test
    void a_file_that_is_no_configuration_at_all_is_refused_in_one_sentence() throws IOException {
        Path large = directory.resolve("large");
        Files.write(large, new byte[1024 * 1024 + 1]);
        for (String[] expected : List.of(
                new String[] {"none", "there is no such file"},
                new String[] {".", "it is a directory"},
                new String[] {"large", "it is larger than 1 MB, so no configuration"})) {
            Path file = directory.resolve(expected[0]);
            assertThatThrownBy(() -> ConfigLoader.of(file).load())
                    .isInstanceOf(ConfigurationException.class)
                    .hasMessage(file + ": " + expected[1]);
        }
    }
}
