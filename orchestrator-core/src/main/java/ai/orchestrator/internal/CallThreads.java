package ai.orchestrator.internal;

import java.lang.reflect.InvocationTargetException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** What blocking calls run on: virtual threads where the JDK has them (21 and later), else daemon threads that end when idle. */
public final class CallThreads {

    private static final long IDLE_SECONDS = 5;

    private CallThreads() {}

    /**
     * An executor that starts every task at once.
     *
     * @param name what its threads are called, where they are not virtual
     * @return a new executor, to be shut down by the caller
     */
    public static ExecutorService newExecutor(String name) {
        try {
            // By name, because this library is compiled for Java 17.
            return (ExecutorService)
                    Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
        } catch (NoSuchMethodException | IllegalAccessException | InvocationTargetException e) {
            AtomicInteger number = new AtomicInteger();
            return new ThreadPoolExecutor(
                    0, Integer.MAX_VALUE, IDLE_SECONDS, TimeUnit.SECONDS, new SynchronousQueue<>(), task -> {
                        Thread thread = new Thread(task, name + "-" + number.incrementAndGet());
                        thread.setDaemon(true);
                        return thread;
                    });
        }
    }
}
