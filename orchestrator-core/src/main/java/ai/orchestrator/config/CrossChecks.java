package ai.orchestrator.config;

import ai.orchestrator.ConfigurationException.Mistake;
import ai.orchestrator.OrchestratorSettings;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.config.KeyPath.Scope;
import ai.orchestrator.internal.RouteCheck;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** What providers, routes and limits must be to each other, each of them being right alone. For one use by one thread. */
final class CrossChecks {

    private final Sources sources;
    private final List<ReadProvider> providers;
    private final Map<String, Given> defaults;
    private final Set<String> bad;
    private final List<Mistake> mistakes;
    private final List<Mistake> warnings;

    /**
     * @param bad the keys whose value cannot be used
     * @param mistakes has those that were found before, and takes further ones
     * @param warnings takes further ones
     */
    CrossChecks(
            Sources sources,
            List<ReadProvider> providers,
            Map<String, Given> defaults,
            Set<String> bad,
            List<Mistake> mistakes,
            List<Mistake> warnings) {
        this.sources = sources;
        this.providers = providers;
        this.defaults = defaults;
        this.bad = bad;
        this.mistakes = mistakes;
        this.warnings = warnings;
    }

    /** What is refused. */
    void check(OrchestratorSettings all) {
        RouteCheck.check(all.routes(), all.providers(), mistake -> {
            String route = KeyPath.parse(mistake.key()).map(KeyPath::name).orElse("");
            mistakes.add(sources.origin(Scope.ROUTE, route, mistake.key()).of(mistake));
        });
        Set<String> noted = new HashSet<>();
        for (ReadProvider provider : providers) {
            Duration longest = longestDeadline(all, provider.settings().name());
            beyond(provider, "timeout.first-token", provider.settings().firstTokenTimeout(), longest)
                    .filter(mistake -> noted.add(mistake.key()))
                    .ifPresent(mistakes::add);
        }
        if (sources.names(Scope.PROVIDER).isEmpty()) {
            mistakes.add(Mistake.of(
                    "orchestrator.providers",
                    null,
                    "none is configured; configure at least one, for example orchestrator.providers.groq.type=groq"));
        } else if (mistakes.isEmpty() && all.providers().stream().noneMatch(ProviderSettings::mayBeAsked)) {
            mistakes.add(Mistake.of(
                    "orchestrator.providers", null, "none is enabled; enable at least one, with a weight above 0"));
        }
    }

    /** How long a call may take that asks the provider. */
    private static Duration longestDeadline(OrchestratorSettings all, String provider) {
        return all.routes().stream()
                .filter(route -> route.providers().contains(provider))
                .flatMap(route -> route.deadline().stream())
                .reduce(all.deadline(), (one, other) -> one.compareTo(other) > 0 ? one : other);
    }

    /** A limit that somebody has set, though no call lasts so long. */
    private Optional<Mistake> beyond(ReadProvider provider, String setting, Duration limit, Duration deadline) {
        Given given = provider.own().get(setting);
        if (given == null) {
            given = defaults.get(setting);
        }
        if (given == null || limit.compareTo(deadline) <= 0 || deadlineIsBad()) {
            return Optional.empty();
        }
        String text = ValueType.formatDuration(deadline);
        return Optional.of(given.origin()
                .of(Mistake.of(
                        given.key(),
                        given.text(),
                        "is beyond the deadline of " + text + "; lower it, or raise orchestrator.deadline")));
    }

    private boolean deadlineIsBad() {
        return bad.stream().anyMatch(key -> key.endsWith("deadline"));
    }

    /** What is allowed and probably not meant. */
    void warn(OrchestratorSettings all) {
        Set<String> routed = all.routes().stream()
                .flatMap(route -> route.providers().stream())
                .collect(Collectors.toSet());
        // A route that names a provider wrongly, or is refused for something else, may well have listed it.
        boolean allRoutesAreRead =
                mistakes.stream().noneMatch(mistake -> mistake.key().startsWith(ConfigKeys.ROUTES));
        Map<List<Object>, String> seen = new LinkedHashMap<>();
        Set<String> noted = new HashSet<>();
        for (ReadProvider provider : providers) {
            ProviderSettings settings = provider.settings();
            String name = settings.name();
            Origin begin = sources.first(Scope.PROVIDER, name).origin();
            if (!settings.mayBeAsked()) {
                continue;
            }
            if (allRoutesAreRead && !all.routes().isEmpty() && !routed.contains(name)) {
                warnings.add(begin.of(Mistake.of(
                        ConfigKeys.PROVIDERS + name,
                        null,
                        "no route lists it, so only calls that name no route ask it")));
            }
            Duration longest = longestDeadline(all, name);
            List.of(
                            beyond(provider, "timeout.connect", settings.connectTimeout(), longest),
                            beyond(provider, "timeout.idle", settings.idleTimeout(), longest),
                            beyond(
                                    provider,
                                    "timeout.total",
                                    settings.totalTimeout().orElse(Duration.ZERO),
                                    longest))
                    .forEach(warning ->
                            warning.filter(found -> noted.add(found.key())).ifPresent(warnings::add));
            provider.target().ifPresent(target -> {
                String same = seen.putIfAbsent(
                        List.of(target.type().name(), target.baseUrl(), target.model(), target.apiKey()), name);
                if (same != null) {
                    warnings.add(begin.of(Mistake.of(
                            ConfigKeys.PROVIDERS + name,
                            null,
                            "has the same address, key and model as " + same
                                    + ", so it fails together with it and draws on the same quota")));
                }
            });
        }
    }
}
