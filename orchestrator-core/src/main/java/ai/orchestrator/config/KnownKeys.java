package ai.orchestrator.config;

import ai.orchestrator.ConfigurationException.Mistake;
import ai.orchestrator.config.KeyPath.Scope;
import ai.orchestrator.internal.NearestName;
import ai.orchestrator.internal.ProviderCatalog;
import ai.orchestrator.provider.ProviderOption;
import ai.orchestrator.provider.ProviderType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Knows which keys there are, and which one was meant by one that there is not. */
final class KnownKeys {

    static final String VARIABLE_PREFIX = "ORCHESTRATOR_";

    /** Groups of keys that the specification names and a later version brings. */
    private static final List<String> LATER = List.of("metrics.");

    /** A slip of the finger in what may as well be somebody else's. */
    private static final double ALMOST = 0.85;

    private final List<ProviderType> types;
    private final List<String> ofProvider;

    KnownKeys(ProviderCatalog catalog) {
        this.types = catalog.types();
        this.ofProvider = Stream.concat(
                        ConfigKeys.names(ConfigKeys.PROVIDER).stream(),
                        types.stream().flatMap(type -> type.options().stream()).map(ProviderOption::name))
                .distinct()
                .toList();
    }

    private List<String> names(Scope scope) {
        return switch (scope) {
            case TOP -> ConfigKeys.names(ConfigKeys.TOP);
            case DEFAULTS -> ConfigKeys.names(ConfigKeys.SHARED);
            case PROVIDER -> ofProvider;
            case ROUTE -> ConfigKeys.names(ConfigKeys.ROUTE);
        };
    }

    boolean isKnown(KeyPath path) {
        return exact(path.setting(), names(path.scope())).isPresent();
    }

    private static Optional<String> exact(String setting, List<String> names) {
        String relaxed = KeyPath.relaxed(setting);
        return names.stream()
                .filter(name -> KeyPath.relaxed(name).equals(relaxed))
                .findFirst();
    }

    // ---- Environment variables

    /**
     * The keys that a variable may mean: Spring's form without the hyphens, or with an underscore in their place.
     *
     * @return one; none if it means nothing; several if names are the same in this form
     */
    List<KeyPath> ofVariable(String variable, List<String> providers, List<String> routes) {
        String rest = variable.substring(VARIABLE_PREFIX.length());
        String relaxed = KeyPath.relaxed(rest);
        List<KeyPath> found = new ArrayList<>();
        add(found, relaxed, Scope.TOP, "");
        add(found, relaxed, Scope.DEFAULTS, "");
        providers.forEach(name -> add(found, relaxed, Scope.PROVIDER, name));
        routes.forEach(name -> add(found, relaxed, Scope.ROUTE, name));
        if (found.isEmpty()) {
            ofNewName(rest, "PROVIDERS_", Scope.PROVIDER).ifPresent(found::add);
            ofNewName(rest, "ROUTES_", Scope.ROUTE).ifPresent(found::add);
        }
        return found;
    }

    private void add(List<KeyPath> found, String relaxed, Scope scope, String name) {
        String prefix = KeyPath.inEnvironment(scope, name, "");
        if (!relaxed.startsWith(prefix)) {
            return;
        }
        for (String setting : names(scope)) {
            String form = KeyPath.inEnvironment(scope, name, setting);
            if (relaxed.equals(form)) {
                found.add(new KeyPath(scope, name, KeyPath.relaxed(setting), -1));
                return;
            }
            String index = relaxed.startsWith(form) ? relaxed.substring(form.length()) : "";
            if (scope == Scope.ROUTE && setting.equals("providers") && index.matches("\\d{1,4}")) {
                found.add(new KeyPath(scope, name, KeyPath.relaxed(setting), Integer.parseInt(index)));
                return;
            }
        }
    }

    /** A provider or route that no other source names: the longest setting at the end, and before it the name. */
    private Optional<KeyPath> ofNewName(String rest, String group, Scope scope) {
        if (!rest.startsWith(group)) {
            return Optional.empty();
        }
        List<String> words = List.of(rest.substring(group.length()).split("_", -1));
        int index = -1;
        String last = words.get(words.size() - 1);
        if (scope == Scope.ROUTE && last.matches("\\d{1,4}")) {
            index = Integer.parseInt(last);
            words = words.subList(0, words.size() - 1);
        }
        for (int end = 1; end < words.size(); end++) {
            String setting = String.join("", words.subList(end, words.size())).toLowerCase(Locale.ROOT);
            Optional<String> known = names(scope).stream()
                    .filter(name -> KeyPath.relaxed(name).replace(".", "").equals(setting))
                    .findFirst();
            if (known.isPresent()) {
                String name = String.join("-", words.subList(0, end)).toLowerCase(Locale.ROOT);
                return Optional.of(new KeyPath(scope, name, KeyPath.relaxed(known.get()), index));
            }
        }
        return Optional.empty();
    }

    Optional<String> nearestVariable(String variable, List<String> providers, List<String> routes) {
        List<String> known = new ArrayList<>();
        names(Scope.TOP).forEach(name -> known.add(inCapitals(name)));
        names(Scope.DEFAULTS).forEach(name -> known.add(inCapitals("defaults." + name)));
        providers.forEach(
                provider -> ofProvider.forEach(name -> known.add(inCapitals("providers." + provider + "." + name))));
        routes.forEach(
                route -> names(Scope.ROUTE).forEach(name -> known.add(inCapitals("routes." + route + "." + name))));
        return NearestName.of(variable.substring(VARIABLE_PREFIX.length()), known, ALMOST)
                .map(VARIABLE_PREFIX::concat);
    }

    private static String inCapitals(String key) {
        return key.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
    }

    // ---- Keys that there are not

    /** What to say of a key that nobody knows. */
    Mistake unknown(String written, @Nullable KeyPath path, List<ProviderOption> options) {
        if (path != null && isOfNameWithDot(path)) {
            return Mistake.of(written, null, "unknown key; the name of a provider or route has no dot");
        }
        Optional<String> nearest = path == null ? nearestKey(written) : nearest(path, options);
        if (nearest.isPresent()) {
            return Mistake.of(written, null, "unknown key").nearest(nearest.get());
        }
        return Mistake.of(written, null, path == null ? withoutSetting(written) : withoutNearest(path, options));
    }

    private boolean isOfNameWithDot(KeyPath path) {
        int dot = path.setting().indexOf('.');
        String first = path.setting().substring(0, dot + 1);
        boolean isGroup = Stream.of(Scope.values())
                .flatMap(scope -> names(scope).stream())
                .anyMatch(name -> KeyPath.relaxed(name).startsWith(first));
        return dot > 0
                && !isGroup
                && !path.name().isEmpty()
                && names(path.scope()).stream().anyMatch(name -> path.setting().endsWith("." + KeyPath.relaxed(name)));
    }

    /** The key most like one of which nothing else is known. */
    Optional<String> nearestKey(String written) {
        String[] parts = written.strip().split("\\.", 2);
        String root = ConfigKeys.ROOT;
        if (parts.length == 2
                && NearestName.of(KeyPath.relaxed(parts[0]), List.of("orchestrator"), NearestName.SLIP)
                        .isPresent()) {
            KeyPath path = KeyPath.parse(root + parts[1]).orElse(null);
            if (path == null) {
                return Optional.empty();
            }
            return isKnown(path) ? official(path) : nearest(path, List.of());
        }
        return KeyPath.parse(root + written.strip()).filter(this::isKnown).flatMap(this::official);
    }

    private Optional<String> official(KeyPath path) {
        return exact(path.setting(), names(path.scope())).map(path.prefix()::concat);
    }

    private Optional<String> nearest(KeyPath path, List<ProviderOption> options) {
        String setting = path.setting();
        Optional<String> elsewhere = switch (path.scope()) {
            // A group with a slip in it, or a setting of providers that was meant for all of them.
            case TOP ->
                inNearestGroup(setting)
                        .or(() -> exact(setting, names(Scope.DEFAULTS)).map(ConfigKeys.DEFAULTS::concat));
            case DEFAULTS -> exact(setting, names(Scope.TOP)).map(ConfigKeys.ROOT::concat);
            case PROVIDER, ROUTE -> exact(setting, names(Scope.TOP)).map(ConfigKeys.ROOT::concat);
        };
        List<String> names = path.scope() == Scope.PROVIDER ? ofType(options) : names(path.scope());
        return elsewhere.or(() -> NearestName.of(setting, relaxed(names), NearestName.SLIP)
                // Two keys of one group are always alike.
                .filter(near ->
                        NearestName.of(last(setting), List.of(last(near))).isPresent())
                .flatMap(near -> exact(near, names))
                .or(() -> onlyOneThatEndsWith(setting, names))
                .map(path.prefix()::concat));
    }

    /** As {@code url} is meant for {@code base-url}. */
    private static Optional<String> onlyOneThatEndsWith(String word, List<String> names) {
        List<String> having = names.stream()
                .filter(name -> name.endsWith("." + word) || (!name.contains(".") && name.endsWith("-" + word)))
                .toList();
        return having.size() == 1 ? Optional.of(having.get(0)) : Optional.empty();
    }

    private static String last(String setting) {
        return setting.substring(setting.lastIndexOf('.') + 1);
    }

    private static List<String> relaxed(List<String> names) {
        return names.stream().map(KeyPath::relaxed).toList();
    }

    private Optional<String> inNearestGroup(String setting) {
        int dot = setting.indexOf('.');
        if (dot < 0) {
            return Optional.empty();
        }
        return NearestName.of(setting.substring(0, dot), List.of("providers", "routes", "defaults"), NearestName.SLIP)
                .flatMap(group -> KeyPath.parse(ConfigKeys.ROOT + group + setting.substring(dot)))
                .filter(this::isKnown)
                .flatMap(this::official);
    }

    private static List<String> ofType(List<ProviderOption> options) {
        return Stream.concat(
                        ConfigKeys.names(ConfigKeys.PROVIDER).stream(),
                        options.stream().map(ProviderOption::name))
                .distinct()
                .toList();
    }

    private String withoutSetting(String written) {
        String relaxed = KeyPath.relaxed(written.strip());
        if (relaxed.startsWith("orchestrator.providers")) {
            return "unknown key; a provider's keys are orchestrator.providers.<name>.<setting>";
        }
        if (relaxed.startsWith("orchestrator.routes")) {
            return "unknown key; a route's keys are orchestrator.routes.<name>.<setting> with one of "
                    + String.join(", ", names(Scope.ROUTE));
        }
        return "unknown key; every key begins with orchestrator.";
    }

    private String withoutNearest(KeyPath path, List<ProviderOption> options) {
        if (path.scope() == Scope.TOP && LATER.stream().anyMatch(path.setting()::startsWith)) {
            return "not available yet in this version; remove it";
        }
        if (path.scope() == Scope.DEFAULTS) {
            Optional<String> own = exact(path.setting(), ofProvider);
            if (own.isPresent()) {
                return "unknown key; each provider has its own: orchestrator.providers.<name>." + own.get();
            }
        }
        if (path.scope() == Scope.PROVIDER) {
            List<String> having = types.stream()
                    .filter(type -> type.options().stream()
                            .anyMatch(option -> KeyPath.relaxed(option.name()).equals(path.setting())))
                    .map(ProviderType::name)
                    .toList();
            if (!having.isEmpty()) {
                return "unknown key; only " + String.join(", ", having) + (having.size() == 1 ? " has it" : " have it");
            }
        }
        List<String> allowed = path.scope() == Scope.PROVIDER ? ofType(options) : names(path.scope());
        String group = path.setting().substring(0, path.setting().indexOf('.') + 1);
        List<String> ofGroup = allowed.stream()
                .filter(name -> KeyPath.relaxed(name).startsWith(path.setting() + ".")
                        || (!group.isEmpty() && KeyPath.relaxed(name).startsWith(group)))
                .toList();
        if (!ofGroup.isEmpty()) {
            return "unknown key; allowed here: " + String.join(", ", ofGroup);
        }
        String all = allowed.stream().sorted().collect(Collectors.joining(", "));
        return "unknown key; allowed here: "
                + (path.scope() == Scope.TOP
                        ? all + ", defaults.<setting>, providers.<name>.<setting>, routes.<name>.<setting>"
                        : all);
    }

    /** The word most like one that is no choice; empty where there are no words to choose from. */
    Optional<String> nearestChoice(ValueType<?> type, String text) {
        return NearestName.of(text.toLowerCase(Locale.ROOT), type.choices(), NearestName.SLIP);
    }
}
