package ai.orchestrator.provider;

import ai.orchestrator.chat.ChatEvent;

/**
 * Takes what one attempt learns, in order. Called by one thread at a time; what comes after the attempt has ended is dropped. A call may
 * block while whoever reads the answer is slow, until the attempt is cancelled.
 */
public interface EventSink {

    /**
     * The provider can be reached: a connection is open. Ends the connect limit, as the first event does. A provider that needs no
     * connection reports this at once.
     */
    void connected();

    /** The provider sent a sign of life that is no piece of the answer, such as a comment. Starts the idle limit anew. */
    void alive();

    /**
     * A piece of the answer. Starts the idle limit anew; a {@link ChatEvent.Piece} ends the wait for the first token.
     *
     * @param event the piece
     */
    void event(ChatEvent event);
}
