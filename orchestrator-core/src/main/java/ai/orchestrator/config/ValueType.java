package ai.orchestrator.config;

import java.lang.reflect.Modifier;
import java.math.BigDecimal;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZoneId;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * How a kind of value is written.
 *
 * @param name what it is called, such as {@code duration}
 * @param javaName its class, for tools
 * @param article what a value must be, with its article, such as {@code a duration}
 * @param examples how values look; null where the article says it all
 * @param parser reads a value; an {@link IllegalArgumentException} or {@link ArithmeticException} refuses it
 * @param formatter writes it again
 * @param choices every value that there is; empty where they cannot be counted
 */
record ValueType<T>(
        String name,
        String javaName,
        String article,
        @Nullable String examples,
        Function<String, T> parser,
        Function<T, String> formatter,
        List<String> choices) {

    private static final Pattern SIZE = Pattern.compile("(\\d{1,19})\\s?(B|KB|MB|GB)?", Pattern.CASE_INSENSITIVE);
    private static final Pattern SIMPLE_DURATION = Pattern.compile("([+-]?\\d{1,15})(ms|s|m|h|d)");
    private static final Pattern PERCENT = Pattern.compile("([+-]?\\d{1,9}(?:\\.\\d{1,20})?)\\s?%");
    private static final long KILO = 1024;

    static final ValueType<String> TEXT =
            new ValueType<>("text", "java.lang.String", "a text", null, text -> text, text -> text, List.of());

    static final ValueType<Boolean> FLAG = choice(
            "boolean", "java.lang.Boolean", List.of(Boolean.TRUE, Boolean.FALSE), value -> Boolean.toString(value));

    static final ValueType<Integer> INTEGER = new ValueType<>(
            "whole number",
            "java.lang.Integer",
            "a whole number",
            null,
            Integer::valueOf,
            value -> Integer.toString(value),
            List.of());

    static final ValueType<Long> LONG = new ValueType<>(
            "whole number",
            "java.lang.Long",
            "a whole number",
            null,
            Long::valueOf,
            value -> Long.toString(value),
            List.of());

    static final ValueType<Double> DECIMAL = new ValueType<>(
            "number",
            "java.lang.Double",
            "a number",
            "such as 0.59",
            ValueType::parseDecimal,
            ValueType::formatDecimal,
            List.of());

    /** A share, from zero to one. */
    static final ValueType<Double> PERCENTAGE = new ValueType<>(
            "percentage",
            "java.lang.String",
            "a percentage",
            "such as 20%",
            ValueType::parsePercentage,
            ValueType::formatPercentage,
            List.of());

    static final ValueType<Duration> DURATION = new ValueType<>(
            "duration",
            "java.time.Duration",
            "a duration",
            "such as 500ms, 60s, 5m, 2h, 30d or PT1M30S",
            ValueType::parseDuration,
            ValueType::formatDuration,
            List.of());

    /** In bytes; a kilobyte has 1024. */
    static final ValueType<Long> BYTES = new ValueType<>(
            "size",
            "org.springframework.util.unit.DataSize",
            "a size",
            "such as 512KB, 64MB, 1GB or a number of bytes",
            ValueType::parseSize,
            ValueType::formatSize,
            List.of());

    static final ValueType<ZoneId> ZONE = new ValueType<>(
            "time zone",
            "java.time.ZoneId",
            "a time zone",
            "such as UTC, America/Los_Angeles or +02:00",
            ValueType::parseZone,
            // UTC as an offset calls itself Z.
            zone -> zone.getId().equals("Z") ? "UTC" : zone.getId(),
            List.of());

    static final ValueType<List<String>> NAMES = new ValueType<>(
            "list",
            "java.util.List<java.lang.String>",
            "a list of names",
            "such as a,b",
            ValueType::parseList,
            names -> String.join(",", names),
            List.of());

    ValueType {
        choices = List.copyOf(choices);
    }

    static <E> ValueType<E> choice(String name, String javaName, List<E> values, Function<E, String> text) {
        List<String> words = values.stream().map(text).toList();
        String article = words.size() == 2 ? String.join(" or ", words) : "one of " + String.join(", ", words);
        return new ValueType<>(
                name,
                javaName,
                article,
                null,
                written -> values.stream()
                        .filter(value -> relaxed(text.apply(value)).equals(relaxed(written)))
                        .findFirst()
                        .orElseThrow(IllegalArgumentException::new),
                text,
                words);
    }

    static <E extends Enum<E>> ValueType<E> choice(Class<E> type) {
        return choice(
                "choice",
                Modifier.isPublic(type.getModifiers()) ? type.getName() : String.class.getName(),
                Arrays.asList(type.getEnumConstants()),
                value -> value.name().toLowerCase(Locale.ROOT).replace('_', '-'));
    }

    /** {@code round-robin}, {@code ROUND_ROBIN} and {@code roundRobin} are the same, as in Spring. */
    private static String relaxed(String word) {
        return word.toLowerCase(Locale.ROOT).replace("-", "").replace("_", "");
    }

    /**
     * Reads a value.
     *
     * @throws IllegalArgumentException if it is not of this type
     */
    T parse(String text) {
        try {
            return parser.apply(text);
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private static double parseDecimal(String text) {
        double value = Double.parseDouble(text);
        // Hexadecimal numbers, NaN and suffixes are no numbers to an operator.
        if (!text.matches("[+-]?[0-9.]+([eE][+-]?\\d+)?") || Double.isInfinite(value)) {
            throw new IllegalArgumentException();
        }
        return value;
    }

    private static String formatDecimal(double value) {
        String text =
                new BigDecimal(Double.toString(value)).stripTrailingZeros().toPlainString();
        return text;
    }

    private static double parsePercentage(String text) {
        Matcher matcher = PERCENT.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException();
        }
        return new BigDecimal(matcher.group(1)).movePointLeft(2).doubleValue();
    }

    private static String formatPercentage(double share) {
        return new BigDecimal(Double.toString(share))
                        .movePointRight(2)
                        .stripTrailingZeros()
                        .toPlainString()
                + "%";
    }

    private static long parseSize(String text) {
        Matcher matcher = SIZE.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException();
        }
        long unit = switch (Objects.requireNonNullElse(matcher.group(2), "B").toUpperCase(Locale.ROOT)) {
            case "KB" -> KILO;
            case "MB" -> KILO * KILO;
            case "GB" -> KILO * KILO * KILO;
            default -> 1;
        };
        return Math.multiplyExact(Long.parseLong(matcher.group(1)), unit);
    }

    private static String formatSize(long bytes) {
        long left = bytes;
        int unit = 0;
        while (unit < 3 && left > 0 && left % KILO == 0) {
            left /= KILO;
            unit++;
        }
        return left + List.of("B", "KB", "MB", "GB").get(unit);
    }

    private static Duration parseDuration(String text) {
        Matcher matcher = SIMPLE_DURATION.matcher(text);
        if (!matcher.matches()) {
            try {
                return Duration.parse(text);
            } catch (DateTimeParseException e) {
                throw new IllegalArgumentException(e);
            }
        }
        long amount = Long.parseLong(matcher.group(1));
        return switch (matcher.group(2)) {
            case "ms" -> Duration.ofMillis(amount);
            case "s" -> Duration.ofSeconds(amount);
            case "m" -> Duration.ofMinutes(amount);
            case "h" -> Duration.ofHours(amount);
            default -> Duration.ofDays(amount);
        };
    }

    /** In the largest unit that leaves nothing over; a single minute in seconds, as people write it. */
    static String formatDuration(Duration duration) {
        long seconds = duration.getSeconds();
        int nanos = duration.getNano();
        if (nanos % 1_000_000 != 0) {
            return duration.toString();
        }
        if (nanos != 0) {
            try {
                return duration.toMillis() + "ms";
            } catch (ArithmeticException e) {
                return duration.toString();
            }
        }
        if (seconds != 0 && seconds % 86_400 == 0) {
            return seconds / 86_400 + "d";
        }
        if (seconds != 0 && seconds % 3_600 == 0) {
            return seconds / 3_600 + "h";
        }
        if (seconds % 60 == 0 && Math.abs(seconds) > 60) {
            return seconds / 60 + "m";
        }
        return seconds + "s";
    }

    private static ZoneId parseZone(String text) {
        try {
            return ZoneId.of(text);
        } catch (DateTimeException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private static List<String> parseList(String text) {
        if (text.isEmpty()) {
            return List.of();
        }
        List<String> names = new ArrayList<>();
        Stream.of(text.split(",", -1)).map(String::strip).forEach(names::add);
        if (names.contains("")) {
            throw new IllegalArgumentException();
        }
        return names;
    }
}
