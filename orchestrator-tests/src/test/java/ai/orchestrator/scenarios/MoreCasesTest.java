package ai.orchestrator.scenarios;

import static ai.orchestrator.scenarios.Vendor.DOWN;
import static ai.orchestrator.scenarios.Vendor.WELL;
import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.CredentialsRejectedException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.StreamFailedException;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.breaker.ProviderCircuitBreaker;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.quota.QuotaSettings;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.Retries;
import ai.orchestrator.testkit.ScriptedServer.ReceivedRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Part G: more cases. */
final class MoreCasesTest extends Catalogue {

    // ---- G1

    private Orchestrator twoKeys(Way way) {
        return open(builder()
                .provider("key-1", at(primary, way, 1).andThen(p -> p.apiKey("dead-1")))
                .provider("key-2", at(primary, way, 2).andThen(p -> p.apiKey("good-2"))));
    }

    @ParameterizedTest
    @EnumSource
    void G1_a_dead_key_leaves_the_call_to_the_next_key_at_once(Way way) {
        primary.otherwise((request, vendor) -> {
            String authorization = request.headers().get("authorization");
            return authorization != null && authorization.endsWith("good-2")
                    ? WELL.reply(request, vendor)
                    : Reply.error(401, "invalid_api_key", "who are you");
        });
        Orchestrator orchestrator = twoKeys(way);
        Outcome outcome = ask(way, orchestrator);
        assertThat(outcome.failure()).isEmpty();
        assertThat(outcome.text()).isEqualTo(Vendor.ANSWER);
        assertFirstFailure(outcome, FailureKind.CREDENTIAL);
        assertThat(time.waits()).isEmpty();
        assertThat(primary.asked()).hasSize(2);

        // A dead key is not tried with each call.
        assertThat(ask(way, orchestrator).failure()).isEmpty();
        assertThat(primary.asked()).hasSize(3);
    }

    @ParameterizedTest
    @EnumSource
    void G1_when_every_key_is_dead_the_error_is_about_credentials(Way way) {
        primary.otherwise(Vendor.always(Reply.error(401, "invalid_api_key", "who are you")));
        Orchestrator orchestrator = twoKeys(way);
        for (int i = 0; i < 2; i++) {
            assertThat(assertFailed(ask(way, orchestrator), CredentialsRejectedException.class))
                    .hasMessageContaining("key-1")
                    .hasMessageContaining("key-2");
        }
        assertThat(primary.asked()).hasSize(2);
        assertThat(time.waits()).isEmpty();
    }

    // ---- G2

    private enum Misleading {
        OPENAI(
                Dialect.OPENAI,
                429,
                "{\"error\":{\"message\":\"You exceeded your current quota, please check your plan\",\"type\":"
                        + "\"insufficient_quota\",\"param\":null,\"code\":\"insufficient_quota\"}}",
                FailureKind.QUOTA_EXHAUSTED),
        GEMINI(
                Dialect.GEMINI,
                400,
                "{\"error\":{\"code\":400,\"message\":\"API key not valid. Please pass a valid API key.\",\"status\":"
                        + "\"INVALID_ARGUMENT\",\"details\":[{\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\","
                        + "\"reason\":\"API_KEY_INVALID\",\"domain\":\"googleapis.com\"}]}}",
                FailureKind.CREDENTIAL),
        ANTHROPIC(
                Dialect.ANTHROPIC,
                529,
                "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"},"
                        + "\"request_id\":\"req_scripted\"}",
                FailureKind.OVERLOADED);

        private final Dialect dialect;
        private final int status;
        private final String body;
        private final FailureKind kind;

        Misleading(Dialect dialect, int status, String body, FailureKind kind) {
            this.dialect = dialect;
            this.status = status;
            this.body = body;
            this.kind = kind;
        }
    }

    private static Stream<Arguments> waysAndMisleading() {
        return Stream.of(Way.values())
                .flatMap(way -> Stream.of(Misleading.values()).map(answer -> Arguments.of(way, answer)));
    }

    @ParameterizedTest
    @MethodSource("waysAndMisleading")
    void G2_a_misleading_status_is_taken_for_what_the_provider_means(Way way, Misleading answer) {
        primary.speaks(answer.dialect).otherwise(Vendor.always(Reply.status(answer.status, answer.body)));
        Orchestrator orchestrator = open(way);
        Outcome outcome = ask(way, orchestrator);
        assertAnswered(outcome, fallback);
        assertFirstFailure(outcome, answer.kind);
        boolean blamed = answer.kind == FailureKind.OVERLOADED;
        assertThat(orchestrator.circuitBreaker(primary.name()).status().failureCount())
                .isEqualTo(blamed ? 1 : 0);

        // Neither money nor a key comes back with the next call.
        time.advance(Duration.ofMinutes(10).minus(NANO));
        assertAnswered(ask(way, orchestrator), fallback);
        assertThat(primary.asked()).hasSize(blamed ? 2 : 1);
        time.advance(NANO);
        assertAnswered(ask(way, orchestrator), fallback);
        assertThat(primary.asked()).hasSize(blamed ? 3 : 2);
    }

    // ---- G3

    private static final String OVERLOADED =
            "{\"error\":{\"message\":\"busy\",\"type\":\"server_error\",\"code\":\"server_is_overloaded\"}}";

    private static final String LIMITED =
            "{\"error\":{\"message\":\"slow down\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}";

    @ParameterizedTest
    @EnumSource
    void G3_an_error_inside_a_200_before_any_token_is_the_kind_that_it_names(Way way) {
        Orchestrator orchestrator = open(way);
        for (String error : new String[] {OVERLOADED, LIMITED}) {
            primary.next((request, vendor) -> Vendor.isStreamed(request)
                    ? Reply.stream(vendor.tokens(0).send("data: " + error + "\n\n"))
                    : Reply.json(error));
            Outcome outcome = ask(way, orchestrator);
            assertAnswered(outcome, fallback);
            assertFirstFailure(outcome, error.equals(OVERLOADED) ? FailureKind.OVERLOADED : FailureKind.RATE_LIMITED);
        }
        assertThat(orchestrator.circuitBreaker(primary.name()).status().failureCount())
                .isOne();
        assertThat(primary.asked()).hasSize(2);
        assertThat(time.waits()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"SYNC", "ASYNC"})
    void G3_an_error_after_some_tokens_is_the_contracts_affair_and_costs_nobody_else(Way way) {
        // Usage before the error, so that it could be added to that of the answer.
        String usage = "data: {\"id\":\"x\",\"model\":\"primary-model-1\",\"choices\":[],"
                + "\"usage\":{\"prompt_tokens\":900,\"completion_tokens\":90}}\n\n";
        primary.otherwise(
                (request, vendor) -> Reply.stream(vendor.tokens(20).send(usage).send("data: " + OVERLOADED + "\n\n")));
        Outcome outcome = ask(way);
        if (way.failsOnceShown()) {
            StreamFailedException failure = assertFailed(outcome, StreamFailedException.class);
            assertThat(failure.kind()).isEqualTo(FailureKind.OVERLOADED);
            assertThat(failure.partialText()).isEqualTo(Vendor.firstWords(20));
            assertThat(fallback.asked()).isEmpty();
        } else {
            assertAnswered(outcome, fallback);
        }
        assertThat(primary.asked()).hasSize(1);
    }

    // ---- G4

    private static final int QUOTA = 10;
    private static final int CALLS = 50;

    private static void quotaOfTen(ProviderSettings.Builder provider) {
        provider.retry(Retries.NONE)
                .quota(QuotaSettings.builder().requestsPerMinute(QUOTA).build());
    }

    private long reserved(Orchestrator orchestrator) {
        return orchestrator.status().providers().get(0).quotas().get(0).used();
    }

    private List<RunningCall> startAtOnce(Way way, Orchestrator orchestrator, int count) throws Exception {
        CountDownLatch all = new CountDownLatch(count);
        List<Future<RunningCall>> started = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            started.add(threads.submit(() -> {
                all.countDown();
                all.await();
                return start(way, orchestrator);
            }));
        }
        List<RunningCall> calls = new ArrayList<>();
        for (Future<RunningCall> call : started) {
            calls.add(call.get());
        }
        return calls;
    }

    private void assertRefused(Outcome outcome) {
        assertThat(assertFailed(outcome, AllProvidersFailedException.class))
                .hasMessageContaining("quota used up: 10 requests per minute")
                .hasMessageContaining("try again in 60 s");
    }

    @ParameterizedTest
    @EnumSource
    void G4_of_fifty_calls_at_once_exactly_ten_are_let_in_and_the_others_fail_fast(Way way) throws Exception {
        CompletableFuture<Void> gate = new CompletableFuture<>();
        primary.otherwise((request, vendor) -> WELL.reply(request, vendor).after(gate));
        Orchestrator orchestrator =
                open(builder().provider(primary.name(), at(primary, way, 1).andThen(MoreCasesTest::quotaOfTen)));

        List<RunningCall> calls = startAtOnce(way, orchestrator, CALLS);
        // None of those that were let in has ended when the others have.
        while (calls.stream().filter(RunningCall::isDone).count() < CALLS - QUOTA) {
            Thread.onSpinWait();
        }
        calls.stream().filter(RunningCall::isDone).map(RunningCall::outcome).forEach(this::assertRefused);
        assertThat(reserved(orchestrator)).isEqualTo(QUOTA);
        gate.complete(null);
        assertThat(calls)
                .extracting(call -> call.outcome().failure().isEmpty())
                .filteredOn(answered -> answered)
                .hasSize(QUOTA);
        assertThat(primary.asked()).hasSize(QUOTA);

        time.advance(seconds(60));
        assertAnswered(ask(way, orchestrator), primary);
    }

    @ParameterizedTest
    @EnumSource
    void G4_of_fifty_calls_at_once_ten_are_served_and_the_others_by_the_fallback(Way way) throws Exception {
        Orchestrator orchestrator = open(both(way, MoreCasesTest::quotaOfTen));
        for (RunningCall call : startAtOnce(way, orchestrator, CALLS)) {
            Outcome outcome = call.outcome();
            assertAnswered(outcome, outcome.model().equals(primary.model()) ? primary : fallback);
        }
        // From the ninth on, while they are under way, the primary is asked after the fallback.
        assertThat(primary.asked()).hasSizeBetween(QUOTA - 1, QUOTA);
        assertThat(fallback.asked()).hasSize(CALLS - primary.asked().size());
        assertThat(reserved(orchestrator)).isEqualTo(primary.asked().size());
    }

    @ParameterizedTest
    @EnumSource
    void G4_a_cancelled_and_a_failed_call_give_their_shares_back(Way way) throws Exception {
        CompletableFuture<Void> failing = new CompletableFuture<>();
        CompletableFuture<Void> gate = new CompletableFuture<>();
        primary.next((request, vendor) -> DOWN.reply(request, vendor).after(failing), Vendor.SILENT)
                .otherwise((request, vendor) -> WELL.reply(request, vendor).after(gate));
        Orchestrator orchestrator =
                open(builder().provider(primary.name(), at(primary, way, 1).andThen(MoreCasesTest::quotaOfTen)));
        RunningCall fails = start(way, orchestrator);
        primary.server().awaitRequest();
        RunningCall cancelled = start(way, orchestrator);
        primary.server().awaitRequest();
        List<RunningCall> calls = new ArrayList<>(startAtOnce(way, orchestrator, QUOTA - 2));
        while (reserved(orchestrator) < QUOTA) {
            Thread.onSpinWait();
        }
        assertRefused(ask(way, orchestrator));

        failing.complete(null);
        assertFailed(fails.outcome(), OrchestratorException.class);
        cancelled.abandon();
        assertThat(cancelled.outcome().failure()).isPresent();
        while (reserved(orchestrator) > QUOTA - 2) {
            Thread.onSpinWait();
        }
        List<RunningCall> more = startAtOnce(way, orchestrator, CALLS);
        while (more.stream().filter(RunningCall::isDone).count() < CALLS - 2) {
            Thread.onSpinWait();
        }
        gate.complete(null);
        calls.addAll(more);
        assertThat(calls)
                .extracting(call -> call.outcome().failure().isEmpty())
                .filteredOn(answered -> answered)
                .hasSize(QUOTA);
        assertThat(primary.asked()).hasSize(QUOTA + 2);
    }

    // ---- G5

    @ParameterizedTest
    @EnumSource
    void G5_when_everybody_is_out_the_error_comes_at_once_and_says_when_the_first_is_back(Way way) {
        Orchestrator orchestrator = open(both(
                way,
                p -> p.retry(RetrySettings.builder().maxAttempts(1).build()),
                p -> p.circuitBreaker(CircuitBreakerSettings.builder()
                        .failureThreshold(1)
                        .timeoutDuration(seconds(10))
                        .build())));
        primary.next(Vendor.limitedFor("retry-after", "4"));
        fallback.next(DOWN);
        assertFailed(ask(way, orchestrator), AllProvidersFailedException.class);
        time.advance(seconds(1));

        AllProvidersFailedException failure = assertFailed(ask(way, orchestrator), AllProvidersFailedException.class);
        assertThat(failure.earliestRetry()).hasValue(seconds(3));
        assertThat(failure).hasMessageContaining("try again in 3 s");
        assertThat(failure.trail().elapsed()).isZero();
        assertThat(failure.trail().steps())
                .extracting(step -> ((Trail.Skipped) step).retryIn().orElseThrow())
                .containsExactly(seconds(3), seconds(9));
        assertThat(primary.asked()).hasSize(1);
        assertThat(fallback.asked()).hasSize(1);

        // And it is true.
        time.advance(seconds(3));
        assertAnswered(ask(way, orchestrator), primary);
        assertThat(time.waits()).isEmpty();
    }

    // ---- G7

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"SYNC", "ASYNC"})
    void G7_a_stream_left_at_any_of_64_points_frees_its_connection_and_is_settled_once(Way way) {
        Orchestrator orchestrator = open(way);
        ProviderCircuitBreaker breaker = orchestrator.circuitBreaker(primary.name());
        for (int point = 0; point < 64; point++) {
            // Up to the whole answer, and its end but for the end marker and the usage.
            int tokens = Math.min(point, Vendor.WORDS);
            primary.next((request, vendor) -> Reply.stream(vendor.tokens(tokens).thenSilence()));
            RunningCall call = start(way, orchestrator);
            ReceivedRequest request = primary.server().awaitRequest();
            observed.awaitPieces(primary, tokens);
            call.abandon();
            primary.server().awaitClientClosed(request);
            assertThat(call.outcome().failure()).isPresent();
        }
        while (breaker.counters().released() < 64 || time.pendingTimers() > 0) {
            Thread.onSpinWait();
        }
        assertThat(breaker.counters().released()).isEqualTo(64);
        assertThat(breaker.status().failureCount()).isZero();
        assertThat(primary.server().openConnections()).isZero();
        assertThat(primary.asked()).hasSize(64);
        assertThat(fallback.asked()).isEmpty();
        assertAnswered(ask(way, orchestrator), primary);
    }

    // ---- G8

    private static final int CALLERS = 100;

    private Orchestrator cached(Way way) {
        return open(both(way, p -> {}).cacheEnabled(true));
    }

    /** Begins so many identical calls, of which the first has reached the provider, and returns when all have begun. */
    private List<RunningCall> identical(Way way, Orchestrator orchestrator, int callers) {
        List<RunningCall> calls = new ArrayList<>();
        for (int i = 0; i < callers; i++) {
            calls.add(start(way, orchestrator));
        }
        // Each has a deadline, and the attempt its limits.
        time.awaitTimers(callers + 1);
        return calls;
    }

    private CompletableFuture<Void> gated() {
        CompletableFuture<Void> gate = new CompletableFuture<>();
        primary.next((request, vendor) -> WELL.reply(request, vendor).after(gate));
        return gate;
    }

    @ParameterizedTest
    @EnumSource
    void G8_a_hundred_identical_calls_at_once_are_one_upstream_and_have_a_hundred_answers(Way way) {
        CompletableFuture<Void> gate = gated();
        List<RunningCall> calls = identical(way, cached(way), CALLERS);
        gate.complete(null);
        for (RunningCall call : calls) {
            assertAnswered(call.outcome(), primary);
        }
        assertThat(primary.asked()).hasSize(1);
        assertThat(fallback.asked()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void G8_the_first_callers_cancel_leaves_the_same_upstream_call_to_the_rest(Way way) {
        CompletableFuture<Void> gate = gated();
        Orchestrator orchestrator = cached(way);
        RunningCall first = start(way, orchestrator);
        primary.server().awaitRequest();
        List<RunningCall> rest = identical(way, orchestrator, 9);
        first.abandon();
        assertThat(first.outcome().failure()).isPresent();
        gate.complete(null);
        for (RunningCall call : rest) {
            assertAnswered(call.outcome(), primary);
        }
        assertThat(primary.asked()).hasSize(1);
    }

    @ParameterizedTest
    @EnumSource
    void G8_when_all_cancel_the_upstream_call_is_cancelled(Way way) {
        CompletableFuture<Void> gate = gated();
        Orchestrator orchestrator = cached(way);
        List<RunningCall> calls = identical(way, orchestrator, 10);
        ReceivedRequest request = primary.server().awaitRequest();
        calls.forEach(RunningCall::abandon);
        primary.server().awaitClientClosed(request);
        for (RunningCall call : calls) {
            assertThat(call.outcome().failure()).isPresent();
        }
        gate.complete(null);
        assertThat(orchestrator.circuitBreaker(primary.name()).status().failureCount())
                .isZero();

        // Nothing of it is kept.
        assertAnswered(ask(way, orchestrator), primary);
        assertThat(primary.asked()).hasSize(2);
    }
}
