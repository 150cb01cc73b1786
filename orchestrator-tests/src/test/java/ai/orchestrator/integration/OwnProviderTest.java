package ai.orchestrator.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Retries;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class OwnProviderTest {

    private static final ChatProvider ANSWERING = (request, delivery, deadline, cancellation, sink) -> {
        sink.event(new ChatEvent.Text("still "));
        sink.event(new ChatEvent.Text("here"));
        sink.event(new ChatEvent.Finished(FinishReason.STOP));
    };

    private final ManualTimeSource time = new ManualTimeSource();

    private Orchestrator with(ChatProvider first) {
        return Orchestrator.builder()
                .timeSource(time)
                .provider(
                        "own",
                        p -> p.chatProvider(first)
                                .priority(1)
                                .connectTimeout(Duration.ofSeconds(2))
                                .retry(Retries.NONE))
                .provider("spare", p -> p.chatProvider(ANSWERING).priority(2))
                .build();
    }

    /** Blocks until cancelled, as a call to a silent machine does. */
    private static ChatProvider silent(boolean connects, CountDownLatch started) {
        return (request, delivery, deadline, cancellation, sink) -> {
            if (connects) {
                sink.connected();
            }
            CountDownLatch cancelled = new CountDownLatch(1);
            try (var registration = cancellation.onCancel(cancelled::countDown)) {
                started.countDown();
                cancelled.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            throw ProviderException.of(FailureKind.CANCELLED, "cancelled");
        };
    }

    private static Trail.Failed failure(ChatResponse answer) {
        assertThat(answer.text()).isEqualTo("still here");
        return (Trail.Failed) answer.trail().steps().get(0);
    }

    @Test
    void an_unexpected_exception_is_that_providers_failure() {
        try (Orchestrator orchestrator = with((request, delivery, deadline, cancellation, sink) -> {
            throw new IllegalStateException("a bug");
        })) {
            Trail.Failed failed = failure(orchestrator.chat("hello"));

            assertThat(failed.kind()).isEqualTo(FailureKind.SERVER);
            assertThat(failed.reason()).contains("IllegalStateException", "a bug");
            assertThat(orchestrator.circuitBreaker("own").status().failureCount())
                    .isOne();
        }
    }

    @Test
    void an_answer_without_its_end_is_truncated() {
        try (Orchestrator orchestrator = with(
                (request, delivery, deadline, cancellation, sink) -> sink.event(new ChatEvent.Text("half an ans")))) {
            assertThat(failure(orchestrator.chat("hello")).kind()).isEqualTo(FailureKind.TRUNCATED);
        }
    }

    @Test
    void an_error_reaches_the_caller_and_counts_as_one_failure() {
        try (Orchestrator orchestrator = with((request, delivery, deadline, cancellation, sink) -> {
            throw new StackOverflowError("deep");
        })) {
            assertThatThrownBy(() -> orchestrator.chat("hello"))
                    .isInstanceOf(StackOverflowError.class)
                    .hasMessage("deep");
            assertThat(orchestrator.circuitBreaker("own").status().failureCount())
                    .isOne();
            assertThat(time.pendingTimers()).isZero();
        }
    }

    @Test
    void a_connection_that_does_not_come_is_given_up_at_the_connect_limit() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        try (Orchestrator orchestrator = with(silent(false, started))) {
            CompletableFuture<ChatResponse> answer = CompletableFuture.supplyAsync(() -> orchestrator.chat("hello"));
            started.await();

            time.advance(Duration.ofSeconds(2));

            Trail.Failed failed = failure(answer.get(10, TimeUnit.SECONDS));
            assertThat(failed.kind()).isEqualTo(FailureKind.TIMEOUT);
            assertThat(failed.reason()).isEqualTo("no connection within 2 s");
        }
    }

    @Test
    void the_connect_limit_ends_with_the_connection() throws Exception {
        CountDownLatch started = new CountDownLatch(1);
        try (Orchestrator orchestrator = with(silent(true, started))) {
            CompletableFuture<ChatResponse> answer = CompletableFuture.supplyAsync(() -> orchestrator.chat("hello"));
            started.await();

            time.advance(Duration.ofSeconds(15).minusNanos(1));
            assertThat(answer).isNotDone();
            // Half the deadline: the other half is for the spare one.
            time.advance(Duration.ofNanos(1));

            Trail.Failed failed = failure(answer.get(10, TimeUnit.SECONDS));
            assertThat(failed.kind()).isEqualTo(FailureKind.TIMEOUT);
            assertThat(failed.reason()).startsWith("no complete answer within 15 s");
        }
    }

    @Test
    void one_exception_thrown_by_both_is_no_trouble() {
        ProviderException shared = ProviderException.of(FailureKind.NETWORK, "unplugged");
        ChatProvider failing = (request, delivery, deadline, cancellation, sink) -> {
            throw shared;
        };
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider("a", p -> p.chatProvider(failing).retry(Retries.NONE))
                .provider("b", p -> p.chatProvider(failing).retry(Retries.NONE))
                .build()) {
            assertThatThrownBy(() -> orchestrator.chat("hello"))
                    .isInstanceOf(AllProvidersFailedException.class)
                    .hasCause(shared);
        }
    }

    @Test
    void equal_priorities_are_asked_in_the_order_of_registration() {
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider("z", p -> p.chatProvider(ANSWERING))
                .provider("a", p -> p.chatProvider(ANSWERING))
                .build()) {
            assertThat(orchestrator.chat("hello").provider()).isEqualTo("z");
        }
    }
}
