package ai.orchestrator;

import ai.orchestrator.breaker.Acquisition;
import ai.orchestrator.breaker.Acquisition.Permit;
import ai.orchestrator.breaker.Acquisition.Refusal;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.breaker.ProviderCircuitBreaker;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.RateLimit;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.health.ProviderHealth;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.quota.Quota;
import ai.orchestrator.routing.RoutingContext;
import ai.orchestrator.time.Deadline;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A provider as the orchestrator holds it: what is known of it, what may keep a call away from it, and how it is set up at present. Stays the
 * same as long as what answers under its name does. Safe for use by several threads.
 */
final class RegisteredProvider {

    /** How much longer than its limit an attempt may take to report, before its permit goes to another. */
    private static final long LEASE_MARGIN_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final String name;
    private final ProviderCircuitBreaker breaker;
    private final Parking parking;
    private final LastCheck lastCheck;
    private final RecentAttempts recent;
    private final Attempts attempts = new Attempts();

    /** How many attempts are under way; those are counted that began while there was a limit. */
    private final AtomicInteger concurrent = new AtomicInteger();

    /** Replaced whole, by one thread at a time. */
    private volatile ProviderSetup setup;

    RegisteredProvider(ProviderSetup setup, ProviderCircuitBreaker breaker, TimeSource timeSource) {
        this.name = setup.settings().name();
        this.setup = setup;
        this.breaker = breaker;
        this.parking = new Parking(timeSource);
        this.lastCheck = new LastCheck(name, timeSource);
        this.recent = new RecentAttempts(timeSource);
    }

    String name() {
        return name;
    }

    /** How it is set up now; who needs more than one thing of it asks once. */
    ProviderSetup setup() {
        return setup;
    }

    /** How it is set up now, with what talks to it kept open until that is released; null if nobody may ask it. */
    @Nullable
    ProviderSetup use() {
        while (true) {
            ProviderSetup current = setup;
            if (current.withdrawn() != null) {
                return null;
            }
            if (current.client().hold()) {
                return current;
            }
            // It was given up since, so there is another by now.
        }
    }

    // ---- How it changes. By one thread at a time.

    /** Goes by another setup from the next attempt on. */
    void reconfigure(ProviderSetup changed) {
        ProviderSetup before = setup;
        Quota quota = changed.quota();
        if (quota != null && quota == before.quota()) {
            quota.reconfigure(changed.settings().quota());
        }
        setup = changed;
        if (changed.client() != before.client()) {
            before.client().giveUp();
            parking.lift(RegisteredProvider::asksForOtherSettings);
            lastCheck.clear();
            if (quota != null) {
                quota.forgetCorrections();
            }
        }
        // Last, because others listen to it.
        breaker.reconfigure(changed.settings().circuitBreaker());
    }

    /** Nobody is to ask it any more. What is under way ends as it would have. */
    void withdraw(String reason) {
        ProviderSetup before = setup;
        setup = before.withdrawn(reason);
        before.client().giveUp();
        breaker.close();
    }

    /**
     * Keeps calls away for a time, as an attempt has shown; but not for what other settings may have cured that it did not have yet.
     *
     * @return whether the provider was not parked before
     */
    boolean park(ProviderSetup attempted, long nanos, FailureKind kind) {
        boolean mayBeCured = asksForOtherSettings(kind);
        if (mayBeCured && hasOtherClientThan(attempted)) {
            return false;
        }
        boolean parked = parking.park(nanos, kind);
        if (mayBeCured && hasOtherClientThan(attempted)) {
            // It came in between.
            parking.lift(RegisteredProvider::asksForOtherSettings);
        }
        return parked;
    }

    /** Whether it has another key, or other options, than an attempt went by. */
    private boolean hasOtherClientThan(ProviderSetup attempted) {
        return setup.client() != attempted.client();
    }

    private static boolean asksForOtherSettings(FailureKind kind) {
        return kind.isMisconfiguration() || kind == FailureKind.QUOTA_EXHAUSTED;
    }

    // ---- What is known of it

    ProviderCircuitBreaker breaker() {
        return breaker;
    }

    Parking parking() {
        return parking;
    }

    LastCheck lastCheck() {
        return lastCheck;
    }

    RecentAttempts recent() {
        return recent;
    }

    Attempts attempts() {
        return attempts;
    }

    /** An answer, or an error, says what is left; that of another key says nothing of the one it has now. */
    void correctQuota(ProviderSetup attempted, List<RateLimit> rateLimits) {
        Quota quota = rateLimits.isEmpty() || hasOtherClientThan(attempted) ? null : setup.quota();
        if (quota != null) {
            quota.correct(rateLimits);
            if (hasOtherClientThan(attempted)) {
                // It came in between.
                quota.forgetCorrections();
            }
        }
    }

    /** A check has ended; that of another key says nothing of the one it has now. */
    void checked(ProviderSetup used, Runnable verdict) {
        if (hasOtherClientThan(used)) {
            return;
        }
        verdict.run();
        if (hasOtherClientThan(used)) {
            // It came in between.
            lastCheck.clear();
        }
    }

    /** Whether calls turn to it only after the others of their route, as it is set up. */
    boolean isDeprioritized(ProviderSetup current) {
        return lastCheck.isSuspect() || current.isNearlyOutOfQuota();
    }

    /** Why it cannot serve a request at all, if so. */
    Optional<String> cannotServe(ChatRequest request) {
        ProviderSetup current = setup;
        if (current.withdrawn() != null) {
            // It may be closed, and is not asked anyway.
            return Optional.empty();
        }
        try {
            return current.client().chatProvider().unsupported(request).map(reason -> "cannot do " + reason);
        } catch (RuntimeException e) {
            if (hasOtherClientThan(current) || withdrawn() != null) {
                // Closed in between.
                return Optional.empty();
            }
            // One of the application's own may throw anything, also while the call looks past another one's failure.
            return Optional.of("cannot tell what it can do: " + e);
        }
    }

    /** Whether an attempt has taken twice as long as recent answers did on average; yes if there were none. */
    boolean isSlowerThanUsual(long elapsedNanos) {
        return recent.health()
                .meanLatency()
                .map(mean -> elapsedNanos >= 2 * mean.toNanos())
                .orElse(true);
    }

    /** The right to make an attempt now, to be completed once; or, if there is none, the reason. */
    Admission admit(Deadline callDeadline, RoutingContext call) {
        ProviderSetup used = use();
        if (used == null) {
            return new Admission.Withdrawn(skippedAsWithdrawn());
        }
        Duration lease = lease(used, callDeadline);
        Admission admission = admitBesidesBreaker(used, lease, call);
        if (!(admission instanceof Admission.Granted granted)) {
            return admission;
        }
        // Last, so that nothing else can stop an attempt that has a trial's permit (R7).
        Acquisition acquisition = breaker.tryAcquire(lease);
        if (acquisition instanceof Permit permit) {
            granted.guardedBy(permit);
            attempts.begun();
            return granted;
        }
        granted.giveBack();
        return new Admission.Refused(skipped((Refusal) acquisition), null);
    }

    /** The same, whatever the breaker says: it hears nothing of the attempt. */
    Admission admitBesidesBreaker(Deadline callDeadline, RoutingContext call) {
        ProviderSetup used = use();
        if (used == null) {
            return new Admission.Withdrawn(skippedAsWithdrawn());
        }
        Admission admission = admitBesidesBreaker(used, lease(used, callDeadline), call);
        if (admission instanceof Admission.Granted) {
            attempts.begun();
        }
        return admission;
    }

    private Admission admitBesidesBreaker(ProviderSetup used, Duration lease, RoutingContext call) {
        Parking.Entry entry = parking.enter(lease.toNanos());
        if (entry instanceof Parking.Refusal refusal) {
            used.client().release();
            return new Admission.Refused(skipped(refusal, call), refusal);
        }
        Parking.@Nullable FirstCall first = entry instanceof Parking.FirstCall firstCall ? firstCall : null;
        if (!enter(used.settings())) {
            used.client().release();
            if (first != null) {
                first.release();
            }
            return new Admission.Refused(full(used.settings()), null);
        }
        Quota quota = used.quota();
        Quota.@Nullable Reservation reservation = null;
        if (quota != null) {
            Quota.Outcome outcome = quota.reserve(tokens(used.settings(), call));
            if (outcome instanceof Quota.Refusal refusal) {
                leave(used);
                if (first != null) {
                    first.release();
                }
                return new Admission.Refused(skipped(refusal), null);
            }
            reservation = (Quota.Reservation) outcome;
        }
        return new Admission.Granted(this, used, first, reservation);
    }

    private static long tokens(ProviderSettings settings, RoutingContext call) {
        return settings.quota().countsTokens() ? call.inputTokens() + call.outputTokens() : 0;
    }

    private static Duration lease(ProviderSetup used, Deadline callDeadline) {
        Duration configured = used.settings().circuitBreaker().trialLease().orElse(null);
        if (configured != null) {
            return configured;
        }
        if (!callDeadline.isFixed()) {
            // Others may join and wait longer, so that only its own limit says when the attempt must have ended.
            return used.settings()
                    .totalTimeout()
                    .filter(total -> total.compareTo(CircuitBreakerSettings.DEFAULT_TRIAL_LEASE) < 0)
                    .orElse(CircuitBreakerSettings.DEFAULT_TRIAL_LEASE)
                    .plusNanos(LEASE_MARGIN_NANOS);
        }
        return Duration.ofNanos(Math.max(0, used.attemptDeadline(callDeadline).remainingNanos()) + LEASE_MARGIN_NANOS);
    }

    /** Why an attempt could not be made now; takes nothing. */
    Optional<Trail.Skipped> refusal(RoutingContext call) {
        return refusalBesidesBreaker(call).or(() -> breaker.refusal().map(this::skipped));
    }

    private Optional<Trail.Skipped> refusalBesidesBreaker(RoutingContext call) {
        ProviderSetup current = setup;
        if (current.withdrawn() != null) {
            return Optional.of(skippedAsWithdrawn());
        }
        Optional<Trail.Skipped> parked = parking.refusal().map(refusal -> skipped(refusal, call));
        if (parked.isPresent()) {
            return parked;
        }
        int limit = current.settings().maxConcurrent();
        if (limit > 0 && concurrent.get() >= limit) {
            return Optional.of(full(current.settings()));
        }
        return quotaRefusal(call).map(this::skipped);
    }

    /** Why nobody may ask it any more, whatever it was when the call began; null if it may be asked. */
    @Nullable
    String withdrawn() {
        return setup.withdrawn();
    }

    private Trail.Skipped skippedAsWithdrawn() {
        return new Trail.Skipped(name, Objects.requireNonNullElse(withdrawn(), "it was disabled"), Optional.empty());
    }

    /** Why its quota would not let a call in now; takes nothing. */
    Optional<Quota.Refusal> quotaRefusal(RoutingContext call) {
        ProviderSetup current = setup;
        Quota quota = current.quota();
        return quota == null ? Optional.empty() : quota.refusal(tokens(current.settings(), call));
    }

    /** When its breaker will let a call through, if nothing else keeps one away, an operator neither. */
    Optional<Duration> opensIn(RoutingContext call) {
        if (refusalBesidesBreaker(call).isPresent()) {
            return Optional.empty();
        }
        Refusal refusal = breaker.refusal().orElse(null);
        if (refusal == null) {
            return Optional.of(Duration.ZERO);
        }
        return refusal.state() == CircuitState.FORCED_OPEN
                ? Optional.empty()
                : Optional.of(refusal.timeUntilRetry().orElse(Duration.ZERO));
    }

    ProviderStatus status() {
        ProviderSetup current = setup;
        ProviderSettings settings = current.settings();
        Quota quota = current.quota();
        ProviderHealth health = recent.health();
        double quotaLeft = current.quotaLeft();
        return new ProviderStatus(
                name,
                settings.type(),
                current.model(),
                settings.enabled(),
                settings.priority(),
                settings.weight(),
                breaker.status(),
                health,
                health.score(quotaLeft),
                quota == null ? List.of() : quota.status(),
                quotaLeft,
                isDeprioritized(current),
                parking.refusal()
                        .map(refusal -> new ProviderStatus.Parked(
                                refusal.kind(), refusal.left().orElse(Duration.ZERO))),
                lastCheck.status(),
                attempts.counts());
    }

    private boolean enter(ProviderSettings settings) {
        int limit = settings.maxConcurrent();
        if (limit == 0) {
            return true;
        }
        int before;
        do {
            before = concurrent.get();
            if (before >= limit) {
                return false;
            }
            // Not counted up and down again: one that is refused would keep another from a place that has become free.
        } while (!concurrent.compareAndSet(before, before + 1));
        return true;
    }

    /** An attempt that was let in under a setup has ended. */
    void leave(ProviderSetup used) {
        if (used.settings().maxConcurrent() > 0) {
            concurrent.decrementAndGet();
        }
        used.client().release();
    }

    private Trail.Skipped full(ProviderSettings settings) {
        return new Trail.Skipped(
                name, "full: " + settings.maxConcurrent() + " attempts are under way", Optional.empty());
    }

    private Trail.Skipped skipped(Parking.Refusal refusal, RoutingContext call) {
        return new Trail.Skipped(
                name,
                refusal.reason(),
                refusal.left()
                        .map(left -> later(left, quotaRefusal(call).map(Quota.Refusal::retryIn)))
                        .map(this::orBreakerOpens));
    }

    private Trail.Skipped skipped(Quota.Refusal refusal) {
        return new Trail.Skipped(name, refusal.reason(), Optional.of(orBreakerOpens(refusal.retryIn())));
    }

    /** All must allow, so the last one tells when. */
    private Duration orBreakerOpens(Duration left) {
        return later(left, breaker.refusal().flatMap(Refusal::timeUntilRetry));
    }

    private static Duration later(Duration one, Optional<Duration> other) {
        return other.filter(later -> later.compareTo(one) > 0).orElse(one);
    }

    private Trail.Skipped skipped(Refusal refusal) {
        String reason = switch (refusal.state()) {
            case HALF_OPEN -> "circuit breaker half open, its trials are under way";
            case FORCED_OPEN -> "circuit breaker forced open by an operator";
            default -> "circuit breaker open";
        };
        return new Trail.Skipped(name, reason, refusal.timeUntilRetry());
    }
}
