package ai.orchestrator.config;

import java.util.Objects;
import java.util.Optional;

/**
 * A value that is in force. Immutable; has no secret.
 *
 * @param key the key, as it is officially written
 * @param value the value as a file would have it; {@code ****} for a key; for what is not set, words such as {@code none}
 * @param origin where it comes from, such as {@code line 3} or {@code environment variable ORCHESTRATOR_DEADLINE}; empty for a default
 */
public record ConfigValue(String key, String value, Optional<String> origin) {

    private static final int LONGEST = 480;

    /** Checks that nothing is null. */
    public ConfigValue {
        Objects.requireNonNull(key, "key");
        Objects.requireNonNull(value, "value");
        Objects.requireNonNull(origin, "origin");
    }

    /** On one line and without what would move a terminal's cursor. */
    static String printable(String text) {
        StringBuilder shown = new StringBuilder();
        text.codePoints().forEach(c -> {
            int type = Character.getType(c);
            if (Character.isISOControl(c)
                    || type == Character.FORMAT
                    || type == Character.LINE_SEPARATOR
                    || type == Character.PARAGRAPH_SEPARATOR
                    || type == Character.SURROGATE) {
                shown.append(String.format("\\u%04x", c));
            } else {
                shown.appendCodePoint(c);
            }
        });
        return shown.toString();
    }

    /** The beginning of what nobody would read to its end. */
    static String shortened(String text) {
        return text.length() <= LONGEST ? text : text.substring(0, text.offsetByCodePoints(0, LONGEST / 2)) + "...";
    }
}
