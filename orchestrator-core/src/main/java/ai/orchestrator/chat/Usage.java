package ai.orchestrator.chat;

/**
 * What an answer cost in tokens, as the provider reported it. Immutable.
 *
 * @param inputTokens tokens of the request, those from the provider's cache included; zero or more
 * @param outputTokens tokens of the answer, those of reasoning included; zero or more
 * @param cachedTokens how many of the input came from the provider's cache; zero if it did not say
 * @param reasoningTokens how many of the output were reasoning; zero if it did not say
 */
public record Usage(long inputTokens, long outputTokens, long cachedTokens, long reasoningTokens) {

    /**
     * Checks the counts.
     *
     * @throws IllegalArgumentException if a count is negative
     */
    public Usage {
        if (inputTokens < 0 || outputTokens < 0 || cachedTokens < 0 || reasoningTokens < 0) {
            throw new IllegalArgumentException("token counts must not be negative but are " + inputTokens + ", "
                    + outputTokens + ", " + cachedTokens + " and " + reasoningTokens);
        }
    }

    /**
     * Counts without details.
     *
     * @param inputTokens tokens of the request; zero or more
     * @param outputTokens tokens of the answer; zero or more
     * @return the counts
     * @throws IllegalArgumentException if a count is negative
     */
    public static Usage of(long inputTokens, long outputTokens) {
        return new Usage(inputTokens, outputTokens, 0, 0);
    }

    /**
     * Request and answer together.
     *
     * @return tokens
     */
    public long totalTokens() {
        return inputTokens + outputTokens;
    }
}
