package ai.orchestrator.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.CallCancelledException;
import ai.orchestrator.CallOptions;
import ai.orchestrator.ConfigurationException;
import ai.orchestrator.DeadlineExceededException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.breaker.Acquisition.Permit;
import ai.orchestrator.breaker.Acquisition.Refusal;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.breaker.CircuitTransition;
import ai.orchestrator.breaker.ProviderCircuitBreaker;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.Retries;
import ai.orchestrator.testkit.ScriptedServer;
import ai.orchestrator.testkit.ScriptedServer.ReceivedRequest;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The breaker's scenarios in the orchestrator: over loopback HTTP, and with providers of the application's own. */
@Timeout(60)
class BreakerScenariosTest {

    private static final Duration WAIT = Duration.ofSeconds(30);
    private static final Duration DEADLINE = Duration.ofMinutes(10);
    private static final Reply DOWN = Reply.error(503, "server_is_overloaded", "down");

    private static final ChatProvider ANSWERING = (request, delivery, deadline, cancellation, sink) -> {
        sink.event(new ChatEvent.Text("still here"));
        sink.event(new ChatEvent.Finished(FinishReason.STOP));
    };

    private final ManualTimeSource time = new ManualTimeSource();
    private final ScriptedServer server = ScriptedServer.start();
    private final CircuitBreakerRegistry registry = CircuitBreakerRegistry.ofDefaults();
    private final ExecutorService threads = Executors.newCachedThreadPool();

    @AfterEach
    void stop() {
        threads.shutdownNow();
        server.close();
    }

    private static CircuitBreakerSettings settings(int successThreshold) {
        return CircuitBreakerSettings.builder()
                .failureThreshold(2)
                .successThreshold(successThreshold)
                .timeoutDuration(WAIT)
                .build();
    }

    private Orchestrator.Builder overHttp(int successThreshold) {
        return Orchestrator.builder()
                .timeSource(time)
                .deadline(DEADLINE)
                .circuitBreakerRegistry(registry)
                .provider(
                        "first",
                        p -> p.type("openai")
                                .baseUrl(server.baseUrl())
                                .retry(Retries.NONE)
                                .circuitBreaker(settings(successThreshold)));
    }

    private Orchestrator.Builder withOwn(ChatProvider own, int successThreshold) {
        return Orchestrator.builder()
                .timeSource(time)
                .deadline(DEADLINE)
                .circuitBreakerRegistry(registry)
                .provider(
                        "first",
                        p -> p.chatProvider(own)
                                .priority(1)
                                .retry(Retries.NONE)
                                .circuitBreaker(settings(successThreshold)))
                .provider("second", p -> p.chatProvider(ANSWERING).priority(2));
    }

    private CompletableFuture<ChatResponse> ask(Orchestrator orchestrator, Cancellation cancellation) {
        return CompletableFuture.supplyAsync(
                () -> orchestrator.chat(
                        ChatRequest.of("hello"), CallOptions.defaults().withCancellation(cancellation)),
                threads);
    }

    private CompletableFuture<ChatResponse> ask(Orchestrator orchestrator) {
        return ask(orchestrator, new Cancellation());
    }

    private void trip(Orchestrator orchestrator) {
        server.reply(DOWN, DOWN);
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> orchestrator.chat("hello")).isInstanceOf(AllProvidersFailedException.class);
            server.awaitRequest();
        }
        assertThat(orchestrator.circuitBreaker("first").state()).isEqualTo(CircuitState.OPEN);
    }

    @Test
    void R1_answers_to_calls_from_before_the_trip_leave_the_decision_to_the_trial() throws Exception {
        List<CompletableFuture<Void>> gates = new ArrayList<>();
        List<CompletableFuture<ChatResponse>> old = new ArrayList<>();
        try (Orchestrator orchestrator = overHttp(1).build()) {
            for (int i = 0; i < 4; i++) {
                gates.add(new CompletableFuture<>());
                server.reply((i < 2 ? Reply.answer("late") : DOWN).after(gates.get(i)));
                old.add(ask(orchestrator));
                server.awaitRequest();
            }
            trip(orchestrator);
            time.advance(WAIT);
            CompletableFuture<Void> trialGate = new CompletableFuture<>();
            server.reply(Reply.answer("well again").after(trialGate));
            CompletableFuture<ChatResponse> trial = ask(orchestrator);
            server.awaitRequest();

            for (int i = 0; i < 4; i++) {
                gates.get(i).complete(null);
                assertThat(catchThrowable(old.get(i)::join) == null).isEqualTo(i < 2);
            }
            assertThat(old.get(0).join().text()).isEqualTo("late");
            ProviderCircuitBreaker breaker = orchestrator.circuitBreaker("first");
            assertThat(breaker.state()).isEqualTo(CircuitState.HALF_OPEN);
            assertThat(breaker.counters().lateResults()).isEqualTo(4);
            assertThat(registry.circuitBreaker("first").getState()).isEqualTo(CircuitBreaker.State.HALF_OPEN);

            trialGate.complete(null);
            assertThat(trial.get(10, TimeUnit.SECONDS).text()).isEqualTo("well again");
            assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
        }
    }

    @Test
    void R2_cancelled_calls_from_before_the_trip_give_back_no_permit() {
        Cancellation cancellation = new Cancellation();
        List<CompletableFuture<ChatResponse>> old = new ArrayList<>();
        try (Orchestrator orchestrator = overHttp(2).build()) {
            for (int i = 0; i < 6; i++) {
                server.reply(Reply.hang());
                old.add(ask(orchestrator, cancellation));
                server.awaitRequest();
            }
            trip(orchestrator);
            time.advance(WAIT);
            ProviderCircuitBreaker breaker = orchestrator.circuitBreaker("first");
            assertThat(breaker.tryAcquire()).isInstanceOf(Permit.class);
            cancellation.cancel();
            old.forEach(
                    call -> assertThat(catchThrowable(call::join)).hasCauseInstanceOf(CallCancelledException.class));

            assertThat(breaker.tryAcquire()).isInstanceOf(Permit.class);
            assertThat(breaker.tryAcquire()).isInstanceOf(Refusal.class);
        }
    }

    @Test
    void R3_a_trial_that_never_reports_makes_room_one_second_after_its_deadline() throws Exception {
        CountDownLatch letGo = new CountDownLatch(1);
        CountDownLatch stuck = new CountDownLatch(1);
        AtomicBoolean ill = new AtomicBoolean(true);
        ChatProvider deaf = (request, delivery, deadline, cancellation, sink) -> {
            if (ill.get()) {
                throw new IllegalStateException("down");
            }
            // Against the contract: it does not heed its cancellation.
            stuck.countDown();
            try {
                letGo.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        };
        try (Orchestrator orchestrator =
                withOwn(deaf, 1).deadline(Duration.ofSeconds(5)).build()) {
            orchestrator.chat("hello");
            orchestrator.chat("hello");
            ill.set(false);
            time.advance(WAIT);
            CompletableFuture<ChatResponse> lost = ask(orchestrator);
            assertThat(stuck.await(10, TimeUnit.SECONDS)).isTrue();
            ProviderCircuitBreaker breaker = orchestrator.circuitBreaker("first");
            time.advance(Duration.ofSeconds(6).minusNanos(1));
            assertThat(breaker.canRequest()).isFalse();
            time.advance(Duration.ofNanos(1));
            assertThat(breaker.canRequest()).isTrue();

            assertThat(breaker.counters().expiredLeases()).isEqualTo(1);
            letGo.countDown();
            assertThat(catchThrowable(lost::join)).isNotNull();
            assertThat(breaker.state()).isEqualTo(CircuitState.HALF_OPEN);
            assertThat(breaker.counters().lateResults()).isEqualTo(1);
        }
    }

    @Test
    void R4_a_cancelled_trial_ends_its_http_call_and_frees_its_permit() {
        try (Orchestrator orchestrator = overHttp(1).build()) {
            trip(orchestrator);
            time.advance(WAIT);
            server.reply(Reply.hang());
            Cancellation cancellation = new Cancellation();
            CompletableFuture<ChatResponse> trial = ask(orchestrator, cancellation);
            ReceivedRequest request = server.awaitRequest();
            ProviderCircuitBreaker breaker = orchestrator.circuitBreaker("first");
            assertThat(breaker.canRequest()).isFalse();

            cancellation.cancel();
            server.awaitClientClosed(request);
            assertThat(catchThrowable(trial::join)).hasCauseInstanceOf(CallCancelledException.class);
            assertThat(breaker.state()).isEqualTo(CircuitState.HALF_OPEN);
            assertThat(breaker.canRequest()).isTrue();
        }
    }

    @Test
    void R5_a_trial_that_ends_in_an_error_has_failed_and_the_error_reaches_the_caller() {
        StackOverflowError error = new StackOverflowError();
        Throwable[] thrown = {new IllegalStateException("down")};
        ChatProvider failing = (request, delivery, deadline, cancellation, sink) -> {
            if (thrown[0] instanceof Error fatal) {
                throw fatal;
            }
            throw (RuntimeException) thrown[0];
        };
        try (Orchestrator orchestrator = withOwn(failing, 1).build()) {
            orchestrator.chat("hello");
            orchestrator.chat("hello");
            time.advance(WAIT);
            thrown[0] = error;

            assertThat(catchThrowable(() -> orchestrator.chat("hello"))).isSameAs(error);
            assertThat(orchestrator.circuitBreaker("first").state()).isEqualTo(CircuitState.OPEN);
            assertThat(orchestrator.circuitBreaker("first").counters().openings())
                    .isEqualTo(2);
        }
    }

    @Test
    void R6_of_two_hundred_at_the_end_of_the_wait_two_reach_the_provider_and_the_rest_go_on() throws Exception {
        CountDownLatch letGo = new CountDownLatch(1);
        CountDownLatch reached = new CountDownLatch(2);
        AtomicBoolean ill = new AtomicBoolean(true);
        ChatProvider first = (request, delivery, deadline, cancellation, sink) -> {
            if (ill.get()) {
                throw new IllegalStateException("down");
            }
            reached.countDown();
            try {
                letGo.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            ANSWERING.chat(request, delivery, deadline, cancellation, sink);
        };
        try (Orchestrator orchestrator = withOwn(first, 2).build()) {
            orchestrator.chat("hello");
            orchestrator.chat("hello");
            ill.set(false);
            time.advance(WAIT);
            CountDownLatch start = new CountDownLatch(1);
            List<Future<ChatResponse>> calls = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                calls.add(threads.submit(() -> {
                    start.await();
                    return orchestrator.chat("hello");
                }));
            }
            start.countDown();
            assertThat(reached.await(10, TimeUnit.SECONDS)).isTrue();
            // The two are still held, so whoever has ended has been served elsewhere without waiting for them.
            BlockingQueue<String> served = new LinkedBlockingQueue<>();
            for (Future<ChatResponse> call : calls) {
                threads.execute(() -> {
                    try {
                        served.add(call.get().provider());
                    } catch (Exception e) {
                        served.add(String.valueOf(e));
                    }
                });
            }
            for (int i = 0; i < 198; i++) {
                assertThat(served.poll(10, TimeUnit.SECONDS)).isEqualTo("second");
            }
            letGo.countDown();
            assertThat(served.poll(10, TimeUnit.SECONDS)).isEqualTo("first");
            assertThat(served.poll(10, TimeUnit.SECONDS)).isEqualTo("first");
            assertThat(orchestrator.circuitBreaker("first").state()).isEqualTo(CircuitState.CLOSED);
            assertThat(orchestrator.circuitBreaker("first").counters().refusals())
                    .isEqualTo(198);
        }
    }

    @Test
    void R7_a_trial_that_an_expired_deadline_or_a_cancel_stops_gives_its_permit_back() {
        Cancellation cancellation = new Cancellation();
        List<Runnable> beforeTheTrial = new ArrayList<>(List.of(() -> time.advance(DEADLINE), cancellation::cancel));
        try (Orchestrator orchestrator = overHttp(1).build()) {
            // On the calling thread, between the permit and the attempt.
            registry.circuitBreaker("first").getEventPublisher().onStateTransition(event -> {
                if (event.getStateTransition().getToState() == CircuitBreaker.State.HALF_OPEN) {
                    beforeTheTrial.remove(0).run();
                }
            });
            ProviderCircuitBreaker breaker = orchestrator.circuitBreaker("first");
            trip(orchestrator);
            time.advance(WAIT);
            assertThatThrownBy(() -> orchestrator.chat("hello")).isInstanceOf(DeadlineExceededException.class);
            assertThat(breaker.state()).isEqualTo(CircuitState.HALF_OPEN);
            assertThat(breaker.canRequest()).isTrue();

            breaker.recordFailure();
            time.advance(WAIT);
            assertThatThrownBy(() -> orchestrator.chat(
                            ChatRequest.of("hello"), CallOptions.defaults().withCancellation(cancellation)))
                    .isInstanceOf(CallCancelledException.class);
            assertThat(breaker.state()).isEqualTo(CircuitState.HALF_OPEN);
            assertThat(breaker.canRequest()).isTrue();
            assertThat(breaker.counters().released()).isEqualTo(2);
            assertThat(server.requestCount()).isEqualTo(2);
        }
    }

    @Test
    void R8_a_429_on_a_trial_gives_its_permit_back_and_a_503_or_529_opens_again() {
        try (Orchestrator orchestrator = overHttp(1).build()) {
            ProviderCircuitBreaker breaker = orchestrator.circuitBreaker("first");
            trip(orchestrator);
            time.advance(WAIT);
            server.reply(Reply.error(429, "rate_limit_exceeded", "slow down"));
            assertThatThrownBy(() -> orchestrator.chat("hello")).isInstanceOf(AllProvidersFailedException.class);
            assertThat(breaker.state()).isEqualTo(CircuitState.HALF_OPEN);
            assertThat(breaker.canRequest()).isTrue();
            assertThatThrownBy(() -> orchestrator.chat("hello"))
                    .isInstanceOfSatisfying(
                            AllProvidersFailedException.class,
                            e -> assertThat(e.earliestRetry()).hasValue(Duration.ofSeconds(1)))
                    .hasMessageContaining("first skipped: parked for 1 s after RATE_LIMITED");
            assertThat(breaker.canRequest()).isTrue();
            time.advance(Duration.ofSeconds(1));

            for (Reply overloaded : List.of(DOWN, Reply.error(529, "overloaded_error", "busy"))) {
                server.reply(overloaded);
                assertThatThrownBy(() -> orchestrator.chat("hello")).isInstanceOf(AllProvidersFailedException.class);
                assertThat(breaker.state()).isEqualTo(CircuitState.OPEN);
                assertThat(breaker.status().timeUntilRetry()).hasValue(WAIT);
                time.advance(WAIT);
            }
        }
    }

    @Test
    void R13_a_provider_forced_open_is_not_asked_and_one_disabled_is_whatever_happens() {
        try (Orchestrator orchestrator = overHttp(1).build()) {
            ProviderCircuitBreaker breaker = orchestrator.circuitBreaker("first");
            breaker.forceOpen();
            time.advance(Duration.ofDays(1));
            assertThatThrownBy(() -> orchestrator.chat("hello"))
                    .isInstanceOfSatisfying(
                            AllProvidersFailedException.class,
                            e -> assertThat(e.earliestRetry()).isEmpty())
                    .hasMessageContaining("first skipped: circuit breaker forced open by an operator");
            assertThat(server.requestCount()).isZero();

            breaker.disable();
            server.otherwise(DOWN);
            for (int i = 0; i < 10; i++) {
                assertThatThrownBy(() -> orchestrator.chat("hello")).isInstanceOf(AllProvidersFailedException.class);
            }
            assertThat(server.requestCount()).isEqualTo(10);
            assertThat(breaker.state()).isEqualTo(CircuitState.DISABLED);
        }
    }

    @Test
    void a_provider_whose_trials_are_under_way_is_skipped_with_that_reason() {
        try (Orchestrator orchestrator = withOwn(
                        (request, delivery, deadline, cancellation, sink) -> {
                            throw new IllegalStateException("down");
                        },
                        1)
                .build()) {
            orchestrator.chat("hello");
            orchestrator.chat("hello");
            time.advance(WAIT);
            assertThat(orchestrator.circuitBreaker("first").tryAcquire()).isInstanceOf(Permit.class);

            assertThat(orchestrator.chat("hello").trail().steps().get(0))
                    .isInstanceOf(Trail.Skipped.class)
                    .hasToString("first skipped: circuit breaker half open, its trials are under way");
        }
    }

    @Test
    void R17_a_listener_hears_of_every_breaker_and_none_after_the_end() throws Exception {
        BlockingQueue<CircuitTransition> heard = new LinkedBlockingQueue<>();
        ProviderCircuitBreaker breaker;
        try (Orchestrator orchestrator = withOwn(ANSWERING, 1)
                .circuitBreakerListener(heard::add)
                .circuitBreakerListener(transition -> {
                    throw new IllegalStateException("broken listener");
                })
                .build()) {
            breaker = orchestrator.circuitBreaker("second");
            orchestrator.circuitBreaker("first").forceOpen();
            assertThat(heard.poll(10, TimeUnit.SECONDS)).hasToString("first: closed -> forced_open");
            breaker.forceOpen();
            assertThat(heard.poll(10, TimeUnit.SECONDS)).hasToString("second: closed -> forced_open");
        }
        Optional<Thread> listeners = Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("orchestrator-listeners"))
                .findAny();
        if (listeners.isPresent()) {
            listeners.get().join();
        }
        breaker.reset();
        assertThat(heard).isEmpty();
    }

    @Test
    void two_orchestrators_of_the_same_names_need_a_meter_registry_each() {
        SimpleMeterRegistry meters = new SimpleMeterRegistry();
        try (Orchestrator first = overHttp(1).meterRegistry(meters).build()) {
            Orchestrator.Builder second =
                    Orchestrator.builder().meterRegistry(meters).provider("first", p -> p.chatProvider(ANSWERING));
            assertThatThrownBy(second::build)
                    .isInstanceOf(ConfigurationException.class)
                    .hasMessageContaining("orchestrator.providers.first: the meter registry already has meters");
            assertThat(first.circuitBreaker("first").state()).isEqualTo(CircuitState.CLOSED);
            assertThat(meters.getMeters()).isNotEmpty();
        }
        assertThat(meters.getMeters()).isEmpty();
    }

    @Test
    void a_trial_keeps_its_permit_for_the_configured_lease_where_there_is_one() {
        ChatProvider own = (request, delivery, deadline, cancellation, sink) -> {
            throw new IllegalStateException("down");
        };
        Duration lease = Duration.ofMinutes(3);
        ProviderCircuitBreaker[] breaker = new ProviderCircuitBreaker[1];
        AtomicBoolean ill = new AtomicBoolean(true);
        ChatProvider slow = (request, delivery, deadline, cancellation, sink) -> {
            if (ill.get()) {
                own.chat(request, delivery, deadline, cancellation, sink);
            }
            time.advance(lease.minusNanos(1));
            assertThat(breaker[0].canRequest()).isFalse();
            time.advance(Duration.ofNanos(1));
            assertThat(breaker[0].canRequest()).isTrue();
            ANSWERING.chat(request, delivery, deadline, cancellation, sink);
        };
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .deadline(DEADLINE)
                .provider(
                        "first",
                        p -> p.chatProvider(slow)
                                .retry(Retries.NONE)
                                .circuitBreaker(settings(1).toBuilder()
                                        .trialLease(lease)
                                        .build()))
                .build()) {
            breaker[0] = orchestrator.circuitBreaker("first");
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(() -> orchestrator.chat("hello")).isInstanceOf(AllProvidersFailedException.class);
            }
            ill.set(false);
            time.advance(WAIT);
            assertThat(orchestrator.chat("hello").text()).isEqualTo("still here");
            assertThat(breaker[0].counters().lateResults()).isEqualTo(1);
        }
    }

    @Test
    void R18_refusals_and_failures_under_an_override_are_metered_and_no_meter_stays() {
        SimpleMeterRegistry meters = new SimpleMeterRegistry();
        try (Orchestrator orchestrator = overHttp(1).meterRegistry(meters).build()) {
            ProviderCircuitBreaker breaker = orchestrator.circuitBreaker("first");
            server.otherwise(DOWN);
            breaker.forceOpen();
            for (int i = 0; i < 5; i++) {
                assertThatThrownBy(() -> orchestrator.chat("hello")).isInstanceOf(AllProvidersFailedException.class);
            }
            breaker.disable();
            for (int i = 0; i < 5; i++) {
                assertThatThrownBy(() -> orchestrator.chat("hello")).isInstanceOf(AllProvidersFailedException.class);
            }
            assertThat(meters.get("orchestrator.circuitbreaker.calls")
                            .tags("name", "first", "outcome", "refused")
                            .functionCounter()
                            .count())
                    .isEqualTo(5);
            assertThat(meters.get("orchestrator.circuitbreaker.call.duration")
                            .tags("name", "first", "outcome", "failure", "late", "false")
                            .timer()
                            .count())
                    .isEqualTo(5);
        }
        assertThat(meters.getMeters()).isEmpty();
        assertThat(registry.getAllCircuitBreakers()).isEmpty();
    }
}
