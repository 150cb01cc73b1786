package ai.orchestrator.breaker;

import ai.orchestrator.time.TimeSource;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowType;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps calls away from a provider that fails, and finds out when it is well again. Safe for use by any number of threads.
 *
 * <p>It opens after {@code failureThreshold} failures in a row, refuses for {@code timeoutDuration}, then lets trials through and closes
 * after {@code successThreshold} successful ones. It is a plain mapping onto a Resilience4j breaker, which is registered under the same
 * name in the registry that was given: a count-based window of {@code failureThreshold}, a failure rate of 100 %, and
 * {@code successThreshold} permitted calls in half-open.
 *
 * <pre>{@code
 * if (breaker.tryAcquire() instanceof Acquisition.Permit permit) {
 *     // make the attempt, then permit.success(), permit.failure() or permit.release()
 * }
 * }</pre>
 */
public final class ProviderCircuitBreaker {

    private static final Logger logger = LoggerFactory.getLogger(ProviderCircuitBreaker.class);

    private final String name;
    private final CircuitBreakerSettings settings;
    private final TimeSource timeSource;
    private final InstantSource instantSource;
    private final CircuitBreaker delegate;

    /** Failures in a row. Resilience4j's window cannot tell: a success does not empty it. */
    private final AtomicInteger failures = new AtomicInteger();

    private volatile @Nullable Instant lastFailureTime;
    private volatile @Nullable Opening opening;

    private ProviderCircuitBreaker(Builder builder) {
        this.name = builder.name;
        this.settings = builder.settings;
        this.timeSource = builder.timeSource == null ? TimeSource.system() : builder.timeSource;
        this.instantSource = builder.instantSource;
        CircuitBreakerRegistry registry =
                builder.registry == null ? CircuitBreakerRegistry.ofDefaults() : builder.registry;
        // The registry silently returns an older breaker of the same name, whatever its settings.
        if (registry.find(name).isPresent()) {
            throw new IllegalArgumentException(
                    "the registry already has a circuit breaker named '" + name + "'; give this one another name");
        }
        this.delegate = registry.circuitBreaker(name, resilience4jConfig());
        delegate.getEventPublisher()
                .onStateTransition(
                        event -> transitioned(event.getStateTransition().getToState()));
        logger.info("{} initialised with {}", this, settings);
    }

    /**
     * A builder with the default settings.
     *
     * @param name what the breaker is called in messages, meters and the registry
     * @return a new builder
     */
    public static Builder builder(String name) {
        return new Builder(name);
    }

    private CircuitBreakerConfig resilience4jConfig() {
        return CircuitBreakerConfig.custom()
                .slidingWindowType(SlidingWindowType.COUNT_BASED)
                .slidingWindowSize(settings.failureThreshold())
                .minimumNumberOfCalls(settings.failureThreshold())
                .failureRateThreshold(100)
                // By default a call of a minute counts as slow, and slow calls alone would trip.
                .slowCallDurationThreshold(Duration.ofDays(365))
                .waitDurationInOpenState(settings.timeoutDuration())
                .permittedNumberOfCallsInHalfOpenState(settings.successThreshold())
                .clock(new MonotonicClock(timeSource, instantSource))
                .currentTimestampFunction(clock -> timeSource.nanoTime(), TimeUnit.NANOSECONDS)
                .build();
    }

    private void transitioned(CircuitBreaker.State to) {
        switch (to) {
            case OPEN -> {
                opening = new Opening(timeSource.nanoTime(), instantSource.instant());
                logger.error("{} opened; next try in {}", this, settings.timeoutDuration());
            }
            case HALF_OPEN -> logger.info("{} lets trials through", this);
            case CLOSED -> {
                opening = null;
                failures.set(0);
                lastFailureTime = null;
                logger.info("{} closed", this);
            }
            default -> {
                opening = null;
                logger.info("{} was moved by an operator", this);
            }
        }
    }

    /**
     * Asks for the right to make one attempt. Never blocks.
     *
     * @return a permit, to be completed exactly once, or a refusal
     */
    public Acquisition tryAcquire() {
        return delegate.tryAcquirePermission()
                ? new DelegatePermit(timeSource.nanoTime())
                : (Acquisition.Refusal) this::timeUntilRetry;
    }

    /**
     * Makes a call if the breaker allows it: acquires, runs, settles. Whatever the call throws counts as a failure and reaches the caller
     * as it is.
     *
     * @param supplier the call
     * @param <T> what it returns
     * @return what it returned
     * @throws CircuitOpenException if the breaker refuses
     */
    public <T extends @Nullable Object> T call(Supplier<T> supplier) {
        if (!(tryAcquire() instanceof Acquisition.Permit permit)) {
            throw new CircuitOpenException(name, timeUntilRetry());
        }
        boolean succeeded = false;
        try {
            T result = supplier.get();
            succeeded = true;
            return result;
        } finally {
            if (succeeded) {
                permit.success();
            } else {
                permit.failure();
            }
        }
    }

    /** Closes the breaker from any state and clears all counts and times. */
    public void reset() {
        delegate.reset();
        failures.set(0);
        lastFailureTime = null;
        opening = null;
    }

    /** Refuses every call until {@link #reset()}. */
    public void forceOpen() {
        delegate.transitionToForcedOpenState();
    }

    /** Lets every call through and counts nothing until {@link #reset()}. */
    public void disable() {
        delegate.transitionToDisabledState();
    }

    /**
     * What the breaker is called.
     *
     * @return its name
     */
    public String name() {
        return name;
    }

    /**
     * What the breaker does with the next call.
     *
     * @return its state
     */
    public CircuitState state() {
        return switch (delegate.getState()) {
            case CLOSED -> CircuitState.CLOSED;
            case OPEN -> CircuitState.OPEN;
            case HALF_OPEN -> CircuitState.HALF_OPEN;
            case FORCED_OPEN -> CircuitState.FORCED_OPEN;
            case DISABLED, METRICS_ONLY -> CircuitState.DISABLED;
        };
    }

    /**
     * Everything that the breaker shows, at one moment.
     *
     * @return an immutable value
     */
    public CircuitBreakerStatus status() {
        CircuitState state = state();
        Opening current = opening;
        return new CircuitBreakerStatus(
                name,
                state,
                failures.get(),
                state == CircuitState.HALF_OPEN ? delegate.getMetrics().getNumberOfSuccessfulCalls() : 0,
                settings,
                Optional.ofNullable(lastFailureTime),
                Optional.ofNullable(current).map(Opening::instant),
                Optional.ofNullable(current).map(o -> Duration.ofNanos(timeSource.nanoTime() - o.nanoTime())),
                timeUntilRetry());
    }

    private Optional<Duration> timeUntilRetry() {
        Opening current = opening;
        if (current == null || delegate.getState() != CircuitBreaker.State.OPEN) {
            return Optional.empty();
        }
        Duration left = settings.timeoutDuration().minusNanos(timeSource.nanoTime() - current.nanoTime());
        return Optional.of(left.isNegative() ? Duration.ZERO : left);
    }

    /** For example {@code CircuitBreaker(name='groq', state=open, failures=5/5)}. */
    @Override
    public String toString() {
        return "CircuitBreaker(name='" + name + "', state=" + state().key() + ", failures=" + failures.get() + "/"
                + settings.failureThreshold() + ")";
    }

    private record Opening(long nanoTime, Instant instant) {}

    /** Stands for every failure in Resilience4j's view, which wants a throwable. */
    private static final class AttemptFailed extends RuntimeException {

        private static final long serialVersionUID = 1L;

        private AttemptFailed() {
            super("the attempt failed", null, false, false);
        }
    }

    private final class DelegatePermit implements Acquisition.Permit {

        private final long startNanos;
        /** Set by the first completion; later ones do nothing. */
        private final AtomicBoolean completed = new AtomicBoolean();

        private DelegatePermit(long startNanos) {
            this.startNanos = startNanos;
        }

        @Override
        public void success() {
            if (completed.compareAndSet(false, true)) {
                if (delegate.getState() == CircuitBreaker.State.CLOSED && failures.getAndSet(0) > 0) {
                    lastFailureTime = null;
                    logger.debug("{}: the failure count is back to 0", name);
                }
                delegate.onSuccess(timeSource.nanoTime() - startNanos, TimeUnit.NANOSECONDS);
            }
        }

        @Override
        public void failure() {
            if (completed.compareAndSet(false, true)) {
                lastFailureTime = instantSource.instant();
                int count = delegate.getState() == CircuitBreaker.State.CLOSED
                        ? failures.incrementAndGet()
                        : failures.get();
                logger.warn("{}: failure {} of {}", name, count, settings.failureThreshold());
                delegate.onError(timeSource.nanoTime() - startNanos, TimeUnit.NANOSECONDS, new AttemptFailed());
            }
        }

        @Override
        public void release() {
            if (completed.compareAndSet(false, true)) {
                delegate.releasePermission();
            }
        }
    }

    /** Builds circuit breakers. For one thread at a time. */
    public static final class Builder {

        private final String name;
        private CircuitBreakerSettings settings = CircuitBreakerSettings.defaults();
        private @Nullable TimeSource timeSource;
        private InstantSource instantSource = InstantSource.system();
        private @Nullable CircuitBreakerRegistry registry;

        private Builder(String name) {
            if (name.isBlank()) {
                throw new IllegalArgumentException("a circuit breaker needs a name");
            }
            this.name = name;
        }

        /**
         * Sets when it opens and closes.
         *
         * @param settings the settings
         * @return this builder
         */
        public Builder settings(CircuitBreakerSettings settings) {
            this.settings = Objects.requireNonNull(settings, "settings");
            return this;
        }

        /**
         * Sets what its waits run on; {@link TimeSource#system()} by default.
         *
         * @param timeSource the time source; stays the caller's to close
         * @return this builder
         */
        public Builder timeSource(TimeSource timeSource) {
            this.timeSource = Objects.requireNonNull(timeSource, "timeSource");
            return this;
        }

        /**
         * Sets what stamps the times of its status; the system's wall clock by default.
         *
         * @param instantSource the wall clock
         * @return this builder
         */
        public Builder instantSource(InstantSource instantSource) {
            this.instantSource = Objects.requireNonNull(instantSource, "instantSource");
            return this;
        }

        /**
         * Sets where its Resilience4j breaker is registered; a registry of its own by default.
         *
         * @param registry the registry
         * @return this builder
         */
        public Builder registry(CircuitBreakerRegistry registry) {
            this.registry = Objects.requireNonNull(registry, "registry");
            return this;
        }

        /**
         * Builds the breaker and registers it.
         *
         * @return a closed breaker
         * @throws IllegalArgumentException if the registry has a breaker of that name
         */
        public ProviderCircuitBreaker build() {
            return new ProviderCircuitBreaker(this);
        }
    }
}
