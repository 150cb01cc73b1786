package ai.orchestrator.provider;

/** How an attempt's answer is wanted. */
public enum Delivery {
    /** As one, when it is complete. */
    WHOLE,
    /** In pieces, as the model writes them; from a provider that cannot, as one. */
    STREAMED
}
