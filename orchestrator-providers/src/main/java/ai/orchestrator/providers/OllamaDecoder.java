package ai.orchestrator.providers;

import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.Set;

/** Reads Ollama's answers, and the lines of its streams, which have the same form. For one thread at a time. */
final class OllamaDecoder extends AnswerDecoder {

    private static final Set<String> KNOWN_FIELDS =
            Set.of("model", "created_at", "message", "done", "done_reason", "prompt_eval_count", "eval_count", "error");

    private final StringBuilder thoughts = new StringBuilder();

    /** Answers have no id, but their time is exact to the nanosecond. */
    private String createdAt = "";

    OllamaDecoder(AnswerHead head, EventSink sink) {
        super(head, sink);
    }

    @Override
    void whole(JsonNode body) {
        piece(body);
        if (!isEnded()) {
            throw malformed("the answer is not marked as done");
        }
    }

    @Override
    void piece(JsonNode line) {
        if (!line.path("message").isObject() && !line.path("done").isBoolean()) {
            throw malformed("a piece of the answer has neither a message nor an end");
        }
        if (createdAt.isEmpty()) {
            createdAt = textOf(line.path("created_at"));
        }
        started(textOf(line.path("model")), "");
        extra(line, KNOWN_FIELDS);
        message(line.path("message"));
        if (line.path("done").asBoolean()) {
            end(textOf(line.path("done_reason")));
            usage(line);
        }
    }

    private void message(JsonNode message) {
        String thinking = textOf(message.path("thinking"));
        thoughts.append(thinking);
        reasoning(thinking);
        JsonNode content = message.path("content");
        if (content.isTextual()) {
            text(content.asText());
        }
        for (JsonNode call : message.path("tool_calls")) {
            JsonNode function = call.path("function");
            JsonNode arguments = function.path("arguments");
            // Calls come whole, and some versions give each one the index 0.
            toolCalls.piece(
                    toolCalls.size(),
                    textOf(call.path("id")),
                    textOf(function.path("name")),
                    arguments.isContainerNode() ? Json.text(arguments) : textOf(arguments));
        }
    }

    private void end(String reason) {
        switch (reason) {
            // Servers before May 2024 give none.
            case "", "stop" -> ended(FinishReason.STOP);
            case "length" -> ended(FinishReason.LENGTH);
            case "load" -> throw head.failed(FailureKind.MODEL_LOADING, "the model was loaded, but did not answer");
            default -> ended(FinishReason.OTHER);
        }
    }

    private void usage(JsonNode line) {
        JsonNode input = line.path("prompt_eval_count");
        JsonNode output = line.path("eval_count");
        if (input.isNumber() || output.isNumber()) {
            used(new Usage(Json.count(input), Json.count(output), 0, 0));
        }
    }

    /** Nothing comes after the line that says so. */
    @Override
    boolean isComplete() {
        return isEnded();
    }

    @Override
    String uniquePart() {
        return createdAt;
    }

    @Override
    void beforeFinish() {
        if (!toolCalls.isEmpty() && !thoughts.isEmpty()) {
            state(OllamaDialect.STATE, Json.text(Json.object().put("thinking", thoughts.toString())));
        }
    }
}
