package ai.orchestrator.providers;

import ai.orchestrator.chat.RateLimit;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Instant;
import java.util.List;
import okhttp3.Headers;
import org.jspecify.annotations.Nullable;

/**
 * What came before an answer's body, and failures that carry it.
 *
 * @param rateLimits read from the headers already
 * @param receivedAt when the headers came, by the server's clock if it says so: its dates are then exact whatever our clock shows
 */
record AnswerHead(int status, Headers headers, List<RateLimit> rateLimits, Instant receivedAt, Redaction redaction) {

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
        String code = facts.codes().stream()
                .filter(candidate -> !candidate.equals(ErrorFacts.DAILY_QUOTA))
                .findFirst()
                .map(redaction::code)
                .orElse("");
        String message = redaction.message(facts.message());
        String requestId = requestId();
        return failure(
                        kind,
                        (code.isEmpty() ? "" : " " + code) + ": "
                                + (message.isEmpty() ? "no explanation was sent" : message))
                .code(code)
                .providerMessage(message)
                .requestId(requestId.isEmpty() ? redaction.id(facts.requestId()) : requestId)
                // Anthropic and Hugging Face send Retry-After with successes, where it says nothing of an error that
                // follows.
                .retryAfter(RetryHint.of(isSuccess() ? Headers.of() : headers, facts.body(), rateLimits, receivedAt)
                        .orElse(null))
                .mayHaveBeenProcessed(mayHaveBeenProcessed())
                .build();
    }

    /** A 4xx says that the request was refused, but for those that say that it took too long or met another. */
    private boolean mayHaveBeenProcessed() {
        return switch (status) {
            case 408, 409, 424, 499 -> true;
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
