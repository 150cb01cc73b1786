package ai.orchestrator.providers;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
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
 *   <li>{@code {"id", "message"}}: Cohere
 *   <li>{@code {"detail": "text"}} or {@code {"detail": [{"msg"}]}}: Mistral and others on FastAPI
 * </ul>
 *
 * @param codes the provider's words for what happened, the most specific first, as it wrote them; last, what only repeats the status
 * @param message what it wrote for people; empty if nothing
 * @param requestId its name for the request; empty if the body has none
 * @param innerStatus the HTTP status that the body names; 0 if none
 * @param body the whole body, for hints
 */
record ErrorFacts(List<String> codes, String message, String requestId, int innerStatus, JsonNode body) {

    /** Stands for the quota of a day among the codes, whatever the provider calls it. */
    static final String DAILY_QUOTA = "daily quota";

    /** Stands for a moderator's objection among the codes: OpenRouter gives its reasons, but no code. */
    static final String MODERATED = "moderated";

    private static final Set<String> OWN_WORDS = Set.of(DAILY_QUOTA, MODERATED);

    private static final Pattern STATUS = Pattern.compile("[45]\\d\\d");

    /** Where a body may repeat its status. */
    private static final List<String> STATUS_FIELDS =
            List.of("http_status_code", "status_code", "statusCode", "status", "code");

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
        return (error.isNumber() && error.asInt() != 0)
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
        add(codes, fields.path("code"));
        add(codes, fields.path("status"));
        add(codes, fields.path("type"));
        add(codes, root.path("error_type"));
        String message = message(root, fields);
        Optional<ErrorFacts> behind = behind(fields);
        if (behind.isPresent()) {
            codes.addAll(behind.get().codes());
            message = Stream.of(message, behind.get().message())
                    .filter(text -> !text.isEmpty())
                    .collect(Collectors.joining(": "));
        }
        codes.sort(Comparator.comparing(code -> STATUS.matcher(code).matches()));
        return new ErrorFacts(
                List.copyOf(codes), message, Json.string(root.path("request_id")), innerStatus(root, fields), root);
    }

    /** The provider's own word for what happened; empty if it used none. */
    String code() {
        return codes.stream()
                .filter(code -> !OWN_WORDS.contains(code))
                .findFirst()
                .orElse("");
    }

    /**
     * What the provider behind OpenRouter wrote of the request. What it wrote of itself, such as that it does not accept OpenRouter's key, is
     * not the caller's business.
     */
    private static Optional<ErrorFacts> behind(JsonNode fields) {
        JsonNode raw = fields.path("metadata").path("raw");
        if (raw.isMissingNode()
                || !List.of(400, 403, 413, 422, 429)
                        .contains(fields.path("code").asInt())) {
            return Optional.empty();
        }
        JsonNode json = raw.isTextual() ? Json.parse(raw.asText()) : raw;
        if (json != null && json.isContainerNode()) {
            return Optional.of(of(json));
        }
        return raw.isTextual()
                ? Optional.of(new ErrorFacts(List.of(), raw.asText(), "", 0, MissingNode.getInstance()))
                : Optional.empty();
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
            codes.add(MODERATED);
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
                root.path("error").path(0),
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

    private static int innerStatus(JsonNode root, JsonNode fields) {
        return Stream.of(fields, root)
                .flatMap(node -> STATUS_FIELDS.stream().map(node::path))
                .map(Json::string)
                .filter(text -> STATUS.matcher(text).matches())
                .findFirst()
                .map(Integer::valueOf)
                .orElse(0);
    }
}
