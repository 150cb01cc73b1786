package ai.orchestrator;

import ai.orchestrator.health.HealthCheck;
import ai.orchestrator.health.HealthCheck.Outcome;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What one provider's free checks have shown. Written by one thread at a time, read by any. */
final class LastCheck {

    private static final Logger logger = LoggerFactory.getLogger(Orchestrator.class);

    private final String provider;
    private final TimeSource timeSource;

    private record Ended(
            Outcome outcome, @Nullable ProviderException failure, Instant at, Duration took, long endNanos) {

        boolean isMisconfiguration() {
            return failure != null && failure.kind().isMisconfiguration();
        }
    }

    private volatile @Nullable Ended last;

    /** Completes when the check that is under way has ended; null while none is. */
    final AtomicReference<@Nullable CompletableFuture<@Nullable Void>> running = new AtomicReference<>();

    /** Whether the last check failed, and nothing has come since that counts for more. */
    private volatile boolean suspect;

    LastCheck(String provider, TimeSource timeSource) {
        this.provider = provider;
        this.timeSource = timeSource;
    }

    /** Whether others are rather asked, by what is known from checks. */
    boolean isSuspect() {
        return suspect;
    }

    /** A call has succeeded, which says more than any check; or what the last one found may have been cured, or is not looked at any more. */
    void clear() {
        if (suspect) {
            suspect = false;
        }
    }

    /** The last one; empty before the first has ended. */
    Optional<HealthCheck> status() {
        return Optional.ofNullable(last)
                .map(check -> new HealthCheck(
                        check.outcome,
                        Optional.ofNullable(check.failure).map(ProviderException::kind),
                        Optional.ofNullable(check.failure)
                                .map(failure -> String.valueOf(failure.getMessage()))
                                .orElse(""),
                        check.at,
                        check.took,
                        Duration.ofNanos(timeSource.nanoTime() - check.endNanos)));
    }

    /** A check has ended without a failure. */
    void ended(Outcome outcome, Instant at, Duration took) {
        end(new Ended(outcome, null, at, took, timeSource.nanoTime()));
    }

    void failed(ProviderException failure, Instant at, Duration took) {
        end(new Ended(Outcome.FAILED, failure, at, took, timeSource.nanoTime()));
    }

    private void end(Ended check) {
        Ended before = last;
        last = check;
        suspect = check.outcome == Outcome.FAILED;
        boolean failedBefore = before != null && before.outcome == Outcome.FAILED;
        ProviderException failure = check.failure;
        if (failure == null) {
            if (failedBefore) {
                logger.info("Provider '{}' no longer fails its checks", provider);
            }
        } else if (check.isMisconfiguration() && !(before != null && before.isMisconfiguration())) {
            logger.error(
                    "The configuration of provider '{}' needs a look: a check failed: {}",
                    provider,
                    failure.getMessage());
        } else if (!failedBefore) {
            logger.warn("Provider '{}' fails its checks: {} {}", provider, failure.kind(), failure.getMessage());
        } else {
            logger.debug("Provider '{}' still fails its checks: {}", provider, failure.getMessage());
        }
    }
}
