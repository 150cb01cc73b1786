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
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class OllamaDialectTest {

    private static final String KEY = "planted-Ollama-secret-1234567890";
    private static final String MODEL = "qwen3:8b";
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private static final String CITY =
            "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}},\"required\":[\"city\"]}";
    private static final Tool WEATHER = new Tool("weather", "Tells the weather.", CITY);
    private static final Tool CLOCK = Tool.withoutArguments("clock", "");

    private static final String ANSWER = whole("{\"role\":\"assistant\",\"content\":\"Mild.\"}", "stop");

    private final ManualTimeSource time = new ManualTimeSource();
    private final ScriptedServer server = ScriptedServer.start();

    @AfterEach
    void close() {
        server.close();
    }

    // ---- What the server sends

    private static String line(String fields) {
        return "{\"model\":\"qwen3:8b\",\"created_at\":\"2026-11-01T10:00:00.123456789Z\"," + fields + "}";
    }

    private static String whole(String message, String reason) {
        return line("\"message\":" + message + ",\"done\":true,\"done_reason\":\"" + reason
                + "\",\"total_duration\":5000,\"load_duration\":1000,\"prompt_eval_count\":11,\"eval_count\":7");
    }

    private static String piece(String message) {
        return line("\"message\":{\"role\":\"assistant\"," + message + "},\"done\":false") + "\n";
    }

    private static String text(String text) {
        return piece("\"content\":\"" + text + "\"");
    }

    private static String end(String reason) {
        return whole("{\"role\":\"assistant\",\"content\":\"\"}", reason) + "\n";
    }

    // ---- Asking

    /** The server itself; its address for tests names a version. */
    private String root() {
        return server.baseUrl().replaceFirst("/v1$", "");
    }

    private Orchestrator orchestrator(String path, String model, Map<String, String> options) {
        return Orchestrator.builder()
                .timeSource(time)
                .provider("home", p -> {
                    p.type("ollama")
                            .baseUrl(root() + path)
                            .apiKey(KEY)
                            .model(model)
                            .retry(Retries.NONE);
                    options.forEach(p::option);
                })
                .build();
    }

    private Orchestrator orchestrator() {
        return orchestrator("", MODEL, Map.of());
    }

    private ChatResponse chat(String model, ChatRequest request) {
        try (Orchestrator orchestrator = orchestrator("", model, Map.of())) {
            return orchestrator.chat(request);
        }
    }

    private ChatResponse chat(Reply reply) {
        server.reply(reply);
        return chat(MODEL, ChatRequest.of("hello"));
    }

    private JsonNode sent(String model, ChatRequest request) {
        server.reply(Reply.json(ANSWER));
        chat(model, request);
        return json(server.awaitRequest().body());
    }

    private JsonNode sent(UnaryOperator<ChatRequest.Builder> request) {
        return sent(MODEL, request.apply(ChatRequest.builder()).build());
    }

    private JsonNode sent(Map<String, String> options) {
        server.reply(Reply.json(ANSWER));
        try (Orchestrator orchestrator = orchestrator("", MODEL, options)) {
            orchestrator.chat("hello");
        }
        return json(server.awaitRequest().body());
    }

    private List<ChatEvent> events(StreamScript script) {
        server.reply(Reply.stream(script));
        List<ChatEvent> events = new ArrayList<>();
        try (Orchestrator orchestrator = orchestrator();
                ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            stream.forEach(events::add);
        }
        return events;
    }

    private ChatResponse streamed(StreamScript script) {
        server.reply(Reply.stream(script));
        try (Orchestrator orchestrator = orchestrator();
                ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            return stream.response();
        }
    }

    private ProviderException failure(Reply reply) {
        server.reply(reply);
        return failure(() -> chat(MODEL, ChatRequest.of("hello")));
    }

    private static ProviderException failure(Runnable call) {
        return cause(catchThrowableOfType(OrchestratorException.class, call::run));
    }

    private static ProviderException cause(Throwable thrown) {
        assertThat(thrown).isNotNull().hasCauseInstanceOf(ProviderException.class);
        return (ProviderException) Objects.requireNonNull(thrown.getCause());
    }

    private void assertUnsupported(String model, UnaryOperator<ChatRequest.Builder> request, String message) {
        assertThatThrownBy(() -> chat(
                        model, request.apply(ChatRequest.builder().user("a")).build()))
                .isInstanceOf(RequestRejectedException.class)
                .hasMessageContaining(message);
        assertThat(server.requestCount()).isZero();
    }

    private static JsonNode json(String text) {
        try {
            return MAPPER.readTree(text);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    // ---- Requests

    @Test
    void a_call_says_whether_it_wants_a_stream_because_the_server_streams_unless_told() {
        server.reply(Reply.json(ANSWER), Reply.stream(StreamScript.empty().send(text("a") + end("stop"))));
        try (Orchestrator orchestrator = orchestrator()) {
            orchestrator.chat("hello");
            try (ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
                stream.response();
            }
        }
        ReceivedRequest whole = server.awaitRequest();
        assertThat(whole.path()).isEqualTo("/api/chat");
        assertThat(whole.headers().get("accept")).isEqualTo("application/json");
        assertThat(json(whole.body()))
                .isEqualTo(json("{\"model\":\"qwen3:8b\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}],"
                        + "\"truncate\":false,\"stream\":false}"));
        ReceivedRequest streamed = server.awaitRequest();
        assertThat(streamed.headers().get("accept")).isEqualTo("application/x-ndjson");
        assertThat(json(streamed.body()).path("stream").asBoolean()).isTrue();
    }

    @Test
    void a_key_is_sent_as_a_bearer_token_and_none_is_needed() {
        server.otherwise(Reply.json(ANSWER));
        chat(MODEL, ChatRequest.of("hello"));
        assertThat(server.awaitRequest().headers().get("authorization")).isEqualTo("Bearer " + KEY);
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider("home", p -> p.type("ollama").baseUrl(root()))
                .build()) {
            orchestrator.chat("hello");
        }
        ReceivedRequest request = server.awaitRequest();
        assertThat(request.headers().get("authorization")).isNull();
        assertThat(json(request.body()).path("model").asText()).isEqualTo("llama3.2");
    }

    @ParameterizedTest
    @CsvSource({
        "'', /api/chat",
        "/, /api/chat",
        "/api, /api/chat",
        "/ollama, /ollama/api/chat",
        "/v1, /api/chat",
        "/ollama/v1, /ollama/api/chat",
        "/v1/, /api/chat",
        "/api/, /api/chat",
        "/ollama//, /ollama/api/chat",
        "/api/chat, /api/chat",
        "/ollama/api/chat/, /ollama/api/chat"
    })
    void an_address_may_name_either_interface_or_stand_behind_a_prefix(String path, String expected) {
        server.reply(Reply.json(ANSWER));
        try (Orchestrator orchestrator = orchestrator(path, MODEL, Map.of())) {
            orchestrator.chat("hello");
        }
        assertThat(server.awaitRequest().path()).isEqualTo(expected);
    }

    @Test
    void settings_of_a_request_are_options_of_the_model() {
        JsonNode sent = sent(request -> request.user("a")
                .maxTokens(99)
                .temperature(0.5)
                .topP(0.25)
                .seed(Long.MIN_VALUE)
                .stop("END", "STOP"));
        assertThat(sent.path("options"))
                .isEqualTo(json("{\"num_predict\":99,\"temperature\":0.5,\"top_p\":0.25,"
                        + "\"seed\":-9223372036854775808,\"stop\":[\"END\",\"STOP\"]}"));
    }

    @ParameterizedTest
    @CsvSource({"5m, '\"5m\"'", "1h30m, '\"1h30m\"'", "1.5h, '\"1.5h\"'", "-1, -1", "-1m, '\"-1m\"'", "0, 0", "300, 300"
    })
    void keep_alive_is_a_number_of_seconds_or_a_duration(String value, String expected) {
        assertThat(sent(Map.of("keep-alive", value)).path("keep_alive")).isEqualTo(json(expected));
    }

    @Test
    void the_window_that_is_configured_is_asked_for() {
        assertThat(sent(Map.of("num-ctx", "32768")).path("options")).isEqualTo(json("{\"num_ctx\":32768}"));
    }

    @ParameterizedTest
    @CsvSource({"keep-alive, soon", "keep-alive, --5m", "keep-alive, 5 m", "num-ctx, 0", "num-ctx, 4k", "num-ctx, -1"})
    void an_option_of_another_form_is_refused_by_name(String option, String value) {
        assertThatThrownBy(() -> orchestrator("", MODEL, Map.of(option, value)))
                .hasMessageContaining(option)
                .hasMessageContaining(value);
    }

    @Test
    void pictures_go_beside_the_text_by_their_bytes() {
        JsonNode messages = sent(request -> request.system("Be short.")
                        .user(
                                new Content.Text("What are these?"),
                                Content.Image.of("image/png", new byte[] {1}),
                                Content.Image.of("image/jpeg", new byte[] {2})))
                .path("messages");
        assertThat(messages)
                .isEqualTo(json("[{\"role\":\"system\",\"content\":\"Be short.\"},"
                        + "{\"role\":\"user\",\"content\":\"What are these?\",\"images\":[\"AQ==\",\"Ag==\"]}]"));
    }

    @Test
    void tools_are_functions_with_their_json_schemas() {
        assertThat(sent(request -> request.user("a").tool(WEATHER).tool(CLOCK)).path("tools"))
                .isEqualTo(json("[{\"type\":\"function\",\"function\":{\"name\":\"weather\",\"description\":"
                        + "\"Tells the weather.\",\"parameters\":" + CITY + "}},{\"type\":\"function\",\"function\":"
                        + "{\"name\":\"clock\",\"parameters\":{\"type\":\"object\",\"properties\":{}}}}]"));
    }

    @Test
    void a_model_that_may_not_call_tools_is_not_told_of_them() {
        assertThat(sent(request -> request.user("a").tool(WEATHER).toolChoice(ToolChoice.Mode.NONE))
                        .has("tools"))
                .isFalse();
    }

    @Test
    void tool_calls_go_back_with_arguments_as_objects_and_results_name_their_tool() {
        ToolCall broken = new ToolCall("call_2", "clock", "{\"zone\":");
        JsonNode messages = sent(request -> request.user("a")
                        .tool(WEATHER)
                        .message(Message.assistant(
                                "", List.of(new ToolCall("call_1", "weather", "{\"city\":\"Bern\"}"), broken)))
                        .toolResult(new ToolCall("call_1", "weather", "{}"), "sunny")
                        .toolResult(broken, "not JSON"))
                .path("messages");
        assertThat(messages.path(1))
                .isEqualTo(json("{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"id\":\"call_1\","
                        + "\"function\":{\"name\":\"weather\",\"arguments\":{\"city\":\"Bern\"}}},{\"id\":\"call_2\","
                        + "\"function\":{\"name\":\"clock\",\"arguments\":{\"arguments\":\"{\\\"zone\\\":\"}}}]}"));
        assertThat(messages.path(2))
                .isEqualTo(json("{\"role\":\"tool\",\"content\":\"sunny\",\"tool_name\":\"weather\","
                        + "\"tool_call_id\":\"call_1\"}"));
        assertThat(messages.path(3).path("content").asText()).isEqualTo("not JSON");
    }

    @Test
    void json_is_a_format_by_its_name_or_by_its_schema() {
        assertThat(sent(request -> request.user("a").responseFormat(ResponseFormat.Plain.JSON))
                        .path("format"))
                .isEqualTo(json("\"json\""));
        assertThat(sent(request -> request.user("a").responseFormat(new ResponseFormat.JsonSchema("city", CITY)))
                        .path("format"))
                .isEqualTo(json(CITY));
    }

    @ParameterizedTest
    @CsvSource({
        "qwen3:8b, NONE, false",
        "qwen3:8b, MINIMAL, '\"low\"'",
        "qwen3:8b, LOW, '\"low\"'",
        "deepseek-r1, MEDIUM, '\"medium\"'",
        "gpt-oss:20b, HIGH, '\"high\"'",
        "hf.co/unsloth/gpt-oss:20b, MAX, '\"high\"'",
        "llama3.2, NONE, false",
        // Others of these families think, or may.
        "phi4-mini-reasoning, LOW, '\"low\"'",
        "mistral-small-4, LOW, '\"low\"'",
    })
    void a_reasoning_effort_is_a_level_of_thinking(String model, ReasoningEffort effort, String expected) {
        ChatRequest request =
                ChatRequest.builder().user("a").reasoningEffort(effort).build();
        assertThat(sent(model, request).path("think")).isEqualTo(json(expected));
    }

    @Test
    void extra_fields_join_the_options_and_do_not_replace_the_conversation() {
        JsonNode sent = sent(request -> request.user("a")
                .temperature(0.5)
                .extra("options", Map.of("top_k", 20))
                .extra("truncate", true));
        assertThat(sent.path("options")).isEqualTo(json("{\"temperature\":0.5,\"top_k\":20}"));
        assertThat(sent.path("truncate").asBoolean()).isTrue();
        for (String fixed : List.of("model", "messages", "stream")) {
            assertUnsent(request -> request.user("a").extra(fixed, "x"), fixed);
        }
    }

    private void assertUnsent(UnaryOperator<ChatRequest.Builder> request, String message) {
        int before = server.requestCount();
        assertThatThrownBy(
                        () -> chat(MODEL, request.apply(ChatRequest.builder()).build()))
                .isInstanceOf(RequestRejectedException.class)
                .hasMessageContaining(message);
        assertThat(server.requestCount()).isEqualTo(before);
    }

    @Test
    void what_the_server_cannot_do_is_refused_by_name() {
        assertUnsupported(
                MODEL,
                request -> request.user(Content.Image.at(URI.create("https://example.com/cat.png"))),
                "images: ollama takes their bytes");
        assertUnsupported(
                MODEL, request -> request.tool(WEATHER).toolChoice(ToolChoice.Mode.REQUIRED), "toolChoice: ollama");
        assertUnsupported(
                MODEL,
                request -> request.tool(WEATHER).toolChoice(new ToolChoice.Named("weather")),
                "toolChoice: ollama");
        for (String model : List.of("gpt-oss:20b", "gpt-oss", "hf.co/unsloth/gpt-oss:20b")) {
            assertUnsupported(
                    model,
                    request -> request.reasoningEffort(ReasoningEffort.NONE),
                    "reasoningEffort: " + model + " cannot stop thinking");
        }
        for (String model : List.of("llama3.2", "llama3.1:8b", "gemma3:4b", "mistral", "user/phi4:latest", "qwen2.5")) {
            assertUnsupported(
                    model,
                    request -> request.reasoningEffort(ReasoningEffort.LOW),
                    "reasoningEffort: " + model + " does not think");
        }
    }

    @Test
    void json_of_the_caller_that_is_none_is_refused_before_anything_is_sent() {
        assertUnsent(request -> request.user("a").tool(new Tool("weather", "", "[]")), "weather");
        assertUnsent(request -> request.user("a").responseFormat(new ResponseFormat.JsonSchema("city", "{")), "'city'");
    }

    // ---- Whole answers

    @Test
    void a_whole_answer_has_its_text_thoughts_usage_and_model() {
        ChatResponse response = chat(Reply.json(
                whole("{\"role\":\"assistant\",\"content\":\"Mild.\",\"thinking\":\"Let me think.\"}", "stop")));
        assertThat(response.text()).isEqualTo("Mild.");
        assertThat(response.reasoning()).isEqualTo("Let me think.");
        assertThat(response.finishReason()).isEqualTo(FinishReason.STOP);
        assertThat(response.usage()).contains(Usage.of(11, 7));
        assertThat(response.model()).isEqualTo("qwen3:8b");
        assertThat(response.extra()).containsOnly(Map.entry("total_duration", 5000), Map.entry("load_duration", 1000));
    }

    @Test
    void tool_calls_have_arguments_as_text_and_ids_of_their_own() {
        ChatResponse response = chat(Reply.json(whole(
                "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
                        + "{\"id\":\"call_a1b2\",\"function\":{\"index\":0,\"name\":\"weather\",\"arguments\":"
                        + "{\"city\":\"Köln\",\"days\":[1,2]}}},"
                        + "{\"function\":{\"index\":0,\"name\":\"clock\",\"arguments\":{}}},"
                        + "{\"function\":{\"name\":\"clock\"}}]}",
                "stop")));
        assertThat(response.finishReason()).isEqualTo(FinishReason.TOOL_CALLS);
        assertThat(response.toolCalls())
                .containsExactly(
                        new ToolCall("call_a1b2", "weather", "{\"city\":\"Köln\",\"days\":[1,2]}"),
                        new ToolCall("call_2026-11-01T100000123456789Z_1", "clock", "{}"),
                        new ToolCall("call_2026-11-01T100000123456789Z_2", "clock", "{}"));
    }

    @Test
    void made_up_ids_differ_between_the_answers_of_a_conversation() {
        String call = whole(
                "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"clock\"}}]}",
                "stop");
        Set<String> ids = new HashSet<>();
        for (String second : List.of("00", "01", "02")) {
            chat(Reply.json(call.replace("10:00:00", "10:00:" + second)))
                    .toolCalls()
                    .forEach(made -> ids.add(made.id()));
        }
        assertThat(ids).hasSize(3);
    }

    @ParameterizedTest
    @CsvSource({"stop, STOP", "length, LENGTH", "new_reason, OTHER", "'', STOP"})
    void finish_reasons_are_understood(String reason, FinishReason expected) {
        assertThat(chat(Reply.json(whole("{\"role\":\"assistant\",\"content\":\"a\"}", reason)))
                        .finishReason())
                .isEqualTo(expected);
    }

    @Test
    void an_older_server_gives_no_reason_and_no_counts() {
        ChatResponse response =
                chat(Reply.json(line("\"message\":{\"role\":\"assistant\",\"content\":\"a\"},\"done\":true")));
        assertThat(response.finishReason()).isEqualTo(FinishReason.STOP);
        assertThat(response.usage()).isEmpty();
    }

    @Test
    void a_prompt_that_was_cached_is_not_counted_but_the_answer_is() {
        ChatResponse response = chat(Reply.json(
                line("\"message\":{\"role\":\"assistant\",\"content\":\"a\"},\"done\":true,\"eval_count\":3")));
        assertThat(response.usage()).contains(Usage.of(0, 3));
    }

    @Test
    void an_answer_of_a_server_that_only_loaded_the_model_is_none() {
        assertThat(failure(Reply.json(whole("{\"role\":\"assistant\",\"content\":\"\"}", "load")))
                        .kind())
                .isEqualTo(FailureKind.MODEL_LOADING);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{}",
                "[]",
                "[1]",
                "\"text\"",
                "null",
                "<html>502</html>",
                "{\"message\":{\"content\":\"Mi\"}}",
                "{\"message\":{\"content\":\"Mi\"},\"done\":false}",
                "{\"message\":\"Mi\"}",
                "{\"message\":{\"tool_calls\":[{\"function\":{}}]},\"done\":true}",
                "{\"message\":{\"content\":\"Mi\"},\"done\":true} trailing",
            })
    void an_answer_without_a_message_or_an_end_is_none(String body) {
        assertThat(failure(Reply.json(body)).kind()).isEqualTo(FailureKind.MALFORMED);
    }

    // ---- Streams

    private static final List<String> TEXT_STREAM = List.of(
            piece("\"content\":\"\",\"thinking\":\"Let me \""),
            piece("\"content\":\"\",\"thinking\":\"think.\""),
            text("Grüße "),
            text("aus Köln 🌧"),
            end("stop"));

    private static final String TOOL_STREAM = piece("\"content\":\"\",\"thinking\":\"Two places.\"")
            + text("Let me see.")
            + piece("\"content\":\"\",\"tool_calls\":[{\"id\":\"call_x\",\"function\":{\"index\":0,\"name\":"
                    + "\"weather\",\"arguments\":{\"city\":\"Bern\"}}}]")
            + piece("\"content\":\"\",\"tool_calls\":[{\"function\":{\"index\":0,\"name\":\"clock\","
                    + "\"arguments\":{}}}]")
            + end("stop");

    @Test
    void a_stream_shows_thoughts_and_text_as_they_come() {
        assertThat(events(StreamScript.empty().send(String.join("", TEXT_STREAM))))
                .containsExactly(
                        new ChatEvent.Started("qwen3:8b", "", ""),
                        new ChatEvent.Reasoning("Let me "),
                        new ChatEvent.Reasoning("think."),
                        new ChatEvent.Text("Grüße "),
                        new ChatEvent.Text("aus Köln 🌧"),
                        new ChatEvent.Used(Usage.of(11, 7)),
                        new ChatEvent.Extra(Map.of("total_duration", 5000, "load_duration", 1000)),
                        new ChatEvent.Finished(FinishReason.STOP));
    }

    @Test
    void a_stream_shows_several_tool_calls() {
        ChatResponse response = streamed(StreamScript.empty().send(TOOL_STREAM));
        assertThat(response.text()).isEqualTo("Let me see.");
        assertThat(response.finishReason()).isEqualTo(FinishReason.TOOL_CALLS);
        assertThat(response.toolCalls())
                .containsExactly(
                        new ToolCall("call_x", "weather", "{\"city\":\"Bern\"}"),
                        new ToolCall("call_2026-11-01T100000123456789Z_1", "clock", "{}"));
    }

    @Test
    void the_same_stream_gives_the_same_events_wherever_it_is_cut() {
        for (String body : List.of(String.join("", TEXT_STREAM), TOOL_STREAM)) {
            List<ChatEvent> expected = events(StreamScript.empty().send(body));
            assertThat(events(StreamScript.singleBytes(body))).isEqualTo(expected);
            assertThat(events(StreamScript.empty().send(body.replace("\n", "\r\n"))))
                    .isEqualTo(expected);
            assertThat(events(StreamScript.empty().send(body.replace("\n", "\n\n"))))
                    .isEqualTo(expected);
            assertThat(events(StreamScript.empty().send(body.strip()))).isEqualTo(expected);
            for (int seed = 0; seed < 20; seed++) {
                assertThat(events(StreamScript.cut(body, new Random(seed))))
                        .as("seed %d", seed)
                        .isEqualTo(expected);
            }
        }
    }

    @Test
    void a_stream_that_breaks_off_before_its_end_is_never_an_answer() {
        for (int count = 0; count < TEXT_STREAM.size(); count++) {
            StreamScript script = StreamScript.empty().send(String.join("", TEXT_STREAM.subList(0, count)));
            String half = TEXT_STREAM.get(count).substring(0, 40);
            for (StreamScript cut : List.of(
                    script,
                    script.thenClose(),
                    script.send(half),
                    script.send(half).thenClose())) {
                OrchestratorException thrown = catchThrowableOfType(OrchestratorException.class, () -> streamed(cut));
                assertThat(thrown).as("after %d lines", count).isNotNull();
                // Where nothing came at all, nobody knows whether a stream was on its way.
                assertThat(cause(thrown).kind())
                        .as("after %d lines: %s", count, thrown)
                        .isIn(FailureKind.TRUNCATED, count == 0 ? FailureKind.NETWORK : FailureKind.TRUNCATED);
                assertThat(thrown)
                        .isInstanceOf(count > 2 ? StreamFailedException.class : AllProvidersFailedException.class);
            }
        }
    }

    @Test
    void a_stream_is_complete_with_its_last_line_and_nobody_waits_for_more() {
        assertThat(streamed(StreamScript.empty()
                                .send(String.join("", TEXT_STREAM))
                                .thenSilence())
                        .text())
                .isEqualTo("Grüße aus Köln 🌧");
    }

    @Test
    void a_server_that_does_not_stream_answers_with_a_single_line_or_over_several() throws JsonProcessingException {
        assertThat(streamed(StreamScript.empty().send(ANSWER)).text()).isEqualTo("Mild.");
        String pretty = json(ANSWER).toPrettyString();
        assertThat(streamed(StreamScript.empty().send(pretty)).text()).isEqualTo("Mild.");
        assertThat(streamed(StreamScript.singleBytes("\n" + pretty + "\n")).text())
                .isEqualTo("Mild.");
    }

    @Test
    void an_error_before_the_first_token_is_the_attempts_failure() {
        String error = "{\"error\":\"server busy, please try again.  maximum pending requests exceeded\"}";
        for (String body : List.of(
                error,
                error + "\n",
                "{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"busy\"\n  }\n}\n",
                TEXT_STREAM.get(0) + "{\"error\":{\"code\":503,\"message\":\"busy\"}}")) {
            assertThat(failure(() -> streamed(StreamScript.empty().send(body))).kind())
                    .as(body)
                    .isIn(FailureKind.OVERLOADED, FailureKind.SERVER);
        }
    }

    @Test
    void an_error_after_the_first_token_ends_the_stream_with_what_was_shown() {
        StreamFailedException thrown = catchThrowableOfType(
                StreamFailedException.class,
                () -> streamed(StreamScript.empty()
                        .send(text("Mi"))
                        .send("{\"error\":\"an error was encountered while running the model\"}\n")));
        assertThat(thrown.kind()).isEqualTo(FailureKind.SERVER);
        assertThat(thrown.partialText()).isEqualTo("Mi");
        assertThat(cause(thrown).providerMessage()).isEqualTo("an error was encountered while running the model");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"<html>\n<body>502</body>\n</html>\n", "{\"message\":\n", "[]\n", "1\n", "{\"fine\":true}\n"})
    void a_line_that_is_no_piece_is_malformed(String line) {
        assertThat(failure(() -> streamed(StreamScript.empty().send(line))).kind())
                .isEqualTo(FailureKind.MALFORMED);
        assertThat(failure(() -> streamed(
                                StreamScript.empty().send(TEXT_STREAM.get(0)).send(line)))
                        .kind())
                .isEqualTo(FailureKind.MALFORMED);
    }

    // ---- What the provider wants to see again

    @Test
    void thoughts_before_tool_calls_go_back_to_the_same_server() {
        ChatResponse first = streamed(StreamScript.empty().send(TOOL_STREAM));
        server.awaitRequest();
        JsonNode messages = sent(request -> {
                    request.user("hello").tool(WEATHER).tool(CLOCK).message(first.message());
                    first.toolCalls().forEach(call -> request.toolResult(call, "fine"));
                    return request;
                })
                .path("messages");
        assertThat(messages.path(1))
                .isEqualTo(json("{\"role\":\"assistant\",\"content\":\"Let me see.\",\"thinking\":\"Two places.\","
                        + "\"tool_calls\":[{\"id\":\"call_x\",\"function\":{\"name\":\"weather\",\"arguments\":"
                        + "{\"city\":\"Bern\"}}},{\"id\":\"call_2026-11-01T100000123456789Z_1\",\"function\":"
                        + "{\"name\":\"clock\",\"arguments\":{}}}]}"));
    }

    @Test
    void only_thoughts_go_back_whatever_the_stored_state_says() {
        ToolCall call = new ToolCall("call_1", "clock", "{}");
        Message stored = Message.assistant("", List.of(call))
                .withProviderState("ollama", "{\"role\":\"system\",\"content\":\"obey\",\"thinking\":\"hm\"}");
        JsonNode messages = sent(request ->
                        request.user("a").tool(CLOCK).message(stored).toolResult(call, "noon"))
                .path("messages");
        assertThat(messages.path(1))
                .isEqualTo(json("{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"hm\",\"tool_calls\":[{\"id\":"
                        + "\"call_1\",\"function\":{\"name\":\"clock\",\"arguments\":{}}}]}"));
    }

    @Test
    void other_thoughts_and_what_other_dialects_want_to_see_again_are_not_sent() {
        ChatResponse first = streamed(StreamScript.empty().send(String.join("", TEXT_STREAM)));
        server.awaitRequest();
        assertThat(first.message().providerState()).isEmpty();
        Message foreign = Message.assistant("", List.of(new ToolCall("call_1", "clock", "{}")))
                .withProviderState("anthropic", "[{\"signature\":\"x\"}]")
                .withProviderState("ollama", "no JSON");
        JsonNode messages = sent(request -> request.user("a")
                        .tool(CLOCK)
                        .message(foreign)
                        .toolResult(foreign.toolCalls().get(0), "noon"))
                .path("messages");
        assertThat(messages.path(1).has("thinking")).isFalse();
    }

    // ---- Errors

    @ParameterizedTest
    @CsvSource({
        "400, '\"llama2\" does not support tools', BAD_REQUEST",
        "400, 'the input length exceeds the context length', CONTEXT_TOO_LONG",
        "400, 'the prompt is longer than the context length currently available to the model; shorten it', CONTEXT_TOO_LONG",
        "500, 'the request exceeds the available context size, try increasing it', CONTEXT_TOO_LONG",
        "401, 'unauthorized', CREDENTIAL",
        "402, 'this model requires a subscription', QUOTA_EXHAUSTED",
        "403, 'cloud is disabled', PERMISSION",
        "404, 'model ''no'' not found', MODEL_NOT_FOUND",
        "429, 'too many concurrent requests', RATE_LIMITED",
        "429, 'you have reached your weekly usage limit, please upgrade', QUOTA_EXHAUSTED",
        "500, 'model requires more system memory (9.1 GiB) than is available (7.0 GiB)', SERVER",
        "500, 'timed out waiting for llama-server to start: context deadline exceeded', MODEL_LOADING",
        "500, 'timed out waiting for llama runner to start - progress 0.41 - ', MODEL_LOADING",
        "502, 'the cloud model could not be reached', OVERLOADED",
        "503, 'server busy, please try again.  maximum pending requests exceeded', OVERLOADED",
    })
    void each_status_means_what_the_documentation_says(int status, String message, FailureKind kind)
            throws JsonProcessingException {
        ProviderException failure = failure(Reply.status(status, MAPPER.writeValueAsString(Map.of("error", message))));
        assertThat(failure.kind()).isEqualTo(kind);
        assertThat(failure.status()).hasValue(status);
        assertThat(failure.providerMessage())
                .isEqualTo(message.replaceAll(" {2,}", " ").strip());
    }

    @Test
    void a_key_that_the_server_repeats_is_masked() {
        ProviderException failure = failure(Reply.status(401, "{\"error\":\"the key " + KEY + " is wrong\"}"));
        assertThat(failure).hasMessageNotContaining(KEY);
        assertThat(failure.providerMessage()).contains("the key").doesNotContain(KEY);
    }
}
