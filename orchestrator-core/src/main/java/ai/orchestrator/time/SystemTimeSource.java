package ai.orchestrator.time;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

final class SystemTimeSource implements TimeSource {

    private static final Logger logger = LoggerFactory.getLogger(TimeSource.class);
    private static final long IDLE_THREAD_SECONDS = 5;

    private final ScheduledThreadPoolExecutor executor;

    SystemTimeSource() {
        executor = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "orchestrator-timer");
            thread.setDaemon(true);
            return thread;
        });
        // Most limits are cancelled long before they fire; without this they would pile up until then.
        executor.setRemoveOnCancelPolicy(true);
        executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
        executor.setKeepAliveTime(IDLE_THREAD_SECONDS, TimeUnit.SECONDS);
        executor.allowCoreThreadTimeOut(true);
    }

    @Override
    public long nanoTime() {
        return System.nanoTime();
    }

    @Override
    public boolean await(CountDownLatch signal, long nanos) throws InterruptedException {
        return signal.await(nanos, TimeUnit.NANOSECONDS);
    }

    @Override
    public Timer schedule(long nanos, Runnable task) {
        try {
            ScheduledFuture<?> future = executor.schedule(() -> run(task), nanos, TimeUnit.NANOSECONDS);
            return () -> future.cancel(false);
        } catch (RejectedExecutionException closed) {
            // A call that races with close() is cancelled by close() itself and needs no limit any more.
            return () -> {};
        }
    }

    private static void run(Runnable task) {
        try {
            task.run();
        } catch (RuntimeException e) {
            logger.warn("A scheduled task failed", e);
        }
    }

    @Override
    public void close() {
        executor.shutdownNow();
    }
}
