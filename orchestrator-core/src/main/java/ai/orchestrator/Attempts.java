package ai.orchestrator;

import java.util.concurrent.atomic.LongAdder;

/** Counts a provider's attempts since it was registered. Safe for use by several threads. */
final class Attempts {

    private final LongAdder begun = new LongAdder();
    private final LongAdder answered = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final LongAdder abandoned = new LongAdder();

    void begun() {
        begun.increment();
    }

    void answered() {
        answered.increment();
    }

    void failed() {
        failed.increment();
    }

    /** Cancelled, or not made after all. */
    void abandoned() {
        abandoned.increment();
    }

    ProviderStatus.Attempts counts() {
        // The ends first: an attempt that ends meanwhile then seems to be under way, never to have ended without a
        // beginning.
        long hasAnswered = answered.sum();
        long hasFailed = failed.sum();
        long wasAbandoned = abandoned.sum();
        return new ProviderStatus.Attempts(
                hasAnswered, hasFailed, wasAbandoned, begun.sum() - hasAnswered - hasFailed - wasAbandoned);
    }
}
