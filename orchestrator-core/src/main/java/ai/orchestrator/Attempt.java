package ai.orchestrator;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.time.Deadline;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;

/** One attempt: keeps its limits and collects its answer. */
final class Attempt implements EventSink {

    private final RegisteredProvider provider;
    private final Deadline deadline;
    private final Delivery delivery;
    private final LiveAnswer.Reception live;
    private final Cancellation cancellation = new Cancellation();
    private final AttemptLimits limits;

    /** Guards the collector and {@link #ended}: a provider's thread may still report when the attempt is over. */
    private final AnswerCollector collector = new AnswerCollector();

    private boolean ended;

    /**
     * @param live sees each event after it was collected
     */
    Attempt(
            RegisteredProvider provider,
            TimeSource timeSource,
            Deadline callDeadline,
            Delivery delivery,
            LiveAnswer.Reception live) {
        this.provider = provider;
        this.delivery = delivery;
        this.live = live;
        this.deadline = provider.attemptDeadline(callDeadline);
        this.limits = new AttemptLimits(
                timeSource,
                provider.settings(),
                deadline,
                callDeadline,
                delivery == Delivery.STREAMED,
                live,
                cancellation);
    }

    /**
     * Blocks until the provider has answered or failed.
     *
     * @return the answer, without a trail
     * @throws ProviderException if it failed
     */
    ChatResponse.Builder run(ChatRequest request, Cancellation callCancellation) {
        // The limits are armed before the call can block, and disarmed however it ends.
        limits.watch();
        if (delivery == Delivery.STREAMED) {
            cancellation.onCancel(live::end);
        }
        try (Cancellation.Registration registration = callCancellation.onCancel(cancellation::cancel)) {
            provider.chatProvider().chat(request, delivery, deadline, cancellation, this);
            if (delivery == Delivery.STREAMED && cancellation.isCancelled()) {
                // From then on events were dropped, so what was shown may lack some of what was collected.
                throw ProviderException.of(FailureKind.CANCELLED, "cancelled");
            }
            synchronized (collector) {
                if (!collector.isComplete()) {
                    throw ProviderException.of(FailureKind.TRUNCATED, "the answer ended before it was complete");
                }
                return collector.answer(provider.name());
            }
        } catch (ProviderException e) {
            throw explained(e, callCancellation);
        } catch (RuntimeException e) {
            // A provider of the application's own may throw anything; that is its failure, not the call's end.
            throw explained(ProviderException.of(FailureKind.SERVER, "unexpected " + e, e), callCancellation);
        } finally {
            limits.end();
            synchronized (collector) {
                ended = true;
            }
        }
    }

    private ProviderException explained(ProviderException thrown, Cancellation callCancellation) {
        if (callCancellation.isCancelled() || Thread.currentThread().isInterrupted()) {
            return thrown.kind() == FailureKind.CANCELLED
                    ? thrown
                    : ProviderException.of(FailureKind.CANCELLED, "cancelled", thrown);
        }
        String limit = limits.reached();
        if (limit == null) {
            return thrown;
        }
        return limits.waitedForReader()
                ? ProviderException.of(
                        FailureKind.CANCELLED, limit + ", because whoever reads the answer was too slow", thrown)
                : timeout(limit, thrown);
    }

    private ProviderException timeout(String limit, ProviderException thrown) {
        return limits.isConnected()
                ? ProviderException.of(FailureKind.TIMEOUT, limit, thrown)
                // Nothing was sent, so it was not silence: the same provider may be asked again.
                : ProviderException.builder(FailureKind.TIMEOUT, limit)
                        .cause(thrown)
                        .mayHaveBeenProcessed(false)
                        .build();
    }

    Duration elapsed() {
        return Duration.ofNanos(limits.elapsedNanos());
    }

    /** What came of the answer, however the attempt ended. */
    String partialText() {
        synchronized (collector) {
            return collector.text();
        }
    }

    @Override
    public void connected() {
        limits.sign();
    }

    @Override
    public void alive() {
        limits.sign();
    }

    @Override
    public void event(ChatEvent event) {
        limits.sign();
        synchronized (collector) {
            if (ended) {
                return;
            }
            collector.add(event);
        }
        if (event instanceof ChatEvent.Piece) {
            limits.firstToken();
        }
        live.event(event, this::alive);
    }
}
