package ai.orchestrator.internal;

import java.lang.reflect.InvocationTargetException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** What blocking calls run on: virtual threads where the JDK has them (21 and later), else a pool of daemon threads. */
public final class CallThreads {

    private static final long IDLE_SECONDS = 5;

    private static final int MAX_THREADS = 256;

    private CallThreads() {}

    /**
     * An executor that starts every task at once, or, without virtual threads, 256 tasks at a time; the others queue.
     *
     * @param name what its threads are called, where they are not virtual
     * @return a new executor, to be shut down by the caller
     */
    public static ExecutorService newExecutor(String name) {
        return newExecutor(name, MAX_THREADS, MAX_THREADS, new LinkedBlockingQueue<>());
    }

    /**
     * An executor that starts every task at once, for tasks that somebody waits for on a thread of his own.
     *
     * @param name what its threads are called, where they are not virtual
     * @return a new executor, to be shut down by the caller
     */
    public static ExecutorService newUnboundedExecutor(String name) {
        // None that stays: below that number a pool starts a thread for every task, though others are idle.
        return newExecutor(name, 0, Integer.MAX_VALUE, new SynchronousQueue<>());
    }

    private static ExecutorService newExecutor(
            String name, int coreThreads, int maxThreads, BlockingQueue<Runnable> queue) {
        try {
            // By name, because this library is compiled for Java 17.
            return (ExecutorService)
                    Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
        } catch (NoSuchMethodException | IllegalAccessException | InvocationTargetException e) {
            AtomicInteger number = new AtomicInteger();
            ThreadPoolExecutor pool =
                    new ThreadPoolExecutor(coreThreads, maxThreads, IDLE_SECONDS, TimeUnit.SECONDS, queue, task -> {
                        Thread thread = new Thread(task, name + "-" + number.incrementAndGet());
                        thread.setDaemon(true);
                        return thread;
                    });
            pool.allowCoreThreadTimeOut(true);
            return pool;
        }
    }
}
