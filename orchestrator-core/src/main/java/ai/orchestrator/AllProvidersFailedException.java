package ai.orchestrator;

import ai.orchestrator.chat.Trail;
import ai.orchestrator.internal.Durations;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * No provider could answer. The message and the {@link #trail()} list each one's reason; the cause is the first failure, the others are
 * suppressed.
 */
public sealed class AllProvidersFailedException extends OrchestratorException permits CredentialsRejectedException {

    private static final long serialVersionUID = 1L;

    private final @Nullable Duration earliestRetry;

    AllProvidersFailedException(@Nullable Throwable first, @Nullable Duration earliestRetry, Trail trail) {
        this("No provider could answer", first, earliestRetry, trail);
    }

    AllProvidersFailedException(String what, @Nullable Throwable first, @Nullable Duration earliestRetry, Trail trail) {
        super(message(what, trail, earliestRetry), first, trail);
        this.earliestRetry = earliestRetry;
    }

    @Override
    OrchestratorException withTrail(Trail trail) {
        return new AllProvidersFailedException(getCause(), earliestRetry, trail);
    }

    private static String message(String what, Trail trail, @Nullable Duration earliestRetry) {
        if (trail.steps().isEmpty()) {
            return what + ": none is enabled";
        }
        String reasons = trail.steps().stream().map(Trail.Step::toString).collect(Collectors.joining("; "));
        return what + ": " + reasons + (earliestRetry == null ? "" : "; try again in " + Durations.text(earliestRetry));
    }

    /**
     * When to ask again at the earliest.
     *
     * @return the shortest time after which a provider may be asked again, each one's breaker and what it asked for taken together; empty
     *     if one may be asked at once, or if nobody knows
     */
    public Optional<Duration> earliestRetry() {
        return Optional.ofNullable(earliestRetry);
    }
}
