package ai.orchestrator.routing;

/** What a strategy knows of the call that is routed. For the call's thread, while it is being routed. */
public interface RoutingContext {

    /**
     * How long the request may be, estimated from its length and rather too high: half a token for each byte of text in UTF-8, 2,000 for
     * an image.
     *
     * @return tokens, more than zero
     */
    long inputTokens();

    /**
     * How long the answer may be: what the request allows, else 1,024.
     *
     * @return tokens, more than zero
     */
    long outputTokens();

    /**
     * Draws a number by chance, another one each time.
     *
     * @return zero or more and less than one
     */
    double random();
}
