package ai.orchestrator.calls;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.testkit.ManualTimeSource;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/**
 * An orchestrator with one provider in memory, of which a call takes everything that there is to take: its only place, and the only trial
 * of its half-open breaker. So whatever a call leaves behind is seen.
 */
final class Stage implements AutoCloseable {

    static final ChatRequest REQUEST = ChatRequest.of("hello");
    static final Duration DEADLINE = Duration.ofSeconds(20);

    private static final long PATIENCE_SECONDS = 10;

    final ManualTimeSource time = new ManualTimeSource(Long.MAX_VALUE - 1_000);
    final ExecutorService executor = Executors.newCachedThreadPool();
    final Script provider;
    final Orchestrator orchestrator;

    Stage(Script provider) {
        this(provider, settings -> settings);
    }

    Stage(Script provider, UnaryOperator<Orchestrator.Builder> settings) {
        this.provider = provider;
        CircuitBreakerSettings breaker =
                CircuitBreakerSettings.builder().failureThreshold(1).build();
        this.orchestrator = settings.apply(Orchestrator.builder()
                        .timeSource(time)
                        .executor(executor)
                        .deadline(DEADLINE)
                        .provider(
                                "only",
                                p -> p.chatProvider(provider)
                                        .firstTokenTimeout(DEADLINE)
                                        .maxConcurrent(1)
                                        .circuitBreaker(breaker)))
                .build();
        orchestrator.circuitBreaker("only").recordFailure();
        time.advance(breaker.timeoutDuration());
    }

    CircuitState breaker() {
        return orchestrator.circuitBreaker("only").state();
    }

    /** Waits until no call is under way. */
    void awaitCalls() throws InterruptedException {
        executor.shutdown();
        assertThat(executor.awaitTermination(PATIENCE_SECONDS, TimeUnit.SECONDS))
                .as("every call has ended")
                .isTrue();
    }

    /** Waits until no call is under way, and looks at what is left of them: neither a timer, nor a place, nor a permit. */
    void assertNothingIsLeft() throws InterruptedException {
        awaitCalls();
        assertThat(time.pendingTimers()).as("timers").isZero();
        assertThat(orchestrator.explain(REQUEST).candidates().get(0).skipped()).isEmpty();
    }

    /** The same, for a call that must not have counted as a failure or a success. */
    void assertNothingIsLeftNorCounted() throws InterruptedException {
        assertThat(breaker()).isNotEqualTo(CircuitState.CLOSED);
        assertNothingIsLeft();
    }

    @Override
    public void close() {
        orchestrator.close();
        executor.shutdownNow();
    }
}
