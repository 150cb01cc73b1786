package ai.orchestrator.internal;

import ai.orchestrator.ConfigurationException.Mistake;
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
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.regex.Pattern;

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
     * @param mistakes takes each mistake
     * @return what to call, if there was no mistake
     */
    public Optional<ProviderTarget> check(ProviderSettings settings, Consumer<Mistake> mistakes) {
        String prefix = "orchestrator.providers." + settings.name() + ".";
        if (settings.type().isEmpty()) {
            mistakes.accept(Mistake.of(prefix + "type", null, "missing; " + allowedTypes()));
            return Optional.empty();
        }
        Entry entry = entries.get(settings.type().get());
        if (entry == null) {
            String type = settings.type().get();
            Mistake mistake = Mistake.of(prefix + "type", type, "unknown provider type; " + allowedTypes());
            mistakes.accept(NearestName.of(type, entries.keySet(), NearestName.SLIP)
                    .map(mistake::nearest)
                    .orElse(mistake));
            // Its form can be judged all the same.
            settings.baseUrl().ifPresent(url -> address(settings, url, mistakes));
            return Optional.empty();
        }
        ProviderType type = entry.type();
        List<Mistake> found = new ArrayList<>();
        Optional<URI> baseUrl = baseUrl(settings, type, found::add);
        Optional<String> model = settings.model().or(type::defaultModel);
        if (model.isEmpty()) {
            found.add(Mistake.of(prefix + "model", null, "missing; the type " + type.name() + " has no default model"));
        }
        boolean vendorsOwn = settings.baseUrl().isEmpty() || type.baseUrl().isEmpty();
        if (settings.apiKey().isEmpty() && type.needsApiKey() && vendorsOwn) {
            found.add(Mistake.of(
                    prefix + "api-key",
                    null,
                    "missing; " + type.name() + " needs a key, for example "
                            + type.apiKeyVariables().stream()
                                    .findFirst()
                                    .map(variable -> "${" + variable + "}")
                                    .orElse("${API_KEY}")));
        }
        Map<String, String> options = options(settings, type, found::add);
        found.forEach(mistakes);
        return found.isEmpty()
                ? Optional.of(new ProviderTarget(
                        settings.name(), type, baseUrl.orElseThrow(), model.orElseThrow(), settings.apiKey(), options))
                : Optional.empty();
    }

    /**
     * A type.
     *
     * @param name its name
     * @return the type; empty if it is not known
     */
    public Optional<ProviderType> type(String name) {
        return Optional.ofNullable(entries.get(name)).map(Entry::type);
    }

    /**
     * Every type that can be configured.
     *
     * @return in the order of their names
     */
    public List<ProviderType> types() {
        return entries.values().stream().map(Entry::type).toList();
    }

    /** What is configured, completed by the type's defaults. */
    private static Map<String, String> options(
            ProviderSettings settings, ProviderType type, Consumer<Mistake> mistakes) {
        String prefix = "orchestrator.providers." + settings.name() + ".";
        Map<String, ProviderOption> known = new TreeMap<>();
        Map<String, String> values = new TreeMap<>();
        for (ProviderOption option : type.options()) {
            known.put(option.name(), option);
            option.defaultValue().ifPresent(value -> values.put(option.name(), value));
        }
        settings.options().forEach((name, value) -> {
            ProviderOption option = known.get(name);
            if (option == null) {
                mistakes.accept(Mistake.of(
                        prefix + name,
                        null,
                        "unknown key; the type " + type.name()
                                + (known.isEmpty()
                                        ? " has no settings of its own"
                                        : " has these of its own: " + String.join(", ", known.keySet()))));
            } else if (!option.allows(value)) {
                // A key that was put into the wrong line is still one.
                boolean secret = settings.apiKey().filter(value::contains).isPresent();
                mistakes.accept(Mistake.of(prefix + name, secret ? null : value, "must be " + option.allowed()));
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

    private static Optional<URI> baseUrl(ProviderSettings settings, ProviderType type, Consumer<Mistake> mistakes) {
        String key = "orchestrator.providers." + settings.name() + ".base-url";
        if (settings.baseUrl().isEmpty()) {
            if (type.baseUrl().isEmpty()) {
                mistakes.accept(
                        Mistake.of(key, null, "missing; the type " + type.name() + " has no address of its own"));
            }
            return type.baseUrl();
        }
        return address(settings, settings.baseUrl().get(), mistakes);
    }

    private static Optional<URI> address(ProviderSettings settings, String text, Consumer<Mistake> mistakes) {
        String key = "orchestrator.providers." + settings.name() + ".base-url";
        // Before anything else, so that no message below can repeat a password.
        if (text.contains("@")) {
            mistakes.accept(Mistake.of(key, null, "must not contain a user or a password, nor an @; use api-key"));
            return Optional.empty();
        }
        URI uri;
        try {
            uri = new URI(text);
        } catch (URISyntaxException e) {
            // The text may hold a secret; the reason does not repeat it.
            mistakes.accept(Mistake.of(key, null, "not a URL: " + e.getReason()));
            return Optional.empty();
        }
        if (uri.getRawQuery() != null || uri.getRawFragment() != null) {
            mistakes.accept(Mistake.of(
                    key,
                    null,
                    "must not have a query or a fragment; leave out what follows the ? or #, and give a version"
                            + " as api-version where the type has that setting"));
            return Optional.empty();
        }
        String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
        if (!(scheme.equals("https") || scheme.equals("http")) || uri.getRawAuthority() == null) {
            mistakes.accept(Mistake.of(
                    key, uri.toString(), "must start with https:// (or http:// for this machine) and name a host"));
            return Optional.empty();
        }
        if (uri.getHost() == null) {
            mistakes.accept(Mistake.of(
                    key,
                    uri.toString(),
                    "the host must be an address, or a name of letters, digits, hyphens and dots"));
            return Optional.empty();
        }
        if (uri.getPort() == 0 || uri.getPort() > 65_535) {
            mistakes.accept(Mistake.of(key, uri.toString(), "the port must be 1 to 65535"));
            return Optional.empty();
        }
        if (scheme.equals("http")
                && !settings.allowPlainHttp()
                && !LOOPBACK.matcher(uri.getHost().toLowerCase(Locale.ROOT)).matches()) {
            mistakes.accept(Mistake.of(
                    key,
                    uri.toString(),
                    "plain http to another machine would show key and prompts to anybody on the"
                            + " way; use https, or allow it with orchestrator.providers." + settings.name()
                            + ".allow-plain-http=true"));
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
