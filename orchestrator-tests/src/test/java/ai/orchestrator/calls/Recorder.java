package ai.orchestrator.calls;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** A subscriber that writes down what it hears. It asks for so much at first, and then for what the test asks. */
class Recorder implements Flow.Subscriber<ChatEvent> {

    private static final long PATIENCE_SECONDS = 10;

    private final long first;
    private final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();
    private final CompletableFuture<@Nullable Throwable> end = new CompletableFuture<>();

    /** Guarded by itself. */
    private final List<String> heard = new ArrayList<>();

    Recorder(long first) {
        this.first = first;
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
        subscription.complete(given);
        if (first > 0) {
            given.request(first);
        }
    }

    @Override
    public void onNext(ChatEvent event) {
        hear(
                event instanceof ChatEvent.Text piece
                        ? piece.text()
                        : event.getClass().getSimpleName());
    }

    @Override
    public void onError(Throwable failure) {
        hear("onError");
        end.complete(failure);
    }

    @Override
    public void onComplete() {
        hear("onComplete");
        end.complete(null);
    }

    private void hear(String signal) {
        synchronized (heard) {
            heard.add(signal);
            heard.notifyAll();
        }
    }

    /** What it has heard so far: texts, the names of other events, and how it ended. */
    List<String> heard() {
        synchronized (heard) {
            return List.copyOf(heard);
        }
    }

    /** Waits until it has heard so much. */
    void awaitHeard(int count) throws InterruptedException {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        synchronized (heard) {
            while (heard.size() < count) {
                long left = TimeUnit.NANOSECONDS.toMillis(until - System.nanoTime());
                if (left <= 0) {
                    throw new IllegalStateException("heard only " + heard);
                }
                heard.wait(left);
            }
        }
    }

    /** A provider that breaks off, but not before so much of what it said was passed on. */
    Script breakingOffAfter(int heardCount, ChatEvent... events) {
        return new Script((cancellation, sink) -> {
            for (ChatEvent event : events) {
                sink.event(event);
            }
            try {
                awaitHeard(heardCount);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            throw ProviderException.of(FailureKind.NETWORK, "reset");
        });
    }

    Flow.Subscription subscription() {
        return subscription.join();
    }

    /** How it ended; null for an answer. */
    @Nullable
    Throwable awaitEnd() throws InterruptedException {
        try {
            return end.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("no end after " + heard(), e);
        }
    }
}
