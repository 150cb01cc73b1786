package ai.orchestrator;

import ai.orchestrator.Candidate.Stage;
import ai.orchestrator.breaker.Acquisition.Refusal;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.internal.Durations;
import ai.orchestrator.quota.Quota;
import ai.orchestrator.routing.RoutingContext;
import ai.orchestrator.time.Deadline;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Knows whose turn it is in one call. For the call's thread. */
final class Candidates implements RoutingContext {

    static final String BUDGET_USED_UP = "the retry budget is used up";

    private final Call.Context context;
    private final Route route;
    private final ChatRequest request;
    private final Deadline deadline;

    /** The first {@link #placed} in the order of their ranks. */
    private Candidate[] all;

    /** How many have had their turn since something last happened that may have freed one of them. */
    private int passed;

    /** How many have their place: equal ones take it when it comes to the first of them. */
    private int placed;

    /** Whether those without a place are sorted. */
    private boolean sorted;

    /** What is left of the call's place in the rotation of equal ones; negative until somebody asks. */
    private int turn = -1;

    /** Estimated when somebody asks. */
    private long inputTokens;

    /** Whether one of them has turned out to be withdrawn since the call began. */
    private boolean lost;

    /** Its route as it was when the call last looked at it. */
    private Route known;

    /** Where a decision said to go, before anybody else is looked at. */
    private @Nullable Candidate preferred;

    /** What a request that was too long for one provider needs more than; zero if none has said so. */
    private long windowExceeded;

    Candidates(Call.Context context, Route route, ChatRequest request, Deadline deadline) {
        this.context = context;
        this.route = route;
        this.known = route;
        this.request = request;
        this.deadline = deadline;
        this.all = new Candidate[route.members().size()];
        for (int i = 0; i < all.length; i++) {
            all[i] = new Candidate(route.members().get(i));
        }
        if (all.length > 1) {
            for (Candidate candidate : all) {
                rank(candidate);
            }
        }
    }

    private void rank(Candidate candidate) {
        // Plus zero, because two zeros of different sign are equal to everybody but Double.compare.
        candidate.rank = route.strategy().rank(candidate, this) + 0.0;
    }

    /** One of them has been withdrawn, and may have come back since. */
    void wereLost() {
        lost = true;
    }

    /**
     * Where one of them has been withdrawn since the call began, looks at all of them again, and after them at those that its route has now; so
     * that no call fails because providers were replaced.
     *
     * @return false if there is nothing that it has not looked at
     */
    @SuppressWarnings("ReferenceEquality") // A route that has become what it was has changed twice.
    boolean renew() {
        if (!lost && Arrays.stream(all).noneMatch(candidate -> candidate.provider.withdrawn() != null)) {
            return false;
        }
        Route present = context.present().apply(route.name());
        if (present == null || present == known) {
            return false;
        }
        known = present;
        List<Candidate> added = new ArrayList<>();
        for (Route.Member member : present.members()) {
            if (Arrays.stream(all).noneMatch(candidate -> candidate.provider == member.provider())) {
                Candidate candidate = new Candidate(member);
                rank(candidate);
                added.add(candidate);
            }
        }
        int before = all.length;
        all = Arrays.copyOf(all, before + added.size());
        for (int i = before; i < all.length; i++) {
            all[i] = added.get(i - before);
        }
        sorted = false;
        timeHasPassed();
        return true;
    }

    // ---- What a strategy knows of the call

    @Override
    public long inputTokens() {
        if (inputTokens == 0) {
            inputTokens = TokenEstimate.input(request);
        }
        return inputTokens;
    }

    @Override
    public long outputTokens() {
        return TokenEstimate.output(request);
    }

    @Override
    public double random() {
        return context.random().getAsDouble();
    }

    // ---- Whose turn it is

    /** Who is to be asked, perhaps after a wait; null if nobody is left. */
    @Nullable
    Candidate next() {
        Candidate retried = preferred;
        preferred = null;
        if (retried != null && mayReturnTo(retried)) {
            return retried;
        }
        while (passed < all.length) {
            takeTurns(passed);
            Candidate candidate = all[passed++];
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

    /**
     * Puts one and its equals into the order of this call's turn. Each place takes its part of the turn, so that the load of any that are
     * out falls on all the others alike: in n! calls every order of n has been once.
     */
    private void takeTurns(int first) {
        if (first < placed) {
            return;
        }
        if (first == 0) {
            // Most calls need nobody else, so the others are not sorted yet.
            bringBestForward();
        } else {
            if (!sorted) {
                Arrays.sort(all, first, all.length);
                sorted = true;
            }
            placed = first + 1;
            while (placed < all.length && all[placed].compareTo(all[first]) == 0) {
                placed++;
            }
        }
        if (placed - first > 1 && turn < 0) {
            turn = route.turns().getAndIncrement() & Integer.MAX_VALUE;
        }
        for (int i = first; turn > 0 && i < placed - 1; i++) {
            int chosen = i + turn % (placed - i);
            turn /= placed - i;
            swap(i, chosen);
        }
    }

    private void bringBestForward() {
        Candidate best = all[0];
        for (Candidate candidate : all) {
            if (candidate.compareTo(best) < 0) {
                best = candidate;
            }
        }
        for (int i = 0; i < all.length; i++) {
            if (all[i].compareTo(best) == 0) {
                swap(placed++, i);
            }
        }
    }

    private void swap(int one, int other) {
        Candidate moved = all[one];
        all[one] = all[other];
        all[other] = moved;
    }

    /** All in the order in which a call would turn to them, as if none could be asked when its turn came. */
    List<Candidate> inOrder() {
        // Only looks: the rotation does not move.
        turn = route.turns().get() & Integer.MAX_VALUE;
        for (int i = 0; i < all.length; i++) {
            takeTurns(i);
            all[i].stage = Stage.SKIPPED;
        }
        return List.of(all);
    }

    /**
     * When every door is closed and the route fails open, the one that would open soonest of those that only their breakers keep shut: not
     * one that has said itself when it wants to be asked, nor one that an operator has closed.
     */
    @Nullable
    Candidate leastBad() {
        if (!route.failOpen()) {
            return null;
        }
        Candidate best = null;
        Duration soonest = Duration.ZERO;
        for (Candidate candidate : all) {
            Duration opensIn =
                    candidate.stage == Stage.SKIPPED && unfit(candidate).isEmpty()
                            ? candidate.provider.opensIn(this).orElse(null)
                            : null;
            if (opensIn != null && (best == null || opensIn.compareTo(soonest) < 0)) {
                best = candidate;
                soonest = opensIn;
            }
        }
        return best;
    }

    /** Whether there is somebody to turn to, rather than to wait for one that has failed; a wait of NONE never ends. */
    boolean hasOther(Candidate failed, long waitNanos) {
        long due = context.timeSource().nanoTime() + waitNanos;
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

    boolean areSeveral() {
        return all.length > 1;
    }

    /**
     * Whether another one could be asked now. For the time source's thread too, while the call's waits for an attempt, so it changes
     * nothing.
     */
    boolean hasOtherNow(Candidate asked) {
        long now = context.timeSource().nanoTime();
        for (Candidate other : all) {
            boolean fresh = other.stage == Stage.FRESH || other.stage == Stage.SKIPPED;
            boolean again = other.stage == Stage.WAITING
                    && other.waitEndNanos - now <= 0
                    && context.budget().allowsRetry();
            if (other != asked && (fresh || again) && isEligible(other)) {
                return true;
            }
        }
        return false;
    }

    private boolean isFreeAgain(Candidate candidate) {
        return candidate.stage == Stage.SKIPPED && isEligible(candidate);
    }

    private boolean isEligible(Candidate candidate) {
        return unfit(candidate).isEmpty() && candidate.provider.refusal(this).isEmpty();
    }

    /** Why a provider cannot serve this request at all, if so. */
    Optional<String> unfit(Candidate candidate) {
        if (windowExceeded > 0) {
            OptionalLong window = candidate.contextWindow();
            if (window.isEmpty() || window.getAsLong() <= windowExceeded) {
                return Optional.of("its context window is not known to be larger than " + windowExceeded + " tokens");
            }
        }
        return candidate.provider.cannotServe(request);
    }

    private boolean mayReturnTo(Candidate candidate) {
        return candidate.stage == Stage.WAITING && whyNotAgain(candidate).isEmpty();
    }

    /** Why one that has failed and waits is not asked again. */
    Optional<String> whyNotAgain(Candidate candidate) {
        long now = context.timeSource().nanoTime();
        findDue(candidate, now);
        long waitNanos = candidate.dueNanos - now;
        // A first call may report at any moment, so it is worth what time there is.
        if (candidate.sooner == null && waitNanos >= deadline.remainingNanos()) {
            return Optional.of(
                    "its wait of " + Durations.text(Duration.ofNanos(waitNanos)) + " would pass the deadline");
        }
        if (!context.budget().allowsRetry()) {
            return Optional.of(BUDGET_USED_UP);
        }
        String withdrawn = candidate.provider.withdrawn();
        if (withdrawn != null) {
            return Optional.of(withdrawn);
        }
        // The failure may have opened the breaker: it would refuse when the wait is over.
        return unfit(candidate)
                .or(() -> candidate
                        .provider
                        .breaker()
                        .refusal()
                        .flatMap(Refusal::timeUntilRetry)
                        .filter(opens -> opens.toNanos() > waitNanos)
                        .map(opens -> "its circuit breaker is open for " + Durations.text(opens)))
                // It may have said that nothing is left.
                .or(() -> candidate
                        .provider
                        .quotaRefusal(this)
                        .filter(refusal -> refusal.retryIn().toNanos() > waitNanos)
                        .map(Quota.Refusal::reason));
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
        long again = context.timeSource().nanoTime() + refusal.againInNanos();
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

    /** An attempt, or a wait, has ended: who was skipped may be free. */
    void timeHasPassed() {
        passed = 0;
    }

    /** The next one is to be this one, if nothing has changed by then. */
    void prefer(Candidate candidate) {
        preferred = candidate;
    }

    /** A request was too long for a provider: only larger ones are of use. */
    void needLargerWindowThan(Candidate candidate) {
        // Where its own window is not known, none is known to be larger.
        windowExceeded = Math.max(windowExceeded, candidate.contextWindow().orElse(Long.MAX_VALUE));
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
            Optional<Trail.Skipped> refusal = candidate.provider.refusal(this);
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
