package ai.orchestrator.quota;

import ai.orchestrator.chat.RateLimit;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** Finds out which of our limits a provider's figures speak of. */
final class ReportedLimits {

    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final Duration MINUTE_AT_LEAST = Duration.ofSeconds(50);
    private static final Duration MINUTE_AT_MOST = Duration.ofSeconds(70);
    private static final Duration DAY_AT_LEAST = Duration.ofHours(23);
    private static final Duration DAY_AT_MOST = Duration.ofHours(25);

    private ReportedLimits() {}

    /** Corrects the windows that the figures speak of. */
    static void correct(List<Window> windows, List<RateLimit> reported, long now) {
        RateLimit input = null;
        RateLimit output = null;
        for (RateLimit figure : reported) {
            if (figure.remaining().isEmpty()) {
                continue;
            }
            switch (figure.subject()) {
                case "input-tokens" -> input = figure;
                case "output-tokens" -> output = figure;
                default -> correct(windows, unit(figure), figure, now);
            }
        }
        if (input != null && input.isExhausted()) {
            correct(windows, QuotaUnit.TOKENS, input, now);
        }
        if (output != null && output.isExhausted()) {
            correct(windows, QuotaUnit.TOKENS, output, now);
        }
        if (input != null && output != null && input.window().equals(output.window())) {
            correct(windows, QuotaUnit.TOKENS, together(input, output), now);
        }
    }

    private static RateLimit together(RateLimit input, RateLimit output) {
        return new RateLimit(
                "tokens",
                input.window(),
                sum(input.limit(), output.limit()),
                sum(input.remaining(), output.remaining()),
                input.resetsIn().flatMap(a -> output.resetsIn().map(b -> a.compareTo(b) > 0 ? a : b)));
    }

    private static OptionalLong sum(OptionalLong a, OptionalLong b) {
        if (a.isEmpty() || b.isEmpty()) {
            return OptionalLong.empty();
        }
        long sum = a.getAsLong() + b.getAsLong();
        return OptionalLong.of(sum < 0 ? Long.MAX_VALUE : sum);
    }

    private static void correct(List<Window> windows, @Nullable QuotaUnit unit, RateLimit figure, long now) {
        Window window = unit == null ? null : window(windows, unit, figure);
        if (window != null) {
            window.correct(figure.remaining().orElseThrow(), figure.resetsIn(), now);
        }
    }

    /** What a vendor's word counts, which may end in the window's name: {@code tokens-minute}, {@code req-10-second}. */
    private static @Nullable QuotaUnit unit(RateLimit figure) {
        String subject = figure.subject();
        int dash = figure.window().isPresent() ? subject.indexOf('-') : -1;
        return switch (subject) {
            case "trial-endpoint-call" -> QuotaUnit.REQUESTS;
            case "project-tokens" -> QuotaUnit.TOKENS;
            default ->
                switch (dash > 0 ? subject.substring(0, dash) : subject) {
                    case "requests", "req", "api" -> QuotaUnit.REQUESTS;
                    case "tokens" -> QuotaUnit.TOKENS;
                    default -> null;
                };
        };
    }

    private static @Nullable Window window(List<Window> windows, QuotaUnit unit, RateLimit figure) {
        Window minute = find(windows, unit, QuotaWindow.MINUTE);
        Window day = find(windows, unit, QuotaWindow.DAY);
        Optional<Duration> named = figure.window();
        if (named.isPresent()) {
            if (isWithin(named.get(), MINUTE_AT_LEAST, MINUTE_AT_MOST)) {
                return minute;
            }
            return isWithin(named.get(), DAY_AT_LEAST, DAY_AT_MOST) ? day : null;
        }
        if (minute == null || day == null) {
            Window only = minute == null ? day : minute;
            return only == day && isSmaller(figure, day) ? null : only;
        }
        boolean isMinutes = isEqual(figure, minute);
        if (isMinutes != isEqual(figure, day)) {
            return isMinutes ? minute : day;
        }
        if (isSmaller(figure, day)) {
            return minute;
        }
        return figure.resetsIn()
                .map(reset -> reset.compareTo(MINUTE) <= 0 ? minute : day)
                .orElse(null);
    }

    private static @Nullable Window find(List<Window> windows, QuotaUnit unit, QuotaWindow kind) {
        for (Window window : windows) {
            if (window.unit == unit && window.kind == kind) {
                return window;
            }
        }
        return null;
    }

    private static boolean isWithin(Duration duration, Duration atLeast, Duration atMost) {
        return duration.compareTo(atLeast) >= 0 && duration.compareTo(atMost) <= 0;
    }

    private static boolean isEqual(RateLimit figure, Window window) {
        return figure.limit().isPresent() && figure.limit().getAsLong() == window.limit();
    }

    /** It may be the limit of a shorter time, and what is left of that says nothing of the day. */
    private static boolean isSmaller(RateLimit figure, @Nullable Window day) {
        return day != null && figure.limit().isPresent() && figure.limit().getAsLong() < day.limit();
    }
}
