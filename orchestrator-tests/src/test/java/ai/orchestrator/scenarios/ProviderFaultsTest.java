package ai.orchestrator.scenarios;

import static ai.orchestrator.scenarios.Vendor.BROKEN;
import static ai.orchestrator.scenarios.Vendor.DOWN;
import static ai.orchestrator.scenarios.Vendor.LIMITED;
import static ai.orchestrator.scenarios.Vendor.SILENT;
import static ai.orchestrator.scenarios.Vendor.WELL;
import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.RequestRejectedException;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.StreamFailedException;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.scenarios.Vendor.Behaviour;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer.ReceivedRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Part F: faults of a provider. */
final class ProviderFaultsTest extends Catalogue {

    // ---- Rate limits

    private static final Behaviour LIMITED_FOR_TWO_SECONDS =
            (request, vendor) -> vendor.wire().limitedFor(2);

    @EveryDialect
    void F1_a_hint_that_nobody_waits_for_leaves_the_call_to_the_fallback_at_once(Dialect dialect, Way way) {
        speak(dialect);
        primary.next(LIMITED_FOR_TWO_SECONDS);
        Orchestrator orchestrator = open(way);
        assertAnswered(ask(way, orchestrator), fallback);
        assertThat(time.now()).isZero();

        // Never early, also for those that come later.
        time.advance(seconds(2).minus(NANO));
        assertAnswered(ask(way, orchestrator), fallback);
        assertThat(primary.asked()).containsExactly(Duration.ZERO);
        time.advance(NANO);
        assertAnswered(ask(way, orchestrator), primary);
        assertThat(primary.asked()).containsExactly(Duration.ZERO, seconds(2));
    }

    @EveryDialect
    void F1_a_hint_that_is_waited_for_lets_the_primary_answer_when_it_is_over(Dialect dialect, Way way) {
        speak(dialect);
        primary.next(LIMITED_FOR_TWO_SECONDS);
        Outcome outcome = ask(
                way,
                open(both(
                        way,
                        p -> p.retry(
                                RetrySettings.builder().waitForHint(seconds(3)).build()))));
        assertAnswered(outcome, primary);
        assertThat(primary.asked()).containsExactly(Duration.ZERO, seconds(2));
        assertThat(fallback.asked()).isEmpty();
    }

    @EveryDialect
    void F2_a_rate_limit_without_a_hint_falls_over(Dialect dialect, Way way) {
        speak(dialect);
        primary.otherwise(LIMITED);
        assertAnswered(ask(way), fallback);
        assertThat(primary.asked()).containsExactly(Duration.ZERO);
        assertThat(fallback.asked()).containsExactly(Duration.ZERO);
    }

    @EveryDialect
    void F2_rate_limits_everywhere_end_in_a_clean_error_after_a_few_attempts(Dialect dialect, Way way) {
        speak(dialect);
        primary.otherwise(LIMITED);
        fallback.otherwise(LIMITED);
        assertFailed(ask(way), AllProvidersFailedException.class);
        List<Duration> attempts = new ArrayList<>(primary.asked());
        attempts.addAll(fallback.asked());
        assertThat(attempts).hasSizeBetween(2, 6);
        assertThat(attempts).filteredOn(at -> at.compareTo(seconds(3)) <= 0).hasSizeLessThanOrEqualTo(4);
    }

    // ---- Failures before the answer

    @EveryDialect
    void F3_after_one_server_error_the_primary_is_retried_once_and_serves(Dialect dialect, Way way) {
        speak(dialect);
        primary.next(BROKEN);
        assertAnswered(ask(way), primary);
        assertThat(primary.asked()).hasSize(2);
        assertThat(primary.asked().get(1))
                .isBetween(RetrySettings.DEFAULT_BACKOFF.dividedBy(2), RetrySettings.DEFAULT_BACKOFF);
        assertThat(fallback.asked()).isEmpty();
    }

    @EveryDialect
    void F4_the_fallback_serves_while_the_primary_is_down(Dialect dialect, Way way) {
        speak(dialect);
        primary.otherwise(DOWN);
        assertAnswered(ask(way), fallback);
        assertThat(primary.asked()).containsExactly(Duration.ZERO);
        assertThat(time.waits()).isEmpty();
    }

    @EveryDialect
    void F5_a_connection_that_is_reset_before_any_header_costs_no_answer(Dialect dialect, Way way) {
        speak(dialect);
        primary.next(Vendor.always(Reply.reset()));
        Outcome outcome = ask(way);
        assertAnswered(outcome, fallback);
        assertFirstFailure(outcome, FailureKind.NETWORK);
        assertThat(primary.asked()).hasSize(1);
    }

    @EveryDialect
    void F6_a_silent_provider_gets_one_attempt_and_the_fallback_answers(Dialect dialect, Way way) {
        speak(dialect);
        primary.otherwise(SILENT);
        Duration limit = way.streamsUpstream() ? FIRST_TOKEN_LIMIT : ATTEMPT_LIMIT;
        RunningCall call = start(way, open(way));
        ReceivedRequest silent = primary.server().awaitRequest();
        time.advance(limit.minus(NANO));
        assertThat(call.isDone()).isFalse();
        assertThat(fallback.asked()).isEmpty();

        time.advance(NANO);
        Outcome outcome = call.outcome();
        assertAnswered(outcome, fallback);
        assertFirstFailure(outcome, FailureKind.TIMEOUT);
        assertThat(fallback.asked()).containsExactly(limit);
        assertThat(primary.asked()).hasSize(1);
        primary.server().awaitClientClosed(silent);
    }

    // ---- Failures within the answer

    @EveryDialect(streamed = true)
    void F7_a_late_first_token_is_left_behind_and_never_mixes_in(Dialect dialect, Way way) {
        speak(dialect);
        CompletableFuture<Void> late = new CompletableFuture<>();
        CompletableFuture<Void> rest = new CompletableFuture<>();
        primary.otherwise((request, vendor) -> vendor.stream(
                vendor.tokens(vendor.start().send(vendor.wire().keepAlive()).await(late), 0, Vendor.WORDS)
                        .send(vendor.end())));
        fallback.otherwise((request, vendor) -> vendor.stream(
                vendor.tokens(vendor.tokens(20).await(rest), 20, Vendor.WORDS).send(vendor.end())));
        RunningCall call = start(way, open(way));
        primary.server().awaitRequest();
        time.schedule(seconds(20).toNanos(), () -> late.complete(null));
        time.advance(FIRST_TOKEN_LIMIT);
        // A part of the answer is there when the late tokens come.
        observed.awaitPieces(fallback, 20);
        time.advanceTo(seconds(20));
        rest.complete(null);

        assertAnswered(call.outcome(), fallback);
        assertThat(fallback.asked()).containsExactly(FIRST_TOKEN_LIMIT);
        assertThat(primary.asked()).hasSize(1);
    }

    @EveryDialect
    void F8_a_stream_that_is_cut_short_is_no_success(Dialect dialect, Way way) {
        speak(dialect);
        primary.otherwise((request, vendor) ->
                Vendor.isStreamed(request) ? vendor.stream(vendor.tokens(40).thenClose()) : Reply.closeAfter(40));
        Outcome outcome = ask(way);
        if (way.failsOnceShown()) {
            assertBrokenOff(outcome, 40, FailureKind.TRUNCATED);
        } else {
            assertAnswered(outcome, fallback);
        }
        assertThat(primary.asked()).hasSize(1);
    }

    @EveryDialect
    void F9_a_stream_that_falls_silent_is_over_in_time_and_the_next_call_works(Dialect dialect, Way way) {
        speak(dialect);
        CompletableFuture<Void> closing = new CompletableFuture<>();
        primary.next((request, vendor) -> Vendor.isStreamed(request)
                ? vendor.stream(vendor.tokens(20).await(closing).thenClose())
                : Reply.hangAfterHeaders());
        Orchestrator orchestrator = open(way);
        RunningCall call = start(way, orchestrator);
        ReceivedRequest silent = primary.server().awaitRequest();
        if (way.streamsUpstream()) {
            observed.awaitPieces(primary, 20);
        }
        if (way.showsPieces()) {
            call.awaitShown(20);
        }
        time.schedule(seconds(30).toNanos(), () -> closing.complete(null));
        Duration limit = way.streamsUpstream() ? IDLE_LIMIT : ATTEMPT_LIMIT;
        time.advance(limit.minus(NANO));
        assertThat(call.isDone()).isFalse();
        time.advance(NANO);

        Outcome outcome = call.outcome();
        if (way.failsOnceShown()) {
            assertBrokenOff(outcome, 20, FailureKind.TIMEOUT);
        } else {
            assertAnswered(outcome, fallback);
            assertThat(outcome.restarts()).isEqualTo(way == Way.STREAM_RESTART ? 1 : 0);
            assertThat(fallback.asked()).containsExactly(limit);
        }
        assertThat(primary.asked()).hasSize(1);
        primary.server().awaitClientClosed(silent);
        assertAnswered(ask(way, orchestrator), primary);
    }

    @EveryDialect
    void F10_of_a_broken_event_no_piece_is_shown(Dialect dialect, Way way) {
        speak(dialect);
        primary.otherwise((request, vendor) -> Vendor.isStreamed(request)
                ? vendor.stream(vendor.tokens(vendor.tokens(9).send(vendor.brokenToken()), 10, Vendor.WORDS)
                        .send(vendor.end()))
                : Reply.json(vendor.brokenAnswer()));
        Outcome outcome = ask(way);
        if (way.failsOnceShown()) {
            assertBrokenOff(outcome, 9, FailureKind.MALFORMED);
            assertThat(primary.asked()).hasSize(1);
        } else {
            assertAnswered(outcome, fallback);
            // A broken answer is worth one more try before another provider is asked.
            assertThat(primary.asked()).hasSize(2);
        }
    }

    @EveryDialect(streamed = true)
    void F11_without_an_end_marker_a_whole_answer_is_one_at_once(Dialect dialect, Way way) {
        speak(dialect);
        primary.otherwise((request, vendor) -> vendor.stream(
                vendor.tokens(Vendor.WORDS).send(vendor.endWithoutMarker()).thenSilence()));
        assertAnswered(ask(way), primary);
        assertThat(time.now()).isZero();
        assertThat(fallback.asked()).isEmpty();
    }

    // ---- The request's own fault

    private static final Behaviour TOO_LONG =
            (request, vendor) -> vendor.wire().tooLong().reply();

    @EveryDialect
    void F12_a_context_that_is_too_long_is_sent_to_no_window_that_may_be_as_small(Dialect dialect, Way way) {
        speak(dialect);
        primary.otherwise(TOO_LONG);
        Outcome outcome = ask(way, open(both(way, p -> p.contextWindow(8_192))));
        RequestRejectedException rejected = assertFailed(outcome, RequestRejectedException.class);
        assertThat(rejected.kind()).isEqualTo(FailureKind.CONTEXT_TOO_LONG);
        assertReason(rejected, primary.wire().tooLong());
        assertThat(primary.asked()).hasSize(1);
        assertThat(fallback.asked()).isEmpty();
    }

    @EveryDialect
    void F12_a_context_that_is_too_long_goes_to_a_larger_window(Dialect dialect, Way way) {
        speak(dialect);
        primary.otherwise(TOO_LONG);
        Orchestrator orchestrator = open(both(way, p -> p.contextWindow(8_192), p -> p.contextWindow(131_072)));
        assertAnswered(ask(way, orchestrator), fallback);
        assertThat(primary.asked()).hasSize(1);
        assertThat(fallback.asked()).hasSize(1);
    }

    private static final Behaviour REFUSING = (request, vendor) ->
            vendor.wire().refusal(Vendor.isStreamed(request), vendor.model()).reply();

    @EveryDialect
    void F13_a_policy_refusal_is_the_answer_to_the_call(Dialect dialect, Way way) {
        speak(dialect);
        primary.otherwise(REFUSING);
        RequestRejectedException rejected = assertFailed(ask(way), RequestRejectedException.class);
        assertThat(rejected.kind()).isEqualTo(FailureKind.CONTENT_FILTERED);
        assertReason(rejected, primary.wire().refusal(way.streamsUpstream(), primary.model()));
        assertThat(primary.asked()).hasSize(1);
        assertThat(fallback.asked()).isEmpty();
    }

    @EveryDialect
    void F13_a_policy_refusal_goes_on_where_that_is_configured(Dialect dialect, Way way) {
        speak(dialect);
        // Not every dialect can refuse, and the fallback will.
        fallback.speaks(dialect);
        primary.otherwise(REFUSING);
        Orchestrator orchestrator = open(both(way, p -> {}).failOverOnContentFilter(true));
        assertAnswered(ask(way, orchestrator), fallback);
        assertThat(primary.asked()).hasSize(1);

        fallback.otherwise(REFUSING);
        RequestRejectedException rejected = assertFailed(ask(way, orchestrator), RequestRejectedException.class);
        assertThat(rejected.kind()).isEqualTo(FailureKind.CONTENT_FILTERED);
        assertThat(primary.asked()).hasSize(2);
        assertThat(fallback.asked()).hasSize(2);
    }

    @EveryDialect(streamed = true)
    void F14_what_was_cut_is_begun_anew_and_not_put_into_the_fallbacks_mouth(Dialect dialect, Way way) {
        speak(dialect);
        primary.otherwise((request, vendor) -> vendor.stream(vendor.tokens(40).thenClose()));
        fallback.otherwise((request, vendor) -> vendor.wire().lastRole(request).equals("user")
                ? WELL.reply(request, vendor)
                : Reply.error(400, "invalid_request_error", "the last message must be from the user"));
        Outcome outcome = ask(way);
        if (way.failsOnceShown()) {
            assertBrokenOff(outcome, 40, FailureKind.TRUNCATED);
            assertThat(fallback.asked()).isEmpty();
        } else {
            assertAnswered(outcome, fallback);
            assertThat(fallback.asked()).hasSize(1);
            assertThat(fallback.wire().lastRole(fallback.server().awaitRequest()))
                    .isEqualTo("user");
        }
        assertThat(primary.asked()).hasSize(1);
    }

    // ---- Longer stories

    @EveryDialect
    void F15_an_outage_costs_no_call_and_the_primary_serves_again_soon_after_it(Dialect dialect, Way way) {
        speak(dialect);
        Duration recovery = seconds(60);
        primary.otherwise(
                (request, vendor) -> (time.now().compareTo(recovery) < 0 ? DOWN : WELL).reply(request, vendor));
        Orchestrator orchestrator = open(way);
        List<Duration> servedByPrimary = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            time.advanceTo(seconds(4L * i));
            Outcome outcome = ask(way, orchestrator);
            boolean back = outcome.model().equals(primary.model());
            assertAnswered(outcome, back ? primary : fallback);
            if (back) {
                servedByPrimary.add(time.now());
            }
        }
        // Five failures open the breaker, and its first trial, a minute later, finds the primary well.
        assertThat(primary.asked())
                .containsExactly(seconds(0), seconds(4), seconds(8), seconds(12), seconds(16), seconds(76));
        assertThat(servedByPrimary).containsExactly(seconds(76));
        assertThat(time.waits()).isEmpty();
        assertAnswered(ask(way, orchestrator), primary);
    }

    @EveryDialect
    void F16_the_answer_names_who_served_and_bills_for_nothing_else(Dialect dialect, Way way) {
        speak(dialect);
        primary.otherwise(DOWN);
        Outcome outcome = ask(way);
        assertAnswered(outcome, fallback);
        assertThat(outcome.model()).isEqualTo("fallback-model-1");
        assertFirstFailure(outcome, FailureKind.OVERLOADED);
    }

    /** The provider's own reason reaches the caller. */
    private static void assertReason(RequestRejectedException rejected, Wire.Refusal refusal) {
        assertThat(rejected).hasMessageContaining(refusal.words());
        assertThat(rejected)
                .cause()
                .isInstanceOfSatisfying(
                        ProviderException.class, e -> assertThat(e.code()).isEqualTo(refusal.code()))
                .hasMessageContaining(refusal.words());
    }

    /** A clear error, with what had come, and nobody else was asked. */
    private void assertBrokenOff(Outcome outcome, int words, FailureKind kind) {
        StreamFailedException failure = assertFailed(outcome, StreamFailedException.class);
        assertThat(failure.kind()).isEqualTo(kind);
        assertThat(failure.provider()).isEqualTo(primary.name());
        assertThat(failure.partialText()).isEqualTo(Vendor.firstWords(words));
        assertThat(outcome.text()).isEqualTo(Vendor.firstWords(words));
        assertThat(fallback.asked()).isEmpty();
    }
}
