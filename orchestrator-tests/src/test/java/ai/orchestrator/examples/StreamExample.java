package ai.orchestrator.examples;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatStream;

/** The README's stream. */
final class StreamExample {

    private StreamExample() {}

    static void show(Orchestrator orchestrator) {
        // example: begin
        try (ChatStream stream = orchestrator.stream(ChatRequest.of("Why is the sky blue?"))) {
            for (ChatEvent event : stream) {
                if (event instanceof ChatEvent.Text piece) {
                    System.out.print(piece.text());
                }
            }
        }
        // example: end
    }
}
