package ai.orchestrator.conformance;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * What a reader makes of an answer.
 *
 * @param outcome {@link #ANSWERED} or {@link #FAILED}
 * @param text the answer, or what of it had come before it failed
 * @param reasoning likewise
 * @param toolCalls names and arguments, in their order
 * @param toolCallIds what the vendor calls them; those that a reader makes up are none
 * @param finishReason in the words of {@link Words}; empty if it failed
 * @param usage tokens; empty if there was no word of it, which is not the same as none
 * @param model who answered
 * @param id the vendor's name for the answer
 * @param status of a failure: the HTTP status; 0 if the reader tells none
 * @param code of a failure: the vendor's own word for it; empty if the reader tells none
 * @param kind of a failure: what it means, in the words of {@link Words}; empty if the reader's exception does not tell
 * @param detail of a failure: what the reader calls it. Not compared: it is for people who look at a difference
 */
record Reading(
        String outcome,
        String text,
        String reasoning,
        List<String> toolCalls,
        List<String> toolCallIds,
        String finishReason,
        Optional<Usage> usage,
        String model,
        String id,
        int status,
        String code,
        String kind,
        String detail) {

    static final String ANSWERED = "answered";
    static final String FAILED = "failed";

    /**
     * Tokens.
     *
     * @param cached zero also if the vendor did not say
     * @param reasoning likewise
     */
    record Usage(long input, long output, long cached, long reasoning) {}

    private static final Map<String, Function<Reading, Object>> FIELDS = new LinkedHashMap<>();

    static {
        FIELDS.put("outcome", Reading::outcome);
        FIELDS.put("text", Reading::text);
        FIELDS.put("reasoning", Reading::reasoning);
        FIELDS.put("tool calls", Reading::toolCalls);
        FIELDS.put("tool call ids", Reading::toolCallIds);
        FIELDS.put("finish reason", Reading::finishReason);
        FIELDS.put("input tokens", reading -> reading.tokens(Usage::input));
        FIELDS.put("output tokens", reading -> reading.tokens(Usage::output));
        FIELDS.put("cached tokens", reading -> reading.usage.map(Usage::cached).orElse(0L));
        FIELDS.put(
                "reasoning tokens",
                reading -> reading.usage.map(Usage::reasoning).orElse(0L));
        FIELDS.put("model", Reading::model);
        FIELDS.put("id", Reading::id);
        FIELDS.put("status", Reading::status);
        FIELDS.put("code", Reading::code);
        FIELDS.put("kind", Reading::kind);
    }

    static Reading answered(
            String text,
            String reasoning,
            List<String> toolCalls,
            List<String> toolCallIds,
            String finishReason,
            Optional<Usage> usage,
            String model,
            String id) {
        return new Reading(
                ANSWERED, text, reasoning, toolCalls, toolCallIds, finishReason, usage, model, id, 0, "", "", "");
    }

    /** A failure. What had been thought before is nobody's partial answer. */
    static Reading failed(String partialText, int status, String code, String kind, String detail) {
        return new Reading(
                FAILED,
                partialText,
                "",
                List.of(),
                List.of(),
                "",
                Optional.empty(),
                "",
                "",
                status,
                code,
                kind,
                detail);
    }

    /** As text, for zero is not nothing. */
    private String tokens(ToLongFunction<Usage> count) {
        return usage.map(tokens -> Long.toString(count.applyAsLong(tokens))).orElse("");
    }

    /** By name, as text; empty for nothing. */
    Map<String, String> fields() {
        Map<String, String> fields = new LinkedHashMap<>();
        FIELDS.forEach((name, field) -> {
            Object value = field.apply(this);
            boolean nothing = value.equals(0) || value.equals(0L) || value.equals(List.of());
            fields.put(name, nothing ? "" : value.toString());
        });
        return fields;
    }

    static List<String> fieldNames() {
        return List.copyOf(FIELDS.keySet());
    }
}
