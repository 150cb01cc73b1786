package ai.orchestrator.provider;

import ai.orchestrator.chat.ChatEvent;

/** Takes what one attempt learns, in order. Called by one thread at a time. */
public interface EventSink {

    /**
     * The provider can be reached: a connection is open. Ends the connect limit, as the first event does. A provider that needs no
     * connection reports this at once.
     */
    void connected();

    /**
     * A piece of the answer.
     *
     * @param event the piece
     */
    void event(ChatEvent event);
}
