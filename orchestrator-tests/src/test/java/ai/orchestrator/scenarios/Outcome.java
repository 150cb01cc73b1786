package ai.orchestrator.scenarios;

import ai.orchestrator.OrchestratorException;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.chat.Usage;
import java.util.Optional;

/**
 * How a call ended, for its caller.
 *
 * @param text what the reader had at the end, without what was declared void
 * @param restarts how often it was declared void
 * @param response the answer; empty after a failure, and for a publisher, which has only events
 * @param model who answered
 * @param usage what it cost
 * @param failure what was thrown instead
 */
record Outcome(
        String text,
        int restarts,
        Optional<ChatResponse> response,
        String model,
        Optional<Usage> usage,
        Optional<Throwable> failure) {

    /** What was tried; of a publisher only after a failure. */
    Optional<Trail> trail() {
        return response.map(ChatResponse::trail)
                .or(() -> failure.filter(OrchestratorException.class::isInstance)
                        .map(e -> ((OrchestratorException) e).trail()));
    }
}
