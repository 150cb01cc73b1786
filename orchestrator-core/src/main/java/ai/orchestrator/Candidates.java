package ai.orchestrator;

import ai.orchestrator.Candidate.Stage;
import ai.orchestrator.breaker.Acquisition.Refusal;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.internal.Durations;
import ai.orchestrator.time.Deadline;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Knows whose turn it is in one call. For the call's thread. */
final class Candidates {

    static final String BUDGET_USED_UP = "the retry budget is used up";

    private final TimeSource timeSource;
    private final RetryBudget budget;
    private final ChatRequest request;
    private final Deadline deadline;
    private final Candidate[] all;

    /** Where a decision said to go, before anybody else is looked at. */
    private @Nullable Candidate preferred;

    /** What a request that was too long for one provider needs more than; zero if none has said so. */
    private long windowExceeded;

    /** How many attempts and waits have ended: since then, who was skipped may be free. */
    private int events;

    Candidates(
            TimeSource timeSource,
            RetryBudget budget,
            List<RegisteredProvider> providers,
            ChatRequest request,
            Deadline deadline) {
        this.timeSource = timeSource;
        this.budget = budget;
        this.request = request;
        this.deadline = deadline;
        this.all = new Candidate[providers.size()];
        for (int i = 0; i < all.length; i++) {
            all[i] = new Candidate(providers.get(i));
        }
    }

    /** Who is to be asked, perhaps after a wait; null if nobody is left. */
    @Nullable
    Candidate next() {
        Candidate retried = preferred;
        preferred = null;
        if (retried != null && mayReturnTo(retried)) {
            return retried;
        }
        for (Candidate candidate : all) {
            if (candidate.stage == Stage.FRESH || isFreeAgain(candidate)) {
                return candidate;
            }
        }
        Candidate chosen = null;
        for (Candidate candidate : all) {
            if (mayReturnTo(candidate) && (chosen == null || candidate.dueNanos - chosen.dueNanos < 0)) {
                chosen = candidate;
            }
        }
        return chosen;
    }

    /** Whether there is somebody to turn to, rather than to wait for one that has failed; a wait of NONE never ends. */
    boolean hasOther(Candidate failed, long waitNanos) {
        long due = timeSource.nanoTime() + waitNanos;
        for (Candidate other : all) {
            if (other == failed) {
                continue;
            }
            boolean now = (other.stage == Stage.FRESH && isEligible(other)) || isFreeAgain(other);
            // Of two that have failed, the one whose wait ends first.
            if (now || (mayReturnTo(other) && (waitNanos == Decision.NONE || other.dueNanos - due <= 0))) {
                return true;
            }
        }
        return false;
    }

    private boolean isFreeAgain(Candidate candidate) {
        return candidate.stage == Stage.SKIPPED && candidate.skippedAt != events && isEligible(candidate);
    }

    private boolean isEligible(Candidate candidate) {
        return unfit(candidate.provider).isEmpty()
                && candidate.provider.refusal().isEmpty();
    }

    /** Why a provider cannot serve this request at all, if so. */
    Optional<String> unfit(RegisteredProvider provider) {
        if (windowExceeded > 0) {
            OptionalLong window = provider.settings().contextWindow();
            if (window.isEmpty() || window.getAsLong() <= windowExceeded) {
                return Optional.of("its context window is not known to be larger than " + windowExceeded + " tokens");
            }
        }
        return provider.cannotServe(request);
    }

    private boolean mayReturnTo(Candidate candidate) {
        return candidate.stage == Stage.WAITING && whyNotAgain(candidate).isEmpty();
    }

    /** Why one that has failed and waits is not asked again. */
    Optional<String> whyNotAgain(Candidate candidate) {
        long now = timeSource.nanoTime();
        findDue(candidate, now);
        long waitNanos = candidate.dueNanos - now;
        // A first call may report at any moment, so it is worth what time there is.
        if (candidate.sooner == null && waitNanos >= deadline.remainingNanos()) {
            return Optional.of(
                    "its wait of " + Durations.text(Duration.ofNanos(waitNanos)) + " would pass the deadline");
        }
        if (!budget.allowsRetry()) {
            return Optional.of(BUDGET_USED_UP);
        }
        // The failure may have opened the breaker: it would refuse when the wait is over.
        return unfit(candidate.provider)
                .or(() -> candidate
                        .provider
                        .breaker()
                        .refusal()
                        .flatMap(Refusal::timeUntilRetry)
                        .filter(opens -> opens.toNanos() > waitNanos)
                        .map(opens -> "its circuit breaker is open for " + Durations.text(opens)));
    }

    /** Another call may have parked it for longer, or goes first now. */
    private void findDue(Candidate candidate, long now) {
        candidate.dueNanos = candidate.waitEndNanos;
        candidate.sooner = null;
        Parking.Refusal refusal = candidate.provider.parking().refusal().orElse(null);
        if (refusal == null) {
            return;
        }
        // Read anew: rather a little late than too early, and refused once more.
        long again = timeSource.nanoTime() + refusal.againInNanos();
        // Its own wait is not cut short by a first call that reports; whether one is still under way then is seen then.
        boolean waitsItself = refusal.sooner() != null && candidate.waitEndNanos - now > 0;
        if (!waitsItself && again - candidate.dueNanos > 0) {
            candidate.dueNanos = again;
            candidate.sooner = refusal.sooner();
        }
    }

    /** Runs something when one that waits for another call may be asked earlier. */
    void whenSooner(Runnable action) {
        for (Candidate candidate : all) {
            if (candidate.stage == Stage.WAITING && candidate.sooner != null) {
                var unused = candidate.sooner.thenRun(action);
            }
        }
    }

    /** One that could not be asked when its turn came; looked at again when the call has done something else. */
    void skipped(Candidate candidate) {
        candidate.stage = Stage.SKIPPED;
        candidate.skippedAt = events;
    }

    /** An attempt, or a wait, has ended. */
    void timeHasPassed() {
        events++;
    }

    /** The next one is to be this one, if nothing has changed by then. */
    void prefer(Candidate candidate) {
        preferred = candidate;
    }

    /** A request was too long for a provider: only larger ones are of use. */
    void needLargerWindowThan(RegisteredProvider provider) {
        // Where its own window is not known, none is known to be larger.
        windowExceeded =
                Math.max(windowExceeded, provider.settings().contextWindow().orElse(Long.MAX_VALUE));
    }

    void forEach(Consumer<Candidate> action) {
        for (Candidate candidate : all) {
            action.accept(candidate);
        }
    }

    /** Whether there are any, and none could ever be asked. */
    boolean areAllUnfit() {
        for (Candidate candidate : all) {
            if (!candidate.isUnfit()) {
                return false;
            }
        }
        return all.length > 0;
    }

    /** Whether all that could serve the request do not accept their keys. */
    boolean areAllKeysRejected() {
        for (Candidate candidate : all) {
            if (!candidate.isUnfit() && !candidate.keyRejected) {
                return false;
            }
        }
        return all.length > 0 && !areAllUnfit();
    }

    /** The shortest time after which one may be asked again; null if one may be asked at once, or nobody knows. */
    @Nullable
    Duration earliestRetry() {
        Duration earliest = null;
        for (Candidate candidate : all) {
            if (candidate.isUnfit()) {
                continue;
            }
            Optional<Trail.Skipped> refusal = candidate.provider.refusal();
            if (refusal.isEmpty()) {
                return null;
            }
            Duration retryIn = refusal.get().retryIn().orElse(null);
            if (retryIn != null && (earliest == null || retryIn.compareTo(earliest) < 0)) {
                earliest = retryIn;
            }
        }
        return earliest;
    }
}
