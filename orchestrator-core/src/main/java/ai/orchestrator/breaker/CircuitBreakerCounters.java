package ai.orchestrator.breaker;

/**
 * What a circuit breaker has counted since it was built. No counter ever goes down, whatever state the breaker is in, by itself or by an
 * operator's hand (scenario R18); Resilience4j's own start again at each transition and stand still under an override.
 *
 * @param successes results in time that were good
 * @param failures results in time that count against the provider
 * @param released permits that were given back without a result
 * @param lateResults results that came when their state was over or their lease had ended, and changed nothing
 * @param refusals calls that were turned away
 * @param openings how often it opened by itself or reopened after a failed trial; not counting operators
 * @param expiredLeases trials that had not reported when their lease ended and lost their permit; counted when that is noticed, at the
 *     next request, result or look at the status while it is still half-open
 */
public record CircuitBreakerCounters(
        long successes,
        long failures,
        long released,
        long lateResults,
        long refusals,
        long openings,
        long expiredLeases) {}
