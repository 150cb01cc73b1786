package ai.orchestrator.breaker;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import io.github.resilience4j.micrometer.tagged.TaggedCircuitBreakerMetrics;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One breaker's meters: Resilience4j's, and our own, the counters and how long calls took, late ones included. Ours stay true when an
 * operator has moved the breaker, where Resilience4j's go blind.
 */
final class CircuitBreakerMeters {

    private static final Logger logger = LoggerFactory.getLogger(ProviderCircuitBreaker.class);

    private static final String PREFIX = "orchestrator.circuitbreaker.";
    private static final String CALLS = PREFIX + "calls";
    private static final String DURATION = PREFIX + "call.duration";

    private final MeterRegistry registry;
    private final String name;
    private final List<Meter> meters = new ArrayList<>();
    /** Has this one breaker, so that it alone is bound, however many share the application's registry. */
    private final CircuitBreakerRegistry view = CircuitBreakerRegistry.ofDefaults();

    private final Timer successes;
    private final Timer failures;
    private final Timer lateSuccesses;
    private final Timer lateFailures;

    CircuitBreakerMeters(MeterRegistry registry, String name) {
        this.registry = registry;
        this.name = name;
        this.successes = timer("success", false);
        this.failures = timer("failure", false);
        this.lateSuccesses = timer("success", true);
        this.lateFailures = timer("failure", true);
    }

    private Timer timer(String outcome, boolean late) {
        Timer timer = Timer.builder(DURATION)
                .description("How long calls took that were measured")
                .tag("name", name)
                .tag("outcome", outcome)
                .tag("late", String.valueOf(late))
                .register(registry);
        meters.add(timer);
        return timer;
    }

    /**
     * Meters of one name in one registry are one and the same, whoever registers them.
     *
     * @throws IllegalArgumentException if another breaker has them
     */
    static void refuseTaken(MeterRegistry registry, String name) {
        boolean taken = registry.getMeters().stream()
                .map(Meter::getId)
                .anyMatch(id -> id.getName().startsWith(PREFIX) && name.equals(id.getTag("name")));
        if (taken) {
            throw new IllegalArgumentException("the meter registry already has meters of a circuit breaker named '"
                    + name + "'; give this one another name, or close the other one first");
        }
    }

    void bind(Guard guard, CircuitBreaker delegate) {
        view.circuitBreaker(name);
        view.replace(name, delegate);
        TaggedCircuitBreakerMetrics.ofCircuitBreakerRegistry(view).bindTo(registry);
        calls(guard, "success", CircuitBreakerCounters::successes);
        calls(guard, "failure", CircuitBreakerCounters::failures);
        calls(guard, "released", CircuitBreakerCounters::released);
        calls(guard, "late", CircuitBreakerCounters::lateResults);
        calls(guard, "refused", CircuitBreakerCounters::refusals);
        counter(FunctionCounter.builder(
                        PREFIX + "openings", guard, g -> g.counters().openings())
                .description("How often the breaker opened by itself"));
        counter(FunctionCounter.builder(
                        PREFIX + "leases.expired", guard, g -> g.counters().expiredLeases())
                .description("Trials that never reported"));
    }

    /** Resilience4j's meters are made anew for another breaker, unless they were removed. */
    void rebind(CircuitBreaker delegate) {
        view.replace(name, delegate);
    }

    private void calls(Guard guard, String outcome, ToLongFunction<CircuitBreakerCounters> count) {
        counter(FunctionCounter.builder(CALLS, guard, g -> count.applyAsLong(g.counters()))
                .description("Calls by what became of them")
                .tag("outcome", outcome));
    }

    private void counter(FunctionCounter.Builder<Guard> builder) {
        meters.add(builder.tag("name", name).register(registry));
    }

    void record(boolean success, boolean late, long tookNanos) {
        Timer timer = success ? (late ? lateSuccesses : successes) : (late ? lateFailures : failures);
        timer.record(tookNanos, TimeUnit.NANOSECONDS);
    }

    /** Removes ours, whatever those throw that listen to it, and Resilience4j's up to the first for which they do. */
    void remove() {
        meters.forEach(meter -> whateverThrows(() -> registry.remove(meter)));
        whateverThrows(() -> view.remove(name));
    }

    private void whateverThrows(Runnable removal) {
        try {
            removal.run();
        } catch (RuntimeException e) {
            // From a listener of the application's at its meter registry.
            logger.warn("What listens to the removal of meters of circuit breaker '{}' has failed", name, e);
        }
    }
}
