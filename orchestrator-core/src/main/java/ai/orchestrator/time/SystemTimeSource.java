package ai.orchestrator.time;

import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Most of its tasks are limits that are cancelled long before they are due. So cancelling never wakes the thread, and scheduling only does for
 * a task that is due before the thread would wake by itself.
 */
final class SystemTimeSource implements TimeSource {

    private static final Logger logger = LoggerFactory.getLogger(TimeSource.class);

    /** How long the thread sleeps at most, and after how long without a task it ends. */
    private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(3);

    /** Far enough for any task, near enough that a sum of two cannot overflow: about 73 years. */
    private static final long FAR_NANOS = Long.MAX_VALUE / 4;

    /** A power of two; each thread has one, and shares it with few. */
    private static final int QUEUES = 8;

    private final TimerQueue[] queues = new TimerQueue[QUEUES];
    private final AtomicReference<@Nullable Thread> thread = new AtomicReference<>();

    /** When the thread looks into the queues next. While it looks it is later than any task, so that each new one makes it look again. */
    private volatile long wakesAtNanos;

    private volatile boolean closed;

    SystemTimeSource() {
        for (int i = 0; i < QUEUES; i++) {
            queues[i] = new TimerQueue();
        }
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
        Objects.requireNonNull(task, "task");
        long dueNanos = System.nanoTime() + Math.max(0, Math.min(nanos, FAR_NANOS));
        TimerQueue queue = queues[(int) Thread.currentThread().getId() & (QUEUES - 1)];
        // A call that races with close() is cancelled by close() itself and needs no limit any more: the queue drops
        // it.
        TimerQueue.Entry entry = queue.add(dueNanos, task);
        // Only now: the thread has either seen the task, or what is read here was written before it looked.
        Thread current = thread.get();
        if (current == null) {
            start(entry);
        } else if (dueNanos - wakesAtNanos < 0) {
            LockSupport.unpark(current);
        }
        return entry;
    }

    private void start(TimerQueue.Entry entry) {
        Thread started = new Thread(null, this::run, "orchestrator-timer", 0, false);
        started.setDaemon(true);
        if (!closed && thread.compareAndSet(null, started)) {
            try {
                started.start();
            } catch (Throwable e) {
                // No memory for a thread: a task that would never run must not seem to be scheduled.
                thread.set(null);
                entry.cancel();
                throw e;
            }
        }
    }

    private void run() {
        long addedBefore = -1;
        long idleEndsAt = 0;
        while (!closed) {
            wakesAtNanos = System.nanoTime() + 2 * FAR_NANOS;
            long added = added();
            TimerQueue.@Nullable Entry first = first();
            long now = System.nanoTime();
            if (first != null && first.dueNanos() - now <= 0) {
                run(first.take());
                continue;
            }
            if (added != addedBefore || first != null) {
                addedBefore = added;
                idleEndsAt = now + IDLE_NANOS;
            } else if (idleEndsAt - now <= 0 && mayEnd()) {
                return;
            }
            long wakesAt = first != null && first.dueNanos() - idleEndsAt < 0 ? first.dueNanos() : idleEndsAt;
            wakesAtNanos = wakesAt;
            LockSupport.parkNanos(this, wakesAt - now);
            // Nobody has a reason to interrupt this thread, but it would never sleep again.
            Thread.interrupted();
        }
    }

    private boolean mayEnd() {
        thread.set(null);
        // Whoever schedules from here on finds no thread and starts one. What came before must not be left alone.
        return first() == null || !thread.compareAndSet(null, Thread.currentThread());
    }

    private TimerQueue.@Nullable Entry first() {
        TimerQueue.@Nullable Entry first = null;
        for (TimerQueue queue : queues) {
            TimerQueue.Entry candidate = queue.first();
            if (candidate != null && (first == null || candidate.dueNanos() - first.dueNanos() < 0)) {
                first = candidate;
            }
        }
        return first;
    }

    private long added() {
        long added = 0;
        for (TimerQueue queue : queues) {
            added += queue.added();
        }
        return added;
    }

    private static void run(@Nullable Runnable task) {
        if (task == null) {
            // Cancelled in the last moment.
            return;
        }
        try {
            task.run();
        } catch (Throwable e) {
            // An error too: the limits of all other calls depend on this thread.
            logger.warn("A scheduled task failed", e);
        }
    }

    @Override
    public void close() {
        closed = true;
        for (TimerQueue queue : queues) {
            queue.close();
        }
        LockSupport.unpark(thread.get());
    }
}
