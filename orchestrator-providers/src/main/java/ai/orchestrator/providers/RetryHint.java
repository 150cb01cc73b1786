package ai.orchestrator.providers;

import ai.orchestrator.chat.RateLimit;
import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import okhttp3.Headers;

/** When a provider that refused wants to be asked again. Read from errors alone: some send {@code Retry-After} with a success. */
final class RetryHint {

    /** In the message or the details of a 429 of Azure, or of its gateway, whose {@code Retry-After} may be missing or zero. */
    private static final Pattern WORDING =
            Pattern.compile("\\b(?:retry after|try again in) (\\d{1,9}) seconds?\\b", Pattern.CASE_INSENSITIVE);

    private RetryHint() {}

    /**
     * Reads the hint, the most exact first: {@code retry-after-ms}, {@code Retry-After} (RFC 9110 §10.2.3, decimals too), Gemini's
     * {@code RetryInfo}, Hugging Face's {@code estimated_time}, Azure's "retry after 24 seconds", and at last the latest reset of a limit of
     * which nothing is left.
     *
     * @param now what a date is counted from
     * @return empty if there is none, or only ones that are negative or absurd; a zero says nothing either, but lets the next form speak
     */
    static Optional<Duration> of(Headers headers, JsonNode body, List<RateLimit> rateLimits, Instant now) {
        return positive(header(headers, "retry-after-ms", ProviderTimes::millis))
                .or(() -> positive(header(headers, "x-ms-retry-after-ms", ProviderTimes::millis)))
                .or(() -> positive(header(
                        headers,
                        "retry-after",
                        text -> ProviderTimes.seconds(text).or(() -> ProviderTimes.httpDate(text, now)))))
                .or(() -> positive(retryInfo(body)))
                .or(() -> positive(estimatedTime(body)))
                .or(() -> positive(wording(body)))
                .or(() -> positive(latestReset(rateLimits)));
    }

    private static Optional<Duration> positive(Optional<Duration> hint) {
        return hint.filter(duration -> !duration.isZero());
    }

    /** The longest, if a gateway has added its own. */
    private static Optional<Duration> header(Headers headers, String name, Function<String, Optional<Duration>> read) {
        return headers.values(name).stream()
                .flatMap(text -> read.apply(text).stream())
                .max(Comparator.naturalOrder());
    }

    private static Optional<Duration> retryInfo(JsonNode body) {
        for (JsonNode detail : body.path("error").path("details")) {
            JsonNode delay = detail.path("retryDelay");
            if (delay.isTextual()) {
                return ProviderTimes.parts(delay.asText());
            }
        }
        return Optional.empty();
    }

    private static Optional<Duration> estimatedTime(JsonNode body) {
        JsonNode estimate = body.path("estimated_time");
        return estimate.isNumber() && Double.isFinite(estimate.doubleValue())
                ? ProviderTimes.seconds(estimate.decimalValue().toPlainString())
                : Optional.empty();
    }

    private static Optional<Duration> wording(JsonNode body) {
        JsonNode error = body.path("error");
        return Stream.of(error.path("message"), error.path("details"), body.path("message"))
                .filter(JsonNode::isTextual)
                .map(text -> WORDING.matcher(text.asText()))
                .filter(Matcher::find)
                .findFirst()
                .flatMap(wording -> ProviderTimes.seconds(wording.group(1)));
    }

    private static Optional<Duration> latestReset(List<RateLimit> rateLimits) {
        return rateLimits.stream()
                .filter(RateLimit::isExhausted)
                .flatMap(limit -> limit.resetsIn().stream())
                .max(Comparator.naturalOrder());
    }
}
