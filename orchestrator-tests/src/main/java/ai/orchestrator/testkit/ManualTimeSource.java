package ai.orchestrator.testkit;

import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.PriorityQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A time source that moves only when a test says so. Safe for use by several threads; {@link #advance} by one at a time.
 */
public final class ManualTimeSource implements TimeSource {

    private static final long PATIENCE_SECONDS = 10;

    /** Guards every field; never held while a task runs. */
    private final ReentrantLock lock = new ReentrantLock();

    private final Condition changed = lock.newCondition();
    private final PriorityQueue<Task> tasks = new PriorityQueue<>();
    private long now;
    private long scheduled;

    /** A time source that starts at zero. */
    public ManualTimeSource() {
        this(0);
    }

    /**
     * A time source that starts anywhere, for example near the end of what fits into a long.
     *
     * @param startNanos the first time that it shows
     */
    public ManualTimeSource(long startNanos) {
        this.now = startNanos;
    }

    @Override
    public long nanoTime() {
        lock.lock();
        try {
            return now;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Moves time forward. Every task that is due by then runs on this thread, in the order of their times, each seeing its own time.
     *
     * @param duration how far; zero runs what is due now
     * @throws IllegalArgumentException if it is negative
     */
    public void advance(Duration duration) {
        if (duration.isNegative()) {
            throw new IllegalArgumentException("time does not go back: " + duration);
        }
        long target = nanoTime() + duration.toNanos();
        RuntimeException failure = null;
        Task due;
        while ((due = nextDue(target)) != null) {
            try {
                due.action.run();
            } catch (RuntimeException e) {
                // The others must run all the same.
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    private @Nullable Task nextDue(long target) {
        lock.lock();
        try {
            Task next = tasks.peek();
            if (next == null || next.dueNanos - target > 0) {
                now = target;
                return null;
            }
            tasks.remove();
            if (next.dueNanos - now > 0) {
                now = next.dueNanos;
            }
            changed.signalAll();
            return next;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean await(CountDownLatch signal, long nanos) throws InterruptedException {
        if (nanos <= 0 || signal.getCount() == 0) {
            // Without a timer, which a test may be waiting for.
            return signal.await(0, TimeUnit.NANOSECONDS);
        }
        CountDownLatch ended = new CountDownLatch(1);
        Timer timer = schedule(nanos, ended::countDown);
        // The signal is somebody else's latch, so it is watched from a thread of its own.
        Thread watcher = new Thread(
                () -> {
                    try {
                        signal.await();
                        ended.countDown();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                },
                "manual-time-signal");
        watcher.setDaemon(true);
        watcher.start();
        try {
            ended.await();
            return signal.getCount() == 0;
        } finally {
            timer.cancel();
            watcher.interrupt();
        }
    }

    @Override
    public Timer schedule(long nanos, Runnable task) {
        lock.lock();
        try {
            Task entry = new Task(now + Math.max(0, nanos), scheduled++, task);
            tasks.add(entry);
            changed.signalAll();
            return () -> remove(entry);
        } finally {
            lock.unlock();
        }
    }

    private void remove(Task entry) {
        lock.lock();
        try {
            tasks.remove(entry);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * How many tasks wait for their time.
     *
     * @return zero or more; cancelled tasks do not count
     */
    public int pendingTimers() {
        lock.lock();
        try {
            return tasks.size();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits, in real time, until so many tasks wait for theirs, so that a test knows that the code under test has got there.
     *
     * @param count how many at least
     * @throws IllegalStateException if they do not come within ten seconds, or the thread is interrupted
     */
    public void awaitTimers(int count) {
        lock.lock();
        try {
            long left = TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
            while (tasks.size() < count) {
                if (left <= 0) {
                    throw new IllegalStateException(
                            "waited in vain for " + count + " timers; there are " + tasks.size());
                }
                left = changed.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for timers", e);
        } finally {
            lock.unlock();
        }
    }

    private static final class Task implements Comparable<Task> {

        private final long dueNanos;
        private final long number;
        private final Runnable action;

        private Task(long dueNanos, long number, Runnable action) {
            this.dueNanos = dueNanos;
            this.number = number;
            this.action = action;
        }

        @Override
        public int compareTo(Task other) {
            // By difference, as with System.nanoTime(): the values may overflow.
            int byTime = Long.signum(dueNanos - other.dueNanos);
            return byTime != 0 ? byTime : Long.compare(number, other.number);
        }
    }
}
