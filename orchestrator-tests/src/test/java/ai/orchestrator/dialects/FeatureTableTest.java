package ai.orchestrator.dialects;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.RequestRejectedException;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.Content;
import ai.orchestrator.chat.Message;
import ai.orchestrator.chat.ReasoningEffort;
import ai.orchestrator.chat.ResponseFormat;
import ai.orchestrator.chat.Tool;
import ai.orchestrator.chat.ToolCall;
import ai.orchestrator.chat.ToolChoice;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.Retries;
import ai.orchestrator.testkit.ScriptedServer;
import ai.orchestrator.testkit.StreamScript;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The README's table of dialects and features, cell by cell: what says yes works, what says no is refused by name before it is sent. */
class FeatureTableTest {

    private static final Tool WEATHER = Tool.withoutArguments("weather", "The weather now.");
    private static final ToolCall CALL = new ToolCall("call_1", "weather", "{}");
    private static final String SCHEMA = "{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\"}}}";

    /** What a row promises: of requests, or of answers. */
    private record Feature(
            @Nullable ChatRequest request, @Nullable Predicate<ChatResponse> answer, boolean streamed) {

        private static Feature sends(ChatRequest.Builder request) {
            return new Feature(request.build(), null, false);
        }

        private static Feature reads(boolean streamed, Predicate<ChatResponse> answer) {
            return new Feature(null, answer, streamed);
        }
    }

    private static ChatRequest.Builder hello() {
        return ChatRequest.builder().user("hello");
    }

    private static final Map<String, Feature> FEATURES = Map.ofEntries(
            Map.entry("system message", Feature.sends(hello().system("be short"))),
            Map.entry(
                    "image, bytes",
                    Feature.sends(ChatRequest.builder().user(Content.Image.of("image/png", new byte[] {1})))),
            Map.entry(
                    "image, address",
                    Feature.sends(
                            ChatRequest.builder().user(Content.Image.at(URI.create("https://example.com/cat.png"))))),
            Map.entry("tools", Feature.sends(hello().tool(WEATHER))),
            Map.entry("tool choice", Feature.sends(hello().tool(WEATHER).toolChoice(new ToolChoice.Named("weather")))),
            Map.entry(
                    "tool results",
                    Feature.sends(hello().tool(WEATHER)
                            .message(Message.assistant("", List.of(CALL)))
                            .toolResult(CALL, "sunny"))),
            Map.entry("JSON", Feature.sends(hello().responseFormat(ResponseFormat.Plain.JSON))),
            Map.entry(
                    "JSON schema", Feature.sends(hello().responseFormat(new ResponseFormat.JsonSchema("out", SCHEMA)))),
            Map.entry("reasoning effort", Feature.sends(hello().reasoningEffort(ReasoningEffort.LOW))),
            Map.entry("temperature", Feature.sends(hello().temperature(0.5))),
            Map.entry("top-p", Feature.sends(hello().topP(0.5))),
            Map.entry("max tokens, stop", Feature.sends(hello().maxTokens(99).stop("END"))),
            Map.entry("seed", Feature.sends(hello().seed(7))),
            Map.entry("extra fields", Feature.sends(hello().extra("some_field", 1))),
            Map.entry("streaming", Feature.reads(true, answer -> answer.text().equals("fine"))),
            Map.entry(
                    "tool calls, streamed",
                    Feature.reads(
                            true, answer -> answer.toolCalls().get(0).name().equals("weather"))),
            Map.entry(
                    "reasoning text",
                    Feature.reads(false, answer -> answer.reasoning().equals("hmm"))),
            Map.entry(
                    "usage",
                    Feature.reads(
                            false,
                            answer -> answer.usage().orElseThrow().inputTokens() == 12
                                    && answer.usage().orElseThrow().outputTokens() >= 3)),
            Map.entry(
                    "cached tokens",
                    Feature.reads(false, answer -> answer.usage().orElseThrow().cachedTokens() == 2)),
            Map.entry(
                    "reasoning tokens",
                    Feature.reads(false, answer -> answer.usage().orElseThrow().reasoningTokens() == 1)),
            Map.entry(
                    "rate-limit state",
                    Feature.reads(
                            false,
                            answer -> answer.rateLimits().get(0).remaining().getAsLong() == 9)));

    /** What must be in the body that is sent, in the dialects of OpenAI, Anthropic and Gemini. */
    private record Sent(String openAi, String anthropic, String gemini) {

        private String by(String row, String type) {
            return switch (type) {
                case "ollama" -> Objects.requireNonNull(OLLAMA_SENT.get(row));
                case "cohere" -> COHERE_SENT.getOrDefault(row, openAi);
                case "huggingface-text" -> Objects.requireNonNull(HUGGING_FACE_TEXT_SENT.get(row));
                case "anthropic" -> anthropic;
                case "gemini" -> gemini;
                // Its own name.
                case "mistral" -> openAi.replace("'seed'", "'random_seed'");
                default -> openAi;
            };
        }
    }

    private static final Map<String, Sent> SENT = Map.ofEntries(
            Map.entry(
                    "system message",
                    new Sent(
                            "{'role':'system','content':'be short'}",
                            "'system':'be short'",
                            "'systemInstruction':{'parts':[{'text':'be short'}]}")),
            Map.entry(
                    "image, bytes",
                    new Sent(
                            "{'url':'data:image/png;base64,AQ=='}",
                            "{'type':'base64','media_type':'image/png','data':'AQ=='}",
                            "'inlineData':{'mimeType':'image/png','data':'AQ=='}")),
            Map.entry(
                    "image, address",
                    new Sent(
                            "{'url':'https://example.com/cat.png'}",
                            "{'type':'url','url':'https://example.com/cat.png'}",
                            "'fileUri':'https://example.com/cat.png'")),
            Map.entry(
                    "tools",
                    new Sent(
                            "'tools':[{'type':'function','function':{'name':'weather',",
                            "'tools':[{'name':'weather',",
                            "'functionDeclarations':[{'name':'weather',")),
            Map.entry(
                    "tool choice",
                    new Sent(
                            "'tool_choice':{'type':'function','function':{'name':'weather'}}",
                            "'tool_choice':{'type':'tool','name':'weather'}",
                            "'allowedFunctionNames':['weather']")),
            Map.entry(
                    "tool results",
                    new Sent("'content':'sunny'", "'content':'sunny'", "'response':{'result':'sunny'}")),
            Map.entry("JSON", new Sent("{'type':'json_object'}", "", "'responseMimeType':'application/json'")),
            Map.entry(
                    "JSON schema",
                    new Sent("'schema':" + SCHEMA, "'schema':" + SCHEMA, "'responseJsonSchema':" + SCHEMA)),
            Map.entry(
                    "reasoning effort",
                    new Sent("'reasoning_effort':'low'", "'effort':'low'", "'thinkingLevel':'low'")),
            Map.entry("temperature", new Sent("'temperature':0.5", "'temperature':0.5", "'temperature':0.5")),
            Map.entry("top-p", new Sent("'top_p':0.5", "'top_p':0.5", "'topP':0.5")),
            Map.entry(
                    "max tokens, stop",
                    new Sent("'stop':['END']", "'stop_sequences':['END']", "'stopSequences':['END']")),
            Map.entry("seed", new Sent("'seed':7", "", "'seed':7")),
            Map.entry("extra fields", new Sent("'some_field':1", "'some_field':1", "'some_field':1")));

    /** Where Cohere's differs from OpenAI's. */
    private static final Map<String, String> COHERE_SENT = Map.of(
            "tool choice", "'tool_choice':'REQUIRED'",
            "JSON schema", "'json_schema':" + SCHEMA,
            "reasoning effort", "'thinking':{'type':'enabled','token_budget':1024}",
            "top-p", "'p':0.5",
            "max tokens, stop", "'stop_sequences':['END']");

    private static final Map<String, String> OLLAMA_SENT = Map.ofEntries(
            Map.entry("system message", "{'role':'system','content':'be short'}"),
            Map.entry("image, bytes", "'images':['AQ==']"),
            Map.entry("tools", "'tools':[{'type':'function','function':{'name':'weather',"),
            Map.entry("tool results", "{'role':'tool','content':'sunny','tool_name':'weather'"),
            Map.entry("JSON", "'format':'json'"),
            Map.entry("JSON schema", "'format':" + SCHEMA),
            Map.entry("reasoning effort", "'think':'low'"),
            Map.entry("temperature", "'temperature':0.5"),
            Map.entry("top-p", "'top_p':0.5"),
            Map.entry("max tokens, stop", "'stop':['END']"),
            Map.entry("seed", "'seed':7"),
            Map.entry("extra fields", "'some_field':1"));

    private static final Map<String, String> HUGGING_FACE_TEXT_SENT = Map.ofEntries(
            Map.entry("system message", "'inputs':'be short\\n\\nhello'"),
            Map.entry("JSON schema", "'grammar':{'type':'json','value':" + SCHEMA + "}"),
            Map.entry("temperature", "'temperature':0.5"),
            Map.entry("top-p", "'top_p':0.5"),
            Map.entry("max tokens, stop", "'stop':['END']"),
            Map.entry("seed", "'seed':7"),
            Map.entry("extra fields", "'some_field':1"));

    private static final String OPENAI =
            "{\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"fine\","
                    + "\"reasoning_content\":\"hmm\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":12,"
                    + "\"completion_tokens\":3,\"prompt_tokens_details\":{\"cached_tokens\":2},"
                    + "\"completion_tokens_details\":{\"reasoning_tokens\":1}}}";
    private static final String OPENAI_STREAM =
            "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"fine\","
                    + "\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"weather\",\"arguments\":\"{}\"}}]}}]}\n\n"
                    + "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"
                    + "data: [DONE]\n\n";
    private static final String ANTHROPIC =
            "{\"id\":\"c\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":["
                    + "{\"type\":\"thinking\",\"thinking\":\"hmm\",\"signature\":\"s\"},{\"type\":\"text\",\"text\":\"fine\"}],"
                    + "\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":10,\"cache_read_input_tokens\":2,\"output_tokens\":3,"
                    + "\"output_tokens_details\":{\"thinking_tokens\":1}}}";
    private static final String ANTHROPIC_STREAM =
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"c\","
                    + "\"model\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}}\n\n"
                    + "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":"
                    + "{\"type\":\"text\",\"text\":\"\"}}\n\n"
                    + "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
                    + "{\"type\":\"text_delta\",\"text\":\"fine\"}}\n\n"
                    + "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
                    + "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":"
                    + "{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"weather\",\"input\":{}}}\n\n"
                    + "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n"
                    + "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},"
                    + "\"usage\":{\"output_tokens\":3}}\n\n"
                    + "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    private static final String GEMINI =
            "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"hmm\",\"thought\":true},"
                    + "{\"text\":\"fine\"}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":12,"
                    + "\"candidatesTokenCount\":3,\"cachedContentTokenCount\":2,\"thoughtsTokenCount\":1},\"modelVersion\":\"m\",\"responseId\":\"c\"}";
    private static final String GEMINI_STREAM =
            "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"fine\"},"
                    + "{\"functionCall\":{\"name\":\"weather\",\"args\":{}}}]},\"finishReason\":\"STOP\"}],\"usageMetadata\":"
                    + "{\"promptTokenCount\":12,\"candidatesTokenCount\":3}}\r\n\r\n";

    private static final String COHERE =
            "{\"id\":\"c\",\"message\":{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"hmm\"},"
                    + "{\"type\":\"text\",\"text\":\"fine\"}]},\"finish_reason\":\"COMPLETE\",\"usage\":{\"tokens\":"
                    + "{\"input_tokens\":12,\"output_tokens\":3},\"cached_tokens\":2}}";
    private static final String COHERE_STREAM =
            "event: message-start\ndata: {\"type\":\"message-start\",\"id\":\"c\"}\n\n"
                    + "event: content-delta\ndata: {\"type\":\"content-delta\",\"index\":0,\"delta\":{\"message\":{\"content\":"
                    + "{\"text\":\"fine\"}}}}\n\n"
                    + "event: tool-call-start\ndata: {\"type\":\"tool-call-start\",\"index\":0,\"delta\":{\"message\":{\"tool_calls\":"
                    + "{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":\"{}\"}}}}}\n\n"
                    + "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"TOOL_CALL\"}}\n\n";
    private static final String OLLAMA =
            "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"fine\",\"thinking\":\"hmm\"},"
                    + "\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":12,\"eval_count\":3}";
    private static final String OLLAMA_STREAM =
            "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"fine\"},\"done\":false}\n"
                    + "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"function\":"
                    + "{\"name\":\"weather\",\"arguments\":{}}}]},\"done\":true,\"done_reason\":\"stop\"}\n";

    private static final String HUGGING_FACE_TEXT =
            "[{\"generated_text\":\"fine\",\"details\":{\"finish_reason\":\"eos_token\",\"generated_tokens\":3}}]";
    private static final String HUGGING_FACE_TEXT_STREAM =
            "data:{\"index\":1,\"token\":{\"id\":1,\"text\":\"fine\",\"special\":false},\"generated_text\":\"fine\","
                    + "\"details\":{\"finish_reason\":\"length\",\"generated_tokens\":1,\"input_length\":12}}\n\n";

    private static Reply reply(String type, boolean streamed) {
        String body = switch (type) {
            case "ollama" -> streamed ? OLLAMA_STREAM : OLLAMA;
            case "huggingface-text" -> streamed ? HUGGING_FACE_TEXT_STREAM : HUGGING_FACE_TEXT;
            case "anthropic" -> streamed ? ANTHROPIC_STREAM : ANTHROPIC;
            case "gemini" -> streamed ? GEMINI_STREAM : GEMINI;
            case "cohere" -> streamed ? COHERE_STREAM : COHERE;
            default -> streamed ? OPENAI_STREAM : OPENAI;
        };
        Reply reply = streamed ? Reply.stream(StreamScript.empty().send(body)) : Reply.json(body);
        return switch (type) {
            case "anthropic" -> reply.withHeader("anthropic-ratelimit-requests-remaining", "9");
            case "cohere" -> reply.withHeader("x-trial-endpoint-call-remaining", "9");
            // Say nothing of their limits.
            case "gemini", "ollama" -> reply;
            case "huggingface-text" ->
                reply.withHeader("ratelimit", "\"api\";r=9;t=300").withHeader("x-prompt-tokens", "12");
            default -> reply.withHeader("x-ratelimit-remaining-requests", "9");
        };
    }

    private static List<List<String>> table() throws IOException {
        List<List<String>> rows = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of("..", "README.md"))) {
            if (line.startsWith("| feature |") || (!rows.isEmpty() && line.startsWith("|"))) {
                rows.add(Arrays.stream(line.split("\\|"))
                        .skip(1)
                        .map(String::strip)
                        .toList());
            } else if (!rows.isEmpty()) {
                return rows;
            }
        }
        return rows;
    }

    @Test
    void the_table_has_a_row_for_each_feature_and_names_each_type() throws IOException {
        List<List<String>> rows = table();
        assertThat(rows.stream().skip(2).map(row -> row.get(0))).containsExactlyInAnyOrderElementsOf(FEATURES.keySet());
        assertThat(rows.get(0).stream().skip(1).flatMap(FeatureTableTest::types))
                .containsExactlyInAnyOrder(
                        "openai",
                        "azure",
                        "groq",
                        "huggingface",
                        "mistral",
                        "openrouter",
                        "together",
                        "cerebras",
                        "xai",
                        "vllm",
                        "lmstudio",
                        "deepseek",
                        "anthropic",
                        "gemini",
                        "cohere",
                        "ollama",
                        "huggingface-text");
    }

    private static Stream<String> types(String column) {
        return Arrays.stream(column.replace("`", "").split(", "));
    }

    @TestFactory
    Stream<DynamicTest> each_cell_is_true() throws IOException {
        List<List<String>> rows = table();
        List<DynamicTest> tests = new ArrayList<>();
        for (List<String> row : rows.subList(2, rows.size())) {
            for (int column = 1; column < row.size(); column++) {
                String cell = row.get(column);
                types(rows.get(0).get(column))
                        .forEach(type -> tests.add(DynamicTest.dynamicTest(
                                row.get(0) + " of " + type + ": " + cell, () -> check(row.get(0), type, cell))));
            }
        }
        return tests.stream();
    }

    private static void check(String row, String type, String cell) {
        Feature feature = Objects.requireNonNull(FEATURES.get(row));
        assertThat(cell).isIn("yes", "no");
        try (ScriptedServer server = ScriptedServer.start().otherwise(reply(type, feature.streamed()));
                Orchestrator orchestrator = Orchestrator.builder()
                        .timeSource(new ManualTimeSource())
                        .provider(
                                "p",
                                p -> p.type(type)
                                        .baseUrl(server.baseUrl())
                                        .apiKey("any")
                                        .model("m-1")
                                        .retry(Retries.NONE))
                        .build()) {
            ChatRequest request = feature.request();
            if (request != null && cell.equals("no")) {
                assertThatThrownBy(() -> orchestrator.chat(request)).isInstanceOf(RequestRejectedException.class);
                assertThat(server.requestCount()).isZero();
            } else if (request != null) {
                assertThat(orchestrator.chat(request).text()).isEqualTo("fine");
                String body = server.awaitRequest().body();
                String expected = Objects.requireNonNull(SENT.get(row)).by(row, type);
                assertThat(body).contains(expected.replace('\'', '"'));
                request.maxTokens()
                        .ifPresent(
                                tokens -> assertThat(body).containsPattern("(okens|num_predict)\":" + tokens + "\\b"));
            } else {
                Predicate<ChatResponse> expected = Objects.requireNonNull(feature.answer());
                ChatResponse answer = feature.streamed() ? streamed(orchestrator) : orchestrator.chat("hello");
                if (cell.equals("yes")) {
                    assertThat(answer).matches(expected);
                } else {
                    assertThatThrownBy(() -> assertThat(answer).matches(expected))
                            .isInstanceOf(Throwable.class);
                }
            }
        }
    }

    private static ChatResponse streamed(Orchestrator orchestrator) {
        try (ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            return stream.response();
        }
    }
}
