package ai.orchestrator.config;

import ai.orchestrator.CallCancelledException;
import ai.orchestrator.ConfigurationException;
import ai.orchestrator.ConfigurationException.Mistake;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorSettings;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An orchestrator that follows its configuration: it is read again when asked to, or whenever it has changed. A valid change is applied as
 * {@link Orchestrator#reconfigure} says, all at once and without a call failing because of it; an invalid one changes nothing and is logged
 * once, with every mistake (C3). Safe for use by several threads.
 *
 * <pre>{@code
 * try (ConfigReloader reloader = ConfigReloader.start(
 *         ConfigLoader.of(Path.of("orchestrator.properties")), builder -> builder.meterRegistry(meters))) {
 *     reloader.watch(Duration.ofSeconds(5));
 *     Orchestrator orchestrator = reloader.orchestrator();
 * }
 * }</pre>
 */
public final class ConfigReloader implements AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(ConfigReloader.class);

    private static final Duration SHORTEST = Duration.ofMillis(100);
    private static final Duration LONGEST = Duration.ofDays(1);

    private final ConfigLoader loader;
    private final Consumer<Orchestrator.Builder> program;
    private final Orchestrator orchestrator;
    private final CountDownLatch closed = new CountDownLatch(1);

    /** One look after another. */
    private final ReentrantLock looking = new ReentrantLock();

    // The rest is guarded by looking.

    private List<ConfigValue> values;

    /** What was warned of last. */
    private Set<String> warned;

    /** Why it was refused last; empty if it was not. */
    private List<String> refused = List.of();

    /** What the last look has found that is not in force; null if it is all the same. */
    private @Nullable Object seen;

    private @Nullable Thread watch;

    private ConfigReloader(ConfigLoader loader, Consumer<Orchestrator.Builder> program, ConfigReport report) {
        this.loader = loader;
        this.program = program;
        Orchestrator.Builder builder = loader.config(report).toBuilder();
        program.accept(builder);
        this.orchestrator = builder.build();
        this.values = report.values();
        this.warned = warn(report, Set.of());
    }

    /**
     * Reads the configuration and builds the orchestrator.
     *
     * @param loader knows where the configuration is; copied
     * @return a new reloader, to be closed by the caller
     * @throws ConfigurationException if there is a mistake
     */
    public static ConfigReloader start(ConfigLoader loader) {
        return start(loader, builder -> {});
    }

    /**
     * Reads the configuration and builds the orchestrator.
     *
     * @param loader knows where the configuration is; copied
     * @param program sets what only a program can, or what is to win over all other sources; called with each reload, when everything but
     *     {@linkplain Orchestrator.Builder#settings() settings} is passed over
     * @return a new reloader, to be closed by the caller
     * @throws ConfigurationException if there is a mistake
     */
    public static ConfigReloader start(ConfigLoader loader, Consumer<Orchestrator.Builder> program) {
        ConfigLoader copy = loader.copy();
        return new ConfigReloader(copy, program, copy.check());
    }

    /**
     * The orchestrator that follows.
     *
     * @return always the same; {@link #close()} closes it
     */
    public Orchestrator orchestrator() {
        return orchestrator;
    }

    /**
     * Reads the configuration now, and applies it.
     *
     * @return whether anything has changed
     * @throws ConfigurationException if there is a mistake; what was in force stays so
     * @throws CallCancelledException if the orchestrator is closed
     */
    public boolean reload() {
        looking.lock();
        try {
            ConfigReport report = loader.check();
            try {
                seen = null;
                return apply(report, settings(report));
            } catch (ConfigurationException e) {
                refuse(e);
                throw e;
            }
        } finally {
            looking.unlock();
        }
    }

    /**
     * Looks for changes from now on, and applies them. A change is applied when two looks in a row have found the same, so that a file which is
     * being written is not read by halves. Every source counts: the file, key files, system properties. Looks read the file's content, which
     * also sees what notifications of the file system miss, such as mounted volumes and links that are moved.
     *
     * @param interval how long to wait between two looks: 100 milliseconds to 1 day
     * @return this reloader
     * @throws IllegalArgumentException if it is out of range
     * @throws IllegalStateException if it watches already, or is closed
     */
    public ConfigReloader watch(Duration interval) {
        TimeSource time = TimeSource.system();
        return watch(interval, time, time::close);
    }

    ConfigReloader watch(Duration interval, TimeSource time, Runnable afterwards) {
        if (interval.compareTo(SHORTEST) < 0 || interval.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException("interval must be 100 milliseconds to 1 day but is " + interval);
        }
        looking.lock();
        try {
            if (watch != null || closed.getCount() == 0) {
                throw new IllegalStateException(watch != null ? "it watches already" : "it is closed");
            }
            Thread thread = new Thread(
                    () -> {
                        try {
                            while (!time.await(closed, interval.toNanos())) {
                                look();
                            }
                        } catch (InterruptedException e) {
                            logger.warn(
                                    "{}: is not watched any more, because the watch was interrupted", loader.source());
                        } finally {
                            afterwards.run();
                        }
                    },
                    "orchestrator-config-watch");
            thread.setDaemon(true);
            thread.start();
            watch = thread;
        } finally {
            looking.unlock();
        }
        return this;
    }

    private void look() {
        looking.lock();
        try {
            ConfigReport report = loader.check();
            try {
                OrchestratorSettings settings = settings(report);
                if (isSettled(settings) || settings.equals(orchestrator.settings())) {
                    var unused = apply(report, settings);
                }
            } catch (ConfigurationException e) {
                if (isSettled(sentences(e))) {
                    refuse(e);
                }
            }
        } catch (CallCancelledException e) {
            // Closed by another hand than ours; the watch ends with us.
            logger.debug("{}: not looked at, because the orchestrator is closed", loader.source());
        } catch (RuntimeException e) {
            logger.warn("{}: could not be looked at; what was in force stays so", loader.source(), e);
        } finally {
            looking.unlock();
        }
    }

    /** Whether the last look has found the same. */
    private boolean isSettled(Object found) {
        boolean settled = found.equals(seen);
        seen = found;
        return settled;
    }

    private OrchestratorSettings settings(ConfigReport report) {
        Orchestrator.Builder builder = loader.config(report).toBuilder();
        program.accept(builder);
        return builder.settings();
    }

    private boolean apply(ConfigReport report, OrchestratorSettings settings) {
        OrchestratorSettings before = orchestrator.settings();
        boolean changes = !settings.equals(before);
        if (changes) {
            orchestrator.reconfigure(settings);
            logger.info("{}: reloaded; changed: {}", loader.source(), changed(before, settings, report));
        } else if (!refused.isEmpty()) {
            logger.info("{}: has no mistakes any more, and is what is in force", loader.source());
        }
        values = report.values();
        warned = warn(report, warned);
        refused = List.of();
        return changes;
    }

    private void refuse(ConfigurationException mistakes) {
        List<String> sentences = sentences(mistakes);
        if (!sentences.equals(refused)) {
            refused = sentences;
            logger.error("Refused, what was in force stays so: {}", mistakes.getMessage());
        }
    }

    private static List<String> sentences(ConfigurationException mistakes) {
        return mistakes.mistakes().stream().map(Mistake::toString).toList();
    }

    private Set<String> warn(ConfigReport report, Set<String> before) {
        Set<String> now = new HashSet<>();
        for (Mistake warning : report.warnings()) {
            now.add(warning.toString());
            if (!before.contains(warning.toString())) {
                logger.warn("{}: {}", loader.source(), warning);
            }
        }
        return now;
    }

    /** The keys, not what they are set to; providers and routes that come or go by their names alone. */
    private String changed(OrchestratorSettings before, OrchestratorSettings after, ConfigReport report) {
        Map<String, String> was = byKey(values);
        Map<String, String> is = byKey(report.values());
        Set<String> wholesBefore = wholes(was.keySet());
        Set<String> wholesAfter = wholes(is.keySet());
        Set<String> changed = new LinkedHashSet<>();
        is.forEach((key, value) -> {
            if (!wholesBefore.contains(whole(key))) {
                changed.add(whole(key) + " (new)");
            } else if (!value.equals(was.get(key))) {
                changed.add(key);
            }
        });
        was.keySet().forEach(key -> {
            if (!wholesAfter.contains(whole(key))) {
                changed.add(whole(key) + " (removed)");
            } else if (!is.containsKey(key)) {
                changed.add(key);
            }
        });
        for (ProviderSettings provider : after.providers()) {
            // A key looks the same as any other.
            before.providers().stream()
                    .filter(old ->
                            old.name().equals(provider.name()) && !old.apiKey().equals(provider.apiKey()))
                    .forEach(old -> changed.add(ConfigKeys.PROVIDERS + provider.name() + "." + ConfigKeys.API_KEY));
        }
        return changed.isEmpty() ? "what the program sets" : String.join(", ", changed);
    }

    private static Map<String, String> byKey(List<ConfigValue> values) {
        Map<String, String> byKey = new LinkedHashMap<>();
        values.forEach(value -> byKey.put(value.key(), value.value()));
        return byKey;
    }

    private static Set<String> wholes(Set<String> keys) {
        return keys.stream().map(ConfigReloader::whole).collect(Collectors.toSet());
    }

    /** The provider or route that a key belongs to; what is there in any case for the others. */
    private static String whole(String key) {
        return KeyPath.parse(key)
                .filter(path -> !path.name().isEmpty())
                .map(path -> path.prefix().substring(0, path.prefix().length() - 1))
                .orElse("orchestrator");
    }

    /** Ends the watch, and closes the orchestrator as {@link Orchestrator#close()} says. Does nothing the second time. */
    @Override
    public void close() {
        closed.countDown();
        orchestrator.close();
    }

    /** What is followed. */
    @Override
    public String toString() {
        return "ConfigReloader(" + loader.source() + ")";
    }
}
