package ai.orchestrator.breaker;

import ai.orchestrator.breaker.Resilience4jMirror.AttemptFailed;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A permit in the guard's terms: nanoseconds, and no failure without a throwable. */
interface Token extends Acquisition.Permit {

    /** In place of a duration that the caller did not measure. */
    long NOT_MEASURED = -1;

    void succeed(long tookNanos);

    void fail(long tookNanos, Throwable cause);

    @Override
    default void success() {
        succeed(NOT_MEASURED);
    }

    @Override
    default void success(Duration took) {
        succeed(cappedNanos(took));
    }

    @Override
    default void failure() {
        fail(NOT_MEASURED, new AttemptFailed(null));
    }

    @Override
    default void failure(Duration took, @Nullable Throwable cause) {
        fail(cappedNanos(took), cause == null ? new AttemptFailed(null) : cause);
    }

    /** A duration in nanoseconds, zero to 365 days. */
    static long cappedNanos(Duration duration) {
        if (duration.isNegative()) {
            return 0;
        }
        return duration.compareTo(CircuitBreakerSettings.MAX_DURATION) > 0
                ? CircuitBreakerSettings.MAX_DURATION.toNanos()
                : duration.toNanos();
    }
}
