package ai.orchestrator.config;

import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A key taken apart. Two ways to write the same key, such as {@code api-key}, {@code apiKey} and {@code api_key}, are equal, as in Spring; the
 * names of providers and routes are taken as they are written.
 *
 * @param scope whose setting it is
 * @param name the provider's or route's name; empty in the other scopes
 * @param setting what it sets, relaxed
 * @param index the place in a list, as in {@code providers[0]}; negative for a key without one
 */
record KeyPath(Scope scope, String name, String setting, int index) {

    enum Scope {
        TOP,
        DEFAULTS,
        PROVIDER,
        ROUTE
    }

    private static final Pattern BRACKETS = Pattern.compile("\\[([^\\[\\]]*)]");
    private static final Pattern INDEX = Pattern.compile("\\[(\\d{1,4})]$");

    /** What a key means; empty if it is not one of ours, or ends too early to be one. */
    static Optional<KeyPath> parse(String key) {
        String text = key.strip();
        int index = -1;
        Matcher matcher = INDEX.matcher(text);
        if (matcher.find()) {
            index = Integer.parseInt(matcher.group(1));
            text = text.substring(0, matcher.start());
        }
        // A name may stand in brackets, as Spring writes the keys of a map.
        text = BRACKETS.matcher(text).replaceAll(match -> Matcher.quoteReplacement("." + match.group(1)));
        String[] parts = text.replace("..", ".").split("\\.", 4);
        if (parts.length < 2 || !relaxed(parts[0]).equals("orchestrator")) {
            return Optional.empty();
        }
        String group = relaxed(parts[1]);
        String rest = text.replace("..", ".").substring(parts[0].length() + 1);
        return switch (group) {
            case "defaults" -> after(rest, 1).map(setting -> new KeyPath(Scope.DEFAULTS, "", setting, -1));
            case "providers" -> named(Scope.PROVIDER, parts, index);
            case "routes" -> named(Scope.ROUTE, parts, index);
            default -> Optional.of(new KeyPath(Scope.TOP, "", relaxed(rest), index));
        };
    }

    private static Optional<KeyPath> named(Scope scope, String[] parts, int index) {
        return parts.length < 4 || parts[2].isEmpty() || parts[3].isEmpty()
                ? Optional.empty()
                : Optional.of(new KeyPath(scope, parts[2], relaxed(parts[3]), index));
    }

    private static Optional<String> after(String rest, int dots) {
        int dot = rest.indexOf('.');
        return dot < 0 || dot + dots == rest.length()
                ? Optional.empty()
                : Optional.of(relaxed(rest.substring(dot + 1)));
    }

    /** The form in which all ways to write a setting are equal. */
    static String relaxed(String text) {
        return text.toLowerCase(Locale.ROOT).replace("-", "").replace("_", "");
    }

    /** The same without its place in a list. */
    KeyPath whole() {
        return index < 0 ? this : new KeyPath(scope, name, setting, -1);
    }

    /** What stands before the setting. */
    String prefix() {
        return switch (scope) {
            case TOP -> ConfigKeys.ROOT;
            case DEFAULTS -> ConfigKeys.DEFAULTS;
            case PROVIDER -> ConfigKeys.PROVIDERS + name + ".";
            case ROUTE -> ConfigKeys.ROUTES + name + ".";
        };
    }

    /** The key of a setting, relaxed, without its root: what an environment variable is compared with. */
    static String inEnvironment(Scope scope, @Nullable String name, String setting) {
        String group = switch (scope) {
            case TOP -> "";
            case DEFAULTS -> "defaults";
            case PROVIDER -> "providers" + relaxed(name == null ? "" : name);
            case ROUTE -> "routes" + relaxed(name == null ? "" : name);
        };
        return group + relaxed(setting).replace(".", "");
    }
}
