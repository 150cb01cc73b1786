package ai.orchestrator.providers;

import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * JSON in and out. What is read is limited: to 2 million tokens, and by Jackson itself to 1,000 levels, 20 million characters in a string,
 * and 1,000 digits in a number.
 */
final class Json {

    /** An empty object takes two tokens on the wire and some 80 bytes in memory: 16 MB of them would be half a gigabyte. */
    private static final long MAX_TOKENS = 2_000_000;

    /** How deep {@link ai.orchestrator.chat.ChatEvent.Extra} takes them. */
    private static final int MAX_PLAIN_DEPTH = 64;

    /** Trailing tokens are a fault: half a proxy's error page after an answer must not pass for one. */
    private static final ObjectMapper MAPPER = new ObjectMapper(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxTokenCount(MAX_TOKENS)
                            .build())
                    // The default keeps its buffers by thread, which virtual threads never use twice.
                    .recyclerPool(JsonRecyclerPools.newConcurrentDequePool())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private static final long MAX_COUNT = 1_000_000_000_000_000L;

    private Json() {}

    static ObjectNode object() {
        return MAPPER.createObjectNode();
    }

    /** What the text says; null if it is empty or not JSON. */
    static @Nullable JsonNode parse(String text) {
        try {
            JsonNode node = MAPPER.readTree(text);
            return node == null || node.isMissingNode() ? null : node;
        } catch (IOException e) {
            // Its message would repeat what was read.
            return null;
        }
    }

    /** What the bytes say; null if they are empty or not JSON. */
    static @Nullable JsonNode parse(byte[] bytes) {
        try {
            JsonNode node = MAPPER.readTree(bytes);
            return node == null || node.isMissingNode() ? null : node;
        } catch (IOException e) {
            // An error page, or half an answer.
            return null;
        }
    }

    /**
     * A JSON object that the caller wrote as text.
     *
     * @param what it is, for the message
     * @throws ProviderException of kind BAD_REQUEST if it is not one
     */
    static ObjectNode callersObject(String what, String text) {
        JsonNode node = parse(text);
        if (node instanceof ObjectNode object) {
            return object;
        }
        throw badRequest(
                what + " must be a JSON object, as text, but is " + (node == null ? "not JSON" : "other JSON"));
    }

    /**
     * A tool call's arguments as an object, for dialects that want one: a model may have written something else, and must be shown it to mend
     * it.
     *
     * @return the arguments; those that are no JSON object as the text {@code arguments} of one
     */
    static ObjectNode arguments(String text) {
        if (text.isBlank()) {
            return object();
        }
        return parse(text) instanceof ObjectNode object ? object : object().put("arguments", text);
    }

    /** A request that cannot be sent. */
    static ProviderException badRequest(String message) {
        return ProviderException.builder(FailureKind.BAD_REQUEST, message)
                .mayHaveBeenProcessed(false)
                .build();
    }

    static byte[] bytes(ObjectNode json) {
        try {
            return MAPPER.writeValueAsBytes(json);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException("a tree of JSON values is always writable", e);
        }
    }

    static String text(JsonNode json) {
        return json.toString();
    }

    static JsonNode tree(@Nullable Object value) {
        return MAPPER.valueToTree(value);
    }

    /** A tree as maps, lists and plain values; null if it is nested more than 64 deep, or has a number that no double can hold. */
    static @Nullable Object plain(JsonNode node) {
        return isPlain(node, MAX_PLAIN_DEPTH) ? plainValue(node) : null;
    }

    private static @Nullable Object plainValue(JsonNode node) {
        if (node.isObject()) {
            Map<String, @Nullable Object> map = new LinkedHashMap<>();
            for (Map.Entry<String, JsonNode> field : node.properties()) {
                map.put(field.getKey(), plainValue(field.getValue()));
            }
            return map;
        }
        if (node.isArray()) {
            List<@Nullable Object> list = new ArrayList<>(node.size());
            for (JsonNode element : node) {
                list.add(plainValue(element));
            }
            return list;
        }
        if (node.isTextual()) {
            return node.textValue();
        }
        if (node.isNumber()) {
            return node.numberValue();
        }
        return node.isBoolean() ? node.booleanValue() : null;
    }

    private static boolean isPlain(JsonNode node, int depth) {
        if (!node.isContainerNode()) {
            return isFinite(node);
        }
        if (depth == 0) {
            return false;
        }
        for (JsonNode child : node) {
            if (!isPlain(child, depth - 1)) {
                return false;
            }
        }
        return true;
    }

    /** False for 1e999, which is read as an infinite double. */
    static boolean isFinite(JsonNode node) {
        return !node.isFloatingPointNumber() || Double.isFinite(node.doubleValue());
    }

    /**
     * Adds the caller's own fields: objects join, anything else replaces.
     *
     * @param fixed names of fields that make the call what it is
     * @throws ProviderException of kind BAD_REQUEST if one of them is among the caller's
     */
    static void addExtra(ObjectNode json, Map<String, Object> extra, Set<String> fixed) {
        extra.forEach((name, value) -> {
            if (fixed.contains(name)) {
                throw badRequest("the extra field '" + name + "' would replace what the request itself says");
            }
        });
        merge(json, (ObjectNode) tree(extra));
    }

    private static void merge(ObjectNode into, ObjectNode from) {
        for (Map.Entry<String, JsonNode> field : from.properties()) {
            JsonNode present = into.get(field.getKey());
            if (present instanceof ObjectNode inner && field.getValue() instanceof ObjectNode more) {
                merge(inner, more);
            } else {
                into.set(field.getKey(), field.getValue());
            }
        }
    }

    /** The text of a string or a number; empty for anything else. */
    static String string(JsonNode node) {
        return node.isTextual() || node.isNumber() ? node.asText() : "";
    }

    /** A count, also one that is written as a decimal; zero if it is missing, negative, or no whole number that fits; at most a million billion, so that sums fit too. */
    static long count(JsonNode node) {
        return node.canConvertToExactIntegral() && node.canConvertToLong()
                ? Math.min(Math.max(0, node.longValue()), MAX_COUNT)
                : 0;
    }
}
