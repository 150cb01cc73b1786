package ai.orchestrator.load;

import ai.orchestrator.time.TimeSource;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** Real time, a thousand times as fast: a provider that is parked for ten minutes is back in 0.6 seconds. Counts the timers that wait. */
final class FastTime implements TimeSource {

    private static final long FACTOR = 1_000;

    private final TimeSource real = TimeSource.system();
    private final long originNanos = real.nanoTime();
    private final AtomicInteger pending = new AtomicInteger();

    @Override
    public long nanoTime() {
        return (real.nanoTime() - originNanos) * FACTOR;
    }

    @Override
    public boolean await(CountDownLatch signal, long nanos) throws InterruptedException {
        return real.await(signal, realNanos(nanos));
    }

    @Override
    public Timer schedule(long nanos, Runnable task) {
        AtomicBoolean over = new AtomicBoolean();
        pending.incrementAndGet();
        Timer timer = real.schedule(realNanos(nanos), () -> {
            if (over.compareAndSet(false, true)) {
                pending.decrementAndGet();
                task.run();
            }
        });
        return () -> {
            timer.cancel();
            if (over.compareAndSet(false, true)) {
                pending.decrementAndGet();
            }
        };
    }

    private static long realNanos(long nanos) {
        return nanos <= 0 ? 0 : (nanos - 1) / FACTOR + 1;
    }

    int pendingTimers() {
        return pending.get();
    }

    @Override
    public void close() {
        real.close();
    }
}
