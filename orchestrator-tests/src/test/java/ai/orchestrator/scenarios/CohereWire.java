package ai.orchestrator.scenarios;

import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer.ReceivedRequest;

/** Cohere's chat, second version, streamed as named events; answers do not name their model. */
final class CohereWire implements Wire {

    private static final String USAGE = "\"usage\":{\"billed_units\":{\"input_tokens\":5,\"output_tokens\":60},"
            + "\"tokens\":{\"input_tokens\":8,\"output_tokens\":60}}";

    @Override
    public boolean understands(ReceivedRequest request) {
        return request.path().equals("/v1/chat") && OpenAiWire.isQuestion(request.body());
    }

    @Override
    public String answer(String text, String model) {
        return """
            {"id":"scripted","message":{"role":"assistant","content":[{"type":"text","text":"%s"}]},\
            "finish_reason":"COMPLETE",%s}""".formatted(text, USAGE);
    }

    private static String event(String name, String fields) {
        return "event: " + name + "\ndata: {\"type\":\"" + name + "\"" + fields + "}\n\n";
    }

    @Override
    public String start(String model) {
        return event(
                        "message-start",
                        ",\"id\":\"scripted\",\"delta\":{\"message\":{\"role\":\"assistant\",\"content\":[],"
                                + "\"tool_plan\":\"\",\"tool_calls\":[],\"citations\":[]}}")
                + event(
                        "content-start",
                        ",\"index\":0,\"delta\":{\"message\":{\"content\":{\"type\":\"text\",\"text\":\"\"}}}");
    }

    @Override
    public String token(String text, String model) {
        return event("content-delta", ",\"index\":0,\"delta\":{\"message\":{\"content\":{\"text\":\"" + text + "\"}}}");
    }

    @Override
    public String end(String model) {
        return event("content-end", ",\"index\":0")
                + event("message-end", ",\"delta\":{\"finish_reason\":\"COMPLETE\"," + USAGE + "}");
    }

    @Override
    public String endMarker() {
        return "data: [DONE]\n\n";
    }

    @Override
    public Reply error(Fault fault) {
        return switch (fault) {
            case LIMITED -> error(429, "too many requests");
            case BROKEN -> error(500, "broken");
            case DOWN -> error(503, "down");
        };
    }

    private static Reply error(int status, String message) {
        return Reply.status(status, "{\"id\":\"scripted\",\"message\":\"" + message + "\"}");
    }

    @Override
    public Refusal tooLong() {
        String message = "too many tokens: total number of tokens in the prompt cannot exceed 8192";
        return new Refusal(error(400, message), "", message);
    }

    @Override
    public Refusal refusal(boolean streamed, String model) {
        String message = "blocked input: not about that";
        return new Refusal(error(498, message), "", message);
    }
}
