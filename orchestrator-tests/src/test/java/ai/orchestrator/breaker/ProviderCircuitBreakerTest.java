package ai.orchestrator.breaker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.testkit.ManualTimeSource;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class ProviderCircuitBreakerTest {

    private final ManualTimeSource time = new ManualTimeSource();
    private Instant wallClock = Instant.parse("2026-11-01T12:00:00Z");
    private final CircuitBreakerRegistry registry = CircuitBreakerRegistry.ofDefaults();
    private final ProviderCircuitBreaker breaker = ProviderCircuitBreaker.builder("groq")
            .settings(CircuitBreakerSettings.builder().failureThreshold(3).build())
            .timeSource(time)
            .instantSource(() -> wallClock)
            .registry(registry)
            .build();

    private Acquisition.Permit permit() {
        return (Acquisition.Permit) breaker.tryAcquire();
    }

    private void fail(int times) {
        for (int i = 0; i < times; i++) {
            permit().failure();
        }
    }

    @Test
    void it_opens_at_the_last_failure_in_a_row_and_not_before() {
        fail(2);
        permit().success();
        fail(2);
        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
        assertThat(breaker.status().failureCount()).isEqualTo(2);

        fail(1);
        assertThat(breaker.state()).isEqualTo(CircuitState.OPEN);
        assertThat(breaker).hasToString("CircuitBreaker(name='groq', state=open, failures=3/3)");
    }

    @Test
    void a_jump_of_the_wall_clock_changes_no_wait() {
        fail(3);
        wallClock = wallClock.plus(Duration.ofHours(1));
        assertThat(breaker.tryAcquire()).isInstanceOf(Acquisition.Refusal.class);

        wallClock = wallClock.minus(Duration.ofHours(2));
        time.advance(Duration.ofSeconds(60));
        permit().success();
        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
    }

    @Test
    void a_failed_trial_opens_it_again_for_the_whole_time() {
        fail(3);
        time.advance(Duration.ofSeconds(60));
        fail(1);

        assertThat(breaker.state()).isEqualTo(CircuitState.OPEN);
        assertThat(breaker.status().timeUntilRetry()).hasValue(Duration.ofSeconds(60));
    }

    @Test
    void a_released_permit_counts_as_nothing() {
        permit().release();

        assertThat(breaker.status().failureCount()).isZero();
        assertThat(registry.circuitBreaker("groq").getMetrics().getNumberOfBufferedCalls())
                .isZero();
    }

    @Test
    void an_operator_opens_disables_and_resets_it() {
        breaker.forceOpen();
        assertThat(breaker.state()).isEqualTo(CircuitState.FORCED_OPEN);
        assertThat(breaker.tryAcquire())
                .isInstanceOfSatisfying(
                        Acquisition.Refusal.class,
                        refusal -> assertThat(refusal.timeUntilRetry()).isEmpty());

        breaker.disable();
        fail(10);
        assertThat(breaker.state()).isEqualTo(CircuitState.DISABLED);

        breaker.reset();
        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
        assertThat(breaker.status().failureCount()).isZero();
        assertThat(breaker.status().lastFailureTime()).isEmpty();
    }

    @Test
    void the_status_map_has_the_keys_that_have_a_value() {
        assertThat(breaker.status().toMap())
                .containsOnlyKeys(
                        "name",
                        "state",
                        "failure_count",
                        "success_count",
                        "failure_threshold",
                        "timeout_duration",
                        "success_threshold");

        fail(3);
        time.advance(Duration.ofMillis(1500));

        assertThat(breaker.status().toMap())
                .containsEntry("state", "open")
                .containsEntry("failure_count", 3)
                .containsEntry("timeout_duration", 60.0)
                .containsEntry("last_failure_time", "2026-11-01T12:00:00Z")
                .containsEntry("opened_at", "2026-11-01T12:00:00Z")
                .containsEntry("time_since_opened", 1.5)
                .containsEntry("time_until_retry", 58.5);
    }

    @Test
    void a_call_is_made_settled_and_refused() {
        assertThat(breaker.call(() -> "answer")).isEqualTo("answer");
        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> breaker.call(() -> {
                        throw new IllegalStateException("down");
                    }))
                    .hasMessage("down");
        }

        assertThatThrownBy(() -> breaker.call(() -> "answer"))
                .isInstanceOfSatisfying(CircuitOpenException.class, e -> {
                    assertThat(e.name()).isEqualTo("groq");
                    assertThat(e.timeUntilRetry()).hasValue(Duration.ofSeconds(60));
                })
                .hasMessage("Circuit breaker 'groq' is open, next try in 60 s");
    }

    @Test
    void a_name_that_the_registry_has_already_is_refused() {
        ProviderCircuitBreaker.Builder second =
                ProviderCircuitBreaker.builder("groq").registry(registry);

        assertThatThrownBy(second::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("already has a circuit breaker named 'groq'");
    }

    @Test
    void settings_out_of_range_are_refused_by_name_and_value() {
        CircuitBreakerSettings.Builder settings = CircuitBreakerSettings.builder();

        assertThatThrownBy(() -> settings.failureThreshold(0))
                .hasMessage("failureThreshold must be 1 to 1000 but is 0");
        assertThatThrownBy(() -> settings.successThreshold(1001)).hasMessageContaining("successThreshold");
        assertThatThrownBy(() -> settings.timeoutDuration(Duration.ZERO)).hasMessageContaining("but is PT0S");
        assertThatThrownBy(() -> settings.timeoutDuration(Duration.ofSeconds(-1)))
                .hasMessageContaining("timeoutDuration must be 1 ms to 365 days");
    }
}
