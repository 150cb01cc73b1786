package ai.orchestrator.chat;

import java.util.Objects;

/**
 * The model's wish that a tool be called. Immutable.
 *
 * @param id names the call in this conversation; made up by this library where the provider gives none
 * @param name the tool
 * @param arguments what to call it with: JSON text as the model wrote it, which may not match the tool's schema, nor be JSON at all
 */
public record ToolCall(String id, String name, String arguments) {

    /**
     * Checks the call.
     *
     * @throws IllegalArgumentException if the id or the name is empty
     */
    public ToolCall {
        Objects.requireNonNull(arguments, "arguments");
        if (id.isEmpty() || name.isEmpty()) {
            throw new IllegalArgumentException("a tool call needs an id and a name");
        }
    }

    /** Id, name and the length of the arguments, never the arguments. */
    @Override
    public String toString() {
        return "ToolCall(" + name + ", id=" + id + ", " + arguments.length() + " characters)";
    }
}
