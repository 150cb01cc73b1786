package ai.orchestrator;

import ai.orchestrator.breaker.ProviderCircuitBreaker;
import ai.orchestrator.provider.ChatProvider;

/** A provider as the orchestrator holds it: its settings, what talks to it, what guards it. */
record RegisteredProvider(ProviderSettings settings, ChatProvider chatProvider, ProviderCircuitBreaker breaker) {

    String name() {
        return settings.name();
    }
}
