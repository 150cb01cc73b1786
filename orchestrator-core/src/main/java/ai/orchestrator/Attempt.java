package ai.orchestrator;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.internal.Durations;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.time.Deadline;
import ai.orchestrator.time.TimeSource;
import ai.orchestrator.time.TimeSource.Timer;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** One attempt: keeps its limits and collects its answer. */
final class Attempt implements EventSink {

    /** How much longer than its limit an attempt may take to report, before its permit goes to another. */
    private static final Duration LEASE_MARGIN = Duration.ofSeconds(1);

    private final RegisteredProvider provider;
    private final TimeSource timeSource;
    private final Deadline deadline;
    private final Delivery delivery;
    private final LiveAnswer.Reception live;
    private final long startNanos;
    private final String totalLimitText;
    private final Cancellation cancellation = new Cancellation();

    /** The limit that ended the attempt: the first one wins, whatever the provider makes of being cancelled. */
    private final AtomicReference<@Nullable String> limitReached = new AtomicReference<>();

    // Set by the provider's thread, read by the time source's.
    private volatile boolean connected;
    private volatile boolean firstToken;
    private volatile long lastSignNanos;
    /** Whether the limit came while the provider was made to wait: that is not its fault. Set before it is cancelled. */
    private volatile boolean waitedForReader;

    /** Guards the collector and {@link #ended}: a provider's thread may still report when the attempt is over. */
    private final Object lock = new Object();

    private final AnswerCollector collector = new AnswerCollector();
    private boolean ended;
    private @Nullable Timer idle;

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
        this.timeSource = timeSource;
        this.delivery = delivery;
        this.live = live;
        this.startNanos = timeSource.nanoTime();
        this.lastSignNanos = startNanos;
        Optional<Duration> totalTimeout = provider.settings().totalTimeout();
        this.deadline = deadline(provider, callDeadline);
        // In the words of the configuration: what is left of a limit by now is always a little less.
        this.totalLimitText = totalTimeout.isPresent() && deadline != callDeadline
                ? "no complete answer within " + Durations.text(totalTimeout.get())
                : "no complete answer before the call's deadline";
    }

    /**
     * Blocks until the provider has answered or failed.
     *
     * @return the answer, without a trail
     * @throws ProviderException if it failed
     */
    ChatResponse.Builder run(ChatRequest request, Cancellation callCancellation) {
        long allowedNanos = deadline.remainingNanos();
        ProviderSettings settings = provider.settings();
        // The limits are armed before the call can block, and disarmed however it ends.
        Timer total = limit(allowedNanos, () -> true, totalLimitText);
        Timer connect = limitWithin(allowedNanos, settings.connectTimeout(), () -> !connected, "no connection within ");
        Timer first = delivery == Delivery.STREAMED
                ? limitWithin(allowedNanos, settings.firstTokenTimeout(), () -> !firstToken, "no first token within ")
                : connect;
        cancellation.onCancel(live::end);
        try (Cancellation.Registration registration = callCancellation.onCancel(cancellation::cancel)) {
            provider.chatProvider().chat(request, delivery, deadline, cancellation, this);
            if (delivery == Delivery.STREAMED && cancellation.isCancelled()) {
                // From then on events were dropped, so what was shown may lack some of what was collected.
                throw ProviderException.of(FailureKind.CANCELLED, "cancelled");
            }
            synchronized (lock) {
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
            end();
            connect.cancel();
            first.cancel();
            total.cancel();
        }
    }

    private void end() {
        synchronized (lock) {
            ended = true;
            if (idle != null) {
                idle.cancel();
            }
        }
    }

    /** How long an attempt that begins now may keep a trial's permit. */
    static Duration trialLease(RegisteredProvider provider, Deadline callDeadline) {
        return provider.settings()
                .circuitBreaker()
                .trialLease()
                .orElseGet(() -> deadline(provider, callDeadline).remaining().plus(LEASE_MARGIN));
    }

    private static Deadline deadline(RegisteredProvider provider, Deadline callDeadline) {
        return provider.settings().totalTimeout().map(callDeadline::orAfter).orElse(callDeadline);
    }

    /** A limit, unless another that is no longer covers it. */
    private Timer limitWithin(long allowedNanos, Duration limit, BooleanSupplier applies, String description) {
        return limit.compareTo(Duration.ofNanos(allowedNanos)) < 0
                ? limit(limit.toNanos(), applies, description + Durations.text(limit))
                : () -> {};
    }

    private Timer limit(long nanos, BooleanSupplier applies, String description) {
        return timeSource.schedule(nanos, () -> {
            if (applies.getAsBoolean()) {
                reached(description);
            }
        });
    }

    private void reached(String description) {
        boolean readerIsBehind = live.waits();
        if (limitReached.compareAndSet(null, description)) {
            waitedForReader = readerIsBehind;
            cancellation.cancel();
        }
    }

    /** One timer that looks again when it could be due, instead of one for each piece. */
    private void watchSilence(long nanos) {
        long limitNanos = provider.settings().idleTimeout().toNanos();
        synchronized (lock) {
            if (ended) {
                return;
            }
            idle = timeSource.schedule(nanos, () -> {
                long leftNanos = live.waits() ? limitNanos : limitNanos - (timeSource.nanoTime() - lastSignNanos);
                if (leftNanos > 0) {
                    watchSilence(leftNanos);
                } else {
                    reached("silent for " + Durations.text(provider.settings().idleTimeout()));
                }
            });
        }
    }

    private ProviderException explained(ProviderException thrown, Cancellation callCancellation) {
        if (callCancellation.isCancelled() || Thread.currentThread().isInterrupted()) {
            return thrown.kind() == FailureKind.CANCELLED
                    ? thrown
                    : ProviderException.of(FailureKind.CANCELLED, "cancelled", thrown);
        }
        String limit = limitReached.get();
        if (limit != null && waitedForReader) {
            return ProviderException.of(
                    FailureKind.CANCELLED, limit + ", because whoever reads the answer was too slow", thrown);
        }
        return limit == null ? thrown : ProviderException.of(FailureKind.TIMEOUT, limit, thrown);
    }

    Duration elapsed() {
        return Duration.ofNanos(timeSource.nanoTime() - startNanos);
    }

    /** What came of the answer, however the attempt ended. */
    String partialText() {
        synchronized (lock) {
            return collector.text();
        }
    }

    @Override
    public void connected() {
        connected = true;
        lastSignNanos = timeSource.nanoTime();
    }

    @Override
    public void alive() {
        connected();
    }

    @Override
    public void event(ChatEvent event) {
        connected();
        synchronized (lock) {
            if (ended) {
                return;
            }
            collector.add(event);
        }
        if (event instanceof ChatEvent.Piece && !firstToken) {
            firstToken = true;
            if (delivery == Delivery.STREAMED) {
                watchSilence(provider.settings().idleTimeout().toNanos());
            }
        }
        live.event(event, this::alive);
    }
}
