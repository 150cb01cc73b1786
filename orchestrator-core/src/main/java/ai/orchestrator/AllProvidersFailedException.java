package ai.orchestrator;

import ai.orchestrator.chat.Trail;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * No provider could answer. The message and the {@link #trail()} list each one's reason; the cause is the first failure, the others are
 * suppressed by it.
 */
public final class AllProvidersFailedException extends OrchestratorException {

    private static final long serialVersionUID = 1L;

    AllProvidersFailedException(@Nullable Throwable first, Trail trail) {
        super(message(trail), first, trail);
    }

    private static String message(Trail trail) {
        return trail.steps().isEmpty()
                ? "No provider could answer: none is enabled"
                : trail.steps().stream()
                        .map(Trail.Step::toString)
                        .collect(Collectors.joining("; ", "No provider could answer: ", ""));
    }

    /**
     * When to ask again at the earliest.
     *
     * @return the shortest time that a skipped provider named; empty if none did
     */
    public Optional<Duration> earliestRetry() {
        return trail().steps().stream()
                .filter(Trail.Skipped.class::isInstance)
                .flatMap(step -> ((Trail.Skipped) step).retryIn().stream())
                .min(Duration::compareTo);
    }
}
