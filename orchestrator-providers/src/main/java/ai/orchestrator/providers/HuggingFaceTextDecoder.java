package ai.orchestrator.providers;

import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.EventSink;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Set;

/** Reads generated texts and streams of tokens. A text still has the stop sequence that ended it. For one thread at a time. */
final class HuggingFaceTextDecoder extends AnswerDecoder {

    private static final Set<String> KNOWN_FIELDS =
            Set.of("generated_text", "details", "index", "token", "top_tokens", "error");

    /** An answer names no model. */
    private final String model;

    private final StopSequences stop;

    HuggingFaceTextDecoder(String model, List<String> stopSequences, AnswerHead head, EventSink sink) {
        super(head, sink);
        this.model = model;
        this.stop = new StopSequences(stopSequences);
    }

    @Override
    void whole(JsonNode body) {
        JsonNode answer = body.isArray() ? first(body) : body;
        if (!answer.path("generated_text").isTextual()) {
            throw malformed("the answer has no generated text");
        }
        started(model, "");
        extra(answer, KNOWN_FIELDS);
        text(stop.accept(answer.path("generated_text").asText()));
        end(answer.path("details"));
    }

    @Override
    void piece(JsonNode event) {
        if (!event.path("token").isObject() && !event.path("generated_text").isTextual()) {
            throw malformed("a piece of the stream has no token");
        }
        started(model, "");
        extra(event, KNOWN_FIELDS);
        JsonNode token = event.path("token");
        if (!token.path("special").asBoolean()) {
            text(stop.accept(textOf(token.path("text"))));
        }
        if (event.path("generated_text").isTextual()) {
            end(event.path("details"));
        } else if (stop.isReached()) {
            // A server may see a sequence only where it ends with a token; what it goes on with is nobody's.
            ended(FinishReason.STOP);
        }
    }

    private void end(JsonNode details) {
        text(stop.rest());
        ended(stop.isReached() ? FinishReason.STOP : finishReason(textOf(details.path("finish_reason"))));
        JsonNode output = counted(details.path("generated_tokens"), "x-generated-tokens");
        if (output.isNumber()) {
            JsonNode input = counted(details.path("input_length"), "x-prompt-tokens");
            used(Usage.of(Json.count(input), Json.count(output)));
        }
    }

    private static FinishReason finishReason(String word) {
        return switch (word) {
            case "eos_token", "stop_sequence" -> FinishReason.STOP;
            case "length" -> FinishReason.LENGTH;
            default -> FinishReason.OTHER;
        };
    }

    /** A count from the body, else from a header. */
    private JsonNode counted(JsonNode count, String header) {
        String value = head.headers().get(header);
        JsonNode node = value == null ? null : Json.parse(value);
        return count.isNumber() || node == null ? count : node;
    }

    /** The generated text, or a stop sequence, ends the answer, with or without counts. */
    @Override
    boolean isComplete() {
        return isEnded();
    }
}
