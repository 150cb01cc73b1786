package ai.orchestrator.config;

import ai.orchestrator.ConfigurationException;
import ai.orchestrator.ConfigurationException.Mistake;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorSettings;
import ai.orchestrator.provider.ChatProviderFactory;
import java.nio.file.Path;
import java.util.List;

/**
 * A checked configuration. Immutable and safe for use by several threads.
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
 * file is refused as a whole, with every mistake. {@link ConfigLoader} reads other sources too.
 */
public final class OrchestratorConfig {

    private final OrchestratorSettings settings;
    private final List<ChatProviderFactory> factories;
    private final List<Mistake> warnings;

    OrchestratorConfig(OrchestratorSettings settings, List<ChatProviderFactory> factories, List<Mistake> warnings) {
        this.settings = settings;
        this.factories = List.copyOf(factories);
        this.warnings = List.copyOf(warnings);
    }

    /**
     * Reads and checks a file, with the process's environment and system properties, as {@link ConfigLoader} says.
     *
     * @param file a properties file in UTF-8
     * @return the configuration
     * @throws ConfigurationException if the file cannot be read or there is a mistake; it lists all of them
     */
    public static OrchestratorConfig load(Path file) {
        return ConfigLoader.of(file).load();
    }

    /**
     * Settings as a properties file, for what a program has built: reading it gives equal settings. Has what is not as it is by default. A
     * file is judged more strictly than a builder in one thing: it may not have a limit of the first token beyond every deadline.
     * A key is never in it: the file has <code>${NAME_API_KEY}</code> in its place, after the provider's name in capitals.
     *
     * @param settings what is to be written
     * @return the text of a file, which is in UTF-8
     * @throws IllegalArgumentException if a provider or a strategy is the application's own, which no file can name
     */
    public static String properties(OrchestratorSettings settings) {
        return PropertiesWriter.write(settings);
    }

    /**
     * What is configured.
     *
     * @return the settings; they have the keys
     */
    public OrchestratorSettings settings() {
        return settings;
    }

    /**
     * What is allowed and probably not meant, such as a provider that no route lists.
     *
     * @return in the order of the file; unmodifiable
     */
    public List<Mistake> warnings() {
        return warnings;
    }

    /**
     * A builder with everything that is configured, for what only a program can add, such as a meter registry. What is set there wins.
     *
     * @return a new builder
     */
    public Orchestrator.Builder toBuilder() {
        Orchestrator.Builder builder = settings.toBuilder();
        factories.forEach(builder::providerFactory);
        return builder;
    }

    /**
     * An orchestrator with this configuration.
     *
     * @return a new orchestrator, to be closed by the caller
     * @throws ConfigurationException if a provider's type is no longer there
     */
    public Orchestrator orchestrator() {
        return toBuilder().build();
    }

    /** Everything but the keys. */
    @Override
    public String toString() {
        return "OrchestratorConfig(" + settings + ")";
    }
}
