package ai.orchestrator;

import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import java.util.List;

/**
 * The request itself is at fault: a provider refused it for a reason that every other provider has too, or that all that were asked have in
 * common, and the cause is the first one's answer; or no provider can do what it asks, and nothing was sent.
 */
public final class RequestRejectedException extends OrchestratorException {

    private static final long serialVersionUID = 1L;

    private final FailureKind kind;

    RequestRejectedException(String provider, ProviderException cause, Trail trail) {
        super(provider + " rejected the request with " + cause.kind() + ": " + cause.getMessage(), cause, trail);
        this.kind = cause.kind();
    }

    RequestRejectedException(List<String> unsupported, Trail trail) {
        super("No provider can serve the request: " + String.join("; ", unsupported), null, trail);
        this.kind = FailureKind.BAD_REQUEST;
    }

    private RequestRejectedException(RequestRejectedException other, Trail trail) {
        super(String.valueOf(other.getMessage()), other.getCause(), trail);
        this.kind = other.kind;
    }

    @Override
    OrchestratorException withTrail(Trail trail) {
        return new RequestRejectedException(this, trail);
    }

    /**
     * Why it was refused.
     *
     * @return a kind that blames the request
     */
    public FailureKind kind() {
        return kind;
    }
}
