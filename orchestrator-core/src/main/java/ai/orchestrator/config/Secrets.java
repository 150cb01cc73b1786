package ai.orchestrator.config;

import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What must not be shown, wherever it turns up: also a key that was put into the wrong line. */
final class Secrets {

    static final String MASK = "****";

    /** Shorter ones would mask ordinary words. */
    private static final int SHORTEST = 8;

    /**
     * How keys look: a vendor's beginning and then 10 letters and digits in a row or more, or 24 of them without one; no word that people say does.
     * Every repetition is bounded, or begins where it cannot have begun before, so that a long text takes no time.
     */
    private static final Pattern KEY = Pattern.compile("(?<![A-Za-z0-9])(?:"
            + "(?:sk|gsk|hf|xai|csk|pk|rk|tgp|r8)[-_](?:[A-Za-z0-9]{1,12}[-_]){0,3}(?=[A-Za-z]{0,64}\\d)[A-Za-z0-9]{10,}"
            + "|AIza[A-Za-z0-9_-]{20,}"
            + "|eyJ[A-Za-z0-9_.-]{20,}"
            + "|(?=[A-Za-z]{0,64}\\d)(?=\\d{0,64}[A-Za-z])[A-Za-z0-9]{24,}(?![A-Za-z0-9])"
            + ")");

    private static final Pattern VARIABLE =
            Pattern.compile("(?i)(?:.*_)?(?:API_?)?(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)"
                    + "(?:_(?!(?:FILE|PATH|DIR|ID|URL)$)[A-Z0-9]+)?");

    /** What is in the names of our own keys. One who takes a word of them for a secret would read nothing any more. */
    private static final String OWN_WORDS = Stream.of(ConfigKeys.TOP, ConfigKeys.PROVIDER, ConfigKeys.ROUTE)
            .flatMap(List::stream)
            .map(Setting::name)
            .collect(Collectors.joining(
                    " ", ConfigKeys.DEFAULTS + " " + ConfigKeys.PROVIDERS + " " + ConfigKeys.ROUTES, ""));

    /** The longest first, because one may begin with another. */
    private final Set<String> values =
            new TreeSet<>(Comparator.comparingInt(String::length).reversed().thenComparing(Comparator.naturalOrder()));

    /** Never shows this again. */
    void add(String secret) {
        String value = secret.strip();
        if (value.length() >= SHORTEST && !OWN_WORDS.contains(value)) {
            values.add(value);
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
