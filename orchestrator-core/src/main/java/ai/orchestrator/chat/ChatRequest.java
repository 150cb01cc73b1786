package ai.orchestrator.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * What is asked, in words that every provider understands. Immutable and safe for use by several threads.
 *
 * <pre>{@code
 * ChatRequest request = ChatRequest.builder()
 *         .system("Answer in one sentence.")
 *         .user("Why is the sky blue?")
 *         .maxTokens(200)
 *         .build();
 * }</pre>
 */
public final class ChatRequest {

    private final List<Message> messages;
    private final OptionalInt maxTokens;
    private final OptionalDouble temperature;

    private ChatRequest(Builder builder) {
        this.messages = List.copyOf(builder.messages);
        this.maxTokens = builder.maxTokens;
        this.temperature = builder.temperature;
    }

    /**
     * A request of one user message.
     *
     * @param userText the question
     * @return the request
     */
    public static ChatRequest of(String userText) {
        return builder().user(userText).build();
    }

    /**
     * A builder without messages.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * A builder that starts from this request.
     *
     * @return a new builder
     */
    public Builder toBuilder() {
        Builder builder = new Builder();
        builder.messages.addAll(messages);
        builder.maxTokens = maxTokens;
        builder.temperature = temperature;
        return builder;
    }

    /**
     * The conversation so far, oldest first.
     *
     * @return at least one message, unmodifiable
     */
    public List<Message> messages() {
        return messages;
    }

    /**
     * How long the answer may be.
     *
     * @return tokens, at least 1; empty leaves it to the provider
     */
    public OptionalInt maxTokens() {
        return maxTokens;
    }

    /**
     * How freely the model chooses its words.
     *
     * @return zero or more; empty leaves it to the provider
     */
    public OptionalDouble temperature() {
        return temperature;
    }

    /** Counts and settings, never the messages' text. */
    @Override
    public String toString() {
        return "ChatRequest(messages=" + messages.size()
                + (maxTokens.isPresent() ? ", maxTokens=" + maxTokens.getAsInt() : "")
                + (temperature.isPresent() ? ", temperature=" + temperature.getAsDouble() : "") + ")";
    }

    /** Builds requests; may be used again after {@link #build()}. For one thread at a time. */
    public static final class Builder {

        private final List<Message> messages = new ArrayList<>();
        private OptionalInt maxTokens = OptionalInt.empty();
        private OptionalDouble temperature = OptionalDouble.empty();

        private Builder() {}

        /**
         * Adds a message at the end of the conversation.
         *
         * @param message the message
         * @return this builder
         */
        public Builder message(Message message) {
            messages.add(Objects.requireNonNull(message, "message"));
            return this;
        }

        /**
         * Adds a system message.
         *
         * @param text the instruction
         * @return this builder
         */
        public Builder system(String text) {
            return message(Message.system(text));
        }

        /**
         * Adds a user message.
         *
         * @param text the question
         * @return this builder
         */
        public Builder user(String text) {
            return message(Message.user(text));
        }

        /**
         * Adds an earlier answer.
         *
         * @param text the answer
         * @return this builder
         */
        public Builder assistant(String text) {
            return message(Message.assistant(text));
        }

        /**
         * Limits the length of the answer. Not limited by default, so the provider's own limit applies.
         *
         * @param tokens at least 1
         * @return this builder
         * @throws IllegalArgumentException if {@code tokens} is less than 1
         */
        public Builder maxTokens(int tokens) {
            if (tokens < 1) {
                throw new IllegalArgumentException("maxTokens must be at least 1 but is " + tokens);
            }
            this.maxTokens = OptionalInt.of(tokens);
            return this;
        }

        /**
         * Sets how freely the model chooses its words. The provider's default unless set.
         *
         * @param temperature zero or more; what is too high is up to the provider
         * @return this builder
         * @throws IllegalArgumentException if {@code temperature} is negative, infinite or not a number
         */
        public Builder temperature(double temperature) {
            if (!(temperature >= 0) || Double.isInfinite(temperature)) {
                throw new IllegalArgumentException("temperature must be zero or more but is " + temperature);
            }
            this.temperature = OptionalDouble.of(temperature);
            return this;
        }

        /**
         * Builds the request.
         *
         * @return an immutable request
         * @throws IllegalArgumentException if there is no message
         */
        public ChatRequest build() {
            if (messages.isEmpty()) {
                throw new IllegalArgumentException("a chat request needs at least one message");
            }
            return new ChatRequest(this);
        }
    }
}
