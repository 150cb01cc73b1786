package ai.orchestrator.simulation;

import ai.orchestrator.StreamRescue;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.FailureKind;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One call, and what it has done so far as seen by its caller and by the providers. Times are nanoseconds since the start. */
final class ReferenceCall {

    /** How it is asked for. */
    enum Way {
        CHAT,
        ASYNC,
        STREAM,
        PUBLISH;

        boolean isStreamed() {
            return this == STREAM || this == PUBLISH;
        }
    }

    final int number;
    final Way way;
    final RandomScene.Route route;
    final StreamRescue rescue;
    final long allowed;
    final boolean wantsSeed;
    final long tokens;

    /** Negative before. */
    long submitted = -1;

    long deadline;

    /** When it had a thread; negative before. */
    long began = -1;

    @Nullable
    Thread thread;

    Runnable leave = () -> {};
    Runnable read = () -> {};
    final Cancellation cancellation = new Cancellation();

    final List<Attempt> attempts = new ArrayList<>();

    @Nullable
    Attempt running;

    /** What the largest window was that the request did not fit into; zero if none. */
    private long windowExceeded;

    /** When its caller no longer wanted it; negative if he always did. */
    long unwanted = -1;

    /** Its caller has gone, and hears nothing of its end. */
    boolean left;

    /** Who can be asked at this moment, so that it must not end or wait; empty if nobody is known to be. */
    List<ReferenceProvider> mustAsk = List.of();

    long mustAskAt;

    /** When the last attempt decided that the call is over; negative if it did not. */
    long over = -1;

    /** How its caller heard of its end; once. */
    int ends;

    long ended = -1;

    // What a reader has seen.
    final StringBuilder shown = new StringBuilder();
    int restarts;

    ReferenceCall(
            int number,
            Way way,
            RandomScene.Route route,
            StreamRescue rescue,
            long allowed,
            boolean wantsSeed,
            long tokens) {
        this.number = number;
        this.way = way;
        this.route = route;
        this.rescue = rescue;
        this.allowed = allowed;
        this.wantsSeed = wantsSeed;
        this.tokens = tokens;
    }

    boolean hasAsked(ReferenceProvider provider) {
        return attemptsAt(provider) > 0;
    }

    int attemptsAt(ReferenceProvider provider) {
        int count = 0;
        for (Attempt attempt : attempts) {
            if (attempt.provider == provider) {
                count++;
            }
        }
        return count;
    }

    @Nullable
    Attempt lastAt(ReferenceProvider provider) {
        Attempt last = null;
        for (Attempt attempt : attempts) {
            if (attempt.provider == provider) {
                last = attempt;
            }
        }
        return last;
    }

    @Nullable
    Attempt last() {
        return attempts.isEmpty() ? null : attempts.get(attempts.size() - 1);
    }

    void tooLongFor(ReferenceProvider provider) {
        windowExceeded =
                Math.max(windowExceeded, provider.settings.contextWindow().orElse(Long.MAX_VALUE));
    }

    /** Whether a provider can serve the request, as far as is known. */
    boolean fits(ReferenceProvider provider) {
        return !(wantsSeed && provider.lacksSeeds)
                && (windowExceeded == 0 || provider.settings.contextWindow().orElse(0) > windowExceeded);
    }

    /** Whether a reader has been given something that only {@code restart} can take back. */
    boolean isShown(Attempt attempt) {
        return way.isStreamed() && rescue != StreamRescue.HOLD && !attempt.text.isEmpty();
    }

    boolean breaksOff(Attempt attempt) {
        return isShown(attempt) && (rescue != StreamRescue.RESTART || attempt.failure == FailureKind.CANCELLED);
    }

    @Override
    public String toString() {
        return "call " + number;
    }
}
