package ai.orchestrator.server;

import ai.orchestrator.breaker.CircuitBreakerStatus;
import ai.orchestrator.breaker.CircuitState;
import java.util.Optional;

/**
 * One call of the demo, as it was observed.
 *
 * @param number which call of its scenario, from 1
 * @param outcome how it ended
 * @param words the same in words
 * @param sent whether a request reached the provider's server
 * @param during the breaker's state while the server had the request in hand
 * @param after what the breaker showed afterwards
 */
record DemoCall(
        int number,
        Outcome outcome,
        String words,
        boolean sent,
        Optional<CircuitState> during,
        CircuitBreakerStatus after) {

    enum Outcome {
        ANSWERED,
        FAILED,
        REFUSED
    }

    boolean answered() {
        return outcome == Outcome.ANSWERED && sent;
    }

    boolean failed() {
        return outcome == Outcome.FAILED && sent;
    }

    boolean refusedUnsent() {
        return outcome == Outcome.REFUSED && !sent;
    }

    boolean wasTrial() {
        return during.equals(Optional.of(CircuitState.HALF_OPEN));
    }

    boolean leaves(CircuitState state) {
        return after.state() == state;
    }

    boolean leavesClosed(int failures) {
        return leaves(CircuitState.CLOSED) && after.failureCount() == failures;
    }
}
