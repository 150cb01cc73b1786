package ai.orchestrator.benchmarks;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.breaker.ProviderCircuitBreaker;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.providers.HttpProviderFactory;
import java.time.Duration;
import okhttp3.OkHttpClient;

/** Calls one or two providers of type {@code openai} through an orchestrator. */
final class OrchestratedClient implements AutoCloseable {

    private static final ChatRequest REQUEST = ChatRequest.of("Why is the sky blue?");

    /** Longer than anything that is measured here. */
    private static final Duration LONG = Duration.ofMinutes(30);

    private final OkHttpClient client = BareClient.client();
    private final HttpProviderFactory factory = HttpProviderFactory.using(client);
    private final Orchestrator orchestrator;

    private OrchestratedClient(Orchestrator.Builder builder) {
        this.orchestrator = builder.providerFactory(factory).build();
    }

    /** With the default limits. */
    static OrchestratedClient of(CannedServer server) {
        return new OrchestratedClient(provider(Orchestrator.builder(), "only", server, 1));
    }

    /** The first fails. */
    static OrchestratedClient of(CannedServer first, CannedServer second) {
        return new OrchestratedClient(
                provider(provider(Orchestrator.builder(), "first", first, 1), "second", second, 2));
    }

    /** With limits that no idle stream reaches. */
    static OrchestratedClient patient(String url) {
        return new OrchestratedClient(Orchestrator.builder()
                .deadline(LONG)
                .provider(
                        "only",
                        p -> p.type("openai")
                                .baseUrl(url)
                                .apiKey("benchmark-key")
                                .model("gpt-5-mini")
                                .idleTimeout(LONG)));
    }

    private static Orchestrator.Builder provider(
            Orchestrator.Builder builder, String name, CannedServer server, int priority) {
        return builder.provider(
                name,
                p -> p.type("openai")
                        .baseUrl(server.url())
                        .apiKey("benchmark-key")
                        .model("gpt-5-mini")
                        .priority(priority));
    }

    /** A chat: nanoseconds until the answer is there. */
    long chat() {
        long start = System.nanoTime();
        expectText(orchestrator.chat(REQUEST).text());
        return System.nanoTime() - start;
    }

    /** A stream: nanoseconds until its first piece of text is there. What follows is read. */
    long firstToken() {
        long start = System.nanoTime();
        try (ChatStream stream = orchestrator.stream(REQUEST)) {
            expectText(firstText(stream));
            long nanos = System.nanoTime() - start;
            stream.response();
            return nanos;
        }
    }

    /** A stream whose first piece was read; to be closed. */
    ChatStream openStream() {
        ChatStream stream = orchestrator.stream(REQUEST);
        expectText(firstText(stream));
        return stream;
    }

    private static String firstText(ChatStream stream) {
        for (ChatEvent event : stream) {
            if (event instanceof ChatEvent.Text piece) {
                return piece.text();
            }
        }
        throw new IllegalStateException("the stream ended without text");
    }

    ProviderCircuitBreaker firstBreaker() {
        return orchestrator.circuitBreaker("first");
    }

    /** Forgets the first provider's failures: otherwise its breaker would open and there would be no more of them. */
    void forgetFailures() {
        ProviderCircuitBreaker breaker = firstBreaker();
        if (breaker.state() != CircuitState.CLOSED) {
            throw new IllegalStateException("the breaker is " + breaker.state());
        }
        breaker.reset();
    }

    private static void expectText(String text) {
        if (!text.startsWith("Because")) {
            throw new IllegalStateException("not the answer that is measured: " + text);
        }
    }

    @Override
    public void close() {
        orchestrator.close();
        factory.close();
        client.connectionPool().evictAll();
    }
}
