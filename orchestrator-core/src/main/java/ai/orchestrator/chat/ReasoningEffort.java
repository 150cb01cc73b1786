package ai.orchestrator.chat;

/** How much a model thinks before it answers. Each dialect's documentation says what it makes of a step that its models do not have. */
public enum ReasoningEffort {
    /** Not at all. */
    NONE,
    /** As little as the model can. */
    MINIMAL,
    /** A little. */
    LOW,
    /** Some. */
    MEDIUM,
    /** Much. */
    HIGH,
    /** As much as the model can. */
    MAX
}
