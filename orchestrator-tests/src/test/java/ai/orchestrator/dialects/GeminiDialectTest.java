package ai.orchestrator.dialects;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
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
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class GeminiDialectTest {

    private static final String KEY = "AIzaPlantedSecret1234567890";
    private static final String MODEL = "gemini-3.5-flash-lite";
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private static final Tool WEATHER = new Tool(
            "weather",
            "Tells the weather.",
            "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]}");
    private static final Tool CLOCK = Tool.withoutArguments("clock", "");

    private static final String ANSWER = answer("[{\"text\":\"Mild.\"}]", "STOP");

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
                        "google",
                        p -> p.type("gemini")
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

    private void assertUnsupported(String model, ChatRequest request, String option) {
        RequestRejectedException thrown =
                catchThrowableOfType(RequestRejectedException.class, () -> chat(model, request));
        assertThat(thrown).hasMessageContaining(option);
        assertThat(server.requestCount()).isZero();
    }

    private static JsonNode json(String text) {
        try {
            return MAPPER.readTree(text);
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }

    private static String candidate(String parts, String finishReason) {
        String content = parts.isEmpty() ? "" : ",\"content\":{\"role\":\"model\",\"parts\":" + parts + "}";
        String reason = finishReason.isEmpty() ? "" : ",\"finishReason\":\"" + finishReason + "\"";
        return "\"candidates\":[{\"index\":0" + content + reason + "}]";
    }

    private static String named(String fields) {
        return "{" + fields + ",\"modelVersion\":\"gemini-3.5-flash-lite-001\",\"responseId\":\"resp-1\"}";
    }

    private static String counts(int input, int output, int thoughts, int cached) {
        return ",\"usageMetadata\":{\"promptTokenCount\":" + input + ",\"candidatesTokenCount\":" + output
                + ",\"thoughtsTokenCount\":" + thoughts + ",\"cachedContentTokenCount\":" + cached + "}";
    }

    private static String answer(String parts, String finishReason) {
        return named(candidate(parts, finishReason) + counts(7, 5, 3, 2));
    }

    private static String event(String json) {
        return "data: " + json + "\r\n\r\n";
    }

    private static String chunk(String parts) {
        return event(named(candidate(parts, "") + counts(7, 1, 0, 0)));
    }

    private static String lastChunk(String parts) {
        return event(answer(parts, "STOP"));
    }

    private static String error(int code, String status, String message, String details) {
        return "{\n  \"error\": {\n    \"code\": " + code + ",\n    \"status\": \"" + status
                + "\",\n    \"message\": \"" + message + "\",\n    \"details\": [" + details + "]\n  }\n}";
    }

    // ---- Requests

    @Test
    void a_whole_answer_is_asked_for_by_its_method_with_the_key_in_a_header_alone() {
        server.reply(Reply.json(ANSWER));
        chat(MODEL, ChatRequest.of("hello"));

        ReceivedRequest request = server.awaitRequest();
        assertThat(request.method()).isEqualTo("POST");
        assertThat(request.path()).isEqualTo("/v1/models/gemini-3.5-flash-lite:generateContent");
        assertThat(request.headers()).containsEntry("x-goog-api-key", KEY).doesNotContainKey("authorization");
        assertThat(json(request.body()))
                .isEqualTo(json("{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"hello\"}]}]}"));
    }

    @Test
    void a_stream_is_asked_for_as_server_sent_events_and_without_the_key_in_its_address() {
        streamed(StreamScript.empty().send(lastChunk("[{\"text\":\"Mild.\"}]")));

        ReceivedRequest request = server.awaitRequest();
        assertThat(request.path()).isEqualTo("/v1/models/gemini-3.5-flash-lite:streamGenerateContent?alt=sse");
        assertThat(request.headers()).containsEntry("x-goog-api-key", KEY);
    }

    @Test
    void another_address_needs_no_key() {
        server.reply(Reply.json(ANSWER));
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider("local", p -> p.type("gemini").baseUrl(server.baseUrl()))
                .build()) {
            orchestrator.chat("hello");
        }

        ReceivedRequest request = server.awaitRequest();
        assertThat(request.path()).contains("/gemini-3.5-flash-lite:");
        assertThat(request.headers()).doesNotContainKey("x-goog-api-key");
    }

    @ParameterizedTest
    @CsvSource({
        "models/gemini-2.5-flash, /v1/models/gemini-2.5-flash:generateContent",
        "tunedModels/mine-1, /v1/tunedModels/mine-1:generateContent",
        "a/b?c#d, /v1/models/a%2Fb%3Fc%23d:generateContent",
        "models/../x, /v1/models/models%2F..%2Fx:generateContent",
        "models/..\\..\\x, /v1/models/models%2F..%5C..%5Cx:generateContent",
    })
    void a_models_name_is_a_resource_or_else_one_encoded_part_of_the_path(String model, String path) {
        server.reply(Reply.json(ANSWER));
        chat(model, ChatRequest.of("hello"));
        assertThat(server.awaitRequest().path()).isEqualTo(path);
    }

    @Test
    void system_messages_are_the_instruction_and_turns_of_the_same_role_are_joined() {
        JsonNode body = sent(request -> request.system("Be brief.")
                .user("One.")
                .user("Two.")
                .assistant("Three.")
                .system("Be kind.")
                .user("Four."));
        assertThat(body)
                .isEqualTo(
                        json(
                                "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"One.\"},{\"text\":\"Two.\"}]},"
                                        + "{\"role\":\"model\",\"parts\":[{\"text\":\"Three.\"}]},"
                                        + "{\"role\":\"user\",\"parts\":[{\"text\":\"Four.\"}]}],"
                                        + "\"systemInstruction\":{\"parts\":[{\"text\":\"Be brief.\"},{\"text\":\"Be kind.\"}]}}"));
    }

    @Test
    void tool_calls_and_their_results_become_parts_and_made_up_ids_are_left_out() {
        ToolCall first = new ToolCall("call_resp-1_0", "weather", "{\"city\":\"Bern\"}");
        ToolCall second = new ToolCall("own-7", "clock", "{}");
        ToolCall third = new ToolCall("call_resp-1_2", "clock", "{}");
        JsonNode contents =
                sent("gemini-2.5-flash", conversation(first, second, third)).path("contents");

        assertThat(contents)
                .isEqualTo(json("[{\"role\":\"user\",\"parts\":[{\"text\":\"hello\"}]},"
                        + "{\"role\":\"model\",\"parts\":["
                        + "{\"functionCall\":{\"name\":\"weather\",\"args\":{\"city\":\"Bern\"}}},"
                        + "{\"functionCall\":{\"id\":\"own-7\",\"name\":\"clock\",\"args\":{}}},"
                        + "{\"functionCall\":{\"name\":\"clock\",\"args\":{}}}]},"
                        + "{\"role\":\"user\",\"parts\":["
                        + "{\"functionResponse\":{\"name\":\"weather\",\"response\":{\"degrees\":21}}},"
                        + "{\"functionResponse\":{\"id\":\"own-7\",\"name\":\"clock\",\"response\":{\"result\":\"[12]\"}}},"
                        + "{\"functionResponse\":{\"name\":\"clock\",\"response\":{\"error\":\"stopped\"}}}]}]"));
    }

    @Test
    void calls_that_another_providers_model_made_carry_the_signature_for_foreign_ones() {
        ToolCall first = new ToolCall("toolu_1", "weather", "{\"city\":\"Bern\"}");
        ToolCall second = new ToolCall("toolu_2", "clock", "{}");
        JsonNode parts = sent(MODEL, conversation(first, second, second))
                .path("contents")
                .path(1)
                .path("parts");
        assertThat(parts.path(0).path("thoughtSignature").asText()).isEqualTo("skip_thought_signature_validator");
        assertThat(parts.path(1).has("thoughtSignature")).isFalse();
    }

    private static ChatRequest conversation(ToolCall first, ToolCall second, ToolCall third) {
        return ChatRequest.builder()
                .user("hello")
                .message(Message.assistant("", List.of(first, second, third)))
                .message(Message.toolResult(first, "{\"degrees\":21}"))
                .message(Message.toolResult(second, "[12]"))
                .message(Message.toolFailure(third, "stopped"))
                .tool(WEATHER)
                .tool(CLOCK)
                .build();
    }

    @Test
    void arguments_that_are_no_json_object_are_shown_to_the_model_as_it_wrote_them() {
        ToolCall call = new ToolCall("call_9", "weather", "[1]");
        JsonNode body = sent(
                MODEL,
                ChatRequest.builder()
                        .user("hello")
                        .message(Message.assistant("", List.of(call)))
                        .message(Message.toolFailure(call, "no JSON"))
                        .build());
        assertThat(body.path("contents")
                        .path(1)
                        .path("parts")
                        .path(0)
                        .path("functionCall")
                        .path("args"))
                .isEqualTo(json("{\"arguments\":\"[1]\"}"));
    }

    @Test
    void what_a_model_or_the_dialect_cannot_do_is_refused_by_name() {
        assertThatThrownBy(() ->
                        chat(MODEL, ChatRequest.builder().system("be short").build()))
                .isInstanceOf(RequestRejectedException.class)
                .hasMessageContaining("messages: gemini needs one");
        ChatRequest thinking = ChatRequest.builder()
                .user("hello")
                .reasoningEffort(ReasoningEffort.LOW)
                .build();
        assertThatThrownBy(() -> chat("gemini-2.0-flash", thinking))
                .isInstanceOf(RequestRejectedException.class)
                .hasMessageContaining("reasoningEffort: gemini-2.0-flash does not think");
        assertThat(server.requestCount()).isZero();
    }

    @Test
    void counts_beyond_all_measure_do_not_wrap_around() {
        server.reply(Reply.json(
                "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"fine\"}]},\"finishReason\":\"STOP\"}],"
                        + "\"usageMetadata\":{\"promptTokenCount\":1,\"candidatesTokenCount\":" + Long.MAX_VALUE
                        + ",\"thoughtsTokenCount\":" + Long.MAX_VALUE + "}}"));
        assertThat(chat(MODEL, ChatRequest.of("hello")).usage().orElseThrow().outputTokens())
                .isEqualTo(2_000_000_000_000_000L);
    }

    @Test
    void pictures_go_by_their_bytes_or_by_their_address() {
        JsonNode parts = sent(request -> request.user(
                        new Content.Text("What is it?"),
                        Content.Image.of("image/png", new byte[] {1, 2, 3}),
                        Content.Image.at(URI.create("https://generativelanguage.googleapis.com/v1beta/files/abc-123")),
                        Content.Image.at(URI.create("https://example.com/a/cat.JPG?size=1"))))
                .path("contents")
                .path(0)
                .path("parts");
        assertThat(parts)
                .isEqualTo(
                        json(
                                "[{\"text\":\"What is it?\"},"
                                        + "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AQID\"}},"
                                        + "{\"fileData\":{\"fileUri\":\"https://generativelanguage.googleapis.com/v1beta/files/abc-123\"}},"
                                        + "{\"fileData\":{\"mimeType\":\"image/jpeg\",\"fileUri\":\"https://example.com/a/cat.JPG?size=1\"}}]"));
    }

    @Test
    void settings_go_into_the_generation_config() {
        JsonNode body = sent(request -> request.user("hello")
                .temperature(0.5)
                .topP(0.9)
                .maxTokens(100)
                .stop("END", "STOP")
                .seed(-7)
                .responseFormat(ResponseFormat.Plain.JSON));
        assertThat(body.path("generationConfig"))
                .isEqualTo(json(
                        "{\"temperature\":0.5,\"topP\":0.9,\"maxOutputTokens\":100,\"stopSequences\":[\"END\",\"STOP\"],"
                                + "\"seed\":-7,\"responseMimeType\":\"application/json\"}"));
    }

    @Test
    void a_schema_is_sent_as_json_schema() {
        JsonNode body = sent(request ->
                request.user("hello").responseFormat(new ResponseFormat.JsonSchema("pet", "{\"type\":\"object\"}")));
        assertThat(body.path("generationConfig"))
                .isEqualTo(json(
                        "{\"responseMimeType\":\"application/json\",\"responseJsonSchema\":{\"type\":\"object\"}}"));
    }

    @Test
    void tools_are_declared_with_their_json_schemas() {
        JsonNode body = sent(request -> request.user("hello").tool(WEATHER).tool(CLOCK));
        assertThat(body.path("tools"))
                .isEqualTo(
                        json("[{\"functionDeclarations\":[{\"name\":\"weather\",\"description\":\"Tells the weather.\","
                                + "\"parametersJsonSchema\":" + WEATHER.parameters() + "},"
                                + "{\"name\":\"clock\",\"parametersJsonSchema\":" + CLOCK.parameters() + "}]}]"));
        assertThat(body.has("toolConfig")).isFalse();
    }

    @Test
    void the_choice_of_tools_becomes_a_mode() {
        assertThat(sent(request -> request.user("a").tool(CLOCK).toolChoice(ToolChoice.Mode.NONE))
                        .path("toolConfig"))
                .isEqualTo(json("{\"functionCallingConfig\":{\"mode\":\"NONE\"}}"));
        assertThat(sent(request -> request.user("a").tool(CLOCK).toolChoice(ToolChoice.Mode.REQUIRED))
                        .path("toolConfig"))
                .isEqualTo(json("{\"functionCallingConfig\":{\"mode\":\"ANY\"}}"));
        assertThat(sent(request -> request.user("a").tool(CLOCK).toolChoice(new ToolChoice.Named("clock")))
                        .path("toolConfig"))
                .isEqualTo(json("{\"functionCallingConfig\":{\"mode\":\"ANY\",\"allowedFunctionNames\":[\"clock\"]}}"));
    }

    @ParameterizedTest
    @CsvSource({
        "gemini-2.5-flash, NONE, 0, false",
        "gemini-2.5-flash, MINIMAL, 512, true",
        "models/gemini-2.5-flash, LOW, 1024, true",
        "gemini-2.5-pro, MEDIUM, 8192, true",
        "gemini-2.5-flash-lite, HIGH, 24576, true",
        "gemini-2.5-flash, MAX, -1, true",
        "gemini-3.5-flash-lite, NONE, minimal, false",
        "gemini-3.5-flash-lite, MINIMAL, minimal, true",
        "gemini-flash-lite-latest, LOW, low, true",
        "gemini-3.1-pro-preview, MEDIUM, medium, true",
        "gemini-3.8-flash, HIGH, high, true",
        "gemini-3.8-flash, MAX, high, true",
        "gemini-3.8-flash, MINIMAL, low, true",
        "gemini-flash-latest, MINIMAL, low, true",
        "gemini-3-pro-preview, MINIMAL, low, true",
        "gemini-3.8-flash-lite, NONE, minimal, false",
        "gemini-3-flash-preview, NONE, minimal, false",
    })
    void a_reasoning_effort_is_a_budget_for_models_of_2_5_and_a_level_for_later_ones(
            String model, ReasoningEffort effort, String value, boolean thoughts) {
        JsonNode thinking = sent(
                        model,
                        ChatRequest.builder()
                                .user("hello")
                                .reasoningEffort(effort)
                                .build())
                .path("generationConfig")
                .path("thinkingConfig");
        boolean budget = model.contains("2.5");
        assertThat(thinking.path(budget ? "thinkingBudget" : "thinkingLevel").asText())
                .isEqualTo(value);
        assertThat(thinking.has(budget ? "thinkingLevel" : "thinkingBudget")).isFalse();
        assertThat(thinking.path("includeThoughts").asBoolean()).isEqualTo(thoughts);
    }

    @Test
    void extra_fields_join_what_the_request_says() {
        JsonNode body = sent(request -> request.user("hello")
                .temperature(0.5)
                .extra("gemini", "generationConfig", Map.of("topK", 40))
                .extra("gemini", "cachedContent", "cachedContents/1")
                .extra("openai", "user", "u"));
        assertThat(body.path("generationConfig")).isEqualTo(json("{\"temperature\":0.5,\"topK\":40}"));
        assertThat(body.path("cachedContent").asText()).isEqualTo("cachedContents/1");
        assertThat(body.has("user")).isFalse();
    }

    @Test
    void extra_fields_do_not_replace_the_conversation() {
        ChatRequest request =
                ChatRequest.builder().user("hello").extra("contents", List.of()).build();
        assertThat(failure(() -> chat(MODEL, request)).kind()).isEqualTo(FailureKind.BAD_REQUEST);
        assertThat(server.requestCount()).isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {2_147_483_648L, -2_147_483_649L, Long.MAX_VALUE})
    void a_seed_of_more_than_32_bits_is_refused_by_name_and_nothing_is_sent(long seed) {
        assertUnsupported(MODEL, ChatRequest.builder().user("a").seed(seed).build(), "seed");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gemini-2.5-pro", "models/gemini-2.5-pro", "gemini-3.1-pro-preview", "gemini-3.8-flash"})
    void models_that_cannot_stop_thinking_are_not_asked_to(String model) {
        ChatRequest request = ChatRequest.builder()
                .user("a")
                .reasoningEffort(ReasoningEffort.NONE)
                .build();
        assertUnsupported(model, request, "reasoningEffort: " + model + " cannot stop thinking");
    }

    @Test
    void an_address_without_tls_is_refused_by_name_and_nothing_is_sent() {
        ChatRequest request = ChatRequest.builder()
                .user(Content.Image.at(URI.create("http://example.com/cat.png")))
                .build();
        assertUnsupported(MODEL, request, "images");
    }

    @Test
    void json_together_with_tools_is_refused_by_name_for_models_before_the_third_generation() {
        ChatRequest request = ChatRequest.builder()
                .user("a")
                .tool(CLOCK)
                .responseFormat(ResponseFormat.Plain.JSON)
                .build();
        assertUnsupported("gemini-2.5-flash", request, "responseFormat");
        assertThat(sent(MODEL, request).has("tools")).isTrue();
    }

    // ---- Whole answers

    @Test
    void a_whole_answer_has_its_text_thoughts_usage_and_names() {
        ChatResponse response = chat(Reply.json(answer(
                "[{\"text\":\"Hm. \",\"thought\":true},{\"text\":\"Well.\",\"thought\":true},"
                        + "{\"text\":\"Mild\"},{\"executableCode\":{\"code\":\"1\"}},{\"text\":\", dry.\"}]",
                "STOP")));
        assertThat(response.text()).isEqualTo("Mild, dry.");
        assertThat(response.reasoning()).isEqualTo("Hm. Well.");
        assertThat(response.finishReason()).isEqualTo(FinishReason.STOP);
        assertThat(response.model()).isEqualTo("gemini-3.5-flash-lite-001");
        assertThat(response.responseId()).isEqualTo("resp-1");
        assertThat(response.usage()).contains(new Usage(7, 8, 2, 3));
        assertThat(response.message().providerState()).isEmpty();
    }

    @Test
    void tool_calls_have_the_providers_ids_or_made_up_ones() {
        ChatResponse response = chat(Reply.json(answer(
                "[{\"text\":\"Let me see.\"},"
                        + "{\"functionCall\":{\"id\":\"own-7\",\"name\":\"weather\",\"args\":{\"city\":\"Bern\"}}},"
                        + "{\"functionCall\":{\"name\":\"clock\"}},"
                        + "{\"functionCall\":{\"name\":\"clock\",\"args\":{}}}]",
                "STOP")));
        assertThat(response.finishReason()).isEqualTo(FinishReason.TOOL_CALLS);
        assertThat(response.toolCalls())
                .containsExactly(
                        new ToolCall("own-7", "weather", "{\"city\":\"Bern\"}"),
                        new ToolCall("call_resp-1_1", "clock", "{}"),
                        new ToolCall("call_resp-1_2", "clock", "{}"));
    }

    @ParameterizedTest
    @CsvSource({"STOP, STOP", "MAX_TOKENS, LENGTH", "LANGUAGE, OTHER", "OTHER, OTHER", "NEW_REASON, OTHER"})
    void finish_reasons_are_understood(String reason, FinishReason expected) {
        assertThat(chat(Reply.json(answer("[{\"text\":\"Mild\"}]", reason))).finishReason())
                .isEqualTo(expected);
    }

    @Test
    void an_answer_whose_tokens_all_went_into_thoughts_is_cut_and_empty() {
        ChatResponse response = chat(Reply.json(answer("", "MAX_TOKENS")));
        assertThat(response.text()).isEmpty();
        assertThat(response.finishReason()).isEqualTo(FinishReason.LENGTH);
    }

    @ParameterizedTest
    @CsvSource({
        "SAFETY, CONTENT_FILTERED",
        "RECITATION, CONTENT_FILTERED",
        "PROHIBITED_CONTENT, CONTENT_FILTERED",
        "BLOCKLIST, CONTENT_FILTERED",
        "SPII, CONTENT_FILTERED",
        "IMAGE_SAFETY, CONTENT_FILTERED",
        "MALFORMED_FUNCTION_CALL, TOOL_GENERATION",
        "UNEXPECTED_TOOL_CALL, TOOL_GENERATION",
        "MALFORMED_RESPONSE, MALFORMED",
        "'', MALFORMED",
    })
    void some_ends_are_failures(String reason, FailureKind kind) {
        assertThat(failure(Reply.json(answer("[{\"text\":\"Mi\"}]", reason))).kind())
                .isEqualTo(kind);
    }

    @Test
    void a_blocked_prompt_is_filtered() {
        ProviderException failure = failure(Reply.json(named("\"promptFeedback\":{\"blockReason\":\"OTHER\"}")));
        assertThat(failure.kind()).isEqualTo(FailureKind.CONTENT_FILTERED);
        assertThat(failure).hasMessageContaining("OTHER");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "[]", "[1]", "\"text\"", "{\"candidates\":[]}", "{\"candidates\":{}}"})
    void an_answer_without_a_candidate_is_none(String body) {
        assertThat(failure(Reply.json(body)).kind()).isIn(FailureKind.MALFORMED, FailureKind.TRUNCATED);
    }

    @Test
    void an_end_without_any_content_is_no_answer() {
        assertThat(failure(Reply.json(answer("", "STOP"))).kind()).isEqualTo(FailureKind.MALFORMED);
    }

    @Test
    void a_tool_call_without_a_name_is_no_answer() {
        assertThat(failure(Reply.json(answer("[{\"functionCall\":{\"args\":{}}}]", "STOP")))
                        .kind())
                .isEqualTo(FailureKind.MALFORMED);
    }

    @Test
    void unknown_fields_are_kept() {
        ChatResponse response = chat(Reply.json(
                named(candidate("[{\"text\":\"a\"}]", "STOP") + ",\"modelStatus\":{\"modelStage\":\"STABLE\"}")));
        assertThat(response.extra()).containsExactly(Map.entry("modelStatus", Map.of("modelStage", "STABLE")));
        assertThat(response.usage()).isEmpty();
    }

    @Test
    void only_the_first_of_several_candidates_is_read() {
        ChatResponse response = chat(
                Reply.json(
                        "{\"candidates\":[{\"index\":1,\"content\":{\"parts\":[{\"text\":\"b\"}]},\"finishReason\":"
                                + "\"SAFETY\"},{\"index\":0,\"content\":{\"parts\":[{\"text\":\"a\"}]},\"finishReason\":\"STOP\"}]}"));
        assertThat(response.text()).isEqualTo("a");
    }

    // ---- Streams

    private static final List<String> TEXT_STREAM = List.of(
            chunk("[{\"text\":\"Let me \",\"thought\":true}]"),
            chunk("[{\"text\":\"think.\",\"thought\":true}]"),
            chunk("[{\"text\":\"Grüße \"}]"),
            chunk("[{\"text\":\"aus Köln 🌧\"}]"),
            lastChunk("[{\"text\":\"\",\"thoughtSignature\":\"c2ln\"}]"));

    private static final String TOOL_STREAM = chunk("[{\"text\":\"Let me see.\"}]")
            + chunk("[{\"functionCall\":{\"name\":\"weather\",\"args\":{\"city\":\"Bern\"}},"
                    + "\"thoughtSignature\":\"c2ln\"},{\"functionCall\":{\"name\":\"clock\",\"args\":{}}}]")
            + chunk("[{\"functionCall\":{\"id\":\"own-7\",\"name\":\"clock\",\"args\":{}}}]")
            + lastChunk("[{\"text\":\"\"}]");

    @Test
    void a_stream_shows_thoughts_and_text_as_they_come_and_counts_once() {
        List<ChatEvent> events = events(StreamScript.empty().send(String.join("", TEXT_STREAM)));
        assertThat(events)
                .containsExactly(
                        new ChatEvent.Started("gemini-3.5-flash-lite-001", "resp-1", ""),
                        new ChatEvent.Reasoning("Let me "),
                        new ChatEvent.Reasoning("think."),
                        new ChatEvent.Text("Grüße "),
                        new ChatEvent.Text("aus Köln 🌧"),
                        new ChatEvent.Used(new Usage(7, 8, 2, 3)),
                        new ChatEvent.State(
                                "gemini",
                                "[{\"text\":\"Grüße aus Köln 🌧\"},{\"text\":\"\",\"thoughtSignature\":\"c2ln\"}]"),
                        new ChatEvent.Finished(FinishReason.STOP));
    }

    @Test
    void a_stream_shows_several_tool_calls() {
        ChatResponse response = streamed(StreamScript.empty().send(TOOL_STREAM));
        assertThat(response.text()).isEqualTo("Let me see.");
        assertThat(response.finishReason()).isEqualTo(FinishReason.TOOL_CALLS);
        assertThat(response.toolCalls())
                .containsExactly(
                        new ToolCall("call_resp-1_0", "weather", "{\"city\":\"Bern\"}"),
                        new ToolCall("call_resp-1_1", "clock", "{}"),
                        new ToolCall("own-7", "clock", "{}"));
    }

    @Test
    void the_same_stream_gives_the_same_events_wherever_it_is_cut() {
        for (String body : List.of(String.join("", TEXT_STREAM), TOOL_STREAM)) {
            List<ChatEvent> expected = events(StreamScript.empty().send(body));
            assertThat(events(StreamScript.singleBytes(body))).isEqualTo(expected);
            assertThat(events(StreamScript.empty().send(body.replace("\r\n", "\n"))))
                    .isEqualTo(expected);
            for (int seed = 0; seed < 20; seed++) {
                assertThat(events(StreamScript.cut(body, new Random(seed))))
                        .as("seed %d", seed)
                        .isEqualTo(expected);
            }
        }
    }

    @Test
    void a_stream_that_breaks_off_before_its_finish_reason_is_never_an_answer() {
        for (int count = 0; count < TEXT_STREAM.size(); count++) {
            StreamScript script = StreamScript.empty().send(String.join("", TEXT_STREAM.subList(0, count)));
            // Half of the next chunk too: the beginning of an event says nothing.
            String half = TEXT_STREAM.get(count).substring(0, 40);
            for (StreamScript cut : List.of(
                    script,
                    script.thenClose(),
                    script.send(half),
                    script.send(half).thenClose())) {
                OrchestratorException thrown = catchThrowableOfType(OrchestratorException.class, () -> streamed(cut));
                assertThat(thrown).as("after %d chunks", count).isNotNull();
                // Where nothing came at all, nobody knows whether a stream was on its way.
                assertThat(cause(thrown).kind())
                        .as("after %d chunks: %s", count, thrown)
                        .isIn(FailureKind.TRUNCATED, count == 0 ? FailureKind.NETWORK : FailureKind.TRUNCATED);
                if (count > 2) {
                    assertThat(thrown).isInstanceOf(StreamFailedException.class);
                } else {
                    assertThat(thrown).isInstanceOf(AllProvidersFailedException.class);
                }
            }
        }
    }

    @Test
    void a_stream_is_complete_with_finish_reason_and_usage_and_nobody_waits_for_more() {
        StreamScript script =
                StreamScript.empty().send(String.join("", TEXT_STREAM)).thenSilence();
        assertThat(streamed(script).text()).isEqualTo("Grüße aus Köln 🌧");
    }

    @Test
    void usage_that_comes_after_the_finish_reason_counts() {
        ChatResponse response = streamed(StreamScript.empty()
                .send(chunk("[{\"text\":\"Mild.\"}]"))
                .send(event(named(candidate("", "STOP"))))
                .send(event(named("\"usageMetadata\":{\"promptTokenCount\":9,\"candidatesTokenCount\":4}")))
                .thenSilence());
        assertThat(response.text()).isEqualTo("Mild.");
        assertThat(response.usage()).contains(new Usage(9, 4, 0, 0));
    }

    @Test
    void a_stream_may_end_without_any_usage() {
        ChatResponse response =
                streamed(StreamScript.empty().send(event("{" + candidate("[{\"text\":\"Mild.\"}]", "STOP") + "}")));
        assertThat(response.text()).isEqualTo("Mild.");
        assertThat(response.usage()).isEmpty();
    }

    @Test
    void a_stream_that_comes_as_one_array_is_read_too() {
        String array =
                "[" + answer("[{\"text\":\"Mi\"}]", "") + "\n,\r\n" + answer("[{\"text\":\"ld.\"}]", "STOP") + "\n]";
        assertThat(streamed(StreamScript.empty().send(array)).text()).isEqualTo("Mild.");
        assertThat(chat(Reply.json(array)).text()).isEqualTo("Mild.");
    }

    @Test
    void an_array_without_an_end_or_with_an_error_in_it_is_no_answer() {
        String piece = answer("[{\"text\":\"Mi\"}]", "");
        assertThat(failure(Reply.json("[" + piece + "," + piece + "]")).kind()).isEqualTo(FailureKind.TRUNCATED);
        assertThat(failure(Reply.json("[" + piece + "," + error(503, "UNAVAILABLE", "busy", "") + "]"))
                        .kind())
                .isEqualTo(FailureKind.OVERLOADED);
    }

    @Test
    void a_blocked_prompt_is_filtered_in_a_stream_too() {
        ProviderException failure = failure(() -> streamed(StreamScript.empty()
                .send(event(named("\"promptFeedback\":{\"blockReason\":\"PROHIBITED_CONTENT\"}")))));
        assertThat(failure.kind()).isEqualTo(FailureKind.CONTENT_FILTERED);
    }

    @ParameterizedTest
    @CsvSource({"SAFETY, CONTENT_FILTERED", "MALFORMED_FUNCTION_CALL, TOOL_GENERATION"})
    void a_stream_that_ends_badly_fails_with_what_was_shown(String reason, FailureKind kind) {
        StreamFailedException thrown = catchThrowableOfType(
                StreamFailedException.class,
                () -> streamed(
                        StreamScript.empty().send(chunk("[{\"text\":\"Mi\"}]")).send(event(answer("", reason)))));
        assertThat(thrown.kind()).isEqualTo(kind);
        assertThat(thrown.partialText()).isEqualTo("Mi");
    }

    @Test
    void an_error_before_the_first_token_is_the_attempts_failure_in_every_framing() {
        String error = error(503, "UNAVAILABLE", "busy", "");
        for (String body : List.of(
                error,
                "[" + error + "]",
                event(error.replace("\n", "")),
                chunk("[{\"text\":\"Hm.\",\"thought\":true}]") + error + "\r\n",
                chunk("[{\"text\":\"Hm.\",\"thought\":true}]") + event(error.replace("\n", "")))) {
            ProviderException failure =
                    failure(() -> streamed(StreamScript.empty().send(body)));
            assertThat(failure.kind()).isEqualTo(FailureKind.OVERLOADED);
            assertThat(failure.providerMessage()).isEqualTo("busy");
        }
    }

    @Test
    void an_error_after_the_first_token_ends_the_stream_with_what_was_shown() {
        String error = error(500, "INTERNAL", "broken", "");
        for (String framed : List.of(error, error + "\r\n\r\n", event(error.replace("\n", "")), "[" + error + "]\n")) {
            StreamFailedException thrown = catchThrowableOfType(
                    StreamFailedException.class,
                    () -> streamed(StreamScript.empty()
                            .send(chunk("[{\"text\":\"Mi\"}]"))
                            .send(framed)));
            assertThat(thrown).as(framed).isNotNull();
            assertThat(thrown.kind()).isEqualTo(FailureKind.SERVER);
            assertThat(thrown.partialText()).isEqualTo("Mi");
        }
    }

    // ---- What the provider wants to see again

    @Test
    void signed_parts_go_back_as_they_came_and_thoughts_do_not() {
        ChatResponse first = streamed(StreamScript.empty()
                .send(chunk("[{\"text\":\"Hm.\",\"thought\":true}]"))
                .send(TOOL_STREAM));
        server.awaitRequest();
        ChatRequest.Builder next =
                ChatRequest.builder().user("hello").tool(WEATHER).tool(CLOCK);
        next.message(first.message());
        first.toolCalls().forEach(call -> next.toolResult(call, "{\"fine\":true}"));

        JsonNode contents = sent(MODEL, next.build()).path("contents");
        assertThat(contents.path(1))
                .isEqualTo(json("{\"role\":\"model\",\"parts\":[{\"text\":\"Let me see.\"},"
                        + "{\"functionCall\":{\"name\":\"weather\",\"args\":{\"city\":\"Bern\"}},\"thoughtSignature\":\"c2ln\"},"
                        + "{\"functionCall\":{\"name\":\"clock\",\"args\":{}}},"
                        + "{\"functionCall\":{\"id\":\"own-7\",\"name\":\"clock\",\"args\":{}}}]}"));
        assertThat(contents.path(2).path("role").asText()).isEqualTo("user");
        assertThat(contents.path(2).path("parts"))
                .isEqualTo(
                        json(
                                "[{\"functionResponse\":{\"name\":\"weather\",\"response\":{\"fine\":true}}},"
                                        + "{\"functionResponse\":{\"name\":\"clock\",\"response\":{\"fine\":true}}},"
                                        + "{\"functionResponse\":{\"id\":\"own-7\",\"name\":\"clock\",\"response\":{\"fine\":true}}}]"));
    }

    @Test
    void a_signature_that_comes_alone_goes_back_beside_an_empty_text() {
        ChatResponse first = chat(Reply.json(answer("[{\"text\":\"Mild.\"},{\"thoughtSignature\":\"c2ln\"}]", "STOP")));
        server.awaitRequest();
        JsonNode contents = sent(request ->
                        request.user("hello").message(first.message()).user("Thanks."))
                .path("contents");
        assertThat(contents.path(1).path("parts"))
                .isEqualTo(json("[{\"text\":\"Mild.\"},{\"text\":\"\",\"thoughtSignature\":\"c2ln\"}]"));
    }

    @Test
    void what_other_dialects_want_to_see_again_is_not_sent() {
        Message earlier = Message.assistant("Mild.").withProviderState("anthropic", "[{\"signature\":\"x\"}]");
        JsonNode contents =
                sent(request -> request.user("a").message(earlier).user("b")).path("contents");
        assertThat(contents.path(1).path("parts")).isEqualTo(json("[{\"text\":\"Mild.\"}]"));
    }

    // ---- Errors

    @Test
    void a_bad_key_is_recognised_although_its_status_is_400() {
        ProviderException failure = failure(Reply.status(
                400,
                error(
                        400,
                        "INVALID_ARGUMENT",
                        "The key " + KEY + " is no good.",
                        "{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"API_KEY_INVALID\"}")));
        assertThat(failure.kind()).isEqualTo(FailureKind.CREDENTIAL);
        assertThat(failure.code()).isEqualTo("API_KEY_INVALID");
        assertThat(failure.getMessage()).doesNotContain(KEY);
    }

    private static String quota(String quotaId, String delay) {
        return error(
                429,
                "RESOURCE_EXHAUSTED",
                "You exceeded your current quota.",
                "{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"RATE_LIMIT_EXCEEDED\"},"
                        + "{\"@type\":\"type.googleapis.com/google.rpc.QuotaFailure\",\"violations\":[{\"quotaId\":\""
                        + quotaId + "\"}]},{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\""
                        + delay + "\"}");
    }

    @Test
    void the_wait_for_a_minutes_quota_is_in_the_body() {
        String quota = quota("GenerateRequestsPerMinutePerProjectPerModel", "34.4s");
        for (String body : List.of(quota, "[" + quota + "]")) {
            ProviderException failure = failure(Reply.status(429, body));
            assertThat(failure.kind()).isEqualTo(FailureKind.RATE_LIMITED);
            assertThat(failure.retryAfter()).contains(Duration.ofMillis(34_400));
        }
    }

    @Test
    void a_days_quota_is_exhausted_whatever_reason_stands_beside_it() {
        ProviderException failure =
                failure(Reply.status(429, quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "48s")));
        assertThat(failure.kind()).isEqualTo(FailureKind.QUOTA_EXHAUSTED);
        // Those seconds are about the minute.
        assertThat(failure.retryAfter()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "400, INVALID_ARGUMENT, 'contents is not specified', BAD_REQUEST",
        "400, INVALID_ARGUMENT, 'The input token count (1200000) exceeds the maximum number of tokens', CONTEXT_TOO_LONG",
        "400, FAILED_PRECONDITION, 'User location is not supported', PERMISSION",
        "402, RESOURCE_EXHAUSTED, 'Prepayment is used up', QUOTA_EXHAUSTED",
        "403, PERMISSION_DENIED, 'no', PERMISSION",
        "404, NOT_FOUND, 'models/x is not found', MODEL_NOT_FOUND",
        "429, RESOURCE_EXHAUSTED, 'slower', RATE_LIMITED",
        "500, INTERNAL, 'broken', SERVER",
        "503, UNAVAILABLE, 'The model is overloaded', OVERLOADED",
        "504, DEADLINE_EXCEEDED, 'late', TIMEOUT",
    })
    void each_status_means_what_the_documentation_says(int code, String status, String message, FailureKind kind) {
        ProviderException failure = failure(Reply.status(code, error(code, status, message, "")));
        assertThat(failure.kind()).isEqualTo(kind);
        assertThat(failure.code()).isEqualTo(status);
    }
}
