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
 * What one call did: each provider that was tried or skipped, in order, and why; or where else its answer came from. Immutable.
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
     * How many HTTP calls were made; for a call that {@linkplain Joined joined} another one, by that one.
     *
     * @return zero if every provider was skipped, or the answer came from the cache
     */
    public int attempts() {
        return (int) steps.stream()
                .filter(step -> step instanceof Answered || step instanceof Failed)
                .count();
    }

    /**
     * Whether the answer came from the cache.
     *
     * @return true if nobody was asked for it
     */
    public boolean isCacheHit() {
        return steps.stream().anyMatch(Cached.class::isInstance);
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
    /**
     * The answer came from the cache: nobody was asked.
     *
     * @param provider who answered when it was asked
     * @param age how long ago that was
     */
    public record Cached(String provider, Duration age) implements Step {

        @Override
        public String toString() {
            return "cached answer of " + provider + ", " + Durations.text(age) + " old";
        }
    }

    /**
     * An identical call was under way, and this one waited for its answer. The other call's steps follow, those from before included.
     *
     * @param provider who was being asked then; empty between two attempts
     * @param underWay how long the other call had been under way
     */
    public record Joined(String provider, Duration underWay) implements Step {

        @Override
        public String toString() {
            return "joined an identical call, under way for " + Durations.text(underWay)
                    + (provider.isEmpty() ? "" : ", which was asking " + provider);
        }
    }
}
