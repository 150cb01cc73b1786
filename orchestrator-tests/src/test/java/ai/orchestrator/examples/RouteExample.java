package ai.orchestrator.examples;

import ai.orchestrator.CallOptions;
import ai.orchestrator.Explanation;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;

/** The README's route. */
final class RouteExample {

    private RouteExample() {}

    static ChatResponse ask(Orchestrator orchestrator, ChatRequest request) {
        // example: begin
        CallOptions fast = CallOptions.defaults().withRoute("fast");
        Explanation way = orchestrator.explain(request, fast); // local may be asked; groq-1 would be skipped: ...
        ChatResponse answer = orchestrator.chat(request, fast);
        // example: end
        System.out.println(way);
        return answer;
    }
}
