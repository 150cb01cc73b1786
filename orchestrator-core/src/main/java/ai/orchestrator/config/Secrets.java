package ai.orchestrator.config;

import java.util.HashSet;
import java.util.Set;
import java.util.regex.Pattern;

/** What must not be shown, wherever it turns up: also a key that was put into the wrong line. */
final class Secrets {

    static final String MASK = "****";

    /** Shorter ones would mask ordinary words. */
    private static final int SHORTEST = 8;

    /** How the vendors' keys begin. */
    private static final Pattern KEY = Pattern.compile(
            "\\b(?:sk|gsk|hf|xai|csk|pk|rk|tgp|r8)[-_][A-Za-z0-9_-]{12,}|\\bAIza[A-Za-z0-9_-]{20,}|\\beyJ[A-Za-z0-9_.-]{20,}");

    private static final Pattern VARIABLE = Pattern.compile("(?i).*(key|token|secret|password|passwd|credential).*");

    private final Set<String> values = new HashSet<>();

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
