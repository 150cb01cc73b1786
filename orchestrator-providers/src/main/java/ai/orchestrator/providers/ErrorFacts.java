package ai.orchestrator.providers;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What a provider's error says, whichever of the known shapes it has. Gateways hand on what others wrote, so every dialect reads them all:
 *
 * <ul>
 *   <li>{@code {"error": {"message", "type", "code", …}}}: OpenAI and those that speak its dialect
 *   <li>{@code {"error": {"code", "message", "metadata": {"error_type", …}}}}: OpenRouter
 *   <li>{@code {"type": "error", "error": {"type", "message", "details": {"error_code"}}, "request_id"}}: Anthropic
 *   <li>{@code {"error": {"code", "status", "message", "details": […]}}}, also as the only element of an array: Gemini
 *   <li>{@code {"error": "text", "error_type", "estimated_time"}}: Hugging Face, TGI, Ollama
 *   <li>{@code {"object": "error", "message", "type", "code"}}: Mistral, older vLLM
 *   <li>{@code {"detail": "text"}} or {@code {"detail": [{"msg"}]}}: Mistral and others on FastAPI
 * </ul>
 *
 * @param codes the provider's words for what happened, the most specific first, as it wrote them
 * @param message what it wrote for people; empty if nothing
 * @param requestId its name for the request; empty if the body has none
 * @param innerStatus the HTTP status that the body names; 0 if none
 * @param body the whole body, for hints
 */
record ErrorFacts(List<String> codes, String message, String requestId, int innerStatus, JsonNode body) {

    /** Stands for the quota of a day among the codes, whatever the provider calls it. */
    static final String DAILY_QUOTA = "daily quota";

    /**
     * Whether a success's body is an error all the same. Some servers send the field empty beside a good answer.
     */
    static boolean isError(JsonNode body) {
        JsonNode root = only(body);
        JsonNode error = root.path("error");
        if (error.isContainerNode()) {
            return !error.isEmpty();
        }
        if (error.isTextual()) {
            return !error.asText().isBlank();
        }
        return error.isNumber()
                || error.asBoolean()
                || root.path("object").asText().equals("error")
                || root.path("type").asText().equals("error")
                || (root.path("detail").isTextual() && root.size() == 1);
    }

    /**
     * Reads an error.
     *
     * @param body null if it is not JSON
     */
    static ErrorFacts of(@Nullable JsonNode body) {
        JsonNode root = body == null ? MissingNode.getInstance() : only(body);
        JsonNode error = root.path("error");
        JsonNode fields = error.isObject() ? error : root;
        List<String> codes = new ArrayList<>();
        detailCodes(fields, codes);
        add(codes, fields.path("innererror").path("code"));
        // A number only repeats the HTTP status that Gemini names in words beside it.
        boolean number = fields.path("code").isNumber();
        add(codes, fields.path(number ? "status" : "code"));
        add(codes, fields.path(number ? "code" : "status"));
        add(codes, fields.path("type"));
        add(codes, root.path("error_type"));
        return new ErrorFacts(
                List.copyOf(codes),
                message(root, fields),
                Json.string(root.path("request_id")),
                innerStatus(fields),
                root);
    }

    private static JsonNode only(JsonNode body) {
        return body.isArray() && body.size() == 1 ? body.get(0) : body;
    }

    private static void detailCodes(JsonNode fields, List<String> codes) {
        // Anthropic's details are an object, Gemini's an array, Azure's a text.
        JsonNode details = fields.path("details");
        add(codes, details.path("error_code"));
        for (JsonNode detail : details.isArray() ? details : List.<JsonNode>of()) {
            for (JsonNode violation : detail.path("violations")) {
                if (violation.path("quotaId").asText().contains("PerDay")) {
                    // Before the reason, which is the same for a minute's quota.
                    codes.add(0, DAILY_QUOTA);
                }
            }
            add(codes, detail.path("reason"));
        }
        JsonNode metadata = fields.path("metadata");
        if (metadata.path("limit_source").asText().toLowerCase(Locale.ROOT).contains("daily")) {
            codes.add(DAILY_QUOTA);
        }
        if (metadata.path("reasons").isArray() || metadata.has("flagged_input")) {
            codes.add("moderation");
        }
        add(codes, metadata.path("error_type"));
        add(codes, metadata.path("provider_code"));
    }

    private static void add(List<String> codes, JsonNode node) {
        String code = Json.string(node);
        if (!code.isBlank()) {
            codes.add(code);
        }
    }

    private static String message(JsonNode root, JsonNode fields) {
        for (JsonNode candidate : List.of(
                fields.path("message"),
                root.path("error"),
                root.path("message"),
                root.path("detail"),
                root.path("detail").path(0).path("msg"),
                fields.path("detail"))) {
            if (candidate.isTextual() && !candidate.asText().isBlank()) {
                return candidate.asText();
            }
        }
        return "";
    }

    private static int innerStatus(JsonNode fields) {
        for (JsonNode candidate : List.of(
                fields.path("http_status_code"),
                fields.path("status_code"),
                fields.path("status"),
                fields.path("code"))) {
            String text = Json.string(candidate);
            if (text.matches("[45]\\d\\d")) {
                return Integer.parseInt(text);
            }
        }
        return 0;
    }
}
