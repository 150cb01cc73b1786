package ai.orchestrator.health;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * What a provider's attempts of the last five minutes came to. Those that the caller cancelled, and those that failed because of the
 * request itself, say nothing of the provider and are not in it. Immutable.
 *
 * @param attempts how many have ended; zero or more
 * @param successes how many of them were answered
 * @param meanLatency how long an answered one took on average, to the end of its answer; empty if none was answered
 */
public record ProviderHealth(long attempts, long successes, Optional<Duration> meanLatency) {

    /** How long an attempt counts: 5 minutes, or up to half a minute longer. */
    public static final Duration WINDOW = Duration.ofMinutes(5);

    /** Of a provider that has not been asked lately. */
    public static final ProviderHealth UNKNOWN = new ProviderHealth(0, 0, Optional.empty());

    private static final double SUCCESS_SHARE = 0.4;
    private static final double QUOTA_SHARE = 0.3;
    private static final double RESPONSE_TIME_SHARE = 0.3;
    private static final double SLOWEST_NANOS = 10e9;

    /** Checks that nothing is null. */
    public ProviderHealth {
        Objects.requireNonNull(meanLatency, "meanLatency");
    }

    /**
     * How many of the attempts were answered.
     *
     * @return from zero to one; one if there was no attempt
     */
    public double successRate() {
        return attempts == 0 ? 1 : (double) successes / attempts;
    }

    /**
     * How quick the answers were: one for at once, zero for ten seconds or more on average.
     *
     * @return from zero to one; one if there was no answer
     */
    public double responseTimeScore() {
        return meanLatency.isPresent() ? Math.max(0, 1 - meanLatency.get().toNanos() / SLOWEST_NANOS) : 1;
    }

    /**
     * All in one figure: 0.4 of the success rate, 0.3 of the quota that is left, 0.3 of the {@linkplain #responseTimeScore() response-time
     * score}.
     *
     * @param quotaLeft from zero to one; one if there is no quota
     * @return from zero to one
     */
    public double score(double quotaLeft) {
        return SUCCESS_SHARE * successRate() + QUOTA_SHARE * quotaLeft + RESPONSE_TIME_SHARE * responseTimeScore();
    }
}
