package ai.orchestrator.cache;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.time.Deadline;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A provider in memory whose every attempt a test moves by hand. */
final class Tap implements ChatProvider {

    private static final long PATIENCE_SECONDS = 10;

    private final BlockingQueue<Attempt> attempts = new LinkedBlockingQueue<>();
    private final AtomicInteger asked = new AtomicInteger();

    /** How often it was asked. */
    int asked() {
        return asked.get();
    }

    /** Waits until it is asked, once more each time. */
    Attempt next() throws InterruptedException {
        return Objects.requireNonNull(attempts.poll(PATIENCE_SECONDS, TimeUnit.SECONDS), "nobody has asked");
    }

    @Override
    public void chat(
            ChatRequest request, Delivery delivery, Deadline deadline, Cancellation cancellation, EventSink sink) {
        asked.incrementAndGet();
        Attempt attempt = new Attempt(delivery, deadline, sink);
        try (Cancellation.Registration registration = cancellation.onCancel(attempt::cancel)) {
            sink.connected();
            attempts.add(attempt);
            attempt.run();
        }
    }

    /** What the provider does from one step to the next. */
    static final class Attempt {

        private record Step(Runnable action, CompletableFuture<Void> done) {}

        private final Delivery delivery;
        private final Deadline deadline;
        private final EventSink sink;
        private final BlockingQueue<Step> steps = new LinkedBlockingQueue<>();
        private final CountDownLatch cancelled = new CountDownLatch(1);
        private boolean over;

        private Attempt(Delivery delivery, Deadline deadline, EventSink sink) {
            this.delivery = delivery;
            this.deadline = deadline;
            this.sink = sink;
        }

        Delivery delivery() {
            return delivery;
        }

        Deadline deadline() {
            return deadline;
        }

        /** Says something; returns when the orchestrator has taken it. */
        Attempt say(String... texts) {
            for (String text : texts) {
                report(new ChatEvent.Text(text));
            }
            return this;
        }

        Attempt report(ChatEvent event) {
            return step(() -> sink.event(event));
        }

        /** Completes the answer. */
        void finish() {
            finish(FinishReason.STOP);
        }

        void finish(FinishReason reason) {
            step(() -> {
                sink.event(new ChatEvent.Finished(reason));
                over = true;
            });
        }

        void fail(FailureKind kind) {
            fail(ProviderException.of(kind, "scripted"));
        }

        void fail(RuntimeException failure) {
            steps.add(new Step(
                    () -> {
                        throw failure;
                    },
                    new CompletableFuture<>()));
        }

        /** Throws, whatever it is. */
        void fail(Error error) {
            steps.add(new Step(
                    () -> {
                        throw error;
                    },
                    new CompletableFuture<>()));
        }

        boolean isCancelled() {
            return cancelled.getCount() == 0;
        }

        void awaitCancelled() throws InterruptedException {
            if (!cancelled.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw new IllegalStateException("nobody has cancelled it");
            }
        }

        private Attempt step(Runnable action) {
            Step step = new Step(action, new CompletableFuture<>());
            steps.add(step);
            step.done.orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS).join();
            return this;
        }

        private void cancel() {
            cancelled.countDown();
            fail(ProviderException.of(FailureKind.CANCELLED, "cancelled"));
        }

        private void run() {
            while (!over) {
                Step step;
                try {
                    step = steps.take();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw ProviderException.of(FailureKind.CANCELLED, "interrupted", e);
                }
                step.action.run();
                step.done.complete(null);
            }
        }
    }
}
