package ai.orchestrator;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.provider.FailureKind;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands the events of a call to a subscriber, as it asks for them: whoever brings an event or asks for one passes on what both allow, one
 * at a time. A subscriber that does not ask makes the provider wait, within the call's deadline.
 */
final class PublishedCall implements Flow.Subscription {

    private static final Logger logger = LoggerFactory.getLogger(Orchestrator.class);

    private final Flow.Subscriber<? super ChatEvent> subscriber;
    private final StreamedCall stream;
    private final AtomicLong demand = new AtomicLong();

    /** How many asked for the next event to be passed on; the first of them does it for all. */
    private final AtomicInteger signals = new AtomicInteger();

    private volatile boolean cancelled;
    private volatile @Nullable IllegalArgumentException badDemand;

    /** Written only by whoever passes events on. */
    private boolean over;

    /**
     * @param streamed makes the stream, given what to run when there may be something to pass on
     */
    PublishedCall(Flow.Subscriber<? super ChatEvent> subscriber, Function<Runnable, StreamedCall> streamed) {
        this.subscriber = subscriber;
        this.stream = streamed.apply(this::passOn);
        // Nothing is passed on before the subscriber has its subscription.
        signals.set(1);
    }

    /** Gives the subscriber its subscription, and begins. */
    void subscribe(Consumer<StreamedCall> start) {
        try {
            subscriber.onSubscribe(this);
        } catch (RuntimeException | Error e) {
            reject(e);
        }
        // Before the call begins, because it may run on this thread.
        signals.set(0);
        passOn();
        if (!cancelled && badDemand == null) {
            start.accept(stream);
        }
    }

    @Override
    public void request(long n) {
        if (n <= 0) {
            badDemand = new IllegalArgumentException(
                    "a subscriber must request more than 0 events but requested " + n + " (Reactive Streams 3.9)");
        } else {
            demand.accumulateAndGet(n, (before, more) -> before + more < 0 ? Long.MAX_VALUE : before + more);
        }
        passOn();
    }

    @Override
    public void cancel() {
        cancelled = true;
        stream.close();
    }

    private void passOn() {
        if (signals.getAndIncrement() != 0) {
            return;
        }
        int seen = 1;
        while (seen != 0) {
            passOnAll();
            seen = signals.addAndGet(-seen);
        }
    }

    private void passOnAll() {
        try {
            while (!over && !cancelled && passOnOne()) {
                // The next one.
            }
        } catch (RuntimeException | Error e) {
            reject(e);
        }
    }

    /** Whether there may be another one. */
    private boolean passOnOne() {
        IllegalArgumentException bad = badDemand;
        if (bad != null) {
            over = true;
            stream.close();
            subscriber.onError(bad);
            return false;
        }
        ChatEvent event = demand.get() > 0 ? stream.poll() : null;
        if (event != null) {
            if (demand.get() != Long.MAX_VALUE) {
                demand.decrementAndGet();
            }
            subscriber.onNext(event);
            return true;
        }
        // In this order: a stream that is over has its failure, one that is not may still get one.
        boolean streamOver = stream.isOver();
        Throwable failure = stream.failure();
        if (streamOver || isReadersFault(failure)) {
            over = true;
            if (failure == null) {
                subscriber.onComplete();
            } else {
                subscriber.onError(failure);
            }
        }
        return false;
    }

    /** One that has not asked in time would perhaps never hear of it. */
    private static boolean isReadersFault(@Nullable Throwable failure) {
        return failure instanceof DeadlineExceededException
                || (failure instanceof StreamFailedException broken && broken.kind() == FailureKind.CANCELLED);
    }

    /** A subscriber must not throw (Reactive Streams 2.13): it gets nothing more. */
    private void reject(Throwable thrown) {
        logger.warn("A subscriber failed and gets nothing more", thrown);
        cancel();
    }
}
