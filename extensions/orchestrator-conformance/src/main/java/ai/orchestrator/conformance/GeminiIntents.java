package ai.orchestrator.conformance;

import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ReasoningEffort;
import ai.orchestrator.chat.ResponseFormat;
import ai.orchestrator.chat.ToolChoice;
import com.google.genai.Client;
import com.google.genai.ResponseStream;
import com.google.genai.errors.ApiException;
import com.google.genai.types.Content;
import com.google.genai.types.FunctionCall;
import com.google.genai.types.FunctionCallingConfig;
import com.google.genai.types.FunctionCallingConfigMode;
import com.google.genai.types.FunctionDeclaration;
import com.google.genai.types.FunctionResponse;
import com.google.genai.types.GenerateContentConfig;
import com.google.genai.types.GenerateContentResponse;
import com.google.genai.types.HttpOptions;
import com.google.genai.types.Part;
import com.google.genai.types.ThinkingConfig;
import com.google.genai.types.ThinkingLevel;
import com.google.genai.types.Tool;
import com.google.genai.types.ToolConfig;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Wishes in the words of Google's client. */
final class GeminiIntents {

    private static final List<Content> QUESTION = List.of(content("user", Part.fromText(Question.TEXT)));

    private final List<Intent> intents = new ArrayList<>();

    private GeminiIntents() {}

    static List<Intent> all() {
        GeminiIntents intents = new GeminiIntents();
        intents.conversations();
        intents.tools();
        intents.parameters();
        intents.continuations();
        return List.copyOf(intents.intents);
    }

    private void conversations() {
        add("question", Intent.question(), QUESTION, c -> {});
        intents.add(new Intent(
                "gemini",
                "question, to the client's own version",
                "/v1beta",
                Question.MODEL,
                Map.of(),
                Intent.question().build(),
                (root, streamed) -> send(
                        HttpOptions.builder().baseUrl(root),
                        Question.MODEL,
                        QUESTION,
                        GenerateContentConfig.builder().build(),
                        streamed)));
        add(
                "system message",
                ChatRequest.builder().system("Be short.").user(Question.TEXT),
                QUESTION,
                c -> c.systemInstruction(Content.fromParts(Part.fromText("Be short."))));
        add(
                "several turns",
                Intent.question().assistant("It scatters.").user("What does?"),
                List.of(
                        QUESTION.get(0),
                        content("model", Part.fromText("It scatters.")),
                        content("user", Part.fromText("What does?"))),
                c -> {});
        add(
                "image, bytes",
                Intent.picture(ai.orchestrator.chat.Content.Image.of("image/png", Intent.PICTURE)),
                List.of(content("user", Part.fromText("What is this?"), Part.fromBytes(Intent.PICTURE, "image/png"))),
                c -> {});
        add(
                "image, address",
                Intent.picture(ai.orchestrator.chat.Content.Image.at(URI.create(Intent.PICTURE_ADDRESS))),
                List.of(content(
                        "user", Part.fromText("What is this?"), Part.fromUri(Intent.PICTURE_ADDRESS, "image/png"))),
                c -> {});
    }

    private static Content content(String role, Part... parts) {
        return Content.builder().role(role).parts(List.of(parts)).build();
    }

    private void tools() {
        add("tools", Intent.tools(), QUESTION, GeminiIntents::tools);
        add(
                "tool choice auto",
                Intent.tools().toolChoice(ToolChoice.Mode.AUTO),
                QUESTION,
                c -> choice(c, FunctionCallingConfigMode.Known.AUTO));
        add(
                "tool choice none",
                Intent.tools().toolChoice(ToolChoice.Mode.NONE),
                QUESTION,
                c -> choice(c, FunctionCallingConfigMode.Known.NONE));
        add(
                "tool choice required",
                Intent.tools().toolChoice(ToolChoice.Mode.REQUIRED),
                QUESTION,
                c -> choice(c, FunctionCallingConfigMode.Known.ANY));
        add(
                "tool choice named",
                Intent.tools().toolChoice(new ToolChoice.Named("weather")),
                QUESTION,
                c -> choice(c, FunctionCallingConfigMode.Known.ANY, "weather"));
        add(
                "tool results",
                Intent.toolResults(),
                List.of(
                        QUESTION.get(0),
                        content(
                                "model",
                                Part.fromText("Let me look."),
                                call("toolu_1", "Bern"),
                                call("toolu_2", "Zürich")),
                        content(
                                "user",
                                result("toolu_1", Map.of("result", "sunny")),
                                result("toolu_2", Map.of("sky", "grey")))),
                c -> c.tools(
                        Tool.builder().functionDeclarations(List.of(weather())).build()));
    }

    private static void tools(GenerateContentConfig.Builder config) {
        config.tools(Tool.builder()
                .functionDeclarations(List.of(
                        weather(),
                        FunctionDeclaration.builder()
                                .name("time")
                                .parametersJsonSchema(Words.map("{\"type\":\"object\",\"properties\":{}}"))
                                .build()))
                .build());
    }

    private static FunctionDeclaration weather() {
        return FunctionDeclaration.builder()
                .name("weather")
                .description("The weather now.")
                .parametersJsonSchema(Words.map(Intent.SCHEMA))
                .build();
    }

    private static void choice(
            GenerateContentConfig.Builder config, FunctionCallingConfigMode.Known mode, String... names) {
        tools(config);
        FunctionCallingConfig.Builder calling = FunctionCallingConfig.builder().mode(mode);
        if (names.length > 0) {
            calling.allowedFunctionNames(List.of(names));
        }
        config.toolConfig(
                ToolConfig.builder().functionCallingConfig(calling.build()).build());
    }

    private static Part call(String id, String city) {
        return Part.builder()
                .functionCall(FunctionCall.builder()
                        .id(id)
                        .name("weather")
                        .args(Map.of("city", city))
                        .build())
                .build();
    }

    private static Part result(String id, Map<String, Object> result) {
        return Part.builder()
                .functionResponse(FunctionResponse.builder()
                        .id(id)
                        .name("weather")
                        .response(result)
                        .build())
                .build();
    }

    private void parameters() {
        add(
                "JSON",
                Intent.question().responseFormat(ResponseFormat.Plain.JSON),
                QUESTION,
                c -> c.responseMimeType("application/json"));
        add(
                "JSON schema",
                Intent.question().responseFormat(new ResponseFormat.JsonSchema("place", Intent.SCHEMA)),
                QUESTION,
                c -> c.responseMimeType("application/json").responseJsonSchema(Words.map(Intent.SCHEMA)));
        add("max tokens", Intent.question().maxTokens(99), QUESTION, c -> c.maxOutputTokens(99));
        add("temperature", Intent.question().temperature(0.25), QUESTION, c -> c.temperature(0.25f));
        add("top-p", Intent.question().topP(0.5), QUESTION, c -> c.topP(0.5f));
        add("stop", Intent.question().stop("END", "###"), QUESTION, c -> c.stopSequences("END", "###"));
        add("seed", Intent.question().seed(7), QUESTION, c -> c.seed(7));
        add(
                "reasoning effort",
                "gemini-3.5-flash-lite",
                Intent.question().reasoningEffort(ReasoningEffort.LOW),
                QUESTION,
                c -> c.thinkingConfig(ThinkingConfig.builder()
                        .thinkingLevel(ThinkingLevel.Known.LOW)
                        .includeThoughts(true)
                        .build()));
        add(
                "reasoning effort, model with a budget",
                "gemini-2.5-flash",
                Intent.question().reasoningEffort(ReasoningEffort.LOW),
                QUESTION,
                c -> c.thinkingConfig(ThinkingConfig.builder()
                        .thinkingBudget(1_024)
                        .includeThoughts(true)
                        .build()));
        add("model with its resource's name", "models/model-1", Intent.question(), QUESTION, c -> {});
        add("tuned model", "tunedModels/model-1", Intent.question(), QUESTION, c -> {});
    }

    private void add(
            String name,
            ChatRequest.Builder request,
            List<Content> contents,
            Consumer<GenerateContentConfig.Builder> words) {
        add(name, Question.MODEL, request, contents, words);
    }

    /** An answer goes back, in all its parts, with the results of its calls. */
    private void continuations() {
        GenerateContentConfig nothing = GenerateContentConfig.builder().build();
        for (String answered :
                List.of("plain text", "thoughts", "parallel function calls", "function call with id and signature")) {
            intents.add(new Intent(
                    "gemini",
                    "what follows " + answered,
                    "/v1beta",
                    Question.MODEL,
                    Map.of(),
                    Intent.question().build(),
                    (root, streamed) -> {
                        HttpOptions.Builder http =
                                HttpOptions.builder().baseUrl(root).apiVersion("v1beta");
                        List<Part> answer = send(http, Question.MODEL, QUESTION, nothing, streamed);
                        List<Content> next = new ArrayList<>(QUESTION);
                        next.add(content("model", answer.toArray(new Part[0])));
                        Part[] results = answer.stream()
                                .flatMap(part -> part.functionCall().stream())
                                .map(GeminiIntents::result)
                                .toArray(Part[]::new);
                        if (results.length > 0) {
                            next.add(content("user", results));
                        }
                        send(http, Question.MODEL, next, nothing, streamed);
                    },
                    answered));
        }
    }

    private static Part result(FunctionCall call) {
        FunctionResponse.Builder response =
                FunctionResponse.builder().name(call.name().orElse("")).response(Map.of("result", Intent.RESULT));
        call.id().ifPresent(response::id);
        return Part.builder().functionResponse(response.build()).build();
    }

    /** Asks for the version that this library asks for, where the client would ask for another one. */
    private void add(
            String name,
            String model,
            ChatRequest.Builder request,
            List<Content> contents,
            Consumer<GenerateContentConfig.Builder> words) {
        intents.add(new Intent("gemini", name, "/v1beta", model, Map.of(), request.build(), (root, streamed) -> {
            GenerateContentConfig.Builder config = GenerateContentConfig.builder();
            words.accept(config);
            send(HttpOptions.builder().baseUrl(root).apiVersion("v1beta"), model, contents, config.build(), streamed);
        }));
    }

    /** What the model said; empty if there was a refusal. */
    private static List<Part> send(
            HttpOptions.Builder http,
            String model,
            List<Content> contents,
            GenerateContentConfig config,
            boolean streamed) {
        List<Part> parts = new ArrayList<>();
        try (Client client = Client.builder()
                .apiKey(Question.KEY)
                .vertexAI(false)
                .httpOptions(http.build())
                .build()) {
            if (streamed) {
                try (ResponseStream<GenerateContentResponse> stream =
                        client.models.generateContentStream(model, contents, config)) {
                    stream.forEach(piece -> parts.addAll(piece.parts()));
                }
            } else {
                parts.addAll(
                        client.models.generateContent(model, contents, config).parts());
            }
        } catch (ApiException e) {
            return List.of();
        }
        return parts;
    }
}
