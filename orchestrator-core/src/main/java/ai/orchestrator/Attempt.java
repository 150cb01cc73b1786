package ai.orchestrator;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.RateLimit;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.time.Deadline;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.List;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One attempt: keeps its limits and collects its answer. */
final class Attempt implements EventSink {

    private static final Logger logger = LoggerFactory.getLogger(Orchestrator.class);

    private final String provider;
    private final ChatProvider chatProvider;
    private final Deadline deadline;
    private final Delivery delivery;
    private final LiveAnswer.Reception live;
    private final Cancellation cancellation = new Cancellation();
    private final AttemptLimits limits;

    /** Guards the collector and {@link #ended}: a provider's thread may still report when the attempt is over. */
    private final AnswerCollector collector = new AnswerCollector();

    private boolean ended;

    /** Whether the end of the answer has come in time. */
    private volatile boolean finished;

    /**
     * @param setup what it goes by, kept open by the caller
     * @param makesRoom told how long the attempt has taken halfway to the deadline, on the time source's thread; says whether the other half
     *     is for another provider; null if nobody is to ask
     * @param live sees each event after it was collected
     */
    Attempt(
            ProviderSetup setup,
            TimeSource timeSource,
            Deadline callDeadline,
            @Nullable LongPredicate makesRoom,
            Delivery delivery,
            LiveAnswer.Reception live) {
        this.provider = setup.settings().name();
        this.chatProvider = setup.client().chatProvider();
        this.delivery = delivery;
        this.live = live;
        this.deadline = setup.attemptDeadline(callDeadline);
        this.limits = new AttemptLimits(
                timeSource,
                setup.settings(),
                deadline,
                callDeadline,
                makesRoom,
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
            chatProvider.chat(request, delivery, deadline, cancellation, this);
            if (delivery == Delivery.STREAMED && cancellation.isCancelled() && !finished) {
                // From then on events were dropped, so what was shown may lack some of what was collected.
                throw ProviderException.of(FailureKind.CANCELLED, "cancelled");
            }
            return answer();
        } catch (ProviderException e) {
            return answerDespite(explained(e, callCancellation));
        } catch (Exception e) {
            // A provider of the application's own may throw anything, checked exceptions too where its language lets
            // it;
            // that is its failure, not the call's end.
            if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
            return answerDespite(
                    explained(ProviderException.of(FailureKind.SERVER, "unexpected " + e, e), callCancellation));
        } finally {
            limits.end();
            synchronized (collector) {
                ended = true;
            }
        }
    }

    private ChatResponse.Builder answer() {
        synchronized (collector) {
            if (!collector.isComplete()) {
                throw ProviderException.of(FailureKind.TRUNCATED, "the answer ended before it was complete");
            }
            return collector.answer(provider);
        }
    }

    /** What a provider does after the end of its answer takes nothing away from it. */
    private ChatResponse.Builder answerDespite(ProviderException failure) {
        if (finished) {
            logger.debug("{} failed after the end of its answer, which counts", provider, failure);
            return answer();
        }
        throw failure;
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

    /** What it cost, as far as the provider has said. */
    @Nullable
    Usage usage() {
        synchronized (collector) {
            return collector.usage();
        }
    }

    /** What the provider has said of its limits, however the attempt ended. */
    List<RateLimit> rateLimits() {
        synchronized (collector) {
            return collector.rateLimits();
        }
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
            if (ended || collector.isComplete()) {
                // What comes after the end of the answer is no part of it.
                return;
            }
            collector.add(event);
            // Not if it comes too late: then events before it may have been dropped.
            finished = collector.isComplete() && !cancellation.isCancelled();
        }
        if (event instanceof ChatEvent.Piece) {
            limits.firstToken();
        }
        live.event(event, this::alive);
    }
}
