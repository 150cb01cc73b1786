package ai.orchestrator.scenarios;

import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer.ReceivedRequest;

/** Text generation: no roles, no names of models, and the whole text again at a stream's end. */
final class HuggingFaceTextWire implements Wire {

    @Override
    public boolean understands(ReceivedRequest request) {
        return request.path().equals("/v1")
                && request.body().contains("\"inputs\":\"")
                && request.body().contains(Way.QUESTION)
                && request.body().contains("\"return_full_text\":false");
    }

    @Override
    public String lastRole(ReceivedRequest request) {
        return request.body().contains("Assistant: ") ? "assistant" : "user";
    }

    @Override
    public String answer(String text, String model) {
        return """
            [{"generated_text":"%s","details":{"finish_reason":"eos_token","generated_tokens":60,"seed":null,\
            "prefill":[],"tokens":[]}}]""".formatted(text);
    }

    /** The length of the question is in a header. */
    @Override
    public Reply whole(String text, String model) {
        return Wire.super.whole(text, model).withHeader("x-prompt-tokens", "8");
    }

    private static String event(String text, boolean special, String end) {
        return """
            data:{"index":1,"token":{"id":1,"text":"%s","logprob":-0.1,"special":%s},%s}

            """.formatted(text, special, end);
    }

    @Override
    public String token(String text, String model) {
        return event(text, false, "\"generated_text\":null,\"details\":null");
    }

    @Override
    public String end(String model) {
        return event(
                "</s>",
                true,
                "\"generated_text\":\"" + Vendor.ANSWER + "\",\"details\":{\"finish_reason\":\"eos_token\","
                        + "\"generated_tokens\":60,\"seed\":null,\"input_length\":8}");
    }

    @Override
    public Reply error(Fault fault) {
        return switch (fault) {
            case LIMITED -> error(429, "\"Too Many Requests\"");
            case BROKEN -> error(500, "\"Internal Server Error\"");
            case DOWN -> error(503, "\"Service Unavailable\"");
        };
    }

    private static Reply error(int status, String fields) {
        return Reply.status(status, "{\"error\":" + fields + "}");
    }

    /** A model that is not there yet: of a limit's end nothing is said. */
    @Override
    public Reply limitedFor(int seconds) {
        return error(503, "\"Model scripted is currently loading\",\"estimated_time\":" + seconds + ".0");
    }

    @Override
    public Refusal tooLong() {
        String message = "Input validation error: `inputs` must have less than 8192 tokens. Given: 9000";
        return new Refusal(error(422, "\"" + message + "\",\"error_type\":\"validation\""), "validation", message);
    }

    @Override
    public Refusal refusal(boolean streamed, String model) {
        throw new UnsupportedOperationException("there is no policy");
    }
}
