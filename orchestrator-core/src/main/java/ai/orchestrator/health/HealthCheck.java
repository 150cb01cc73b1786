package ai.orchestrator.health;

import ai.orchestrator.provider.FailureKind;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * How a provider's last free check ended: something that costs nothing was asked, such as its list of models. Immutable and safe for use by
 * several threads.
 *
 * @param outcome how it ended
 * @param failure what kind of failure it was; empty unless it failed
 * @param reason what was wrong, in words; empty unless it failed
 * @param at when it ended
 * @param took how long it took
 * @param age how long ago it ended
 */
public record HealthCheck(
        Outcome outcome, Optional<FailureKind> failure, String reason, Instant at, Duration took, Duration age) {

    /** Checks that nothing is null. */
    public HealthCheck {
        Objects.requireNonNull(outcome, "outcome");
        Objects.requireNonNull(failure, "failure");
        Objects.requireNonNull(reason, "reason");
        Objects.requireNonNull(at, "at");
        Objects.requireNonNull(took, "took");
        Objects.requireNonNull(age, "age");
    }

    /** How a check ended. */
    public enum Outcome {
        /** The provider can be reached and takes its key. */
        OK,
        /** A call would have failed in the same way. */
        FAILED,
        /** The provider has nothing that can be asked for free, so nothing was learnt. */
        NOT_AVAILABLE
    }
}
