package ai.orchestrator.conformance;

import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.Content;
import ai.orchestrator.chat.Message;
import ai.orchestrator.chat.ReasoningEffort;
import ai.orchestrator.chat.ResponseFormat;
import ai.orchestrator.chat.ToolChoice;
import com.anthropic.client.AnthropicClient;
import com.anthropic.client.okhttp.AnthropicOkHttpClient;
import com.anthropic.core.JsonValue;
import com.anthropic.core.ObjectMappers;
import com.anthropic.core.http.StreamResponse;
import com.anthropic.errors.AnthropicServiceException;
import com.anthropic.helpers.MessageAccumulator;
import com.anthropic.models.messages.Base64ImageSource;
import com.anthropic.models.messages.ContentBlockParam;
import com.anthropic.models.messages.JsonOutputFormat;
import com.anthropic.models.messages.MessageCreateParams;
import com.anthropic.models.messages.OutputConfig;
import com.anthropic.models.messages.RawMessageStreamEvent;
import com.anthropic.models.messages.ThinkingBlockParam;
import com.anthropic.models.messages.ThinkingConfigAdaptive;
import com.anthropic.models.messages.ThinkingConfigBetweenTools;
import com.anthropic.models.messages.ThinkingConfigDisabled;
import com.anthropic.models.messages.ThinkingConfigParam;
import com.anthropic.models.messages.Tool;
import com.anthropic.models.messages.ToolChoiceAny;
import com.anthropic.models.messages.ToolChoiceAuto;
import com.anthropic.models.messages.ToolChoiceNone;
import com.anthropic.models.messages.ToolResultBlockParam;
import com.anthropic.models.messages.ToolUseBlockParam;
import com.anthropic.models.messages.UrlImageSource;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** Wishes in the words of Anthropic's client. */
final class AnthropicIntents {

    /** What the client does unasked and this library where it is told so. */
    private static final Map<String, String> NEWEST = Map.of("api-version", "2026-10-21", "auth", "bearer");

    /** Shared, because a mapper learns each type anew. */
    private static final JsonMapper JSON = ObjectMappers.jsonMapper();

    private final List<Intent> intents = new ArrayList<>();

    private AnthropicIntents() {}

    static List<Intent> all() {
        AnthropicIntents intents = new AnthropicIntents();
        intents.conversations();
        intents.tools();
        intents.parameters();
        intents.continuations();
        return List.copyOf(intents.intents);
    }

    private void conversations() {
        add("question", Intent.question(), AnthropicIntents::question);
        add("question, as a string", Intent.question(), p -> p.addUserMessage(Question.TEXT));
        add("question, with no settings", Map.of(), Intent.question(), AnthropicIntents::question);
        add(
                "system message",
                ChatRequest.builder().system("Be short.").user(Question.TEXT),
                p -> question(p).system("Be short."));
        add(
                "several turns",
                Intent.question().assistant("It scatters.").user("What does?"),
                p -> question(p)
                        .addAssistantMessageOfContentBlockParams(List.of(ContentBlockParam.ofText("It scatters.")))
                        .addUserMessageOfContentBlockParams(List.of(ContentBlockParam.ofText("What does?"))));
        add(
                "image, bytes",
                Intent.picture(Content.Image.of("image/png", Intent.PICTURE)),
                p -> picture(
                        p,
                        ContentBlockParam.ofImage(Base64ImageSource.builder()
                                .mediaType(Base64ImageSource.MediaType.IMAGE_PNG)
                                .data(Intent.PICTURE_BASE64)
                                .build())));
        add(
                "image, address",
                Intent.picture(Content.Image.at(URI.create(Intent.PICTURE_ADDRESS))),
                p -> picture(
                        p,
                        ContentBlockParam.ofImage(UrlImageSource.builder()
                                .url(Intent.PICTURE_ADDRESS)
                                .build())));
    }

    private static MessageCreateParams.Builder question(MessageCreateParams.Builder p) {
        return p.addUserMessageOfContentBlockParams(List.of(ContentBlockParam.ofText(Question.TEXT)));
    }

    private static void picture(MessageCreateParams.Builder p, ContentBlockParam picture) {
        p.addUserMessageOfContentBlockParams(List.of(ContentBlockParam.ofText("What is this?"), picture));
    }

    private void tools() {
        add("tools", Intent.tools(), AnthropicIntents::tools);
        add(
                "tool choice auto",
                Intent.tools().toolChoice(ToolChoice.Mode.AUTO),
                p -> tools(p).toolChoice(ToolChoiceAuto.builder().build()));
        add(
                "tool choice none",
                Intent.tools().toolChoice(ToolChoice.Mode.NONE),
                p -> tools(p).toolChoice(ToolChoiceNone.builder().build()));
        add(
                "tool choice required",
                Intent.tools().toolChoice(ToolChoice.Mode.REQUIRED),
                p -> tools(p).toolChoice(ToolChoiceAny.builder().build()));
        add(
                "tool choice named",
                Intent.tools().toolChoice(new ToolChoice.Named("weather")),
                p -> tools(p).toolToolChoice("weather"));
        add(
                "tool results",
                Intent.toolResults(),
                p -> question(p)
                        .addTool(weather())
                        .toolChoice(ToolChoiceAuto.builder().build())
                        .addAssistantMessageOfContentBlockParams(List.of(
                                ContentBlockParam.ofText("Let me look."),
                                call("toolu_1", "Bern"),
                                call("toolu_2", "Zürich")))
                        .addUserMessageOfContentBlockParams(List.of(
                                ContentBlockParam.ofToolResult(ToolResultBlockParam.builder()
                                        .toolUseId("toolu_1")
                                        .content("sunny")
                                        .build()),
                                ContentBlockParam.ofToolResult(ToolResultBlockParam.builder()
                                        .toolUseId("toolu_2")
                                        .content("{\"sky\":\"grey\"}")
                                        .build()))));
        add(
                "thinking and a tool failure",
                Intent.question()
                        .tool(Intent.WEATHER)
                        .message(Message.assistant("", List.of(Intent.BERN))
                                .withProviderState(
                                        "anthropic",
                                        "[{\"type\":\"thinking\",\"thinking\":\"Hm.\",\"signature\":\"c2lnbmVk\"}]"))
                        .message(Message.toolFailure(Intent.BERN, "no such city")),
                p -> question(p)
                        .addTool(weather())
                        .toolChoice(ToolChoiceAuto.builder().build())
                        .addAssistantMessageOfContentBlockParams(List.of(
                                ContentBlockParam.ofThinking(ThinkingBlockParam.builder()
                                        .thinking("Hm.")
                                        .signature("c2lnbmVk")
                                        .build()),
                                call("toolu_1", "Bern")))
                        .addUserMessageOfContentBlockParams(
                                List.of(ContentBlockParam.ofToolResult(ToolResultBlockParam.builder()
                                        .toolUseId("toolu_1")
                                        .content("no such city")
                                        .isError(true)
                                        .build()))));
    }

    private static MessageCreateParams.Builder tools(MessageCreateParams.Builder p) {
        return question(p)
                .addTool(weather())
                .addTool(tool("time", "{\"type\":\"object\",\"properties\":{}}").build());
    }

    private static Tool weather() {
        return tool("weather", Intent.SCHEMA).description("The weather now.").build();
    }

    private static Tool.Builder tool(String name, String schema) {
        Tool.InputSchema.Builder input = Tool.InputSchema.builder();
        Words.map(schema).forEach((field, value) -> {
            if (field.equals("type")) {
                input.type(JsonValue.from(value));
            } else {
                input.putAdditionalProperty(field, JsonValue.from(value));
            }
        });
        return Tool.builder().name(name).inputSchema(input.build());
    }

    private static ContentBlockParam call(String id, String city) {
        return ContentBlockParam.ofToolUse(ToolUseBlockParam.builder()
                .id(id)
                .name("weather")
                .input(ToolUseBlockParam.Input.builder()
                        .putAdditionalProperty("city", JsonValue.from(city))
                        .build())
                .build());
    }

    private void parameters() {
        add(
                "JSON schema",
                Intent.question().responseFormat(new ResponseFormat.JsonSchema("place", Intent.SCHEMA)),
                p -> {
                    JsonOutputFormat.Schema.Builder schema = JsonOutputFormat.Schema.builder();
                    Words.map(Intent.SCHEMA)
                            .forEach((name, value) -> schema.putAdditionalProperty(name, JsonValue.from(value)));
                    question(p)
                            .outputConfig(OutputConfig.builder()
                                    .format(JsonOutputFormat.builder()
                                            .schema(schema.build())
                                            .build())
                                    .build());
                });
        add("max tokens", Intent.question().maxTokens(99), p -> question(p).maxTokens(99));
        add("stop", Intent.question().stop("END", "###"), p -> question(p).stopSequences(List.of("END", "###")));
        add(
                "reasoning effort low",
                Intent.question().reasoningEffort(ReasoningEffort.LOW),
                p -> question(p)
                        .thinking(ThinkingConfigAdaptive.builder().build())
                        .outputConfig(OutputConfig.builder()
                                .effort(OutputConfig.Effort.LOW)
                                .build()));
        add(
                "reasoning effort max",
                Intent.question().reasoningEffort(ReasoningEffort.MAX),
                p -> question(p)
                        .thinking(ThinkingConfigAdaptive.builder().build())
                        .outputConfig(OutputConfig.builder()
                                .effort(OutputConfig.Effort.MAX)
                                .build()));
        add(
                "reasoning effort none",
                Intent.question().reasoningEffort(ReasoningEffort.NONE),
                AnthropicIntents::question);
        add(
                "reasoning effort none, model that thinks by itself",
                "claude-haiku-5-5",
                NEWEST,
                Intent.question().reasoningEffort(ReasoningEffort.NONE),
                p -> question(p).thinking(ThinkingConfigDisabled.builder().build()));
        add(
                "reasoning effort none, model that only thinks less",
                "claude-sonnet-5-5",
                NEWEST,
                Intent.question().reasoningEffort(ReasoningEffort.NONE),
                p -> question(p).thinking(ThinkingConfigBetweenTools.builder().build()));
        add(
                "reasoning effort medium, model with a budget",
                "claude-sonnet-4-5",
                NEWEST,
                Intent.question().maxTokens(10_000).reasoningEffort(ReasoningEffort.MEDIUM),
                p -> question(p).maxTokens(10_000).thinking(ThinkingConfigParam.ofEnabled(8_192)));
        // The client has given sampling up together with the version that knows it.
        Map<String, String> older = Map.of("auth", "bearer");
        add(
                "temperature",
                older,
                Intent.question().temperature(0.25),
                p -> question(p)
                        .putAdditionalHeader("anthropic-version", "2023-06-01")
                        .putAdditionalBodyProperty("temperature", JsonValue.from(0.25)));
        add(
                "top-p",
                older,
                Intent.question().topP(0.9),
                p -> question(p)
                        .putAdditionalHeader("anthropic-version", "2023-06-01")
                        .putAdditionalBodyProperty("top_p", JsonValue.from(0.9)));
        add(
                "beta",
                Map.of("api-version", "2026-10-21", "auth", "bearer", "beta", "files-api-2025-04-14"),
                Intent.question(),
                p -> question(p).putAdditionalHeader("anthropic-beta", "files-api-2025-04-14"));
        add(
                "extra field",
                Intent.question().extra("service_tier", "standard_only"),
                p -> question(p).putAdditionalBodyProperty("service_tier", JsonValue.from("standard_only")));
    }

    /** An answer goes back with the results of its calls. */
    private void continuations() {
        for (String answered :
                List.of("plain text", "parallel tool calls", "thinking between tool calls", "redacted thinking")) {
            intents.add(new Intent(
                    "anthropic",
                    "what follows " + answered,
                    "/v1",
                    Question.MODEL,
                    NEWEST,
                    Intent.question().build(),
                    (root, streamed) -> {
                        MessageCreateParams.Builder p = question(MessageCreateParams.builder()
                                .model(Question.MODEL)
                                .maxTokens(8192));
                        send(root, p.build(), streamed).ifPresent(answer -> {
                            p.addMessage(answer);
                            List<ContentBlockParam> results = answer.content().stream()
                                    .flatMap(block -> block.toolUse().stream())
                                    .map(call -> ContentBlockParam.ofToolResult(ToolResultBlockParam.builder()
                                            .toolUseId(call.id())
                                            .content(Intent.RESULT)
                                            .build()))
                                    .toList();
                            if (!results.isEmpty()) {
                                p.addUserMessageOfContentBlockParams(results);
                            }
                            send(root, p.build(), streamed);
                        });
                    },
                    answered));
        }
    }

    private void add(String name, ChatRequest.Builder request, Consumer<MessageCreateParams.Builder> words) {
        add(name, NEWEST, request, words);
    }

    private void add(
            String name,
            Map<String, String> settings,
            ChatRequest.Builder request,
            Consumer<MessageCreateParams.Builder> words) {
        add(name, Question.MODEL, settings, request, words);
    }

    private void add(
            String name,
            String model,
            Map<String, String> settings,
            ChatRequest.Builder request,
            Consumer<MessageCreateParams.Builder> words) {
        intents.add(new Intent("anthropic", name, "/v1", model, settings, request.build(), (root, streamed) -> {
            // The client has no default for it.
            MessageCreateParams.Builder p =
                    MessageCreateParams.builder().model(model).maxTokens(8192);
            words.accept(p);
            send(root, p.build(), streamed);
        }));
    }

    /** The answer; empty if there was a refusal. */
    private static Optional<com.anthropic.models.messages.Message> send(
            String root, MessageCreateParams p, boolean streamed) {
        AnthropicClient client = AnthropicOkHttpClient.builder()
                .baseUrl(root)
                .apiKey(Question.KEY)
                .maxRetries(0)
                .jsonMapper(JSON)
                .build();
        try {
            if (!streamed) {
                return Optional.of(client.messages().create(p));
            }
            try (StreamResponse<RawMessageStreamEvent> stream =
                    client.messages().createStreaming(p)) {
                MessageAccumulator accumulator = MessageAccumulator.create();
                stream.stream().forEach(accumulator::accumulate);
                return Optional.of(accumulator.message());
            }
        } catch (AnthropicServiceException e) {
            return Optional.empty();
        } finally {
            client.close();
        }
    }
}
