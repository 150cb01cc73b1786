package ai.orchestrator.chat;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One turn of a conversation. Immutable and safe for use by several threads.
 *
 * <p>An answer goes back into the conversation as {@link ChatResponse#message()}, and what its tools returned as
 * {@link #toolResult(ToolCall, String)}, one for each call.
 */
public final class Message {

    /** Who speaks. */
    public enum Role {
        /** Sets the frame that the model answers in. */
        SYSTEM,
        /** Asks. */
        USER,
        /** Answered earlier in the same conversation. */
        ASSISTANT,
        /** Reports what a tool returned. */
        TOOL
    }

    private final Role role;
    private final List<Content> content;
    private final List<ToolCall> toolCalls;
    private final @Nullable ToolCall answered;
    private final boolean toolFailed;
    private final Map<String, String> providerState;

    private Message(
            Role role,
            List<Content> content,
            List<ToolCall> toolCalls,
            @Nullable ToolCall answered,
            boolean toolFailed,
            Map<String, String> providerState) {
        this.role = role;
        this.content = List.copyOf(content);
        this.toolCalls = List.copyOf(toolCalls);
        this.answered = answered;
        this.toolFailed = toolFailed;
        this.providerState = Map.copyOf(providerState);
    }

    private static Message of(Role role, List<Content> content) {
        return new Message(role, content, List.of(), null, false, Map.of());
    }

    /**
     * Sets the frame that the model answers in.
     *
     * @param text the instruction; may be empty
     * @return the message
     */
    public static Message system(String text) {
        return of(Role.SYSTEM, List.of(new Content.Text(text)));
    }

    /**
     * Asks.
     *
     * @param text the question; may be empty
     * @return the message
     */
    public static Message user(String text) {
        return of(Role.USER, List.of(new Content.Text(text)));
    }

    /**
     * Asks in words and pictures.
     *
     * @param content the parts in their order; at least one
     * @return the message
     * @throws IllegalArgumentException if there are none
     */
    public static Message user(Content... content) {
        if (content.length == 0) {
            throw new IllegalArgumentException("a user message needs at least one part");
        }
        return of(Role.USER, Arrays.asList(content));
    }

    /**
     * Repeats what the model answered earlier.
     *
     * @param text the earlier answer; may be empty
     * @return the message
     */
    public static Message assistant(String text) {
        return of(Role.ASSISTANT, List.of(new Content.Text(text)));
    }

    /**
     * Repeats what the model answered earlier, and which tools it called. {@link ChatResponse#message()} makes it from an answer.
     *
     * @param text the earlier answer; may be empty
     * @param toolCalls the calls, in their order
     * @return the message
     */
    public static Message assistant(String text, List<ToolCall> toolCalls) {
        return new Message(Role.ASSISTANT, List.of(new Content.Text(text)), toolCalls, null, false, Map.of());
    }

    /**
     * Reports what a tool returned.
     *
     * @param call the call of an earlier {@link #assistant(String, List) answer}
     * @param result what the tool returned: text, or JSON text; may be empty
     * @return the message
     */
    public static Message toolResult(ToolCall call, String result) {
        return new Message(Role.TOOL, List.of(new Content.Text(result)), List.of(), call, false, Map.of());
    }

    /**
     * Reports that a tool failed.
     *
     * @param call the call of an earlier {@link #assistant(String, List) answer}
     * @param reason what happened, for the model
     * @return the message
     */
    public static Message toolFailure(ToolCall call, String reason) {
        return new Message(Role.TOOL, List.of(new Content.Text(reason)), List.of(), call, true, Map.of());
    }

    /**
     * The same message with what a provider wants to see again. Providers of other dialects do not see it.
     *
     * @param dialect who understands it, such as {@code anthropic}
     * @param json JSON text as an earlier answer had it
     * @return a message
     */
    public Message withProviderState(String dialect, String json) {
        Map<String, String> state = new LinkedHashMap<>(providerState);
        state.put(Objects.requireNonNull(dialect, "dialect"), Objects.requireNonNull(json, "json"));
        return new Message(role, content, toolCalls, answered, toolFailed, state);
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
     * What is said, in parts.
     *
     * @return at least one part, unmodifiable
     */
    public List<Content> content() {
        return content;
    }

    /**
     * What is said, in words: the parts that are text, joined.
     *
     * @return the text; may be empty
     */
    public String text() {
        return content.stream()
                .filter(Content.Text.class::isInstance)
                .map(part -> ((Content.Text) part).text())
                .collect(Collectors.joining());
    }

    /**
     * Which tools an earlier answer called.
     *
     * @return the calls; empty unless the role is {@link Role#ASSISTANT}; unmodifiable
     */
    public List<ToolCall> toolCalls() {
        return toolCalls;
    }

    /**
     * Which call this message is the result of.
     *
     * @return the call; empty unless the role is {@link Role#TOOL}
     */
    public Optional<ToolCall> answeredCall() {
        return Optional.ofNullable(answered);
    }

    /**
     * Whether the tool failed.
     *
     * @return true for a {@link #toolFailure}
     */
    public boolean toolFailed() {
        return toolFailed;
    }

    /**
     * What providers want to see again.
     *
     * @return JSON text by dialect; mostly empty; unmodifiable
     */
    public Map<String, String> providerState() {
        return providerState;
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Message other
                && role == other.role
                && content.equals(other.content)
                && toolCalls.equals(other.toolCalls)
                && Objects.equals(answered, other.answered)
                && toolFailed == other.toolFailed
                && providerState.equals(other.providerState);
    }

    @Override
    public int hashCode() {
        return Objects.hash(role, content, toolCalls, answered, toolFailed, providerState);
    }

    /** The role and the sizes, never the text: prompts are the user's own. */
    @Override
    public String toString() {
        boolean onlyText = content.size() == 1 && content.get(0) instanceof Content.Text;
        return "Message(" + role + ", " + (onlyText ? text().length() + " characters" : content.toString())
                + (toolCalls.isEmpty() ? "" : ", " + toolCalls)
                + (answered == null ? "" : ", of " + answered.name()) + ")";
    }
}
