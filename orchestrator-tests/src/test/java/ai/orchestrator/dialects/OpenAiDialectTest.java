package ai.orchestrator.dialects;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.ProviderSettings;
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
import ai.orchestrator.chat.Trail;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.secrets.PlantedKeys;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.Retries;
import ai.orchestrator.testkit.ScriptedServer;
import ai.orchestrator.testkit.StreamScript;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OpenAiDialectTest {

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final Tool WEATHER = new Tool(
            "weather", "The weather now.", "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}");
    private static final String SCHEMA = "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}}}";

    private final ScriptedServer server = ScriptedServer.start();

    @AfterEach
    void close() {
        server.close();
    }

    private Orchestrator orchestrator(String type, String model, Consumer<ProviderSettings.Builder> more) {
        return Orchestrator.builder()
                .timeSource(new ManualTimeSource())
                .provider("p", p -> {
                    p.type(type)
                            .baseUrl(server.baseUrl())
                            .model(model)
                            .apiKey(PlantedKeys.KEY)
                            .retry(Retries.NONE);
                    more.accept(p);
                })
                .build();
    }

    private JsonNode sent(String type, String model, ChatRequest request) {
        return sent(type, model, request, p -> {});
    }

    private JsonNode sent(String type, String model, ChatRequest request, Consumer<ProviderSettings.Builder> more) {
        server.reply(Reply.answer("fine"));
        try (Orchestrator orchestrator = orchestrator(type, model, more)) {
            assertThat(orchestrator.chat(request).text()).isEqualTo("fine");
        }
        return tree(server.awaitRequest().body());
    }

    private static JsonNode tree(String json) {
        try {
            return MAPPER.readTree(json);
        } catch (JsonProcessingException e) {
            throw new AssertionError("not JSON: " + json, e);
        }
    }

    private static ChatRequest.Builder hello() {
        return ChatRequest.builder().user("hello");
    }

    private ChatResponse answer(String type, String json) {
        server.reply(Reply.json(json));
        try (Orchestrator orchestrator = orchestrator(type, "m", p -> {})) {
            return orchestrator.chat("hello");
        }
    }

    private ProviderException failure(Reply reply) {
        server.reply(reply);
        try (Orchestrator orchestrator = orchestrator("openai", "m", p -> {})) {
            OrchestratorException e =
                    catchThrowableOfType(OrchestratorException.class, () -> orchestrator.chat("hello"));
            return (ProviderException) java.util.Objects.requireNonNull(e.getCause());
        }
    }

    private List<ChatEvent> events(StreamScript script) {
        server.reply(Reply.stream(script));
        try (Orchestrator orchestrator = orchestrator("openai", "m", p -> {});
                ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            List<ChatEvent> events = new ArrayList<>();
            stream.forEach(events::add);
            return events;
        }
    }

    private OrchestratorException streamFailure(StreamScript script) {
        server.reply(Reply.stream(script));
        try (Orchestrator orchestrator = orchestrator("openai", "m", p -> {});
                ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            return catchThrowableOfType(OrchestratorException.class, stream::response);
        }
    }

    // ---- Requests

    @Test
    void a_plain_conversation_is_sent_as_texts_with_the_key_as_bearer() {
        server.reply(Reply.answer("fine"));
        try (Orchestrator orchestrator = orchestrator("openai", "m", p -> {})) {
            orchestrator.chat(ChatRequest.builder()
                    .system("be short")
                    .user("hello")
                    .assistant("hi")
                    .user("why?")
                    .build());
        }
        ScriptedServer.ReceivedRequest request = server.awaitRequest();
        assertThat(request.path()).isEqualTo("/v1/chat/completions");
        assertThat(request.headers()).containsEntry("authorization", "Bearer " + PlantedKeys.KEY);
        assertThat(tree(request.body()))
                .isEqualTo(tree("{\"model\":\"m\",\"messages\":["
                        + "{\"role\":\"system\",\"content\":\"be short\"},{\"role\":\"user\",\"content\":\"hello\"},"
                        + "{\"role\":\"assistant\",\"content\":\"hi\"},{\"role\":\"user\",\"content\":\"why?\"}],"
                        + "\"stream\":false}"));
    }

    @Test
    void numbers_and_stop_sequences_are_sent() {
        JsonNode json = sent(
                "openai",
                "m",
                hello().maxTokens(9)
                        .temperature(0.5)
                        .topP(0.9)
                        .seed(7)
                        .stop("END", "###")
                        .build());
        assertThat(json.path("max_tokens").asInt()).isEqualTo(9);
        assertThat(json.path("temperature").asDouble()).isEqualTo(0.5);
        assertThat(json.path("top_p").asDouble()).isEqualTo(0.9);
        assertThat(json.path("seed").asLong()).isEqualTo(7);
        assertThat(json.path("stop")).isEqualTo(tree("[\"END\",\"###\"]"));
    }

    @Test
    void pictures_are_sent_as_parts_by_their_bytes_or_their_address() {
        JsonNode json = sent(
                "openai",
                "m",
                ChatRequest.builder()
                        .user(
                                new Content.Text("what is this?"),
                                Content.Image.of("image/png", new byte[] {1, 2, 3}),
                                Content.Image.at(URI.create("https://example.com/cat.png")))
                        .build());
        assertThat(json.path("messages").path(0).path("content"))
                .isEqualTo(tree("[{\"type\":\"text\",\"text\":\"what is this?\"},"
                        + "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AQID\"}},"
                        + "{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://example.com/cat.png\"}}]"));
    }

    @Test
    void tools_their_calls_and_their_results_are_sent() {
        ToolCall call = new ToolCall("call_1", "weather", "{\"city\":\"Bern\"}");
        JsonNode json = sent(
                "openai",
                "m",
                hello().message(Message.assistant("", List.of(call)))
                        .toolResult(call, "sunny")
                        .tool(WEATHER)
                        .tool(Tool.withoutArguments("time", ""))
                        .toolChoice(new ToolChoice.Named("weather"))
                        .build());
        assertThat(json.path("messages").path(1))
                .isEqualTo(
                        tree(
                                "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1\","
                                        + "\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\":\\\"Bern\\\"}\"}}]}"));
        assertThat(json.path("messages").path(2))
                .isEqualTo(tree("{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"sunny\"}"));
        assertThat(json.path("tools").path(0))
                .isEqualTo(tree("{\"type\":\"function\",\"function\":{\"name\":\"weather\",\"description\":"
                        + "\"The weather now.\",\"parameters\":" + WEATHER.parameters() + "}}"));
        assertThat(json.path("tools").path(1).path("function").has("description"))
                .isFalse();
        assertThat(json.path("tool_choice"))
                .isEqualTo(tree("{\"type\":\"function\",\"function\":{\"name\":\"weather\"}}"));
    }

    @ParameterizedTest
    @CsvSource({"NONE, none", "REQUIRED, required"})
    void a_tool_choice_without_a_tool_in_mind_is_sent_as_a_word(ToolChoice.Mode mode, String word) {
        assertThat(sent("openai", "m", hello().tool(WEATHER).toolChoice(mode).build())
                        .path("tool_choice")
                        .asText())
                .isEqualTo(word);
    }

    @Test
    void json_and_a_json_schema_are_asked_for() {
        assertThat(sent(
                                "openai",
                                "m",
                                hello().responseFormat(ResponseFormat.Plain.JSON)
                                        .build())
                        .path("response_format"))
                .isEqualTo(tree("{\"type\":\"json_object\"}"));
        assertThat(sent(
                                "openai",
                                "m",
                                hello().responseFormat(new ResponseFormat.JsonSchema("out", SCHEMA))
                                        .build())
                        .path("response_format"))
                .isEqualTo(
                        tree("{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"out\",\"strict\":true,\"schema\":"
                                + SCHEMA + "}}"));
    }

    @ParameterizedTest
    @CsvSource({
        "openai, gpt-5-mini, MINIMAL, minimal",
        "openai, gpt-5-mini, MAX, high",
        "openai, gpt-6-sol, MINIMAL, low",
        "openai, gpt-5.1, MAX, high",
        "openai, gpt-5.1-codex-max, MAX, xhigh",
        "openai, gpt-6-sol, HIGH, high",
        "openai, gpt-6-sol, MAX, xhigh",
        "openai, o4-mini, MINIMAL, low",
        "openai, o4-mini, MAX, high",
        "openai, a-local-model, MINIMAL, low",
        "openai, a-local-model, MAX, high",
        "groq, m, LOW, low",
        "groq, m, MAX, high",
        "mistral, m, NONE, none",
        "deepseek, m, MAX, max",
        "openrouter, m, MAX, xhigh",
    })
    void reasoning_effort_is_sent_in_the_words_that_the_model_takes(
            String type, String model, ReasoningEffort effort, String word) {
        assertThat(sent(type, model, hello().reasoningEffort(effort).build())
                        .path("reasoning_effort")
                        .asText())
                .isEqualTo(word);
    }

    @Test
    void deepseek_is_told_whether_to_think() {
        JsonNode without = sent(
                "deepseek", "m", hello().reasoningEffort(ReasoningEffort.NONE).build());
        assertThat(without.path("thinking")).isEqualTo(tree("{\"type\":\"disabled\"}"));
        assertThat(without.has("reasoning_effort")).isFalse();
        assertThat(sent(
                                "deepseek",
                                "m",
                                hello().reasoningEffort(ReasoningEffort.HIGH).build())
                        .path("thinking"))
                .isEqualTo(tree("{\"type\":\"enabled\"}"));
    }

    @Test
    void mistral_gets_its_own_name_for_the_seed_and_tool_call_ids_that_it_takes() {
        ToolCall foreign = new ToolCall("call_abcdefghijklmnop", "weather", "{}");
        ToolCall own = new ToolCall("D681PevKs", "weather", "{}");
        JsonNode json = sent(
                "mistral",
                "m",
                hello().seed(7)
                        .message(Message.assistant("", List.of(foreign, own)))
                        .toolResult(foreign, "sunny")
                        .toolResult(own, "rainy")
                        .build());
        assertThat(json.path("random_seed").asLong()).isEqualTo(7);
        assertThat(json.has("seed")).isFalse();
        String id = json.path("messages")
                .path(1)
                .path("tool_calls")
                .path(0)
                .path("id")
                .asText();
        assertThat(id).matches("[a-z0-9]{9}");
        assertThat(json.path("messages").path(2).path("tool_call_id").asText()).isEqualTo(id);
        assertThat(json.path("messages").path(3).path("tool_call_id").asText()).isEqualTo("D681PevKs");
    }

    @Test
    void a_model_that_may_think_gets_its_own_limit_and_stops_thinking_for_a_temperature() {
        JsonNode json = sent(
                "openai", "gpt-6-luna", hello().maxTokens(9).temperature(0.2).build());
        assertThat(json.path("max_completion_tokens").asInt()).isEqualTo(9);
        assertThat(json.has("max_tokens")).isFalse();
        assertThat(json.path("reasoning_effort").asText()).isEqualTo("none");
        assertThat(sent("openai", "gpt-6-luna", hello().tool(WEATHER).build())
                        .path("reasoning_effort")
                        .asText())
                .isEqualTo("none");
        assertThat(sent("openai", "gpt-6-sol", hello().tool(WEATHER).build()).has("reasoning_effort"))
                .isFalse();
        assertThat(sent("openai", "gpt-4.1-mini", hello().temperature(0.2).build())
                        .has("reasoning_effort"))
                .isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"gpt-5", "gpt-5-mini", "gpt-5-nano-2025-08-07", "o3", "o4-mini"})
    void a_model_that_always_thinks_is_not_asked_with_a_temperature(String model) {
        assertRefused("openai", model, hello().temperature(0.2).build(), "temperature: " + model);
    }

    @Test
    void what_a_model_takes_only_without_thinking_is_refused_by_name() {
        assertRefused(
                "openai",
                "gpt-6-sol",
                hello().topP(0.5).reasoningEffort(ReasoningEffort.LOW).build(),
                "topP: gpt-6-sol takes it only with reasoning effort NONE");
        assertRefused(
                "openai",
                "gpt-6-luna",
                hello().tool(WEATHER).reasoningEffort(ReasoningEffort.LOW).build(),
                "tools: gpt-6-luna");
        assertRefused("openai", "o4-mini", hello().stop("END").build(), "stop: o4-mini knows no stop sequences");
        for (String model : List.of("gpt-5-mini", "o3", "openai/gpt-oss-20b", "gpt-oss")) {
            assertRefused(
                    "openai",
                    model,
                    hello().reasoningEffort(ReasoningEffort.NONE).build(),
                    "reasoningEffort: " + model + " cannot stop thinking");
        }
        for (String model : List.of("gpt-4.1-mini", "gpt-5.1-chat-latest", "gpt-5-chat-latest", "chatgpt-4o-latest")) {
            assertRefused(
                    "openai",
                    model,
                    hello().reasoningEffort(ReasoningEffort.LOW).build(),
                    "reasoningEffort: " + model + " does not think");
        }
        assertRefused(
                "deepseek",
                "m",
                hello().responseFormat(new ResponseFormat.JsonSchema("out", SCHEMA))
                        .build(),
                "responseFormat: deepseek knows no JSON schema");
    }

    @Test
    void a_model_that_does_not_think_is_not_told_not_to() {
        assertThat(sent(
                                "openai",
                                "gpt-4.1-mini",
                                hello().reasoningEffort(ReasoningEffort.NONE).build())
                        .has("reasoning_effort"))
                .isFalse();
        assertThat(sent("openai", "gpt-5-chat-latest", hello().temperature(0.5).build())
                        .has("reasoning_effort"))
                .isFalse();
    }

    private void assertRefused(String type, String model, ChatRequest request, String message) {
        try (Orchestrator orchestrator = orchestrator(type, model, p -> {})) {
            assertThatThrownBy(() -> orchestrator.chat(request))
                    .isInstanceOf(RequestRejectedException.class)
                    .hasMessageContaining("p: cannot do " + message);
            assertThatThrownBy(() -> {
                        try (ChatStream stream = orchestrator.stream(request)) {
                            stream.response();
                        }
                    })
                    .isInstanceOf(RequestRejectedException.class);
        }
        assertThat(server.requestCount()).isZero();
    }

    @Test
    void a_provider_that_cannot_do_what_is_asked_is_skipped_and_the_next_one_serves() {
        server.reply(Reply.answer("fine"));
        try (Orchestrator orchestrator = Orchestrator.builder()
                .provider(
                        "a",
                        p -> p.type("openai")
                                .baseUrl(server.baseUrl())
                                .model("o3")
                                .priority(1))
                .provider(
                        "b",
                        p -> p.type("openai")
                                .baseUrl(server.baseUrl())
                                .model("gpt-4.1-mini")
                                .priority(2))
                .build()) {
            ChatResponse response = orchestrator.chat(hello().temperature(0.2).build());
            assertThat(response.provider()).isEqualTo("b");
            assertThat(response.trail().attempts()).isEqualTo(1);
            assertThat(response.trail().steps().get(0))
                    .isInstanceOfSatisfying(
                            Trail.Skipped.class,
                            skipped -> assertThat(skipped.reason()).startsWith("cannot do temperature: o3"));
        }
    }

    @Test
    void extra_fields_join_objects_and_replace_the_rest_for_their_type_alone() {
        JsonNode json = sent(
                "groq",
                "m",
                hello().responseFormat(ResponseFormat.Plain.JSON)
                        .temperature(1)
                        .extra("service_tier", "flex")
                        .extra("groq", "service_tier", "auto")
                        .extra("openai", "store", true)
                        .extra("response_format", Map.of("more", List.of(1, 2)))
                        .extra("temperature", 0)
                        .extra("nothing", null)
                        .build());
        assertThat(json.path("service_tier").asText()).isEqualTo("auto");
        assertThat(json.has("store")).isFalse();
        assertThat(json.path("response_format")).isEqualTo(tree("{\"type\":\"json_object\",\"more\":[1,2]}"));
        assertThat(json.path("temperature").asInt()).isZero();
        assertThat(json.path("nothing").isNull()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"model", "messages", "stream"})
    void an_extra_field_that_would_change_the_call_itself_is_refused(String field) {
        assertRejected(hello().extra(field, "x").build(), "the extra field '" + field + "' would replace");
    }

    @Test
    void schemas_that_are_no_json_objects_are_refused_before_anything_is_sent() {
        assertRejected(
                hello().tool(new Tool("weather", "", "{oops")).build(),
                "the parameters of tool 'weather' must be a JSON object, as text, but is not JSON");
        assertRejected(
                hello().responseFormat(new ResponseFormat.JsonSchema("out", "[]"))
                        .build(),
                "the schema 'out' must be a JSON object, as text, but is other JSON");
    }

    private void assertRejected(ChatRequest request, String message) {
        try (Orchestrator orchestrator = orchestrator("openai", "m", p -> {})) {
            assertThatThrownBy(() -> orchestrator.chat(request))
                    .isInstanceOf(RequestRejectedException.class)
                    .hasMessageContaining(message)
                    .cause()
                    .isInstanceOfSatisfying(ProviderException.class, e -> {
                        assertThat(e.kind()).isEqualTo(FailureKind.BAD_REQUEST);
                        assertThat(e.mayHaveBeenProcessed()).isFalse();
                    });
        }
        assertThat(server.requestCount()).isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "openai, organization, openai-organization",
        "openai, project, openai-project",
        "huggingface, bill-to, x-hf-bill-to",
        "openrouter, referer, http-referer",
        "openrouter, title, x-openrouter-title",
    })
    void settings_of_a_type_are_sent_as_its_headers(String type, String option, String header) {
        server.reply(Reply.answer("fine"));
        try (Orchestrator orchestrator = orchestrator(type, "m", p -> p.option(option, "our team"))) {
            orchestrator.chat("hello");
        }
        assertThat(server.awaitRequest().headers()).containsEntry(header, "our team");
    }

    @ParameterizedTest
    @CsvSource({
        "openai, true",
        "vllm, true",
        "lmstudio, true",
        "huggingface, true",
        "together, true",
        "groq, false",
        "mistral, false",
        "deepseek, false",
        "openrouter, false",
        "cerebras, false",
        "xai, false",
    })
    void a_stream_asks_for_usage_where_it_does_not_come_unasked(String type, boolean asks) {
        server.reply(Reply.tokens("fine"));
        try (Orchestrator orchestrator = orchestrator(type, "m", p -> {});
                ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            assertThat(stream.response().text()).isEqualTo("fine");
        }
        ScriptedServer.ReceivedRequest request = server.awaitRequest();
        JsonNode json = tree(request.body());
        assertThat(json.path("stream").asBoolean()).isTrue();
        assertThat(json.path("stream_options").path("include_usage").asBoolean())
                .isEqualTo(asks);
        assertThat(request.headers()).containsEntry("accept", "text/event-stream");
    }

    // ---- Answers

    private static String completion(String message, String finish, String more) {
        return "{\"id\":\"c-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m-2\",\"choices\":[{\"index\":0,"
                + "\"message\":" + message + ",\"finish_reason\":" + finish + "}]" + more + "}";
    }

    @Test
    void an_answer_carries_all_that_the_provider_said() {
        server.reply(Reply.json(completion(
                        "{\"role\":\"assistant\",\"content\":\"fine\",\"reasoning_content\":\"hmm\"}",
                        "\"stop\"",
                        ",\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":20,\"prompt_tokens_details\":"
                                + "{\"cached_tokens\":10},\"completion_tokens_details\":{\"reasoning_tokens\":5}},"
                                + "\"system_fingerprint\":\"fp_1\",\"seed\":10176929106694746000,\"nothing\":null"))
                .withHeader("x-request-id", "req-9")
                .withHeader("x-ratelimit-limit-requests", "100")
                .withHeader("x-ratelimit-remaining-requests", "99")
                .withHeader("x-ratelimit-reset-requests", "6m0s"));
        try (Orchestrator orchestrator = orchestrator("openai", "m", p -> {})) {
            ChatResponse response =
                    orchestrator.chat(hello().withResponseHeaders().build());
            assertThat(response.text()).isEqualTo("fine");
            assertThat(response.reasoning()).isEqualTo("hmm");
            assertThat(response.model()).isEqualTo("m-2");
            assertThat(response.responseId()).isEqualTo("c-1");
            assertThat(response.requestId()).isEqualTo("req-9");
            assertThat(response.usage()).contains(new Usage(30, 20, 10, 5));
            assertThat(response.rateLimits()).singleElement().isInstanceOfSatisfying(RateLimit.class, limit -> {
                assertThat(limit.subject()).isEqualTo("requests");
                assertThat(limit.limit()).hasValue(100);
                assertThat(limit.remaining()).hasValue(99);
                assertThat(limit.resetsIn()).contains(Duration.ofMinutes(6));
            });
            assertThat(response.headers()).containsEntry("x-request-id", List.of("req-9"));
            assertThat(response.extra())
                    .containsEntry("system_fingerprint", "fp_1")
                    .containsEntry("seed", new java.math.BigInteger("10176929106694746000"))
                    .doesNotContainKey("nothing");
        }
    }

    @Test
    void headers_are_left_out_unless_asked_for() {
        assertThat(answer("openai", completion("{\"content\":\"fine\"}", "\"stop\"", ""))
                        .headers())
                .isEmpty();
    }

    @Test
    void tool_calls_come_with_the_answer_and_go_back_as_a_message() {
        ChatResponse response = answer(
                "openai",
                completion(
                        "{\"content\":null,\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":"
                                + "\"weather\",\"arguments\":\"{\\\"city\\\":1}\"}},{\"id\":\"call_2\",\"type\":\"function\","
                                + "\"function\":{\"name\":\"time\",\"arguments\":\"\"}}]}",
                        "\"tool_calls\"",
                        ""));
        assertThat(response.finishReason()).isEqualTo(FinishReason.TOOL_CALLS);
        assertThat(response.toolCalls())
                .containsExactly(
                        new ToolCall("call_1", "weather", "{\"city\":1}"), new ToolCall("call_2", "time", "{}"));
        assertThat(response.message()).isEqualTo(Message.assistant("", response.toolCalls()));
    }

    @Test
    void calls_without_ids_and_arguments_that_are_objects_are_understood() {
        ChatResponse response = answer(
                "vllm",
                completion(
                        "{\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"weather\",\"arguments\":{\"city\":1}}},"
                                + "{\"function\":{\"name\":\"weather\",\"arguments\":{\"city\":2}}}]}",
                        "\"stop\"",
                        ""));
        assertThat(response.finishReason()).isEqualTo(FinishReason.TOOL_CALLS);
        assertThat(response.toolCalls())
                .containsExactly(
                        new ToolCall("call_c-1_0", "weather", "{\"city\":1}"),
                        new ToolCall("call_c-1_1", "weather", "{\"city\":2}"));
    }

    @Test
    void content_in_parts_is_text_and_reasoning() {
        ChatResponse response = answer(
                "mistral",
                completion(
                        "{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"hmm\"}]},"
                                + "{\"type\":\"text\",\"text\":\"fi\"},{\"type\":\"reference\"},{\"type\":\"text\",\"text\":\"ne\"}]}",
                        "\"stop\"",
                        ""));
        assertThat(response.text()).isEqualTo("fine");
        assertThat(response.reasoning()).isEqualTo("hmm");
    }

    @ParameterizedTest
    @CsvSource({
        "stop, STOP",
        "eos_token, STOP",
        "length, LENGTH",
        "model_length, LENGTH",
        "function_call, TOOL_CALLS",
        "new_one, OTHER",
    })
    void finish_reasons_are_translated(String word, FinishReason reason) {
        assertThat(answer("openai", completion("{\"content\":\"fine\"}", "\"" + word + "\"", ""))
                        .finishReason())
                .isEqualTo(reason);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"content\":null}|\"content_filter\"|CONTENT_FILTERED",
                "{\"content\":null,\"refusal\":\"no\"}|\"stop\"|CONTENT_FILTERED",
                "{\"content\":\"half\"}|\"insufficient_system_resource\"|OVERLOADED",
                "{\"content\":\"half\"}|\"error\"|SERVER",
                "{\"content\":\"half\"}|null|MALFORMED",
                "{\"content\":null}|\"stop\"|MALFORMED",
                "{}|\"stop\"|MALFORMED",
                "{\"content\":7}|\"stop\"|MALFORMED",
                "[]|\"stop\"|MALFORMED",
                "{\"content\":null,\"tool_calls\":[{\"id\":\"a\"}]}|\"tool_calls\"|MALFORMED",
            })
    void an_answer_that_is_none_is_a_failure(String message, String finish, FailureKind kind) {
        ProviderException failure = failure(Reply.json(completion(message, finish, "")));
        assertThat(failure.kind()).isEqualTo(kind);
        assertThat(failure.status()).hasValue(200);
        assertThat(failure.mayHaveBeenProcessed()).isTrue();
    }

    @Test
    void a_failure_carries_what_the_provider_said() {
        ProviderException failure = failure(Reply.error(429, "rate_limit_exceeded", "too many,\n please wait")
                .withHeader("x-request-id", "req-9")
                .withHeader("retry-after", "1.5"));
        assertThat(failure.kind()).isEqualTo(FailureKind.RATE_LIMITED);
        assertThat(failure.status()).hasValue(429);
        assertThat(failure.code()).isEqualTo("rate_limit_exceeded");
        assertThat(failure.providerMessage()).isEqualTo("too many, please wait");
        assertThat(failure.requestId()).isEqualTo("req-9");
        assertThat(failure.retryAfter()).contains(Duration.ofMillis(1_500));
        assertThat(failure.mayHaveBeenProcessed()).isFalse();
        assertThat(failure).hasMessage("429 rate_limit_exceeded: too many, please wait");
    }

    // ---- Streams

    private static String chunk(String delta, String finish) {
        return "data: {\"id\":\"c-1\",\"model\":\"m-2\",\"choices\":[{\"index\":0,\"delta\":" + delta
                + ",\"finish_reason\":" + finish + "}]}\n\n";
    }

    private static final String RICH_STREAM =
            "data: {\"choices\":[],\"prompt_filter_results\":[{\"prompt_index\":0}]}\n\n"
                    + ": OPENROUTER PROCESSING\n\n"
                    + chunk("{\"role\":\"assistant\",\"content\":\"\"}", "null")
                    + chunk("{\"reasoning\":\"höm\"}", "null")
                    + chunk("{\"content\":\"naïve 🙂\"}", "null")
                    + chunk(
                            "{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"function\":{\"name\":\"weather\",\"arguments\":\"\"}}]}",
                            "null")
                    + chunk("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"city\\\":\"}}]}", "null")
                    + chunk(
                            "{\"tool_calls\":[{\"index\":1,\"id\":\"call_2\",\"function\":{\"name\":\"time\",\"arguments\":\"{}\"}}]}",
                            "null")
                    + chunk("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"1}\"}}]}", "null")
                    + chunk("{}", "\"tool_calls\"")
                    + "data: {\"id\":\"c-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4},"
                    + "\"service_tier\":\"default\",\"obfuscation\":\"xx\"}\n\n"
                    + "data: [DONE]\n\n";

    private static final List<ChatEvent> RICH_EVENTS = List.of(
            new ChatEvent.Started("m-2", "c-1", ""),
            new ChatEvent.Reasoning("höm"),
            new ChatEvent.Text("naïve 🙂"),
            new ChatEvent.ToolCallPiece(0, "weather", ""),
            new ChatEvent.ToolCallPiece(0, "", "{\"city\":"),
            new ChatEvent.ToolCallPiece(1, "time", "{}"),
            new ChatEvent.ToolCallPiece(0, "", "1}"),
            new ChatEvent.Used(Usage.of(3, 4)),
            new ChatEvent.ToolCalled(0, new ToolCall("call_1", "weather", "{\"city\":1}")),
            new ChatEvent.ToolCalled(1, new ToolCall("call_2", "time", "{}")),
            new ChatEvent.Extra(Map.of("service_tier", "default")),
            new ChatEvent.Finished(FinishReason.TOOL_CALLS));

    @Test
    void a_stream_tells_of_text_reasoning_tool_calls_usage_and_its_end() {
        assertThat(events(StreamScript.empty().send(RICH_STREAM))).isEqualTo(RICH_EVENTS);
    }

    @Test
    void a_stream_in_single_bytes_says_the_same() {
        assertThat(events(StreamScript.singleBytes(RICH_STREAM))).isEqualTo(RICH_EVENTS);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
    void a_stream_cut_at_random_points_says_the_same(long seed) {
        assertThat(events(StreamScript.cut(RICH_STREAM, new Random(seed)))).isEqualTo(RICH_EVENTS);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\r\n", "\r"})
    void a_stream_with_other_line_ends_says_the_same(String lineEnd) {
        assertThat(events(StreamScript.cut(RICH_STREAM.replace("\n", lineEnd), new Random(1))))
                .isEqualTo(RICH_EVENTS);
    }

    @Test
    void an_event_with_empty_data_says_no_more_than_a_comment() {
        assertThat(events(StreamScript.empty().send("data:\n\n").send(RICH_STREAM.replace("\n\n", "\n\ndata: \n\n"))))
                .isEqualTo(RICH_EVENTS);
    }

    @Test
    void a_stream_without_its_finish_reason_is_truncated_wherever_it_ends() {
        List<String> pieces = RICH_STREAM
                .lines()
                .filter(line -> !line.isEmpty())
                .map(line -> line + "\n\n")
                .toList();
        int finish = 9;
        assertThat(pieces.get(finish)).contains("\"finish_reason\":\"tool_calls\"");
        for (int count = 1; count < finish; count++) {
            StreamScript script = StreamScript.empty();
            for (int i = 0; i < count; i++) {
                script = script.send(pieces.get(i));
            }
            for (StreamScript ending : List.of(script, script.thenClose(), script.send("data: [DONE]\n\n"))) {
                OrchestratorException failure = streamFailure(ending);
                assertThat(failure.getCause())
                        .isInstanceOfSatisfying(
                                ProviderException.class,
                                e -> assertThat(e.kind()).isEqualTo(FailureKind.TRUNCATED));
            }
        }
    }

    @Test
    void a_connection_that_ends_before_the_streams_first_byte_is_a_network_failure() {
        assertThat(streamFailure(StreamScript.empty().thenClose()).getCause())
                .isInstanceOfSatisfying(
                        ProviderException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.NETWORK));
    }

    @Test
    void F11_a_stream_with_finish_reason_and_usage_is_complete_at_once() {
        StreamScript script = StreamScript.empty()
                .send(chunk("{\"content\":\"fine\"}", "null"))
                .send("data: {\"id\":\"c-1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],"
                        + "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n")
                .thenSilence();
        assertThat(events(script)).last().isEqualTo(new ChatEvent.Finished(FinishReason.STOP));
    }

    @Test
    void the_end_marker_completes_a_stream_whose_connection_stays_open() {
        StreamScript script = StreamScript.empty()
                .send(chunk("{\"content\":\"fine\"}", "\"stop\""))
                .send("data: [DONE]\n\n")
                .thenSilence();
        assertThat(events(script)).last().isEqualTo(new ChatEvent.Finished(FinishReason.STOP));
    }

    @Test
    void a_connection_that_breaks_after_the_finish_reason_loses_only_the_usage() {
        List<ChatEvent> events = events(StreamScript.empty()
                .send(chunk("{\"content\":\"fine\"}", "\"stop\""))
                .thenClose());
        assertThat(events)
                .containsExactly(
                        new ChatEvent.Started("m-2", "c-1", ""),
                        new ChatEvent.Text("fine"),
                        new ChatEvent.Finished(FinishReason.STOP));
    }

    @Test
    void a_server_that_cannot_stream_and_answers_as_one_is_understood() {
        server.reply(Reply.json("\n\n  " + completion("{\"content\":\"fine\"}", "\"stop\"", "")));
        try (Orchestrator orchestrator = orchestrator("openai", "m", p -> {});
                ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            assertThat(stream.response().text()).isEqualTo("fine");
        }
    }

    /** The forms a to f of an error inside a 200, and plain error objects. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "data: {\"error\":{\"message\":\"busy\",\"type\":\"server_error\",\"code\":\"server_is_overloaded\"}}|OVERLOADED",
                "data: {\"error\":{\"message\":\"busy\",\"http_status_code\":503}}|OVERLOADED",
                "data: {\"error\":\"busy\",\"error_type\":\"overloaded\"}|OVERLOADED",
                "event: error\\ndata: {\"error\":{\"message\":\"bad call\",\"type\":\"invalid_request_error\",\"code\":\"tool_use_failed\",\"status_code\":400}}|TOOL_GENERATION",
                "event: error\\ndata: out of order|SERVER",
                "event: error\\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}|OVERLOADED",
                "data: {\"id\":\"c-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}],\"error\":{\"code\":502,\"message\":\"down\"}}|OVERLOADED",
                "data: {\"id\":\"c-1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":null}],\"error\":{\"code\":429,\"message\":\"slow\"}}|RATE_LIMITED",
                "error: {\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}|MODEL_LOADING",
                "error: something broke|SERVER",
                "{\\n\"error\": {\"code\": 503, \"message\": \"busy\",\\n\"status\": \"UNAVAILABLE\"}\\n}|OVERLOADED",
                "data: {\"object\":\"error\",\"message\":\"no\",\"type\":\"insufficient_quota\",\"code\":null}|QUOTA_EXHAUSTED",
                "data: <html>oops</html>|MALFORMED",
                "data: {\"id\":|MALFORMED",
                "data: 7|MALFORMED",
            })
    void an_error_inside_a_success_is_a_failure_before_and_after_the_first_token(String event, FailureKind kind) {
        String text = event.replace("\\n", "\n") + "\n\n";
        // What is bare JSON from its first byte on is no stream, so nothing may follow it.
        String more = event.startsWith("{") ? "" : Reply.tokensEnd(0);
        OrchestratorException before =
                streamFailure(StreamScript.empty().send(text).send(more));
        assertThat(before.getCause()).isInstanceOfSatisfying(ProviderException.class, e -> {
            assertThat(e.kind()).isEqualTo(kind);
            assertThat(e.status()).hasValue(200);
        });
        OrchestratorException after = streamFailure(StreamScript.empty()
                .send(chunk("{\"content\":\"half\"}", "null"))
                .send(text)
                .send(Reply.tokensEnd(0)));
        assertThat(after).isInstanceOfSatisfying(StreamFailedException.class, e -> {
            assertThat(e.kind()).isEqualTo(kind);
            assertThat(e.partialText()).isEqualTo("half");
        });
    }

    @Test
    void another_id_is_another_call_though_the_index_is_the_same() {
        List<ChatEvent> events = events(StreamScript.empty()
                .send(chunk(
                        "{\"tool_calls\":[{\"index\":0,\"id\":\"a1\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":\"}}]}",
                        "null"))
                .send(chunk("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"1}\"}}]}", "null"))
                .send(chunk(
                        "{\"tool_calls\":[{\"index\":0,\"id\":\"a2\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]}",
                        "null"))
                .send(chunk("{}", "\"tool_calls\"")));
        assertThat(events)
                .contains(
                        new ChatEvent.ToolCalled(0, new ToolCall("a1", "f", "{\"x\":1}")),
                        new ChatEvent.ToolCalled(1, new ToolCall("a2", "g", "{}")));
    }

    private List<ToolCall> toolCalls(String... pieces) {
        StreamScript script = StreamScript.empty();
        for (String piece : pieces) {
            script = script.send(chunk("{\"tool_calls\":[" + piece + "]}", "null"));
        }
        return events(script.send(chunk("{}", "\"tool_calls\""))).stream()
                .filter(ChatEvent.ToolCalled.class::isInstance)
                .map(event -> ((ChatEvent.ToolCalled) event).call())
                .toList();
    }

    @Test
    void an_id_that_changes_or_comes_late_belongs_to_the_same_call() {
        assertThat(toolCalls(
                        "{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\"}}",
                        "{\"index\":0,\"id\":\"b\",\"function\":{\"arguments\":\"{}\"}}"))
                .containsExactly(new ToolCall("a", "f", "{}"));
        assertThat(toolCalls(
                        "{\"index\":0,\"function\":{\"name\":\"f\"}}",
                        "{\"index\":0,\"id\":\"b\",\"function\":{\"arguments\":\"{}\"}}"))
                .containsExactly(new ToolCall("b", "f", "{}"));
    }

    @Test
    void another_index_is_another_call_though_the_id_is_the_same() {
        assertThat(toolCalls(
                        "{\"index\":0,\"id\":\"f\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1}\"}}",
                        "{\"index\":1,\"id\":\"f\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":2}\"}}"))
                .containsExactly(new ToolCall("f", "f", "{\"x\":1}"), new ToolCall("f", "f", "{\"x\":2}"));
    }

    @Test
    void a_call_without_id_and_index_is_not_joined_to_the_one_before() {
        assertThat(toolCalls(
                        "{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}",
                        "{\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}"))
                .hasSize(2);
    }

    @Test
    void a_content_encoding_that_packs_nothing_does_no_harm() {
        server.reply(Reply.answer("fine").withHeader("content-encoding", "none"));
        try (Orchestrator orchestrator = orchestrator("openai", "m", p -> {})) {
            assertThat(orchestrator.chat("hello").text()).isEqualTo("fine");
        }
    }

    @Test
    void usage_that_comes_before_the_end_does_not_keep_the_last_one_from_coming() {
        String early = "data: {\"id\":\"c-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"fine\"}}],"
                + "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":0}}\n\n";
        String late =
                "data: {\"id\":\"c-1\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":77}}\n\n";
        List<ChatEvent> events = events(
                StreamScript.empty().send(early + chunk("{}", "\"stop\"")).send(late));
        assertThat(events).contains(new ChatEvent.Used(Usage.of(3, 77)));
    }

    @Test
    void an_error_whose_explanation_does_not_come_is_an_error_all_the_same() {
        ProviderException failure =
                failure(Reply.stream(StreamScript.empty().send("{\"error\":").thenSilence())
                        .withStatus(503)
                        .withHeader("retry-after", "7"));
        assertThat(failure.kind()).isEqualTo(FailureKind.OVERLOADED);
        assertThat(failure.retryAfter()).contains(Duration.ofSeconds(7));
    }

    @Test
    void a_redirect_says_what_to_do() {
        assertThat(failure(Reply.status(307, "")))
                .hasMessage("307: a redirect, which is never followed; correct base-url");
    }

    @Test
    void a_cancellation_that_nobody_here_asked_for_names_the_provider() {
        server.reply(Reply.status(499, "{\"error\":{\"message\":\"request cancelled\"}}"));
        try (Orchestrator orchestrator = orchestrator("openai", "m", p -> {})) {
            assertThatThrownBy(() -> orchestrator.chat("hello"))
                    .isInstanceOf(RequestRejectedException.class)
                    .hasMessageContaining("p rejected the request with CANCELLED: 499");
        }
    }

    @Test
    void nothing_is_unpacked() {
        sent("openai", "m", hello().build());
        assertThat(server.requests().get(0).headers()).containsEntry("accept-encoding", "identity");
    }

    @Test
    void an_extra_field_that_repeats_the_key_is_masked() {
        ChatResponse response = answer(
                "openai",
                completion("{\"content\":\"fine\"}", "\"stop\"", ",\"debug\":[\"Bearer " + PlantedKeys.KEY + "\"]"));
        assertThat(response.extra()).containsEntry("debug", List.of("Bearer ***"));
    }

    @Test
    void a_refusal_in_pieces_is_a_refusal() {
        OrchestratorException failure = streamFailure(StreamScript.empty()
                .send(chunk("{\"refusal\":\"I can\"}", "null"))
                .send(chunk("{\"refusal\":\"not\"}", "null"))
                .send(chunk("{}", "\"stop\"")));
        assertThat(failure).isInstanceOf(RequestRejectedException.class).hasMessageContaining("I cannot");
    }
}
