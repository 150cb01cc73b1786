package ai.orchestrator.scenarios;

import static ai.orchestrator.scenarios.Vendor.BROKEN;
import static ai.orchestrator.scenarios.Vendor.DOWN;
import static ai.orchestrator.scenarios.Vendor.LIMITED;
import static ai.orchestrator.scenarios.Vendor.SILENT;
import static ai.orchestrator.scenarios.Vendor.WELL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.CallCancelledException;
import ai.orchestrator.DeadlineExceededException;
import ai.orchestrator.Explanation;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.RequestRejectedException;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.StreamFailedException;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.breaker.CircuitBreakerStatus;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.breaker.ProviderCircuitBreaker;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.scenarios.Vendor.Behaviour;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer.ReceivedRequest;
import ai.orchestrator.testkit.StreamScript;
import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.LoggerFactory;

/** Part R: breaker, retry and failover, as far as they can be seen over HTTP. */
final class RetryAndFailoverTest extends Catalogue {

    private static final Duration BREAKER_WAIT = Duration.ofSeconds(30);

    private static Consumer<ProviderSettings.Builder> opensAfter(int failures) {
        return p -> p.circuitBreaker(CircuitBreakerSettings.builder()
                .failureThreshold(failures)
                .timeoutDuration(BREAKER_WAIT)
                .build());
    }

    private static Consumer<ProviderSettings.Builder> retries(Duration backoff) {
        return p -> p.retry(
                RetrySettings.builder().backoff(backoff).maxBackoff(backoff).build());
    }

    // ---- R8

    @ParameterizedTest
    @EnumSource
    void R8_a_trial_answered_429_moves_no_breaker_and_parks_for_the_hint(Way way) {
        Orchestrator orchestrator = open(both(way, opensAfter(1)));
        ProviderCircuitBreaker breaker = orchestrator.circuitBreaker(primary.name());
        primary.next(DOWN, Vendor.limitedFor("retry-after", "5"));
        assertAnswered(ask(way, orchestrator), fallback);
        assertThat(breaker.state()).isEqualTo(CircuitState.OPEN);
        time.advance(BREAKER_WAIT);
        assertAnswered(ask(way, orchestrator), fallback);
        assertThat(breaker.state()).isEqualTo(CircuitState.HALF_OPEN);
        assertThat(breaker.canRequest()).isTrue();

        time.advance(seconds(5).minus(NANO));
        assertAnswered(ask(way, orchestrator), fallback);
        assertThat(primary.asked()).hasSize(2);
        time.advance(NANO);
        assertAnswered(ask(way, orchestrator), primary);
        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
    }

    @ParameterizedTest
    @EnumSource
    void R8_trials_answered_429_without_a_hint_park_for_a_second_doubled_up_to_thirty(Way way) {
        Orchestrator orchestrator = open(both(way, opensAfter(1)));
        primary.next(DOWN).otherwise(LIMITED);
        assertAnswered(ask(way, orchestrator), fallback);
        time.advance(BREAKER_WAIT);
        int asked = 1;
        for (int park : new int[] {1, 2, 4, 8, 16, 30, 30}) {
            assertAnswered(ask(way, orchestrator), fallback);
            asked++;
            time.advance(seconds(park).minus(NANO));
            assertAnswered(ask(way, orchestrator), fallback);
            assertThat(primary.asked()).hasSize(asked);
            time.advance(NANO);
        }
        assertThat(orchestrator.circuitBreaker(primary.name()).state()).isEqualTo(CircuitState.HALF_OPEN);
        primary.otherwise(WELL);
        assertAnswered(ask(way, orchestrator), primary);

        // After a good answer it begins anew.
        primary.next(LIMITED);
        assertAnswered(ask(way, orchestrator), fallback);
        time.advance(seconds(1));
        assertAnswered(ask(way, orchestrator), primary);
    }

    @ParameterizedTest
    @EnumSource
    void R8_a_trial_answered_503_or_529_has_failed_and_parks_for_the_hint_too(Way way) {
        for (Reply overloaded : List.of(
                Reply.error(503, "server_is_overloaded", "down"), Reply.error(529, "overloaded_error", "busy"))) {
            Orchestrator orchestrator = open(both(way, opensAfter(1)));
            ProviderCircuitBreaker breaker = orchestrator.circuitBreaker(primary.name());
            primary.next(DOWN, Vendor.always(overloaded.withHeader("retry-after", "45")));
            int before = primary.asked().size();
            assertAnswered(ask(way, orchestrator), fallback);
            time.advance(BREAKER_WAIT);
            assertAnswered(ask(way, orchestrator), fallback);
            assertThat(breaker.state()).isEqualTo(CircuitState.OPEN);
            assertThat(breaker.status().timeUntilRetry()).hasValue(BREAKER_WAIT);

            time.advance(seconds(45).minus(NANO));
            assertAnswered(ask(way, orchestrator), fallback);
            assertThat(primary.asked()).hasSize(before + 2);
            time.advance(NANO);
            assertAnswered(ask(way, orchestrator), primary);
            assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
        }
    }

    // ---- R9

    private enum Hint {
        SECONDS("retry-after", "30", Duration.ofSeconds(30)),
        DATE("retry-after", httpDate(30), Duration.ofSeconds(30)),
        MILLISECONDS("retry-after-ms", "30000", Duration.ofSeconds(30)),
        // Nothing to go by: as without a hint.
        PAST_DATE("retry-after", httpDate(-60), Duration.ofSeconds(1)),
        NONSENSE("retry-after", "soon, promised", Duration.ofSeconds(1)),
        TEN_HOURS("retry-after", "36000", Duration.ofHours(1));

        private final String header;
        private final String value;
        private final Duration parked;

        Hint(String header, String value, Duration parked) {
            this.header = header;
            this.value = value;
            this.parked = parked;
        }

        private static String httpDate(int seconds) {
            return DateTimeFormatter.RFC_1123_DATE_TIME.format(
                    START.plusSeconds(seconds).atOffset(ZoneOffset.UTC));
        }
    }

    private static Stream<Arguments> waysAndHints() {
        return Stream.of(Way.values()).flatMap(way -> Stream.of(Hint.values()).map(hint -> Arguments.of(way, hint)));
    }

    @ParameterizedTest
    @MethodSource("waysAndHints")
    void R9_until_the_hint_is_over_others_serve_and_then_one_call_goes_first(Way way, Hint hint) {
        CompletableFuture<Void> gate = new CompletableFuture<>();
        primary.next(
                Vendor.limitedFor(hint.header, hint.value),
                (request, vendor) -> WELL.reply(request, vendor).after(gate));
        Orchestrator orchestrator = open(way);
        assertAnswered(ask(way, orchestrator), fallback);
        time.advance(hint.parked.minus(NANO));
        assertAnswered(ask(way, orchestrator), fallback);
        assertThat(primary.asked()).hasSize(1);

        time.advance(NANO);
        primary.server().awaitRequest();
        RunningCall first = start(way, orchestrator);
        primary.server().awaitRequest();
        assertAnswered(ask(way, orchestrator), fallback);
        assertThat(primary.asked()).containsExactly(Duration.ZERO, hint.parked);

        gate.complete(null);
        assertAnswered(first.outcome(), primary);
        assertAnswered(ask(way, orchestrator), primary);
        assertThat(time.waits()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void R9_a_call_with_nobody_left_to_ask_waits_for_its_own_hint(Way way) {
        primary.next(Vendor.limitedFor("retry-after", "30"));
        Orchestrator orchestrator = open(builder().provider(primary.name(), at(primary, way, 1)));
        assertAnswered(ask(way, orchestrator), primary);
        assertThat(primary.asked()).containsExactly(Duration.ZERO, seconds(30));
    }

    // ---- R12

    @ParameterizedTest
    @EnumSource
    void R12_the_callers_own_fault_moves_nothing_and_is_handed_back_unchanged(Way way) {
        Orchestrator orchestrator = open(both(way, opensAfter(1), opensAfter(1)));
        for (String code : List.of("invalid_value", "content_policy_violation")) {
            primary.otherwise(Vendor.always(Reply.error(400, code, "it is you")));
            for (int i = 0; i < 10; i++) {
                RequestRejectedException rejected =
                        assertFailed(ask(way, orchestrator), RequestRejectedException.class);
                assertThat(rejected.trail().attempts()).isOne();
                assertThat(rejected).cause().isInstanceOfSatisfying(ProviderException.class, e -> {
                    assertThat(e.status()).hasValue(400);
                    assertThat(e.code()).isEqualTo(code);
                    assertThat(e).hasMessageContaining("it is you");
                });
            }
        }
        assertThat(primary.asked()).hasSize(20);
        assertThat(fallback.asked()).isEmpty();
        assertThat(time.waits()).isEmpty();
        ProviderCircuitBreaker breaker = orchestrator.circuitBreaker(primary.name());
        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
        assertThat(breaker.status().failureCount()).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void R12_a_key_that_is_refused_is_not_retried_and_the_log_blames_the_configuration(Way way) {
        Logger logger = (Logger) LoggerFactory.getLogger(Orchestrator.class);
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        log.start();
        logger.addAppender(log);
        try {
            for (Reply refusal : List.of(
                    Reply.error(401, "invalid_api_key", "who are you"),
                    Reply.error(403, "country_not_supported", "not here"))) {
                int before = primary.asked().size();
                primary.next(Vendor.always(refusal));
                Orchestrator orchestrator = open(both(way, opensAfter(1)));
                assertAnswered(ask(way, orchestrator), fallback);
                assertAnswered(ask(way, orchestrator), fallback);
                assertThat(primary.asked()).hasSize(before + 1);
                assertThat(orchestrator.circuitBreaker(primary.name()).state()).isEqualTo(CircuitState.CLOSED);
            }
        } finally {
            logger.detachAppender(log);
        }
        assertThat(log.list)
                .filteredOn(event -> event.getLevel() == Level.ERROR)
                .extracting(ILoggingEvent::getFormattedMessage)
                .hasSize(2)
                .allSatisfy(line -> assertThat(line).contains("configuration of provider 'primary'"));
    }

    // ---- R19

    @ParameterizedTest
    @EnumSource
    void R19_retries_stay_within_their_budget_and_failovers_are_never_refused(Way way) {
        int calls = 120;
        Consumer<ProviderSettings.Builder> settings = opensAfter(1_000).andThen(retries(Duration.ZERO));
        Orchestrator orchestrator = open(both(way, settings, settings));
        primary.otherwise(BROKEN);
        fallback.otherwise(BROKEN);
        for (int i = 0; i < calls; i++) {
            assertFailed(ask(way, orchestrator), AllProvidersFailedException.class);
            time.advance(Duration.ofMillis(1));
        }
        assertThat(primary.asked()).hasSizeGreaterThanOrEqualTo(calls);
        assertThat(fallback.asked()).hasSizeGreaterThanOrEqualTo(calls);
        int retries = primary.asked().size() + fallback.asked().size() - 2 * calls;
        assertThat(retries).isBetween(1, calls / 5 + 10);

        // A healthy minute fills it up again.
        primary.otherwise(WELL);
        for (int i = 0; i < 60; i++) {
            time.advance(seconds(1));
            assertAnswered(ask(way, orchestrator), primary);
        }
        primary.next(BROKEN);
        assertAnswered(ask(way, orchestrator), primary);
    }

    @ParameterizedTest
    @EnumSource
    void R19_once_the_breakers_are_open_calls_cost_no_attempt(Way way) {
        Orchestrator orchestrator = open(both(
                way,
                opensAfter(5).andThen(retries(Duration.ZERO)),
                opensAfter(5).andThen(retries(Duration.ZERO))));
        primary.otherwise(DOWN);
        fallback.otherwise(DOWN);
        for (int i = 0; i < 5; i++) {
            assertFailed(ask(way, orchestrator), AllProvidersFailedException.class);
        }
        int asked = primary.asked().size() + fallback.asked().size();
        for (int i = 0; i < 50; i++) {
            AllProvidersFailedException failure =
                    assertFailed(ask(way, orchestrator), AllProvidersFailedException.class);
            assertThat(failure.trail().attempts()).isZero();
        }
        assertThat(primary.asked().size() + fallback.asked().size()).isEqualTo(asked);
    }

    // ---- R20

    @ParameterizedTest
    @EnumSource
    void R20_a_wait_beyond_the_deadline_is_not_begun(Way way) {
        Consumer<ProviderSettings.Builder> slow = retries(seconds(30));
        for (Behaviour fault : List.of(Vendor.limitedFor("retry-after", "30"), DOWN)) {
            int before = primary.asked().size();
            primary.next(fault);
            Orchestrator alone = open(builder()
                    .deadline(seconds(10))
                    .provider(primary.name(), at(primary, way, 1).andThen(slow)));
            assertFailed(ask(way, alone), AllProvidersFailedException.class);

            primary.next(fault);
            assertAnswered(ask(way, open(both(way, slow).deadline(seconds(10)))), fallback);
            assertThat(primary.asked()).hasSize(before + 2);
        }
        assertThat(time.now()).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void R20_an_attempt_has_what_is_left_of_the_deadline(Way way) {
        Consumer<ProviderSettings.Builder> limits =
                p -> p.totalTimeout(seconds(7)).firstTokenTimeout(seconds(7)).idleTimeout(seconds(7));
        primary.otherwise(SILENT);
        fallback.otherwise(SILENT);
        RunningCall call = start(way, open(both(way, limits, limits).deadline(seconds(10))));
        primary.server().awaitRequest();
        time.advance(seconds(7));
        ReceivedRequest second = fallback.server().awaitRequest();
        time.advance(seconds(3).minus(NANO));
        assertThat(call.isDone()).isFalse();
        time.advance(NANO);

        DeadlineExceededException failure = assertFailed(call.outcome(), DeadlineExceededException.class);
        assertThat(failure.deadline()).isEqualTo(seconds(10));
        assertThat(failure.trail().elapsed()).isEqualTo(seconds(10));
        assertThat(failure.trail().steps())
                .extracting(step -> ((Trail.Failed) step).took())
                .containsExactly(seconds(7), seconds(3));
        fallback.server().awaitClientClosed(second);
        assertThat(primary.asked()).hasSize(1);
        assertThat(fallback.asked()).hasSize(1);
    }

    // ---- R21

    @ParameterizedTest
    @EnumSource
    void R21_a_refusal_of_the_breaker_costs_no_attempt_no_wait_and_no_budget(Way way) {
        Orchestrator orchestrator = open(both(way, opensAfter(2), retries(Duration.ZERO)));
        primary.otherwise(BROKEN);
        // Both attempts of the one call count.
        assertAnswered(ask(way, orchestrator), fallback);
        assertThat(primary.asked()).hasSize(2);
        assertThat(orchestrator.circuitBreaker(primary.name()).state()).isEqualTo(CircuitState.OPEN);

        int waited = time.waits().size();
        for (int i = 0; i < 50; i++) {
            Outcome outcome = ask(way, orchestrator);
            assertAnswered(outcome, fallback);
            outcome.trail().ifPresent(trail -> {
                assertThat(trail.attempts()).isOne();
                assertThat(trail.steps().get(0)).isInstanceOf(Trail.Skipped.class);
            });
        }
        assertThat(primary.asked()).hasSize(2);
        // As much as was there: fifty failovers would have used up what fifty calls bring.
        fallback.next(BROKEN);
        assertAnswered(ask(way, orchestrator), fallback);
        assertThat(fallback.asked()).hasSize(53);
        assertThat(time.waits()).hasSize(waited);
    }

    // ---- R22

    @ParameterizedTest
    @EnumSource(names = {"SYNC", "COLLECTED"})
    void R22_an_interrupt_ends_the_wait_between_two_attempts(Way way) throws Exception {
        time.byHand();
        primary.otherwise(DOWN);
        Orchestrator orchestrator = open(builder().provider(primary.name(), at(primary, way, 1)));
        CompletableFuture<Throwable> thrown = new CompletableFuture<>();
        CompletableFuture<Boolean> flag = new CompletableFuture<>();
        Thread caller = new Thread(() -> {
            thrown.complete(catchThrowable(() -> orchestrator.chat(Way.QUESTION)));
            flag.complete(Thread.currentThread().isInterrupted());
        });
        caller.start();
        time.awaitTimers(1);
        awaitWait();
        caller.interrupt();
        caller.join();

        assertThat(thrown.join())
                .isInstanceOfSatisfying(
                        CallCancelledException.class,
                        e -> assertThat(e.reason()).isEqualTo(CallCancelledException.Reason.INTERRUPTED))
                .cause()
                .isInstanceOfSatisfying(
                        ProviderException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.OVERLOADED));
        assertThat(flag.join()).isTrue();
        assertNothingGoesOn();
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "SYNC")
    void R22_whoever_walks_away_ends_the_wait_between_two_attempts(Way way) {
        time.byHand();
        primary.otherwise(DOWN);
        RunningCall call = start(way, open(builder().provider(primary.name(), at(primary, way, 1))));
        awaitWait();
        call.abandon();
        assertThat(call.outcome().failure()).isPresent();
        assertNothingGoesOn();
    }

    private void awaitWait() {
        // A call that waits has no other timer than that of its wait: its attempt has ended, and the next has not
        // begun.
        primary.server().awaitRequest();
        while (time.waits().isEmpty()) {
            Thread.onSpinWait();
        }
        time.awaitTimers(1);
    }

    private void assertNothingGoesOn() {
        while (time.pendingTimers() > 0) {
            Thread.onSpinWait();
        }
        time.advance(seconds(60));
        assertThat(primary.asked()).hasSize(1);
    }

    // ---- R23

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"SYNC", "ASYNC"})
    void R23_before_its_first_token_a_stream_is_replaced_unseen(Way way) {
        primary.otherwise((request, vendor) ->
                Reply.stream(StreamScript.empty().send(": one moment\n\n").thenClose()));
        Outcome outcome = ask(way);
        assertAnswered(outcome, fallback);
        assertFirstFailure(outcome, FailureKind.TRUNCATED);
        assertThat(outcome.restarts()).isZero();
        assertThat(primary.asked()).hasSize(1);
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"SYNC", "ASYNC"})
    void R23_after_token_seven_the_contract_says_what_the_reader_sees(Way way) {
        CompletableFuture<Void> closing = new CompletableFuture<>();
        primary.otherwise((request, vendor) ->
                Reply.stream(vendor.tokens(7).await(closing).thenClose()));
        RunningCall call = start(way, open(way));
        if (way.showsPieces()) {
            call.awaitShown(7);
        }
        closing.complete(null);
        Outcome outcome = call.outcome();
        if (way.failsOnceShown()) {
            StreamFailedException failure = assertFailed(outcome, StreamFailedException.class);
            assertThat(failure.partialText()).isEqualTo(Vendor.firstWords(7));
            assertThat(outcome.text()).isEqualTo(Vendor.firstWords(7));
            assertThat(fallback.asked()).isEmpty();
        } else {
            assertAnswered(outcome, fallback);
            assertThat(outcome.restarts()).isEqualTo(way == Way.STREAM_RESTART ? 1 : 0);
        }
        assertThat(primary.asked()).hasSize(1);
    }

    // ---- R24

    @ParameterizedTest
    @EnumSource
    void R24_when_every_door_is_closed_one_error_says_why_and_when_the_first_opens(Way way) {
        Orchestrator orchestrator = open(both(way, opensAfter(1)));
        primary.next(DOWN);
        fallback.next(Vendor.limitedFor("retry-after", "90"));
        // Nobody can come back within the deadline, or at the end of a backoff, so there is nothing to wait for.
        assertFailed(ask(way, orchestrator), AllProvidersFailedException.class);
        assertThat(time.waits()).isEmpty();

        time.advance(seconds(10));
        AllProvidersFailedException failure = assertFailed(ask(way, orchestrator), AllProvidersFailedException.class);
        assertThat(time.waits()).isEmpty();
        assertThat(failure.trail().attempts()).isZero();
        assertThat(failure.earliestRetry()).hasValue(BREAKER_WAIT.minus(seconds(10)));
        assertThat(failure)
                .hasMessageContaining("primary skipped: circuit breaker open")
                .hasMessageContaining("fallback skipped: parked for")
                .hasMessageContaining("after RATE_LIMITED");
        assertThat(primary.asked()).hasSize(1);
        assertThat(fallback.asked()).hasSize(1);
    }

    private static Consumer<ProviderSettings.Builder> opensFor(Duration wait) {
        return p -> p.circuitBreaker(CircuitBreakerSettings.builder()
                .failureThreshold(1)
                .timeoutDuration(wait)
                .build());
    }

    @ParameterizedTest
    @EnumSource
    void R24_if_so_configured_the_one_that_would_open_soonest_is_tried_all_the_same_and_its_breaker_hears_nothing(
            Way way) {
        Orchestrator orchestrator =
                open(both(way, opensFor(BREAKER_WAIT), opensFor(seconds(20))).failOpen(true));
        primary.next(DOWN);
        fallback.next(DOWN);
        // Not for a call that could ask somebody.
        assertFailed(ask(way, orchestrator), AllProvidersFailedException.class);
        assertThat(primary.asked()).hasSize(1);
        assertThat(fallback.asked()).hasSize(1);

        time.advance(seconds(5));
        Explanation explained = orchestrator.explain(ChatRequest.of(Way.QUESTION));
        assertThat(explained.failOpen()).contains(fallback.name());
        assertThat(explained.first()).contains(fallback.name());
        CircuitBreakerStatus before =
                orchestrator.circuitBreaker(fallback.name()).status();
        Outcome served = ask(way, orchestrator);
        assertAnswered(served, fallback);
        served.trail()
                .ifPresent(trail -> assertThat(trail)
                        .asString()
                        .startsWith("primary skipped: circuit breaker open, next try in 25 s; fallback skipped: circuit"
                                + " breaker open, next try in 15 s; fallback answered"));
        assertThat(orchestrator.circuitBreaker(fallback.name()).status())
                .as("an answer closes nothing")
                .isEqualTo(before);

        fallback.next(DOWN);
        AllProvidersFailedException failure = assertFailed(ask(way, orchestrator), AllProvidersFailedException.class);
        assertThat(failure.trail().attempts()).as("one, and once").isOne();
        assertThat(failure.earliestRetry()).hasValue(seconds(15));
        assertThat(failure).hasMessageContaining("fallback failed");
        assertThat(orchestrator.circuitBreaker(fallback.name()).status())
                .as("a failure lengthens no wait")
                .isEqualTo(before);
        assertThat(primary.asked()).hasSize(1);
        assertThat(fallback.asked()).hasSize(3);
        assertThat(time.waits()).isEmpty();

        time.advance(seconds(15));
        assertAnswered(ask(way, orchestrator), fallback);
        assertThat(orchestrator.circuitBreaker(fallback.name()).state())
                .as("that was its trial")
                .isEqualTo(CircuitState.CLOSED);
    }

    @ParameterizedTest
    @EnumSource
    void R24_no_last_resort_is_one_that_is_parked_shut_by_an_operator_disabled_or_full(Way way) {
        CompletableFuture<Void> gate = new CompletableFuture<>();
        Vendor full = primary;
        Vendor other = fallback;
        Orchestrator orchestrator = open(builder()
                .failOpen(true)
                .provider("full", at(full, way, 1).andThen(opensAfter(1)).andThen(p -> p.maxConcurrent(1)))
                .provider("parked", at(other, way, 2).andThen(opensAfter(1)))
                .provider("shut", at(other, way, 3).andThen(opensAfter(1)))
                .provider("disabled", at(other, way, 4).andThen(p -> p.enabled(false))));
        orchestrator.circuitBreaker("shut").forceOpen();
        full.next((request, vendor) -> WELL.reply(request, vendor).after(gate));
        RunningCall holding = start(way, orchestrator);
        full.server().awaitRequest();
        other.next(Vendor.limitedFor("retry-after", "90"));
        assertFailed(ask(way, orchestrator), AllProvidersFailedException.class);
        orchestrator.circuitBreaker("full").recordFailure();
        orchestrator.circuitBreaker("parked").recordFailure();

        AllProvidersFailedException failure = assertFailed(ask(way, orchestrator), AllProvidersFailedException.class);
        assertThat(failure.trail().attempts()).isZero();
        assertThat(failure.trail().steps()).extracting(Trail.Step::provider).containsExactly("full", "parked", "shut");
        assertThat(failure)
                .hasMessageContaining("full skipped: full")
                .hasMessageContaining("parked skipped: parked for")
                .hasMessageContaining("shut skipped: circuit breaker forced open by an operator");
        Explanation explained = orchestrator.explain(ChatRequest.of(Way.QUESTION));
        assertThat(explained.failOpen()).isEmpty();
        assertThat(explained.first()).isEmpty();
        assertThat(full.asked()).hasSize(1);
        assertThat(other.asked()).hasSize(1);

        gate.complete(null);
        assertThat(holding.outcome().failure()).isEmpty();
        // Its place is free, and only its breaker keeps it shut.
        assertThat(ask(way, orchestrator).failure()).isEmpty();
        assertThat(full.asked()).hasSize(2);
    }
}
