package ai.orchestrator.cache;

import static ai.orchestrator.cache.Airport.DEADLINE;
import static ai.orchestrator.cache.Airport.REQUEST;
import static ai.orchestrator.cache.Airport.failureOf;
import static ai.orchestrator.cache.Airport.get;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.CallCancelledException;
import ai.orchestrator.CallCancelledException.Reason;
import ai.orchestrator.CallOptions;
import ai.orchestrator.DeadlineExceededException;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.RequestRejectedException;
import ai.orchestrator.StreamFailedException;
import ai.orchestrator.StreamRescue;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.breaker.ProviderCircuitBreaker;
import ai.orchestrator.cache.Airport.Reader;
import ai.orchestrator.cache.Tap.Attempt;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Identical calls at once. */
@Timeout(60)
class FlightTest {

    private static final Duration NANO = Duration.ofNanos(1);

    private Airport airport = new Airport();

    @AfterEach
    void close() {
        airport.close();
    }

    private static CallOptions deadline(Duration deadline) {
        return CallOptions.defaults().withDeadline(deadline);
    }

    private static void assertReason(Throwable thrown, Reason reason) {
        assertThat(thrown)
                .isInstanceOfSatisfying(
                        CallCancelledException.class,
                        e -> assertThat(e.reason()).isEqualTo(reason));
    }

    // ---- One call for all

    @Test
    void G8_a_hundred_identical_calls_at_once_make_one_call_and_get_a_hundred_answers() throws Exception {
        List<Future<ChatResponse>> calls = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            calls.add(airport.chat());
        }
        Attempt attempt = airport.first.next();
        airport.awaitWaiting(100);
        attempt.say("fine").finish();
        int joined = 0;
        for (Future<ChatResponse> call : calls) {
            ChatResponse answer = get(call);
            assertThat(answer.text()).isEqualTo("fine");
            assertThat(answer.provider()).isEqualTo("first");
            assertThat(answer.trail().isCacheHit()).isFalse();
            assertThat(answer.trail().attempts()).isOne();
            joined += answer.trail().steps().get(0) instanceof Trail.Joined ? 1 : 0;
        }
        assertThat(joined).isEqualTo(99);
        assertThat(airport.first.asked()).isOne();
        airport.assertNothingIsLeft();
    }

    @Test
    void the_trail_of_one_who_joins_says_so_and_then_what_the_other_call_did() throws Exception {
        Future<ChatResponse> early = airport.chat();
        airport.first.next().fail(FailureKind.OVERLOADED);
        Attempt attempt = airport.second.next();
        airport.time.advance(Duration.ofSeconds(2));
        Future<ChatResponse> late = airport.chat();
        airport.awaitWaiting(2);
        airport.time.advance(Duration.ofSeconds(1));
        attempt.say("fine").finish();

        Trail ofEarly = get(early).trail();
        assertThat(ofEarly.toString())
                .isEqualTo("first failed after 0 s with OVERLOADED: scripted; second answered in 3 s");
        assertThat(ofEarly.elapsed()).isEqualTo(Duration.ofSeconds(3));
        Trail ofLate = get(late).trail();
        assertThat(ofLate.toString())
                .isEqualTo("joined an identical call, under way for 2 s, which was asking second; " + ofEarly);
        assertThat(ofLate.elapsed()).isEqualTo(Duration.ofSeconds(1));
        assertThat(ofLate.attempts()).isEqualTo(2);
        assertThat(ofLate.steps().get(0)).isEqualTo(new Trail.Joined("second", Duration.ofSeconds(2)));
    }

    @Test
    void calls_that_differ_or_do_not_use_the_cache_have_calls_of_their_own() throws Exception {
        List<Future<ChatResponse>> calls = List.of(
                airport.chat(),
                airport.chat(CallOptions.defaults().withCache(false)),
                airport.call(() -> airport.orchestrator.chat("something else")));
        for (int i = 0; i < calls.size(); i++) {
            airport.first.next();
        }
        assertThat(calls).noneMatch(Future::isDone);
        assertThat(airport.first.asked()).isEqualTo(3);
    }

    @Test
    void the_answer_is_kept_before_anybody_hears_of_it() throws Exception {
        for (int i = 0; i < 200; i++) {
            String question = "question " + i;
            Future<ChatResponse> call = airport.call(() -> airport.orchestrator.chat(question));
            airport.first.next().say("fine").finish();
            get(call);
            assertThat(airport.orchestrator.chat(question).trail().isCacheHit()).isTrue();
        }
    }

    // ---- Leaving

    @Test
    void G8_the_first_callers_cancel_leaves_the_call_to_the_others() throws Exception {
        Cancellation cancellation = new Cancellation();
        Future<ChatResponse> leaver = airport.chat(CallOptions.defaults().withCancellation(cancellation));
        Attempt attempt = airport.first.next();
        Future<ChatResponse> other = airport.chat();
        airport.awaitWaiting(2);
        attempt.say("fi");
        cancellation.cancel();

        Throwable left = failureOf(leaver);
        assertReason(left, Reason.CANCELLED);
        assertThat(((OrchestratorException) left).partialText()).isEqualTo("fi");
        assertThat(attempt.isCancelled()).isFalse();
        attempt.say("ne").finish();
        assertThat(get(other).text()).isEqualTo("fine");
        assertThat(airport.first.asked()).isOne();
        airport.assertNothingIsLeft();
    }

    @Test
    void G8_when_all_have_cancelled_the_call_is_cancelled_and_the_next_one_asks_anew() throws Exception {
        Cancellation cancellation = new Cancellation();
        List<Future<ChatResponse>> calls = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            calls.add(airport.chat(CallOptions.defaults().withCancellation(cancellation)));
        }
        Attempt attempt = airport.first.next();
        airport.awaitWaiting(10);
        cancellation.cancel();
        attempt.awaitCancelled();
        for (Future<ChatResponse> call : calls) {
            assertReason(failureOf(call), Reason.CANCELLED);
        }
        airport.assertNothingIsLeft();
        assertThat(airport.orchestrator.circuitBreaker("first").status().failureCount())
                .isZero();

        Future<ChatResponse> next = airport.chat();
        airport.first.next().say("fine").finish();
        assertThat(get(next).trail().toString()).isEqualTo("first answered in 0 s");
    }

    @Test
    void one_who_leaves_is_told_what_the_call_had_done_until_then() throws Exception {
        airport.orchestrator.circuitBreaker("first").forceOpen();
        Cancellation cancellation = new Cancellation();
        Reader other = airport.stream(StreamRescue.FAIL);
        Attempt attempt = airport.second.next();
        Future<ChatResponse> leaver = airport.chat(CallOptions.defaults().withCancellation(cancellation));
        airport.awaitWaiting(2);
        cancellation.cancel();
        String skipped = "first skipped: circuit breaker forced open by an operator";
        assertThat(failureOf(leaver))
                .isInstanceOfSatisfying(
                        CallCancelledException.class,
                        e -> assertThat(e.trail().toString())
                                .isEqualTo("joined an identical call, under way for 0 s, which was asking second; "
                                        + skipped));
        other.close();
        assertThat(other.failure())
                .isInstanceOfSatisfying(
                        CallCancelledException.class,
                        e -> assertThat(e.trail().toString()).isEqualTo(skipped));
        attempt.awaitCancelled();
    }

    @Test
    void one_who_leaves_after_several_failures_hears_of_the_first_and_of_the_text_that_had_come() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        try (Airport three = new Airport(Airport.and("third", (request, delivery, deadline, cancel, sink) -> {
            CountDownLatch cancelled = new CountDownLatch(1);
            cancel.onCancel(cancelled::countDown);
            asked.countDown();
            try {
                cancelled.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            throw ProviderException.of(FailureKind.CANCELLED, "cancelled");
        }))) {
            Cancellation cancellation = new Cancellation();
            Future<ChatResponse> leaver = three.chat(CallOptions.defaults().withCancellation(cancellation));
            three.first.next().say("half").fail(FailureKind.NETWORK);
            three.second.next().fail(FailureKind.OVERLOADED);
            asked.await();
            cancellation.cancel();
            assertThat(failureOf(leaver)).isInstanceOfSatisfying(CallCancelledException.class, e -> {
                assertThat(e.partialText()).isEqualTo("half");
                assertThat(e.trail().attempts()).isEqualTo(2);
                assertThat(e.getCause())
                        .isInstanceOfSatisfying(
                                ProviderException.class,
                                first -> assertThat(first.kind()).isEqualTo(FailureKind.NETWORK));
            });
        }
    }

    @Test
    void a_trial_whose_callers_wait_longer_than_its_first_one_did_closes_the_breaker_all_the_same() throws Exception {
        ProviderCircuitBreaker breaker = airport.orchestrator.circuitBreaker("first");
        airport.orchestrator.circuitBreaker("second").forceOpen();
        for (int i = 0; i < CircuitBreakerSettings.DEFAULT_FAILURE_THRESHOLD; i++) {
            breaker.recordFailure();
        }
        airport.time.advance(CircuitBreakerSettings.DEFAULT_TIMEOUT_DURATION);
        Future<ChatResponse> hasty = airport.chat(deadline(Duration.ofSeconds(1)));
        Attempt attempt = airport.first.next();
        Future<ChatResponse> patient = airport.chat(deadline(Duration.ofSeconds(8)));
        airport.awaitWaiting(2);
        airport.time.advance(Duration.ofMillis(3_500));
        assertThat(failureOf(hasty)).isInstanceOf(DeadlineExceededException.class);
        attempt.say("fine").finish();
        assertThat(get(patient).text()).isEqualTo("fine");
        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
    }

    @Test
    void a_call_that_comes_while_an_abandoned_one_unwinds_asks_anew() throws Exception {
        CountDownLatch unwind = new CountDownLatch(1);
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch unwinding = new CountDownLatch(1);
        AtomicReference<Boolean> slow = new AtomicReference<>(true);
        try (Airport stubborn = new Airport(Airport.and("stubborn", (request, delivery, deadline, cancel, sink) -> {
            if (slow.getAndSet(false)) {
                try {
                    cancel.onCancel(unwinding::countDown);
                    asked.countDown();
                    unwind.await();
                } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }
            sink.event(new ChatEvent.Text("fine"));
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        }))) {
            stubborn.orchestrator.circuitBreaker("first").forceOpen();
            stubborn.orchestrator.circuitBreaker("second").forceOpen();
            Cancellation cancellation = new Cancellation();
            Future<ChatResponse> leaver = stubborn.chat(CallOptions.defaults().withCancellation(cancellation));
            asked.await();
            cancellation.cancel();
            assertReason(failureOf(leaver), Reason.CANCELLED);
            unwinding.await();
            ChatResponse answer = stubborn.orchestrator.chat(REQUEST);
            assertThat(answer.text()).isEqualTo("fine");
            assertThat(answer.trail().steps()).last().isInstanceOf(Trail.Answered.class);
            unwind.countDown();
            stubborn.assertNothingIsLeft();
        }
    }

    @Test
    void an_interrupt_ends_that_caller_alone() throws Exception {
        CompletableFuture<Thread> thread = new CompletableFuture<>();
        AtomicReference<Boolean> kept = new AtomicReference<>(false);
        Future<ChatResponse> interrupted = airport.call(() -> {
            thread.complete(Thread.currentThread());
            try {
                return airport.orchestrator.chat(REQUEST);
            } finally {
                kept.set(Thread.interrupted());
            }
        });
        Attempt attempt = airport.first.next();
        Future<ChatResponse> other = airport.chat();
        airport.awaitWaiting(2);
        get(thread).interrupt();

        assertReason(failureOf(interrupted), Reason.INTERRUPTED);
        assertThat(kept).hasValue(true);
        attempt.say("fine").finish();
        assertThat(get(other).text()).isEqualTo("fine");
    }

    @Test
    void the_last_callers_interrupt_ends_the_call() throws Exception {
        Future<ChatResponse> only = airport.chat();
        Attempt attempt = airport.first.next();
        airport.awaitWaiting(1);
        only.cancel(true);
        attempt.awaitCancelled();
        airport.assertNothingIsLeft();
    }

    @Test
    void cancelling_a_future_and_closing_a_stream_leave_the_call_to_the_others() throws Exception {
        CompletableFuture<ChatResponse> future = airport.orchestrator.chatAsync(REQUEST);
        Attempt attempt = airport.first.next();
        Reader stream = airport.stream(StreamRescue.FAIL);
        Future<ChatResponse> other = airport.chat();
        airport.awaitWaiting(3);
        attempt.say("fi");
        stream.awaitSeen(1);
        future.cancel(false);
        stream.close();
        assertReason(stream.failure(), Reason.CANCELLED);
        airport.awaitWaiting(1);
        attempt.say("ne").finish();
        assertThat(get(other).text()).isEqualTo("fine");
    }

    // ---- Deadlines

    @Test
    void a_deadline_ends_the_callers_alone_whose_it_is() throws Exception {
        Future<ChatResponse> patient = airport.chat();
        Attempt attempt = airport.first.next();
        Future<ChatResponse> hurried = airport.chat(deadline(Duration.ofSeconds(5)));
        airport.awaitWaiting(2);
        attempt.say("fi");
        airport.time.advance(Duration.ofSeconds(5).minus(NANO));
        airport.awaitWaiting(2);
        airport.time.advance(NANO);

        assertThat(failureOf(hurried)).isInstanceOfSatisfying(DeadlineExceededException.class, e -> {
            assertThat(e.deadline()).isEqualTo(Duration.ofSeconds(5));
            assertThat(e.partialText()).isEqualTo("fi");
            assertThat(e.trail().toString()).startsWith("joined an identical call, under way for 0 s");
        });
        attempt.say("ne").finish();
        assertThat(get(patient).text()).isEqualTo("fine");
        assertThat(airport.orchestrator.circuitBreaker("first").status().failureCount())
                .isZero();
    }

    @Test
    void the_calls_deadline_is_the_latest_of_those_who_wait_also_of_one_who_joins_later() throws Exception {
        // Else half of the time would be kept for it.
        airport.orchestrator.circuitBreaker("second").forceOpen();
        Future<ChatResponse> hurried = airport.chat(deadline(Duration.ofSeconds(5)));
        Attempt attempt = airport.first.next();
        assertThat(attempt.deadline().remaining()).isEqualTo(Duration.ofSeconds(5));
        airport.time.advance(Duration.ofSeconds(4));
        Future<ChatResponse> patient = airport.chat(deadline(Duration.ofSeconds(10)));
        airport.awaitWaiting(2);
        assertThat(attempt.deadline().remaining()).isEqualTo(Duration.ofSeconds(10));

        airport.time.advance(Duration.ofSeconds(1));
        assertThat(failureOf(hurried)).isInstanceOf(DeadlineExceededException.class);
        airport.time.advance(Duration.ofSeconds(9).minus(NANO));
        assertThat(attempt.isCancelled()).isFalse();
        attempt.say("fine").finish();
        assertThat(get(patient).text()).isEqualTo("fine");
    }

    @Test
    void half_of_the_time_is_kept_for_another_provider_and_of_what_a_later_caller_brings_too() throws Exception {
        Future<ChatResponse> hurried = airport.chat(deadline(Duration.ofSeconds(5)));
        Attempt attempt = airport.first.next();
        airport.time.advance(Duration.ofSeconds(2));
        Future<ChatResponse> patient = airport.chat(deadline(Duration.ofSeconds(10)));
        airport.awaitWaiting(2);

        airport.time.advance(Duration.ofSeconds(4).minus(NANO));
        assertThat(failureOf(hurried)).isInstanceOf(DeadlineExceededException.class);
        assertThat(attempt.isCancelled()).isFalse();
        airport.time.advance(NANO);
        attempt.awaitCancelled();
        Attempt next = airport.second.next();
        assertThat(next.deadline().remaining()).isEqualTo(Duration.ofSeconds(6));
        next.say("fine").finish();
        assertThat(get(patient).trail().toString())
                .contains(
                        "first failed after 6 s with TIMEOUT: no complete answer within 6 s; the rest of the call's time"
                                + " is for another provider");
    }

    @Test
    void at_the_last_deadline_the_attempt_has_timed_out_which_counts_and_the_trail_says_so() throws Exception {
        // Else half of the time would be kept for it.
        airport.orchestrator.circuitBreaker("second").forceOpen();
        Future<ChatResponse> hurried = airport.chat(deadline(Duration.ofSeconds(5)));
        Attempt attempt = airport.first.next();
        Future<ChatResponse> patient = airport.chat(deadline(Duration.ofSeconds(10)));
        airport.awaitWaiting(2);
        airport.time.advance(Duration.ofSeconds(10).minus(NANO));
        assertThat(failureOf(hurried)).isInstanceOf(DeadlineExceededException.class);
        assertThat(attempt.isCancelled()).isFalse();
        airport.time.advance(NANO);
        attempt.awaitCancelled();
        assertThat(failureOf(patient)).isInstanceOfSatisfying(DeadlineExceededException.class, e -> {
            assertThat(e.deadline()).isEqualTo(Duration.ofSeconds(10));
            assertThat(e.trail().toString())
                    .endsWith("first failed after 10 s with TIMEOUT: no complete answer before the call's deadline");
            assertThat(e.getCause())
                    .isInstanceOfSatisfying(
                            ProviderException.class,
                            cause -> assertThat(cause.kind()).isEqualTo(FailureKind.TIMEOUT));
        });
        airport.assertNothingIsLeft();
        assertThat(airport.orchestrator.circuitBreaker("first").status().failureCount())
                .isOne();
    }

    @Test
    void a_providers_own_limit_of_an_attempt_does_not_move_with_the_deadline() throws Exception {
        Tap limited = new Tap();
        try (Airport strict = new Airport(builder -> builder.provider(
                "strict", p -> p.chatProvider(limited).priority(0).totalTimeout(Duration.ofSeconds(8))))) {
            Future<ChatResponse> hurried = strict.chat(deadline(Duration.ofSeconds(5)));
            Attempt attempt = limited.next();
            Future<ChatResponse> patient = strict.chat();
            strict.awaitWaiting(2);
            assertThat(attempt.deadline().remaining()).isEqualTo(Duration.ofSeconds(8));
            strict.time.advance(Duration.ofSeconds(5));
            assertThat(failureOf(hurried)).isInstanceOf(DeadlineExceededException.class);
            strict.time.advance(Duration.ofSeconds(3).minus(NANO));
            assertThat(attempt.isCancelled()).isFalse();
            strict.time.advance(NANO);
            attempt.awaitCancelled();
            strict.first.next().say("fine").finish();
            assertThat(get(patient).trail().toString())
                    .contains("strict failed after 8 s with TIMEOUT: no complete answer within 8 s");
        }
    }

    // ---- Failures

    @Test
    void a_failure_is_everybodys_but_each_has_an_error_of_its_own() throws Exception {
        List<Future<ChatResponse>> calls = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            calls.add(airport.chat());
        }
        Attempt attempt = airport.first.next();
        airport.awaitWaiting(10);
        attempt.say("hal").fail(FailureKind.NETWORK);
        airport.second.next().fail(FailureKind.OVERLOADED);
        Set<Throwable> failures = new HashSet<>();
        for (Future<ChatResponse> call : calls) {
            AllProvidersFailedException failure = (AllProvidersFailedException) failureOf(call);
            failures.add(failure);
            assertThat(failure.getCause())
                    .isInstanceOfSatisfying(
                            ProviderException.class,
                            cause -> assertThat(cause.kind()).isEqualTo(FailureKind.NETWORK));
            assertThat(failure.getSuppressed()).hasSize(1);
            assertThat(failure.partialText()).isEqualTo("hal");
            assertThat(failure.trail().attempts()).isEqualTo(2);
        }
        assertThat(failures).hasSize(10);

        // And it is not kept.
        Future<ChatResponse> again = airport.chat();
        airport.first.next().say("fine").finish();
        assertThat(get(again).text()).isEqualTo("fine");
    }

    @Test
    void a_refused_request_and_an_error_are_told_to_everybody_too() throws Exception {
        Future<ChatResponse> first = airport.chat();
        Attempt attempt = airport.first.next();
        Reader second = airport.stream(StreamRescue.RESTART);
        airport.awaitWaiting(2);
        attempt.fail(FailureKind.BAD_REQUEST);
        for (Throwable failure : List.of(failureOf(first), second.failure())) {
            assertThat(failure)
                    .isInstanceOfSatisfying(
                            RequestRejectedException.class,
                            e -> assertThat(e.kind()).isEqualTo(FailureKind.BAD_REQUEST))
                    .hasMessage("first rejected the request with BAD_REQUEST: scripted");
        }

        first = airport.chat();
        attempt = airport.first.next();
        second = airport.stream(StreamRescue.FAIL);
        airport.awaitWaiting(2);
        attempt.fail(new StackOverflowError("deep"));
        assertThat(failureOf(first)).isInstanceOf(StackOverflowError.class);
        assertThat(second.failure()).isInstanceOf(StackOverflowError.class);
        airport.assertNothingIsLeft();
    }

    // ---- Streams

    @Test
    void every_contract_on_one_call_whose_provider_breaks_off() throws Exception {
        Reader failing = airport.stream(StreamRescue.FAIL);
        Attempt broken = airport.first.next();
        assertThat(broken.delivery()).isEqualTo(Delivery.STREAMED);
        Reader holding = airport.stream(StreamRescue.HOLD);
        Reader restarting = airport.stream(StreamRescue.RESTART);
        Future<ChatResponse> waiting = airport.chat();
        CompletableFuture<ChatResponse> future = airport.orchestrator.chatAsync(REQUEST);
        airport.awaitWaiting(5);
        broken.say("hal", "f");
        failing.awaitSeen(2);
        restarting.awaitSeen(2);
        broken.fail(FailureKind.NETWORK);

        Attempt rescue = airport.second.next();
        assertThat(failing.failure()).isInstanceOfSatisfying(StreamFailedException.class, e -> {
            assertThat(e.partialText()).isEqualTo("half");
            assertThat(e.provider()).isEqualTo("first");
            assertThat(e.kind()).isEqualTo(FailureKind.NETWORK);
            assertThat(e.trail().toString()).isEqualTo("first failed after 0 s with NETWORK: scripted");
        });
        rescue.say("fi", "ne").finish();
        assertThat(get(waiting).text()).isEqualTo("fine");
        assertThat(get(future).text()).isEqualTo("fine");
        assertThat(holding.response().text()).isEqualTo("fine");
        assertThat(holding.seen())
                .containsExactly(
                        new ChatEvent.Text("fi"), new ChatEvent.Text("ne"), new ChatEvent.Finished(FinishReason.STOP));
        assertThat(restarting.response().text()).isEqualTo("fine");
        assertThat(restarting.seen())
                .containsExactly(
                        new ChatEvent.Text("hal"),
                        new ChatEvent.Text("f"),
                        new ChatEvent.Restarted("first", FailureKind.NETWORK),
                        new ChatEvent.Text("fi"),
                        new ChatEvent.Text("ne"),
                        new ChatEvent.Finished(FinishReason.STOP));
        assertThat(airport.first.asked()).isOne();
        assertThat(airport.second.asked()).isOne();
        airport.assertNothingIsLeft();
    }

    @Test
    void a_provider_that_breaks_off_is_not_replaced_where_no_reader_would_be_helped() throws Exception {
        Reader one = airport.stream(StreamRescue.FAIL);
        Attempt attempt = airport.first.next();
        Reader two = airport.stream(StreamRescue.FAIL);
        airport.awaitWaiting(2);
        attempt.say("hal", "f");
        one.awaitSeen(2);
        two.awaitSeen(2);
        attempt.fail(FailureKind.NETWORK);
        assertThat(one.failure()).isInstanceOf(StreamFailedException.class);
        assertThat(two.failure()).isInstanceOfSatisfying(StreamFailedException.class, e -> {
            assertThat(e.partialText()).isEqualTo("half");
            assertThat(e.trail().toString())
                    .endsWith("which was asking first; first failed after 0 s with NETWORK: scripted");
        });
        airport.assertNothingIsLeft();
        assertThat(airport.second.asked()).isZero();
    }

    @Test
    void one_who_asks_while_a_call_breaks_off_for_all_its_readers_has_a_call_of_its_own() throws Exception {
        CircuitBreakerRegistry registry = CircuitBreakerRegistry.ofDefaults();
        airport.close();
        airport = new Airport(builder -> builder.circuitBreakerRegistry(registry));
        CompletableFuture<Future<ChatResponse>> late = new CompletableFuture<>();
        CompletableFuture<Attempt> own = new CompletableFuture<>();
        // Heard on the thread of the call that breaks off, before it has ended.
        registry.circuitBreaker("first").getEventPublisher().onError(event -> {
            late.complete(airport.chat());
            try {
                own.complete(airport.first.next());
            } catch (InterruptedException e) {
                own.completeExceptionally(e);
            }
        });
        Reader reader = airport.stream(StreamRescue.FAIL);
        Attempt broken = airport.first.next();
        broken.say("half");
        reader.awaitSeen(1);
        airport.awaitWaiting(1);
        broken.fail(FailureKind.NETWORK);

        get(own).say("fine").finish();
        assertThat(get(get(late)).text()).isEqualTo("fine");
        assertThat(reader.failure()).isInstanceOf(StreamFailedException.class);
        airport.assertNothingIsLeft();
    }

    @Test
    void one_who_joins_late_reads_the_answer_from_its_beginning() throws Exception {
        Reader early = airport.stream(StreamRescue.RESTART);
        airport.first.next().say("void").fail(FailureKind.NETWORK);
        Attempt attempt = airport.second.next();
        attempt.say("o", "ne");
        Reader late = airport.stream(StreamRescue.FAIL);
        late.awaitSeen(2);
        attempt.say(" two").finish();
        assertThat(late.response().text()).isEqualTo("one two");
        assertThat(late.seen())
                .containsExactly(
                        new ChatEvent.Text("o"),
                        new ChatEvent.Text("ne"),
                        new ChatEvent.Text(" two"),
                        new ChatEvent.Finished(FinishReason.STOP));
        assertThat(early.response().text()).isEqualTo("one two");
        assertThat(early.text()).isEqualTo("one two");
    }

    @Test
    void a_stream_that_joins_a_call_for_a_whole_answer_gets_its_pieces_when_they_come() throws Exception {
        Future<ChatResponse> whole = airport.chat();
        Attempt attempt = airport.first.next();
        assertThat(attempt.delivery()).isEqualTo(Delivery.WHOLE);
        Reader stream = airport.stream(StreamRescue.FAIL);
        airport.awaitWaiting(2);
        attempt.say("fine").finish();
        assertThat(stream.response().text()).isEqualTo("fine");
        assertThat(stream.text()).isEqualTo("fine");
        assertThat(get(whole).text()).isEqualTo("fine");
    }

    @Test
    void a_slow_reader_slows_nobody_and_still_gets_everything() throws Exception {
        int pieces = 2_000;
        ChatStream slow = airport.orchestrator.stream(REQUEST);
        Attempt attempt = airport.first.next();
        Reader quick = airport.stream(StreamRescue.FAIL);
        StringBuilder all = new StringBuilder();
        for (int i = 0; i < pieces; i++) {
            attempt.say(i + " ");
            all.append(i).append(' ');
        }
        attempt.finish();
        assertThat(quick.response().text()).isEqualTo(all.toString());
        assertThat(quick.seen()).hasSize(pieces + 1);

        StringBuilder read = new StringBuilder();
        slow.forEach(event -> read.append(event instanceof ChatEvent.Text piece ? piece.text() : ""));
        assertThat(read.toString()).isEqualTo(all.toString());
        assertThat(slow.response().text()).isEqualTo(all.toString());
        airport.assertNothingIsLeft();
    }

    @Test
    void a_reader_that_is_behind_is_spared_the_rest_of_an_answer_that_is_void() throws Exception {
        List<ChatEvent> heard = new CopyOnWriteArrayList<>();
        CountDownLatch hearing = new CountDownLatch(1);
        CountDownLatch resumed = new CountDownLatch(1);
        CompletableFuture<Void> end = new CompletableFuture<>();
        airport.orchestrator
                .publish(REQUEST, CallOptions.defaults().withStreamRescue(StreamRescue.RESTART))
                .subscribe(new Flow.Subscriber<>() {
                    @Override
                    public void onSubscribe(Flow.Subscription subscription) {
                        subscription.request(Long.MAX_VALUE);
                    }

                    @Override
                    public void onNext(ChatEvent event) {
                        heard.add(event);
                        hearing.countDown();
                        try {
                            resumed.await();
                        } catch (InterruptedException e) {
                            throw new IllegalStateException(e);
                        }
                    }

                    @Override
                    public void onError(Throwable failure) {
                        end.completeExceptionally(failure);
                    }

                    @Override
                    public void onComplete() {
                        end.complete(null);
                    }
                });
        Attempt broken = airport.first.next();
        broken.say("a");
        hearing.await();
        broken.say("b", "c").fail(FailureKind.NETWORK);
        airport.second.next().say("fine").finish();
        resumed.countDown();
        get(end);
        assertThat(heard)
                .containsExactly(
                        new ChatEvent.Text("a"),
                        new ChatEvent.Restarted("first", FailureKind.NETWORK),
                        new ChatEvent.Text("fine"),
                        new ChatEvent.Finished(FinishReason.STOP));
    }

    @Test
    void a_reader_that_is_slower_than_its_deadline_ends_alone_and_in_time() throws Exception {
        ChatStream slow = airport.orchestrator.stream(REQUEST, deadline(Duration.ofSeconds(5)));
        Attempt attempt = airport.first.next();
        Future<ChatResponse> other = airport.chat();
        airport.awaitWaiting(2);
        for (int i = 0; i < 1_000; i++) {
            attempt.say("x");
        }
        airport.awaitWaiting(1);
        airport.time.advance(Duration.ofSeconds(5));
        assertThatThrownBy(slow::response).isInstanceOf(DeadlineExceededException.class);
        attempt.finish();
        assertThat(get(other).text()).hasSize(1_000);
        airport.assertNothingIsLeft();
    }

    // ---- Threads

    @Test
    void callers_who_fill_their_executor_do_not_keep_their_flight_from_its_thread() throws Exception {
        ExecutorService one = Executors.newSingleThreadExecutor();
        try (Airport small = new Airport(builder -> builder.executor(one))) {
            List<CompletableFuture<ChatResponse>> calls = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                calls.add(small.orchestrator.chatAsync(REQUEST));
            }
            small.first.next().say("fine").finish();
            for (CompletableFuture<ChatResponse> call : calls) {
                assertThat(get(call).text()).isEqualTo("fine");
            }
            assertThat(small.first.asked()).isOne();
        } finally {
            one.shutdownNow();
        }
    }

    @Test
    void an_executor_that_refuses_has_begun_no_flight() throws Exception {
        try (Airport full = new Airport(builder -> builder.executor(task -> {
            throw new RejectedExecutionException("full");
        }))) {
            assertReason(failureOf(full.orchestrator.chatAsync(REQUEST)), Reason.NO_THREAD);
            assertThat(full.first.asked()).isZero();
        }
    }

    // ---- Closing

    @Test
    void closing_ends_a_flight_and_all_who_wait_for_it() throws Exception {
        Future<ChatResponse> call = airport.chat();
        Attempt attempt = airport.first.next();
        CompletableFuture<ChatResponse> future = airport.orchestrator.chatAsync(REQUEST);
        Reader stream = airport.stream(StreamRescue.HOLD);
        airport.awaitWaiting(3);
        airport.orchestrator.close();
        attempt.awaitCancelled();
        assertReason(failureOf(call), Reason.CLOSED);
        assertReason(failureOf(future), Reason.CLOSED);
        assertReason(stream.failure(), Reason.CLOSED);
        assertThat(airport.time.pendingTimers()).isZero();
    }

    @Test
    void closing_waits_for_a_flight_as_for_every_call() throws Exception {
        try (Airport draining = new Airport(builder -> builder.drainTimeout(DEADLINE))) {
            Future<ChatResponse> call = draining.chat();
            Attempt attempt = draining.first.next();
            draining.awaitWaiting(1);
            Thread closing = new Thread(draining.orchestrator::close);
            closing.start();
            while (closing.getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            attempt.say("fine").finish();
            assertThat(get(call).text()).isEqualTo("fine");
            closing.join(10_000);
            assertThat(closing.isAlive()).isFalse();
        }
    }

    @ParameterizedTest
    @EnumSource
    void an_orchestrator_that_is_closed_answers_nobody_from_its_cache(StreamRescue rescue) throws Exception {
        Reader reader = airport.stream(rescue);
        airport.first.next().say("fine").finish();
        reader.response();
        airport.orchestrator.close();
        assertThatThrownBy(() -> airport.orchestrator.chat(REQUEST)).satisfies(e -> assertReason(e, Reason.CLOSED));
        assertThatThrownBy(() -> airport.orchestrator.stream(REQUEST).hasNext())
                .satisfies(e -> assertReason(e, Reason.CLOSED));
    }
}
