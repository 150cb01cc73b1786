package ai.orchestrator.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorSettings;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.StreamRescue;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.quota.QuotaSettings;
import ai.orchestrator.routing.StandardStrategy;
import ai.orchestrator.routing.TokenPrice;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a builder can say a file can say, to the last value. */
class RoundTripTest {

    private static final int RUNS = 150;

    @TempDir
    private Path directory;

    @Test
    void a_builders_settings_come_back_from_their_file() throws IOException {
        for (long seed = 0; seed < RUNS; seed++) {
            Random random = new Random(seed);
            Map<String, String> environment = new HashMap<>();
            OrchestratorSettings settings = settings(random, environment);
            String text = OrchestratorConfig.properties(settings);

            ConfigReport report =
                    ConfigFiles.loader(directory, text).environment(environment).check();

            assertThat(report.mistakes()).as("seed %s of%n%s", seed, text).isEmpty();
            assertThat(report.settings()).as("seed %s of%n%s", seed, text).contains(settings);
            environment.values().forEach(key -> assertThat(text).doesNotContain(key));
            assertThat(OrchestratorConfig.properties(report.settings().orElseThrow()))
                    .isEqualTo(text);
        }
    }

    @Test
    void the_defaults_need_no_line() {
        assertThat(OrchestratorConfig.properties(Orchestrator.builder()
                        .provider("local", provider -> provider.type("ollama"))
                        .settings()))
                .isEqualTo("orchestrator.providers.local.type=ollama\n");
    }

    @Test
    void what_no_file_can_name_is_refused_by_name() {
        Orchestrator.Builder own = Orchestrator.builder()
                .provider(
                        "mine",
                        provider -> provider.chatProvider((request, delivery, deadline, cancellation, sink) -> {}));
        assertThatThrownBy(() -> OrchestratorConfig.properties(own.settings()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'mine' is the application's own chatProvider");
        Orchestrator.Builder strategy = Orchestrator.builder().strategy((provider, call) -> 0);
        assertThatThrownBy(() -> OrchestratorConfig.properties(strategy.settings()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("orchestrator.routing.strategy is the application's own");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"a\\b", "a\\\\b", "${x}", "\\${x}", "a${", "#a", "!a", "a=b:c", "ä€😀", "a\tb", "a b", "a\\u12"})
    void whatever_a_text_has_in_it_comes_back(String model) throws IOException {
        OrchestratorSettings settings = Orchestrator.builder()
                .provider("p", provider -> provider.type("ollama").model(model))
                .settings();

        ConfigReport report = ConfigFiles.loader(directory, OrchestratorConfig.properties(settings))
                .check();

        assertThat(report.settings()).contains(settings);
    }

    // ---- Settings by chance

    private static OrchestratorSettings settings(Random random, Map<String, String> environment) {
        Orchestrator.Builder builder = Orchestrator.builder();
        // Longer than any first token below.
        builder.deadline(Duration.ofDays(400).plus(duration(random)));
        maybe(random, () -> builder.drainTimeout(duration(random)));
        maybe(random, () -> builder.streamRescue(pick(random, StreamRescue.values())));
        maybe(random, () -> builder.failOverOnContentFilter(random.nextBoolean()));
        maybe(random, () -> builder.strategy(pick(random, StandardStrategy.values())));
        maybe(random, () -> builder.retryBudget(pick(random, 0.0, 1.0, 1.0 / 3, 0.125, random.nextDouble())));
        maybe(random, () -> builder.failOpen(random.nextBoolean()));
        maybe(random, () -> builder.cacheEnabled(random.nextBoolean()));
        maybe(random, () -> builder.cacheTtl(duration(random).plusMillis(1)));
        maybe(random, () -> builder.cacheMaxSize(1 + random.nextLong(Long.MAX_VALUE >> random.nextInt(60))));
        maybe(random, () -> builder.healthChecks(random.nextBoolean()));
        maybe(random, () -> builder.healthCheckInterval(duration(random).plusSeconds(1)));
        maybe(random, () -> builder.healthCheckTimeout(duration(random).plusMillis(1)));
        List<String> names = new ArrayList<>();
        int providers = 1 + random.nextInt(3);
        for (int i = 0; i < providers; i++) {
            String name = "p" + i + pick(random, "", "-x", "_Y", "-groq-1");
            names.add(name);
            builder.provider(provider(name, random, environment, i == 0));
        }
        int routes = random.nextInt(3);
        for (int i = 0; i < routes; i++) {
            builder.route("r" + i, route -> {
                route.providers(names);
                maybe(random, () -> route.deadline(duration(random).plusDays(366)));
                maybe(random, () -> route.strategy(pick(random, StandardStrategy.values())));
                maybe(random, () -> route.streamRescue(pick(random, StreamRescue.values())));
                maybe(random, () -> route.failOpen(random.nextBoolean()));
            });
        }
        return builder.settings();
    }

    private static ProviderSettings provider(
            String name, Random random, Map<String, String> environment, boolean asked) {
        ProviderSettings.Builder provider = ProviderSettings.builder(name);
        String type = pick(random, "openai", "anthropic", "ollama", "azure");
        provider.type(type);
        maybe(random, () -> provider.option(pick(random, optionOf(type)), type.equals("ollama") ? "4096" : "bearer"));
        if (!type.equals("ollama") || random.nextBoolean()) {
            String key = "key-" + Long.toHexString(random.nextLong());
            environment.put(name.toUpperCase(Locale.ROOT).replace('-', '_') + "_API_KEY", key);
            provider.apiKey(key);
        }
        if (type.equals("azure") || random.nextBoolean()) {
            provider.baseUrl("https://host" + random.nextInt(9) + ".example.com/v1");
            provider.model("model-" + random.nextInt(9));
        }
        maybe(random, () -> provider.allowPlainHttp(random.nextBoolean()));
        maybe(random, () -> provider.priority(random.nextInt(Integer.MAX_VALUE)));
        if (!asked) {
            maybe(random, () -> provider.enabled(random.nextBoolean()));
            maybe(random, () -> provider.weight(random.nextInt(1_000_001)));
        }
        maybe(random, () -> provider.connectTimeout(duration(random).plusNanos(1)));
        maybe(random, () -> provider.firstTokenTimeout(duration(random).plusNanos(1)));
        maybe(random, () -> provider.idleTimeout(duration(random).plusMillis(1)));
        maybe(random, () -> provider.totalTimeout(duration(random).plusMillis(1)));
        maybe(random, () -> provider.maxConcurrent(random.nextInt(Integer.MAX_VALUE)));
        maybe(random, () -> provider.contextWindow(1 + random.nextLong(Long.MAX_VALUE)));
        maybe(random, () -> provider.collectStreams(random.nextBoolean()));
        maybe(random, () -> provider.price(new TokenPrice(random.nextInt(100) / 7.0, random.nextDouble() * 1e-7)));
        provider.circuitBreaker(breaker(random));
        provider.retry(retry(random));
        provider.quota(quota(random));
        return provider.build();
    }

    private static String[] optionOf(String type) {
        return switch (type) {
            case "anthropic", "azure" -> new String[] {"auth"};
            case "ollama" -> new String[] {"num-ctx", "keep-alive"};
            default -> new String[] {"organization"};
        };
    }

    private static CircuitBreakerSettings breaker(Random random) {
        CircuitBreakerSettings.Builder breaker =
                pick(random, CircuitBreakerSettings.defaults(), CircuitBreakerSettings.slowApi()).toBuilder();
        maybe(random, () -> breaker.failureThreshold(1 + random.nextInt(1_000)));
        maybe(random, () -> breaker.timeoutDuration(duration(random).plusMillis(1)));
        maybe(random, () -> breaker.successThreshold(1 + random.nextInt(1_000)));
        maybe(
                random,
                () -> breaker.failureWindow(
                        random.nextBoolean() ? Duration.ZERO : duration(random).plusMillis(1)));
        maybe(random, () -> breaker.trialLease(duration(random).plusMillis(1)));
        return breaker.build();
    }

    private static RetrySettings retry(Random random) {
        RetrySettings.Builder retry = RetrySettings.builder();
        maybe(random, () -> retry.maxAttempts(1 + random.nextInt(100)));
        maybe(random, () -> retry.backoff(duration(random)));
        maybe(random, () -> retry.maxBackoff(duration(random)));
        maybe(random, () -> retry.waitForHint(duration(random)));
        maybe(random, () -> retry.retryAfterCap(duration(random).plusMillis(1)));
        return retry.build();
    }

    private static QuotaSettings quota(Random random) {
        QuotaSettings.Builder quota = QuotaSettings.builder();
        maybe(random, () -> quota.requestsPerMinute(1 + random.nextLong(Long.MAX_VALUE)));
        maybe(random, () -> quota.requestsPerDay(1 + random.nextLong(Long.MAX_VALUE)));
        maybe(random, () -> quota.tokensPerMinute(1 + random.nextLong(Long.MAX_VALUE)));
        maybe(random, () -> quota.tokensPerDay(1 + random.nextLong(Long.MAX_VALUE)));
        maybe(
                random,
                () -> quota.zone(ZoneId.of(
                        pick(random, "UTC", "Z", "Europe/Berlin", "America/Los_Angeles", "+02:00", "GMT+2"))));
        return quota.build();
    }

    /** Zero to a little less than a year, in every unit. */
    private static Duration duration(Random random) {
        return pick(
                random,
                Duration.ZERO,
                Duration.ofNanos(random.nextInt(2_000_000)),
                Duration.ofMillis(random.nextInt(5_000)),
                Duration.ofSeconds(random.nextInt(7_200)),
                Duration.ofMinutes(random.nextInt(3_000)),
                Duration.ofHours(random.nextInt(1_000)),
                Duration.ofDays(random.nextInt(364)));
    }

    private static void maybe(Random random, Supplier<?> setting) {
        if (random.nextBoolean()) {
            var unused = setting.get();
        }
    }

    @SafeVarargs
    private static <T> T pick(Random random, T... values) {
        return values[random.nextInt(values.length)];
    }
}
