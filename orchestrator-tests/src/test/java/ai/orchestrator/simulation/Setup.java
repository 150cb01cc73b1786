package ai.orchestrator.simulation;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.routing.StandardStrategy;
import java.time.Duration;
import java.util.function.Consumer;

/** A strategy, or settings, all else being the defaults. */
@SuppressWarnings("ImmutableEnumChecker") // Its functions have no state.
enum Setup {
    ALONE("the first provider alone", o -> {}, p -> {}),
    DEFAULTS("defaults: `priority`", o -> {}, p -> {}),
    WEIGHTED("`weighted` 6, 3, 1", o -> o.strategy(StandardStrategy.WEIGHTED), p -> {}),
    ROUND_ROBIN("`round-robin`", o -> o.strategy(StandardStrategy.ROUND_ROBIN), p -> {}),
    SCORE("`score`", o -> o.strategy(StandardStrategy.SCORE), p -> {}),
    LATENCY("`latency`", o -> o.strategy(StandardStrategy.LATENCY), p -> {}),
    COST("`cost`", o -> o.strategy(StandardStrategy.COST), p -> {}),
    COLLECTED("`collect-streams`", o -> {}, p -> p.collectStreams(true)),
    TOTAL("`timeout.total` 8 s", o -> {}, p -> p.totalTimeout(Duration.ofSeconds(8))),
    WHOLE_DEADLINE("`timeout.total` as the deadline", o -> {}, p -> p.totalTimeout(Duration.ofSeconds(30))),
    NO_BREAKER(
            "no breaker",
            o -> {},
            p -> p.circuitBreaker(CircuitBreakerSettings.builder()
                    .failureThreshold(1_000)
                    .failureWindow(Duration.ofMillis(1))
                    .build())),
    QUICK_BREAKER(
            "breaker: 3 failures, 10 s",
            o -> {},
            p -> p.circuitBreaker(CircuitBreakerSettings.builder()
                    .failureThreshold(3)
                    .timeoutDuration(Duration.ofSeconds(10))
                    .build())),
    NO_RETRY(
            "`retry.max-attempts` 1",
            o -> {},
            p -> p.retry(RetrySettings.builder().maxAttempts(1).build())),
    FAIL_OPEN("`fail-open`", o -> o.failOpen(true), p -> {});

    final String title;
    final Consumer<Orchestrator.Builder> orchestrator;
    final Consumer<ProviderSettings.Builder> providers;

    Setup(String title, Consumer<Orchestrator.Builder> orchestrator, Consumer<ProviderSettings.Builder> providers) {
        this.title = title;
        this.orchestrator = orchestrator;
        this.providers = providers;
    }
}
