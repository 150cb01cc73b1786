package ai.orchestrator;

import ai.orchestrator.chat.Trail;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The call ended because nobody waits for its answer any more. The cause is the first failure, if there was one. */
public final class CallCancelledException extends OrchestratorException {

    private static final long serialVersionUID = 1L;

    /** Who ended the call. */
    public enum Reason {
        /** The caller cancelled it. */
        CANCELLED("the caller cancelled it"),
        /** The calling thread was interrupted; its interrupt flag is set. */
        INTERRUPTED("its thread was interrupted"),
        /** The orchestrator was closed. */
        CLOSED("the orchestrator is closed"),
        /** The executor that the call was to run on refused it. */
        NO_THREAD("its executor refused to run it");

        private final String text;

        Reason(String text) {
            this.text = text;
        }
    }

    private final Reason reason;

    CallCancelledException(Reason reason, @Nullable Throwable first, Trail trail) {
        super("The call ended without an answer: " + reason.text, first, trail);
        this.reason = Objects.requireNonNull(reason, "reason");
    }

    @Override
    OrchestratorException withTrail(Trail trail) {
        return new CallCancelledException(reason, getCause(), trail);
    }

    /**
     * Who ended the call.
     *
     * @return the reason
     */
    public Reason reason() {
        return reason;
    }
}
