package ai.orchestrator.scenarios;

import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer.ReceivedRequest;
import ai.orchestrator.testkit.StreamScript;

/** The Gemini API, whose streams have neither names nor an end marker, and whose hints are in the body. */
final class GeminiWire implements Wire {

    @Override
    public boolean understands(ReceivedRequest request) {
        return request.path().matches("/v1/models/[^/]+:(generateContent|streamGenerateContent\\?alt=sse)")
                && request.body()
                        .contains("\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"" + Way.QUESTION + "\"}]}");
    }

    @Override
    public String answer(String text, String model) {
        return chunk(candidate(text, ",\"finishReason\":\"STOP\""), 60, model);
    }

    private static String candidate(String text, String end) {
        return "\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"" + text + "\"}],\"role\":\"model\"}" + end
                + ",\"index\":0}]";
    }

    private static String chunk(String what, int tokens, String model) {
        return """
            {%s,"usageMetadata":{"promptTokenCount":8,"candidatesTokenCount":%d,"totalTokenCount":%d},\
            "modelVersion":"%s","responseId":"scripted"}""".formatted(what, tokens, 8 + tokens, model);
    }

    private static String event(String chunk) {
        return "data: " + chunk + "\r\n\r\n";
    }

    @Override
    public String keepAlive() {
        return ": one moment\r\n\r\n";
    }

    @Override
    public String token(String text, String model) {
        return event(chunk(candidate(text, ""), 1, model));
    }

    @Override
    public String end(String model) {
        return event(answer("", model));
    }

    @Override
    public Reply error(Fault fault) {
        return switch (fault) {
            case LIMITED -> error(429, "RESOURCE_EXHAUSTED", "too many requests", "");
            case BROKEN -> error(500, "INTERNAL", "broken", "");
            case DOWN -> error(503, "UNAVAILABLE", "down", "");
        };
    }

    private static Reply error(int status, String name, String message, String details) {
        return Reply.status(status, """
                {"error":{"code":%d,"message":"%s","status":"%s","details":[%s]}}""".formatted(status, message, name, details));
    }

    @Override
    public Reply limitedFor(int seconds) {
        return error(
                429,
                "RESOURCE_EXHAUSTED",
                "too many requests",
                "{\"@type\":\"type.googleapis.com/google.rpc.RetryInfo\",\"retryDelay\":\"" + seconds + "s\"}");
    }

    @Override
    public Refusal tooLong() {
        String message = "The input token count (9000) exceeds the maximum number of tokens allowed (8192).";
        return new Refusal(error(400, "INVALID_ARGUMENT", message, ""), "INVALID_ARGUMENT", message);
    }

    /** A success without an answer. */
    @Override
    public Refusal refusal(boolean streamed, String model) {
        String body = chunk("\"promptFeedback\":{\"blockReason\":\"PROHIBITED_CONTENT\"}", 0, model);
        return new Refusal(
                streamed ? stream(StreamScript.empty().send(event(body))) : Reply.json(body),
                "",
                "refused the prompt: PROHIBITED_CONTENT");
    }
}
