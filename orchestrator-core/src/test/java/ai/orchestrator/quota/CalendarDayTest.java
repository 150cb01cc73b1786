package ai.orchestrator.quota;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.time.zone.ZoneOffsetTransition;
import java.time.zone.ZoneRules;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CalendarDayTest {

    private static final Instant FIRST = Instant.parse("1970-01-01T00:00:00Z");
    private static final Instant LAST = Instant.parse("2040-01-01T00:00:00Z");

    private static CalendarDay day(ZoneId zone, Instant wall) {
        return new CalendarDay(zone, 0, wall.toEpochMilli());
    }

    /** One of each that have the same rules. */
    private static Collection<ZoneId> differentZones() {
        Map<ZoneRules, ZoneId> zones = new HashMap<>();
        for (String id : ZoneId.getAvailableZoneIds()) {
            ZoneId zone = ZoneId.of(id);
            zones.put(zone.getRules(), zone);
        }
        return zones.values();
    }

    private static List<Instant> transitions(ZoneId zone) {
        List<Instant> transitions = new ArrayList<>();
        ZoneOffsetTransition next = zone.getRules().nextTransition(FIRST);
        while (next != null && next.getInstant().isBefore(LAST)) {
            transitions.add(next.getInstant());
            next = zone.getRules().nextTransition(next.getInstant());
        }
        return transitions;
    }

    private static Instant from(CalendarDay day) {
        return Instant.ofEpochMilli(day.fromMillis());
    }

    private static Instant until(CalendarDay day) {
        return Instant.ofEpochMilli(day.untilMillis());
    }

    @ParameterizedTest
    @CsvSource({
        // An ordinary day, and one of a zone that is half an hour off.
        "UTC, 2026-11-24T13:00:00Z, 2026-11-24T00:00:00Z, 2026-11-25T00:00:00Z",
        "Asia/Kolkata, 2026-11-24T18:29:59.999Z, 2026-11-23T18:30:00Z, 2026-11-24T18:30:00Z",
        "Asia/Kolkata, 2026-11-24T18:30:00Z, 2026-11-24T18:30:00Z, 2026-11-25T18:30:00Z",
        // 23 hours and 25 hours.
        "Europe/Berlin, 2026-03-29T12:00:00Z, 2026-03-28T23:00:00Z, 2026-03-29T22:00:00Z",
        "Europe/Berlin, 2026-10-25T12:00:00Z, 2026-10-24T22:00:00Z, 2026-10-25T23:00:00Z",
        // The clocks went forward at midnight, so the day began at 1 o'clock.
        "America/Sao_Paulo, 2018-11-04T12:00:00Z, 2018-11-04T03:00:00Z, 2018-11-05T02:00:00Z",
        "America/Sao_Paulo, 2018-11-04T02:59:59.999Z, 2018-11-03T03:00:00Z, 2018-11-04T03:00:00Z",
        // They went back at midnight, so the last hour came twice.
        "America/Sao_Paulo, 2018-02-18T02:30:00Z, 2018-02-17T02:00:00Z, 2018-02-18T03:00:00Z",
        // Midnight came twice.
        "America/Havana, 2026-11-01T05:30:00Z, 2026-11-01T04:00:00Z, 2026-11-02T05:00:00Z",
        // There was no 30th of December.
        "Pacific/Apia, 2011-12-29T20:00:00Z, 2011-12-29T10:00:00Z, 2011-12-30T10:00:00Z",
        "Pacific/Apia, 2011-12-30T10:00:00Z, 2011-12-30T10:00:00Z, 2011-12-31T10:00:00Z",
        // The clocks went back from 0:01 to 23:01: that hour belongs to the new day already.
        "America/St_Johns, 2010-11-07T02:29:59Z, 2010-11-06T02:30:00Z, 2010-11-07T02:30:00Z",
        "America/St_Johns, 2010-11-07T02:30:30Z, 2010-11-07T02:30:00Z, 2010-11-08T03:30:00Z",
        "America/St_Johns, 2010-11-07T03:00:00Z, 2010-11-07T02:30:00Z, 2010-11-08T03:30:00Z"
    })
    void a_day_lasts_from_midnight_to_midnight(ZoneId zone, Instant wall, Instant from, Instant until) {
        CalendarDay day = day(zone, wall);
        assertThat(from(day)).isEqualTo(from);
        assertThat(until(day)).isEqualTo(until);
        assertThat(day.leftNanos(0)).isEqualTo(Duration.between(wall, until).toNanos());
    }

    @Test
    void in_every_zone_the_days_follow_each_other_without_gap_or_overlap() {
        for (ZoneId zone : differentZones()) {
            for (Instant near : transitions(zone)) {
                CalendarDay day = day(zone, near.minus(Duration.ofDays(3)));
                for (int i = 0; i < 6; i++) {
                    Instant end = until(day);
                    assertThat(Duration.between(from(day), end))
                            .as("%s %s", zone, end)
                            .isBetween(Duration.ofHours(12), Duration.ofHours(36));
                    assertThat(day.moveTo(0, end.toEpochMilli() - 1)).isFalse();
                    assertThat(day.moveTo(0, end.toEpochMilli())).isTrue();
                    assertThat(from(day)).as("%s %s", zone, end).isEqualTo(end);
                }
            }
        }
    }

    @Test
    void in_every_zone_a_day_that_is_begun_late_has_the_same_ends() {
        for (ZoneId zone : differentZones()) {
            for (Instant near : transitions(zone)) {
                CalendarDay moved = day(zone, near.minus(Duration.ofDays(3)));
                for (int halves = -52; halves <= 52; halves++) {
                    Instant wall = near.plusSeconds(halves * 1800L + 7);
                    boolean unused = moved.moveTo(0, wall.toEpochMilli());
                    CalendarDay begun = day(zone, wall);
                    assertThat(begun.fromMillis()).as("%s %s", zone, wall).isEqualTo(moved.fromMillis());
                    assertThat(begun.untilMillis()).as("%s %s", zone, wall).isEqualTo(moved.untilMillis());
                    LocalDate date = wall.atZone(zone).toLocalDate();
                    assertThat(LocalDate.ofInstant(from(begun), zone)).isIn(date, date.plusDays(1));
                }
            }
        }
    }

    @Test
    void a_wall_clock_that_goes_back_to_an_earlier_day_begins_none_for_25_hours() {
        ZoneId zone = ZoneId.of("UTC");
        CalendarDay day = day(zone, Instant.parse("2099-01-01T12:00:00Z"));
        Instant corrected = Instant.parse("2026-11-24T23:00:00Z");
        long hour = Duration.ofHours(1).toNanos();

        assertThat(day.moveTo(0, corrected.toEpochMilli())).isFalse();
        assertThat(day.leftNanos(0)).isEqualTo(25 * hour);
        assertThat(day.moveTo(20 * hour, corrected.plusSeconds(20 * 3600).toEpochMilli()))
                .isFalse();
        assertThat(day.leftNanos(20 * hour)).isEqualTo(5 * hour);
        assertThat(day.moveTo(
                        25 * hour - 1,
                        corrected.plusSeconds(25 * 3600).minusMillis(1).toEpochMilli()))
                .isFalse();
        assertThat(day.moveTo(25 * hour, corrected.plusSeconds(25 * 3600).toEpochMilli()))
                .isTrue();
        assertThat(from(day)).isEqualTo(Instant.parse("2026-11-26T00:00:00Z"));
        assertThat(day.leftNanos(25 * hour)).isEqualTo(24 * hour);
    }

    @Test
    void a_day_is_not_cut_short_while_the_wall_clock_stays_in_it() {
        CalendarDay day = day(ZoneId.of("UTC"), Instant.parse("2026-11-24T00:00:00Z"));
        long later = Duration.ofDays(3).toNanos();
        assertThat(day.moveTo(later, Instant.parse("2026-11-24T05:00:00Z").toEpochMilli()))
                .isFalse();
        assertThat(day.leftNanos(later)).isEqualTo(Duration.ofHours(19).toNanos());
    }

    @Test
    void a_clock_that_trembles_around_midnight_begins_the_day_once() {
        CalendarDay day = day(ZoneId.of("UTC"), Instant.parse("2026-11-24T12:00:00Z"));
        long midnight = Instant.parse("2026-11-25T00:00:00Z").toEpochMilli();
        assertThat(day.moveTo(0, midnight - 1)).isFalse();
        assertThat(day.moveTo(1, midnight)).isTrue();
        for (int i = 2; i < 100; i++) {
            assertThat(day.moveTo(i, midnight + i % 5 - 2)).isFalse();
        }
    }
}
