package ai.orchestrator.benchmarks;

import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** What OpenAI would answer, to the byte, with the headers that it sends. */
final class CannedAnswers {

    private static final String HEADERS = """
            date: Mon, 23 Nov 2026 12:00:00 GMT
            openai-organization: benchmark
            openai-processing-ms: 391
            openai-version: 2020-10-01
            x-ratelimit-limit-requests: 10000
            x-ratelimit-limit-tokens: 2000000
            x-ratelimit-remaining-requests: 9999
            x-ratelimit-remaining-tokens: 1999983
            x-ratelimit-reset-requests: 6ms
            x-ratelimit-reset-tokens: 0s
            x-request-id: req_0123456789abcdef0123456789abcdef
            """;

    private static final String COMPLETION = """
            {"id":"chatcmpl-0123456789","object":"chat.completion","created":1795435200,"model":"gpt-5-mini-2026-08-07",\
            "choices":[{"index":0,"message":{"role":"assistant","content":"Because air scatters blue light more than red.",\
            "refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],\
            "usage":{"prompt_tokens":13,"completion_tokens":10,"total_tokens":23,\
            "prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},\
            "completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,\
            "rejected_prediction_tokens":0}},"service_tier":"default","system_fingerprint":"fp_0123456789"}
            """;

    private static final String UNAVAILABLE =
            "{\"error\":{\"message\":\"The server is overloaded.\",\"type\":\"server_error\",\"param\":null,\"code\":null}}";

    private CannedAnswers() {}

    /** A completion as a whole. */
    static byte[] completion() {
        return whole("200 OK", COMPLETION);
    }

    /** A failure that another provider may not have. */
    static byte[] unavailable() {
        return whole("503 Service Unavailable", UNAVAILABLE);
    }

    /** The head of a stream and its first token. */
    static byte[] streamBegins() {
        return (head("200 OK", "text/event-stream") + "transfer-encoding: chunked\r\n\r\n"
                        + chunk(event("Because", null)))
                .getBytes(StandardCharsets.US_ASCII);
    }

    /** What follows {@link #streamBegins()}. */
    static byte[] streamEnds() {
        return (chunk(event(" of Rayleigh.", null)) + chunk(event("", "stop")) + chunk("data: [DONE]\n\n") + chunk(""))
                .getBytes(StandardCharsets.US_ASCII);
    }

    private static String event(String text, @Nullable String finishReason) {
        return """
                data: {"id":"chatcmpl-0123456789","object":"chat.completion.chunk","created":1795435200,\
                "model":"gpt-5-mini-2026-08-07","service_tier":"default","system_fingerprint":"fp_0123456789",\
                "choices":[{"index":0,"delta":{"content":"%s"},"logprobs":null,"finish_reason":%s}]}

                """.formatted(text, finishReason == null ? "null" : '"' + finishReason + '"');
    }

    private static String chunk(String text) {
        return Integer.toHexString(text.length()) + "\r\n" + text + "\r\n";
    }

    private static byte[] whole(String status, String json) {
        return (head(status, "application/json") + "content-length: " + json.length() + "\r\n\r\n" + json)
                .getBytes(StandardCharsets.US_ASCII);
    }

    private static String head(String status, String contentType) {
        return ("HTTP/1.1 " + status + "\ncontent-type: " + contentType + "\n" + HEADERS).replace("\n", "\r\n");
    }
}
