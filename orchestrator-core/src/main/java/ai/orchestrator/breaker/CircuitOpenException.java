package ai.orchestrator.breaker;

import ai.orchestrator.OrchestratorException;
import ai.orchestrator.breaker.Acquisition.Refusal;
import ai.orchestrator.internal.Durations;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A circuit breaker that is used alone refused a call. The orchestrator itself never throws this: it asks the next provider. */
public final class CircuitOpenException extends OrchestratorException {

    private static final long serialVersionUID = 1L;

    private final String name;
    private final CircuitState state;
    private final @Nullable Duration timeUntilRetry;

    CircuitOpenException(String name, Refusal refusal) {
        this(name, refusal.state(), refusal.timeUntilRetry());
    }

    private CircuitOpenException(String name, CircuitState state, Optional<Duration> timeUntilRetry) {
        super(
                "Circuit breaker '" + name + "' " + reason(state)
                        + timeUntilRetry
                                .map(wait -> ", next try in " + Durations.text(wait))
                                .orElse(""),
                null);
        this.name = name;
        this.state = state;
        this.timeUntilRetry = timeUntilRetry.orElse(null);
    }

    private static String reason(CircuitState state) {
        return switch (state) {
            case HALF_OPEN -> "is half open and all its trials are under way";
            case FORCED_OPEN -> "was forced open by an operator";
            default -> "is open";
        };
    }

    /**
     * Which breaker refused.
     *
     * @return its name
     */
    public String name() {
        return name;
    }

    /**
     * Why it refused.
     *
     * @return {@code OPEN}, {@code HALF_OPEN} with all its trials under way, or {@code FORCED_OPEN}
     */
    public CircuitState state() {
        return state;
    }

    /**
     * When it may let a call through.
     *
     * @return the time left; empty if that is not known, as while other trials run
     */
    public Optional<Duration> timeUntilRetry() {
        return Optional.ofNullable(timeUntilRetry);
    }
}
