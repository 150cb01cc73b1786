package ai.orchestrator.scenarios;

import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer.ReceivedRequest;
import ai.orchestrator.testkit.StreamScript;

/** Ollama's chat: one JSON object on each line, and errors of a text alone. */
final class OllamaWire implements Wire {

    @Override
    public boolean understands(ReceivedRequest request) {
        return request.path().equals("/api/chat")
                && request.body().contains("\"stream\":")
                && OpenAiWire.isQuestion(request.body());
    }

    @Override
    public String answer(String text, String model) {
        return message(text, model, "\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":8,\"eval_count\":60");
    }

    private static String message(String text, String model, String end) {
        return """
            {"model":"%s","created_at":"2026-01-01T00:00:00.000000001Z","message":{"role":"assistant","content":"%s"},%s}""".formatted(model, text, end);
    }

    @Override
    public Reply stream(StreamScript script) {
        return Reply.stream(script).withHeader("content-type", "application/x-ndjson");
    }

    @Override
    public String keepAlive() {
        return "";
    }

    @Override
    public String token(String text, String model) {
        return message(text, model, "\"done\":false") + "\n";
    }

    @Override
    public String end(String model) {
        return answer("", model) + "\n";
    }

    @Override
    public Reply error(Fault fault) {
        return switch (fault) {
            case LIMITED -> error(429, "too many requests");
            case BROKEN -> error(500, "broken");
            case DOWN -> error(503, "server busy, please try again.  maximum pending requests exceeded");
        };
    }

    private static Reply error(int status, String message) {
        return Reply.status(status, "{\"error\":\"" + message + "\"}");
    }

    @Override
    public Refusal tooLong() {
        String message = "the prompt is longer than the context length currently available to the model";
        return new Refusal(error(400, message), "", message);
    }

    @Override
    public Refusal refusal(boolean streamed, String model) {
        throw new UnsupportedOperationException("Ollama has no policy");
    }
}
