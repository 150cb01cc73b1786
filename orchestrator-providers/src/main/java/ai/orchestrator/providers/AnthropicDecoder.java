package ai.orchestrator.providers;

import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.EventSink;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads Anthropic's messages and the events that they are streamed in. For one thread at a time. */
final class AnthropicDecoder extends AnswerDecoder {

    /** What has its place in an answer or an event. Which stop sequence came has none. */
    private static final Set<String> KNOWN_FIELDS = Set.of(
            "id",
            "type",
            "role",
            "model",
            "content",
            "stop_reason",
            "stop_details",
            "usage",
            "error",
            "delta",
            "message");

    /** More than any model thinks in one answer. */
    private static final int MAX_THOUGHTS = 1_024;

    /** A block that the provider wants to see again: its thinking and what signs it, or what hides it. */
    private static final class Thought {

        private final String type;
        private final StringBuilder thinking = new StringBuilder();
        private final StringBuilder seal = new StringBuilder();

        private Thought(String type) {
            this.type = type;
        }

        private boolean isSealed() {
            return !seal.isEmpty();
        }

        private ObjectNode json() {
            ObjectNode json = Json.object().put("type", type);
            return type.equals("redacted_thinking")
                    ? json.put("data", seal.toString())
                    : json.put("thinking", thinking.toString()).put("signature", seal.toString());
        }
    }

    /** In the order in which they came. */
    private final List<Thought> thoughts = new ArrayList<>();

    private final Map<Integer, Thought> thoughtsByIndex = new HashMap<>();

    /** The blocks whose JSON is a call's: a tool that runs at the provider's has such pieces too. */
    private final Set<Integer> toolBlocks = new HashSet<>();

    private Usage usage = Usage.of(0, 0);
    private long uncached;
    private long written;
    private boolean stopped;

    AnthropicDecoder(AnswerHead head, EventSink sink) {
        super(head, sink);
    }

    @Override
    void whole(JsonNode body) {
        JsonNode content = body.path("content");
        if (!content.isArray()) {
            throw malformed("the answer has no content");
        }
        start(body);
        for (int index = 0; index < content.size(); index++) {
            block(index, content.path(index));
        }
        end(body, body.path("stop_details"));
        if (!isEnded()) {
            throw malformed("the answer has no stop reason");
        }
        usage(body.path("usage"));
    }

    @Override
    void piece(JsonNode event) {
        if (!event.isObject()) {
            throw malformed("a piece of the stream is no JSON object");
        }
        switch (textOf(event.path("type"))) {
            case "message_start" -> {
                start(event.path("message"));
                usage(event.path("message").path("usage"));
            }
            case "content_block_start" -> block(event.path("index").asInt(), event.path("content_block"));
            case "content_block_delta" -> delta(event.path("index").asInt(), event.path("delta"));
            case "message_delta" -> {
                JsonNode delta = event.path("delta");
                extra(event, KNOWN_FIELDS);
                extra(delta, KNOWN_FIELDS);
                JsonNode details = delta.path("stop_details");
                end(delta, details.isObject() ? details : event.path("stop_details"));
                usage(event.path("usage"));
                // Stop reason and usage are all there is: nobody waits for the end marker.
                stopped = isEnded() && event.path("usage").isObject();
            }
            case "message_stop" -> stopped = true;
            default -> {
                // Pings, ends of blocks, and what is yet to be invented: its versioning allows new events at any time.
            }
        }
    }

    /** Its own end counts: usage comes before it, and a first one already at the start. */
    @Override
    boolean isComplete() {
        return stopped;
    }

    /** A model that has nothing to add after a tool's result says nothing. */
    @Override
    boolean mayBeEmpty() {
        return true;
    }

    private void start(JsonNode message) {
        started(textOf(message.path("model")), textOf(message.path("id")));
        extra(message, KNOWN_FIELDS);
    }

    /** A whole block, or the beginning of a streamed one. */
    private void block(int index, JsonNode block) {
        String type = textOf(block.path("type"));
        switch (type) {
            case "text" -> text(textOf(block.path("text")));
            case "thinking" -> {
                think(index, type, textOf(block.path("thinking")));
                seal(index, textOf(block.path("signature")));
            }
            case "redacted_thinking" -> {
                think(index, type, "");
                seal(index, textOf(block.path("data")));
            }
            case "tool_use" -> {
                toolBlocks.add(index);
                JsonNode input = block.path("input");
                toolCalls.piece(
                        index,
                        textOf(block.path("id")),
                        textOf(block.path("name")),
                        // Empty where the pieces follow.
                        input.isEmpty() ? "" : Json.text(input));
            }
            default -> {
                // Tools that ran at the provider's, and their results, have no place in an answer.
            }
        }
    }

    private void delta(int index, JsonNode delta) {
        switch (textOf(delta.path("type"))) {
            case "text_delta" -> text(textOf(delta.path("text")));
            case "thinking_delta" -> think(index, "thinking", textOf(delta.path("thinking")));
            case "signature_delta" -> seal(index, textOf(delta.path("signature")));
            case "input_json_delta" -> {
                if (toolBlocks.contains(index)) {
                    toolCalls.piece(index, "", "", textOf(delta.path("partial_json")));
                }
            }
            default -> {
                // Citations have no place in an answer.
            }
        }
    }

    private void think(int index, String type, String thinking) {
        Thought thought = thoughtsByIndex.get(index);
        if (thought == null) {
            if (thoughts.size() == MAX_THOUGHTS) {
                throw malformed("the answer has more than " + MAX_THOUGHTS + " blocks of thinking");
            }
            thought = new Thought(type);
            thoughts.add(thought);
            thoughtsByIndex.put(index, thought);
        }
        thought.thinking.append(thinking);
        reasoning(thinking);
    }

    private void seal(int index, String seal) {
        Thought thought = thoughtsByIndex.get(index);
        if (thought != null) {
            count(seal.length());
            thought.seal.append(seal);
        }
    }

    private void end(JsonNode answer, JsonNode details) {
        String reason = textOf(answer.path("stop_reason"));
        if (reason.isEmpty()) {
            return;
        }
        if (reason.equals("refusal")) {
            String category = head.redaction().code(textOf(details.path("category")));
            throw filtered("the model refused" + (category.isEmpty() ? "" : ": " + category));
        }
        ended(
                switch (reason) {
                    case "end_turn", "stop_sequence" -> FinishReason.STOP;
                    case "max_tokens", "model_context_window_exceeded" -> FinishReason.LENGTH;
                    case "tool_use" -> FinishReason.TOOL_CALLS;
                    // pause_turn among them: a tool that runs at the provider's wants another turn.
                    default -> FinishReason.OTHER;
                });
    }

    /** Counts only grow, and each event has only some of them. */
    private void usage(JsonNode counts) {
        if (!counts.path("input_tokens").isNumber()
                && !counts.path("output_tokens").isNumber()) {
            return;
        }
        uncached = grown(uncached, counts.path("input_tokens"));
        written = grown(written, counts.path("cache_creation_input_tokens"));
        long cached = grown(usage.cachedTokens(), counts.path("cache_read_input_tokens"));
        usage = new Usage(
                sum(uncached, sum(written, cached)),
                grown(usage.outputTokens(), counts.path("output_tokens")),
                cached,
                grown(
                        usage.reasoningTokens(),
                        counts.path("output_tokens_details").path("thinking_tokens")));
        used(usage);
    }

    private static long grown(long before, JsonNode count) {
        return Math.max(before, Json.count(count));
    }

    /** Absurd counts must not become negative ones. */
    private static long sum(long a, long b) {
        return a > Long.MAX_VALUE - b ? Long.MAX_VALUE : a + b;
    }

    /** Thinking without its signature, which a limit on tokens may have cut off, would be refused. */
    @Override
    void beforeFinish() {
        ArrayNode blocks = Json.object().arrayNode();
        thoughts.stream().filter(Thought::isSealed).forEach(thought -> blocks.add(thought.json()));
        if (!blocks.isEmpty()) {
            state(AnthropicDialect.NAME, Json.text(blocks));
        }
    }
}
