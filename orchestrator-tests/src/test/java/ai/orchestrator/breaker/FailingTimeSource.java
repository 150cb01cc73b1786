package ai.orchestrator.breaker;

import ai.orchestrator.time.TimeSource;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;

/** A time source that fails at chosen readings. */
final class FailingTimeSource implements TimeSource {

    private final TimeSource real;
    private final BooleanSupplier fails;

    FailingTimeSource(TimeSource real, BooleanSupplier fails) {
        this.real = real;
        this.fails = fails;
    }

    @Override
    public long nanoTime() {
        if (fails.getAsBoolean()) {
            throw new IllegalStateException("no time");
        }
        return real.nanoTime();
    }

    @Override
    public boolean await(CountDownLatch signal, long nanos) throws InterruptedException {
        return real.await(signal, nanos);
    }

    @Override
    public Timer schedule(long nanos, Runnable task) {
        return real.schedule(nanos, task);
    }
}
