package ai.orchestrator.providers;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import okhttp3.Headers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostileJsonTest {

    private static JsonNode parsed(String text) {
        return Objects.requireNonNull(Json.parse(text));
    }

    @Test
    void a_tree_is_plain_down_to_64_levels() {
        assertThat(Json.plain(parsed("[".repeat(64) + "]".repeat(64)))).isInstanceOf(List.class);
        assertThat(Json.plain(parsed("[".repeat(65) + "]".repeat(65)))).isNull();
        assertThat(Json.plain(parsed("[".repeat(1_000) + "]".repeat(1_000)))).isNull();
    }

    @Test
    void a_number_that_no_double_holds_is_not_plain() {
        assertThat(Json.plain(parsed("{\"a\":[1,1e999]}"))).isNull();
        assertThat(Json.plain(parsed("1e308"))).isEqualTo(1e308);
    }

    @ParameterizedTest
    @ValueSource(strings = {"[", "{\"a\":"})
    void a_hundred_thousand_levels_are_not_read(String level) {
        assertThat(Json.parse(level.repeat(100_000))).isNull();
    }

    @Test
    void a_hail_of_tiny_objects_is_not_read() {
        assertThat(Json.parse("[" + "{},".repeat(900_000) + "{}]")).isNotNull();
        assertThat(Json.parse("[" + "{},".repeat(1_100_000) + "{}]")).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"1e999", "-1e999", "-1", "1e308", "99999999999999999999999999"})
    void an_absurd_estimate_is_no_hint(String estimate) {
        JsonNode body = parsed("{\"error\":\"loading\",\"estimated_time\":" + estimate + "}");
        Optional<?> hint = RetryHint.of(Headers.of(), body, List.of(), Instant.EPOCH);
        assertThat(hint).isEmpty();
    }
}
