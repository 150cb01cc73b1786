package ai.orchestrator.simulation;

import ai.orchestrator.ProviderSettings;
import ai.orchestrator.breaker.ReferenceBreaker;
import ai.orchestrator.breaker.ReferenceBreaker.Ticket;
import ai.orchestrator.provider.FailureKind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the documentation makes of one provider's own attempts and of nothing else: its breaker, its parking, its quota, its places. For one
 * thread; times are nanoseconds since the start.
 */
final class ReferenceProvider {

    private static final long SECOND = 1_000_000_000L;

    final ProviderSettings settings;
    final boolean lacksSeeds;
    final ReferenceBreaker breaker;
    final ReferenceQuota quota;
    private final Instant start;

    int running;
    long answered;
    long failed;
    long abandoned;
    private final List<Answer> answers = new ArrayList<>();

    // Null while nothing keeps calls away.
    private @Nullable FailureKind parkedAfter;
    private long parkedUntil;
    private int rateLimits;
    private @Nullable Attempt first;
    private long firstLeaseEnd;
    private long firstEnded = -1;

    ReferenceProvider(ProviderSettings settings, boolean lacksSeeds, Instant start) {
        this.settings = settings;
        this.lacksSeeds = lacksSeeds;
        this.start = start;
        this.breaker = new ReferenceBreaker(
                new ReferenceBreaker.Settings(
                        settings.circuitBreaker().failureThreshold(),
                        settings.circuitBreaker().timeoutDuration().toNanos(),
                        settings.circuitBreaker().successThreshold(),
                        settings.circuitBreaker().failureWindow().toNanos(),
                        0),
                start);
        this.quota = new ReferenceQuota(settings.quota(), start);
    }

    String name() {
        return settings.name();
    }

    void timeIs(long now) {
        breaker.timeIs(now, start.plusNanos(now));
    }

    // ---- Who may come in

    private @Nullable String whyKeptAway(long now) {
        if (isParked(now)) {
            return "parked until " + parkedUntil + " after " + parkedAfter;
        }
        if (isTriedFirst(now)) {
            return "another call goes first after a park";
        }
        return settings.maxConcurrent() > 0 && running >= settings.maxConcurrent() ? "full" : null;
    }

    /** Why no attempt may begin, leaving the breaker aside; null if one may. */
    @Nullable
    String mustRefuse(long tokens, long now) {
        String reason = whyKeptAway(now);
        return reason != null ? reason : quota.mustRefuse(tokens, now);
    }

    /** Whether an attempt may begin in any case, leaving the breaker aside. */
    boolean mustAllow(long tokens, long now) {
        return whyKeptAway(now) == null && quota.mustAllow(tokens, now);
    }

    boolean breakerAllows(long now) {
        timeIs(now);
        return breaker.canRequest();
    }

    boolean isParked(long now) {
        return parkedAfter != null && now < parkedUntil;
    }

    boolean isTriedFirst(long now) {
        return !isParked(now) && first != null && now < firstLeaseEnd;
    }

    /** Whether a call might wait for the one that goes first: also at the very moment when that ends. */
    boolean isWaitedFor(long now) {
        return isTriedFirst(now) || firstEnded == now;
    }

    long parkedUntil() {
        return parkedUntil;
    }

    @Nullable
    FailureKind parkedAfter() {
        return parkedAfter;
    }

    /** How many nanoseconds the breaker still refuses; zero if trials are under way. */
    long breakerOpensIn() {
        Long left = breaker.untilRetry();
        return left == null ? 0 : left;
    }

    // ---- Attempts

    long leaseEnd(long now, long attemptDeadline) {
        return settings.circuitBreaker()
                .trialLease()
                .map(lease -> now + lease.toNanos())
                .orElse(attemptDeadline + SECOND);
    }

    /** An attempt begins; what keeps attempts away was looked at before. */
    void begins(Attempt attempt, @Nullable Ticket ticket, long tokens, long leaseEnd) {
        attempt.ticket = ticket;
        attempt.reservation = quota.reserve(tokens, attempt.began);
        running++;
        if (parkedAfter != null) {
            first = attempt;
            firstLeaseEnd = leaseEnd;
        }
    }

    private record Answer(long ended, long took) {}

    /**
     * Whether an attempt has taken twice as long as recent answers did on average, or there were none.
     *
     * @param window what is recent; the documentation has five minutes, and up to half a minute more
     */
    boolean isSlowerThanUsual(long elapsed, long now, Duration window) {
        return answers.stream()
                .filter(answer -> now - answer.ended <= window.toNanos())
                .mapToLong(Answer::took)
                .average()
                .stream()
                .allMatch(mean -> elapsed >= 2 * (long) mean);
    }

    void ends(Attempt attempt, long now) {
        timeIs(now);
        running--;
        FailureKind failure = attempt.failure;
        Ticket ticket = attempt.ticket;
        ReferenceQuota.Reservation reservation = attempt.reservation;
        if (failure == null) {
            answered++;
            answers.add(new Answer(now, now - attempt.began));
        } else if (failure == FailureKind.CANCELLED) {
            abandoned++;
        } else {
            failed++;
        }
        if (ticket != null) {
            breaker.complete(
                    ticket,
                    failure == null
                            ? ReferenceBreaker.SUCCESS
                            : AfterFailure.isFailureForBreaker(failure)
                                    ? ReferenceBreaker.FAILURE
                                    : ReferenceBreaker.RELEASE);
        }
        if (reservation != null) {
            if (failure != null) {
                quota.refund(reservation);
            } else if (attempt.usedTokens != null) {
                quota.settle(reservation, attempt.usedTokens, now);
            }
        }
        quota.correct(attempt.reports, now);
        long park = failure == null ? 0 : parkNanos(failure, attempt.hint, now);
        if (failure != null && park > 0) {
            park(failure, park, now);
        }
        if (first == attempt) {
            first = null;
            firstEnded = now;
            if (failure != FailureKind.CANCELLED && now < firstLeaseEnd) {
                // It has reported. One that was cancelled has nothing to say, nor has a late one: another goes first.
                parkedAfter = null;
                rateLimits = 0;
            }
        }
    }

    private long parkNanos(FailureKind kind, @Nullable Duration hint, long now) {
        long hinted = hint == null ? 0 : cappedHint(hint);
        return switch (kind) {
            case OVERLOADED, MODEL_LOADING -> hinted;
            case RATE_LIMITED -> {
                // Those that were under way when the first of them parked it are the same limit.
                int before = isParked(now) ? Math.max(0, rateLimits - 1) : rateLimits;
                yield hinted > 0 ? hinted : Math.min(30, 1L << Math.min(before, 10)) * SECOND;
            }
            case QUOTA_EXHAUSTED -> hinted > 0 ? hinted : 600 * SECOND;
            case CREDENTIAL, PERMISSION, MODEL_NOT_FOUND -> 600 * SECOND;
            default -> 0;
        };
    }

    long cappedHint(Duration hint) {
        return Math.min(hint.toNanos(), settings.retry().retryAfterCap().toNanos());
    }

    private void park(FailureKind kind, long nanos, long now) {
        if (isParked(now)) {
            if (now + nanos > parkedUntil) {
                parkedUntil = now + nanos;
                parkedAfter = kind;
            }
            return;
        }
        rateLimits = kind == FailureKind.RATE_LIMITED ? rateLimits + 1 : 0;
        parkedUntil = now + nanos;
        parkedAfter = kind;
        first = null;
    }
}
