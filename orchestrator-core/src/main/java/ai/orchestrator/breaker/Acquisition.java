package ai.orchestrator.breaker;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a circuit breaker says to a call: a {@link Permit} to complete, or a {@link Refusal}. Both are values; nothing is thrown. */
public sealed interface Acquisition {

    /**
     * The right to make one attempt, to be completed once, in one of three ways. Safe for use by several threads.
     *
     * <p>It belongs to the state in which the call started: when the breaker has left that state meanwhile, the result is late and
     * changes no state, count or permit. A closed breaker gives the same permit to every call, so that acquiring allocates nothing; such a
     * permit completed twice counts twice. A trial's permit is its own: its first completion counts, and none after its lease has ended.
     */
    non-sealed interface Permit extends Acquisition {

        /** The attempt succeeded. How long it took is not known: Resilience4j's own timer records zero. */
        void success();

        /**
         * The attempt succeeded.
         *
         * @param took how long it took; negative counts as zero
         */
        void success(Duration took);

        /** The attempt failed and the provider is at fault. How long it took is not known: Resilience4j's own timer records zero. */
        void failure();

        /**
         * The attempt failed and the provider is at fault.
         *
         * @param took how long it took; negative counts as zero
         * @param cause what Resilience4j's error event shows; null if it is not known
         */
        void failure(Duration took, @Nullable Throwable cause);

        /**
         * The attempt said nothing about the provider: it was cancelled, abandoned, not made, or failed by the caller's own fault. A
         * trial's permit is free again at once.
         */
        void release();
    }

    /** No attempt may be made now. A value that other calls share; safe for use by several threads. */
    non-sealed interface Refusal extends Acquisition {

        /**
         * Why: the breaker is {@code OPEN}, {@code HALF_OPEN} with all its trials under way, or {@code FORCED_OPEN}.
         *
         * @return the state that refused
         */
        CircuitState state();

        /**
         * When the breaker lets a call through, measured from the moment of asking.
         *
         * @return the time left, zero when it has passed; empty if that is not known, as while other trials run or after an operator
         *     opened it
         */
        Optional<Duration> timeUntilRetry();
    }
}
