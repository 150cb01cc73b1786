package ai.orchestrator;

import ai.orchestrator.chat.Trail;
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

    StreamFailedException(String provider, String partialText, ProviderException cause, Trail trail) {
        super(
                provider + " broke off after " + partialText.length() + " characters with " + cause.kind() + ": "
                        + cause.getMessage(),
                cause,
                trail);
        this.provider = provider;
        this.kind = cause.kind();
        keep(partialText);
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
