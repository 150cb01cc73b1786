package ai.orchestrator.checks;

import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A manual time source that tells how far ahead each task was scheduled, and how long each wait may be. */
final class ObservedTime implements TimeSource {

    private static final long PATIENCE_SECONDS = 10;

    final ManualTimeSource manual = new ManualTimeSource();
    private final BlockingQueue<Duration> scheduled = new LinkedBlockingQueue<>();

    /** Waits until a task was scheduled so far ahead, or somebody is about to wait for so long. */
    void awaitScheduled(Duration ahead) {
        try {
            Duration next;
            do {
                next = scheduled.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
                if (next == null) {
                    throw new IllegalStateException("nothing was scheduled " + ahead + " ahead");
                }
            } while (!next.equals(ahead));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for a task", e);
        }
    }

    @Override
    public long nanoTime() {
        return manual.nanoTime();
    }

    @Override
    public boolean await(CountDownLatch signal, long nanos) throws InterruptedException {
        scheduled.add(Duration.ofNanos(nanos));
        return manual.await(signal, nanos);
    }

    @Override
    public Timer schedule(long nanos, Runnable task) {
        Timer timer = manual.schedule(nanos, task);
        scheduled.add(Duration.ofNanos(nanos));
        return timer;
    }
}
