package ai.orchestrator;

import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;

/** A provider refused the request for a reason that another provider would have too, so no other was asked. The cause is its answer. */
public final class RequestRejectedException extends OrchestratorException {

    private static final long serialVersionUID = 1L;

    private final FailureKind kind;

    RequestRejectedException(String provider, ProviderException cause, Trail trail) {
        super(provider + " rejected the request with " + cause.kind() + ": " + cause.getMessage(), cause, trail);
        this.kind = cause.kind();
    }

    /**
     * Why it was refused.
     *
     * @return a kind that does not fail over
     */
    public FailureKind kind() {
        return kind;
    }
}
