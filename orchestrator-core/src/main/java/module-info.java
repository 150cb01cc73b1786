/**
 * Decides which provider serves a call, guards each by a circuit breaker, and fails over within one deadline. Knows no HTTP and no
 * JSON: providers announce themselves through {@link ai.orchestrator.provider.ChatProviderFactory}.
 */
@SuppressWarnings("module") // The module that sees the internal package is built after this one.
module ai.orchestrator.core {
    requires com.github.benmanes.caffeine;
    requires transitive io.github.resilience4j.circuitbreaker;
    requires io.github.resilience4j.core;
    requires transitive micrometer.core;
    requires io.github.resilience4j.micrometer;
    requires io.github.resilience4j.retry;
    requires org.slf4j;
    requires static transitive org.jspecify;

    exports ai.orchestrator;
    exports ai.orchestrator.breaker;
    exports ai.orchestrator.cache;
    exports ai.orchestrator.chat;
    exports ai.orchestrator.config;
    exports ai.orchestrator.health;
    exports ai.orchestrator.provider;
    exports ai.orchestrator.quota;
    exports ai.orchestrator.routing;
    exports ai.orchestrator.time;
    exports ai.orchestrator.internal to
            ai.orchestrator.providers;

    uses ai.orchestrator.provider.ChatProviderFactory;
}
