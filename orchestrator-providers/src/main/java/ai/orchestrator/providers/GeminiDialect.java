package ai.orchestrator.providers;

import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.Content;
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
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import okhttp3.HttpUrl;
import okhttp3.Request;

/**
 * The Gemini API's own dialect: {@code POST <base>/models/<model>:generateContent}, or {@code :streamGenerateContent?alt=sse}, with the key
 * in a header and never in the address.
 *
 * <p>A reasoning effort becomes a budget of tokens for the 2.5 models: 0, 512, 1,024, 8,192, 24,576, and for {@link ReasoningEffort#MAX} as
 * many as the model likes. Later models have levels: {@link ReasoningEffort#MAX} is {@code high}, and both {@link ReasoningEffort#NONE} and
 * {@link ReasoningEffort#MINIMAL} are {@code minimal}, which mostly means no thoughts. Where a model's lowest level is {@code low}, that is
 * {@link ReasoningEffort#MINIMAL}, and {@link ReasoningEffort#NONE} is not supported. An effort other than {@link ReasoningEffort#NONE} asks
 * for the thoughts' summaries too.
 */
final class GeminiDialect implements Dialect {

    static final ProviderType TYPE = new ProviderType(
            "gemini",
            Optional.of(URI.create("https://generativelanguage.googleapis.com/v1beta")),
            Optional.of("gemini-3.5-flash-lite"),
            true,
            List.of("GEMINI_API_KEY", "GOOGLE_API_KEY"),
            List.of());

    /** Whose {@link Message#providerState()} is this dialect's. */
    static final String STATE = "gemini";

    private static final Set<String> FIXED_FIELDS = Set.of("contents");

    private static final Pattern RESOURCE_NAME = Pattern.compile("(?:models|tunedModels)/[^/\\\\]+");

    /** Thinking is counted in tokens: 0 to 24,576, and for 2.5 Pro from 128 on. */
    private static final Pattern BUDGET_FAMILY = Pattern.compile("gemini-2\\.5.*");

    /** Models that do not think, and refuse to be told how. */
    private static final Pattern WITHOUT_THINKING = Pattern.compile("gemini-(?:1\\.|2\\.0).*");

    /** Generation 3 and what follows, by number or by an alias for the latest one. */
    private static final Pattern LEVEL_FAMILY = Pattern.compile("gemini-(?:[3-9]|\\d{2}|flash|pro).*");

    /** Models that do not take JSON as the answer's form together with tools. */
    private static final Pattern JSON_WITHOUT_TOOLS = Pattern.compile("gemini-[12]\\..*");

    /** Models that cannot stop thinking; those with levels among them have none below {@code low}. */
    private static final Pattern ALWAYS_THINKS = Pattern.compile(
            "gemini-(?:(?:\\d+(?:\\.\\d+)?-)?pro|3\\.[7-9]-flash(?!-lite)|[4-9](?:\\.\\d+)?-flash(?!-lite)|flash-latest).*");

    /**
     * What stands for the signature of a call that another provider's model made: without one, Gemini 3 refuses the conversation. Documented
     * for this very case in the questions at the end of ai.google.dev/gemini-api/docs/thought-signatures.
     */
    private static final String FOREIGN_SIGNATURE = "skip_thought_signature_validator";

    /** What Google's own client takes for a picture's type where only its address is known; others are left to the server. */
    private static final Map<String, String> MEDIA_TYPES = Map.of(
            "png", "image/png",
            "jpg", "image/jpeg",
            "jpeg", "image/jpeg",
            "webp", "image/webp",
            "gif", "image/gif",
            "bmp", "image/bmp",
            "heic", "image/heic",
            "heif", "image/heif");

    private final ProviderTarget target;
    private final String model;
    private final HttpUrl wholeUrl;
    private final HttpUrl streamUrl;

    GeminiDialect(ProviderTarget target) {
        this.target = target;
        this.model =
                target.model().startsWith("models/") ? target.model().substring("models/".length()) : target.model();
        this.wholeUrl = url("generateContent").build();
        this.streamUrl =
                url("streamGenerateContent").addQueryParameter("alt", "sse").build();
    }

    private HttpUrl.Builder url(String method) {
        HttpUrl.Builder url = HttpUrl.get(target.baseUrl().toString()).newBuilder();
        return RESOURCE_NAME.matcher(target.model()).matches()
                ? url.addPathSegments(target.model() + ":" + method)
                : url.addPathSegment("models").addPathSegment(target.model() + ":" + method);
    }

    @Override
    public Optional<String> unsupported(ChatRequest request) {
        if (request.seed().isPresent()
                && request.seed().getAsLong() != (int) request.seed().getAsLong()) {
            return Optional.of("seed: gemini takes only numbers of 32 bits");
        }
        if (request.reasoningEffort().filter(ReasoningEffort.NONE::equals).isPresent()
                && ALWAYS_THINKS.matcher(model).matches()) {
            return Optional.of("reasoningEffort: " + target.model() + " cannot stop thinking");
        }
        if (request.responseFormat() != ResponseFormat.Plain.TEXT
                && !request.tools().isEmpty()
                && JSON_WITHOUT_TOOLS.matcher(model).matches()) {
            return Optional.of("responseFormat: " + target.model() + " takes it only without tools");
        }
        if (request.messages().stream().allMatch(message -> message.role() == Message.Role.SYSTEM)) {
            return Optional.of("messages: gemini needs one besides the system's");
        }
        if (WITHOUT_THINKING.matcher(model).matches()
                && request.reasoningEffort()
                        .filter(effort -> effort != ReasoningEffort.NONE)
                        .isPresent()) {
            return Optional.of("reasoningEffort: " + target.model() + " does not think");
        }
        boolean insecureImage = request.messages().stream()
                .flatMap(message -> message.content().stream())
                .anyMatch(content -> content instanceof Content.Image image
                        && image.url()
                                .filter(url -> !"https".equalsIgnoreCase(url.getScheme()))
                                .isPresent());
        return insecureImage
                ? Optional.of("images: gemini fetches only addresses that start with https://")
                : Optional.empty();
    }

    @Override
    public Request.Builder http(Delivery delivery) {
        return http(delivery == Delivery.STREAMED ? streamUrl : wholeUrl);
    }

    /** The list of models, one of them: ai.google.dev/api/models. */
    @Override
    public Optional<Request.Builder> check() {
        return Optional.of(http(HttpUrl.get(target.baseUrl().toString())
                .newBuilder()
                .addPathSegment("models")
                .addQueryParameter("pageSize", "1")
                .build()));
    }

    private Request.Builder http(HttpUrl url) {
        Request.Builder http = new Request.Builder().url(url);
        target.apiKey().ifPresent(key -> http.header("x-goog-api-key", key));
        return http;
    }

    @Override
    public ObjectNode json(ChatRequest request, Delivery delivery) {
        ObjectNode json = Json.object();
        ArrayNode contents = json.putArray("contents");
        for (Message message : request.messages()) {
            if (message.role() == Message.Role.SYSTEM) {
                json.withObjectProperty("systemInstruction")
                        .withArrayProperty("parts")
                        .addObject()
                        .put("text", message.text());
            } else {
                writeParts(message, parts(contents, message.role() == Message.Role.ASSISTANT ? "model" : "user"));
            }
        }
        writeTools(request, json);
        ObjectNode config = generationConfig(request);
        if (!config.isEmpty()) {
            json.set("generationConfig", config);
        }
        Json.addExtra(json, request.extra(TYPE.name()), FIXED_FIELDS);
        return json;
    }

    /** Where the next turn's parts go: the results of several calls belong into one turn. */
    private static ArrayNode parts(ArrayNode contents, String role) {
        JsonNode last = contents.path(contents.size() - 1);
        ObjectNode content =
                last instanceof ObjectNode object && last.path("role").asText().equals(role)
                        ? object
                        : contents.addObject().put("role", role);
        return content.withArrayProperty("parts");
    }

    private void writeParts(Message message, ArrayNode parts) {
        switch (message.role()) {
            case SYSTEM, USER -> message.content().forEach(content -> writeContent(content, parts));
            case ASSISTANT -> writeAnswer(message, parts);
            case TOOL -> {
                ToolCall call = message.answeredCall().orElseThrow();
                ObjectNode response = parts.addObject().putObject("functionResponse");
                writeId(call, response);
                response.put("name", call.name());
                response.set("response", result(message));
            }
        }
    }

    private static void writeContent(Content content, ArrayNode parts) {
        if (content instanceof Content.Text text) {
            parts.addObject().put("text", text.text());
        } else if (content instanceof Content.Image image && image.bytes().isPresent()) {
            parts.addObject()
                    .putObject("inlineData")
                    .put("mimeType", image.mediaType())
                    .put(
                            "data",
                            Base64.getEncoder().encodeToString(image.bytes().get()));
        } else if (content instanceof Content.Image image) {
            // Uploaded files, and since January 2026 any public address:
            // ai.google.dev/gemini-api/docs/file-input-methods.
            URI url = image.url().orElseThrow();
            ObjectNode file = parts.addObject().putObject("fileData");
            mediaType(url).ifPresent(type -> file.put("mimeType", type));
            file.put("fileUri", url.toString());
        }
    }

    private static Optional<String> mediaType(URI url) {
        String path = url.getPath() == null ? "" : url.getPath();
        String ending = path.substring(path.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
        return Optional.ofNullable(MEDIA_TYPES.get(ending));
    }

    private void writeAnswer(Message message, ArrayNode parts) {
        String state = message.providerState().get(STATE);
        if (state != null && Json.parse(state) instanceof ArrayNode own && !own.isEmpty()) {
            parts.addAll(own);
            return;
        }
        if (message.toolCalls().isEmpty() || !message.text().isEmpty()) {
            parts.addObject().put("text", message.text());
        }
        boolean first = true;
        for (ToolCall call : message.toolCalls()) {
            ObjectNode part = parts.addObject();
            ObjectNode function = part.putObject("functionCall");
            writeId(call, function);
            function.put("name", call.name());
            function.set("args", Json.arguments(call.arguments()));
            // Of several calls at once only the first has a signature.
            if (first && LEVEL_FAMILY.matcher(model).matches()) {
                part.put("thoughtSignature", FOREIGN_SIGNATURE);
            }
            first = false;
        }
    }

    /** Gemini matches calls without ids by name and order; a made-up id, or OpenAI's, would mean nothing to it. */
    private static void writeId(ToolCall call, ObjectNode json) {
        if (!call.id().startsWith(ToolCalls.MADE_UP)) {
            json.put("id", call.id());
        }
    }

    private static ObjectNode result(Message message) {
        if (message.toolFailed()) {
            return Json.object().put("error", message.text());
        }
        return Json.parse(message.text()) instanceof ObjectNode object
                ? object
                : Json.object().put("result", message.text());
    }

    private static void writeTools(ChatRequest request, ObjectNode json) {
        if (request.tools().isEmpty()) {
            return;
        }
        ArrayNode functions = json.putArray("tools").addObject().putArray("functionDeclarations");
        for (Tool tool : request.tools()) {
            ObjectNode function = functions.addObject().put("name", tool.name());
            if (!tool.description().isEmpty()) {
                function.put("description", tool.description());
            }
            function.set(
                    "parametersJsonSchema",
                    Json.callersObject("the parameters of tool '" + tool.name() + "'", tool.parameters()));
        }
        ToolChoice choice = request.toolChoice();
        if (choice == ToolChoice.Mode.AUTO) {
            return;
        }
        ObjectNode config = json.putObject("toolConfig").putObject("functionCallingConfig");
        config.put("mode", choice == ToolChoice.Mode.NONE ? "NONE" : "ANY");
        if (choice instanceof ToolChoice.Named named) {
            config.putArray("allowedFunctionNames").add(named.tool());
        }
    }

    private ObjectNode generationConfig(ChatRequest request) {
        ObjectNode config = Json.object();
        request.temperature().ifPresent(temperature -> config.put("temperature", temperature));
        request.topP().ifPresent(topP -> config.put("topP", topP));
        request.maxTokens().ifPresent(tokens -> config.put("maxOutputTokens", tokens));
        if (!request.stopSequences().isEmpty()) {
            ArrayNode stop = config.putArray("stopSequences");
            request.stopSequences().forEach(stop::add);
        }
        request.seed().ifPresent(seed -> config.put("seed", (int) seed));
        ResponseFormat format = request.responseFormat();
        if (format != ResponseFormat.Plain.TEXT) {
            config.put("responseMimeType", "application/json");
        }
        if (format instanceof ResponseFormat.JsonSchema schema) {
            config.set("responseJsonSchema", Json.callersObject("the schema '" + schema.name() + "'", schema.schema()));
        }
        request.reasoningEffort()
                .filter(effort -> !WITHOUT_THINKING.matcher(model).matches())
                .ifPresent(effort -> writeEffort(effort, config.putObject("thinkingConfig")));
        return config;
    }

    private void writeEffort(ReasoningEffort effort, ObjectNode thinking) {
        if (BUDGET_FAMILY.matcher(model).matches()) {
            thinking.put(
                    "thinkingBudget",
                    switch (effort) {
                        case NONE -> 0;
                        case MINIMAL -> 512;
                        case LOW -> 1_024;
                        case MEDIUM -> 8_192;
                        case HIGH -> 24_576;
                        case MAX -> -1;
                    });
        } else {
            thinking.put(
                    "thinkingLevel",
                    switch (effort) {
                        case NONE, MINIMAL -> ALWAYS_THINKS.matcher(model).matches() ? "low" : "minimal";
                        case LOW -> "low";
                        case MEDIUM -> "medium";
                        case HIGH, MAX -> "high";
                    });
        }
        thinking.put("includeThoughts", effort != ReasoningEffort.NONE);
    }

    @Override
    public AnswerDecoder decoder(ChatRequest request, AnswerHead head, EventSink sink) {
        return new GeminiDecoder(head, sink);
    }
}
