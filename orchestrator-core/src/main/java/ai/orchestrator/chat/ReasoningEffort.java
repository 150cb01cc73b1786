package ai.orchestrator.chat;

/** How much a model thinks before it answers. {@code docs/providers.md} says what each dialect makes of each step. */
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
