package ai.orchestrator.breaker;

/** What a circuit breaker does with the next call. */
public enum CircuitState {
    /** Lets every call through. */
    CLOSED("closed"),
    /** Refuses every call until its time has passed. */
    OPEN("open"),
    /** Lets a few trials through, to see whether the provider is well again. */
    HALF_OPEN("half_open"),
    /** Refuses every call until an operator resets it. */
    FORCED_OPEN("forced_open"),
    /** Lets every call through and counts nothing, until an operator resets it. */
    DISABLED("disabled");

    private final String key;

    CircuitState(String key) {
        this.key = key;
    }

    /**
     * The name that a status map and a {@code toString} show.
     *
     * @return lower case, with underscores
     */
    public String key() {
        return key;
    }
}
