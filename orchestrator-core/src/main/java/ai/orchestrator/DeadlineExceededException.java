package ai.orchestrator;

import ai.orchestrator.chat.Trail;
import ai.orchestrator.internal.Durations;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The call's deadline was reached before a provider had answered. The cause is the first failure, if there was one. */
public final class DeadlineExceededException extends OrchestratorException {

    private static final long serialVersionUID = 1L;

    private final Duration deadline;

    DeadlineExceededException(Duration deadline, @Nullable Throwable first, Trail trail) {
        super(
                "No answer within the deadline of " + Durations.text(deadline)
                        + (trail.steps().isEmpty() ? "" : ": " + trail),
                first,
                trail);
        this.deadline = deadline;
    }

    /**
     * How long the call was allowed to take.
     *
     * @return the configured time
     */
    public Duration deadline() {
        return deadline;
    }
}
