package ai.orchestrator.breaker;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowType;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a Resilience4j breaker in the state that the guard decided, and fed with the results that count, so that Resilience4j's events, meters
 * and tools see them. It never asks Resilience4j for permission.
 *
 * <p>A Resilience4j breaker keeps the settings that it was made with. Other settings so need another one: it is brought to the state of the
 * one before while nobody listens to it yet, and has counted nothing. It therefore sees fewer results than the guard has counted, and never
 * moves before it.
 *
 * <p>Results come two ways. Those that change nothing in the guard, successes of a closed breaker, go straight to Resilience4j from
 * the calling thread. All else is a {@link Step}, applied one after another in the order of the guard's decisions. Resilience4j, which charges
 * a result to whatever state it is in when the result arrives, so never moves before the guard:
 *
 * <ul>
 *   <li>closed, its window holds every failure and every success that ended a row in the guard's order, and straight successes between them,
 *       which only dilute it;
 *   <li>half-open, it is fed by steps alone: the step to it waits until no straight success is under way.
 * </ul>
 *
 * <p>{@link #apply} is called by one thread at a time; the rest by any.
 */
final class Resilience4jMirror {

    /**
     * The place that Resilience4j was left in. Its metrics object is replaced in every move but the one to OPEN, so both together tell a
     * move by another hand, even from a state to the same.
     */
    private record Place(CircuitBreaker delegate, CircuitBreaker.State state, CircuitBreaker.Metrics metrics) {}

    private volatile Place left;

    private final Consumer<CircuitBreaker> replaced;

    /** The guard's state that was applied last. */
    private volatile @Nullable Object applied;

    // Straight successes: each has begun, and then has ended or was given up. Those two only grow, so when they are
    // read first and
    // their sum equals what has begun, all that had begun before have ended.
    // Resilience4j's window has a lock that all share, so adders that spread over several cells would gain nothing.
    private final AtomicLong begun = new AtomicLong();
    private final AtomicLong ended = new AtomicLong();
    private final AtomicLong givenUp = new AtomicLong();

    /** What Resilience4j is to do: take note of a result, then be in a state. */
    static final class Step {

        private enum Renewal {
            /** What Resilience4j counted stays, unless the state changes. */
            NONE,
            /** It is forgotten in any case, silently if the state is the same. */
            AFRESH,
            /** It is forgotten, and a reset is published. */
            RESET
        }

        private final Object state;
        private final CircuitBreaker.State target;
        private final Renewal renewal;
        private final boolean overriding;
        private final @Nullable Result result;

        /** What takes the place of the Resilience4j breaker before all else; null if it stays. */
        final @Nullable CircuitBreaker successor;

        private Step(
                Object state,
                CircuitBreaker.State target,
                Renewal renewal,
                boolean overriding,
                @Nullable Result result,
                @Nullable CircuitBreaker successor) {
            this.state = state;
            this.target = target;
            this.renewal = renewal;
            this.overriding = overriding;
            this.result = result;
            this.successor = successor;
        }

        /**
         * @param state the guard's state after the decision
         * @param target where Resilience4j is to be
         * @param result what it is to take note of before
         */
        static Step to(Object state, CircuitBreaker.State target, @Nullable Result result) {
            return new Step(state, target, Renewal.NONE, false, result, null);
        }

        /** As {@link #to}, and what Resilience4j has counted is emptied even where it is in that state already. */
        static Step afresh(Object state, CircuitBreaker.State target) {
            return afresh(state, target, null);
        }

        /** The same, for another Resilience4j breaker if there is one. */
        static Step afresh(Object state, CircuitBreaker.State target, @Nullable CircuitBreaker successor) {
            return new Step(state, target, Renewal.AFRESH, false, null, successor);
        }

        /** Another Resilience4j breaker takes the place of this one, in the same state; it has counted nothing. */
        static Step replace(Object state, CircuitBreaker.State target, CircuitBreaker successor) {
            return new Step(state, target, Renewal.NONE, false, null, successor);
        }

        /** What an operator decided here, which stands against an older move by another hand. */
        static Step override(Object state, CircuitBreaker.State target) {
            return new Step(state, target, Renewal.NONE, true, null, null);
        }

        static Step reset(Object state) {
            return new Step(state, CircuitBreaker.State.CLOSED, Renewal.RESET, true, null, null);
        }
    }

    /**
     * How a call ended.
     *
     * @param tookNanos zero if that is not known
     * @param failure why it failed, or null if it succeeded
     */
    record Result(long tookNanos, @Nullable Throwable failure) {}

    /**
     * @param replaced is told of each that has taken the place of the one before
     */
    Resilience4jMirror(CircuitBreaker delegate, Consumer<CircuitBreaker> replaced) {
        this.left = new Place(delegate, delegate.getState(), delegate.getMetrics());
        this.replaced = replaced;
    }

    /** The mapping of our settings (B1). */
    static CircuitBreakerConfig config(CircuitBreakerSettings settings, Clock clock) {
        return CircuitBreakerConfig.custom()
                .slidingWindowType(SlidingWindowType.COUNT_BASED)
                .slidingWindowSize(settings.failureThreshold())
                // Cut to failureThreshold in CLOSED and to successThreshold in HALF_OPEN: the larger one lets both
                // windows fill.
                .minimumNumberOfCalls(Math.max(settings.failureThreshold(), settings.successThreshold()))
                .failureRateThreshold(100)
                .permittedNumberOfCallsInHalfOpenState(settings.successThreshold())
                .waitDurationInOpenState(settings.timeoutDuration())
                // By default a call of a minute counts as slow, and slow calls alone would trip.
                .slowCallDurationThreshold(Duration.ofNanos(Long.MAX_VALUE))
                .clock(clock)
                .build();
    }

    /** Whether the mapping of two settings differs. */
    static boolean needsAnother(CircuitBreakerSettings before, CircuitBreakerSettings after) {
        return before.failureThreshold() != after.failureThreshold()
                || before.successThreshold() != after.successThreshold()
                || !before.timeoutDuration().equals(after.timeoutDuration());
    }

    CircuitBreaker delegate() {
        return left.delegate;
    }

    /** Whether Resilience4j is not where it was left. Meaningless while steps wait. */
    boolean moved() {
        CircuitBreaker delegate = left.delegate;
        CircuitBreaker.State state = delegate.getState();
        CircuitBreaker.Metrics metrics = delegate.getMetrics();
        // After that, so that what is done meanwhile is compared with where it led.
        Place place = left;
        return state != place.state || metrics != place.metrics;
    }

    /** Takes the place that another hand has moved it to for the one that it was left in. */
    void accept(CircuitBreaker.State state, Object guardState) {
        leave(state);
        applied = guardState;
    }

    /** Whether a state of the guard is what was applied last. */
    boolean reflects(Object state) {
        return applied == state;
    }

    // A straight success is: begin, look whether the guard's state still is the same, success, end; or give up. A
    // decision to leave
    // that state comes before the look, which sees it, or after the beginning, which mustWait sees.

    void begin() {
        begun.getAndIncrement();
    }

    void success(long tookNanos) {
        delegate().onSuccess(tookNanos, TimeUnit.NANOSECONDS);
    }

    void end() {
        ended.getAndIncrement();
    }

    void giveUp() {
        givenUp.getAndIncrement();
    }

    /** How many straight successes there have been. */
    long straightSuccesses() {
        return ended.get();
    }

    /** Whether a step has to wait because a straight success is under way that it must not catch half-open. */
    boolean mustWait(Step step) {
        if (step.target != CircuitBreaker.State.HALF_OPEN || reflects(step.state)) {
            return false;
        }
        long finished = ended.get() + givenUp.get();
        return begun.get() != finished;
    }

    void apply(Step step) {
        if (step.successor != null) {
            replace(step.successor);
        }
        if (step.overriding || !moved()) {
            follow(step);
        }
        // Otherwise another hand was faster. Its move stays, so that the guard adopts it.
        applied = step.state;
    }

    /** Where another hand has moved the one before, the successor goes too, so that the guard adopts it from there. */
    private void replace(CircuitBreaker successor) {
        Place before = left;
        boolean moved = moved();
        CircuitBreaker.State state = before.delegate.getState();
        bring(successor, state);
        left = moved
                ? new Place(successor, before.state, before.metrics)
                : new Place(successor, state, successor.getMetrics());
        replaced.accept(successor);
    }

    private void follow(Step step) {
        CircuitBreaker delegate = delegate();
        if (step.result != null) {
            if (left.state == CircuitBreaker.State.HALF_OPEN && step.result.failure() != null) {
                // First, because Resilience4j would close at a failed trial that comes after good ones.
                move(step.target);
                leave(step.target);
            }
            note(step.result);
            // Resilience4j may have gone where the result leads. Anywhere else it was led by another hand, as a
            // consumer's.
            if (moved() && delegate.getState() != step.target) {
                return;
            }
        }
        if (step.renewal == Step.Renewal.RESET) {
            delegate.reset();
        } else if (step.renewal == Step.Renewal.AFRESH) {
            moveAfresh(step.target);
        } else if (delegate.getState() != step.target) {
            move(step.target);
        } else if (left.state == step.target) {
            // Nothing was done to it; what another hand may have done by now is not ours to take note of.
            return;
        }
        leave(step.target);
    }

    private void leave(CircuitBreaker.State state) {
        CircuitBreaker delegate = delegate();
        left = new Place(delegate, state, delegate.getMetrics());
    }

    private void note(Result result) {
        if (result.failure() == null) {
            success(result.tookNanos());
        } else {
            delegate().onError(result.tookNanos(), TimeUnit.NANOSECONDS, shown(result.failure()));
        }
    }

    private void moveAfresh(CircuitBreaker.State target) {
        CircuitBreaker delegate = delegate();
        if (delegate.getState() == target) {
            move(delegate, target);
        } else {
            bring(delegate, target);
        }
    }

    private void move(CircuitBreaker.State target) {
        move(delegate(), target);
    }

    /** Not every state can be reached from every other, but CLOSED can from all, and all from it but one. */
    private static void bring(CircuitBreaker delegate, CircuitBreaker.State target) {
        delegate.transitionToClosedState();
        if (target == CircuitBreaker.State.HALF_OPEN) {
            delegate.transitionToOpenState();
        }
        move(delegate, target);
    }

    private static void move(CircuitBreaker delegate, CircuitBreaker.State target) {
        switch (target) {
            case CLOSED -> delegate.transitionToClosedState();
            case OPEN -> delegate.transitionToOpenState();
            case HALF_OPEN -> delegate.transitionToHalfOpenState();
            case FORCED_OPEN -> delegate.transitionToForcedOpenState();
            case DISABLED -> delegate.transitionToDisabledState();
            default -> delegate.transitionToMetricsOnlyState();
        }
    }

    /** Resilience4j unwraps these two and is not prepared for finding nothing inside. */
    private static Throwable shown(Throwable failure) {
        boolean wrapper = failure instanceof CompletionException || failure instanceof ExecutionException;
        return wrapper && failure.getCause() == null ? new AttemptFailed(failure) : failure;
    }

    /** Stands in for a failure whose cause is not known: Resilience4j wants a throwable. */
    static final class AttemptFailed extends RuntimeException {

        private static final long serialVersionUID = 1L;

        AttemptFailed(@Nullable Throwable cause) {
            super("the attempt failed", cause, false, false);
        }
    }
}
