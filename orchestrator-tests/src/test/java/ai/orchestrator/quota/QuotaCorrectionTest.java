package ai.orchestrator.quota;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.chat.RateLimit;
import ai.orchestrator.quota.Quota.Refusal;
import ai.orchestrator.quota.Quota.Reservation;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** O12: rate-limit headers correct the local figure. */
class QuotaCorrectionTest {

    private static final Duration SECOND = Duration.ofSeconds(1);
    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final Duration DAY = Duration.ofDays(1);

    private final Clocks clocks = new Clocks("2026-11-24T12:00:00Z");

    private Quota quota(QuotaSettings.Builder settings) {
        return clocks.quota(settings.build());
    }

    private static RateLimit limit(
            String subject, @Nullable Duration window, long limit, long remaining, @Nullable Duration resetsIn) {
        return new RateLimit(
                subject,
                Optional.ofNullable(window),
                limit < 0 ? OptionalLong.empty() : OptionalLong.of(limit),
                remaining < 0 ? OptionalLong.empty() : OptionalLong.of(remaining),
                Optional.ofNullable(resetsIn));
    }

    private static void correct(Quota quota, RateLimit... limits) {
        quota.correct(Arrays.asList(limits));
    }

    private static Reservation reserve(Quota quota, long tokens) {
        return (Reservation) quota.reserve(tokens);
    }

    private static List<Long> left(Quota quota) {
        return quota.status().stream().map(QuotaStatus::left).toList();
    }

    @Test
    void what_others_have_used_counts_here_too() {
        Quota quota = quota(QuotaSettings.builder().requestsPerDay(100));
        reserve(quota, 0).settle();
        correct(quota, limit("requests", DAY, 100, 40, null));
        assertThat(left(quota)).containsExactly(40L);
        reserve(quota, 0).settle();
        assertThat(left(quota)).containsExactly(39L);
        assertThat(quota.left()).isEqualTo(0.39);
    }

    @Test
    void a_provider_that_has_counted_less_changes_nothing() {
        Quota quota = quota(QuotaSettings.builder().requestsPerDay(100));
        for (int i = 0; i < 10; i++) {
            reserve(quota, 0).settle();
        }
        correct(quota, limit("requests", DAY, 100, 95, null));
        assertThat(left(quota)).containsExactly(90L);
        correct(quota, limit("requests", DAY, 100, 90, null));
        assertThat(left(quota)).containsExactly(90L);
    }

    @Test
    void an_older_answer_that_comes_later_changes_nothing() {
        Quota quota = quota(QuotaSettings.builder().requestsPerDay(100));
        correct(quota, limit("requests", DAY, 100, 40, null));
        correct(quota, limit("requests", DAY, 100, 60, null));
        correct(quota, limit("requests", DAY, 100, 41, null));
        assertThat(left(quota)).containsExactly(40L);
    }

    @Test
    void what_is_under_way_is_taken_as_counted_and_stays_on_top_of_others() {
        Quota quota = quota(QuotaSettings.builder().tokensPerMinute(10_000));
        Reservation first = reserve(quota, 1_000);
        Reservation second = reserve(quota, 1_000);
        correct(quota, limit("tokens", MINUTE, 10_000, 7_500, null));
        assertThat(left(quota)).as("500 are not ours").containsExactly(7_500L);
        first.settle(300);
        assertThat(left(quota)).containsExactly(8_200L);
        second.refund();
        assertThat(left(quota)).as("500 of others and 300 of ours").containsExactly(9_200L);
        correct(quota, limit("tokens", MINUTE, 10_000, 7_700, null));
        assertThat(left(quota)).as("it counts estimates").containsExactly(7_700L);
    }

    @Test
    void no_more_is_left_than_the_provider_says_whatever_its_limit_is() {
        Quota ours = quota(QuotaSettings.builder().requestsPerDay(100));
        correct(ours, limit("requests", DAY, 10_000, 9_000, null));
        assertThat(left(ours)).as("our share of a larger limit").containsExactly(100L);
        correct(ours, limit("requests", DAY, 10_000, 30, null));
        assertThat(left(ours)).containsExactly(30L);

        Quota tooMuch = quota(QuotaSettings.builder().requestsPerDay(10_000));
        correct(tooMuch, limit("requests", DAY, 1_000, 900, null));
        assertThat(left(tooMuch)).containsExactly(900L);

        Quota untold = quota(QuotaSettings.builder().requestsPerDay(100));
        correct(untold, limit("requests", DAY, -1, 30, null));
        assertThat(left(untold)).containsExactly(30L);
    }

    @Test
    void nothing_is_left_when_the_provider_says_so_until_it_is_reset() {
        Quota quota = quota(QuotaSettings.builder().requestsPerDay(100));
        reserve(quota, 0).settle();
        correct(quota, limit("requests", DAY, 100, 0, Duration.ofMinutes(7)));
        Refusal refusal = (Refusal) quota.reserve(0);
        assertThat(refusal.retryIn()).isEqualTo(Duration.ofMinutes(7));
        assertThat(refusal.reason()).isEqualTo("quota used up: 100 requests per day");
        assertThat(quota.isNearlyUsedUp()).isTrue();

        clocks.advance(Duration.ofMinutes(7).minusNanos(1));
        assertThat(quota.reserve(0)).isInstanceOf(Refusal.class);
        assertThat(quota.left()).isZero();
        clocks.advanceNanos(1);
        assertThat(quota.left()).isEqualTo(0.99);
        reserve(quota, 0);
        assertThat(left(quota)).containsExactly(98L);
    }

    @Test
    void without_a_time_of_reset_it_lasts_as_long_as_the_window() {
        Quota quota = quota(QuotaSettings.builder().requestsPerMinute(10).requestsPerDay(100));
        correct(quota, limit("req-minute", MINUTE, 10, 0, null), limit("req-day", DAY, 100, 0, null));
        assertThat(quota.status()).extracting(QuotaStatus::resetsIn).containsExactly(MINUTE, Duration.ofHours(12));
        clocks.advance(MINUTE);
        assertThat(left(quota)).containsExactly(10L, 0L);
        clocks.advance(Duration.ofHours(12).minus(MINUTE));
        assertThat(left(quota)).containsExactly(10L, 100L);
    }

    @Test
    void it_lasts_no_longer_than_the_window_even_if_the_provider_says_so() {
        Quota quota = quota(QuotaSettings.builder().requestsPerMinute(10).requestsPerDay(100));
        Duration forever = Duration.ofSeconds(Long.MAX_VALUE);
        correct(quota, limit("req-minute", MINUTE, 10, 3, forever), limit("req-day", DAY, 100, 3, forever));
        clocks.advance(MINUTE);
        assertThat(left(quota)).containsExactly(10L, 3L);
        clocks.advance(Duration.ofHours(12));
        assertThat(left(quota)).containsExactly(10L, 100L);
    }

    @Test
    void what_is_reset_already_is_not_believed_to_be_used() {
        Quota quota = quota(QuotaSettings.builder().requestsPerMinute(10));
        correct(quota, limit("requests", MINUTE, 10, 0, Duration.ZERO));
        assertThat(left(quota)).containsExactly(10L);
    }

    @Test
    void the_same_word_again_lasts_from_then_on() {
        Quota quota = quota(QuotaSettings.builder().requestsPerMinute(10));
        correct(quota, limit("requests", MINUTE, 10, 0, Duration.ofSeconds(30)));
        clocks.advance(Duration.ofSeconds(20));
        correct(quota, limit("requests", MINUTE, 10, 0, Duration.ofSeconds(30)));
        correct(quota, limit("requests", MINUTE, 10, 0, Duration.ofSeconds(5)));
        clocks.advance(Duration.ofSeconds(30).minusNanos(1));
        assertThat(left(quota)).containsExactly(0L);
        clocks.advanceNanos(1);
        assertThat(left(quota)).containsExactly(10L);
    }

    @Test
    void a_refusal_counts_on_what_others_give_back() {
        Quota quota = quota(QuotaSettings.builder().tokensPerMinute(100));
        reserve(quota, 20);
        clocks.advance(Duration.ofSeconds(20));
        reserve(quota, 20);
        correct(quota, limit("tokens", MINUTE, 100, 0, Duration.ofSeconds(45)));

        assertThat(quota.refusal(20).orElseThrow().retryIn()).isEqualTo(Duration.ofSeconds(40));
        assertThat(quota.refusal(21).orElseThrow().retryIn()).isEqualTo(Duration.ofSeconds(45));
        assertThat(quota.refusal(80).orElseThrow().retryIn()).isEqualTo(Duration.ofSeconds(45));
        assertThat(quota.refusal(81).orElseThrow().retryIn()).isEqualTo(MINUTE);
    }

    @Test
    void in_a_day_others_give_back_before_midnight_what_our_own_calls_do_not() {
        Quota quota = quota(QuotaSettings.builder().tokensPerDay(100));
        reserve(quota, 40);
        correct(quota, limit("tokens", DAY, 100, 0, Duration.ofHours(1)));
        assertThat(quota.refusal(60).orElseThrow().retryIn()).isEqualTo(Duration.ofHours(1));
        assertThat(quota.refusal(61).orElseThrow().retryIn()).isEqualTo(Duration.ofHours(12));

        clocks.advance(Duration.ofHours(11));
        correct(quota, limit("tokens", DAY, 100, 0, Duration.ofHours(24)));
        assertThat(quota.refusal(60).orElseThrow().retryIn()).isEqualTo(Duration.ofHours(1));
    }

    @ParameterizedTest
    @CsvSource({
        // subject, window in seconds, of which unit and window is it
        "requests, 60, REQUESTS, MINUTE",
        "requests, 86400, REQUESTS, DAY",
        "tokens, 60, TOKENS, MINUTE",
        "tokens, 86400, TOKENS, DAY",
        "req-minute, 60, REQUESTS, MINUTE",
        "req-day, 86400, REQUESTS, DAY",
        "requests-minute, 60, REQUESTS, MINUTE",
        "requests-day, 86400, REQUESTS, DAY",
        "tokens-minute, 60, TOKENS, MINUTE",
        "tokens-day, 86400, TOKENS, DAY",
        "trial-endpoint-call, 60, REQUESTS, MINUTE",
        "project-tokens, 60, TOKENS, MINUTE",
        "api, 60, REQUESTS, MINUTE",
        "api, 50, REQUESTS, MINUTE",
        "api, 70, REQUESTS, MINUTE",
        "api, 82800, REQUESTS, DAY",
        "api, 90000, REQUESTS, DAY"
    })
    void a_limit_is_known_by_its_subject_and_its_window(
            String subject, long seconds, QuotaUnit unit, QuotaWindow window) {
        Quota quota = everything();
        correct(quota, limit(subject, Duration.ofSeconds(seconds), 7, 3, null));
        assertThat(quota.status())
                .filteredOn(status -> status.used() > 0)
                .singleElement()
                .satisfies(status -> {
                    assertThat(status.unit()).isEqualTo(unit);
                    assertThat(status.window()).isEqualTo(window);
                    assertThat(status.left()).isEqualTo(3);
                });
    }

    private Quota everything() {
        return quota(QuotaSettings.builder()
                .requestsPerMinute(100)
                .requestsPerDay(1_000)
                .tokensPerMinute(10_000)
                .tokensPerDay(100_000));
    }

    @ParameterizedTest
    @CsvSource({
        "req-10-second, 10",
        "api, 300",
        "api, 49",
        "api, 71",
        "api, 82799",
        "api, 90001",
        "tokens-month, 2592000",
        "endpoint-monthly-call, 2592000",
        "input-images, 60",
        "input-images,",
        "tokens_usage_based, 60",
        "tokens_usage_based,",
        "priority-input-tokens, 60",
        "input-tokens, 60",
        "output-tokens, 60",
        "pages,",
        "tokens-query-cost,"
    })
    void other_limits_are_not_ours(String subject, @Nullable Long seconds) {
        Quota quota = everything();
        correct(
                quota,
                limit(subject, seconds == null ? null : Duration.ofSeconds(seconds), 10, 1, Duration.ofSeconds(7)));
        assertThat(quota.left()).isEqualTo(1);
    }

    @Test
    void what_is_left_must_have_been_said() {
        Quota quota = everything();
        correct(quota, limit("requests", MINUTE, 10, -1, SECOND), limit("tokens", MINUTE, -1, -1, Duration.ZERO));
        quota.correct(List.of());
        assertThat(quota.left()).isEqualTo(1);

        Quota none = clocks.quota(QuotaSettings.none());
        correct(none, limit("requests", MINUTE, 10, 0, SECOND));
        assertThat(none.left()).isEqualTo(1);
    }

    @Test
    void a_limit_without_a_window_is_the_one_of_the_same_size() {
        Quota quota = everything();
        correct(quota, limit("requests", null, 1_000, 5, SECOND), limit("tokens", null, 10_000, 5, DAY));
        assertThat(left(quota)).containsExactly(100L, 5L, 5L, 100_000L);
    }

    @Test
    void else_it_is_told_by_its_reset() {
        Quota minute = everything();
        correct(minute, limit("requests", null, 5_000, 5, MINUTE), limit("tokens", null, -1, 5, Duration.ofNanos(1)));
        assertThat(left(minute)).containsExactly(5L, 1_000L, 5L, 100_000L);

        Quota day = everything();
        Duration longer = MINUTE.plusNanos(1);
        correct(day, limit("requests", null, 5_000, 5, longer), limit("tokens", null, -1, 5, longer));
        assertThat(left(day)).containsExactly(100L, 5L, 10_000L, 5L);

        Quota unknown = everything();
        correct(unknown, limit("requests", null, 5_000, 5, null), limit("tokens", null, -1, 5, null));
        assertThat(unknown.left()).isEqualTo(1);

        Quota same = quota(QuotaSettings.builder().requestsPerMinute(50).requestsPerDay(50));
        correct(same, limit("requests", null, 50, 5, MINUTE));
        assertThat(left(same)).containsExactly(5L, 50L);
    }

    @Test
    void a_limit_smaller_than_the_days_is_not_the_days() {
        Quota both = everything();
        correct(both, limit("requests", null, 60, 5, Duration.ofMinutes(6)));
        assertThat(left(both).subList(0, 2)).containsExactly(5L, 1_000L);

        Quota capped = quota(QuotaSettings.builder().requestsPerDay(100_000).tokensPerDay(1_000_000));
        correct(
                capped,
                limit("requests", null, 500, 499, Duration.ofMillis(120)),
                limit("tokens", null, 200_000, 0, Duration.ofMinutes(6)));
        assertThat(capped.left()).as("those of OpenAI's minute").isEqualTo(1);
    }

    @Test
    void the_only_limit_of_its_kind_is_meant() {
        Quota minute = quota(QuotaSettings.builder().requestsPerMinute(500).tokensPerMinute(10_000));
        correct(minute, limit("requests", null, 60, 59, null), limit("tokens", null, 8_000, 7_900, DAY));
        assertThat(left(minute)).containsExactly(59L, 7_900L);

        Quota day = quota(QuotaSettings.builder().requestsPerDay(50));
        correct(day, limit("requests", null, 1_000, 20, SECOND));
        assertThat(left(day)).containsExactly(20L);
        correct(day, limit("requests", null, 50, 15, SECOND));
        assertThat(left(day)).containsExactly(15L);
        correct(day, limit("requests", null, -1, 10, SECOND));
        assertThat(left(day)).containsExactly(10L);
        correct(day, limit("tokens", null, -1, 0, SECOND));
        assertThat(left(day)).containsExactly(10L);
    }

    @Test
    void of_tokens_no_more_are_left_than_of_input_and_output_together() {
        Quota quota = quota(QuotaSettings.builder().tokensPerMinute(500_000));
        correct(
                quota,
                limit("input-tokens", null, 400_000, 300_000, SECOND),
                limit("output-tokens", null, 80_000, 79_000, Duration.ofSeconds(9)));
        assertThat(left(quota)).containsExactly(379_000L);
        clocks.advance(Duration.ofSeconds(9).minusNanos(1));
        assertThat(left(quota)).containsExactly(379_000L);
        clocks.advanceNanos(1);
        assertThat(left(quota)).containsExactly(500_000L);

        correct(
                quota,
                limit("input-tokens", null, 400_000, 300_000, Duration.ofSeconds(9)),
                limit("output-tokens", null, 80_000, 79_000, SECOND));
        clocks.advance(Duration.ofSeconds(9).minusNanos(1));
        assertThat(left(quota)).containsExactly(379_000L);
    }

    @Test
    void none_are_left_if_there_are_none_of_either() {
        Quota noInput = quota(QuotaSettings.builder().tokensPerMinute(500_000));
        correct(
                noInput,
                limit("input-tokens", null, 400_000, 0, SECOND),
                limit("output-tokens", null, 80_000, 79_000, Duration.ofSeconds(9)));
        assertThat(left(noInput)).containsExactly(0L);

        Quota noOutput = quota(QuotaSettings.builder().tokensPerMinute(500_000));
        correct(noOutput, limit("output-tokens", null, 80_000, 0, Duration.ofSeconds(9)));
        assertThat(left(noOutput)).containsExactly(0L);
        clocks.advance(Duration.ofSeconds(9));
        assertThat(left(noOutput)).containsExactly(500_000L);
    }

    @Test
    void of_one_alone_something_is_left_and_nothing_follows() {
        Quota quota = quota(QuotaSettings.builder().tokensPerMinute(500_000));
        correct(quota, limit("input-tokens", MINUTE, 400_000, 1_000, SECOND));
        correct(quota, limit("output-tokens", MINUTE, 80_000, 1_000, SECOND));
        correct(
                quota,
                limit("input-tokens", MINUTE, 400_000, 1_000, SECOND),
                limit("output-tokens", DAY, 80_000, 1_000, SECOND));
        assertThat(left(quota)).containsExactly(500_000L);
    }

    @Test
    void what_a_stranger_says_breaks_nothing() {
        Quota quota = everything();
        correct(
                quota,
                limit("input-tokens", null, Long.MAX_VALUE, Long.MAX_VALUE, SECOND),
                limit("output-tokens", null, Long.MAX_VALUE, Long.MAX_VALUE, null),
                limit("requests", Duration.ofSeconds(Long.MAX_VALUE), 0, 0, Duration.ofSeconds(Long.MAX_VALUE)),
                limit("-", null, 0, 0, null),
                limit("", MINUTE, 0, 0, Duration.ofSeconds(-1)),
                limit("tokens", MINUTE, 0, 0, Duration.ofSeconds(-1)));
        assertThat(quota.left()).isEqualTo(1);
    }
}
