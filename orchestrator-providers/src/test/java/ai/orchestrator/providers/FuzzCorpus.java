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
                new FuzzCorpus("anthropic", AnthropicDialect::new, anthropic()),
                new FuzzCorpus("gemini", GeminiDialect::new, gemini()));
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
}
