package ai.orchestrator.examples;

import ai.orchestrator.Orchestrator;

/** The routing page's lambda. */
final class RouteOfOnesOwnExample {

    private RouteOfOnesOwnExample() {}

    static void add(Orchestrator.Builder builder) {
        // example: begin
        builder.route(
                "long",
                route -> route.providers("gemini", "groq-1")
                        .strategy((provider, call) -> -provider.contextWindow().orElse(0)));
        // example: end
    }
}
