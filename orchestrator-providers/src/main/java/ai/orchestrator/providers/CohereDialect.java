package ai.orchestrator.providers;

import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.Message;
import ai.orchestrator.chat.ReasoningEffort;
import ai.orchestrator.chat.ResponseFormat;
import ai.orchestrator.chat.Tool;
import ai.orchestrator.chat.ToolCall;
import ai.orchestrator.chat.ToolChoice;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.provider.ProviderType;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import okhttp3.HttpUrl;
import okhttp3.Request;
import org.jspecify.annotations.Nullable;

/**
 * Cohere's own dialect, version 2: {@code POST <base>/chat} with a bearer key.
 *
 * <p>A reasoning effort becomes a budget of tokens for the models that think: 512 for MINIMAL, 1,024 for LOW, 8,192 for MEDIUM, 24,576 for
 * HIGH, and none for MAX, which is as much as the model likes. NONE turns thinking off, which is on by default.
 */
final class CohereDialect implements Dialect {

    static final ProviderType TYPE = new ProviderType(
            "cohere",
            Optional.of(URI.create("https://api.cohere.com/v2")),
            Optional.of("command-r7b-12-2024"),
            true,
            List.of("COHERE_API_KEY", "CO_API_KEY"),
            List.of());

    /** Whose {@link Message#providerState()} is this dialect's: an assistant's message with its tool plan and its thoughts alone. */
    static final String STATE = "cohere";

    private static final Set<String> FIXED_FIELDS = Set.of("model", "messages", "stream");

    /** Models that do not think. Those that do are Command A Reasoning, Command A+, North, and, as far as anybody knows, what follows. */
    private static final Pattern WITHOUT_THINKING = Pattern.compile(
            "command(?:-light.*|-nightly|-r|-r-.*|-r7b.*|-a-(?:\\d|translate|vision).*)?|(?:c4ai-|tiny-aya).*");

    /** Models before Command R7B can be left to decide whether they call tools, but not told. */
    private static final Pattern WITHOUT_TOOL_CHOICE = Pattern.compile("command(?:-light.*|-nightly|-r|-r-.*)?");

    private static final Pattern TOOL_NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");

    private static final double MIN_TOP_P = 0.01;
    private static final double MAX_TOP_P = 0.99;
    private static final int MAX_STOP_SEQUENCES = 5;

    private final ProviderTarget target;
    private final HttpUrl url;
    private final boolean thinks;

    CohereDialect(ProviderTarget target) {
        this.target = target;
        this.url = Endpoint.of(target.baseUrl(), "chat");
        this.thinks = !WITHOUT_THINKING.matcher(target.model()).matches();
    }

    @Override
    public Optional<String> unsupported(ChatRequest request) {
        double topP = request.topP().orElse(MAX_TOP_P);
        if (request.temperature().orElse(0) > 1) {
            return Optional.of("temperature: cohere takes 0 to 1");
        }
        if (topP < MIN_TOP_P || topP > MAX_TOP_P) {
            return Optional.of("topP: cohere takes " + MIN_TOP_P + " to " + MAX_TOP_P);
        }
        if (request.seed().orElse(0) < 0) {
            return Optional.of("seed: cohere takes no negative number");
        }
        if (request.stopSequences().size() > MAX_STOP_SEQUENCES) {
            return Optional.of("stop: cohere takes " + MAX_STOP_SEQUENCES + " sequences");
        }
        if (!thinks
                && request.reasoningEffort()
                        .filter(effort -> effort != ReasoningEffort.NONE)
                        .isPresent()) {
            return Optional.of("reasoningEffort: " + target.model() + " does not think");
        }
        return request.tools().isEmpty() ? Optional.empty() : unsupportedWithTools(request);
    }

    private Optional<String> unsupportedWithTools(ChatRequest request) {
        Optional<String> name = request.tools().stream()
                .map(Tool::name)
                .filter(tool -> !TOOL_NAME.matcher(tool).matches())
                .findFirst();
        if (name.isPresent()) {
            return Optional.of("tools: cohere takes names of letters, digits and underscores that do not begin with a"
                    + " digit, but not '" + name.get() + "'");
        }
        if (request.toolChoice() != ToolChoice.Mode.AUTO
                && WITHOUT_TOOL_CHOICE.matcher(target.model()).matches()) {
            return Optional.of("toolChoice: " + target.model() + " cannot be told whether to call tools");
        }
        return request.responseFormat() == ResponseFormat.Plain.TEXT
                ? Optional.empty()
                : Optional.of("responseFormat: cohere takes it only without tools");
    }

    @Override
    public Request.Builder http(Delivery delivery) {
        return http(url);
    }

    /** The list of models, one of them: docs.cohere.com/reference/list-models. It is only in the interface's first version. */
    @Override
    public Optional<Request.Builder> check() {
        HttpUrl base = Endpoint.without(url, "chat");
        HttpUrl.Builder list = base.newBuilder();
        if (Endpoint.endsWith(base, "v2")) {
            list.setPathSegment(base.pathSize() - 1, "v1");
        }
        return Optional.of(http(list.addPathSegment("models")
                .addQueryParameter("page_size", "1")
                .build()));
    }

    private Request.Builder http(HttpUrl url) {
        Request.Builder http = new Request.Builder().url(url);
        target.apiKey().ifPresent(key -> http.header("Authorization", "Bearer " + key));
        return http;
    }

    @Override
    public ObjectNode json(ChatRequest request, Delivery delivery) {
        ObjectNode json = Json.object();
        json.put("model", target.model());
        writeMessages(request, json.putArray("messages"));
        request.maxTokens().ifPresent(tokens -> json.put("max_tokens", tokens));
        request.temperature().ifPresent(temperature -> json.put("temperature", temperature));
        request.topP().ifPresent(topP -> json.put("p", topP));
        request.seed().ifPresent(seed -> json.put("seed", seed));
        if (!request.stopSequences().isEmpty()) {
            ArrayNode stop = json.putArray("stop_sequences");
            request.stopSequences().forEach(stop::add);
        }
        writeTools(request, json);
        writeFormat(request.responseFormat(), json);
        request.reasoningEffort().filter(effort -> thinks).ifPresent(effort -> writeEffort(effort, json));
        json.put("stream", delivery == Delivery.STREAMED);
        Json.addExtra(json, request.extra(TYPE.name()), FIXED_FIELDS);
        return json;
    }

    private void writeMessages(ChatRequest request, ArrayNode messages) {
        // Cohere takes one only as the first message.
        String system = request.messages().stream()
                .filter(message -> message.role() == Message.Role.SYSTEM)
                .map(Message::text)
                .collect(Collectors.joining("\n\n"));
        if (!system.isBlank()) {
            messages.addObject().put("role", "system").put("content", system);
        }
        for (Message message : request.messages()) {
            switch (message.role()) {
                case SYSTEM -> {
                    // Is the first already.
                }
                case USER ->
                    OpenAiShapes.writeContent(message, messages.addObject().put("role", "user"));
                case ASSISTANT -> writeAnswer(message, messages.addObject().put("role", "assistant"));
                case TOOL ->
                    messages.addObject()
                            .put("role", "tool")
                            .put(
                                    "tool_call_id",
                                    message.answeredCall().orElseThrow().id())
                            .put("content", message.text());
            }
        }
    }

    private void writeAnswer(Message message, ObjectNode json) {
        String state = message.providerState().get(STATE);
        JsonNode own = state == null ? null : Json.parse(state);
        if (own != null && own.path("tool_plan").isTextual()) {
            json.set("tool_plan", own.path("tool_plan"));
        }
        ArrayNode content = thoughts(own);
        if (!content.isEmpty()) {
            if (!message.text().isEmpty()) {
                content.addObject().put("type", "text").put("text", message.text());
            }
            json.set("content", content);
        } else if (message.toolCalls().isEmpty() || !message.text().isEmpty()) {
            json.put("content", message.text());
        }
        if (!message.toolCalls().isEmpty()) {
            ArrayNode calls = json.putArray("tool_calls");
            for (ToolCall call : message.toolCalls()) {
                ObjectNode written = calls.addObject().put("id", call.id()).put("type", "function");
                written.putObject("function").put("name", call.name()).put("arguments", call.arguments());
            }
        }
    }

    /** Nothing but thoughts, whoever kept the state; none where another model on the same interface thought them. */
    private ArrayNode thoughts(@Nullable JsonNode state) {
        ArrayNode thoughts = Json.object().arrayNode();
        if (thinks && state != null) {
            for (JsonNode part : state.path("content")) {
                if (part.path("type").asText().equals("thinking")
                        && part.path("thinking").isTextual()) {
                    thoughts.addObject().put("type", "thinking").set("thinking", part.path("thinking"));
                }
            }
        }
        return thoughts;
    }

    private static void writeTools(ChatRequest request, ObjectNode json) {
        if (request.tools().isEmpty()) {
            return;
        }
        ToolChoice choice = request.toolChoice();
        // Cohere can be told to call a tool, but not which: it is shown no other.
        OpenAiShapes.writeTools(
                request.tools().stream()
                        .filter(tool -> !(choice instanceof ToolChoice.Named named)
                                || named.tool().equals(tool.name()))
                        .toList(),
                json);
        if (choice != ToolChoice.Mode.AUTO) {
            json.put("tool_choice", choice == ToolChoice.Mode.NONE ? "NONE" : "REQUIRED");
        }
    }

    private static void writeFormat(ResponseFormat format, ObjectNode json) {
        if (format == ResponseFormat.Plain.TEXT) {
            return;
        }
        ObjectNode written = json.putObject("response_format").put("type", "json_object");
        if (format instanceof ResponseFormat.JsonSchema schema) {
            written.set("json_schema", Json.callersObject("the schema '" + schema.name() + "'", schema.schema()));
        }
    }

    private static void writeEffort(ReasoningEffort effort, ObjectNode json) {
        ObjectNode thinking = json.putObject("thinking");
        thinking.put("type", effort == ReasoningEffort.NONE ? "disabled" : "enabled");
        switch (effort) {
            case MINIMAL -> thinking.put("token_budget", 512);
            case LOW -> thinking.put("token_budget", 1_024);
            case MEDIUM -> thinking.put("token_budget", 8_192);
            case HIGH -> thinking.put("token_budget", 24_576);
            case NONE, MAX -> {
                // Needs none.
            }
        }
    }

    @Override
    public AnswerDecoder decoder(ChatRequest request, AnswerHead head, EventSink sink) {
        return new CohereDecoder(target.model(), head, sink);
    }

    /** After docs.cohere.com/docs/rate-limits: a trial key may ask 20 times a minute, and 1,000 times a month. */
    @Override
    public Map<String, Duration> rateLimitWindows() {
        return Map.of("trial-endpoint-call", Duration.ofMinutes(1), "endpoint-monthly-call", Duration.ofDays(30));
    }
}
