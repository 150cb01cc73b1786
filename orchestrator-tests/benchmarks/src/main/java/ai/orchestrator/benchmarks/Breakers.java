package ai.orchestrator.benchmarks;

import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.breaker.ProviderCircuitBreaker;
import ai.orchestrator.time.TimeSource;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowType;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import java.time.Duration;

/** The three libraries' breakers, configured alike: they open at so many failures in a row, for a day, and one trial closes them. */
final class Breakers {

    static final int DEFAULT_THRESHOLD = CircuitBreakerSettings.DEFAULT_FAILURE_THRESHOLD;

    private static final Duration A_DAY = Duration.ofDays(1);

    private static final TimeSource TIME_SOURCE = TimeSource.system();

    private Breakers() {}

    static CircuitBreakerSettings settings(int failureThreshold) {
        return CircuitBreakerSettings.builder()
                .failureThreshold(failureThreshold)
                .timeoutDuration(A_DAY)
                .trialLease(A_DAY)
                .build();
    }

    static ProviderCircuitBreaker orchestrator(int failureThreshold) {
        return orchestrator("breaker", settings(failureThreshold), CircuitBreakerRegistry.ofDefaults());
    }

    static ProviderCircuitBreaker orchestrator(
            String name, CircuitBreakerSettings settings, CircuitBreakerRegistry registry) {
        return ProviderCircuitBreaker.builder(name)
                .settings(settings)
                .timeSource(TIME_SOURCE)
                .registry(registry)
                .build();
    }

    static CircuitBreaker resilience4j(int failureThreshold) {
        return CircuitBreaker.of("breaker", resilience4jConfig(failureThreshold));
    }

    static CircuitBreakerConfig resilience4jConfig(int failureThreshold) {
        return CircuitBreakerConfig.custom()
                .slidingWindowType(SlidingWindowType.COUNT_BASED)
                .slidingWindowSize(failureThreshold)
                .minimumNumberOfCalls(failureThreshold)
                .failureRateThreshold(100)
                .permittedNumberOfCallsInHalfOpenState(1)
                .waitDurationInOpenState(A_DAY)
                .slowCallDurationThreshold(A_DAY)
                .build();
    }

    static dev.failsafe.CircuitBreaker<Object> failsafe(int failureThreshold) {
        return dev.failsafe.CircuitBreaker.builder()
                .withFailureThreshold(failureThreshold)
                .withSuccessThreshold(1)
                .withDelay(A_DAY)
                .build();
    }
}
