package ai.orchestrator;

import ai.orchestrator.provider.Cancellation;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How one call is made, where it differs from the orchestrator's settings. Immutable and safe for use by several threads. */
public final class CallOptions {

    private static final CallOptions DEFAULTS = new CallOptions(null, null, null, false);

    private final @Nullable Duration deadline;
    private final @Nullable Cancellation cancellation;
    private final @Nullable StreamRescue streamRescue;
    private final boolean liveReasoning;

    private CallOptions(
            @Nullable Duration deadline,
            @Nullable Cancellation cancellation,
            @Nullable StreamRescue streamRescue,
            boolean liveReasoning) {
        this.deadline = deadline;
        this.cancellation = cancellation;
        this.streamRescue = streamRescue;
        this.liveReasoning = liveReasoning;
    }

    /**
     * The orchestrator's settings.
     *
     * @return options that change nothing
     */
    public static CallOptions defaults() {
        return DEFAULTS;
    }

    /**
     * Gives the call another deadline than {@link Orchestrator.Builder#deadline}.
     *
     * @param deadline how long the call may take, all attempts together; more than zero
     * @return options with that deadline
     * @throws IllegalArgumentException if it is zero or negative
     */
    public CallOptions withDeadline(Duration deadline) {
        return new CallOptions(positiveDeadline(deadline), cancellation, streamRescue, liveReasoning);
    }

    /**
     * Makes the call stop when the caller wishes.
     *
     * @param cancellation stops the call, its HTTP call included; one that has happened already stops it before anything is sent
     * @return options with that cancellation
     */
    public CallOptions withCancellation(Cancellation cancellation) {
        return new CallOptions(
                deadline, Objects.requireNonNull(cancellation, "cancellation"), streamRescue, liveReasoning);
    }

    /**
     * Gives the call another contract than {@link Orchestrator.Builder#streamRescue}. Calls that do not stream need none.
     *
     * @param streamRescue what happens when a provider breaks off
     * @return options with that contract
     */
    public CallOptions withStreamRescue(StreamRescue streamRescue) {
        return new CallOptions(
                deadline, cancellation, Objects.requireNonNull(streamRescue, "streamRescue"), liveReasoning);
    }

    /**
     * Shows what the model thinks as it comes, instead of holding it back until the first piece of text or of a tool call. From the first
     * piece that was shown the call's contract applies. Changes nothing under {@link StreamRescue#HOLD}, and for calls that do not stream.
     *
     * @return options with live reasoning
     */
    public CallOptions withLiveReasoning() {
        return new CallOptions(deadline, cancellation, streamRescue, true);
    }

    /**
     * How long the call may take.
     *
     * @return more than zero; empty for the orchestrator's setting
     */
    public Optional<Duration> deadline() {
        return Optional.ofNullable(deadline);
    }

    /**
     * What stops the call.
     *
     * @return the cancellation, if one was given
     */
    public Optional<Cancellation> cancellation() {
        return Optional.ofNullable(cancellation);
    }

    /**
     * What happens when a provider breaks off.
     *
     * @return the contract; empty for the orchestrator's setting
     */
    public Optional<StreamRescue> streamRescue() {
        return Optional.ofNullable(streamRescue);
    }

    /**
     * Whether what the model thinks is shown as it comes.
     *
     * @return false unless set
     */
    public boolean liveReasoning() {
        return liveReasoning;
    }

    static Duration positiveDeadline(Duration deadline) {
        if (deadline.isZero() || deadline.isNegative()) {
            throw new IllegalArgumentException("deadline must be more than zero but is " + deadline);
        }
        return deadline;
    }

    @Override
    public String toString() {
        return "CallOptions(deadline=" + (deadline == null ? "default" : deadline) + ", streamRescue="
                + (streamRescue == null ? "default" : streamRescue) + (liveReasoning ? ", live reasoning" : "") + ")";
    }
}
