package ai.orchestrator.provider;

import ai.orchestrator.OrchestratorException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * One attempt failed. Thrown by a {@link ChatProvider}; the orchestrator's own errors carry it as their cause.
 *
 * <p>Neither its message nor what it carries contains a key.
 */
public final class ProviderException extends OrchestratorException {

    private static final long serialVersionUID = 1L;

    private final FailureKind kind;
    private final int status;
    private final String code;
    private final String providerMessage;
    private final String requestId;
    private final @Nullable Duration retryAfter;
    private final boolean mayHaveBeenProcessed;

    private ProviderException(Builder builder) {
        super(builder.message, builder.cause);
        this.kind = builder.kind;
        this.status = builder.status;
        this.code = builder.code;
        this.providerMessage = builder.providerMessage;
        this.requestId = builder.requestId;
        this.retryAfter = builder.retryAfter;
        this.mayHaveBeenProcessed = builder.mayHaveBeenProcessed;
    }

    /**
     * A failure of which nothing but its meaning is known.
     *
     * @param kind what it means
     * @param message what happened, for people, without secrets
     * @return the exception
     */
    public static ProviderException of(FailureKind kind, String message) {
        return builder(kind, message).build();
    }

    /**
     * A failure that something else caused. If that is a failure of a provider too, what it carries is carried on.
     *
     * @param kind what it means
     * @param message what happened, for people, without secrets
     * @param cause what caused it
     * @return the exception
     */
    public static ProviderException of(FailureKind kind, String message, Throwable cause) {
        Builder builder = builder(kind, message).cause(cause);
        if (cause instanceof ProviderException known) {
            builder.code(known.code)
                    .providerMessage(known.providerMessage)
                    .requestId(known.requestId)
                    .mayHaveBeenProcessed(known.mayHaveBeenProcessed);
        }
        return builder.build();
    }

    /**
     * A builder for a failure.
     *
     * @param kind what it means
     * @param message what happened, for people, without secrets
     * @return a new builder
     */
    public static Builder builder(FailureKind kind, String message) {
        return new Builder(kind, message);
    }

    /**
     * What the failure means.
     *
     * @return the kind
     */
    public FailureKind kind() {
        return kind;
    }

    /**
     * What the provider answered with.
     *
     * @return the HTTP status, also 200 for an error inside a success; empty if no answer came
     */
    public OptionalInt status() {
        return status == 0 ? OptionalInt.empty() : OptionalInt.of(status);
    }

    /**
     * The provider's own word for the failure, such as {@code insufficient_quota}.
     *
     * @return the code, on one line, cut at 100 characters; empty if it gave none
     */
    public String code() {
        return code;
    }

    /**
     * What the provider wrote of the failure. Its wording may change any day.
     *
     * @return the text, on one line, cut at 300 characters, without the key; empty if it wrote nothing
     */
    public String providerMessage() {
        return providerMessage;
    }

    /**
     * The provider's own name for the HTTP request, for its support.
     *
     * @return the id; empty if it gave none
     */
    public String requestId() {
        return requestId;
    }

    /**
     * When the provider wants to be asked again.
     *
     * @return how long to wait, counted from its answer, zero or more, at most 32 days; empty if it did not say, or said nonsense
     */
    public Optional<Duration> retryAfter() {
        return Optional.ofNullable(retryAfter);
    }

    /**
     * Whether the provider may have acted on the request: asking again may then cost twice.
     *
     * @return false only where it is certain that it did not: nothing was sent, or the provider refused the request
     */
    public boolean mayHaveBeenProcessed() {
        return mayHaveBeenProcessed;
    }

    /** Builds failures. For one thread at a time. */
    public static final class Builder {

        private final FailureKind kind;
        private final String message;
        private @Nullable Throwable cause;
        private int status;
        private String code = "";
        private String providerMessage = "";
        private String requestId = "";
        private @Nullable Duration retryAfter;
        private boolean mayHaveBeenProcessed = true;

        private Builder(FailureKind kind, String message) {
            this.kind = Objects.requireNonNull(kind, "kind");
            this.message = Objects.requireNonNull(message, "message");
        }

        /**
         * Sets what caused the failure; nothing by default.
         *
         * @param cause the cause
         * @return this builder
         */
        public Builder cause(@Nullable Throwable cause) {
            this.cause = cause;
            return this;
        }

        /**
         * Sets what the provider answered with; nothing by default.
         *
         * @param status the HTTP status, also 200 for an error inside a success
         * @return this builder
         */
        public Builder status(int status) {
            this.status = status;
            return this;
        }

        /**
         * Sets the provider's own word for the failure; empty by default.
         *
         * @param code the code, without secrets
         * @return this builder
         */
        public Builder code(String code) {
            this.code = Objects.requireNonNull(code, "code");
            return this;
        }

        /**
         * Sets what the provider wrote; empty by default.
         *
         * @param providerMessage the text, without secrets
         * @return this builder
         */
        public Builder providerMessage(String providerMessage) {
            this.providerMessage = Objects.requireNonNull(providerMessage, "providerMessage");
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
         * Sets when the provider wants to be asked again; unknown by default.
         *
         * @param retryAfter zero or more, or null if it did not say
         * @return this builder
         * @throws IllegalArgumentException if it is negative
         */
        public Builder retryAfter(@Nullable Duration retryAfter) {
            if (retryAfter != null && retryAfter.isNegative()) {
                throw new IllegalArgumentException("retryAfter must not be negative but is " + retryAfter);
            }
            this.retryAfter = retryAfter;
            return this;
        }

        /**
         * Sets whether the provider may have acted on the request; true by default.
         *
         * @param mayHaveBeenProcessed false only if it is certain that it did not
         * @return this builder
         */
        public Builder mayHaveBeenProcessed(boolean mayHaveBeenProcessed) {
            this.mayHaveBeenProcessed = mayHaveBeenProcessed;
            return this;
        }

        /**
         * Builds the failure.
         *
         * @return the exception
         */
        public ProviderException build() {
            return new ProviderException(this);
        }
    }
}
