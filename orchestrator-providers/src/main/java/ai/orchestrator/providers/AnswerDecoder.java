package ai.orchestrator.providers;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Turns one answer's JSON into events. Whoever reads the answer calls {@link #whole} once, or {@link #piece} for each piece until {@link
 * #isComplete}, and then {@link #finish}. For one thread at a time.
 */
abstract class AnswerDecoder {

    /** A larger answer is not one: the longest that models write are below a megabyte. */
    static final long MAX_ANSWER_CHARS = 16L * 1024 * 1024;

    private static final int MAX_EXTRA_FIELDS = 64;
    private static final int MAX_EXTRA_CHARS = 65_536;

    final AnswerHead head;
    final ToolCalls toolCalls = new ToolCalls(this);

    private final EventSink sink;
    private final Map<String, JsonNode> extra = new LinkedHashMap<>();
    private boolean keepsExtra = true;
    private String responseId = "";
    private long chars;
    private boolean started;
    private boolean spoke;
    private boolean usageCame;
    private @Nullable FinishReason finishReason;

    AnswerDecoder(AnswerHead head, EventSink sink) {
        this.head = head;
        this.sink = sink;
    }

    // ---- For whoever reads the answer

    /** Reads a complete answer. */
    abstract void whole(JsonNode body);

    /** Reads a piece of a stream. */
    abstract void piece(JsonNode data);

    /**
     * Reads a piece of a stream.
     *
     * @param length how many characters it had
     */
    final void piece(JsonNode data, int length) {
        // 64 large ones would be more memory than an answer may take.
        keepsExtra = length <= MAX_EXTRA_CHARS;
        piece(data);
    }

    /** Whether the model's own end has come: what may follow is only the count of tokens. */
    final boolean isEnded() {
        return finishReason != null;
    }

    /** Whether nothing that follows is worth waiting for. */
    boolean isComplete() {
        return isEnded() && usageCame;
    }

    /**
     * Reports the end.
     *
     * @throws ProviderException of kind TRUNCATED if the model's own end has not come, MALFORMED if it said nothing
     */
    final void finish() {
        if (finishReason == null) {
            throw head.failed(FailureKind.TRUNCATED, "the answer ended before it was complete");
        }
        toolCalls.complete();
        if (!spoke && finishReason == FinishReason.STOP && !mayBeEmpty()) {
            throw head.failed(FailureKind.MALFORMED, "the answer has no content");
        }
        beforeFinish();
        Map<String, Object> fields = new LinkedHashMap<>();
        extra.forEach((name, value) -> {
            Object plain = Json.plain(withoutKey(value));
            if (plain != null) {
                fields.put(head.redaction().withoutKey(name), plain);
            }
        });
        if (!fields.isEmpty()) {
            sink.event(new ChatEvent.Extra(fields));
        }
        boolean calls = finishReason == FinishReason.STOP && !toolCalls.isEmpty();
        sink.event(new ChatEvent.Finished(calls ? FinishReason.TOOL_CALLS : finishReason));
    }

    /** The same but for the key, where a server repeats it. */
    private JsonNode withoutKey(JsonNode value) {
        String text = Json.text(value);
        String safe = head.redaction().withoutKey(text);
        return safe.equals(text) ? value : Optional.ofNullable(Json.parse(safe)).orElse(NullNode.getInstance());
    }

    /** Whether an answer without any content is one. */
    boolean mayBeEmpty() {
        return false;
    }

    /** Reports what is known only at the end. */
    void beforeFinish() {}

    // ---- For the dialects

    /** Reports what answers, once. */
    final void started(String model, String id) {
        if (!started) {
            started = true;
            responseId = head.redaction().id(id);
            sink.event(new ChatEvent.Started(head.redaction().id(model), responseId, head.requestId()));
        }
    }

    final void text(String text) {
        spoke = true;
        if (!text.isEmpty()) {
            count(text.length());
            sink.event(new ChatEvent.Text(text));
        }
    }

    final void reasoning(String text) {
        if (!text.isEmpty()) {
            spoke = true;
            count(text.length());
            sink.event(new ChatEvent.Reasoning(text));
        }
    }

    final void toolCall(ChatEvent.Piece event, int length) {
        spoke = true;
        count(length);
        sink.event(event);
    }

    final void used(Usage usage) {
        usageCame = true;
        sink.event(new ChatEvent.Used(usage));
    }

    final void state(String dialect, String json) {
        sink.event(new ChatEvent.State(dialect, json));
    }

    /** The model's own end. */
    final void ended(FinishReason reason) {
        if (finishReason == null) {
            // A count that came before is not the last one.
            usageCame = false;
        }
        finishReason = reason;
    }

    /** What tells this answer from others of the same conversation, for ids that are made up. */
    String uniquePart() {
        return responseId;
    }

    /** Keeps what the model of answers has no place for. */
    final void extra(JsonNode body, Set<String> known) {
        for (Map.Entry<String, JsonNode> field :
                keepsExtra ? body.properties() : Set.<Map.Entry<String, JsonNode>>of()) {
            String name = field.getKey();
            if (!known.contains(name)
                    && !field.getValue().isNull()
                    && (extra.containsKey(name) || extra.size() < MAX_EXTRA_FIELDS)) {
                extra.put(name, field.getValue());
            }
        }
    }

    final void count(int length) {
        chars += length;
        if (chars > MAX_ANSWER_CHARS) {
            throw head.failed(FailureKind.MALFORMED, "the answer is longer than " + MAX_ANSWER_CHARS + " characters");
        }
    }

    /** The text of a string; empty for anything else. */
    static String textOf(JsonNode node) {
        return node.isTextual() ? node.asText() : "";
    }

    /** The first of several answers; missing if there is none. Others come only to those who ask for several. */
    static JsonNode first(JsonNode answers) {
        for (JsonNode answer : answers) {
            if (answer.path("index").asInt(0) == 0) {
                return answer;
            }
        }
        return answers.path(answers.size());
    }

    final ProviderException malformed(String what) {
        return head.failed(FailureKind.MALFORMED, what);
    }

    final ProviderException filtered(String what) {
        return head.failed(FailureKind.CONTENT_FILTERED, what);
    }
}
