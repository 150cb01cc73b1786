package ai.orchestrator.server;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.quota.QuotaSettings;
import ai.orchestrator.routing.StandardStrategy;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer;
import ai.orchestrator.testkit.StreamScript;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Two providers in this process, on loopback: the first fails on purpose, the second says that it is simulated. */
final class SimulatedProviders implements AutoCloseable {

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final String MODELS = "{\"object\":\"list\",\"data\":[{\"id\":\"simulated\"}]}";

    /** So that one who watches sees what follows. */
    private static final CircuitBreakerSettings QUICK = CircuitBreakerSettings.builder()
            .timeoutDuration(Duration.ofSeconds(15))
            .build();

    private static final Pattern WORD = Pattern.compile("\\S+\\s*");
    private static final long PAUSE_MILLIS = 40;

    private final ScriptedServer failing;
    private final ScriptedServer answering;

    private SimulatedProviders(ScriptedServer failing, ScriptedServer answering) {
        this.failing = failing;
        this.answering = answering;
    }

    static SimulatedProviders start() {
        return new SimulatedProviders(
                start(question -> Reply.error(503, "server_is_overloaded", "simulated outage")),
                start(SimulatedProviders::reply));
    }

    /** Both list their models: an outage is often one of answering alone. */
    private static ScriptedServer start(Function<String, Reply> answers) {
        return ScriptedServer.start()
                .otherwise(
                        request -> request.method().equals("GET") ? Reply.json(MODELS) : answers.apply(request.body()));
    }

    Orchestrator.Builder orchestrator() {
        return Orchestrator.builder()
                .provider(
                        "simulated-1",
                        p -> p.type("openai")
                                .baseUrl(failing.baseUrl())
                                .model("simulated")
                                .circuitBreaker(QUICK)
                                .priority(1))
                .provider(
                        "simulated-2",
                        p -> p.type("openai")
                                .baseUrl(answering.baseUrl())
                                .model("simulated")
                                .quota(QuotaSettings.builder()
                                        .requestsPerMinute(100)
                                        .build())
                                .priority(2))
                .route(
                        "quick",
                        route -> route.providers("simulated-2", "simulated-1").strategy(StandardStrategy.LATENCY));
    }

    private static Reply reply(String requestBody) {
        try {
            JsonNode request = MAPPER.readTree(requestBody);
            JsonNode messages = request.path("messages");
            String answer = "This is a simulated answer to \""
                    + messages.path(messages.size() - 1).path("content").asText()
                    + "\". No model was asked; --config FILE asks real ones.";
            return request.path("stream").asBoolean()
                    ? streamed(answer)
                    : Reply.answer(answer).withModel("simulated");
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("our own request is not JSON", e);
        }
    }

    /** Word by word, with a pause before each, so that one can see it come. */
    private static Reply streamed(String answer) {
        StreamScript script = StreamScript.empty();
        int count = 0;
        Matcher words = WORD.matcher(answer);
        while (words.find()) {
            count++;
            script = script.await(new CompletableFuture<Void>()
                            .completeOnTimeout(null, count * PAUSE_MILLIS, TimeUnit.MILLISECONDS))
                    .send(Reply.token(words.group()));
        }
        return Reply.stream(script.send(Reply.tokensEnd(count)));
    }

    @Override
    public void close() {
        failing.close();
        answering.close();
    }
}
