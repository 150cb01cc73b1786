package ai.orchestrator.breaker;

import java.time.Duration;
import java.util.Optional;

/** What a circuit breaker says to a call: a {@link Permit} to complete, or a {@link Refusal}. */
public sealed interface Acquisition {

    /** The right to make one attempt. To be completed exactly once, in one of three ways. Safe for use by several threads. */
    non-sealed interface Permit extends Acquisition {

        /** The attempt succeeded. */
        void success();

        /** The attempt failed and the provider is at fault. */
        void failure();

        /** The attempt said nothing about the provider: it was cancelled, not made, or failed by the caller's own fault. */
        void release();
    }

    /** No attempt may be made now. */
    non-sealed interface Refusal extends Acquisition {

        /**
         * When the breaker may let a call through.
         *
         * @return the time left; empty if that is not known, as while other trials run or after an operator opened it
         */
        Optional<Duration> timeUntilRetry();
    }
}
