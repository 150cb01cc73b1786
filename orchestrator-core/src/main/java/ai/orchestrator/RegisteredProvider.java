package ai.orchestrator;

import ai.orchestrator.breaker.Acquisition;
import ai.orchestrator.breaker.Acquisition.Permit;
import ai.orchestrator.breaker.Acquisition.Refusal;
import ai.orchestrator.breaker.ProviderCircuitBreaker;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.time.Deadline;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.Optional;
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
    private final ChatProvider chatProvider;
    private final ProviderCircuitBreaker breaker;
    private final ProviderRetry retry;
    private final Parking parking;

    /** How many attempts are under way; counted only where there is a limit. */
    private final AtomicInteger concurrent = new AtomicInteger();

    RegisteredProvider(
            ProviderSettings settings,
            ChatProvider chatProvider,
            ProviderCircuitBreaker breaker,
            TimeSource timeSource,
            DoubleSupplier random) {
        this.settings = settings;
        this.chatProvider = chatProvider;
        this.breaker = breaker;
        this.retry = new ProviderRetry(settings.name(), settings.retry(), random);
        this.parking = new Parking(timeSource);
    }

    String name() {
        return settings.name();
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

    /** Why it cannot serve a request at all, if so. */
    Optional<String> cannotServe(ChatRequest request) {
        try {
            return chatProvider.unsupported(request).map(reason -> "cannot do " + reason);
        } catch (RuntimeException e) {
            // One of the application's own may throw anything, also while the call looks past another one's failure.
            return Optional.of("cannot tell what it can do: " + e);
        }
    }

    /** When an attempt that begins now must have ended. */
    Deadline attemptDeadline(Deadline callDeadline) {
        return settings.totalTimeout().map(callDeadline::orAfter).orElse(callDeadline);
    }

    /** The right to make an attempt now, to be completed once; or, if there is none, the reason. */
    Admission admit(Deadline callDeadline) {
        Duration configured = settings.circuitBreaker().trialLease().orElse(null);
        Duration lease = configured == null
                ? Duration.ofNanos(Math.max(0, attemptDeadline(callDeadline).remainingNanos()) + LEASE_MARGIN_NANOS)
                : configured;
        Parking.Entry entry = parking.enter(lease.toNanos());
        if (entry instanceof Parking.Refusal refusal) {
            return new Admission.Refused(skipped(refusal), refusal);
        }
        Parking.@Nullable FirstCall first = entry instanceof Parking.FirstCall call ? call : null;
        if (!enter()) {
            if (first != null) {
                first.release();
            }
            return new Admission.Refused(full(), null);
        }
        // Last, so that nothing else can stop an attempt that has a trial's permit (R7).
        Acquisition acquisition = breaker.tryAcquire(lease);
        if (acquisition instanceof Permit permit) {
            return new Admission.Granted(this, permit, first);
        }
        leave();
        if (first != null) {
            first.release();
        }
        return new Admission.Refused(skipped((Refusal) acquisition), null);
    }

    /** Why an attempt could not be made now; takes nothing. */
    Optional<Trail.Skipped> refusal() {
        Optional<Trail.Skipped> parked = parking.refusal().map(this::skipped);
        if (parked.isPresent()) {
            return parked;
        }
        int limit = settings.maxConcurrent();
        return limit > 0 && concurrent.get() >= limit
                ? Optional.of(full())
                : breaker.refusal().map(this::skipped);
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

    private Trail.Skipped skipped(Parking.Refusal refusal) {
        // Both must allow, so the later one tells when.
        Optional<Duration> opens = breaker.refusal().flatMap(Refusal::timeUntilRetry);
        Optional<Duration> retryIn = refusal.left()
                .map(left -> opens.filter(later -> later.compareTo(left) > 0).orElse(left));
        return new Trail.Skipped(name(), refusal.reason(), retryIn);
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
