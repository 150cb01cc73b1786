package ai.orchestrator;

import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** Time that a test moves by hand. Schedules nothing: what is tested here only looks at the time. The test kit's depends on this module. */
final class HandTime implements TimeSource {

    private final AtomicLong now;

    HandTime(long startNanos) {
        this.now = new AtomicLong(startNanos);
    }

    void advance(Duration duration) {
        now.addAndGet(duration.toNanos());
    }

    @Override
    public long nanoTime() {
        return now.get();
    }

    @Override
    public boolean await(CountDownLatch signal, long nanos) throws InterruptedException {
        return signal.await(0, TimeUnit.NANOSECONDS);
    }

    @Override
    public Timer schedule(long nanos, Runnable task) {
        throw new UnsupportedOperationException("nothing is scheduled here");
    }
}
