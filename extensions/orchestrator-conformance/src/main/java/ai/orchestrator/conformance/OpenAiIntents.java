package ai.orchestrator.conformance;

import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.Content;
import ai.orchestrator.chat.ReasoningEffort;
import ai.orchestrator.chat.ResponseFormat;
import ai.orchestrator.chat.ToolChoice;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.openai.azure.AzureOpenAIServiceVersion;
import com.openai.azure.AzureUrlPathMode;
import com.openai.azure.credential.AzureApiKeyCredential;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.ObjectMappers;
import com.openai.core.http.StreamResponse;
import com.openai.credential.BearerTokenCredential;
import com.openai.credential.Credential;
import com.openai.errors.OpenAIServiceException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.FunctionDefinition;
import com.openai.models.FunctionParameters;
import com.openai.models.ResponseFormatJsonObject;
import com.openai.models.ResponseFormatJsonSchema;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionAssistantMessageParam;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionContentPart;
import com.openai.models.chat.completions.ChatCompletionContentPartImage;
import com.openai.models.chat.completions.ChatCompletionContentPartText;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionMessage;
import com.openai.models.chat.completions.ChatCompletionMessageFunctionToolCall;
import com.openai.models.chat.completions.ChatCompletionNamedToolChoice;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.chat.completions.ChatCompletionToolChoiceOption;
import com.openai.models.chat.completions.ChatCompletionToolMessageParam;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** Wishes in the words of OpenAI's client. */
final class OpenAiIntents {

    private static final String THINKS = "gpt-6-luna";

    /** Shared, because a mapper learns each type anew. */
    private static final JsonMapper JSON = ObjectMappers.jsonMapper();

    private final List<Intent> intents = new ArrayList<>();

    private OpenAiIntents() {}

    static List<Intent> all() {
        OpenAiIntents intents = new OpenAiIntents();
        intents.conversations();
        intents.tools();
        intents.parameters();
        intents.vendors();
        intents.continuations();
        intents.azure();
        return List.copyOf(intents.intents);
    }

    private void conversations() {
        add("question", Intent.question(), OpenAiIntents::question);
        intents.add(new Intent(
                "openai",
                "usage in a stream",
                "/v1",
                Question.MODEL,
                Map.of(),
                Intent.question().build(),
                (root, streamed) -> {
                    ChatCompletionCreateParams.Builder p =
                            question(ChatCompletionCreateParams.builder().model(Question.MODEL));
                    if (streamed) {
                        p.streamOptions(ChatCompletionStreamOptions.builder()
                                .includeUsage(true)
                                .build());
                    }
                    send(client(root + "/v1"), p, streamed);
                }));
        add(
                "system message",
                ChatRequest.builder().system("Be short.").user(Question.TEXT),
                p -> question(p.addSystemMessage("Be short.")));
        add(
                "several turns",
                Intent.question().assistant("It scatters.").user("What does?"),
                p -> question(p).addAssistantMessage("It scatters.").addUserMessage("What does?"));
        add(
                "image, bytes",
                Intent.picture(Content.Image.of("image/png", Intent.PICTURE)),
                p -> picture(p, "data:image/png;base64," + Intent.PICTURE_BASE64));
        add(
                "image, address",
                Intent.picture(Content.Image.at(URI.create(Intent.PICTURE_ADDRESS))),
                p -> picture(p, Intent.PICTURE_ADDRESS));
    }

    private static ChatCompletionCreateParams.Builder question(ChatCompletionCreateParams.Builder p) {
        return p.addUserMessage(Question.TEXT);
    }

    private static void picture(ChatCompletionCreateParams.Builder p, String url) {
        p.addUserMessageOfArrayOfContentParts(List.of(
                ChatCompletionContentPart.ofText(ChatCompletionContentPartText.builder()
                        .text("What is this?")
                        .build()),
                ChatCompletionContentPart.ofImageUrl(ChatCompletionContentPartImage.builder()
                        .imageUrl(ChatCompletionContentPartImage.ImageUrl.builder()
                                .url(url)
                                .build())
                        .build())));
    }

    private void tools() {
        add("tools", Intent.tools(), OpenAiIntents::tools);
        add(
                "tool choice auto",
                Intent.tools().toolChoice(ToolChoice.Mode.AUTO),
                p -> tools(p).toolChoice(ChatCompletionToolChoiceOption.Auto.AUTO));
        add(
                "tool choice none",
                Intent.tools().toolChoice(ToolChoice.Mode.NONE),
                p -> tools(p).toolChoice(ChatCompletionToolChoiceOption.Auto.NONE));
        add(
                "tool choice required",
                Intent.tools().toolChoice(ToolChoice.Mode.REQUIRED),
                p -> tools(p).toolChoice(ChatCompletionToolChoiceOption.Auto.REQUIRED));
        add(
                "tool choice named",
                Intent.tools().toolChoice(new ToolChoice.Named("weather")),
                p -> tools(p).toolChoice(ChatCompletionNamedToolChoice.builder()
                        .function(ChatCompletionNamedToolChoice.Function.builder()
                                .name("weather")
                                .build())
                        .build()));
        add(
                "tool results",
                Intent.toolResults(),
                p -> question(p)
                        .addFunctionTool(weather())
                        .addMessage(ChatCompletionAssistantMessageParam.builder()
                                .content("Let me look.")
                                .addToolCall(call("toolu_1", "{\"city\":\"Bern\"}"))
                                .addToolCall(call("toolu_2", "{\"city\":\"Zürich\"}"))
                                .build())
                        .addMessage(result("toolu_1", "sunny"))
                        .addMessage(result("toolu_2", "{\"sky\":\"grey\"}")));
        add(
                "tool failure after a silent call",
                Intent.question()
                        .tool(Intent.WEATHER)
                        .message(ai.orchestrator.chat.Message.assistant("", List.of(Intent.BERN)))
                        .message(ai.orchestrator.chat.Message.toolFailure(Intent.BERN, "no such city")),
                p -> question(p)
                        .addFunctionTool(weather())
                        .addMessage(ChatCompletionAssistantMessageParam.builder()
                                .addToolCall(call("toolu_1", "{\"city\":\"Bern\"}"))
                                .build())
                        .addMessage(result("toolu_1", "no such city")));
    }

    private static ChatCompletionCreateParams.Builder tools(ChatCompletionCreateParams.Builder p) {
        return question(p)
                .addFunctionTool(weather())
                .addFunctionTool(FunctionDefinition.builder()
                        .name("time")
                        .parameters(parameters("{\"type\":\"object\",\"properties\":{}}"))
                        .build());
    }

    private static FunctionDefinition weather() {
        return FunctionDefinition.builder()
                .name("weather")
                .description("The weather now.")
                .parameters(parameters(Intent.SCHEMA))
                .build();
    }

    private static FunctionParameters parameters(String schema) {
        FunctionParameters.Builder parameters = FunctionParameters.builder();
        Words.map(schema).forEach((name, value) -> parameters.putAdditionalProperty(name, JsonValue.from(value)));
        return parameters.build();
    }

    private static ChatCompletionMessageFunctionToolCall call(String id, String arguments) {
        return ChatCompletionMessageFunctionToolCall.builder()
                .id(id)
                .function(ChatCompletionMessageFunctionToolCall.Function.builder()
                        .name("weather")
                        .arguments(arguments)
                        .build())
                .build();
    }

    private static ChatCompletionToolMessageParam result(String id, String result) {
        return ChatCompletionToolMessageParam.builder()
                .toolCallId(id)
                .content(result)
                .build();
    }

    @SuppressWarnings("deprecation") // Servers that imitate OpenAI know only max_tokens and seed.
    private void parameters() {
        add(
                "JSON",
                Intent.question().responseFormat(ResponseFormat.Plain.JSON),
                p -> question(p)
                        .responseFormat(ResponseFormatJsonObject.builder().build()));
        add(
                "JSON schema",
                Intent.question().responseFormat(new ResponseFormat.JsonSchema("place", Intent.SCHEMA)),
                p -> {
                    ResponseFormatJsonSchema.JsonSchema.Schema.Builder schema =
                            ResponseFormatJsonSchema.JsonSchema.Schema.builder();
                    Words.map(Intent.SCHEMA)
                            .forEach((name, value) -> schema.putAdditionalProperty(name, JsonValue.from(value)));
                    question(p)
                            .responseFormat(ResponseFormatJsonSchema.builder()
                                    .jsonSchema(ResponseFormatJsonSchema.JsonSchema.builder()
                                            .name("place")
                                            .strict(true)
                                            .schema(schema.build())
                                            .build())
                                    .build());
                });
        add("max tokens", Intent.question().maxTokens(99), p -> question(p).maxTokens(99));
        add(
                "max tokens, model that thinks",
                THINKS,
                Intent.question().maxTokens(99),
                p -> question(p).maxCompletionTokens(99));
        add("temperature", Intent.question().temperature(0.25), p -> question(p).temperature(0.25));
        add("top-p", Intent.question().topP(0.9), p -> question(p).topP(0.9));
        add("stop", Intent.question().stop("END", "###"), p -> question(p).stopOfStrings(List.of("END", "###")));
        add("seed", Intent.question().seed(7), p -> question(p).seed(7));
        add(
                "reasoning effort",
                THINKS,
                Intent.question().reasoningEffort(ReasoningEffort.LOW),
                p -> question(p).reasoningEffort(com.openai.models.ReasoningEffort.LOW));
        add(
                "reasoning effort none",
                THINKS,
                Intent.question().reasoningEffort(ReasoningEffort.NONE),
                p -> question(p).reasoningEffort(com.openai.models.ReasoningEffort.NONE));
        add(
                "reasoning effort max",
                THINKS,
                Intent.question().reasoningEffort(ReasoningEffort.MAX),
                p -> question(p).reasoningEffort(com.openai.models.ReasoningEffort.MAX));
        add(
                "temperature, model that thinks",
                THINKS,
                Intent.question().temperature(0.25),
                p -> question(p).temperature(0.25));
        add(
                "extra field",
                Intent.question().extra("service_tier", "flex"),
                p -> question(p).serviceTier(ChatCompletionCreateParams.ServiceTier.FLEX));
        intents.add(new Intent(
                "openai",
                "organization and project",
                "/v1",
                Question.MODEL,
                Map.of("organization", "org-1", "project", "proj-1"),
                Intent.question().build(),
                (root, streamed) -> send(
                        client(root + "/v1").organization("org-1").project("proj-1"),
                        question(ChatCompletionCreateParams.builder().model(Question.MODEL)),
                        streamed)));
    }

    /** The client with a vendor's address, as that vendor's documentation says. */
    @SuppressWarnings("deprecation")
    private void vendors() {
        Map.of("groq", "/openai/v1", "huggingface", "/v1", "mistral", "/v1", "deepseek", "", "openrouter", "/api/v1")
                .entrySet()
                .stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(vendor -> add(
                        vendor.getKey(),
                        "question with max tokens and seed",
                        vendor.getValue(),
                        Question.MODEL,
                        Intent.question().maxTokens(99).seed(7),
                        p -> question(p).maxTokens(99).seed(7)));
    }

    /** An answer goes back with the results of its calls. */
    private void continuations() {
        for (String answered : List.of("plain text", "parallel tool calls", "text and a tool call")) {
            intents.add(new Intent(
                    "openai",
                    "what follows " + answered,
                    "/v1",
                    Question.MODEL,
                    Map.of(),
                    Intent.question().build(),
                    (root, streamed) -> {
                        ChatCompletionCreateParams.Builder p =
                                question(ChatCompletionCreateParams.builder().model(Question.MODEL));
                        send(client(root + "/v1"), p, streamed).ifPresent(answer -> {
                            ChatCompletionMessage message =
                                    answer.choices().get(0).message();
                            p.addMessage(message);
                            message.toolCalls()
                                    .orElse(List.of())
                                    .forEach(call -> p.addMessage(
                                            result(call.asFunction().id(), Intent.RESULT)));
                            send(client(root + "/v1"), p, streamed);
                        });
                    },
                    answered));
        }
    }

    private void azure() {
        Credential key = AzureApiKeyCredential.create(Question.KEY);
        azure("address of a deployment", "", Map.of("api-version", "2024-10-21"), key);
        azure("address that ends with v1", "/openai/v1", Map.of(), key);
        azure("token of Entra ID", "/openai/v1", Map.of("auth", "bearer"), BearerTokenCredential.create(Question.KEY));
    }

    private void azure(String name, String path, Map<String, String> settings, Credential credential) {
        intents.add(new Intent(
                "azure", name, path, Question.MODEL, settings, Intent.question().build(), (root, streamed) -> {
                    OpenAIOkHttpClient.Builder client = OpenAIOkHttpClient.builder()
                            .baseUrl(root + path)
                            .credential(credential)
                            // Only the name of the host would tell the client.
                            .azureUrlPathMode(path.isEmpty() ? AzureUrlPathMode.LEGACY : AzureUrlPathMode.UNIFIED)
                            .maxRetries(0);
                    if (path.isEmpty()) {
                        client.azureServiceVersion(AzureOpenAIServiceVersion.fromString("2024-10-21"));
                    }
                    send(client, question(ChatCompletionCreateParams.builder().model(Question.MODEL)), streamed);
                }));
    }

    private void add(String name, ChatRequest.Builder request, Consumer<ChatCompletionCreateParams.Builder> words) {
        add(name, Question.MODEL, request, words);
    }

    private void add(
            String name,
            String model,
            ChatRequest.Builder request,
            Consumer<ChatCompletionCreateParams.Builder> words) {
        add("openai", name, "/v1", model, request, words);
    }

    private void add(
            String type,
            String name,
            String path,
            String model,
            ChatRequest.Builder request,
            Consumer<ChatCompletionCreateParams.Builder> words) {
        intents.add(new Intent(type, name, path, model, Map.of(), request.build(), (root, streamed) -> {
            ChatCompletionCreateParams.Builder p =
                    ChatCompletionCreateParams.builder().model(model);
            words.accept(p);
            send(client(root + path), p, streamed);
        }));
    }

    private static OpenAIOkHttpClient.Builder client(String url) {
        return OpenAIOkHttpClient.builder().baseUrl(url).apiKey(Question.KEY).maxRetries(0);
    }

    /** The answer; empty if there was a refusal. */
    private static Optional<ChatCompletion> send(
            OpenAIOkHttpClient.Builder builder, ChatCompletionCreateParams.Builder p, boolean streamed) {
        OpenAIClient client = builder.jsonMapper(JSON).build();
        try {
            if (!streamed) {
                return Optional.of(client.chat().completions().create(p.build()));
            }
            try (StreamResponse<ChatCompletionChunk> stream =
                    client.chat().completions().createStreaming(p.build())) {
                ChatCompletionAccumulator accumulator = ChatCompletionAccumulator.create();
                stream.stream().forEach(accumulator::accumulate);
                return Optional.of(accumulator.chatCompletion());
            }
        } catch (OpenAIServiceException e) {
            return Optional.empty();
        } finally {
            client.close();
        }
    }
}
