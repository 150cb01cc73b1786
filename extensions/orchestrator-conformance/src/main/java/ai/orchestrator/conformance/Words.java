package ai.orchestrator.conformance;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** The only place where something is made equal that is written differently. */
final class Words {

    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** A vendor's finish reasons, and those of this library, in common words. */
    private static final Map<String, String> FINISH_REASONS = Map.ofEntries(
            Map.entry("stop", "stop"),
            Map.entry("end_turn", "stop"),
            Map.entry("stop_sequence", "stop"),
            Map.entry("length", "length"),
            Map.entry("max_tokens", "length"),
            Map.entry("model_context_window_exceeded", "length"),
            Map.entry("tool_calls", "tool calls"),
            Map.entry("function_call", "tool calls"),
            Map.entry("tool_use", "tool calls"),
            Map.entry("content_filter", "content filter"),
            Map.entry("refusal", "refusal"));

    /** What the clients' exceptions mean, those that say something, and this library's kinds of failure, in common words. */
    private static final Map<String, String> KINDS = Map.ofEntries(
            Map.entry("BadRequestException", "bad request"),
            Map.entry("UnprocessableEntityException", "bad request"),
            Map.entry("ContentTooLargeException", "too large"),
            Map.entry("UnauthorizedException", "credential"),
            Map.entry("PaymentRequiredException", "quota"),
            Map.entry("PermissionDeniedException", "permission"),
            Map.entry("NotFoundException", "not found"),
            Map.entry("ConflictException", "conflict"),
            Map.entry("RateLimitException", "rate limit"),
            Map.entry("InternalServerException", "server"),
            Map.entry("OverloadedException", "overloaded"),
            Map.entry("ServiceUnavailableException", "overloaded"),
            Map.entry("RequestTimeoutException", "timeout"),
            Map.entry("GatewayTimeoutException", "timeout"),
            Map.entry("BAD_REQUEST", "bad request"),
            Map.entry("CREDENTIAL", "credential"),
            Map.entry("QUOTA_EXHAUSTED", "quota"),
            Map.entry("PERMISSION", "permission"),
            Map.entry("MODEL_NOT_FOUND", "not found"),
            Map.entry("CONFLICT", "conflict"),
            Map.entry("RATE_LIMITED", "rate limit"),
            Map.entry("SERVER", "server"),
            Map.entry("OVERLOADED", "overloaded"),
            Map.entry("TIMEOUT", "timeout"),
            Map.entry("CONTEXT_TOO_LONG", "context too long"),
            Map.entry("CONTENT_FILTERED", "content filtered"),
            Map.entry("TOOL_GENERATION", "tool generation"));

    private Words() {}

    /** What a failure means; empty if its name does not tell. */
    static String kind(String name) {
        return KINDS.getOrDefault(name, "");
    }

    /** A finish reason in common words; {@code other} if there is none for it. */
    static String finishReason(String word) {
        return word.isEmpty() ? "" : FINISH_REASONS.getOrDefault(word.toLowerCase(Locale.ROOT), "other");
    }

    /** The id, unless the dialect has made it up of the answer's, because the vendor sent none. */
    static String toolCallId(String id, String answer) {
        return id.matches("call_" + answer.replaceAll("[^A-Za-z0-9_-]", "") + "_\\d+") ? "" : id;
    }

    /** A call as text: arguments that are JSON count as JSON, whatever their spaces and the order of their fields. */
    static String toolCall(String name, String arguments) {
        try {
            return name + "(" + (arguments.isBlank() ? "{}" : sorted(JSON.readTree(arguments))) + ")";
        } catch (JsonProcessingException e) {
            return name + "(no JSON: " + arguments + ")";
        }
    }

    static JsonNode json(String text) {
        try {
            return JSON.readTree(text);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("not JSON: " + text, e);
        }
    }

    /** A JSON object, as most of the clients' builders want one. */
    static Map<String, Object> map(String text) {
        return JSON.convertValue(json(text), new TypeReference<Map<String, Object>>() {});
    }

    static String text(Object value) {
        return JSON.valueToTree(value).toString();
    }

    private static String sorted(JsonNode node) {
        if (!node.isObject()) {
            return node.toString();
        }
        Map<String, String> fields = new TreeMap<>();
        node.properties().forEach(field -> fields.put(field.getKey(), sorted(field.getValue())));
        StringBuilder text = new StringBuilder("{");
        fields.forEach((name, value) -> text.append(text.length() == 1 ? "" : ",")
                .append(name)
                .append(':')
                .append(value));
        return text.append('}').toString();
    }
}
