package ai.orchestrator.breaker;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.breaker.Acquisition.Permit;
import ai.orchestrator.testkit.LogCapture;
import ai.orchestrator.testkit.ManualTimeSource;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** B13: transitions at INFO, failures and unexpected results at WARN, opening at ERROR, a count that ends and late results at DEBUG. */
class CircuitBreakerLogTest {

    private final ManualTimeSource time = new ManualTimeSource();
    private final CircuitBreakerRegistry registry = CircuitBreakerRegistry.ofDefaults();

    private ProviderCircuitBreaker breaker() {
        return ProviderCircuitBreaker.builder("groq")
                .settings(CircuitBreakerSettings.builder()
                        .failureThreshold(2)
                        .successThreshold(2)
                        .timeoutDuration(Duration.ofSeconds(30))
                        .trialLease(Duration.ofSeconds(5))
                        .build())
                .timeSource(time)
                .registry(registry)
                .build();
    }

    @Test
    void a_life_in_log_lines() {
        try (LogCapture log = LogCapture.of(ProviderCircuitBreaker.class)) {
            ProviderCircuitBreaker breaker = breaker();
            assertThat(log.lines())
                    .singleElement()
                    .asString()
                    .startsWith("INFO CircuitBreaker(name='groq', state=closed, failures=0/2) initialised with");
            log.clear();

            Permit late = (Permit) breaker.tryAcquire();
            breaker.recordFailure();
            breaker.recordSuccess();
            breaker.recordSuccess();
            breaker.recordFailure();
            time.advance(Duration.ofMinutes(1));
            breaker.recordFailure();
            breaker.recordFailure();
            breaker.recordFailure();
            breaker.recordSuccess();
            late.success();
            late.failure();
            time.advance(Duration.ofSeconds(30));
            assertThat(breaker.tryAcquire()).isInstanceOf(Permit.class);
            time.advance(Duration.ofSeconds(5));
            assertThat(breaker.tryAcquire()).isInstanceOf(Permit.class);
            breaker.recordSuccess();
            breaker.recordSuccess();
            breaker.forceOpen();
            breaker.disable();
            breaker.recordFailure();
            breaker.reset();
            registry.circuitBreaker("groq").transitionToForcedOpenState();
            assertThat(breaker.canRequest()).isFalse();

            assertThat(log.lines())
                    .containsExactly(
                            "WARN groq: failure 1 of 2",
                            "DEBUG groq: the failure count is back to 0",
                            "WARN groq: failure 1 of 2",
                            "DEBUG groq: failures older than 60 s no longer count",
                            "WARN groq: failure 1 of 2",
                            "WARN groq: failure 2 of 2",
                            "ERROR CircuitBreaker(name='groq', state=open, failures=2/2) opened; next try in 30 s",
                            "WARN CircuitBreaker(name='groq', state=open, failures=2/2): a failure without a permit"
                                    + " changes nothing",
                            "WARN CircuitBreaker(name='groq', state=open, failures=2/2): a success without a permit"
                                    + " changes nothing",
                            "DEBUG groq: a late success changes nothing",
                            "DEBUG groq: a late failure changes nothing",
                            "INFO CircuitBreaker(name='groq', state=half_open, failures=2/2) lets trials through",
                            "WARN CircuitBreaker(name='groq', state=half_open, failures=2/2): 1 trial(s) never"
                                    + " reported; others may try",
                            "INFO CircuitBreaker(name='groq', state=half_open, failures=2/2): success 1 of 2",
                            "INFO CircuitBreaker(name='groq', state=closed, failures=0/2) closed",
                            "INFO CircuitBreaker(name='groq', state=forced_open, failures=0/2) was forced open by an"
                                    + " operator",
                            "INFO CircuitBreaker(name='groq', state=disabled, failures=0/2) was disabled by an operator",
                            "INFO CircuitBreaker(name='groq', state=closed, failures=0/2) was reset",
                            "INFO CircuitBreaker(name='groq', state=forced_open, failures=0/2) was moved by an operator,"
                                    + " by way of Resilience4j");
        }
    }

    @Test
    void a_failed_trial_is_a_warning_and_an_opening() {
        ProviderCircuitBreaker breaker = breaker();
        breaker.recordFailure();
        breaker.recordFailure();
        time.advance(Duration.ofSeconds(30));
        Permit trial = (Permit) breaker.tryAcquire();
        try (LogCapture log = LogCapture.of(ProviderCircuitBreaker.class)) {
            trial.failure();

            assertThat(log.lines())
                    .containsExactly(
                            "WARN groq: a trial failed",
                            "ERROR CircuitBreaker(name='groq', state=open, failures=2/2) opened; next try in 30 s");
        }
    }
}
