package ai.orchestrator.conformance;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.Content;
import ai.orchestrator.chat.Message;
import ai.orchestrator.chat.Tool;
import ai.orchestrator.chat.ToolCall;
import ai.orchestrator.testkit.ManualTimeSource;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The same wish in this library's words and in a client's.
 *
 * @param type the type of provider that is asked
 * @param name what is wished
 * @param path where its server's interface begins
 * @param model who is to answer
 * @param settings the provider's options here
 * @param request the wish in this library's words
 * @param client sends it in the client's words
 * @param answered the answer of the catalogue that the request gets, which is then sent back with the results of its calls; empty where the
 *     request itself is what counts
 */
record Intent(
        String type,
        String name,
        String path,
        String model,
        Map<String, String> settings,
        ChatRequest request,
        Client client,
        String answered) {

    /** What every tool returns. */
    static final String RESULT = "sunny";

    /** Sends a request, and where it is answered the next one; minds no refusal. */
    interface Client {

        void send(String root, boolean streamed);
    }

    static final String SCHEMA =
            "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"],\"additionalProperties\":false}";
    static final Tool WEATHER = new Tool("weather", "The weather now.", SCHEMA);
    static final Tool TIME = new Tool("time", "", "{\"type\":\"object\",\"properties\":{}}");
    static final ToolCall BERN = new ToolCall("toolu_1", "weather", "{\"city\":\"Bern\"}");
    static final ToolCall ZURICH = new ToolCall("toolu_2", "weather", "{\"city\":\"Zürich\"}");
    static final byte[] PICTURE = {1, 2, 3};
    static final String PICTURE_BASE64 = "AQID";
    static final String PICTURE_ADDRESS = "https://example.com/cat.png";

    /** A wish that is one request. */
    Intent(
            String type,
            String name,
            String path,
            String model,
            Map<String, String> settings,
            ChatRequest request,
            Client client) {
        this(type, name, path, model, settings, request, client, "");
    }

    static ChatRequest.Builder question() {
        return ChatRequest.builder().user(Question.TEXT);
    }

    static ChatRequest.Builder tools() {
        return question().tool(WEATHER).tool(TIME);
    }

    /** A turn in which two tools were called at once. */
    static ChatRequest.Builder toolResults() {
        return question()
                .tool(WEATHER)
                .message(Message.assistant("Let me look.", List.of(BERN, ZURICH)))
                .toolResult(BERN, RESULT)
                .toolResult(ZURICH, "{\"sky\":\"grey\"}");
    }

    static ChatRequest.Builder picture(Content picture) {
        return ChatRequest.builder().user(new Content.Text("What is this?"), picture);
    }

    static List<Intent> all() {
        return Stream.of(OpenAiIntents.all(), AnthropicIntents.all(), GeminiIntents.all())
                .flatMap(List::stream)
                .toList();
    }

    /** Sends it in this library's words. */
    void sendHere(String root, boolean streamed) {
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(new ManualTimeSource())
                .drainTimeout(Duration.ZERO)
                .provider(type, p -> {
                    p.type(type)
                            .baseUrl(root + path)
                            .model(model)
                            .apiKey(Question.KEY)
                            .retry(RetrySettings.builder().maxAttempts(1).build());
                    settings.forEach(p::option);
                })
                .build()) {
            ChatResponse answer = ask(orchestrator, request, streamed);
            ChatRequest.Builder next = request.toBuilder().message(answer.message());
            answer.toolCalls().forEach(call -> next.toolResult(call, RESULT));
            ask(orchestrator, next.build(), streamed);
        } catch (OrchestratorException e) {
            // The server refuses what is to be compared.
        }
    }

    private static ChatResponse ask(Orchestrator orchestrator, ChatRequest request, boolean streamed) {
        if (!streamed) {
            return orchestrator.chat(request);
        }
        try (ChatStream stream = orchestrator.stream(request)) {
            return stream.response();
        }
    }

    /** How the differences name it. */
    @Override
    public String toString() {
        return type + " request: " + name;
    }
}
