package ai.orchestrator.breaker;

/** What a circuit breaker does with the next call. */
public enum CircuitState {
    /** Lets every call through. */
    CLOSED("closed"),
    /** Refuses every call until its wait is over; then the next one is a trial. */
    OPEN("open"),
    /** Lets as many trials through as successes are needed, to see whether the provider is well again. */
    HALF_OPEN("half_open"),
    /** Refuses every call until an operator says otherwise. */
    FORCED_OPEN("forced_open"),
    /** Lets every call through, whatever happens, until an operator says otherwise. */
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
