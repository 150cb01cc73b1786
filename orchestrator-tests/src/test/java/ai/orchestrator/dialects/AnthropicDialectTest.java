package ai.orchestrator.dialects;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.Orchestrator;
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
import ai.orchestrator.testkit.StreamScript;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class AnthropicDialectTest {

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final String KEY = "sk-ant-planted-secret-1234567890";
    private static final String BUDGETED = "claude-sonnet-4-5-20250929";

    private static final Tool WEATHER =
            new Tool("weather", "Tells the weather.", q("{'type':'object','properties':{'city':{'type':'string'}}}"));
    private static final Tool CLOCK = Tool.withoutArguments("clock", "");

    /** Thinks, speaks, and calls two tools whose arguments come in turns; with everything that is to be ignored in between. */
    private static final List<String> EVENTS = List.of(
            event("{'type':'message_start','message':{'id':'msg_a1','type':'message','role':'assistant',"
                    + "'model':'claude-scripted','content':[],'stop_reason':null,'stop_sequence':null,"
                    + "'usage':{'input_tokens':11,'cache_creation_input_tokens':5,'cache_read_input_tokens':7,"
                    + "'output_tokens':2}}}"),
            event("{'type':'content_block_start','index':0,"
                    + "'content_block':{'type':'thinking','thinking':'','signature':''}}   "),
            event("{'type':'ping'}"),
            event("{'type':'content_block_delta','index':0,'delta':{'type':'thinking_delta','thinking':'Grüß '}}"),
            event("{'type':'content_block_delta','index':0,'delta':{'type':'thinking_delta','thinking':'dich.'}}"),
            event("{'type':'content_block_delta','index':0,'delta':{'type':'signature_delta','signature':'c2ln'}}"),
            event("{'type':'content_block_delta','index':0,'delta':{'type':'signature_delta','signature':'bg=='}}"),
            event("{'type':'content_block_stop','index':0}"),
            event("{'type':'content_block_start','index':1,"
                    + "'content_block':{'type':'redacted_thinking','data':'c2VjcmV0'}}"),
            event("{'type':'content_block_stop','index':1}"),
            event("{'type':'content_block_start','index':2,'content_block':{'type':'text','text':''}}"),
            event("{'type':'content_block_delta','index':2,'delta':{'type':'text_delta','text':'Es '}}"),
            event("{'type':'content_block_delta','index':2,'delta':{'type':'citations_delta','citation':{'x':1}}}"),
            event("{'type':'content_block_delta','index':2,'delta':{'type':'text_delta','text':'läuft 🏃'}}"),
            event("{'type':'content_block_stop','index':2}"),
            event("{'type':'yet_to_be_invented','index':2,'delta':{'type':'text_delta','text':'no'}}"),
            event("{'type':'content_block_start','index':3,"
                    + "'content_block':{'type':'server_tool_use','id':'srv_1','name':'web_search','input':{}}}"),
            event("{'type':'content_block_delta','index':3,"
                    + "'delta':{'type':'input_json_delta','partial_json':'{\\'query\\':1}'}}"),
            event("{'type':'content_block_stop','index':3}"),
            event("{'type':'content_block_start','index':4,"
                    + "'content_block':{'type':'tool_use','id':'toolu_1','name':'weather','input':{}}}"),
            event("{'type':'content_block_start','index':5,"
                    + "'content_block':{'type':'tool_use','id':'toolu_2','name':'clock','input':{}}}"),
            event("{'type':'content_block_delta','index':4,"
                    + "'delta':{'type':'input_json_delta','partial_json':'{\\'city\\':'}}"),
            event("{'type':'content_block_delta','index':5,"
                    + "'delta':{'type':'input_json_delta','partial_json':''}}"),
            event("{'type':'content_block_delta','index':4,"
                    + "'delta':{'type':'input_json_delta','partial_json':'\\'Köln\\'}'}}"),
            event("{'type':'content_block_stop','index':5}"),
            event("{'type':'content_block_stop','index':4}"),
            event("{'type':'message_delta','delta':{'stop_reason':'tool_use','stop_sequence':null},"
                    + "'usage':{'output_tokens':42,'output_tokens_details':{'thinking_tokens':9}}}"),
            event("{'type':'message_stop'}"));

    /** How many of them must have come before the answer is one. */
    private static final int ENOUGH = EVENTS.size() - 1;

    private final ManualTimeSource time = new ManualTimeSource();
    private final ScriptedServer server = ScriptedServer.start();
    private final List<Orchestrator> orchestrators = new ArrayList<>();

    @AfterEach
    void close() {
        orchestrators.forEach(Orchestrator::close);
        server.close();
    }

    private Orchestrator orchestrator(Consumer<ProviderSettings.Builder> settings) {
        Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider("claude", p -> {
                    p.type("anthropic").baseUrl(server.baseUrl()).apiKey(KEY).retry(Retries.NONE);
                    settings.accept(p);
                })
                .build();
        orchestrators.add(orchestrator);
        return orchestrator;
    }

    private Orchestrator orchestrator() {
        return orchestrator(settings -> {});
    }

    /** JSON is easier to read with single quotes; {@code \\'} is a quote inside a string. */
    private static String q(String json) {
        return json.replace('\'', '"');
    }

    /** The event, with its type for a name. */
    private static String event(String json) {
        String name = json.replaceAll("^\\{'type':'([a-z_]+)'.*", "$1");
        return "event: " + name + "\ndata: " + q(json) + "\n\n";
    }

    private static JsonNode parse(String json) {
        try {
            return MAPPER.readTree(json);
        } catch (JsonProcessingException e) {
            throw new AssertionError("not JSON: " + json, e);
        }
    }

    private static Reply answer(String content, String stopReason) {
        return Reply.json(q("{'id':'msg_1','type':'message','role':'assistant','model':'claude-scripted','content':["
                + content + "],'stop_reason':'" + stopReason + "','stop_sequence':null,"
                + "'usage':{'input_tokens':3,'output_tokens':4}}"));
    }

    private static Reply fine() {
        return answer("{'type':'text','text':'fine'}", "end_turn");
    }

    private static Reply streamed(List<String> events) {
        return Reply.stream(StreamScript.empty().send(String.join("", events)));
    }

    private JsonNode sent(ChatRequest.Builder request) {
        return sent(orchestrator(), request);
    }

    private JsonNode sent(Orchestrator orchestrator, ChatRequest.Builder request) {
        server.reply(fine());
        orchestrator.chat(request.build());
        return parse(server.awaitRequest().body());
    }

    private ChatResponse answered(Reply reply) {
        server.reply(reply);
        return orchestrator().chat("hello");
    }

    private List<ChatEvent> events(Reply reply) {
        server.reply(reply);
        List<ChatEvent> events = new ArrayList<>();
        try (ChatStream stream = orchestrator().stream(ChatRequest.of("hello"))) {
            stream.forEach(events::add);
        }
        return events;
    }

    private ChatResponse streamedAnswer(Reply reply) {
        server.reply(reply);
        try (ChatStream stream = orchestrator().stream(ChatRequest.of("hello"))) {
            return stream.response();
        }
    }

    private static ChatRequest.Builder asking() {
        return ChatRequest.builder().user("hello");
    }

    // ---- Requests

    @Test
    void a_question_goes_to_messages_with_version_key_model_and_a_limit() {
        server.reply(fine());
        orchestrator().chat("Why is the sky blue?");
        ScriptedServer.ReceivedRequest request = server.awaitRequest();

        assertThat(request.method()).isEqualTo("POST");
        assertThat(request.path()).isEqualTo("/v1/messages");
        assertThat(request.headers())
                .containsEntry("x-api-key", KEY)
                .containsEntry("anthropic-version", "2023-06-01")
                .doesNotContainKeys("authorization", "anthropic-beta");
        assertThat(parse(request.body()))
                .isEqualTo(parse(q("{'model':'claude-haiku-5-5','max_tokens':8192,'messages':[{'role':'user',"
                        + "'content':[{'type':'text','text':'Why is the sky blue?'}]}],'stream':false}")));
    }

    @Test
    void a_stream_is_asked_for_as_one() {
        streamedAnswer(streamed(EVENTS));
        ScriptedServer.ReceivedRequest request = server.awaitRequest();

        assertThat(parse(request.body()).path("stream").asBoolean()).isTrue();
        assertThat(request.headers()).containsEntry("accept", "text/event-stream");
    }

    @Test
    void the_options_change_version_auth_beta_and_limit() {
        Orchestrator orchestrator = orchestrator(settings -> settings.option("api-version", "2026-10-21")
                .option("auth", "bearer")
                .option("beta", "one-2026-01-01,two-2026-02-02")
                .option("max-tokens", "99"));
        server.reply(fine());
        orchestrator.chat("hello");
        ScriptedServer.ReceivedRequest request = server.awaitRequest();

        assertThat(request.headers())
                .containsEntry("authorization", "Bearer " + KEY)
                .containsEntry("anthropic-version", "2026-10-21")
                .containsEntry("anthropic-beta", "one-2026-01-01,two-2026-02-02")
                .doesNotContainKey("x-api-key");
        assertThat(parse(request.body()).path("max_tokens").asInt()).isEqualTo(99);
    }

    @Test
    void another_address_is_asked_without_a_key_if_there_is_none() {
        Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider("gateway", p -> p.type("anthropic").baseUrl(server.baseUrl()))
                .build();
        orchestrators.add(orchestrator);
        server.reply(fine());

        assertThat(orchestrator.chat("hello").text()).isEqualTo("fine");
        assertThat(server.awaitRequest().headers()).doesNotContainKeys("x-api-key", "authorization");
    }

    @Test
    void system_messages_become_one_field_and_empty_ones_none() {
        JsonNode json = sent(ChatRequest.builder()
                .system("Be brief.")
                .system(" ")
                .user("hello")
                .system("Be kind."));

        assertThat(json.path("system").asText()).isEqualTo("Be brief.\n\nBe kind.");
        assertThat(json.path("messages")).hasSize(1);
    }

    @Test
    void sampling_stop_sequences_and_the_callers_limit_are_sent() {
        Orchestrator orchestrator = orchestrator(settings -> settings.model(BUDGETED));
        JsonNode json =
                sent(orchestrator, asking().maxTokens(17).temperature(0.5).stop("END", "STOP"));

        assertThat(json.path("max_tokens").asInt()).isEqualTo(17);
        assertThat(json.path("temperature").asDouble()).isEqualTo(0.5);
        assertThat(json.path("stop_sequences")).isEqualTo(parse("[\"END\",\"STOP\"]"));
        assertThat(sent(orchestrator, asking().topP(0.25)).path("top_p").asDouble())
                .isEqualTo(0.25);
    }

    @Test
    void pictures_are_sent_as_bytes_or_by_their_address() {
        JsonNode json = sent(ChatRequest.builder()
                .user(
                        new Content.Text("Compare."),
                        Content.Image.of("image/png", new byte[] {1, 2, 3}),
                        Content.Image.at(URI.create("https://example.com/a.jpg"))));

        assertThat(json.path("messages").path(0).path("content"))
                .isEqualTo(parse(q("[{'type':'text','text':'Compare.'},"
                        + "{'type':'image','source':{'type':'base64','media_type':'image/png','data':'AQID'}},"
                        + "{'type':'image','source':{'type':'url','url':'https://example.com/a.jpg'}}]")));
    }

    @Test
    void neighbours_of_one_role_are_joined_and_empty_texts_left_out() {
        JsonNode json = sent(ChatRequest.builder()
                .user("one")
                .user("")
                .user("two")
                .assistant("")
                .user("three")
                .assistant("four")
                .assistant("five")
                .user("six"));

        assertThat(json.path("messages"))
                .isEqualTo(parse(q("[{'role':'user','content':[{'type':'text','text':'one'},"
                        + "{'type':'text','text':'two'},{'type':'text','text':'three'}]},"
                        + "{'role':'assistant','content':[{'type':'text','text':'four'},"
                        + "{'type':'text','text':'five'}]},"
                        + "{'role':'user','content':[{'type':'text','text':'six'}]}]")));
    }

    @Test
    void tool_results_come_in_one_message_with_ids_of_allowed_characters() {
        ToolCall first = new ToolCall("call:1/ü", "weather", q("{'city':'Köln'}"));
        ToolCall second = new ToolCall("call_2-b", "clock", "{}");
        JsonNode json = sent(asking().tool(WEATHER)
                .tool(CLOCK)
                .message(Message.assistant("", List.of(first, second)))
                .toolResult(first, "rain")
                .message(Message.toolFailure(second, "no battery"))
                .toolResult(second, "")
                .user("and?"));

        assertThat(json.path("messages").path(1))
                .isEqualTo(parse(q("{'role':'assistant','content':["
                        + "{'type':'tool_use','id':'call_1__','name':'weather','input':{'city':'Köln'}},"
                        + "{'type':'tool_use','id':'call_2-b','name':'clock','input':{}}]}")));
        assertThat(json.path("messages").path(2))
                .isEqualTo(parse(q("{'role':'user','content':["
                        + "{'type':'tool_result','tool_use_id':'call_1__','content':'rain'},"
                        + "{'type':'tool_result','tool_use_id':'call_2-b','content':'no battery','is_error':true},"
                        + "{'type':'tool_result','tool_use_id':'call_2-b'},"
                        + "{'type':'text','text':'and?'}]}")));
        assertThat(json.path("messages")).hasSize(3);
    }

    @Test
    void tools_and_their_choice_are_sent() {
        JsonNode json = sent(asking().tool(WEATHER).tool(CLOCK));

        assertThat(json.path("tools"))
                .isEqualTo(parse(q("[{'name':'weather','description':'Tells the weather.','input_schema':"
                        + "{'type':'object','properties':{'city':{'type':'string'}}}},"
                        + "{'name':'clock','input_schema':{'type':'object','properties':{}}}]")));
        assertThat(json.path("tool_choice")).isEqualTo(parse(q("{'type':'auto'}")));
        assertThat(sent(asking()).has("tool_choice")).isFalse();
        assertThat(sent(asking().tool(CLOCK).toolChoice(ToolChoice.Mode.REQUIRED))
                        .path("tool_choice"))
                .isEqualTo(parse(q("{'type':'any'}")));
        assertThat(sent(asking().tool(CLOCK).toolChoice(ToolChoice.Mode.NONE)).path("tool_choice"))
                .isEqualTo(parse(q("{'type':'none'}")));
        assertThat(sent(asking().tool(CLOCK).toolChoice(new ToolChoice.Named("clock")))
                        .path("tool_choice"))
                .isEqualTo(parse(q("{'type':'tool','name':'clock'}")));
    }

    @Test
    void a_schema_and_an_effort_share_the_output_config() {
        JsonNode json = sent(asking().responseFormat(new ResponseFormat.JsonSchema("city", q("{'type':'object'}")))
                .reasoningEffort(ReasoningEffort.HIGH));

        assertThat(json.path("output_config"))
                .isEqualTo(
                        parse(q("{'format':{'type':'json_schema','schema':{'type':'object'}}," + "'effort':'high'}")));
    }

    @ParameterizedTest
    @CsvSource({"MINIMAL,low", "LOW,low", "MEDIUM,medium", "HIGH,high", "MAX,max"})
    void newer_models_think_adaptively(ReasoningEffort effort, String sent) {
        for (String model : List.of(
                "claude-haiku-5-5", "claude-opus-4-6", "claude-sonnet-4-6-20260217", "anthropic/claude-opus-4.7")) {
            JsonNode json = sent(orchestrator(settings -> settings.model(model)), asking().reasoningEffort(effort));
            assertThat(json.path("thinking")).as(model).isEqualTo(parse(q("{'type':'adaptive'}")));
            assertThat(json.path("output_config")).as(model).isEqualTo(parse(q("{'effort':'" + sent + "'}")));
            assertThat(json.path("max_tokens").asInt()).isEqualTo(8192);
        }
    }

    @ParameterizedTest
    @CsvSource({"MINIMAL,1024,8192", "LOW,2048,8192", "MEDIUM,8192,16384", "HIGH,16384,24576", "MAX,23000,31192"})
    void older_models_think_within_a_budget_and_the_default_limit_leaves_room_beside_it(
            ReasoningEffort effort, int budget, int maxTokens) {
        for (String model : List.of(
                BUDGETED,
                "claude-sonnet-4-5",
                "claude-opus-4-1",
                "claude-opus-4-0",
                "claude-sonnet-4-20250514",
                "claude-3-7-sonnet-20250219",
                "claude-3-7-sonnet-latest",
                "anthropic/claude-sonnet-4.5",
                "anthropic/claude-sonnet-4")) {
            JsonNode json = sent(orchestrator(settings -> settings.model(model)), asking().reasoningEffort(effort));
            assertThat(json.path("thinking"))
                    .as(model)
                    .isEqualTo(parse(q("{'type':'enabled','budget_tokens':" + budget + "}")));
            assertThat(json.has("output_config")).isFalse();
            assertThat(json.path("max_tokens").asInt()).isEqualTo(maxTokens);
        }
    }

    @Test
    void the_callers_own_limit_stays_if_it_leaves_room_beside_the_budget() {
        JsonNode json = sent(
                orchestrator(settings -> settings.model(BUDGETED)),
                asking().reasoningEffort(ReasoningEffort.LOW).maxTokens(2049));

        assertThat(json.path("max_tokens").asInt()).isEqualTo(2049);
    }

    @ParameterizedTest
    @ValueSource(strings = {"claude-opus-4-6", BUDGETED, "claude-3-5-haiku-20241022"})
    void no_effort_says_nothing_of_thinking(String model) {
        JsonNode json = sent(
                orchestrator(settings -> settings.model(model)),
                asking().reasoningEffort(ReasoningEffort.NONE).temperature(1));

        assertThat(json.has("thinking")).isFalse();
        assertThat(json.has("output_config")).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "claude-opus-4-8, ''",
        "claude-sonnet-5, disabled",
        "claude-opus-5, disabled",
        "claude-haiku-5-5, disabled",
        "anthropic/claude-haiku-5.5, disabled",
        "claude-sonnet-5-5, between_tools",
    })
    void a_model_that_thinks_by_itself_is_told_not_to(String model, String type) {
        Orchestrator orchestrator = orchestrator(settings -> settings.model(model));
        JsonNode json = sent(orchestrator, asking().reasoningEffort(ReasoningEffort.NONE));

        assertThat(json.path("thinking").path("type").asText()).isEqualTo(type);
        assertThat(json.has("output_config")).isFalse();
        assertThat(sent(orchestrator, asking()).has("thinking")).isFalse();
    }

    @Test
    void a_forced_tool_without_an_effort_means_none() {
        JsonNode json = sent(asking().tool(CLOCK).toolChoice(ToolChoice.Mode.REQUIRED));

        assertThat(json.path("thinking")).isEqualTo(parse(q("{'type':'disabled'}")));
        assertThat(json.path("tool_choice").path("type").asText()).isEqualTo("any");
    }

    @Test
    void extra_fields_join_those_that_are_there() {
        JsonNode json = sent(asking().reasoningEffort(ReasoningEffort.LOW)
                .extra("anthropic", "metadata", Map.of("user_id", "u-1"))
                .extra("output_config", Map.of("effort", "xhigh"))
                .extra("groq", "service_tier", "flex"));

        assertThat(json.path("metadata")).isEqualTo(parse(q("{'user_id':'u-1'}")));
        assertThat(json.path("output_config")).isEqualTo(parse(q("{'effort':'xhigh'}")));
        assertThat(json.has("service_tier")).isFalse();
    }

    // ---- What is refused before anything is sent

    private void refused(Orchestrator orchestrator, ChatRequest.Builder request, String reason) {
        assertThatThrownBy(() -> orchestrator.chat(request.build()))
                .isInstanceOfSatisfying(
                        RequestRejectedException.class,
                        e -> assertThat(e.kind()).isEqualTo(FailureKind.BAD_REQUEST))
                .hasMessageContaining(reason);
        assertThat(server.requestCount()).isZero();
    }

    @Test
    void what_it_cannot_do_is_refused_by_name() {
        refused(orchestrator(), asking().seed(1), "seed: ");
        refused(orchestrator(), asking().responseFormat(ResponseFormat.Plain.JSON), "responseFormat: ");
        refused(orchestrator(), asking().temperature(1.01), "temperature: ");
        refused(
                orchestrator(settings -> settings.model(BUDGETED)),
                asking().temperature(0.5).topP(0.5),
                "topP: anthropic takes it only without temperature");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "claude-haiku-5-5",
                "claude-opus-4-7",
                "claude-opus-4-8-20260520",
                "anthropic/claude-sonnet-5",
                "claude-fable-5-1"
            })
    void models_from_4_7_on_take_no_sampling(String model) {
        Orchestrator orchestrator = orchestrator(settings -> settings.model(model));

        refused(orchestrator, asking().temperature(0.5), "temperature: " + model + " takes none");
        refused(orchestrator, asking().topP(0.5), "topP: " + model + " takes none");
    }

    @ParameterizedTest
    @ValueSource(strings = {"claude-opus-5-5", "claude-fable-5", "claude-fable-5-1"})
    void a_model_that_cannot_stop_thinking_is_not_asked_to(String model) {
        refused(
                orchestrator(settings -> settings.model(model)),
                asking().reasoningEffort(ReasoningEffort.NONE),
                "reasoningEffort: " + model + " cannot stop thinking");
    }

    @ParameterizedTest
    @ValueSource(strings = {"claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1"})
    void a_model_that_cannot_be_made_to_call_a_tool_is_not_told_to(String model) {
        Orchestrator orchestrator = orchestrator(settings -> settings.model(model));

        refused(
                orchestrator,
                asking().tool(CLOCK).toolChoice(new ToolChoice.Named("clock")),
                "toolChoice: " + model + " cannot be made to call a tool");
    }

    @ParameterizedTest
    @ValueSource(strings = {"2026-10-21", "2027-01-01"})
    void the_newer_version_takes_no_sampling(String version) {
        Orchestrator orchestrator =
                orchestrator(settings -> settings.model(BUDGETED).option("api-version", version));

        refused(orchestrator, asking().temperature(1), "temperature: ");
        refused(orchestrator, asking().topP(1), "topP: ");
    }

    @Test
    void thinking_goes_with_neither_sampling_nor_a_forced_tool() {
        ChatRequest.Builder thinking = asking().reasoningEffort(ReasoningEffort.MINIMAL);

        refused(orchestrator(), thinking.build().toBuilder().temperature(1), "temperature: ");
        refused(orchestrator(), thinking.build().toBuilder().topP(0.9), "topP: ");
        ChatRequest.Builder tool = thinking.build().toBuilder().tool(CLOCK);
        refused(orchestrator(), tool.toolChoice(ToolChoice.Mode.REQUIRED), "toolChoice: ");
        refused(orchestrator(), tool.toolChoice(new ToolChoice.Named("clock")), "toolChoice: ");
        assertThat(sent(tool.toolChoice(ToolChoice.Mode.NONE)).has("thinking")).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "claude-2.1",
                "claude-instant-1.2",
                "claude-3-opus-20240229",
                "claude-3-5-haiku-20241022",
                "anthropic/claude-3.5-sonnet"
            })
    void a_model_that_does_not_think_is_not_asked_to(String model) {
        refused(
                orchestrator(settings -> settings.model(model)),
                asking().reasoningEffort(ReasoningEffort.MINIMAL),
                "reasoningEffort: " + model + " does not think");
    }

    @Test
    void a_limit_that_thinking_alone_would_use_up_is_refused() {
        refused(
                orchestrator(settings -> settings.model(BUDGETED)),
                asking().reasoningEffort(ReasoningEffort.MEDIUM).maxTokens(8192),
                "maxTokens: must be more than the 8192 tokens");
    }

    @ParameterizedTest
    @ValueSource(strings = {"nonsense", "[1]", "{\"city\":"})
    void arguments_that_are_no_json_object_are_shown_to_the_model_as_it_wrote_them(String arguments) {
        ToolCall call = new ToolCall("call-7", "weather", arguments);
        JsonNode json = sent(
                asking().message(Message.assistant("", List.of(call))).message(Message.toolFailure(call, "no JSON")));
        assertThat(json.path("messages")
                        .path(1)
                        .path("content")
                        .path(0)
                        .path("input")
                        .path("arguments")
                        .asText())
                .isEqualTo(arguments);
    }

    @Test
    void a_conversation_without_words_is_refused() {
        refused(orchestrator(), ChatRequest.builder().system("Be brief.").user(" "), "messages: every one");
    }

    @ParameterizedTest
    @ValueSource(strings = {"model", "messages", "stream"})
    void extra_fields_do_not_replace_what_the_request_says(String field) {
        refused(orchestrator(), asking().extra(field, 1), "the extra field '" + field + "'");
    }

    @ParameterizedTest
    @CsvSource({"api-version,latest", "auth,basic", "max-tokens,0", "max-tokens,many", "beta,'a b'"})
    void an_option_of_another_form_is_a_mistake(String option, String value) {
        assertThatThrownBy(() -> orchestrator(settings -> settings.option(option, value)))
                .hasMessageContaining(option);
    }

    // ---- Whole answers

    @Test
    void a_whole_answer_is_read() {
        ChatResponse response = answered(Reply.json(q("{'id':'msg_1','type':'message','role':'assistant',"
                        + "'model':'claude-scripted','container':{'id':'c-1'},'content':["
                        + "{'type':'thinking','thinking':'Hm.','signature':'c2ln'},"
                        + "{'type':'redacted_thinking','data':'eHl6'},"
                        + "{'type':'text','text':'Why '},"
                        + "{'type':'server_tool_use','id':'s','name':'web_search','input':{'query':'x'}},"
                        + "{'type':'text','text':'not?'},"
                        + "{'type':'tool_use','id':'toolu_1','name':'weather','input':{'city':'Köln'}},"
                        + "{'type':'tool_use','id':'toolu_2','name':'clock','input':{}}],"
                        + "'stop_reason':'tool_use','stop_sequence':null,"
                        + "'usage':{'input_tokens':11,'cache_creation_input_tokens':5,'cache_read_input_tokens':7,"
                        + "'output_tokens':42,'output_tokens_details':{'thinking_tokens':9}}}"))
                .withHeader("request-id", "req_9"));

        assertThat(response.text()).isEqualTo("Why not?");
        assertThat(response.reasoning()).isEqualTo("Hm.");
        assertThat(response.toolCalls())
                .containsExactly(
                        new ToolCall("toolu_1", "weather", q("{'city':'Köln'}")),
                        new ToolCall("toolu_2", "clock", "{}"));
        assertThat(response.finishReason()).isEqualTo(FinishReason.TOOL_CALLS);
        assertThat(response.model()).isEqualTo("claude-scripted");
        assertThat(response.responseId()).isEqualTo("msg_1");
        assertThat(response.requestId()).isEqualTo("req_9");
        assertThat(response.usage()).contains(new Usage(23, 42, 7, 9));
        assertThat(response.extra()).isEqualTo(Map.of("container", Map.of("id", "c-1")));
        assertThat(parse(response.message().providerState().getOrDefault("anthropic", "")))
                .isEqualTo(parse(q("[{'type':'thinking','thinking':'Hm.','signature':'c2ln'},"
                        + "{'type':'redacted_thinking','data':'eHl6'}]")));
    }

    @ParameterizedTest
    @CsvSource({
        "end_turn,STOP",
        "stop_sequence,STOP",
        "max_tokens,LENGTH",
        "model_context_window_exceeded,LENGTH",
        "tool_use,TOOL_CALLS",
        "pause_turn,OTHER",
        "yet_to_be_invented,OTHER"
    })
    void each_stop_reason_has_its_finish_reason(String stopReason, FinishReason finishReason) {
        assertThat(answered(answer("{'type':'text','text':'fine'}", stopReason)).finishReason())
                .isEqualTo(finishReason);
    }

    @Test
    void a_stop_sequence_that_came_is_among_the_extra_fields() {
        ChatResponse response = answered(Reply.json(q("{'type':'message','content':[],'stop_reason':'stop_sequence',"
                + "'stop_sequence':'END','usage':{'input_tokens':1,'output_tokens':1}}")));

        assertThat(response.extra()).isEqualTo(Map.of("stop_sequence", "END"));
    }

    @Test
    void an_answer_may_have_no_content() {
        ChatResponse response = answered(answer("", "end_turn"));

        assertThat(response.text()).isEmpty();
        assertThat(response.finishReason()).isEqualTo(FinishReason.STOP);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "{'type':'message','content':'text','stop_reason':'end_turn'}",
                "{'type':'message','content':[{'type':'text','text':'half'}],'stop_reason':null}",
                "{'type':'message','content':[{'type':'tool_use','id':'a','input':{}}],'stop_reason':'tool_use'}",
            })
    void an_answer_without_content_or_end_is_none(String body) {
        assertThatThrownBy(() -> answered(Reply.json(q(body))))
                .isInstanceOf(AllProvidersFailedException.class)
                .hasMessageContaining("MALFORMED");
    }

    @Test
    void counts_beyond_all_measure_do_not_wrap_around() {
        long most = Long.MAX_VALUE;
        ChatResponse response = answered(Reply.json(q("{'type':'message','content':[],'stop_reason':'end_turn',"
                + "'usage':{'input_tokens':" + most + ",'cache_read_input_tokens':" + most + ",'output_tokens':-5}}")));

        assertThat(response.usage()).contains(new Usage(2_000_000_000_000_000L, 0, 1_000_000_000_000_000L, 0));
    }

    @Test
    void thinking_that_a_limit_cut_off_before_its_signature_is_not_kept_for_the_next_turn() {
        ChatResponse response = answered(answer("{'type':'thinking','thinking':'Hm','signature':''}", "max_tokens"));

        assertThat(response.reasoning()).isEqualTo("Hm");
        assertThat(response.message().providerState()).isEmpty();
    }

    @Test
    void a_refusal_is_a_failure_with_its_category() {
        assertThatThrownBy(() -> answered(Reply.json(q("{'type':'message','content':[],'stop_reason':'refusal',"
                        + "'stop_details':{'type':'refusal','category':'cyber'},'usage':{'output_tokens':1}}"))))
                .isInstanceOfSatisfying(
                        RequestRejectedException.class,
                        e -> assertThat(e.kind()).isEqualTo(FailureKind.CONTENT_FILTERED))
                .hasMessageContaining("refused: cyber");
    }

    @ParameterizedTest
    @CsvSource({
        "400,invalid_request_error,BAD_REQUEST",
        "401,authentication_error,CREDENTIAL",
        "402,billing_error,QUOTA_EXHAUSTED",
        "403,permission_error,PERMISSION",
        "404,not_found_error,MODEL_NOT_FOUND",
        "409,conflict_error,CONFLICT",
        "413,request_too_large,BAD_REQUEST",
        "429,rate_limit_error,RATE_LIMITED",
        "500,api_error,SERVER",
        "504,timeout_error,TIMEOUT",
        "529,overloaded_error,OVERLOADED",
        "200,overloaded_error,OVERLOADED",
    })
    void an_error_is_recognised_by_its_type(int status, String type, FailureKind kind) {
        assertThatThrownBy(() -> answered(Reply.status(
                        status, q("{'type':'error','error':{'type':'" + type + "','message':'as scripted'}}"))))
                .hasMessageContaining(kind.name())
                .hasMessageContaining("as scripted");
    }

    // ---- Streams

    @Test
    void a_stream_shows_thinking_text_and_tool_calls_as_they_come() {
        List<ChatEvent> events = events(streamed(EVENTS));

        assertThat(events)
                .contains(new ChatEvent.Used(new Usage(23, 2, 7, 0)), new ChatEvent.Used(new Usage(23, 42, 7, 9)))
                .filteredOn(event -> !(event instanceof ChatEvent.Used))
                .containsExactly(
                        new ChatEvent.Started("claude-scripted", "msg_a1", ""),
                        new ChatEvent.Reasoning("Grüß "),
                        new ChatEvent.Reasoning("dich."),
                        new ChatEvent.Text("Es "),
                        new ChatEvent.Text("läuft 🏃"),
                        new ChatEvent.ToolCallPiece(0, "weather", ""),
                        new ChatEvent.ToolCallPiece(1, "clock", ""),
                        new ChatEvent.ToolCallPiece(0, "", q("{'city':")),
                        new ChatEvent.ToolCallPiece(1, "", ""),
                        new ChatEvent.ToolCallPiece(0, "", q("'Köln'}")),
                        new ChatEvent.ToolCalled(0, new ToolCall("toolu_1", "weather", q("{'city':'Köln'}"))),
                        new ChatEvent.ToolCalled(1, new ToolCall("toolu_2", "clock", "{}")),
                        new ChatEvent.State(
                                "anthropic",
                                q("[{'type':'thinking','thinking':'Grüß dich.','signature':'c2lnbg=='},"
                                        + "{'type':'redacted_thinking','data':'c2VjcmV0'}]")),
                        new ChatEvent.Finished(FinishReason.TOOL_CALLS));
    }

    @Test
    void how_a_stream_is_cut_makes_no_difference() {
        String body = String.join("", EVENTS);
        List<ChatEvent> whole = events(streamed(EVENTS));

        assertThat(events(Reply.stream(StreamScript.singleBytes(body)))).isEqualTo(whole);
        for (int seed = 0; seed < 20; seed++) {
            assertThat(events(Reply.stream(StreamScript.cut(body, new Random(seed)))))
                    .as("seed " + seed)
                    .isEqualTo(whole);
        }
        assertThat(events(Reply.stream(StreamScript.singleBytes(body.replace("\n", "\r\n")))))
                .as("other line ends")
                .isEqualTo(whole);
    }

    @Test
    void F11_a_stop_reason_with_the_usage_ends_the_stream_without_its_end_marker() {
        List<String> withoutMarker = EVENTS.subList(0, EVENTS.size() - 1);
        ChatResponse response = streamedAnswer(Reply.stream(
                StreamScript.empty().send(String.join("", withoutMarker)).thenSilence()));
        assertThat(response.usage()).isPresent();
    }

    @Test
    void the_last_event_ends_the_stream_though_the_connection_stays_open() {
        ChatResponse response = streamedAnswer(
                Reply.stream(StreamScript.empty().send(String.join("", EVENTS)).thenSilence()));

        assertThat(response.text()).isEqualTo("Es läuft 🏃");
        server.awaitClientClosed(server.awaitRequest());
    }

    @Test
    void a_stream_that_ends_before_the_stop_reason_is_never_an_answer() {
        for (int count = 0; count < EVENTS.size(); count++) {
            StreamScript script = StreamScript.empty().send(String.join("", EVENTS.subList(0, count)));
            for (StreamScript cut : List.of(script, script.thenClose())) {
                if (count >= ENOUGH) {
                    assertThat(streamedAnswer(Reply.stream(cut)).toolCalls()).hasSize(2);
                } else {
                    assertThatThrownBy(() -> streamedAnswer(Reply.stream(cut)))
                            .as("after " + count + " events")
                            .isInstanceOfAny(AllProvidersFailedException.class, StreamFailedException.class)
                            // Without a single byte of the body it is the network that failed.
                            .hasMessageMatching(count == 0 ? "(?s).*(NETWORK|TRUNCATED).*" : "(?s).*TRUNCATED.*");
                }
            }
        }
    }

    @Test
    void the_end_of_a_stream_without_a_stop_reason_is_no_end() {
        List<String> events = List.of(EVENTS.get(0), EVENTS.get(10), EVENTS.get(11), EVENTS.get(EVENTS.size() - 1));

        assertThatThrownBy(() -> streamedAnswer(streamed(events)))
                .isInstanceOfSatisfying(StreamFailedException.class, e -> {
                    assertThat(e.kind()).isEqualTo(FailureKind.TRUNCATED);
                    assertThat(e.partialText()).isEqualTo("Es ");
                });
    }

    @Test
    void a_later_count_of_the_input_completes_the_first_one() {
        ChatResponse response = streamedAnswer(streamed(List.of(
                event("{'type':'message_start','message':{'id':'m','model':'c',"
                        + "'usage':{'input_tokens':9,'output_tokens':1}}}"),
                event("{'type':'content_block_delta','index':0,'delta':{'type':'text_delta','text':'hi'}}"),
                event("{'type':'message_delta','context_management':{'applied_edits':[]},"
                        + "'delta':{'stop_reason':'stop_sequence','stop_sequence':'END'},"
                        + "'usage':{'input_tokens':20,'cache_read_input_tokens':4,'output_tokens':5}}"))));

        assertThat(response.usage()).contains(new Usage(24, 5, 4, 0));
        assertThat(response.extra())
                .isEqualTo(Map.of("stop_sequence", "END", "context_management", Map.of("applied_edits", List.of())));
    }

    @Test
    void a_whole_answer_in_place_of_a_stream_is_read_as_one() {
        assertThat(streamedAnswer(fine()).text()).isEqualTo("fine");
    }

    @Test
    void a_refusal_in_a_stream_is_a_failure_with_the_text_so_far() {
        String refusal = event("{'type':'message_delta','delta':{'stop_reason':'refusal',"
                + "'stop_details':{'type':'refusal','category':'bio'}},'usage':{'output_tokens':5}}");

        assertThatThrownBy(() -> streamedAnswer(streamed(List.of(EVENTS.get(0), EVENTS.get(11), refusal))))
                .isInstanceOfSatisfying(StreamFailedException.class, e -> {
                    assertThat(e.kind()).isEqualTo(FailureKind.CONTENT_FILTERED);
                    assertThat(e.partialText()).isEqualTo("Es ");
                })
                .hasMessageContaining("bio");
    }

    @ParameterizedTest
    @CsvSource({
        "overloaded_error,OVERLOADED",
        "rate_limit_error,RATE_LIMITED",
        "api_error,SERVER",
        "timeout_error,TIMEOUT",
        "authentication_error,CREDENTIAL",
        "yet_to_be_invented,SERVER"
    })
    void an_error_inside_a_stream_counts_by_its_type(String type, FailureKind kind) {
        String error = event("{'type':'error','error':{'type':'" + type + "','message':'as scripted'}}");

        assertThatThrownBy(() -> streamedAnswer(streamed(List.of(EVENTS.get(0), EVENTS.get(2), error))))
                .isInstanceOf(AllProvidersFailedException.class)
                .hasMessageContaining(kind.name())
                .hasMessageContaining("as scripted");
        assertThatThrownBy(() -> streamedAnswer(streamed(List.of(EVENTS.get(0), EVENTS.get(11), error))))
                .isInstanceOfSatisfying(StreamFailedException.class, e -> {
                    assertThat(e.kind()).isEqualTo(kind);
                    assertThat(e.partialText()).isEqualTo("Es ");
                });
    }

    @Test
    void retry_after_on_a_success_says_nothing_of_an_error_in_its_stream() {
        String error = event("{'type':'error','error':{'type':'rate_limit_error','message':'slow down'}}");

        assertThat(retryAfter(streamed(List.of(error)).withHeader("retry-after", "30")))
                .isEmpty();
        assertThat(retryAfter(Reply.status(429, q("{'type':'error','error':{'type':'rate_limit_error'}}"))
                        .withHeader("retry-after", "30")))
                .contains(Duration.ofSeconds(30));
    }

    private Optional<Duration> retryAfter(Reply reply) {
        AllProvidersFailedException failure =
                catchThrowableOfType(AllProvidersFailedException.class, () -> streamedAnswer(reply));
        return failure.getCause() instanceof ProviderException cause ? cause.retryAfter() : Optional.empty();
    }

    // ---- Conversations

    @Test
    void thinking_goes_back_before_the_rest_of_its_answer_as_it_came() {
        ChatResponse response = streamedAnswer(streamed(EVENTS));
        server.awaitRequest();
        JsonNode json = sent(asking().tool(WEATHER)
                .tool(CLOCK)
                .message(response.message())
                .toolResult(response.toolCalls().get(0), "rain")
                .toolResult(response.toolCalls().get(1), "noon"));

        assertThat(json.path("messages").path(1))
                .isEqualTo(parse(q("{'role':'assistant','content':["
                        + "{'type':'thinking','thinking':'Grüß dich.','signature':'c2lnbg=='},"
                        + "{'type':'redacted_thinking','data':'c2VjcmV0'},"
                        + "{'type':'text','text':'Es läuft 🏃'},"
                        + "{'type':'tool_use','id':'toolu_1','name':'weather','input':{'city':'Köln'}},"
                        + "{'type':'tool_use','id':'toolu_2','name':'clock','input':{}}]}")));
        assertThat(json.path("messages").path(2).path("content")).hasSize(2);
    }

    @Test
    void thinking_between_texts_and_calls_goes_back_in_its_place() {
        String content = "{'type':'thinking','thinking':'Hm.','signature':'c2ln'},{'type':'text','text':'I look.'},"
                + "{'type':'tool_use','id':'toolu_1','name':'weather','input':{'city':'Köln'}},{'type':'text','text':''},"
                + "{'type':'thinking','thinking':'cut off','signature':''},"
                + "{'type':'thinking','thinking':'And the time?','signature':'c2ln'},"
                + "{'type':'tool_use','id':'toolu_2','name':'clock','input':{}}";
        ChatResponse response = answered(answer(content, "tool_use"));
        server.awaitRequest();
        JsonNode json = sent(asking().tool(WEATHER)
                .tool(CLOCK)
                .message(response.message())
                .toolResult(response.toolCalls().get(0), "rain")
                .toolResult(response.toolCalls().get(1), "noon"));

        assertThat(json.path("messages").path(1).path("content"))
                .isEqualTo(parse(q("["
                        + content.replace(",{'type':'text','text':''}", "")
                                .replace("{'type':'thinking','thinking':'cut off','signature':''},", "")
                        + "]")));
        assertThat(json.path("messages").path(2).path("content")).hasSize(2);
    }

    @Test
    void what_another_dialect_wants_to_see_again_is_not_sent() {
        JsonNode json = sent(asking().message(Message.assistant("hm").withProviderState("gemini", "[{\"x\":1}]"))
                .user("?"));

        assertThat(json.path("messages").path(1).path("content")).isEqualTo(parse(q("[{'type':'text','text':'hm'}]")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'type':'thinking','thinking':'Hm.','signature':'c2ln'}",
                "{'type':'thinking','thinking':'Hm.','signature':'c2ln'},{'type':'text','text':' '}",
                "{'type':'redacted_thinking','data':'c2ln'}",
            })
    void thoughts_that_nothing_followed_do_not_go_back(String content) {
        ChatResponse response = answered(answer(content, "max_tokens"));
        server.awaitRequest();
        JsonNode messages =
                sent(asking().message(response.message()).user("Go on.")).path("messages");

        assertThat(messages).hasSize(1);
        assertThat(messages.path(0).path("role").asText()).isEqualTo("user");
    }

    @Test
    void thoughts_behind_the_last_word_do_not_go_back() {
        ChatResponse response = answered(answer(
                "{'type':'thinking','thinking':'Hm.','signature':'c2ln'},{'type':'text','text':'It is'},"
                        + "{'type':'thinking','thinking':'or not?','signature':'c2ln'}",
                "max_tokens"));
        server.awaitRequest();
        JsonNode messages =
                sent(asking().message(response.message()).user("Go on.")).path("messages");

        assertThat(messages.path(1).path("content"))
                .isEqualTo(parse(q("[{'type':'thinking','thinking':'Hm.','signature':'c2ln'},"
                        + "{'type':'text','text':'It is'}]")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[{}]",
                "['x']",
                "[{'type':'image'}]",
                "[{'type':'thinking','thinking':'Hm.','signature':'c2ln'},{'type':'text','text':'before the edit'}]",
                "[{'type':'text','text':'edited'},{'type':'tool_use','id':'x','name':'clock','input':{}}]",
            })
    void a_state_that_does_not_fit_its_message_is_not_sent(String state) {
        Message edited = Message.assistant("edited").withProviderState("anthropic", q(state));
        JsonNode messages = sent(asking().message(edited).user("?")).path("messages");

        assertThat(messages.path(1).path("content")).isEqualTo(parse(q("[{'type':'text','text':'edited'}]")));
    }

    @Test
    void a_call_that_was_edited_goes_back_as_it_was_edited() {
        ToolCall edited = new ToolCall("toolu_1", "clock", "{\"zone\":\"***\"}");
        Message message = Message.assistant("", List.of(edited))
                .withProviderState(
                        "anthropic",
                        q("[{'type':'thinking','thinking':'Hm.','signature':'c2ln'},"
                                + "{'type':'tool_use','id':'toolu_1','name':'clock','input':{'zone':'mine'}}]"));
        JsonNode messages = sent(asking().tool(CLOCK).message(message).toolResult(edited, "noon"))
                .path("messages");

        assertThat(messages.path(1).path("content"))
                .isEqualTo(parse(q("[{'type':'tool_use','id':'toolu_1','name':'clock','input':{'zone':'***'}}]")));
    }

    @Test
    void an_answer_of_very_many_blocks_is_an_answer() {
        String content = IntStream.range(0, 1_500)
                .mapToObj(number -> "{'type':'text','text':'la '},")
                .collect(Collectors.joining());
        ChatResponse response = answered(
                answer(content + "{'type':'tool_use','id':'toolu_1','name':'clock','input':{'a':1}}", "tool_use"));

        assertThat(response.text()).isEqualTo("la ".repeat(1_500));
        assertThat(response.toolCalls()).containsExactly(new ToolCall("toolu_1", "clock", "{\"a\":1}"));
        assertThat(response.message().providerState()).isEmpty();
    }
}
