package ai.orchestrator.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.CallCancelledException;
import ai.orchestrator.CallOptions;
import ai.orchestrator.DeadlineExceededException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.RequestRejectedException;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.secrets.PlantedKeys;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.Retries;
import ai.orchestrator.testkit.ScriptedServer;
import ai.orchestrator.testkit.ScriptedServer.ReceivedRequest;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class FailoverIntegrationTest {

    private static final String KEY = PlantedKeys.KEY;

    private final ManualTimeSource time = new ManualTimeSource(Long.MAX_VALUE - 1_000);
    private ScriptedServer first;
    private ScriptedServer second;

    @BeforeEach
    void startServers() {
        first = ScriptedServer.start();
        second = ScriptedServer.start();
    }

    @AfterEach
    void stopServers() {
        first.close();
        second.close();
    }

    private Orchestrator.Builder both() {
        return both(Retries.NONE);
    }

    private Orchestrator.Builder both(RetrySettings retry) {
        return Orchestrator.builder()
                .timeSource(time)
                .provider(
                        "first",
                        p -> p.type("openai")
                                .baseUrl(first.baseUrl())
                                .apiKey(KEY)
                                .model("m-1")
                                .priority(1)
                                .retry(retry))
                .provider(
                        "second",
                        p -> p.type("groq")
                                .baseUrl(second.baseUrl())
                                .apiKey(KEY)
                                .model("m-2")
                                .priority(2)
                                .retry(retry));
    }

    @Test
    void the_provider_with_the_lowest_priority_number_answers() {
        first.reply(Reply.answer("Rayleigh scattering.").withModel("m-1-2026"));
        try (Orchestrator orchestrator = both().build()) {
            ChatResponse answer = orchestrator.chat("Why is the sky blue?");

            assertThat(answer.text()).isEqualTo("Rayleigh scattering.");
            assertThat(answer.provider()).isEqualTo("first");
            assertThat(answer.model()).isEqualTo("m-1-2026");
            assertThat(answer.finishReason()).isEqualTo(FinishReason.STOP);
            assertThat(answer.usage())
                    .map(Usage::outputTokens)
                    .hasValueSatisfying(tokens -> assertThat(tokens).isPositive());
            assertThat(answer.trail().steps()).singleElement().isInstanceOf(Trail.Answered.class);
            assertThat(second.requestCount()).isZero();
        }
    }

    @Test
    void an_empty_error_beside_a_good_answer_is_none() {
        first.reply(Reply.json(
                "{\"error\":\"\",\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}"));
        try (Orchestrator orchestrator = both().build()) {
            assertThat(orchestrator.chat("hello").provider()).isEqualTo("first");
        }
    }

    @Test
    void the_request_goes_out_in_the_openai_dialect_with_the_key_as_bearer() {
        first.reply(Reply.answer("ok"));
        try (Orchestrator orchestrator = both().build()) {
            orchestrator.chat(ChatRequest.builder()
                    .system("Be \"brief\".")
                    .user("Größe?")
                    .maxTokens(7)
                    .temperature(0.5)
                    .build());
        }

        ReceivedRequest request = first.awaitRequest();
        assertThat(request.method()).isEqualTo("POST");
        assertThat(request.path()).isEqualTo("/v1/chat/completions");
        assertThat(request.headers()).containsEntry("authorization", "Bearer " + KEY);
        assertThat(request.body())
                .isEqualTo("{\"model\":\"m-1\",\"messages\":[{\"role\":\"system\",\"content\":\"Be \\\"brief\\\".\"},"
                        + "{\"role\":\"user\",\"content\":\"Größe?\"}],\"max_tokens\":7,\"temperature\":0.5,"
                        + "\"stream\":false}");
        assertThat(request.toString()).doesNotContain(KEY);
    }

    @ParameterizedTest
    @CsvSource({
        "500, server_error, SERVER, true, 2",
        "503, server_is_overloaded, OVERLOADED, true, 1",
        "529, overloaded_error, OVERLOADED, true, 1",
        "504, timeout, TIMEOUT, true, 1",
        "429, rate_limit_exceeded, RATE_LIMITED, false, 1",
        "429, insufficient_quota, QUOTA_EXHAUSTED, false, 1",
        "401, invalid_api_key, CREDENTIAL, false, 1",
        "403, country_not_supported, PERMISSION, false, 1",
        "404, model_not_found, MODEL_NOT_FOUND, false, 1",
        "400, tool_use_failed, TOOL_GENERATION, false, 2",
        "409, conflict, CONFLICT, false, 2",
        "400, model_decommissioned, MODEL_NOT_FOUND, false, 1",
        "410, gone, MODEL_NOT_FOUND, false, 1",
        "307, moved, MODEL_NOT_FOUND, false, 1",
    })
    void a_failed_provider_is_left_for_the_next(
            int status, String code, FailureKind kind, boolean counts, int attempts) {
        first.otherwise(Reply.error(status, code, "on purpose, for " + KEY));
        second.reply(Reply.answer("from the second"));
        try (Orchestrator orchestrator = both(Retries.AT_ONCE).build()) {
            ChatResponse answer = orchestrator.chat("hello");

            assertThat(answer.provider()).isEqualTo("second");
            assertThat(answer.trail().attempts()).isEqualTo(attempts + 1);
            assertThat(answer.trail().steps().subList(0, attempts))
                    .allSatisfy(step -> assertThat(step).isInstanceOfSatisfying(Trail.Failed.class, failed -> {
                        assertThat(failed.provider()).isEqualTo("first");
                        assertThat(failed.kind()).isEqualTo(kind);
                        assertThat(failed.status()).hasValue(status);
                        assertThat(failed.reason()).contains(code, "on purpose").doesNotContain(KEY);
                    }));
            assertThat(orchestrator.circuitBreaker("first").status().failureCount())
                    .isEqualTo(counts ? attempts : 0);
            assertThat(first.requestCount()).isEqualTo(attempts);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "400, invalid_value, BAD_REQUEST",
        "400, context_length_exceeded, CONTEXT_TOO_LONG",
        "400, content_policy_violation, CONTENT_FILTERED",
        "422, unprocessable, BAD_REQUEST",
    })
    void a_request_that_is_refused_for_itself_is_not_sent_to_another(int status, String code, FailureKind kind) {
        first.reply(Reply.error(status, code, "the request is at fault"));
        try (Orchestrator orchestrator = both().build()) {
            assertThatThrownBy(() -> orchestrator.chat("hello"))
                    .isInstanceOfSatisfying(RequestRejectedException.class, e -> {
                        assertThat(e.kind()).isEqualTo(kind);
                        assertThat(e.trail().attempts()).isOne();
                    })
                    .hasMessageContaining("first rejected the request")
                    .hasMessageContaining("the request is at fault");

            assertThat(second.requestCount()).isZero();
            assertThat(orchestrator.circuitBreaker("first").status().failureCount())
                    .isZero();
        }
    }

    @Test
    void a_reset_before_the_headers_fails_over() {
        first.reply(Reply.reset());
        second.reply(Reply.answer("from the second"));
        assertFailsOver(FailureKind.NETWORK);
    }

    @Test
    void an_answer_that_is_cut_off_fails_over() {
        first.reply(Reply.closeAfter(30));
        second.reply(Reply.answer("from the second"));
        assertFailsOver(FailureKind.NETWORK);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"choices\":[{\"mess|MALFORMED",
                "''|MALFORMED",
                "not json|MALFORMED",
                "null|MALFORMED",
                "[]|MALFORMED",
                "{}|MALFORMED",
                "{\"choices\":[]}|MALFORMED",
                "{\"choices\":[{\"message\":{\"content\":null},\"finish_reason\":\"stop\"}]}|MALFORMED",
                "{\"choices\":[{\"message\":{\"content\":\"half\"}}]}|MALFORMED",
                "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]} <html>|MALFORMED",
                "{\"error\":{\"message\":\"busy\",\"code\":\"server_is_overloaded\"}}|OVERLOADED",
                "{\"error\":{\"message\":\"upstream\",\"code\":503}}|OVERLOADED",
                "{\"error\":\"something broke\"}|SERVER",
                "{\"error\":{\"message\":\"slow down\",\"http_status_code\":429}}|RATE_LIMITED",
            })
    void a_success_that_is_none_fails_over(String body, FailureKind kind) {
        first.reply(Reply.json(body));
        second.reply(Reply.answer("from the second"));
        assertFailsOver(kind);
    }

    private void assertFailsOver(FailureKind kind) {
        try (Orchestrator orchestrator = both().build()) {
            ChatResponse answer = orchestrator.chat("hello");

            assertThat(answer.text()).isEqualTo("from the second");
            assertThat(answer.trail().steps().get(0))
                    .isInstanceOfSatisfying(
                            Trail.Failed.class,
                            failed -> assertThat(failed.kind()).isEqualTo(kind));
        }
    }

    @Test
    void a_slow_answer_is_given_up_at_the_total_limit_and_its_connection_closed() throws Exception {
        first.reply(Reply.hang());
        second.reply(Reply.answer("from the second"));
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider(
                        "first",
                        p -> p.type("openai")
                                .baseUrl(first.baseUrl())
                                .priority(1)
                                .totalTimeout(Duration.ofSeconds(8)))
                .provider("second", p -> p.type("openai").baseUrl(second.baseUrl()))
                .build()) {
            CompletableFuture<ChatResponse> answer = CompletableFuture.supplyAsync(() -> orchestrator.chat("hello"));
            ReceivedRequest request = first.awaitRequest();

            time.advance(Duration.ofSeconds(8).minusNanos(1));
            assertThat(answer).isNotDone();
            time.advance(Duration.ofNanos(1));

            assertThat(answer.get(10, TimeUnit.SECONDS).trail().steps().get(0))
                    .isInstanceOfSatisfying(Trail.Failed.class, failed -> {
                        assertThat(failed.kind()).isEqualTo(FailureKind.TIMEOUT);
                        assertThat(failed.took()).isEqualTo(Duration.ofSeconds(8));
                        assertThat(failed.reason()).isEqualTo("no complete answer within 8 s");
                    });
            first.awaitClientClosed(request);
            assertThat(time.pendingTimers()).isZero();
        }
    }

    @Test
    void a_body_that_never_comes_is_given_up_at_the_deadline() {
        first.reply(Reply.hangAfterHeaders());
        try (Orchestrator orchestrator = both().deadline(Duration.ofSeconds(3)).build()) {
            CompletableFuture<ChatResponse> answer = CompletableFuture.supplyAsync(() -> orchestrator.chat("hello"));
            ReceivedRequest request = first.awaitRequest();

            time.advance(Duration.ofSeconds(3));

            assertThat(answer)
                    .failsWithin(Duration.ofSeconds(10))
                    .withThrowableThat()
                    .havingCause()
                    .isInstanceOfSatisfying(DeadlineExceededException.class, e -> {
                        assertThat(e.deadline()).isEqualTo(Duration.ofSeconds(3));
                        assertThat(e.trail().attempts()).isOne();
                    });
            first.awaitClientClosed(request);
            assertThat(second.requestCount()).isZero();
        }
    }

    @Test
    void a_calls_own_deadline_wins_over_the_configured_one() {
        first.reply(Reply.hang());
        try (Orchestrator orchestrator = both().build()) {
            CompletableFuture<ChatResponse> answer = CompletableFuture.supplyAsync(() -> orchestrator.chat(
                    ChatRequest.of("hello"), CallOptions.defaults().withDeadline(Duration.ofMillis(40))));
            first.awaitRequest();

            time.advance(Duration.ofMillis(40));

            assertThat(answer)
                    .failsWithin(Duration.ofSeconds(10))
                    .withThrowableThat()
                    .withMessageContaining("deadline of 40 ms");
        }
    }

    @Test
    void cancelling_closes_the_connection_and_gives_the_permit_back() {
        first.reply(Reply.hang());
        try (Orchestrator orchestrator = both().build()) {
            Cancellation cancellation = new Cancellation();
            CompletableFuture<ChatResponse> answer = CompletableFuture.supplyAsync(() -> orchestrator.chat(
                    ChatRequest.of("hello"), CallOptions.defaults().withCancellation(cancellation)));
            ReceivedRequest request = first.awaitRequest();

            cancellation.cancel();

            assertThat(answer)
                    .failsWithin(Duration.ofSeconds(10))
                    .withThrowableThat()
                    .havingCause()
                    .isInstanceOfSatisfying(
                            CallCancelledException.class,
                            e -> assertThat(e.reason()).isEqualTo(CallCancelledException.Reason.CANCELLED));
            first.awaitClientClosed(request);
            assertThat(second.requestCount()).isZero();
            assertThat(orchestrator.circuitBreaker("first").status().failureCount())
                    .isZero();
        }
    }

    @Test
    void a_call_that_is_cancelled_already_sends_nothing() {
        Cancellation cancellation = new Cancellation();
        cancellation.cancel();
        try (Orchestrator orchestrator = both().build()) {
            assertThatThrownBy(() -> orchestrator.chat(
                            ChatRequest.of("hello"), CallOptions.defaults().withCancellation(cancellation)))
                    .isInstanceOf(CallCancelledException.class);
        }
        assertThat(first.requestCount()).isZero();
    }

    @Test
    void an_interrupt_in_flight_closes_the_connection_and_keeps_the_flag() throws Exception {
        first.reply(Reply.hang());
        try (Orchestrator orchestrator = both().build()) {
            AtomicReference<Throwable> thrown = new AtomicReference<>();
            AtomicReference<Boolean> flag = new AtomicReference<>();
            Thread caller = new Thread(() -> {
                thrown.set(catchThrowableOfType(CallCancelledException.class, () -> orchestrator.chat("hello")));
                flag.set(Thread.currentThread().isInterrupted());
            });
            caller.start();
            ReceivedRequest request = first.awaitRequest();

            caller.interrupt();
            caller.join(10_000);

            assertThat(thrown.get())
                    .isInstanceOfSatisfying(
                            CallCancelledException.class,
                            e -> assertThat(e.reason()).isEqualTo(CallCancelledException.Reason.INTERRUPTED));
            assertThat(flag.get()).isTrue();
            first.awaitClientClosed(request);
            assertThat(second.requestCount()).isZero();
        }
    }

    @Test
    void closing_ends_the_calls_in_flight_and_refuses_new_ones() {
        first.reply(Reply.hang());
        Orchestrator orchestrator = both().drainTimeout(Duration.ZERO).build();
        CompletableFuture<ChatResponse> answer = CompletableFuture.supplyAsync(() -> orchestrator.chat("hello"));
        ReceivedRequest request = first.awaitRequest();

        orchestrator.close();
        orchestrator.close();

        assertThat(answer)
                .failsWithin(Duration.ofSeconds(10))
                .withThrowableThat()
                .withMessageContaining("closed");
        first.awaitClientClosed(request);
        assertThatThrownBy(() -> orchestrator.chat("hello"))
                .isInstanceOfSatisfying(
                        CallCancelledException.class,
                        e -> assertThat(e.reason()).isEqualTo(CallCancelledException.Reason.CLOSED));
    }

    @Test
    void when_all_are_down_one_error_lists_each_ones_reason() {
        first.reply(Reply.error(503, "server_is_overloaded", "too busy"));
        second.reply(Reply.error(401, "invalid_api_key", "who are you"));
        try (Orchestrator orchestrator = both().build()) {
            assertThatThrownBy(() -> orchestrator.chat("hello"))
                    .isInstanceOfSatisfying(
                            AllProvidersFailedException.class,
                            e -> assertThat(e.trail().attempts()).isEqualTo(2))
                    .hasMessageContaining("first failed")
                    .hasMessageContaining("OVERLOADED: 503 server_is_overloaded: too busy")
                    .hasMessageContaining("second failed")
                    .hasMessageContaining("CREDENTIAL: 401 invalid_api_key: who are you")
                    .hasMessageNotContaining(KEY);
        }
    }

    @Test
    void nobody_listening_is_a_network_failure() {
        second.reply(Reply.answer("from the second"));
        String nobody = first.baseUrl();
        first.close();
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider("first", p -> p.type("openai").baseUrl(nobody).priority(1))
                .provider("second", p -> p.type("openai").baseUrl(second.baseUrl()))
                .build()) {
            assertThat(orchestrator.chat("hello").trail().steps().get(0))
                    .isInstanceOfSatisfying(
                            Trail.Failed.class, f -> assertThat(f.kind()).isEqualTo(FailureKind.NETWORK));
        }
    }

    @Test
    void R21_an_open_breaker_is_skipped_without_an_attempt_and_tried_again_later() {
        first.otherwise(Reply.error(503, "server_is_overloaded", "down"));
        second.otherwise(Reply.answer("from the second"));
        SimpleMeterRegistry meters = new SimpleMeterRegistry();
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .meterRegistry(meters)
                .provider(
                        "first",
                        p -> p.type("openai")
                                .baseUrl(first.baseUrl())
                                .priority(1)
                                .circuitBreaker(CircuitBreakerSettings.builder()
                                        .failureThreshold(2)
                                        .timeoutDuration(Duration.ofSeconds(30))
                                        .build()))
                .provider("second", p -> p.type("openai").baseUrl(second.baseUrl()))
                .build()) {
            orchestrator.chat("hello");
            orchestrator.chat("hello");
            assertThat(orchestrator.circuitBreaker("first").state()).isEqualTo(CircuitState.OPEN);
            assertThat(orchestrator.circuitBreaker("first"))
                    .hasToString("CircuitBreaker(name='first', state=open, failures=2/2)");

            time.advance(Duration.ofSeconds(10));
            assertThat(orchestrator.chat("hello").trail().steps().get(0))
                    .isEqualTo(new Trail.Skipped("first", "circuit breaker open", Optional.of(Duration.ofSeconds(20))));
            assertThat(first.requestCount()).isEqualTo(2);

            first.otherwise(Reply.answer("well again"));
            time.advance(Duration.ofSeconds(21));
            assertThat(orchestrator.chat("hello").text()).isEqualTo("well again");
            assertThat(orchestrator.circuitBreaker("first").state()).isEqualTo(CircuitState.CLOSED);

            assertThat(meters.find("resilience4j.circuitbreaker.state")
                            .tag("name", "first")
                            .gauges())
                    .isNotEmpty();
        }
        assertThat(meters.getMeters()).isEmpty();
    }

    @Test
    void R24_when_every_breaker_is_open_the_error_says_when_to_try_again() {
        first.otherwise(Reply.error(503, "server_is_overloaded", "down"));
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider(
                        "first",
                        p -> p.type("openai")
                                .baseUrl(first.baseUrl())
                                .retry(Retries.NONE)
                                .circuitBreaker(CircuitBreakerSettings.builder()
                                        .failureThreshold(1)
                                        .timeoutDuration(Duration.ofSeconds(30))
                                        .build()))
                .build()) {
            assertThatThrownBy(() -> orchestrator.chat("hello")).isInstanceOf(AllProvidersFailedException.class);
            time.advance(Duration.ofSeconds(27));

            assertThatThrownBy(() -> orchestrator.chat("hello"))
                    .isInstanceOfSatisfying(AllProvidersFailedException.class, e -> {
                        assertThat(e.earliestRetry()).hasValue(Duration.ofSeconds(3));
                        assertThat(e.trail().attempts()).isZero();
                    })
                    .hasMessageContaining("next try in 3 s");
            assertThat(first.requestCount()).isOne();
        }
    }

    @Test
    void a_disabled_provider_is_never_asked() {
        second.reply(Reply.answer("from the second"));
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider(
                        "first",
                        p -> p.type("openai")
                                .baseUrl(first.baseUrl())
                                .priority(1)
                                .enabled(false))
                .provider("second", p -> p.type("openai").baseUrl(second.baseUrl()))
                .build()) {
            assertThat(orchestrator.chat("hello").provider()).isEqualTo("second");
        }
        assertThat(first.requestCount()).isZero();
    }

    @Test
    void calls_from_many_threads_are_not_throttled_per_host() throws Exception {
        int calls = 20;
        CompletableFuture<Void> gate = new CompletableFuture<>();
        first.otherwise(Reply.answer("ok").after(gate));
        try (Orchestrator orchestrator = both().build()) {
            CompletableFuture<?>[] answers = new CompletableFuture<?>[calls];
            for (int i = 0; i < calls; i++) {
                CompletableFuture<String> answer = new CompletableFuture<>();
                answers[i] = answer;
                new Thread(() -> answer.complete(orchestrator.chat("hello").text())).start();
            }
            for (int i = 0; i < calls; i++) {
                first.awaitRequest();
            }
            gate.complete(null);
            CompletableFuture.allOf(answers).get(20, TimeUnit.SECONDS);
        }
    }
}
