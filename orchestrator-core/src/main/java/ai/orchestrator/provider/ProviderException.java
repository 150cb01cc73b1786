package ai.orchestrator.provider;

import ai.orchestrator.OrchestratorException;
import java.util.Objects;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * One attempt failed. Thrown by a {@link ChatProvider}; the orchestrator's own errors carry it as their cause.
 *
 * <p>Its message never contains a key.
 */
public final class ProviderException extends OrchestratorException {

    private static final long serialVersionUID = 1L;

    private final FailureKind kind;
    private final int status;

    private ProviderException(FailureKind kind, int status, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = Objects.requireNonNull(kind, "kind");
        this.status = status;
    }

    /**
     * A failure without an HTTP status.
     *
     * @param kind what it means
     * @param message what happened, for people, without secrets
     * @return the exception
     */
    public static ProviderException of(FailureKind kind, String message) {
        return new ProviderException(kind, 0, message, null);
    }

    /**
     * A failure without an HTTP status that something else caused.
     *
     * @param kind what it means
     * @param message what happened, for people, without secrets
     * @param cause what caused it
     * @return the exception
     */
    public static ProviderException of(FailureKind kind, String message, Throwable cause) {
        return new ProviderException(kind, 0, message, cause);
    }

    /**
     * A failure that the provider answered with.
     *
     * @param kind what it means
     * @param status the HTTP status, also 200 for an error inside a success
     * @param message what happened, for people, without secrets
     * @return the exception
     */
    public static ProviderException answered(FailureKind kind, int status, String message) {
        return new ProviderException(kind, status, message, null);
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
     * @return the HTTP status; empty if no answer came
     */
    public OptionalInt status() {
        return status == 0 ? OptionalInt.empty() : OptionalInt.of(status);
    }
}
