package ai.orchestrator.chat;

import ai.orchestrator.internal.Durations;
import ai.orchestrator.provider.FailureKind;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * What one call did: each provider that was tried or skipped, in order, and why. Immutable.
 *
 * @param steps in the order in which they happened; unmodifiable
 * @param elapsed from the start of the call to its end
 */
public record Trail(List<Step> steps, Duration elapsed) {

    /** The trail of a call that did nothing. */
    public static final Trail EMPTY = new Trail(List.of(), Duration.ZERO);

    /** Copies the steps. */
    public Trail {
        steps = List.copyOf(steps);
        Objects.requireNonNull(elapsed, "elapsed");
    }

    /**
     * How many HTTP calls were made.
     *
     * @return zero if every provider was skipped
     */
    public int attempts() {
        return (int) steps.stream().filter(step -> !(step instanceof Skipped)).count();
    }

    /** The steps on one line. */
    @Override
    public String toString() {
        return steps.stream().map(Step::toString).collect(Collectors.joining("; "));
    }

    private static String afterWait(Duration waited) {
        return waited.isZero() ? "" : ", after a wait of " + Durations.text(waited) + ",";
    }

    /** One provider's part in a call. */
    public sealed interface Step {

        /**
         * Whose part it is.
         *
         * @return the provider's configured name
         */
        String provider();
    }

    /**
     * The provider answered.
     *
     * @param provider its configured name
     * @param waited how long the call waited before the attempt, because the provider asked for that or as backoff; zero unless it was
     *     asked again
     * @param took how long the attempt took
     */
    public record Answered(String provider, Duration waited, Duration took) implements Step {

        @Override
        public String toString() {
            return provider + " answered in " + Durations.text(took)
                    + (waited.isZero() ? "" : ", after a wait of " + Durations.text(waited));
        }
    }

    /**
     * The provider was tried and failed.
     *
     * @param provider its configured name
     * @param waited how long the call waited before the attempt, because the provider asked for that or as backoff; zero unless it was
     *     asked again
     * @param took how long the attempt took
     * @param kind what the failure means
     * @param status the HTTP status, if one came
     * @param code the provider's own word for the failure; empty if it gave none
     * @param requestId the provider's own name for the HTTP request, for its support; empty if it gave none
     * @param retryAfter how long the provider asked to be left alone, if it did
     * @param reason what happened, in words, without secrets
     */
    public record Failed(
            String provider,
            Duration waited,
            Duration took,
            FailureKind kind,
            OptionalInt status,
            String code,
            String requestId,
            Optional<Duration> retryAfter,
            String reason)
            implements Step {

        @Override
        public String toString() {
            return provider + " failed after " + Durations.text(took) + afterWait(waited) + " with " + kind + ": "
                    + reason;
        }
    }

    /**
     * The provider was not tried, or not tried again, which cost nothing.
     *
     * @param provider its configured name
     * @param reason why not, in words
     * @param retryIn when it may be tried again, if that is known
     */
    public record Skipped(String provider, String reason, Optional<Duration> retryIn) implements Step {

        @Override
        public String toString() {
            return provider + " skipped: " + reason
                    + retryIn.map(wait -> ", next try in " + Durations.text(wait))
                            .orElse("");
        }
    }
}
