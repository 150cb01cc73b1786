package ai.orchestrator.providers;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Date;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import okhttp3.Headers;

/** The ways in which providers write how long something takes, or when it is. */
final class ProviderTimes {

    /** The longest window that any provider names is a month: what is longer is nonsense. */
    static final Duration LONGEST = Duration.ofDays(32);

    /** Below it a number counts seconds from now, from it on the seconds since 1970: it is in the year 2001. */
    private static final BigDecimal EPOCH_SECONDS = new BigDecimal("1000000000");

    private static final BigDecimal EPOCH_MILLIS = new BigDecimal("100000000000");

    private static final Pattern NUMBER = Pattern.compile("-?\\d{1,18}(\\.\\d{1,18})?|-?\\.\\d{1,18}");
    private static final Pattern PARTS = Pattern.compile("(\\d{1,15}(?:\\.\\d{1,18})?)(ms|us|µs|ns|d|h|m|s)");

    private ProviderTimes() {}

    /**
     * A number of seconds, whole or not.
     *
     * @return empty if it is no number, negative, or longer than any provider's window
     */
    static Optional<Duration> seconds(String text) {
        return number(text, 9);
    }

    /**
     * A number of milliseconds, whole or not.
     *
     * @return empty if it is no number, negative, or longer than any provider's window
     */
    static Optional<Duration> millis(String text) {
        return number(text, 6);
    }

    private static Optional<Duration> number(String text, int toNanos) {
        String stripped = text.strip();
        return NUMBER.matcher(stripped).matches()
                ? sane(nanos(new BigDecimal(stripped).movePointRight(toNanos)))
                : Optional.empty();
    }

    /**
     * A duration in any form that a provider uses: {@code 7}, {@code 1.182}, {@code 130ms}, {@code 6m0s}, {@code 1h2m3.5s}, an HTTP date, an
     * RFC 3339 date, seconds or milliseconds since 1970.
     *
     * @param now what a date is counted from; asked only for one
     * @return empty if it has another form, is negative, or longer than any provider's window; zero for a date that has passed
     */
    static Optional<Duration> any(String text, Supplier<Instant> now) {
        String stripped = text.strip();
        if (NUMBER.matcher(stripped).matches()) {
            BigDecimal value = new BigDecimal(stripped);
            if (value.compareTo(EPOCH_MILLIS) >= 0) {
                return until(value.movePointRight(6), now.get());
            }
            return value.compareTo(EPOCH_SECONDS) >= 0 ? until(value.movePointRight(9), now.get()) : seconds(stripped);
        }
        return parts(stripped).or(() -> httpDate(stripped, now.get())).or(() -> rfc3339(stripped, now.get()));
    }

    /** A duration of parts with units, as Go writes them. */
    static Optional<Duration> parts(String text) {
        Matcher matcher = PARTS.matcher(text);
        BigDecimal nanos = BigDecimal.ZERO;
        int end = 0;
        while (matcher.find()) {
            if (matcher.start() != end) {
                return Optional.empty();
            }
            end = matcher.end();
            BigDecimal amount = new BigDecimal(matcher.group(1));
            nanos = nanos.add(
                    switch (matcher.group(2)) {
                        case "d" -> amount.multiply(BigDecimal.valueOf(86_400_000_000_000L));
                        case "h" -> amount.multiply(BigDecimal.valueOf(3_600_000_000_000L));
                        case "m" -> amount.multiply(BigDecimal.valueOf(60_000_000_000L));
                        case "s" -> amount.movePointRight(9);
                        case "ms" -> amount.movePointRight(6);
                        case "us", "µs" -> amount.movePointRight(3);
                        default -> amount;
                    });
        }
        return end == 0 || end != text.length() ? Optional.empty() : sane(nanos(nanos));
    }

    /** An HTTP date in any of its three forms (RFC 9110 §5.6.7). */
    static Optional<Duration> httpDate(String text, Instant now) {
        Date date = new Headers.Builder()
                .addUnsafeNonAscii("date", text.strip())
                .build()
                .getDate("date");
        return date == null ? Optional.empty() : until(date.toInstant(), now);
    }

    private static Optional<Duration> rfc3339(String text, Instant now) {
        try {
            return until(DateTimeFormatter.ISO_OFFSET_DATE_TIME.parse(text, Instant::from), now);
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }

    private static Optional<Duration> until(BigDecimal epochNanos, Instant now) {
        try {
            BigDecimal[] split = epochNanos.divideAndRemainder(new BigDecimal("1000000000"));
            return until(Instant.ofEpochSecond(split[0].longValueExact(), split[1].longValue()), now);
        } catch (ArithmeticException | DateTimeException e) {
            return Optional.empty();
        }
    }

    private static Optional<Duration> until(Instant then, Instant now) {
        Duration left = Duration.between(now, then);
        return sane(left.isNegative() ? Duration.ZERO : left);
    }

    /** Rounded up: a hint is never undercut. */
    private static Duration nanos(BigDecimal nanos) {
        BigDecimal whole = nanos.setScale(0, RoundingMode.CEILING);
        BigDecimal limit = BigDecimal.valueOf(Long.MAX_VALUE);
        return Duration.ofNanos(whole.min(limit).max(limit.negate()).longValue());
    }

    private static Optional<Duration> sane(Duration duration) {
        return duration.isNegative() || duration.compareTo(LONGEST) > 0 ? Optional.empty() : Optional.of(duration);
    }
}
