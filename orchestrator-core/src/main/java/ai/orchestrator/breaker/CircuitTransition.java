package ai.orchestrator.breaker;

import java.time.Instant;

/**
 * A circuit breaker went from one state to another. Immutable.
 *
 * @param name which breaker
 * @param from the state it left
 * @param to the state it is in since; never the same
 * @param time when, by the wall clock
 */
public record CircuitTransition(String name, CircuitState from, CircuitState to, Instant time) {

    /** For example {@code groq: closed -> open}. */
    @Override
    public String toString() {
        return name + ": " + from.key() + " -> " + to.key();
    }
}
