package ai.orchestrator.providers;

import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads generateContent's answers. A stream's chunks have the same form, and without {@code alt=sse} they come as one array. For one thread
 * at a time.
 */
final class GeminiDecoder extends AnswerDecoder {

    private static final Set<String> KNOWN_FIELDS =
            Set.of("candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId", "error");

    /** The answer's own parts as they came, for the next turn; unsigned texts that follow each other are joined. */
    private final ArrayNode parts = Json.object().putArray("parts");

    /** Unsigned text that is not among the parts yet. */
    private final StringBuilder unsigned = new StringBuilder();

    private boolean signed;

    /** Each chunk counts from the start, so the last one that has counts is right. */
    private @Nullable Usage usage;

    private boolean complete;

    GeminiDecoder(AnswerHead head, EventSink sink) {
        super(head, sink);
    }

    @Override
    void whole(JsonNode body) {
        if (body.isArray()) {
            body.forEach(this::element);
            return;
        }
        piece(body);
        if (!isEnded()) {
            throw malformed("the answer has no finish reason");
        }
    }

    private void element(JsonNode chunk) {
        if (ErrorFacts.isError(chunk)) {
            throw head.error(chunk);
        }
        piece(chunk);
    }

    @Override
    void piece(JsonNode chunk) {
        if (!chunk.isObject()) {
            throw malformed("a piece of the answer is no JSON object");
        }
        started(textOf(chunk.path("modelVersion")), textOf(chunk.path("responseId")));
        extra(chunk, KNOWN_FIELDS);
        JsonNode candidate = first(chunk.path("candidates"));
        String blocked = textOf(chunk.path("promptFeedback").path("blockReason"));
        if (candidate.isMissingNode() && !blocked.isEmpty()) {
            throw filtered("the provider's policy refused the prompt: "
                    + head.redaction().code(blocked));
        }
        candidate.path("content").path("parts").forEach(this::part);
        boolean counted = usage(chunk.path("usageMetadata"));
        end(textOf(candidate.path("finishReason")));
        complete = isEnded() && counted;
    }

    private void part(JsonNode part) {
        String signature = textOf(part.path("thoughtSignature"));
        count(signature.length());
        JsonNode call = part.path("functionCall");
        JsonNode text = part.path("text");
        if (call.isObject()) {
            JsonNode args = call.path("args");
            toolCalls.piece(
                    toolCalls.size(),
                    textOf(call.path("id")),
                    textOf(call.path("name")),
                    args.isContainerNode() ? Json.text(args) : "");
            ObjectNode own = Json.object();
            own.set("functionCall", call);
            keep(own, signature);
        } else if (part.path("thought").asBoolean()) {
            reasoning(textOf(text));
        } else if (text.isTextual()) {
            text(text.asText());
            keepText(text.asText(), signature);
        } else if (!signature.isEmpty() && part.size() == 1) {
            // A part without content would be refused when it comes back.
            keepText("", signature);
        }
        // Others, such as code that the provider ran, have no place in an answer.
    }

    private void keepText(String text, String signature) {
        if (signature.isEmpty()) {
            unsigned.append(text);
        } else {
            keep(Json.object().put("text", text), signature);
        }
    }

    private void keep(ObjectNode part, String signature) {
        keepUnsigned();
        if (!signature.isEmpty()) {
            signed = true;
            part.put("thoughtSignature", signature);
        }
        parts.add(part);
    }

    private void keepUnsigned() {
        if (!unsigned.isEmpty()) {
            parts.addObject().put("text", unsigned.toString());
            unsigned.setLength(0);
        }
    }

    private void end(String reason) {
        switch (reason) {
            case "", "FINISH_REASON_UNSPECIFIED" -> {
                // The answer goes on.
            }
            case "STOP" -> ended(FinishReason.STOP);
            case "MAX_TOKENS" -> ended(FinishReason.LENGTH);
            case "SAFETY",
                    "RECITATION",
                    "PROHIBITED_CONTENT",
                    "BLOCKLIST",
                    "SPII",
                    "IMAGE_SAFETY",
                    "IMAGE_PROHIBITED_CONTENT",
                    "IMAGE_RECITATION" -> throw filtered("the provider's policy withheld the answer: " + reason);
            case "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS" ->
                throw head.failed(FailureKind.TOOL_GENERATION, reason);
            case "MALFORMED_RESPONSE" -> throw malformed(reason);
            default -> ended(FinishReason.OTHER);
        }
    }

    private boolean usage(JsonNode counts) {
        if (!counts.path("promptTokenCount").isNumber()
                && !counts.path("candidatesTokenCount").isNumber()) {
            return false;
        }
        long thoughts = Json.count(counts.path("thoughtsTokenCount"));
        usage = new Usage(
                Json.count(counts.path("promptTokenCount")),
                Json.count(counts.path("candidatesTokenCount")) + thoughts,
                Json.count(counts.path("cachedContentTokenCount")),
                thoughts);
        return true;
    }

    @Override
    boolean isComplete() {
        return complete;
    }

    @Override
    void beforeFinish() {
        if (usage != null) {
            used(usage);
        }
        if (signed) {
            keepUnsigned();
            state(GeminiDialect.STATE, Json.text(parts));
        }
    }
}
