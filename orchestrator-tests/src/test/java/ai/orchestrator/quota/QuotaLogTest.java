package ai.orchestrator.quota;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.chat.RateLimit;
import ai.orchestrator.quota.Quota.Reservation;
import ai.orchestrator.testkit.LogCapture;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** O12: warnings at 80 % and at 90 %, and no chatter. */
class QuotaLogTest {

    private final Clocks clocks = new Clocks("2026-11-24T22:00:00Z");
    private final LogCapture log = LogCapture.of(Quota.class);

    @AfterEach
    void close() {
        log.close();
    }

    private static Reservation reserve(Quota quota, long tokens) {
        return (Reservation) quota.reserve(tokens);
    }

    private static void reserve(Quota quota, int requests) {
        for (int i = 0; i < requests; i++) {
            reserve(quota, 0L);
        }
    }

    @Test
    void each_level_is_warned_of_once_in_a_day() {
        Quota quota =
                clocks.quota(QuotaSettings.builder().requestsPerDay(14_400).build());
        reserve(quota, 11_519);
        assertThat(log.lines()).isEmpty();
        reserve(quota, 1);
        assertThat(log.lines())
                .containsExactly("WARN Provider 'groq-1' has used 80 % of its 14,400 requests per day;"
                        + " from 90 % on it is asked after others");
        reserve(quota, 1_439);
        assertThat(log.lines()).hasSize(1);
        reserve(quota, 1);
        assertThat(log.lines())
                .hasSize(2)
                .last()
                .isEqualTo("WARN Provider 'groq-1' has used 90 % of its 14,400 requests per day;"
                        + " it is asked after others now, and not at all at 100 %");
        reserve(quota, 1_440);
        assertThat(quota.reserve(0)).isInstanceOf(Quota.Refusal.class);
        assertThat(log.lines()).hasSize(2);

        clocks.advance(Duration.ofHours(2));
        log.clear();
        reserve(quota, 12_960);
        assertThat(log.lines()).as("another day").hasSize(2);
    }

    @Test
    void a_day_that_is_used_up_at_once_is_warned_of_at_once() {
        Quota quota = clocks.quota(QuotaSettings.builder().requestsPerDay(1).build());
        for (int days = 1; days <= 3; days++) {
            reserve(quota, 1);
            assertThat(log.lines()).hasSize(days).last().asString().contains("has used 100 % of its 1 request per day");
            clocks.advance(Duration.ofDays(1));
        }
    }

    @Test
    void a_changed_limit_is_warned_of_on_its_own_and_one_that_stays_is_not() {
        QuotaSettings ten = QuotaSettings.builder().requestsPerDay(10).build();
        Quota quota = clocks.quota(ten);
        reserve(quota, 9);
        quota.reconfigure(ten);
        reserve(quota, 1);
        assertThat(log.lines()).hasSize(2);
        log.clear();
        quota.reconfigure(QuotaSettings.builder().requestsPerDay(100).build());
        reserve(quota, 80);
        assertThat(log.lines()).hasSize(2).last().asString().contains("has used 90 % of its 100 requests per day");
    }

    @Test
    void a_leap_over_both_levels_is_one_warning() {
        Quota quota =
                clocks.quota(QuotaSettings.builder().tokensPerMinute(1_000).build());
        reserve(quota, 100L).settle(1_500);
        assertThat(log.lines())
                .singleElement()
                .asString()
                .startsWith("WARN Provider 'groq-1' has used 150 % of its 1,000 tokens per minute; it is asked after");
    }

    @Test
    void a_day_that_trembles_around_a_level_is_warned_of_once() {
        Quota quota = clocks.quota(QuotaSettings.builder().requestsPerDay(10).build());
        reserve(quota, 7);
        for (int i = 0; i < 20; i++) {
            Reservation eighth = reserve(quota, 0L);
            clocks.advance(Duration.ofMinutes(1));
            eighth.refund();
        }
        assertThat(log.lines()).hasSize(1);
    }

    @Test
    void a_minute_that_trembles_around_a_level_is_warned_of_once_in_a_minute_at_most() {
        Quota quota = clocks.quota(QuotaSettings.builder().requestsPerMinute(10).build());
        for (int second = 0; second <= 600; second++) {
            Reservation[] reservations = new Reservation[8];
            for (int i = 0; i < 8; i++) {
                reservations[i] = reserve(quota, 0L);
            }
            for (Reservation reservation : reservations) {
                reservation.refund();
            }
            clocks.advance(Duration.ofSeconds(1));
        }
        assertThat(log.lines()).hasSize(11).allMatch(line -> line.contains("80 %"));
    }

    @Test
    void a_minute_that_stays_above_a_level_is_warned_of_once() {
        Quota quota = clocks.quota(QuotaSettings.builder().requestsPerMinute(60).build());
        for (int second = 0; second < 600; second++) {
            if (quota.reserve(0) instanceof Reservation reservation) {
                reservation.settle();
            }
            clocks.advanceNanos(1_010_000_000);
        }
        assertThat(quota.isNearlyUsedUp()).isTrue();
        assertThat(log.lines()).hasSize(2);
    }

    @Test
    void an_estimate_of_tokens_is_no_reason_to_warn() {
        Quota quota = clocks.quota(QuotaSettings.builder().tokensPerDay(1_000).build());
        Reservation reservation = reserve(quota, 1_000L);
        assertThat(quota.isNearlyUsedUp()).isTrue();
        assertThat(log.lines()).isEmpty();
        reservation.settle(300);
        assertThat(log.lines()).isEmpty();
        reserve(quota, 600L).settle(500);
        assertThat(log.lines()).hasSize(1);
    }

    @Test
    void what_the_provider_says_is_warned_of_too() {
        Quota quota = clocks.quota(QuotaSettings.builder().requestsPerDay(100).build());
        quota.correct(List.of(new RateLimit(
                "requests-day",
                Optional.of(Duration.ofDays(1)),
                OptionalLong.of(100),
                OptionalLong.of(15),
                Optional.empty())));
        assertThat(log.lines()).singleElement().asString().contains("has used 85 % of its 100 requests per day");
    }

    @Test
    void what_is_reset_already_is_no_reason_to_warn() {
        Quota quota =
                clocks.quota(QuotaSettings.builder().requestsPerMinute(100).build());
        quota.correct(List.of(new RateLimit(
                "requests",
                Optional.of(Duration.ofMinutes(1)),
                OptionalLong.of(100),
                OptionalLong.of(0),
                Optional.of(Duration.ZERO))));
        assertThat(log.lines()).isEmpty();
    }

    @Test
    void nothing_is_logged_of_an_ordinary_life() {
        Quota quota = clocks.quota(QuotaSettings.builder()
                .requestsPerMinute(10)
                .requestsPerDay(100)
                .tokensPerMinute(1_000)
                .build());
        for (int i = 0; i < 50; i++) {
            reserve(quota, 300L).settle(100);
            clocks.advance(Duration.ofSeconds(20));
        }
        assertThat(log.lines()).isEmpty();
    }
}
