package ai.orchestrator;

import ai.orchestrator.internal.Durations;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Keeps calls away from a provider until a time that it named. After that one call goes first, and the others keep away until it has
 * reported or its lease has ended. Independent of the circuit breaker: both must allow. Safe for use by several threads.
 */
final class Parking {

    private final TimeSource timeSource;

    /** Guards the writing of the state. */
    private final ReentrantLock lock = new ReentrantLock();

    /** Null while the provider is not parked, so that a healthy call only looks. */
    private volatile @Nullable Parked state;

    /**
     * A time when nobody is let in, and what comes after it.
     *
     * @param kind why
     * @param rateLimits how many rate limits in a row have led to this
     * @param first the call that goes first, if it is under way
     */
    private record Parked(
            long untilNanos,
            FailureKind kind,
            int rateLimits,
            @Nullable FirstCall first,
            long leaseEndNanos) {

        boolean lasts(long now) {
            return untilNanos - now > 0;
        }

        boolean isTaken(long now) {
            return first != null && leaseEndNanos - now > 0;
        }
    }

    /** What a call hears that wants to come in. */
    sealed interface Entry {}

    /** The provider is not parked. */
    enum Free implements Entry {
        FREE
    }

    /**
     * Why nobody is let in.
     *
     * @param kind what the provider said when it was parked
     * @param left until when; empty while another call goes first
     * @param againInNanos when to ask again at the latest: when the time, or the first call's lease, is over
     * @param sooner completes when the first call has reported; null while nobody may go
     */
    record Refusal(
            FailureKind kind,
            Optional<Duration> left,
            long againInNanos,
            @Nullable CompletableFuture<Void> sooner) implements Entry {

        String reason() {
            return left.map(time -> "parked for " + Durations.text(time) + " after " + kind)
                    .orElse("was parked after " + kind + ", and another call tries it first");
        }
    }

    /** The right to go first, to be completed once. */
    final class FirstCall implements Entry {

        /** For those that wait until it is their turn. */
        private final CompletableFuture<Void> over = new CompletableFuture<>();

        /** The provider answered, or failed for another reason: others may come, unless the lease has ended. */
        void reported() {
            lock.lock();
            try {
                Parked parked = state;
                if (parked != null && parked.first == this && parked.isTaken(timeSource.nanoTime())) {
                    state = null;
                }
            } finally {
                lock.unlock();
            }
            over.complete(null);
        }

        /** Nothing was learnt: another call may go first. */
        void release() {
            lock.lock();
            try {
                Parked parked = state;
                if (parked != null && parked.first == this) {
                    state = new Parked(parked.untilNanos, parked.kind, parked.rateLimits, null, 0);
                }
            } finally {
                lock.unlock();
            }
            over.complete(null);
        }
    }

    Parking(TimeSource timeSource) {
        this.timeSource = timeSource;
    }

    /** Why a call would not be let in now; empty if it would. */
    Optional<Refusal> refusal() {
        Parked parked = state;
        return parked == null ? Optional.empty() : refusal(parked, timeSource.nanoTime());
    }

    private static Optional<Refusal> refusal(Parked parked, long now) {
        if (parked.lasts(now)) {
            long left = parked.untilNanos - now;
            return Optional.of(new Refusal(parked.kind, Optional.of(Duration.ofNanos(left)), left, null));
        }
        FirstCall first = parked.first;
        return first != null && parked.isTaken(now)
                ? Optional.of(new Refusal(parked.kind, Optional.empty(), parked.leaseEndNanos - now, first.over))
                : Optional.empty();
    }

    /**
     * Lets a call in, as the first one where nobody has come since the provider was parked.
     *
     * @param leaseNanos how long a first call may stay silent before another one goes first
     */
    Entry enter(long leaseNanos) {
        if (state == null) {
            return Free.FREE;
        }
        lock.lock();
        try {
            Parked parked = state;
            if (parked == null) {
                return Free.FREE;
            }
            long now = timeSource.nanoTime();
            Optional<Refusal> refusal = refusal(parked, now);
            if (refusal.isPresent()) {
                return refusal.get();
            }
            FirstCall first = new FirstCall();
            state = new Parked(parked.untilNanos, parked.kind, parked.rateLimits, first, now + leaseNanos);
            return first;
        } finally {
            lock.unlock();
        }
    }

    /** How many rate limits in a row led to the last time, those of calls at the same time counted once. */
    int rateLimitsBefore() {
        Parked parked = state;
        if (parked == null) {
            return 0;
        }
        return parked.lasts(timeSource.nanoTime()) ? Math.max(0, parked.rateLimits - 1) : parked.rateLimits;
    }

    /**
     * Keeps calls away for a time. One that is longer already stays.
     *
     * @return whether this is news: nobody was kept away before
     */
    boolean park(long nanos, FailureKind kind) {
        FirstCall overtaken;
        lock.lock();
        try {
            long now = timeSource.nanoTime();
            long until = now + nanos;
            Parked before = state;
            if (before != null && before.lasts(now)) {
                if (until - before.untilNanos > 0) {
                    state = new Parked(until, kind, before.rateLimits, null, 0);
                }
                return false;
            }
            int rateLimits = before == null ? 0 : before.rateLimits;
            overtaken = before == null ? null : before.first;
            state = new Parked(until, kind, kind == FailureKind.RATE_LIMITED ? rateLimits + 1 : 0, null, 0);
        } finally {
            lock.unlock();
        }
        if (overtaken != null) {
            // Whoever waits for it must wait for the new time instead: when it reports, nobody is let in for that.
            overtaken.over.complete(null);
        }
        return true;
    }

    /** Lets calls in again, if what keeps them away, or makes one go first, is of such a kind. */
    void lift(Predicate<FailureKind> kinds) {
        FirstCall overtaken = null;
        lock.lock();
        try {
            Parked parked = state;
            if (parked != null && kinds.test(parked.kind)) {
                overtaken = parked.first;
                state = null;
            }
        } finally {
            lock.unlock();
        }
        if (overtaken != null) {
            overtaken.over.complete(null);
        }
    }
}
