package ai.orchestrator.provider;

/**
 * What a failed attempt means for the call and for the provider. A dialect reads the provider's code in the body first and the HTTP
 * status second, and names one of these; the orchestrator decides what follows.
 */
public enum FailureKind {

    /** No connection, or it broke: DNS, TLS, refused, reset, ended before the first byte. */
    NETWORK(Health.SICK),
    /** A limit passed without an answer, ours or the provider's own (408, 504, 524). */
    TIMEOUT(Health.SICK),
    /** The provider has no capacity now (503, 529, 502, 520 to 523). */
    OVERLOADED(Health.SICK),
    /** The provider broke (500 and the like). */
    SERVER(Health.SICK),
    /** The model is being loaded. */
    MODEL_LOADING(Health.UNKNOWN),
    /** Too many requests in a short time (429 that is not about money or a day). */
    RATE_LIMITED(Health.UNKNOWN),
    /** Money, credits or the day's quota are used up. */
    QUOTA_EXHAUSTED(Health.UNKNOWN),
    /** The key is not accepted. */
    CREDENTIAL(Health.UNKNOWN),
    /** The key may not do this. */
    PERMISSION(Health.UNKNOWN),
    /** The provider does not know the model or the deployment. */
    MODEL_NOT_FOUND(Health.UNKNOWN),
    /** The request does not fit into the model's context window. */
    CONTEXT_TOO_LONG(Health.UNKNOWN),
    /** The provider's policy refuses the request or its answer. */
    CONTENT_FILTERED(Health.UNKNOWN),
    /** The request itself is wrong; no other provider would take it. */
    BAD_REQUEST(Health.UNKNOWN),
    /** The model wrote a tool call that the provider could not read. */
    TOOL_GENERATION(Health.UNKNOWN),
    /** The request met another one (409). */
    CONFLICT(Health.UNKNOWN),
    /** A success with broken or missing content. */
    MALFORMED(Health.SICK),
    /** The answer ended before it was complete. */
    TRUNCATED(Health.SICK),
    /** The caller no longer wants the answer. */
    CANCELLED(Health.UNKNOWN);

    private enum Health {
        SICK,
        UNKNOWN
    }

    private final Health health;

    FailureKind(Health health) {
        this.health = health;
    }

    /**
     * Whether the provider's circuit breaker counts it as a failure. What does not count gives the breaker's permit back: it says nothing
     * about the provider's health.
     *
     * @return true if the provider is at fault
     */
    public boolean countsAgainstProvider() {
        return health == Health.SICK;
    }

    /**
     * Whether an operator must look: the provider will refuse every call until its configuration is changed.
     *
     * @return true for a key, a right or a model that the provider does not accept
     */
    public boolean isMisconfiguration() {
        return this == CREDENTIAL || this == PERMISSION || this == MODEL_NOT_FOUND;
    }
}
