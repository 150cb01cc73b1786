package ai.orchestrator.chat;

import java.util.Objects;

/** One turn of a conversation. Immutable and safe for use by several threads. */
public final class Message {

    /** Who speaks. */
    public enum Role {
        /** Sets the frame that the model answers in. */
        SYSTEM,
        /** Asks. */
        USER,
        /** Answered earlier in the same conversation. */
        ASSISTANT
    }

    private final Role role;
    private final String text;

    private Message(Role role, String text) {
        this.role = role;
        this.text = Objects.requireNonNull(text, "text");
    }

    /**
     * Sets the frame that the model answers in.
     *
     * @param text the instruction; may be empty
     * @return the message
     */
    public static Message system(String text) {
        return new Message(Role.SYSTEM, text);
    }

    /**
     * Asks.
     *
     * @param text the question; may be empty
     * @return the message
     */
    public static Message user(String text) {
        return new Message(Role.USER, text);
    }

    /**
     * Repeats what the model answered earlier.
     *
     * @param text the earlier answer; may be empty
     * @return the message
     */
    public static Message assistant(String text) {
        return new Message(Role.ASSISTANT, text);
    }

    /**
     * Who speaks.
     *
     * @return the role
     */
    public Role role() {
        return role;
    }

    /**
     * What is said.
     *
     * @return the text
     */
    public String text() {
        return text;
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Message other && role == other.role && text.equals(other.text);
    }

    @Override
    public int hashCode() {
        return 31 * role.hashCode() + text.hashCode();
    }

    /** The role and the length of the text, never the text: prompts are the user's own. */
    @Override
    public String toString() {
        return "Message(" + role + ", " + text.length() + " characters)";
    }
}
