package ai.orchestrator.provider;

import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A setting that only one type of provider has, such as Anthropic's {@code api-version}. Immutable and safe for use by several threads.
 */
public final class ProviderOption {

    private final String name;
    private final Optional<String> defaultValue;
    private final Pattern pattern;
    private final String allowed;
    private final String meaning;

    private ProviderOption(
            String name, Optional<String> defaultValue, Pattern pattern, String allowed, String meaning) {
        this.name = Objects.requireNonNull(name, "name");
        this.defaultValue = Objects.requireNonNull(defaultValue, "defaultValue");
        this.pattern = Objects.requireNonNull(pattern, "pattern");
        this.allowed = Objects.requireNonNull(allowed, "allowed");
        this.meaning = Objects.requireNonNull(meaning, "meaning");
    }

    /**
     * An option that has a value also where none is configured.
     *
     * @param name what configuration calls it: lower case, with hyphens
     * @param defaultValue its value unless configured
     * @param pattern what every value matches as a whole
     * @param allowed the same in words, such as {@code bearer or x-api-key}
     * @param meaning what it does, for the reference
     * @return the option
     */
    public static ProviderOption of(String name, String defaultValue, Pattern pattern, String allowed, String meaning) {
        return new ProviderOption(name, Optional.of(defaultValue), pattern, allowed, meaning);
    }

    /**
     * An option that has no value unless one is configured.
     *
     * @param name what configuration calls it: lower case, with hyphens
     * @param pattern what every value matches as a whole
     * @param allowed the same in words
     * @param meaning what it does, and what happens without it, for the reference
     * @return the option
     */
    public static ProviderOption optional(String name, Pattern pattern, String allowed, String meaning) {
        return new ProviderOption(name, Optional.empty(), pattern, allowed, meaning);
    }

    /**
     * What configuration calls it.
     *
     * @return the name
     */
    public String name() {
        return name;
    }

    /**
     * Its value unless configured.
     *
     * @return the value, if there is one
     */
    public Optional<String> defaultValue() {
        return defaultValue;
    }

    /**
     * Whether a value may be configured.
     *
     * @param value the value
     * @return true if it has the form that is allowed
     */
    public boolean allows(String value) {
        return pattern.matcher(value).matches();
    }

    /**
     * What is allowed, in words.
     *
     * @return for messages
     */
    public String allowed() {
        return allowed;
    }

    /**
     * What it does.
     *
     * @return for the reference
     */
    public String meaning() {
        return meaning;
    }

    @Override
    public String toString() {
        return "ProviderOption(" + name + ")";
    }
}
