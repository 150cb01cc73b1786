package ai.orchestrator.testkit;

import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A time source that jumps: it lets one caller run at a time, and when all of them wait, it moves on to the next moment at which something
 * is due. Hours of traffic take seconds, and take the same course every time, though each caller is plain blocking code on a thread of
 * its own.
 *
 * <p>Callers are started with {@link #start} and run by {@link #run()}. Whatever a caller waits for must be waited for with {@link #await}:
 * one that blocks elsewhere stops the world, and {@code run()} says where it stands. What a caller does until it waits takes no time.
 * Things that are due at the same moment happen in the order in which they were asked for.
 *
 * <pre>{@code
 * try (SimulatedTimeSource time = new SimulatedTimeSource()) {
 *     Orchestrator orchestrator = Orchestrator.builder().timeSource(time)…build();
 *     for (int i = 0; i < 3_600; i++) {
 *         time.start(Duration.ofSeconds(i), () -> orchestrator.chat(request));
 *     }
 *     time.run();
 * }
 * }</pre>
 *
 * <p>An orchestrator's health checks, and calls with its cache, have threads of their own, which this time source does not know: leave them
 * off. Asynchronous, streamed and published calls must be given it as their executor ({@code Orchestrator.Builder.executor(time)}), where
 * each becomes a caller that arrives now; else nobody waits for them.
 *
 * <p>Safe for use by several threads. What is scheduled or started by threads other than its own while it runs happens, but in no order that
 * could be relied upon.
 */
public final class SimulatedTimeSource implements TimeSource, Executor {

    private static final long PATIENCE_SECONDS = 30;
    private static final Duration LONGEST_DELAY = Duration.ofNanos(Long.MAX_VALUE);

    /** Guards every field that is not volatile; never held while a caller or a task runs. */
    private final ReentrantLock lock = new ReentrantLock();

    private final long startNanos;
    private final TreeSet<Event> agenda = new TreeSet<>();
    private long numbered;

    /** In the order in which they began to wait. */
    private final Set<Wait> waits = new LinkedHashSet<>();

    private final Deque<Worker> idle = new ArrayDeque<>();
    private int workers;

    /** How many were started, and have not ended. */
    private int callers;

    private List<Throwable> failures = new ArrayList<>();
    private volatile boolean closed;
    private volatile long now;

    /** Opens when no caller is left; null while nothing runs. */
    private @Nullable CountDownLatch over;

    // For who looks why nothing moves.
    private long turns;
    private @Nullable Thread running;

    /** A time source that starts at zero. */
    public SimulatedTimeSource() {
        this(0);
    }

    /**
     * A time source that starts anywhere, for example near the end of what fits into a long.
     *
     * @param startNanos the first time that it shows
     */
    public SimulatedTimeSource(long startNanos) {
        this.startNanos = startNanos;
        this.now = startNanos;
    }

    // ---- What happens, and when

    /** Something that is due: a task, the arrival of a caller, or the end of a wait. */
    private static final class Event implements Comparable<Event> {

        private final long dueNanos;
        private final long number;
        private final @Nullable Runnable task;
        private final @Nullable Runnable caller;
        private final @Nullable Wait wait;

        private Event(
                long dueNanos, long number, @Nullable Runnable task, @Nullable Runnable caller, @Nullable Wait wait) {
            this.dueNanos = dueNanos;
            this.number = number;
            this.task = task;
            this.caller = caller;
            this.wait = wait;
        }

        @Override
        public int compareTo(Event other) {
            // By difference, as with System.nanoTime(): the values may overflow.
            int byTime = Long.signum(dueNanos - other.dueNanos);
            return byTime != 0 ? byTime : Long.compare(number, other.number);
        }
    }

    /** Under the lock. */
    private Event add(long nanos, @Nullable Runnable task, @Nullable Runnable caller, @Nullable Wait wait) {
        Event event = new Event(now + Math.max(0, nanos), numbered++, task, caller, wait);
        agenda.add(event);
        return event;
    }

    @Override
    public long nanoTime() {
        return now;
    }

    /**
     * The wall clock that goes with this time, for what stamps times and tells the day.
     *
     * @param start what it shows at the first time of this time source
     * @return the clock; safe for use by several threads
     */
    public InstantSource instantSource(Instant start) {
        Objects.requireNonNull(start, "start");
        return () -> start.plusNanos(now - startNanos);
    }

    @Override
    public Timer schedule(long nanos, Runnable task) {
        Objects.requireNonNull(task, "task");
        lock.lock();
        try {
            Event event = add(nanos, task, null, null);
            return () -> {
                lock.lock();
                try {
                    agenda.remove(event);
                } finally {
                    lock.unlock();
                }
            };
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
            return (int) agenda.stream().filter(event -> event.task != null).count();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Has a caller arrive.
     *
     * @param delay in what time from now; zero is now, after what is due now already
     * @param caller what it does; what it throws ends the caller alone, and is thrown by {@link #run()}
     * @throws IllegalArgumentException if the delay is negative, or longer than 292 years
     * @throws IllegalStateException if this time source is closed
     */
    public void start(Duration delay, Runnable caller) {
        if (delay.isNegative() || delay.compareTo(LONGEST_DELAY) > 0) {
            throw new IllegalArgumentException("a caller cannot arrive in " + delay);
        }
        Objects.requireNonNull(caller, "caller");
        lock.lock();
        try {
            if (closed) {
                throw new IllegalStateException("the time source is closed");
            }
            callers++;
            add(delay.toNanos(), null, caller, null);
        } finally {
            lock.unlock();
        }
    }

    /** Has a caller arrive now, as {@link #start} does. */
    @Override
    public void execute(Runnable caller) {
        start(Duration.ZERO, caller);
    }

    /**
     * Lets time pass until every caller has ended. Tasks that are not due by then stay, so that callers may be started and run again.
     *
     * @throws IllegalStateException if a caller, or a task on its thread, blocks elsewhere than in {@link #await} for thirty to sixty seconds
     *     of real time, with its stack trace as the cause; or if this time source runs already, is closed, or the thread is interrupted
     * @throws RuntimeException or an {@link Error}, the first that a caller or a task has thrown, with the others suppressed
     */
    public void run() {
        CountDownLatch end = new CountDownLatch(1);
        lock.lock();
        try {
            if (closed || over != null) {
                throw new IllegalStateException(closed ? "the time source is closed" : "the time source runs already");
            }
            over = end;
        } finally {
            lock.unlock();
        }
        passTurn();
        watch(end);
        List<Throwable> thrown;
        lock.lock();
        try {
            thrown = failures;
            failures = new ArrayList<>();
        } finally {
            lock.unlock();
        }
        if (!thrown.isEmpty()) {
            throwFirst(thrown);
        }
    }

    private void watch(CountDownLatch end) {
        try {
            long seen = -1;
            while (!end.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                seen = look(seen);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while callers run", e);
        }
    }

    /** Whether the turn has been passed on since. */
    private long look(long turnsSeen) {
        lock.lock();
        try {
            Thread caller = running;
            if (turns == turnsSeen && caller != null) {
                Throwable where = new Throwable(caller.getName() + " stands here");
                where.setStackTrace(caller.getStackTrace());
                throw new IllegalStateException(
                        "a caller, or a task on its thread, has blocked for " + PATIENCE_SECONDS
                                + " s, but not in this time source",
                        where);
            }
            return turns;
        } finally {
            lock.unlock();
        }
    }

    private static void throwFirst(List<Throwable> thrown) {
        Throwable first = thrown.get(0);
        thrown.stream().skip(1).filter(other -> other != first).forEach(first::addSuppressed);
        if (first instanceof Error error) {
            throw error;
        }
        throw first instanceof RuntimeException known ? known : new IllegalStateException(first);
    }

    // ---- Whose turn it is

    /** A caller that waits. */
    private static final class Wait {

        private final CountDownLatch signal;
        private final Thread thread;
        private volatile boolean itsTurn;

        /** Kept here because a thread with the flag set would not park any more. */
        private volatile boolean interrupted;

        private Wait(CountDownLatch signal, Thread thread) {
            this.signal = signal;
            this.thread = thread;
        }

        /** The thread moves its flag to {@link #interrupted}, so that is read last. */
        private boolean isOver() {
            return signal.getCount() == 0 || thread.isInterrupted() || interrupted;
        }
    }

    @Override
    public boolean await(CountDownLatch signal, long nanos) throws InterruptedException {
        if (nanos <= 0 || signal.getCount() == 0) {
            return signal.await(0, TimeUnit.NANOSECONDS);
        }
        if (!(Thread.currentThread() instanceof Worker worker) || worker.home() != this) {
            throw new IllegalStateException(
                    "only a caller that was started here can wait, not " + Thread.currentThread());
        }
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
        Wait wait = new Wait(signal, worker);
        Event timeout;
        lock.lock();
        try {
            waits.add(wait);
            timeout = add(nanos, null, null, wait);
        } finally {
            lock.unlock();
        }
        passTurn();
        while (!wait.itsTurn) {
            LockSupport.park(this);
            if (worker.isInterrupted()) {
                wait.interrupted = true;
                var unused = Thread.interrupted();
            }
        }
        lock.lock();
        try {
            agenda.remove(timeout);
        } finally {
            lock.unlock();
        }
        if (Thread.interrupted() || wait.interrupted) {
            throw new InterruptedException();
        }
        return signal.getCount() == 0;
    }

    /** Gives the turn to who has a reason to go on, or else moves time to where somebody has. For who has the turn. */
    private void passTurn() {
        while (true) {
            Runnable task;
            lock.lock();
            try {
                turns++;
                Wait ended = firstThatIsOver();
                Event event = ended != null || callers == 0 ? null : agenda.pollFirst();
                if (event != null && event.dueNanos - now > 0) {
                    now = event.dueNanos;
                }
                if (event != null && event.wait != null) {
                    ended = event.wait;
                }
                if (ended != null) {
                    waits.remove(ended);
                    running = ended.thread;
                    ended.itsTurn = true;
                    LockSupport.unpark(ended.thread);
                    return;
                }
                if (event == null) {
                    end();
                    return;
                }
                if (event.caller != null) {
                    begin(event.caller);
                    return;
                }
                task = Objects.requireNonNull(event.task);
            } finally {
                lock.unlock();
            }
            try {
                task.run();
            } catch (Throwable e) {
                // The others must run all the same.
                failed(e);
            }
        }
    }

    private @Nullable Wait firstThatIsOver() {
        for (Wait wait : waits) {
            if (wait.isOver()) {
                return wait;
            }
        }
        return null;
    }

    private void begin(Runnable caller) {
        Worker worker = idle.poll();
        boolean isNew = worker == null;
        if (worker == null) {
            worker = new Worker(++workers);
        }
        running = worker;
        worker.caller = caller;
        if (isNew) {
            worker.start();
        } else {
            LockSupport.unpark(worker);
        }
    }

    private void end() {
        running = null;
        CountDownLatch current = Objects.requireNonNull(over);
        over = null;
        current.countDown();
    }

    private void failed(Throwable failure) {
        lock.lock();
        try {
            failures.add(failure);
        } finally {
            lock.unlock();
        }
    }

    /** Runs one caller after the other. */
    private final class Worker extends Thread {

        /** What it has been given the turn for; null while it is idle. */
        private volatile @Nullable Runnable caller;

        private Worker(int number) {
            super("simulated-caller-" + number);
            setDaemon(true);
        }

        private SimulatedTimeSource home() {
            return SimulatedTimeSource.this;
        }

        @Override
        public void run() {
            while (true) {
                // Nothing between the look and the wait: a lock that was waited for could use up the permit.
                while (caller == null && !closed) {
                    LockSupport.park(SimulatedTimeSource.this);
                    // What was meant for a caller that has ended is not for the next one.
                    var unused = Thread.interrupted();
                }
                Runnable current = caller;
                if (current == null) {
                    return;
                }
                try {
                    current.run();
                } catch (Throwable e) {
                    failed(e);
                }
                caller = null;
                lock.lock();
                try {
                    callers--;
                    var unused = Thread.interrupted();
                    idle.push(this);
                } finally {
                    lock.unlock();
                }
                passTurn();
            }
        }
    }

    /** Ends its threads, but those of callers that have not ended, and drops what has not happened. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            agenda.clear();
            idle.forEach(LockSupport::unpark);
            idle.clear();
        } finally {
            lock.unlock();
        }
    }
}
