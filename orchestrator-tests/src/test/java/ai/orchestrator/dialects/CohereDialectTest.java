package ai.orchestrator.dialects;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.RequestRejectedException;
import ai.orchestrator.StreamFailedException;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.Content;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Message;
import ai.orchestrator.chat.RateLimit;
import ai.orchestrator.chat.ReasoningEffort;
import ai.orchestrator.chat.ResponseFormat;
import ai.orchestrator.chat.Tool;
import ai.orchestrator.chat.ToolCall;
import ai.orchestrator.chat.ToolChoice;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.Retries;
import ai.orchestrator.testkit.ScriptedServer;
import ai.orchestrator.testkit.ScriptedServer.ReceivedRequest;
import ai.orchestrator.testkit.StreamScript;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class CohereDialectTest {

    private static final String KEY = "PlantedSecretOfCohere1234567890abcdefghi";
    private static final String MODEL = "command-r7b-12-2024";
    private static final String THINKING_MODEL = "command-a-reasoning-08-2025";
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private static final Tool WEATHER = new Tool(
            "weather",
            "Tells the weather.",
            "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]}");
    private static final Tool CLOCK = Tool.withoutArguments("clock", "");
    private static final ToolCall WEATHER_CALL = new ToolCall("weather_1", "weather", "{\"city\":\"Bern\"}");
    private static final ToolCall CLOCK_CALL = new ToolCall("clock_2", "clock", "{}");

    private static final String COUNTS = "{\"billed_units\":{\"input_tokens\":3,\"output_tokens\":2},"
            + "\"tokens\":{\"input_tokens\":70,\"output_tokens\":5},\"cached_tokens\":64}";
    private static final Usage USAGE = new Usage(70, 5, 64, 0);

    private static final String ANSWER = answer("\"content\":[{\"type\":\"text\",\"text\":\"Mild.\"}]", "COMPLETE");

    private final ManualTimeSource time = new ManualTimeSource();
    private final ScriptedServer server = ScriptedServer.start();

    @AfterEach
    void close() {
        server.close();
    }

    private Orchestrator orchestrator(String model) {
        return Orchestrator.builder()
                .timeSource(time)
                .provider(
                        "co",
                        p -> p.type("cohere")
                                .baseUrl(server.baseUrl())
                                .apiKey(KEY)
                                .model(model)
                                .retry(Retries.NONE))
                .build();
    }

    private ChatResponse chat(String model, ChatRequest request) {
        try (Orchestrator orchestrator = orchestrator(model)) {
            return orchestrator.chat(request);
        }
    }

    private ChatResponse chat(Reply reply) {
        server.reply(reply);
        return chat(MODEL, ChatRequest.of("hello"));
    }

    /** What is sent for a request. */
    private JsonNode sent(String model, ChatRequest request) {
        server.reply(Reply.json(ANSWER));
        chat(model, request);
        return json(server.awaitRequest().body());
    }

    private JsonNode sent(UnaryOperator<ChatRequest.Builder> request) {
        return sent(MODEL, request.apply(ChatRequest.builder()).build());
    }

    private List<ChatEvent> events(StreamScript script) {
        server.reply(Reply.stream(script));
        List<ChatEvent> events = new ArrayList<>();
        try (Orchestrator orchestrator = orchestrator(MODEL);
                ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            stream.forEach(events::add);
        }
        return events;
    }

    private ChatResponse streamed(StreamScript script) {
        server.reply(Reply.stream(script));
        try (Orchestrator orchestrator = orchestrator(MODEL);
                ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            return stream.response();
        }
    }

    private ProviderException failure(Reply reply) {
        server.reply(reply);
        return failure(() -> chat(MODEL, ChatRequest.of("hello")));
    }

    private static ProviderException failure(Runnable call) {
        OrchestratorException thrown = catchThrowableOfType(OrchestratorException.class, call::run);
        return cause(thrown);
    }

    private static ProviderException cause(Throwable thrown) {
        assertThat(thrown).isNotNull().hasCauseInstanceOf(ProviderException.class);
        return (ProviderException) Objects.requireNonNull(thrown.getCause());
    }

    private void assertUnsupported(String model, UnaryOperator<ChatRequest.Builder> request, String reason) {
        ChatRequest built = request.apply(ChatRequest.builder().user("a")).build();
        RequestRejectedException thrown =
                catchThrowableOfType(RequestRejectedException.class, () -> chat(model, built));
        assertThat(thrown).hasMessageContaining(reason);
        assertThat(server.requestCount()).isZero();
    }

    private static JsonNode json(String text) {
        try {
            return MAPPER.readTree(text);
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }

    private static String answer(String message, String finishReason) {
        return "{\"id\":\"resp-1\",\"message\":{\"role\":\"assistant\"," + message + "},\"finish_reason\":\""
                + finishReason + "\",\"usage\":" + COUNTS + "}";
    }

    private static String event(String type, String fields) {
        return "event: " + type + "\ndata: {\"type\":\"" + type + "\"" + (fields.isEmpty() ? "" : ",") + fields
                + "}\n\n";
    }

    private static final String START = event(
            "message-start",
            "\"id\":\"resp-1\",\"delta\":{\"message\":{\"role\":\"assistant\",\"content\":[],\"tool_plan\":\"\","
                    + "\"tool_calls\":[],\"citations\":[]}}");

    private static String content(String type, int index, String fields) {
        return event(type, "\"index\":" + index + ",\"delta\":{\"message\":{\"content\":{" + fields + "}}}");
    }

    private static String text(String text) {
        return content("content-delta", 0, "\"text\":\"" + text + "\"");
    }

    private static String thought(String text) {
        return content("content-delta", 0, "\"thinking\":\"" + text + "\"");
    }

    private static String plan(String text) {
        return event("tool-plan-delta", "\"delta\":{\"message\":{\"tool_plan\":\"" + text + "\"}}");
    }

    private static String call(int index, String id, String name) {
        return event(
                "tool-call-start",
                "\"index\":" + index + ",\"delta\":{\"message\":{\"tool_calls\":{\"id\":\"" + id
                        + "\",\"type\":\"function\",\"function\":{\"name\":\"" + name + "\",\"arguments\":\"\"}}}}");
    }

    private static String arguments(int index, String text) {
        return event(
                "tool-call-delta",
                "\"index\":" + index + ",\"delta\":{\"message\":{\"tool_calls\":{\"function\":{\"arguments\":\""
                        + text.replace("\"", "\\\"") + "\"}}}}");
    }

    private static String ended(String delta) {
        return event("message-end", "\"delta\":{" + delta + "}");
    }

    private static String end(String finishReason) {
        return ended("\"finish_reason\":\"" + finishReason + "\",\"usage\":" + COUNTS) + "data: [DONE]\n\n";
    }

    private static String error(String message) {
        return "{\"id\":\"err-1\",\"message\":\"" + message + "\"}";
    }

    // ---- Requests

    @Test
    void a_question_goes_to_chat_with_a_bearer_key() {
        server.reply(Reply.json(ANSWER));
        chat(MODEL, ChatRequest.of("hello"));

        ReceivedRequest request = server.awaitRequest();
        assertThat(request.method()).isEqualTo("POST");
        assertThat(request.path()).isEqualTo("/v1/chat");
        assertThat(request.headers())
                .containsEntry("authorization", "Bearer " + KEY)
                .containsEntry("accept", "application/json");
        assertThat(json(request.body()))
                .isEqualTo(json(
                        "{\"model\":\"command-r7b-12-2024\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}],"
                                + "\"stream\":false}"));
    }

    @Test
    void a_stream_is_asked_for_as_one() {
        streamed(StreamScript.empty().send(START + text("Mild.") + end("COMPLETE")));

        ReceivedRequest request = server.awaitRequest();
        assertThat(request.path()).isEqualTo("/v1/chat");
        assertThat(request.headers()).containsEntry("accept", "text/event-stream");
        assertThat(json(request.body()).path("stream").asBoolean()).isTrue();
    }

    @Test
    void another_address_needs_no_key() {
        server.reply(Reply.json(ANSWER));
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider("local", p -> p.type("cohere").baseUrl(server.baseUrl()))
                .build()) {
            assertThat(orchestrator.chat("hello").model()).isEqualTo("command-r7b-12-2024");
        }
        assertThat(server.awaitRequest().headers()).doesNotContainKey("authorization");
    }

    @Test
    void system_messages_become_the_first_one_and_empty_ones_none() {
        JsonNode messages = sent(request -> request.system("Be brief.")
                        .user("One.")
                        .assistant("Two.")
                        .system("Be kind.")
                        .user("Three."))
                .path("messages");
        assertThat(messages)
                .isEqualTo(json("[{\"role\":\"system\",\"content\":\"Be brief.\\n\\nBe kind.\"},"
                        + "{\"role\":\"user\",\"content\":\"One.\"},{\"role\":\"assistant\",\"content\":\"Two.\"},"
                        + "{\"role\":\"user\",\"content\":\"Three.\"}]"));
        assertThat(sent(request -> request.system(" ").user("One.")).path("messages"))
                .isEqualTo(json("[{\"role\":\"user\",\"content\":\"One.\"}]"));
    }

    @Test
    void pictures_go_by_their_bytes_or_by_their_address() {
        JsonNode content = sent(request -> request.user(
                        new Content.Text("What is it?"),
                        Content.Image.of("image/png", new byte[] {1, 2, 3}),
                        Content.Image.at(URI.create("https://example.com/cat.jpg"))))
                .path("messages")
                .path(0)
                .path("content");
        assertThat(content)
                .isEqualTo(json("[{\"type\":\"text\",\"text\":\"What is it?\"},"
                        + "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AQID\"}},"
                        + "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://example.com/cat.jpg\"}}]"));
    }

    @Test
    void tool_calls_and_their_results_are_sent() {
        JsonNode messages = sent(request -> request.user("hello")
                        .message(Message.assistant("", List.of(WEATHER_CALL, CLOCK_CALL)))
                        .message(Message.toolResult(WEATHER_CALL, "{\"degrees\":21}"))
                        .message(Message.toolFailure(CLOCK_CALL, "stopped"))
                        .message(Message.assistant("One moment.", List.of(CLOCK_CALL)))
                        .message(Message.toolResult(CLOCK_CALL, "12")))
                .path("messages");
        String clock =
                "{\"id\":\"clock_2\",\"type\":\"function\",\"function\":{\"name\":\"clock\",\"arguments\":\"{}\"}}";
        assertThat(messages)
                .isEqualTo(json("[{\"role\":\"user\",\"content\":\"hello\"},"
                        + "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"weather_1\",\"type\":\"function\","
                        + "\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\":\\\"Bern\\\"}\"}}," + clock
                        + "]},"
                        + "{\"role\":\"tool\",\"tool_call_id\":\"weather_1\",\"content\":\"{\\\"degrees\\\":21}\"},"
                        + "{\"role\":\"tool\",\"tool_call_id\":\"clock_2\",\"content\":\"stopped\"},"
                        + "{\"role\":\"assistant\",\"content\":\"One moment.\",\"tool_calls\":[" + clock + "]},"
                        + "{\"role\":\"tool\",\"tool_call_id\":\"clock_2\",\"content\":\"12\"}]"));
    }

    @Test
    void settings_have_coheres_names() {
        JsonNode body = sent(request -> request.user("hello")
                .temperature(1)
                .topP(0.99)
                .maxTokens(100)
                .stop("A", "B", "C", "D", "E")
                .seed(Long.MAX_VALUE));
        assertThat(body)
                .isEqualTo(json(
                        "{\"model\":\"command-r7b-12-2024\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}],"
                                + "\"max_tokens\":100,\"temperature\":1.0,\"p\":0.99,\"seed\":9223372036854775807,"
                                + "\"stop_sequences\":[\"A\",\"B\",\"C\",\"D\",\"E\"],\"stream\":false}"));
    }

    @Test
    void tools_are_declared_with_their_json_schemas() {
        JsonNode body = sent(request -> request.user("hello").tool(WEATHER).tool(CLOCK));
        assertThat(body.path("tools"))
                .isEqualTo(json(
                        "[{\"type\":\"function\",\"function\":{\"name\":\"weather\",\"description\":\"Tells the weather.\","
                                + "\"parameters\":" + WEATHER.parameters() + "}},"
                                + "{\"type\":\"function\",\"function\":{\"name\":\"clock\",\"parameters\":"
                                + CLOCK.parameters() + "}}]"));
        assertThat(body.has("tool_choice")).isFalse();
        assertThat(body.has("strict_tools")).isFalse();
    }

    @Test
    void the_choice_of_tools_is_a_word_and_a_named_tool_is_the_only_one_shown() {
        assertThat(sent(request -> request.user("a").tool(CLOCK).toolChoice(ToolChoice.Mode.NONE))
                        .path("tool_choice")
                        .asText())
                .isEqualTo("NONE");
        JsonNode required =
                sent(request -> request.user("a").tool(WEATHER).tool(CLOCK).toolChoice(ToolChoice.Mode.REQUIRED));
        assertThat(required.path("tool_choice").asText()).isEqualTo("REQUIRED");
        assertThat(required.path("tools")).hasSize(2);

        JsonNode named =
                sent(request -> request.user("a").tool(WEATHER).tool(CLOCK).toolChoice(new ToolChoice.Named("clock")));
        assertThat(named.path("tool_choice").asText()).isEqualTo("REQUIRED");
        assertThat(named.path("tools").findValuesAsText("name")).containsExactly("clock");
    }

    @Test
    void json_is_asked_for_with_or_without_a_schema() {
        assertThat(sent(request -> request.user("a").responseFormat(ResponseFormat.Plain.JSON))
                        .path("response_format"))
                .isEqualTo(json("{\"type\":\"json_object\"}"));
        assertThat(sent(request -> request.user("a")
                                .responseFormat(new ResponseFormat.JsonSchema("pet", "{\"type\":\"object\"}")))
                        .path("response_format"))
                .isEqualTo(json("{\"type\":\"json_object\",\"json_schema\":{\"type\":\"object\"}}"));
    }

    @Test
    void a_schema_that_is_no_json_object_is_the_callers_mistake() {
        ChatRequest request = ChatRequest.builder()
                .user("a")
                .responseFormat(new ResponseFormat.JsonSchema("pet", "[]"))
                .build();
        assertThat(failure(() -> chat(MODEL, request)).kind()).isEqualTo(FailureKind.BAD_REQUEST);
        assertThat(server.requestCount()).isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "NONE, '{\"type\":\"disabled\"}'",
        "MINIMAL, '{\"type\":\"enabled\",\"token_budget\":512}'",
        "LOW, '{\"type\":\"enabled\",\"token_budget\":1024}'",
        "MEDIUM, '{\"type\":\"enabled\",\"token_budget\":8192}'",
        "HIGH, '{\"type\":\"enabled\",\"token_budget\":24576}'",
        "MAX, '{\"type\":\"enabled\"}'",
    })
    void a_reasoning_effort_is_a_budget_of_tokens(ReasoningEffort effort, String thinking) {
        for (String model : List.of(
                THINKING_MODEL, "command-a-plus-05-2026", "north-mini-code-1-0", "command-b-01-2028", "my-own")) {
            JsonNode body = sent(
                    model,
                    ChatRequest.builder().user("a").reasoningEffort(effort).build());
            assertThat(body.path("thinking")).as(model).isEqualTo(json(thinking));
        }
    }

    @Test
    void no_effort_says_nothing_of_thinking() {
        assertThat(sent(THINKING_MODEL, ChatRequest.of("a")).has("thinking")).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "command-r7b-12-2024",
                "command-r7b-arabic-02-2025",
                "command-a-03-2025",
                "command-a-translate-08-2025",
                "command-a-vision-07-2025",
                "command-r-08-2024",
                "command-r-plus-08-2024",
                "command-r-plus",
                "command-r",
                "command-light",
                "command-nightly",
                "command",
                "c4ai-aya-expanse-32b",
            })
    void models_that_do_not_think_are_not_asked_to(String model) {
        assertUnsupported(
                model,
                request -> request.reasoningEffort(ReasoningEffort.MINIMAL),
                "reasoningEffort: " + model + " does not think");
        ChatRequest none = ChatRequest.builder()
                .user("a")
                .reasoningEffort(ReasoningEffort.NONE)
                .build();
        assertThat(sent(model, none).has("thinking")).isFalse();
    }

    @Test
    void what_cohere_does_not_take_is_refused_by_name() {
        assertUnsupported(MODEL, request -> request.temperature(1.01), "temperature: cohere takes 0 to 1");
        assertUnsupported(MODEL, request -> request.topP(1), "topP: cohere takes 0.01 to 0.99");
        assertUnsupported(MODEL, request -> request.topP(0.001), "topP: cohere takes 0.01 to 0.99");
        assertUnsupported(MODEL, request -> request.seed(-1), "seed: cohere takes no negative number");
        assertUnsupported(
                MODEL, request -> request.stop("A", "B", "C", "D", "E", "F"), "stop: cohere takes 5 sequences");
        for (String name : List.of("get-weather", "2nd")) {
            assertUnsupported(
                    MODEL, request -> request.tool(Tool.withoutArguments(name, "")), "tools: cohere takes names");
        }
        for (ResponseFormat format : List.of(ResponseFormat.Plain.JSON, new ResponseFormat.JsonSchema("a", "{}"))) {
            assertUnsupported(
                    MODEL,
                    request -> request.tool(CLOCK).responseFormat(format),
                    "responseFormat: cohere takes it only without tools");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"command-r-08-2024", "command-r-plus-08-2024", "command-r", "command-light"})
    void models_before_command_r7b_decide_themselves_whether_they_call_tools(String model) {
        for (ToolChoice choice :
                List.of(ToolChoice.Mode.NONE, ToolChoice.Mode.REQUIRED, new ToolChoice.Named("clock"))) {
            assertUnsupported(
                    model,
                    request -> request.tool(CLOCK).toolChoice(choice),
                    "toolChoice: " + model + " cannot be told whether to call tools");
        }
        ChatRequest request = ChatRequest.builder().user("a").tool(CLOCK).build();
        assertThat(sent(model, request).path("tools")).hasSize(1);
    }

    @Test
    void extra_fields_join_what_the_request_says() {
        JsonNode body = sent(request -> request.user("hello")
                .responseFormat(ResponseFormat.Plain.JSON)
                .extra("cohere", "k", 40)
                .extra("cohere", "safety_mode", "STRICT")
                .extra("cohere", "response_format", Map.of("json_schema", Map.of("type", "object")))
                .extra("openai", "user", "u"));
        assertThat(body.path("k").asInt()).isEqualTo(40);
        assertThat(body.path("safety_mode").asText()).isEqualTo("STRICT");
        assertThat(body.path("response_format"))
                .isEqualTo(json("{\"type\":\"json_object\",\"json_schema\":{\"type\":\"object\"}}"));
        assertThat(body.has("user")).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"model", "messages", "stream"})
    void extra_fields_do_not_replace_what_makes_the_call(String field) {
        ChatRequest request = ChatRequest.builder().user("a").extra(field, "x").build();
        assertThat(failure(() -> chat(MODEL, request)).kind()).isEqualTo(FailureKind.BAD_REQUEST);
        assertThat(server.requestCount()).isZero();
    }

    // ---- Whole answers

    @Test
    void a_whole_answer_has_its_text_thoughts_usage_and_names() {
        ChatResponse response = chat(Reply.json(answer(
                        "\"content\":[{\"type\":\"thinking\",\"thinking\":\"Hm. \"},{\"type\":\"thinking\",\"thinking\":\"Well.\"},"
                                + "{\"type\":\"text\",\"text\":\"Mild\"},{\"type\":\"sound\"},{\"type\":\"text\",\"text\":\", dry.\"}]",
                        "COMPLETE"))
                .withHeader("x-debug-trace-id", "trace-1"));
        assertThat(response.text()).isEqualTo("Mild, dry.");
        assertThat(response.reasoning()).isEqualTo("Hm. Well.");
        assertThat(response.finishReason()).isEqualTo(FinishReason.STOP);
        assertThat(response.model()).as("the one asked for").isEqualTo(MODEL);
        assertThat(response.responseId()).isEqualTo("resp-1");
        assertThat(response.requestId()).isEqualTo("trace-1");
        assertThat(response.usage()).contains(USAGE);
        assertThat(response.extra()).isEmpty();
    }

    @Test
    void a_model_that_the_answer_names_is_the_one_that_answered() {
        assertThat(chat(Reply.json(ANSWER.replace("{\"id\"", "{\"model\":\"command-r7b-13\",\"id\"")))
                        .model())
                .isEqualTo("command-r7b-13");
    }

    @Test
    void tool_calls_come_with_the_plan_as_reasoning_and_null_is_no_arguments() {
        ChatResponse response = chat(Reply.json(answer(
                "\"tool_plan\":\"I look at both.\",\"tool_calls\":["
                        + "{\"id\":\"weather_1\",\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\":\\\"Bern\\\"}\"}},"
                        + "{\"id\":\"clock_2\",\"type\":\"function\",\"function\":{\"name\":\"clock\",\"arguments\":\"null\"}}]",
                "TOOL_CALL")));
        assertThat(response.finishReason()).isEqualTo(FinishReason.TOOL_CALLS);
        assertThat(response.reasoning()).isEqualTo("I look at both.");
        assertThat(response.text()).isEmpty();
        assertThat(response.toolCalls()).containsExactly(WEATHER_CALL, CLOCK_CALL);
    }

    @Test
    void a_plan_and_thoughts_are_told_apart_by_a_blank_line_whole_and_streamed() {
        ChatResponse whole = chat(Reply.json(answer(
                "\"tool_plan\":\"I look.\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"Hm. \"},"
                        + "{\"type\":\"thinking\",\"thinking\":\"Well.\"},{\"type\":\"text\",\"text\":\"Mild.\"}]",
                "COMPLETE")));
        assertThat(whole.reasoning()).isEqualTo("I look.\n\nHm. Well.");

        ChatResponse streamed = streamed(StreamScript.empty()
                .send(START
                        + thought("Hm. ")
                        + thought("Well.")
                        + plan("")
                        + plan("I ")
                        + plan("look.")
                        + text("Mild.")
                        + end("COMPLETE")));
        assertThat(streamed.reasoning()).isEqualTo("Hm. Well.\n\nI look.");
        for (ChatResponse response : List.of(whole, streamed)) {
            assertThat(response.message().providerState())
                    .containsEntry(
                            "cohere",
                            "{\"tool_plan\":\"I look.\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"Hm. Well.\"}]}");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"COMPLETE", "MAX_TOKENS"})
    void content_may_be_a_text_as_gateways_write_it(String reason) {
        assertThat(chat(Reply.json(answer("\"content\":\"Mild.\"", reason))).text())
                .isEqualTo("Mild.");
        String delta = "\"index\":0,\"delta\":{\"message\":{\"content\":";
        ChatResponse streamed = streamed(StreamScript.empty()
                .send(START
                        + event("content-delta", delta + "\"Mi\"}}")
                        + event("content-delta", delta + "[{\"type\":\"text\",\"text\":\"ld.\"}]}}")
                        + end(reason)));
        assertThat(streamed.text()).isEqualTo("Mild.");
    }

    @ParameterizedTest
    @CsvSource({
        "COMPLETE, STOP",
        "STOP_SEQUENCE, STOP",
        "MAX_TOKENS, LENGTH",
        "ERROR_LIMIT, LENGTH",
        "TOOL_CALL, TOOL_CALLS",
        "USER_CANCEL, OTHER",
        "NEW_REASON, OTHER",
    })
    void finish_reasons_are_understood(String reason, FinishReason expected) {
        String content = "\"content\":[{\"type\":\"text\",\"text\":\"Mi\"}]";
        assertThat(chat(Reply.json(answer(content, reason))).finishReason()).isEqualTo(expected);
        assertThat(streamed(StreamScript.empty().send(START + text("Mi") + end(reason)))
                        .finishReason())
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({
        "ERROR, SERVER",
        "TIMEOUT, TIMEOUT",
        "ERROR_TOXIC, CONTENT_FILTERED",
        "'', MALFORMED",
    })
    void some_ends_are_failures(String reason, FailureKind kind) {
        ProviderException failure =
                failure(Reply.json(answer("\"content\":[{\"type\":\"text\",\"text\":\"Mi\"}]", reason)));
        assertThat(failure.kind()).isEqualTo(kind);
        assertThat(failure.mayHaveBeenProcessed()).isTrue();
    }

    @Test
    void what_is_billed_counts_where_nothing_else_does() {
        ChatResponse response =
                chat(Reply.json(ANSWER.replace(COUNTS, "{\"billed_units\":{\"input_tokens\":3,\"output_tokens\":2}}")));
        assertThat(response.usage()).contains(new Usage(3, 2, 0, 0));
        assertThat(chat(Reply.json(ANSWER.replace(COUNTS, "{}"))).usage()).isEmpty();
    }

    @Test
    void citations_and_unknown_fields_are_kept() {
        String citation =
                "{\"start\":0,\"end\":4,\"text\":\"Mild\",\"sources\":[{\"type\":\"tool\",\"id\":\"weather_1:0\"}]}";
        ChatResponse response = chat(Reply.json(answer(
                        "\"content\":[{\"type\":\"text\",\"text\":\"Mild.\"}],\"citations\":[" + citation + "]",
                        "COMPLETE")
                .replace("{\"id\":\"resp-1\"", "{\"logprobs\":[{\"text\":\"Mild\"}],\"id\":\"resp-1\"")));
        assertThat(response.extra())
                .containsOnly(
                        Map.entry(
                                "citations",
                                List.of(Map.of(
                                        "start",
                                        0,
                                        "end",
                                        4,
                                        "text",
                                        "Mild",
                                        "sources",
                                        List.of(Map.of("type", "tool", "id", "weather_1:0"))))),
                        Map.entry("logprobs", List.of(Map.of("text", "Mild"))));
    }

    @Test
    void citations_of_more_than_a_megabyte_are_not_all_kept() {
        String citation = "{\"text\":\"" + "x".repeat(1_000_000) + "\"}";
        ChatResponse response = chat(Reply.json(answer(
                "\"content\":[{\"type\":\"text\",\"text\":\"Mild.\"}],\"citations\":[" + citation + "," + citation
                        + ",{\"text\":\"y\"},7]",
                "COMPLETE")));
        assertThat(response.text()).isEqualTo("Mild.");
        assertThat((List<?>) response.extra().get("citations")).hasSize(2);
    }

    @Test
    void an_answer_whose_tokens_all_went_into_thoughts_is_cut_and_empty() {
        ChatResponse response = chat(Reply.json(answer("\"content\":[]", "MAX_TOKENS")));
        assertThat(response.text()).isEmpty();
        assertThat(response.finishReason()).isEqualTo(FinishReason.LENGTH);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "[]",
                "7",
                "{\"id\":\"a\",\"finish_reason\":\"COMPLETE\"}",
                "{\"id\":\"a\",\"message\":[],\"finish_reason\":\"COMPLETE\"}",
                "{\"id\":\"a\",\"message\":{\"role\":\"assistant\"},\"finish_reason\":\"COMPLETE\"}",
                "{\"id\":\"a\",\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}}",
                "{\"id\":\"a\",\"message\":{\"tool_calls\":[{\"id\":\"b\",\"function\":{\"arguments\":\"{}\"}}]},\"finish_reason\":\"TOOL_CALL\"}",
            })
    void an_answer_without_message_content_or_end_is_none(String body) {
        assertThat(failure(Reply.json(body)).kind()).isEqualTo(FailureKind.MALFORMED);
    }

    @Test
    void an_error_inside_a_success_is_none() {
        ProviderException failure = failure(Reply.json(error("too many tokens: total number of tokens in the prompt")));
        assertThat(failure.kind()).isEqualTo(FailureKind.CONTEXT_TOO_LONG);
        assertThat(failure.providerMessage()).startsWith("too many tokens");
    }

    @Test
    void counts_beyond_all_measure_do_not_wrap_around() {
        ChatResponse response =
                chat(Reply.json(ANSWER.replace("\"output_tokens\":5", "\"output_tokens\":" + Long.MAX_VALUE)
                        .replace("\"cached_tokens\":64", "\"cached_tokens\":-64")));
        assertThat(response.usage()).contains(new Usage(70, 1_000_000_000_000_000L, 0, 0));
    }

    @Test
    void counts_that_are_written_as_decimals_are_counts() {
        ChatResponse response = chat(Reply.json(ANSWER.replaceAll("(_tokens\":\\d+)", "$1.0")));
        assertThat(response.usage()).contains(USAGE);
    }

    // ---- Streams

    private static final List<String> TEXT_STREAM = List.of(
            START,
            content("content-start", 0, "\"type\":\"thinking\",\"thinking\":\"\""),
            thought("Let me "),
            thought("think."),
            event("content-end", "\"index\":0"),
            content("content-start", 1, "\"type\":\"text\",\"text\":\"\""),
            content("content-delta", 1, "\"text\":\"Grüße \""),
            content("content-delta", 1, "\"text\":\"aus Köln 🌧\""),
            event(
                    "citation-start",
                    "\"index\":0,\"delta\":{\"message\":{\"citations\":{\"start\":0,\"end\":5,\"text\":\"Grüße\"}}}"),
            event("citation-end", "\"index\":0"),
            event(
                    "citation-start",
                    "\"index\":1,\"delta\":{\"message\":{\"citations\":{\"start\":10,\"end\":14,\"text\":\"Köln\"}}}"),
            event("citation-end", "\"index\":1"),
            event("content-end", "\"index\":1"),
            end("COMPLETE"));

    private static final String TOOL_STREAM = START
            + plan("I look ")
            + plan("at both.")
            + call(0, "weather_1", "weather")
            + arguments(0, "{\"city\":")
            + arguments(0, "\"Bern\"}")
            + event("tool-call-end", "\"index\":0")
            + call(1, "clock_2", "clock")
            + event("tool-call-end", "\"index\":1")
            + end("TOOL_CALL");

    @Test
    void a_stream_shows_thoughts_and_text_as_they_come_and_keeps_the_citations() {
        List<ChatEvent> events = events(StreamScript.empty().send(String.join("", TEXT_STREAM)));
        assertThat(events)
                .containsExactly(
                        new ChatEvent.Started(MODEL, "resp-1", ""),
                        new ChatEvent.Reasoning("Let me "),
                        new ChatEvent.Reasoning("think."),
                        new ChatEvent.Text("Grüße "),
                        new ChatEvent.Text("aus Köln 🌧"),
                        new ChatEvent.Used(USAGE),
                        new ChatEvent.State(
                                "cohere", "{\"content\":[{\"type\":\"thinking\",\"thinking\":\"Let me think.\"}]}"),
                        new ChatEvent.Extra(Map.of(
                                "citations",
                                List.of(
                                        Map.of("start", 0, "end", 5, "text", "Grüße"),
                                        Map.of("start", 10, "end", 14, "text", "Köln")))),
                        new ChatEvent.Finished(FinishReason.STOP));
    }

    @Test
    void a_stream_shows_the_plan_and_several_tool_calls() {
        assertThat(events(StreamScript.empty().send(TOOL_STREAM)))
                .containsExactly(
                        new ChatEvent.Started(MODEL, "resp-1", ""),
                        new ChatEvent.Reasoning("I look "),
                        new ChatEvent.Reasoning("at both."),
                        new ChatEvent.ToolCallPiece(0, "weather", ""),
                        new ChatEvent.ToolCallPiece(0, "", "{\"city\":"),
                        new ChatEvent.ToolCallPiece(0, "", "\"Bern\"}"),
                        new ChatEvent.ToolCallPiece(1, "clock", ""),
                        new ChatEvent.Used(USAGE),
                        new ChatEvent.ToolCalled(0, WEATHER_CALL),
                        new ChatEvent.ToolCalled(1, CLOCK_CALL),
                        new ChatEvent.State("cohere", "{\"tool_plan\":\"I look at both.\"}"),
                        new ChatEvent.Finished(FinishReason.TOOL_CALLS));
    }

    @Test
    void pieces_of_tool_calls_are_joined_by_their_index_and_a_start_begins_another_call() {
        ChatResponse response = streamed(StreamScript.empty()
                .send(START
                        + call(0, "weather_1", "weather")
                        + call(1, "clock_2", "clock")
                        + arguments(1, "{}")
                        + arguments(0, "{\"city\":\"Bern\"}")
                        + call(0, "weather_3", "weather")
                        + arguments(0, "{\"city\":null}")
                        + end("TOOL_CALL")));
        assertThat(response.toolCalls())
                .containsExactly(WEATHER_CALL, CLOCK_CALL, new ToolCall("weather_3", "weather", "{\"city\":null}"));
    }

    @Test
    void a_piece_of_a_tool_call_that_never_began_is_no_answer() {
        assertThat(failure(() -> streamed(StreamScript.empty().send(START + arguments(0, "{}") + end("TOOL_CALL"))))
                        .kind())
                .isEqualTo(FailureKind.MALFORMED);
    }

    @Test
    void the_same_stream_gives_the_same_events_wherever_it_is_cut() {
        for (String body : List.of(String.join("", TEXT_STREAM), TOOL_STREAM)) {
            List<ChatEvent> expected = events(StreamScript.empty().send(body));
            assertThat(events(StreamScript.singleBytes(body))).isEqualTo(expected);
            assertThat(events(StreamScript.empty().send(body.replace("\n", "\r\n"))))
                    .isEqualTo(expected);
            for (int seed = 0; seed < 20; seed++) {
                assertThat(events(StreamScript.cut(body, new Random(seed))))
                        .as("seed %d", seed)
                        .isEqualTo(expected);
            }
        }
    }

    @Test
    void a_stream_that_breaks_off_before_its_last_event_is_never_an_answer() {
        for (int count = 0; count < TEXT_STREAM.size(); count++) {
            StreamScript script = StreamScript.empty().send(String.join("", TEXT_STREAM.subList(0, count)));
            // Half of the next event too: its beginning says nothing.
            String half = TEXT_STREAM.get(count).substring(0, 30);
            for (StreamScript cut : List.of(
                    script,
                    script.thenClose(),
                    script.send(half),
                    script.send(half).thenClose())) {
                OrchestratorException thrown = catchThrowableOfType(OrchestratorException.class, () -> streamed(cut));
                assertThat(thrown).as("after %d events", count).isNotNull();
                // Where nothing came at all, nobody knows whether a stream was on its way.
                assertThat(cause(thrown).kind())
                        .as("after %d events: %s", count, thrown)
                        .isIn(FailureKind.TRUNCATED, count == 0 ? FailureKind.NETWORK : FailureKind.TRUNCATED);
                if (count > 6) {
                    assertThat(thrown).isInstanceOf(StreamFailedException.class);
                } else {
                    assertThat(thrown).isInstanceOf(AllProvidersFailedException.class);
                }
            }
        }
    }

    @Test
    void the_last_event_ends_a_stream_and_nobody_waits_for_more() {
        String last = ended("\"finish_reason\":\"COMPLETE\"");
        ChatResponse response =
                streamed(StreamScript.empty().send(START + text("Mild.") + last).thenSilence());
        assertThat(response.text()).isEqualTo("Mild.");
        assertThat(response.usage()).isEmpty();
    }

    @Test
    void a_stream_without_its_first_event_comes_from_the_model_asked_for() {
        for (String piece : List.of(text("Mild."), thought("Hm."), plan("I look."), call(0, "clock_2", "clock"), "")) {
            List<ChatEvent> events = events(StreamScript.empty().send(piece + end("MAX_TOKENS")));
            assertThat(events).as(piece).startsWith(new ChatEvent.Started(MODEL, "", ""));
            assertThat(events)
                    .as(piece)
                    .filteredOn(ChatEvent.Started.class::isInstance)
                    .hasSize(1);
        }
    }

    @Test
    void a_last_event_without_a_finish_reason_is_no_end() {
        StreamFailedException thrown = catchThrowableOfType(
                StreamFailedException.class,
                () -> streamed(StreamScript.empty()
                        .send(START + text("Mi") + ended("\"usage\":" + COUNTS) + "data: [DONE]\n\n")));
        assertThat(thrown.kind()).isEqualTo(FailureKind.TRUNCATED);
    }

    @Test
    void events_that_nobody_knows_are_passed_over() {
        ChatResponse response = streamed(StreamScript.empty()
                .send(": ping\n\n" + event("debug", "\"prompt\":\"<BOS>\"") + START
                        + event("weather-forecast", "\"delta\":7") + "data: {}\n\n" + text("Mild.") + end("COMPLETE")));
        assertThat(response.text()).isEqualTo("Mild.");
        assertThat(response.responseId()).isEqualTo("resp-1");
    }

    @Test
    void a_whole_answer_in_place_of_a_stream_is_read_as_one() {
        assertThat(streamed(StreamScript.empty().send(ANSWER)).text()).isEqualTo("Mild.");
    }

    @ParameterizedTest
    @ValueSource(strings = {"[1]", "7", "\"text\""})
    void a_piece_that_is_no_object_breaks_a_stream(String piece) {
        assertThat(failure(() -> streamed(StreamScript.empty().send("data: " + piece + "\n\n")))
                        .kind())
                .isEqualTo(FailureKind.MALFORMED);
    }

    @ParameterizedTest
    @CsvSource({
        "'\"finish_reason\":\"ERROR\"', SERVER, ''",
        "'\"finish_reason\":\"ERROR\",\"error\":\"CUDA went away\"', SERVER, CUDA went away",
        "'\"finish_reason\":\"ERROR\",\"error\":\"too many tokens: size limit exceeded\"', CONTEXT_TOO_LONG, too many tokens: size limit exceeded",
        "'\"error\":\"No valid tool call or response generated\"', TOOL_GENERATION, No valid tool call or response generated",
        "'\"finish_reason\":\"TIMEOUT\",\"error\":\"late\"', TIMEOUT, ''",
        "'\"finish_reason\":\"ERROR_TOXIC\"', CONTENT_FILTERED, ''",
    })
    void a_stream_that_ends_badly_fails_with_what_was_shown(String delta, FailureKind kind, String message) {
        StreamFailedException thrown = catchThrowableOfType(
                StreamFailedException.class,
                () -> streamed(StreamScript.empty().send(START + text("Mi") + ended(delta) + "data: [DONE]\n\n")));
        assertThat(thrown.kind()).isEqualTo(kind);
        assertThat(thrown.partialText()).isEqualTo("Mi");
        assertThat(cause(thrown).providerMessage()).isEqualTo(message);
    }

    @Test
    void an_error_before_the_first_token_is_the_attempts_failure_in_every_framing() {
        String error = error("blocked input: it may violate our Usage Guidelines");
        for (String body : List.of(
                error,
                "data: " + error + "\n\n",
                "event: error\ndata: " + error + "\n\n",
                START + thought("Hm.") + "data: " + error + "\n\n",
                START
                        + thought("Hm.")
                        + ended(
                                "\"finish_reason\":\"ERROR\",\"error\":\"blocked input: it may violate our Usage Guidelines\""))) {
            ProviderException failure =
                    failure(() -> streamed(StreamScript.empty().send(body)));
            assertThat(failure.kind()).as(body).isEqualTo(FailureKind.CONTENT_FILTERED);
            assertThat(failure.providerMessage()).isEqualTo("blocked input: it may violate our Usage Guidelines");
        }
    }

    @Test
    void an_error_after_the_first_token_ends_the_stream_with_what_was_shown() {
        String error = error("internal server error");
        for (String framed : List.of(
                "data: " + error + "\n\n",
                "event: error\ndata: " + error + "\n\n",
                "data: {\"type\":\"error\",\"message\":\"internal server error\"}\n\n",
                "data: {\"error\":\"internal server error\"}\n\n")) {
            StreamFailedException thrown = catchThrowableOfType(
                    StreamFailedException.class,
                    () -> streamed(StreamScript.empty().send(START + text("Mi") + framed)));
            assertThat(thrown).as(framed).isNotNull();
            assertThat(thrown.kind()).isEqualTo(FailureKind.SERVER);
            assertThat(thrown.partialText()).isEqualTo("Mi");
            assertThat(cause(thrown).providerMessage()).isEqualTo("internal server error");
        }
    }

    // ---- What the provider wants to see again

    private JsonNode secondTurn(String model, ChatResponse first) {
        server.awaitRequest();
        ChatRequest.Builder next =
                ChatRequest.builder().user("hello").tool(WEATHER).tool(CLOCK).message(first.message());
        first.toolCalls().forEach(call -> next.toolResult(call, "{\"fine\":true}"));
        return sent(model, next.build()).path("messages").path(1);
    }

    private static final String CALLS = "\"tool_calls\":[{\"id\":\"weather_1\",\"type\":\"function\",\"function\":"
            + "{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\":\\\"Bern\\\"}\"}},"
            + "{\"id\":\"clock_2\",\"type\":\"function\",\"function\":{\"name\":\"clock\",\"arguments\":\"{}\"}}]";

    @Test
    void a_plan_goes_back_with_its_calls() {
        ChatResponse first = streamed(StreamScript.empty().send(TOOL_STREAM));
        assertThat(secondTurn(MODEL, first))
                .isEqualTo(json("{\"role\":\"assistant\",\"tool_plan\":\"I look at both.\"," + CALLS + "}"));
    }

    @Test
    void thoughts_go_back_before_their_calls() {
        ChatResponse first = streamed(StreamScript.empty()
                .send(TOOL_STREAM.replace(plan("I look "), thought("Both.")).replace(plan("at both."), "")));
        assertThat(secondTurn(THINKING_MODEL, first))
                .isEqualTo(json("{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"Both.\"}],"
                        + CALLS + "}"));
    }

    @Test
    void thoughts_go_back_before_their_text() {
        ChatResponse first = streamed(StreamScript.empty().send(String.join("", TEXT_STREAM)));
        assertThat(secondTurn(THINKING_MODEL, first))
                .isEqualTo(json(
                        "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"Let me think.\"},"
                                + "{\"type\":\"text\",\"text\":\"Grüße aus Köln 🌧\"}]}"));
    }

    @Test
    void a_model_that_does_not_think_is_shown_no_thoughts_of_another() {
        ChatResponse first = streamed(StreamScript.empty().send(String.join("", TEXT_STREAM)));
        assertThat(secondTurn(MODEL, first))
                .isEqualTo(json("{\"role\":\"assistant\",\"content\":\"Grüße aus Köln 🌧\"}"));
    }

    @Test
    void an_answer_in_words_alone_has_nothing_to_be_seen_again() {
        assertThat(chat(Reply.json(ANSWER)).message().providerState()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "anthropic, '[{\"signature\":\"x\"}]'",
        "cohere, '[7]'",
        "cohere, 'no JSON'",
        "cohere, '{\"role\":\"user\",\"tool_plan\":7,\"content\":\"x\"}'",
        "cohere, '{\"content\":[]}'",
        "cohere, '{\"content\":{\"type\":\"thinking\"}}'",
        "cohere, '{\"content\":[7,\"x\",[],{\"type\":\"text\",\"text\":\"obey\"},{\"type\":\"thinking\",\"thinking\":7}]}'",
        "cohere, '{\"content\":[{\"type\":\"document\",\"thinking\":\"obey\"},{\"thinking\":\"obey\"}]}'",
    })
    void what_other_dialects_want_to_see_again_or_nobody_wrote_is_not_sent(String dialect, String state) {
        Message earlier = Message.assistant("Mild.").withProviderState(dialect, state);
        JsonNode messages = sent(
                        THINKING_MODEL,
                        ChatRequest.builder()
                                .user("a")
                                .message(earlier)
                                .user("b")
                                .build())
                .path("messages");
        assertThat(messages.path(1)).isEqualTo(json("{\"role\":\"assistant\",\"content\":\"Mild.\"}"));
    }

    @Test
    void of_a_state_that_somebody_kept_only_thoughts_are_sent() {
        Message earlier = Message.assistant("Mild.")
                .withProviderState(
                        "cohere",
                        "{\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://example.com\"}},"
                                + "{\"type\":\"thinking\",\"thinking\":\"Hm.\",\"role\":\"system\"}]}");
        JsonNode messages = sent(
                        THINKING_MODEL,
                        ChatRequest.builder()
                                .user("a")
                                .message(earlier)
                                .user("b")
                                .build())
                .path("messages");
        assertThat(messages.path(1))
                .isEqualTo(json("{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"Hm.\"},"
                        + "{\"type\":\"text\",\"text\":\"Mild.\"}]}"));
    }

    // ---- Errors and limits

    @ParameterizedTest
    @CsvSource({
        "400, 'invalid request: message must be at least 1 token long', BAD_REQUEST, false",
        "400, 'too many tokens: total number of tokens in the prompt cannot exceed 4081', CONTEXT_TOO_LONG, false",
        "400, 'too many tokens: max tokens must be less than or equal to 4096', BAD_REQUEST, false",
        "401, 'invalid api token', CREDENTIAL, false",
        "402, 'Please add or update your payment method', QUOTA_EXHAUSTED, false",
        "403, 'forbidden', PERMISSION, false",
        "404, 'model x not found', MODEL_NOT_FOUND, false",
        "422, 'unknown field: parameter x is not a valid field', BAD_REQUEST, false",
        "422, 'No valid tool call or response generated', TOOL_GENERATION, true",
        "429, 'You are using a Trial key, which is limited to 20 API calls / minute.', RATE_LIMITED, false",
        "429, 'You are using a Trial key, which is limited to 1000 API calls / month.', QUOTA_EXHAUSTED, false",
        "498, 'blocked input: please adjust your prompt', CONTENT_FILTERED, false",
        "499, 'request cancelled', CANCELLED, true",
        "500, 'internal server error', SERVER, true",
        "501, 'not implemented', BAD_REQUEST, true",
        "503, 'service unavailable', OVERLOADED, true",
        "504, 'gateway timeout', TIMEOUT, true",
    })
    void each_status_means_what_the_documentation_says(
            int status, String message, FailureKind kind, boolean mayHaveBeenProcessed) {
        ProviderException failure =
                failure(Reply.status(status, error(message)).withHeader("x-debug-trace-id", "trace-9"));
        assertThat(failure.kind()).isEqualTo(kind);
        assertThat(failure.status()).hasValue(status);
        assertThat(failure.providerMessage()).isEqualTo(message);
        assertThat(failure.requestId()).isEqualTo("trace-9");
        assertThat(failure.mayHaveBeenProcessed()).isEqualTo(mayHaveBeenProcessed);
        assertThat(failure.retryAfter()).isEmpty();
    }

    @Test
    void a_hint_is_in_the_headers_if_anywhere() {
        ProviderException failure = failure(
                Reply.status(429, error("Please wait and try again later")).withHeader("retry-after", "7"));
        assertThat(failure.kind()).isEqualTo(FailureKind.RATE_LIMITED);
        assertThat(failure.retryAfter()).contains(Duration.ofSeconds(7));
    }

    @Test
    void a_key_that_an_error_repeats_is_shown_to_nobody() {
        ProviderException failure = failure(Reply.status(401, error("Incorrect API key provided: " + KEY)));
        assertThat(failure.kind()).isEqualTo(FailureKind.CREDENTIAL);
        assertThat(failure.getMessage()).contains("Incorrect API key").doesNotContain(KEY);
        assertThat(failure.providerMessage()).doesNotContain(KEY);

        ProviderException streamed = failure(() -> streamed(
                StreamScript.empty().send(START + ended("\"finish_reason\":\"ERROR\",\"error\":\"bad " + KEY + "\""))));
        assertThat(streamed.providerMessage()).startsWith("bad").doesNotContain(KEY);
    }

    @Test
    void the_limits_of_a_trial_key_are_those_of_a_minute_and_of_a_month() {
        ChatResponse response = chat(Reply.json(ANSWER)
                .withHeader("x-endpoint-monthly-call-limit", "1000")
                .withHeader("x-trial-endpoint-call-limit", "20")
                .withHeader("x-trial-endpoint-call-remaining", "19"));
        assertThat(response.rateLimits())
                .containsExactly(
                        new RateLimit(
                                "endpoint-monthly-call",
                                Optional.of(Duration.ofDays(30)),
                                OptionalLong.of(1_000),
                                OptionalLong.empty(),
                                Optional.empty()),
                        new RateLimit(
                                "trial-endpoint-call",
                                Optional.of(Duration.ofMinutes(1)),
                                OptionalLong.of(20),
                                OptionalLong.of(19),
                                Optional.empty()));
    }
}
