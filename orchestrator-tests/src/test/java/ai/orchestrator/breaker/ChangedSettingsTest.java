package ai.orchestrator.breaker;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.breaker.Acquisition.Permit;
import ai.orchestrator.breaker.Acquisition.Refusal;
import ai.orchestrator.testkit.ManualTimeSource;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** G6: a breaker whose settings change keeps its state, and so does the Resilience4j breaker that follows it. */
@Timeout(60)
class ChangedSettingsTest {

    private final ManualTimeSource time = new ManualTimeSource(Long.MAX_VALUE - 1_000);
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final CircuitBreakerRegistry registry = CircuitBreakerRegistry.ofDefaults();
    private final ProviderCircuitBreaker breaker = ProviderCircuitBreaker.builder("groq")
            .settings(settings(s -> s))
            .timeSource(time)
            .registry(registry)
            .meterRegistry(meters)
            .build();

    private static CircuitBreakerSettings settings(UnaryOperator<CircuitBreakerSettings.Builder> change) {
        return change.apply(CircuitBreakerSettings.builder()
                        .failureThreshold(5)
                        .successThreshold(2)
                        .timeoutDuration(Duration.ofSeconds(10)))
                .build();
    }

    private void change(UnaryOperator<CircuitBreakerSettings.Builder> change) {
        breaker.reconfigure(settings(change));
    }

    private CircuitBreaker mirrored() {
        return registry.find("groq").orElseThrow();
    }

    private void fail(int times) {
        for (int i = 0; i < times; i++) {
            breaker.recordFailure();
        }
    }

    private Permit permit() {
        return (Permit) breaker.tryAcquire();
    }

    private static Duration left(ProviderCircuitBreaker breaker) {
        return ((Refusal) breaker.tryAcquire()).timeUntilRetry().orElseThrow();
    }

    // ---- Closed

    @Test
    void failures_in_a_row_stay_counted_under_a_higher_threshold() {
        fail(4);
        change(s -> s.failureThreshold(7));

        fail(2);
        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
        assertThat(breaker.status().failureCount()).isEqualTo(6);
        assertThat(mirrored().getState()).isEqualTo(CircuitBreaker.State.CLOSED);
        fail(1);
        assertThat(breaker.state()).isEqualTo(CircuitState.OPEN);
        assertThat(mirrored().getState()).isEqualTo(CircuitBreaker.State.OPEN);
    }

    @Test
    void a_threshold_below_the_count_opens_at_the_next_failure_and_not_before() {
        fail(4);
        change(s -> s.failureThreshold(2));

        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
        assertThat(breaker.status().failureCount()).isEqualTo(4);
        assertThat(breaker).hasToString("CircuitBreaker(name='groq', state=closed, failures=4/2)");
        fail(1);
        assertThat(breaker.state()).isEqualTo(CircuitState.OPEN);
        assertThat(mirrored().getState()).isEqualTo(CircuitBreaker.State.OPEN);
    }

    @Test
    void a_success_still_ends_the_row_after_a_threshold_below_the_count() {
        fail(4);
        change(s -> s.failureThreshold(2));

        permit().success();
        fail(1);
        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
        assertThat(breaker.status().failureCount()).isEqualTo(1);
    }

    @Test
    void a_shorter_window_forgets_what_is_too_old_in_it() {
        fail(4);
        time.advance(Duration.ofSeconds(20));
        change(s -> s.failureWindow(Duration.ofSeconds(15)));

        assertThat(breaker.status().failureCount()).isZero();
        fail(1);
        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
    }

    @Test
    void a_row_that_has_gone_round_its_ring_is_kept_in_its_order() {
        change(s -> s.failureThreshold(3).failureWindow(Duration.ofSeconds(10)));
        for (int i = 0; i < 4; i++) {
            fail(1);
            time.advance(Duration.ofSeconds(6));
        }
        assertThat(breaker.status().failureCount()).isEqualTo(1);
        fail(1);
        change(s -> s.failureThreshold(4).failureWindow(Duration.ofSeconds(10)));
        time.advance(Duration.ofSeconds(4));
        assertThat(breaker.status().failureCount())
                .as("the older one is gone at its time")
                .isEqualTo(1);
    }

    @Test
    void a_call_under_way_reports_to_the_state_it_began_in() {
        fail(4);
        Permit permit = permit();
        change(s -> s.failureThreshold(6));

        permit.failure();
        assertThat(breaker.status().failureCount()).isEqualTo(5);
        assertThat(breaker.counters().lateResults()).isZero();
    }

    // ---- Open

    @Test
    void the_wait_of_an_open_one_is_counted_from_when_it_opened() {
        fail(5);
        time.advance(Duration.ofSeconds(4));

        change(s -> s.timeoutDuration(Duration.ofSeconds(6)));
        assertThat(left(breaker)).isEqualTo(Duration.ofSeconds(2));
        change(s -> s.timeoutDuration(Duration.ofSeconds(30)));
        assertThat(left(breaker)).isEqualTo(Duration.ofSeconds(26));
        change(s -> s.timeoutDuration(Duration.ofSeconds(3)));
        assertThat(breaker.state()).as("until somebody asks").isEqualTo(CircuitState.OPEN);
        permit();
        assertThat(breaker.state()).isEqualTo(CircuitState.HALF_OPEN);
        assertThat(mirrored().getState()).isEqualTo(CircuitBreaker.State.HALF_OPEN);
    }

    @Test
    void one_forced_open_stays_so() {
        breaker.forceOpen();
        change(s -> s.timeoutDuration(Duration.ofMillis(1)).failureThreshold(9));

        time.advance(Duration.ofHours(1));
        assertThat(((Refusal) breaker.tryAcquire()).state()).isEqualTo(CircuitState.FORCED_OPEN);
        assertThat(mirrored().getState()).isEqualTo(CircuitBreaker.State.FORCED_OPEN);
    }

    // ---- Half-open

    private void halfOpen() {
        fail(5);
        time.advance(Duration.ofSeconds(10));
    }

    @Test
    void more_trials_are_let_through_when_more_successes_are_needed() {
        halfOpen();
        permit();
        permit().success();
        assertThat(breaker.tryAcquire()).as("one success and one trial are two").isInstanceOf(Refusal.class);

        change(s -> s.successThreshold(3));
        Permit third = permit();
        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);
        third.success();
        assertThat(breaker.state()).isEqualTo(CircuitState.HALF_OPEN);
        assertThat(mirrored().getState()).isEqualTo(CircuitBreaker.State.HALF_OPEN);
    }

    @Test
    void one_that_has_as_many_successes_as_are_needed_now_closes_at_once() {
        halfOpen();
        permit().success();

        change(s -> s.successThreshold(1));
        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
        assertThat(mirrored().getState()).isEqualTo(CircuitBreaker.State.CLOSED);
    }

    @Test
    void a_trial_keeps_the_lease_that_it_was_given() {
        halfOpen();
        change(s -> s.successThreshold(1).trialLease(Duration.ofSeconds(30)));
        Permit trial = permit();

        change(s -> s.successThreshold(1).trialLease(Duration.ofSeconds(1)));
        time.advance(Duration.ofSeconds(29));
        trial.success();
        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
    }

    // ---- Resilience4j

    @ParameterizedTest
    @EnumSource
    void another_resilience4j_breaker_takes_over_in_every_state(CircuitState state) {
        switch (state) {
            case CLOSED -> fail(2);
            case OPEN -> fail(5);
            case HALF_OPEN -> {
                halfOpen();
                permit();
            }
            case FORCED_OPEN -> breaker.forceOpen();
            case DISABLED -> breaker.disable();
        }
        CircuitBreaker before = mirrored();
        List<CircuitBreaker> replaced = new ArrayList<>();
        List<Object> events = new ArrayList<>();
        registry.getEventPublisher().onEntryReplaced(event -> {
            replaced.add(event.getOldEntry());
            event.getNewEntry().getEventPublisher().onEvent(events::add);
        });

        change(s -> s.failureThreshold(8).successThreshold(3).timeoutDuration(Duration.ofSeconds(20)));

        assertThat(breaker.state()).isEqualTo(state);
        assertThat(replaced).containsExactly(before);
        assertThat(events).as("what has not happened is not told").isEmpty();
        CircuitBreaker after = mirrored();
        assertThat(after.getState()).isEqualTo(before.getState());
        assertThat(after.getCircuitBreakerConfig().getSlidingWindowSize()).isEqualTo(8);
        assertThat(after.getCircuitBreakerConfig().getPermittedNumberOfCallsInHalfOpenState())
                .isEqualTo(3);
        breaker.reset();
        fail(8);
        assertThat(after.getState()).isEqualTo(CircuitBreaker.State.OPEN);
        assertThat(breaker.state()).isEqualTo(CircuitState.OPEN);
        assertThat(before.getMetrics().getNumberOfFailedCalls()).isLessThan(8);
    }

    @Test
    void a_move_by_another_hand_that_nobody_has_seen_yet_is_not_lost() {
        mirrored().transitionToForcedOpenState();
        change(s -> s.failureThreshold(8));
        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);
        assertThat(breaker.state()).isEqualTo(CircuitState.FORCED_OPEN);

        mirrored().transitionToClosedState();
        permit();
        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
    }

    @Test
    void a_move_by_another_hand_between_a_change_and_its_taking_over_is_not_lost() throws InterruptedException {
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        CircuitBreaker before = mirrored();
        before.getEventPublisher().onError(event -> {
            blocked.countDown();
            try {
                goOn.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        Thread slow = new Thread(() -> fail(1), "slow-consumer");
        slow.start();
        blocked.await();
        change(s -> s.failureThreshold(8));
        before.transitionToForcedOpenState();
        goOn.countDown();
        slow.join();

        assertThat(mirrored()).isNotSameAs(before);
        assertThat(mirrored().getState()).isEqualTo(CircuitBreaker.State.FORCED_OPEN);
        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);
        assertThat(breaker.state()).isEqualTo(CircuitState.FORCED_OPEN);
    }

    @Test
    void one_without_meters_follows_as_well() {
        CircuitBreakerRegistry other = CircuitBreakerRegistry.ofDefaults();
        try (ProviderCircuitBreaker plain = ProviderCircuitBreaker.builder("plain")
                .timeSource(time)
                .registry(other)
                .build()) {
            plain.reconfigure(settings(s -> s.failureThreshold(8)));

            assertThat(other.find("plain")
                            .orElseThrow()
                            .getCircuitBreakerConfig()
                            .getSlidingWindowSize())
                    .isEqualTo(8);
        }
    }

    @Test
    void resilience4j_keeps_its_breaker_when_nothing_changes_that_it_knows() {
        CircuitBreaker before = mirrored();
        change(s -> s.failureWindow(Duration.ofSeconds(7)).trialLease(Duration.ofSeconds(7)));
        change(s -> s);
        assertThat(mirrored()).isSameAs(before);
    }

    @Test
    void the_meters_follow_and_are_removed_with_the_breaker_once() {
        fail(3);
        change(s -> s.failureThreshold(8));
        fail(1);

        assertThat(meters.get("resilience4j.circuitbreaker.calls")
                        .tag("kind", "failed")
                        .timer()
                        .count())
                .as("Resilience4j's begin anew")
                .isEqualTo(1);
        assertThat(meters.get("orchestrator.circuitbreaker.calls")
                        .tag("outcome", "failure")
                        .functionCounter()
                        .count())
                .isEqualTo(4);
        breaker.close();
        assertThat(meters.getMeters()).isEmpty();
        assertThat(registry.getAllCircuitBreakers()).isEmpty();

        ProviderCircuitBreaker successor = ProviderCircuitBreaker.builder("groq")
                .timeSource(time)
                .registry(registry)
                .meterRegistry(meters)
                .build();
        int count = meters.getMeters().size();
        breaker.close();
        change(s -> s.failureThreshold(9));
        assertThat(meters.getMeters()).as("those of the successor stay").hasSize(count);
        assertThat(mirrored().getCircuitBreakerConfig().getSlidingWindowSize())
                .isEqualTo(CircuitBreakerSettings.DEFAULT_FAILURE_THRESHOLD);
        successor.close();
        assertThat(meters.getMeters()).isEmpty();
    }

    @Test
    void one_that_was_taken_out_of_the_registry_by_another_hand_does_not_come_back() {
        registry.remove("groq");
        change(s -> s.failureThreshold(9));
        assertThat(registry.getAllCircuitBreakers()).isEmpty();
        CircuitBreaker another = registry.circuitBreaker("groq");
        breaker.close();
        assertThat(mirrored()).isSameAs(another);
        assertThat(meters.getMeters()).isEmpty();
    }

    @Test
    void one_that_is_closed_while_resilience4j_falls_behind_leaves_the_name_to_another() throws InterruptedException {
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        blockAtAnError(blocked, goOn);
        Thread slow = new Thread(() -> fail(1), "slow-consumer");
        slow.start();
        blocked.await();
        change(s -> s.failureThreshold(9));
        breaker.close();
        try (ProviderCircuitBreaker successor =
                ProviderCircuitBreaker.builder("groq").registry(registry).build()) {
            CircuitBreaker entry = mirrored();
            goOn.countDown();
            slow.join();
            assertThat(mirrored()).isSameAs(entry);
        }
        assertThat(registry.getAllCircuitBreakers()).isEmpty();
    }

    @Test
    void a_listener_at_the_registry_that_throws_keeps_nothing_from_following() {
        registry.getEventPublisher()
                .onEntryReplaced(event -> {
                    throw new IllegalStateException("replaced");
                })
                .onEntryRemoved(event -> {
                    throw new IllegalStateException("removed");
                });
        change(s -> s.failureThreshold(1));
        fail(1);
        assertThat(mirrored().getState()).isEqualTo(CircuitBreaker.State.OPEN);
        assertThat(meters.get("resilience4j.circuitbreaker.state")
                        .tag("state", "open")
                        .gauge()
                        .value())
                .isEqualTo(1);
        breaker.close();
        assertThat(registry.getAllCircuitBreakers()).isEmpty();
        assertThat(meters.getMeters()).isEmpty();
    }

    private void blockAtAnError(CountDownLatch blocked, CountDownLatch goOn) {
        mirrored().getEventPublisher().onError(event -> {
            blocked.countDown();
            try {
                goOn.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    @Test
    void a_change_is_not_lost_while_resilience4j_falls_behind() throws InterruptedException {
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        blockAtAnError(blocked, goOn);
        Thread slow = new Thread(() -> fail(1), "slow-consumer");
        slow.start();
        blocked.await();

        change(s -> s.failureThreshold(1_000).failureWindow(Duration.ZERO));
        for (int i = 0; i < Guard.MAX_PENDING + 10; i++) {
            fail(1);
            breaker.recordSuccess();
        }
        goOn.countDown();
        slow.join();

        assertThat(mirrored().getCircuitBreakerConfig().getSlidingWindowSize()).isEqualTo(1_000);
        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
        assertThat(mirrored().getState()).isEqualTo(CircuitBreaker.State.CLOSED);
    }
}
