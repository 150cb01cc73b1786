package ai.orchestrator;

import java.io.Serializable;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A configuration was refused as a whole. The message lists every mistake, each with its key and what is allowed; nothing was sent. */
public final class ConfigurationException extends OrchestratorException {

    private static final long serialVersionUID = 1L;

    /** An array, because an exception can be serialized and a list need not be. */
    private final Mistake[] mistakes;

    /**
     * Refuses a configuration.
     *
     * @param source where it came from, such as a file's name
     * @param mistakes at least one
     */
    public ConfigurationException(String source, List<Mistake> mistakes) {
        super(message(source, mistakes), null);
        this.mistakes = mistakes.toArray(new Mistake[0]);
    }

    private static String message(String source, List<Mistake> mistakes) {
        if (mistakes.isEmpty()) {
            throw new IllegalArgumentException("a refused configuration has at least one mistake");
        }
        if (mistakes.size() == 1) {
            Mistake mistake = mistakes.get(0);
            return source + (mistake.line == 0 ? ": " : ", ") + mistake;
        }
        return mistakes.stream()
                .map(mistake -> "\n  " + mistake)
                .collect(Collectors.joining("", source + ": " + mistakes.size() + " mistakes", ""));
    }

    /**
     * Everything that is wrong.
     *
     * @return in the order of the file, then what was not read from it; unmodifiable
     */
    public List<Mistake> mistakes() {
        return List.of(mistakes);
    }

    /** One thing that is wrong. Immutable and safe for use by several threads; has no secret. */
    public static final class Mistake implements Serializable {

        private static final long serialVersionUID = 1L;

        private final @Nullable String source;
        private final int line;
        private final String key;
        private final @Nullable String value;
        private final String problem;
        private final @Nullable String nearest;

        private Mistake(
                @Nullable String source,
                int line,
                String key,
                @Nullable String value,
                String problem,
                @Nullable String nearest) {
            this.source = source;
            this.line = line;
            this.key = Objects.requireNonNull(key, "key");
            this.value = value;
            this.problem = Objects.requireNonNull(problem, "problem");
            this.nearest = nearest;
        }

        /**
         * A mistake of which nobody has said yet where it is.
         *
         * @param key the key, also where a builder was used; empty for a file as a whole
         * @param value what it was set to; null if that is not to be shown or there is none
         * @param problem what is wrong and what is allowed
         * @return the mistake
         */
        public static Mistake of(String key, @Nullable String value, String problem) {
            return new Mistake(null, 0, key, value, problem, null);
        }

        /**
         * The same, found in a place.
         *
         * @param source a file, or the words for something else, such as {@code environment variable ORCHESTRATOR_DEADLINE}
         * @param line the line in a file, from 1; 0 where there are no lines
         * @return the mistake
         */
        public Mistake in(String source, int line) {
            return new Mistake(Objects.requireNonNull(source, "source"), line, key, value, problem, nearest);
        }

        /**
         * The same, with what was probably meant.
         *
         * @param nearest a known key, or a known value
         * @return the mistake; the sentence asks whether that was meant
         */
        public Mistake nearest(String nearest) {
            return new Mistake(
                    source,
                    line,
                    key,
                    value,
                    problem + "; did you mean " + nearest + "?",
                    Objects.requireNonNull(nearest));
        }

        /**
         * The same, with what may help.
         *
         * @param hint what to do
         * @return the mistake
         */
        public Mistake hint(String hint) {
            return new Mistake(source, line, key, value, problem + "; " + hint, nearest);
        }

        /**
         * The same in other words.
         *
         * @param shown changes what somebody else has written: key and value
         * @param said changes what is said of it
         * @return the mistake
         */
        public Mistake withTexts(UnaryOperator<String> shown, UnaryOperator<String> said) {
            return new Mistake(
                    source,
                    line,
                    shown.apply(key),
                    value == null ? null : shown.apply(value),
                    said.apply(problem),
                    nearest == null ? null : said.apply(nearest));
        }

        /**
         * Where it is.
         *
         * @return a file, or the words for something else; empty for what a program has set
         */
        public Optional<String> source() {
            return Optional.ofNullable(source);
        }

        /**
         * The line in the file.
         *
         * @return from 1; empty where there are no lines
         */
        public OptionalInt line() {
            return line == 0 ? OptionalInt.empty() : OptionalInt.of(line);
        }

        /**
         * The key.
         *
         * @return as a file has it, also where a builder was used; empty for a file as a whole
         */
        public String key() {
            return key;
        }

        /**
         * What the key was set to.
         *
         * @return the value; empty if it must not be shown or there is none
         */
        public Optional<String> value() {
            return Optional.ofNullable(value);
        }

        /**
         * What is wrong and what is allowed.
         *
         * @return a sentence
         */
        public String problem() {
            return problem;
        }

        /**
         * What was probably meant.
         *
         * @return a known key or value; empty if none is like it
         */
        public Optional<String> nearest() {
            return Optional.ofNullable(nearest);
        }

        /** The line or the source, the key, the value and the problem. */
        @Override
        public String toString() {
            String place = line > 0 ? "line " + line + ": " : source == null ? "" : source + ": ";
            String shown = key.isEmpty() ? "" : key + (value == null ? "" : "=" + value) + ": ";
            return place + shown + problem;
        }
    }
}
