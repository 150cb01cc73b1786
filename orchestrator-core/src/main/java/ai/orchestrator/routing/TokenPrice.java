package ai.orchestrator.routing;

/**
 * What a provider's tokens cost, in any currency, as long as it is the same for all. Immutable.
 *
 * @param input for a million tokens of requests; zero or more
 * @param output for a million tokens of answers; zero or more
 */
public record TokenPrice(double input, double output) {

    private static final double UNIT = 1_000_000;

    /**
     * Checks the prices.
     *
     * @throws IllegalArgumentException if one is negative or no number
     */
    public TokenPrice {
        check("input", input);
        check("output", output);
    }

    private static void check(String name, double price) {
        if (!(price >= 0) || Double.isInfinite(price)) {
            throw new IllegalArgumentException("the " + name + " price must be zero or more but is " + price);
        }
    }

    /**
     * What a call costs.
     *
     * @param inputTokens tokens of the request
     * @param outputTokens tokens of the answer
     * @return the cost, in the currency of the prices
     */
    public double cost(long inputTokens, long outputTokens) {
        return (input * inputTokens + output * outputTokens) / UNIT;
    }
}
