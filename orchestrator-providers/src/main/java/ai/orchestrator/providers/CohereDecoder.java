package ai.orchestrator.providers;

import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads Cohere's answers and the events that they are streamed in. For one thread at a time. */
final class CohereDecoder extends AnswerDecoder {

    /** What has its place in an answer, or in an event that begins or ends one. */
    private static final Set<String> KNOWN_FIELDS =
            Set.of("id", "type", "index", "model", "message", "delta", "finish_reason", "usage", "error");

    /** All citations together; each repeats the whole document that it is from. */
    private static final int MAX_CITATION_CHARS = 1_048_576;

    private final String askedModel;
    private final StringBuilder plan = new StringBuilder();
    private final StringBuilder thinking = new StringBuilder();

    /** Which of the two grew last. */
    private @Nullable StringBuilder lastReasons;

    private final ArrayNode citations = Json.object().arrayNode();
    private int citationChars;

    /** Which call the index stands for. */
    private final Map<Integer, Integer> callsByIndex = new HashMap<>();

    private boolean stopped;

    CohereDecoder(String askedModel, AnswerHead head, EventSink sink) {
        super(head, sink);
        this.askedModel = askedModel;
    }

    @Override
    void whole(JsonNode body) {
        refuseError(body);
        JsonNode message = body.path("message");
        if (!message.isObject()) {
            throw malformed("the answer has no message");
        }
        start(body);
        plan(message);
        content(message.path("content"));
        message.path("tool_calls").forEach(call -> toolCall(toolCalls.size(), call));
        message.path("citations").forEach(this::cite);
        end(body);
        if (!isEnded()) {
            throw malformed("the answer has no finish reason");
        }
    }

    @Override
    void piece(JsonNode event) {
        if (!event.isObject()) {
            throw malformed("a piece of the stream is no JSON object");
        }
        refuseError(event);
        JsonNode delta = event.path("delta");
        JsonNode message = delta.path("message");
        String type = textOf(event.path("type"));
        if (message.isObject() && !type.equals("message-start")) {
            // Some gateways leave the first event out.
            started(askedModel, "");
        }
        switch (type) {
            case "message-start" -> start(event);
            case "content-start", "content-delta" -> content(message.path("content"));
            case "tool-plan-delta" -> plan(message);
            case "tool-call-start" -> {
                callsByIndex.put(event.path("index").asInt(), toolCalls.size());
                toolCall(toolCalls.size(), message.path("tool_calls"));
            }
            case "tool-call-delta" ->
                toolCall(
                        callsByIndex.getOrDefault(event.path("index").asInt(), toolCalls.size()),
                        message.path("tool_calls"));
            case "citation-start" -> cite(message.path("citations"));
            case "message-end" -> {
                start(event);
                end(delta);
                stopped = isEnded();
            }
            default -> {
                // Ends of blocks, and what is yet to be invented.
            }
        }
    }

    /** Nothing follows its last event: usage is in it. */
    @Override
    boolean isComplete() {
        return stopped;
    }

    /** Errors are flat: {@code {"id", "message"}}, with a text where an answer has an object. */
    private void refuseError(JsonNode body) {
        if (body.path("message").isTextual()) {
            throw head.error(body);
        }
    }

    private void start(JsonNode body) {
        String model = textOf(body.path("model"));
        started(model.isEmpty() ? askedModel : model, textOf(body.path("id")));
        extra(body, KNOWN_FIELDS);
    }

    private void plan(JsonNode message) {
        String text = textOf(message.path("tool_plan"));
        reason(plan, text);
    }

    /** All parts of the content, one, or a piece of one: pieces do not say what they are of. Gateways send a text for all. */
    private void content(JsonNode content) {
        if (content.isArray()) {
            content.forEach(this::content);
            return;
        }
        reason(thinking, textOf(content.path("thinking")));
        JsonNode text = content.isTextual() ? content : content.path("text");
        if (text.isTextual()) {
            text(text.asText());
        }
    }

    /** Plan and thoughts are one text to the caller, with a blank line between them. */
    private void reason(StringBuilder kind, String text) {
        if (text.isEmpty()) {
            return;
        }
        boolean follows = lastReasons != null && lastReasons != kind;
        lastReasons = kind;
        kind.append(text);
        reasoning(follows ? "\n\n" + text : text);
    }

    private void toolCall(int position, JsonNode call) {
        JsonNode function = call.path("function");
        toolCalls.piece(
                position, textOf(call.path("id")), textOf(function.path("name")), textOf(function.path("arguments")));
    }

    private void cite(JsonNode citation) {
        int length = citation.isObject() ? Json.text(citation).length() : 0;
        if (length > 0 && citationChars + length <= MAX_CITATION_CHARS) {
            citationChars += length;
            citations.add(citation);
        }
    }

    private void end(JsonNode body) {
        String reason = textOf(body.path("finish_reason"));
        String error = textOf(body.path("error"));
        if (reason.equals("TIMEOUT")) {
            throw head.failed(FailureKind.TIMEOUT, "the provider gave the model no more time");
        }
        if (reason.equals("ERROR_TOXIC")) {
            throw filtered("the provider's policy withheld the answer: " + reason);
        }
        if (!error.isBlank()) {
            throw head.error(Json.object().put("message", error));
        }
        switch (reason) {
            case "" -> {
                // No end.
            }
            case "COMPLETE", "STOP_SEQUENCE" -> ended(FinishReason.STOP);
            // The first version's word for a window that is full.
            case "MAX_TOKENS", "ERROR_LIMIT" -> ended(FinishReason.LENGTH);
            case "TOOL_CALL" -> ended(FinishReason.TOOL_CALLS);
            case "ERROR" -> throw head.failed(FailureKind.SERVER, "the provider ended the answer with an error");
            default -> ended(FinishReason.OTHER);
        }
        usage(body.path("usage"));
    }

    private void usage(JsonNode usage) {
        for (JsonNode counts : List.of(usage.path("tokens"), usage.path("billed_units"))) {
            if (counts.path("input_tokens").isNumber()
                    || counts.path("output_tokens").isNumber()) {
                used(new Usage(
                        Json.count(counts.path("input_tokens")),
                        Json.count(counts.path("output_tokens")),
                        Json.count(usage.path("cached_tokens")),
                        0));
                return;
            }
        }
    }

    @Override
    void beforeFinish() {
        if (!citations.isEmpty()) {
            extra(Json.object().<ObjectNode>set("citations", citations), Set.of());
        }
        ObjectNode state = Json.object();
        if (!plan.isEmpty()) {
            state.put("tool_plan", plan.toString());
        }
        if (!thinking.isEmpty()) {
            ArrayNode content = state.putArray("content");
            content.addObject().put("type", "thinking").put("thinking", thinking.toString());
        }
        if (!state.isEmpty()) {
            state(CohereDialect.STATE, Json.text(state));
        }
    }
}
