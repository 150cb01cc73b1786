package ai.orchestrator.jcstress;

import ai.orchestrator.breaker.Acquisition;
import ai.orchestrator.breaker.Acquisition.Permit;
import ai.orchestrator.breaker.CircuitBreakerCounters;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.breaker.ProviderCircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/** A breaker on a clock of its own, and the Resilience4j breaker that follows it. Built anew for every collision. */
final class Rig {

    /** When a breaker that opened at time zero admits a trial. */
    static final long WAIT_END = Duration.ofSeconds(60).toNanos();

    /** When a failure of time zero no longer counts. */
    static final long WINDOW_END = Duration.ofSeconds(30).toNanos();

    /** How long a trial may stay silent; shorter than the wait, so that its end never ends one. */
    static final long LEASE = Duration.ofSeconds(5).toNanos();

    private static final String NAME = "breaker";

    final HandClock clock = new HandClock();
    final ProviderCircuitBreaker breaker;
    final CircuitBreaker resilience4j;

    private Rig(int failureThreshold, int successThreshold) {
        CircuitBreakerRegistry registry = CircuitBreakerRegistry.ofDefaults();
        breaker = ProviderCircuitBreaker.builder(NAME)
                .settings(CircuitBreakerSettings.builder()
                        .failureThreshold(failureThreshold)
                        .successThreshold(successThreshold)
                        .timeoutDuration(Duration.ofNanos(WAIT_END))
                        .failureWindow(Duration.ofNanos(WINDOW_END))
                        .trialLease(Duration.ofNanos(LEASE))
                        .build())
                .timeSource(clock)
                .instantSource(InstantSource.fixed(Instant.EPOCH))
                .registry(registry)
                .build();
        resilience4j = registry.find(NAME).orElseThrow();
    }

    /** Closed and healthy. */
    static Rig closed(int failureThreshold) {
        return new Rig(failureThreshold, 1);
    }

    /** Open since time zero, at time zero. */
    static Rig open(int failureThreshold, int successThreshold) {
        Rig rig = new Rig(failureThreshold, successThreshold);
        for (int i = 0; i < failureThreshold; i++) {
            rig.permit().failure();
        }
        return rig;
    }

    /** Still open, at the very instant at which the wait is over: the next request becomes a trial. */
    static Rig waitOver(int successThreshold) {
        Rig rig = open(1, successThreshold);
        rig.clock.moveTo(WAIT_END);
        return rig;
    }

    /** Keeps each success for some microseconds on its way into Resilience4j, so that others can overtake it. */
    void slowDownConsumers() {
        resilience4j.getEventPublisher().onSuccess(event -> {
            for (int i = 0; i < 100; i++) {
                Thread.onSpinWait();
            }
        });
    }

    /** A permit where there must be one. */
    Permit permit() {
        return (Permit) breaker.tryAcquire();
    }

    /** Asks for a permit. */
    String ask() {
        return word(breaker.tryAcquire());
    }

    static String word(Acquisition acquisition) {
        return acquisition instanceof Permit ? "permit" : "refused";
    }

    /** The state; if Resilience4j has not arrived there although all calls have returned, both. */
    String state() {
        CircuitState ours = breaker.state();
        CircuitBreaker.State theirs = resilience4j.getState();
        return ours.name().equals(theirs.name()) ? ours.name() : ours + " but Resilience4j " + theirs;
    }

    int failureCount() {
        return breaker.status().failureCount();
    }

    CircuitBreakerCounters counters() {
        return breaker.counters();
    }
}
