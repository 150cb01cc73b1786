package ai.orchestrator.scenarios;

import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;

/**
 * Manual time that passes by itself where a call waits between two attempts: nothing else goes on in a scenario then. While a provider is
 * silent, the test moves it.
 */
final class CallTime implements TimeSource {

    private final ManualTimeSource manual = new ManualTimeSource();
    private final List<Duration> waits = new CopyOnWriteArrayList<>();
    private volatile boolean byHand;

    /** From now on the test moves time also where a call waits. */
    void byHand() {
        byHand = true;
    }

    Duration now() {
        return Duration.ofNanos(manual.nanoTime());
    }

    void advance(Duration duration) {
        manual.advance(duration);
    }

    void advanceTo(Duration time) {
        manual.advance(time.minus(now()));
    }

    /** How long calls have waited between attempts, each time. */
    List<Duration> waits() {
        return List.copyOf(waits);
    }

    int pendingTimers() {
        return manual.pendingTimers();
    }

    void awaitTimers(int count) {
        manual.awaitTimers(count);
    }

    @Override
    public long nanoTime() {
        return manual.nanoTime();
    }

    @Override
    public boolean await(CountDownLatch signal, long nanos) throws InterruptedException {
        if (signal.getCount() > 0 && nanos > 0) {
            waits.add(Duration.ofNanos(nanos));
            if (!byHand) {
                manual.advance(Duration.ofNanos(nanos));
                return manual.await(signal, 0);
            }
        }
        return manual.await(signal, nanos);
    }

    @Override
    public Timer schedule(long nanos, Runnable task) {
        return manual.schedule(nanos, task);
    }
}
