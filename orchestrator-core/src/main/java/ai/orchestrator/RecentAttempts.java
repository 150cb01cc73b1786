package ai.orchestrator;

import ai.orchestrator.health.ProviderHealth;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Counts how a provider's attempts of late have ended. Safe for use by several threads; nobody waits for another to read it. */
final class RecentAttempts {

    private static final int SLOTS_IN_WINDOW = 10;
    private static final long SLOT_NANOS = ProviderHealth.WINDOW.toNanos() / SLOTS_IN_WINDOW;

    private final TimeSource timeSource;
    private final long originNanos;

    /** Guards the replacing of slots. */
    private final ReentrantLock lock = new ReentrantLock();

    /** One more than counts, because the first of them has begun to run out, and the last has just begun. */
    private final @Nullable Slot[] slots = new @Nullable Slot[SLOTS_IN_WINDOW + 1];

    private volatile Slot current = new Slot(0);

    /** Moves with each attempt. */
    private final AtomicInteger changes = new AtomicInteger();

    private volatile Summary summary;

    /** Half a minute. */
    private static final class Slot {

        private final long number;
        private final LongAdder failures = new LongAdder();
        private final LongAdder successes = new LongAdder();
        private final LongAdder latencyNanos = new LongAdder();

        private Slot(long number) {
            this.number = number;
        }
    }

    /** What was found when so many changes had been made and this slot had begun. */
    private record Summary(ProviderHealth health, int changes, long slot) {}

    RecentAttempts(TimeSource timeSource) {
        this.timeSource = timeSource;
        this.originNanos = timeSource.nanoTime();
        this.slots[0] = current;
        this.summary = new Summary(ProviderHealth.UNKNOWN, 0, 0);
    }

    void succeeded(Duration took) {
        Slot slot = slot();
        slot.latencyNanos.add(took.toNanos());
        slot.successes.increment();
        changes.incrementAndGet();
    }

    void failed() {
        slot().failures.increment();
        changes.incrementAndGet();
    }

    /** What they come to now. */
    ProviderHealth health() {
        Summary known = summary;
        // In this order: what is counted after this look is not taken for known.
        int seen = changes.get();
        long number = slotNumber();
        if (known.changes == seen && (known.slot == number || known.health.attempts() == 0)) {
            return known.health;
        }
        ProviderHealth health = sum(number);
        summary = new Summary(health, seen, number);
        return health;
    }

    private ProviderHealth sum(long number) {
        long failures = 0;
        long successes = 0;
        long latencyNanos = 0;
        for (Slot slot : slots) {
            if (slot != null && number - slot.number <= SLOTS_IN_WINDOW) {
                failures += slot.failures.sum();
                successes += slot.successes.sum();
                latencyNanos += slot.latencyNanos.sum();
            }
        }
        if (failures + successes == 0) {
            return ProviderHealth.UNKNOWN;
        }
        return new ProviderHealth(
                failures + successes,
                successes,
                successes == 0 ? Optional.empty() : Optional.of(Duration.ofNanos(latencyNanos / successes)));
    }

    private long slotNumber() {
        return (timeSource.nanoTime() - originNanos) / SLOT_NANOS;
    }

    private Slot slot() {
        long number = slotNumber();
        Slot slot = current;
        if (slot.number >= number) {
            return slot;
        }
        lock.lock();
        try {
            if (current.number < number) {
                Slot next = new Slot(number);
                slots[(int) (number % slots.length)] = next;
                current = next;
            }
            return current;
        } finally {
            lock.unlock();
        }
    }
}
