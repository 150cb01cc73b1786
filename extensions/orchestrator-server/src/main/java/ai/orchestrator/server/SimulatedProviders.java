package ai.orchestrator.server;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

/** Two providers in this process, on loopback: the first fails on purpose, the second says that it is simulated. */
final class SimulatedProviders implements AutoCloseable {

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final ScriptedServer failing;
    private final ScriptedServer answering;

    private SimulatedProviders(ScriptedServer failing, ScriptedServer answering) {
        this.failing = failing;
        this.answering = answering;
    }

    static SimulatedProviders start() {
        return new SimulatedProviders(
                ScriptedServer.start().otherwise(Reply.error(503, "server_is_overloaded", "simulated outage")),
                ScriptedServer.start()
                        .otherwise(Reply.answer(SimulatedProviders::answer).withModel("simulated")));
    }

    Orchestrator orchestrator() {
        return Orchestrator.builder()
                .provider(
                        "simulated-1",
                        p -> p.type("openai")
                                .baseUrl(failing.baseUrl())
                                .model("simulated")
                                .priority(1))
                .provider(
                        "simulated-2",
                        p -> p.type("openai")
                                .baseUrl(answering.baseUrl())
                                .model("simulated")
                                .priority(2))
                .build();
    }

    private static String answer(String requestBody) {
        try {
            JsonNode messages = MAPPER.readTree(requestBody).path("messages");
            return "This is a simulated answer to \""
                    + messages.path(messages.size() - 1).path("content").asText()
                    + "\". No model was asked; --config FILE asks real ones.";
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("our own request is not JSON", e);
        }
    }

    @Override
    public void close() {
        failing.close();
        answering.close();
    }
}
