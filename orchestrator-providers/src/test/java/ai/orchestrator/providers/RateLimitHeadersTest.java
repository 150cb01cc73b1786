package ai.orchestrator.providers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.tuple;

import ai.orchestrator.chat.RateLimit;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import okhttp3.Headers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class RateLimitHeadersTest {

    private static final Instant NOW = Instant.parse("2026-11-24T08:00:00Z");

    private static List<RateLimit> read(String... namesAndValues) {
        return RateLimitHeaders.read(Headers.of(namesAndValues), Map.of(), () -> NOW);
    }

    private static RateLimit reset(String value) {
        Headers headers = new Headers.Builder()
                .add("x-ratelimit-remaining-requests", "0")
                .addUnsafeNonAscii("x-ratelimit-reset-requests", value)
                .build();
        return RateLimitHeaders.read(headers, Map.of(), () -> NOW).get(0);
    }

    private static RateLimit limit(String subject, long limit, long remaining, Duration resetsIn) {
        return new RateLimit(
                subject, Optional.empty(), OptionalLong.of(limit), OptionalLong.of(remaining), Optional.of(resetsIn));
    }

    @Test
    void openai_counts_requests_and_tokens_and_sometimes_more() {
        assertThat(read(
                        "x-ratelimit-limit-requests", "5000",
                        "x-ratelimit-limit-tokens", "4000000",
                        "x-ratelimit-remaining-requests", "4999",
                        "x-ratelimit-remaining-tokens", "3999980",
                        "x-ratelimit-reset-requests", "12ms",
                        "x-ratelimit-reset-tokens", "6m0s",
                        "x-ratelimit-limit-input-images", "250000",
                        "x-ratelimit-remaining-input-images", "249999",
                        "x-ratelimit-reset-input-images", "1.182s",
                        "x-ratelimit-limit-tokens_usage_based", "7",
                        "x-ratelimit-remaining-tokens_usage_based", "7",
                        "x-ratelimit-reset-tokens_usage_based", "0s"))
                .containsExactly(
                        limit("input-images", 250_000, 249_999, Duration.ofMillis(1182)),
                        limit("requests", 5000, 4999, Duration.ofMillis(12)),
                        limit("tokens", 4_000_000, 3_999_980, Duration.ofMinutes(6)),
                        limit("tokens_usage_based", 7, 7, Duration.ZERO));
    }

    @Test
    void groqs_windows_come_from_its_documentation() {
        assertThat(RateLimitHeaders.read(
                        Headers.of(
                                "x-ratelimit-limit-requests", "14400",
                                "x-ratelimit-remaining-requests", "14370",
                                "x-ratelimit-reset-requests", "2m59.56s",
                                "x-ratelimit-limit-tokens", "18000",
                                "x-ratelimit-remaining-tokens", "17997",
                                "x-ratelimit-reset-tokens", "17.399999999s"),
                        Map.of("requests", Duration.ofDays(1), "tokens", Duration.ofMinutes(1)),
                        () -> NOW))
                .containsExactly(
                        new RateLimit(
                                "requests",
                                Optional.of(Duration.ofDays(1)),
                                OptionalLong.of(14_400),
                                OptionalLong.of(14_370),
                                Optional.of(Duration.ofMillis(179_560))),
                        new RateLimit(
                                "tokens",
                                Optional.of(Duration.ofMinutes(1)),
                                OptionalLong.of(18_000),
                                OptionalLong.of(17_997),
                                Optional.of(Duration.ofNanos(17_399_999_999L))));
    }

    @Test
    void cohere_has_names_of_its_own_and_windows_from_its_documentation() {
        assertThat(RateLimitHeaders.read(
                        Headers.of(
                                "X-Endpoint-Monthly-Call-Limit", "1000",
                                "x-trial-endpoint-call-limit", "20",
                                "x-trial-endpoint-call-remaining", "0",
                                "x-trial-endpoint-call-name", "chat"),
                        Map.of("trial-endpoint-call", Duration.ofMinutes(1)),
                        () -> NOW))
                .containsExactly(
                        new RateLimit(
                                "endpoint-monthly-call",
                                Optional.empty(),
                                OptionalLong.of(1_000),
                                OptionalLong.empty(),
                                Optional.empty()),
                        new RateLimit(
                                "trial-endpoint-call",
                                Optional.of(Duration.ofMinutes(1)),
                                OptionalLong.of(20),
                                OptionalLong.of(0),
                                Optional.empty()));
    }

    @Test
    void azure_writes_plain_seconds_and_its_window_and_minus_one_for_unknown() {
        assertThat(read(
                        "x-ratelimit-limit-requests", "500",
                        "x-ratelimit-remaining-requests", "499",
                        "x-ratelimit-reset-requests", "7",
                        "x-ratelimit-renewalperiod-requests", "60",
                        "x-ratelimit-key", "made-up",
                        "x-ratelimit-limit-tokens", "-1",
                        "x-ratelimit-remaining-tokens", "-1",
                        "x-ratelimit-reset-tokens", "0"))
                .containsExactly(
                        new RateLimit(
                                "requests",
                                Optional.of(Duration.ofMinutes(1)),
                                OptionalLong.of(500),
                                OptionalLong.of(499),
                                Optional.of(Duration.ofSeconds(7))),
                        new RateLimit(
                                "tokens",
                                Optional.empty(),
                                OptionalLong.empty(),
                                OptionalLong.empty(),
                                Optional.of(Duration.ZERO)))
                .noneMatch(RateLimit::isExhausted);
        assertThat(read("x-ratelimit-limit-requests", "500", "x-ratelimit-renewalperiod-requests", "0"))
                .singleElement()
                .satisfies(limit -> assertThat(limit.window()).isEmpty());
        assertThat(read(
                        "x-ratelimit-limit-tokens", "-1",
                        "x-ratelimit-remaining-tokens", "-1",
                        "x-ratelimit-renewalperiod-tokens", "60"))
                .as("nothing is known")
                .isEmpty();
    }

    @Test
    void anthropic_names_the_subject_first_and_gives_dates() {
        assertThat(read(
                        "anthropic-ratelimit-requests-limit", "4000",
                        "anthropic-ratelimit-requests-remaining", "3999",
                        "anthropic-ratelimit-requests-reset", "2026-11-24T08:00:01Z",
                        "anthropic-ratelimit-input-tokens-limit", "2000000",
                        "anthropic-ratelimit-input-tokens-remaining", "0",
                        "anthropic-ratelimit-input-tokens-reset", "2026-11-24T09:00:30.5+01:00",
                        "anthropic-ratelimit-output-tokens-limit", "400000",
                        "anthropic-ratelimit-output-tokens-remaining", "399000",
                        "anthropic-ratelimit-output-tokens-reset", "2026-11-24T07:59:59Z"))
                .containsExactly(
                        limit("input-tokens", 2_000_000, 0, Duration.ofMillis(30_500)),
                        limit("output-tokens", 400_000, 399_000, Duration.ZERO),
                        limit("requests", 4000, 3999, Duration.ofSeconds(1)));
    }

    @Test
    void mistral_names_the_window_in_the_subject() {
        List<RateLimit> limits = read(
                "x-ratelimit-limit-tokens-minute", "500000",
                "x-ratelimit-remaining-tokens-minute", "499000",
                "x-ratelimit-limit-tokens-month", "1000000000",
                "x-ratelimit-remaining-tokens-month", "0",
                "x-ratelimit-limit-req-minute", "360",
                "x-ratelimit-remaining-req-minute", "359",
                "x-ratelimit-limit-req-10-second", "60",
                "x-ratelimit-remaining-req-10-second", "59",
                "x-ratelimit-tokens-query-cost", "12");

        assertThat(limits)
                .extracting(RateLimit::subject)
                .containsExactly("req-10-second", "req-minute", "tokens-minute", "tokens-month");
        assertThat(limits)
                .extracting(limit -> limit.window().orElseThrow())
                .containsExactly(
                        Duration.ofSeconds(10), Duration.ofMinutes(1), Duration.ofMinutes(1), Duration.ofDays(30));
        assertThat(limits).allMatch(limit -> limit.resetsIn().isEmpty());
        assertThat(limits).filteredOn(RateLimit::isExhausted).hasSize(1);
    }

    @Test
    void older_mistral_counts_tokens_by_size() {
        assertThat(read(
                        "ratelimitbysize-limit", "500000",
                        "ratelimitbysize-remaining", "499987",
                        "ratelimitbysize-reset", "24",
                        "ratelimitbysize-query-cost", "13"))
                .containsExactly(limit("tokens", 500_000, 499_987, Duration.ofSeconds(24)));
    }

    @Test
    void openrouter_and_together_count_one_thing() {
        assertThat(read(
                        "X-RateLimit-Limit", "50",
                        "X-RateLimit-Remaining", "0",
                        "X-RateLimit-Reset", "1795507205000"))
                .containsExactly(limit("requests", 50, 0, Duration.ofSeconds(5)));
        assertThat(read("x-ratelimit-limit", "10", "x-ratelimit-remaining", "9", "x-ratelimit-reset", "1"))
                .containsExactly(limit("requests", 10, 9, Duration.ofSeconds(1)));
    }

    @Test
    void hugging_face_follows_an_ietf_draft() {
        assertThat(read("RateLimit", "\"api\";r=499;t=300", "RateLimit-Policy", "\"fixed window\";\"api\";q=500;w=300"))
                .containsExactly(new RateLimit(
                        "api",
                        Optional.of(Duration.ofMinutes(5)),
                        OptionalLong.of(500),
                        OptionalLong.of(499),
                        Optional.of(Duration.ofMinutes(5))));
        assertThat(read("ratelimit", "\"api\"; r=0; t=7, \"pages\";r=3;t=1"))
                .extracting(RateLimit::subject, RateLimit::isExhausted)
                .containsExactly(tuple("api", true), tuple("pages", false));
        assertThat(read("ratelimit", "\"api\";r=[0];t=[7]")).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({
        "12ms, PT0.012S",
        "120ms, PT0.12S",
        "1.182s, PT1.182S",
        "0s, PT0S",
        "6m0s, PT6M",
        "2m59.56s, PT2M59.56S",
        "7.66s, PT7.66S",
        "17.399999999s, PT17.399999999S",
        "1h2m3.5s, PT1H2M3.5S",
        "1d2h, PT26H",
        "500us, PT0.0005S",
        "500µs, PT0.0005S",
        "7ns, PT0.000000007S",
        "0.1ns, PT0.000000001S",
        "0, PT0S",
        "500, PT8M20S",
        "1.5, PT1.5S",
        "33011.382867, PT33011.382867S",
        "2026-11-24T08:00:05Z, PT5S",
        "'Tue, 24 Nov 2026 08:00:05 GMT', PT5S",
        "1795507205, PT5S",
        "1795507205000, PT5S",
        "1795507205000.5, PT5.0005S",
        "1700000000, PT0S"
    })
    void a_reset_is_read_in_every_vendors_form(String value, Duration expected) {
        assertThat(reset(value).resetsIn()).contains(expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "-1",
                "-5s",
                "NaN",
                "Infinity",
                "s",
                "1x",
                "5 s",
                "5s!",
                "1e9",
                "99999999d",
                "999999999999999999",
                "9999999999999999999999999999999999",
                "2026-13-45T99:00:00Z",
                "+999999999-12-31T23:59:59Z",
                "2027-11-24T08:00:00Z",
                "{\"a\":1}",
                "١٢"
            })
    void a_reset_that_is_nonsense_is_unknown(String value) {
        RateLimit limit = reset(value);

        assertThat(limit.resetsIn()).isEmpty();
        assertThat(limit.isExhausted()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-1", "many", "1.5", "1e3", "9999999999999999999999", "0x7"})
    void a_count_that_is_nonsense_is_unknown(String value) {
        assertThat(read("x-ratelimit-limit-requests", value, "x-ratelimit-remaining-requests", value))
                .isEmpty();
    }

    @Test
    void other_headers_say_nothing() {
        assertThat(read(
                        "content-type",
                        "application/json",
                        "x-request-id",
                        "7",
                        "x-ratelimit",
                        "7",
                        "x-ratelimit-limit-",
                        "7",
                        "anthropic-ratelimit-limit",
                        "7",
                        "x-ratelimit-limit-" + "a".repeat(65),
                        "7",
                        "ratelimit",
                        "no draft",
                        "ratelimit-policy",
                        "\"\";q=7"))
                .isEmpty();
    }

    @Test
    void a_thousand_headers_make_a_bounded_number_of_limits() {
        Headers.Builder headers = new Headers.Builder();
        StringBuilder draft = new StringBuilder();
        for (int i = 0; i < 1000; i++) {
            headers.add("x-ratelimit-limit-s" + i, "7");
            headers.add("anthropic-ratelimit-t-limit", "7");
            draft.append("\"d").append(i).append("\";r=7,");
        }
        headers.add("ratelimit", draft.toString());

        assertThat(RateLimitHeaders.read(headers.build(), Map.of(), () -> NOW)).hasSize(32);
    }

    @Test
    void hostile_values_never_throw_and_take_no_time() {
        int length = 100_000;
        for (String value : List.of(
                "9".repeat(length),
                "1s".repeat(length / 2),
                "1.".repeat(length / 2),
                "9".repeat(15) + "d".repeat(length),
                "\"" + "a".repeat(length),
                "\"a\"" + ";r=1".repeat(length / 4),
                "\"a\"" + "; ".repeat(length / 2),
                "\"a\";" + " ".repeat(length),
                "\"".repeat(length),
                "Tue, " + "1 ".repeat(length / 2),
                "2026-" + "1-".repeat(length / 2))) {
            Headers headers = Headers.of(
                    "x-ratelimit-limit-requests", value,
                    "x-ratelimit-remaining-requests", value,
                    "x-ratelimit-reset-requests", value,
                    "anthropic-ratelimit-tokens-reset", value,
                    "x-ratelimit-reset", value,
                    "ratelimit", value,
                    "ratelimit-policy", value,
                    "retry-after", value,
                    "retry-after-ms", value);
            long start = System.nanoTime();

            assertThatCode(() -> RateLimitHeaders.read(headers, Map.of(), () -> NOW))
                    .as(value.substring(0, 30))
                    .doesNotThrowAnyException();

            assertThat(Duration.ofNanos(System.nanoTime() - start))
                    .as(value.substring(0, 30))
                    .isLessThan(Duration.ofSeconds(5));
        }
    }
}
