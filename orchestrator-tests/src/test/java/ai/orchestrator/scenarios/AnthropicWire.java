package ai.orchestrator.scenarios;

import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer.ReceivedRequest;
import ai.orchestrator.testkit.StreamScript;

/** Messages, streamed as named events. */
final class AnthropicWire implements Wire {

    @Override
    public boolean understands(ReceivedRequest request) {
        return request.path().equals("/v1/messages")
                && request.headers().containsKey("anthropic-version")
                && request.body().contains("\"max_tokens\":")
                && request.body()
                        .contains("\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\""
                                + Way.QUESTION + "\"}]}");
    }

    @Override
    public String answer(String text, String model) {
        return message(model, "{\"type\":\"text\",\"text\":\"" + text + "\"}", "\"end_turn\"", 60);
    }

    private static String message(String model, String content, String stopReason, int tokens) {
        return """
            {"id":"msg_scripted","type":"message","role":"assistant","model":"%s","content":[%s],"stop_reason":%s,\
            "stop_sequence":null,"usage":{"input_tokens":8,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,\
            "output_tokens":%d}}""".formatted(model, content, stopReason, tokens);
    }

    private static String event(String name, String fields) {
        return "event: " + name + "\ndata: {\"type\":\"" + name + "\"" + fields + "}\n\n";
    }

    @Override
    public String start(String model) {
        return event("message_start", ",\"message\":" + message(model, "", "null", 1))
                + event("content_block_start", ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}");
    }

    @Override
    public String keepAlive() {
        return event("ping", "");
    }

    @Override
    public String token(String text, String model) {
        return event(
                "content_block_delta", ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" + text + "\"}");
    }

    @Override
    public String end(String model) {
        return event("content_block_stop", ",\"index\":0") + stopped("\"stop_reason\":\"end_turn\"", 60);
    }

    private static String stopped(String delta, int tokens) {
        return event("message_delta", ",\"delta\":{" + delta + "},\"usage\":{\"output_tokens\":" + tokens + "}");
    }

    @Override
    public String endMarker() {
        return event("message_stop", "");
    }

    @Override
    public Reply error(Fault fault) {
        return switch (fault) {
            case LIMITED -> error(429, "rate_limit_error", "too many requests");
            case BROKEN -> error(500, "api_error", "broken");
            case DOWN -> error(529, "overloaded_error", "down");
        };
    }

    private static Reply error(int status, String type, String message) {
        return Reply.status(status, """
                {"type":"error","error":{"type":"%s","message":"%s"},"request_id":"req_scripted"}""".formatted(type, message));
    }

    @Override
    public Refusal tooLong() {
        String message = "prompt is too long: 9000 tokens > 8192 maximum";
        return new Refusal(error(400, "invalid_request_error", message), "invalid_request_error", message);
    }

    /** An answer like any other but for its end. */
    @Override
    public Refusal refusal(boolean streamed, String model) {
        String refused = "\"stop_details\":{\"type\":\"refusal\",\"category\":\"cyber\"}";
        Reply reply = streamed
                ? stream(StreamScript.empty()
                        .send(event("message_start", ",\"message\":" + message(model, "", "null", 1))
                                + stopped("\"stop_reason\":\"refusal\"," + refused, 1)
                                + endMarker()))
                : Reply.json(message(model, "", "\"refusal\"," + refused, 1));
        return new Refusal(reply, "", "the model refused: cyber");
    }
}
