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
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.quota.Quota;
import ai.orchestrator.routing.RoutingContext;
import ai.orchestrator.time.Deadline;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A provider as the orchestrator holds it: its settings, what talks to it, and what may keep a call away from it. Safe for use by several
 * threads.
 */
final class RegisteredProvider {

    /** How much longer than its limit an attempt may take to report, before its permit goes to another. */
    private static final long LEASE_MARGIN_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final ProviderSettings settings;
    private final Optional<String> model;
    private final String identity;
    private final ChatProvider chatProvider;
    private final ProviderCircuitBreaker breaker;
    private final ProviderRetry retry;
    private final Parking parking;
    private final LastCheck lastCheck;
    private final RecentAttempts recent;

    /** Null where there is no limit, so that such a provider pays nothing for it. */
    private final @Nullable Quota quota;

    private final Attempts attempts = new Attempts();

    /** How many attempts are under way; counted only where there is a limit. */
    private final AtomicInteger concurrent = new AtomicInteger();

    RegisteredProvider(
            ProviderSettings settings,
            @Nullable ProviderTarget target,
            ChatProvider chatProvider,
            ProviderCircuitBreaker breaker,
            TimeSource timeSource,
            InstantSource instantSource,
            DoubleSupplier random) {
        this.settings = settings;
        this.model = Optional.ofNullable(target).map(ProviderTarget::model);
        this.identity = target == null ? settings.name() : identity(target);
        this.chatProvider = chatProvider;
        this.breaker = breaker;
        this.retry = new ProviderRetry(settings.name(), settings.retry(), random);
        this.parking = new Parking(timeSource);
        this.lastCheck = new LastCheck(settings.name(), timeSource);
        this.recent = new RecentAttempts(timeSource);
        this.quota = settings.quota().isEmpty()
                ? null
                : Quota.of(settings.name(), settings.quota(), timeSource, instantSource);
    }

    String name() {
        return settings.name();
    }

    /** What its answers are known by in the cache. */
    String identity() {
        return identity;
    }

    private static String identity(ProviderTarget target) {
        return String.join(
                "\n",
                target.name(),
                target.type().name(),
                target.baseUrl().toString(),
                target.model(),
                new TreeMap<>(target.options()).toString());
    }

    ProviderSettings settings() {
        return settings;
    }

    ChatProvider chatProvider() {
        return chatProvider;
    }

    ProviderCircuitBreaker breaker() {
        return breaker;
    }

    ProviderRetry retry() {
        return retry;
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

    /** Whether it is in any route. */
    boolean mayBeAsked() {
        return settings.mayBeAsked();
    }

    /** How much of its quota is left: from zero to one, one if it has none. */
    double quotaLeft() {
        return quota == null ? 1 : quota.left();
    }

    /** An answer, or an error, says what is left. */
    void correctQuota(List<RateLimit> rateLimits) {
        if (quota != null && !rateLimits.isEmpty()) {
            quota.correct(rateLimits);
        }
    }

    /** Whether calls turn to it only after the others of their route. */
    boolean isDeprioritized() {
        return lastCheck.isSuspect() || (quota != null && quota.isNearlyUsedUp());
    }

    /** Why it cannot serve a request at all, if so. */
    Optional<String> cannotServe(ChatRequest request) {
        try {
            return chatProvider.unsupported(request).map(reason -> "cannot do " + reason);
        } catch (RuntimeException e) {
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

    /** When an attempt that begins now must have ended at the latest. */
    Deadline attemptDeadline(Deadline callDeadline) {
        Optional<Duration> limit = settings.totalTimeout();
        return limit.isPresent() ? callDeadline.orAfter(limit.get()) : callDeadline;
    }

    /** The right to make an attempt now, to be completed once; or, if there is none, the reason. */
    Admission admit(Deadline callDeadline, RoutingContext call) {
        Duration lease = lease(callDeadline);
        Admission admission = admitBesidesBreaker(lease, call);
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
        Admission admission = admitBesidesBreaker(lease(callDeadline), call);
        if (admission instanceof Admission.Granted) {
            attempts.begun();
        }
        return admission;
    }

    private Admission admitBesidesBreaker(Duration lease, RoutingContext call) {
        Parking.Entry entry = parking.enter(lease.toNanos());
        if (entry instanceof Parking.Refusal refusal) {
            return new Admission.Refused(skipped(refusal, call), refusal);
        }
        Parking.@Nullable FirstCall first = entry instanceof Parking.FirstCall firstCall ? firstCall : null;
        if (!enter()) {
            if (first != null) {
                first.release();
            }
            return new Admission.Refused(full(), null);
        }
        Quota.@Nullable Reservation reservation = null;
        if (quota != null) {
            Quota.Outcome outcome = quota.reserve(tokens(call));
            if (outcome instanceof Quota.Refusal refusal) {
                leave();
                if (first != null) {
                    first.release();
                }
                return new Admission.Refused(skipped(refusal), null);
            }
            reservation = (Quota.Reservation) outcome;
        }
        return new Admission.Granted(this, first, reservation);
    }

    private long tokens(RoutingContext call) {
        return settings.quota().countsTokens() ? call.inputTokens() + call.outputTokens() : 0;
    }

    private Duration lease(Deadline callDeadline) {
        Duration configured = settings.circuitBreaker().trialLease().orElse(null);
        if (configured != null) {
            return configured;
        }
        if (!callDeadline.isFixed()) {
            // Others may join and wait longer, so that only its own limit says when the attempt must have ended.
            return settings.totalTimeout()
                    .filter(total -> total.compareTo(CircuitBreakerSettings.DEFAULT_TRIAL_LEASE) < 0)
                    .orElse(CircuitBreakerSettings.DEFAULT_TRIAL_LEASE)
                    .plusNanos(LEASE_MARGIN_NANOS);
        }
        return Duration.ofNanos(Math.max(0, attemptDeadline(callDeadline).remainingNanos()) + LEASE_MARGIN_NANOS);
    }

    /** Why an attempt could not be made now; takes nothing. */
    Optional<Trail.Skipped> refusal(RoutingContext call) {
        return refusalBesidesBreaker(call).or(() -> breaker.refusal().map(this::skipped));
    }

    private Optional<Trail.Skipped> refusalBesidesBreaker(RoutingContext call) {
        Optional<Trail.Skipped> parked = parking.refusal().map(refusal -> skipped(refusal, call));
        if (parked.isPresent()) {
            return parked;
        }
        int limit = settings.maxConcurrent();
        if (limit > 0 && concurrent.get() >= limit) {
            return Optional.of(full());
        }
        return quotaRefusal(call).map(this::skipped);
    }

    /** Why its quota would not let a call in now; takes nothing. */
    Optional<Quota.Refusal> quotaRefusal(RoutingContext call) {
        return quota == null ? Optional.empty() : quota.refusal(tokens(call));
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
        ProviderHealth health = recent.health();
        double quotaLeft = quotaLeft();
        return new ProviderStatus(
                name(),
                settings.type(),
                model,
                settings.enabled(),
                settings.priority(),
                settings.weight(),
                breaker.status(),
                health,
                health.score(quotaLeft),
                quota == null ? List.of() : quota.status(),
                quotaLeft,
                isDeprioritized(),
                parking.refusal()
                        .map(refusal -> new ProviderStatus.Parked(
                                refusal.kind(), refusal.left().orElse(Duration.ZERO))),
                lastCheck.status(),
                attempts.counts());
    }

    private boolean enter() {
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

    /** An attempt that was let in has ended. */
    void leave() {
        if (settings.maxConcurrent() > 0) {
            concurrent.decrementAndGet();
        }
    }

    private Trail.Skipped full() {
        return new Trail.Skipped(
                name(), "full: " + settings.maxConcurrent() + " attempts are under way", Optional.empty());
    }

    private Trail.Skipped skipped(Parking.Refusal refusal, RoutingContext call) {
        return new Trail.Skipped(
                name(),
                refusal.reason(),
                refusal.left()
                        .map(left -> later(left, quotaRefusal(call).map(Quota.Refusal::retryIn)))
                        .map(this::orBreakerOpens));
    }

    private Trail.Skipped skipped(Quota.Refusal refusal) {
        return new Trail.Skipped(name(), refusal.reason(), Optional.of(orBreakerOpens(refusal.retryIn())));
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
        return new Trail.Skipped(name(), reason, refusal.timeUntilRetry());
    }
}
