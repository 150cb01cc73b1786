package ai.orchestrator.breaker;

import static ai.orchestrator.breaker.CircuitState.CLOSED;
import static ai.orchestrator.breaker.CircuitState.DISABLED;
import static ai.orchestrator.breaker.CircuitState.FORCED_OPEN;
import static ai.orchestrator.breaker.CircuitState.HALF_OPEN;
import static ai.orchestrator.breaker.CircuitState.OPEN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import ai.orchestrator.breaker.Acquisition.Permit;
import ai.orchestrator.breaker.Acquisition.Refusal;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.time.TimeSource;
import io.github.resilience4j.circuitbreaker.CallNotPermittedException;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The rules of the breaker, and the scenarios R1 to R15 as far as they concern it alone. */
@Timeout(60)
class ProviderCircuitBreakerTest {

    private static final Instant NOON = Instant.parse("2026-11-01T12:00:00Z");
    private static final Duration WAIT = Duration.ofSeconds(10);
    private static final Duration LEASE = Duration.ofSeconds(30);

    private final ManualTimeSource time = new ManualTimeSource();
    private Instant wallClock = NOON;
    private final CircuitBreakerRegistry registry = CircuitBreakerRegistry.ofDefaults();
    private final ProviderCircuitBreaker breaker = breaker("groq", 3, 2);

    private ProviderCircuitBreaker breaker(String name, int failureThreshold, int successThreshold) {
        return ProviderCircuitBreaker.builder(name)
                .settings(CircuitBreakerSettings.builder()
                        .failureThreshold(failureThreshold)
                        .successThreshold(successThreshold)
                        .timeoutDuration(WAIT)
                        .trialLease(LEASE)
                        .build())
                .timeSource(time)
                .instantSource(() -> wallClock)
                .registry(registry)
                .build();
    }

    private Permit permit() {
        return (Permit) breaker.tryAcquire();
    }

    private Refusal refusal() {
        return (Refusal) breaker.tryAcquire();
    }

    private void fail(int times) {
        for (int i = 0; i < times; i++) {
            permit().failure();
        }
    }

    private void open() {
        fail(3);
        assertThat(breaker.state()).isEqualTo(OPEN);
    }

    private Permit firstTrial() {
        open();
        time.advance(WAIT);
        return permit();
    }

    private CircuitBreaker resilience4j() {
        return registry.circuitBreaker("groq");
    }

    // ---- Closed

    @Test
    void it_opens_at_the_last_failure_in_a_row_and_not_before() {
        fail(2);
        permit().success();
        fail(2);
        assertThat(breaker.state()).isEqualTo(CLOSED);
        assertThat(breaker.status().failureCount()).isEqualTo(2);

        fail(1);
        assertThat(breaker.state()).isEqualTo(OPEN);
        assertThat(breaker).hasToString("CircuitBreaker(name='groq', state=open, failures=3/3)");
    }

    @Test
    void a_released_permit_counts_as_nothing() {
        fail(2);
        permit().release();

        assertThat(breaker.status().failureCount()).isEqualTo(2);
        assertThat(breaker.counters().released()).isEqualTo(1);
        assertThat(resilience4j().getMetrics().getNumberOfBufferedCalls()).isEqualTo(2);
    }

    @Test
    void a_closed_breaker_gives_everybody_the_same_permit_and_counts_each_completion() {
        Permit permit = permit();
        assertThat(permit()).isSameAs(permit);

        permit.failure();
        permit.failure();
        assertThat(breaker.status().failureCount()).isEqualTo(2);
    }

    @Test
    void failures_as_old_as_the_window_no_longer_count_in_the_trip_and_in_the_status() {
        fail(1);
        time.advance(Duration.ofSeconds(20));
        fail(1);
        time.advance(Duration.ofSeconds(40).minusNanos(1));
        assertThat(breaker.status().failureCount()).isEqualTo(2);

        time.advance(Duration.ofNanos(1));
        assertThat(breaker.status().failureCount()).isEqualTo(1);

        fail(1);
        assertThat(breaker.state()).isEqualTo(CLOSED);
        assertThat(breaker.status().failureCount()).isEqualTo(2);
        assertThat(resilience4j().getState()).isEqualTo(CircuitBreaker.State.CLOSED);

        fail(1);
        assertThat(breaker.state()).isEqualTo(OPEN);
        assertThat(resilience4j().getState()).isEqualTo(CircuitBreaker.State.OPEN);
    }

    @Test
    void a_window_of_zero_lets_failures_count_for_ever() {
        ProviderCircuitBreaker patient = ProviderCircuitBreaker.builder("patient")
                .settings(CircuitBreakerSettings.builder()
                        .failureThreshold(2)
                        .failureWindow(Duration.ZERO)
                        .build())
                .timeSource(time)
                .build();
        patient.recordFailure();
        time.advance(Duration.ofDays(300));
        patient.recordFailure();

        assertThat(patient.state()).isEqualTo(OPEN);
    }

    @Test
    void the_last_failure_is_remembered_until_a_success_forgets_it() {
        fail(1);
        time.advance(Duration.ofHours(1));
        assertThat(breaker.status().failureCount()).isZero();
        assertThat(breaker.status().lastFailureTime()).hasValue(NOON);

        permit().success();
        assertThat(breaker.status().lastFailureTime()).isEmpty();
    }

    @Test
    void R10_five_failures_in_a_row_open_it_and_one_of_two_does_not() {
        ProviderCircuitBreaker usual =
                ProviderCircuitBreaker.builder("usual").timeSource(time).build();
        usual.recordSuccess();
        usual.recordFailure();
        assertThat(usual.state()).isEqualTo(CLOSED);

        for (int i = 0; i < 4; i++) {
            usual.recordFailure();
        }
        assertThat(usual.state()).isEqualTo(OPEN);
    }

    // ---- Open

    @Test
    void it_refuses_until_the_very_end_of_the_wait_and_the_next_request_is_a_trial() {
        open();
        time.advance(WAIT.minusNanos(1));
        Refusal refusal = refusal();
        assertThat(refusal.state()).isEqualTo(OPEN);
        assertThat(refusal.timeUntilRetry()).hasValue(Duration.ofNanos(1));
        assertThat(breaker.canRequest()).isFalse();

        time.advance(Duration.ofNanos(1));
        assertThat(refusal.timeUntilRetry()).hasValue(Duration.ZERO);
        assertThat(breaker.state()).isEqualTo(OPEN);
        assertThat(breaker.status().timeUntilRetry()).hasValue(Duration.ZERO);
        assertThat(breaker.tryAcquire()).isInstanceOf(Permit.class);
        assertThat(breaker.state()).isEqualTo(HALF_OPEN);
    }

    @Test
    void refusals_are_counted_by_us_and_unknown_to_resilience4j() {
        open();
        refusal();
        assertThat(breaker.canRequest()).isFalse();

        assertThat(breaker.counters().refusals()).isEqualTo(2);
        assertThat(resilience4j().getMetrics().getNumberOfNotPermittedCalls()).isZero();
    }

    // ---- Half-open

    @Test
    void only_as_many_trials_as_successes_are_needed_may_be_under_way() {
        Permit first = firstTrial();
        Permit second = permit();
        assertThat(refusal().state()).isEqualTo(HALF_OPEN);
        assertThat(refusal().timeUntilRetry()).isEmpty();
        assertThat(breaker.canRequest()).isFalse();

        first.success();
        assertThat(breaker.status().successCount()).isEqualTo(1);
        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);

        second.success();
        assertThat(breaker.state()).isEqualTo(CLOSED);
        assertThat(resilience4j().getState()).isEqualTo(CircuitBreaker.State.CLOSED);
        assertThat(breaker.status().openedAt()).isEmpty();
    }

    @Test
    void the_first_failed_trial_opens_it_again_whatever_the_others_do() {
        Permit first = firstTrial();
        Permit second = permit();
        first.success();
        time.advance(Duration.ofSeconds(4));
        second.failure();

        assertThat(breaker.state()).isEqualTo(OPEN);
        assertThat(breaker.status().timeUntilRetry()).hasValue(WAIT);
        assertThat(breaker.status().failureCount()).isEqualTo(3);
        assertThat(breaker.counters().openings()).isEqualTo(2);
        assertThat(resilience4j().getState()).isEqualTo(CircuitBreaker.State.OPEN);
    }

    @Test
    void more_successes_than_failures_may_be_needed_and_resilience4j_does_not_close_before() {
        ProviderCircuitBreaker careful = breaker("careful", 2, 4);
        careful.recordFailure();
        careful.recordFailure();
        time.advance(WAIT);
        for (int i = 0; i < 3; i++) {
            ((Permit) careful.tryAcquire()).success();
            assertThat(careful.state()).isEqualTo(HALF_OPEN);
            assertThat(registry.circuitBreaker("careful").getState()).isEqualTo(CircuitBreaker.State.HALF_OPEN);
        }
        ((Permit) careful.tryAcquire()).success();

        assertThat(careful.state()).isEqualTo(CLOSED);
        assertThat(registry.circuitBreaker("careful").getState()).isEqualTo(CircuitBreaker.State.CLOSED);
    }

    @Test
    void a_trial_completed_twice_counts_once() {
        Permit trial = firstTrial();
        trial.success();
        trial.success();
        trial.failure();
        trial.release();

        assertThat(breaker.state()).isEqualTo(HALF_OPEN);
        assertThat(breaker.status().successCount()).isEqualTo(1);
        assertThat(breaker.counters().lateResults()).isZero();
        assertThat(breaker.counters().released()).isZero();
    }

    @Test
    void a_call_may_ask_for_a_lease_of_its_own() {
        open();
        time.advance(WAIT);
        breaker.tryAcquire(Duration.ofSeconds(100));
        breaker.tryAcquire(Duration.ofSeconds(5));
        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);

        time.advance(Duration.ofSeconds(5).minusNanos(1));
        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);
        time.advance(Duration.ofNanos(1));
        assertThat(breaker.tryAcquire()).isInstanceOf(Permit.class);
        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);
    }

    @Test
    void a_lease_of_nothing_is_refused_and_one_without_end_is_cut() {
        assertThatThrownBy(() -> breaker.tryAcquire(Duration.ZERO))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("trialLease must be more than zero but is PT0S");
        assertThatThrownBy(() -> breaker.tryAcquire(Duration.ofNanos(-1))).hasMessageContaining("trialLease");
        open();
        time.advance(WAIT);
        assertThat(breaker.tryAcquire(Duration.ofSeconds(Long.MAX_VALUE))).isInstanceOf(Permit.class);
        time.advance(Duration.ofDays(365));

        assertThat(breaker.counters().expiredLeases()).isEqualTo(1);
    }

    @Test
    void without_any_setting_a_lease_is_ten_minutes() {
        ProviderCircuitBreaker usual =
                ProviderCircuitBreaker.builder("usual").timeSource(time).build();
        for (int i = 0; i < 5; i++) {
            usual.recordFailure();
        }
        time.advance(Duration.ofMinutes(1));
        assertThat(usual.tryAcquire()).isInstanceOf(Permit.class);
        time.advance(Duration.ofMinutes(10).minusNanos(1));
        assertThat(usual.tryAcquire()).isInstanceOf(Refusal.class);
        time.advance(Duration.ofNanos(1));
        assertThat(usual.tryAcquire()).isInstanceOf(Permit.class);
    }

    // ---- Scenarios

    @Test
    void R1_results_from_before_the_trip_leave_the_decision_to_the_trial() {
        List<Permit> old = List.of(permit(), permit(), permit(), permit());
        Permit trial = firstTrial();

        old.get(0).success();
        old.get(1).success();
        old.get(2).failure();
        old.get(3).failure();
        assertThat(breaker.state()).isEqualTo(HALF_OPEN);
        assertThat(resilience4j().getState()).isEqualTo(CircuitBreaker.State.HALF_OPEN);
        assertThat(breaker.status().successCount()).isZero();
        assertThat(breaker.counters().lateResults()).isEqualTo(4);

        trial.success();
        permit().success();
        assertThat(breaker.state()).isEqualTo(CLOSED);
    }

    @Test
    void R2_late_results_that_count_as_nothing_give_back_no_permit() {
        List<Permit> old = List.of(permit(), permit(), permit(), permit(), permit(), permit());
        firstTrial();
        old.forEach(Permit::release);

        assertThat(breaker.tryAcquire()).isInstanceOf(Permit.class);
        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);
        assertThat(breaker.counters().released()).isZero();
    }

    @Test
    void R3_a_lost_trial_makes_room_when_its_lease_ends_and_its_late_result_changes_nothing() {
        Permit lost = firstTrial();
        permit();
        time.advance(LEASE.minusNanos(1));
        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);

        time.advance(Duration.ofNanos(1));
        assertThat(breaker.tryAcquire()).isInstanceOf(Permit.class);
        lost.failure();
        assertThat(breaker.state()).isEqualTo(HALF_OPEN);
        assertThat(breaker.counters().expiredLeases()).isEqualTo(2);
        assertThat(breaker.counters().lateResults()).isEqualTo(1);
        assertThat(breaker.status().successCount()).isZero();
    }

    @Test
    void R4_a_cancelled_trial_gives_its_permit_back_at_once() {
        Permit trial = firstTrial();
        permit();
        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);
        trial.release();

        assertThat(breaker.state()).isEqualTo(HALF_OPEN);
        assertThat(breaker.tryAcquire()).isInstanceOf(Permit.class);
        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);
    }

    @Test
    void R5_a_trial_that_ends_in_an_error_has_failed_and_the_error_reaches_the_caller() {
        open();
        time.advance(WAIT);
        StackOverflowError error = new StackOverflowError();

        assertThat(catchThrowable(() -> breaker.call(
                        () -> {
                            throw error;
                        },
                        thrown -> false)))
                .isSameAs(error);
        assertThat(breaker.state()).isEqualTo(OPEN);
        assertThat(breaker.counters().openings()).isEqualTo(2);
    }

    @Test
    void R5_a_trial_whose_classifier_throws_has_failed_and_the_original_reaches_the_caller() {
        open();
        time.advance(WAIT);
        IllegalStateException original = new IllegalStateException("down");
        IllegalArgumentException broken = new IllegalArgumentException("broken classifier");

        assertThat(catchThrowable(() -> breaker.call(
                        () -> {
                            throw original;
                        },
                        thrown -> {
                            throw broken;
                        })))
                .isSameAs(original)
                .hasSuppressedException(broken);
        assertThat(breaker.state()).isEqualTo(OPEN);
    }

    @Test
    void R5_a_classifier_that_throws_what_it_was_asked_about_does_not_suppress_it_in_itself() {
        IllegalStateException original = new IllegalStateException("down");

        assertThat(catchThrowable(() -> breaker.call(
                        () -> {
                            throw original;
                        },
                        thrown -> {
                            throw original;
                        })))
                .isSameAs(original)
                .hasNoSuppressedExceptions();
        assertThat(breaker.status().failureCount()).isEqualTo(1);
    }

    @Test
    void R5_a_failure_with_no_cause_is_one_failed_trial() {
        Permit trial = firstTrial();
        trial.failure(Duration.ofSeconds(1), null);
        assertThat(breaker.state()).isEqualTo(OPEN);

        time.advance(WAIT);
        permit().failure(Duration.ofSeconds(1), new CompletionException(null));
        assertThat(breaker.state()).isEqualTo(OPEN);
        assertThat(resilience4j().getState()).isEqualTo(CircuitBreaker.State.OPEN);
        assertThat(breaker.counters().openings()).isEqualTo(3);
    }

    @Test
    void R6_of_two_hundred_at_the_end_of_the_wait_exactly_two_are_admitted() throws Exception {
        open();
        time.advance(WAIT);
        CountDownLatch start = new CountDownLatch(1);
        AtomicInteger admitted = new AtomicInteger();
        ExecutorService threads = Executors.newFixedThreadPool(200);
        try {
            List<Future<?>> done = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                done.add(threads.submit((Callable<Void>) () -> {
                    start.await();
                    if (breaker.tryAcquire() instanceof Permit) {
                        admitted.incrementAndGet();
                    }
                    return null;
                }));
            }
            start.countDown();
            for (Future<?> thread : done) {
                thread.get();
            }
        } finally {
            threads.shutdownNow();
        }

        assertThat(admitted).hasValue(2);
        assertThat(breaker.counters().refusals()).isEqualTo(198);
    }

    @Test
    void R7_a_trial_that_another_guard_stops_gives_its_permit_back() {
        open();
        time.advance(WAIT);
        ProviderCircuitBreaker inner = breaker("inner", 1, 1);
        inner.forceOpen();

        assertThatThrownBy(() -> breaker.call(() -> inner.call(() -> "never")))
                .isInstanceOf(CircuitOpenException.class)
                .hasMessage("Circuit breaker 'inner' was forced open by an operator");
        assertThat(breaker.state()).isEqualTo(HALF_OPEN);
        assertThat(breaker.tryAcquire()).isInstanceOf(Permit.class);
        assertThat(breaker.tryAcquire()).isInstanceOf(Permit.class);
    }

    @Test
    void R8_a_rate_limit_on_a_trial_is_no_failure_and_an_overload_is() {
        open();
        time.advance(WAIT);
        assertThatThrownBy(() -> breaker.call(() -> {
                    throw ProviderException.of(FailureKind.RATE_LIMITED, "429");
                }))
                .hasMessage("429");
        assertThat(breaker.state()).isEqualTo(HALF_OPEN);

        assertThatThrownBy(() -> breaker.call(() -> {
                    throw ProviderException.of(FailureKind.OVERLOADED, "529");
                }))
                .hasMessage("529");
        assertThat(breaker.state()).isEqualTo(OPEN);
    }

    @ParameterizedTest
    @EnumSource(
            value = FailureKind.class,
            names = {"BAD_REQUEST", "CONTENT_FILTERED", "CONTEXT_TOO_LONG", "CREDENTIAL", "PERMISSION", "CANCELLED"})
    void R12_what_is_not_the_providers_fault_moves_nothing_however_often(FailureKind kind) {
        for (int i = 0; i < 20; i++) {
            assertThatThrownBy(() -> breaker.call(() -> {
                        throw ProviderException.of(kind, "not the provider's fault");
                    }))
                    .hasMessage("not the provider's fault");
        }

        assertThat(breaker.state()).isEqualTo(CLOSED);
        assertThat(breaker.status().failureCount()).isZero();
        assertThat(breaker.counters().released()).isEqualTo(20);
    }

    @Test
    void R13_an_operators_decision_stands_against_results_of_calls_under_way() {
        fail(2);
        Permit last = permit();
        breaker.forceOpen();
        last.failure();
        assertThat(breaker.state()).isEqualTo(FORCED_OPEN);
        assertThat(resilience4j().getState()).isEqualTo(CircuitBreaker.State.FORCED_OPEN);
        time.advance(Duration.ofDays(1));
        assertThat(refusal().timeUntilRetry()).isEmpty();

        breaker.disable();
        for (int i = 0; i < 10; i++) {
            permit().failure();
        }
        assertThat(breaker.state()).isEqualTo(DISABLED);
        assertThat(breaker.status().failureCount()).isZero();
        assertThat(resilience4j().getState()).isEqualTo(CircuitBreaker.State.DISABLED);

        breaker.reset();
        assertThat(breaker.state()).isEqualTo(CLOSED);
    }

    @Test
    void R14_a_reset_forgets_the_old_wait() {
        open();
        time.advance(WAIT.minusMillis(300));
        breaker.reset();
        open();
        assertThat(breaker.status().timeUntilRetry()).hasValue(WAIT);
        time.advance(WAIT.minusNanos(1));
        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);

        time.advance(Duration.ofNanos(1));
        assertThat(breaker.tryAcquire()).isInstanceOf(Permit.class);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, -1})
    void R15_a_jump_of_the_wall_clock_changes_no_wait_window_or_lease(int hours) {
        fail(1);
        wallClock = wallClock.plus(Duration.ofHours(hours));
        fail(2);
        assertThat(breaker.state()).isEqualTo(OPEN);
        assertThat(breaker.status().openedAt()).hasValue(wallClock);

        wallClock = wallClock.plus(Duration.ofHours(hours));
        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);
        assertThat(breaker.status().timeUntilRetry()).hasValue(WAIT);
        time.advance(WAIT);
        permit();
        permit();
        wallClock = wallClock.plus(Duration.ofHours(hours));
        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);
        time.advance(LEASE);
        assertThat(breaker.tryAcquire()).isInstanceOf(Permit.class);
        assertThat(breaker.status().timeSinceOpened()).hasValue(WAIT.plus(LEASE));
    }

    @Test
    void a_clock_that_stands_still_ends_no_wait_and_one_near_its_overflow_ends_it_exactly() {
        ManualTimeSource late =
                new ManualTimeSource(Long.MAX_VALUE - Duration.ofSeconds(3).toNanos());
        ProviderCircuitBreaker aged = ProviderCircuitBreaker.builder("aged")
                .settings(CircuitBreakerSettings.builder()
                        .failureThreshold(2)
                        .timeoutDuration(WAIT)
                        .build())
                .timeSource(late)
                .build();
        aged.recordFailure();
        aged.recordFailure();
        for (int i = 0; i < 1_000; i++) {
            assertThat(aged.canRequest()).isFalse();
        }
        late.advance(WAIT.minusNanos(1));
        assertThat(aged.canRequest()).isFalse();
        late.advance(Duration.ofNanos(1));
        assertThat(aged.canRequest()).isTrue();
    }

    // ---- Without permits

    @Test
    void results_without_a_permit_count_in_the_state_in_which_they_arrive() {
        open();
        breaker.recordSuccess();
        breaker.recordFailure();
        assertThat(breaker.state()).isEqualTo(OPEN);
        assertThat(breaker.counters().failures()).isEqualTo(3);
        assertThat(breaker.counters().successes()).isZero();

        time.advance(WAIT);
        assertThat(breaker.canRequest()).isTrue();
        assertThat(breaker.canRequest()).isTrue();
        breaker.recordSuccess();
        assertThat(breaker.status().successCount()).isEqualTo(1);
        breaker.recordFailure();
        assertThat(breaker.state()).isEqualTo(OPEN);

        breaker.forceOpen();
        breaker.recordSuccess();
        assertThat(breaker.state()).isEqualTo(FORCED_OPEN);
        breaker.disable();
        breaker.recordSuccess();
        breaker.recordFailure();
        assertThat(breaker.canRequest()).isTrue();
        assertThat(breaker.counters().successes()).isEqualTo(2);
        assertThat(breaker.counters().failures()).isEqualTo(5);
    }

    @Test
    void enough_successes_without_a_permit_close_it_and_make_the_trials_under_way_late() {
        Permit trial = firstTrial();
        breaker.recordSuccess();
        breaker.recordSuccess();
        assertThat(breaker.state()).isEqualTo(CLOSED);

        trial.failure();
        assertThat(breaker.status().failureCount()).isZero();
        assertThat(breaker.counters().lateResults()).isEqualTo(1);
    }

    @Test
    void a_lease_that_ended_is_counted_when_a_success_without_a_permit_closes_it() {
        assertThat(firstTrial()).isNotNull();
        time.advance(LEASE);
        breaker.recordSuccess();
        breaker.recordSuccess();
        assertThat(breaker.state()).isEqualTo(CLOSED);
        assertThat(breaker.counters().expiredLeases()).isEqualTo(1);
    }

    @Test
    void a_lease_that_ended_is_counted_when_somebody_looks_at_the_status_before_a_reset() {
        assertThat(firstTrial()).isNotNull();
        time.advance(LEASE);
        assertThat(breaker.status().state()).isEqualTo(HALF_OPEN);
        breaker.reset();
        assertThat(breaker.counters().expiredLeases()).isEqualTo(1);
    }

    // ---- Threads

    /** Runs something on a thread of its own that must not have to wait. */
    private static void atOnce(Runnable action) {
        assertThat(CompletableFuture.runAsync(action)).succeedsWithin(Duration.ofSeconds(10));
    }

    @Test
    void whatever_one_thread_asks_the_next_one_gets_its_turn() {
        List<Runnable> questions = List.of(
                () -> permit().release(),
                this::open,
                breaker::refusal,
                breaker::status,
                breaker::counters,
                breaker::tryAcquire,
                breaker::canRequest,
                () -> time.advance(WAIT),
                () -> permit().release(),
                () -> permit().success(),
                breaker::recordFailure,
                breaker::disable,
                breaker::forceOpen,
                breaker::reset);
        for (Runnable question : questions) {
            question.run();
            atOnce(breaker::status);
        }
    }

    @Test
    void who_finds_it_full_of_trials_is_refused_even_while_another_holds_the_lock() {
        AtomicReference<Runnable> underLock = new AtomicReference<>();
        TimeSource observed = new FailingTimeSource(time, () -> {
            Runnable action = underLock.getAndSet(null);
            if (action != null) {
                action.run();
            }
            return false;
        });
        ProviderCircuitBreaker crowded = ProviderCircuitBreaker.builder("crowded")
                .settings(CircuitBreakerSettings.builder()
                        .failureThreshold(1)
                        .successThreshold(2)
                        .timeoutDuration(WAIT)
                        .build())
                .timeSource(observed)
                .build();
        crowded.recordFailure();
        time.advance(WAIT);
        Permit first = (Permit) crowded.tryAcquire();
        assertThat(crowded.tryAcquire()).isInstanceOf(Permit.class);
        Runnable another = () -> atOnce(() -> assertThat(crowded.tryAcquire()).isInstanceOf(Refusal.class));
        underLock.set(another);
        assertThat(crowded.status().successCount()).isZero();
        assertThat(underLock).hasNullValue();

        first.success();
        underLock.set(another);
        assertThat(crowded.status().successCount()).as("one more is under way").isEqualTo(1);
        assertThat(underLock).hasNullValue();
        assertThat(crowded.counters().refusals()).isEqualTo(2);
    }

    // ---- A look without consequences

    /** Looks twice, and makes sure that nobody could tell. */
    private Optional<Refusal> look() {
        CircuitBreakerCounters before = breaker.counters();
        CircuitState state = breaker.state();
        CircuitBreaker.State mirrored = resilience4j().getState();

        Optional<Refusal> refusal = breaker.refusal();
        assertThat(breaker.refusal()).isEqualTo(refusal);

        assertThat(breaker.counters()).isEqualTo(before);
        assertThat(breaker.state()).isEqualTo(state);
        assertThat(resilience4j().getState()).isEqualTo(mirrored);
        return refusal;
    }

    @Test
    void a_look_at_an_open_breaker_tells_of_the_wait_and_at_its_end_makes_no_trial_of_it() {
        assertThat(look()).isEmpty();
        open();
        time.advance(Duration.ofSeconds(4));
        assertThat(look()).hasValueSatisfying(refusal -> {
            assertThat(refusal.state()).isEqualTo(OPEN);
            assertThat(refusal.timeUntilRetry()).hasValue(Duration.ofSeconds(6));
        });
        time.advance(Duration.ofSeconds(6).minusNanos(1));
        assertThat(look()).isPresent();

        time.advance(Duration.ofNanos(1));
        assertThat(look()).isEmpty();
        assertThat(breaker.state()).isEqualTo(OPEN);
        assertThat(breaker.tryAcquire()).isInstanceOf(Permit.class);
    }

    @Test
    void a_look_at_a_half_open_breaker_takes_none_of_its_trials() {
        Permit first = firstTrial();
        for (int i = 0; i < 5; i++) {
            assertThat(look()).isEmpty();
        }
        permit();
        assertThat(look()).hasValueSatisfying(refusal -> {
            assertThat(refusal.state()).isEqualTo(HALF_OPEN);
            assertThat(refusal.timeUntilRetry()).isEmpty();
        });

        first.release();
        assertThat(look()).isEmpty();
        permit();
        time.advance(LEASE.minusNanos(1));
        assertThat(look()).isPresent();
        time.advance(Duration.ofNanos(1));
        assertThat(look()).isEmpty();
        assertThat(breaker.state()).isEqualTo(HALF_OPEN);
    }

    @Test
    void a_look_knows_what_an_operator_has_decided() {
        breaker.forceOpen();
        time.advance(Duration.ofDays(1));
        assertThat(look()).hasValueSatisfying(refusal -> {
            assertThat(refusal.state()).isEqualTo(FORCED_OPEN);
            assertThat(refusal.timeUntilRetry()).isEmpty();
        });
        breaker.disable();
        assertThat(look()).isEmpty();
        breaker.reset();
        assertThat(look()).isEmpty();
    }

    @Test
    void a_look_sees_what_was_done_by_way_of_resilience4j() {
        resilience4j().transitionToOpenState();
        assertThat(breaker.refusal())
                .hasValueSatisfying(
                        refusal -> assertThat(refusal.timeUntilRetry()).hasValue(WAIT));
        assertThat(breaker.state()).isEqualTo(OPEN);
        assertThat(look()).isPresent();

        resilience4j().transitionToClosedState();
        assertThat(breaker.refusal()).isEmpty();
        assertThat(breaker.state()).isEqualTo(CLOSED);
        resilience4j().transitionToForcedOpenState();
        assertThat(breaker.refusal())
                .hasValueSatisfying(refusal -> assertThat(refusal.state()).isEqualTo(FORCED_OPEN));
        resilience4j().transitionToMetricsOnlyState();
        assertThat(breaker.refusal()).isEmpty();
        assertThat(breaker.state()).isEqualTo(DISABLED);
        assertThat(breaker.counters().refusals()).isZero();
        assertThat(breaker.counters().openings()).isZero();
    }

    // ---- Operators

    @Test
    void forcing_or_disabling_twice_is_the_same_as_once() {
        breaker.forceOpen();
        time.advance(Duration.ofSeconds(5));
        wallClock = NOON.plusSeconds(5);
        breaker.forceOpen();
        assertThat(breaker.status().openedAt()).hasValue(NOON);
        assertThat(breaker.status().timeSinceOpened()).hasValue(Duration.ofSeconds(5));
        assertThat(breaker.status().timeUntilRetry()).isEmpty();

        breaker.disable();
        Permit permit = permit();
        breaker.disable();
        permit.success();
        assertThat(breaker.counters().lateResults()).isZero();
        permit.release();
        assertThat(breaker.counters().released()).isEqualTo(1);
    }

    @Test
    void a_reset_of_a_closed_breaker_makes_what_is_in_flight_late() {
        Permit before = permit();
        fail(2);
        breaker.reset();
        assertThat(breaker.status().failureCount()).isZero();
        before.failure();
        before.success();
        before.release();

        assertThat(breaker.status().failureCount()).isZero();
        assertThat(breaker.counters().lateResults()).isEqualTo(3);
    }

    @Test
    void the_count_at_which_it_was_forced_open_is_shown() {
        fail(2);
        breaker.forceOpen();
        assertThat(breaker).hasToString("CircuitBreaker(name='groq', state=forced_open, failures=2/3)");
        breaker.disable();
        assertThat(breaker).hasToString("CircuitBreaker(name='groq', state=disabled, failures=0/3)");
        assertThat(breaker.status().lastFailureTime()).isEmpty();
    }

    // ---- One line

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
                    assertThat(e.state()).isEqualTo(OPEN);
                    assertThat(e.timeUntilRetry()).hasValue(WAIT);
                })
                .hasMessage("Circuit breaker 'groq' is open, next try in 10 s");
        time.advance(WAIT);
        permit();
        permit();
        assertThatThrownBy(() -> breaker.call(() -> "answer"))
                .hasMessage("Circuit breaker 'groq' is half open and all its trials are under way");
    }

    @Test
    void a_call_that_was_cancelled_or_turned_away_elsewhere_counts_as_nothing() {
        CircuitBreaker other = CircuitBreaker.ofDefaults("other");
        List<RuntimeException> nobodysFault = List.of(
                new CancellationException(),
                CallNotPermittedException.createCallNotPermittedException(other),
                ProviderException.of(FailureKind.CANCELLED, "cancelled"),
                new CompletionException(
                        new ExecutionException(ProviderException.of(FailureKind.BAD_REQUEST, "the caller's fault"))));
        for (RuntimeException thrown : nobodysFault) {
            assertThat(catchThrowable(() -> breaker.call(() -> {
                        throw thrown;
                    })))
                    .isSameAs(thrown);
        }

        assertThat(breaker.counters().released()).isEqualTo(4);
        assertThat(breaker.status().failureCount()).isZero();

        assertThatThrownBy(() -> breaker.call(() -> {
                    throw new CompletionException("of no known cause", null);
                }))
                .hasMessage("of no known cause");
        assertThat(breaker.status().failureCount()).isEqualTo(1);
    }

    @Test
    @SuppressWarnings("NullAway") // what a caller without null checks may do
    void a_call_without_anything_to_do_is_refused_before_a_permit_is_taken() {
        firstTrial();
        assertThatThrownBy(() -> breaker.call(null))
                .isInstanceOf(NullPointerException.class)
                .hasMessage("supplier");
        assertThatThrownBy(() -> breaker.call(() -> "answer", null))
                .isInstanceOf(NullPointerException.class)
                .hasMessage("countsAsFailure");
        assertThat(breaker.tryAcquire()).isInstanceOf(Permit.class);
    }

    // ---- Bad input

    @Test
    void a_name_that_the_registry_has_already_is_refused() {
        ProviderCircuitBreaker.Builder second =
                ProviderCircuitBreaker.builder("groq").registry(registry);

        assertThatThrownBy(second::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("already has a circuit breaker named 'groq'");
    }

    @Test
    @SuppressWarnings("NullAway") // what a caller without null checks may do
    void a_builder_refuses_what_is_missing_by_name() {
        assertThatThrownBy(() -> ProviderCircuitBreaker.builder(" ")).hasMessage("a circuit breaker needs a name");
        assertThatThrownBy(() -> ProviderCircuitBreaker.builder(null)).hasMessage("name");
        assertThatThrownBy(() -> breaker.tryAcquire(null)).hasMessage("trialLease");
        ProviderCircuitBreaker.Builder builder = ProviderCircuitBreaker.builder("b");
        assertThatThrownBy(() -> builder.settings(null)).hasMessage("settings");
        assertThatThrownBy(() -> builder.timeSource(null)).hasMessage("timeSource");
        assertThatThrownBy(() -> builder.instantSource(null)).hasMessage("instantSource");
        assertThatThrownBy(() -> builder.registry(null)).hasMessage("registry");
        assertThatThrownBy(() -> builder.meterRegistry(null)).hasMessage("meterRegistry");
        assertThatThrownBy(() -> builder.listener(null)).hasMessage("listener");
        assertThatThrownBy(() -> builder.listenerExecutor(null)).hasMessage("executor");
    }

    @Test
    void durations_without_sense_are_cut_and_lose_no_permit() {
        Permit permit = permit();
        permit.success(Duration.ofSeconds(-1));
        permit.success(Duration.ofSeconds(Long.MAX_VALUE));
        permit.failure(Duration.ofSeconds(Long.MAX_VALUE), new IllegalStateException());

        assertThat(breaker.state()).isEqualTo(CLOSED);
        assertThat(breaker.counters().successes()).isEqualTo(2);
        assertThat(breaker.counters().failures()).isEqualTo(1);
        // A threshold of one, because one slow call would be all calls slow.
        ProviderCircuitBreaker nervous = breaker("nervous", 1, 1);
        ((Permit) nervous.tryAcquire()).success(Duration.ofSeconds(Long.MAX_VALUE));
        assertThat(nervous.tryAcquire()).isInstanceOf(Permit.class);
        assertThat(registry.circuitBreaker("nervous").getState()).isEqualTo(CircuitBreaker.State.CLOSED);
    }

    @Test
    void the_largest_and_the_smallest_settings_work() {
        ProviderCircuitBreaker largest = ProviderCircuitBreaker.builder("largest")
                .settings(CircuitBreakerSettings.builder()
                        .failureThreshold(1_000)
                        .successThreshold(1_000)
                        .timeoutDuration(Duration.ofDays(365))
                        .failureWindow(Duration.ofDays(365))
                        .trialLease(Duration.ofDays(365))
                        .build())
                .timeSource(time)
                .build();
        for (int i = 0; i < 1_000; i++) {
            assertThat(largest.state()).isEqualTo(CLOSED);
            largest.recordFailure();
        }
        time.advance(Duration.ofDays(365));
        for (int i = 0; i < 1_000; i++) {
            assertThat(largest.tryAcquire()).isInstanceOf(Permit.class);
        }
        assertThat(largest.tryAcquire()).isInstanceOf(Refusal.class);
        for (int i = 0; i < 1_000; i++) {
            largest.recordSuccess();
        }
        assertThat(largest.state()).isEqualTo(CLOSED);

        Duration least = Duration.ofMillis(1);
        ProviderCircuitBreaker smallest = ProviderCircuitBreaker.builder("smallest")
                .settings(CircuitBreakerSettings.builder()
                        .failureThreshold(1)
                        .successThreshold(1)
                        .timeoutDuration(least)
                        .failureWindow(least)
                        .trialLease(least)
                        .build())
                .timeSource(time)
                .build();
        smallest.recordFailure();
        time.advance(least);
        assertThat(smallest.tryAcquire()).isInstanceOf(Permit.class);
        time.advance(least);
        assertThat(smallest.tryAcquire()).isInstanceOf(Permit.class);
    }

    // ---- By default

    @Test
    void it_works_on_the_real_clock_when_none_is_given() {
        ProviderCircuitBreaker real = ProviderCircuitBreaker.builder("real").build();
        Instant before = Instant.now();
        for (int i = 0; i < 5; i++) {
            assertThatThrownBy(() -> real.call(() -> {
                throw new IllegalStateException("down");
            }));
        }

        assertThat(real.state()).isEqualTo(OPEN);
        assertThat(real.status().openedAt())
                .hasValueSatisfying(opened -> assertThat(opened).isBetween(before, Instant.now()));
        assertThat(real.status().timeUntilRetry())
                .hasValueSatisfying(left -> assertThat(left).isBetween(Duration.ofSeconds(1), Duration.ofMinutes(1)));
        assertThat(real.name()).isEqualTo("real");
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

        open();
        time.advance(Duration.ofMillis(1500));

        assertThat(breaker.status().toMap())
                .containsEntry("state", "open")
                .containsEntry("failure_count", 3)
                .containsEntry("timeout_duration", 10.0)
                .containsEntry("last_failure_time", "2026-11-01T12:00:00Z")
                .containsEntry("opened_at", "2026-11-01T12:00:00Z")
                .containsEntry("time_since_opened", 1.5)
                .containsEntry("time_until_retry", 8.5);
    }

    @Test
    void a_time_source_that_fails_while_resilience4j_follows_breaks_no_call() {
        AtomicInteger readings = new AtomicInteger();
        TimeSource failing = new FailingTimeSource(time, () -> readings.incrementAndGet() == 4);
        ProviderCircuitBreaker unlucky = ProviderCircuitBreaker.builder("unlucky")
                .settings(CircuitBreakerSettings.builder().failureThreshold(1).build())
                .timeSource(failing)
                .registry(registry)
                .build();
        readings.set(2);
        unlucky.recordFailure();

        assertThat(unlucky.state()).isEqualTo(OPEN);
        assertThat(readings).hasValueGreaterThanOrEqualTo(4);
        unlucky.reset();
        assertThat(registry.circuitBreaker("unlucky").getState()).isEqualTo(CircuitBreaker.State.CLOSED);
    }
}
