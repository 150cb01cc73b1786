package ai.orchestrator.providers;

import ai.orchestrator.chat.RateLimit;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import okhttp3.Headers;
import org.jspecify.annotations.Nullable;

/**
 * What came before an answer's body, and failures that carry it.
 *
 * @param rateLimits read from the headers already
 * @param receivedAt when the headers came, by the server's clock if it says so: its dates are then exact whatever our clock shows. Rarely
 *     asked for, and not cheap
 */
record AnswerHead(
        int status, Headers headers, List<RateLimit> rateLimits, Supplier<Instant> receivedAt, Redaction redaction) {

    /** The vendors' names for the same thing, the one that their support asks for first. */
    private static final List<String> REQUEST_ID_HEADERS = List.of(
            "x-request-id",
            "request-id",
            "apim-request-id",
            "mistral-correlation-id",
            "x-ds-trace-id",
            "x-debug-trace-id",
            "inference-id",
            "x-goog-request-id",
            "cf-ray");

    boolean isSuccess() {
        return status >= 200 && status <= 299;
    }

    String requestId() {
        for (String name : REQUEST_ID_HEADERS) {
            String id = headers.get(name);
            if (id != null && !id.isBlank()) {
                return redaction.id(id);
            }
        }
        return "";
    }

    /**
     * The failure that an error's body tells of.
     *
     * @param body null if it is not JSON
     */
    ProviderException error(@Nullable JsonNode body) {
        ErrorFacts facts = ErrorFacts.of(body);
        FailureKind kind = FailureRecognition.recognise(status, facts);
        String code = redaction.code(facts.code());
        String message = redaction.message(facts.message());
        String requestId = requestId();
        return failure(
                        kind,
                        (code.isEmpty() ? "" : " " + code) + ": "
                                + (message.isEmpty() ? withoutExplanation() : message))
                .code(code)
                .providerMessage(message)
                .requestId(requestId.isEmpty() ? redaction.id(facts.requestId()) : requestId)
                .retryAfter(retryHint(kind, facts).orElse(null))
                .mayHaveBeenProcessed(mayHaveBeenProcessed(kind))
                .build();
    }

    private String withoutExplanation() {
        return status >= 300 && status < 400
                ? "a redirect, which is never followed; correct base-url"
                : "no explanation was sent";
    }

    private Optional<Duration> retryHint(FailureKind kind, ErrorFacts facts) {
        if (isSuccess()) {
            // Some send Retry-After with every success: it says nothing of an error that came later.
            return RetryHint.of(Headers.of(), facts.body(), List.of(), receivedAt.get());
        }
        if (kind == FailureKind.QUOTA_EXHAUSTED) {
            // Gemini's RetryInfo beside a used-up daily quota is that of the minute: seconds, where nothing helps
            // before the day's end.
            return RetryHint.of(headers, MissingNode.getInstance(), rateLimits, receivedAt.get());
        }
        boolean limited = kind == FailureKind.RATE_LIMITED;
        return RetryHint.of(headers, facts.body(), limited ? rateLimits : List.of(), receivedAt.get());
    }

    /**
     * A 4xx says that the request was refused, but for those that say that it took too long, that it met another, or what the model made of
     * it.
     */
    private boolean mayHaveBeenProcessed(FailureKind kind) {
        return switch (kind) {
            case TIMEOUT, CONFLICT, TOOL_GENERATION, SERVER, CANCELLED -> true;
            default -> status < 400 || status >= 500;
        };
    }

    /** A success that is none. */
    ProviderException failed(FailureKind kind, String what) {
        return failure(kind, ": " + what).build();
    }

    private ProviderException.Builder failure(FailureKind kind, String what) {
        return ProviderException.builder(kind, status + what).status(status).requestId(requestId());
    }
}
