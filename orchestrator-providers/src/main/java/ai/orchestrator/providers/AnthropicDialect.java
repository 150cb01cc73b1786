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
import ai.orchestrator.provider.ProviderOption;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.provider.ProviderType;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import okhttp3.HttpUrl;
import okhttp3.Request;

/**
 * The Anthropic Messages dialect: {@code POST <base>/messages}.
 *
 * <p>What it makes of a reasoning effort depends on the model's name:
 *
 * <ul>
 *   <li>Claude 3.7, 4 and 4.1 to 4.5 get a budget of tokens: 1,024 for MINIMAL, 2,048 for LOW, 8,192 for MEDIUM, 16,384 for HIGH and 23,000
 *       for MAX. It counts as a part of the answer, so where the request sets no limit and {@code max-tokens} is not more than the budget,
 *       the limit is 8,192 tokens more than it.
 *   <li>Older models do not think.
 *   <li>All others, which are those from 4.6 on, think adaptively, with effort low for MINIMAL and LOW, medium, high, and max.
 * </ul>
 *
 * <p>Up to 4.8 a model thinks only when asked to; without an effort, and with NONE, nothing is said of it. From Claude 5 on a model thinks unless
 * told not to, which NONE does where it can be told, and so does a tool that is forced where the request names no effort. Models from 4.7 on
 * take no temperature and no top-p. After the migration guides of each model at platform.claude.com/docs.
 */
final class AnthropicDialect implements Dialect {

    /** The type's name, and the key of what its answers want to see again. */
    static final String NAME = "anthropic";

    private static final String API_VERSION = "api-version";
    private static final String AUTH = "auth";
    private static final String BETA = "beta";
    private static final String MAX_TOKENS = "max-tokens";

    private static final Set<String> FIXED_FIELDS = Set.of("model", "messages", "stream");

    /** From this version on, sampling parameters are refused. */
    private static final String WITHOUT_SAMPLING = "2026-10-21";

    /** Think within a budget: claude-3-7-sonnet, claude-sonnet-4-20250514, claude-opus-4-1, claude-sonnet-4.5 behind a gateway. */
    private static final Pattern BUDGETED = Pattern.compile(
            "(?:anthropic/)?claude-(?:3[-.]7-.*|[a-z]+-4(?:[-.][0-5])?(?:[-@](?:20\\d{6}|latest).*|:.*)?)");

    /** Do not think: claude-2.1, claude-3-opus, claude-3-5-haiku. */
    private static final Pattern WITHOUT_THINKING =
            Pattern.compile("(?:anthropic/)?claude-(?:instant|[12]|3(?![-.]7))(?:[-.].*)?");

    /** Choose their words themselves: Opus 4.7, and all that came later. */
    private static final Pattern WITHOUT_TEMPERATURE =
            Pattern.compile("(?:anthropic/)?claude-[a-z]+-(?:4[-.][7-9]|[5-9]|[1-9]\\d)(?:[-.@:].*)?");

    /** Think unless told not to. */
    private static final Pattern THINKS_BY_DEFAULT =
            Pattern.compile("(?:anthropic/)?claude-[a-z]+-(?:[5-9]|[1-9]\\d)(?:[-.@:].*)?");

    /** Of these, those that cannot be told not to. */
    private static final Pattern ALWAYS_THINKS =
            Pattern.compile("(?:anthropic/)?claude-(?:fable-5|mythos-5|opus-5[-.][5-9])(?:[-.@:].*)?");

    /** Thinks least with a word of its own. */
    private static final Pattern BETWEEN_TOOLS = Pattern.compile("(?:anthropic/)?claude-sonnet-5[-.]5(?:[-.@:].*)?");

    /** Cannot be made to call a tool. */
    private static final Pattern WITHOUT_FORCED_TOOLS =
            Pattern.compile("(?:anthropic/)?claude-(?:fable-5[-.]1|(?:opus|sonnet)-5[-.]5)(?:[-.@:].*)?");

    /** What is left for the answer beside a budget for thinking. */
    private static final int ROOM_BESIDE_BUDGET = 8_192;

    private static final Map<String, Duration> RATE_LIMIT_WINDOWS = Stream.of(
                    "requests", "tokens", "input-tokens", "output-tokens")
            .collect(Collectors.toUnmodifiableMap(subject -> subject, subject -> Duration.ofMinutes(1)));

    private static final Pattern FOREIGN_IN_ID = Pattern.compile("[^a-zA-Z0-9_-]");

    private final ProviderTarget target;
    private final HttpUrl url;
    private final String apiVersion;
    private final int defaultMaxTokens;
    private final boolean budgeted;
    private final boolean withoutThinking;
    private final boolean withoutTemperature;
    private final boolean thinksByDefault;
    private final boolean alwaysThinks;
    private final boolean betweenTools;
    private final boolean withoutForcedTools;

    AnthropicDialect(ProviderTarget target) {
        this.target = target;
        this.url = Endpoint.of(target.baseUrl(), "messages");
        this.apiVersion = target.option(API_VERSION).orElseThrow();
        this.defaultMaxTokens = Integer.parseInt(target.option(MAX_TOKENS).orElseThrow());
        this.budgeted = isOf(BUDGETED);
        this.withoutThinking = isOf(WITHOUT_THINKING);
        this.withoutTemperature = isOf(WITHOUT_TEMPERATURE);
        this.thinksByDefault = isOf(THINKS_BY_DEFAULT);
        this.alwaysThinks = isOf(ALWAYS_THINKS);
        this.betweenTools = isOf(BETWEEN_TOOLS);
        this.withoutForcedTools = isOf(WITHOUT_FORCED_TOOLS);
    }

    private boolean isOf(Pattern family) {
        return family.matcher(target.model()).matches();
    }

    static ProviderType type() {
        return new ProviderType(
                NAME,
                Optional.of(URI.create("https://api.anthropic.com/v1")),
                Optional.of("claude-haiku-5-5"),
                true,
                List.of("ANTHROPIC_API_KEY"),
                List.of(
                        ProviderOption.of(
                                API_VERSION,
                                "2023-06-01",
                                Pattern.compile("\\d{4}-\\d{2}-\\d{2}"),
                                "a date such as 2023-06-01",
                                "the version of the interface"),
                        ProviderOption.of(
                                AUTH,
                                "x-api-key",
                                Pattern.compile("x-api-key|bearer"),
                                "x-api-key or bearer",
                                "which header carries the key"),
                        ProviderOption.optional(
                                BETA,
                                Pattern.compile("[\\x21-\\x7e]{1,500}"),
                                "names with commas between them, without blanks",
                                "features that the vendor has not released; none by default"),
                        ProviderOption.of(
                                MAX_TOKENS,
                                "8192",
                                Pattern.compile("[1-9]\\d{0,6}"),
                                "a whole number from 1 on",
                                "the limit of answers whose request sets none")));
    }

    @Override
    public Optional<String> unsupported(ChatRequest request) {
        boolean thinks = effort(request).isPresent();
        boolean samples = request.temperature().isPresent() || request.topP().isPresent();
        String sampling = request.temperature().isPresent() ? "temperature: " : "topP: ";
        int budget = budget(request);
        if (request.seed().isPresent()) {
            return Optional.of("seed: " + NAME + " has none");
        }
        if (request.messages().stream().allMatch(AnthropicDialect::isEmpty)) {
            return Optional.of("messages: every one but the system's is empty, and " + NAME + " needs one");
        }
        if (request.responseFormat() == ResponseFormat.Plain.JSON) {
            return Optional.of("responseFormat: " + NAME + " knows JSON only with a schema");
        }
        if (request.temperature().orElse(0) > 1) {
            return Optional.of("temperature: " + NAME + " takes 0 to 1");
        }
        if (samples && withoutTemperature) {
            return Optional.of(sampling + target.model() + " takes none");
        }
        if (samples && apiVersion.compareTo(WITHOUT_SAMPLING) >= 0) {
            return Optional.of(sampling + NAME + " takes it only with an api-version before " + WITHOUT_SAMPLING);
        }
        if (samples && thinks) {
            return Optional.of(sampling + NAME + " takes it only with reasoning effort NONE");
        }
        if (request.temperature().isPresent() && request.topP().isPresent()) {
            return Optional.of("topP: " + NAME + " takes it only without temperature");
        }
        if (thinks && withoutThinking) {
            return Optional.of("reasoningEffort: " + target.model() + " does not think");
        }
        if (request.reasoningEffort().filter(ReasoningEffort.NONE::equals).isPresent() && alwaysThinks) {
            return Optional.of("reasoningEffort: " + target.model() + " cannot stop thinking");
        }
        if (budget > 0 && request.maxTokens().orElse(Integer.MAX_VALUE) <= budget) {
            return Optional.of("maxTokens: must be more than the " + budget + " tokens that " + target.model()
                    + " may think with this reasoning effort");
        }
        if (forcesTool(request) && withoutForcedTools) {
            return Optional.of("toolChoice: " + target.model() + " cannot be made to call a tool");
        }
        if (thinks && forcesTool(request)) {
            return Optional.of("toolChoice: " + NAME + " forces tools only with reasoning effort NONE");
        }
        return Optional.empty();
    }

    private static boolean forcesTool(ChatRequest request) {
        ToolChoice choice = request.toolChoice();
        return !request.tools().isEmpty() && (choice == ToolChoice.Mode.REQUIRED || choice instanceof ToolChoice.Named);
    }

    /** The effort to think with; empty if nothing is to be said of it. */
    private static Optional<ReasoningEffort> effort(ChatRequest request) {
        return request.reasoningEffort().filter(effort -> effort != ReasoningEffort.NONE);
    }

    /** How many tokens a model with a budget may think; 0 if it does not think, or without a budget. */
    private int budget(ChatRequest request) {
        if (!budgeted) {
            return 0;
        }
        return switch (request.reasoningEffort().orElse(ReasoningEffort.NONE)) {
            case NONE -> 0;
            case MINIMAL -> 1_024;
            case LOW -> 2_048;
            case MEDIUM -> 8_192;
            case HIGH -> 16_384;
            // With what is left for the answer, just below the 32,000 tokens that the smallest of them writes.
            case MAX -> 23_000;
        };
    }

    @Override
    public Request.Builder http(Delivery delivery) {
        return http(url);
    }

    /** The list of models, one of them: platform.claude.com/docs/en/api/models/list. */
    @Override
    public Optional<Request.Builder> check() {
        return Optional.of(http(Endpoint.without(url, "messages")
                .newBuilder()
                .addPathSegment("models")
                .addQueryParameter("limit", "1")
                .build()));
    }

    private Request.Builder http(HttpUrl url) {
        Request.Builder http = new Request.Builder().url(url).header("anthropic-version", apiVersion);
        boolean bearer = target.option(AUTH).orElseThrow().equals("bearer");
        target.apiKey()
                .ifPresent(key -> http.header(bearer ? "Authorization" : "x-api-key", bearer ? "Bearer " + key : key));
        target.option(BETA).ifPresent(beta -> http.header("anthropic-beta", beta));
        return http;
    }

    @Override
    public ObjectNode json(ChatRequest request, Delivery delivery) {
        ObjectNode json = Json.object();
        json.put("model", target.model());
        json.put("max_tokens", maxTokens(request));
        String system = request.messages().stream()
                .filter(message -> message.role() == Message.Role.SYSTEM)
                .map(Message::text)
                .filter(text -> !text.isBlank())
                .collect(Collectors.joining("\n\n"));
        if (!system.isEmpty()) {
            json.put("system", system);
        }
        writeMessages(request, json.putArray("messages"));
        request.temperature().ifPresent(temperature -> json.put("temperature", temperature));
        request.topP().ifPresent(topP -> json.put("top_p", topP));
        if (!request.stopSequences().isEmpty()) {
            ArrayNode stop = json.putArray("stop_sequences");
            request.stopSequences().forEach(stop::add);
        }
        writeTools(request, json);
        if (request.responseFormat() instanceof ResponseFormat.JsonSchema schema) {
            json.withObjectProperty("output_config")
                    .putObject("format")
                    .put("type", "json_schema")
                    .set("schema", Json.callersObject("the schema '" + schema.name() + "'", schema.schema()));
        }
        effort(request)
                .ifPresentOrElse(
                        effort -> writeEffort(effort, budget(request), json), () -> writeNoThinking(request, json));
        json.put("stream", delivery == Delivery.STREAMED);
        Json.addExtra(json, request.extra(NAME), FIXED_FIELDS);
        return json;
    }

    private int maxTokens(ChatRequest request) {
        int budget = budget(request);
        return request.maxTokens()
                .orElse(budget > 0 && defaultMaxTokens <= budget ? budget + ROOM_BESIDE_BUDGET : defaultMaxTokens);
    }

    /** Roles must alternate, and all results of one answer's calls must come in one message: neighbours are joined. */
    private static void writeMessages(ChatRequest request, ArrayNode messages) {
        String lastRole = "";
        ArrayNode content = messages;
        for (Message message : request.messages()) {
            ArrayNode blocks = blocks(message);
            // A message without a block is refused as an empty text is.
            if (blocks.isEmpty()) {
                continue;
            }
            String role = message.role() == Message.Role.ASSISTANT ? "assistant" : "user";
            if (!role.equals(lastRole)) {
                content = messages.addObject().put("role", role).putArray("content");
                lastRole = role;
            }
            content.addAll(blocks);
        }
    }

    /** Whether nothing of a message is sent as one. */
    private static boolean isEmpty(Message message) {
        return switch (message.role()) {
            case SYSTEM -> true;
            case TOOL -> false;
            case USER, ASSISTANT ->
                message.toolCalls().isEmpty()
                        && message.content().stream()
                                .allMatch(part -> part instanceof Content.Text text
                                        && text.text().isBlank());
        };
    }

    private static ArrayNode blocks(Message message) {
        ArrayNode blocks = Json.object().arrayNode();
        switch (message.role()) {
            case SYSTEM -> {
                // Has its own field.
            }
            case USER -> message.content().forEach(part -> write(part, blocks));
            case ASSISTANT -> {
                if (!writeState(message, blocks)) {
                    message.content().forEach(part -> write(part, blocks));
                    blocks.addAll(toolCalls(message));
                }
                // An answer that was cut off while the model thought is refused with its end.
                while (isThought(blocks.path(blocks.size() - 1))) {
                    blocks.remove(blocks.size() - 1);
                }
            }
            case TOOL -> {
                ToolCall call = message.answeredCall().orElseThrow();
                ObjectNode result =
                        blocks.addObject().put("type", "tool_result").put("tool_use_id", toolCallId(call));
                if (!message.text().isBlank()) {
                    result.put("content", message.text());
                }
                if (message.toolFailed()) {
                    result.put("is_error", true);
                }
            }
        }
        return blocks;
    }

    /**
     * What the model thought, signed: first, or where it came among the rest, which then is there too. Whoever kept it may have changed it, or
     * the message: what is neither goes without.
     *
     * @return whether the rest is there too
     */
    private static boolean writeState(Message message, ArrayNode blocks) {
        String state = message.providerState().get(NAME);
        if (state == null || !(Json.parse(state) instanceof ArrayNode own)) {
            return false;
        }
        StringBuilder text = new StringBuilder();
        ArrayNode calls = Json.object().arrayNode();
        boolean whole = false;
        for (JsonNode block : own) {
            switch (block.path("type").asText()) {
                case "thinking", "redacted_thinking" -> {
                    // Goes back as it is.
                }
                case "text" -> {
                    whole = true;
                    text.append(block.path("text").asText());
                }
                case "tool_use" -> {
                    whole = true;
                    calls.add(block);
                }
                default -> {
                    return false;
                }
            }
        }
        if (whole && !(sameWords(text.toString(), message.text()) && calls.equals(toolCalls(message)))) {
            return false;
        }
        blocks.addAll(own);
        return whole;
    }

    /** Blank texts between others are not kept. */
    private static boolean sameWords(String one, String other) {
        return one.replaceAll("\\s+", "").equals(other.replaceAll("\\s+", ""));
    }

    private static ArrayNode toolCalls(Message message) {
        ArrayNode calls = Json.object().arrayNode();
        message.toolCalls().forEach(call -> write(call, calls.addObject()));
        return calls;
    }

    private static boolean isThought(JsonNode block) {
        String type = block.path("type").asText();
        return type.equals("thinking") || type.equals("redacted_thinking");
    }

    private static void write(Content content, ArrayNode blocks) {
        if (content instanceof Content.Text text) {
            if (!text.text().isBlank()) {
                blocks.addObject().put("type", "text").put("text", text.text());
            }
        } else if (content instanceof Content.Image image) {
            ObjectNode source = blocks.addObject().put("type", "image").putObject("source");
            image.url()
                    .ifPresentOrElse(
                            address -> source.put("type", "url").put("url", address.toString()),
                            () -> source.put("type", "base64")
                                    .put("media_type", image.mediaType())
                                    .put(
                                            "data",
                                            Base64.getEncoder()
                                                    .encodeToString(
                                                            image.bytes().orElseThrow())));
        }
    }

    static void write(ToolCall call, ObjectNode json) {
        json.put("type", "tool_use").put("id", toolCallId(call)).put("name", call.name());
        json.set("input", Json.arguments(call.arguments()));
    }

    /** The same call gets the same id in every message, whoever made it up: other providers' ids have other characters. */
    private static String toolCallId(ToolCall call) {
        return FOREIGN_IN_ID.matcher(call.id()).replaceAll("_");
    }

    private static void writeTools(ChatRequest request, ObjectNode json) {
        if (request.tools().isEmpty()) {
            return;
        }
        ArrayNode tools = json.putArray("tools");
        for (Tool tool : request.tools()) {
            ObjectNode written = tools.addObject().put("name", tool.name());
            if (!tool.description().isEmpty()) {
                written.put("description", tool.description());
            }
            written.set(
                    "input_schema",
                    Json.callersObject("the parameters of tool '" + tool.name() + "'", tool.parameters()));
        }
        ObjectNode choice = json.putObject("tool_choice");
        if (request.toolChoice() instanceof ToolChoice.Named named) {
            choice.put("type", "tool").put("name", named.tool());
        } else if (request.toolChoice() instanceof ToolChoice.Mode mode) {
            choice.put(
                    "type",
                    switch (mode) {
                        case AUTO -> "auto";
                        case REQUIRED -> "any";
                        case NONE -> "none";
                    });
        }
    }

    private void writeNoThinking(ChatRequest request, ObjectNode json) {
        boolean wanted = request.reasoningEffort().isPresent() || forcesTool(request);
        if (wanted && thinksByDefault && !alwaysThinks) {
            json.putObject("thinking").put("type", betweenTools ? "between_tools" : "disabled");
        }
    }

    private static void writeEffort(ReasoningEffort effort, int budget, ObjectNode json) {
        if (budget > 0) {
            json.putObject("thinking").put("type", "enabled").put("budget_tokens", budget);
            return;
        }
        json.putObject("thinking").put("type", "adaptive");
        json.withObjectProperty("output_config")
                .put(
                        "effort",
                        switch (effort) {
                            case NONE, MINIMAL, LOW -> "low";
                            case MEDIUM -> "medium";
                            case HIGH -> "high";
                            case MAX -> "max";
                        });
    }

    @Override
    public AnswerDecoder decoder(ChatRequest request, AnswerHead head, EventSink sink) {
        return new AnthropicDecoder(head, sink);
    }

    /** After its documentation: all by the minute. */
    @Override
    public Map<String, Duration> rateLimitWindows() {
        return RATE_LIMIT_WINDOWS;
    }
}
