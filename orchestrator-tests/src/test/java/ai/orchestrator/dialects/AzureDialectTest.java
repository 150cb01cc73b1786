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
import ai.orchestrator.secrets.PlantedKeys;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.Retries;
import ai.orchestrator.testkit.ScriptedServer;
import ai.orchestrator.testkit.StreamScript;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What Azure adds to the OpenAI dialect; what it shares is tested with that. */
class AzureDialectTest {

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final Tool WEATHER = new Tool("weather", "The weather now.", "{\"type\":\"object\"}");

    private final ScriptedServer server = ScriptedServer.start();

    @AfterEach
    void close() {
        server.close();
    }

    /** The server's address with another path. */
    private String address(String path) {
        return server.baseUrl().replace("/v1", path);
    }

    private Orchestrator orchestrator(Consumer<ProviderSettings.Builder> more) {
        return Orchestrator.builder()
                .timeSource(new ManualTimeSource())
                .provider("p", p -> {
                    p.type("azure")
                            .baseUrl(address(""))
                            .model("chat")
                            .apiKey(PlantedKeys.KEY)
                            .retry(Retries.NONE);
                    more.accept(p);
                })
                .build();
    }

    private ScriptedServer.ReceivedRequest sent(ChatRequest request, Consumer<ProviderSettings.Builder> more) {
        server.reply(Reply.answer("fine"));
        try (Orchestrator orchestrator = orchestrator(more)) {
            assertThat(orchestrator.chat(request).text()).isEqualTo("fine");
        }
        return server.awaitRequest();
    }

    private JsonNode body(String deployedModel, ChatRequest request) {
        return tree(
                sent(request, p -> p.option("deployed-model", deployedModel)).body());
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

    private ProviderException failure(Reply reply) {
        server.reply(reply);
        try (Orchestrator orchestrator = orchestrator(p -> {})) {
            OrchestratorException e =
                    catchThrowableOfType(OrchestratorException.class, () -> orchestrator.chat("hello"));
            return (ProviderException) Objects.requireNonNull(e.getCause());
        }
    }

    private List<ChatEvent> events(StreamScript script) {
        server.reply(Reply.stream(script));
        try (Orchestrator orchestrator = orchestrator(p -> {});
                ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            List<ChatEvent> events = new ArrayList<>();
            stream.forEach(events::add);
            return events;
        }
    }

    private OrchestratorException streamFailure(StreamScript script) {
        server.reply(Reply.stream(script));
        try (Orchestrator orchestrator = orchestrator(p -> {});
                ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            return catchThrowableOfType(OrchestratorException.class, stream::response);
        }
    }

    // ---- Where, and with which key

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "''|   | /openai/deployments/chat/chat/completions?api-version=2024-10-21",
                "/      |                    | /openai/deployments/chat/chat/completions?api-version=2024-10-21",
                "/openai|                    | /openai/deployments/chat/chat/completions?api-version=2024-10-21",
                "/openai/|2025-04-01-preview | /openai/deployments/chat/chat/completions?api-version=2025-04-01-preview",
                "/gw/eu |2024-06-01          | /gw/eu/openai/deployments/chat/chat/completions?api-version=2024-06-01",
                "/gw/openai|                 | /gw/openai/deployments/chat/chat/completions?api-version=2024-10-21",
                "/openai/v1|                 | /openai/v1/chat/completions",
                "/openai/v1/|                | /openai/v1/chat/completions",
                "/openai/v1|preview          | /openai/v1/chat/completions?api-version=preview",
                "/openai/v1|latest           | /openai/v1/chat/completions?api-version=latest",
                "/openai/v1|v1               | /openai/v1/chat/completions?api-version=v1",
                "/v1    |                    | /v1/chat/completions",
                // As portals and examples show it.
                "/chat/completions|          | /openai/deployments/chat/chat/completions?api-version=2024-10-21",
                "/openai/chat/completions|   | /openai/deployments/chat/chat/completions?api-version=2024-10-21",
                "/openai/v1/chat/completions|| /openai/v1/chat/completions",
                "/openai/deployments/d|      | /openai/deployments/d/chat/completions?api-version=2024-10-21",
                "/openai/deployments/d/chat/completions| 2024-06-01 | /openai/deployments/d/chat/completions?api-version=2024-06-01",
                "/openai/deployments/v1/chat/completions/|| /openai/deployments/v1/chat/completions?api-version=2024-10-21",
            })
    void the_address_tells_which_of_the_two_interfaces_is_there(String base, @Nullable String version, String path) {
        ScriptedServer.ReceivedRequest request = sent(hello().build(), p -> {
            p.baseUrl(address(base));
            if (version != null) {
                p.option("api-version", version);
            }
        });
        assertThat(request.method()).isEqualTo("POST");
        assertThat(request.path()).isEqualTo(path);
    }

    @Test
    void a_deployments_name_is_one_part_of_the_path() {
        ScriptedServer.ReceivedRequest request =
                sent(hello().build(), p -> p.model("our chat/eu?").option("deployed-model", "gpt-4.1"));
        assertThat(request.path())
                .isEqualTo("/openai/deployments/our%20chat%2Feu%3F/chat/completions?api-version=2024-10-21");
        assertThat(tree(request.body()).path("model").asText()).isEqualTo("our chat/eu?");
    }

    @Test
    void a_key_goes_into_azures_own_header_alone() {
        assertThat(sent(hello().build(), p -> {}).headers())
                .containsEntry("api-key", PlantedKeys.KEY)
                .doesNotContainKey("authorization");
    }

    @Test
    void a_token_goes_as_bearer_alone() {
        assertThat(sent(hello().build(), p -> p.option("auth", "bearer")).headers())
                .containsEntry("authorization", "Bearer " + PlantedKeys.KEY)
                .doesNotContainKey("api-key");
    }

    // ---- Requests

    @Test
    void a_conversation_is_sent_in_the_openai_dialect() {
        ToolCall call = new ToolCall("call_1", "weather", "{}");
        JsonNode json = tree(sent(
                        hello().system("be short")
                                .message(Message.assistant("", List.of(call)))
                                .toolResult(call, "sunny")
                                .tool(WEATHER)
                                .toolChoice(ToolChoice.Mode.REQUIRED)
                                .responseFormat(new ResponseFormat.JsonSchema("out", "{\"type\":\"object\"}"))
                                .maxTokens(9)
                                .temperature(0.5)
                                .topP(0.9)
                                .seed(7)
                                .stop("END")
                                .extra("azure", "data_sources", List.of())
                                .extra("openai", "store", true)
                                .build(),
                        p -> {})
                .body());
        assertThat(json)
                .isEqualTo(tree("{\"model\":\"chat\",\"messages\":[{\"role\":\"user\",\"content\":\"hello\"},"
                        + "{\"role\":\"system\",\"content\":\"be short\"},{\"role\":\"assistant\",\"content\":null,"
                        + "\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"weather\","
                        + "\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"tool_call_id\":\"call_1\",\"content\":\"sunny\"}],"
                        + "\"max_tokens\":9,\"temperature\":0.5,\"top_p\":0.9,\"seed\":7,\"stop\":[\"END\"],"
                        + "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"weather\",\"description\":"
                        + "\"The weather now.\",\"parameters\":{\"type\":\"object\"}}}],\"tool_choice\":\"required\","
                        + "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"out\",\"strict\":true,"
                        + "\"schema\":{\"type\":\"object\"}}},\"stream\":false,\"data_sources\":[]}"));
    }

    @ParameterizedTest
    @CsvSource({
        "gpt-4.1-mini, max_tokens",
        "gpt-35-turbo, max_tokens",
        "Mistral-Large-3, max_tokens",
        "gpt-5-mini, max_completion_tokens",
        "o4-mini, max_completion_tokens",
        "gpt-6-sol, max_completion_tokens",
    })
    void the_limit_is_called_what_the_deployed_model_calls_it(String model, String field) {
        assertThat(body(model, hello().maxTokens(9).build()).path(field).asInt())
                .isEqualTo(9);
    }

    @Test
    void a_deployment_that_is_named_after_its_model_needs_no_setting() {
        JsonNode json = tree(
                sent(hello().maxTokens(9).build(), p -> p.model("gpt-5-mini")).body());
        assertThat(json.path("max_completion_tokens").asInt()).isEqualTo(9);
    }

    @ParameterizedTest
    @CsvSource({
        "gpt-5-mini, MINIMAL, minimal",
        "gpt-5-mini, MAX, high",
        "gpt-6-sol, MAX, xhigh",
        "gpt-6-sol, NONE, none",
        "Mistral-Large-3, LOW, low",
    })
    void reasoning_effort_is_sent_in_the_words_that_the_deployed_model_takes(
            String model, ReasoningEffort effort, String word) {
        assertThat(body(model, hello().reasoningEffort(effort).build())
                        .path("reasoning_effort")
                        .asText())
                .isEqualTo(word);
    }

    @Test
    void a_model_that_may_think_stops_for_a_temperature() {
        assertThat(body("gpt-6-sol", hello().temperature(0.2).build())
                        .path("reasoning_effort")
                        .asText())
                .isEqualTo("none");
    }

    @Test
    void what_the_deployed_model_does_not_take_is_refused_by_name() {
        assertRefused("o3", hello().temperature(0.2).build(), "temperature: o3 takes it only");
        assertRefused("o4-mini", hello().stop("END").build(), "stop: o4-mini knows no stop sequences");
        assertRefused(
                "gpt-5-mini",
                hello().reasoningEffort(ReasoningEffort.NONE).build(),
                "reasoningEffort: gpt-5-mini cannot stop thinking");
        assertRefused(
                "gpt-35-turbo",
                hello().reasoningEffort(ReasoningEffort.LOW).build(),
                "reasoningEffort: gpt-35-turbo does not think");
        assertRefused(
                "gpt-oss-120b",
                hello().reasoningEffort(ReasoningEffort.NONE).build(),
                "reasoningEffort: gpt-oss-120b cannot stop thinking");
    }

    private void assertRefused(String model, ChatRequest request, String message) {
        try (Orchestrator orchestrator = orchestrator(p -> p.option("deployed-model", model))) {
            assertThatThrownBy(() -> orchestrator.chat(request))
                    .isInstanceOf(RequestRejectedException.class)
                    .hasMessageContaining("p: cannot do " + message);
        }
        assertThat(server.requestCount()).isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "'', , true",
        "'', 2024-10-21, true",
        "'', 2024-09-01-preview, true",
        "'', 2024-08-01-preview, false",
        "'', 2024-06-01, false",
        "/openai/v1, , true",
        "/openai/v1, preview, true",
        "/openai/v1, latest, true",
    })
    void a_stream_asks_for_usage_where_the_version_knows_the_question(
            String base, @Nullable String version, boolean asks) {
        server.reply(Reply.tokens("fine"));
        try (Orchestrator orchestrator = orchestrator(p -> {
                    p.baseUrl(address(base));
                    if (version != null) {
                        p.option("api-version", version);
                    }
                });
                ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            assertThat(stream.response().text()).isEqualTo("fine");
        }
        JsonNode json = tree(server.awaitRequest().body());
        assertThat(json.path("stream").asBoolean()).isTrue();
        assertThat(json.has("stream_options")).isEqualTo(asks);
        assertThat(json.path("stream_options").path("include_usage").asBoolean())
                .isEqualTo(asks);
    }

    // ---- Answers

    private static final String SAFE =
            "{\"hate\":{\"filtered\":false,\"severity\":\"safe\"},\"violence\":{\"filtered\":false,\"severity\":\"safe\"}}";

    private static String completion(String message, String finish) {
        return "{\"id\":\"c-1\",\"object\":\"chat.completion\",\"model\":\"gpt-4.1-2025-04-14\",\"prompt_filter_results\":"
                + "[{\"prompt_index\":0,\"content_filter_results\":" + SAFE
                + "}],\"choices\":[{\"index\":0,\"message\":"
                + message + ",\"finish_reason\":\"" + finish + "\",\"content_filter_results\":" + SAFE
                + "}],\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":20,\"prompt_tokens_details\":"
                + "{\"cached_tokens\":10},\"completion_tokens_details\":{\"reasoning_tokens\":5}}}";
    }

    @Test
    void an_answer_carries_all_that_azure_said() {
        server.reply(Reply.json(completion("{\"role\":\"assistant\",\"content\":\"fine\"}", "stop"))
                .withHeader("apim-request-id", "apim-1")
                .withHeader("x-ms-region", "Sweden Central")
                .withHeader("x-ratelimit-key", "made-up")
                .withHeader("x-ratelimit-limit-requests", "100")
                .withHeader("x-ratelimit-remaining-requests", "99")
                .withHeader("x-ratelimit-reset-requests", "7")
                .withHeader("x-ratelimit-renewalperiod-requests", "60")
                .withHeader("x-ratelimit-limit-tokens", "-1")
                .withHeader("x-ratelimit-remaining-tokens", "-1"));
        try (Orchestrator orchestrator = orchestrator(p -> {})) {
            ChatResponse response = orchestrator.chat("hello");
            assertThat(response.text()).isEqualTo("fine");
            assertThat(response.model()).isEqualTo("gpt-4.1-2025-04-14");
            assertThat(response.responseId()).isEqualTo("c-1");
            assertThat(response.requestId()).isEqualTo("apim-1");
            assertThat(response.usage()).contains(new Usage(30, 20, 10, 5));
            assertThat(response.rateLimits())
                    .containsExactly(new RateLimit(
                            "requests",
                            Optional.of(Duration.ofMinutes(1)),
                            OptionalLong.of(100),
                            OptionalLong.of(99),
                            Optional.of(Duration.ofSeconds(7))));
            assertThat(response.extra()).containsKey("prompt_filter_results");
        }
    }

    @Test
    void tool_calls_come_with_the_answer() {
        server.reply(Reply.json(completion(
                "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"call_1\",\"type\":\"function\","
                        + "\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\":1}\"}}]}",
                "tool_calls")));
        try (Orchestrator orchestrator = orchestrator(p -> {})) {
            ChatResponse response = orchestrator.chat("hello");
            assertThat(response.finishReason()).isEqualTo(FinishReason.TOOL_CALLS);
            assertThat(response.toolCalls()).containsExactly(new ToolCall("call_1", "weather", "{\"city\":1}"));
        }
    }

    @Test
    void an_answer_that_the_filter_ended_is_filtered() {
        ProviderException failure = failure(Reply.json(completion("{\"content\":\"half\"}", "content_filter")));
        assertThat(failure.kind()).isEqualTo(FailureKind.CONTENT_FILTERED);
        assertThat(failure.status()).hasValue(200);
    }

    // ---- Streams

    private static String chunk(String delta, String finish, String filter) {
        return "data: {\"choices\":[{" + filter + "\"delta\":" + delta + ",\"finish_reason\":" + finish
                + ",\"index\":0,\"logprobs\":null}],\"created\":1,\"id\":\"c-1\",\"model\":\"m-2\","
                + "\"object\":\"chat.completion.chunk\"}\n\n";
    }

    private static String chunk(String delta, String finish) {
        return chunk(delta, finish, "\"content_filter_results\":" + SAFE + ",");
    }

    private static final String PROMPT_FILTERED =
            "data: {\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\",\"prompt_filter_results\":["
                    + "{\"prompt_index\":0,\"content_filter_results\":" + SAFE + "}]}\n\n";

    private static final String ANNOTATION =
            "data: {\"id\":\"\",\"object\":\"\",\"created\":0,\"model\":\"\",\"choices\":[{\"index\":0,\"finish_reason\":null,"
                    + "\"content_filter_results\":" + SAFE + ",\"content_filter_offsets\":{\"check_offset\":44,"
                    + "\"start_offset\":44,\"end_offset\":198}}],\"usage\":null}\n\n";

    private static final String USAGE =
            "data: {\"choices\":[],\"id\":\"c-1\",\"model\":\"m-2\",\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n";

    private static final String RICH_STREAM = PROMPT_FILTERED
            + chunk("{\"role\":\"assistant\",\"content\":\"\"}", "null", "\"content_filter_results\":{},")
            + chunk("{\"content\":\"naïve 🙂\"}", "null")
            + ANNOTATION
            + chunk(
                    "{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":\"\"}}]}",
                    "null")
            + chunk("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{}\"}}]}", "null")
            + chunk(
                    "{}",
                    "\"tool_calls\"",
                    "\"content_filter_result\":{\"error\":{\"code\":\"content_filter_error\",\"message\":\"The contents are not filtered\"}},")
            + ANNOTATION
            + USAGE
            + "data: [DONE]\n\n";

    private static void assertRich(List<ChatEvent> events) {
        assertThat(events)
                .filteredOn(event -> !(event instanceof ChatEvent.Extra))
                .containsExactly(
                        new ChatEvent.Started("m-2", "c-1", ""),
                        new ChatEvent.Text("naïve 🙂"),
                        new ChatEvent.ToolCallPiece(0, "weather", ""),
                        new ChatEvent.ToolCallPiece(0, "", "{}"),
                        new ChatEvent.Used(Usage.of(3, 4)),
                        new ChatEvent.ToolCalled(0, new ToolCall("call_1", "weather", "{}")),
                        new ChatEvent.Finished(FinishReason.TOOL_CALLS));
    }

    @Test
    void a_stream_with_what_the_filters_say_between_its_pieces_is_understood() {
        assertRich(events(StreamScript.empty().send(RICH_STREAM)));
        assertRich(events(StreamScript.singleBytes(RICH_STREAM)));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void a_stream_cut_at_random_points_says_the_same(long seed) {
        assertRich(events(StreamScript.cut(RICH_STREAM, new Random(seed))));
    }

    @Test
    void what_the_filters_say_is_neither_a_token_nor_an_end() {
        OrchestratorException failure = streamFailure(
                StreamScript.empty().send(PROMPT_FILTERED).send(ANNOTATION).thenClose());
        assertThat(failure.getCause())
                .isInstanceOfSatisfying(
                        ProviderException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.TRUNCATED));
        assertThat(failure).isNotInstanceOf(StreamFailedException.class);
    }

    @Test
    void a_stream_that_the_filter_ends_carries_the_text_that_had_come() {
        OrchestratorException failure = streamFailure(StreamScript.empty()
                .send(PROMPT_FILTERED)
                .send(chunk("{\"content\":\"half\"}", "null"))
                .send(chunk("{}", "\"content_filter\""))
                .send("data: [DONE]\n\n"));
        assertThat(failure).isInstanceOfSatisfying(StreamFailedException.class, e -> {
            assertThat(e.kind()).isEqualTo(FailureKind.CONTENT_FILTERED);
            assertThat(e.partialText()).isEqualTo("half");
        });
    }

    @Test
    void a_stream_without_its_finish_reason_is_truncated() {
        for (String end : List.of("", ANNOTATION, USAGE, "data: [DONE]\n\n")) {
            OrchestratorException failure = streamFailure(StreamScript.empty()
                    .send(chunk("{\"content\":\"half\"}", "null"))
                    .send(end));
            assertThat(failure)
                    .isInstanceOfSatisfying(
                            StreamFailedException.class,
                            e -> assertThat(e.kind()).isEqualTo(FailureKind.TRUNCATED));
        }
    }

    @Test
    void F11_a_stream_with_finish_reason_and_usage_is_complete_at_once() {
        assertThat(events(StreamScript.empty()
                        .send(chunk("{\"content\":\"fine\"}", "null"))
                        .send(chunk("{}", "\"stop\""))
                        .send(USAGE)
                        .thenSilence()))
                .last()
                .isEqualTo(new ChatEvent.Finished(FinishReason.STOP));
    }

    // ---- Failures

    private static final String FILTERED =
            "{\"error\":{\"message\":\"The response was filtered due to the prompt.\",\"type\":null,\"param\":\"prompt\","
                    + "\"code\":\"content_filter\",\"status\":400,\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\","
                    + "\"content_filter_result\":{\"violence\":{\"filtered\":true,\"severity\":\"high\"}}}}}";

    @ParameterizedTest
    @ValueSource(ints = {200, 400})
    void a_filtered_prompt_is_told_by_the_inner_code_also_inside_a_success(int status) {
        ProviderException failure = failure(Reply.status(status, FILTERED));
        assertThat(failure.kind()).isEqualTo(FailureKind.CONTENT_FILTERED);
        assertThat(failure.code()).isEqualTo("ResponsibleAIPolicyViolation");
        assertThat(failure.mayHaveBeenProcessed()).isEqualTo(status == 200);
    }

    @Test
    void a_filtered_prompt_inside_a_stream_is_filtered() {
        assertThat(streamFailure(StreamScript.empty().send("data: " + FILTERED + "\n\n"))
                        .getCause())
                .isInstanceOfSatisfying(
                        ProviderException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.CONTENT_FILTERED));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "401|{\"error\":{\"code\":\"401\",\"message\":\"Wrong key.\"}}|CREDENTIAL",
                "401|{\"statusCode\":401,\"message\":\"Unauthorized. Access token is missing.\"}|CREDENTIAL",
                "401|{\"error\":{\"code\":\"PermissionDenied\",\"message\":\"The principal lacks the action.\"}}|PERMISSION",
                "404|{\"error\":{\"type\":\"invalid_request_error\",\"code\":\"DeploymentNotFound\",\"message\":\"None.\"}}|MODEL_NOT_FOUND",
                "404|{\"error\":{\"code\":\"404\",\"message\":\"Resource not found\"}}|MODEL_NOT_FOUND",
                "400|{\"error\":{\"code\":\"OperationNotSupported\",\"message\":\"Choose a different model.\"}}|MODEL_NOT_FOUND",
                "400|{\"error\":{\"code\":\"BadRequest\",\"message\":\"API version not supported\"}}|MODEL_NOT_FOUND",
                "400|{\"error\":{\"code\":\"context_length_exceeded\",\"message\":\"Too long.\"}}|CONTEXT_TOO_LONG",
                "429|{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"You exceeded your current quota.\"}}|QUOTA_EXHAUSTED",
                "408|{\"error\":{\"code\":\"RequestTimeout\",\"message\":\"Timed out.\"}}|TIMEOUT",
                "500|{\"error\":{\"code\":\"InternalServerError\",\"message\":\"Broken.\"}}|SERVER",
                "503|{\"error\":{\"code\":\"ServiceUnavailable\",\"message\":\"Busy.\"}}|OVERLOADED",
                "502|<html>gateway</html>|OVERLOADED",
            })
    void errors_are_what_azure_means_by_them(int status, String body, FailureKind kind) {
        ProviderException failure = failure(Reply.status(status, body).withHeader("apim-request-id", "apim-1"));
        assertThat(failure.kind()).isEqualTo(kind);
        assertThat(failure.requestId()).isEqualTo("apim-1");
    }

    @ParameterizedTest
    @CsvSource({
        "24, , PT24S",
        "1, 0, PT1S",
        "1, 250, PT0.25S",
        "0, 0, PT9S",
        "-1, -1, PT9S",
        ", , PT9S",
    })
    void a_rate_limit_names_its_wait_in_headers_or_else_in_words(
            @Nullable String seconds, @Nullable String millis, Duration wait) {
        Reply reply = Reply.status(
                429,
                "{\"error\":{\"code\":\"RateLimitReached\",\"message\":\"Over the call rate limit. Please retry after 9 seconds.\"}}");
        reply = seconds == null ? reply : reply.withHeader("retry-after", seconds);
        reply = millis == null ? reply : reply.withHeader("retry-after-ms", millis);
        ProviderException failure = failure(reply);
        assertThat(failure.kind()).isEqualTo(FailureKind.RATE_LIMITED);
        assertThat(failure.code()).isEqualTo("RateLimitReached");
        assertThat(failure.retryAfter()).contains(wait);
        assertThat(failure.mayHaveBeenProcessed()).isFalse();
    }

    @Test
    void a_message_that_repeats_the_key_is_masked() {
        ProviderException failure = failure(
                Reply.status(401, "{\"error\":{\"code\":\"401\",\"message\":\"bad key " + PlantedKeys.KEY + "\"}}"));
        assertThat(failure.providerMessage()).isEqualTo("bad key ***");
        assertThat(failure).hasMessage("401 401: bad key ***");
    }

    @Test
    void an_extra_field_that_would_change_the_call_itself_is_refused() {
        try (Orchestrator orchestrator = orchestrator(p -> {})) {
            assertThatThrownBy(() -> orchestrator.chat(
                            hello().extra("azure", "model", "x").build()))
                    .isInstanceOf(RequestRejectedException.class)
                    .hasMessageContaining("the extra field 'model' would replace");
        }
    }
}
