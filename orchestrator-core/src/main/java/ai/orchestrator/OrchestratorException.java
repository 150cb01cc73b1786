package ai.orchestrator;

import ai.orchestrator.chat.Trail;
import org.jspecify.annotations.Nullable;

/** The root of every error that this library throws on purpose. Messages are for people and contain no secrets. */
public abstract class OrchestratorException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final transient @Nullable Trail trail;
    private String partialText = "";

    /**
     * An error outside any call.
     *
     * @param message what happened, to whom, and what to do
     * @param cause what caused it, or null
     */
    protected OrchestratorException(String message, @Nullable Throwable cause) {
        super(message, cause);
        this.trail = null;
    }

    /**
     * An error that ended a call.
     *
     * @param message what happened, to whom, and what to do
     * @param cause what caused it, or null
     * @param trail what the call had done until then
     */
    protected OrchestratorException(String message, @Nullable Throwable cause, Trail trail) {
        super(message, cause);
        this.trail = trail;
    }

    /**
     * What the call had done when it ended.
     *
     * @return the trail; empty for an error outside a call, and for one that was serialized
     */
    public final Trail trail() {
        return trail == null ? Trail.EMPTY : trail;
    }

    /**
     * What had come of the answer of the last attempt that broke off, whether or not it was shown.
     *
     * @return the text; empty if none had come, or an error outside a call
     */
    public final String partialText() {
        return partialText;
    }

    /** Set where the call ends, whatever it ends with. */
    final void keep(String text) {
        partialText = text;
    }

    /** The same for one of several callers who waited for one call: what one of them adds to his is not the others' affair. */
    final OrchestratorException forCaller(Trail trail) {
        OrchestratorException own = withTrail(trail);
        if (own != this) {
            own.keep(partialText);
            for (Throwable later : getSuppressed()) {
                own.addSuppressed(later);
            }
        }
        return own;
    }

    /** A copy; one that does not end a shared call needs none. */
    OrchestratorException withTrail(Trail trail) {
        return this;
    }
}
