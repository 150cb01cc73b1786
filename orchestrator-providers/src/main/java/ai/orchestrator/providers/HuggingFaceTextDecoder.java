package ai.orchestrator.providers;

import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.EventSink;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Pattern;

/** Reads generated texts and streams of tokens. A text still has the stop sequence that ended it. For one thread at a time. */
final class HuggingFaceTextDecoder extends AnswerDecoder {

    private static final Set<String> KNOWN_FIELDS =
            Set.of("generated_text", "details", "index", "token", "top_tokens", "error");

    /** No more digits than any count has that {@link Json#count} takes. */
    private static final Pattern COUNT = Pattern.compile("\\d{1,15}");

    /** An answer names no model. */
    private final String model;

    private final StopSequences stop;

    /** How many came in a stream: each has a piece of its own. */
    private int tokens;

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
        if (token.isObject()) {
            tokens++;
        }
        if (!token.path("special").asBoolean()) {
            text(stop.accept(textOf(token.path("text"))));
        }
        // A server may see a sequence only where it ends with a token; what it goes on with is nobody's.
        if (event.path("generated_text").isTextual() || stop.isReached()) {
            end(event.path("details"));
        }
    }

    private void end(JsonNode details) {
        text(stop.rest());
        ended(stop.isReached() ? FinishReason.STOP : finishReason(textOf(details.path("finish_reason"))));
        OptionalLong output = counted(details.path("generated_tokens"), "x-generated-tokens");
        if (output.isPresent() || tokens > 0) {
            OptionalLong input = counted(details.path("input_length"), "x-prompt-tokens");
            used(Usage.of(input.orElse(0), output.orElse(tokens)));
        }
    }

    private static FinishReason finishReason(String word) {
        return switch (word) {
            case "eos_token", "stop_sequence" -> FinishReason.STOP;
            case "length" -> FinishReason.LENGTH;
            default -> FinishReason.OTHER;
        };
    }

    /** A count from the body, else from a header; empty if neither has one. */
    private OptionalLong counted(JsonNode count, String header) {
        if (count.isNumber()) {
            return OptionalLong.of(Json.count(count));
        }
        String value = head.headers().get(header);
        return value != null && COUNT.matcher(value).matches()
                ? OptionalLong.of(Long.parseLong(value))
                : OptionalLong.empty();
    }

    /** The generated text, or a stop sequence, ends the answer, with or without counts. */
    @Override
    boolean isComplete() {
        return isEnded();
    }
}
