package ai.orchestrator.scenarios;

import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer.ReceivedRequest;

/** Chat completions. */
class OpenAiWire implements Wire {

    @Override
    public boolean understands(ReceivedRequest request) {
        return request.path().equals("/v1/chat/completions") && isQuestion(request.body());
    }

    static boolean isQuestion(String body) {
        return body.contains("\"messages\":[{\"role\":\"user\",\"content\":\"" + Way.QUESTION + "\"}");
    }

    @Override
    public String answer(String text, String model) {
        return """
            {"id":"chatcmpl-scripted","object":"chat.completion","created":1,"model":"%s","choices":[{"index":0,\
            "message":{"role":"assistant","content":"%s"},"finish_reason":"stop"}],\
            "usage":{"prompt_tokens":8,"completion_tokens":60,"total_tokens":68}}""".formatted(model, text);
    }

    @Override
    public String token(String text, String model) {
        return named(Reply.token(text), model);
    }

    @Override
    public String end(String model) {
        return named(Reply.tokensEnd(Vendor.WORDS), model).replace(endMarker(), "");
    }

    private static String named(String chunk, String model) {
        return chunk.replace("scripted-1", model);
    }

    @Override
    public String endMarker() {
        return "data: [DONE]\n\n";
    }

    @Override
    public Reply error(Fault fault) {
        return switch (fault) {
            case LIMITED -> Reply.error(429, "rate_limit_exceeded", "too many requests");
            case BROKEN -> Reply.error(500, "server_error", "broken");
            case DOWN -> Reply.error(503, "server_is_overloaded", "down");
        };
    }

    @Override
    public Refusal tooLong() {
        return refused("context_length_exceeded", "8192 tokens at most");
    }

    @Override
    public Refusal refusal(boolean streamed, String model) {
        return refused("content_policy_violation", "not about that");
    }

    private static Refusal refused(String code, String message) {
        return new Refusal(Reply.error(400, code, message), code, message);
    }
}
