package ai.orchestrator.breaker;

import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What a circuit breaker showed at one moment.
 *
 * @param name which breaker
 * @param state its state
 * @param failureCount failures in a row that are younger than the failure window; in {@code OPEN}, {@code HALF_OPEN} and
 *     {@code FORCED_OPEN} as many as there were when it opened
 * @param successCount successful trials in {@code HALF_OPEN}; otherwise zero
 * @param settings what it was configured with
 * @param lastFailureTime when the last failure was recorded, by the wall clock; forgotten when a success ends the row, when it closes, and
 *     when it is reset or disabled
 * @param openedAt when it opened last, by the wall clock, while it is open, half open or forced open
 * @param timeSinceOpened how long ago that was, by the time source, which a change of the wall clock does not concern
 * @param timeUntilRetry how long it still refuses, while it is open; zero when the next request will be a trial
 */
public record CircuitBreakerStatus(
        String name,
        CircuitState state,
        int failureCount,
        int successCount,
        CircuitBreakerSettings settings,
        Optional<Instant> lastFailureTime,
        Optional<Instant> openedAt,
        Optional<Duration> timeSinceOpened,
        Optional<Duration> timeUntilRetry) {

    /**
     * The same as a map for logs and status pages.
     *
     * @return the keys {@code name}, {@code state}, {@code failure_count}, {@code success_count}, {@code failure_threshold},
     *     {@code timeout_duration}, {@code success_threshold}, {@code last_failure_time}, {@code opened_at}, {@code time_since_opened} and
     *     {@code time_until_retry}, in this order; times as ISO-8601 in UTC, durations as seconds; a key without a value is absent
     */
    public Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("name", name);
        map.put("state", state.key());
        map.put("failure_count", failureCount);
        map.put("success_count", successCount);
        map.put("failure_threshold", settings.failureThreshold());
        map.put("timeout_duration", seconds(settings.timeoutDuration()));
        map.put("success_threshold", settings.successThreshold());
        lastFailureTime.ifPresent(time -> map.put("last_failure_time", time.toString()));
        openedAt.ifPresent(time -> map.put("opened_at", time.toString()));
        timeSinceOpened.ifPresent(time -> map.put("time_since_opened", seconds(time)));
        timeUntilRetry.ifPresent(time -> map.put("time_until_retry", seconds(time)));
        return Collections.unmodifiableMap(map);
    }

    private static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }
}
