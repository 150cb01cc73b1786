package ai.orchestrator.examples;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.chat.ChatResponse;
import java.time.Duration;

/** The README's first example; {@link ReadmeTest} keeps the two equal. */
final class FailoverExample {

    private FailoverExample() {}

    static void run(String groqKey, String hfKey) {
        // example: begin
        try (Orchestrator orchestrator = Orchestrator.builder()
                .provider(
                        "groq", p -> p.type("groq").apiKey(groqKey).priority(1).totalTimeout(Duration.ofSeconds(8)))
                .provider("hf", p -> p.type("huggingface").apiKey(hfKey).priority(2))
                .deadline(Duration.ofSeconds(20))
                .build()) {
            ChatResponse answer = orchestrator.chat("Why is the sky blue?");
            System.out.println(answer.text());
            System.out.println(
                    answer.trail()); // groq failed after 41 ms with OVERLOADED: 503 ...; hf answered in 612 ms
        }
        // example: end
    }
}
