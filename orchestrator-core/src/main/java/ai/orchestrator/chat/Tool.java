package ai.orchestrator.chat;

import java.util.Objects;
import java.util.regex.Pattern;

/**
 * What the model may ask to be called. Immutable.
 *
 * @param name 1 to 64 letters, digits, underscores and hyphens, which every provider takes
 * @param description what it does and when to use it, for the model; may be empty
 * @param parameters a JSON schema of its arguments, as JSON text: an object; checked before anything is sent
 */
public record Tool(String name, String description, String parameters) {

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,64}");

    /**
     * Checks the name.
     *
     * @throws IllegalArgumentException if it has another form
     */
    public Tool {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "a tool's name must be 1 to 64 letters, digits, underscores and hyphens but is '" + name + "'");
        }
        Objects.requireNonNull(description, "description");
        Objects.requireNonNull(parameters, "parameters");
    }

    /**
     * A tool without arguments.
     *
     * @param name as in the constructor
     * @param description as in the constructor
     * @return the tool
     * @throws IllegalArgumentException as in the constructor
     */
    public static Tool withoutArguments(String name, String description) {
        return new Tool(name, description, "{\"type\":\"object\",\"properties\":{}}");
    }

    /** The name alone. */
    @Override
    public String toString() {
        return "Tool(" + name + ")";
    }
}
