package ai.orchestrator.time;

import java.util.concurrent.CountDownLatch;

/**
 * The monotonic time that every wait, limit, backoff and window of an orchestrator runs on.
 *
 * <p>Nothing in this library sleeps or reads a clock except through an injected time source, so that a test, or a simulation, decides
 * when time passes. The wall clock is a separate {@link java.time.InstantSource}, which stamps times and tells the
 * day.
 *
 * <p>Implementations are safe for use by several threads at once.
 */
public interface TimeSource extends AutoCloseable {

    /**
     * A time source on {@link System#nanoTime()}. Its one daemon thread starts with the first scheduled task and ends by itself when there
     * has been nothing to do for a few seconds, or at {@link #close()}.
     *
     * @return a new time source, owned by the caller
     */
    static TimeSource system() {
        return new SystemTimeSource();
    }

    /**
     * The time now.
     *
     * @return nanoseconds since an arbitrary origin; may be negative, never goes back
     */
    long nanoTime();

    /**
     * Waits until a signal is given or a time has passed, whichever comes first. Never returns early: {@code false} means that the whole
     * time has passed.
     *
     * @param signal ends the wait when its count reaches zero
     * @param nanos how long to wait at most, in nanoseconds; zero or less only looks at the signal
     * @return whether the signal was given
     * @throws InterruptedException if the thread is interrupted before or during the wait
     */
    boolean await(CountDownLatch signal, long nanos) throws InterruptedException;

    /**
     * Runs a task once, when a time has passed. The task runs on a thread of the time source (a manual one: on the thread that moves
     * time), so it must be short and must not block.
     *
     * @param nanos how long to wait, in nanoseconds; zero or less runs the task as soon as possible
     * @param task what to run; what it throws is logged
     * @return a handle to cancel it with
     */
    Timer schedule(long nanos, Runnable task);

    /** Releases what this time source holds; tasks that have not run are dropped. Does nothing by default. */
    @Override
    default void close() {}

    /** A scheduled task. Safe for use by several threads. */
    interface Timer {

        /** Drops the task if it has not started; otherwise does nothing. */
        void cancel();
    }
}
