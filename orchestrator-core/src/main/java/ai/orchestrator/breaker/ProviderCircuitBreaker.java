package ai.orchestrator.breaker;

import ai.orchestrator.breaker.Acquisition.Permit;
import ai.orchestrator.breaker.Acquisition.Refusal;
import ai.orchestrator.internal.Notifier;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.time.TimeSource;
import io.github.resilience4j.circuitbreaker.CallNotPermittedException;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps calls away from a provider that fails, and finds out when it is well again. Safe for use by any number of threads.
 *
 * <p>It opens at exactly the {@code failureThreshold}-th failure in a row within {@code failureWindow}, refuses for
 * {@code timeoutDuration}, then lets trials through, never more than successes are still needed, and closes after {@code successThreshold}
 * successful ones. The first failed trial opens it again. A result belongs to the state in which its call started: one that comes later
 * changes nothing, however long the call took.
 *
 * <pre>{@code
 * if (breaker.tryAcquire() instanceof Acquisition.Permit permit) {
 *     // make the attempt, then permit.success(), permit.failure() or permit.release()
 * }
 * }</pre>
 *
 * <p>or, in one line, {@code breaker.call(() -> client.ask(question))}. It runs no timer: what time brings about is noticed at the next
 * request.
 *
 * <p>A Resilience4j breaker of the same name follows it, in the registry that was given, for Resilience4j's events, meters and tools: with a
 * count-based window of {@code failureThreshold}, a failure rate of 100 %, and {@code successThreshold} permitted calls in half-open. It
 * is told of every result that counts but decides nothing, and it never sees refusals. Its own consumers run on the thread of a call, outside
 * any lock of ours, and for all calls that decide meanwhile; one that blocks keeps that one thread waiting, and Resilience4j behind. An operator who moves that breaker by hand moves
 * this one: the move is adopted at the next request or result. {@link #forceOpen()}, {@link #disable()} and {@link #reset()} act at once
 * and win every race.
 */
public final class ProviderCircuitBreaker implements AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(ProviderCircuitBreaker.class);

    private final String name;
    private final TimeSource timeSource;
    private final CircuitBreakerRegistry registry;
    private final MonotonicClock clock;
    private final @Nullable CircuitBreakerMeters meters;
    private final Resilience4jMirror mirror;
    private final Guard guard;

    /**
     * Guards its place in the registries, or a step that is late would take it from another breaker that has the name by now. What
     * listens there runs under it.
     */
    private final ReentrantLock registration = new ReentrantLock();

    /** What is in the registry; null once it is closed. Guarded by that. */
    private @Nullable CircuitBreaker registered;

    private ProviderCircuitBreaker(Builder builder) {
        this.name = builder.name;
        this.timeSource = builder.timeSource == null ? TimeSource.system() : builder.timeSource;
        this.registry = builder.registry == null ? CircuitBreakerRegistry.ofDefaults() : builder.registry;
        if (builder.meterRegistry != null) {
            CircuitBreakerMeters.refuseTaken(builder.meterRegistry, name);
        }
        this.clock = new MonotonicClock(timeSource, builder.instantSource);
        CircuitBreaker delegate = register(builder.settings);
        this.registered = delegate;
        this.meters = builder.meterRegistry == null ? null : new CircuitBreakerMeters(builder.meterRegistry, name);
        this.mirror = new Resilience4jMirror(delegate, this::replaced);
        this.guard = new Guard(
                name, builder.settings, timeSource, builder.instantSource, mirror, builder.listenerQueue(), meters);
        if (meters != null) {
            meters.bind(guard, delegate);
        }
        logger.info("{} initialised with {}", this, builder.settings);
    }

    private CircuitBreaker register(CircuitBreakerSettings settings) {
        CircuitBreakerConfig config = Resilience4jMirror.config(settings, clock);
        AtomicBoolean asked = new AtomicBoolean();
        CircuitBreaker delegate = registry.circuitBreaker(name, () -> {
            asked.set(true);
            return config;
        });
        // The registry silently returns an older breaker of the same name, whatever its settings, and then asks for
        // none.
        if (!asked.get()) {
            throw new IllegalArgumentException(
                    "the registry already has a circuit breaker named '" + name + "'; give this one another name");
        }
        return delegate;
    }

    private void replaced(CircuitBreaker successor) {
        registration.lock();
        try {
            if (registered == null) {
                return;
            }
            changeRegistry(registered, () -> registry.replace(name, successor));
            registered = successor;
            if (meters != null) {
                meters.rebind(successor);
            }
        } finally {
            registration.unlock();
        }
    }

    /** Unless another one has taken the name since. */
    private void changeRegistry(CircuitBreaker present, Runnable change) {
        if (registry.find(name).filter(found -> found == present).isEmpty()) {
            return;
        }
        try {
            change.run();
        } catch (RuntimeException e) {
            // From what listens there, when the change is made.
            logger.warn("{}: a listener at the circuit breaker registry failed", name, e);
        }
    }

    /**
     * A builder with the default settings.
     *
     * @param name what the breaker is called in messages, meters and the registry
     * @return a new builder
     * @throws IllegalArgumentException if the name is blank
     */
    public static Builder builder(String name) {
        return new Builder(name);
    }

    /**
     * Asks for the right to make one attempt. Never blocks, and throws nothing. A trial keeps its permit for the {@code trialLease} of the
     * settings, else for 10 minutes.
     *
     * @return a permit, to be completed once, or a refusal
     */
    public Acquisition tryAcquire() {
        return guard.tryAcquire();
    }

    /**
     * Asks for the right to make one attempt that will have ended by a known time. Never blocks.
     *
     * @param trialLease how long it may stay silent if it becomes a trial; then its permit goes to another. More than 365 days counts as
     *     that
     * @return a permit, to be completed once, or a refusal
     * @throws IllegalArgumentException if the lease is zero or negative
     */
    public Acquisition tryAcquire(Duration trialLease) {
        if (Objects.requireNonNull(trialLease, "trialLease").isZero() || trialLease.isNegative()) {
            throw new IllegalArgumentException("trialLease must be more than zero but is " + trialLease);
        }
        return guard.tryAcquire(Token.cappedNanos(trialLease));
    }

    /**
     * What {@link #tryAcquire()} would refuse with now. Takes no permit, moves no state, and counts as no refusal.
     *
     * @return the refusal; empty if a permit would be given
     */
    public Optional<Refusal> refusal() {
        return guard.refusal();
    }

    /**
     * Whether a request may be made now, for callers that know no permits. Takes no permit, so of several callers at once all may be let
     * through; after the wait it moves an open breaker to half-open. To only look at the state use {@link #state()}.
     *
     * @return false, which counts as a refusal, if {@link #tryAcquire()} would refuse
     */
    public boolean canRequest() {
        return guard.canRequest();
    }

    /**
     * Records a success without a permit, in the state in which it arrives: closed, it ends a row of failures; half-open, it is a finished
     * trial; open, it changes nothing and is logged as unexpected.
     */
    public void recordSuccess() {
        guard.record(null);
    }

    /**
     * Records a failure without a permit, in the state in which it arrives: closed, it counts; half-open, it is a failed trial; open, it
     * changes nothing and is logged as unexpected.
     */
    public void recordFailure() {
        guard.record(new Resilience4jMirror.AttemptFailed(null));
    }

    /**
     * Makes a call if the breaker allows it: acquires, runs, settles. What the call throws reaches the caller as it is. It counts as a
     * failure, but for what is not about the provider, where the permit is given back: a {@link CancellationException}, a
     * {@link ProviderException} whose kind {@linkplain ai.orchestrator.provider.FailureKind#countsAgainstProvider() says so}, and the
     * refusal of another breaker; in a {@link CompletionException} or {@link ExecutionException} too.
     *
     * @param supplier the call
     * @param <T> what it returns
     * @return what it returned
     * @throws CircuitOpenException if the breaker refuses
     */
    public <T extends @Nullable Object> T call(Supplier<? extends T> supplier) {
        return call(supplier, ProviderCircuitBreaker::countsAsFailure);
    }

    /**
     * Makes a call if the breaker allows it: acquires, runs, settles. What the call throws reaches the caller as it is.
     *
     * @param supplier the call
     * @param countsAsFailure asked about what the call threw; false gives the permit back. An {@link Error} is a failure without asking,
     *     and so is what makes this throw, which is then suppressed in it
     * @param <T> what it returns
     * @return what it returned
     * @throws CircuitOpenException if the breaker refuses
     */
    public <T extends @Nullable Object> T call(
            Supplier<? extends T> supplier, Predicate<? super Exception> countsAsFailure) {
        Objects.requireNonNull(supplier, "supplier");
        Objects.requireNonNull(countsAsFailure, "countsAsFailure");
        long startNanos = timeSource.nanoTime();
        Acquisition acquisition = tryAcquire();
        if (acquisition instanceof Refusal refusal) {
            throw new CircuitOpenException(name, refusal);
        }
        Permit permit = (Permit) acquisition;
        T result;
        try {
            result = supplier.get();
        } catch (Throwable thrown) {
            if (isFailure(thrown, countsAsFailure)) {
                permit.failure(since(startNanos), thrown);
            } else {
                permit.release();
            }
            throw thrown;
        }
        permit.success(since(startNanos));
        return result;
    }

    private Duration since(long startNanos) {
        return Duration.ofNanos(timeSource.nanoTime() - startNanos);
    }

    private static boolean isFailure(Throwable thrown, Predicate<? super Exception> countsAsFailure) {
        if (!(thrown instanceof Exception exception)) {
            return true;
        }
        try {
            return countsAsFailure.test(exception);
        } catch (RuntimeException | Error broken) {
            // Nobody can say what it means, so it counts (R5).
            if (broken != thrown) {
                thrown.addSuppressed(broken);
            }
            return true;
        }
    }

    private static boolean countsAsFailure(Exception thrown) {
        Throwable reason = thrown;
        while ((reason instanceof CompletionException || reason instanceof ExecutionException)
                && reason.getCause() != null) {
            reason = reason.getCause();
        }
        if (reason instanceof ProviderException failure) {
            return failure.kind().countsAgainstProvider();
        }
        return !(reason instanceof CancellationException
                || reason instanceof CircuitOpenException
                || reason instanceof CallNotPermittedException);
    }

    /**
     * Changes the settings and keeps the state. They hold for all that comes: a closed breaker that has as many failures as a lowered
     * threshold, or more, opens at the next one; failures that a longer window takes in count again only if they were not forgotten yet. An
     * open one refuses until the new timeout has passed since it opened, so it lets the next request through if it has. A half-open one that
     * has as many successes as are needed now closes at once. Permits stay what they are, with the leases that they were given.
     *
     * <p>Where Resilience4j's settings follow from those that changed, another Resilience4j breaker takes the place of the one before, in the
     * same state and with counts that begin anew. The registry publishes that as the replacement of an entry, by which Resilience4j's
     * own meters and tools follow; who has added a consumer to the breaker itself must do so again. Our own meters and {@link #counters()} go on.
     * What listens at the registry keeps a {@link #close()} waiting, and no call but the one whose thread it may run on; what it throws is
     * logged.
     *
     * @param settings the new settings
     */
    public void reconfigure(CircuitBreakerSettings settings) {
        if (!Objects.requireNonNull(settings, "settings").equals(guard.settings())) {
            guard.reconfigure(settings, CircuitBreaker.of(name, Resilience4jMirror.config(settings, clock)));
        }
    }

    /** Closes the breaker from any state and clears all counts and times. What is in flight is late from now on. */
    public void reset() {
        guard.reset();
    }

    /** Refuses every call until {@link #reset()} or {@link #disable()}. Does nothing if it was forced open already. */
    public void forceOpen() {
        guard.forceOpen();
    }

    /**
     * Lets every call through until {@link #reset()} or {@link #forceOpen()}: nothing opens it, and only {@link #counters()} go on. Does
     * nothing if it was disabled already.
     */
    public void disable() {
        guard.disable();
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
     * What the breaker does with the next call. An open one whose wait is over stays so until that call.
     *
     * @return its state
     */
    public CircuitState state() {
        return guard.kind();
    }

    /**
     * Everything that the breaker shows, at one moment.
     *
     * @return an immutable value
     */
    public CircuitBreakerStatus status() {
        return guard.status();
    }

    /**
     * What the breaker has counted since it was built.
     *
     * @return an immutable value
     */
    public CircuitBreakerCounters counters() {
        return guard.counters();
    }

    /**
     * Removes the breaker from the registry, and its meters. It may still be used, unseen by both. Does nothing the second time. A breaker
     * without a shared registry or meters need not be closed.
     */
    @Override
    public void close() {
        registration.lock();
        try {
            // Another breaker may have the name, and the meters, when it is closed once more.
            if (registered == null) {
                return;
            }
            CircuitBreaker last = registered;
            registered = null;
            changeRegistry(last, () -> registry.remove(name));
            if (meters != null) {
                meters.remove();
            }
        } finally {
            registration.unlock();
        }
    }

    /** For example {@code CircuitBreaker(name='groq', state=open, failures=5/5)}. */
    @Override
    public String toString() {
        CircuitBreakerStatus status = status();
        return Guard.describe(
                name, status.state(), status.failureCount(), status.settings().failureThreshold());
    }

    /** Builds circuit breakers. For one thread at a time. */
    public static final class Builder {

        private final String name;
        private CircuitBreakerSettings settings = CircuitBreakerSettings.defaults();
        private @Nullable TimeSource timeSource;
        private InstantSource instantSource = InstantSource.system();
        private @Nullable CircuitBreakerRegistry registry;
        private @Nullable MeterRegistry meterRegistry;
        private final List<CircuitBreakerListener> listeners = new ArrayList<>();
        private @Nullable Executor listenerExecutor;

        private Builder(String name) {
            if (Objects.requireNonNull(name, "name").isBlank()) {
                throw new IllegalArgumentException("a circuit breaker needs a name");
            }
            this.name = name;
        }

        /**
         * Sets when it opens and closes; {@link CircuitBreakerSettings#defaults()} by default.
         *
         * @param settings the settings
         * @return this builder
         */
        public Builder settings(CircuitBreakerSettings settings) {
            this.settings = Objects.requireNonNull(settings, "settings");
            return this;
        }

        /**
         * Sets what its waits, windows and leases run on; {@link TimeSource#system()} by default. It is read under the breaker's lock, so
         * it must not call the breaker.
         *
         * @param timeSource the time source; stays the caller's to close
         * @return this builder
         */
        public Builder timeSource(TimeSource timeSource) {
            this.timeSource = Objects.requireNonNull(timeSource, "timeSource");
            return this;
        }

        /**
         * Sets what stamps the times of its status; the system's wall clock by default. It decides nothing. It is read under the
         * breaker's lock, so it must not call the breaker.
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
         * Has it metered by Resilience4j's meters and our own: {@code orchestrator.circuitbreaker.calls} (tag {@code outcome}: success, failure, released, late, refused),
         * {@code .call.duration} (tags {@code outcome}, {@code late}; calls that were not measured are missing), {@code .openings},
         * {@code .leases.expired}; all with the tag {@code name}. No meters by default. An application that binds its own
         * Resilience4j registry to the same meter registry would count twice in Resilience4j's meters: do one of both.
         *
         * @param meterRegistry takes the meters; {@link ProviderCircuitBreaker#close()} removes them
         * @return this builder
         */
        public Builder meterRegistry(MeterRegistry meterRegistry) {
            this.meterRegistry = Objects.requireNonNull(meterRegistry, "meterRegistry");
            return this;
        }

        /**
         * Adds a listener; none by default.
         *
         * @param listener is told of every transition, after those added before it
         * @return this builder
         */
        public Builder listener(CircuitBreakerListener listener) {
            listeners.add(Objects.requireNonNull(listener, "listener"));
            return this;
        }

        /**
         * Sets what runs the listeners; by default a daemon thread of the breaker's own, which starts with the first transition and ends by
         * itself when there has been none for a few seconds.
         *
         * @param executor runs one delivery at a time for each breaker; one that runs it on the calling thread makes calls wait
         * @return this builder
         */
        public Builder listenerExecutor(Executor executor) {
            this.listenerExecutor = Objects.requireNonNull(executor, "executor");
            return this;
        }

        private @Nullable ListenerQueue listenerQueue() {
            if (listeners.isEmpty()) {
                return null;
            }
            return new ListenerQueue(
                    List.copyOf(listeners),
                    listenerExecutor == null ? new Notifier("circuit-breaker-" + name) : listenerExecutor);
        }

        /**
         * Builds the breaker and registers it.
         *
         * @return a closed breaker
         * @throws IllegalArgumentException if the registry has a breaker of that name, or the meter registry its meters
         */
        public ProviderCircuitBreaker build() {
            return new ProviderCircuitBreaker(this);
        }
    }
}
