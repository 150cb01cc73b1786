package ai.orchestrator.calls;

import static ai.orchestrator.calls.Stage.REQUEST;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.CallCancelledException;
import ai.orchestrator.CallCancelledException.Reason;
import ai.orchestrator.CallOptions;
import ai.orchestrator.ConfigurationException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.RequestRejectedException;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer;
import ai.orchestrator.time.Deadline;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever is asked in the wrong way or at the wrong time is a typed error, and leaves nothing behind. */
@Timeout(60)
class BadInputTest {

    private static void assertReason(Throwable thrown, Reason reason) {
        assertThat(thrown)
                .isInstanceOfSatisfying(
                        CallCancelledException.class,
                        e -> assertThat(e.reason()).isEqualTo(reason));
    }

    // ---- Requests

    @Test
    void a_request_without_messages_cannot_be_built() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ChatRequest.builder().build())
                .withMessageContaining("at least one message");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ChatRequest.builder().messages(List.of()).build())
                .withMessageContaining("at least one message");
    }

    @Test
    void a_prompt_of_ten_megabytes_is_sent_and_answered() {
        String prompt = "word ".repeat(2_000_000);
        try (ScriptedServer server = ScriptedServer.start();
                Orchestrator orchestrator = Orchestrator.builder()
                        .provider(
                                "http",
                                p -> p.type("openai").baseUrl(server.baseUrl()).model("m"))
                        .build()) {
            server.otherwise(Reply.answer("fine"));
            assertThat(orchestrator.chat(prompt).text()).isEqualTo("fine");
            assertThat(server.requests().get(0).body()).hasSizeGreaterThan(prompt.length());
        }
    }

    @Test
    void no_request_is_refused_at_once() throws Exception {
        try (Stage stage = new Stage(Script.answering("fine"))) {
            assertThatNullPointerException().isThrownBy(() -> askNothing(stage.orchestrator, CallOptions.defaults()));
            assertThatNullPointerException().isThrownBy(() -> askNothing(stage.orchestrator, null));
            stage.assertNothingIsLeftNorCounted();
        }
    }

    @SuppressWarnings("NullAway") // It is what is tested.
    private static void askNothing(Orchestrator orchestrator, @Nullable CallOptions options) {
        if (options == null) {
            assertThatNullPointerException().isThrownBy(() -> orchestrator.chat(REQUEST, null));
            assertThatNullPointerException().isThrownBy(() -> orchestrator.chatAsync(REQUEST, null));
            assertThatNullPointerException().isThrownBy(() -> orchestrator.stream(REQUEST, null));
            orchestrator.publish(REQUEST, null);
        } else {
            assertThatNullPointerException().isThrownBy(() -> orchestrator.chatAsync(null, options));
            assertThatNullPointerException().isThrownBy(() -> orchestrator.stream(null, options));
            assertThatNullPointerException().isThrownBy(() -> orchestrator.publish(null, options));
            assertThatNullPointerException().isThrownBy(() -> orchestrator.explain(null));
            orchestrator.chat((ChatRequest) null, options);
        }
    }

    @Test
    void a_request_that_nobody_can_serve_is_refused_without_asking() throws Exception {
        ChatProvider unable = new ChatProvider() {
            @Override
            public Optional<String> unsupported(ChatRequest request) {
                return Optional.of("seed: has none");
            }

            @Override
            public void chat(
                    ChatRequest request,
                    Delivery delivery,
                    Deadline deadline,
                    Cancellation cancellation,
                    EventSink sink) {
                throw new IllegalStateException("must not be asked");
            }
        };
        ManualTimeSource time = new ManualTimeSource();
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider("unable", p -> p.chatProvider(unable))
                .build()) {
            assertThatThrownBy(() -> orchestrator.chat("hello"))
                    .isInstanceOfSatisfying(RequestRejectedException.class, e -> {
                        assertThat(e).hasMessageContaining("unable: cannot do seed: has none");
                        assertThat(e.kind()).isEqualTo(FailureKind.BAD_REQUEST);
                        assertThat(e.trail().attempts()).isZero();
                    });
            assertThat(time.pendingTimers()).isZero();
        }
    }

    // ---- Providers

    @Test
    void without_an_enabled_provider_no_orchestrator_is_built() {
        assertThatThrownBy(() -> Orchestrator.builder().build())
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("none is configured");
        assertThatThrownBy(() -> Orchestrator.builder()
                        .provider(
                                "off",
                                p -> p.chatProvider(Script.answering("fine")).enabled(false))
                        .build())
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("none is enabled");
    }

    @Test
    void when_no_provider_may_be_asked_the_error_says_why_and_when() throws Exception {
        try (Stage stage = new Stage(Script.answering("fine"))) {
            assertThat(stage.orchestrator.circuitBreaker("only").canRequest()).isTrue();
            stage.orchestrator.circuitBreaker("only").recordFailure();
            stage.time.advance(Duration.ofSeconds(12));
            assertThatThrownBy(() -> stage.orchestrator.chat("hello"))
                    .isInstanceOfSatisfying(AllProvidersFailedException.class, e -> {
                        assertThat(e).hasMessageContaining("only skipped: circuit breaker open");
                        assertThat(e.earliestRetry()).contains(Duration.ofSeconds(48));
                        assertThat(e.trail().attempts()).isZero();
                    });
            assertThat(stage.provider.calls()).isZero();
            assertThat(stage.time.pendingTimers()).isZero();
        }
    }

    // ---- Deadlines

    @ParameterizedTest
    @ValueSource(longs = {0, -1, Long.MIN_VALUE})
    void a_deadline_of_nothing_or_less_is_refused(long nanos) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CallOptions.defaults().withDeadline(Duration.ofNanos(nanos)))
                .withMessageContaining("deadline must be more than zero");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Orchestrator.builder().deadline(Duration.ofNanos(nanos)))
                .withMessageContaining("deadline must be more than zero");
    }

    @Test
    void a_deadline_of_ages_is_taken_as_it_is() throws Exception {
        try (Stage stage = new Stage(Script.answering("fine"))) {
            CallOptions ages = CallOptions.defaults().withDeadline(Duration.ofSeconds(Long.MAX_VALUE));
            assertThat(stage.orchestrator.chat(REQUEST, ages).text()).isEqualTo("fine");
            stage.assertNothingIsLeft();
        }
    }

    // ---- A closed orchestrator

    @Test
    void a_closed_orchestrator_refuses_all_four_kinds_of_call() throws Exception {
        Script script = Script.answering("fine");
        try (Stage stage = new Stage(script)) {
            Orchestrator closed = stage.orchestrator;
            closed.close();

            assertThatThrownBy(() -> closed.chat("hello")).satisfies(e -> assertReason(e, Reason.CLOSED));
            CompletableFuture<ChatResponse> future = closed.chatAsync(REQUEST);
            assertThatThrownBy(future::join).cause().satisfies(e -> assertReason(e, Reason.CLOSED));
            try (ChatStream stream = closed.stream(REQUEST)) {
                assertThatThrownBy(stream::hasNext).satisfies(e -> assertReason(e, Reason.CLOSED));
                assertThatThrownBy(stream::response).satisfies(e -> assertReason(e, Reason.CLOSED));
            }
            Recorder subscriber = new Recorder(0);
            closed.publish(REQUEST).subscribe(subscriber);
            assertThat(subscriber.awaitEnd()).satisfies(e -> assertReason(e, Reason.CLOSED));

            assertThat(script.calls()).isZero();
            assertThat(stage.time.pendingTimers()).isZero();
        }
    }

    // ---- Interrupts

    @Test
    void an_interrupted_caller_asks_nobody_and_keeps_its_interrupt() throws Exception {
        try (Stage stage = new Stage(Script.answering("fine"))) {
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> stage.orchestrator.chat("hello"))
                    .satisfies(e -> assertReason(e, Reason.INTERRUPTED));
            assertThat(Thread.interrupted()).isTrue();
            assertThat(stage.provider.calls()).isZero();
            stage.assertNothingIsLeftNorCounted();
        }
    }

    @Test
    void an_interrupt_during_a_wait_ends_the_call_and_is_kept() throws Exception {
        ManualTimeSource time = new ManualTimeSource();
        Script failing = Script.failing(FailureKind.NETWORK);
        AtomicReference<@Nullable Throwable> thrown = new AtomicReference<>();
        AtomicBoolean interruptKept = new AtomicBoolean();
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider("failing", p -> p.chatProvider(failing))
                .build()) {
            Thread caller = new Thread(() -> {
                try {
                    orchestrator.chat("hello");
                } catch (RuntimeException e) {
                    thrown.set(e);
                }
                interruptKept.set(Thread.currentThread().isInterrupted());
            });
            caller.start();
            failing.awaitCall();
            while (caller.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            caller.interrupt();
            caller.join(10_000);

            assertThat(thrown.get()).isInstanceOfSatisfying(CallCancelledException.class, e -> {
                assertThat(e.reason()).isEqualTo(Reason.INTERRUPTED);
                assertThat(e.trail().attempts()).isOne();
                assertThat(e).hasRootCauseMessage("scripted");
            });
            assertThat(interruptKept).isTrue();
            assertThat(failing.calls()).isOne();
            assertThat(time.pendingTimers()).isZero();
        }
    }

    @Test
    void an_interrupt_during_an_attempt_ends_it_and_gives_everything_back() throws Exception {
        try (Stage stage = new Stage(Script.silentAfter())) {
            AtomicReference<@Nullable Throwable> thrown = new AtomicReference<>();
            Thread caller = new Thread(() -> {
                try {
                    stage.orchestrator.chat("hello");
                } catch (RuntimeException e) {
                    thrown.set(e);
                }
            });
            caller.start();
            stage.provider.awaitCall();
            caller.interrupt();
            caller.join(10_000);
            assertReason(Objects.requireNonNull(thrown.get()), Reason.INTERRUPTED);
            stage.assertNothingIsLeftNorCounted();
        }
    }

    @Test
    void a_cancellation_during_a_wait_ends_the_call_at_once() throws Exception {
        ManualTimeSource time = new ManualTimeSource();
        Script failing = Script.failing(FailureKind.NETWORK);
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider("failing", p -> p.chatProvider(failing))
                .build()) {
            Cancellation cancellation = new Cancellation();
            CompletableFuture<ChatResponse> future =
                    orchestrator.chatAsync(REQUEST, CallOptions.defaults().withCancellation(cancellation));
            failing.awaitBlocked();
            cancellation.cancel();
            assertThatThrownBy(future::join).cause().satisfies(e -> assertReason(e, Reason.CANCELLED));
            assertThat(failing.calls()).isOne();
        }
        assertThat(time.pendingTimers()).isZero();
    }

    // ---- Listeners

    @Test
    void a_breaker_listener_that_throws_disturbs_neither_calls_nor_other_listeners() throws Exception {
        CountDownLatch told = new CountDownLatch(1);
        try (Stage stage = new Stage(
                Script.answering("fine"),
                settings -> settings.circuitBreakerListener(transition -> {
                            throw new IllegalStateException("a listener's bug");
                        })
                        .circuitBreakerListener(transition -> {
                            if (transition.to() == CircuitState.CLOSED) {
                                told.countDown();
                            }
                        }))) {
            assertThat(stage.orchestrator.chat("hello").text()).isEqualTo("fine");
            Script.await(told);
            assertThat(stage.breaker()).isEqualTo(CircuitState.CLOSED);
            stage.assertNothingIsLeft();
        }
    }
}
