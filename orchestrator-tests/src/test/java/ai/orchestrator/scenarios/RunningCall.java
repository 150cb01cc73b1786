package ai.orchestrator.scenarios;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Usage;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A call, whichever way it is made, and what its reader pieces together. */
final class RunningCall {

    private static final long PATIENCE_SECONDS = 10;

    private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    private final Semaphore shown = new Semaphore(0);

    // Written by the reader alone, and read when it has ended.
    private final StringBuilder text = new StringBuilder();
    private int restarts;
    private String model = "";
    private Optional<Usage> usage = Optional.empty();
    private Optional<FinishReason> finish = Optional.empty();

    private volatile Runnable abandon = () -> {};

    void onAbandon(Runnable abandon) {
        this.abandon = abandon;
    }

    /** Walks away. */
    void abandon() {
        abandon.run();
    }

    boolean isDone() {
        return outcome.isDone();
    }

    Outcome outcome() {
        try {
            return outcome.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException | ExecutionException e) {
            throw new IllegalStateException("the call has not ended", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for the call", e);
        }
    }

    /** Waits until the reader has seen so many more pieces of text. */
    void awaitShown(int pieces) {
        Observed.await(shown, pieces);
    }

    void saw(ChatEvent event) {
        if (event instanceof ChatEvent.Text piece) {
            text.append(piece.text());
            shown.release();
        } else if (event instanceof ChatEvent.Restarted) {
            text.setLength(0);
            model = "";
            usage = Optional.empty();
            finish = Optional.empty();
            restarts++;
        } else if (event instanceof ChatEvent.Started started) {
            model = started.model();
        } else if (event instanceof ChatEvent.Used used) {
            usage = Optional.of(used.usage());
        } else if (event instanceof ChatEvent.Finished finished) {
            finish = Optional.of(finished.reason());
        }
    }

    /** The call returned an answer; what it showed before must be the same. */
    void answered(ChatResponse answer) {
        if (finish.isEmpty()) {
            text.append(answer.text());
        }
        outcome.complete(new Outcome(
                text.toString(), restarts, Optional.of(answer), answer.model(), answer.usage(), Optional.empty()));
    }

    /** The events ended well. */
    void completed() {
        outcome.complete(new Outcome(
                text.toString(),
                restarts,
                Optional.empty(),
                model,
                usage,
                finish.isPresent() ? Optional.empty() : Optional.of(new AssertionError("no end was published"))));
    }

    void failed(Throwable failure) {
        outcome.complete(new Outcome(text.toString(), restarts, Optional.empty(), model, usage, Optional.of(failure)));
    }
}
