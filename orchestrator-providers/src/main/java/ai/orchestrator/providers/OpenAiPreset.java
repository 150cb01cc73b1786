package ai.orchestrator.providers;

import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.provider.ProviderType;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The vendors that speak the OpenAI chat completions dialect, and where they differ. */
enum OpenAiPreset {
    OPENAI("openai", "https://api.openai.com/v1", "gpt-6-luna", "max_completion_tokens"),
    GROQ("groq", "https://api.groq.com/openai/v1", "openai/gpt-oss-20b", "max_completion_tokens"),
    HUGGING_FACE("huggingface", "https://router.huggingface.co/v1", "openai/gpt-oss-20b", "max_tokens");

    private final String typeName;
    private final String baseUrl;
    private final String defaultModel;
    private final String maxTokensField;

    OpenAiPreset(String typeName, String baseUrl, String defaultModel, String maxTokensField) {
        this.typeName = typeName;
        this.baseUrl = baseUrl;
        this.defaultModel = defaultModel;
        this.maxTokensField = maxTokensField;
    }

    static List<ProviderType> types() {
        return Arrays.stream(values()).map(OpenAiPreset::type).toList();
    }

    static OpenAiPreset of(ProviderTarget target) {
        return Arrays.stream(values())
                .filter(preset -> preset.typeName.equals(target.type().name()))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("not a type of this factory: " + target));
    }

    private ProviderType type() {
        return new ProviderType(typeName, Optional.of(URI.create(baseUrl)), Optional.of(defaultModel), true);
    }

    /** OpenAI itself refuses the old name for its newer models; servers that imitate it know only the old one. */
    String maxTokensField(URI target) {
        return target.equals(URI.create(baseUrl)) ? maxTokensField : "max_tokens";
    }
}
