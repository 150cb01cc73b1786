package ai.orchestrator.chat;

/** Why the model stopped. */
public enum FinishReason {
    /** The answer is complete. */
    STOP,
    /** A limit on tokens cut the answer. */
    LENGTH,
    /** The model asks for tools to be called. */
    TOOL_CALLS,
    /** The provider gave a reason that this library does not know. */
    OTHER
}
