package ai.orchestrator.scenarios;

import java.util.List;
import java.util.Map;

/** The dialects that providers speak, and which scenarios cannot happen in one of them. */
public enum Dialect {
    OPENAI("openai"),
    AZURE("azure"),
    ANTHROPIC("anthropic"),
    GEMINI("gemini"),
    COHERE("cohere"),
    OLLAMA("ollama"),
    HUGGINGFACE_TEXT("huggingface-text");

    private static final String NO_TIME = "its refusals name no time";
    private static final String NO_POLICY = "it has no policy that could refuse a request";

    /** Both deliveries, and every contract of streams. */
    private static final List<Way> CHOSEN_WAYS =
            List.of(Way.SYNC, Way.COLLECTED, Way.STREAM_FAIL, Way.STREAM_HOLD, Way.STREAM_RESTART);

    private final String type;

    Dialect(String type) {
        this.type = type;
    }

    /** The type of its providers. */
    public String type() {
        return type;
    }

    public Wire wire() {
        return switch (this) {
            case OPENAI -> new OpenAiWire();
            case AZURE -> new AzureWire();
            case ANTHROPIC -> new AnthropicWire();
            case GEMINI -> new GeminiWire();
            case COHERE -> new CohereWire();
            case OLLAMA -> new OllamaWire();
            case HUGGINGFACE_TEXT -> new HuggingFaceTextWire();
        };
    }

    /** Why scenarios cannot happen in this dialect, by their number. */
    Map<String, String> impossible() {
        return switch (this) {
            case OPENAI, AZURE, ANTHROPIC, GEMINI -> Map.of();
            case COHERE -> Map.of("F1", NO_TIME);
            case OLLAMA -> Map.of("F1", NO_TIME, "F13", NO_POLICY);
            case HUGGINGFACE_TEXT -> Map.of("F13", NO_POLICY);
        };
    }

    /** In which ways its scenarios are asked: what the ways do to each other does not depend on the dialect. */
    List<Way> ways() {
        return this == OPENAI ? List.of(Way.values()) : CHOSEN_WAYS;
    }

    /** What the fallback speaks: another one, so that a request has to be written anew, but where all ways are tried. */
    Dialect ofFallback() {
        return switch (this) {
            case OPENAI, HUGGINGFACE_TEXT -> OPENAI;
            case AZURE -> ANTHROPIC;
            case ANTHROPIC -> GEMINI;
            case GEMINI -> COHERE;
            case COHERE -> OLLAMA;
            case OLLAMA -> HUGGINGFACE_TEXT;
        };
    }
}
