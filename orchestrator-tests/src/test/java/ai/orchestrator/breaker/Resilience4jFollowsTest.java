package ai.orchestrator.breaker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.breaker.Acquisition.Permit;
import ai.orchestrator.breaker.Acquisition.Refusal;
import ai.orchestrator.testkit.ManualTimeSource;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreaker.State;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowType;
import io.github.resilience4j.circuitbreaker.event.CircuitBreakerOnErrorEvent;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What Resilience4j sees, how it is followed where an operator moved it, and the races between the two. */
@Timeout(60)
class Resilience4jFollowsTest {

    private static final Duration WAIT = Duration.ofSeconds(10);
    private static final Instant NOON = Instant.parse("2026-11-01T12:00:00Z");

    private final ManualTimeSource time = new ManualTimeSource();
    private final InterceptedResilience4j intercepted = new InterceptedResilience4j();
    private final ProviderCircuitBreaker breaker = breaker(2, 1);
    private final CircuitBreaker resilience4j = intercepted.breaker("groq");

    private ProviderCircuitBreaker breaker(int failureThreshold, int successThreshold) {
        return ProviderCircuitBreaker.builder("groq")
                .settings(CircuitBreakerSettings.builder()
                        .failureThreshold(failureThreshold)
                        .successThreshold(successThreshold)
                        .timeoutDuration(WAIT)
                        .build())
                .timeSource(time)
                .instantSource(() -> NOON.plusNanos(time.nanoTime()))
                .registry(intercepted.registry())
                .build();
    }

    private Permit permit() {
        return (Permit) breaker.tryAcquire();
    }

    private void open() {
        permit().failure();
        permit().failure();
    }

    private Permit trial() {
        open();
        time.advance(WAIT);
        return permit();
    }

    // ---- The mapping

    @Test
    void a_user_can_read_our_settings_in_the_configuration_of_resilience4j() {
        CircuitBreakerConfig config = resilience4j.getCircuitBreakerConfig();

        assertThat(config.getSlidingWindowType()).isEqualTo(SlidingWindowType.COUNT_BASED);
        assertThat(config.getSlidingWindowSize()).isEqualTo(2);
        assertThat(config.getFailureRateThreshold()).isEqualTo(100);
        assertThat(config.getPermittedNumberOfCallsInHalfOpenState()).isEqualTo(1);
        assertThat(config.getWaitIntervalFunctionInOpenState().apply(1)).isEqualTo(WAIT.toMillis());
        assertThat(config.isAutomaticTransitionFromOpenToHalfOpenEnabled()).isFalse();
        assertThat(config.getMaxWaitDurationInHalfOpenState()).isZero();
        assertThat(config.getClock().instant()).isEqualTo(NOON);
        assertThat(config.getClock().withZone(ZoneId.of("Europe/Berlin")).getZone())
                .isEqualTo(ZoneId.of("Europe/Berlin"));
        assertThat(config.getClock().withZone(ZoneId.of("Europe/Berlin")).instant())
                .isEqualTo(NOON);
    }

    @Test
    void its_clock_begins_at_the_wall_clock_wherever_the_time_source_does() {
        ManualTimeSource late = new ManualTimeSource(Long.MAX_VALUE - 1_000);
        InterceptedResilience4j other = new InterceptedResilience4j();
        assertThat(ProviderCircuitBreaker.builder("late")
                        .timeSource(late)
                        .instantSource(() -> NOON)
                        .registry(other.registry())
                        .build())
                .isNotNull();
        late.advance(WAIT);
        assertThat(other.breaker("late").getCircuitBreakerConfig().getClock().instant())
                .isEqualTo(NOON.plus(WAIT));
    }

    @Test
    void its_events_tell_every_result_that_counts_and_every_transition_once() {
        List<String> events = new ArrayList<>();
        resilience4j
                .getEventPublisher()
                .onEvent(event -> events.add(event.toString().replaceFirst("^[^:]*:[^:]*:[^:]*: ", "")));
        permit().success(Duration.ofMillis(5));
        permit().failure(Duration.ofMillis(7), new IllegalStateException("down"));
        permit().failure(Duration.ofMillis(8), new IllegalStateException("down"));
        breaker.tryAcquire();
        time.advance(WAIT);
        permit().success(Duration.ofMillis(9));
        breaker.reset();
        breaker.forceOpen();
        breaker.disable();
        breaker.reset();

        assertThat(events)
                .extracting(event -> event.replaceAll("CircuitBreaker 'groq' ", ""))
                .satisfiesExactly(
                        event -> assertThat(event).contains("success").contains("5 ms"),
                        event -> assertThat(event).contains("down").contains("7 ms"),
                        event -> assertThat(event).contains("down").contains("8 ms"),
                        event -> assertThat(event).contains("exceeded failure rate"),
                        event -> assertThat(event).contains("from CLOSED to OPEN"),
                        event -> assertThat(event).contains("from OPEN to HALF_OPEN"),
                        event -> assertThat(event).contains("success").contains("9 ms"),
                        event -> assertThat(event).contains("from HALF_OPEN to CLOSED"),
                        event -> assertThat(event).contains("reset"),
                        event -> assertThat(event).contains("from CLOSED to FORCED_OPEN"),
                        event -> assertThat(event).contains("from FORCED_OPEN to DISABLED"),
                        event -> assertThat(event).contains("from DISABLED to CLOSED"),
                        event -> assertThat(event).contains("reset"));
    }

    @Test
    void a_failed_trial_after_a_good_one_takes_resilience4j_straight_back_to_open() {
        InterceptedResilience4j other = new InterceptedResilience4j();
        ProviderCircuitBreaker careful = ProviderCircuitBreaker.builder("careful")
                .settings(CircuitBreakerSettings.builder()
                        .failureThreshold(1)
                        .successThreshold(2)
                        .timeoutDuration(WAIT)
                        .build())
                .timeSource(time)
                .registry(other.registry())
                .build();
        careful.recordFailure();
        time.advance(WAIT);
        assertThat(careful.canRequest()).isTrue();
        List<String> transitions = new ArrayList<>();
        List<Throwable> errors = new ArrayList<>();
        other.breaker("careful")
                .getEventPublisher()
                .onStateTransition(
                        event -> transitions.add(event.getStateTransition().name()))
                .onError(event -> errors.add(event.getThrowable()));
        careful.recordSuccess();
        careful.recordFailure();

        assertThat(transitions).containsExactly("HALF_OPEN_TO_OPEN");
        assertThat(errors).hasSize(1);
    }

    @Test
    void its_error_events_show_the_cause_even_inside_an_empty_wrapper() {
        List<Throwable> shown = new ArrayList<>();
        resilience4j.getEventPublisher().onError((CircuitBreakerOnErrorEvent event) -> shown.add(event.getThrowable()));
        IllegalStateException cause = new IllegalStateException("down");
        ExecutionException empty = new ExecutionException("empty", null);
        permit().failure(Duration.ofMillis(1), cause);
        permit().success();
        permit().failure(Duration.ofMillis(1), new ExecutionException(cause));
        permit().success();
        permit().failure(Duration.ofMillis(1), empty);
        permit().success();
        permit().failure();

        assertThat(shown).hasSize(4);
        assertThat(shown.get(0)).isSameAs(cause);
        assertThat(shown.get(1)).isSameAs(cause);
        assertThat(shown.get(2)).hasCause(empty);
        assertThat(shown.get(3)).hasMessage("the attempt failed").hasNoCause();
    }

    // ---- Moved by hand

    /** Resilience4j has no direct way there from closed. */
    private static void halfOpenByHand(CircuitBreaker resilience4j) {
        resilience4j.transitionToDisabledState();
        resilience4j.transitionToHalfOpenState();
    }

    private static Stream<Consumer<CircuitBreaker>> moves() {
        return Stream.of(
                CircuitBreaker::transitionToOpenState,
                Resilience4jFollowsTest::halfOpenByHand,
                CircuitBreaker::transitionToForcedOpenState,
                CircuitBreaker::transitionToDisabledState,
                CircuitBreaker::transitionToMetricsOnlyState,
                CircuitBreaker::transitionToClosedState,
                CircuitBreaker::reset);
    }

    @ParameterizedTest
    @MethodSource("moves")
    void a_move_by_hand_is_adopted_at_the_next_acquire_and_what_was_in_flight_is_late(Consumer<CircuitBreaker> move) {
        permit().failure();
        Permit old = permit();
        time.advance(Duration.ofSeconds(1));
        move.accept(resilience4j);
        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
        State moved = resilience4j.getState();

        boolean admitted = breaker.tryAcquire() instanceof Permit;

        assertThat(resilience4j.getState()).isEqualTo(moved);
        assertThat(breaker.state().name()).isEqualTo(moved == State.METRICS_ONLY ? "DISABLED" : moved.name());
        assertThat(admitted).isEqualTo(moved != State.OPEN && moved != State.FORCED_OPEN);
        old.failure();
        old.success();
        assertThat(breaker.counters().lateResults()).isEqualTo(2);
        assertThat(breaker.status().failureCount())
                .isEqualTo(moved == State.CLOSED || moved == State.DISABLED || moved == State.METRICS_ONLY ? 0 : 1);
    }

    @Test
    void a_breaker_opened_by_hand_waits_its_whole_time_from_the_moment_of_adoption() {
        resilience4j.transitionToOpenState();
        time.advance(Duration.ofSeconds(3));
        assertThat(((Refusal) breaker.tryAcquire()).timeUntilRetry()).hasValue(WAIT);
        assertThat(breaker.counters().openings()).isZero();

        time.advance(WAIT);
        permit().success();
        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
        assertThat(resilience4j.getState()).isEqualTo(State.CLOSED);
    }

    @Test
    void a_move_by_hand_is_adopted_at_a_look_and_at_a_result_too() {
        Permit old = permit();
        resilience4j.transitionToForcedOpenState();
        assertThat(breaker.canRequest()).isFalse();
        resilience4j.transitionToClosedState();
        assertThat(breaker.canRequest()).isTrue();

        Permit second = permit();
        resilience4j.transitionToForcedOpenState();
        second.success();
        assertThat(breaker.state()).isEqualTo(CircuitState.FORCED_OPEN);
        old.release();
        assertThat(breaker.counters().lateResults()).isEqualTo(2);

        resilience4j.transitionToHalfOpenState();
        Permit trial = permit();
        resilience4j.transitionToDisabledState();
        trial.failure();
        assertThat(breaker.state()).isEqualTo(CircuitState.DISABLED);
        resilience4j.reset();
        breaker.recordFailure();
        assertThat(breaker.status().failureCount()).isEqualTo(1);
    }

    @Test
    void a_trial_that_is_given_back_after_a_move_by_hand_is_late() {
        Permit trial = trial();
        resilience4j.transitionToClosedState();
        trial.release();
        assertThat(breaker.counters().lateResults()).isEqualTo(1);
        assertThat(breaker.counters().released()).isZero();
    }

    @Test
    void a_reset_after_a_move_by_hand_tells_of_both() throws Exception {
        InterceptedResilience4j other = new InterceptedResilience4j();
        BlockingQueue<CircuitTransition> seen = new LinkedBlockingQueue<>();
        ProviderCircuitBreaker heard = ProviderCircuitBreaker.builder("heard")
                .registry(other.registry())
                .listener(seen::add)
                .build();
        other.breaker("heard").transitionToForcedOpenState();
        heard.reset();
        assertThat(seen.poll(10, TimeUnit.SECONDS)).hasToString("heard: closed -> forced_open");
        assertThat(seen.poll(10, TimeUnit.SECONDS)).hasToString("heard: forced_open -> closed");
    }

    @Test
    void a_move_that_a_consumer_makes_by_hand_stays_and_is_adopted() {
        resilience4j.getEventPublisher().onError(event -> resilience4j.transitionToForcedOpenState());
        permit().failure();
        assertThat(resilience4j.getState()).isEqualTo(State.FORCED_OPEN);
        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);
        assertThat(breaker.state()).isEqualTo(CircuitState.FORCED_OPEN);

        breaker.reset();
        permit().failure();
        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);
        breaker.reset();
        resilience4j.getEventPublisher().onSuccess(event -> resilience4j.transitionToDisabledState());
        permit().success();
        permit();
        assertThat(breaker.state()).isEqualTo(CircuitState.DISABLED);
    }

    @Test
    void a_reset_that_a_consumer_makes_by_hand_is_adopted() {
        resilience4j.getEventPublisher().onError(event -> resilience4j.reset());
        permit().failure();
        assertThat(breaker.status().failureCount()).isEqualTo(1);
        permit();

        assertThat(breaker.status().failureCount()).isZero();
    }

    @Test
    void a_move_by_hand_at_the_moment_of_a_trip_stays_and_is_adopted() {
        permit().failure();
        resilience4j.getEventPublisher().onError(event -> resilience4j.transitionToForcedOpenState());
        permit().failure();
        assertThat(breaker.state()).isEqualTo(CircuitState.OPEN);
        time.advance(WAIT);

        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);
        assertThat(breaker.state()).isEqualTo(CircuitState.FORCED_OPEN);
    }

    @ParameterizedTest
    @EnumSource(
            value = State.class,
            names = {"FORCED_OPEN", "DISABLED", "CLOSED"})
    void an_operator_of_ours_wins_over_an_older_move_by_hand_even_while_steps_wait(State state) {
        Permit slow = permit();
        intercepted.before("onSuccess", () -> {
            open();
            time.advance(WAIT);
            permit();
            // The step to half-open waits for the success on its way.
            resilience4j.transitionToMetricsOnlyState();
            switch (state) {
                case FORCED_OPEN -> breaker.forceOpen();
                case DISABLED -> breaker.disable();
                default -> breaker.reset();
            }
        });
        slow.success();

        assertThat(resilience4j.getState()).isEqualTo(state);
        breaker.canRequest();
        assertThat(breaker.state().name()).isEqualTo(state.name());
    }

    @Test
    void disabled_nothing_is_left_for_resilience4j_to_do() {
        breaker.disable();
        List<String> heard = new ArrayList<>();
        resilience4j.getEventPublisher().onEvent(event -> heard.add(event.toString()));
        for (int i = 0; i < 2 * Guard.MAX_PENDING; i++) {
            permit().failure();
        }

        assertThat(heard).isEmpty();
        assertThat(breaker.counters().failures()).isEqualTo(2 * Guard.MAX_PENDING);
    }

    @Test
    void an_operator_of_ours_wins_over_an_earlier_move_by_hand() {
        resilience4j.transitionToDisabledState();
        breaker.forceOpen();
        assertThat(breaker.state()).isEqualTo(CircuitState.FORCED_OPEN);
        assertThat(resilience4j.getState()).isEqualTo(State.FORCED_OPEN);

        resilience4j.transitionToForcedOpenState();
        breaker.disable();
        assertThat(resilience4j.getState()).isEqualTo(State.DISABLED);
    }

    @Test
    void counting_only_lets_everything_through_and_resilience4j_goes_on_counting() {
        resilience4j.transitionToMetricsOnlyState();
        for (int i = 0; i < 5; i++) {
            permit().failure();
        }

        assertThat(breaker.state()).isEqualTo(CircuitState.DISABLED);
        assertThat(resilience4j.getState()).isEqualTo(State.METRICS_ONLY);
        assertThat(resilience4j.getMetrics().getNumberOfFailedCalls()).isEqualTo(2);
        assertThat(breaker.counters().failures()).isEqualTo(5);
    }

    @Test
    void a_half_open_state_by_hand_knows_no_opening() {
        halfOpenByHand(resilience4j);
        Permit trial = permit();
        assertThat(breaker.status().openedAt()).isEmpty();
        assertThat(breaker.status().timeUntilRetry()).isEmpty();
        trial.failure();

        assertThat(breaker.status().openedAt()).isPresent();
        assertThat(breaker.status().failureCount()).isZero();
    }

    // ---- Races: the other thread's deed is done exactly between two steps of ours

    @Test
    void a_success_that_is_overtaken_by_a_trip_is_late() {
        Permit slow = permit();
        Permit first = permit();
        Permit second = permit();
        intercepted.before("getMetrics", () -> {
            first.failure();
            second.failure();
        });
        slow.success();

        assertThat(breaker.state()).isEqualTo(CircuitState.OPEN);
        assertThat(breaker.counters().lateResults()).isEqualTo(1);
        assertThat(breaker.counters().successes()).isZero();
        assertThat(resilience4j.getState()).isEqualTo(State.OPEN);
    }

    @Test
    void a_success_that_is_overtaken_by_a_trip_that_resilience4j_has_not_heard_of_is_late() throws Exception {
        Permit slow = permit();
        Permit first = permit();
        Permit second = permit();
        permit().failure();
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch letGo = new CountDownLatch(1);
        resilience4j.getEventPublisher().onSuccess(event -> {
            blocked.countDown();
            await(letGo);
        });
        // Ends the row of failures, and keeps Resilience4j on its way.
        Thread ending = new Thread(() -> permit().success(), "slow-consumer");
        ending.start();
        await(blocked);

        intercepted.before("getMetrics", () -> {
            first.failure();
            second.failure();
        });
        slow.success();

        assertThat(breaker.state()).isEqualTo(CircuitState.OPEN);
        assertThat(resilience4j.getState()).isEqualTo(State.CLOSED);
        assertThat(breaker.counters().lateResults()).isEqualTo(1);
        letGo.countDown();
        ending.join();
        assertThat(resilience4j.getState()).isEqualTo(State.OPEN);
        assertThat(breaker.counters().successes()).isEqualTo(1);
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void R1_a_success_on_its_way_to_resilience4j_cannot_become_the_success_of_a_trial() {
        Permit slow = permit();
        Permit first = permit();
        Permit second = permit();
        List<State> seen = new ArrayList<>();
        intercepted.before("onSuccess", () -> {
            first.failure();
            second.failure();
            time.advance(WAIT);
            assertThat(breaker.tryAcquire()).isInstanceOf(Permit.class);
            assertThat(breaker.canRequest()).isFalse();
            seen.add(resilience4j.getState());
        });
        slow.success();

        // Resilience4j had to wait, and then followed.
        assertThat(seen).containsExactly(State.OPEN);
        assertThat(breaker.state()).isEqualTo(CircuitState.HALF_OPEN);
        assertThat(resilience4j.getState()).isEqualTo(State.HALF_OPEN);
        assertThat(resilience4j.getMetrics().getNumberOfBufferedCalls()).isZero();
        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);
    }

    @Test
    void a_success_that_fails_inside_resilience4j_does_not_keep_it_from_following() {
        Permit permit = permit();
        intercepted.before("onSuccess", () -> {
            throw new StackOverflowError();
        });
        assertThatThrownBy(permit::success).isInstanceOf(StackOverflowError.class);
        Permit trial = trial();

        assertThat(resilience4j.getState()).isEqualTo(State.HALF_OPEN);
        trial.success();
        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
    }

    @Test
    void R13_an_operator_who_comes_between_a_look_at_the_wait_and_the_trial_wins() {
        open();
        time.advance(WAIT);
        // The look at Resilience4j under the lock, right before the wait is ended.
        intercepted.before("getState", () -> intercepted.before("getState", breaker::forceOpen));

        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);
        assertThat(breaker.state()).isEqualTo(CircuitState.FORCED_OPEN);
        assertThat(resilience4j.getState()).isEqualTo(State.FORCED_OPEN);
    }

    @ParameterizedTest
    @EnumSource(
            value = State.class,
            names = {"CLOSED", "DISABLED"})
    void a_breaker_let_loose_while_somebody_asks_for_a_trial_admits_it_as_any_call(State to) {
        open();
        time.advance(WAIT);
        intercepted.before(
                "getState",
                () -> intercepted.before("getState", to == State.CLOSED ? breaker::reset : breaker::disable));

        assertThat(breaker.tryAcquire()).isInstanceOf(Permit.class);
        assertThat(breaker.state().name()).isEqualTo(to.name());
    }

    @Test
    void R6_one_who_comes_second_by_a_hair_is_refused() {
        open();
        time.advance(WAIT);
        List<Boolean> faster = new ArrayList<>();
        intercepted.before(
                "getState",
                () -> intercepted.before("getState", () -> faster.add(breaker.tryAcquire() instanceof Permit)));

        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);
        assertThat(faster).containsExactly(true);
    }

    @Test
    void a_breaker_let_loose_while_somebody_looks_lets_him_pass() {
        open();
        intercepted.before("getState", () -> intercepted.before("getState", breaker::reset));

        assertThat(breaker.canRequest()).isTrue();
    }

    @Test
    void a_move_by_hand_just_before_ours_stays_and_is_adopted() {
        permit().failure();
        Permit last = permit();
        // The trip is decided; Resilience4j is looked at before it is told, and was moved in between.
        List<Integer> looks = new ArrayList<>();
        Runnable count = new Runnable() {
            @Override
            public void run() {
                looks.add(looks.size());
                if (looks.size() == 2) {
                    resilience4j.transitionToForcedOpenState();
                } else {
                    intercepted.before("getState", this);
                }
            }
        };
        intercepted.before("getState", count);
        last.failure();
        assertThat(breaker.state()).isEqualTo(CircuitState.OPEN);
        assertThat(resilience4j.getState()).isEqualTo(State.FORCED_OPEN);

        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);
        assertThat(breaker.state()).isEqualTo(CircuitState.FORCED_OPEN);
    }

    // ---- Its consumers

    @Test
    void a_consumer_that_calls_back_is_served_after_the_decision_it_hears_of() {
        List<String> seen = new ArrayList<>();
        resilience4j.getEventPublisher().onStateTransition(event -> {
            seen.add(event.getStateTransition().getToState() + " " + breaker.state());
            if (event.getStateTransition().getToState() == State.OPEN) {
                breaker.forceOpen();
            }
        });
        open();

        assertThat(seen).containsExactly("OPEN OPEN", "FORCED_OPEN FORCED_OPEN");
        assertThat(resilience4j.getState()).isEqualTo(State.FORCED_OPEN);
    }

    @Test
    void a_result_that_comes_while_resilience4j_is_on_its_way_counts_in_its_turn() {
        resilience4j.getEventPublisher().onReset(event -> {
            permit().success();
            permit().failure();
        });
        breaker.reset();

        assertThat(breaker.counters().successes()).isEqualTo(1);
        assertThat(breaker.status().failureCount()).isEqualTo(1);
        assertThat(resilience4j.getMetrics().getNumberOfBufferedCalls()).isEqualTo(2);
    }

    @Test
    void a_consumer_that_throws_is_resilience4js_affair() {
        resilience4j.getEventPublisher().onEvent(event -> {
            throw new IllegalStateException("broken consumer");
        });
        Permit trial = trial();
        trial.success();

        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
        assertThat(resilience4j.getState()).isEqualTo(State.CLOSED);
    }

    @Test
    void a_consumer_that_blocks_holds_up_its_own_call_alone_and_resilience4j_catches_up() throws Exception {
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch letGo = new CountDownLatch(1);
        resilience4j.getEventPublisher().onError(event -> {
            blocked.countDown();
            try {
                letGo.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        Thread held = new Thread(permit()::failure);
        held.start();
        assertThat(blocked.await(10, TimeUnit.SECONDS)).isTrue();
        permit().failure();
        assertThat(breaker.state()).isEqualTo(CircuitState.OPEN);
        time.advance(WAIT);
        permit().success();
        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
        assertThat(resilience4j.getState()).isEqualTo(State.CLOSED);

        // More than can wait: the counts are dropped, the state is not.
        for (int i = 0; i < Guard.MAX_PENDING; i++) {
            permit().failure();
            permit().success();
        }
        permit().failure();
        permit().failure();
        assertThat(breaker.state()).isEqualTo(CircuitState.OPEN);
        letGo.countDown();
        held.join();

        assertThat(resilience4j.getState()).isEqualTo(State.OPEN);
        assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);
        assertThat(breaker.state()).isEqualTo(CircuitState.OPEN);
    }

    @ParameterizedTest
    @EnumSource(State.class)
    void resilience4j_catches_up_with_any_state_from_any_other_after_too_much_was_dropped(State state)
            throws Exception {
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch letGo = new CountDownLatch(1);
        resilience4j.transitionToMetricsOnlyState();
        resilience4j.getEventPublisher().onError(event -> {
            blocked.countDown();
            try {
                letGo.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        Thread held = new Thread(permit()::failure);
        held.start();
        assertThat(blocked.await(10, TimeUnit.SECONDS)).isTrue();
        // The step to the state in question is the first one too many.
        switch (state) {
            case CLOSED -> repeat(Guard.MAX_PENDING + 1, breaker::reset);
            case FORCED_OPEN -> {
                repeat(Guard.MAX_PENDING, breaker::reset);
                breaker.forceOpen();
            }
            case DISABLED -> {
                repeat(Guard.MAX_PENDING, breaker::reset);
                breaker.disable();
            }
            case OPEN -> {
                repeat(Guard.MAX_PENDING - 1, breaker::reset);
                open();
            }
            case HALF_OPEN -> {
                repeat(Guard.MAX_PENDING - 2, breaker::reset);
                trial();
            }
            case METRICS_ONLY -> repeat(Guard.MAX_PENDING + 1, permit()::success);
        }
        letGo.countDown();
        held.join();

        assertThat(resilience4j.getState()).isEqualTo(state);
        breaker.canRequest();
        assertThat(breaker.state().name()).isEqualTo(state == State.METRICS_ONLY ? "DISABLED" : state.name());
    }

    @Test
    void resilience4j_closes_with_us_even_if_it_missed_a_success() throws Exception {
        breaker.close();
        ProviderCircuitBreaker careful = ProviderCircuitBreaker.builder("careful")
                .settings(CircuitBreakerSettings.builder()
                        .failureThreshold(1)
                        .successThreshold(2)
                        .timeoutDuration(WAIT)
                        .build())
                .timeSource(time)
                .registry(intercepted.registry())
                .build();
        CircuitBreaker mirrored = intercepted.breaker("careful");
        // On this very thread: what is done in a consumer is noted, and applied when the consumer has returned.
        mirrored.getEventPublisher().onReset(event -> {
            repeat(Guard.MAX_PENDING - 2, careful::reset);
            careful.recordFailure();
            time.advance(WAIT);
            ((Permit) careful.tryAcquire()).success();
        });
        careful.reset();
        assertThat(careful.status().successCount()).isEqualTo(1);
        assertThat(mirrored.getState()).isEqualTo(State.HALF_OPEN);
        assertThat(mirrored.getMetrics().getNumberOfBufferedCalls()).isZero();

        ((Permit) careful.tryAcquire()).success();
        assertThat(careful.state()).isEqualTo(CircuitState.CLOSED);
        assertThat(mirrored.getState()).isEqualTo(State.CLOSED);
    }

    private static void repeat(int times, Runnable action) {
        for (int i = 0; i < times; i++) {
            action.run();
        }
    }

    // ---- The end

    @Test
    void a_closed_breaker_leaves_the_registry_but_not_one_that_took_its_name() {
        var registry = io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry.ofDefaults();
        ProviderCircuitBreaker first =
                ProviderCircuitBreaker.builder("one").registry(registry).build();
        first.close();
        assertThat(registry.find("one")).isEmpty();

        ProviderCircuitBreaker second =
                ProviderCircuitBreaker.builder("one").registry(registry).build();
        first.close();
        assertThat(registry.find("one")).isPresent();
        second.close();
        assertThat(registry.find("one")).isEmpty();
        assertThat(second.call(() -> "still works")).isEqualTo("still works");
    }
}
