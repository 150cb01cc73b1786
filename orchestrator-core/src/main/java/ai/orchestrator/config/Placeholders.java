package ai.orchestrator.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Puts environment variables in the place of <code>${NAME}</code> and <code>${NAME:default}</code>. A default may have placeholders of its own;
 * the value of a variable is taken as it is. A backslash before the dollar sign makes it an ordinary one.
 */
final class Placeholders {

    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_.-]*");
    private static final int DEEPEST = 16;

    /**
     * A value without placeholders.
     *
     * @param variables which ones were used, those that are not set too
     */
    record Resolved(String value, List<String> variables) {}

    private final Map<String, String> environment;
    private final String text;
    private final List<String> variables = new ArrayList<>();
    private int at;

    private Placeholders(String text, Map<String, String> environment) {
        this.text = text;
        this.environment = environment;
    }

    /**
     * Resolves a value.
     *
     * @throws IllegalArgumentException if a variable is not set and has no default, or a placeholder has not the form of one
     */
    static Resolved resolve(String text, Map<String, String> environment) {
        if (!text.contains("${")) {
            return new Resolved(text, List.of());
        }
        Placeholders placeholders = new Placeholders(text, environment);
        String value = placeholders.read(0, true);
        return new Resolved(value, placeholders.variables);
    }

    /**
     * Reads up to the end, or inside a placeholder up to its brace.
     *
     * @param wanted whether what is read will be used: the default of a variable that is set will not
     */
    private String read(int depth, boolean wanted) {
        if (depth > DEEPEST) {
            throw new IllegalArgumentException("has placeholders inside each other, more than " + DEEPEST + " deep");
        }
        StringBuilder read = new StringBuilder();
        while (at < text.length()) {
            if (text.startsWith("\\${", at)) {
                read.append("${");
                at += 3;
            } else if (text.startsWith("${", at)) {
                at += 2;
                read.append(placeholder(depth, wanted));
            } else if (depth > 0 && text.charAt(at) == '}') {
                return read.toString();
            } else {
                read.append(text.charAt(at++));
            }
        }
        if (depth > 0) {
            throw new IllegalArgumentException("has a ${ that is not closed; write ${NAME} or ${NAME:default}");
        }
        return read.toString();
    }

    private String placeholder(int depth, boolean wanted) {
        int start = at;
        while (at < text.length() && text.charAt(at) != ':' && text.charAt(at) != '}') {
            at++;
        }
        String name = text.substring(start, at).strip();
        if (at == text.length()) {
            throw new IllegalArgumentException("has a ${ that is not closed; write ${NAME} or ${NAME:default}");
        }
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "has a ${ without the name of an environment variable; write ${NAME} or ${NAME:default}");
        }
        String value = environment.get(name);
        if (wanted) {
            variables.add(name);
        }
        String fallback = null;
        if (text.charAt(at) == ':') {
            at++;
            fallback = read(depth + 1, wanted && value == null);
        }
        at++;
        if (value == null) {
            value = fallback;
        }
        if (value == null) {
            if (wanted) {
                throw new Unset(name);
            }
            return "";
        }
        return value;
    }

    /** A variable is not set. */
    static final class Unset extends IllegalArgumentException {

        private static final long serialVersionUID = 1L;

        private final String name;

        private Unset(String name) {
            super("missing; the environment variable " + name + " is not set; set it, or give a default as ${" + name
                    + ":default}");
            this.name = name;
        }

        String name() {
            return name;
        }
    }
}
