package ai.orchestrator;

import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.time.Deadline;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/**
 * A call that runs on another thread. While it waits for one, its deadline runs and it can be cancelled, so that it ends in time however busy
 * the threads are.
 */
final class SubmittedCall implements Runnable {

    /** Takes how the call ended: one of the two, once. */
    interface Outcome {

        void complete(ChatResponse answer);

        void fail(Throwable cause);
    }

    private final Supplier<ChatResponse> call;
    private final Runnable atEnd;
    private final Outcome outcome;
    private final AtomicBoolean begun = new AtomicBoolean();

    /**
     * @param call runs it
     * @param atEnd runs before the outcome is told
     */
    SubmittedCall(Supplier<ChatResponse> call, Runnable atEnd, Outcome outcome) {
        this.call = call;
        this.atEnd = atEnd;
        this.outcome = outcome;
    }

    void submitTo(
            Executor executor,
            TimeSource timeSource,
            Deadline deadline,
            Duration allowed,
            Cancellation cancellation,
            Supplier<CallCancelledException.Reason> whyCancelled) {
        TimeSource.Timer limit;
        try {
            limit = timeSource.schedule(
                    deadline.remainingNanos(),
                    () -> failElsewhere(() -> new DeadlineExceededException(allowed, null, Trail.EMPTY)));
        } catch (RuntimeException | Error e) {
            // No memory for its thread. Nobody would ever end the call.
            failBeforehand(() -> new CallCancelledException(CallCancelledException.Reason.NO_THREAD, e, Trail.EMPTY));
            return;
        }
        cancellation.onCancel(() -> {
            limit.cancel();
            failBeforehand(() -> new CallCancelledException(whyCancelled.get(), null, Trail.EMPTY));
        });
        try {
            executor.execute(() -> {
                limit.cancel();
                run();
            });
        } catch (RuntimeException | Error e) {
            // Refused; or there is no memory for a thread. Nobody would ever end the call.
            limit.cancel();
            failBeforehand(() -> new CallCancelledException(CallCancelledException.Reason.NO_THREAD, e, Trail.EMPTY));
        }
    }

    private void failBeforehand(Supplier<OrchestratorException> reason) {
        if (begun.compareAndSet(false, true)) {
            fail(reason.get());
        }
    }

    /** Whoever waits may run any code then, and all limits wait for the thread that this one has reached. */
    private void failElsewhere(Supplier<OrchestratorException> reason) {
        if (begun.compareAndSet(false, true)) {
            try {
                var unused = CompletableFuture.runAsync(() -> fail(reason.get()));
            } catch (RuntimeException | Error e) {
                // No memory for a thread: rather here than never.
                fail(reason.get());
            }
        }
    }

    @Override
    public void run() {
        if (!begun.compareAndSet(false, true)) {
            return;
        }
        ChatResponse answer;
        try {
            answer = call.get();
        } catch (Throwable e) {
            // Whatever chat() would throw at its caller is told to whoever waits for this call.
            fail(e);
            return;
        }
        atEnd.run();
        outcome.complete(answer);
    }

    private void fail(Throwable cause) {
        atEnd.run();
        outcome.fail(cause);
    }
}
