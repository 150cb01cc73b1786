package ai.orchestrator.breaker;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;

/**
 * One breaker's meters: its counters, and how long its calls took, late ones included. They stay true when an operator has moved the breaker,
 * where Resilience4j's own go blind.
 */
final class CircuitBreakerMeters {

    private static final String CALLS = "orchestrator.circuitbreaker.calls";
    private static final String DURATION = "orchestrator.circuitbreaker.call.duration";

    private final MeterRegistry registry;
    private final String name;
    private final List<Meter> meters = new ArrayList<>();
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

    void count(Guard guard) {
        calls(guard, "success", CircuitBreakerCounters::successes);
        calls(guard, "failure", CircuitBreakerCounters::failures);
        calls(guard, "released", CircuitBreakerCounters::released);
        calls(guard, "late", CircuitBreakerCounters::lateResults);
        calls(guard, "refused", CircuitBreakerCounters::refusals);
        counter(FunctionCounter.builder(
                        "orchestrator.circuitbreaker.openings",
                        guard,
                        g -> g.counters().openings())
                .description("How often the breaker opened by itself"));
        counter(FunctionCounter.builder(
                        "orchestrator.circuitbreaker.leases.expired",
                        guard,
                        g -> g.counters().expiredLeases())
                .description("Trials that never reported"));
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

    void remove() {
        meters.forEach(registry::remove);
    }
}
