package ai.orchestrator.quota;

import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** A quota's two clocks, for one test to move. The time source begins where its numbers soon overflow. */
final class Clocks {

    private final ManualTimeSource manual;
    private final TimeSource timeSource = new TimeSource() {
        @Override
        public long nanoTime() {
            readings.incrementAndGet();
            return manual.nanoTime();
        }

        @Override
        public boolean await(CountDownLatch signal, long nanos) throws InterruptedException {
            return manual.await(signal, nanos);
        }

        @Override
        public Timer schedule(long nanos, Runnable task) {
            return manual.schedule(nanos, task);
        }
    };
    private volatile Instant wall;
    private final AtomicInteger readings = new AtomicInteger();

    Clocks(String wall) {
        this(wall, Long.MAX_VALUE - 1_000);
    }

    Clocks(String wall, long startNanos) {
        this.wall = Instant.parse(wall);
        this.manual = new ManualTimeSource(startNanos);
    }

    TimeSource timeSource() {
        return timeSource;
    }

    InstantSource instantSource() {
        return () -> {
            readings.incrementAndGet();
            return wall;
        };
    }

    /** How often the two were read. */
    int readings() {
        return readings.get();
    }

    Quota quota(QuotaSettings settings) {
        return Quota.of("groq-1", settings, timeSource, instantSource());
    }

    /** Time goes on. */
    void advance(Duration duration) {
        manual.advance(duration);
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
