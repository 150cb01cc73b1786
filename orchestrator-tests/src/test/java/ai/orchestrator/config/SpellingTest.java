package ai.orchestrator.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The ways in which keys, values and placeholders may be written. */
class SpellingTest {

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "orchestrator.providers.a.circuit-breaker.failure-threshold",
                "orchestrator.providers.a.circuitBreaker.failureThreshold",
                "orchestrator.providers.a.circuit_breaker.failure_threshold",
                "orchestrator.providers.a.CIRCUIT-BREAKER.FAILURE-THRESHOLD",
                "Orchestrator.Providers.a.circuitbreaker.failurethreshold",
                "orchestrator.providers[a].circuit-breaker.failure-threshold",
                "orchestrator.providers.[a].circuit-breaker.failure-threshold",
            })
    void a_key_may_have_any_of_springs_forms(String key) throws IOException {
        ConfigReport report =
                ConfigFiles.loader(directory, ConfigFiles.GOOD + key + "=9").check();

        assertThat(report.mistakes()).isEmpty();
        assertThat(ConfigFiles.value(report, "orchestrator.providers.a.circuit-breaker.failure-threshold"))
                .isEqualTo("9");
        assertThat(ConfigFiles.origin(report, "orchestrator.providers.a.circuit-breaker.failure-threshold"))
                .isEqualTo("line 3");
    }

    @Test
    void the_names_of_providers_are_taken_as_they_are() throws IOException {
        ConfigReport report = ConfigFiles.loader(directory, """
                        orchestrator.providers.groq-1.type=ollama
                        orchestrator.providers.groq_1.type=ollama
                        orchestrator.providers.GROQ-1.type=ollama
                        """).check();

        assertThat(report.settings().orElseThrow().providers()).hasSize(3);
    }

    @ParameterizedTest
    @CsvSource({
        "timeout.total, 500ms, 500ms",
        "timeout.total, 0060s, 60s",
        "timeout.total, 61s, 61s",
        "timeout.total, 120s, 2m",
        "timeout.total, 60m, 1h",
        "timeout.total, 24h, 1d",
        "timeout.total, 30d, 30d",
        "timeout.total, PT1M30S, 90s",
        "timeout.total, pt0.25s, 250ms",
        "timeout.total, P1DT1H, 25h",
        "timeout.total, PT0.000000001S, PT0.000000001S",
        "circuit-breaker.preset, FAST_API, ",
        "enabled, TRUE, true",
        "price.input, 0.5900, 0.59",
        "price.input, 1e1, 10",
        "weight, +7, 7",
        "quota.zone, Z, UTC",
        "quota.zone, Europe/Berlin, Europe/Berlin",
    })
    void a_value_may_be_written_in_several_ways(String setting, String written, String shown) throws IOException {
        ConfigReport report = ConfigFiles.loader(
                        directory,
                        ConfigFiles.GOOD + "orchestrator.providers.a." + setting + "=" + written
                                + "\norchestrator.defaults.price.output=1\norchestrator.defaults.price.input=1\n")
                .check();

        assertThat(report.mistakes()).isEmpty();
        if (shown != null) {
            assertThat(ConfigFiles.value(report, "orchestrator.providers.a." + setting))
                    .isEqualTo(shown);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "64MB, 64MB",
        "64mb, 64MB",
        "64 MB, 64MB",
        "1024KB, 1MB",
        "1048576, 1MB",
        "1000, 1000B",
        "1GB, 1GB",
        "2048GB, 2048GB"
    })
    void a_size_may_be_written_in_several_ways(String written, String shown) throws IOException {
        ConfigReport report = ConfigFiles.loader(directory, ConfigFiles.GOOD + "orchestrator.cache.max-size=" + written)
                .check();

        assertThat(report.mistakes()).isEmpty();
        assertThat(ConfigFiles.value(report, "orchestrator.cache.max-size")).isEqualTo(shown);
    }

    @Test
    void a_list_may_have_an_index_for_each_of_its_values() throws IOException {
        ConfigReport report =
                ConfigFiles.loader(directory, ConfigFiles.GOOD + """
                                orchestrator.providers.b.type=ollama
                                orchestrator.routes.r.providers[1]=a
                                orchestrator.routes.r.providers[0]=${B:b}
                                orchestrator.routes.s.providers= b , a
                                """).check();

        assertThat(report.mistakes()).isEmpty();
        assertThat(ConfigFiles.value(report, "orchestrator.routes.r.providers")).isEqualTo("b,a");
        assertThat(ConfigFiles.value(report, "orchestrator.routes.s.providers")).isEqualTo("b,a");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "plain|plain",
                "${A}|1",
                "x${A}y${B}z|x1y2z",
                "${NONE:3}|3",
                "${NONE:}|''",
                "${A:3}|1",
                "${EMPTY:3}|''",
                "${NONE:${A}}|1",
                "${NONE:${NO:${B}}}|2",
                "${A:${NO}}|1",
                "${NONE:a:b}|a:b",
                "${NONE:http://h:1/v1}|http://h:1/v1",
                "${NONE:a{b}|a{b",
                "\\${A}|${A}",
                "${NONE:\\${A}}|${A}",
                "$A {A} $|$A {A} $",
                "${DOLLAR}|${A}",
                "${ A }|1",
                "${a.b-c}|5",
            })
    void a_placeholder_becomes_the_variable_or_its_default(String written, String expected) {
        Map<String, String> environment = Map.of("A", "1", "B", "2", "EMPTY", "", "DOLLAR", "${A}", "a.b-c", "5");

        assertThat(Placeholders.resolve(written, environment).value()).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "${NO}|missing; the environment variable NO is not set; set it, or give a default as ${NO:default}",
                "${NO:${NAH}}|missing; the environment variable NAH is not set; set it, or give a default as ${NAH:default}",
                "${|has a ${ that is not closed; write ${NAME} or ${NAME:default}",
                "${A|has a ${ that is not closed; write ${NAME} or ${NAME:default}",
                "${NO:x|has a ${ that is not closed; write ${NAME} or ${NAME:default}",
                "${}|has a ${ without the name of an environment variable; write ${NAME} or ${NAME:default}",
                "${:x}|has a ${ without the name of an environment variable; write ${NAME} or ${NAME:default}",
                "${a b}|has a ${ without the name of an environment variable; write ${NAME} or ${NAME:default}",
                "${${A}}|has a ${ without the name of an environment variable; write ${NAME} or ${NAME:default}",
            })
    void a_placeholder_that_cannot_be_filled_says_what_to_do(String written, String message) {
        assertThatThrownBy(() -> Placeholders.resolve(written, Map.of("A", "1")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    @Test
    void placeholders_inside_each_other_come_to_an_end() {
        assertThatThrownBy(() -> Placeholders.resolve("${N:".repeat(100_000), Map.of()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("has placeholders inside each other, more than 16 deep");
    }
}
