package ai.orchestrator.calls;

import static ai.orchestrator.calls.Stage.DEADLINE;
import static ai.orchestrator.calls.Stage.REQUEST;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.CallCancelledException;
import ai.orchestrator.CallCancelledException.Reason;
import ai.orchestrator.CallOptions;
import ai.orchestrator.DeadlineExceededException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.RequestRejectedException;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Calls whose caller does not wait, and what closing the orchestrator does to them. */
@Timeout(60)
class AsyncCallsTest {

    private static Throwable failureOf(CompletableFuture<ChatResponse> future) throws Exception {
        try {
            ChatResponse answer = future.get(10, TimeUnit.SECONDS);
            throw new AssertionError("answered: " + answer);
        } catch (ExecutionException e) {
            return Objects.requireNonNull(e.getCause());
        }
    }

    private static void assertReason(Throwable thrown, Reason reason) {
        assertThat(thrown)
                .isInstanceOfSatisfying(
                        CallCancelledException.class,
                        e -> assertThat(e.reason()).isEqualTo(reason));
    }

    // ---- The future

    @Test
    void the_future_gets_the_answer() throws Exception {
        try (Stage stage = new Stage(Script.answering("fine"))) {
            ChatResponse answer = stage.orchestrator.chatAsync(REQUEST).get(10, TimeUnit.SECONDS);
            assertThat(answer.text()).isEqualTo("fine");
            stage.assertNothingIsLeft();
            assertThat(stage.breaker()).isEqualTo(CircuitState.CLOSED);
        }
    }

    @Test
    void the_future_gets_what_chat_would_throw() throws Exception {
        try (Stage stage = new Stage(Script.failing(FailureKind.BAD_REQUEST))) {
            assertThat(failureOf(stage.orchestrator.chatAsync(REQUEST))).isInstanceOf(RequestRejectedException.class);
            stage.assertNothingIsLeftNorCounted();
        }
    }

    @Test
    void the_future_gets_an_error_too() throws Exception {
        try (Stage stage = new Stage(new Script((cancellation, sink) -> {
            throw new StackOverflowError("deep");
        }))) {
            assertThat(failureOf(stage.orchestrator.chatAsync(REQUEST)))
                    .isInstanceOf(StackOverflowError.class)
                    .hasMessage("deep");
            stage.awaitCalls();
            assertThat(stage.time.pendingTimers()).isZero();
            assertThat(stage.breaker()).as("a failed trial").isEqualTo(CircuitState.OPEN);
            assertThat(stage.orchestrator.explain(REQUEST).candidates().get(0).skipped())
                    .as("its place is free again")
                    .contains("circuit breaker open");
            assertThat(stage.orchestrator.status().providers().get(0).health().successRate())
                    .isZero();
        }
    }

    @Test
    void cancelling_the_future_ends_the_call_and_gives_everything_back() throws Exception {
        try (Stage stage = new Stage(Script.silentAfter("half"))) {
            CompletableFuture<ChatResponse> future = stage.orchestrator.chatAsync(REQUEST);
            stage.provider.awaitCall();
            assertThat(future.cancel(false)).isTrue();
            stage.assertNothingIsLeftNorCounted();
            assertThatThrownBy(future::join).isInstanceOf(CancellationException.class);
        }
    }

    @Test
    void completing_the_future_by_other_hands_ends_the_call_too() throws Exception {
        try (Stage stage = new Stage(Script.silentAfter())) {
            CompletableFuture<ChatResponse> future = stage.orchestrator.chatAsync(REQUEST);
            stage.provider.awaitCall();
            future.completeExceptionally(new IllegalStateException("somebody else's"));
            stage.assertNothingIsLeftNorCounted();
        }
    }

    @Test
    void cancelling_a_derived_future_does_not_end_the_call() throws Exception {
        try (Stage stage = new Stage(Script.silentAfter())) {
            CompletableFuture<ChatResponse> future = stage.orchestrator.chatAsync(REQUEST);
            CompletableFuture<String> derived = future.thenApply(ChatResponse::text);
            stage.provider.awaitCall();
            derived.cancel(false);
            assertThat(future).isNotDone();
            future.cancel(false);
            stage.assertNothingIsLeftNorCounted();
        }
    }

    @Test
    void cancelling_the_future_ends_its_HTTP_call() throws Exception {
        try (ScriptedServer server = ScriptedServer.start();
                Orchestrator orchestrator = Orchestrator.builder()
                        .timeSource(new ManualTimeSource())
                        .provider(
                                "http",
                                p -> p.type("openai")
                                        .baseUrl(server.baseUrl())
                                        .model("m")
                                        .maxConcurrent(1))
                        .build()) {
            server.reply(Reply.hang(), Reply.answer("fine"));
            CompletableFuture<ChatResponse> future = orchestrator.chatAsync(REQUEST);
            ScriptedServer.ReceivedRequest request = server.awaitRequest();
            future.cancel(false);
            server.awaitClientClosed(request);
            assertThat(orchestrator.circuitBreaker("http").status().failureCount())
                    .isZero();
        }
    }

    // ---- The executor

    @Test
    void calls_run_on_the_executor_of_the_application_which_stays_open() throws Exception {
        AtomicReference<String> ranOn = new AtomicReference<>("nowhere");
        Script script = new Script((cancellation, sink) -> {
            ranOn.set(Thread.currentThread().getName());
            Script.say(sink, "fine");
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        });
        ExecutorService own = Executors.newSingleThreadExecutor(task -> new Thread(task, "the-applications-own"));
        try (Stage stage = new Stage(script, settings -> settings.executor(own))) {
            stage.orchestrator.chatAsync(REQUEST).get(10, TimeUnit.SECONDS);
            assertThat(ranOn).hasValue("the-applications-own");
            stage.orchestrator.close();
            assertThat(own.isShutdown()).isFalse();
        } finally {
            own.shutdownNow();
        }
    }

    @Test
    void an_executor_may_run_the_call_at_once_on_the_callers_thread() {
        try (Stage stage = new Stage(Script.answering("fine"), settings -> settings.executor(Runnable::run))) {
            CompletableFuture<ChatResponse> future = stage.orchestrator.chatAsync(REQUEST);
            assertThat(future)
                    .isCompletedWithValueMatching(answer -> answer.text().equals("fine"));
        }
    }

    private static void assertNoThread(Executor executor) throws Exception {
        try (Stage stage = new Stage(Script.answering("fine"), settings -> settings.executor(executor))) {
            assertReason(failureOf(stage.orchestrator.chatAsync(REQUEST)), Reason.NO_THREAD);
            try (ChatStream stream = stage.orchestrator.stream(REQUEST)) {
                assertThatThrownBy(stream::hasNext).satisfies(e -> assertReason(e, Reason.NO_THREAD));
            }
            Recorder subscriber = new Recorder(Long.MAX_VALUE);
            stage.orchestrator.publish(REQUEST).subscribe(subscriber);
            assertThat(subscriber.awaitEnd()).satisfies(e -> assertReason(e, Reason.NO_THREAD));
            assertThat(stage.provider.calls()).isZero();
            assertThat(stage.orchestrator.chat("hello").text())
                    .as("waiting needs none")
                    .isEqualTo("fine");
            stage.assertNothingIsLeft();
        }
    }

    @Test
    void an_executor_that_refuses_is_a_typed_error() throws Exception {
        assertNoThread(task -> {
            throw new RejectedExecutionException("full");
        });
        ExecutorService shutDown = Executors.newSingleThreadExecutor();
        shutDown.shutdown();
        assertNoThread(shutDown);
    }

    @Test
    void an_executor_that_fails_in_another_way_is_a_typed_error_too() throws Exception {
        assertNoThread(task -> {
            throw new IllegalStateException("a bug");
        });
        assertNoThread(task -> {
            throw new OutOfMemoryError("unable to create native thread");
        });
    }

    // ---- Waiting for a thread

    /** A stage whose one thread is busy until the end of the test. */
    private static final class Queue implements AutoCloseable {

        private final CountDownLatch busy = new CountDownLatch(1);
        private final ExecutorService one = Executors.newSingleThreadExecutor();
        private final Stage stage = new Stage(Script.answering("fine"), settings -> settings.executor(one));

        private Queue() {
            one.execute(() -> Script.await(busy));
        }

        private void assertNothingWasDone() throws Exception {
            assertThat(stage.time.pendingTimers()).as("timers").isZero();
            busy.countDown();
            one.shutdown();
            assertThat(one.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
            assertThat(stage.provider.calls()).isZero();
            stage.assertNothingIsLeftNorCounted();
        }

        @Override
        public void close() {
            busy.countDown();
            stage.close();
            one.shutdownNow();
        }
    }

    @Test
    void a_call_that_gets_no_thread_fails_at_its_deadline() throws Exception {
        try (Queue queue = new Queue()) {
            CompletableFuture<ChatResponse> future = queue.stage.orchestrator.chatAsync(REQUEST);
            queue.stage.time.advance(DEADLINE.minusNanos(1));
            assertThat(future).isNotDone();
            queue.stage.time.advance(Duration.ofNanos(1));
            assertThat(failureOf(future))
                    .isInstanceOfSatisfying(
                            DeadlineExceededException.class,
                            e -> assertThat(e.deadline()).isEqualTo(DEADLINE));
            queue.assertNothingWasDone();
        }
    }

    @Test
    void waiting_for_a_thread_counts_as_part_of_the_call() throws Exception {
        try (Queue queue = new Queue()) {
            CompletableFuture<ChatResponse> future = queue.stage.orchestrator.chatAsync(REQUEST);
            queue.stage.time.advance(DEADLINE.minusNanos(1));
            queue.busy.countDown();
            assertThat(future.get(10, TimeUnit.SECONDS).text()).isEqualTo("fine");
        }
    }

    @Test
    void a_call_can_be_cancelled_while_it_waits_for_a_thread() throws Exception {
        try (Queue queue = new Queue()) {
            CompletableFuture<ChatResponse> future = queue.stage.orchestrator.chatAsync(REQUEST);
            assertThat(future.cancel(false)).isTrue();
            queue.assertNothingWasDone();
        }
    }

    @Test
    void a_cancellation_among_the_options_ends_a_call_that_waits_for_a_thread() throws Exception {
        try (Queue queue = new Queue()) {
            Cancellation cancellation = new Cancellation();
            CallOptions options = CallOptions.defaults().withCancellation(cancellation);
            CompletableFuture<ChatResponse> future = queue.stage.orchestrator.chatAsync(REQUEST, options);
            ChatStream stream = queue.stage.orchestrator.stream(REQUEST, options);
            cancellation.cancel();
            assertReason(failureOf(future), Reason.CANCELLED);
            assertThatThrownBy(stream::hasNext).satisfies(e -> assertReason(e, Reason.CANCELLED));
            queue.assertNothingWasDone();
        }
    }

    @Test
    void a_cancellation_that_has_happened_already_ends_a_call_before_it_begins() throws Exception {
        try (Stage stage = new Stage(Script.answering("fine"))) {
            Cancellation cancellation = new Cancellation();
            cancellation.cancel();
            CallOptions options = CallOptions.defaults().withCancellation(cancellation);
            assertReason(failureOf(stage.orchestrator.chatAsync(REQUEST, options)), Reason.CANCELLED);
            assertThatThrownBy(() -> stage.orchestrator.chat(REQUEST, options))
                    .satisfies(e -> assertReason(e, Reason.CANCELLED));
            assertThat(stage.provider.calls()).isZero();
            stage.assertNothingIsLeftNorCounted();
        }
    }

    @Test
    void closing_a_stream_that_waits_for_a_thread_ends_it() throws Exception {
        try (Queue queue = new Queue()) {
            queue.stage.orchestrator.stream(REQUEST).close();
            queue.assertNothingWasDone();
        }
    }

    // ---- Closing the orchestrator

    /** Closes on a thread of its own, and waits until nobody new is let in. */
    private static Thread closing(Stage stage) {
        Thread closing = new Thread(stage.orchestrator::close, "closing");
        closing.start();
        while (closing.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        return closing;
    }

    /** A call that ends when the test says so. */
    private static Script gated(CountDownLatch gate) {
        return new Script((cancellation, sink) -> {
            sink.connected();
            Script.await(gate);
            Script.say(sink, "fine");
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        });
    }

    @Test
    void closing_waits_for_calls_in_flight_and_refuses_new_ones() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        try (Stage stage = new Stage(gated(gate))) {
            CompletableFuture<ChatResponse> future = stage.orchestrator.chatAsync(REQUEST);
            stage.provider.awaitCall();
            Thread closing = closing(stage);

            assertThatThrownBy(() -> stage.orchestrator.chat("too late"))
                    .satisfies(e -> assertReason(e, Reason.CLOSED));
            assertReason(failureOf(stage.orchestrator.chatAsync(REQUEST)), Reason.CLOSED);
            assertThat(future).isNotDone();
            assertThat(closing.isAlive()).isTrue();

            gate.countDown();
            assertThat(future.get(10, TimeUnit.SECONDS).text()).isEqualTo("fine");
            closing.join(10_000);
            assertThat(closing.isAlive()).isFalse();
            assertThat(stage.provider.calls()).isOne();
            stage.awaitCalls();
            assertThat(stage.time.pendingTimers()).isZero();
        }
    }

    @Test
    void closing_ends_calls_that_take_longer_than_the_drain_timeout() throws Exception {
        try (Stage stage =
                new Stage(Script.silentAfter("half"), settings -> settings.drainTimeout(Duration.ofSeconds(3)))) {
            CompletableFuture<ChatResponse> future = stage.orchestrator.chatAsync(REQUEST);
            stage.provider.awaitCall();
            Thread closing = closing(stage);
            stage.time.advance(Duration.ofSeconds(3).minusNanos(1));
            assertThat(future).isNotDone();
            stage.time.advance(Duration.ofNanos(1));

            assertReason(failureOf(future), Reason.CLOSED);
            closing.join(10_000);
            assertThat(closing.isAlive()).isFalse();
            stage.awaitCalls();
            assertThat(stage.time.pendingTimers()).isZero();
        }
    }

    @Test
    void closing_with_a_drain_timeout_of_zero_ends_calls_at_once() throws Exception {
        try (Stage stage = new Stage(Script.silentAfter("half"), settings -> settings.drainTimeout(Duration.ZERO))) {
            CompletableFuture<ChatResponse> future = stage.orchestrator.chatAsync(REQUEST);
            // The stage has one place, which is the future's.
            stage.provider.awaitCall();
            ChatStream stream = stage.orchestrator.stream(REQUEST);
            stage.orchestrator.close();
            assertReason(failureOf(future), Reason.CLOSED);
            assertThatThrownBy(stream::response).isInstanceOf(OrchestratorException.class);
            stage.awaitCalls();
            assertThat(stage.time.pendingTimers()).isZero();
        }
    }

    @Test
    void closing_ends_calls_that_wait_for_a_thread() throws Exception {
        try (Queue queue = new Queue()) {
            CompletableFuture<ChatResponse> future = queue.stage.orchestrator.chatAsync(REQUEST);
            Thread closing = closing(queue.stage);
            queue.stage.time.advance(Orchestrator.DEFAULT_DRAIN_TIMEOUT);
            assertReason(failureOf(future), Reason.CLOSED);
            closing.join(10_000);
            assertThat(closing.isAlive()).isFalse();
            assertThat(queue.stage.time.pendingTimers()).isZero();
            assertThat(queue.stage.provider.calls()).isZero();
        }
    }

    @Test
    void closing_on_an_interrupted_thread_ends_calls_at_once_and_keeps_the_interrupt() throws Exception {
        try (Stage stage = new Stage(Script.silentAfter("half"))) {
            CompletableFuture<ChatResponse> future = stage.orchestrator.chatAsync(REQUEST);
            stage.provider.awaitCall();
            AtomicReference<Boolean> interruptKept = new AtomicReference<>(false);
            Thread closing = new Thread(() -> {
                stage.orchestrator.close();
                interruptKept.set(Thread.currentThread().isInterrupted());
            });
            closing.start();
            closing.interrupt();
            closing.join(10_000);
            assertThat(closing.isAlive()).isFalse();
            assertThat(interruptKept).hasValue(true);
            assertReason(failureOf(future), Reason.CLOSED);
            stage.awaitCalls();
            assertThat(stage.time.pendingTimers()).isZero();
        }
    }

    @Test
    void closing_twice_does_nothing_the_second_time() {
        try (Stage stage = new Stage(Script.answering("fine"))) {
            stage.orchestrator.close();
            stage.orchestrator.close();
            assertThat(stage.time.pendingTimers()).isZero();
        }
    }

    @Test
    void an_executor_that_is_shut_down_ends_a_call_that_waits_for_its_reader() throws Exception {
        ExecutorService own = Executors.newSingleThreadExecutor();
        CountDownLatch ahead = new CountDownLatch(1);
        ChatProvider endless = (request, delivery, deadline, cancellation, sink) -> {
            for (int i = 0; !cancellation.isCancelled(); i++) {
                if (i == 256) {
                    ahead.countDown();
                }
                sink.event(new ChatEvent.Text("a"));
            }
            throw ProviderException.of(FailureKind.CANCELLED, "cancelled");
        };
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(new ManualTimeSource())
                .executor(own)
                .provider("endless", p -> p.chatProvider(endless))
                .build()) {
            ChatStream stream = orchestrator.stream(ChatRequest.of("hello"));
            ahead.await();

            own.shutdownNow();

            assertThat(own.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
            assertThatThrownBy(stream::response).isInstanceOf(CallCancelledException.class);
            assertThat(orchestrator.circuitBreaker("endless").status().failureCount())
                    .isZero();
        }
    }
}
