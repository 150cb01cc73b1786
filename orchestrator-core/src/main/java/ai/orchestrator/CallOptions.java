package ai.orchestrator;

import ai.orchestrator.provider.Cancellation;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How one call is made, where it differs from the orchestrator's settings. Immutable and safe for use by several threads. */
public final class CallOptions {

    private static final CallOptions DEFAULTS = new CallOptions(null, null, null, null, false, null);

    private final @Nullable String route;
    private final @Nullable Duration deadline;
    private final @Nullable Cancellation cancellation;
    private final @Nullable StreamRescue streamRescue;
    private final boolean liveReasoning;
    private final @Nullable Boolean cache;

    private CallOptions(
            @Nullable String route,
            @Nullable Duration deadline,
            @Nullable Cancellation cancellation,
            @Nullable StreamRescue streamRescue,
            boolean liveReasoning,
            @Nullable Boolean cache) {
        this.route = route;
        this.deadline = deadline;
        this.cancellation = cancellation;
        this.streamRescue = streamRescue;
        this.liveReasoning = liveReasoning;
        this.cache = cache;
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
     * Sends the call on a route. Without this it takes the default route, of all providers.
     *
     * @param route the name of a configured route, or {@code default}; a name that is not known is refused when the call is made
     * @return options with that route
     */
    public CallOptions withRoute(String route) {
        return new CallOptions(
                Objects.requireNonNull(route, "route"), deadline, cancellation, streamRescue, liveReasoning, cache);
    }

    /**
     * Gives the call another deadline than {@link Orchestrator.Builder#deadline}.
     *
     * @param deadline how long the call may take, all attempts together; more than zero
     * @return options with that deadline
     * @throws IllegalArgumentException if it is zero or negative
     */
    public CallOptions withDeadline(Duration deadline) {
        return new CallOptions(route, positiveDeadline(deadline), cancellation, streamRescue, liveReasoning, cache);
    }

    /**
     * Makes the call stop when the caller wishes.
     *
     * @param cancellation stops the call, its HTTP call included; one that has happened already stops it before anything is sent
     * @return options with that cancellation
     */
    public CallOptions withCancellation(Cancellation cancellation) {
        return new CallOptions(
                route,
                deadline,
                Objects.requireNonNull(cancellation, "cancellation"),
                streamRescue,
                liveReasoning,
                cache);
    }

    /**
     * Gives the call another contract than {@link Orchestrator.Builder#streamRescue}. Calls that do not stream need none.
     *
     * @param streamRescue what happens when a provider breaks off
     * @return options with that contract
     */
    public CallOptions withStreamRescue(StreamRescue streamRescue) {
        return new CallOptions(
                route,
                deadline,
                cancellation,
                Objects.requireNonNull(streamRescue, "streamRescue"),
                liveReasoning,
                cache);
    }

    /**
     * Shows what the model thinks as it comes, instead of holding it back until the first piece of text or of a tool call. From the first
     * piece that was shown the call's contract applies. Changes nothing under {@link StreamRescue#HOLD}, and for calls that do not stream.
     *
     * @return options with live reasoning
     */
    public CallOptions withLiveReasoning() {
        return new CallOptions(route, deadline, cancellation, streamRescue, true, cache);
    }

    /**
     * Says whether the call uses the cache, where it differs from {@link Orchestrator.Builder#cacheEnabled}. A call that does may get an
     * earlier answer to the same request, or the answer of an identical call that is under way.
     *
     * @param use whether it does; false to be answered anew
     * @return options with or without the cache
     */
    public CallOptions withCache(boolean use) {
        return new CallOptions(route, deadline, cancellation, streamRescue, liveReasoning, use);
    }

    /**
     * Which providers may be asked.
     *
     * @return a route's name; empty for the default route
     */
    public Optional<String> route() {
        return Optional.ofNullable(route);
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

    /**
     * Whether the call uses the cache.
     *
     * @return empty for the orchestrator's setting
     */
    public Optional<Boolean> cache() {
        return Optional.ofNullable(cache);
    }

    static Duration positiveDeadline(Duration deadline) {
        if (deadline.isZero() || deadline.isNegative()) {
            throw new IllegalArgumentException("deadline must be more than zero but is " + deadline);
        }
        return deadline;
    }

    @Override
    public String toString() {
        return "CallOptions(" + (route == null ? "" : "route=" + route + ", ") + "deadline="
                + (deadline == null ? "default" : deadline) + ", streamRescue="
                + (streamRescue == null ? "default" : streamRescue) + (liveReasoning ? ", live reasoning" : "")
                + (cache == null ? "" : ", cache=" + cache) + ")";
    }
}
