package ai.orchestrator.providers;

import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.Message;
import ai.orchestrator.chat.ReasoningEffort;
import ai.orchestrator.chat.ResponseFormat;
import ai.orchestrator.chat.ToolCall;
import ai.orchestrator.chat.ToolChoice;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.ProviderTarget;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import okhttp3.HttpUrl;
import okhttp3.Request;
import okio.ByteString;

/** The OpenAI chat completions dialect: {@code POST <base>/chat/completions} with a bearer key, or what a preset makes of these. */
final class OpenAiDialect implements Dialect {

    private static final Set<String> FIXED_FIELDS = Set.of("model", "messages", "stream");

    /** OpenAI's models that think before they answer; only a prefix of a whole name part counts, also behind a gateway's "openai/". */
    private static final Pattern REASONING_FAMILY = Pattern.compile("(?:openai/)?(?:gpt-[5-9]|o[134])(?:[.-].*)?");

    /** OpenAI's models that do not think, and refuse to be asked how much. */
    private static final Pattern CLASSIC_FAMILY =
            Pattern.compile("(?:openai/)?(?:gpt-[34]|chatgpt-|gpt-5[.\\d]*-chat).*");

    /** Those of them that cannot stop thinking: gpt-5 itself, and the o series. */
    private static final Pattern ALWAYS_REASONS =
            Pattern.compile("(?:openai/)?(?:gpt-5(?:-(?:mini|nano|pro|codex).*|-20.*)?|o[134](?:-.*)?)");

    private static final Pattern GPT_5 = Pattern.compile("(?:openai/)?gpt-5(?:-(?:mini|nano).*|-20.*)?");

    /** Knows no step above high, but for codex-max. */
    private static final Pattern GPT_5_1 = Pattern.compile("(?:openai/)?gpt-5\\.1(?!-codex-max).*");

    /** OpenAI's open models, wherever they run: they think a little at least. */
    private static final Pattern OPEN_WEIGHTS = Pattern.compile("(?:.*/)?gpt-oss(?:[-:].*)?");

    /** Takes tools on this interface only without reasoning. */
    private static final Pattern TOOLS_WITHOUT_REASONING = Pattern.compile("(?:openai/)?gpt-6-luna(?:-.*)?");

    private final ProviderTarget target;
    private final OpenAiPreset preset;
    private final HttpUrl url;

    /** The model whose rules hold. */
    private final String model;

    private final boolean reasoningFamily;
    private final boolean classicFamily;
    private final boolean alwaysReasons;
    private final boolean toolsWithoutReasoning;

    OpenAiDialect(ProviderTarget target, OpenAiPreset preset) {
        this.target = target;
        this.preset = preset;
        this.url = preset.chatCompletions(target);
        this.model = preset.ruledModel(target);
        this.classicFamily =
                preset.hasOpenAiModels() && CLASSIC_FAMILY.matcher(model).matches();
        this.reasoningFamily = preset.hasOpenAiModels()
                && !classicFamily
                && REASONING_FAMILY.matcher(model).matches();
        this.alwaysReasons = reasoningFamily && ALWAYS_REASONS.matcher(model).matches();
        this.toolsWithoutReasoning =
                reasoningFamily && TOOLS_WITHOUT_REASONING.matcher(model).matches();
    }

    @Override
    public Optional<String> unsupported(ChatRequest request) {
        if (request.responseFormat() instanceof ResponseFormat.JsonSchema && !preset.knowsJsonSchema()) {
            return Optional.of("responseFormat: " + target.type().name() + " knows no JSON schema, only JSON");
        }
        if (request.reasoningEffort().filter(ReasoningEffort.NONE::equals).isPresent()
                && (alwaysReasons || OPEN_WEIGHTS.matcher(model).matches())) {
            return Optional.of("reasoningEffort: " + model + " cannot stop thinking");
        }
        if (classicFamily && thinks(request)) {
            return Optional.of("reasoningEffort: " + model + " does not think");
        }
        if (!reasoningFamily) {
            return Optional.empty();
        }
        if (!request.stopSequences().isEmpty() && alwaysReasons) {
            return Optional.of("stop: " + model + " knows no stop sequences");
        }
        boolean samples = request.temperature().isPresent() || request.topP().isPresent();
        if (samples && thinks(request)) {
            return Optional.of((request.temperature().isPresent() ? "temperature: " : "topP: ") + model
                    + " takes it only with reasoning effort NONE"
                    + (alwaysReasons ? ", which it does not have" : ""));
        }
        if (!request.tools().isEmpty() && toolsWithoutReasoning && thinks(request)) {
            return Optional.of("tools: " + model + " takes them here only with reasoning effort NONE");
        }
        return Optional.empty();
    }

    /** Whether the model would think: it would not where nobody asked for it and the request forbids it. */
    private boolean thinks(ChatRequest request) {
        return alwaysReasons
                || request.reasoningEffort()
                        .filter(effort -> effort != ReasoningEffort.NONE)
                        .isPresent();
    }

    @Override
    public Request.Builder http(Delivery delivery) {
        return http(url);
    }

    @Override
    public Optional<Request.Builder> check() {
        return Optional.of(http(preset.free(target)));
    }

    private Request.Builder http(HttpUrl url) {
        Request.Builder http = new Request.Builder().url(url);
        preset.addHeaders(target, http::header);
        return http;
    }

    @Override
    public ObjectNode json(ChatRequest request, Delivery delivery) {
        ObjectNode json = Json.object();
        json.put("model", target.model());
        ArrayNode messages = json.putArray("messages");
        request.messages().forEach(message -> write(message, messages.addObject()));
        request.maxTokens()
                .ifPresent(tokens -> json.put(
                        reasoningFamily ? "max_completion_tokens" : preset.maxTokensField(target.baseUrl()), tokens));
        request.temperature().ifPresent(temperature -> json.put("temperature", temperature));
        request.topP().ifPresent(topP -> json.put("top_p", topP));
        request.seed().ifPresent(seed -> json.put(preset.seedField(), seed));
        if (!request.stopSequences().isEmpty()) {
            ArrayNode stop = json.putArray("stop");
            request.stopSequences().forEach(stop::add);
        }
        writeTools(request, json);
        writeFormat(request.responseFormat(), json);
        writeEffort(request, json);
        json.put("stream", delivery == Delivery.STREAMED);
        if (delivery == Delivery.STREAMED && preset.asksForUsage(target)) {
            json.putObject("stream_options").put("include_usage", true);
        }
        Json.addExtra(json, request.extra(target.type().name()), FIXED_FIELDS);
        return json;
    }

    private void write(Message message, ObjectNode json) {
        json.put("role", message.role().name().toLowerCase(Locale.ROOT));
        switch (message.role()) {
            case SYSTEM -> json.put("content", message.text());
            case USER -> OpenAiShapes.writeContent(message, json);
            case ASSISTANT -> {
                if (message.toolCalls().isEmpty() || !message.text().isEmpty()) {
                    json.put("content", message.text());
                } else {
                    json.putNull("content");
                }
                if (!message.toolCalls().isEmpty()) {
                    ArrayNode calls = json.putArray("tool_calls");
                    message.toolCalls().forEach(call -> write(call, calls.addObject()));
                }
            }
            case TOOL -> {
                ToolCall call = message.answeredCall().orElseThrow();
                json.put("tool_call_id", toolCallId(call)).put("content", message.text());
            }
        }
    }

    private void write(ToolCall call, ObjectNode json) {
        json.put("id", toolCallId(call)).put("type", "function");
        json.putObject("function").put("name", call.name()).put("arguments", call.arguments());
    }

    /** The same call gets the same id in every message, whoever made it up. */
    private String toolCallId(ToolCall call) {
        Optional<Pattern> allowed = preset.toolCallIds();
        if (allowed.isEmpty() || allowed.get().matcher(call.id()).matches()) {
            return call.id();
        }
        byte[] hash = ByteString.of(call.id().getBytes(StandardCharsets.UTF_8))
                .sha256()
                .toByteArray();
        return new BigInteger(1, hash).toString(36).substring(0, 9);
    }

    private static void writeTools(ChatRequest request, ObjectNode json) {
        if (request.tools().isEmpty()) {
            return;
        }
        OpenAiShapes.writeTools(request.tools(), json);
        ToolChoice choice = request.toolChoice();
        if (choice instanceof ToolChoice.Named named) {
            json.putObject("tool_choice")
                    .put("type", "function")
                    .putObject("function")
                    .put("name", named.tool());
        } else if (choice != ToolChoice.Mode.AUTO) {
            json.put("tool_choice", choice == ToolChoice.Mode.NONE ? "none" : "required");
        }
    }

    private static void writeFormat(ResponseFormat format, ObjectNode json) {
        if (format instanceof ResponseFormat.JsonSchema schema) {
            ObjectNode inner =
                    json.putObject("response_format").put("type", "json_schema").putObject("json_schema");
            inner.put("name", schema.name()).put("strict", true);
            inner.set("schema", Json.callersObject("the schema '" + schema.name() + "'", schema.schema()));
        } else if (format == ResponseFormat.Plain.JSON) {
            json.putObject("response_format").put("type", "json_object");
        }
    }

    private void writeEffort(ChatRequest request, ObjectNode json) {
        if (request.reasoningEffort().isEmpty()) {
            boolean forbidsThinking = request.temperature().isPresent()
                    || request.topP().isPresent()
                    || (!request.tools().isEmpty() && toolsWithoutReasoning);
            if (reasoningFamily && forbidsThinking) {
                json.put("reasoning_effort", "none");
            }
            return;
        }
        ReasoningEffort effort = request.reasoningEffort().get();
        if (classicFamily) {
            return;
        }
        if (preset == OpenAiPreset.DEEPSEEK) {
            json.putObject("thinking").put("type", effort == ReasoningEffort.NONE ? "disabled" : "enabled");
            if (effort == ReasoningEffort.NONE) {
                return;
            }
        }
        json.put("reasoning_effort", word(effort));
    }

    private String word(ReasoningEffort effort) {
        return switch (effort) {
            case NONE -> "none";
            // Only gpt-5 itself has this step.
            case MINIMAL -> GPT_5.matcher(model).matches() && reasoningFamily ? "minimal" : "low";
            case LOW -> "low";
            case MEDIUM -> "medium";
            case HIGH -> "high";
            case MAX -> {
                if (preset == OpenAiPreset.DEEPSEEK) {
                    yield "max";
                }
                boolean more = preset == OpenAiPreset.OPENROUTER
                        || (reasoningFamily
                                && !alwaysReasons
                                && !GPT_5_1.matcher(model).matches());
                yield more ? "xhigh" : "high";
            }
        };
    }

    @Override
    public AnswerDecoder decoder(ChatRequest request, AnswerHead head, EventSink sink) {
        return new OpenAiDecoder(head, sink);
    }

    @Override
    public Map<String, Duration> rateLimitWindows() {
        return preset.rateLimitWindows();
    }
}
