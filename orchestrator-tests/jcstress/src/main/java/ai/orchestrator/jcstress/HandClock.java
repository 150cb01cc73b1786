package ai.orchestrator.jcstress;

import ai.orchestrator.time.TimeSource;
import java.util.concurrent.CountDownLatch;

/** Time that stands still until an actor moves it. A breaker never waits and schedules nothing. */
final class HandClock implements TimeSource {

    private volatile long nanos;

    void moveTo(long nanos) {
        this.nanos = nanos;
    }

    @Override
    public long nanoTime() {
        return nanos;
    }

    @Override
    public boolean await(CountDownLatch signal, long nanos) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Timer schedule(long nanos, Runnable task) {
        throw new UnsupportedOperationException();
    }
}
