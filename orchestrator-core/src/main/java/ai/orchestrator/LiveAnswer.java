package ai.orchestrator;

import ai.orchestrator.chat.ChatEvent;
import java.util.function.Consumer;

/** Sees the answers of a call's attempts while they come. */
interface LiveAnswer {

    /** For a call that only wants the complete answer. */
    LiveAnswer NONE = new LiveAnswer() {
        @Override
        public Consumer<ChatEvent> attempt() {
            return event -> {};
        }

        @Override
        public boolean failed() {
            return false;
        }
    };

    /**
     * An attempt begins.
     *
     * @return takes its events, on the provider's thread; may block until the attempt is over
     */
    Consumer<ChatEvent> attempt();

    /**
     * The attempt failed: what was held back of its answer is dropped.
     *
     * @return whether some of its answer was shown already, so that no other attempt may follow
     */
    boolean failed();
}
