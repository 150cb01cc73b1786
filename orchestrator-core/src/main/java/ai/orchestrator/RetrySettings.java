package ai.orchestrator;

import java.time.Duration;
import java.util.Objects;

/**
 * How often one call asks the same provider, and how long it waits between. Immutable and safe for use by several threads.
 *
 * <p>Which failures are worth another attempt, the kind of failure decides; whether there is time, the call's deadline; and whether there are
 * too many of them, the orchestrator's retry budget.
 */
public final class RetrySettings {

    /** How many attempts one call makes at one provider unless configured: 2, the first included. */
    public static final int DEFAULT_MAX_ATTEMPTS = 2;

    /** The wait before the second attempt unless configured: 500 milliseconds. */
    public static final Duration DEFAULT_BACKOFF = Duration.ofMillis(500);

    /** The longest wait that was not asked for by the provider, unless configured: 10 seconds. */
    public static final Duration DEFAULT_MAX_BACKOFF = Duration.ofSeconds(10);

    /** The longest time that a provider is left alone because it asked for that, unless configured: 1 hour. */
    public static final Duration DEFAULT_RETRY_AFTER_CAP = Duration.ofHours(1);

    private static final int MOST_ATTEMPTS = 100;
    private static final Duration LONGEST = Duration.ofDays(365);
    private static final RetrySettings DEFAULTS = builder().build();

    private final int maxAttempts;
    private final Duration backoff;
    private final Duration maxBackoff;
    private final Duration waitForHint;
    private final Duration retryAfterCap;

    private RetrySettings(Builder builder) {
        this.maxAttempts = builder.maxAttempts;
        this.backoff = builder.backoff;
        this.maxBackoff = builder.maxBackoff;
        this.waitForHint = builder.waitForHint;
        this.retryAfterCap = builder.retryAfterCap;
    }

    /**
     * The defaults.
     *
     * @return settings that nothing was changed in
     */
    public static RetrySettings defaults() {
        return DEFAULTS;
    }

    /**
     * A builder with the defaults.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * How many attempts one call makes at one provider, the first included.
     *
     * @return 1 or more; 1 repeats nothing
     */
    public int maxAttempts() {
        return maxAttempts;
    }

    /**
     * The wait before the second attempt; it doubles with each further one.
     *
     * @return zero or more
     */
    public Duration backoff() {
        return backoff;
    }

    /**
     * The longest wait that was not asked for by the provider.
     *
     * @return zero or more
     */
    public Duration maxBackoff() {
        return maxBackoff;
    }

    /**
     * How long a wait that the provider asked for may be, to be waited for although another provider could be asked.
     *
     * @return zero or more; zero asks the other one
     */
    public Duration waitForHint() {
        return waitForHint;
    }

    /**
     * The longest time that a provider is left alone because it asked for that.
     *
     * @return more than zero
     */
    public Duration retryAfterCap() {
        return retryAfterCap;
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof RetrySettings other
                && maxAttempts == other.maxAttempts
                && backoff.equals(other.backoff)
                && maxBackoff.equals(other.maxBackoff)
                && waitForHint.equals(other.waitForHint)
                && retryAfterCap.equals(other.retryAfterCap);
    }

    @Override
    public int hashCode() {
        return Objects.hash(maxAttempts, backoff, maxBackoff, waitForHint, retryAfterCap);
    }

    @Override
    public String toString() {
        return "RetrySettings(maxAttempts=" + maxAttempts + ", backoff=" + backoff + ", maxBackoff=" + maxBackoff
                + ", waitForHint=" + waitForHint + ", retryAfterCap=" + retryAfterCap + ")";
    }

    /** Builds settings; may be used again after {@link #build()}. For one thread at a time. */
    public static final class Builder {

        private int maxAttempts = DEFAULT_MAX_ATTEMPTS;
        private Duration backoff = DEFAULT_BACKOFF;
        private Duration maxBackoff = DEFAULT_MAX_BACKOFF;
        private Duration waitForHint = Duration.ZERO;
        private Duration retryAfterCap = DEFAULT_RETRY_AFTER_CAP;

        private Builder() {}

        /**
         * Sets how many attempts one call makes at one provider; {@value #DEFAULT_MAX_ATTEMPTS} by default.
         *
         * @param maxAttempts 1 to 100, the first attempt included; 1 repeats nothing
         * @return this builder
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder maxAttempts(int maxAttempts) {
            if (maxAttempts < 1 || maxAttempts > MOST_ATTEMPTS) {
                throw new IllegalArgumentException(
                        "maxAttempts must be 1 to " + MOST_ATTEMPTS + " but is " + maxAttempts);
            }
            this.maxAttempts = maxAttempts;
            return this;
        }

        /**
         * Sets the wait before the second attempt; 500 milliseconds by default. It doubles with each further attempt, up to {@link
         * #maxBackoff}, and each wait is cut at random by up to a half, so that many callers do not come back at the same moment.
         *
         * @param backoff zero to 365 days; zero waits only where the provider asks for it
         * @return this builder
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder backoff(Duration backoff) {
            this.backoff = notNegative("backoff", backoff);
            return this;
        }

        /**
         * Sets the longest wait that was not asked for by the provider; 10 seconds by default. A shorter one than {@link #backoff} wins.
         *
         * @param maxBackoff zero to 365 days
         * @return this builder
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder maxBackoff(Duration maxBackoff) {
            this.maxBackoff = notNegative("maxBackoff", maxBackoff);
            return this;
        }

        /**
         * Sets how long a wait that the provider asked for may be, to be waited for although another provider could be asked at once; zero
         * by default. Beyond the call's deadline it is never waited for.
         *
         * @param waitForHint zero to 365 days; zero asks the other one
         * @return this builder
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder waitForHint(Duration waitForHint) {
            this.waitForHint = notNegative("waitForHint", waitForHint);
            return this;
        }

        /**
         * Sets the longest time that a provider is left alone because it asked for that; one hour by default. One that asks for more is
         * asked again after that time, by a single call first.
         *
         * @param retryAfterCap more than zero, at most 365 days
         * @return this builder
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder retryAfterCap(Duration retryAfterCap) {
            if (notNegative("retryAfterCap", retryAfterCap).isZero()) {
                throw new IllegalArgumentException("retryAfterCap must be more than zero but is " + retryAfterCap);
            }
            this.retryAfterCap = retryAfterCap;
            return this;
        }

        /**
         * Builds the settings.
         *
         * @return immutable settings
         */
        public RetrySettings build() {
            return new RetrySettings(this);
        }

        private static Duration notNegative(String option, Duration value) {
            if (value.isNegative() || value.compareTo(LONGEST) > 0) {
                throw new IllegalArgumentException(option + " must be zero to 365 days but is " + value);
            }
            return value;
        }
    }
}
