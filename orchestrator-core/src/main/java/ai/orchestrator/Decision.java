package ai.orchestrator;

import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import java.util.concurrent.TimeUnit;

/**
 * What follows a failed attempt. This is the specification's table T, and the only place that knows it; docs/failures.md shows it to
 * people.
 *
 * @param next where the call goes
 * @param waitNanos how long this provider is not asked again by this call, from now; for {@link Next#RETRY} and {@link Next#FAIL_OVER}
 * @param countsAgainstProvider whether the circuit breaker counts a failure; otherwise its permit is given back
 * @param parkNanos how long no call asks this provider, from now; zero does not park it
 */
record Decision(Next next, long waitNanos, boolean countsAgainstProvider, long parkNanos) {

    /** Where a call goes after a failed attempt. */
    enum Next {
        /** To the same provider again, after a wait. */
        RETRY,
        /** To another provider at once; this one may be asked again when no other is left. */
        FAIL_OVER,
        /** To another provider at once, if there is one; this one is of no more use to the call. */
        LEAVE,
        /** Nowhere: the call ends with this failure. */
        STOP
    }

    /** How long a provider is left alone that an operator must look at, or whose quota is used up until nobody knows when. */
    static final long LONG_PARK_NANOS = TimeUnit.MINUTES.toNanos(10);

    /** How long after a first rate limit without a hint; doubles with each that follows. */
    static final long FIRST_PARK_NANOS = TimeUnit.SECONDS.toNanos(1);

    static final long MAX_PARK_WITHOUT_HINT_NANOS = TimeUnit.SECONDS.toNanos(30);

    private static final int REQUEST_TIMEOUT = 408;
    private static final int GATEWAY_TIMEOUT = 504;

    /** In place of a hint that did not come, and of a wait before an attempt that may not be made. */
    static final long NONE = -1;

    /** What to do with a kind of failure, before anything is known of the call. */
    private enum Rule {
        /** Another provider at once; the same one when no other is left. */
        NEXT,
        /** The same provider once, then another one. */
        HERE_ONCE,
        /** Another provider; never the same. */
        NEXT_ONLY,
        /** The end of the call. */
        STOP
    }

    /**
     * What a decision depends on.
     *
     * @param kind what the failure means
     * @param silent whether the provider said nothing for as long as it was allowed to
     * @param shown whether the caller has seen a part of the answer that cannot be taken back
     * @param attempts how many attempts the call has made at this provider
     * @param others whether another candidate may be asked, one that can do better where the request is at fault
     * @param retryWaitNanos how long Resilience4j's retry waits; {@link #NONE} if it makes no further attempt
     * @param hintNanos how long the provider asked to be left alone; {@link #NONE} if it did not
     * @param rateLimitsBefore how many rate limits in a row had parked the provider before this one
     * @param remainingNanos what is left of the call's deadline
     * @param budgetLeft whether the retry budget allows an attempt
     * @param passesFilteredOn whether a policy refusal is put to another provider
     * @param settings the provider's
     */
    record Situation(
            FailureKind kind,
            boolean silent,
            boolean shown,
            int attempts,
            boolean others,
            long retryWaitNanos,
            long hintNanos,
            int rateLimitsBefore,
            long remainingNanos,
            boolean budgetLeft,
            boolean passesFilteredOn,
            RetrySettings settings) {}

    static Decision after(Situation failed) {
        long park = parkNanos(failed);
        long wait = Math.max(failed.retryWaitNanos, park);
        return new Decision(next(failed, wait), wait, failed.kind.countsAgainstProvider(), park);
    }

    private static Next next(Situation failed, long wait) {
        Rule rule = rule(failed.kind, failed.silent, failed.passesFilteredOn);
        if (failed.shown || rule == Rule.STOP) {
            return Next.STOP;
        }
        if (rule == Rule.NEXT_ONLY) {
            return failed.others || !blamesRequest(failed.kind) ? Next.LEAVE : Next.STOP;
        }
        if (failed.retryWaitNanos == NONE) {
            return Next.LEAVE;
        }
        boolean possible = wait < failed.remainingNanos && failed.budgetLeft;
        boolean preferred = !failed.others
                || (failed.hintNanos > 0
                        ? isWorthTheWait(failed, wait)
                        : rule == Rule.HERE_ONCE && failed.attempts == 1);
        return possible && preferred ? Next.RETRY : Next.FAIL_OVER;
    }

    private static Rule rule(FailureKind kind, boolean silent, boolean passesFilteredOn) {
        return switch (kind) {
            case NETWORK, OVERLOADED, MODEL_LOADING, RATE_LIMITED, TRUNCATED -> Rule.NEXT;
            case TIMEOUT -> silent ? Rule.NEXT_ONLY : Rule.NEXT;
            case SERVER, TOOL_GENERATION, CONFLICT, MALFORMED -> Rule.HERE_ONCE;
            case QUOTA_EXHAUSTED, CREDENTIAL, PERMISSION, MODEL_NOT_FOUND, CONTEXT_TOO_LONG -> Rule.NEXT_ONLY;
            case CONTENT_FILTERED -> passesFilteredOn ? Rule.NEXT_ONLY : Rule.STOP;
            case BAD_REQUEST, CANCELLED -> Rule.STOP;
        };
    }

    /** A provider that asks to be left alone is waited for only as far as that was allowed, whatever the kind. */
    private static boolean isWorthTheWait(Situation failed, long wait) {
        return wait <= failed.settings.waitForHint().toNanos();
    }

    private static long parkNanos(Situation failed) {
        long hint = Math.min(failed.hintNanos, failed.settings.retryAfterCap().toNanos());
        boolean hinted = hint > 0;
        return switch (failed.kind) {
            case OVERLOADED, MODEL_LOADING -> hinted ? hint : 0;
            // A hint of zero, as a date that is past, is no reason to come back at once.
            case RATE_LIMITED -> hinted ? hint : parkWithoutHint(failed.rateLimitsBefore);
            case QUOTA_EXHAUSTED -> hinted ? hint : LONG_PARK_NANOS;
            case CREDENTIAL, PERMISSION, MODEL_NOT_FOUND -> LONG_PARK_NANOS;
            default -> 0;
        };
    }

    private static long parkWithoutHint(int rateLimitsBefore) {
        long doubled = FIRST_PARK_NANOS << Math.min(rateLimitsBefore, 5);
        return Math.min(doubled, MAX_PARK_WITHOUT_HINT_NANOS);
    }

    /** Whether a failure says that the request cannot be served as it is, rather than anything of the provider. */
    static boolean blamesRequest(FailureKind kind) {
        return switch (kind) {
            case CONTEXT_TOO_LONG, CONTENT_FILTERED, BAD_REQUEST, CANCELLED -> true;
            default -> false;
        };
    }

    /** Whether the same provider may be asked again by the same call. */
    static boolean mayRetry(ProviderException failure) {
        Rule rule = rule(failure.kind(), isSilence(failure), false);
        return rule == Rule.NEXT || rule == Rule.HERE_ONCE;
    }

    /** Whether the provider took the request and said nothing: then it is not asked the same again. */
    static boolean isSilence(ProviderException failure) {
        int status = failure.status().orElse(0);
        return failure.kind() == FailureKind.TIMEOUT
                && failure.mayHaveBeenProcessed()
                && status != REQUEST_TIMEOUT
                && status != GATEWAY_TIMEOUT;
    }
}
