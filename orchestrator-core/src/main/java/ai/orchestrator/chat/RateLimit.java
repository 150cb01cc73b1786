package ai.orchestrator.chat;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a provider said of one of its limits. What it did not say, or gave as a negative number, is unknown, not exhausted. Immutable.
 *
 * @param subject what is limited, in the provider's word, such as {@code requests} or {@code input-tokens}
 * @param window over which it counts, if the provider names it
 * @param limit how many are allowed in the window; zero or more
 * @param remaining how many are left; zero or more
 * @param resetsIn in what time all of them are available again, counted from the answer; zero or more
 */
public record RateLimit(
        String subject,
        Optional<Duration> window,
        OptionalLong limit,
        OptionalLong remaining,
        Optional<Duration> resetsIn) {

    /** Checks that nothing is null. */
    public RateLimit {
        Objects.requireNonNull(subject, "subject");
        Objects.requireNonNull(window, "window");
        Objects.requireNonNull(limit, "limit");
        Objects.requireNonNull(remaining, "remaining");
        Objects.requireNonNull(resetsIn, "resetsIn");
    }

    /**
     * Whether nothing is left.
     *
     * @return true if the provider said zero; false also if it did not say
     */
    public boolean isExhausted() {
        return remaining.isPresent() && remaining.getAsLong() == 0;
    }
}
