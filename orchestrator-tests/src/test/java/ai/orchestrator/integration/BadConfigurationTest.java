package ai.orchestrator.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.ConfigurationException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.config.ConfigLoader;
import ai.orchestrator.config.OrchestratorConfig;
import ai.orchestrator.routing.TokenPrice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BadConfigurationTest {

    private static final String GOOD =
            lines("orchestrator.providers.a.type=openai", "orchestrator.providers.a.base-url=http://localhost:1/v1");

    @TempDir
    private Path directory;

    private OrchestratorConfig load(String text) throws IOException {
        return ConfigLoader.of(Files.writeString(directory.resolve("o.properties"), text))
                .environment(Map.of("KEY", "sk-env", "BAD", "sk env"))
                .systemProperties(Map.of())
                .load();
    }

    private List<String> mistakes(String text) throws IOException {
        try {
            OrchestratorConfig config = load(text);
            throw new AssertionError("accepted: " + config);
        } catch (ConfigurationException e) {
            return e.mistakes().stream().map(String::valueOf).toList();
        }
    }

    @Test
    void a_half_of_a_price_that_could_not_be_read_is_not_missing_too() throws IOException {
        assertThat(mistakes(GOOD
                        + lines(
                                "orchestrator.providers.a.price.input=1",
                                "orchestrator.providers.a.price.output=${NONE}")))
                .singleElement()
                .asString()
                .contains("price.output: missing; the environment variable NONE is not set");
    }

    @Test
    void one_half_of_a_price_may_come_from_the_defaults() throws IOException {
        assertThat(load(GOOD + lines("orchestrator.defaults.price.output=2", "orchestrator.providers.a.price.input=1"))
                        .settings()
                        .providers()
                        .get(0)
                        .price())
                .hasValue(new TokenPrice(1, 2));
    }

    @Test
    void all_mistakes_come_at_once() throws IOException {
        assertThatThrownBy(() -> load(lines(
                        "orchestrator.deadline=x",
                        "orchestrator.providers.a.type=nope",
                        "orchestrator.providers.b.type=groq",
                        "orchestrator.typo=1")))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("o.properties: 4 mistakes")
                .hasMessageContaining("orchestrator.deadline=x")
                .hasMessageContaining("orchestrator.typo");
    }

    @Test
    void a_key_is_never_shown() throws IOException {
        assertThat(mistakes(GOOD + "orchestrator.providers.a.api-key=${BAD}"))
                .singleElement()
                .asString()
                .doesNotContain("sk env");
        OrchestratorConfig config = load(GOOD + "orchestrator.providers.a.api-key=${KEY}");
        assertThat(config.toString()).doesNotContain("sk-env");
        assertThat(config.settings().providers().get(0).apiKey()).hasValue("sk-env");
    }

    @Test
    void a_file_that_cannot_be_read_is_named() {
        assertThatThrownBy(() -> OrchestratorConfig.load(directory.resolve("none.properties")))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("none.properties: there is no such file");
        assertThatThrownBy(() -> OrchestratorConfig.load(directory))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("it is a directory");
    }

    @Test
    void a_file_that_is_not_utf_8_or_not_properties_is_refused() throws IOException {
        Path latin1 = Files.write(directory.resolve("latin1"), new byte[] {'a', '=', (byte) 0xe4, '\n'});
        assertThatThrownBy(() -> OrchestratorConfig.load(latin1)).hasMessageContaining("not UTF-8");
    }

    @Test
    void a_providers_own_setting_wins_over_its_preset_and_both_over_the_defaults() throws IOException {
        ProviderSettings a = load(GOOD
                        + lines(
                                "orchestrator.defaults.circuit-breaker.failure-threshold=9",
                                "orchestrator.defaults.circuit-breaker.success-threshold=4",
                                "orchestrator.defaults.circuit-breaker.failure-window=5m",
                                "orchestrator.defaults.timeout.connect=1500ms",
                                "orchestrator.providers.b.type=openai",
                                "orchestrator.providers.b.base-url=https://b.example.com/v1",
                                "orchestrator.providers.a.circuit-breaker.timeout-duration=PT1M30S",
                                "orchestrator.providers.a.circuit-breaker.trial-lease=2m",
                                "orchestrator.providers.a.circuit-breaker.preset=slow-api"))
                .settings()
                .providers()
                .get(0);

        assertThat(a.circuitBreaker())
                .isEqualTo(CircuitBreakerSettings.builder()
                        .failureThreshold(3)
                        .timeoutDuration(Duration.ofSeconds(90))
                        .successThreshold(4)
                        .failureWindow(Duration.ofMinutes(5))
                        .trialLease(Duration.ofMinutes(2))
                        .build());
        assertThat(a.connectTimeout()).isEqualTo(Duration.ofMillis(1500));
    }

    @Test
    void plain_http_to_another_machine_can_be_allowed_by_name() throws IOException {
        OrchestratorConfig config = load(lines(
                "orchestrator.providers.a.type=openai",
                "orchestrator.providers.a.base-url=http://10.0.0.7:8000/v1",
                "orchestrator.providers.a.allow-plain-http=true"));

        assertThat(config.settings().providers()).hasSize(1);
    }

    @Test
    void a_builder_refuses_two_providers_of_one_name() {
        Orchestrator.Builder builder = Orchestrator.builder()
                .provider("a", p -> p.type("groq").apiKey("k"))
                .provider("a", p -> p.type("openai").apiKey("k"));

        assertThatThrownBy(builder::build)
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("orchestrator.providers.a: two providers have this name");
    }

    @Test
    void a_builder_without_an_enabled_provider_is_refused() {
        assertThatThrownBy(() -> Orchestrator.builder().build()).hasMessageContaining("none is configured");
        assertThatThrownBy(() -> Orchestrator.builder()
                        .provider("a", p -> p.type("groq").apiKey("k").enabled(false))
                        .build())
                .hasMessageContaining("none is enabled");
    }

    private static String lines(String... lines) {
        return String.join("\n", lines) + "\n";
    }

    @Test
    void what_is_said_of_retries_and_limits_reaches_the_provider() throws IOException {
        OrchestratorConfig config = load(GOOD
                + lines(
                        "orchestrator.defaults.retry.max-attempts=3",
                        "orchestrator.defaults.retry.backoff=100ms",
                        "orchestrator.defaults.retry.max-backoff=2s",
                        "orchestrator.defaults.retry-after-cap=30m",
                        "orchestrator.defaults.max-concurrent=8",
                        "orchestrator.providers.a.retry.max-attempts=1",
                        "orchestrator.providers.a.retry.wait-for-hint=3s",
                        "orchestrator.providers.a.context-window=128000",
                        "orchestrator.providers.a.collect-streams=true"));

        ProviderSettings provider = config.settings().providers().get(0);
        assertThat(provider.retry())
                .isEqualTo(RetrySettings.builder()
                        .maxAttempts(1)
                        .backoff(Duration.ofMillis(100))
                        .maxBackoff(Duration.ofSeconds(2))
                        .waitForHint(Duration.ofSeconds(3))
                        .retryAfterCap(Duration.ofMinutes(30))
                        .build());
        assertThat(provider.maxConcurrent()).isEqualTo(8);
        assertThat(provider.contextWindow()).hasValue(128_000);
        assertThat(provider.collectStreams()).isTrue();
    }
}
