package ai.orchestrator.config;

import ai.orchestrator.ConfigurationException.Mistake;
import ai.orchestrator.config.KeyPath.Scope;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The entries of all sources, the strongest of each key. Sources are added from the weakest to the strongest, and the environment after the
 * others, because it is told apart by the names of providers and routes that those have.
 */
final class Sources {

    /** An entry as it was found. */
    record Raw(Origin origin, String written, KeyPath path, String text) {

        /** What people look for: a variable's name says nothing of the key. */
        String shownKey(String official) {
            return origin.rank() == Origin.Rank.ENVIRONMENT ? official : written;
        }
    }

    private static final KeyPath NOWHERE = new KeyPath(Scope.TOP, "", "", -1);

    /** By scope, then by the provider's or route's name; each in the order in which they are first named. */
    private final Map<Scope, Map<String, Map<KeyPath, List<Raw>>>> entries = new EnumMap<>(Scope.class);

    private final List<Raw> foreign = new ArrayList<>();
    private final List<Mistake> mistakes = new ArrayList<>();

    /** What has our prefix and may be anybody's. */
    private final List<Raw> strangers = new ArrayList<>();

    void addFile(String file, PropertiesText text) {
        Map<KeyPath, List<Raw>> layer = new LinkedHashMap<>();
        text.unreadable()
                .forEach(entry -> mistakes.add(Mistake.of(
                                "",
                                null,
                                "has a \\u without four hexadecimal digits after it; write \\\\ for a backslash")
                        .in(file, entry.line())));
        for (PropertiesText.Entry entry : text.entries()) {
            Origin origin = Origin.file(file, entry.line());
            Optional<KeyPath> path = KeyPath.parse(entry.key());
            Raw raw = new Raw(origin, entry.key(), path.orElse(NOWHERE), entry.value());
            if (path.isEmpty()) {
                foreign.add(raw);
                continue;
            }
            put(layer, raw);
        }
        add(layer);
    }

    /** What the program sets, the strongest. */
    void addProgram(Map<String, String> values) {
        Map<KeyPath, List<Raw>> layer = new LinkedHashMap<>();
        values.forEach((key, value) -> {
            Optional<KeyPath> path = KeyPath.parse(key);
            Raw raw = new Raw(Origin.PROGRAM, key, path.orElse(NOWHERE), value);
            if (path.isPresent()) {
                put(layer, raw);
            } else {
                foreign.add(raw);
            }
        });
        add(layer);
    }

    /** System properties that are keys; others with our prefix are somebody else's. */
    void addSystemProperties(Map<String, String> properties, KnownKeys known) {
        Map<KeyPath, List<Raw>> layer = new LinkedHashMap<>();
        new TreeMap<>(properties).forEach((key, value) -> {
            if (!key.startsWith(ConfigKeys.ROOT)) {
                return;
            }
            Optional<KeyPath> path = KeyPath.parse(key);
            Raw raw = new Raw(Origin.systemProperty(key), key, path.orElse(NOWHERE), value);
            if (path.isPresent() && known.isKnown(path.get())) {
                put(layer, raw);
            } else {
                strangers.add(raw);
            }
        });
        add(layer);
    }

    /** Environment variables that are keys; to be added when all names are known, though it is not the strongest. */
    void addEnvironment(Map<String, String> environment, KnownKeys known) {
        Map<KeyPath, List<Raw>> layer = new LinkedHashMap<>();
        new TreeMap<>(environment).forEach((variable, value) -> {
            if (!variable.startsWith(KnownKeys.VARIABLE_PREFIX)) {
                return;
            }
            Origin origin = Origin.environment(variable);
            List<KeyPath> paths = known.ofVariable(variable, names(Scope.PROVIDER), names(Scope.ROUTE));
            if (paths.isEmpty()) {
                strangers.add(new Raw(origin, variable, NOWHERE, value));
            } else if (paths.size() > 1) {
                mistakes.add(origin.of(Mistake.of(
                        "",
                        null,
                        "may mean " + paths.get(0).name() + " and "
                                + paths.get(1).name()
                                + ", which are the same in the name of a variable; rename one of the two")));
            } else {
                put(layer, new Raw(origin, variable, paths.get(0), value));
            }
        });
        layer.forEach((path, raws) -> {
            List<Raw> present = entries(path.scope(), path.name()).get(path);
            if (present == null || present.get(0).origin().rank().compareTo(Origin.Rank.ENVIRONMENT) < 0) {
                add(path, raws);
            }
        });
    }

    /** Takes an entry, unless the same key is there from the same kind of source. */
    private void put(Map<KeyPath, List<Raw>> layer, Raw raw) {
        List<Raw> raws = layer.computeIfAbsent(raw.path().whole(), whole -> new ArrayList<>());
        Optional<Raw> before =
                raws.stream().filter(one -> one.path().equals(raw.path())).findFirst();
        if (before.isEmpty()) {
            raws.add(raw);
        } else if (raw.origin().line() > 0) {
            mistakes.add(raw.origin()
                    .of(Mistake.of(
                            raw.written(),
                            null,
                            "given twice, first in line "
                                    + before.get().origin().line() + "; give it once (two providers need two names)")));
        } else {
            mistakes.add(raw.origin()
                    .of(Mistake.of(
                            raw.origin().rank() == Origin.Rank.PROGRAM ? raw.written() : "",
                            null,
                            "set twice, also as " + before.get().written() + "; set it once")));
        }
    }

    private void add(Map<KeyPath, List<Raw>> layer) {
        layer.forEach(this::add);
    }

    private void add(KeyPath path, List<Raw> raws) {
        // In its old place, so that providers stay in the file's order.
        entries.computeIfAbsent(path.scope(), scope -> new LinkedHashMap<>())
                .computeIfAbsent(path.name(), name -> new LinkedHashMap<>())
                .put(path, raws);
    }

    /** The providers or routes that anybody names, in the order in which they are first named. */
    List<String> names(Scope scope) {
        return List.copyOf(entries.getOrDefault(scope, Map.of()).keySet());
    }

    /** The entries of one provider, route or scope. */
    Map<KeyPath, List<Raw>> entries(Scope scope, String name) {
        return entries.getOrDefault(scope, Map.of()).getOrDefault(name, Map.of());
    }

    /** The first entry of a provider or route that is named. */
    Raw first(Scope scope, String name) {
        return entries(scope, name).values().iterator().next().get(0);
    }

    /** Where a key is, or where the provider or route begins that lacks it. */
    Origin origin(Scope scope, String name, String key) {
        List<Sources.Raw> raws =
                KeyPath.parse(key).map(path -> entries(scope, name).get(path)).orElse(null);
        return raws == null ? first(scope, name).origin() : raws.get(0).origin();
    }

    /** Entries whose key is none of ours. */
    List<Raw> foreign() {
        return foreign;
    }

    List<Mistake> mistakes() {
        return mistakes;
    }

    /** What looks like a slip in a place where not everything has to be ours. */
    List<Mistake> warnings(KnownKeys known) {
        List<Mistake> warnings = new ArrayList<>();
        for (Raw stranger : strangers) {
            boolean variable = stranger.origin().rank() == Origin.Rank.ENVIRONMENT;
            Optional<String> nearest = variable
                    ? known.nearestVariable(stranger.written(), names(Scope.PROVIDER), names(Scope.ROUTE))
                    : known.nearestKey(stranger.written());
            nearest.ifPresent(meant -> warnings.add(stranger.origin()
                    .of(Mistake.of("", null, "is no key of the configuration and has no effect")
                            .nearest(meant))));
        }
        return warnings;
    }
}
