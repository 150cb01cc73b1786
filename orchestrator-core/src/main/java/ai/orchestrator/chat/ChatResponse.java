package ai.orchestrator.chat;

import ai.orchestrator.internal.JsonValues;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A complete answer, and how it came about. Immutable and safe for use by several threads. */
public final class ChatResponse {

    private final String text;
    private final String reasoning;
    private final List<ToolCall> toolCalls;
    private final FinishReason finishReason;
    private final String provider;
    private final String model;
    private final String responseId;
    private final String requestId;
    private final @Nullable Usage usage;
    private final List<RateLimit> rateLimits;
    private final Map<String, List<String>> headers;
    private final Map<String, Object> extra;
    private final Map<String, String> providerState;
    private final Trail trail;

    private ChatResponse(Builder builder) {
        this.text = builder.text;
        this.reasoning = builder.reasoning;
        this.toolCalls = builder.toolCalls;
        this.finishReason = builder.finishReason;
        this.provider = builder.provider;
        this.model = builder.model;
        this.responseId = builder.responseId;
        this.requestId = builder.requestId;
        this.usage = builder.usage;
        this.rateLimits = builder.rateLimits;
        this.headers = builder.headers;
        this.extra = builder.extra;
        this.providerState = Map.copyOf(builder.providerState);
        this.trail = builder.trail;
    }

    private ChatResponse(ChatResponse other, Trail trail) {
        this.text = other.text;
        this.reasoning = other.reasoning;
        this.toolCalls = other.toolCalls;
        this.finishReason = other.finishReason;
        this.provider = other.provider;
        this.model = other.model;
        this.responseId = other.responseId;
        this.requestId = other.requestId;
        this.usage = other.usage;
        this.rateLimits = other.rateLimits;
        this.headers = other.headers;
        this.extra = other.extra;
        this.providerState = other.providerState;
        this.trail = Objects.requireNonNull(trail, "trail");
    }

    /**
     * A builder for an answer, for tests and for providers of one's own.
     *
     * @param provider the name of the provider that answered
     * @param text the answer
     * @return a new builder
     */
    public static Builder builder(String provider, String text) {
        return new Builder(provider, text);
    }

    /**
     * The answer.
     *
     * @return the text; empty if the model said nothing, or only called tools
     */
    public String text() {
        return text;
    }

    /**
     * What the model thought before it answered, as far as the provider shows it.
     *
     * @return the reasoning; mostly empty
     */
    public String reasoning() {
        return reasoning;
    }

    /**
     * Which tools the model asks to be called.
     *
     * @return the calls in their order; empty if none; unmodifiable
     */
    public List<ToolCall> toolCalls() {
        return toolCalls;
    }

    /**
     * The answer as a turn of the conversation, to be followed by the results of its tool calls or by the next question.
     *
     * @return a message of the assistant, with what the provider wants to see again
     */
    public Message message() {
        Message message = Message.assistant(text, toolCalls);
        for (Map.Entry<String, String> state : providerState.entrySet()) {
            message = message.withProviderState(state.getKey(), state.getValue());
        }
        return message;
    }

    /**
     * Why the model stopped. {@link FinishReason#LENGTH} means that the text is cut.
     *
     * @return the reason
     */
    public FinishReason finishReason() {
        return finishReason;
    }

    /**
     * Which provider answered.
     *
     * @return its configured name
     */
    public String provider() {
        return provider;
    }

    /**
     * Which model answered, as the provider names it.
     *
     * @return the model; empty if the provider did not say
     */
    public String model() {
        return model;
    }

    /**
     * The provider's own name for this answer.
     *
     * @return the id; empty if the provider gave none
     */
    public String responseId() {
        return responseId;
    }

    /**
     * The provider's own name for the HTTP request, for its support.
     *
     * @return the id; empty if the provider gave none
     */
    public String requestId() {
        return requestId;
    }

    /**
     * What the answer cost. Attempts that failed are not in it.
     *
     * @return the counts; empty if the provider reported none
     */
    public Optional<Usage> usage() {
        return Optional.ofNullable(usage);
    }

    /**
     * What the provider said of its limits.
     *
     * @return one for each subject; empty if it said nothing; unmodifiable
     */
    public List<RateLimit> rateLimits() {
        return rateLimits;
    }

    /**
     * The HTTP headers of the answer.
     *
     * @return by name in lower case; empty unless {@linkplain ChatRequest.Builder#withResponseHeaders asked for}; unmodifiable
     */
    public Map<String, List<String>> headers() {
        return headers;
    }

    /**
     * Fields of the provider's answer that this model has no place for, such as {@code system_fingerprint}.
     *
     * @return by name: null, strings, numbers, booleans, lists and maps of these; unmodifiable
     */
    public Map<String, Object> extra() {
        return extra;
    }

    /**
     * What was tried before and until this answer.
     *
     * @return the trail
     */
    public Trail trail() {
        return trail;
    }

    /**
     * The same answer, for another call.
     *
     * @param trail what that call did
     * @return an answer with that trail
     */
    public ChatResponse withTrail(Trail trail) {
        return new ChatResponse(this, trail);
    }

    /** Who answered and how long the answer is, never its text. */
    @Override
    public String toString() {
        return "ChatResponse(provider=" + provider + ", model=" + model + ", " + text.length() + " characters"
                + (toolCalls.isEmpty() ? "" : ", " + toolCalls.size() + " tool calls") + ", " + finishReason + ")";
    }

    /** Builds answers. For one thread at a time. */
    public static final class Builder {

        private final String provider;
        private final String text;
        private String reasoning = "";
        private List<ToolCall> toolCalls = List.of();
        private FinishReason finishReason = FinishReason.STOP;
        private String model = "";
        private String responseId = "";
        private String requestId = "";
        private @Nullable Usage usage;
        private List<RateLimit> rateLimits = List.of();
        private Map<String, List<String>> headers = Map.of();
        private Map<String, Object> extra = Map.of();
        private Map<String, String> providerState = Map.of();
        private Trail trail = Trail.EMPTY;

        private Builder(String provider, String text) {
            this.provider = Objects.requireNonNull(provider, "provider");
            this.text = Objects.requireNonNull(text, "text");
        }

        /**
         * Sets what the model thought; empty by default.
         *
         * @param reasoning the reasoning
         * @return this builder
         */
        public Builder reasoning(String reasoning) {
            this.reasoning = Objects.requireNonNull(reasoning, "reasoning");
            return this;
        }

        /**
         * Sets which tools the model calls; none by default.
         *
         * @param toolCalls the calls in their order
         * @return this builder
         */
        public Builder toolCalls(List<ToolCall> toolCalls) {
            this.toolCalls = List.copyOf(toolCalls);
            return this;
        }

        /**
         * Sets why the model stopped; {@link FinishReason#STOP} by default.
         *
         * @param finishReason the reason
         * @return this builder
         */
        public Builder finishReason(FinishReason finishReason) {
            this.finishReason = Objects.requireNonNull(finishReason, "finishReason");
            return this;
        }

        /**
         * Sets which model answered; empty by default.
         *
         * @param model the model as the provider names it
         * @return this builder
         */
        public Builder model(String model) {
            this.model = Objects.requireNonNull(model, "model");
            return this;
        }

        /**
         * Sets the provider's own name for the answer; empty by default.
         *
         * @param responseId the id
         * @return this builder
         */
        public Builder responseId(String responseId) {
            this.responseId = Objects.requireNonNull(responseId, "responseId");
            return this;
        }

        /**
         * Sets the provider's own name for the HTTP request; empty by default.
         *
         * @param requestId the id
         * @return this builder
         */
        public Builder requestId(String requestId) {
            this.requestId = Objects.requireNonNull(requestId, "requestId");
            return this;
        }

        /**
         * Sets what the answer cost; unknown by default.
         *
         * @param usage the counts, or null if the provider reported none
         * @return this builder
         */
        public Builder usage(@Nullable Usage usage) {
            this.usage = usage;
            return this;
        }

        /**
         * Sets what the provider said of its limits; nothing by default.
         *
         * @param rateLimits one for each subject
         * @return this builder
         */
        public Builder rateLimits(List<RateLimit> rateLimits) {
            this.rateLimits = List.copyOf(rateLimits);
            return this;
        }

        /**
         * Sets the HTTP headers; none by default.
         *
         * @param headers by name in lower case
         * @return this builder
         */
        public Builder headers(Map<String, List<String>> headers) {
            this.headers = JsonValues.copyOfLists(headers);
            return this;
        }

        /**
         * Sets what else the provider's answer had; nothing by default.
         *
         * @param extra by name: null, strings, numbers, booleans, lists and maps of these
         * @return this builder
         * @throws IllegalArgumentException if a value is something else
         */
        public Builder extra(Map<String, Object> extra) {
            this.extra = JsonValues.copyOf(extra);
            return this;
        }

        /**
         * Sets what the provider wants to see again in {@link ChatResponse#message()}; nothing by default.
         *
         * @param dialect who understands it
         * @param json JSON text
         * @return this builder
         */
        public Builder providerState(String dialect, String json) {
            Map<String, String> more = new LinkedHashMap<>(providerState);
            more.put(Objects.requireNonNull(dialect, "dialect"), Objects.requireNonNull(json, "json"));
            providerState = more;
            return this;
        }

        /**
         * Sets how the answer came about; empty by default.
         *
         * @param trail the trail
         * @return this builder
         */
        public Builder trail(Trail trail) {
            this.trail = Objects.requireNonNull(trail, "trail");
            return this;
        }

        /**
         * Builds the answer.
         *
         * @return an immutable answer
         */
        public ChatResponse build() {
            return new ChatResponse(this);
        }
    }
}
