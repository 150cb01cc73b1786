package ai.orchestrator.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.CallCancelledException;
import ai.orchestrator.DeadlineExceededException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.StreamRescue;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.time.Deadline;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a call has taken is given back, whatever the application's own code does meanwhile. */
@Timeout(30)
class NothingIsLostTest {

    private static final ChatProvider ANSWERING = (request, delivery, deadline, cancellation, sink) -> {
        sink.event(new ChatEvent.Text("here"));
        sink.event(new ChatEvent.Finished(FinishReason.STOP));
    };

    private final ManualTimeSource time = new ManualTimeSource();

    /** Cannot even say what it can do. */
    private static final class Clueless implements ChatProvider {

        @Override
        public Optional<String> unsupported(ChatRequest request) {
            throw new IllegalStateException("a bug");
        }

        @Override
        public void chat(
                ChatRequest request, Delivery delivery, Deadline deadline, Cancellation cancellation, EventSink sink) {
            throw new AssertionError("must not be asked");
        }
    }

    @Test
    void a_provider_that_cannot_say_what_it_can_do_is_skipped_and_costs_no_other_its_place() {
        ChatProvider refused = (request, delivery, deadline, cancellation, sink) -> {
            throw ProviderException.of(FailureKind.CREDENTIAL, "who are you?");
        };
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider("refused", p -> p.chatProvider(refused).priority(1).maxConcurrent(1))
                .provider("clueless", p -> p.chatProvider(new Clueless()).priority(2))
                .build()) {
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(() -> orchestrator.chat("hello"))
                        .isInstanceOf(AllProvidersFailedException.class)
                        .hasMessageContaining("cannot tell what it can do: java.lang.IllegalStateException: a bug")
                        .hasMessageNotContaining("full");
            }
            assertThat(orchestrator.explain(ChatRequest.of("hello")).toString())
                    .contains("clueless would be skipped: cannot tell");
        }
    }

    @Test
    void a_call_that_is_cancelled_while_it_waits_for_a_thread_leaves_no_timer() {
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .executor(task -> {})
                .provider("idle", p -> p.chatProvider(ANSWERING))
                .build()) {
            CompletableFuture<ChatResponse> answer = orchestrator.chatAsync(ChatRequest.of("hello"));
            assertThat(time.pendingTimers()).isOne();

            answer.cancel(true);

            assertThat(time.pendingTimers()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(classes = {IllegalStateException.class, OutOfMemoryError.class, RejectedExecutionException.class})
    void a_call_whose_executor_fails_ends_at_once(Class<? extends Throwable> failure) {
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .executor(task -> {
                    if (failure == OutOfMemoryError.class) {
                        throw new OutOfMemoryError("unable to create native thread");
                    }
                    throw failure == IllegalStateException.class
                            ? new IllegalStateException("no context")
                            : new RejectedExecutionException("full");
                })
                .provider("idle", p -> p.chatProvider(ANSWERING))
                .build()) {
            assertThat(orchestrator.chatAsync(ChatRequest.of("hello")))
                    .failsWithin(Duration.ofSeconds(Patience.SECONDS))
                    .withThrowableThat()
                    .withCauseInstanceOf(CallCancelledException.class)
                    .withRootCauseInstanceOf(failure)
                    .withMessageContaining("its executor refused to run it");
            assertThat(time.pendingTimers()).isZero();
        }
    }

    @Test
    void code_that_runs_when_a_waiting_call_has_run_out_of_time_does_not_keep_time_from_going_on() throws Exception {
        ChatProvider silent = (request, delivery, deadline, cancellation, sink) -> {
            CountDownLatch cancelled = new CountDownLatch(1);
            try (var registration = cancellation.onCancel(cancelled::countDown)) {
                cancelled.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            throw ProviderException.of(FailureKind.CANCELLED, "cancelled");
        };
        try (Orchestrator orchestrator = Orchestrator.builder()
                .executor(task -> {})
                .deadline(Duration.ofMillis(50))
                .provider("silent", p -> p.chatProvider(silent))
                .build()) {
            CompletableFuture<Throwable> second = new CompletableFuture<>();
            CompletableFuture<ChatResponse> waiting = orchestrator.chatAsync(ChatRequest.of("hello"));
            // Ends only if its own limit is kept.
            var unused = waiting.whenComplete((answer, failure) -> {
                try {
                    orchestrator.chat("once more");
                } catch (RuntimeException e) {
                    second.complete(e);
                }
            });

            assertThat(second.get(Patience.SECONDS, TimeUnit.SECONDS)).isInstanceOf(DeadlineExceededException.class);
        }
    }

    @Test
    void a_provider_that_fails_after_the_end_of_its_answer_has_answered() throws Exception {
        CountDownLatch read = new CountDownLatch(1);
        ChatProvider stumbling = (request, delivery, deadline, cancellation, sink) -> {
            ANSWERING.chat(request, delivery, deadline, cancellation, sink);
            try {
                read.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            throw ProviderException.of(FailureKind.NETWORK, "unplugged");
        };
        AtomicInteger asked = new AtomicInteger();
        try (Orchestrator orchestrator = Orchestrator.builder()
                .streamRescue(StreamRescue.RESTART)
                .provider("stumbling", p -> p.chatProvider(stumbling).priority(1))
                .provider(
                        "next",
                        p -> p.chatProvider((request, delivery, deadline, cancellation, sink) -> {
                                    asked.incrementAndGet();
                                    ANSWERING.chat(request, delivery, deadline, cancellation, sink);
                                })
                                .priority(2))
                .build()) {
            ChatStream stream = orchestrator.stream(ChatRequest.of("hello"));
            assertThat(stream.next()).isEqualTo(new ChatEvent.Text("here"));
            assertThat(stream.next()).isEqualTo(new ChatEvent.Finished(FinishReason.STOP));
            stream.close();
            read.countDown();

            assertThat(stream.response().text()).isEqualTo("here");
            assertThat(stream.hasNext()).isFalse();
            assertThat(asked).hasValue(0);
            assertThat(orchestrator.circuitBreaker("stumbling").status().failureCount())
                    .isZero();
        }
    }

    @Test
    void a_subscriber_that_takes_its_time_is_not_taken_for_a_silent_provider() throws Exception {
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        CompletableFuture<String> end = new CompletableFuture<>();
        Flow.Subscriber<ChatEvent> slow = new Flow.Subscriber<>() {
            @Override
            public void onSubscribe(Flow.Subscription subscription) {
                subscription.request(Long.MAX_VALUE);
            }

            @Override
            public void onNext(ChatEvent event) {
                entered.countDown();
                try {
                    goOn.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }

            @Override
            public void onError(Throwable failure) {
                end.completeExceptionally(failure);
            }

            @Override
            public void onComplete() {
                end.complete("complete");
            }
        };
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider("prompt", p -> p.chatProvider(ANSWERING).idleTimeout(Duration.ofSeconds(2)))
                .build()) {
            orchestrator.publish(ChatRequest.of("hello")).subscribe(slow);
            assertThat(entered.await(Patience.SECONDS, TimeUnit.SECONDS)).isTrue();
            time.advance(Duration.ofSeconds(5));
            goOn.countDown();

            assertThat(end.get(Patience.SECONDS, TimeUnit.SECONDS)).isEqualTo("complete");
            assertThat(orchestrator.circuitBreaker("prompt").status().failureCount())
                    .isZero();
        }
    }
}
