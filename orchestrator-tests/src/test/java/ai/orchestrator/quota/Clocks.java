package ai.orchestrator.quota;

import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/** A quota's two clocks, for one test to move. The time source begins where its numbers soon overflow. */
final class Clocks {

    private final ManualTimeSource timeSource;
    private volatile Instant wall;
    private volatile int looks;

    Clocks(String wall) {
        this(wall, Long.MAX_VALUE - 1_000);
    }

    Clocks(String wall, long startNanos) {
        this.wall = Instant.parse(wall);
        this.timeSource = new ManualTimeSource(startNanos);
    }

    TimeSource timeSource() {
        return timeSource;
    }

    InstantSource instantSource() {
        return () -> {
            looks++;
            return wall;
        };
    }

    /** How often the wall clock was looked at. */
    int looks() {
        return looks;
    }

    Quota quota(QuotaSettings settings) {
        return Quota.of("groq-1", settings, timeSource, instantSource());
    }

    /** Time goes on. */
    void advance(Duration duration) {
        timeSource.advance(duration);
        wall = wall.plus(duration);
    }

    void advanceNanos(long nanos) {
        advance(Duration.ofNanos(nanos));
    }

    /** The wall clock is set, and no time passes. */
    void setWall(String instant) {
        wall = Instant.parse(instant);
    }
}
