package ai.orchestrator.chat;

import java.util.Objects;

/**
 * A piece of an answer, in the order in which a provider reports it. An answer is any number of pieces of text and usage, in any order, and
 * then one {@link Finished}.
 */
public sealed interface ChatEvent {

    /**
     * The provider named what answers. Comes at most once, before any text.
     *
     * @param model the model that answers, as the provider names it
     * @param responseId the provider's own name for this answer, for its support; may be empty
     */
    record Started(String model, String responseId) implements ChatEvent {

        /** Checks that nothing is null. */
        public Started {
            Objects.requireNonNull(model, "model");
            Objects.requireNonNull(responseId, "responseId");
        }
    }

    /**
     * A piece of the answer's text.
     *
     * @param text to be joined to the pieces before it
     */
    record Text(String text) implements ChatEvent {

        /** Checks that nothing is null. */
        public Text {
            Objects.requireNonNull(text, "text");
        }
    }

    /**
     * What the answer cost so far; the last one counts.
     *
     * @param usage the counts
     */
    record Used(Usage usage) implements ChatEvent {

        /** Checks that nothing is null. */
        public Used {
            Objects.requireNonNull(usage, "usage");
        }
    }

    /**
     * The answer is complete. Without this event it is not.
     *
     * @param reason why the model stopped
     */
    record Finished(FinishReason reason) implements ChatEvent {

        /** Checks that nothing is null. */
        public Finished {
            Objects.requireNonNull(reason, "reason");
        }
    }
}
