package ai.orchestrator;

import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;

/**
 * A stream ended before its answer was complete, after some of it had been shown, so that no other provider could take over unnoticed. The
 * cause is the failure, and {@link #partialText()} what had come, the part that the reader has not fetched included.
 */
public final class StreamFailedException extends OrchestratorException {

    private static final long serialVersionUID = 1L;

    private final String provider;
    private final FailureKind kind;

    StreamFailedException(LiveAnswer.BrokenOff attempt) {
        super(
                message(attempt.provider(), attempt.partialText(), attempt.failure()),
                attempt.failure(),
                attempt.trail());
        this.provider = attempt.provider();
        this.kind = attempt.failure().kind();
        keep(attempt.partialText());
    }

    private static String message(String provider, String partialText, ProviderException failure) {
        return provider + " broke off after " + partialText.length() + " characters with " + failure.kind() + ": "
                + failure.getMessage();
    }

    /**
     * Whose answer it was.
     *
     * @return the provider's configured name
     */
    public String provider() {
        return provider;
    }

    /**
     * What the failure means.
     *
     * @return the kind
     */
    public FailureKind kind() {
        return kind;
    }
}
