package ai.orchestrator.providers;

import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What an error of the OpenAI dialect means. The code in the body is read before the status: a 429 may be about money, and an error may come
 * inside a 200.
 */
final class OpenAiFailures {

    private static final int MAX_MESSAGE = 300;

    private static final Map<String, FailureKind> BY_CODE = Map.ofEntries(
            Map.entry("context_length_exceeded", FailureKind.CONTEXT_TOO_LONG),
            Map.entry("content_policy_violation", FailureKind.CONTENT_FILTERED),
            Map.entry("content_filter", FailureKind.CONTENT_FILTERED),
            Map.entry("insufficient_quota", FailureKind.QUOTA_EXHAUSTED),
            Map.entry("credit_balance_exhausted", FailureKind.QUOTA_EXHAUSTED),
            Map.entry("organization_spend_limit_exceeded", FailureKind.QUOTA_EXHAUSTED),
            Map.entry("project_spend_limit_exceeded", FailureKind.QUOTA_EXHAUSTED),
            Map.entry("organization_usage_limit_exceeded", FailureKind.QUOTA_EXHAUSTED),
            Map.entry("invalid_api_key", FailureKind.CREDENTIAL),
            Map.entry("authentication_error", FailureKind.CREDENTIAL),
            Map.entry("model_not_found", FailureKind.MODEL_NOT_FOUND),
            Map.entry("model_not_supported", FailureKind.MODEL_NOT_FOUND),
            Map.entry("model_decommissioned", FailureKind.MODEL_NOT_FOUND),
            Map.entry("tool_use_failed", FailureKind.TOOL_GENERATION),
            Map.entry("rate_limit_exceeded", FailureKind.RATE_LIMITED),
            Map.entry("slow_down", FailureKind.OVERLOADED),
            Map.entry("server_is_overloaded", FailureKind.OVERLOADED),
            Map.entry("overloaded_error", FailureKind.OVERLOADED));

    private OpenAiFailures() {}

    /**
     * Reads an error.
     *
     * @param status the HTTP status, also 200
     * @param body what was sent; null if it is not JSON
     * @param secret must not be repeated in the message
     */
    static ProviderException read(int status, @Nullable JsonNode body, Optional<String> secret) {
        JsonNode root = body == null ? MissingNode.getInstance() : body;
        JsonNode error = root.path("error");
        JsonNode fields = error.isObject() ? error : root;
        String code = text(fields.path("code"));
        String type = text(fields.path("type"));
        String message = firstNonEmpty(
                text(fields.path("message")), text(error), text(root.path("detail")), "no explanation was sent");
        FailureKind kind = byCode(code)
                .or(() -> byCode(type))
                .or(() -> loading(status, root))
                .orElseGet(() -> byStatus(status < 300 ? innerStatus(fields, code) : status));
        String name = firstNonEmpty(code, type);
        return ProviderException.answered(
                kind,
                status,
                status + (name.isEmpty() ? "" : " " + clean(name, secret)) + ": " + clean(message, secret));
    }

    private static Optional<FailureKind> byCode(String code) {
        return Optional.ofNullable(BY_CODE.get(code.toLowerCase(Locale.ROOT)));
    }

    /** Hugging Face says how long loading will take. */
    private static Optional<FailureKind> loading(int status, JsonNode root) {
        return status == 503 && root.path("estimated_time").isNumber()
                ? Optional.of(FailureKind.MODEL_LOADING)
                : Optional.empty();
    }

    /** The status that an error inside a 200 names; 500 if it names none. */
    private static int innerStatus(JsonNode error, String code) {
        int named =
                error.path("http_status_code").asInt(error.path("status_code").asInt(0));
        if (named == 0 && code.matches("[45]\\d\\d")) {
            named = Integer.parseInt(code);
        }
        return named >= 400 && named <= 599 ? named : 500;
    }

    private static FailureKind byStatus(int status) {
        return switch (status) {
            case 401 -> FailureKind.CREDENTIAL;
            case 402 -> FailureKind.QUOTA_EXHAUSTED;
            case 403 -> FailureKind.PERMISSION;
            case 404, 405, 410 -> FailureKind.MODEL_NOT_FOUND;
            case 408, 504, 524 -> FailureKind.TIMEOUT;
            case 409 -> FailureKind.CONFLICT;
            case 424 -> FailureKind.TOOL_GENERATION;
            case 429 -> FailureKind.RATE_LIMITED;
            case 498, 502, 503, 520, 521, 522, 523, 529 -> FailureKind.OVERLOADED;
            case 499 -> FailureKind.CANCELLED;
            case 501 -> FailureKind.BAD_REQUEST;
            default -> {
                if (status < 400) {
                    // A redirect, which is never followed, means a wrong address as much as a 404 does.
                    yield FailureKind.MODEL_NOT_FOUND;
                }
                yield status >= 500 ? FailureKind.SERVER : FailureKind.BAD_REQUEST;
            }
        };
    }

    private static String text(JsonNode node) {
        return node.isTextual() || node.isNumber() ? node.asText() : "";
    }

    private static String firstNonEmpty(String... candidates) {
        for (String candidate : candidates) {
            if (!candidate.isBlank()) {
                return candidate;
            }
        }
        return "";
    }

    /** On one line, cut, and without the key, which some providers repeat. */
    private static String clean(String text, Optional<String> secret) {
        String line = secret.map(key -> text.replace(key, "***")).orElse(text).replaceAll("[\\s\\p{Cntrl}]+", " ");
        return line.length() <= MAX_MESSAGE
                ? line.strip()
                : line.substring(0, MAX_MESSAGE).strip() + "…";
    }
}
