package ai.orchestrator.breaker;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

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

    /** For how long a failure counts unless configured: 60 seconds. */
    public static final Duration DEFAULT_FAILURE_WINDOW = Duration.ofMinutes(1);

    /** How long a trial may stay silent where neither a setting nor the call says: 10 minutes. */
    public static final Duration DEFAULT_TRIAL_LEASE = Duration.ofMinutes(10);

    /** The largest threshold: each failure that counts takes a place in memory. */
    static final int MAX_THRESHOLD = 1_000;

    /** The shortest wait that Resilience4j takes. */
    private static final Duration MIN_DURATION = Duration.ofMillis(1);

    /** Far beyond use, and no sum of nanoseconds overflows. */
    static final Duration MAX_DURATION = Duration.ofDays(365);

    private static final CircuitBreakerSettings DEFAULTS = builder().build();

    private final int failureThreshold;
    private final Duration timeoutDuration;
    private final int successThreshold;
    private final Duration failureWindow;
    private final @Nullable Duration trialLease;

    private CircuitBreakerSettings(Builder builder) {
        this.failureThreshold = builder.failureThreshold;
        this.timeoutDuration = builder.timeoutDuration;
        this.successThreshold = builder.successThreshold;
        this.failureWindow = builder.failureWindow;
        this.trialLease = builder.trialLease;
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
        Builder builder = new Builder();
        builder.failureThreshold = failureThreshold;
        builder.timeoutDuration = timeoutDuration;
        builder.successThreshold = successThreshold;
        builder.failureWindow = failureWindow;
        builder.trialLease = trialLease;
        return builder;
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
     * @return 1 ms to 365 days
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

    /**
     * For how long a failure counts. Only failures younger than this open the breaker together.
     *
     * @return zero if failures never age, otherwise 1 ms to 365 days
     */
    public Duration failureWindow() {
        return failureWindow;
    }

    /**
     * How long a trial may stay silent before it loses its permit.
     *
     * @return 1 ms to 365 days; empty if each call says for itself, as the orchestrator does
     */
    public Optional<Duration> trialLease() {
        return Optional.ofNullable(trialLease);
    }

    @Override
    public boolean equals(@Nullable Object o) {
        return o instanceof CircuitBreakerSettings other
                && failureThreshold == other.failureThreshold
                && timeoutDuration.equals(other.timeoutDuration)
                && successThreshold == other.successThreshold
                && failureWindow.equals(other.failureWindow)
                && Objects.equals(trialLease, other.trialLease);
    }

    @Override
    public int hashCode() {
        return Objects.hash(failureThreshold, timeoutDuration, successThreshold, failureWindow, trialLease);
    }

    @Override
    public String toString() {
        return "CircuitBreakerSettings(failureThreshold=" + failureThreshold + ", timeoutDuration=" + timeoutDuration
                + ", successThreshold=" + successThreshold + ", failureWindow=" + failureWindow + ", trialLease="
                + trialLease().map(Duration::toString).orElse("per call") + ")";
    }

    /** Builds settings; may be used again after {@link #build()}. For one thread at a time. */
    public static final class Builder {

        private int failureThreshold = DEFAULT_FAILURE_THRESHOLD;
        private Duration timeoutDuration = DEFAULT_TIMEOUT_DURATION;
        private int successThreshold = DEFAULT_SUCCESS_THRESHOLD;
        private Duration failureWindow = DEFAULT_FAILURE_WINDOW;
        private @Nullable Duration trialLease;

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
            this.timeoutDuration = inRange("timeoutDuration", "1 ms to 365 days", duration);
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

        /**
         * Sets for how long a failure counts; 60 seconds by default. Five failures spread over a longer time do not open a breaker whose
         * threshold is five.
         *
         * @param duration zero for no limit, otherwise 1 ms to 365 days; a failure of exactly this age no longer counts
         * @return this builder
         * @throws IllegalArgumentException if {@code duration} is out of range
         */
        public Builder failureWindow(Duration duration) {
            this.failureWindow =
                    Objects.requireNonNull(duration, "failureWindow").isZero()
                            ? duration
                            : inRange("failureWindow", "0, or 1 ms to 365 days,", duration);
            return this;
        }

        /**
         * Sets how long a trial may stay silent before it loses its permit, for every call. Not set by default: the orchestrator then gives
         * each trial until a second after its attempt's deadline, and a breaker used alone gives 10 minutes.
         *
         * @param duration 1 ms to 365 days; should be longer than any call, because a trial that reports later counts for nothing
         * @return this builder
         * @throws IllegalArgumentException if {@code duration} is out of range
         */
        public Builder trialLease(Duration duration) {
            this.trialLease = inRange("trialLease", "1 ms to 365 days", duration);
            return this;
        }

        private static Duration inRange(String name, String range, Duration value) {
            Objects.requireNonNull(value, name);
            if (value.compareTo(MIN_DURATION) < 0 || value.compareTo(MAX_DURATION) > 0) {
                throw new IllegalArgumentException(name + " must be " + range + " but is " + value);
            }
            return value;
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
