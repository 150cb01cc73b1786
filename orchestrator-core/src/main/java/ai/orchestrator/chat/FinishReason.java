package ai.orchestrator.chat;

/** Why the model stopped. An answer that the provider's policy withheld is no answer but a failure. */
public enum FinishReason {
    /** The answer is complete, or a stop sequence came. */
    STOP,
    /** A limit on tokens cut the answer. */
    LENGTH,
    /** The model asks for tools to be called. */
    TOOL_CALLS,
    /** The provider gave a reason that this library does not know. */
    OTHER
}
