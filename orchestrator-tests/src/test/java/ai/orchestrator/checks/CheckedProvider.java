package ai.orchestrator.checks;

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
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/** A provider in memory that answers every call, and whose checks do what a test says, one after the other; then all is well. */
final class CheckedProvider implements ChatProvider {

    private static final long PATIENCE_SECONDS = 10;

    /** How one check ends: as {@link ChatProvider#check}. */
    private final Queue<Predicate<Cancellation>> script = new ConcurrentLinkedQueue<>();

    private final Semaphore begun = new Semaphore(0);
    private final AtomicInteger checks = new AtomicInteger();
    private final AtomicInteger atOnce = new AtomicInteger();
    private final AtomicInteger mostAtOnce = new AtomicInteger();

    CheckedProvider then(Predicate<Cancellation> check) {
        script.add(check);
        return this;
    }

    CheckedProvider thenFails(FailureKind kind, String reason) {
        return then(cancellation -> {
            throw ProviderException.of(kind, reason);
        });
    }

    /** Ends when it is cancelled, and not before. */
    CheckedProvider thenIsSilent() {
        return then(cancellation -> {
            CountDownLatch cancelled = new CountDownLatch(1);
            cancellation.onCancel(cancelled::countDown);
            try {
                cancelled.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            throw ProviderException.of(FailureKind.CANCELLED, "cancelled");
        });
    }

    /** Waits for the next check that this method has not waited for. */
    void awaitCheck() {
        try {
            if (!begun.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw new IllegalStateException("no check came; there were " + checks);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for a check", e);
        }
    }

    int checks() {
        return checks.get();
    }

    int mostAtOnce() {
        return mostAtOnce.get();
    }

    @Override
    public boolean check(Cancellation cancellation) {
        checks.incrementAndGet();
        mostAtOnce.accumulateAndGet(atOnce.incrementAndGet(), Math::max);
        begun.release();
        try {
            Predicate<Cancellation> next = script.poll();
            return next == null || next.test(cancellation);
        } finally {
            atOnce.decrementAndGet();
        }
    }

    @Override
    public void chat(
            ChatRequest request, Delivery delivery, Deadline deadline, Cancellation cancellation, EventSink sink) {
        sink.event(new ChatEvent.Text("here"));
        sink.event(new ChatEvent.Finished(FinishReason.STOP));
    }
}
