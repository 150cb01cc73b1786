package ai.orchestrator.examples;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.Content;
import ai.orchestrator.chat.ReasoningEffort;
import ai.orchestrator.chat.Tool;

/** The README's request. */
final class RequestExample {

    private RequestExample() {}

    static ChatResponse ask(Orchestrator orchestrator, byte[] bytes, String schema) {
        // example: begin
        ChatResponse answer = orchestrator.chat(ChatRequest.builder()
                .system("Answer in one sentence.")
                .user(new Content.Text("What is this?"), Content.Image.of("image/png", bytes))
                .tool(new Tool("weather", "The weather now.", schema))
                .reasoningEffort(ReasoningEffort.LOW)
                .extra("groq", "service_tier", "flex") // for providers of this type alone
                .build());
        // example: end
        return answer;
    }
}
