package ai.orchestrator;

import ai.orchestrator.time.TimeSource;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The allowance, shared by all calls, that keeps retries from multiplying the load on providers in trouble: a share of the first attempts and
 * ten, over the last ten seconds, as Finagle's retry budget. Failovers use it up too but are never refused. Safe for use by several
 * threads.
 */
final class RetryBudget {

    private static final long SLOT_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** One more than the seconds that count, because the first and the last of them are cut. */
    private static final int SLOTS = 11;

    private static final int FLOOR = 10;

    /** What shares are counted in, so that nothing is lost by rounding. */
    private static final long MILLION = 1_000_000;

    private final TimeSource timeSource;

    /** Retries for a million first attempts. */
    private volatile long retriesPerMillion;

    private final long originNanos;

    /** Guards the replacing of slots, and the withdrawals in them. */
    private final ReentrantLock lock = new ReentrantLock();

    private final Slot[] slots = new Slot[SLOTS];
    private volatile Slot current;

    /** One second. */
    private static final class Slot {

        private final long second;

        /** Counted without the lock, because every call does. */
        private final LongAdder firstAttempts = new LongAdder();

        private int withdrawals;

        private Slot(long second) {
            this.second = second;
        }
    }

    /**
     * @param share from zero to one
     */
    RetryBudget(TimeSource timeSource, double share) {
        share(share);
        this.timeSource = timeSource;
        this.originNanos = timeSource.nanoTime();
        this.current = new Slot(0);
        slots[0] = current;
    }

    /** Another share from now on, of what has been counted too. */
    void share(double share) {
        this.retriesPerMillion = Math.round(share * MILLION);
    }

    /** A call makes its first attempt. */
    void firstAttempt() {
        slot().firstAttempts.increment();
    }

    /** What was taken; may be given back once, if it came to nothing. */
    final class Withdrawal {

        private final Slot slot;

        private Withdrawal(Slot slot) {
            this.slot = slot;
        }

        void giveBack() {
            lock.lock();
            try {
                // Where it was taken: later ones must not gain by what has long run out.
                slot.withdrawals--;
            } finally {
                lock.unlock();
            }
        }
    }

    private Withdrawal take(Slot slot) {
        slot.withdrawals++;
        return new Withdrawal(slot);
    }

    /** A call turns to another provider. */
    Withdrawal failover() {
        lock.lock();
        try {
            return take(slot());
        } finally {
            lock.unlock();
        }
    }

    /** Whether {@link #tryRetry()} would be allowed. */
    boolean allowsRetry() {
        lock.lock();
        try {
            return available(slot().second) >= 1;
        } finally {
            lock.unlock();
        }
    }

    /**
     * A call wants to ask the same provider again.
     *
     * @return what was counted; null if it may not
     */
    @Nullable
    Withdrawal tryRetry() {
        lock.lock();
        try {
            Slot slot = slot();
            if (available(slot.second) < 1) {
                return null;
            }
            return take(slot);
        } finally {
            lock.unlock();
        }
    }

    /** Under the lock. */
    private long available(long second) {
        long firstAttempts = 0;
        long withdrawals = 0;
        for (Slot slot : slots) {
            if (slot != null && second - slot.second < SLOTS) {
                firstAttempts += slot.firstAttempts.sum();
                withdrawals += slot.withdrawals;
            }
        }
        return FLOOR + firstAttempts * retriesPerMillion / MILLION - withdrawals;
    }

    private Slot slot() {
        long second = (timeSource.nanoTime() - originNanos) / SLOT_NANOS;
        Slot slot = current;
        if (slot.second >= second) {
            return slot;
        }
        lock.lock();
        try {
            if (current.second < second) {
                current = new Slot(second);
                slots[(int) (second % SLOTS)] = current;
            }
            return current;
        } finally {
            lock.unlock();
        }
    }
}
