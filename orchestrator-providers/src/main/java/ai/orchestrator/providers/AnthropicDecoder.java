package ai.orchestrator.providers;

import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.EventSink;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashSet;
import java.util.LinkedHashMap;
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

    /** An answer of more blocks goes back without its thoughts. */
    private static final int MAX_BLOCKS = 1_024;

    private static final String TEXT = "text";
    private static final String THINKING = "thinking";
    private static final String REDACTED = "redacted_thinking";
    private static final String TOOL_USE = "tool_use";

    /** Where a block is in the answer. */
    private record Place(int index, String type) {}

    /** A block that may have to go back. */
    private static final class Block {

        private final StringBuilder content = new StringBuilder();

        /** What signs the thinking, or hides it. */
        private final StringBuilder seal = new StringBuilder();
    }

    /** In the order in which they came. A call's content is kept elsewhere. */
    private final Map<Place, Block> blocks = new LinkedHashMap<>();

    private boolean tooManyBlocks;

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
            case TEXT -> say(index, textOf(block.path("text")));
            case THINKING -> {
                think(index, textOf(block.path("thinking")));
                seal(index, type, textOf(block.path("signature")));
            }
            case REDACTED -> {
                var unused = blockAt(index, type);
                seal(index, type, textOf(block.path("data")));
            }
            case TOOL_USE -> {
                toolBlocks.add(index);
                JsonNode input = block.path("input");
                toolCalls.piece(
                        index,
                        textOf(block.path("id")),
                        textOf(block.path("name")),
                        // Empty where the pieces follow.
                        input.isEmpty() ? "" : Json.text(input));
                var unused = blockAt(index, type);
            }
            default -> {
                // Tools that ran at the provider's, and their results, have no place in an answer.
            }
        }
    }

    private void delta(int index, JsonNode delta) {
        switch (textOf(delta.path("type"))) {
            case "text_delta" -> say(index, textOf(delta.path("text")));
            case "thinking_delta" -> think(index, textOf(delta.path("thinking")));
            case "signature_delta" -> seal(index, THINKING, textOf(delta.path("signature")));
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

    private Block blockAt(int index, String type) {
        Place place = new Place(index, type);
        Block block = blocks.get(place);
        if (block == null) {
            block = new Block();
            tooManyBlocks |= blocks.size() == MAX_BLOCKS;
            if (!tooManyBlocks) {
                blocks.put(place, block);
            }
        }
        return block;
    }

    private void say(int index, String text) {
        text(text);
        blockAt(index, TEXT).content.append(text);
    }

    private void think(int index, String thinking) {
        reasoning(thinking);
        blockAt(index, THINKING).content.append(thinking);
    }

    private void seal(int index, String type, String seal) {
        Block thought = blocks.get(new Place(index, type));
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

    /**
     * Thinking is refused when it comes back changed, in another place among the other blocks, or without its signature, which a limit on
     * tokens may have cut off. Mostly it comes first, and only what is thought in between takes the rest of the answer along.
     */
    @Override
    void beforeFinish() {
        ArrayNode thoughts = Json.object().arrayNode();
        ArrayNode all = Json.object().arrayNode();
        boolean inBetween = false;
        for (Map.Entry<Place, Block> entry : blocks.entrySet()) {
            Place place = entry.getKey();
            Block block = entry.getValue();
            switch (place.type()) {
                case TEXT -> {
                    if (!block.content.toString().isBlank()) {
                        all.addObject().put("type", TEXT).put("text", block.content.toString());
                    }
                }
                case TOOL_USE -> AnthropicDialect.write(toolCalls.called(place.index()), all.addObject());
                default -> {
                    if (!block.seal.isEmpty()) {
                        inBetween |= all.size() > thoughts.size();
                        ObjectNode thought = thought(place.type(), block);
                        thoughts.add(thought);
                        all.add(thought);
                    }
                }
            }
        }
        if (!thoughts.isEmpty() && !tooManyBlocks) {
            state(AnthropicDialect.NAME, Json.text(inBetween ? all : thoughts));
        }
    }

    private static ObjectNode thought(String type, Block block) {
        ObjectNode json = Json.object().put("type", type);
        return type.equals(REDACTED)
                ? json.put("data", block.seal.toString())
                : json.put("thinking", block.content.toString()).put("signature", block.seal.toString());
    }
}
