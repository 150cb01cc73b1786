package ai.orchestrator.examples;

import ai.orchestrator.breaker.Acquisition;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.breaker.ProviderCircuitBreaker;
import java.util.concurrent.CancellationException;

/** The example of docs/circuit-breaker.md; {@link ReadmeTest} keeps the two equal. */
final class CircuitBreakerExample {

    private CircuitBreakerExample() {}

    interface Client {
        String ask(String question);
    }

    static void run(Client client) {
        // example: begin
        ProviderCircuitBreaker breaker = ProviderCircuitBreaker.builder("groq")
                .settings(CircuitBreakerSettings.fastApi())
                .build();

        System.out.println(breaker.call(() -> client.ask("Why is the sky blue?")));

        if (breaker.tryAcquire() instanceof Acquisition.Permit permit) {
            try {
                System.out.println(client.ask("Why is the sea blue?"));
                permit.success();
            } catch (CancellationException nobodysFault) {
                permit.release();
                throw nobodysFault;
            } catch (RuntimeException | Error providersFault) {
                permit.failure();
                throw providersFault;
            }
        }
        // example: end
    }
}
