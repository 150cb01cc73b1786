package ai.orchestrator.simulation;

import ai.orchestrator.ProviderSettings;
import ai.orchestrator.breaker.ReferenceBreaker;
import ai.orchestrator.chat.RateLimit;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** One attempt, as the provider saw it, and what the model has taken for it. Times are nanoseconds since the start. */
final class Attempt {

    final ReferenceProvider provider;
    final ReferenceCall call;
    final boolean streamed;
    final long began;
    private final long deadline;

    // What was taken for it.
    ReferenceBreaker.@Nullable Ticket ticket;
    ReferenceQuota.@Nullable Reservation reservation;
    ReferenceBudget.@Nullable Taken taken;

    /** Looks halfway to the deadline; null where there is nothing to look at. */
    TimeSource.@Nullable Timer look;

    // What the provider has said.
    private boolean connected;
    private boolean started;
    private long lastSign;
    final StringBuilder text = new StringBuilder();
    List<RateLimit> reports = List.of();

    @Nullable
    Long usedTokens;

    boolean finished;

    // How it ended.
    long ended = -1;

    @Nullable
    FailureKind failure;

    boolean silent;
    OptionalInt status = OptionalInt.empty();

    @Nullable
    Duration hint;

    Attempt(ReferenceProvider provider, ReferenceCall call, boolean streamed, long began, long deadline) {
        this.provider = provider;
        this.call = call;
        this.streamed = streamed;
        this.began = began;
        this.lastSign = began;
        this.deadline = deadline;
    }

    void sign(long now) {
        connected = true;
        lastSign = now;
    }

    void piece(String piece) {
        started = true;
        text.append(piece);
    }

    boolean isConnected() {
        return connected;
    }

    /** When it is looked at whether another provider is to have the rest of the call's time; never where there are other limits. */
    long halfway() {
        return streamed || provider.settings.totalTimeout().isPresent()
                ? Long.MAX_VALUE
                : began + (deadline - began) / 2;
    }

    /** When it is ended if the provider says nothing more. */
    long limit() {
        ProviderSettings settings = provider.settings;
        long limit = deadline;
        if (!connected) {
            limit = Math.min(limit, began + settings.connectTimeout().toNanos());
        }
        if (streamed) {
            limit = Math.min(
                    limit,
                    started
                            ? lastSign + settings.idleTimeout().toNanos()
                            : began + settings.firstTokenTimeout().toNanos());
        }
        return limit;
    }

    @Override
    public String toString() {
        return provider.name() + (failure == null ? " answered" : " failed with " + failure) + " from " + began + " to "
                + ended;
    }
}
