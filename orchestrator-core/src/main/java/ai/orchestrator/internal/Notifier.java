package ai.orchestrator.internal;

import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** One daemon thread for listeners: starts with the first task and ends by itself when there has been none for a few seconds. */
public final class Notifier implements Executor, AutoCloseable {

    private static final long IDLE_SECONDS = 5;

    private final ThreadPoolExecutor executor;

    /**
     * A notifier whose thread has not started.
     *
     * @param threadName what the thread is called
     */
    public Notifier(String threadName) {
        executor = new ThreadPoolExecutor(1, 1, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
            Thread thread = new Thread(task, threadName);
            thread.setDaemon(true);
            return thread;
        });
        executor.allowCoreThreadTimeOut(true);
    }

    /**
     * Runs a task after those that came before it.
     *
     * @param task the task
     * @throws java.util.concurrent.RejectedExecutionException if the notifier is closed
     */
    @Override
    public void execute(Runnable task) {
        executor.execute(task);
    }

    /** Lets the tasks that are waiting run, and takes no more. */
    @Override
    public void close() {
        executor.shutdown();
    }
}
