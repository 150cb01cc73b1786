package ai.orchestrator.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.CredentialsRejectedException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Retries;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Where failover met its limits: each case was a fault once. */
@Timeout(20)
class FailoverEdgesTest {

    private static final ChatProvider ANSWERING = (request, delivery, deadline, cancellation, sink) -> {
        sink.event(new ChatEvent.Text("fine"));
        sink.event(new ChatEvent.Finished(FinishReason.STOP));
    };

    private final ManualTimeSource time = new ManualTimeSource();

    /** Manual time that passes by itself where a call waits between two attempts. */
    private record WaitsPass(ManualTimeSource time) implements TimeSource {

        @Override
        public long nanoTime() {
            return time.nanoTime();
        }

        @Override
        public boolean await(CountDownLatch signal, long nanos) throws InterruptedException {
            if (signal.getCount() > 0) {
                time.advance(Duration.ofNanos(nanos));
            }
            return time.await(signal, 0);
        }

        @Override
        public Timer schedule(long nanos, Runnable task) {
            return time.schedule(nanos, task);
        }
    }

    /** Fails so many times, then answers. */
    private static ChatProvider failing(FailureKind... kinds) {
        Queue<FailureKind> left = new ArrayDeque<>(List.of(kinds));
        return (request, delivery, deadline, cancellation, sink) -> {
            FailureKind kind = left.poll();
            if (kind != null) {
                throw ProviderException.of(kind, "on purpose");
            }
            ANSWERING.chat(request, delivery, deadline, cancellation, sink);
        };
    }

    private static CircuitBreakerSettings opensAtOnce() {
        return CircuitBreakerSettings.builder()
                .failureThreshold(1)
                .timeoutDuration(Duration.ofSeconds(30))
                .build();
    }

    private CompletableFuture<ChatResponse> ask(Orchestrator orchestrator) {
        return CompletableFuture.supplyAsync(() -> orchestrator.chat("hello"));
    }

    @Test
    void a_failure_that_opens_the_breaker_is_not_followed_by_a_wait_for_the_same_provider() {
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .drainTimeout(Duration.ZERO)
                .provider(
                        "p",
                        p -> p.chatProvider(failing(FailureKind.OVERLOADED)).circuitBreaker(opensAtOnce()))
                .build()) {
            assertThat(ask(orchestrator))
                    .failsWithin(Duration.ofSeconds(5))
                    .withThrowableThat()
                    .havingCause()
                    .isInstanceOf(AllProvidersFailedException.class);
        }
    }

    @Test
    void a_failure_that_opens_the_breaker_fails_over_at_once() throws Exception {
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .drainTimeout(Duration.ZERO)
                .provider(
                        "a",
                        p -> p.chatProvider(failing(FailureKind.SERVER))
                                .priority(1)
                                .circuitBreaker(opensAtOnce()))
                .provider("b", p -> p.chatProvider(ANSWERING).priority(2))
                .build()) {
            assertThat(ask(orchestrator).get(5, TimeUnit.SECONDS).trail().steps())
                    .hasSize(2)
                    .last()
                    .isInstanceOf(Trail.Answered.class);
        }
    }

    @Test
    void a_key_that_was_refused_long_ago_is_not_blamed_for_a_breaker_forced_open() {
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider("p", p -> p.chatProvider(failing(FailureKind.CREDENTIAL)))
                .build()) {
            assertThatThrownBy(() -> orchestrator.chat("hello")).isInstanceOf(CredentialsRejectedException.class);
            time.advance(Duration.ofMinutes(10));
            orchestrator.circuitBreaker("p").forceOpen();

            assertThatThrownBy(() -> orchestrator.chat("hello"))
                    .isInstanceOf(AllProvidersFailedException.class)
                    .isNotInstanceOf(CredentialsRejectedException.class)
                    .hasMessageContaining("forced open");
        }
    }

    @Test
    void a_request_too_long_for_one_goes_back_to_a_larger_one_that_may_be_asked_again() {
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(new WaitsPass(time))
                .provider(
                        "large",
                        p -> p.chatProvider(failing(FailureKind.OVERLOADED))
                                .priority(1)
                                .contextWindow(100_000))
                .provider(
                        "small",
                        p -> p.chatProvider(failing(FailureKind.CONTEXT_TOO_LONG))
                                .priority(2)
                                .contextWindow(8_000))
                .build()) {
            ChatResponse answer = orchestrator.chat("hello");
            assertThat(answer.provider()).isEqualTo("large");
            assertThat(answer.trail().elapsed()).isBetween(Duration.ofMillis(250), Duration.ofMillis(500));
        }
    }

    @Test
    void the_same_without_a_wait() {
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider(
                        "large",
                        p -> p.chatProvider(failing(FailureKind.OVERLOADED))
                                .priority(1)
                                .retry(Retries.AT_ONCE)
                                .contextWindow(100_000))
                .provider(
                        "small",
                        p -> p.chatProvider(failing(FailureKind.CONTEXT_TOO_LONG))
                                .priority(2)
                                .contextWindow(8_000))
                .build()) {
            assertThat(orchestrator.chat("hello").provider()).isEqualTo("large");
        }
    }

    @Test
    void a_policy_refusal_goes_back_to_one_that_may_be_asked_again() {
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .failOverOnContentFilter(true)
                .provider(
                        "a",
                        p -> p.chatProvider(failing(FailureKind.NETWORK))
                                .priority(1)
                                .retry(Retries.AT_ONCE))
                .provider(
                        "b",
                        p -> p.chatProvider(failing(FailureKind.CONTENT_FILTERED))
                                .priority(2))
                .build()) {
            assertThat(orchestrator.chat("hello").provider()).isEqualTo("a");
        }
    }
}
