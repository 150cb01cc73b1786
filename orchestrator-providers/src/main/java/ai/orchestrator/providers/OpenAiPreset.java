package ai.orchestrator.providers;

import ai.orchestrator.provider.ProviderOption;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.provider.ProviderType;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;

/**
 * The vendors and servers that speak the OpenAI chat completions dialect, and where they differ. A vendor's own rules hold at its own address;
 * at another one, whatever is there is taken to know the dialect's common part.
 */
enum OpenAiPreset {
    OPENAI("openai", "https://api.openai.com/v1", "gpt-6-luna", "OPENAI_API_KEY"),
    AZURE("azure", null, null, "AZURE_OPENAI_API_KEY"),
    GROQ("groq", "https://api.groq.com/openai/v1", "openai/gpt-oss-20b", "GROQ_API_KEY"),
    HUGGING_FACE(
            "huggingface", "https://router.huggingface.co/v1", "openai/gpt-oss-20b", "HF_TOKEN", "HUGGINGFACE_API_KEY"),
    MISTRAL("mistral", "https://api.mistral.ai/v1", "mistral-small-latest", "MISTRAL_API_KEY"),
    DEEPSEEK("deepseek", "https://api.deepseek.com", "deepseek-flash", "DEEPSEEK_API_KEY"),
    OPENROUTER("openrouter", "https://openrouter.ai/api/v1", "openai/gpt-oss-20b:free", "OPENROUTER_API_KEY"),
    TOGETHER("together", "https://api.together.xyz/v1", null, "TOGETHER_API_KEY"),
    CEREBRAS("cerebras", "https://api.cerebras.ai/v1", null, "CEREBRAS_API_KEY"),
    XAI("xai", "https://api.x.ai/v1", null, "XAI_API_KEY"),
    VLLM("vllm", null, null),
    LM_STUDIO("lmstudio", "http://localhost:1234/v1", null);

    private static final Duration MINUTE = Duration.ofMinutes(1);

    private static final Pattern HEADER_VALUE = Pattern.compile("[\\x21-\\x7e]([\\x20-\\x7e]{0,198}[\\x21-\\x7e])?");

    /** A setting that is sent as a header. */
    private record HeaderOption(String name, String header) {}

    private final String typeName;
    private final @Nullable String baseUrl;
    private final @Nullable String defaultModel;

    @SuppressWarnings("ImmutableEnumChecker") // an unmodifiable list of strings
    private final List<String> apiKeyVariables;

    OpenAiPreset(String typeName, @Nullable String baseUrl, @Nullable String defaultModel, String... apiKeyVariables) {
        this.typeName = typeName;
        this.baseUrl = baseUrl;
        this.defaultModel = defaultModel;
        this.apiKeyVariables = List.of(apiKeyVariables);
    }

    ProviderType type() {
        return new ProviderType(
                typeName,
                Optional.ofNullable(baseUrl).map(URI::create),
                Optional.ofNullable(defaultModel),
                this == AZURE || (baseUrl != null && this != LM_STUDIO),
                apiKeyVariables,
                this == AZURE ? AzureOpenAi.options() : options());
    }

    private List<ProviderOption> options() {
        return headerOptions().stream()
                .map(option -> ProviderOption.optional(
                        option.name, HEADER_VALUE, "1 to 200 visible ASCII characters", "sent as " + option.header))
                .toList();
    }

    private List<HeaderOption> headerOptions() {
        return switch (this) {
            case OPENAI ->
                List.of(
                        new HeaderOption("organization", "OpenAI-Organization"),
                        new HeaderOption("project", "OpenAI-Project"));
            case HUGGING_FACE -> List.of(new HeaderOption("bill-to", "X-HF-Bill-To"));
            case OPENROUTER ->
                List.of(new HeaderOption("referer", "HTTP-Referer"), new HeaderOption("title", "X-OpenRouter-Title"));
            default -> List.of();
        };
    }

    /** Where to post. */
    HttpUrl chatCompletions(ProviderTarget target) {
        return this == AZURE
                ? AzureOpenAi.chatCompletions(target)
                : Endpoint.of(target.baseUrl(), "chat", "completions");
    }

    /**
     * What costs nothing to get: the list of models, as in each vendor's reference. OpenRouter shows it to anybody, so there it is what is known
     * of the key. Hugging Face's router shows its list to anybody too, and has nothing else.
     */
    HttpUrl free(ProviderTarget target) {
        if (this == AZURE) {
            return AzureOpenAi.models(target);
        }
        return Endpoint.without(chatCompletions(target), "chat", "completions")
                .newBuilder()
                .addPathSegment(this == OPENROUTER && isVendorsOwn(target.baseUrl()) ? "key" : "models")
                .build();
    }

    /** The key's header, and those that the target's options ask for. */
    void addHeaders(ProviderTarget target, BiConsumer<String, String> header) {
        boolean ownHeader = this == AZURE && !AzureOpenAi.sendsBearer(target);
        target.apiKey()
                .ifPresent(key ->
                        header.accept(ownHeader ? "api-key" : "Authorization", ownHeader ? key : "Bearer " + key));
        headerOptions()
                .forEach(option -> target.option(option.name).ifPresent(value -> header.accept(option.header, value)));
    }

    /** Whether OpenAI's models run there by their own names, and with their own rules. Groq, OpenRouter and the others map parameters themselves, and have other models of such names. */
    boolean hasOpenAiModels() {
        return this == OPENAI || this == AZURE;
    }

    /** The model whose rules hold. */
    String ruledModel(ProviderTarget target) {
        return this == AZURE ? AzureOpenAi.deployedModel(target) : target.model();
    }

    boolean isVendorsOwn(URI target) {
        return baseUrl != null && target.equals(URI.create(baseUrl));
    }

    /** OpenAI and Groq have given {@code max_tokens} up; servers that imitate them know only the old name. */
    String maxTokensField(URI target) {
        return (this == OPENAI || this == GROQ) && isVendorsOwn(target) ? "max_completion_tokens" : "max_tokens";
    }

    /** Mistral's own name; it refuses fields that it does not know. */
    String seedField() {
        return this == MISTRAL ? "random_seed" : "seed";
    }

    /** Whether usage comes in a stream only if asked for. The others send it anyway, and Mistral refuses to be asked. */
    boolean asksForUsage(ProviderTarget target) {
        return switch (this) {
            case AZURE -> AzureOpenAi.knowsStreamOptions(target);
            case OPENAI, HUGGING_FACE, VLLM, LM_STUDIO, TOGETHER -> true;
            default -> false;
        };
    }

    /** DeepSeek has JSON mode alone. */
    boolean knowsJsonSchema() {
        return this != DEEPSEEK;
    }

    /** Mistral takes no others, so the ids of calls that another provider's model made are replaced. */
    Optional<Pattern> toolCallIds() {
        return this == MISTRAL ? Optional.of(Pattern.compile("[A-Za-z0-9]{9}")) : Optional.empty();
    }

    /** Over which time limits count where the headers do not say it, after the vendors' documentation; of others nobody knows. */
    Map<String, Duration> rateLimitWindows() {
        return switch (this) {
            case OPENAI -> Map.of("tokens", MINUTE, "project-tokens", MINUTE);
            // Of 120 requests a minute it shows 20.
            case AZURE -> Map.of("requests", Duration.ofSeconds(10), "tokens", MINUTE);
            case GROQ -> Map.of("requests", Duration.ofDays(1), "tokens", MINUTE);
            case MISTRAL -> Map.of("tokens", MINUTE);
            case TOGETHER -> Map.of("requests", Duration.ofSeconds(1));
            case XAI -> Map.of("requests", Duration.ofSeconds(1), "tokens", MINUTE);
            default -> Map.of();
        };
    }
}
