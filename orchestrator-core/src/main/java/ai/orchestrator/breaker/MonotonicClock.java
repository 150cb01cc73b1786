package ai.orchestrator.breaker;

import ai.orchestrator.time.TimeSource;
import java.time.Clock;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneId;
import java.time.ZoneOffset;

/**
 * A clock for Resilience4j, which measures its open wait on a wall clock. It starts at the wall clock's time and then moves only with the
 * time source, so a jump of the wall clock changes no wait (scenario R15).
 */
final class MonotonicClock extends Clock {

    private final TimeSource timeSource;
    private final Instant startInstant;
    private final long startNanos;
    private final ZoneId zone;

    MonotonicClock(TimeSource timeSource, InstantSource instantSource) {
        this(timeSource, instantSource.instant(), timeSource.nanoTime(), ZoneOffset.UTC);
    }

    private MonotonicClock(TimeSource timeSource, Instant startInstant, long startNanos, ZoneId zone) {
        this.timeSource = timeSource;
        this.startInstant = startInstant;
        this.startNanos = startNanos;
        this.zone = zone;
    }

    @Override
    public Instant instant() {
        return startInstant.plusNanos(timeSource.nanoTime() - startNanos);
    }

    @Override
    public ZoneId getZone() {
        return zone;
    }

    @Override
    public Clock withZone(ZoneId newZone) {
        return new MonotonicClock(timeSource, startInstant, startNanos, newZone);
    }
}
