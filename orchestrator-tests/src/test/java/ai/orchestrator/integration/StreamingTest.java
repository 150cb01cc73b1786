package ai.orchestrator.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import ai.orchestrator.CallCancelledException;
import ai.orchestrator.CallOptions;
import ai.orchestrator.DeadlineExceededException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.StreamFailedException;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer;
import ai.orchestrator.testkit.StreamScript;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class StreamingTest {

    private final ManualTimeSource time = new ManualTimeSource();
    private final ScriptedServer first = ScriptedServer.start();
    private final ScriptedServer second = ScriptedServer.start();
    private final Orchestrator orchestrator = Orchestrator.builder()
            .timeSource(time)
            .drainTimeout(Duration.ZERO)
            .provider(
                    "first",
                    p -> p.type("openai").baseUrl(first.baseUrl()).model("m").priority(1))
            .provider(
                    "second",
                    p -> p.type("openai").baseUrl(second.baseUrl()).model("m").priority(2))
            .build();

    @AfterEach
    void close() {
        orchestrator.close();
        first.close();
        second.close();
    }

    @Test
    void a_stream_shows_the_pieces_as_they_come_and_then_the_whole_answer() {
        first.reply(Reply.tokens("Why", " not", "?"));
        try (ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            List<String> texts = new ArrayList<>();
            for (ChatEvent event : stream) {
                if (event instanceof ChatEvent.Text piece) {
                    texts.add(piece.text());
                }
            }
            ChatResponse response = stream.response();
            assertThat(texts).containsExactly("Why", " not", "?");
            assertThat(response.text()).isEqualTo("Why not?");
            assertThat(response.provider()).isEqualTo("first");
            assertThat(response.usage().orElseThrow().outputTokens()).isEqualTo(3);
        }
    }

    @Test
    void a_failure_before_the_first_token_is_not_seen() {
        first.reply(Reply.stream(StreamScript.empty().send(": wait\n\n").thenClose()));
        second.reply(Reply.tokens("fine"));
        try (ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            ChatResponse response = stream.response();
            assertThat(response.text()).isEqualTo("fine");
            assertThat(response.trail().toString()).contains("first failed").contains("TRUNCATED");
        }
    }

    @Test
    void a_stream_that_breaks_off_after_its_first_token_ends_with_its_partial_text() {
        first.reply(Reply.stream(StreamScript.empty()
                .send(Reply.token("half an"))
                .send(Reply.token(" answ"))
                .thenClose()));
        try (ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            assertThatThrownBy(stream::response).isInstanceOfSatisfying(StreamFailedException.class, e -> {
                assertThat(e.kind()).isEqualTo(FailureKind.TRUNCATED);
                assertThat(e.partialText()).isEqualTo("half an answ");
                assertThat(e.provider()).isEqualTo("first");
            });
        }
        assertThat(second.requestCount()).isZero();
    }

    @Test
    void closing_a_stream_closes_its_connection() {
        first.reply(Reply.stream(StreamScript.empty().send(Reply.token("Why")).thenSilence()));
        try (ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            assertThat(stream.hasNext()).isTrue();
        }
        first.awaitClientClosed(first.awaitRequest());
    }

    // ---- Limits

    @Test
    void F6_a_silent_provider_is_left_at_the_first_token_limit() {
        first.reply(Reply.hang());
        second.reply(Reply.tokens("fine"));
        try (ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            ScriptedServer.ReceivedRequest silent = first.awaitRequest();
            time.advance(Duration.ofSeconds(10).minusNanos(1));
            assertThat(second.requestCount()).isZero();
            time.advance(Duration.ofNanos(1));
            ChatResponse response = stream.response();
            assertThat(response.text()).isEqualTo("fine");
            assertThat(response.trail().steps().get(0)).isInstanceOfSatisfying(Trail.Failed.class, failed -> {
                assertThat(failed.kind()).isEqualTo(FailureKind.TIMEOUT);
                assertThat(failed.reason()).isEqualTo("no first token within 10 s");
            });
            first.awaitClientClosed(silent);
        }
    }

    @Test
    void F7_headers_and_comments_are_no_first_token_and_late_tokens_never_mix_in() {
        CompletableFuture<Void> late = new CompletableFuture<>();
        first.reply(Reply.stream(StreamScript.empty()
                .send(": wait\n\n")
                .await(late)
                .send(Reply.token("late"))
                .send(Reply.tokensEnd(1))));
        second.reply(Reply.tokens("fi", "ne"));
        try (ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            first.awaitRequest();
            time.advance(Duration.ofSeconds(10));
            late.complete(null);
            assertThat(stream.response().text()).isEqualTo("fine");
        }
    }

    @Test
    void a_stream_that_falls_silent_after_its_first_token_ends_at_the_idle_limit() {
        first.reply(Reply.stream(StreamScript.empty().send(Reply.token("half")).thenSilence()));
        try (ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            assertThat(stream.hasNext()).isTrue();
            time.advance(Duration.ofSeconds(15).minusNanos(1));
            assertThat(first.openConnections()).isEqualTo(1);
            time.advance(Duration.ofNanos(1));
            assertThatThrownBy(stream::response).isInstanceOfSatisfying(StreamFailedException.class, e -> {
                assertThat(e.kind()).isEqualTo(FailureKind.TIMEOUT);
                assertThat(e).hasMessageContaining("silent for 15 s");
                assertThat(e.partialText()).isEqualTo("half");
            });
            first.awaitClientClosed(first.awaitRequest());
        }
    }

    @Test
    void a_sign_of_life_breaks_the_silence() {
        ChatProvider provider = (request, delivery, deadline, cancellation, sink) -> {
            sink.event(new ChatEvent.Text("fi"));
            for (int i = 0; i < 5; i++) {
                time.advance(Duration.ofSeconds(14));
                sink.alive();
            }
            sink.event(new ChatEvent.Text("ne"));
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        };
        try (Orchestrator own = own(provider).deadline(Duration.ofMinutes(5)).build();
                ChatStream stream = own.stream(ChatRequest.of("hello"))) {
            assertThat(stream.response().text()).isEqualTo("fine");
        }
        assertThat(time.pendingTimers()).isZero();
    }

    @Test
    void reasoning_ends_the_wait_for_the_first_token_but_is_held_until_there_is_text() {
        ChatProvider thinking = (request, delivery, deadline, cancellation, sink) -> {
            sink.event(new ChatEvent.Reasoning("hmm"));
            time.advance(Duration.ofSeconds(14));
            sink.event(new ChatEvent.Text("fine"));
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        };
        try (Orchestrator own = own(thinking).build();
                ChatStream stream = own.stream(ChatRequest.of("hello"))) {
            assertThat(stream.next()).isEqualTo(new ChatEvent.Reasoning("hmm"));
            assertThat(stream.next()).isEqualTo(new ChatEvent.Text("fine"));
        }
        ChatProvider failing = (request, delivery, deadline, cancellation, sink) -> {
            sink.event(new ChatEvent.Reasoning("hmm"));
            throw ProviderException.of(FailureKind.OVERLOADED, "busy");
        };
        second.reply(Reply.tokens("fine"));
        try (Orchestrator own = own(failing)
                        .provider(
                                "second",
                                p -> p.type("openai").baseUrl(second.baseUrl()).model("m"))
                        .build();
                ChatStream stream = own.stream(ChatRequest.of("hello"))) {
            ChatResponse response = stream.response();
            assertThat(response.reasoning()).isEmpty();
            assertThat(response.text()).isEqualTo("fine");
        }
    }

    @Test
    void a_reader_that_is_slow_makes_the_provider_wait_and_is_no_silence() {
        CompletableFuture<Thread> provider = new CompletableFuture<>();
        ChatProvider fast = (request, delivery, deadline, cancellation, sink) -> {
            provider.complete(Thread.currentThread());
            for (int i = 0; i < 1_000; i++) {
                sink.event(new ChatEvent.Text("a"));
            }
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        };
        try (Orchestrator own = own(fast).deadline(Duration.ofMinutes(5)).build();
                ChatStream stream = own.stream(ChatRequest.of("hello"))) {
            Thread providersThread = provider.join();
            while (providersThread.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            time.advance(Duration.ofMinutes(2));
            assertThat(stream.response().text()).hasSize(1_000);
        }
    }

    @Test
    void the_deadline_ends_a_stream_before_and_after_its_first_token() {
        first.reply(Reply.hang());
        CallOptions short5s = CallOptions.defaults().withDeadline(Duration.ofSeconds(5));
        try (ChatStream stream = orchestrator.stream(ChatRequest.of("hello"), short5s)) {
            first.awaitRequest();
            time.advance(Duration.ofSeconds(5));
            assertThatThrownBy(stream::hasNext).isInstanceOf(DeadlineExceededException.class);
            assertThatThrownBy(stream::next).isInstanceOf(DeadlineExceededException.class);
            assertThatThrownBy(stream::response).isInstanceOf(DeadlineExceededException.class);
        }
        first.reply(Reply.stream(StreamScript.empty().send(Reply.token("half")).thenSilence()));
        try (ChatStream stream = orchestrator.stream(ChatRequest.of("hello"), short5s)) {
            assertThat(stream.hasNext()).isTrue();
            time.advance(Duration.ofSeconds(5));
            assertThatThrownBy(stream::response)
                    .isInstanceOfSatisfying(
                            StreamFailedException.class,
                            e -> assertThat(e.kind()).isEqualTo(FailureKind.TIMEOUT));
        }
    }

    // ---- Ending early

    @Test
    void G7_a_stream_closed_at_any_of_64_points_frees_its_connection_and_settles_its_call() {
        for (int point = 0; point < 64; point++) {
            StreamScript script = StreamScript.empty();
            for (int i = 0; i < point; i++) {
                script = script.send(Reply.token("t" + i));
            }
            first.reply(Reply.stream(script.thenSilence()));
            ScriptedServer.ReceivedRequest request;
            try (ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
                for (int i = 0; i < point; i++) {
                    stream.next();
                }
                request = first.awaitRequest();
            }
            first.awaitClientClosed(request);
        }
        assertThat(first.openConnections()).isZero();
        assertThat(second.requestCount()).isZero();
        assertThat(orchestrator.circuitBreaker("first").status().failureCount()).isZero();
    }

    @Test
    void a_closed_stream_has_nothing_more_and_no_answer() {
        // Silent at its end, so that the call is still under way when the stream is closed.
        first.reply(Reply.stream(StreamScript.empty().send(Reply.token("a")).thenSilence()));
        ChatStream stream = orchestrator.stream(ChatRequest.of("hello"));
        assertThat(stream.hasNext()).isTrue();
        stream.close();
        stream.close();
        // A loop that another thread's close() ends must not end as if all were well.
        assertReason(stream, CallCancelledException.Reason.CANCELLED);
        assertThatThrownBy(stream::hasNext).isInstanceOf(CallCancelledException.class);
        assertThatThrownBy(stream::next).isInstanceOf(CallCancelledException.class);
    }

    @Test
    void a_reader_that_is_too_slow_for_the_deadline_is_not_the_providers_fault() {
        CompletableFuture<Thread> provider = new CompletableFuture<>();
        ChatProvider fast = (request, delivery, deadline, cancellation, sink) -> {
            provider.complete(Thread.currentThread());
            while (!cancellation.isCancelled()) {
                sink.event(new ChatEvent.Text("a"));
            }
            throw ProviderException.of(FailureKind.CANCELLED, "cancelled");
        };
        try (Orchestrator own = own(fast).build();
                ChatStream stream = own.stream(ChatRequest.of("hello"))) {
            Thread providersThread = provider.join();
            while (providersThread.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            time.advance(Duration.ofSeconds(30));
            assertThatThrownBy(stream::response).isInstanceOfSatisfying(StreamFailedException.class, e -> {
                assertThat(e.kind()).isEqualTo(FailureKind.CANCELLED);
                assertThat(e).hasMessageContaining("whoever reads the answer was too slow");
            });
            assertThat(own.circuitBreaker("own").status().failureCount()).isZero();
        }
    }

    @Test
    void a_provider_that_goes_on_after_its_limit_has_not_answered() {
        CompletableFuture<Thread> provider = new CompletableFuture<>();
        ChatProvider deaf = (request, delivery, deadline, cancellation, sink) -> {
            provider.complete(Thread.currentThread());
            for (int i = 0; i < 400; i++) {
                sink.event(new ChatEvent.Text("a"));
            }
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        };
        try (Orchestrator own = own(deaf).build();
                ChatStream stream = own.stream(ChatRequest.of("hello"))) {
            Thread providersThread = provider.join();
            while (providersThread.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            time.advance(Duration.ofSeconds(30));
            assertThatThrownBy(() -> stream.forEach(event -> {})).isInstanceOf(StreamFailedException.class);
        }
    }

    @Test
    void closing_after_the_end_was_read_keeps_the_answer() {
        CompletableFuture<Void> end = new CompletableFuture<>();
        ChatProvider slowToEnd = (request, delivery, deadline, cancellation, sink) -> {
            sink.event(new ChatEvent.Text("fine"));
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
            end.join();
        };
        try (Orchestrator own = own(slowToEnd).build()) {
            ChatStream stream = own.stream(ChatRequest.of("hello"));
            stream.next();
            assertThat(stream.next()).isInstanceOf(ChatEvent.Finished.class);
            stream.close();
            end.complete(null);
            assertThat(stream.response().text()).isEqualTo("fine");
        }
    }

    @Test
    void an_answer_that_was_complete_stays_after_closing() {
        first.reply(Reply.tokens("fine"));
        ChatStream stream = orchestrator.stream(ChatRequest.of("hello"));
        assertThat(stream.response().text()).isEqualTo("fine");
        assertThat(stream.hasNext()).isFalse();
        stream.close();
        assertThat(stream.response().text()).isEqualTo("fine");
    }

    @Test
    void an_interrupted_reader_ends_the_call() throws InterruptedException {
        first.reply(Reply.hang());
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        AtomicReference<Boolean> flag = new AtomicReference<>();
        ChatStream stream = orchestrator.stream(ChatRequest.of("hello"));
        Thread reader = new Thread(() -> {
            thrown.set(catchThrowable(stream::hasNext));
            flag.set(Thread.currentThread().isInterrupted());
        });
        reader.start();
        ScriptedServer.ReceivedRequest request = first.awaitRequest();
        reader.interrupt();
        reader.join();
        assertThat(thrown.get())
                .isInstanceOfSatisfying(
                        CallCancelledException.class,
                        e -> assertThat(e.reason()).isEqualTo(CallCancelledException.Reason.INTERRUPTED));
        assertThat(flag.get()).isTrue();
        first.awaitClientClosed(request);
    }

    @Test
    void cancelling_and_closing_the_orchestrator_end_streams() {
        first.reply(Reply.hang(), Reply.hang());
        Cancellation cancellation = new Cancellation();
        ChatStream cancelled = orchestrator.stream(
                ChatRequest.of("hello"), CallOptions.defaults().withCancellation(cancellation));
        first.awaitRequest();
        cancellation.cancel();
        assertReason(cancelled, CallCancelledException.Reason.CANCELLED);
        ChatStream closed = orchestrator.stream(ChatRequest.of("hello"));
        first.awaitRequest();
        orchestrator.close();
        assertReason(closed, CallCancelledException.Reason.CLOSED);
        assertReason(orchestrator.stream(ChatRequest.of("hello")), CallCancelledException.Reason.CLOSED);
    }

    private static void assertReason(ChatStream stream, CallCancelledException.Reason reason) {
        assertThatThrownBy(stream::response)
                .isInstanceOfSatisfying(
                        CallCancelledException.class,
                        e -> assertThat(e.reason()).isEqualTo(reason));
    }

    @Test
    void an_error_of_the_virtual_machine_reaches_the_reader() {
        ChatProvider broken = (request, delivery, deadline, cancellation, sink) -> {
            throw new StackOverflowError();
        };
        try (Orchestrator own = own(broken).build();
                ChatStream stream = own.stream(ChatRequest.of("hello"))) {
            assertThatThrownBy(stream::response).isInstanceOf(StackOverflowError.class);
        }
    }

    @Test
    void what_a_provider_reports_after_its_attempt_has_ended_is_dropped() {
        CompletableFuture<EventSink> kept = new CompletableFuture<>();
        ChatProvider failing = (request, delivery, deadline, cancellation, sink) -> {
            kept.complete(sink);
            throw ProviderException.of(FailureKind.OVERLOADED, "busy");
        };
        second.reply(Reply.tokens("fine"));
        try (Orchestrator own = own(failing)
                        .provider(
                                "second",
                                p -> p.type("openai").baseUrl(second.baseUrl()).model("m"))
                        .build();
                ChatStream stream = own.stream(ChatRequest.of("hello"))) {
            second.awaitRequest();
            kept.join().event(new ChatEvent.Text("late"));
            assertThat(stream.response().text()).isEqualTo("fine");
        }
    }

    // ---- Many

    @Test
    void a_hundred_streams_to_one_host_are_under_way_at_once() {
        first.otherwise(Reply.stream(StreamScript.empty().send(Reply.token("a")).thenSilence()));
        List<ChatStream> streams = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            streams.add(orchestrator.stream(ChatRequest.of("hello")));
        }
        // Would wait for ever if the client throttled: none of them ends.
        streams.forEach(stream -> assertThat(stream.hasNext()).isTrue());
        assertThat(first.openConnections()).isEqualTo(100);
        streams.forEach(ChatStream::close);
    }

    private Orchestrator.Builder own(ChatProvider provider) {
        return Orchestrator.builder()
                .timeSource(time)
                .provider("own", p -> p.chatProvider(provider).priority(1));
    }
}
