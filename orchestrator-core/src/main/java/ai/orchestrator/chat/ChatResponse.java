package ai.orchestrator.chat;

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A complete answer, and how it came about. Immutable and safe for use by several threads. */
public final class ChatResponse {

    private final String text;
    private final FinishReason finishReason;
    private final String provider;
    private final String model;
    private final String responseId;
    private final @Nullable Usage usage;
    private final Trail trail;

    private ChatResponse(Builder builder) {
        this.text = builder.text;
        this.finishReason = builder.finishReason;
        this.provider = builder.provider;
        this.model = builder.model;
        this.responseId = builder.responseId;
        this.usage = builder.usage;
        this.trail = builder.trail;
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
     * @return the text; empty if the model said nothing
     */
    public String text() {
        return text;
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
     * The provider's own name for this answer, for its support.
     *
     * @return the id; empty if the provider gave none
     */
    public String responseId() {
        return responseId;
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
     * What was tried before and until this answer.
     *
     * @return the trail
     */
    public Trail trail() {
        return trail;
    }

    /** Who answered and how long the answer is, never its text. */
    @Override
    public String toString() {
        return "ChatResponse(provider=" + provider + ", model=" + model + ", " + text.length() + " characters, "
                + finishReason + ")";
    }

    /** Builds answers. For one thread at a time. */
    public static final class Builder {

        private final String provider;
        private final String text;
        private FinishReason finishReason = FinishReason.STOP;
        private String model = "";
        private String responseId = "";
        private @Nullable Usage usage;
        private Trail trail = Trail.EMPTY;

        private Builder(String provider, String text) {
            this.provider = Objects.requireNonNull(provider, "provider");
            this.text = Objects.requireNonNull(text, "text");
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
