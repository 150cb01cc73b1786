package ai.orchestrator.internal;

import ai.orchestrator.ProviderSettings;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.ChatProviderFactory;
import ai.orchestrator.provider.ProviderOption;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.provider.ProviderType;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The types of provider that can be configured, and the rules that a configured one must meet. */
public final class ProviderCatalog implements AutoCloseable {

    /** What {@code InetAddress} would look up without a name server; a name is never looked up here. */
    private static final Pattern LOOPBACK =
            Pattern.compile("localhost|127(\\.\\d{1,3}){3}|\\[::1]|\\[0:0:0:0:0:0:0:1]");

    private record Entry(ProviderType type, ChatProviderFactory factory) {}

    private final Map<String, Entry> entries = new TreeMap<>();
    private final List<ChatProviderFactory> owned = new ArrayList<>();

    private ProviderCatalog() {}

    /**
     * Collects the given factories' types and, where those leave room, those that {@link ServiceLoader} finds.
     *
     * @param given the application's own factories, which stay its own to close
     * @return the catalog
     */
    public static ProviderCatalog load(List<ChatProviderFactory> given) {
        ProviderCatalog catalog = new ProviderCatalog();
        given.forEach(catalog::add);
        for (ChatProviderFactory found : ServiceLoader.load(ChatProviderFactory.class)) {
            catalog.owned.add(found);
            catalog.add(found);
        }
        return catalog;
    }

    private void add(ChatProviderFactory factory) {
        for (ProviderType type : factory.types()) {
            entries.putIfAbsent(type.name(), new Entry(type, factory));
        }
    }

    /**
     * Checks a provider against its type. Nothing is sent and no name is looked up.
     *
     * @param settings the provider
     * @param mistakes takes one sentence for each mistake, beginning with the key
     * @return what to call, if there was no mistake
     */
    public Optional<ProviderTarget> check(ProviderSettings settings, Consumer<String> mistakes) {
        String prefix = "orchestrator.providers." + settings.name() + ".";
        if (settings.type().isEmpty()) {
            mistakes.accept(prefix + "type: missing; " + allowedTypes());
            return Optional.empty();
        }
        Entry entry = entries.get(settings.type().get());
        if (entry == null) {
            mistakes.accept(prefix + "type=" + settings.type().get() + ": unknown provider type; " + allowedTypes());
            return Optional.empty();
        }
        ProviderType type = entry.type();
        List<String> found = new ArrayList<>();
        Optional<URI> baseUrl = baseUrl(settings, type, problem -> found.add(prefix + "base-url" + problem));
        Optional<String> model = settings.model().or(type::defaultModel);
        if (model.isEmpty()) {
            found.add(prefix + "model: missing; the type " + type.name() + " has no default model");
        }
        boolean vendorsOwn = settings.baseUrl().isEmpty() || type.baseUrl().isEmpty();
        if (settings.apiKey().isEmpty() && type.needsApiKey() && vendorsOwn) {
            found.add(prefix + "api-key: missing; " + type.name() + " needs a key, for example ${"
                    + type.name().toUpperCase(Locale.ROOT) + "_API_KEY}");
        }
        Map<String, String> options = options(settings, type, mistake -> found.add(prefix + mistake));
        found.forEach(mistakes);
        return found.isEmpty()
                ? Optional.of(new ProviderTarget(
                        settings.name(), type, baseUrl.orElseThrow(), model.orElseThrow(), settings.apiKey(), options))
                : Optional.empty();
    }

    /**
     * The settings that only one type has.
     *
     * @param type a type's name, known or not
     * @return their names; none for a type that is not known
     */
    public Set<String> optionNames(String type) {
        Entry entry = entries.get(type);
        return entry == null
                ? Set.of()
                : entry.type().options().stream().map(ProviderOption::name).collect(Collectors.toSet());
    }

    /** What is configured, completed by the type's defaults. */
    private static Map<String, String> options(
            ProviderSettings settings, ProviderType type, Consumer<String> mistakes) {
        Map<String, ProviderOption> known = new TreeMap<>();
        Map<String, String> values = new TreeMap<>();
        for (ProviderOption option : type.options()) {
            known.put(option.name(), option);
            option.defaultValue().ifPresent(value -> values.put(option.name(), value));
        }
        settings.options().forEach((name, value) -> {
            ProviderOption option = known.get(name);
            if (option == null) {
                mistakes.accept(name + ": unknown key; the type " + type.name()
                        + (known.isEmpty()
                                ? " has no settings of its own"
                                : " has these of its own: " + String.join(", ", known.keySet())));
            } else if (!option.allows(value)) {
                // A key that was put into the wrong line is still one.
                boolean secret = settings.apiKey().filter(value::contains).isPresent();
                mistakes.accept(name + (secret ? "" : "=" + value) + ": must be " + option.allowed());
            } else {
                values.put(name, value);
            }
        });
        return values;
    }

    /**
     * Makes a provider.
     *
     * @param target what {@link #check} returned
     * @param instantSource the wall clock
     * @return the provider, to be closed before this catalog
     */
    public ChatProvider create(ProviderTarget target, InstantSource instantSource) {
        Entry entry = entries.get(target.type().name());
        if (entry == null) {
            throw new IllegalArgumentException("not of this catalog: " + target);
        }
        return entry.factory().create(target, instantSource);
    }

    private String allowedTypes() {
        return entries.isEmpty()
                ? "no type is available: add ai.orchestrator:orchestrator-providers to the class path"
                : "allowed: " + String.join(", ", entries.keySet());
    }

    private static Optional<URI> baseUrl(ProviderSettings settings, ProviderType type, Consumer<String> problem) {
        if (settings.baseUrl().isEmpty()) {
            if (type.baseUrl().isEmpty()) {
                problem.accept(": missing; the type " + type.name() + " has no address of its own");
            }
            return type.baseUrl();
        }
        // Before anything else, so that no message below can repeat a password.
        if (settings.baseUrl().get().contains("@")) {
            problem.accept(": must not contain a user or a password, nor an @; use api-key");
            return Optional.empty();
        }
        URI uri;
        try {
            uri = new URI(settings.baseUrl().get());
        } catch (URISyntaxException e) {
            // The text may hold a secret; the reason does not repeat it.
            problem.accept(": not a URL: " + e.getReason());
            return Optional.empty();
        }
        if (uri.getRawQuery() != null || uri.getRawFragment() != null) {
            problem.accept(
                    ": must not have a query or a fragment; leave out what follows the ? or #, and give a version"
                            + " as api-version where the type has that setting");
            return Optional.empty();
        }
        String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
        if (!(scheme.equals("https") || scheme.equals("http")) || uri.getRawAuthority() == null) {
            problem.accept("=" + uri + ": must start with https:// (or http:// for this machine) and name a host");
            return Optional.empty();
        }
        if (uri.getHost() == null) {
            problem.accept("=" + uri + ": the host must be an address, or a name of letters, digits, hyphens and dots");
            return Optional.empty();
        }
        if (uri.getPort() == 0 || uri.getPort() > 65_535) {
            problem.accept("=" + uri + ": the port must be 1 to 65535");
            return Optional.empty();
        }
        if (scheme.equals("http")
                && !settings.allowPlainHttp()
                && !LOOPBACK.matcher(uri.getHost().toLowerCase(Locale.ROOT)).matches()) {
            problem.accept("=" + uri + ": plain http to another machine would show key and prompts to anybody on the"
                    + " way; use https, or allow it with orchestrator.providers." + settings.name()
                    + ".allow-plain-http=true");
            return Optional.empty();
        }
        return Optional.of(uri);
    }

    /** Closes the factories that it found itself. */
    @Override
    public void close() {
        owned.forEach(ChatProviderFactory::close);
    }
}
