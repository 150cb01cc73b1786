package ai.orchestrator;

import ai.orchestrator.routing.RoutingStrategy;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A route as calls take it. Safe for use by several threads.
 *
 * @param providers those that may be asked, in the route's order
 * @param listed whether that order is a list's, rather than that of their priorities
 * @param turns moves on with each call that finds several providers equal
 */
record Route(
        String name,
        List<RegisteredProvider> providers,
        boolean listed,
        RoutingStrategy strategy,
        StreamRescue streamRescue,
        Duration deadline,
        boolean failOpen,
        AtomicInteger turns) {

    Route {
        providers = List.copyOf(providers);
    }

    /** What the strategy calls itself; a lambda calls itself nothing that anybody could read. */
    String strategyName() {
        return strategy.getClass().isHidden() ? "custom" : String.valueOf(strategy);
    }

    /** A provider's place, by which the priority strategy goes. */
    int order(int index) {
        return listed ? index : providers.get(index).settings().priority();
    }
}
