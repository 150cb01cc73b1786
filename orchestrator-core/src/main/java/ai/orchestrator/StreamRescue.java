package ai.orchestrator;

/**
 * What happens when a provider breaks off after a part of its answer has come. Before that, and in calls that do not stream, a failure is
 * never seen as long as another attempt succeeds. A rescue sends the caller's own messages again: two answers are never joined, and no
 * provider is asked to go on with another one's.
 */
public enum StreamRescue {

    /**
     * The stream ends with {@link StreamFailedException}, which has the text that had come. Pieces are shown as they come. The default.
     */
    FAIL,

    /**
     * Nothing is shown before the answer is complete, so that a rescue is not seen. The limits of the first token and of silence watch
     * the provider all the same. At most 65,536 pieces or 4 million characters are held; an answer that is larger is shown from there on,
     * and can then no longer be rescued.
     */
    HOLD,

    /**
     * Pieces are shown as they come. When a provider breaks off, {@link ai.orchestrator.chat.ChatEvent.Restarted} tells the reader to drop
     * what it has, and a new answer begins. If none succeeds the call fails as one that does not stream.
     */
    RESTART
}
