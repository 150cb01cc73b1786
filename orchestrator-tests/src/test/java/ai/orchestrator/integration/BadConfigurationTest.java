package ai.orchestrator.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.ConfigurationException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.breaker.CircuitBreakerSettings;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BadConfigurationTest {

    private static final String GOOD =
            lines("orchestrator.providers.a.type=openai", "orchestrator.providers.a.base-url=http://localhost:1/v1");

    @TempDir
    private Path directory;

    private OrchestratorConfig load(String text) throws IOException {
        return OrchestratorConfig.load(
                Files.writeString(directory.resolve("o.properties"), text), Map.of("KEY", "sk-env", "BAD", "sk env"));
    }

    private List<String> mistakes(String text) throws IOException {
        try {
            OrchestratorConfig config = load(text);
            throw new AssertionError("accepted: " + config);
        } catch (ConfigurationException e) {
            return e.mistakes();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "orchestrator.deadlin=30s|orchestrator.deadlin: unknown key; allowed: orchestrator.deadline",
                "deadline=30s|deadline: unknown key",
                "orchestrator.deadline=soon|orchestrator.deadline=soon: must be a duration, such as 500ms",
                "orchestrator.deadline=0s|orchestrator.deadline=0s: must be more than zero",
                "orchestrator.deadline=-5s|orchestrator.deadline=-5s: must be more than zero",
                "orchestrator.routing.strategy=best|orchestrator.routing.strategy=best: must be one of priority, weighted, round-robin, score, latency, cost",
                "orchestrator.cache.enabled=on|orchestrator.cache.enabled=on: must be true or false",
                "orchestrator.cache.ttl=0s|orchestrator.cache.ttl=0s: cacheTtl must be more than zero",
                "orchestrator.cache.max-size=64M|cache.max-size=64M: must be a size, such as 512KB, 64MB, 1GB",
                "orchestrator.cache.max-size=0|orchestrator.cache.max-size=0: cacheMaxSize must be more than zero",
                "orchestrator.cache.size=1MB|orchestrator.cache.size: unknown key",
                "orchestrator.routing.fail-open=1|orchestrator.routing.fail-open=1: must be true or false",
                "orchestrator.routing.weights=1|orchestrator.routing.weights: unknown key",
                "orchestrator.routes.fast.providers=a,x|orchestrator.routes.fast.providers=a,x: no provider is named 'x'; there are [a]",
                "orchestrator.routes.fast.providers=a, a|routes.fast.providers=a, a: the provider 'a' is listed twice",
                "orchestrator.routes.fast.providers=|orchestrator.routes.fast.providers=: a route needs at least one provider",
                "orchestrator.routes.fast.strategy=latency|orchestrator.routes.fast.providers: missing; list the providers",
                "orchestrator.routes.fast.colour=red|orchestrator.routes.fast.colour: unknown key; a route's keys are",
                "orchestrator.routes.fast=a|orchestrator.routes.fast: unknown key; a route's keys are",
                "orchestrator.routes.default.providers=a|orchestrator.routes.default: the route 'default' holds all",
                "orchestrator.routes.a!.providers=a|a route's name must be 1 to 64 letters",
                "orchestrator.routes.fast.providers=${NONE}|routes.fast.providers: missing; the environment variable NONE",
                "orchestrator.providers.a.weight=-1|weight=-1: weight must be 0 to 1000000 but is -1",
                "orchestrator.providers.a.weight=0|orchestrator.providers: none is enabled; enable at least one, with a weight",
                "orchestrator.providers.a.price.input=1|orchestrator.providers.a.price.output: missing; a price has both",
                "orchestrator.providers.a.price.output=1|orchestrator.providers.a.price.input: missing; a price has both",
                "orchestrator.health.check=yes|orchestrator.health.check=yes: must be true or false",
                "orchestrator.health.interval=500ms|health.interval=500ms: healthCheckInterval must be 1 second to 365",
                "orchestrator.health.timeout=0s|health.timeout=0s: healthCheckTimeout must be 1 millisecond to 365 days",
                "orchestrator.health.path=/|orchestrator.health.path: unknown key",
                "orchestrator.metrics.enabled=true|orchestrator.metrics.enabled: not available yet",
                "orchestrator.drain-timeout=-1s|orchestrator.drain-timeout=-1s: drainTimeout must be zero to 365 days",
                "orchestrator.stream-rescue=pray|orchestrator.stream-rescue=pray: must be fail, hold or restart",
                "orchestrator.fail-over-on-content-filter=1|fail-over-on-content-filter=1: must be true or false",
                "orchestrator.defaults.retry.max-attempts=0|retry.max-attempts=0: maxAttempts must be 1 to 100 but is 0",
                "orchestrator.defaults.retry.max-attempts=101|maxAttempts must be 1 to 100 but is 101",
                "orchestrator.providers.a.retry.backoff=-1ms|retry.backoff=-1ms: backoff must be zero to 365 days",
                "orchestrator.providers.a.retry.max-backoff=400d|maxBackoff must be zero to 365 days but is PT9600H",
                "orchestrator.providers.a.retry.wait-for-hint=-1s|waitForHint must be zero to 365 days",
                "orchestrator.providers.a.retry-after-cap=0s|retry-after-cap=0s: retryAfterCap must be more than zero",
                "orchestrator.providers.a.max-concurrent=-1|max-concurrent=-1: maxConcurrent must be 0 or more",
                "orchestrator.providers.a.context-window=0|context-window=0: contextWindow must be more than 0",
                "orchestrator.providers.a.collect-streams=yes|collect-streams=yes: must be true or false",
                "orchestrator.providers.a.stream-rescue=hold|orchestrator.providers.a.stream-rescue: unknown key",
                "orchestrator.defaults.timeout.idle=0s|orchestrator.defaults.timeout.idle=0s: idleTimeout must be more than zero",
                "orchestrator.providers.a.quota.requests-per-day=0|quota.requests-per-day=0: requestsPerDay must be more than",
                "orchestrator.providers.a.quota.tokens-per-minute=many|quota.tokens-per-minute=many: must be a whole number",
                "orchestrator.providers.a.quota.zone=Mars|quota.zone=Mars: must be a time zone, such as UTC",
                "orchestrator.providers.a.quota.per-day=9|orchestrator.providers.a.quota.per-day: unknown key",
                "orchestrator.providers.a.api-key-file=/x|orchestrator.providers.a.api-key-file: not available yet",
                "orchestrator.defaults.api-key=sk-1|orchestrator.defaults.api-key: unknown key; allowed here: circuit",
                "orchestrator.providers.a.modle=x|orchestrator.providers.a.modle: unknown key; allowed here: allow-plain",
                "orchestrator.providers.a=x|orchestrator.providers.a: unknown key",
                "orchestrator.providers.a.priority=high|priority=high: must be a whole number",
                "orchestrator.providers.a.priority=-1|priority=-1: priority must be 0 or more",
                "orchestrator.providers.a.enabled=yes|enabled=yes: must be true or false",
                "orchestrator.providers.a.timeout.total=-1s|timeout.total=-1s: totalTimeout must be more than zero",
                "orchestrator.providers.a.circuit-breaker.failure-threshold=0|failureThreshold must be 1 to 1000",
                "orchestrator.providers.a.circuit-breaker.failure-window=-1s|failureWindow must be 0, or 1 ms to 365 days",
                "orchestrator.defaults.circuit-breaker.trial-lease=0s|trialLease must be 1 ms to 365 days",
                "orchestrator.providers.a.circuit-breaker.preset=fast|unknown preset; allowed: critical-service, fast-api",
                "orchestrator.providers.b.type=openia|orchestrator.providers.b.type=openia: unknown provider type; allowed: ",
                "orchestrator.providers.b.model=x|orchestrator.providers.b.type: missing; allowed: ",
                "orchestrator.providers.b.type=groq|orchestrator.providers.b.api-key: missing; groq needs a key",
                "orchestrator.providers.a.api-key=${NONE}|api-key: missing; the environment variable NONE is not set",
                "orchestrator.providers.a.api-key=${NONE:}|orchestrator.providers.a.api-key: apiKey must not be empty",
                "orchestrator.providers.a.api-key=${KEY|orchestrator.providers.a.api-key: a ${ is not closed",
                "orchestrator.providers.a.enabled=false|orchestrator.providers: none is enabled",
                "orchestrator.providers.a.type=groq|orchestrator.providers.a.type: given twice",
                "orchestrator.providers.a_b!.type=groq|orchestrator.providers.a_b!: a provider's name must be",
            })
    void each_mistake_names_its_key_and_what_is_allowed(String line, String message) throws IOException {
        assertThat(mistakes(GOOD + line)).singleElement().asString().contains(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "localhost:8000/v1|must start with https://",
                "api.example.com/v1|must start with https://",
                "ftp://example.com|must start with https://",
                "https:///v1|must start with https:// (or http:// for this machine) and name a host",
                "http://api.example.com/v1|plain http to another machine",
                "http://127.0.0.1.example.com/v1|plain http to another machine",
                "http://192.168.1.5/v1|plain http to another machine",
                "user:pass@host/v1|must not contain a user or a password",
                "https://user:pass@my_host/v1|must not contain a user or a password",
                "https://my_host:8000/v1|the host must be an address, or a name of letters",
                "https://user:pass@example.com/v1|must not contain a user or a password",
                "https://example.com/v1?key=x|must not have a query",
                "https://exa mple.com|not a URL",
                "https://example.com:99999/v1|the port must be 1 to 65535",
                "https://example.com:0/v1|the port must be 1 to 65535",
            })
    void an_address_that_cannot_be_trusted_is_refused(String url, String message) throws IOException {
        assertThat(mistakes("orchestrator.providers.a.type=openai\norchestrator.providers.a.base-url=" + url))
                .singleElement()
                .asString()
                .startsWith("orchestrator.providers.a.base-url")
                .contains(message)
                .doesNotContain("pass@", "key=x");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "api-version=2024|must be a date such as 2024-10-21 or 2025-04-01-preview; at an address that",
                "auth=x-api-key|must be api-key or bearer",
                "deployed-model=gpt 5|must be the name of the model that the deployment runs",
                "max-tokens=9|unknown key; allowed here: ",
            })
    void a_mistake_in_azures_own_settings_says_what_is_allowed(String setting, String message) throws IOException {
        String azure = lines(
                "orchestrator.providers.a.type=azure",
                "orchestrator.providers.a.base-url=https://x.openai.azure.com",
                "orchestrator.providers.a.api-key=k-secret-123",
                "orchestrator.providers.a.model=chat");
        assertThat(mistakes(azure + "orchestrator.providers.a." + setting))
                .singleElement()
                .asString()
                .contains(message);
    }

    @ParameterizedTest
    @CsvSource({"-1, 1", "1, NaN", "free, 1"})
    void a_price_that_is_no_price_is_refused(String input, String output) throws IOException {
        assertThat(mistakes(GOOD
                        + lines(
                                "orchestrator.providers.a.price.input=" + input,
                                "orchestrator.providers.a.price.output=" + output)))
                .singleElement()
                .asString()
                .contains(": must be zero or more for a million tokens");
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
                        .providers()
                        .get(0)
                        .price())
                .hasValue(new TokenPrice(1, 2));
    }

    @Test
    void azure_needs_a_key_at_every_address() throws IOException {
        assertThat(mistakes(lines(
                        "orchestrator.providers.a.type=azure",
                        "orchestrator.providers.a.base-url=https://x.openai.azure.com",
                        "orchestrator.providers.a.model=chat")))
                .singleElement()
                .asString()
                .contains("orchestrator.providers.a.api-key: missing; azure needs a key");
    }

    @Test
    void the_query_of_the_address_that_azures_portal_shows_has_a_setting_of_its_own() throws IOException {
        assertThat(mistakes(lines(
                        "orchestrator.providers.a.type=azure",
                        "orchestrator.providers.a.base-url=https://x.openai.azure.com/openai/deployments/d/chat/completions"
                                + "?api-version=2024-10-21",
                        "orchestrator.providers.a.api-key=k-secret-123",
                        "orchestrator.providers.a.model=chat")))
                .singleElement()
                .asString()
                .contains("base-url: must not have a query or a fragment")
                .contains("give a version as api-version");
    }

    @Test
    void a_key_that_is_in_the_wrong_line_is_not_repeated() throws IOException {
        assertThat(mistakes(lines(
                        "orchestrator.providers.a.type=azure",
                        "orchestrator.providers.a.base-url=https://x.openai.azure.com",
                        "orchestrator.providers.a.api-key=k-secret-123",
                        "orchestrator.providers.a.auth=k-secret-123",
                        "orchestrator.providers.a.model=chat")))
                .singleElement()
                .asString()
                .contains("auth: must be api-key or bearer")
                .doesNotContain("k-secret");
    }

    @Test
    void azure_has_no_address_and_no_model_of_its_own() throws IOException {
        assertThat(mistakes("orchestrator.providers.a.type=azure"))
                .anySatisfy(mistake -> assertThat(mistake).contains("base-url: missing; the type azure has no address"))
                .anySatisfy(mistake -> assertThat(mistake).contains("model: missing; the type azure has no default"))
                .anySatisfy(mistake -> assertThat(mistake).contains("api-key: missing; azure needs a key"))
                .hasSize(3);
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
        assertThat(config.providers().get(0).apiKey()).hasValue("sk-env");
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
        assertThat(mistakes("a=\\u12")).singleElement().asString().contains("not a properties file");
    }

    @Test
    void a_file_without_providers_is_refused() throws IOException {
        assertThat(mistakes("orchestrator.deadline=3s"))
                .singleElement()
                .asString()
                .contains("none is configured");
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

        assertThat(config.providers()).hasSize(1);
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

        ProviderSettings provider = config.providers().get(0);
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
