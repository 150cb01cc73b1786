package ai.orchestrator.providers;

import java.io.IOException;
import java.util.Optional;
import java.util.regex.Pattern;

/** Makes what a peer wrote fit to be shown: on one line, cut, and without the key, which some repeat. */
final class Redaction {

    static final int MAX_MESSAGE = 300;
    static final int MAX_CODE = 100;
    private static final int MAX_ID = 200;

    private static final String MASK = "***";

    /** How many bytes of a key must be together to be worth hiding: servers also repeat parts of it. */
    private static final int MIN_PART = 8;

    /** Blanks and control characters, the bidirectional and other invisible ones included. */
    private static final Pattern UNPRINTABLE = Pattern.compile("[\\s\\p{Cntrl}\\p{Cf}]+");

    /** Keys by the look of them, partly masked ones too: a gateway may repeat its own. */
    private static final Pattern KEY_LIKE =
            Pattern.compile("\\b(?:sk|gsk|hf|xai|csk|pplx|AIza)[-_]?[A-Za-z0-9*_-]{12,}");

    private final Optional<String> secret;

    Redaction(Optional<String> secret) {
        this.secret = secret;
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
        return secret.map(key -> mask(text, key)).orElse(text);
    }

    private String clean(String text, int max) {
        // What is cut off need not be searched, but a key must not be cut in half before it is found.
        String head = text.length() > 16 * max ? text.substring(0, 16 * max) : text;
        String line = UNPRINTABLE
                .matcher(KEY_LIKE.matcher(withoutKey(head)).replaceAll(MASK))
                .replaceAll(" ")
                .strip();
        if (line.length() <= max) {
            return line;
        }
        int end = Character.isHighSurrogate(line.charAt(max - 1)) ? max - 1 : max;
        return line.substring(0, end).strip() + "…";
    }

    private static String mask(String text, String key) {
        String masked = text.replace(key, MASK);
        // The longest beginnings and ends of it, as in "sk-abcdefgh...": each at least as long as a part worth hiding.
        for (int length = key.length() - 1; length >= MIN_PART; length--) {
            masked = masked.replace(key.substring(0, length), MASK);
            masked = masked.replace(key.substring(key.length() - length), MASK);
        }
        return masked;
    }

    /** The exception itself, or one that says the same without the key. */
    IOException cause(IOException original) {
        for (Throwable cause = original; cause != null; cause = cause.getCause()) {
            String message = cause.getMessage();
            if (message != null && !withoutKey(message).equals(message)) {
                IOException replacement = new IOException(
                        original.getClass().getSimpleName() + ": " + message(String.valueOf(original.getMessage())));
                replacement.setStackTrace(original.getStackTrace());
                return replacement;
            }
        }
        return original;
    }
}
