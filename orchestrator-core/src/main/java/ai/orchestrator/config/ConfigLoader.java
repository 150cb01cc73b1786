package ai.orchestrator.config;

import ai.orchestrator.ConfigurationException;
import ai.orchestrator.ConfigurationException.Mistake;
import ai.orchestrator.internal.ProviderCatalog;
import ai.orchestrator.provider.ChatProviderFactory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a configuration from all places where one can be: what the program {@linkplain #set sets} wins over system properties, they over
 * environment variables, they over the file, and the file over the defaults. Reads anew with each {@link #load()}. For one thread at a
 * time.
 *
 * <pre>{@code
 * OrchestratorConfig config = ConfigLoader.of(Path.of("orchestrator.properties"))
 *         .set("orchestrator.providers.groq.api-key", vault.read("groq"))
 *         .load();
 * }</pre>
 *
 * <p>A system property is called as the key is. An environment variable is called as the key in capitals, with underscores for dots and
 * hyphens, such as {@code ORCHESTRATOR_DEADLINE} and {@code ORCHESTRATOR_PROVIDERS_GROQ_1_API_KEY}; hyphens may also be left out, as Spring
 * does. Those that are no keys are ignored, with a warning where one is much like a key. In a file, and in what the program sets, a key that
 * nobody knows is a mistake. {@code docs/configuration.md} has the keys.
 */
public final class ConfigLoader {

    private static final Logger logger = LoggerFactory.getLogger(ConfigLoader.class);

    /** No configuration has so much to say; a log file that was named by mistake has. */
    private static final int MOST_BYTES = 1024 * 1024;

    private final @Nullable Path file;
    private final Map<String, String> program = new LinkedHashMap<>();
    private final List<ChatProviderFactory> factories = new ArrayList<>();
    private @Nullable Map<String, String> environment;
    private @Nullable Map<String, String> systemProperties;

    private ConfigLoader(@Nullable Path file) {
        this.file = file;
    }

    /**
     * Reads a file, and what is stronger.
     *
     * @param file a properties file in UTF-8, of at most 1 MB
     * @return a new loader
     */
    public static ConfigLoader of(Path file) {
        return new ConfigLoader(Objects.requireNonNull(file, "file"));
    }

    /**
     * Reads no file, only what is stronger.
     *
     * @return a new loader
     */
    public static ConfigLoader withoutFile() {
        return new ConfigLoader(null);
    }

    /**
     * Sets a key, whatever the other sources say.
     *
     * @param key the key, as in a file
     * @param value the value, as in a file; placeholders work too
     * @return this loader
     */
    public ConfigLoader set(String key, String value) {
        program.put(Objects.requireNonNull(key, "key"), Objects.requireNonNull(value, "value"));
        return this;
    }

    /**
     * Sets what takes the place of the process's environment, for keys and for placeholders.
     *
     * @param environment variables and their values; copied
     * @return this loader
     */
    public ConfigLoader environment(Map<String, String> environment) {
        this.environment = Map.copyOf(environment);
        return this;
    }

    /**
     * Sets what takes the place of the process's system properties.
     *
     * @param properties names and values; copied
     * @return this loader
     */
    public ConfigLoader systemProperties(Map<String, String> properties) {
        this.systemProperties = Map.copyOf(properties);
        return this;
    }

    /**
     * Adds provider types, as {@link ai.orchestrator.Orchestrator.Builder#providerFactory} does.
     *
     * @param factory makes them; stays the application's to close
     * @return this loader
     */
    public ConfigLoader providerFactory(ChatProviderFactory factory) {
        factories.add(Objects.requireNonNull(factory, "factory"));
        return this;
    }

    /**
     * Reads and checks everything, and logs each warning.
     *
     * @return the configuration
     * @throws ConfigurationException if there is a mistake; it lists all of them, and nothing has been sent
     */
    public OrchestratorConfig load() {
        OrchestratorConfig config = config(check());
        config.warnings().forEach(warning -> logger.warn("{}: {}", source(), warning));
        return config;
    }

    /**
     * What a report has.
     *
     * @throws ConfigurationException if those are mistakes
     */
    OrchestratorConfig config(ConfigReport report) {
        return new OrchestratorConfig(
                report.settings().orElseThrow(() -> new ConfigurationException(source(), report.mistakes())),
                factories,
                report.warnings());
    }

    ConfigLoader copy() {
        ConfigLoader copy = new ConfigLoader(file);
        copy.program.putAll(program);
        copy.factories.addAll(factories);
        copy.environment = environment;
        copy.systemProperties = systemProperties;
        return copy;
    }

    /**
     * Reads and checks everything. What is wrong it tells, it does not throw.
     *
     * @return what is in force, and what is wrong
     */
    public ConfigReport check() {
        Sources sources = new Sources();
        if (file != null) {
            try {
                sources.addFile(file.toString(), PropertiesText.parse(read(file)));
            } catch (Unreadable e) {
                Mistake mistake = Mistake.of("", null, String.valueOf(e.getMessage()));
                return new ConfigReport(Optional.empty(), List.of(mistake), List.of(), List.of());
            }
        }
        Map<String, String> variables = environment == null ? System.getenv() : environment;
        try (ProviderCatalog catalog = ProviderCatalog.load(factories)) {
            KnownKeys known = new KnownKeys(catalog);
            sources.addSystemProperties(systemProperties == null ? properties() : systemProperties, known);
            sources.addProgram(program);
            sources.addEnvironment(variables, known);
            return new ConfigReader(sources, variables, directory(), catalog).read();
        }
    }

    /** Those that are text. */
    private static Map<String, String> properties() {
        Properties properties = System.getProperties();
        Map<String, String> texts = new LinkedHashMap<>();
        for (String name : properties.stringPropertyNames()) {
            String value = properties.getProperty(name);
            if (value != null) {
                texts.put(name, value);
            }
        }
        return texts;
    }

    private Path directory() {
        Path parent = file == null ? null : file.toAbsolutePath().getParent();
        return parent == null ? Path.of("") : parent;
    }

    /** What the configuration is called in messages. */
    String source() {
        return file == null ? "The configuration" : file.toString();
    }

    private static String read(Path file) throws Unreadable {
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(MOST_BYTES + 1);
        } catch (NoSuchFileException e) {
            throw new Unreadable("there is no such file", e);
        } catch (AccessDeniedException e) {
            throw new Unreadable("it may not be read", e);
        } catch (IOException e) {
            throw new Unreadable(Files.isDirectory(file) ? "it is a directory" : "it cannot be read: " + e, e);
        }
        if (bytes.length > MOST_BYTES) {
            throw new Unreadable("it is larger than 1 MB, so no configuration", null);
        }
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
            // Windows editors put a mark at the beginning.
            return text.startsWith("\ufeff") ? text.substring(1) : text;
        } catch (CharacterCodingException e) {
            throw new Unreadable("it is not UTF-8", e);
        }
    }

    /** A file has no text for us. */
    private static final class Unreadable extends Exception {

        private static final long serialVersionUID = 1L;

        private Unreadable(String reason, @Nullable Exception cause) {
            super(reason, cause);
        }
    }
}
