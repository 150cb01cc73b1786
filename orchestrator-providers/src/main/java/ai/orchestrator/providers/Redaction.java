package ai.orchestrator.providers;

import java.io.IOException;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Makes what a peer wrote fit to be shown: on one line, cut, and without the key, which some repeat. */
final class Redaction {

    static final int MAX_MESSAGE = 300;
    static final int MAX_CODE = 100;
    private static final int MAX_ID = 200;

    /** More would be a circle. */
    private static final int MAX_CAUSES = 20;

    private static final String MASK = "***";

    /** How many characters of a key must be together to be worth hiding: servers also repeat parts of it. */
    private static final int MIN_PART = 8;

    /** Blanks and control characters, the bidirectional and other invisible ones and halves of surrogate pairs included. */
    private static final Pattern UNPRINTABLE = Pattern.compile("[\\s\\p{Z}\\p{Cc}\\p{Cf}\\p{Cs}]+");

    /**
     * Keys by the look of them, partly masked ones too: a gateway may repeat its own. The mark after the vendor's letters keeps
     * {@code skip_special_tokens} and its like.
     */
    private static final Pattern KEY_LIKE =
            Pattern.compile("\\b(?:(?:sk|xai|csk|pplx)-|(?:gsk|hf|tgp_v1)_|AIza)[A-Za-z0-9*_-]{12,}"
                    + "|(?<=\\b[Bb]earer )[A-Za-z0-9*._~+/=-]{12,}");

    /** What each key-like text has in it, in the order of the pattern. */
    private static final List<String> KEY_MARKS =
            List.of("sk-", "xai-", "pplx-", "gsk_", "hf_", "tgp_v1_", "AIza", "earer ");

    private final Optional<String> secret;

    /** The shortest parts of the key that are hidden; empty if it is too short to have any. */
    private final String beginning;

    private final String end;

    Redaction(Optional<String> secret) {
        this.secret = secret.filter(key -> !key.isBlank());
        String parts = this.secret.filter(key -> key.length() > MIN_PART).orElse("");
        this.beginning = parts.isEmpty() ? "" : parts.substring(0, MIN_PART);
        this.end = parts.isEmpty() ? "" : parts.substring(parts.length() - MIN_PART);
    }

    /** A message for people. */
    String message(String text) {
        return clean(text, MAX_MESSAGE);
    }

    /** A code for programs. */
    String code(String text) {
        return clean(text, MAX_CODE);
    }

    /** An id for the provider's support. */
    String id(String text) {
        return clean(text, MAX_ID);
    }

    /** The text with the key masked, neither cut nor on one line. */
    String withoutKey(String text) {
        return secret.map(key -> maskParts(maskWhole(text, key), key)).orElse(text);
    }

    private String clean(String text, int max) {
        // What is cut off need not be searched, but a key must not be cut in half before it is found.
        String head = text.length() > 16 * max ? text.substring(0, 16 * max) : text;
        String known = secret.map(key -> maskWhole(head, key)).orElse(head);
        // Before the parts: what is left of a key that the server has masked in the middle has lost its looks.
        String alike = hasKeyMark(known) ? KEY_LIKE.matcher(known).replaceAll(MASK) : known;
        String masked = secret.map(key -> maskParts(alike, key)).orElse(alike);
        String line = (isPlain(masked) ? masked : UNPRINTABLE.matcher(masked).replaceAll(" ")).strip();
        if (line.length() <= max) {
            return line;
        }
        int end = Character.isHighSurrogate(line.charAt(max - 1)) ? max - 1 : max;
        return line.substring(0, end).strip() + "…";
    }

    private static boolean hasKeyMark(String text) {
        for (String mark : KEY_MARKS) {
            if (text.contains(mark)) {
                return true;
            }
        }
        return false;
    }

    /** Whether it has nothing but visible ASCII and single blanks, as nearly all have that are not written for people. */
    private static boolean isPlain(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ' || c > '~' || (c == ' ' && i > 0 && text.charAt(i - 1) == ' ')) {
                return false;
            }
        }
        return true;
    }

    private static String maskWhole(String text, String key) {
        if (key.length() >= MIN_PART) {
            return maskInAnyCase(text, key);
        }
        // A local server's "none" or "x" is in many words.
        return text.contains(key)
                ? Pattern.compile("(?<![A-Za-z0-9])" + Pattern.quote(key) + "(?![A-Za-z0-9])")
                        .matcher(text)
                        .replaceAll(MASK)
                : text;
    }

    /** A server may have written it in lower or upper case. */
    private static String maskInAnyCase(String text, String key) {
        StringBuilder masked = null;
        int copied = 0;
        for (int at = 0; at <= text.length() - key.length(); at++) {
            if (text.regionMatches(true, at, key, 0, key.length())) {
                masked = (masked == null ? new StringBuilder() : masked)
                        .append(text, copied, at)
                        .append(MASK);
                copied = at + key.length();
                at = copied - 1;
            }
        }
        return masked == null
                ? text
                : masked.append(text, copied, text.length()).toString();
    }

    /** Hides beginnings and ends of the key, as in {@code sk-abcdefgh...}, each as far as it goes. */
    private String maskParts(String text, String key) {
        if (beginning.isEmpty() || !(text.contains(beginning) || text.contains(end))) {
            return text;
        }
        BitSet hidden = new BitSet();
        for (int at = text.indexOf(beginning); at >= 0; at = text.indexOf(beginning, at + 1)) {
            int length = MIN_PART;
            while (length < key.length()
                    && at + length < text.length()
                    && text.charAt(at + length) == key.charAt(length)) {
                length++;
            }
            hidden.set(at, at + length);
        }
        for (int at = text.indexOf(end); at >= 0; at = text.indexOf(end, at + 1)) {
            int length = MIN_PART;
            int from = at;
            while (length < key.length()
                    && from > 0
                    && text.charAt(from - 1) == key.charAt(key.length() - length - 1)) {
                length++;
                from--;
            }
            hidden.set(from, at + MIN_PART);
        }
        return masked(text, hidden);
    }

    private static String masked(String text, BitSet hidden) {
        StringBuilder masked = new StringBuilder();
        int shown = 0;
        for (int from = hidden.nextSetBit(0); from >= 0; from = hidden.nextSetBit(shown)) {
            masked.append(text, shown, from).append(MASK);
            shown = hidden.nextClearBit(from);
        }
        return masked.append(text, shown, text.length()).toString();
    }

    /** The exception itself, or one that says the same without the key. */
    IOException cause(IOException original) {
        if (!showsKey(original, MAX_CAUSES)) {
            return original;
        }
        IOException replacement = new IOException(
                original.getClass().getSimpleName() + ": " + message(String.valueOf(original.getMessage())));
        replacement.setStackTrace(original.getStackTrace());
        return replacement;
    }

    private boolean showsKey(@Nullable Throwable exception, int depth) {
        if (exception == null) {
            return false;
        }
        String message = exception.getMessage();
        // What cannot be looked through is not shown.
        return depth == 0
                || (message != null && !withoutKey(message).equals(message))
                || showsKey(exception.getCause(), depth - 1)
                || Arrays.stream(exception.getSuppressed()).anyMatch(other -> showsKey(other, depth - 1));
    }
}
