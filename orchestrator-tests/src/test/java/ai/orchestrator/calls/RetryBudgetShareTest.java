package ai.orchestrator.calls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Retries;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How many retries there are for the first attempts of all calls is a setting (R19). */
class RetryBudgetShareTest {

    private static final int CALLS = 40;

    private final AtomicInteger attempts = new AtomicInteger();

    private Orchestrator failing(double share) {
        return Orchestrator.builder()
                .retryBudget(share)
                .timeSource(new ManualTimeSource())
                .drainTimeout(Duration.ZERO)
                .provider(
                        "a",
                        a -> a.retry(Retries.AT_ONCE)
                                .circuitBreaker(CircuitBreakerSettings.builder()
                                        .failureThreshold(1_000)
                                        .build())
                                .chatProvider((request, delivery, deadline, cancellation, sink) -> {
                                    attempts.incrementAndGet();
                                    throw ProviderException.of(FailureKind.SERVER, "scripted");
                                }))
                .build();
    }

    private void call(Orchestrator orchestrator) {
        for (int i = 0; i < CALLS; i++) {
            assertThatThrownBy(() -> orchestrator.chat("?")).isInstanceOf(AllProvidersFailedException.class);
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 10", "0.2, 18", "0.5, 30", "1, 40"})
    void there_are_ten_and_a_share_of_the_first_attempts(double share, int retries) {
        try (Orchestrator orchestrator = failing(share)) {
            call(orchestrator);

            assertThat(attempts).hasValue(CALLS + retries);
        }
    }

    @Test
    void another_share_holds_while_it_runs() {
        try (Orchestrator orchestrator = failing(0)) {
            call(orchestrator);
            orchestrator.reconfigure(
                    orchestrator.settings().toBuilder().retryBudget(1).settings());
            call(orchestrator);

            assertThat(attempts).hasValue(CALLS + 10 + CALLS + CALLS);
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {-0.01, 1.01, Double.NaN, Double.POSITIVE_INFINITY})
    void what_is_no_share_is_refused(double share) {
        assertThatThrownBy(() -> Orchestrator.builder().retryBudget(share))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("retryBudget must be 0 to 1 but is " + share);
    }
}
