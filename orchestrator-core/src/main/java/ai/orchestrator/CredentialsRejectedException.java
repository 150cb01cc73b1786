package ai.orchestrator;

import ai.orchestrator.chat.Trail;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** No provider could answer, because none accepts its key: an operator must look, trying again does not help (scenario G1). */
public final class CredentialsRejectedException extends AllProvidersFailedException {

    private static final long serialVersionUID = 1L;

    CredentialsRejectedException(@Nullable Throwable first, @Nullable Duration earliestRetry, Trail trail) {
        super("No provider accepts its API key; check the keys", first, earliestRetry, trail);
    }

    @Override
    OrchestratorException withTrail(Trail trail) {
        return new CredentialsRejectedException(getCause(), earliestRetry().orElse(null), trail);
    }
}
