package ai.orchestrator.internal;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Values that JSON can hold, copied deeply so that nobody changes them afterwards. */
public final class JsonValues {

    /** Deeper than any provider's request, shallow enough for every stack. */
    private static final int MAX_DEPTH = 64;

    private JsonValues() {}

    /**
     * Copies an object's fields.
     *
     * @param fields by name
     * @return an unmodifiable copy in the same order
     * @throws IllegalArgumentException if a value, however deep, is not one that JSON can hold
     */
    public static Map<String, Object> copyOf(Map<String, Object> fields) {
        return fields.isEmpty() ? Map.of() : map("", fields, MAX_DEPTH);
    }

    /**
     * Copies one value.
     *
     * @param name what it is called, for the message
     * @param value null, a string, number, boolean, or a list or map of these
     * @return an unmodifiable copy
     * @throws IllegalArgumentException if it is something else, holds something else, or is nested more than 64 deep
     */
    public static @Nullable Object copyOf(String name, @Nullable Object value) {
        return copy(name, value, MAX_DEPTH);
    }

    /**
     * Copies a map of lists.
     *
     * @param lists by name
     * @return an unmodifiable copy in the same order
     */
    public static Map<String, List<String>> copyOfLists(Map<String, List<String>> lists) {
        if (lists.isEmpty()) {
            return Map.of();
        }
        Map<String, List<String>> copy = new LinkedHashMap<>();
        lists.forEach((name, values) -> copy.put(name, List.copyOf(values)));
        return Collections.unmodifiableMap(copy);
    }

    private static @Nullable Object copy(String path, @Nullable Object value, int depth) {
        if (value == null || value instanceof String || value instanceof Boolean) {
            return value;
        }
        if (value instanceof Number number) {
            if (!Double.isFinite(number.doubleValue()) && (number instanceof Double || number instanceof Float)) {
                throw new IllegalArgumentException(path + ": JSON has no " + number);
            }
            return number;
        }
        if (depth == 0) {
            throw new IllegalArgumentException(path + ": nested more than " + MAX_DEPTH + " deep");
        }
        if (value instanceof Map<?, ?> fields) {
            return map(path, fields, depth - 1);
        }
        if (value instanceof List<?> elements) {
            List<@Nullable Object> copy = new ArrayList<>(elements.size());
            for (Object element : elements) {
                copy.add(copy(path + "[" + copy.size() + "]", element, depth - 1));
            }
            return Collections.unmodifiableList(copy);
        }
        throw new IllegalArgumentException(
                path + ": must be null, a string, a number, a boolean, a list or a map but is a "
                        + value.getClass().getName());
    }

    private static Map<String, Object> map(String path, Map<?, ?> fields, int depth) {
        // Null values are JSON's null, which Map.copyOf() would refuse.
        Map<String, @Nullable Object> copy = new LinkedHashMap<>();
        fields.forEach((key, value) -> {
            if (!(key instanceof String name)) {
                throw new IllegalArgumentException(path + ": a map's keys must be strings");
            }
            copy.put(name, copy(path.isEmpty() ? name : path + "." + name, value, depth));
        });
        return nullable(Collections.unmodifiableMap(copy));
    }

    @SuppressWarnings(
            "NullAway") // Map<String, Object> in the public signatures says "values of JSON", null among them.
    private static Map<String, Object> nullable(Map<String, @Nullable Object> map) {
        return map;
    }
}
