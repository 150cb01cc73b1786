package ai.orchestrator.breaker;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a circuit breaker must do (requirements B1 to B18), written from the specification alone and as plainly as possible. It shares
 * nothing with the breaker, not even an enum: states are named by strings, times are nanoseconds since the start. For one thread.
 *
 * <p>A few decisions are methods of their own, so that a test can make one of them wrong and see whether that is noticed.
 */
public class ReferenceBreaker {

    public static final String CLOSED = "CLOSED";
    public static final String OPEN = "OPEN";
    public static final String HALF_OPEN = "HALF_OPEN";
    public static final String FORCED_OPEN = "FORCED_OPEN";
    public static final String DISABLED = "DISABLED";

    /** A state of Resilience4j alone; the breaker adopts it as {@link #DISABLED}. */
    public static final String METRICS_ONLY = "METRICS_ONLY";

    public static final String SUCCESS = "success";
    public static final String FAILURE = "failure";
    public static final String RELEASE = "release";

    /** What the breaker was configured with; durations in nanoseconds, a window of zero for none. */
    public record Settings(int failureThreshold, long timeout, int successThreshold, long window, long lease) {}

    /** What was counted so far; leases that ended unnoticed are not in it. */
    public record Counters(
            long successes,
            long failures,
            long released,
            long lateResults,
            long refusals,
            long openings,
            long expiredLeases) {}

    /** A permit. One of {@code CLOSED} or {@code DISABLED} has no lease and may complete as often as it likes. */
    public static final class Ticket {

        final boolean trial;
        final long leaseEnd;
        private final int generation;
        private boolean completed;
        boolean expired;

        private Ticket(boolean trial, long leaseEnd, int generation) {
            this.trial = trial;
            this.leaseEnd = leaseEnd;
            this.generation = generation;
        }

        /** Whether a half-open breaker gave it. */
        public boolean isTrial() {
            return trial;
        }
    }

    private Settings settings;
    private long now;
    private Instant wallClock;

    private String state = CLOSED;
    private int generation;

    /** When each failure since the last success was recorded; only in CLOSED. */
    private final List<Long> failures = new ArrayList<>();

    /** The count that the others than CLOSED show. */
    private int frozenFailures;

    private @Nullable Instant lastFailure;
    private @Nullable Instant openedAt;

    /** The same moment as {@link #openedAt}; nothing without it. */
    private long opened;

    private int trialSuccesses;
    private final List<Ticket> trialsInFlight = new ArrayList<>();

    private String resilience4jState = CLOSED;
    private @Nullable String moveToAdopt;

    private long successes;
    private long failed;
    private long released;
    private long lateResults;
    private long refusals;
    private long openings;
    private long expiredLeases;

    public ReferenceBreaker(Settings settings, Instant wallClock) {
        this.settings = settings;
        this.wallClock = wallClock;
    }

    public void timeIs(long nanos, Instant wallTime) {
        now = nanos;
        wallClock = wallTime;
    }

    // What a caller may do.

    /** Returns a ticket, or null for a refusal. */
    public @Nullable Ticket acquire(long lease) {
        if (!canRequest()) {
            return null;
        }
        Ticket ticket = new Ticket(state.equals(HALF_OPEN), now + lease, generation);
        if (ticket.trial) {
            trialsInFlight.add(ticket);
        }
        return ticket;
    }

    public boolean canRequest() {
        adopt();
        if (state.equals(OPEN) && waitIsOver(now - opened)) {
            move(HALF_OPEN);
        }
        noticeExpiredLeases();
        boolean admitted = switch (state) {
            case CLOSED, DISABLED -> true;
            case HALF_OPEN -> hasRoom(trialSuccesses, trialsInFlight.size());
            default -> false;
        };
        if (!admitted) {
            refusals++;
        }
        return admitted;
    }

    public void complete(Ticket ticket, String result) {
        adopt();
        if (ticket.trial && ticket.completed) {
            return;
        }
        ticket.completed = true;
        if (ticket.generation == generation) {
            noticeExpiredLeases();
        }
        if (isLate(ticket.generation != generation, ticket.expired)) {
            lateResults++;
            return;
        }
        trialsInFlight.remove(ticket);
        count(result);
    }

    /** A success or failure without a ticket. */
    void record(String result) {
        adopt();
        if (state.equals(OPEN) || state.equals(FORCED_OPEN)) {
            return;
        }
        noticeExpiredLeases();
        count(result);
    }

    void reset() {
        adopt();
        move(CLOSED);
    }

    void forceOpen() {
        adopt();
        if (!state.equals(FORCED_OPEN)) {
            move(FORCED_OPEN);
        }
    }

    void disable() {
        adopt();
        if (!state.equals(DISABLED)) {
            move(DISABLED);
        }
    }

    /** The state stays, but for a half-open one that has had successes enough for the new settings. */
    void reconfigure(Settings changed) {
        adopt();
        settings = changed;
        if (state.equals(HALF_OPEN) && trialSuccesses >= settings.successThreshold) {
            move(CLOSED);
        }
    }

    /** Somebody moves the Resilience4j breaker itself. */
    void moveResilience4j(String target) {
        resilience4jState = target;
        moveToAdopt = target;
    }

    // What happens then.

    private void count(String result) {
        switch (result) {
            case SUCCESS -> {
                successes++;
                if (state.equals(CLOSED)) {
                    failures.clear();
                    lastFailure = null;
                } else if (state.equals(HALF_OPEN)) {
                    trialSuccesses++;
                    if (trialSuccesses >= settings.successThreshold) {
                        move(CLOSED);
                    }
                }
            }
            case FAILURE -> {
                failed++;
                if (state.equals(CLOSED)) {
                    failures.add(now);
                    lastFailure = wallClock;
                    if (failureCount() >= settings.failureThreshold) {
                        openings++;
                        move(OPEN);
                    }
                } else if (state.equals(HALF_OPEN)) {
                    lastFailure = wallClock;
                    openings++;
                    move(OPEN);
                }
            }
            case RELEASE -> released++;
            default -> throw new IllegalArgumentException(result);
        }
    }

    private void move(String target) {
        arrive(target);
        resilience4jState = target;
    }

    private void adopt() {
        if (moveToAdopt == null) {
            return;
        }
        String target = moveToAdopt.equals(METRICS_ONLY) ? DISABLED : moveToAdopt;
        moveToAdopt = null;
        arrive(target);
    }

    private void arrive(String target) {
        frozenFailures = failureCount();
        failures.clear();
        trialSuccesses = 0;
        trialsInFlight.clear();
        generation++;
        switch (target) {
            case CLOSED, DISABLED -> {
                frozenFailures = 0;
                lastFailure = null;
                openedAt = null;
            }
            case OPEN, FORCED_OPEN -> {
                opened = now;
                openedAt = wallClock;
            }
            case HALF_OPEN -> {
                // Keeps the opening before it, if there was one.
            }
            default -> throw new IllegalArgumentException(target);
        }
        state = target;
    }

    private void noticeExpiredLeases() {
        for (Ticket trial : List.copyOf(trialsInFlight)) {
            if (leaseIsOver(now - trial.leaseEnd)) {
                trial.expired = true;
                trialsInFlight.remove(trial);
                expiredLeases++;
            }
        }
    }

    // The decisions that a test makes wrong.

    boolean waitIsOver(long sinceOpened) {
        return sinceOpened >= settings.timeout;
    }

    boolean stillCounts(long age) {
        return settings.window == 0 || age < settings.window;
    }

    boolean leaseIsOver(long sinceLeaseEnd) {
        return sinceLeaseEnd >= 0;
    }

    boolean hasRoom(int successesOfTrials, int inFlight) {
        return successesOfTrials + inFlight < settings.successThreshold;
    }

    boolean isLate(boolean ofAnotherState, boolean leaseExpired) {
        return ofAnotherState || leaseExpired;
    }

    // What it shows.

    public String state() {
        return state;
    }

    public int failureCount() {
        if (!state.equals(CLOSED)) {
            return frozenFailures;
        }
        int count = 0;
        for (long failure : failures) {
            if (stillCounts(now - failure)) {
                count++;
            }
        }
        return count;
    }

    public int successCount() {
        return trialSuccesses;
    }

    @Nullable
    Instant lastFailureTime() {
        return lastFailure;
    }

    @Nullable
    Instant openedAt() {
        return openedAt;
    }

    @Nullable
    Long sinceOpened() {
        return openedAt == null ? null : Long.valueOf(now - opened);
    }

    public @Nullable Long untilRetry() {
        return state.equals(OPEN) ? Long.valueOf(Math.max(0, settings.timeout - (now - opened))) : null;
    }

    String resilience4jState() {
        return resilience4jState;
    }

    public Counters counters() {
        return new Counters(successes, failed, released, lateResults, refusals, openings, expiredLeases);
    }

    /** Somebody asks for the status or the counters. */
    public void observe() {
        noticeExpiredLeases();
    }

    // What a test wants to know to choose its next step.

    boolean isLive(Ticket ticket) {
        return ticket.generation == generation && !(ticket.trial && ticket.completed) && !ticket.expired;
    }

    boolean hasMoveToAdopt() {
        return moveToAdopt != null;
    }

    int trialsInFlight() {
        return trialsInFlight.size();
    }

    int failuresAgedOut() {
        return state.equals(CLOSED) ? failures.size() - failureCount() : 0;
    }

    /** The moments at which a wait, the window of a failure or a lease ends. */
    List<Long> endings() {
        List<Long> endings = new ArrayList<>();
        if (state.equals(OPEN)) {
            endings.add(opened + settings.timeout);
        }
        if (settings.window > 0) {
            for (long failure : failures) {
                endings.add(failure + settings.window);
            }
        }
        for (Ticket trial : trialsInFlight) {
            endings.add(trial.leaseEnd);
        }
        return endings;
    }
}
