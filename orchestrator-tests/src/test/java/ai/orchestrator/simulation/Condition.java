package ai.orchestrator.simulation;

import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import java.time.Duration;
import java.util.Optional;

/**
 * What a provider makes of one attempt.
 *
 * @param slowness how many times as long as usual an answer takes
 * @param failureRate how probable it is that the attempt fails, from zero to one
 * @param failure with what; empty for a provider that says nothing at all
 * @param takes in what time it fails
 */
record Condition(double slowness, double failureRate, Optional<Failure> failure, Duration takes) {

    static final Condition FINE = new Condition(1, 0, Optional.empty(), Duration.ZERO);

    /** Takes the request, and never answers. */
    static final Condition SILENT = new Condition(1, 1, Optional.empty(), Duration.ZERO);

    private static final Duration SOON = Duration.ofMillis(50);

    /** What a dialect would make of the provider's answer. */
    record Failure(FailureKind kind, int status, Optional<Duration> retryAfter) {

        ProviderException exception() {
            return ProviderException.builder(kind, "simulated")
                    .status(status)
                    .retryAfter(retryAfter.orElse(null))
                    .build();
        }
    }

    static Condition slow(double slowness) {
        return new Condition(slowness, 0, Optional.empty(), Duration.ZERO);
    }

    static Condition fails(FailureKind kind, int status) {
        return new Condition(1, 1, Optional.of(new Failure(kind, status, Optional.empty())), SOON);
    }

    Condition withRetryAfter(Duration hint) {
        Failure hinted = failure.map(known -> new Failure(known.kind, known.status, Optional.of(hint)))
                .orElseThrow();
        return new Condition(slowness, failureRate, Optional.of(hinted), takes);
    }

    /** The same failure, but only now and then, and what does not fail is slow. */
    Condition partly(double rate, double slowness) {
        return new Condition(slowness, rate, failure, takes);
    }
}
