package ai.orchestrator.providers;

import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.ProviderTarget;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Function;
import okhttp3.Headers;
import org.jspecify.annotations.Nullable;

/**
 * Answers of one dialect as its servers send them.
 *
 * @param name the dialect's provider type
 * @param factory makes the dialect
 * @param samples answers, streams and errors
 */
record FuzzCorpus(String name, Function<ProviderTarget, Dialect> factory, List<Sample> samples) {

    /**
     * One answer.
     *
     * @param what what it is
     * @param text what an unharmed one says; null if it is a failure
     * @param toolCalls how many tool calls an unharmed one has
     */
    record Sample(
            String what,
            Delivery delivery,
            int status,
            Headers headers,
            String body,
            @Nullable String text,
            int toolCalls) {

        byte[] bytes() {
            return body.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public String toString() {
            return what;
        }
    }

    private static final Headers HEADERS = Headers.of(
            "content-type", "application/json",
            "date", "Thu, 01 Jan 2026 00:00:00 GMT",
            "x-request-id", "req_1",
            "x-ratelimit-limit-requests", "60",
            "x-ratelimit-remaining-requests", "0",
            "x-ratelimit-reset-requests", "1m2.5s");

    private static final Headers ERROR_HEADERS = HEADERS.newBuilder()
            .add("retry-after", "3")
            .add("retry-after-ms", "2500")
            .add("ratelimit", "\"api\";r=0;t=300")
            .add("ratelimit-policy", "\"api\";q=500;w=300")
            .build();

    /** One for each dialect. */
    static List<FuzzCorpus> all() {
        return List.of(
                new FuzzCorpus("openai", target -> new OpenAiDialect(target, OpenAiPreset.OPENAI), openAi()),
                new FuzzCorpus("azure", target -> new OpenAiDialect(target, OpenAiPreset.AZURE), azure()),
                new FuzzCorpus("anthropic", AnthropicDialect::new, anthropic()),
                new FuzzCorpus("gemini", GeminiDialect::new, gemini()),
                new FuzzCorpus("cohere", CohereDialect::new, cohere()),
                new FuzzCorpus("ollama", OllamaDialect::new, ollama()),
                new FuzzCorpus("huggingface-text", HuggingFaceTextDialect::new, huggingFaceText()));
    }

    Dialect dialect(ProviderTarget target) {
        return factory.apply(target);
    }

    @Override
    public String toString() {
        return name;
    }

    static Sample whole(String what, String body, String text, int toolCalls) {
        return new Sample(what, Delivery.WHOLE, 200, HEADERS, body, text, toolCalls);
    }

    static Sample stream(String what, String body, String text, int toolCalls) {
        return new Sample(what, Delivery.STREAMED, 200, HEADERS, body, text, toolCalls);
    }

    static Sample failedStream(String what, String body) {
        return new Sample(what, Delivery.STREAMED, 200, HEADERS, body, null, 0);
    }

    static Sample error(int status, String body) {
        return new Sample("error " + status, Delivery.WHOLE, status, ERROR_HEADERS, body, null, 0);
    }

    private static List<Sample> openAi() {
        String head = "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m-1\",";
        String end = head + "\"choices\":[],\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":3,\"total_tokens\":11,"
                + "\"prompt_tokens_details\":{\"cached_tokens\":4},"
                + "\"completion_tokens_details\":{\"reasoning_tokens\":1}}}\n\ndata: [DONE]\n\n";
        return List.of(
                whole("whole answer", """
                        {"id":"c1","object":"chat.completion","created":1,"model":"m-1","system_fingerprint":"fp",
                        "choices":[{"index":0,"message":{"role":"assistant","content":"Größe: 3 €","refusal":null,
                        "reasoning_content":"Let me think."},"logprobs":null,"finish_reason":"stop"}],
                        "usage":{"prompt_tokens":8,"completion_tokens":3,"total_tokens":11,
                        "prompt_tokens_details":{"cached_tokens":4},
                        "completion_tokens_details":{"reasoning_tokens":1}}}
                        """, "Größe: 3 €", 0),
                whole("whole tool calls", """
                        {"id":"c2","model":"m-1","choices":[{"index":0,"message":{"role":"assistant","content":null,
                        "tool_calls":[{"id":"t1","type":"function","function":{"name":"weather",
                        "arguments":"{\\"city\\":\\"Köln\\"}"}},{"id":"t2","type":"function",
                        "function":{"name":"time","arguments":{"zone":"UTC"}}}]},"finish_reason":"tool_calls"}]}
                        """, "", 2),
                whole("whole answer in parts", """
                        {"id":"c3","model":"m-1","choices":[{"index":0,"message":{"role":"assistant","content":[
                        {"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"One"},
                        {"type":"text","text":" two"}]},"finish_reason":"length"}],"x_groq":{"usage":
                        {"prompt_tokens":1,"completion_tokens":2}}}
                        """, "One two", 0),
                stream(
                        "stream",
                        ": PROCESSING\n\n" + head
                                + "\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
                                + "\"finish_reason\":null}]}\n\n" + head
                                + "\"choices\":[{\"index\":0,\"delta\":{\"reasoning\":\"hm\"},\"finish_reason\":null}]}\n\n"
                                + head
                                + "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Größe\"},\"finish_reason\":null}]}\n\n"
                                + head
                                + "\"choices\":[{\"index\":0,\"delta\":{\"content\":\": 3 €\"},\"finish_reason\":null}]}\n\n"
                                + head + "\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
                                + end,
                        "Größe: 3 €",
                        0),
                stream(
                        "stream of tool calls",
                        head
                                + "\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"t1\","
                                + "\"type\":\"function\",\"function\":{\"name\":\"weather\",\"arguments\":\"\"}}]}}]}\r\n\r\n"
                                + head
                                + "\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":"
                                + "{\"arguments\":\"{\\\"city\\\":\"}}]}}]}\r\n\r\n" + head
                                + "\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":"
                                + "{\"arguments\":\"\\\"Köln\\\"}\"}},{\"index\":1,\"id\":\"t2\",\"function\":"
                                + "{\"name\":\"time\",\"arguments\":\"{}\"}}]}}]}\r\n\r\n" + head
                                + "\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\r\n\r\n"
                                + end,
                        "",
                        2),
                failedStream(
                        "error inside a stream",
                        head + "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Half\"}}]}\n\n"
                                + "event: error\ndata: {\"error\":{\"message\":\"Overloaded\",\"type\":\"server_error\","
                                + "\"code\":\"overloaded\",\"status_code\":503}}\n\n"),
                failedStream(
                        "error field",
                        "error: {\"code\":500,\"message\":\"out of memory\",\"type\":\"server_error\"}\n\n"),
                failedStream(
                        "bare error over several lines",
                        "{\n  \"error\": {\n    \"code\": 429,\n    \"message\": \"slow down\",\n"
                                + "    \"status\": \"RESOURCE_EXHAUSTED\",\n    \"details\": [{\"@type\": "
                                + "\"type.googleapis.com/google.rpc.RetryInfo\", \"retryDelay\": \"12.5s\"}]\n  }\n}\n"),
                error(
                        429,
                        "{\"error\":{\"message\":\"Rate limit reached for sk-planted-secret-1234567890. Please try again"
                                + " in 2s.\",\"type\":\"tokens\",\"param\":null,\"code\":\"rate_limit_exceeded\"}}"),
                error(
                        503,
                        "{\"error\":\"Model m is currently loading\",\"error_type\":\"overloaded\",\"estimated_time\":20.5}"),
                error(
                        400,
                        "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long\","
                                + "\"details\":{\"error_code\":\"x\"}},\"request_id\":\"req_2\"}"),
                error(
                        429,
                        "[{\"error\":{\"code\":429,\"message\":\"quota\",\"status\":\"RESOURCE_EXHAUSTED\",\"details\":["
                                + "{\"@type\":\"type.googleapis.com/google.rpc.QuotaFailure\",\"violations\":[{\"quotaId\":"
                                + "\"GenerateRequestsPerDayPerProjectPerModel-FreeTier\"}]},{\"@type\":"
                                + "\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"36s\"}]}}]"),
                error(
                        422,
                        "{\"detail\":[{\"loc\":[\"body\",\"messages\"],\"msg\":\"field required\",\"type\":\"missing\"}]}"),
                error(
                        502,
                        "{\"error\":{\"code\":502,\"message\":\"Provider returned error\",\"metadata\":{\"error_type\":"
                                + "\"provider_unavailable\",\"provider_code\":\"x\",\"raw\":\"{}\"}},\"user_id\":\"u\"}"));
    }

    private static List<Sample> azure() {
        String head =
                "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"model\":\"m-1\",\"choices\":[{\"index\":0,";
        String safe = "\"content_filter_results\":{\"hate\":{\"filtered\":false,\"severity\":\"safe\"}}";
        return List.of(
                whole(
                        "whole answer with filter results",
                        "{\"id\":\"c1\",\"model\":\"m-1\",\"prompt_filter_results\":[{\"prompt_index\":0," + safe
                                + "}],"
                                + "\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"," + safe
                                + ",\"message\":{\"role\":\"assistant\",\"content\":\"Größe\"}}],"
                                + "\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":3}}",
                        "Größe",
                        0),
                stream(
                        "stream with the asynchronous filter",
                        "data: {\"id\":\"\",\"model\":\"\",\"choices\":[],\"prompt_filter_results\":[{\"prompt_index\":0,"
                                + safe + "}]}\n\n" + head
                                + "\"delta\":{\"content\":\"Größe\"},\"finish_reason\":null}]}\n\n"
                                + "data: {\"id\":\"\",\"model\":\"\",\"choices\":[{\"index\":0,\"finish_reason\":null,"
                                + safe
                                + ",\"content_filter_offsets\":{\"check_offset\":44,\"start_offset\":44,\"end_offset\":198}}],"
                                + "\"usage\":null}\n\n" + head
                                + "\"content_filter_result\":{\"error\":{\"code\":\"content_filter_error\",\"message\":"
                                + "\"The contents are not filtered\"}},\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
                                + "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":3}}\n\n"
                                + "data: [DONE]\n\n",
                        "Größe",
                        0),
                failedStream(
                        "stream that the filter ends",
                        head + "\"delta\":{\"content\":\"Half\"}}]}\n\n" + head
                                + "\"delta\":{},\"finish_reason\":\"content_filter\"}]}\n\n"),
                error(
                        400,
                        "{\"error\":{\"message\":\"The response was filtered.\",\"type\":null,\"param\":\"prompt\","
                                + "\"code\":\"content_filter\",\"status\":400,\"innererror\":{\"code\":"
                                + "\"ResponsibleAIPolicyViolation\",\"content_filter_result\":{}}}}"),
                error(
                        429,
                        "{\"error\":{\"code\":\"RateLimitReached\",\"message\":\"Please retry after 24 seconds.\","
                                + "\"details\":\"Please retry after 24 seconds.\"}}"),
                error(401, "{\"statusCode\":401,\"message\":\"Unauthorized.\"}"));
    }

    private static List<Sample> anthropic() {
        String start = event(
                "message_start",
                "\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m-1\",\"content\":[],"
                        + "\"stop_reason\":null,\"usage\":{\"input_tokens\":8,\"cache_read_input_tokens\":4,"
                        + "\"output_tokens\":1}}");
        String end = event(
                        "message_delta",
                        "\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":9}")
                + "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
        return List.of(
                whole("whole answer", """
                        {"id":"msg_1","type":"message","role":"assistant","model":"m-1","content":[
                        {"type":"thinking","thinking":"Let me think.","signature":"c2ln"},
                        {"type":"text","text":"Größe: 3 €"}],"stop_reason":"end_turn","stop_sequence":null,
                        "usage":{"input_tokens":8,"cache_creation_input_tokens":1,"cache_read_input_tokens":4,
                        "output_tokens":9,"service_tier":"standard"}}
                        """, "Größe: 3 €", 0),
                whole("whole tool calls", """
                        {"id":"msg_2","type":"message","role":"assistant","model":"m-1","content":[
                        {"type":"text","text":"One"},{"type":"tool_use","id":"toolu_1","name":"weather",
                        "input":{"city":"Köln"}},{"type":"tool_use","id":"toolu_2","name":"time","input":{}}],
                        "stop_reason":"tool_use","usage":{"input_tokens":8,"output_tokens":9}}
                        """, "One", 2),
                stream(
                        "stream",
                        start
                                + event(
                                        "content_block_start",
                                        "\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}")
                                + "event: ping\ndata: {\"type\": \"ping\"}\n\n"
                                + event(
                                        "content_block_delta",
                                        "\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}")
                                + event(
                                        "content_block_delta",
                                        "\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"c2ln\"}")
                                + event("content_block_stop", "\"index\":0")
                                + event(
                                        "content_block_start",
                                        "\"index\":1,\"content_block\":{\"type\":\"text\",\"text\":\"\"}")
                                + event(
                                        "content_block_delta",
                                        "\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"Größe\"}")
                                + event(
                                        "content_block_delta",
                                        "\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\": 3 €\"}")
                                + event("content_block_stop", "\"index\":1")
                                + end,
                        "Größe: 3 €",
                        0),
                stream(
                        "stream of tool calls",
                        start
                                + event(
                                        "content_block_start",
                                        "\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_1\","
                                                + "\"name\":\"weather\",\"input\":{}}")
                                + event(
                                        "content_block_delta",
                                        "\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"city\\\":\"}")
                                + event(
                                        "content_block_delta",
                                        "\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"\\\"Köln\\\"}\"}")
                                + event("content_block_stop", "\"index\":0")
                                + end.replace("end_turn", "tool_use"),
                        "",
                        1),
                failedStream(
                        "error inside a stream",
                        start
                                + event(
                                        "content_block_start",
                                        "\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"Half\"}")
                                + event(
                                        "error",
                                        "\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}")),
                failedStream("refusal", start + end.replace("end_turn", "refusal")),
                error(
                        529,
                        "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"},"
                                + "\"request_id\":\"req_2\"}"));
    }

    private static String event(String type, String fields) {
        return "event: " + type + "\ndata: {\"type\":\"" + type + "\"," + fields + "}\n\n";
    }

    private static List<Sample> gemini() {
        return List.of(
                whole("whole answer", """
                        {"candidates":[{"content":{"role":"model","parts":[{"text":"hm","thought":true},
                        {"text":"Größe: 3 €","thoughtSignature":"c2ln"}]},"finishReason":"STOP","index":0}],
                        "usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":3,"thoughtsTokenCount":6,
                        "cachedContentTokenCount":4,"totalTokenCount":17},"modelVersion":"m-1","responseId":"r1"}
                        """, "Größe: 3 €", 0),
                whole("whole tool calls", """
                        {"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"weather",
                        "args":{"city":"Köln"}},"thoughtSignature":"c2ln"},{"functionCall":{"id":"f2","name":"time",
                        "args":{}}}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":8},"responseId":"r2"}
                        """, "", 2),
                stream(
                        "stream",
                        chunk("{\"text\":\"hm\",\"thought\":true}", "")
                                + chunk("{\"text\":\"Größe\"}", "")
                                + chunk("{\"text\":\": 3 €\"}", ",\"finishReason\":\"STOP\""),
                        "Größe: 3 €",
                        0),
                stream(
                        "stream of tool calls",
                        chunk("{\"functionCall\":{\"name\":\"weather\",\"args\":{\"city\":\"Köln\"}}}", "")
                                + chunk(
                                        "{\"functionCall\":{\"name\":\"time\",\"args\":{}}}",
                                        ",\"finishReason\":\"STOP\""),
                        "",
                        2),
                failedStream(
                        "error after a piece",
                        chunk("{\"text\":\"Half\"}", "")
                                + "{\r\n  \"error\": {\r\n    \"code\": 503,\r\n    \"status\": \"UNAVAILABLE\"\r\n  }\r\n}\r\n"),
                failedStream("safety", chunk("{\"text\":\"Half\"}", ",\"finishReason\":\"SAFETY\"")),
                failedStream("blocked prompt", "data: {\"promptFeedback\":{\"blockReason\":\"SAFETY\"}}\r\n\r\n"),
                error(
                        400,
                        "{\"error\":{\"code\":400,\"message\":\"API key not valid.\",\"status\":\"INVALID_ARGUMENT\",\"details\":"
                                + "[{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\",\"reason\":\"API_KEY_INVALID\"}]}}"));
    }

    private static String chunk(String part, String more) {
        return "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[" + part + "]}" + more
                + ",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":8,\"candidatesTokenCount\":3},"
                + "\"modelVersion\":\"m-1\",\"responseId\":\"r1\"}\r\n\r\n";
    }

    private static List<Sample> cohere() {
        String start =
                event("message-start", "\"id\":\"c1\",\"delta\":{\"message\":{\"role\":\"assistant\",\"content\":[]}}");
        String end = event(
                        "message-end",
                        "\"delta\":{\"finish_reason\":\"COMPLETE\",\"usage\":{\"billed_units\":{\"input_tokens\":8,"
                                + "\"output_tokens\":3},\"tokens\":{\"input_tokens\":70,\"output_tokens\":5},\"cached_tokens\":64}}")
                + "data: [DONE]\n\n";
        return List.of(
                whole("whole answer", """
                        {"id":"c1","message":{"role":"assistant","content":[{"type":"thinking","thinking":"hm"},
                        {"type":"text","text":"Größe: 3 €"}],"citations":[{"start":0,"end":5,"text":"Größe",
                        "sources":[{"type":"document","id":"doc:1","document":{"id":"doc:1","text":"t"}}]}]},
                        "finish_reason":"COMPLETE","usage":{"billed_units":{"input_tokens":8,"output_tokens":3},
                        "tokens":{"input_tokens":70,"output_tokens":5},"cached_tokens":64}}
                        """, "Größe: 3 €", 0),
                whole("whole tool calls", """
                        {"id":"c2","message":{"role":"assistant","tool_plan":"Both.","tool_calls":[{"id":"t1",
                        "type":"function","function":{"name":"weather","arguments":"{\\"city\\":\\"Köln\\"}"}},
                        {"id":"t2","type":"function","function":{"name":"time","arguments":"null"}}]},
                        "finish_reason":"TOOL_CALL","usage":{"billed_units":{"input_tokens":8}}}
                        """, "", 2),
                stream(
                        "stream",
                        start
                                + contentPiece("content-start", "\"type\":\"thinking\",\"thinking\":\"\"")
                                + contentPiece("content-delta", "\"thinking\":\"hm\"")
                                + event("content-end", "\"index\":0")
                                + contentPiece("content-delta", "\"text\":\"Größe\"")
                                + contentPiece("content-delta", "\"text\":\": 3 €\"")
                                + event(
                                        "citation-start",
                                        "\"index\":0,\"delta\":{\"message\":{\"citations\":{\"start\":0,\"end\":5,\"sources\":[]}}}")
                                + end,
                        "Größe: 3 €",
                        0),
                stream(
                        "stream of tool calls",
                        start
                                + event("tool-plan-delta", "\"delta\":{\"message\":{\"tool_plan\":\"Both.\"}}")
                                + callPiece(
                                        "tool-call-start",
                                        0,
                                        "\"id\":\"t1\",\"type\":\"function\",",
                                        "\"name\":\"weather\",\"arguments\":\"\"")
                                + callPiece("tool-call-delta", 0, "", "\"arguments\":\"{\\\"city\\\":\"")
                                + callPiece("tool-call-delta", 0, "", "\"arguments\":\"\\\"Köln\\\"}\"")
                                + event("tool-call-end", "\"index\":0")
                                + callPiece(
                                        "tool-call-start",
                                        1,
                                        "\"id\":\"t2\",\"type\":\"function\",",
                                        "\"name\":\"time\",\"arguments\":\"{}\"")
                                + end.replace("COMPLETE", "TOOL_CALL"),
                        "",
                        2),
                failedStream(
                        "error at the end",
                        start
                                + contentPiece("content-delta", "\"text\":\"Half\"")
                                + event(
                                        "message-end",
                                        "\"delta\":{\"finish_reason\":\"ERROR\",\"error\":\"it broke\"}")),
                failedStream("toxic", start + end.replace("COMPLETE", "ERROR_TOXIC")),
                failedStream("flat error", start + "data: {\"id\":\"e1\",\"message\":\"service unavailable\"}\n\n"),
                error(
                        429,
                        "{\"id\":\"e1\",\"message\":\"You are using a Trial key, which is limited to 20 API calls / minute.\"}"));
    }

    private static String contentPiece(String type, String content) {
        return event(type, "\"index\":0,\"delta\":{\"message\":{\"content\":{" + content + "}}}");
    }

    private static String callPiece(String type, int index, String fields, String function) {
        return event(
                type,
                "\"index\":" + index + ",\"delta\":{\"message\":{\"tool_calls\":{" + fields + "\"function\":{"
                        + function + "}}}}");
    }

    private static List<Sample> huggingFaceText() {
        String details = "\"details\":{\"finish_reason\":\"eos_token\",\"generated_tokens\":3,\"seed\":null,";
        return List.of(
                whole(
                        "whole answer",
                        "[{\"generated_text\":\"Größe: 3 €\"," + details + "\"prefill\":[],\"tokens\":[]}}]",
                        "Größe: 3 €",
                        0),
                whole("whole answer without details", "{\"generated_text\":\"Größe\"}", "Größe", 0),
                stream(
                        "stream",
                        huggingFaceToken("Größe", false, "\"generated_text\":null,\"details\":null")
                                + ":\n\n"
                                + huggingFaceToken(": 3 €", false, "\"generated_text\":null,\"details\":null")
                                + huggingFaceToken(
                                        "</s>",
                                        true,
                                        "\"generated_text\":\"Größe: 3 €\"," + details + "\"input_length\":8}"),
                        "Größe: 3 €",
                        0),
                failedStream(
                        "error inside a stream",
                        huggingFaceToken("Half", false, "\"generated_text\":null")
                                + "data:{\"error\":\"Request failed during generation\",\"error_type\":\"generation\"}\n\n"),
                error(503, "{\"error\":\"Model some/model is currently loading\",\"estimated_time\":20.5}"),
                error(
                        422,
                        "{\"error\":\"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096\","
                                + "\"error_type\":\"validation\"}"),
                error(400, "{\"error\":[\"Error in `parameters.top_p`\"],\"warnings\":[\"w\"]}"));
    }

    private static String huggingFaceToken(String text, boolean special, String more) {
        return "data:{\"index\":1,\"token\":{\"id\":7,\"text\":\"" + text + "\",\"logprob\":-0.5,\"special\":" + special
                + "}," + more + "}\n\n";
    }

    private static List<Sample> ollama() {
        return List.of(
                whole("whole answer", """
                        {"model":"m-1","created_at":"2026-01-01T00:00:00.5Z","message":{"role":"assistant",
                        "content":"Größe: 3 €","thinking":"hm"},"done":true,"done_reason":"stop","load_duration":5,
                        "prompt_eval_count":8,"eval_count":3}
                        """, "Größe: 3 €", 0),
                whole("whole tool calls", """
                        {"model":"m-1","created_at":"2026-01-01T00:00:00.5Z","message":{"role":"assistant","content":"",
                        "tool_calls":[{"id":"t1","function":{"index":0,"name":"weather","arguments":{"city":"Köln"}}},
                        {"function":{"name":"time","arguments":{}}}]},"done":true,"done_reason":"stop"}
                        """, "", 2),
                stream(
                        "stream",
                        ollamaLine("\"content\":\"\",\"thinking\":\"hm\"", false)
                                + ollamaLine("\"content\":\"Größe\"", false)
                                + ollamaLine("\"content\":\": 3 €\"", false)
                                + ollamaLine("\"content\":\"\"", true),
                        "Größe: 3 €",
                        0),
                stream(
                        "stream of tool calls",
                        ollamaLine(
                                        "\"content\":\"\",\"tool_calls\":[{\"id\":\"t1\",\"function\":{\"index\":0,"
                                                + "\"name\":\"weather\",\"arguments\":{\"city\":\"Köln\"}}}]",
                                        false)
                                + ollamaLine(
                                        "\"content\":\"\",\"tool_calls\":[{\"function\":{\"name\":\"time\"}}]", true),
                        "",
                        2),
                failedStream(
                        "error after a piece",
                        ollamaLine("\"content\":\"Half\"", false) + "{\"error\":\"the runner has terminated\"}\n"),
                failedStream(
                        "error over several lines",
                        "{\n  \"error\": {\n    \"code\": 503,\n    \"message\": \"busy\"\n  }\n}\n"),
                error(404, "{\"error\":\"model 'm' not found\"}"));
    }

    private static String ollamaLine(String message, boolean done) {
        return "{\"model\":\"m-1\",\"created_at\":\"2026-01-01T00:00:00.5Z\",\"message\":{\"role\":\"assistant\","
                + message + "},\"done\":" + done
                + (done ? ",\"done_reason\":\"stop\",\"prompt_eval_count\":8,\"eval_count\":3" : "") + "}\n";
    }
}
