package ai.orchestrator.server;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.breaker.CircuitBreakerStatus;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.breaker.ProviderCircuitBreaker;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.server.DemoCall.Outcome;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Where one scenario plays: a provider of its own, which is a server on loopback, and an orchestrator that calls it. Shows what happens on the
 * screen and remembers whether it was as claimed. For one thread.
 */
final class DemoStage implements AutoCloseable {

    private static final String PROVIDER = "demo";
    private static final Reply ANSWER = Reply.answer("All is well.");
    private static final Reply FAILURE = Reply.error(503, "server_is_overloaded", "simulated outage");

    /** Each call on the screen is one request. */
    private static final RetrySettings ONE_ATTEMPT =
            RetrySettings.builder().maxAttempts(1).build();

    /** Waits end a little late rather than at the very moment, so that what is shown does not hang on a rounding. */
    private static final Duration MARGIN = Duration.ofMillis(20);

    private final DemoScreen screen;
    private final ScriptedServer server;
    private final Orchestrator orchestrator;
    private final ProviderCircuitBreaker breaker;
    private Reply reply = ANSWER;
    private int calls;
    private boolean asClaimed = true;

    private DemoStage(DemoScreen screen, ScriptedServer server, Orchestrator orchestrator) {
        this.screen = screen;
        this.server = server;
        this.orchestrator = orchestrator;
        this.breaker = orchestrator.circuitBreaker(PROVIDER);
    }

    static DemoStage set(CircuitBreakerSettings settings, DemoScreen screen, TimeSource timeSource) {
        ScriptedServer server = ScriptedServer.start();
        Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(timeSource)
                .provider(
                        PROVIDER,
                        p -> p.type("openai")
                                .baseUrl(server.baseUrl())
                                .model("simulated")
                                .retry(ONE_ATTEMPT)
                                .circuitBreaker(settings))
                .build();
        return new DemoStage(screen, server, orchestrator);
    }

    CircuitBreakerSettings settings() {
        return breaker.status().settings();
    }

    void providerFails() {
        reply = FAILURE;
        screen.event("The provider goes down: it answers every request with 503.");
    }

    void providerAnswers() {
        reply = ANSWER;
        screen.event("The provider is well again.");
    }

    /** Makes one call and shows it. */
    DemoCall call() throws InterruptedException {
        int requestsBefore = server.requestCount();
        CompletableFuture<CircuitState> during = new CompletableFuture<>();
        server.otherwise(reply.after(during));
        Thread observer = new Thread(() -> observe(during), "demo-observer");
        observer.setDaemon(true);
        observer.start();
        Outcome outcome;
        String words;
        try {
            ChatResponse answer = orchestrator.chat("How are you?");
            outcome = Outcome.ANSWERED;
            words = "answered: \"" + answer.text() + "\"";
        } catch (OrchestratorException e) {
            List<Trail.Step> steps = e.trail().steps();
            Optional<Trail.Step> last = steps.isEmpty() ? Optional.empty() : Optional.of(steps.get(steps.size() - 1));
            outcome = last.filter(Trail.Skipped.class::isInstance).isPresent() ? Outcome.REFUSED : Outcome.FAILED;
            words = last.map(DemoStage::words).orElse("failed: " + e.getMessage());
        }
        observer.interrupt();
        observer.join();
        DemoCall call = new DemoCall(
                ++calls,
                outcome,
                words,
                server.requestCount() > requestsBefore,
                during.isDone() ? Optional.of(during.join()) : Optional.empty(),
                breaker.status());
        screen.call(call);
        return call;
    }

    /** The server holds its reply back until the breaker has been looked at, which the caller, who waits, cannot do. */
    private void observe(CompletableFuture<CircuitState> during) {
        try {
            server.awaitRequest();
            during.complete(breaker.state());
        } catch (IllegalStateException e) {
            // Interrupted: the call has ended without a request.
        }
    }

    private static String words(Trail.Step step) {
        if (step instanceof Trail.Failed failed) {
            String status = failed.status().isPresent() ? failed.status().getAsInt() + " " : "";
            return "failed: " + status + failed.kind();
        }
        if (step instanceof Trail.Skipped skipped) {
            return "refused"
                    + skipped.retryIn()
                            .map(wait -> ", next try in " + DemoScreen.seconds(wait))
                            .orElse(": " + skipped.reason());
        }
        return step.toString();
    }

    int calls() {
        return calls;
    }

    int requests() {
        return server.requestCount();
    }

    /** Waits as long as the breaker says that it refuses. */
    void awaitRetry() throws InterruptedException {
        Optional<Duration> wait = breaker.status().timeUntilRetry();
        if (wait.isPresent()) {
            screen.countdown(wait.get().plus(MARGIN), "until the breaker lets a trial through");
        } else {
            claim("the breaker is open and knows when it lets a trial through", false);
        }
    }

    CircuitBreakerStatus reset() {
        breaker.reset();
        screen.event("An operator calls reset().");
        return breaker.status();
    }

    Map<String, Object> showStatus() {
        Map<String, Object> status = breaker.status().toMap();
        screen.event("status().toMap():");
        screen.map(status);
        return status;
    }

    /** Says that something is so, or, if it is not, what is so instead. */
    void claim(String claim, boolean observed) {
        if (observed) {
            screen.confirmed(claim);
        } else {
            asClaimed = false;
            screen.refuted(claim, breaker + ", " + calls + " calls, " + requests() + " requests at the server");
        }
    }

    boolean wentAsClaimed() {
        return asClaimed;
    }

    @Override
    public void close() {
        orchestrator.close();
        server.close();
    }
}
