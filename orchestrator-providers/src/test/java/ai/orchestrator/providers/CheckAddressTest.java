package ai.orchestrator.providers;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.provider.ProviderOption;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.provider.ProviderType;
import java.net.URI;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import okhttp3.Request;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What each type of provider is asked for free. */
class CheckAddressTest {

    private static final String KEY = "the-key";

    private static Optional<Request> asked(String typeName, String baseUrl, Map<String, String> options) {
        ProviderType type;
        try (HttpProviderFactory factory = new HttpProviderFactory()) {
            type = factory.types().stream()
                    .filter(known -> known.name().equals(typeName))
                    .findFirst()
                    .orElseThrow();
        }
        Map<String, String> all = new HashMap<>();
        for (ProviderOption option : type.options()) {
            option.defaultValue().ifPresent(value -> all.put(option.name(), value));
        }
        all.putAll(options);
        URI address = baseUrl.isEmpty() ? type.baseUrl().orElseThrow() : URI.create(baseUrl);
        return HttpProviderFactory.dialect(new ProviderTarget("p", type, address, "a-model", Optional.of(KEY), all))
                .check()
                .map(Request.Builder::build);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "openai,      https://api.openai.com/v1/models",
        "groq,        https://api.groq.com/openai/v1/models",
        "huggingface, https://router.huggingface.co/v1/models",
        "mistral,     https://api.mistral.ai/v1/models",
        "deepseek,    https://api.deepseek.com/models",
        "openrouter,  https://openrouter.ai/api/v1/key",
        "together,    https://api.together.xyz/v1/models",
        "cerebras,    https://api.cerebras.ai/v1/models",
        "xai,         https://api.x.ai/v1/models",
        "lmstudio,    http://localhost:1234/v1/models",
        "anthropic,   https://api.anthropic.com/v1/models?limit=1",
        "gemini,      https://generativelanguage.googleapis.com/v1beta/models?pageSize=1",
        "cohere,      https://api.cohere.com/v1/models?page_size=1",
        "ollama,      http://localhost:11434/api/tags",
    })
    void a_vendor_is_asked_for_its_models_or_for_what_it_knows_of_the_key(String type, String url) {
        assertThat(asked(type, "", Map.of())).get().satisfies(request -> {
            assertThat(request.method()).isEqualTo("GET");
            assertThat(request.url()).hasToString(url);
        });
    }

    @ParameterizedTest(name = "{0} at {1}")
    @CsvSource({
        "openai,           https://gw.example/v1/chat/completions,  https://gw.example/v1/models",
        "vllm,             https://gpu.example:8000/v1/,            https://gpu.example:8000/v1/models",
        "openrouter,       https://gw.example/v1,                   https://gw.example/v1/models",
        "anthropic,        https://gw.example/v1/messages,          https://gw.example/v1/models?limit=1",
        "gemini,           https://gw.example/google/v1beta,        https://gw.example/google/v1beta/models?pageSize=1",
        "cohere,           https://gw.example/cohere/v2/chat,       https://gw.example/cohere/v1/models?page_size=1",
        "cohere,           https://gw.example/chat,                 https://gw.example/models?page_size=1",
        "ollama,           https://gpu.example/v1,                  https://gpu.example/api/tags",
        "ollama,           https://gpu.example/api/chat,            https://gpu.example/api/tags",
        "huggingface-text, https://gpu.example:8080,                https://gpu.example:8080/health",
        "huggingface-text, https://gpu.example/tgi/,                https://gpu.example/tgi/health",
        "azure, https://r.openai.azure.com,           https://r.openai.azure.com/openai/models?api-version=2024-10-21",
        "azure, https://gw.example/prefix/openai,     https://gw.example/prefix/openai/models?api-version=2024-10-21",
        "azure, https://r.openai.azure.com/openai/v1, https://r.openai.azure.com/openai/v1/models",
        "azure, https://r.openai.azure.com/openai/deployments/d/chat/completions,"
                + "                           https://r.openai.azure.com/openai/models?api-version=2024-10-21",
    })
    void another_address_is_asked_where_its_calls_go(String type, String baseUrl, String url) {
        assertThat(asked(type, baseUrl, Map.of()))
                .get()
                .extracting(Request::url)
                .hasToString(url);
    }

    @Test
    void a_check_has_the_headers_of_a_call() {
        Request azure = asked("azure", "https://r.openai.azure.com/", Map.of("api-version", "2025-04-01-preview"))
                .orElseThrow();
        Request anthropic = asked("anthropic", "", Map.of("beta", "one,two")).orElseThrow();

        assertThat(azure.header("api-key")).isEqualTo(KEY);
        assertThat(azure.url().queryParameter("api-version")).isEqualTo("2025-04-01-preview");
        assertThat(anthropic.header("x-api-key")).isEqualTo(KEY);
        assertThat(anthropic.header("anthropic-version")).isEqualTo("2023-06-01");
        assertThat(anthropic.header("anthropic-beta")).isEqualTo("one,two");
        assertThat(asked("gemini", "", Map.of()).orElseThrow().header("x-goog-api-key"))
                .isEqualTo(KEY);
        assertThat(asked("cohere", "", Map.of()).orElseThrow().header("Authorization"))
                .isEqualTo("Bearer " + KEY);
    }

    @Test
    void hugging_faces_router_has_nothing_of_its_text_generation_to_ask_for() {
        assertThat(asked("huggingface-text", "", Map.of())).isEmpty();
    }
}
