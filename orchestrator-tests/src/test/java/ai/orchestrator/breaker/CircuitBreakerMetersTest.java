package ai.orchestrator.breaker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.breaker.Acquisition.Permit;
import ai.orchestrator.testkit.ManualTimeSource;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** R18: counters only grow, refusals and errors under an override count, and a removed breaker leaves no meters. */
class CircuitBreakerMetersTest {

    private final ManualTimeSource time = new ManualTimeSource(Long.MAX_VALUE - 1_000);
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final CircuitBreakerRegistry registry = CircuitBreakerRegistry.ofDefaults();
    private final ProviderCircuitBreaker breaker = ProviderCircuitBreaker.builder("groq")
            .settings(CircuitBreakerSettings.builder()
                    .failureThreshold(2)
                    .timeoutDuration(Duration.ofSeconds(10))
                    .trialLease(Duration.ofSeconds(5))
                    .build())
            .timeSource(time)
            .registry(registry)
            .meterRegistry(meters)
            .build();

    private Permit permit() {
        return (Permit) breaker.tryAcquire();
    }

    private double calls(String outcome) {
        return meters.get("orchestrator.circuitbreaker.calls")
                .tag("name", "groq")
                .tag("outcome", outcome)
                .functionCounter()
                .count();
    }

    private long[] counts() {
        CircuitBreakerCounters counters = breaker.counters();
        return new long[] {
            counters.successes(),
            counters.failures(),
            counters.released(),
            counters.lateResults(),
            counters.refusals(),
            counters.openings(),
            counters.expiredLeases()
        };
    }

    private Timer duration(String outcome, boolean late) {
        return meters.get("orchestrator.circuitbreaker.call.duration")
                .tag("name", "groq")
                .tag("outcome", outcome)
                .tag("late", String.valueOf(late))
                .timer();
    }

    @Test
    void its_own_meters_are_removed_whatever_listens_to_it_and_another_may_take_the_name() {
        SimpleMeterRegistry listened = new SimpleMeterRegistry();
        CircuitBreakerRegistry registry = CircuitBreakerRegistry.ofDefaults();
        ProviderCircuitBreaker removed = ProviderCircuitBreaker.builder("listened")
                .registry(registry)
                .meterRegistry(listened)
                .build();
        listened.config().onMeterRemoved(meter -> {
            throw new IllegalStateException("a listener of the application's");
        });

        removed.close();

        assertThat(registry.getAllCircuitBreakers()).isEmpty();
        assertThat(listened.getMeters())
                .extracting(meter -> meter.getId().getName())
                .noneMatch(name -> name.startsWith("orchestrator."));
        assertThat(ProviderCircuitBreaker.builder("listened")
                        .registry(registry)
                        .meterRegistry(listened)
                        .build()
                        .state())
                .isEqualTo(CircuitState.CLOSED);
    }

    @Test
    void R18_counters_only_grow_through_every_state_and_override() {
        Permit late = permit();
        List<Runnable> deeds = List.of(
                () -> permit().success(),
                () -> permit().release(),
                () -> permit().failure(),
                () -> permit().failure(),
                breaker::tryAcquire,
                breaker::forceOpen,
                breaker::tryAcquire,
                breaker::tryAcquire,
                breaker::disable,
                () -> permit().failure(),
                () -> permit().success(),
                late::success,
                breaker::reset,
                late::release);
        long[] before = counts();
        for (Runnable deed : deeds) {
            deed.run();
            long[] after = counts();
            for (int i = 0; i < after.length; i++) {
                assertThat(after[i]).isGreaterThanOrEqualTo(before[i]);
            }
            before = after;
        }

        assertThat(breaker.counters()).isEqualTo(new CircuitBreakerCounters(2, 3, 1, 2, 3, 1, 0));
        assertThat(calls("success")).isEqualTo(2);
        assertThat(calls("failure")).isEqualTo(3);
        assertThat(calls("released")).isEqualTo(1);
        assertThat(calls("late")).isEqualTo(2);
        assertThat(calls("refused")).isEqualTo(3);
        assertThat(meters.get("orchestrator.circuitbreaker.openings")
                        .functionCounter()
                        .count())
                .isEqualTo(1);

        breaker.recordFailure();
        breaker.recordFailure();
        time.advance(Duration.ofSeconds(10));
        permit();
        time.advance(Duration.ofSeconds(5));
        assertThat(breaker.counters()).isEqualTo(new CircuitBreakerCounters(2, 5, 1, 2, 3, 2, 1));
        assertThat(meters.get("orchestrator.circuitbreaker.leases.expired")
                        .functionCounter()
                        .count())
                .isEqualTo(1);
    }

    @Test
    void measured_calls_are_timed_late_ones_too() {
        Permit early = permit();
        early.success(Duration.ofMillis(10));
        early.failure(Duration.ofMillis(20), new IllegalStateException());
        early.success();
        breaker.reset();
        early.success(Duration.ofMillis(40));
        early.failure(Duration.ofMillis(80), new IllegalStateException());
        early.failure();

        assertThat(duration("success", false).totalTime(TimeUnit.MILLISECONDS)).isEqualTo(10);
        assertThat(duration("failure", false).totalTime(TimeUnit.MILLISECONDS)).isEqualTo(20);
        assertThat(duration("success", true).totalTime(TimeUnit.MILLISECONDS)).isEqualTo(40);
        assertThat(duration("failure", true).totalTime(TimeUnit.MILLISECONDS)).isEqualTo(80);
        assertThat(duration("success", false).count()).isEqualTo(1);
    }

    @Test
    void trials_are_timed_as_well() {
        breaker.recordFailure();
        breaker.recordFailure();
        time.advance(Duration.ofSeconds(10));
        permit().success(Duration.ofMillis(10));
        assertThat(duration("success", false).totalTime(TimeUnit.MILLISECONDS)).isEqualTo(10);
    }

    @Test
    void a_call_is_timed_wherever_the_time_source_begins() {
        String answer = breaker.call(() -> {
            time.advance(Duration.ofMillis(10));
            return "answer";
        });
        assertThat(answer).isEqualTo("answer");
        assertThat(duration("success", false).totalTime(TimeUnit.MILLISECONDS)).isEqualTo(10);
    }

    @Test
    void a_second_breaker_of_the_name_is_refused_and_leaves_nothing_behind() {
        CircuitBreakerRegistry other = CircuitBreakerRegistry.ofDefaults();
        ProviderCircuitBreaker.Builder second =
                ProviderCircuitBreaker.builder("groq").registry(other).meterRegistry(meters);
        assertThatThrownBy(second::build)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("the meter registry already has meters of a circuit breaker named 'groq'; give this one"
                        + " another name, or close the other one first");
        assertThat(other.getAllCircuitBreakers()).isEmpty();

        breaker.close();
        second.build().recordFailure();
        assertThat(calls("failure")).isEqualTo(1);
    }

    @Test
    void resilience4js_meters_count_once_however_many_share_its_registry() {
        for (int i = 0; i < 3; i++) {
            ProviderCircuitBreaker.builder("passing")
                    .registry(registry)
                    .meterRegistry(meters)
                    .build()
                    .close();
        }
        permit().success(Duration.ofMillis(1));

        assertThat(meters.get("resilience4j.circuitbreaker.calls")
                        .tags("name", "groq", "kind", "successful")
                        .timer()
                        .count())
                .isEqualTo(1);
        assertThat(meters.find("resilience4j.circuitbreaker.state")
                        .tag("name", "passing")
                        .gauges())
                .isEmpty();
    }

    @Test
    void R18_a_closed_breaker_leaves_no_meters() {
        assertThat(meters.find("resilience4j.circuitbreaker.state").gauges()).isNotEmpty();
        breaker.close();
        breaker.close();

        assertThat(meters.getMeters()).isEmpty();
        permit().success(Duration.ofMillis(1));
        assertThat(meters.getMeters()).isEmpty();
    }
}
