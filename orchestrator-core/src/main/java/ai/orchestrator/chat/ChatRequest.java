package ai.orchestrator.chat;

import ai.orchestrator.internal.JsonValues;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

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
 *
 * <p>A provider that cannot do what a request asks is not asked: the trail says what it cannot do.
 */
public final class ChatRequest {

    /** The key of fields that are meant for every provider: no type has an empty name. */
    private static final String EVERY_TYPE = "";

    private final List<Message> messages;
    private final OptionalInt maxTokens;
    private final OptionalDouble temperature;
    private final OptionalDouble topP;
    private final OptionalLong seed;
    private final List<String> stopSequences;
    private final List<Tool> tools;
    private final ToolChoice toolChoice;
    private final ResponseFormat responseFormat;
    private final @Nullable ReasoningEffort reasoningEffort;
    private final Map<String, Map<String, Object>> extra;
    private final boolean responseHeaders;

    private ChatRequest(Builder builder) {
        this.messages = List.copyOf(builder.messages);
        this.maxTokens = builder.maxTokens;
        this.temperature = builder.temperature;
        this.topP = builder.topP;
        this.seed = builder.seed;
        this.stopSequences = builder.stopSequences;
        this.tools = List.copyOf(builder.tools);
        this.toolChoice = builder.toolChoice;
        this.responseFormat = builder.responseFormat;
        this.reasoningEffort = builder.reasoningEffort;
        Map<String, Map<String, Object>> copy = new LinkedHashMap<>();
        builder.extra.forEach((type, fields) -> copy.put(type, JsonValues.copyOf(fields)));
        this.extra = Collections.unmodifiableMap(copy);
        this.responseHeaders = builder.responseHeaders;
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
        builder.topP = topP;
        builder.seed = seed;
        builder.stopSequences = stopSequences;
        builder.tools.addAll(tools);
        builder.toolChoice = toolChoice;
        builder.responseFormat = responseFormat;
        builder.reasoningEffort = reasoningEffort;
        extra.forEach((type, fields) -> builder.extra.put(type, new LinkedHashMap<>(fields)));
        builder.responseHeaders = responseHeaders;
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
     * @return tokens, at least 1; empty for the provider's own limit
     */
    public OptionalInt maxTokens() {
        return maxTokens;
    }

    /**
     * How freely the model chooses its words.
     *
     * @return zero or more; empty for the provider's default
     */
    public OptionalDouble temperature() {
        return temperature;
    }

    /**
     * From how much of the probability the model chooses its words.
     *
     * @return more than 0, at most 1; empty for the provider's default
     */
    public OptionalDouble topP() {
        return topP;
    }

    /**
     * What makes the model choose the same words again, as far as a provider can.
     *
     * @return any number; empty if none was set
     */
    public OptionalLong seed() {
        return seed;
    }

    /**
     * What ends the answer where the model writes it.
     *
     * @return none or more, unmodifiable
     */
    public List<String> stopSequences() {
        return stopSequences;
    }

    /**
     * What the model may ask to be called.
     *
     * @return none or more, each name once, unmodifiable
     */
    public List<Tool> tools() {
        return tools;
    }

    /**
     * Whether the model must, may or must not call tools.
     *
     * @return {@link ToolChoice.Mode#AUTO} unless set
     */
    public ToolChoice toolChoice() {
        return toolChoice;
    }

    /**
     * What form the answer's text must have.
     *
     * @return {@link ResponseFormat.Plain#TEXT} unless set
     */
    public ResponseFormat responseFormat() {
        return responseFormat;
    }

    /**
     * How much the model thinks before it answers.
     *
     * @return the effort; empty for the provider's default
     */
    public Optional<ReasoningEffort> reasoningEffort() {
        return Optional.ofNullable(reasoningEffort);
    }

    /**
     * Fields that this model has no word for.
     *
     * @return by the type of provider that they are for, under the empty name those for every type; unmodifiable
     */
    public Map<String, Map<String, Object>> extra() {
        return extra;
    }

    /**
     * Fields that this model has no word for, as one type of provider gets them.
     *
     * @param type the provider's type, such as {@code groq}
     * @return those for every type, replaced or completed by those for this one; unmodifiable
     */
    public Map<String, Object> extra(String type) {
        Map<String, Object> forAll = extra.getOrDefault(EVERY_TYPE, Map.of());
        Map<String, Object> forType = extra.getOrDefault(type, Map.of());
        if (forType.isEmpty()) {
            return forAll;
        }
        Map<String, Object> merged = new LinkedHashMap<>(forAll);
        merged.putAll(forType);
        return Collections.unmodifiableMap(merged);
    }

    /**
     * Whether the answer is to carry the provider's HTTP headers.
     *
     * @return false unless set
     */
    public boolean responseHeaders() {
        return responseHeaders;
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof ChatRequest other
                && messages.equals(other.messages)
                && maxTokens.equals(other.maxTokens)
                && temperature.equals(other.temperature)
                && topP.equals(other.topP)
                && seed.equals(other.seed)
                && stopSequences.equals(other.stopSequences)
                && tools.equals(other.tools)
                && toolChoice.equals(other.toolChoice)
                && responseFormat.equals(other.responseFormat)
                && reasoningEffort == other.reasoningEffort
                && extra.equals(other.extra)
                && responseHeaders == other.responseHeaders;
    }

    @Override
    public int hashCode() {
        return Objects.hash(
                messages,
                maxTokens,
                temperature,
                topP,
                seed,
                stopSequences,
                tools,
                toolChoice,
                responseFormat,
                reasoningEffort,
                extra,
                responseHeaders);
    }

    /** How many messages and tools, never what they say. */
    @Override
    public String toString() {
        return "ChatRequest(" + messages.size() + (messages.size() == 1 ? " message" : " messages")
                + (tools.isEmpty() ? "" : ", tools=" + tools) + ")";
    }

    /** Builds requests; may be used again after {@link #build()}. For one thread at a time. */
    public static final class Builder {

        private final List<Message> messages = new ArrayList<>();
        private OptionalInt maxTokens = OptionalInt.empty();
        private OptionalDouble temperature = OptionalDouble.empty();
        private OptionalDouble topP = OptionalDouble.empty();
        private OptionalLong seed = OptionalLong.empty();
        private List<String> stopSequences = List.of();
        private final List<Tool> tools = new ArrayList<>();
        private ToolChoice toolChoice = ToolChoice.Mode.AUTO;
        private ResponseFormat responseFormat = ResponseFormat.Plain.TEXT;
        private @Nullable ReasoningEffort reasoningEffort;
        private final Map<String, Map<String, Object>> extra = new LinkedHashMap<>();
        private boolean responseHeaders;

        private Builder() {}

        /**
         * Adds a message.
         *
         * @param message comes after those added before
         * @return this builder
         */
        public Builder message(Message message) {
            messages.add(Objects.requireNonNull(message, "message"));
            return this;
        }

        /**
         * Adds messages.
         *
         * @param messages come after those added before
         * @return this builder
         */
        public Builder messages(List<Message> messages) {
            messages.forEach(this::message);
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
         * Adds a user message of words and pictures.
         *
         * @param content the parts in their order; at least one
         * @return this builder
         * @throws IllegalArgumentException if there are none
         */
        public Builder user(Content... content) {
            return message(Message.user(content));
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
         * Adds what a tool returned.
         *
         * @param call the call of an earlier answer
         * @param result what the tool returned: text, or JSON text
         * @return this builder
         */
        public Builder toolResult(ToolCall call, String result) {
            return message(Message.toolResult(call, result));
        }

        /**
         * Limits the length of the answer, reasoning included. Not limited by default, so the provider's own limit applies; where a provider
         * wants one, its type has a default.
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
         * Sets from how much of the probability the model chooses its words. The provider's default unless set.
         *
         * @param topP more than 0, at most 1
         * @return this builder
         * @throws IllegalArgumentException if {@code topP} is out of that range
         */
        public Builder topP(double topP) {
            if (!(topP > 0 && topP <= 1)) {
                throw new IllegalArgumentException("topP must be more than 0 and at most 1 but is " + topP);
            }
            this.topP = OptionalDouble.of(topP);
            return this;
        }

        /**
         * Asks for the same words again, as far as a provider can. None by default.
         *
         * @param seed any number
         * @return this builder
         */
        public Builder seed(long seed) {
            this.seed = OptionalLong.of(seed);
            return this;
        }

        /**
         * Sets what ends the answer where the model writes it; it is not part of the answer. None by default.
         *
         * @param sequences each not empty; how many are allowed is up to the provider, mostly 4
         * @return this builder
         * @throws IllegalArgumentException if one is empty
         */
        public Builder stop(String... sequences) {
            List<String> copy = List.of(sequences);
            if (copy.contains("")) {
                throw new IllegalArgumentException("a stop sequence must not be empty");
            }
            this.stopSequences = copy;
            return this;
        }

        /**
         * Adds a tool that the model may ask to be called.
         *
         * @param tool the tool
         * @return this builder
         */
        public Builder tool(Tool tool) {
            tools.add(Objects.requireNonNull(tool, "tool"));
            return this;
        }

        /**
         * Sets whether the model must, may or must not call tools; {@link ToolChoice.Mode#AUTO} by default.
         *
         * @param toolChoice the choice
         * @return this builder
         */
        public Builder toolChoice(ToolChoice toolChoice) {
            this.toolChoice = Objects.requireNonNull(toolChoice, "toolChoice");
            return this;
        }

        /**
         * Sets what form the answer's text must have; {@link ResponseFormat.Plain#TEXT} by default.
         *
         * @param responseFormat the form
         * @return this builder
         */
        public Builder responseFormat(ResponseFormat responseFormat) {
            this.responseFormat = Objects.requireNonNull(responseFormat, "responseFormat");
            return this;
        }

        /**
         * Sets how much the model thinks before it answers. The provider's default unless set.
         *
         * @param effort the effort
         * @return this builder
         */
        public Builder reasoningEffort(ReasoningEffort effort) {
            this.reasoningEffort = Objects.requireNonNull(effort, "effort");
            return this;
        }

        /**
         * Adds a field that this model has no word for to the requests of every provider. A map joins the field of that name that the
         * dialect writes itself, anything else replaces it; the fields that make the call what it is (model, messages, stream) cannot be
         * replaced, which the call says before anything is sent.
         *
         * @param field the field's name in the provider's JSON
         * @param value null, a string, number, boolean, or a list or map of these; copied
         * @return this builder
         * @throws IllegalArgumentException if the value is something else
         */
        public Builder extra(String field, @Nullable Object value) {
            return put(EVERY_TYPE, field, value);
        }

        /**
         * Adds a field to the requests of one type of provider.
         *
         * @param type the type, such as {@code groq}; not empty
         * @param field the field's name in the provider's JSON
         * @param value as in {@link #extra(String, Object)}
         * @return this builder
         * @throws IllegalArgumentException if the type is empty, or the value is something else
         */
        public Builder extra(String type, String field, @Nullable Object value) {
            if (type.isEmpty()) {
                throw new IllegalArgumentException("the type of a provider must not be empty");
            }
            return put(type, field, value);
        }

        @SuppressWarnings("NullAway") // A null value is JSON's null.
        private Builder put(String type, String field, @Nullable Object value) {
            Objects.requireNonNull(field, "field");
            extra.computeIfAbsent(type, name -> new LinkedHashMap<>()).put(field, JsonValues.copyOf(field, value));
            return this;
        }

        /**
         * Asks for the HTTP headers that the answer came with. They are left out by default.
         *
         * @return this builder
         */
        public Builder withResponseHeaders() {
            this.responseHeaders = true;
            return this;
        }

        /**
         * Builds the request.
         *
         * @return an immutable request
         * @throws IllegalArgumentException if there is no message, two tools have one name, or the tool choice needs a tool that there is
         *     not
         */
        public ChatRequest build() {
            if (messages.isEmpty()) {
                throw new IllegalArgumentException("a chat request needs at least one message");
            }
            Set<String> names = new HashSet<>();
            for (Tool tool : tools) {
                if (!names.add(tool.name())) {
                    throw new IllegalArgumentException("two tools are named '" + tool.name() + "'");
                }
            }
            if (toolChoice instanceof ToolChoice.Named named && !names.contains(named.tool())) {
                throw new IllegalArgumentException("the tool choice names '" + named.tool() + "'; there are " + names);
            }
            if (toolChoice == ToolChoice.Mode.REQUIRED && tools.isEmpty()) {
                throw new IllegalArgumentException("the tool choice is REQUIRED but there is no tool");
            }
            return new ChatRequest(this);
        }
    }
}
