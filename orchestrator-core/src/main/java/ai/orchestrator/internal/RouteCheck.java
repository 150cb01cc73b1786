package ai.orchestrator.internal;

import ai.orchestrator.ConfigurationException.Mistake;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.RouteSettings;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** The rules that the routes of a configuration must meet together with its providers. */
public final class RouteCheck {

    private RouteCheck() {}

    /**
     * Checks every route.
     *
     * @param routes the routes
     * @param providers all providers, those that are disabled too
     * @param mistakes takes each mistake
     */
    public static void check(List<RouteSettings> routes, List<ProviderSettings> providers, Consumer<Mistake> mistakes) {
        Map<String, ProviderSettings> byName = new LinkedHashMap<>();
        providers.forEach(provider -> byName.putIfAbsent(provider.name(), provider));
        Set<String> names = new HashSet<>();
        for (RouteSettings route : routes) {
            String key = "orchestrator.routes." + route.name();
            if (!names.add(route.name())) {
                mistakes.accept(Mistake.of(key, null, "two routes have this name; give each its own"));
            }
            boolean complete = true;
            boolean any = false;
            for (String name : route.providers()) {
                ProviderSettings provider = byName.get(name);
                if (provider == null) {
                    complete = false;
                    mistakes.accept(unknown(route, name, byName.keySet()));
                } else {
                    any |= provider.mayBeAsked();
                }
            }
            if (complete && !any) {
                mistakes.accept(
                        ofProviders(route, "none of them may be asked; enable at least one, with a weight above 0"));
            }
        }
    }

    private static Mistake unknown(RouteSettings route, String name, Set<String> known) {
        Mistake mistake = ofProviders(route, "no provider is named '" + name + "'; known: " + NearestName.some(known));
        return NearestName.of(name, known, NearestName.SLIP)
                .map(mistake::nearest)
                .orElse(mistake);
    }

    private static Mistake ofProviders(RouteSettings route, String problem) {
        return Mistake.of(
                "orchestrator.routes." + route.name() + ".providers", String.join(",", route.providers()), problem);
    }
}
