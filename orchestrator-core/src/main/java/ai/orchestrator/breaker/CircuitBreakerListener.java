package ai.orchestrator.breaker;

/**
 * Is told when a circuit breaker changes its state.
 *
 * <p>It runs beside the calls, on the breaker's {@linkplain ProviderCircuitBreaker.Builder#listenerExecutor executor}, under no lock: it may
 * block, throw or call the breaker, and no call is slower for it. It sees each transition once and in order. One that stays behind by more
 * than {@value ListenerQueue#CAPACITY} transitions misses the newest, which is logged.
 */
@FunctionalInterface
public interface CircuitBreakerListener {

    /**
     * The breaker changed its state. What this throws is logged and does not keep others from being told.
     *
     * @param transition what happened
     */
    void transitioned(CircuitTransition transition);
}
