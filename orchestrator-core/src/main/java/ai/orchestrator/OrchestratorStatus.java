package ai.orchestrator;

import java.time.Instant;
import java.util.List;
import java.util.Objects;

/**
 * All providers and routes as they were at one moment. Each provider is looked at by itself, without stopping calls, so that figures of two
 * of them may be apart by a call. Immutable.
 *
 * @param at when that was
 * @param providers all that are registered, in the order of registration, those that are disabled too; unmodifiable
 * @param routes the default route and then those that are configured; unmodifiable
 */
public record OrchestratorStatus(Instant at, List<ProviderStatus> providers, List<Route> routes) {

    /** Copies the lists. */
    public OrchestratorStatus {
        Objects.requireNonNull(at, "at");
        providers = List.copyOf(providers);
        routes = List.copyOf(routes);
    }

    /**
     * A route.
     *
     * @param name what calls name it by
     * @param strategy who is asked first, in a word
     * @param providers the names of those that may be asked, in the route's order; unmodifiable
     */
    public record Route(String name, String strategy, List<String> providers) {

        /** Copies the list. */
        public Route {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(strategy, "strategy");
            providers = List.copyOf(providers);
        }
    }
}
