package ai.orchestrator.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.CallCancelledException;
import ai.orchestrator.ConfigurationException;
import ai.orchestrator.OrchestratorStatus;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.ChatProviderFactory;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.provider.ProviderType;
import ai.orchestrator.testkit.LogCapture;
import ai.orchestrator.testkit.ManualTimeSource;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The file changes while the orchestrator runs (C3). */
class ConfigReloaderTest {

    private static final Duration INTERVAL = Duration.ofSeconds(5);

    @TempDir
    private Path directory;

    private final ManualTimeSource time = new ManualTimeSource();
    private final LogCapture log = LogCapture.of(ConfigReloader.class);
    private Path file;

    @BeforeEach
    void file() throws IOException {
        file = directory.resolve("o.properties");
        write(30, "a");
    }

    @AfterEach
    void close() {
        log.close();
    }

    private void write(int deadline, String... providers) throws IOException {
        StringBuilder text = new StringBuilder("orchestrator.deadline=" + deadline + "s\n");
        for (String provider : providers) {
            text.append("orchestrator.providers.").append(provider).append(".type=ollama\n");
        }
        replace(text.toString());
    }

    /** All at once, as editors and deployments do. */
    private void replace(String text) throws IOException {
        Path written = Files.writeString(directory.resolve("o.new"), text);
        Files.move(written, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    private ConfigLoader loader() {
        return ConfigLoader.of(file).environment(Map.of()).systemProperties(Map.of());
    }

    private ConfigReloader watched() {
        ConfigReloader reloader = ConfigReloader.start(loader());
        reloader.watch(INTERVAL, time, () -> {});
        time.awaitTimers(1);
        return reloader;
    }

    /** Lets the watch look once, and waits until it has. */
    private void look() {
        time.advance(INTERVAL);
        time.awaitTimers(1);
    }

    private static List<String> providers(ConfigReloader reloader) {
        return reloader.orchestrator().settings().providers().stream()
                .map(ProviderSettings::name)
                .toList();
    }

    @Test
    void what_the_file_says_now_is_in_force_after_a_reload() throws IOException {
        try (ConfigReloader reloader = ConfigReloader.start(loader())) {
            assertThat(reloader.reload()).isFalse();
            write(20, "b", "a");

            assertThat(reloader.reload()).isTrue();

            assertThat(reloader.orchestrator().settings().deadline()).isEqualTo(Duration.ofSeconds(20));
            assertThat(reloader.orchestrator().status().routes())
                    .containsExactly(new OrchestratorStatus.Route("default", "priority", List.of("b", "a")));
            assertThat(reloader.reload()).isFalse();
        }
    }

    @Test
    void an_invalid_file_changes_nothing_and_says_so_once() throws IOException {
        try (ConfigReloader reloader = ConfigReloader.start(loader())) {
            replace("orchestrator.deadline=soon\norchestrator.providers.b.type=nope\n");
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(reloader::reload)
                        .isInstanceOf(ConfigurationException.class)
                        .hasMessageContaining("2 mistakes");
            }
            assertThat(reloader.orchestrator().settings().deadline()).isEqualTo(Duration.ofSeconds(30));
            assertThat(providers(reloader)).containsExactly("a");
            assertThat(log.lines())
                    .singleElement()
                    .asString()
                    .startsWith("ERROR Refused, what was in force stays so: " + file + ": 2 mistakes\n  line 1: "
                            + "orchestrator.deadline=soon: must be a duration")
                    .contains("\n  line 2: orchestrator.providers.b.type=nope: unknown provider type");

            replace("orchestrator.deadline=later\norchestrator.providers.b.type=nope\n");
            assertThatThrownBy(reloader::reload).isInstanceOf(ConfigurationException.class);
            assertThat(log.lines()).hasSize(2);

            write(30, "a");
            assertThat(reloader.reload()).isFalse();
            assertThat(log.lines())
                    .last()
                    .isEqualTo("INFO " + file + ": has no mistakes any more, and is what is in force");
        }
    }

    @Test
    void a_watched_change_is_applied_when_two_looks_have_found_the_same() throws IOException {
        try (ConfigReloader reloader = watched()) {
            write(20, "a");
            look();
            assertThat(reloader.orchestrator().settings().deadline()).isEqualTo(Duration.ofSeconds(30));
            write(10, "a");
            look();
            assertThat(reloader.orchestrator().settings().deadline()).isEqualTo(Duration.ofSeconds(30));
            look();
            assertThat(reloader.orchestrator().settings().deadline()).isEqualTo(Duration.ofSeconds(10));
            assertThat(log.lines()).containsExactly("INFO " + file + ": reloaded; changed: orchestrator.deadline");
        }
    }

    @Test
    void a_file_that_is_being_written_is_not_read_by_halves() throws IOException {
        write(30, "a", "b");
        try (ConfigReloader reloader = watched()) {
            // The first half is a valid file.
            Files.writeString(file, "orchestrator.providers.a.type=ollama\n");
            look();
            Files.writeString(file, "orchestrator.providers.a.type=ollama\norchestrator.providers.c.type=ollama\n");
            look();
            assertThat(providers(reloader)).containsExactly("a", "b");
            look();
            assertThat(providers(reloader)).containsExactly("a", "c");
        }
    }

    @Test
    void a_watched_file_that_is_invalid_or_gone_says_so_once_and_is_followed_again_when_it_is_right()
            throws IOException {
        try (ConfigReloader reloader = watched()) {
            Files.delete(file);
            for (int i = 0; i < 5; i++) {
                look();
            }
            assertThat(log.lines())
                    .containsExactly("ERROR Refused, what was in force stays so: " + file + ": there is no such file");
            assertThat(providers(reloader)).containsExactly("a");

            write(30, "a", "b");
            look();
            look();
            assertThat(providers(reloader)).containsExactly("a", "b");
            assertThat(log.lines())
                    .containsExactly(
                            "ERROR Refused, what was in force stays so: " + file + ": there is no such file",
                            "INFO " + file + ": reloaded; changed: orchestrator.providers.b (new)",
                            "WARN " + file
                                    + ": line 3: orchestrator.providers.b: has the same address, key and model as"
                                    + " a, so it fails together with it and draws on the same quota");
            replace("orchestrator.providers.b.type=ollama\norchestrator.providers.b.num-ctx=9\n");
            look();
            look();
            assertThat(log.lines())
                    .last()
                    .isEqualTo("INFO " + file + ": reloaded; changed: orchestrator.providers.b.num-ctx,"
                            + " orchestrator.providers.a (removed)");
        }
    }

    @Test
    void what_the_program_sets_wins_in_every_reload() throws IOException {
        try (ConfigReloader reloader =
                ConfigReloader.start(loader(), builder -> builder.deadline(Duration.ofSeconds(1)))) {
            write(20, "a", "b");
            reloader.reload();

            assertThat(reloader.orchestrator().settings().deadline()).isEqualTo(Duration.ofSeconds(1));
            assertThat(providers(reloader)).containsExactly("a", "b");
        }
    }

    @Test
    void a_key_in_a_file_of_its_own_that_is_rotated_is_taken_and_never_logged() throws IOException {
        Path key = Files.writeString(directory.resolve("key"), "gsk-first-123456");
        replace("orchestrator.providers.g.type=groq\norchestrator.providers.g.api-key-file=key\n");
        try (ConfigReloader reloader = watched()) {
            Files.writeString(key, "gsk-second-123456\n");
            look();
            look();

            assertThat(reloader.orchestrator().settings().providers().get(0).apiKey())
                    .contains("gsk-second-123456");
            assertThat(log.lines())
                    .containsExactly("INFO " + file + ": reloaded; changed: orchestrator.providers.g.api-key");

            Files.writeString(key, "");
            look();
            look();
            assertThat(log.lines())
                    .last()
                    .isEqualTo("ERROR Refused, what was in force stays so: " + file + ", line 2:"
                            + " orchestrator.providers.g.api-key-file=key: the file " + key + " is empty");
            assertThat(reloader.orchestrator().settings().providers().get(0).apiKey())
                    .contains("gsk-second-123456");
        }
    }

    @Test
    void what_has_changed_is_told_though_it_is_masked() throws IOException {
        String first = "https://abcdef0123456789abcdef01.example.com/v1";
        replace(
                "orchestrator.providers.a.type=vllm\norchestrator.providers.a.model=m\norchestrator.providers.a.base-url="
                        + first);
        try (ConfigReloader reloader = ConfigReloader.start(loader())) {
            replace(
                    "orchestrator.providers.a.type=vllm\norchestrator.providers.a.model=m\norchestrator.providers.a.base-url="
                            + first.replace("abc", "abd") + "\norchestrator.routes.r.providers=a\n");
            reloader.reload();

            assertThat(log.lines())
                    .containsExactly("INFO " + file + ": reloaded; changed: orchestrator.providers.a.base-url,"
                            + " orchestrator.routes.r (new)");
        }
    }

    @Test
    void a_warning_is_logged_when_it_is_new() throws IOException {
        try (ConfigReloader reloader = ConfigReloader.start(loader())) {
            assertThat(log.lines()).isEmpty();
            replace("""
                    orchestrator.providers.a.type=ollama
                    orchestrator.providers.b.type=ollama
                    orchestrator.providers.b.model=m
                    orchestrator.routes.r.providers=a
                    """);
            reloader.reload();
            reloader.reload();

            assertThat(log.lines())
                    .filteredOn(line -> line.startsWith("WARN"))
                    .containsExactly("WARN " + file + ": line 2: orchestrator.providers.b: no route lists it, so only"
                            + " calls that name no route ask it");
        }
    }

    @Test
    void a_program_that_fails_says_so_once_and_does_not_end_the_watch() throws IOException {
        Throwable[] fails = {null};
        try (ConfigReloader reloader = ConfigReloader.start(loader(), builder -> {
            if (fails[0] instanceof RuntimeException e) {
                throw e;
            }
            if (fails[0] instanceof Error e) {
                throw e;
            }
        })) {
            reloader.watch(INTERVAL, time, () -> {});
            time.awaitTimers(1);
            write(20, "a");
            fails[0] = new IllegalStateException("no vault");
            for (int i = 0; i < 4; i++) {
                look();
            }
            assertThat(log.lines())
                    .containsExactly("ERROR " + file + ": could not be applied, what was in force stays so:"
                            + " java.lang.IllegalStateException: no vault");
            fails[0] = new AssertionError("worse");
            look();
            assertThat(log.lines()).hasSize(2);
            fails[0] = null;
            look();
            assertThat(reloader.orchestrator().settings().deadline()).isEqualTo(Duration.ofSeconds(20));
        }
    }

    @Test
    void a_file_that_is_good_alone_and_bad_with_what_the_program_sets_says_so_once() throws IOException {
        write(30, "a", "b");
        try (ConfigReloader reloader =
                ConfigReloader.start(loader(), builder -> builder.route("mine", route -> route.providers("b")))) {
            reloader.watch(INTERVAL, time, () -> {});
            time.awaitTimers(1);
            log.clear();
            write(20, "a");
            for (int i = 0; i < 5; i++) {
                look();
            }
            assertThat(log.lines())
                    .containsExactly("ERROR Refused, what was in force stays so: The configuration was refused:"
                            + " orchestrator.routes.mine.providers=b: no provider is named 'b'; known: a");
            assertThat(providers(reloader)).containsExactly("a", "b");
            write(20, "a", "b");
            look();
            look();
            assertThat(reloader.orchestrator().settings().deadline()).isEqualTo(Duration.ofSeconds(20));
        }
    }

    @Test
    void a_program_that_makes_new_objects_each_time_is_asked_only_when_the_file_has_changed() throws IOException {
        int[] asked = {0};
        try (ConfigReloader reloader = ConfigReloader.start(loader(), builder -> {
            int number = asked[0]++;
            builder.strategy((provider, call) -> number);
        })) {
            reloader.watch(INTERVAL, time, () -> {});
            time.awaitTimers(1);
            look();
            look();
            assertThat(asked[0]).isEqualTo(1);
            write(20, "a");
            look();
            look();
            look();
            assertThat(asked[0]).isEqualTo(2);
            assertThat(reloader.orchestrator().settings().deadline()).isEqualTo(Duration.ofSeconds(20));
        }
    }

    @Test
    void what_a_program_has_changed_since_stays_until_the_file_says_something_else() throws IOException {
        try (ConfigReloader reloader = watched()) {
            reloader.orchestrator()
                    .reconfigure(reloader.orchestrator().settings().toBuilder()
                            .deadline(Duration.ofSeconds(99))
                            .settings());
            look();
            look();
            assertThat(reloader.orchestrator().settings().deadline()).isEqualTo(Duration.ofSeconds(99));
            assertThat(reloader.reload()).isTrue();
            assertThat(reloader.orchestrator().settings().deadline()).isEqualTo(Duration.ofSeconds(30));
        }
    }

    @Test
    void closing_ends_the_watch_and_the_orchestrator() throws InterruptedException {
        ConfigReloader reloader = watched();
        Thread watch = Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("orchestrator-config-watch") && thread.isAlive())
                .findFirst()
                .orElseThrow();

        reloader.close();
        reloader.close();

        watch.join(TimeUnit.SECONDS.toMillis(10));
        assertThat(watch.isAlive()).isFalse();
        assertThatThrownBy(() -> reloader.orchestrator().chat("?")).isInstanceOf(CallCancelledException.class);
        assertThatThrownBy(() -> reloader.watch(INTERVAL)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void a_reload_of_what_is_closed_says_so() throws IOException {
        ConfigReloader reloader = ConfigReloader.start(loader());
        reloader.close();
        write(20, "a");

        assertThatThrownBy(reloader::reload).isInstanceOf(CallCancelledException.class);
    }

    @Test
    void it_watches_once_and_not_too_often() {
        try (ConfigReloader reloader = ConfigReloader.start(loader())) {
            for (Duration interval : List.of(Duration.ZERO, Duration.ofMillis(99), Duration.ofDays(2))) {
                assertThatThrownBy(() -> reloader.watch(interval))
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("interval must be 100 milliseconds to 1 day but is " + interval);
            }
            assertThat(reloader.watch(INTERVAL)).isSameAs(reloader);
            assertThatThrownBy(() -> reloader.watch(INTERVAL))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("it watches already");
            assertThat(reloader).hasToString("ConfigReloader(" + file + ")");
        }
    }

    @Test
    void the_real_clock_sees_a_change_too() throws IOException {
        try (ConfigReloader reloader = ConfigReloader.start(loader())) {
            reloader.watch(Duration.ofMillis(100));
            write(20, "a");
            long patience = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (!reloader.orchestrator().settings().deadline().equals(Duration.ofSeconds(20))) {
                assertThat(System.nanoTime()).isLessThan(patience);
                Thread.onSpinWait();
            }
        }
    }

    @Test
    @Timeout(120)
    void ten_thousand_calls_go_through_while_the_file_changes_a_hundred_times() throws Exception {
        replace(memory(0));
        try (ConfigReloader reloader = ConfigReloader.start(loader().providerFactory(new Memory()))) {
            ExecutorService callers = Executors.newFixedThreadPool(4);
            List<Future<?>> calls = new ArrayList<>();
            AtomicInteger answered = new AtomicInteger();
            for (int caller = 0; caller < 4; caller++) {
                calls.add(callers.submit(() -> {
                    for (int i = 0; i < 2_500; i++) {
                        reloader.orchestrator().chat("?");
                        answered.incrementAndGet();
                    }
                }));
            }
            int applied = 0;
            for (int change = 1; change <= 100; change++) {
                // Spread over the calls.
                while (answered.get() < change * 95) {
                    Thread.onSpinWait();
                }
                replace(memory(change));
                if (change % 10 == 5) {
                    assertThatThrownBy(reloader::reload).isInstanceOf(ConfigurationException.class);
                } else if (reloader.reload()) {
                    applied++;
                }
            }
            for (Future<?> call : calls) {
                call.get(60, TimeUnit.SECONDS);
            }
            callers.shutdown();
            assertThat(answered).hasValue(10_000);
            assertThat(applied).isEqualTo(90);
        }
    }

    /** Providers come, go, change their model, key and place; every tenth file is bad. */
    private static String memory(int change) {
        StringBuilder text =
                new StringBuilder("orchestrator.deadline=").append(30 + change).append("s\n");
        for (int i = 0; i < 4; i++) {
            if ((change + i) % 4 == 3) {
                continue;
            }
            String provider = "orchestrator.providers.p" + i + ".";
            text.append(provider).append("type=memory\n");
            text.append(provider).append("api-key=key-").append(change).append('\n');
            text.append(provider).append("model=m").append(change / 7).append('\n');
            text.append(provider)
                    .append("priority=")
                    .append((change * 7 + i * 3) % 11)
                    .append('\n');
            text.append(provider)
                    .append("circuit-breaker.failure-threshold=")
                    .append(1 + change % 9)
                    .append('\n');
        }
        return change % 10 == 5 ? text + "orchestrator.deadlin=1s\n" : text.toString();
    }

    /** Answers at once. */
    private static final class Memory implements ChatProviderFactory {

        @Override
        public List<ProviderType> types() {
            return List.of(new ProviderType(
                    "memory",
                    Optional.of(URI.create("https://memory.invalid")),
                    Optional.of("m"),
                    true,
                    List.of(),
                    List.of()));
        }

        @Override
        public ChatProvider create(ProviderTarget target, InstantSource instantSource) {
            return (request, delivery, deadline, cancellation, sink) -> {
                sink.connected();
                sink.event(new ChatEvent.Text("Because."));
                sink.event(new ChatEvent.Finished(FinishReason.STOP));
            };
        }
    }

    @Test
    void a_bad_configuration_does_not_start() throws IOException {
        replace("orchestrator.deadline=soon\n");

        assertThatThrownBy(() -> ConfigReloader.start(loader())).isInstanceOf(ConfigurationException.class);
    }
}
