package ai.orchestrator.breaker;

import ai.orchestrator.OrchestratorException;
import ai.orchestrator.internal.Durations;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A circuit breaker that is used alone refused a call. The orchestrator itself never throws this: it asks the next provider. */
public final class CircuitOpenException extends OrchestratorException {

    private static final long serialVersionUID = 1L;

    private final String name;
    private final @Nullable Duration timeUntilRetry;

    CircuitOpenException(String name, Optional<Duration> timeUntilRetry) {
        super(
                "Circuit breaker '" + name + "' is open"
                        + timeUntilRetry
                                .map(wait -> ", next try in " + Durations.text(wait))
                                .orElse(""),
                null);
        this.name = name;
        this.timeUntilRetry = timeUntilRetry.orElse(null);
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
     * When it may let a call through.
     *
     * @return the time left; empty if that is not known, as while other trials run
     */
    public Optional<Duration> timeUntilRetry() {
        return Optional.ofNullable(timeUntilRetry);
    }
}
