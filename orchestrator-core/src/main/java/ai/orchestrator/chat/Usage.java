package ai.orchestrator.chat;

/**
 * What an answer cost in tokens, as the provider reported it.
 *
 * @param inputTokens tokens of the request; zero or more
 * @param outputTokens tokens of the answer; zero or more
 */
public record Usage(long inputTokens, long outputTokens) {

    /**
     * Checks the counts.
     *
     * @throws IllegalArgumentException if a count is negative
     */
    public Usage {
        if (inputTokens < 0 || outputTokens < 0) {
            throw new IllegalArgumentException(
                    "token counts must not be negative but are " + inputTokens + " and " + outputTokens);
        }
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
