package ai.orchestrator.config;

import ai.orchestrator.ConfigurationException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.RouteSettings;
import ai.orchestrator.internal.ProviderCatalog;
import ai.orchestrator.internal.RouteCheck;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A checked configuration, read from a properties file. Immutable and safe for use by several threads.
 *
 * <pre>{@code
 * orchestrator.deadline=30s
 * orchestrator.defaults.circuit-breaker.failure-threshold=5
 *
 * orchestrator.providers.groq-1.type=groq
 * orchestrator.providers.groq-1.api-key=${GROQ_API_KEY}
 * orchestrator.providers.groq-1.priority=1
 *
 * orchestrator.providers.local.type=openai
 * orchestrator.providers.local.base-url=http://localhost:8000/v1
 * orchestrator.providers.local.model=qwen3
 * orchestrator.providers.local.priority=9
 * }</pre>
 *
 * <p>{@code ${NAME}} in a value is replaced by the environment variable, {@code ${NAME:default}} by the default where it is not set. A bad
 * file is refused as a whole, with every mistake.
 */
public final class OrchestratorConfig {

    private final List<Consumer<Orchestrator.Builder>> topLevel;
    private final List<ProviderSettings> providers;
    private final List<RouteSettings> routes;

    private OrchestratorConfig(
            List<Consumer<Orchestrator.Builder>> topLevel,
            List<ProviderSettings> providers,
            List<RouteSettings> routes) {
        this.topLevel = List.copyOf(topLevel);
        this.providers = List.copyOf(providers);
        this.routes = List.copyOf(routes);
    }

    /**
     * Reads and checks a file, with the process's environment for placeholders.
     *
     * @param file a properties file in UTF-8
     * @return the configuration
     * @throws ConfigurationException if the file cannot be read or has a mistake; it names each key and what is allowed
     */
    public static OrchestratorConfig load(Path file) {
        return load(file, System.getenv());
    }

    /**
     * Reads and checks a file.
     *
     * @param file a properties file in UTF-8
     * @param environment takes the place of the process's environment for placeholders
     * @return the configuration
     * @throws ConfigurationException if the file cannot be read or has a mistake; it names each key and what is allowed
     */
    public static OrchestratorConfig load(Path file, Map<String, String> environment) {
        Map<String, String> entries = new LinkedHashMap<>();
        List<String> mistakes = new ArrayList<>();
        try (Reader reader = Files.newBufferedReader(file)) {
            new OrderedProperties(entries, mistakes).load(reader);
        } catch (NoSuchFileException e) {
            throw unreadable(file, "there is no such file");
        } catch (CharacterCodingException e) {
            throw unreadable(file, "it is not UTF-8");
        } catch (IOException e) {
            throw unreadable(file, Files.isDirectory(file) ? "it is a directory" : "it cannot be read: " + e);
        } catch (IllegalArgumentException e) {
            throw unreadable(file, "it is not a properties file: " + e.getMessage());
        }
        return parse(file.toString(), entries, environment, mistakes);
    }

    private static ConfigurationException unreadable(Path file, String reason) {
        return new ConfigurationException(file.toString(), List.of(reason));
    }

    private static OrchestratorConfig parse(
            String source, Map<String, String> entries, Map<String, String> environment, List<String> mistakes) {
        PropertiesReader reader;
        List<ProviderSettings> providers;
        List<RouteSettings> routes;
        try (ProviderCatalog catalog = ProviderCatalog.load(List.of())) {
            reader = new PropertiesReader(environment, mistakes, catalog);
            entries.forEach(reader::accept);
            providers = reader.providers();
            routes = reader.routes();
            // A key that is noted already, as for an unset variable, is not noted again as missing.
            Set<String> noted = mistakes.stream().map(OrchestratorConfig::key).collect(Collectors.toSet());
            providers.forEach(provider -> catalog.check(provider, mistake -> {
                if (!noted.contains(key(mistake))) {
                    mistakes.add(mistake);
                }
            }));
        }
        RouteCheck.check(routes, providers, mistakes::add);
        if (reader.namesNoProvider()) {
            mistakes.add("orchestrator.providers: none is configured; configure at least one, for example"
                    + " orchestrator.providers.groq.type=groq");
        } else if (mistakes.isEmpty() && providers.stream().noneMatch(ProviderSettings::mayBeAsked)) {
            mistakes.add("orchestrator.providers: none is enabled; enable at least one, with a weight above 0");
        }
        if (!mistakes.isEmpty()) {
            throw new ConfigurationException(source, mistakes);
        }
        return new OrchestratorConfig(reader.topLevel(), providers, routes);
    }

    private static String key(String mistake) {
        return mistake.split("[:=]", 2)[0];
    }

    /**
     * The providers, in the order of the file.
     *
     * @return at least one, unmodifiable
     */
    public List<ProviderSettings> providers() {
        return providers;
    }

    /**
     * The routes that are configured, in the order of the file.
     *
     * @return without the default route; unmodifiable
     */
    public List<RouteSettings> routes() {
        return routes;
    }

    /**
     * A builder with everything that is configured, for what only a program can add, such as a meter registry.
     *
     * @return a new builder
     */
    public Orchestrator.Builder toBuilder() {
        Orchestrator.Builder builder = Orchestrator.builder();
        topLevel.forEach(setting -> setting.accept(builder));
        providers.forEach(builder::provider);
        routes.forEach(builder::route);
        return builder;
    }

    /**
     * An orchestrator with this configuration.
     *
     * @return a new orchestrator, to be closed by the caller
     * @throws ConfigurationException if no provider is enabled
     */
    public Orchestrator orchestrator() {
        return toBuilder().build();
    }

    /** Everything but the keys. */
    @Override
    public String toString() {
        return "OrchestratorConfig(providers=" + providers + (routes.isEmpty() ? "" : ", routes=" + routes) + ")";
    }

    /** Passes each entry on as it is read: {@link Properties} itself forgets the order and a key that is given twice. */
    private static final class OrderedProperties extends Properties {

        private static final long serialVersionUID = 1L;

        private final transient Map<String, String> entries;
        private final transient List<String> mistakes;

        private OrderedProperties(Map<String, String> entries, List<String> mistakes) {
            this.entries = entries;
            this.mistakes = mistakes;
        }

        @Override
        public synchronized @Nullable Object put(Object key, Object value) {
            if (entries.putIfAbsent((String) key, (String) value) != null) {
                mistakes.add(key + ": given twice; give it once (two providers need two names)");
            }
            return null;
        }

        @Override
        public synchronized boolean equals(@Nullable Object o) {
            return this == o;
        }

        @Override
        public synchronized int hashCode() {
            return System.identityHashCode(this);
        }
    }
}
