package ai.orchestrator.providers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ai.orchestrator.provider.ProviderException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import okhttp3.Headers;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class RetryHintTest {

    private static final Instant NOW = Instant.parse("2026-11-24T08:00:00Z");

    private static Optional<Duration> hint(String... namesAndValues) {
        return hint(Headers.of(namesAndValues), "");
    }

    private static Optional<Duration> hint(Headers headers, String body) {
        JsonNode json = Json.parse(body);
        return RetryHint.of(
                headers,
                json == null ? MissingNode.getInstance() : json,
                RateLimitHeaders.read(headers, Map.of(), () -> NOW),
                NOW);
    }

    private static Optional<Duration> bodyHint(String body) {
        return hint(Headers.EMPTY, body);
    }

    @ParameterizedTest
    @CsvSource({
        "1, PT1S",
        "59, PT59S",
        "' 7 ', PT7S",
        "0.5, PT0.5S",
        ".5, PT0.5S",
        "1.182, PT1.182S",
        "36000, PT10H",
        "2764800, P32D",
        "'Tue, 24 Nov 2026 08:00:30 GMT', PT30S",
        "'Tue, 24 Nov 2026 18:00:00 GMT', PT10H",
        "'Tuesday, 24-Nov-26 08:00:30 GMT', PT30S",
        "'Tue Nov 24 08:00:30 2026', PT30S"
    })
    void retry_after_is_seconds_or_one_of_the_three_http_dates(String value, Duration expected) {
        assertThat(hint("Retry-After", value)).contains(expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "0",
                "0.0",
                "-1",
                "-0.5",
                "NaN",
                "Infinity",
                "1e3",
                "0x10",
                "soon",
                "30 seconds",
                "30, 40",
                "2764801",
                "99999999999999999",
                "999999999999999999999999999999999999999999",
                "1.99999999999999999999999999",
                "Tue, 24 Nov 2026 07:59:59 GMT",
                "Tue, 24 Nov 2026 08:00:00 GMT",
                "Sun, 24 Jan 2027 08:00:00 GMT",
                "Thu, 01 Jan 1970 00:00:00 GMT",
                "Fri, 31 Dec 9999 23:59:59 GMT",
                "Tue, 99 Nov 2026 99:99:99 GMT"
            })
    void nonsense_the_past_zero_and_more_than_32_days_are_no_hint(String value) {
        assertThat(hint("Retry-After", value)).isEmpty();
    }

    @Test
    void a_hint_is_rounded_up_never_down() {
        assertThat(hint("Retry-After", "1.0000000001")).contains(Duration.ofSeconds(1, 1));
        assertThat(hint("Retry-After", "0.0000000001")).contains(Duration.ofNanos(1));
        assertThat(hint("retry-after-ms", "0.0000001")).contains(Duration.ofNanos(1));
        assertThat(bodyHint("{\"error\":{\"details\":[{\"retryDelay\":\"34.0740473091s\"}]}}"))
                .contains(Duration.ofSeconds(34, 74_047_310));
    }

    @Test
    void milliseconds_are_more_exact_and_come_first() {
        assertThat(hint("Retry-After", "2", "retry-after-ms", "1500")).contains(Duration.ofMillis(1500));
        assertThat(hint("Retry-After", "2", "x-ms-retry-after-ms", "1500")).contains(Duration.ofMillis(1500));
        assertThat(hint("retry-after-ms", "1500.5")).contains(Duration.ofNanos(1_500_500_000));
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1", "", "soon", "99999999999999"})
    void milliseconds_that_say_nothing_fall_through_to_seconds_and_then_to_none(String millis) {
        assertThat(hint("retry-after-ms", millis, "Retry-After", "1")).contains(Duration.ofSeconds(1));
        assertThat(hint("retry-after-ms", millis, "Retry-After", "0")).isEmpty();
        assertThat(hint("retry-after-ms", millis)).isEmpty();
    }

    @Test
    void the_longest_of_two_headers_counts() {
        assertThat(hint("Retry-After", "30", "Retry-After", "5")).contains(Duration.ofSeconds(30));
        assertThat(hint("Retry-After", "5", "Retry-After", "30")).contains(Duration.ofSeconds(30));
        assertThat(hint("Retry-After", "5", "Retry-After", "soon")).contains(Duration.ofSeconds(5));
    }

    @ParameterizedTest
    @CsvSource({"48s, PT48S", "34.4s, PT34.4S", "0.5s, PT0.5S", "36000s, PT10H", "1m30s, PT1M30S"})
    void gemini_says_it_in_the_body(String delay, Duration expected) {
        String error = "{\"error\":{\"details\":[{\"@type\":\"x\"},{\"retryDelay\":\"" + delay + "\"}]}}";

        assertThat(bodyHint(error)).contains(expected);
        assertThat(hint(Headers.of("Retry-After", "0"), error)).contains(expected);
        assertThat(hint(Headers.of("Retry-After", "7"), error)).contains(Duration.ofSeconds(7));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"\"\"", "\"s\"", "\"0s\"", "\"-5s\"", "\"soon\"", "\"48\"", "48", "null", "{}", "\"9999999s\""})
    void a_strange_delay_in_the_body_is_no_hint(String delay) {
        assertThat(bodyHint("{\"error\":{\"details\":[{\"retryDelay\":" + delay + "}]}}"))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"577.37, PT9M37.37S", "20, PT20S", "0.1, PT0.1S"})
    void hugging_face_estimates_how_long_loading_takes(String estimate, Duration expected) {
        assertThat(bodyHint("{\"error\":\"loading\",\"estimated_time\":" + estimate + "}"))
                .contains(expected);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1", "1e400", "-1e400", "1e300", "1e-300", "\"20\"", "null", "[]", "9999999"})
    void a_strange_estimate_is_no_hint(String estimate) {
        assertThat(bodyHint("{\"error\":\"loading\",\"estimated_time\":" + estimate + "}"))
                .isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"error\":{\"code\":\"429\",\"message\":\"Over the call rate limit. Please retry after 24 seconds. See there.\"}}|PT24S",
                "{\"error\":{\"code\":\"RateLimitReached\",\"message\":\"No.\",\"details\":\"Please retry after 1 second.\"}}|PT1S",
                "{\"statusCode\":429,\"message\":\"Rate limit is exceeded. Retry after 86400 seconds\"}|PT24H",
            })
    void azures_wording_is_a_hint(String body, Duration expected) {
        assertThat(bodyHint(body)).contains(expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "retry after 0 seconds",
                "retry after -1 seconds",
                "retry after 2764801 seconds",
                "retry after 99999999999 seconds",
                "retry after 1.5 seconds",
                "retry after a few seconds",
                "retry after 5 minutes",
                "retry after 5",
                "do not retry",
            })
    void a_wording_that_names_no_number_of_seconds_is_no_hint(String message) {
        assertThat(bodyHint("{\"error\":{\"message\":\"" + message + "\"}}")).isEmpty();
    }

    @Test
    void the_wording_speaks_where_azures_headers_are_zero_and_before_a_reset() {
        String body = "{\"error\":{\"message\":\"Please retry after 24 seconds.\"}}";
        assertThat(hint(Headers.of("retry-after-ms", "0", "retry-after", "0"), body))
                .contains(Duration.ofSeconds(24));
        assertThat(hint(Headers.of("retry-after-ms", "0", "retry-after", "3"), body))
                .contains(Duration.ofSeconds(3));
        assertThat(hint(Headers.of("x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", "60"), body))
                .contains(Duration.ofSeconds(24));
    }

    @Test
    void without_a_hint_the_latest_reset_of_what_is_used_up_counts() {
        assertThat(hint(
                        "x-ratelimit-remaining-requests", "0",
                        "x-ratelimit-reset-requests", "1.182s",
                        "x-ratelimit-remaining-tokens", "0",
                        "x-ratelimit-reset-tokens", "6m0s",
                        "x-ratelimit-remaining-images", "5",
                        "x-ratelimit-reset-images", "1h0m0s"))
                .contains(Duration.ofMinutes(6));
        assertThat(hint("x-ratelimit-remaining-requests", "1", "x-ratelimit-reset-requests", "6m0s"))
                .isEmpty();
        assertThat(hint("x-ratelimit-remaining-requests", "-1", "x-ratelimit-reset-requests", "6m0s"))
                .isEmpty();
        assertThat(hint("x-ratelimit-reset-requests", "6m0s")).isEmpty();
        assertThat(hint("x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", "0s"))
                .isEmpty();
        assertThat(hint(
                        "Retry-After", "2",
                        "x-ratelimit-remaining-requests", "0",
                        "x-ratelimit-reset-requests", "6m0s"))
                .contains(Duration.ofSeconds(2));
    }

    private static AnswerHead head(int status, String... namesAndValues) {
        Headers headers = Headers.of(namesAndValues);
        return new AnswerHead(
                status,
                headers,
                RateLimitHeaders.read(headers, Map.of(), () -> NOW),
                () -> NOW,
                new Redaction(Optional.empty()));
    }

    @Test
    void a_reset_says_nothing_of_a_failure_that_is_not_about_a_limit() {
        String[] usedUp = {"x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", "6m0s"};

        assertThat(head(429, usedUp).error(null).retryAfter()).contains(Duration.ofMinutes(6));
        assertThat(head(402, usedUp).error(null).retryAfter()).contains(Duration.ofMinutes(6));
        assertThat(head(503, usedUp).error(null).retryAfter()).isEmpty();
        assertThat(head(400, usedUp).error(null).retryAfter()).isEmpty();
        assertThat(head(503, "Retry-After", "20").error(null).retryAfter()).contains(Duration.ofSeconds(20));
    }

    @Test
    void of_an_error_inside_a_success_only_the_body_counts() {
        AnswerHead success = head(200, "Retry-After", "30", "retry-after-ms", "30000");

        assertThat(success.error(Json.parse("{\"error\":{\"type\":\"overloaded_error\"}}"))
                        .retryAfter())
                .isEmpty();
        assertThat(success.error(Json.parse("{\"error\":{\"code\":429,\"details\":[{\"retryDelay\":\"48s\"}]}}"))
                        .retryAfter())
                .contains(Duration.ofSeconds(48));
        assertThat(success.error(Json.parse("{\"error\":\"loading\",\"estimated_time\":20}"))
                        .retryAfter())
                .contains(Duration.ofSeconds(20));
    }

    private static ProviderException failure(MockResponse response) throws IOException {
        return Objects.requireNonNull(outcome(response), "the call succeeded");
    }

    private static @Nullable ProviderException outcome(MockResponse response) throws IOException {
        try (MockWebServer server = new MockWebServer()) {
            server.start();
            server.enqueue(response);
            return catchThrowableOfType(ProviderException.class, () -> LoopbackCall.whole(server));
        }
    }

    private static MockResponse.Builder answer(int status, String body) {
        return new MockResponse.Builder().code(status).body(body);
    }

    @Test
    void a_success_with_retry_after_is_a_success() throws IOException {
        assertThat(outcome(answer(200, """
                                {"id":"1","model":"m","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}
                                """).setHeader("Retry-After", "30").build()))
                .isNull();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "<html>", "{}", "{\"error\":{\"message\":\"Broken\"}}", "{\"choices\":[{\"message\":{}}]}"})
    void a_broken_success_carries_no_hint_from_its_headers(String body) throws IOException {
        ProviderException failure =
                failure(answer(200, body).setHeader("Retry-After", "30").build());

        assertThat(failure.retryAfter()).isEmpty();
    }

    @Test
    void an_error_carries_its_hint() throws IOException {
        ProviderException failure =
                failure(answer(429, "").setHeader("Retry-After", "30").build());

        assertThat(failure.retryAfter()).contains(Duration.ofSeconds(30));
    }

    @Test
    void a_date_is_counted_from_the_servers_own_clock() throws IOException {
        ProviderException failure = failure(answer(503, "")
                .setHeader("Date", "Mon, 01 Jan 2024 00:00:00 GMT")
                .setHeader("Retry-After", "Mon, 01 Jan 2024 00:02:00 GMT")
                .build());

        assertThat(failure.retryAfter()).contains(Duration.ofMinutes(2));
    }

    @Test
    void hints_of_any_shape_never_throw() {
        for (String body : List.of(
                "[]",
                "7",
                "{\"error\":[]}",
                "{\"error\":{\"details\":{}}}",
                "{\"error\":{\"details\":[1,null,[]],\"message\":7}}")) {
            assertThat(bodyHint(body)).as(body).isEmpty();
        }
    }
}
