package ai.orchestrator.breaker;

import java.time.Duration;
import java.util.Objects;

/**
 * When a circuit breaker opens and how it closes again. Immutable and safe for use by several threads.
 *
 * <p>Presets: {@link #fastApi()}, {@link #slowApi()}, {@link #criticalService()}.
 */
public final class CircuitBreakerSettings {

    /** How many failures in a row open the breaker unless configured: 5. */
    public static final int DEFAULT_FAILURE_THRESHOLD = 5;

    /** How long an open breaker refuses unless configured: 60 seconds. */
    public static final Duration DEFAULT_TIMEOUT_DURATION = Duration.ofMinutes(1);

    /** How many successful trials close the breaker unless configured: 1. */
    public static final int DEFAULT_SUCCESS_THRESHOLD = 1;

    /** The largest threshold: each failure that counts takes a place in memory. */
    static final int MAX_THRESHOLD = 1_000;

    private static final CircuitBreakerSettings DEFAULTS = builder().build();

    private final int failureThreshold;
    private final Duration timeoutDuration;
    private final int successThreshold;

    private CircuitBreakerSettings(Builder builder) {
        this.failureThreshold = builder.failureThreshold;
        this.timeoutDuration = builder.timeoutDuration;
        this.successThreshold = builder.successThreshold;
    }

    /**
     * The default of every setting.
     *
     * @return settings for an ordinary provider
     */
    public static CircuitBreakerSettings defaults() {
        return DEFAULTS;
    }

    /**
     * For a provider that answers within a second or two, such as Groq: 5 failures, 30 seconds.
     *
     * @return the preset
     */
    public static CircuitBreakerSettings fastApi() {
        return builder()
                .failureThreshold(5)
                .timeoutDuration(Duration.ofSeconds(30))
                .build();
    }

    /**
     * For a provider that takes its time, such as Hugging Face: 3 failures, 60 seconds.
     *
     * @return the preset
     */
    public static CircuitBreakerSettings slowApi() {
        return builder()
                .failureThreshold(3)
                .timeoutDuration(Duration.ofMinutes(1))
                .build();
    }

    /**
     * For a provider that is given up late: 10 failures, 120 seconds.
     *
     * @return the preset
     */
    public static CircuitBreakerSettings criticalService() {
        return builder()
                .failureThreshold(10)
                .timeoutDuration(Duration.ofMinutes(2))
                .build();
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
     * A builder that starts from these settings.
     *
     * @return a new builder
     */
    public Builder toBuilder() {
        return new Builder()
                .failureThreshold(failureThreshold)
                .timeoutDuration(timeoutDuration)
                .successThreshold(successThreshold);
    }

    /**
     * How many failures in a row open the breaker.
     *
     * @return 1 to 1,000
     */
    public int failureThreshold() {
        return failureThreshold;
    }

    /**
     * How long an open breaker refuses before it lets a trial through.
     *
     * @return at least one millisecond
     */
    public Duration timeoutDuration() {
        return timeoutDuration;
    }

    /**
     * How many successful trials close the breaker.
     *
     * @return 1 to 1,000
     */
    public int successThreshold() {
        return successThreshold;
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof CircuitBreakerSettings other
                && failureThreshold == other.failureThreshold
                && timeoutDuration.equals(other.timeoutDuration)
                && successThreshold == other.successThreshold;
    }

    @Override
    public int hashCode() {
        return Objects.hash(failureThreshold, timeoutDuration, successThreshold);
    }

    @Override
    public String toString() {
        return "CircuitBreakerSettings(failureThreshold=" + failureThreshold + ", timeoutDuration=" + timeoutDuration
                + ", successThreshold=" + successThreshold + ")";
    }

    /** Builds settings; may be used again after {@link #build()}. For one thread at a time. */
    public static final class Builder {

        private int failureThreshold = DEFAULT_FAILURE_THRESHOLD;
        private Duration timeoutDuration = DEFAULT_TIMEOUT_DURATION;
        private int successThreshold = DEFAULT_SUCCESS_THRESHOLD;

        private Builder() {}

        /**
         * Sets how many failures in a row open the breaker; {@value #DEFAULT_FAILURE_THRESHOLD} by default.
         *
         * @param failures 1 to 1,000; 1 opens at the first failure
         * @return this builder
         * @throws IllegalArgumentException if {@code failures} is out of range
         */
        public Builder failureThreshold(int failures) {
            this.failureThreshold = threshold("failureThreshold", failures);
            return this;
        }

        /**
         * Sets how long an open breaker refuses before it lets a trial through; 60 seconds by default.
         *
         * @param duration at least one millisecond, at most 365 days
         * @return this builder
         * @throws IllegalArgumentException if {@code duration} is out of range
         */
        public Builder timeoutDuration(Duration duration) {
            if (duration.compareTo(Duration.ofMillis(1)) < 0 || duration.compareTo(Duration.ofDays(365)) > 0) {
                throw new IllegalArgumentException("timeoutDuration must be 1 ms to 365 days but is " + duration);
            }
            this.timeoutDuration = duration;
            return this;
        }

        /**
         * Sets how many successful trials close the breaker; {@value #DEFAULT_SUCCESS_THRESHOLD} by default.
         *
         * @param successes 1 to 1,000
         * @return this builder
         * @throws IllegalArgumentException if {@code successes} is out of range
         */
        public Builder successThreshold(int successes) {
            this.successThreshold = threshold("successThreshold", successes);
            return this;
        }

        private static int threshold(String name, int value) {
            if (value < 1 || value > MAX_THRESHOLD) {
                throw new IllegalArgumentException(name + " must be 1 to " + MAX_THRESHOLD + " but is " + value);
            }
            return value;
        }

        /**
         * Builds the settings.
         *
         * @return immutable settings
         */
        public CircuitBreakerSettings build() {
            return new CircuitBreakerSettings(this);
        }
    }
}
