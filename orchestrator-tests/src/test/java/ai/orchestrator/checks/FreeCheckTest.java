package ai.orchestrator.checks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.provider.ProviderOption;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.provider.ProviderType;
import ai.orchestrator.providers.HttpProviderFactory;
import ai.orchestrator.secrets.PlantedKeys;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a dialect makes of the answer to its free check. */
@Timeout(60)
class FreeCheckTest {

    private static final String MODELS =
            "{\"object\":\"list\",\"data\":[{\"id\":\"scripted-1\",\"object\":\"model\"}]}";

    private final ScriptedServer server = ScriptedServer.start();
    private final HttpProviderFactory factory = new HttpProviderFactory();
    private final Cancellation cancellation = new Cancellation();

    @AfterEach
    void close() {
        factory.close();
        server.close();
    }

    private ChatProvider provider(String typeName, String baseUrl) {
        ProviderType type = factory.types().stream()
                .filter(known -> known.name().equals(typeName))
                .findFirst()
                .orElseThrow();
        Map<String, String> options = new HashMap<>();
        for (ProviderOption option : type.options()) {
            option.defaultValue().ifPresent(value -> options.put(option.name(), value));
        }
        return factory.create(
                new ProviderTarget("p", type, URI.create(baseUrl), "scripted-1", Optional.of(PlantedKeys.KEY), options),
                InstantSource.system());
    }

    private boolean isWell(Reply reply) {
        server.reply(reply);
        return provider("openai", server.baseUrl()).check(cancellation);
    }

    private ProviderException failure(Reply reply) {
        return catchThrowableOfType(ProviderException.class, () -> isWell(reply));
    }

    @ParameterizedTest
    @CsvSource({
        "openai,           GET /v1/models",
        "azure,            GET /v1/models",
        "anthropic,        GET /v1/models?limit=1",
        "gemini,           GET /v1/models?pageSize=1",
        "cohere,           GET /v1/models?page_size=1",
        "ollama,           GET /api/tags",
        "huggingface-text, GET /v1/health",
    })
    void a_provider_that_lists_its_models_is_well(String type, String asked) {
        server.reply(Reply.json(MODELS));

        assertThat(provider(type, server.baseUrl()).check(cancellation)).isTrue();
        assertThat(server.requestCount()).isEqualTo(1);
        assertThat(server.awaitRequest()).satisfies(request -> {
            assertThat(request.method() + " " + request.path()).isEqualTo(asked);
            assertThat(request.headers().values()).anyMatch(value -> value.endsWith(PlantedKeys.KEY));
            assertThat(request.headers()).containsEntry("accept-encoding", "identity");
            assertThat(request.body()).isEmpty();
        });
    }

    @Test
    void a_success_without_a_body_is_one_as_well() {
        assertThat(isWell(Reply.json(""))).isTrue();
    }

    @Test
    void of_a_list_of_any_length_no_more_is_read_than_an_error_can_be_long() {
        String endless = "{\"data\":[" + "{\"id\":\"a-model\"},".repeat(100_000);

        assertThat(isWell(Reply.json(endless))).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "401, invalid_api_key,      CREDENTIAL",
        "403, permission_error,     PERMISSION",
        "402, insufficient_quota,   QUOTA_EXHAUSTED",
        "429, rate_limit_exceeded,  RATE_LIMITED",
        "500, server_error,         SERVER",
        "503, server_is_overloaded, OVERLOADED",
        "307, moved,                MODEL_NOT_FOUND",
        "200, insufficient_quota,   QUOTA_EXHAUSTED",
    })
    void what_is_wrong_is_recognised_as_that_of_a_call(int status, String code, FailureKind kind) {
        ProviderException e = failure(Reply.error(status, code, "of the key " + PlantedKeys.KEY));

        assertThat(e.kind()).isEqualTo(kind);
        assertThat(e.status()).hasValue(status);
        assertThat(e).hasMessageNotContaining(PlantedKeys.KEY);
        assertThat(server.requestCount()).isEqualTo(1);
    }

    @Test
    void a_connection_that_breaks_is_a_failure_of_the_network() {
        assertThat(failure(Reply.reset()).kind()).isEqualTo(FailureKind.NETWORK);
    }

    @Test
    void a_web_page_is_no_list_of_models() {
        ProviderException e = failure(Reply.json("<!doctype html><html></html>"));

        assertThat(e.kind()).isEqualTo(FailureKind.MALFORMED);
        assertThat(e).hasMessageContaining("base-url may be wrong");
    }

    @ParameterizedTest
    @ValueSource(ints = {404, 405, 501})
    void a_server_that_has_no_such_list_can_be_asked_nothing(int status) {
        assertThat(isWell(Reply.error(status, "not_found", "no such page"))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {401, 403})
    void a_key_that_is_restricted_to_completions_is_not_a_bad_one(int status) {
        assertThat(isWell(Reply.status(
                        status,
                        "{\"error\":\"You have insufficient permissions for this operation."
                                + " Missing scopes: api.model.read.\"}")))
                .isFalse();
    }

    @Test
    void an_endpoint_that_asking_would_wake_is_not_asked() {
        assertThat(provider("openai", "https://abc.us-east-1.aws.endpoints.huggingface.cloud/v1")
                        .check(cancellation))
                .isFalse();
        assertThat(provider("huggingface-text", "https://abc.eu-west-1.aws.endpoints.huggingface.cloud")
                        .check(cancellation))
                .isFalse();
    }

    @Test
    void nothing_is_asked_twice_by_itself_whatever_the_server_would_like() {
        assertThat(failure(Reply.error(503, "busy", "again").withHeader("Retry-After", "0"))
                        .kind())
                .isEqualTo(FailureKind.OVERLOADED);
        assertThat(failure(Reply.error(408, "slow", "again")).kind()).isEqualTo(FailureKind.TIMEOUT);
        assertThat(server.requestCount()).isEqualTo(2);
    }

    @Test
    void a_check_that_is_cancelled_ends_at_once() {
        server.reply(Reply.hang());
        CompletableFuture<ProviderException> ended = CompletableFuture.supplyAsync(() -> catchThrowableOfType(
                ProviderException.class,
                () -> provider("openai", server.baseUrl()).check(cancellation)));
        server.awaitRequest();
        cancellation.cancel();

        assertThat(ended)
                .succeedsWithin(Duration.ofSeconds(10))
                .satisfies(e -> assertThat(e.kind()).isEqualTo(FailureKind.CANCELLED));
    }
}
