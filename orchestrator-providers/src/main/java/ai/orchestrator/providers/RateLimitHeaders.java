package ai.orchestrator.providers;

import ai.orchestrator.chat.RateLimit;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import okhttp3.Headers;
import org.jspecify.annotations.Nullable;

/** What the headers of an answer say of the provider's limits, in every vendor's form. */
final class RateLimitHeaders {

    /** OpenAI, Groq, Azure, Mistral, Cerebras, Together: {@code x-ratelimit-remaining-requests}. Read without a pattern, because each answer has six or eight. */
    private static final List<String> BY_SUBJECT =
            List.of("x-ratelimit-limit-", "x-ratelimit-remaining-", "x-ratelimit-reset-", "x-ratelimit-renewalperiod-");

    /** The last one is Azure's alone: over how many seconds the limit counts. */
    private static final List<String> FIELDS = List.of("limit", "remaining", "reset", "renewalperiod");

    private static final int MAX_SUBJECT = 64;

    /** OpenRouter: {@code X-RateLimit-Remaining}. Older Mistral: {@code ratelimitbysize-remaining}. */
    private static final Pattern WITHOUT_SUBJECT =
            Pattern.compile("(?:x-ratelimit|ratelimitbysize)-(limit|remaining|reset)");

    /** Anthropic: {@code anthropic-ratelimit-input-tokens-remaining}. */
    private static final Pattern ANTHROPIC =
            Pattern.compile("anthropic-ratelimit-([a-z-]{1,64})-(limit|remaining|reset)");

    /** Cohere: {@code x-trial-endpoint-call-remaining}. */
    private static final Pattern COHERE =
            Pattern.compile("x-(trial-endpoint-call|endpoint-monthly-call)-(limit|remaining)");

    /** Hugging Face, after an IETF draft: {@code RateLimit: "api";r=499;t=300} and {@code RateLimit-Policy: "api";q=500;w=300}. */
    private static final Pattern DRAFT =
            // Bounded, because each repetition takes some of the thread's stack.
            Pattern.compile("\"([^\"]{1,64})\"((?:\\s*;\\s*[a-z]{1,8}=[^;,]{1,20}){0,8})");

    private static final Pattern DRAFT_PARAMETER = Pattern.compile(";\\s*([a-z]{1,8})=\\[?(\\d{1,15})]?");

    /** Mistral names the window in the subject: {@code tokens-minute}, {@code req-10-second}. */
    private static final Pattern WINDOW = Pattern.compile(".*?-(?:(\\d{1,6})-)?(second|minute|hour|day|month)");

    private static final int MAX_DIGITS = 18;

    /** More subjects than any provider has. */
    private static final int MAX_SUBJECTS = 32;

    private RateLimitHeaders() {}

    private static final class Draft {
        private @Nullable Duration window;
        private OptionalLong limit = OptionalLong.empty();
        private OptionalLong remaining = OptionalLong.empty();
        private @Nullable Duration resetsIn;

        private boolean isEmpty() {
            return limit.isEmpty() && remaining.isEmpty() && resetsIn == null;
        }
    }

    /**
     * Reads the limits.
     *
     * @param windows over which the limits of a vendor count that does not say so in its headers, by subject
     * @param now what a date is counted from; asked only for one
     * @return one for each subject, in their alphabetical order; mostly none
     */
    static List<RateLimit> read(Headers headers, Map<String, Duration> windows, Supplier<Instant> now) {
        Map<String, Draft> drafts = null;
        for (int i = 0; i < headers.size(); i++) {
            String name = headers.name(i);
            if (isOfLimits(name)) {
                drafts = drafts == null ? new TreeMap<>() : drafts;
                read(name.toLowerCase(Locale.ROOT), headers.value(i), drafts, now);
            }
        }
        if (drafts == null) {
            return List.of();
        }
        List<RateLimit> limits = new ArrayList<>();
        drafts.forEach((subject, draft) -> {
            if (!draft.isEmpty()) {
                Duration window = draft.window == null ? windows.get(subject) : draft.window;
                limits.add(new RateLimit(
                        subject,
                        Optional.ofNullable(window).or(() -> windowIn(subject)),
                        draft.limit,
                        draft.remaining,
                        Optional.ofNullable(draft.resetsIn)));
            }
        });
        return limits;
    }

    private static boolean isOfLimits(String name) {
        return name.regionMatches(true, 0, "x-ratelimit", 0, 11)
                || name.regionMatches(true, 0, "ratelimit", 0, 9)
                || name.regionMatches(true, 0, "anthropic-ratelimit", 0, 19)
                || name.regionMatches(true, 0, "x-trial-endpoint", 0, 16)
                || name.regionMatches(true, 0, "x-endpoint-monthly", 0, 18);
    }

    private static void read(String name, String value, Map<String, Draft> drafts, Supplier<Instant> now) {
        for (int i = 0; i < BY_SUBJECT.size(); i++) {
            String prefix = BY_SUBJECT.get(i);
            if (name.startsWith(prefix) && isSubject(name, prefix.length())) {
                set(drafts, name.substring(prefix.length()), FIELDS.get(i), value, now);
                return;
            }
        }
        Matcher matcher = ANTHROPIC.matcher(name);
        if (matcher.matches()) {
            set(drafts, matcher.group(1), matcher.group(2), value, now);
            return;
        }
        matcher = COHERE.matcher(name);
        if (matcher.matches()) {
            set(drafts, matcher.group(1), matcher.group(2), value, now);
            return;
        }
        matcher = WITHOUT_SUBJECT.matcher(name);
        if (matcher.matches()) {
            set(drafts, name.startsWith("x-") ? "requests" : "tokens", matcher.group(1), value, now);
            return;
        }
        if (name.equals("ratelimit") || name.equals("ratelimit-policy")) {
            draft(value, drafts);
        }
    }

    private static boolean isSubject(String name, int from) {
        for (int i = from; i < name.length(); i++) {
            char c = name.charAt(i);
            if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-')) {
                return false;
            }
        }
        return name.length() > from && name.length() - from <= MAX_SUBJECT;
    }

    private static void draft(String value, Map<String, Draft> drafts) {
        Matcher item = DRAFT.matcher(value);
        while (item.find()) {
            Draft draft = draft(drafts, item.group(1));
            Matcher parameter = DRAFT_PARAMETER.matcher(item.group(2));
            while (draft != null && parameter.find()) {
                long number = Long.parseLong(parameter.group(2));
                switch (parameter.group(1)) {
                    case "r" -> draft.remaining = OptionalLong.of(number);
                    case "q" -> draft.limit = OptionalLong.of(number);
                    case "t" ->
                        draft.resetsIn =
                                ProviderTimes.seconds(parameter.group(2)).orElse(null);
                    case "w" ->
                        draft.window = ProviderTimes.seconds(parameter.group(2)).orElse(null);
                    default -> {
                        // The draft allows others.
                    }
                }
            }
        }
    }

    private static void set(
            Map<String, Draft> drafts, String subject, String field, String value, Supplier<Instant> now) {
        Draft draft = draft(drafts, subject);
        if (draft == null) {
            return;
        }
        switch (field) {
            case "limit" -> draft.limit = count(value);
            case "remaining" -> draft.remaining = count(value);
            case "renewalperiod" ->
                draft.window = ProviderTimes.seconds(value)
                        .filter(window -> !window.isZero())
                        .orElse(null);
            default -> draft.resetsIn = ProviderTimes.any(value, now).orElse(null);
        }
    }

    private static @Nullable Draft draft(Map<String, Draft> drafts, String subject) {
        Draft present = drafts.get(subject);
        if (present == null && drafts.size() < MAX_SUBJECTS) {
            present = new Draft();
            drafts.put(subject, present);
        }
        return present;
    }

    /** Negative means unknown (Azure). */
    private static OptionalLong count(String value) {
        String stripped = value.strip();
        if (stripped.isEmpty() || stripped.length() > MAX_DIGITS) {
            return OptionalLong.empty();
        }
        long count = 0;
        for (int i = 0; i < stripped.length(); i++) {
            char c = stripped.charAt(i);
            if (c < '0' || c > '9') {
                return OptionalLong.empty();
            }
            count = 10 * count + (c - '0');
        }
        return OptionalLong.of(count);
    }

    private static Optional<Duration> windowIn(String subject) {
        if (subject.indexOf('-') < 0) {
            return Optional.empty();
        }
        Matcher matcher = WINDOW.matcher(subject);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        long amount = matcher.group(1) == null ? 1 : Long.parseLong(matcher.group(1));
        return Optional.of(
                switch (matcher.group(2)) {
                    case "second" -> Duration.ofSeconds(amount);
                    case "minute" -> Duration.ofMinutes(amount);
                    case "hour" -> Duration.ofHours(amount);
                    case "day" -> Duration.ofDays(amount);
                    default -> Duration.ofDays(30 * amount);
                });
    }
}
