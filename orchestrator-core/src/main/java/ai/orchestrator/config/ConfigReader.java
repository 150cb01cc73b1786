package ai.orchestrator.config;

import ai.orchestrator.ConfigurationException.Mistake;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorSettings;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.RouteSettings;
import ai.orchestrator.config.ConfigKeys.Draft;
import ai.orchestrator.config.KeyPath.Scope;
import ai.orchestrator.internal.NearestName;
import ai.orchestrator.internal.ProviderCatalog;
import ai.orchestrator.provider.ProviderOption;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.provider.ProviderType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Turns the entries of all sources into settings, and notes every mistake and where each value comes from. For one use by one thread. */
final class ConfigReader {

    private final Sources sources;
    private final Map<String, String> environment;
    private final Path directory;
    private final ProviderCatalog catalog;
    private final Secrets secrets = new Secrets();
    private final List<Mistake> mistakes = new ArrayList<>();
    private final List<Mistake> warnings = new ArrayList<>();

    /** The keys, as they are officially written, whose value cannot be used; their mistake is noted. */
    private final Set<String> bad = new HashSet<>();

    private final KnownKeys known;
    private final Map<String, Given> defaults = new LinkedHashMap<>();
    private final Map<String, Given> top = new LinkedHashMap<>();
    private final Map<String, Map<String, Given>> routeValues = new LinkedHashMap<>();
    private final List<ReadProvider> providers = new ArrayList<>();

    /**
     * @param environment for placeholders
     * @param directory what a relative path starts from
     */
    ConfigReader(Sources sources, Map<String, String> environment, Path directory, ProviderCatalog catalog) {
        this.sources = sources;
        this.environment = environment;
        this.directory = directory;
        this.catalog = catalog;
        this.known = new KnownKeys(catalog);
    }

    ConfigReport read() {
        mistakes.addAll(sources.mistakes());
        warnings.addAll(sources.warnings(known));
        sources.foreign().forEach(raw -> unknown(raw, null, List.of()));

        Orchestrator.Builder builder = Orchestrator.builder();
        readTop(builder);
        readDefaults();
        sources.names(Scope.PROVIDER).forEach(this::readProvider);
        List<RouteSettings> routes = sources.names(Scope.ROUTE).stream()
                .flatMap(name -> readRoute(name).stream())
                .toList();

        List<ProviderSettings> settings =
                providers.stream().map(ReadProvider::settings).toList();
        settings.forEach(builder::provider);
        routes.forEach(builder::route);
        OrchestratorSettings all = builder.settings();
        CrossChecks checks = new CrossChecks(sources, providers, defaults, bad, mistakes, warnings);
        checks.check(all);
        checks.warn(all);
        List<Mistake> sorted = sorted(mistakes);
        return new ConfigReport(
                sorted.isEmpty() ? Optional.of(all) : Optional.empty(),
                sorted,
                sorted(warnings),
                effective(all, routes));
    }

    private List<ConfigValue> effective(OrchestratorSettings all, List<RouteSettings> routes) {
        EffectiveValues values = new EffectiveValues(top, defaults, bad, this::shown);
        values.all(all);
        providers.forEach(values::provider);
        routes.forEach(route -> values.route(route, routeValues.getOrDefault(route.name(), Map.of()), all));
        return values.values();
    }

    private List<Mistake> sorted(List<Mistake> found) {
        return found.stream()
                .sorted(Comparator.comparingInt(mistake -> mistake.line().orElse(Integer.MAX_VALUE)))
                .map(mistake -> mistake.withTexts(this::shown, this::said))
                .toList();
    }

    private String shown(String text) {
        return ConfigValue.printable(ConfigValue.shortened(secrets.mask(text)));
    }

    private String said(String text) {
        return ConfigValue.printable(secrets.mask(text));
    }

    // ---- Values

    /** The values of one scope by the official name of their setting; what cannot be used is noted and left out. */
    private Map<String, Given> given(
            Scope scope, String name, List<? extends Setting<?, ?, ?>> settings, List<ProviderOption> options) {
        Map<String, String> official = new LinkedHashMap<>();
        settings.forEach(setting -> official.put(KeyPath.relaxed(setting.name()), setting.name()));
        options.forEach(option -> official.putIfAbsent(KeyPath.relaxed(option.name()), option.name()));
        Map<String, Given> given = new LinkedHashMap<>();
        sources.entries(scope, name).forEach((path, raws) -> {
            String setting = official.get(path.setting());
            if (setting == null) {
                raws.forEach(raw -> unknown(raw, path, options));
                return;
            }
            boolean list = settings.stream()
                    .anyMatch(one -> one.name().equals(setting) && one.type().equals(ValueType.NAMES));
            String key = path.prefix() + setting;
            value(key, raws, list).ifPresentOrElse(value -> given.put(setting, value), () -> bad.add(key));
        });
        return given;
    }

    private Optional<Given> value(String key, List<Sources.Raw> raws, boolean list) {
        Sources.Raw first = raws.get(0);
        if (raws.size() == 1 && first.path().index() < 0) {
            return resolve(key, first);
        }
        if (!list) {
            note(first, Mistake.of(first.shownKey(key), null, "is no list; leave out the index"));
            return Optional.empty();
        }
        List<String> parts = new ArrayList<>();
        List<String> variables = new ArrayList<>();
        List<Sources.Raw> ordered = raws.stream()
                .sorted(Comparator.comparingInt(raw -> raw.path().index()))
                .toList();
        for (int i = 0; i < ordered.size(); i++) {
            Sources.Raw raw = ordered.get(i);
            if (raw.path().index() != i) {
                note(
                        raw,
                        Mistake.of(
                                raw.shownKey(key),
                                null,
                                "a list is given once: either as a,b or with the indexes [0], [1] and so on, none left"
                                        + " out"));
                return Optional.empty();
            }
            Optional<Given> part = resolve(key, raw);
            if (part.isEmpty()) {
                return part;
            }
            parts.add(part.get().text());
            variables.addAll(part.get().variables());
        }
        return Optional.of(new Given(first.shownKey(key), String.join(",", parts), first.origin(), variables));
    }

    private Optional<Given> resolve(String key, Sources.Raw raw) {
        try {
            Placeholders.Resolved resolved = Placeholders.resolve(raw.text().strip(), environment);
            for (String variable : resolved.variables()) {
                String value = environment.get(variable);
                if (value != null && Secrets.isSecret(variable)) {
                    secrets.add(value);
                }
            }
            return Optional.of(
                    new Given(raw.shownKey(key), resolved.value().strip(), raw.origin(), resolved.variables()));
        } catch (Placeholders.Unset e) {
            Mistake mistake = Mistake.of(raw.shownKey(key), null, String.valueOf(e.getMessage()));
            note(
                    raw,
                    NearestName.of(e.name(), environment.keySet(), NearestName.SLIP)
                            .map(set -> mistake.nearest("${" + set + "}"))
                            .orElse(mistake));
            return Optional.empty();
        } catch (IllegalArgumentException e) {
            note(raw, Mistake.of(raw.shownKey(key), null, String.valueOf(e.getMessage())));
            return Optional.empty();
        }
    }

    private void note(Sources.Raw raw, Mistake mistake) {
        mistakes.add(raw.origin().of(mistake));
    }

    private void unknown(Sources.Raw raw, @Nullable KeyPath path, List<ProviderOption> options) {
        // The value is not shown: it may be a key in a line with a slip in it.
        Mistake mistake = known.unknown(raw.written(), path, options);
        note(raw, mistake);
        // What was meant is there, and not missing too.
        mistake.nearest().ifPresent(bad::add);
    }

    /** Applies a value; whether it could be used. */
    private <B> boolean apply(Setting<B, ?, ?> setting, B builder, String key, Given given) {
        try {
            setting.apply(builder, given.text());
        } catch (IllegalArgumentException e) {
            bad.add(key);
            boolean secret = setting.name().equals(ConfigKeys.API_KEY);
            Mistake mistake = Mistake.of(
                    given.key(), secret ? null : given.text(), withHint(String.valueOf(e.getMessage()), given.text()));
            mistakes.add(given.origin()
                    .of(known.nearestChoice(setting.type(), given.text())
                            .map(mistake::nearest)
                            .orElse(mistake)));
            return false;
        }
        hint(given.text())
                .ifPresent(hint -> warnings.add(
                        given.origin().of(Mistake.of(given.key(), null, "all of it is the value; " + hint))));
        return true;
    }

    private static String withHint(String problem, String text) {
        return hint(text).map(hint -> problem + "; " + hint).orElse(problem);
    }

    /** What people take for granted who know other formats better. */
    private static Optional<String> hint(String text) {
        if (text.matches("(?s)\".*\"|'.*'")) {
            return Optional.of("leave out the quotes");
        }
        return text.matches("(?s).*\\s[#!].*") ? Optional.of("a comment needs a line of its own") : Optional.empty();
    }

    // ---- What holds for all

    private void readTop(Orchestrator.Builder builder) {
        top.putAll(given(Scope.TOP, "", ConfigKeys.TOP, List.of()));
        for (Setting<Orchestrator.Builder, OrchestratorSettings, ?> setting : ConfigKeys.TOP) {
            Given given = top.get(setting.name());
            if (given != null && !apply(setting, builder, ConfigKeys.ROOT + setting.name(), given)) {
                top.remove(setting.name());
            }
        }
    }

    private void readDefaults() {
        defaults.putAll(given(Scope.DEFAULTS, "", ConfigKeys.SHARED, List.of()));
        Draft draft = new Draft("defaults", directory);
        for (Setting<Draft, ProviderSettings, ?> setting : ConfigKeys.SHARED) {
            Given given = defaults.get(setting.name());
            if (given != null && !apply(setting, draft, ConfigKeys.DEFAULTS + setting.name(), given)) {
                defaults.remove(setting.name());
            }
        }
    }

    // ---- Providers

    private void readProvider(String name) {
        String prefix = ConfigKeys.PROVIDERS + name + ".";
        List<ProviderOption> options = options(name);
        Map<String, Given> own = given(Scope.PROVIDER, name, ConfigKeys.PROVIDER, options);
        if (knowsNothingOf(Scope.PROVIDER, name)) {
            return;
        }
        Optional<Draft> named = named(name);
        Draft draft = named.orElseGet(() -> new Draft("unnamed", directory));
        onlyOneKey(prefix, own);
        for (Setting<Draft, ProviderSettings, ?> setting : ConfigKeys.SHARED) {
            Given given = defaults.get(setting.name());
            if (given != null) {
                setting.apply(draft, given.text());
            }
        }
        for (Setting<Draft, ProviderSettings, ?> setting : ConfigKeys.PROVIDER) {
            Given given = own.get(setting.name());
            if (given == null) {
                continue;
            }
            if (setting.name().equals(ConfigKeys.API_KEY)) {
                secrets.add(given.text());
            }
            if (!apply(setting, draft, prefix + setting.name(), given)) {
                own.remove(setting.name());
            }
        }
        for (ProviderOption option : options) {
            Given given = own.get(option.name());
            if (given != null) {
                draft.option(option.name(), given.text());
            }
        }
        halfAPrice(prefix, own, draft);
        if (named.isEmpty()) {
            return;
        }
        ProviderSettings settings = draft.build();
        settings.apiKey().ifPresent(secrets::add);
        Optional<ProviderTarget> target = catalog.check(settings, mistake -> ofCatalog(name, mistake));
        providers.add(new ReadProvider(settings, own, target));
    }

    private Optional<Draft> named(String name) {
        try {
            return Optional.of(new Draft(name, directory));
        } catch (IllegalArgumentException e) {
            note(
                    sources.first(Scope.PROVIDER, name),
                    Mistake.of(ConfigKeys.PROVIDERS + name, null, String.valueOf(e.getMessage())));
            return Optional.empty();
        }
    }

    /** Whether every key of a name is noted as one that there is not, so that nobody knows whether it is a name at all. */
    private boolean knowsNothingOf(Scope scope, String name) {
        return sources.entries(scope, name).keySet().stream().noneMatch(known::isKnown);
    }

    /** The settings that only the provider's type has, or if that is not known those of all types. */
    private List<ProviderOption> options(String name) {
        KeyPath path = new KeyPath(Scope.PROVIDER, name, "type", -1);
        List<Sources.Raw> raws = sources.entries(Scope.PROVIDER, name).get(path);
        Optional<ProviderType> type = Optional.empty();
        if (raws != null) {
            try {
                type = catalog.type(Placeholders.resolve(raws.get(0).text().strip(), environment)
                        .value()
                        .strip());
            } catch (IllegalArgumentException e) {
                // Noted where the type itself is read.
                type = Optional.empty();
            }
        }
        return type.map(ProviderType::options)
                .orElseGet(() -> catalog.types().stream()
                        .flatMap(one -> one.options().stream())
                        .toList());
    }

    private void onlyOneKey(String prefix, Map<String, Given> own) {
        Given key = own.get(ConfigKeys.API_KEY);
        Given file = own.get(ConfigKeys.API_KEY_FILE);
        if (key == null || file == null) {
            return;
        }
        int compared = key.origin().rank().compareTo(file.origin().rank());
        if (compared == 0) {
            own.remove(ConfigKeys.API_KEY_FILE);
            mistakes.add(file.origin()
                    .of(Mistake.of(
                            file.key(),
                            file.text(),
                            "set together with " + prefix + ConfigKeys.API_KEY + "; set one of the two")));
        } else {
            // As for one and the same key, the stronger source wins.
            own.remove(compared > 0 ? ConfigKeys.API_KEY_FILE : ConfigKeys.API_KEY);
        }
    }

    private void halfAPrice(String prefix, Map<String, Given> own, Draft draft) {
        if (!draft.hasHalfAPrice()) {
            return;
        }
        for (String[] halves :
                List.of(new String[] {"price.input", "price.output"}, new String[] {"price.output", "price.input"})) {
            Given there = own.getOrDefault(halves[0], defaults.get(halves[0]));
            boolean isBad = bad.contains(prefix + halves[1]) || bad.contains(ConfigKeys.DEFAULTS + halves[1]);
            boolean missing = !own.containsKey(halves[1]) && !defaults.containsKey(halves[1]);
            if (there != null && missing && !isBad) {
                mistakes.add(there.origin()
                        .of(Mistake.of(
                                prefix + halves[1],
                                null,
                                "missing; a price has both price.input and price.output, 0 where it costs nothing")));
            }
        }
    }

    /** What the type finds wrong, unless it is the consequence of what is noted already. */
    private void ofCatalog(String provider, Mistake mistake) {
        String key = mistake.key();
        boolean keyFileIsBad = key.endsWith("." + ConfigKeys.API_KEY) && bad.contains(key + "-file");
        if (!bad.contains(key) && !keyFileIsBad) {
            String value = mistake.value().orElse(null);
            mistakes.add(sources.origin(Scope.PROVIDER, provider, key)
                    .of(
                            value == null || hint(value).isEmpty()
                                    ? mistake
                                    : mistake.hint(hint(value).get())));
        }
    }

    // ---- Routes

    private Optional<RouteSettings> readRoute(String name) {
        String prefix = ConfigKeys.ROUTES + name + ".";
        Map<String, Given> own = given(Scope.ROUTE, name, ConfigKeys.ROUTE, List.of());
        if (knowsNothingOf(Scope.ROUTE, name)) {
            return Optional.empty();
        }
        RouteSettings.Builder route;
        try {
            route = RouteSettings.builder(name);
        } catch (IllegalArgumentException e) {
            note(
                    sources.first(Scope.ROUTE, name),
                    Mistake.of(ConfigKeys.ROUTES + name, null, String.valueOf(e.getMessage())));
            return Optional.empty();
        }
        for (Setting<RouteSettings.Builder, RouteSettings, ?> setting : ConfigKeys.ROUTE) {
            Given given = own.get(setting.name());
            if (given != null && !apply(setting, route, prefix + setting.name(), given)) {
                own.remove(setting.name());
            }
        }
        routeValues.put(name, own);
        if (own.containsKey("providers")) {
            return Optional.of(route.build());
        }
        if (!bad.contains(prefix + "providers")) {
            List<String> names = sources.names(Scope.PROVIDER);
            note(
                    sources.first(Scope.ROUTE, name),
                    Mistake.of(
                            prefix + "providers",
                            null,
                            "missing; list the providers of the route"
                                    + (names.isEmpty()
                                            ? ""
                                            : ", such as "
                                                    + String.join(",", names.subList(0, Math.min(names.size(), 3))))));
        }
        return Optional.empty();
    }
}
