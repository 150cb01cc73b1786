package ai.orchestrator.routing;

/**
 * Decides which providers of a route a call turns to first. A pure function: it sees snapshots, holds nothing and moves nothing.
 *
 * <pre>{@code
 * RoutingStrategy largestWindow = (provider, call) -> -provider.contextWindow().orElse(0);
 * }</pre>
 *
 * <p>The call goes to the provider of the smallest rank, and on to the others as their ranks grow. Those of equal rank take turns, call by
 * call. A provider that is nearly out of quota, or whose last health check failed, comes after all that are not, whatever its rank; one
 * that cannot be asked is skipped when its turn comes.
 *
 * <p>Implementations are safe for use by any number of threads at once, and quick: every call asks once for each provider of its route.
 * What one throws ends the call. Its {@code toString} is what the status calls it.
 */
@FunctionalInterface
public interface RoutingStrategy {

    /**
     * The place of one provider among those of its route.
     *
     * @param provider the provider as it is now
     * @param call what is known of the call
     * @return smaller is earlier; {@link Double#NaN} is last
     */
    double rank(ProviderSnapshot provider, RoutingContext call);
}
