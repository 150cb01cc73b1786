package ai.orchestrator.benchmarks;

import ai.orchestrator.breaker.Acquisition;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.breaker.ProviderCircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** The ways through a breaker, one class for each and in it one method for each library. All threads share one breaker. */
public class BreakerBenchmark {

    /** A healthy call. */
    @State(Scope.Benchmark)
    public static class ClosedSuccess {

        private final ProviderCircuitBreaker orchestrator = Breakers.orchestrator(Breakers.DEFAULT_THRESHOLD);
        private final CircuitBreaker resilience4j = Breakers.resilience4j(Breakers.DEFAULT_THRESHOLD);
        private final dev.failsafe.CircuitBreaker<Object> failsafe = Breakers.failsafe(Breakers.DEFAULT_THRESHOLD);

        @Benchmark
        public void orchestrator() {
            permit(orchestrator).success();
        }

        @Benchmark
        public void resilience4j() {
            check(resilience4j.tryAcquirePermission());
            resilience4j.onSuccess(0, TimeUnit.NANOSECONDS);
        }

        @Benchmark
        public void failsafe() {
            check(failsafe.tryAcquirePermit());
            failsafe.recordSuccess();
        }
    }

    /** A failed call and then a healthy one: two acquisitions, two results. */
    @State(Scope.Benchmark)
    public static class ClosedFailureThenSuccess {

        /** Sixteen threads may all be between their failure and their success; that must not open it. */
        private static final int MORE_THAN_THREADS = 100;

        private final Exception cause = new Exception("the attempt failed");
        private final ProviderCircuitBreaker orchestrator = Breakers.orchestrator(MORE_THAN_THREADS);
        private final CircuitBreaker resilience4j = Breakers.resilience4j(MORE_THAN_THREADS);
        private final dev.failsafe.CircuitBreaker<Object> failsafe = Breakers.failsafe(MORE_THAN_THREADS);

        @Benchmark
        public void orchestrator() {
            permit(orchestrator).failure(Duration.ZERO, cause);
            permit(orchestrator).success();
        }

        @Benchmark
        public void resilience4j() {
            check(resilience4j.tryAcquirePermission());
            resilience4j.onError(0, TimeUnit.NANOSECONDS, cause);
            check(resilience4j.tryAcquirePermission());
            resilience4j.onSuccess(0, TimeUnit.NANOSECONDS);
        }

        @Benchmark
        public void failsafe() {
            check(failsafe.tryAcquirePermit());
            failsafe.recordFailure();
            check(failsafe.tryAcquirePermit());
            failsafe.recordSuccess();
        }
    }

    /** A call that is turned away because the provider has failed. */
    @State(Scope.Benchmark)
    public static class OpenRefusal {

        private final ProviderCircuitBreaker orchestrator = Breakers.orchestrator(1);
        private final CircuitBreaker resilience4j = Breakers.resilience4j(1);
        private final dev.failsafe.CircuitBreaker<Object> failsafe = Breakers.failsafe(1);

        public OpenRefusal() {
            permit(orchestrator).failure();
            resilience4j.onError(0, TimeUnit.NANOSECONDS, new Exception("the attempt failed"));
            failsafe.recordFailure();
        }

        @Benchmark
        public Acquisition orchestrator() {
            return refusal(orchestrator, CircuitState.OPEN);
        }

        @Benchmark
        public boolean resilience4j() {
            return check(!resilience4j.tryAcquirePermission());
        }

        @Benchmark
        public boolean failsafe() {
            return check(!failsafe.tryAcquirePermit());
        }
    }

    /** A call that is turned away because all trials are under way. */
    @State(Scope.Benchmark)
    public static class HalfOpenRefusal {

        private final ProviderCircuitBreaker orchestrator;

        public HalfOpenRefusal() {
            CircuitBreakerSettings shortWait = Breakers.settings(1).toBuilder()
                    .timeoutDuration(Duration.ofMillis(1))
                    .build();
            orchestrator = Breakers.orchestrator("breaker", shortWait, CircuitBreakerRegistry.ofDefaults());
            permit(orchestrator).failure();
            while (!(orchestrator.tryAcquire() instanceof Acquisition.Permit)) {
                Thread.onSpinWait();
            }
        }

        @Benchmark
        public Acquisition orchestrator() {
            return refusal(orchestrator, CircuitState.HALF_OPEN);
        }
    }

    /** A call that is turned away because an operator says so. */
    @State(Scope.Benchmark)
    public static class ForcedOpenRefusal {

        private final ProviderCircuitBreaker orchestrator = Breakers.orchestrator(1);

        public ForcedOpenRefusal() {
            orchestrator.forceOpen();
        }

        @Benchmark
        public Acquisition orchestrator() {
            return refusal(orchestrator, CircuitState.FORCED_OPEN);
        }
    }

    private static Acquisition.Permit permit(ProviderCircuitBreaker breaker) {
        return (Acquisition.Permit) breaker.tryAcquire();
    }

    private static Acquisition refusal(ProviderCircuitBreaker breaker, CircuitState state) {
        Acquisition.Refusal refusal = (Acquisition.Refusal) breaker.tryAcquire();
        check(refusal.state() == state);
        return refusal;
    }

    /** A breaker in another state than its benchmark is about would make the number a lie. */
    private static boolean check(boolean expected) {
        if (!expected) {
            throw new IllegalStateException("the breaker is not in the state that is measured");
        }
        return true;
    }
}
