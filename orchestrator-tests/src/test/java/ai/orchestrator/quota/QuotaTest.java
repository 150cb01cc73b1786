package ai.orchestrator.quota;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.chat.RateLimit;
import ai.orchestrator.quota.Quota.Refusal;
import ai.orchestrator.quota.Quota.Reservation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class QuotaTest {

    private static final Duration MINUTE = Duration.ofMinutes(1);

    private final Clocks clocks = new Clocks("2026-11-24T22:00:00Z");

    private Quota quota(QuotaSettings.Builder settings) {
        return clocks.quota(settings.build());
    }

    private Quota requestsPerMinute(long limit) {
        return quota(QuotaSettings.builder().requestsPerMinute(limit));
    }

    private Quota tokensPerMinute(long limit) {
        return quota(QuotaSettings.builder().tokensPerMinute(limit));
    }

    private static Reservation reserved(Quota quota, long tokens) {
        return (Reservation) quota.reserve(tokens);
    }

    private static Refusal refused(Quota quota, long tokens) {
        Refusal refusal = (Refusal) quota.reserve(tokens);
        assertThat(quota.refusal(tokens)).contains(refusal);
        return refusal;
    }

    private static long used(Quota quota) {
        return quota.status().get(0).used();
    }

    @Test
    void without_limits_everything_is_let_through() {
        Quota quota = clocks.quota(QuotaSettings.none());
        for (int i = 0; i < 1_000; i++) {
            reserved(quota, Long.MAX_VALUE).settle(Long.MAX_VALUE);
        }
        reserved(quota, 1).settle();
        reserved(quota, 1).refund();
        assertThat(quota.refusal(Long.MAX_VALUE)).isEmpty();
        assertThat(quota.left()).isEqualTo(1);
        assertThat(quota.isNearlyUsedUp()).isFalse();
        assertThat(quota.status()).isEmpty();
    }

    @Test
    void as_many_requests_are_let_in_as_the_limit_says() {
        Quota quota = requestsPerMinute(3);
        for (int i = 0; i < 3; i++) {
            assertThat(quota.refusal(7)).isEmpty();
            reserved(quota, 7);
        }
        Refusal refusal = refused(quota, 7);
        assertThat(refusal).isEqualTo(new Refusal(QuotaUnit.REQUESTS, QuotaWindow.MINUTE, 3, 3, 1, MINUTE));
        assertThat(refusal.reason()).isEqualTo("quota used up: 3 requests per minute");
    }

    @Test
    void a_refusal_says_what_is_left_and_what_is_needed() {
        Quota quota = tokensPerMinute(6_000);
        reserved(quota, 5_000);
        assertThat(refused(quota, 1_524).reason())
                .isEqualTo("quota: 1,000 of 6,000 tokens per minute are left, and the call may need 1,524");
        reserved(quota, 1_000);
        assertThat(refused(quota, 1_524).reason()).isEqualTo("quota used up: 6,000 tokens per minute");

        Quota daily = quota(QuotaSettings.builder().requestsPerDay(1));
        reserved(daily, 0);
        assertThat(refused(daily, 0).reason()).isEqualTo("quota used up: 1 request per day");
    }

    @Test
    void what_was_taken_is_back_exactly_a_minute_later() {
        Quota quota = requestsPerMinute(2);
        reserved(quota, 0);
        clocks.advanceNanos(20_000_000_007L);
        reserved(quota, 0).settle(1);

        assertThat(refused(quota, 0).retryIn()).isEqualTo(MINUTE.minusNanos(20_000_000_007L));
        clocks.advance(MINUTE.minusNanos(20_000_000_008L));
        assertThat(refused(quota, 0).retryIn()).isEqualTo(Duration.ofNanos(1));
        clocks.advanceNanos(1);
        reserved(quota, 0);
        assertThat(refused(quota, 0).retryIn()).isEqualTo(Duration.ofNanos(20_000_000_007L));
    }

    @Test
    void calls_close_together_come_back_with_the_last_of_them() {
        Quota quota = requestsPerMinute(3);
        reserved(quota, 0);
        clocks.advanceNanos(MinuteWindow.GRAIN_NANOS - 1);
        reserved(quota, 0);
        clocks.advanceNanos(1);
        reserved(quota, 0);

        clocks.advance(MINUTE.minusNanos(2));
        assertThat(used(quota)).isEqualTo(3);
        clocks.advanceNanos(1);
        assertThat(used(quota)).isEqualTo(1);
        clocks.advanceNanos(1);
        assertThat(used(quota)).isZero();
    }

    @Test
    void a_request_is_reserved_in_every_window_or_in_none() {
        Quota quota = quota(QuotaSettings.builder()
                .requestsPerMinute(10)
                .requestsPerDay(20)
                .tokensPerMinute(100)
                .tokensPerDay(150));
        reserved(quota, 90);
        assertThat(refused(quota, 20).unit()).isEqualTo(QuotaUnit.TOKENS);
        assertThat(quota.status()).extracting(QuotaStatus::used).containsExactly(1L, 1L, 90L, 90L);
        reserved(quota, 10);
        assertThat(quota.status()).extracting(QuotaStatus::left).containsExactly(8L, 18L, 0L, 50L);
    }

    @Test
    void of_several_limits_the_one_that_is_longest_in_the_way_refuses() {
        Quota quota = quota(QuotaSettings.builder().requestsPerMinute(1).requestsPerDay(1));
        reserved(quota, 0);
        Refusal refusal = refused(quota, 0);
        assertThat(refusal.window()).isEqualTo(QuotaWindow.DAY);
        assertThat(refusal.retryIn()).isEqualTo(Duration.ofHours(2));

        Quota equal = quota(QuotaSettings.builder().requestsPerMinute(1).tokensPerMinute(10));
        reserved(equal, 10);
        assertThat(refused(equal, 10).unit()).as("of equals the first").isEqualTo(QuotaUnit.REQUESTS);
    }

    @Test
    void a_refund_makes_as_if_nothing_had_been_reserved() {
        Quota quota = quota(QuotaSettings.builder()
                .requestsPerMinute(2)
                .requestsPerDay(2)
                .tokensPerMinute(10)
                .tokensPerDay(10));
        Reservation reservation = reserved(quota, 10);
        reservation.refund();
        assertThat(quota.status()).extracting(QuotaStatus::used).containsOnly(0L);
        assertThat(quota.left()).isEqualTo(1);
        reserved(quota, 5);
        reserved(quota, 5);
    }

    @Test
    void a_reservation_is_settled_to_what_was_used() {
        Quota quota = quota(QuotaSettings.builder().requestsPerMinute(9).tokensPerMinute(100));
        reserved(quota, 80).settle(30);
        assertThat(quota.status()).extracting(QuotaStatus::used).containsExactly(1L, 30L);
        reserved(quota, 20).settle();
        assertThat(quota.status()).extracting(QuotaStatus::used).containsExactly(2L, 50L);
        reserved(quota, 20).settle(45);
        assertThat(quota.status()).extracting(QuotaStatus::used).containsExactly(3L, 95L);
        reserved(quota, 5).settle(-1);
        assertThat(quota.status()).extracting(QuotaStatus::used).containsExactly(4L, 95L);
    }

    @Test
    void more_may_be_used_than_was_left() {
        Quota quota = tokensPerMinute(100);
        reserved(quota, 60);
        clocks.advance(Duration.ofSeconds(10));
        reserved(quota, 40).settle(130);
        assertThat(quota.status().get(0))
                .isEqualTo(new QuotaStatus(QuotaUnit.TOKENS, QuotaWindow.MINUTE, 100, 190, 0, Duration.ofSeconds(50)));
        assertThat(quota.left()).isZero();

        Refusal refusal = refused(quota, 0);
        assertThat(refusal.reason()).isEqualTo("quota used up: 100 tokens per minute");
        assertThat(refusal.retryIn()).as("130 of 100 stay until then").isEqualTo(MINUTE);
    }

    @Test
    void what_was_used_beyond_the_estimate_counts_from_when_it_was_told() {
        Quota quota = tokensPerMinute(100);
        Reservation reservation = reserved(quota, 10);
        clocks.advance(Duration.ofSeconds(50));
        reservation.settle(30);
        clocks.advance(Duration.ofSeconds(10));
        assertThat(used(quota)).isEqualTo(20);
        clocks.advance(Duration.ofSeconds(50));
        assertThat(used(quota)).isZero();
    }

    @Test
    void a_call_that_used_what_was_reserved_is_back_no_later_for_being_settled() {
        Quota quota = quota(QuotaSettings.builder().requestsPerMinute(1).tokensPerMinute(10));
        Reservation reservation = reserved(quota, 10);
        clocks.advanceNanos(MinuteWindow.GRAIN_NANOS - 1);
        reservation.settle(10);
        assertThat(refused(quota, 10).retryIn()).isEqualTo(MINUTE.minusNanos(MinuteWindow.GRAIN_NANOS - 1));
    }

    @Test
    void what_has_run_out_cannot_be_given_back_again() {
        Quota quota = quota(QuotaSettings.builder()
                .requestsPerMinute(5)
                .requestsPerDay(5)
                .tokensPerMinute(100)
                .tokensPerDay(100));
        Reservation refunded = reserved(quota, 30);
        Reservation settled = reserved(quota, 30);
        clocks.advance(Duration.ofHours(3));
        reserved(quota, 30);
        refunded.refund();
        settled.settle(10);
        assertThat(quota.status()).extracting(QuotaStatus::used).containsExactly(1L, 1L, 30L, 30L);
    }

    @Test
    void only_the_first_completion_counts() {
        Quota quota = quota(QuotaSettings.builder().requestsPerMinute(10).tokensPerMinute(100));
        List<Reservation> reservations = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            reservations.add(reserved(quota, 10));
        }
        reservations.get(0).settle(5);
        reservations.get(1).settle();
        reservations.get(2).refund();
        for (Reservation reservation : reservations) {
            reservation.refund();
            reservation.settle(50);
            reservation.settle();
            reservation.refund();
        }
        assertThat(quota.status()).extracting(QuotaStatus::used).containsExactly(2L, 15L);
    }

    @Test
    void a_call_that_may_need_more_than_all_takes_all() {
        Quota quota = quota(QuotaSettings.builder().tokensPerMinute(1_000).tokensPerDay(5_000));
        Reservation large = reserved(quota, 2_000);
        assertThat(quota.status()).extracting(QuotaStatus::used).containsExactly(1_000L, 2_000L);
        large.settle(1_500);
        assertThat(quota.status()).extracting(QuotaStatus::used).containsExactly(1_500L, 1_500L);

        clocks.advance(MINUTE);
        reserved(quota, 1).settle();
        Refusal refusal = refused(quota, 2_000);
        assertThat(refusal.needed()).isEqualTo(1_000);
        assertThat(refusal.retryIn()).isEqualTo(MINUTE);
    }

    @Test
    void a_call_that_expects_to_use_nothing_is_refused_when_nothing_is_left() {
        Quota quota = tokensPerMinute(10);
        reserved(quota, 10);
        assertThat(refused(quota, 0).needed()).isEqualTo(1);
        assertThat(refused(quota, -5).needed()).isEqualTo(1);
        assertThat(used(quota)).isEqualTo(10);
    }

    @Test
    void no_number_is_too_large() {
        Quota quota = clocks.quota(QuotaSettings.builder()
                .tokensPerMinute(Long.MAX_VALUE)
                .tokensPerDay(Long.MAX_VALUE)
                .requestsPerDay(Long.MAX_VALUE)
                .build());
        for (int i = 0; i < 10_000; i++) {
            reserved(quota, Long.MAX_VALUE).settle(Long.MAX_VALUE);
        }
        assertThat(quota.status()).allMatch(status -> status.used() > 0 && status.left() > 0);
        assertThat(quota.left()).isGreaterThan(0.99);

        Quota small = tokensPerMinute(1);
        reserved(small, Long.MAX_VALUE).settle(Long.MAX_VALUE);
        assertThat(used(small)).isEqualTo(1_000_000_000_000L);
        assertThat(small.left()).isZero();
    }

    @Test
    void a_refusal_waits_for_as_many_calls_as_are_in_the_way() {
        Quota quota = tokensPerMinute(100);
        for (int i = 0; i < 10; i++) {
            reserved(quota, 10);
            clocks.advance(Duration.ofSeconds(2));
        }
        assertThat(refused(quota, 10).retryIn()).isEqualTo(Duration.ofSeconds(40));
        assertThat(refused(quota, 11).retryIn()).isEqualTo(Duration.ofSeconds(42));
        assertThat(refused(quota, 100).retryIn()).isEqualTo(Duration.ofSeconds(58));
    }

    @Test
    void a_refunded_call_is_in_nobodys_way() {
        Quota quota = tokensPerMinute(100);
        Reservation first = reserved(quota, 50);
        clocks.advance(Duration.ofSeconds(5));
        reserved(quota, 50);
        first.refund();
        assertThat(refused(quota, 100).retryIn()).isEqualTo(MINUTE);
        assertThat(quota.status().get(0).resetsIn()).isEqualTo(MINUTE);
    }

    @Test
    void from_ninety_percent_on_it_is_nearly_used_up() {
        Quota quota = quota(QuotaSettings.builder().requestsPerMinute(10).tokensPerDay(1_000));
        for (int i = 0; i < 8; i++) {
            reserved(quota, 0);
        }
        assertThat(quota.isNearlyUsedUp()).isFalse();
        assertThat(quota.left()).isEqualTo(0.2);
        Reservation ninth = reserved(quota, 0);
        assertThat(quota.isNearlyUsedUp()).isTrue();
        assertThat(quota.left()).isEqualTo(0.1);
        ninth.refund();
        assertThat(quota.isNearlyUsedUp()).isFalse();
        reserved(quota, 899);
        assertThat(quota.isNearlyUsedUp()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(longs = {Long.MAX_VALUE - 1_000, 0, -6 * 3_600_000_000_000L})
    void who_only_looks_sees_what_time_has_brought_back_whatever_its_numbers(long startNanos) {
        Clocks clocks = new Clocks("2026-11-24T22:00:00Z", startNanos);
        Quota quota = clocks.quota(
                QuotaSettings.builder().requestsPerMinute(10).requestsPerDay(20).build());
        for (int i = 0; i < 9; i++) {
            reserved(quota, 0);
        }
        clocks.advance(MINUTE.minusNanos(1));
        assertThat(quota.isNearlyUsedUp()).isTrue();
        assertThat(quota.left()).isEqualTo(0.1);
        clocks.advanceNanos(1);
        assertThat(quota.isNearlyUsedUp()).isFalse();
        assertThat(quota.left()).isEqualTo(11.0 / 20);
        assertThat(quota.refusal(0)).isEmpty();
        clocks.advance(Duration.ofHours(2));
        assertThat(quota.left()).isEqualTo(1);
    }

    @Test
    void who_only_looks_computes_nothing_anew_until_it_looks_different() {
        Quota quota = quota(QuotaSettings.builder().requestsPerMinute(10).requestsPerDay(100));
        reserved(quota, 0);
        quota.correct(List.of(new RateLimit(
                "requests", Optional.of(MINUTE), OptionalLong.empty(), OptionalLong.of(5), Optional.of(MINUTE))));
        clocks.advance(MINUTE.minusNanos(1));
        int before = clocks.readings();
        quota.left();
        quota.isNearlyUsedUp();
        quota.refusal(0);
        assertThat(clocks.readings()).as("both for each").isEqualTo(before + 6);

        Quota minute = requestsPerMinute(10);
        before = clocks.readings();
        minute.left();
        assertThat(clocks.readings()).as("no day, no wall clock").isEqualTo(before + 1);
        clocks.advanceNanos(1);
        assertThat(quota.left()).isEqualTo(0.99);
    }

    @Test
    void whatever_one_thread_asks_the_next_one_gets_its_turn() throws Exception {
        Quota quota = quota(QuotaSettings.builder().requestsPerMinute(1).requestsPerDay(100));
        List<Runnable> questions = List.of(
                () -> reserved(quota, 0).refund(),
                () -> reserved(quota, 0).settle(0),
                () -> refused(quota, 0),
                () -> quota.refusal(0),
                () -> quota.correct(List.of(new RateLimit(
                        "requests", Optional.of(MINUTE), OptionalLong.empty(), OptionalLong.of(0), Optional.empty()))),
                quota::status,
                () -> {
                    clocks.advance(MINUTE);
                    quota.left();
                });
        for (Runnable question : questions) {
            question.run();
            Thread next = new Thread(quota::status);
            next.start();
            next.join(10_000);
            assertThat(next.isAlive()).isFalse();
        }
    }

    @Test
    void it_tells_every_window_at_one_moment() {
        Quota quota = quota(QuotaSettings.builder()
                .requestsPerMinute(10)
                .requestsPerDay(100)
                .tokensPerMinute(1_000)
                .tokensPerDay(10_000));
        assertThat(quota.status())
                .extracting(QuotaStatus::resetsIn)
                .containsExactly(Duration.ZERO, Duration.ofHours(2), Duration.ZERO, Duration.ofHours(2));
        reserved(quota, 250).settle();
        clocks.advance(Duration.ofSeconds(15));
        Duration day = Duration.ofHours(2).minusSeconds(15);
        Duration minute = Duration.ofSeconds(45);
        assertThat(quota.status())
                .containsExactly(
                        new QuotaStatus(QuotaUnit.REQUESTS, QuotaWindow.MINUTE, 10, 1, 9, minute),
                        new QuotaStatus(QuotaUnit.REQUESTS, QuotaWindow.DAY, 100, 1, 99, day),
                        new QuotaStatus(QuotaUnit.TOKENS, QuotaWindow.MINUTE, 1_000, 250, 750, minute),
                        new QuotaStatus(QuotaUnit.TOKENS, QuotaWindow.DAY, 10_000, 250, 9_750, day));
        assertThat(quota)
                .hasToString("Quota(name='groq-1', QuotaSettings(requestsPerMinute=10, requestsPerDay=100,"
                        + " tokensPerMinute=1000, tokensPerDay=10000, zone=Z), left=75 %)");
        assertThat(quota.name()).isEqualTo("groq-1");
        assertThat(quota.settings().requestsPerDay()).hasValue(100);
    }
}
