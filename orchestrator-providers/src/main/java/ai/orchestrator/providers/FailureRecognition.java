package ai.orchestrator.providers;

import static ai.orchestrator.provider.FailureKind.BAD_REQUEST;
import static ai.orchestrator.provider.FailureKind.CANCELLED;
import static ai.orchestrator.provider.FailureKind.CONFLICT;
import static ai.orchestrator.provider.FailureKind.CONTENT_FILTERED;
import static ai.orchestrator.provider.FailureKind.CONTEXT_TOO_LONG;
import static ai.orchestrator.provider.FailureKind.CREDENTIAL;
import static ai.orchestrator.provider.FailureKind.MODEL_LOADING;
import static ai.orchestrator.provider.FailureKind.MODEL_NOT_FOUND;
import static ai.orchestrator.provider.FailureKind.OVERLOADED;
import static ai.orchestrator.provider.FailureKind.PERMISSION;
import static ai.orchestrator.provider.FailureKind.QUOTA_EXHAUSTED;
import static ai.orchestrator.provider.FailureKind.RATE_LIMITED;
import static ai.orchestrator.provider.FailureKind.SERVER;
import static ai.orchestrator.provider.FailureKind.TIMEOUT;
import static ai.orchestrator.provider.FailureKind.TOOL_GENERATION;

import ai.orchestrator.provider.FailureKind;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What an error means, for every dialect, in this order: an estimate of the time that loading takes, the provider's code, the few texts that
 * come without a code, the HTTP status, which Cohere's 498 has of its own. A code
 * that says no more than "invalid request" or "server error" is in no table, so that the text or the status decides: Ollama calls a full queue
 * an {@code api_error} too, and llama.cpp a full context a {@code server_error}.
 */
final class FailureRecognition {

    /**
     * The provider's own words, in lower case. The vendors' error pages, their SDKs, and recorded answers name them. A number means something
     * only together with the status before it: others count their errors too.
     */
    private static final Map<String, FailureKind> BY_CODE = new HashMap<>();

    static {
        // OpenAI, Azure; OpenRouter's error_type; Cohere's error_type; llama.cpp.
        codes(
                CONTEXT_TOO_LONG,
                "context_length_exceeded",
                "model_context_window_exceeded",
                "too_many_tokens",
                "exceed_context_size_error");
        codes(
                CONTENT_FILTERED,
                "content_policy_violation",
                "content_filter",
                "responsibleaipolicyviolation",
                "invalid_prompt",
                ErrorFacts.MODERATED,
                "refusal");
        // Money, or the quota of a day or a month.
        codes(
                QUOTA_EXHAUSTED,
                ErrorFacts.DAILY_QUOTA,
                "insufficient_quota",
                "credit_balance_exhausted",
                "organization_spend_limit_exceeded",
                "project_spend_limit_exceeded",
                "organization_usage_limit_exceeded",
                "billing_hard_limit_reached",
                "billing_not_active",
                "enforced_spend_limit_reached",
                "contract_spend_limit_reached",
                "billing_error",
                "payment_required",
                "insufficient_balance");
        codes(
                CREDENTIAL,
                "invalid_api_key",
                "wrong_api_key",
                "authentication_error",
                "invalid_authentication",
                "api_key_invalid",
                "unauthenticated");
        // Gemini says FAILED_PRECONDITION where the free tier is not offered in a region.
        codes(
                PERMISSION,
                "permission_error",
                "permission_denied",
                "permissiondenied",
                "unsupported_country_region_territory",
                "failed_precondition");
        codes(
                MODEL_NOT_FOUND,
                "model_not_found",
                "model_not_supported",
                "model_not_available",
                "model_decommissioned",
                "invalid_model",
                "deploymentnotfound",
                "operationnotsupported",
                "400 3003",
                "not_found_error",
                "not_found");
        codes(TOOL_GENERATION, "tool_use_failed", "malformed_function_call");
        codes(
                OVERLOADED,
                "slow_down",
                "server_is_overloaded",
                "service_unavailable_error",
                "overloaded_error",
                "overloaded",
                "provider_overloaded",
                "provider_unavailable",
                "service_tier_capacity_exceeded",
                "capacity_exceeded",
                "queue_exceeded",
                "429 3505",
                "unavailable",
                "insufficient_system_resource");
        codes(
                RATE_LIMITED,
                "rate_limit_exceeded",
                "rate_limit_error",
                "ramp_limit_exceeded",
                "ratelimitreached",
                "resource_exhausted");
        codes(TIMEOUT, "timeout_error", "timeout", "request_timeout", "deadline_exceeded");
        codes(CONFLICT, "conflict_error");
        // TGI: the model broke while it wrote; its 424 has nothing to do with tools.
        codes(SERVER, "generation", "incomplete_generation");
        codes(CANCELLED, "request_cancelled", "cancelled");
    }

    /** What stands for the status 400 in an error that comes without a status, inside a success. */
    private static final Set<String> INVALID_REQUEST =
            Set.of("invalid_request_error", "invalid_argument", "validation");

    private static void codes(FailureKind kind, String... codes) {
        for (String code : codes) {
            BY_CODE.put(code, kind);
        }
    }

    /** A text that a provider sends without a code of its own. */
    private record Wording(FailureKind kind, Pattern statuses, Pattern text) {

        private static Wording of(FailureKind kind, String statuses, String text) {
            return new Wording(kind, Pattern.compile(statuses), Pattern.compile(text, Pattern.CASE_INSENSITIVE));
        }

        private boolean matches(int status, String message) {
            return (status == 0 || statuses.matcher(Integer.toString(status)).matches())
                    && text.matcher(message).find();
        }
    }

    /** In order; the first that matches decides. */
    private static final List<Wording> BY_TEXT = List.of(
            // Anthropic: the limits that a customer sets, and prepaid credits, are both 400 invalid_request_error.
            Wording.of(
                    QUOTA_EXHAUSTED,
                    "400|403",
                    "you have reached your specified API usage limits|credit balance is too low"),
            // Hugging Face; DeepSeek; xAI.
            Wording.of(
                    QUOTA_EXHAUSTED,
                    "4\\d\\d",
                    "exceeded your monthly included credits|insufficient balance|used all available credits"),
            // In this order: Anthropic, Gemini, DeepSeek, vLLM, Mistral, TGI, Together, llama.cpp, LM Studio, Ollama,
            // Cohere, xAI.
            Wording.of(
                    CONTEXT_TOO_LONG,
                    "400|413|422|500",
                    "prompt is too long|exceed context limit|input token count|maximum context length"
                            + "|context length is only|longer than the maximum model length"
                            + "|max_new_tokens. must be|.inputs. must have less than"
                            + "|exceeds? the (available )?context (size|window|length)|context size has been exceeded"
                            + "|context length of only|(?:greater|longer) than the context length"
                            + "|exceeded max context length|^too many tokens(?!: max tokens must)|maximum prompt length"),
            // xAI.
            Wording.of(CONTENT_FILTERED, "400|403", "^content violates usage guidelines"),
            // Cohere, of a word on its list; its status is another's for a lack of capacity.
            Wording.of(CONTENT_FILTERED, "498", "^blocked (input|output)|deny-?listed token|usage guidelines"),
            // Gemini; xAI.
            Wording.of(CREDENTIAL, "400", "API key (not valid|expired)|incorrect API key"),
            Wording.of(CREDENTIAL, "498", "^(this is an? )?(invalid|expired|blocked) (API )?(token|key)"),
            // Cohere; Ollama's parsers of what its models write.
            Wording.of(TOOL_GENERATION, "422", "^no valid tool call or response generated"),
            Wording.of(
                    TOOL_GENERATION,
                    "500",
                    "^error parsing tool call|^(failed to parse|incomplete|empty|invalid) (\\w{1,20} ){0,3}tool call"),
            // Hugging Face.
            Wording.of(CREDENTIAL, "400", "the token seems invalid"),
            // vLLM, Ollama, Together; OpenRouter; DeepSeek; Ollama, Mistral; LM Studio; Azure.
            Wording.of(
                    MODEL_NOT_FOUND,
                    "400",
                    "\\bmodel [`'\"]?[^\\s`'\"]{1,200}[`'\"]? (does not exist|(is )?not found)|is not a valid model"
                            + "|^model not exist|^invalid model\\b|^no models? loaded"
                            + "|^API version not supported|is enabled only for api versions"),
            // Hugging Face, llama.cpp; Ollama.
            Wording.of(MODEL_LOADING, "503", "is currently loading|^loading model\\b"),
            Wording.of(MODEL_LOADING, "500", "^timed out waiting for llama.{1,20} to start"));

    /** Of requests that are larger than a whole minute's tokens (Groq, OpenAI): no waiting helps. */
    private static final Pattern LARGER_THAN_LIMIT = Pattern.compile("request too large", Pattern.CASE_INSENSITIVE);

    /**
     * The windows that limits are named after (Groq, OpenAI, OpenRouter, Cerebras, Cohere's trial keys); the group matches those of a day and
     * more. The first one counts: the advice that follows may name others.
     */
    private static final Pattern WINDOW = Pattern.compile(
            "((?:\\bper[ -]|/ ?)(?:day|week|month)\\b|(?<![\\w-])(?:daily|weekly|monthly|TPD|RPD)(?![\\w-]))"
                    + "|(?:\\bper[ -]|/ ?)(?:second|min|minute|hour)\\b|\\b(?:hourly|TPM|RPM)\\b",
            Pattern.CASE_INSENSITIVE);

    private FailureRecognition() {}

    /**
     * What an error means.
     *
     * @param status the HTTP status, also 200 for an error inside a success
     */
    static FailureKind recognise(int status, ErrorFacts facts) {
        int effective = status >= 300 ? status : statusInside(facts);
        FailureKind kind = loading(effective, facts)
                .or(() -> byCode(effective, facts))
                .or(() -> byText(effective, facts))
                .or(() -> refusedByCohere(effective, facts))
                .orElseGet(() -> byStatus(effective));
        if (kind == RATE_LIMITED) {
            if (effective == 402) {
                // Gemini says RESOURCE_EXHAUSTED of money too.
                return QUOTA_EXHAUSTED;
            }
            if (LARGER_THAN_LIMIT.matcher(facts.message()).find()) {
                return CONTEXT_TOO_LONG;
            }
            Matcher window = WINDOW.matcher(facts.message());
            if (window.find() && window.group(1) != null) {
                return QUOTA_EXHAUSTED;
            }
        }
        return kind;
    }

    /** The status of an error inside a success: what its body says; 0 if it says nothing. */
    private static int statusInside(ErrorFacts facts) {
        if (facts.innerStatus() != 0) {
            return facts.innerStatus();
        }
        return facts.codes().stream().anyMatch(code -> INVALID_REQUEST.contains(code.toLowerCase(Locale.ROOT)))
                ? 400
                : 0;
    }

    /** Hugging Face says how long loading will take. */
    private static Optional<FailureKind> loading(int status, ErrorFacts facts) {
        return (status == 503 || status == 500 || status == 0)
                        && facts.body().path("estimated_time").isNumber()
                ? Optional.of(MODEL_LOADING)
                : Optional.empty();
    }

    /** Groq's 498 is a lack of capacity, Cohere's one of a valid token; only Cohere's errors are flat. */
    private static Optional<FailureKind> refusedByCohere(int status, ErrorFacts facts) {
        return status == 498 && facts.body().path("message").isTextual() ? Optional.of(CREDENTIAL) : Optional.empty();
    }

    private static Optional<FailureKind> byCode(int status, ErrorFacts facts) {
        return facts.codes().stream()
                .map(code -> code.toLowerCase(Locale.ROOT))
                .flatMap(code -> Stream.of(code, status + " " + code))
                .map(BY_CODE::get)
                .filter(Objects::nonNull)
                .findFirst();
    }

    private static Optional<FailureKind> byText(int status, ErrorFacts facts) {
        return BY_TEXT.stream()
                .filter(wording -> wording.matches(status, facts.message()))
                .map(Wording::kind)
                .findFirst();
    }

    private static FailureKind byStatus(int status) {
        return switch (status) {
            // Nothing is said but that it failed.
            case 0 -> SERVER;
            case 401 -> CREDENTIAL;
            case 402 -> QUOTA_EXHAUSTED;
            case 403, 451 -> PERMISSION;
            // A wrong address as much as a wrong model.
            case 404, 405, 410 -> MODEL_NOT_FOUND;
            case 408, 504, 524 -> TIMEOUT;
            case 409 -> CONFLICT;
            case 424 -> TOOL_GENERATION;
            case 429 -> RATE_LIMITED;
            // 498 is Groq's for a flex tier without capacity.
            case 498, 502, 503, 520, 521, 522, 523, 529 -> OVERLOADED;
            case 499 -> CANCELLED;
            case 501 -> BAD_REQUEST;
            default -> {
                if (status < 400) {
                    // A redirect, which is never followed, means a wrong address as well.
                    yield MODEL_NOT_FOUND;
                }
                yield status >= 500 ? SERVER : BAD_REQUEST;
            }
        };
    }
}
