package ai.orchestrator.quota;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.quota.Quota.Refusal;
import ai.orchestrator.quota.Quota.Reservation;
import java.time.Duration;
import java.time.ZoneId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** B15, O12: the day is the calendar's, in a zone, by the wall clock. */
class QuotaDayTest {

    private static Quota twoPerDay(Clocks clocks, String zone) {
        return clocks.quota(
                QuotaSettings.builder().requestsPerDay(2).zone(ZoneId.of(zone)).build());
    }

    private static Duration useUp(Quota quota) {
        while (quota.reserve(0) instanceof Reservation reservation) {
            reservation.settle();
        }
        return quota.refusal(0).map(Refusal::retryIn).orElseThrow();
    }

    @ParameterizedTest
    @CsvSource({
        "UTC, 2026-11-24T22:30:00Z, 90",
        "Asia/Kolkata, 2026-11-24T18:00:00Z, 30",
        // 23 hours and 25 hours from midnight to midnight.
        "Europe/Berlin, 2026-03-28T23:00:00Z, 1380",
        "Europe/Berlin, 2026-10-24T22:00:00Z, 1500",
        "America/Sao_Paulo, 2018-11-04T02:00:00Z, 60",
        "America/Sao_Paulo, 2018-11-04T03:00:00Z, 1380",
        "Pacific/Apia, 2011-12-30T09:00:00Z, 60",
        "Pacific/Apia, 2011-12-30T10:00:00Z, 1440"
    })
    void all_of_a_day_is_back_at_the_next_midnight_of_the_zone(String zone, String wall, long minutes) {
        Clocks clocks = new Clocks(wall);
        Quota quota = twoPerDay(clocks, zone);
        Duration midnight = Duration.ofMinutes(minutes);
        assertThat(useUp(quota)).isEqualTo(midnight);
        assertThat(quota.status().get(0).resetsIn()).isEqualTo(midnight);

        clocks.advance(midnight.minusMillis(1));
        assertThat(quota.reserve(0)).isInstanceOf(Refusal.class);
        assertThat(quota.isNearlyUsedUp()).isTrue();
        clocks.advance(Duration.ofMillis(1));
        assertThat(quota.isNearlyUsedUp()).isFalse();
        assertThat(quota.left()).isEqualTo(1);
        assertThat(quota.reserve(0)).isInstanceOf(Reservation.class);
        assertThat(quota.reserve(0)).isInstanceOf(Reservation.class);
        assertThat(quota.reserve(0)).isInstanceOf(Refusal.class);
    }

    @Test
    void what_yesterdays_call_took_too_much_counts_today() {
        Clocks clocks = new Clocks("2026-11-24T23:59:59Z");
        Quota quota = clocks.quota(QuotaSettings.builder().tokensPerDay(1_000).build());
        Reservation small = (Reservation) quota.reserve(100);
        Reservation large = (Reservation) quota.reserve(100);
        clocks.advance(Duration.ofSeconds(2));
        small.settle(10);
        assertThat(quota.status().get(0).used()).isZero();
        large.settle(130);
        assertThat(quota.status().get(0).used()).isEqualTo(30);
    }

    @Test
    void a_wall_clock_that_jumps_ahead_begins_the_day_that_it_shows() {
        Clocks clocks = new Clocks("2026-11-24T12:00:00Z");
        Quota quota = twoPerDay(clocks, "UTC");
        useUp(quota);
        clocks.setWall("2026-11-29T18:00:00Z");
        assertThat(quota.left()).isEqualTo(1);
        assertThat(useUp(quota)).isEqualTo(Duration.ofHours(6));
    }

    @Test
    void a_wall_clock_that_trembles_around_midnight_spends_nothing_twice() {
        Clocks clocks = new Clocks("2026-11-24T23:59:59.990Z");
        Quota quota = twoPerDay(clocks, "UTC");
        useUp(quota);
        int admitted = 0;
        for (int i = 0; i < 100; i++) {
            clocks.setWall(i % 2 == 0 ? "2026-11-25T00:00:00.010Z" : "2026-11-24T23:59:59.995Z");
            if (quota.reserve(0) instanceof Reservation) {
                admitted++;
            }
        }
        assertThat(admitted).isEqualTo(2);
    }

    @Test
    void a_wall_clock_that_goes_back_within_the_day_changes_nothing_but_how_long_it_lasts() {
        Clocks clocks = new Clocks("2026-11-24T12:00:00Z");
        Quota quota = twoPerDay(clocks, "UTC");
        useUp(quota);
        clocks.setWall("2026-11-24T06:00:00Z");
        assertThat(quota.refusal(0).orElseThrow().retryIn()).isEqualTo(Duration.ofHours(18));
    }

    @Test
    void a_wall_clock_that_was_in_the_far_future_for_a_moment_blocks_for_25_hours_at_most() {
        Clocks clocks = new Clocks("2026-11-24T12:00:00Z");
        Quota quota = twoPerDay(clocks, "UTC");
        clocks.setWall("9999-12-31T12:00:00Z");
        useUp(quota);
        clocks.setWall("2026-11-24T12:00:01Z");
        Duration retryIn = quota.refusal(0).orElseThrow().retryIn();
        assertThat(retryIn).isEqualTo(Duration.ofHours(25));

        clocks.advance(retryIn.minusNanos(1));
        assertThat(quota.reserve(0)).isInstanceOf(Refusal.class);
        assertThat(quota.left()).isZero();
        clocks.advanceNanos(1);
        assertThat(quota.left()).isEqualTo(1);
        assertThat(useUp(quota))
                .as("until the midnight of the true day")
                .isEqualTo(Duration.ofSeconds(10 * 3600 + 3599));
    }

    @Test
    void a_jump_of_the_wall_clock_does_not_concern_the_minute() {
        Clocks clocks = new Clocks("2026-11-24T12:00:00Z");
        Quota quota = clocks.quota(
                QuotaSettings.builder().requestsPerMinute(2).requestsPerDay(100).build());
        useUp(quota);
        for (String wall : new String[] {"2027-01-01T00:00:00Z", "1999-01-01T00:00:00Z", "2026-11-24T12:00:00Z"}) {
            clocks.setWall(wall);
            assertThat(quota.refusal(0).orElseThrow().retryIn()).isEqualTo(Duration.ofMinutes(1));
        }
    }
}
