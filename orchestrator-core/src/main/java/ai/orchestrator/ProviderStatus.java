package ai.orchestrator;

import ai.orchestrator.breaker.CircuitBreakerStatus;
import ai.orchestrator.health.HealthCheck;
import ai.orchestrator.health.ProviderHealth;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.quota.QuotaStatus;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A provider as it was at one moment. Immutable.
 *
 * @param name what it is called
 * @param type what kind of provider it is; empty for one of the application's own
 * @param model which model it asks; empty for one of the application's own
 * @param enabled whether it is asked at all
 * @param priority its place in the default route, lower first
 * @param weight its share under the weighted strategy; one of weight zero is never asked
 * @param circuitBreaker its circuit breaker
 * @param health what its recent attempts came to
 * @param score {@linkplain ProviderHealth#score in one figure}, from zero to one
 * @param quotas each of its quotas; unmodifiable
 * @param quotaLeft how much of its scarcest quota is left, from zero to one; one if it has none
 * @param deprioritized whether it comes after the others of its route, because it is nearly out of quota or fails its health checks
 * @param parked why and for how long nobody asks it, if so
 * @param lastCheck how its last free check ended; empty before the first
 * @param attempts how its attempts have ended since it was registered
 */
public record ProviderStatus(
        String name,
        Optional<String> type,
        Optional<String> model,
        boolean enabled,
        int priority,
        int weight,
        CircuitBreakerStatus circuitBreaker,
        ProviderHealth health,
        double score,
        List<QuotaStatus> quotas,
        double quotaLeft,
        boolean deprioritized,
        Optional<Parked> parked,
        Optional<HealthCheck> lastCheck,
        Attempts attempts) {

    /** Copies the list and checks that nothing is null. */
    public ProviderStatus {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(type, "type");
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(circuitBreaker, "circuitBreaker");
        Objects.requireNonNull(health, "health");
        quotas = List.copyOf(quotas);
        Objects.requireNonNull(parked, "parked");
        Objects.requireNonNull(lastCheck, "lastCheck");
        Objects.requireNonNull(attempts, "attempts");
    }

    /**
     * A time when nobody asks a provider, because it said so or has to be looked at.
     *
     * @param kind what it said
     * @param left how long it lasts; zero while one call tries whether it is over
     */
    public record Parked(FailureKind kind, Duration left) {

        /** Checks that nothing is null. */
        public Parked {
            Objects.requireNonNull(kind, "kind");
            Objects.requireNonNull(left, "left");
        }
    }

    /**
     * How many attempts there were.
     *
     * @param answered how many were answered
     * @param failed how many failed, whoever's fault it was
     * @param abandoned how many were cancelled, or not made after all
     * @param underWay how many have not ended
     */
    public record Attempts(long answered, long failed, long abandoned, long underWay) {}
}
