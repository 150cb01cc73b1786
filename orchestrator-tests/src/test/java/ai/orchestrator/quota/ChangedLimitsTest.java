package ai.orchestrator.quota;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.chat.RateLimit;
import ai.orchestrator.quota.Quota.Refusal;
import ai.orchestrator.quota.Quota.Reservation;
import java.time.Duration;
import java.time.ZoneId;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** G6: a quota whose limits change keeps what was counted. */
class ChangedLimitsTest {

    private final Clocks clocks = new Clocks("2026-11-24T22:00:00Z");
    private final Quota quota = clocks.quota(
            QuotaSettings.builder().requestsPerMinute(10).tokensPerMinute(1_000).build());

    private void change(UnaryOperator<QuotaSettings.Builder> limits) {
        quota.reconfigure(limits.apply(QuotaSettings.builder()).build());
    }

    private Reservation reserved(long tokens) {
        return (Reservation) quota.reserve(tokens);
    }

    private QuotaStatus status(QuotaUnit unit, QuotaWindow window) {
        return quota.status().stream()
                .filter(status -> status.unit() == unit && status.window() == window)
                .findFirst()
                .orElseThrow();
    }

    @Test
    void what_was_counted_counts_under_the_new_limit() {
        for (int i = 0; i < 4; i++) {
            reserved(1).settle();
        }
        change(l -> l.requestsPerMinute(5));

        assertThat(quota.settings().requestsPerMinute()).hasValue(5);
        reserved(1).settle();
        assertThat(quota.reserve(1)).isInstanceOf(Refusal.class);
        assertThat(quota.left()).isZero();
        clocks.advance(Duration.ofMinutes(1));
        assertThat(quota.left()).isEqualTo(1);
    }

    @Test
    void a_limit_below_what_was_counted_refuses_until_enough_has_come_back() {
        for (int i = 0; i < 4; i++) {
            reserved(1).settle();
            clocks.advance(Duration.ofSeconds(10));
        }
        change(l -> l.requestsPerMinute(2));

        Refusal refusal = (Refusal) quota.reserve(1);
        assertThat(refusal.used()).isEqualTo(4);
        assertThat(refusal.retryIn()).as("until the third of the four is old").isEqualTo(Duration.ofSeconds(40));
        assertThat(status(QuotaUnit.REQUESTS, QuotaWindow.MINUTE).left()).isZero();
    }

    @Test
    void a_new_limit_begins_with_nothing_and_one_that_is_gone_is_forgotten() {
        reserved(100).settle(100);
        change(l -> l.requestsPerDay(7).tokensPerMinute(1_000));

        assertThat(quota.status()).hasSize(2);
        assertThat(status(QuotaUnit.REQUESTS, QuotaWindow.DAY).used()).isZero();
        assertThat(status(QuotaUnit.TOKENS, QuotaWindow.MINUTE).used()).isEqualTo(100);

        change(l -> l);
        assertThat(quota.status()).isEmpty();
        assertThat(quota.left()).isEqualTo(1);
        change(l -> l.tokensPerMinute(1_000));
        assertThat(status(QuotaUnit.TOKENS, QuotaWindow.MINUTE).used()).isZero();
    }

    @Test
    void a_reservation_is_refunded_as_it_was_made_whatever_the_limit_is_now() {
        Reservation all = reserved(5_000);
        assertThat(status(QuotaUnit.TOKENS, QuotaWindow.MINUTE).used()).isEqualTo(1_000);
        change(l -> l.tokensPerMinute(3_000));

        all.refund();
        assertThat(status(QuotaUnit.TOKENS, QuotaWindow.MINUTE).used()).isZero();
    }

    @Test
    void a_reservation_is_settled_to_what_was_used_whatever_the_limit_is_now() {
        Reservation all = reserved(5_000);
        Reservation unknown = (Reservation)
                clocks.quota(QuotaSettings.builder().tokensPerMinute(10).build())
                        .reserve(3);
        change(l -> l.tokensPerMinute(300));

        all.settle(1_234);
        unknown.settle();
        assertThat(status(QuotaUnit.TOKENS, QuotaWindow.MINUTE).used()).isEqualTo(1_234);
        clocks.advance(Duration.ofMinutes(1));
        assertThat(status(QuotaUnit.TOKENS, QuotaWindow.MINUTE).used()).isZero();
    }

    @Test
    void a_reservation_under_limits_that_are_gone_does_no_harm() {
        Reservation before = reserved(50);
        change(l -> l.requestsPerDay(3));
        change(l -> l.requestsPerDay(3).tokensPerMinute(1_000));

        before.settle(900);
        assertThat(status(QuotaUnit.TOKENS, QuotaWindow.MINUTE).used()).isZero();
        assertThat(status(QuotaUnit.REQUESTS, QuotaWindow.DAY).used()).isZero();
    }

    @Test
    void what_the_provider_has_counted_beyond_stays_too() {
        quota.correct(List.of(new RateLimit(
                "requests",
                Optional.of(Duration.ofMinutes(1)),
                OptionalLong.of(10),
                OptionalLong.of(4),
                Optional.of(Duration.ofSeconds(30)))));
        assertThat(status(QuotaUnit.REQUESTS, QuotaWindow.MINUTE).used()).isEqualTo(6);

        change(l -> l.requestsPerMinute(20));
        assertThat(status(QuotaUnit.REQUESTS, QuotaWindow.MINUTE).used()).isEqualTo(6);
        clocks.advance(Duration.ofSeconds(30));
        assertThat(status(QuotaUnit.REQUESTS, QuotaWindow.MINUTE).used()).isZero();
    }

    @Test
    void a_limit_that_is_corrected_to_the_provider_s_own_leaves_what_the_provider_said_is_left() {
        change(l -> l.requestsPerDay(14_400));
        reserved(1).settle();
        quota.correct(List.of(new RateLimit(
                "requests",
                Optional.of(Duration.ofDays(1)),
                OptionalLong.of(1_000),
                OptionalLong.of(990),
                Optional.empty())));
        assertThat(status(QuotaUnit.REQUESTS, QuotaWindow.DAY).left()).isEqualTo(990);

        change(l -> l.requestsPerDay(10_000));
        assertThat(status(QuotaUnit.REQUESTS, QuotaWindow.DAY).left()).isEqualTo(990);
        change(l -> l.requestsPerDay(1_000));
        assertThat(status(QuotaUnit.REQUESTS, QuotaWindow.DAY).left()).isEqualTo(990);
        change(l -> l.requestsPerDay(500));
        assertThat(status(QuotaUnit.REQUESTS, QuotaWindow.DAY).used())
                .as("our own")
                .isEqualTo(1);
    }

    @Test
    void corrections_can_be_forgotten_and_our_own_calls_still_count() {
        reserved(1).settle();
        quota.correct(List.of(new RateLimit(
                "requests",
                Optional.of(Duration.ofMinutes(1)),
                OptionalLong.of(10),
                OptionalLong.of(0),
                Optional.of(Duration.ofSeconds(30)))));
        assertThat(quota.left()).isZero();
        quota.forgetCorrections();
        assertThat(quota.left()).isEqualTo(0.9);
        assertThat(status(QuotaUnit.REQUESTS, QuotaWindow.MINUTE).used()).isEqualTo(1);
    }

    @Test
    void in_another_zone_the_day_goes_on_and_ends_when_it_ends_there() {
        change(l -> l.requestsPerDay(3));
        reserved(1).settle();
        assertThat(status(QuotaUnit.REQUESTS, QuotaWindow.DAY).resetsIn()).isEqualTo(Duration.ofHours(2));

        change(l -> l.requestsPerDay(3).zone(ZoneId.of("America/Los_Angeles")));
        assertThat(status(QuotaUnit.REQUESTS, QuotaWindow.DAY).used()).isEqualTo(1);
        assertThat(status(QuotaUnit.REQUESTS, QuotaWindow.DAY).resetsIn()).isEqualTo(Duration.ofHours(10));
        clocks.advance(Duration.ofHours(3));
        assertThat(status(QuotaUnit.REQUESTS, QuotaWindow.DAY).used()).isEqualTo(1);
        clocks.advance(Duration.ofHours(7));
        assertThat(status(QuotaUnit.REQUESTS, QuotaWindow.DAY).used()).isZero();
    }
}
