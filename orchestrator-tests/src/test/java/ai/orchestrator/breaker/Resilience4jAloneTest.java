package ai.orchestrator.breaker;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreaker.State;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What the README says of Resilience4j used alone. Where a new version does better, a test here fails, and the README has to follow. */
class Resilience4jAloneTest {

    private static final Duration WAIT = Duration.ofSeconds(60);

    private final HandSetClock clock = new HandSetClock();

    /** A wall clock that a test sets, and that lets something happen when it is read. */
    private static final class HandSetClock extends Clock {

        private Instant now = Instant.parse("2026-11-01T12:00:00Z");
        private Runnable whenRead = () -> {};

        @Override
        public Instant instant() {
            Runnable action = whenRead;
            whenRead = () -> {};
            action.run();
            return now;
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }

    private CircuitBreaker tripped(int successThreshold) {
        CircuitBreaker breaker = CircuitBreaker.of(
                "alone",
                CircuitBreakerConfig.custom()
                        .slidingWindowSize(5)
                        .minimumNumberOfCalls(5)
                        .failureRateThreshold(100)
                        .permittedNumberOfCallsInHalfOpenState(successThreshold)
                        .waitDurationInOpenState(WAIT)
                        .clock(clock)
                        .build());
        for (int i = 0; i < 5; i++) {
            assertThat(breaker.tryAcquirePermission()).isTrue();
            fail(breaker);
        }
        assertThat(breaker.getState()).isEqualTo(State.OPEN);
        return breaker;
    }

    private CircuitBreaker onTrial(int successThreshold) {
        CircuitBreaker breaker = tripped(successThreshold);
        clock.now = clock.now.plus(WAIT).plusMillis(1);
        assertThat(breaker.tryAcquirePermission()).isTrue();
        assertThat(breaker.getState()).isEqualTo(State.HALF_OPEN);
        return breaker;
    }

    private static void succeed(CircuitBreaker breaker) {
        breaker.onSuccess(1, TimeUnit.SECONDS);
    }

    private static void fail(CircuitBreaker breaker) {
        breaker.onError(1, TimeUnit.SECONDS, new IllegalStateException("down"));
    }

    @Test
    void a_late_result_closes_or_reopens_it() {
        CircuitBreaker closed = onTrial(1);
        succeed(closed);
        assertThat(closed.getState()).isEqualTo(State.CLOSED);

        CircuitBreaker reopened = onTrial(1);
        fail(reopened);
        assertThat(reopened.getState()).isEqualTo(State.OPEN);
    }

    @Test
    void a_trial_that_never_reports_keeps_it_half_open() {
        CircuitBreaker breaker = onTrial(1);
        clock.now = clock.now.plus(Duration.ofDays(365));

        assertThat(breaker.tryAcquirePermission()).isFalse();
        assertThat(breaker.getState()).isEqualTo(State.HALF_OPEN);
    }

    @Test
    void two_successes_close_it_in_spite_of_a_failed_trial() {
        CircuitBreaker breaker = onTrial(3);
        fail(breaker);
        assertThat(breaker.getState()).isEqualTo(State.HALF_OPEN);
        succeed(breaker);
        succeed(breaker);

        assertThat(breaker.getState()).isEqualTo(State.CLOSED);
    }

    @Test
    void at_the_very_end_of_the_wait_it_refuses() {
        CircuitBreaker breaker = tripped(1);
        clock.now = clock.now.plus(WAIT);

        assertThat(breaker.tryAcquirePermission()).isFalse();
    }

    @Test
    void a_caller_in_the_midst_of_deciding_wins_over_an_operator() {
        CircuitBreaker breaker = tripped(1);
        clock.now = clock.now.plus(WAIT).plusMillis(1);
        clock.whenRead = breaker::transitionToForcedOpenState;

        assertThat(breaker.tryAcquirePermission()).isTrue();
        assertThat(breaker.getState()).isEqualTo(State.HALF_OPEN);
    }

    @Test
    void a_wall_clock_that_goes_back_an_hour_makes_it_wait_an_hour_longer() {
        CircuitBreaker breaker = tripped(1);
        clock.now = clock.now.minus(Duration.ofHours(1)).plus(WAIT).plusMillis(1);
        assertThat(breaker.tryAcquirePermission()).isFalse();

        clock.now = clock.now.plus(Duration.ofHours(1));
        assertThat(breaker.tryAcquirePermission()).isTrue();
    }
}
