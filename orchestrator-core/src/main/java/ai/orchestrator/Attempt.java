package ai.orchestrator;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.internal.Durations;
import ai.orchestrator.provider.Cancellation;
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
    private final long startNanos;
    private final String totalLimitText;
    private final Cancellation cancellation = new Cancellation();

    /** The limit that ended the attempt: the first one wins, whatever the provider makes of being cancelled. */
    private final AtomicReference<@Nullable String> limitReached = new AtomicReference<>();

    /** Set by the provider's thread, read by the time source's. */
    private volatile boolean connected;

    // The sink is called by one thread at a time, and never after chat() has ended.
    private final StringBuilder text = new StringBuilder();
    private String model = "";
    private String responseId = "";
    private @Nullable Usage usage;
    private @Nullable FinishReason finishReason;

    Attempt(RegisteredProvider provider, TimeSource timeSource, Deadline callDeadline) {
        this.provider = provider;
        this.timeSource = timeSource;
        this.startNanos = timeSource.nanoTime();
        Optional<Duration> totalTimeout = provider.settings().totalTimeout();
        this.deadline = deadline(provider, callDeadline);
        // In the words of the configuration: what is left of a limit by now is always a little less.
        this.totalLimitText = totalTimeout.isPresent() && deadline != callDeadline
                ? "no answer within " + Durations.text(totalTimeout.get())
                : "no answer before the call's deadline";
    }

    /**
     * Blocks until the provider has answered or failed.
     *
     * @return the answer, without a trail
     * @throws ProviderException if it failed
     */
    ChatResponse.Builder run(ChatRequest request, Cancellation callCancellation) {
        long allowedNanos = deadline.remainingNanos();
        Duration connectLimit = provider.settings().connectTimeout();
        // Both limits are armed before the call can block, and disarmed however it ends.
        Timer total = limit(allowedNanos, () -> true, totalLimitText);
        Timer connect = connectLimit.compareTo(Duration.ofNanos(allowedNanos)) < 0
                ? limit(
                        connectLimit.toNanos(),
                        () -> !connected,
                        "no connection within " + Durations.text(connectLimit))
                : total;
        try (Cancellation.Registration registration = callCancellation.onCancel(cancellation::cancel)) {
            provider.chatProvider().chat(request, deadline, cancellation, this);
        } catch (ProviderException e) {
            throw explained(e, callCancellation);
        } catch (RuntimeException e) {
            // A provider of the application's own may throw anything; that is its failure, not the call's end.
            throw explained(ProviderException.of(FailureKind.SERVER, "unexpected " + e, e), callCancellation);
        } finally {
            connect.cancel();
            total.cancel();
        }
        if (finishReason == null) {
            throw explained(
                    ProviderException.of(FailureKind.TRUNCATED, "the answer ended before it was complete"),
                    callCancellation);
        }
        return ChatResponse.builder(provider.name(), text.toString())
                .finishReason(finishReason)
                .model(model)
                .responseId(responseId)
                .usage(usage);
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

    private Timer limit(long nanos, BooleanSupplier applies, String description) {
        return timeSource.schedule(nanos, () -> {
            if (applies.getAsBoolean() && limitReached.compareAndSet(null, description)) {
                cancellation.cancel();
            }
        });
    }

    private ProviderException explained(ProviderException thrown, Cancellation callCancellation) {
        if (callCancellation.isCancelled() || Thread.currentThread().isInterrupted()) {
            return thrown.kind() == FailureKind.CANCELLED
                    ? thrown
                    : ProviderException.of(FailureKind.CANCELLED, "cancelled", thrown);
        }
        String limit = limitReached.get();
        return limit == null ? thrown : ProviderException.of(FailureKind.TIMEOUT, limit, thrown);
    }

    Duration elapsed() {
        return Duration.ofNanos(timeSource.nanoTime() - startNanos);
    }

    @Override
    public void connected() {
        connected = true;
    }

    @Override
    public void event(ChatEvent event) {
        connected = true;
        if (event instanceof ChatEvent.Text piece) {
            text.append(piece.text());
        } else if (event instanceof ChatEvent.Started started) {
            model = started.model();
            responseId = started.responseId();
        } else if (event instanceof ChatEvent.Used used) {
            usage = used.usage();
        } else if (event instanceof ChatEvent.Finished finished) {
            finishReason = finished.reason();
        }
    }
}
