package ai.orchestrator.quota;

import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.concurrent.TimeUnit;

/**
 * The day that is counted, by the wall clock in a zone. Guarded by the quota's lock.
 *
 * <p>A wall clock that moves into a later day begins a new one. One that goes back to an earlier day does not, so that a clock that trembles
 * around midnight spends nothing twice; but no day lasts longer than 25 hours of monotonic time then, so that one that was begun by a clock
 * far in the future does not last until then.
 */
final class CalendarDay {

    /** The longest day, that on which the clocks go back. */
    static final long LONGEST_NANOS = TimeUnit.HOURS.toNanos(25);

    private ZoneId zone;
    private long fromMillis;
    private long untilMillis;
    private long begunNanos;
    private long wallMillis;

    CalendarDay(ZoneId zone, long now, long wallMillis) {
        this.zone = zone;
        begin(now, wallMillis);
    }

    /** The same day, as it is in another zone: it may end at another time. */
    void moveInto(ZoneId zone, long now, long wallMillis) {
        if (!zone.equals(this.zone)) {
            this.zone = zone;
            begin(now, wallMillis);
        }
    }

    /**
     * Lets time go on.
     *
     * @return whether another day has begun
     */
    boolean moveTo(long now, long wallMillis) {
        this.wallMillis = wallMillis;
        boolean isOver = wallMillis >= untilMillis || (wallMillis < fromMillis && now - begunNanos >= LONGEST_NANOS);
        if (isOver) {
            begin(now, wallMillis);
        }
        return isOver;
    }

    private void begin(long now, long wallMillis) {
        LocalDate date = Instant.ofEpochMilli(wallMillis).atZone(zone).toLocalDate();
        this.fromMillis = midnight(date);
        this.untilMillis = midnight(date.plusDays(1));
        if (untilMillis <= wallMillis) {
            // St John's put its clocks back at 00:01, so the first minute of a day came before the last hour of the one
            // before. That day
            // was over: this is the next.
            this.fromMillis = untilMillis;
            this.untilMillis = midnight(date.plusDays(2));
        }
        this.begunNanos = now;
        this.wallMillis = wallMillis;
    }

    /** Not always 0 o'clock: where the clocks go forward at midnight, the first moment that there is. */
    private long midnight(LocalDate date) {
        return date.atStartOfDay(zone).toInstant().toEpochMilli();
    }

    long fromMillis() {
        return fromMillis;
    }

    long untilMillis() {
        return untilMillis;
    }

    /** When the day is over, counted from the last move. */
    long leftNanos(long now) {
        long left = TimeUnit.MILLISECONDS.toNanos(untilMillis - wallMillis);
        return wallMillis < fromMillis ? Math.min(left, begunNanos + LONGEST_NANOS - now) : left;
    }
}
