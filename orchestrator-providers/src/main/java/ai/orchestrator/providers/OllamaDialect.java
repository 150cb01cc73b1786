package ai.orchestrator.providers;

import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.Content;
import ai.orchestrator.chat.Message;
import ai.orchestrator.chat.ReasoningEffort;
import ai.orchestrator.chat.ResponseFormat;
import ai.orchestrator.chat.ToolCall;
import ai.orchestrator.chat.ToolChoice;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.ProviderOption;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.provider.ProviderType;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import okhttp3.HttpUrl;
import okhttp3.Request;

/**
 * Ollama's own dialect: {@code POST <base>/api/chat}, without a key on one's own machine. A stream has a JSON value on each line.
 *
 * <p>The server loads a model when it is first asked for, and answers nothing until it has: the limit for the first token must allow for that,
 * or {@code keep-alive} keep the model loaded. Its window is 4,096 tokens or more, by the machine's memory; {@code num-ctx} widens it. Servers
 * before October 2025 cut a longer conversation without a word; later ones are told to refuse it.
 */
final class OllamaDialect implements Dialect {

    private static final String NAME = "ollama";
    private static final String KEEP_ALIVE = "keep-alive";
    private static final String NUM_CTX = "num-ctx";

    static final ProviderType TYPE = new ProviderType(
            NAME,
            Optional.of(URI.create("http://localhost:11434")),
            Optional.of("llama3.2"),
            false,
            List.of(),
            List.of(
                    ProviderOption.optional(
                            KEEP_ALIVE,
                            Pattern.compile("-?\\d{1,9}|-?(?:\\d{1,9}(?:\\.\\d{1,9})?(?:ms|[smh]))+"),
                            "a number of seconds, a duration such as 90s or 1h30m, or a negative one for ever",
                            "how long the model stays loaded; by default as long as the server says"),
                    ProviderOption.optional(
                            NUM_CTX,
                            Pattern.compile("[1-9]\\d{0,8}"),
                            "a whole number from 1 on",
                            "the model's window in tokens; the server's by default")));

    /** Whose {@link Message#providerState()} is this dialect's. */
    static final String STATE = NAME;

    private static final Set<String> FIXED_FIELDS = Set.of("model", "messages", "stream");

    /** Thinks by levels, and cannot stop. */
    private static final Pattern ALWAYS_THINKS = Pattern.compile("(?:.*/)?gpt-oss(?:[-:].*)?");

    /** The usual models that do not think, and for which the server refuses to be told how. */
    private static final Pattern WITHOUT_THINKING = Pattern.compile(
            "(?:.*/)?(?:(?:code)?llama[23]?|llama3\\.[1-3]|gemma[23]?|mistral|mixtral|phi[34]?|qwen2(?:\\.5)?)(?::.*)?");

    private static final Pattern WHOLE_NUMBER = Pattern.compile("-?\\d+");

    private final ProviderTarget target;
    private final HttpUrl url;

    OllamaDialect(ProviderTarget target) {
        this.target = target;
        this.url = url(Endpoint.base(target.baseUrl()));
    }

    /** An address may name the interface, or be that of the server's other interface, which imitates OpenAI's. */
    private static HttpUrl url(HttpUrl base) {
        if (Endpoint.endsWith(base, "api", "chat")) {
            return base;
        }
        HttpUrl.Builder url = base.newBuilder();
        if (Endpoint.endsWith(base, "v1")) {
            url.setPathSegment(base.pathSize() - 1, "api");
        } else if (!Endpoint.endsWith(base, "api")) {
            url.addPathSegment("api");
        }
        return url.addPathSegment("chat").build();
    }

    @Override
    public Optional<String> unsupported(ChatRequest request) {
        ToolChoice choice = request.toolChoice();
        if (choice != ToolChoice.Mode.AUTO && choice != ToolChoice.Mode.NONE) {
            return Optional.of("toolChoice: " + NAME + " knows only AUTO and NONE");
        }
        Optional<ReasoningEffort> effort = request.reasoningEffort();
        if (effort.filter(ReasoningEffort.NONE::equals).isPresent() && alwaysThinks()) {
            return Optional.of("reasoningEffort: " + target.model() + " cannot stop thinking");
        }
        if (effort.filter(wanted -> wanted != ReasoningEffort.NONE).isPresent() && neverThinks()) {
            return Optional.of("reasoningEffort: " + target.model() + " does not think");
        }
        boolean fetches = request.messages().stream()
                .flatMap(message -> message.content().stream())
                .anyMatch(content ->
                        content instanceof Content.Image image && image.url().isPresent());
        return fetches ? Optional.of("images: " + NAME + " takes their bytes, not their address") : Optional.empty();
    }

    private boolean alwaysThinks() {
        return ALWAYS_THINKS.matcher(target.model()).matches();
    }

    private boolean neverThinks() {
        return WITHOUT_THINKING.matcher(target.model()).matches();
    }

    @Override
    public Request.Builder http(Delivery delivery) {
        return http(url);
    }

    /** The list of the models that it has, which loads none: docs.ollama.com/api/tags. */
    @Override
    public Optional<Request.Builder> check() {
        return Optional.of(http(Endpoint.without(url, "chat")
                .newBuilder()
                .addPathSegment("tags")
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
        ArrayNode messages = json.putArray("messages");
        request.messages().forEach(message -> write(message, messages.addObject()));
        // It has no other way not to call any.
        if (!request.tools().isEmpty() && request.toolChoice() != ToolChoice.Mode.NONE) {
            OpenAiShapes.writeTools(request.tools(), json);
        }
        writeFormat(request.responseFormat(), json);
        writeEffort(request, json);
        ObjectNode options = options(request);
        if (!options.isEmpty()) {
            json.set("options", options);
        }
        target.option(KEEP_ALIVE).ifPresent(value -> writeKeepAlive(value, json));
        // Without it the server cuts off the beginning of a conversation that is too long, and says nothing.
        json.put("truncate", false);
        // Streams unless told otherwise.
        json.put("stream", delivery == Delivery.STREAMED);
        Json.addExtra(json, request.extra(NAME), FIXED_FIELDS);
        return json;
    }

    private static void write(Message message, ObjectNode json) {
        json.put("role", message.role().name().toLowerCase(Locale.ROOT)).put("content", message.text());
        ArrayNode images = Json.object().putArray("images");
        for (Content content : message.content()) {
            if (content instanceof Content.Image image) {
                images.add(Base64.getEncoder().encodeToString(image.bytes().orElseThrow()));
            }
        }
        if (!images.isEmpty()) {
            json.set("images", images);
        }
        message.answeredCall()
                .ifPresent(call -> json.put("tool_name", call.name()).put("tool_call_id", call.id()));
        if (!message.toolCalls().isEmpty()) {
            // A model that called tools goes on from what it thought.
            String state = message.providerState().get(STATE);
            JsonNode own = state == null ? null : Json.parse(state);
            if (own != null && own.path("thinking").isTextual()) {
                json.set("thinking", own.path("thinking"));
            }
            ArrayNode calls = json.putArray("tool_calls");
            message.toolCalls().forEach(call -> write(call, calls.addObject()));
        }
    }

    private static void write(ToolCall call, ObjectNode json) {
        json.put("id", call.id())
                .putObject("function")
                .put("name", call.name())
                .set("arguments", Json.arguments(call.arguments()));
    }

    private static void writeFormat(ResponseFormat format, ObjectNode json) {
        if (format instanceof ResponseFormat.JsonSchema schema) {
            json.set("format", Json.callersObject("the schema '" + schema.name() + "'", schema.schema()));
        } else if (format == ResponseFormat.Plain.JSON) {
            json.put("format", "json");
        }
    }

    /** What thinks without levels takes every word but false for a yes. */
    private void writeEffort(ChatRequest request, ObjectNode json) {
        if (request.reasoningEffort().isEmpty()) {
            return;
        }
        switch (request.reasoningEffort().get()) {
            case NONE -> {
                // Also for a model that does not think, whichever it is.
                json.put("think", false);
            }
            case MINIMAL, LOW -> json.put("think", "low");
            case MEDIUM -> json.put("think", "medium");
            // Servers before 2026 refuse "max".
            case HIGH, MAX -> json.put("think", "high");
        }
    }

    private ObjectNode options(ChatRequest request) {
        ObjectNode options = Json.object();
        target.option(NUM_CTX).ifPresent(tokens -> options.put("num_ctx", Integer.parseInt(tokens)));
        request.maxTokens().ifPresent(tokens -> options.put("num_predict", tokens));
        request.temperature().ifPresent(temperature -> options.put("temperature", temperature));
        request.topP().ifPresent(topP -> options.put("top_p", topP));
        request.seed().ifPresent(seed -> options.put("seed", seed));
        if (!request.stopSequences().isEmpty()) {
            ArrayNode stop = options.putArray("stop");
            request.stopSequences().forEach(stop::add);
        }
        return options;
    }

    /** A number is one of seconds; as a text it would be refused for its missing unit. */
    private static void writeKeepAlive(String value, ObjectNode json) {
        if (WHOLE_NUMBER.matcher(value).matches()) {
            json.put("keep_alive", Integer.parseInt(value));
        } else {
            json.put("keep_alive", value);
        }
    }

    @Override
    public StreamFormat streamFormat() {
        return StreamFormat.JSON_LINES;
    }

    @Override
    public AnswerDecoder decoder(ChatRequest request, AnswerHead head, EventSink sink) {
        return new OllamaDecoder(head, sink);
    }
}
