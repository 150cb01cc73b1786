package ai.orchestrator.examples;

import ai.orchestrator.routing.ProviderSnapshot;
import ai.orchestrator.routing.RoutingContext;
import ai.orchestrator.routing.RoutingStrategy;
import ai.orchestrator.routing.StandardStrategy;
import java.time.Duration;

// example: begin
/** The cheapest of those that lately took less than three seconds; then the others, the cheapest of them first. */
final class CheapestOfTheQuick implements RoutingStrategy {

    private static final Duration SLOW = Duration.ofSeconds(3);
    private static final double MORE_THAN_ANY_COST = 1e6;

    @Override
    public double rank(ProviderSnapshot provider, RoutingContext call) {
        double cost = StandardStrategy.COST.rank(provider, call);
        boolean slow = provider.health()
                .meanLatency()
                .filter(mean -> mean.compareTo(SLOW) >= 0)
                .isPresent();
        return slow ? MORE_THAN_ANY_COST + cost : cost;
    }

    @Override
    public String toString() {
        return "cheapest-of-the-quick";
    }
}
// example: end
