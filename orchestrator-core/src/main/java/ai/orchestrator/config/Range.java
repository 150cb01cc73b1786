package ai.orchestrator.config;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The values that a setting takes. It says so to people; the builders are who refuse, and a test sees to it that both mean the same.
 *
 * @param least the least one; itself not among them if {@code open}
 * @param most the greatest one; null if there is none
 * @param special one more below the least; null if there is none
 */
record Range<T extends Comparable<T>>(
        T least, boolean open, @Nullable T most, @Nullable T special) {

    private static final Duration LONGEST = Duration.ofDays(365);

    static <T extends Comparable<T>> Range<T> of(T least, T most) {
        return new Range<>(least, false, most, null);
    }

    static <T extends Comparable<T>> Range<T> atLeast(T least) {
        return new Range<>(least, false, null, null);
    }

    static <T extends Comparable<T>> Range<T> above(T bound) {
        return new Range<>(bound, true, null, null);
    }

    static Range<Duration> durationFrom(Duration least) {
        return of(least, LONGEST);
    }

    Range<T> or(T other) {
        return new Range<>(least, open, most, other);
    }

    /** Without its least value. */
    Range<T> withoutLeast() {
        return new Range<>(least, true, most, special);
    }

    String text(ValueType<T> type) {
        String text;
        if (open) {
            text = "more than " + type.formatter().apply(least);
            if (most != null) {
                text += ", at most " + type.formatter().apply(most);
            }
        } else if (most == null) {
            text = type.formatter().apply(least) + " or more";
        } else {
            text = type.formatter().apply(least) + " to " + type.formatter().apply(most);
        }
        return special == null ? text : type.formatter().apply(special) + ", or " + text;
    }
}
