package ai.orchestrator.scenarios;

import ai.orchestrator.CallOptions;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.StreamRescue;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.provider.Cancellation;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.function.Supplier;

/** The ways of asking. */
enum Way {
    SYNC("chat"),
    ASYNC("chatAsync"),
    COLLECTED("chat, collected"),
    STREAM_FAIL("stream FAIL"),
    STREAM_HOLD("stream HOLD"),
    STREAM_RESTART("stream RESTART"),
    PUBLISHER("publish FAIL");

    static final String QUESTION = "Why is the sky blue?";

    private final String title;

    Way(String title) {
        this.title = title;
    }

    /** As in the table of the README. */
    String title() {
        return title;
    }

    /** Whether the provider is asked for a stream, so that it has a limit for its first token and one for its silence. */
    boolean streamsUpstream() {
        return this != SYNC && this != ASYNC;
    }

    /** Whether the reader sees pieces before the answer is complete. */
    boolean showsPieces() {
        return this == STREAM_RESTART || failsOnceShown();
    }

    /** Whether a provider that breaks off after the first piece ends the call. */
    boolean failsOnceShown() {
        return this == STREAM_FAIL || this == PUBLISHER;
    }

    /** Begins a call. */
    RunningCall start(Orchestrator orchestrator, Executor threads) {
        ChatRequest request = ChatRequest.of(QUESTION);
        RunningCall call = new RunningCall();
        switch (this) {
            case SYNC, COLLECTED -> {
                Cancellation cancellation = new Cancellation();
                call.onAbandon(cancellation::cancel);
                CallOptions options = CallOptions.defaults().withCancellation(cancellation);
                run(call, threads, () -> orchestrator.chat(request, options));
            }
            case ASYNC -> {
                CompletableFuture<ChatResponse> answer = orchestrator.chatAsync(request);
                call.onAbandon(() -> answer.cancel(false));
                run(call, threads, answer::join);
            }
            case STREAM_FAIL -> read(call, orchestrator, request, StreamRescue.FAIL, threads);
            case STREAM_HOLD -> read(call, orchestrator, request, StreamRescue.HOLD, threads);
            case STREAM_RESTART -> read(call, orchestrator, request, StreamRescue.RESTART, threads);
            case PUBLISHER ->
                orchestrator
                        .publish(request, CallOptions.defaults().withStreamRescue(StreamRescue.FAIL))
                        .subscribe(new Reader(call));
        }
        return call;
    }

    private static void run(RunningCall call, Executor threads, Supplier<ChatResponse> answer) {
        threads.execute(() -> {
            try {
                call.answered(answer.get());
            } catch (CompletionException e) {
                call.failed(e.getCause() == null ? e : e.getCause());
            } catch (RuntimeException e) {
                call.failed(e);
            }
        });
    }

    private static void read(
            RunningCall call, Orchestrator orchestrator, ChatRequest request, StreamRescue rescue, Executor threads) {
        ChatStream stream = orchestrator.stream(request, CallOptions.defaults().withStreamRescue(rescue));
        call.onAbandon(stream::close);
        threads.execute(() -> {
            try (stream) {
                stream.forEach(call::saw);
                call.answered(stream.response());
            } catch (RuntimeException e) {
                call.failed(e);
            }
        });
    }

    /** Has no response: what a subscriber knows is what the events say. */
    private static final class Reader implements Flow.Subscriber<ChatEvent> {

        private final RunningCall call;

        private Reader(RunningCall call) {
            this.call = call;
        }

        @Override
        public void onSubscribe(Flow.Subscription subscription) {
            call.onAbandon(() -> {
                subscription.cancel();
                // Nothing more is signalled after that.
                call.failed(new CancellationException());
            });
            subscription.request(Long.MAX_VALUE);
        }

        @Override
        public void onNext(ChatEvent event) {
            call.saw(event);
        }

        @Override
        public void onError(Throwable failure) {
            call.failed(failure);
        }

        @Override
        public void onComplete() {
            call.completed();
        }
    }
}
