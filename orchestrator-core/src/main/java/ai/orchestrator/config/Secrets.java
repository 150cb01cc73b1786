package ai.orchestrator.config;

import java.util.Comparator;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** What must not be shown, wherever it turns up: also a key that was put into the wrong line. */
final class Secrets {

    static final String MASK = "****";

    /** Shorter ones would mask ordinary words. */
    private static final int SHORTEST = 8;

    /** How the vendors' keys look: long, with a digit, many with a beginning of their own; no word that people say does. */
    private static final Pattern KEY =
            Pattern.compile("\\b(?:sk|gsk|hf|xai|csk|pk|rk|tgp|r8)[-_](?=[A-Za-z_-]*\\d)[A-Za-z0-9_-]{20,}"
                    + "|\\bAIza[A-Za-z0-9_-]{20,}"
                    + "|\\beyJ[A-Za-z0-9_.-]{20,}"
                    + "|\\b(?=[A-Za-z]*\\d)(?=\\d*[A-Za-z])[A-Za-z0-9]{24,}\\b");

    private static final Pattern VARIABLE =
            Pattern.compile("(?i)(?:.*_)?(?:API_?)?(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)");

    /** The longest first, because one may begin with another. */
    private final Set<String> values =
            new TreeSet<>(Comparator.comparingInt(String::length).reversed().thenComparing(Comparator.naturalOrder()));

    /** Never shows this again. */
    void add(String secret) {
        if (secret.strip().length() >= SHORTEST) {
            values.add(secret.strip());
        }
    }

    /** Whether an environment variable is called like one that holds a secret. */
    static boolean isSecret(String variable) {
        return VARIABLE.matcher(variable).matches();
    }

    /** A text in which every secret is masked. */
    String mask(String text) {
        String masked = text;
        for (String secret : values) {
            masked = masked.replace(secret, MASK);
        }
        return KEY.matcher(masked).replaceAll(MASK);
    }
}
