package ai.orchestrator.breaker;

import static ai.orchestrator.breaker.CircuitState.CLOSED;
import static ai.orchestrator.breaker.CircuitState.HALF_OPEN;
import static ai.orchestrator.breaker.CircuitState.OPEN;
import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.testkit.ManualTimeSource;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The ten categories and 29 cases that the circuit breaker was first specified by, in the words of that document, on manual time. */
class SeedCasesTest {

    private static final Instant NOON = Instant.parse("2026-02-11T12:00:00Z");
    private static final Duration TIMEOUT = Duration.ofMinutes(1);

    private final ManualTimeSource time = new ManualTimeSource();

    private ProviderCircuitBreaker breaker(CircuitBreakerSettings.Builder settings) {
        return ProviderCircuitBreaker.builder("groq")
                .settings(settings.build())
                .timeSource(time)
                .instantSource(() -> NOON.plusNanos(time.nanoTime()))
                .build();
    }

    private ProviderCircuitBreaker breaker() {
        return breaker(CircuitBreakerSettings.builder());
    }

    private ProviderCircuitBreaker openBreaker() {
        ProviderCircuitBreaker breaker = breaker();
        fail(breaker, 5);
        return breaker;
    }

    private ProviderCircuitBreaker halfOpenBreaker() {
        ProviderCircuitBreaker breaker = openBreaker();
        time.advance(TIMEOUT);
        assertThat(breaker.canRequest()).isTrue();
        assertThat(breaker.state()).isEqualTo(HALF_OPEN);
        return breaker;
    }

    private static void fail(ProviderCircuitBreaker breaker, int times) {
        for (int i = 0; i < times; i++) {
            breaker.recordFailure();
        }
    }

    private static int failures(ProviderCircuitBreaker breaker) {
        return breaker.status().failureCount();
    }

    @Nested
    @DisplayName("1. Initialization Tests")
    class Initialization {

        @Test
        @DisplayName("Default initialization")
        void default_initialization() {
            CircuitBreakerStatus status = breaker().status();

            assertThat(status.name()).isEqualTo("groq");
            assertThat(status.state()).isEqualTo(CLOSED);
            assertThat(status.failureCount()).isZero();
            assertThat(status.successCount()).isZero();
            assertThat(status.settings().failureThreshold()).isEqualTo(5);
            assertThat(status.settings().timeoutDuration()).isEqualTo(Duration.ofMinutes(1));
            assertThat(status.settings().successThreshold()).isEqualTo(1);
            assertThat(status.lastFailureTime()).isEmpty();
            assertThat(status.openedAt()).isEmpty();
        }

        @Test
        @DisplayName("Custom initialization")
        void custom_initialization() {
            CircuitBreakerSettings settings = breaker(CircuitBreakerSettings.builder()
                            .failureThreshold(3)
                            .timeoutDuration(Duration.ofSeconds(30))
                            .successThreshold(2))
                    .status()
                    .settings();

            assertThat(settings.failureThreshold()).isEqualTo(3);
            assertThat(settings.timeoutDuration()).isEqualTo(Duration.ofSeconds(30));
            assertThat(settings.successThreshold()).isEqualTo(2);
        }
    }

    @Nested
    @DisplayName("2. CLOSED State Tests")
    class ClosedState {

        @Test
        @DisplayName("Request allowance")
        void request_allowance() {
            ProviderCircuitBreaker breaker = breaker();

            for (int i = 0; i < 100; i++) {
                assertThat(breaker.canRequest()).isTrue();
            }
        }

        @Test
        @DisplayName("Success recording")
        void success_recording() {
            ProviderCircuitBreaker breaker = breaker();
            breaker.recordSuccess();

            assertThat(breaker.state()).isEqualTo(CLOSED);
            assertThat(failures(breaker)).isZero();
            assertThat(breaker.counters().successes()).isEqualTo(1);
        }

        @Test
        @DisplayName("Failure recording")
        void failure_recording() {
            ProviderCircuitBreaker breaker = breaker();
            breaker.recordFailure();

            assertThat(breaker.state()).isEqualTo(CLOSED);
            assertThat(failures(breaker)).isEqualTo(1);
            assertThat(breaker.status().lastFailureTime()).hasValue(NOON);
        }

        @Test
        @DisplayName("Multiple failures below threshold")
        void multiple_failures_below_threshold() {
            ProviderCircuitBreaker breaker = breaker();
            fail(breaker, 4);

            assertThat(breaker.state()).isEqualTo(CLOSED);
            assertThat(failures(breaker)).isEqualTo(4);
            assertThat(breaker.canRequest()).isTrue();
        }

        @Test
        @DisplayName("Failure count reset on success")
        void failure_count_reset_on_success() {
            ProviderCircuitBreaker breaker = breaker();
            fail(breaker, 3);
            breaker.recordSuccess();

            assertThat(failures(breaker)).isZero();
            assertThat(breaker.status().lastFailureTime()).isEmpty();
        }
    }

    @Nested
    @DisplayName("3. OPEN Transition Tests")
    class OpenTransition {

        @Test
        @DisplayName("Opens after threshold failures")
        void opens_after_threshold_failures() {
            ProviderCircuitBreaker breaker = breaker();
            fail(breaker, 5);

            assertThat(breaker.state()).isEqualTo(OPEN);
            assertThat(breaker.status().openedAt()).hasValue(NOON);
        }

        @Test
        @DisplayName("Opens exactly at threshold")
        void opens_exactly_at_threshold() {
            ProviderCircuitBreaker breaker = breaker();
            fail(breaker, 4);
            assertThat(breaker.state()).isEqualTo(CLOSED);

            fail(breaker, 1);
            assertThat(breaker.state()).isEqualTo(OPEN);
        }

        @Test
        @DisplayName("Custom failure threshold")
        void custom_failure_threshold() {
            ProviderCircuitBreaker breaker =
                    breaker(CircuitBreakerSettings.builder().failureThreshold(2));
            fail(breaker, 1);
            assertThat(breaker.state()).isEqualTo(CLOSED);

            fail(breaker, 1);
            assertThat(breaker.state()).isEqualTo(OPEN);
        }
    }

    @Nested
    @DisplayName("4. OPEN State Tests")
    class OpenState {

        @Test
        @DisplayName("Blocks requests when open")
        void blocks_requests_when_open() {
            assertThat(openBreaker().canRequest()).isFalse();
        }

        @Test
        @DisplayName("Stays open during timeout")
        void stays_open_during_timeout() {
            ProviderCircuitBreaker breaker = openBreaker();
            time.advance(TIMEOUT.minusNanos(1));

            assertThat(breaker.canRequest()).isFalse();
            assertThat(breaker.state()).isEqualTo(OPEN);
        }

        @Test
        @DisplayName("Transitions to HALF_OPEN after timeout")
        void transitions_to_half_open_after_timeout() {
            ProviderCircuitBreaker breaker = openBreaker();
            time.advance(TIMEOUT);

            assertThat(breaker.canRequest()).isTrue();
            assertThat(breaker.state()).isEqualTo(HALF_OPEN);
        }
    }

    @Nested
    @DisplayName("5. HALF_OPEN State Tests")
    class HalfOpenState {

        @Test
        @DisplayName("Allows test requests")
        void allows_test_requests() {
            ProviderCircuitBreaker breaker = halfOpenBreaker();

            assertThat(breaker.canRequest()).isTrue();
            assertThat(breaker.tryAcquire()).isInstanceOf(Acquisition.Permit.class);
        }

        @Test
        @DisplayName("Closes on successful test")
        void closes_on_successful_test() {
            ProviderCircuitBreaker breaker = halfOpenBreaker();
            breaker.recordSuccess();

            assertThat(breaker.state()).isEqualTo(CLOSED);
            assertThat(failures(breaker)).isZero();
        }

        @Test
        @DisplayName("Reopens on failed test")
        void reopens_on_failed_test() {
            ProviderCircuitBreaker breaker = halfOpenBreaker();
            breaker.recordFailure();

            assertThat(breaker.state()).isEqualTo(OPEN);
            assertThat(breaker.status().timeUntilRetry()).hasValue(TIMEOUT);
        }

        @Test
        @DisplayName("Multiple successes required")
        void multiple_successes_required() {
            ProviderCircuitBreaker breaker =
                    breaker(CircuitBreakerSettings.builder().successThreshold(3));
            fail(breaker, 5);
            time.advance(TIMEOUT);
            assertThat(breaker.canRequest()).isTrue();

            breaker.recordSuccess();
            breaker.recordSuccess();
            assertThat(breaker.state()).isEqualTo(HALF_OPEN);
            assertThat(breaker.status().successCount()).isEqualTo(2);

            breaker.recordSuccess();
            assertThat(breaker.state()).isEqualTo(CLOSED);
        }
    }

    @Nested
    @DisplayName("6. Reset Tests")
    class Reset {

        @Test
        @DisplayName("Manual reset from OPEN")
        void manual_reset_from_open() {
            ProviderCircuitBreaker breaker = openBreaker();
            breaker.reset();

            assertCleared(breaker);
        }

        @Test
        @DisplayName("Manual reset from HALF_OPEN")
        void manual_reset_from_half_open() {
            ProviderCircuitBreaker breaker = halfOpenBreaker();
            breaker.reset();

            assertCleared(breaker);
        }

        private void assertCleared(ProviderCircuitBreaker breaker) {
            assertThat(breaker.canRequest()).isTrue();
            assertThat(breaker.status().toMap())
                    .containsEntry("state", "closed")
                    .containsEntry("failure_count", 0)
                    .containsEntry("success_count", 0)
                    .doesNotContainKeys("last_failure_time", "opened_at", "time_since_opened", "time_until_retry");
        }
    }

    @Nested
    @DisplayName("7. Status Tests")
    class Status {

        @Test
        @DisplayName("Status in CLOSED state")
        void status_in_closed_state() {
            ProviderCircuitBreaker breaker = breaker();
            fail(breaker, 2);

            assertThat(breaker.status().toMap())
                    .containsEntry("name", "groq")
                    .containsEntry("state", "closed")
                    .containsEntry("failure_count", 2)
                    .containsEntry("success_count", 0)
                    .containsEntry("last_failure_time", "2026-02-11T12:00:00Z")
                    .doesNotContainKeys("opened_at", "time_since_opened", "time_until_retry");
        }

        @Test
        @DisplayName("Status in OPEN state")
        void status_in_open_state() {
            ProviderCircuitBreaker breaker = openBreaker();
            time.advance(Duration.ofMillis(22_500));

            assertThat(breaker.status().toMap())
                    .containsEntry("state", "open")
                    .containsEntry("failure_count", 5)
                    .containsEntry("last_failure_time", "2026-02-11T12:00:00Z")
                    .containsEntry("opened_at", "2026-02-11T12:00:00Z")
                    .containsEntry("time_since_opened", 22.5)
                    .containsEntry("time_until_retry", 37.5);
        }

        @Test
        @DisplayName("Status includes configuration")
        void status_includes_configuration() {
            assertThat(breaker().status().toMap())
                    .containsEntry("failure_threshold", 5)
                    .containsEntry("timeout_duration", 60.0)
                    .containsEntry("success_threshold", 1);
        }
    }

    @Nested
    @DisplayName("8. Edge Case Tests")
    class EdgeCases {

        @Test
        @DisplayName("Success in OPEN state")
        void success_in_open_state() {
            ProviderCircuitBreaker breaker = openBreaker();
            breaker.recordSuccess();

            assertThat(breaker.state()).isEqualTo(OPEN);
            assertThat(failures(breaker)).isEqualTo(5);
        }

        @Test
        @DisplayName("Failure in OPEN state")
        void failure_in_open_state() {
            ProviderCircuitBreaker breaker = openBreaker();
            time.advance(Duration.ofSeconds(10));
            breaker.recordFailure();

            assertThat(breaker.state()).isEqualTo(OPEN);
            assertThat(failures(breaker)).isEqualTo(5);
            assertThat(breaker.status().lastFailureTime()).hasValue(NOON);
            assertThat(breaker.status().timeUntilRetry()).hasValue(Duration.ofSeconds(50));
        }

        @Test
        @DisplayName("Rapid state transitions")
        void rapid_state_transitions() {
            ProviderCircuitBreaker breaker =
                    breaker(CircuitBreakerSettings.builder().failureThreshold(1));
            for (int i = 0; i < 100; i++) {
                breaker.recordFailure();
                assertThat(breaker.state()).isEqualTo(OPEN);
                time.advance(TIMEOUT);
                assertThat(breaker.canRequest()).isTrue();
                assertThat(breaker.state()).isEqualTo(HALF_OPEN);
                breaker.recordSuccess();
                assertThat(breaker.state()).isEqualTo(CLOSED);
            }
        }
    }

    @Nested
    @DisplayName("9. Representation Tests")
    class Representation {

        @Test
        @DisplayName("__repr__ in CLOSED state")
        void repr_in_closed_state() {
            ProviderCircuitBreaker breaker = breaker();
            fail(breaker, 2);

            assertThat(breaker).hasToString("CircuitBreaker(name='groq', state=closed, failures=2/5)");
        }

        @Test
        @DisplayName("__repr__ in OPEN state")
        void repr_in_open_state() {
            assertThat(openBreaker()).hasToString("CircuitBreaker(name='groq', state=open, failures=5/5)");
        }
    }

    @Nested
    @DisplayName("10. Integration Tests")
    class Integration {

        @Test
        @DisplayName("Complete failure recovery cycle")
        void complete_failure_recovery_cycle() {
            ProviderCircuitBreaker breaker = breaker();
            breaker.recordSuccess();
            fail(breaker, 5);
            assertThat(breaker.canRequest()).isFalse();

            time.advance(TIMEOUT);
            assertThat(breaker.canRequest()).isTrue();
            breaker.recordSuccess();

            assertThat(breaker.state()).isEqualTo(CLOSED);
            fail(breaker, 4);
            assertThat(breaker.canRequest()).isTrue();
        }

        @Test
        @DisplayName("Failed recovery attempt")
        void failed_recovery_attempt() {
            ProviderCircuitBreaker breaker = openBreaker();
            time.advance(TIMEOUT);
            assertThat(breaker.canRequest()).isTrue();
            breaker.recordFailure();

            time.advance(TIMEOUT.minusNanos(1));
            assertThat(breaker.canRequest()).isFalse();
            time.advance(Duration.ofNanos(1));
            assertThat(breaker.canRequest()).isTrue();
            breaker.recordSuccess();
            assertThat(breaker.state()).isEqualTo(CLOSED);
        }
    }
}
