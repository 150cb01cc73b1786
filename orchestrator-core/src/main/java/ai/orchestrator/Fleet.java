package ai.orchestrator;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Everything that is in force at one moment. Immutable; what the providers have learnt is theirs.
 *
 * @param providers by name
 * @param routes by name, the default one first
 */
record Fleet(
        OrchestratorSettings settings,
        Map<String, RegisteredProvider> providers,
        Map<String, Route> routes,
        Route defaultRoute) {

    /** The route that a call asks for; null if there is none of that name. */
    @Nullable
    Route find(CallOptions options) {
        String name = options.route().orElse(null);
        return name == null ? defaultRoute : routes.get(name);
    }

    Route route(CallOptions options) {
        Route route = find(options);
        if (route == null) {
            throw noRoute(options);
        }
        return route;
    }

    IllegalArgumentException noRoute(CallOptions options) {
        return new IllegalArgumentException(
                "no route is named '" + options.route().orElse("") + "'; there are " + routes.keySet());
    }
}
