package ai.orchestrator.config;

import ai.orchestrator.CallCancelledException;
import ai.orchestrator.ConfigurationException;
import ai.orchestrator.ConfigurationException.Mistake;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorSettings;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
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

    /** What the sources said when it was last applied. */
    private OrchestratorSettings followed;

    /** What was warned of last. */
    private Set<String> warned;

    /** Why it was not applied last, as it was logged; empty if it was. */
    private String trouble = "";

    /** What the last look has found that is not followed: settings, or mistakes. */
    private @Nullable Object seen;

    private @Nullable Thread watch;

    private ConfigReloader(ConfigLoader loader, Consumer<Orchestrator.Builder> program, ConfigReport report) {
        this.loader = loader;
        this.program = program;
        OrchestratorConfig config = loader.config(report);
        Orchestrator.Builder builder = config.toBuilder();
        program.accept(builder);
        this.orchestrator = builder.build();
        this.followed = config.settings();
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
     * @param program sets what only a program can, or what is to win over all other sources; called again for each change,
     *     when everything but {@linkplain Orchestrator.Builder#settings() settings} is passed over; should then give the same objects, since another
     *     {@code chatProvider} is another provider
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
     * Reads the configuration now, and applies it with what the program sets, whatever has been changed by {@link
     * Orchestrator#reconfigure} meanwhile.
     *
     * <p>Must not be called by what listens at a registry or by a factory: these are called in the middle of a change, for whose end this waits.
     *
     * @return whether anything has changed
     * @throws ConfigurationException if there is a mistake; what was in force stays so. It is logged too, unless it was before
     * @throws CallCancelledException if the orchestrator is closed
     */
    public boolean reload() {
        looking.lock();
        try {
            seen = null;
            try {
                return apply(loader.check());
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
     * also sees what notifications of the file system miss, such as mounted volumes and links that are moved. As long as the sources say
     * the same, nothing is applied, so that what {@link Orchestrator#reconfigure} has changed stays until they say something else.
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
                            logger.error("{}: is not followed any more: the watch was interrupted", loader.source());
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
            Object found = report.settings().isPresent() ? report.settings().get() : sentences(report.mistakes());
            if (found.equals(followed)) {
                seen = null;
                overcome();
            } else if (found.equals(seen)) {
                var unused = apply(report);
            } else {
                seen = found;
            }
        } catch (CallCancelledException e) {
            // Closed by another hand than ours; the watch ends with us.
            logger.debug("{}: not looked at, because the orchestrator is closed", loader.source());
        } catch (ConfigurationException e) {
            refuse(e);
        } catch (Throwable e) {
            // Whatever it is, the next look may go well: a vault is up again, memory is there.
            trouble(loader.source() + ": could not be applied, what was in force stays so: " + e, e);
        } finally {
            looking.unlock();
        }
    }

    private boolean apply(ConfigReport report) {
        OrchestratorConfig config = loader.config(report);
        Orchestrator.Builder builder = config.toBuilder();
        program.accept(builder);
        OrchestratorSettings settings = builder.settings();
        OrchestratorSettings before = orchestrator.settings();
        boolean changes = !settings.equals(before);
        if (changes) {
            orchestrator.reconfigure(settings);
            trouble = "";
            logger.info("{}: reloaded; changed: {}", loader.source(), SettingsChanges.keys(before, settings));
        } else {
            overcome();
        }
        followed = config.settings();
        warned = warn(report, warned);
        return changes;
    }

    private void overcome() {
        if (!trouble.isEmpty()) {
            trouble = "";
            logger.info("{}: has no mistakes any more, and is what is in force", loader.source());
        }
    }

    private void refuse(ConfigurationException mistakes) {
        trouble("Refused, what was in force stays so: " + mistakes.getMessage(), null);
    }

    /** Says what is wrong, once. */
    private void trouble(String what, @Nullable Throwable cause) {
        if (!what.equals(trouble)) {
            trouble = what;
            logger.error(what, cause);
        }
    }

    private static List<String> sentences(List<Mistake> mistakes) {
        return mistakes.stream().map(Mistake::toString).toList();
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

    /** Ends the watch, and closes the orchestrator as {@link Orchestrator#close()} says. Does nothing the second time. */
    @Override
    public void close() {
        // First, because it may refuse.
        orchestrator.close();
        closed.countDown();
    }

    /** What is followed. */
    @Override
    public String toString() {
        return "ConfigReloader(" + loader.source() + ")";
    }
}
