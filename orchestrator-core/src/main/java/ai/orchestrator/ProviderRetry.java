package ai.orchestrator;

import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.provider.ProviderException;
import io.github.resilience4j.retry.Retry;
import io.github.resilience4j.retry.RetryConfig;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;

/**
 * How often and after what waits a provider is asked again, by Resilience4j. Its asynchronous context answers with a wait and never sleeps,
 * unlike its synchronous one, which sleeps through a function that the whole JVM shares. Safe for use by several threads.
 */
final class ProviderRetry {

    private static final long NANOS_PER_MILLI = TimeUnit.MILLISECONDS.toNanos(1);
    private static final int MAX_DOUBLINGS = 30;

    private final RetrySettings settings;
    private final DoubleSupplier random;
    private final Retry retry;

    /**
     * @param random zero to one, one exclusive
     */
    ProviderRetry(String provider, RetrySettings settings, DoubleSupplier random) {
        this.settings = settings;
        this.random = random;
        this.retry = Retry.of(
                provider,
                RetryConfig.<ChatResponse.Builder>custom()
                        .maxAttempts(settings.maxAttempts())
                        .retryOnException(
                                failure -> failure instanceof ProviderException known && Decision.mayRetry(known))
                        .intervalBiFunction((attempt, outcome) -> outcome.isLeft()
                                ? waitMillis(attempt, (ProviderException) outcome.getLeft())
                                : Decision.NONE)
                        .build());
    }

    /** The attempts of one call. */
    Retry.AsyncContext<ChatResponse.Builder> begin() {
        return retry.asyncContext();
    }

    /** Rounded up: a hint is never undercut. */
    private long waitMillis(int attempt, ProviderException failure) {
        long hint = failure.retryAfter()
                .map(asked -> min(asked, settings.retryAfterCap()).toNanos())
                .orElse(0L);
        long nanos = Math.max(backoffNanos(attempt), hint);
        return (nanos + NANOS_PER_MILLI - 1) / NANOS_PER_MILLI;
    }

    private long backoffNanos(int attempt) {
        int doublings = Math.min(attempt - 1, MAX_DOUBLINGS);
        long first = settings.backoff().toNanos();
        long most = settings.maxBackoff().toNanos();
        long longest = first > most >> doublings ? most : first << doublings;
        return longest - (long) ((double) longest * random.getAsDouble() / 2);
    }

    private static Duration min(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? a : b;
    }
}
