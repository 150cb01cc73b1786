package ai.orchestrator.server;

import ai.orchestrator.breaker.CircuitBreakerSettings;

/**
 * One thing that the demo shows.
 *
 * @param name what a user types
 * @param title what stands above it
 * @param about what it shows, in a sentence
 * @param settings those of its circuit breaker
 * @param script what happens
 */
record DemoScenario(String name, String title, String about, CircuitBreakerSettings settings, Script script) {

    @FunctionalInterface
    interface Script {
        void play(DemoStage stage) throws InterruptedException;
    }
}
