package ai.orchestrator.calls;

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
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A provider in memory that does what a test says, and counts how often it was asked. */
final class Script implements ChatProvider {

    private static final long PATIENCE_SECONDS = 10;

    /** What it does when it is asked. */
    interface Part {
        void play(Cancellation cancellation, EventSink sink);
    }

    private final Part part;
    private final AtomicInteger calls = new AtomicInteger();
    private final Semaphore started = new Semaphore(0);
    private volatile @Nullable Thread thread;

    Script(Part part) {
        this.part = part;
    }

    /** Answers in pieces. */
    static Script answering(String... texts) {
        return new Script((cancellation, sink) -> {
            say(sink, texts);
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        });
    }

    /** Says something and then nothing until it is cancelled. */
    static Script silentAfter(String... texts) {
        return new Script((cancellation, sink) -> {
            sink.connected();
            say(sink, texts);
            awaitCancel(cancellation);
        });
    }

    /** Says something and then breaks off. */
    static Script failingAfter(ProviderException failure, String... texts) {
        return new Script((cancellation, sink) -> {
            say(sink, texts);
            throw failure;
        });
    }

    static Script failing(FailureKind kind) {
        return failingAfter(ProviderException.of(kind, "scripted"));
    }

    /** Talks until it is cancelled. */
    static Script endless() {
        return new Script((cancellation, sink) -> {
            while (!cancellation.isCancelled()) {
                sink.event(new ChatEvent.Text("x"));
            }
            throw ProviderException.of(FailureKind.CANCELLED, "cancelled");
        });
    }

    static void say(EventSink sink, String... texts) {
        for (String text : texts) {
            sink.event(new ChatEvent.Text(text));
        }
    }

    static void await(CountDownLatch latch) {
        try {
            if (!latch.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw new IllegalStateException("waited in vain");
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    static void awaitCancel(Cancellation cancellation) {
        CountDownLatch cancelled = new CountDownLatch(1);
        try (Cancellation.Registration registration = cancellation.onCancel(cancelled::countDown)) {
            cancelled.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        throw ProviderException.of(FailureKind.CANCELLED, "cancelled");
    }

    @Override
    public void chat(
            ChatRequest request, Delivery delivery, Deadline deadline, Cancellation cancellation, EventSink sink) {
        thread = Thread.currentThread();
        calls.incrementAndGet();
        started.release();
        part.play(cancellation, sink);
    }

    int calls() {
        return calls.get();
    }

    /** Waits until the thread that asked last waits for somebody. */
    void awaitBlocked() {
        awaitCall();
        Thread asking = Objects.requireNonNull(thread);
        while (asking.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
    }

    /** Waits until it is asked, once more each time. */
    void awaitCall() {
        try {
            if (!started.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw new IllegalStateException("nobody has asked");
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
