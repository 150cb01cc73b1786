package ai.orchestrator.calls;

import static ai.orchestrator.calls.Stage.REQUEST;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.CallOptions;
import ai.orchestrator.CredentialsRejectedException;
import ai.orchestrator.DeadlineExceededException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.StreamFailedException;
import ai.orchestrator.StreamRescue;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.time.Deadline;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LimitsTest {

    private final ManualTimeSource time = new ManualTimeSource(Long.MAX_VALUE - 1_000);

    private Orchestrator two(Script first, Consumer<ProviderSettings.Builder> settings, Script second) {
        return Orchestrator.builder()
                .timeSource(time)
                .deadline(Duration.ofMinutes(5))
                .provider("first", p -> settings.accept(p.chatProvider(first).priority(1)))
                .provider("second", p -> p.chatProvider(second).priority(2))
                .build();
    }

    private static Trail.Failed firstFailure(ChatResponse answer) {
        return (Trail.Failed) answer.trail().steps().get(0);
    }

    // ---- max-concurrent

    @Test
    void so_many_attempts_run_at_once_and_the_others_go_on_to_the_next_provider() throws Exception {
        CountDownLatch inside = new CountDownLatch(3);
        CountDownLatch gate = new CountDownLatch(1);
        AtomicInteger running = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        Script gated = new Script((cancellation, sink) -> {
            most.accumulateAndGet(running.incrementAndGet(), Math::max);
            inside.countDown();
            Script.await(gate);
            running.decrementAndGet();
            Script.say(sink, "first");
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        });
        try (Orchestrator orchestrator = two(gated, p -> p.maxConcurrent(3), Script.answering("second"))) {
            List<CompletableFuture<ChatResponse>> futures = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                futures.add(orchestrator.chatAsync(REQUEST));
                gated.awaitCall();
            }
            for (int i = 0; i < 5; i++) {
                ChatResponse answer = orchestrator.chat(REQUEST);
                assertThat(answer.provider()).isEqualTo("second");
                assertThat(answer.trail().steps().get(0)).hasToString("first skipped: full: 3 attempts are under way");
            }
            Script.await(inside);
            gate.countDown();
            for (CompletableFuture<ChatResponse> future : futures) {
                assertThat(future.get(10, TimeUnit.SECONDS).provider()).isEqualTo("first");
            }
            assertThat(most).hasValue(3);
            assertThat(orchestrator.chat(REQUEST).provider()).isEqualTo("first");
        }
    }

    @Test
    void many_threads_never_run_more_attempts_than_allowed_and_lose_no_place() throws Exception {
        AtomicInteger running = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        Script counting = new Script((cancellation, sink) -> {
            most.accumulateAndGet(running.incrementAndGet(), Math::max);
            Thread.onSpinWait();
            running.decrementAndGet();
            Script.say(sink, "first");
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        });
        try (Orchestrator orchestrator = two(counting, p -> p.maxConcurrent(2), Script.answering("second"))) {
            List<CompletableFuture<ChatResponse>> futures = new ArrayList<>();
            for (int i = 0; i < 500; i++) {
                futures.add(orchestrator.chatAsync(REQUEST));
            }
            CompletableFuture.allOf(futures.toArray(CompletableFuture[]::new)).get(30, TimeUnit.SECONDS);
            assertThat(most.get()).isBetween(1, 2);
            assertThat(orchestrator.chat(REQUEST).provider()).isEqualTo("first");
            assertThat(time.pendingTimers()).isZero();
        }
    }

    @Test
    void less_than_no_place_is_refused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ProviderSettings.builder("p").maxConcurrent(-1));
    }

    // ---- Collected streams

    private static void collected(ProviderSettings.Builder settings) {
        settings.collectStreams(true).firstTokenTimeout(Duration.ofSeconds(10)).idleTimeout(Duration.ofSeconds(15));
    }

    @Test
    void a_collected_stream_has_the_limit_of_the_first_token() throws Exception {
        Script silent = Script.silentAfter();
        try (Orchestrator orchestrator = two(silent, LimitsTest::collected, Script.answering("fine"))) {
            CompletableFuture<ChatResponse> future = orchestrator.chatAsync(REQUEST);
            silent.awaitBlocked();
            time.advance(Duration.ofSeconds(10).minusNanos(1));
            assertThat(future).isNotDone();
            time.advance(Duration.ofNanos(1));
            ChatResponse answer = future.get(10, TimeUnit.SECONDS);
            assertThat(answer.provider()).isEqualTo("second");
            assertThat(firstFailure(answer).reason()).isEqualTo("no first token within 10 s");
        }
    }

    @Test
    void a_collected_stream_has_the_limit_of_silence_and_nothing_of_it_is_in_the_answer() throws Exception {
        Script half = Script.silentAfter("half an");
        try (Orchestrator orchestrator = two(half, LimitsTest::collected, Script.answering("fine"))) {
            CompletableFuture<ChatResponse> future = orchestrator.chatAsync(REQUEST);
            half.awaitBlocked();
            time.advance(Duration.ofSeconds(15).minusNanos(1));
            assertThat(future).isNotDone();
            time.advance(Duration.ofNanos(1));
            ChatResponse answer = future.get(10, TimeUnit.SECONDS);
            assertThat(answer.text()).isEqualTo("fine");
            assertThat(firstFailure(answer).reason()).isEqualTo("silent for 15 s");
        }
    }

    // ---- Half of the time

    @Test
    void a_whole_answer_has_half_of_the_time_while_another_provider_can_be_asked_and_that_one_has_the_rest()
            throws Exception {
        Script silent = Script.silentAfter();
        Script silentToo = Script.silentAfter();
        try (Orchestrator orchestrator = two(silent, p -> {}, silentToo)) {
            CompletableFuture<ChatResponse> future = orchestrator.chatAsync(REQUEST);
            silent.awaitBlocked();
            time.advance(Duration.ofSeconds(150).minusNanos(1));
            assertThat(silentToo.calls()).isZero();
            time.advance(Duration.ofNanos(1));
            silentToo.awaitBlocked();
            assertThat(orchestrator.circuitBreaker("first").status().failureCount())
                    .isOne();
            time.advance(Duration.ofSeconds(150));
            assertThatThrownBy(() -> future.get(10, TimeUnit.SECONDS))
                    .cause()
                    .isInstanceOfSatisfying(
                            DeadlineExceededException.class,
                            e -> assertThat(e.trail())
                                    .hasToString(
                                            "first failed after 150 s with TIMEOUT: no complete answer within 150 s; the"
                                                    + " rest of the call's time is for another provider; second failed after"
                                                    + " 150 s with TIMEOUT: no complete answer before the call's deadline"));
        }
    }

    @Test
    void a_whole_answer_has_all_the_time_while_nobody_else_can_be_asked() throws Exception {
        Script silent = Script.silentAfter();
        try (Orchestrator orchestrator = two(silent, p -> {}, Script.answering("fine"))) {
            orchestrator.circuitBreaker("second").forceOpen();
            CompletableFuture<ChatResponse> future = orchestrator.chatAsync(REQUEST);
            silent.awaitBlocked();
            time.advance(Duration.ofMinutes(5));
            assertThatThrownBy(() -> future.get(10, TimeUnit.SECONDS))
                    .cause()
                    .isInstanceOfSatisfying(
                            DeadlineExceededException.class,
                            e -> assertThat(e.trail().steps().get(0).toString())
                                    .startsWith("first failed after 300 s with TIMEOUT"));
        }
    }

    @Test
    void who_can_be_asked_is_seen_halfway_and_not_before() throws Exception {
        Script silent = Script.silentAfter();
        try (Orchestrator orchestrator = two(silent, p -> {}, Script.answering("fine"))) {
            orchestrator.circuitBreaker("second").forceOpen();
            CompletableFuture<ChatResponse> future = orchestrator.chatAsync(REQUEST);
            silent.awaitBlocked();
            orchestrator.circuitBreaker("second").reset();
            time.advance(Duration.ofSeconds(150));
            assertThat(future.get(10, TimeUnit.SECONDS).provider()).isEqualTo("second");

            CompletableFuture<ChatResponse> patient = orchestrator.chatAsync(REQUEST);
            silent.awaitBlocked();
            orchestrator.circuitBreaker("second").forceOpen();
            time.advance(Duration.ofSeconds(299));
            assertThat(silent.calls()).isEqualTo(2);
            orchestrator.circuitBreaker("second").reset();
            time.advance(Duration.ofSeconds(1));
            assertThatThrownBy(() -> patient.get(10, TimeUnit.SECONDS))
                    .cause()
                    .isInstanceOfSatisfying(
                            DeadlineExceededException.class,
                            e -> assertThat(e.trail().steps()).hasSize(1));
        }
    }

    @Test
    void the_rest_is_also_for_one_that_has_failed_and_may_be_asked_again() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        Script second = new Script((cancellation, sink) -> {
            if (asked.incrementAndGet() == 1) {
                throw ProviderException.of(FailureKind.OVERLOADED, "scripted");
            }
            Script.say(sink, "fine");
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        });
        Script silent = Script.silentAfter();
        try (Orchestrator orchestrator = two(silent, p -> p.priority(3), second)) {
            CompletableFuture<ChatResponse> future = orchestrator.chatAsync(REQUEST);
            silent.awaitBlocked();
            time.advance(Duration.ofSeconds(150));
            ChatResponse answer = future.get(10, TimeUnit.SECONDS);
            assertThat(answer.trail().steps()).hasSize(3);
            assertThat(answer.provider()).isEqualTo("second");
        }
    }

    @Test
    void who_is_always_slow_has_the_time_that_it_needs() throws Exception {
        CountDownLatch[] gates = {new CountDownLatch(1), new CountDownLatch(1)};
        AtomicInteger asked = new AtomicInteger();
        Script slow = new Script((cancellation, sink) -> {
            Script.await(gates[asked.getAndIncrement()]);
            Script.say(sink, "first");
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        });
        try (Orchestrator orchestrator = two(slow, p -> {}, Script.answering("second"))) {
            for (CountDownLatch gate : gates) {
                CompletableFuture<ChatResponse> future = orchestrator.chatAsync(REQUEST);
                slow.awaitCall();
                // Of two minutes the second time twice as long is more than half of the deadline.
                time.advance(gate == gates[0] ? Duration.ofMinutes(2) : Duration.ofMinutes(3));
                gate.countDown();
                assertThat(future.get(10, TimeUnit.SECONDS).provider()).isEqualTo("first");
            }
        }
    }

    @Test
    void what_another_providers_code_throws_when_it_is_looked_at_changes_nothing() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        Script patient = new Script((cancellation, sink) -> {
            Script.await(gate);
            Script.say(sink, "fine");
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        });
        ChatProvider broken = new ChatProvider() {
            @Override
            public Optional<String> unsupported(ChatRequest request) {
                throw new NoClassDefFoundError("scripted");
            }

            @Override
            public void chat(
                    ChatRequest request,
                    Delivery delivery,
                    Deadline deadline,
                    Cancellation cancellation,
                    EventSink sink) {
                throw new AssertionError("it cannot do anything");
            }
        };
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .deadline(Duration.ofMinutes(5))
                .provider("first", p -> p.chatProvider(patient).priority(1).maxConcurrent(1))
                .provider("broken", p -> p.chatProvider(broken).priority(2))
                .build()) {
            CompletableFuture<ChatResponse> future = orchestrator.chatAsync(REQUEST);
            patient.awaitCall();
            time.advance(Duration.ofMinutes(4));
            gate.countDown();
            assertThat(future.get(10, TimeUnit.SECONDS).provider()).isEqualTo("first");
            assertThat(orchestrator.status().providers().get(0).attempts().underWay())
                    .isZero();
        }
    }

    @Test
    void a_providers_own_limit_takes_the_place_of_half_of_the_time() throws Exception {
        Script silent = Script.silentAfter();
        try (Orchestrator orchestrator =
                two(silent, p -> p.totalTimeout(Duration.ofSeconds(299)), Script.answering("fine"))) {
            CompletableFuture<ChatResponse> future = orchestrator.chatAsync(REQUEST);
            silent.awaitBlocked();
            time.advance(Duration.ofSeconds(299));
            ChatResponse answer = future.get(10, TimeUnit.SECONDS);
            assertThat(firstFailure(answer).took()).isEqualTo(Duration.ofSeconds(299));
        }
    }

    @Test
    void a_stream_that_goes_on_is_not_cut_at_half_of_the_time() throws Exception {
        Script endless = Script.silentAfter("on and on");
        try (Orchestrator orchestrator = two(
                endless, p -> p.collectStreams(true).idleTimeout(Duration.ofMinutes(10)), Script.answering("fine"))) {
            CompletableFuture<ChatResponse> future = orchestrator.chatAsync(REQUEST);
            endless.awaitBlocked();
            time.advance(Duration.ofMinutes(5));
            assertThatThrownBy(() -> future.get(10, TimeUnit.SECONDS))
                    .cause()
                    .isInstanceOfSatisfying(DeadlineExceededException.class, e -> {
                        assertThat(e.trail().steps()).hasSize(1);
                        assertThat(e.partialText()).isEqualTo("on and on");
                    });
        }
    }

    // ---- Live reasoning

    private Recorder publishedWith(CallOptions options, int heardBeforeItFails) throws InterruptedException {
        Recorder subscriber = new Recorder(Long.MAX_VALUE);
        Script thinking = subscriber.breakingOffAfter(heardBeforeItFails, new ChatEvent.Reasoning("hmm"));
        try (Orchestrator orchestrator = two(thinking, p -> {}, Script.answering("fine"))) {
            orchestrator.publish(REQUEST, options).subscribe(subscriber);
            subscriber.awaitEnd();
        }
        return subscriber;
    }

    @Test
    void reasoning_is_held_back_so_that_a_failure_after_it_is_not_seen() throws Exception {
        assertThat(publishedWith(CallOptions.defaults(), 0).heard()).containsExactly("fine", "Finished", "onComplete");
    }

    @Test
    void live_reasoning_is_shown_and_then_the_contract_applies() throws Exception {
        Recorder failed = publishedWith(CallOptions.defaults().withLiveReasoning(), 1);
        assertThat(failed.heard()).containsExactly("Reasoning", "onError");
        assertThat(failed.awaitEnd()).isInstanceOf(StreamFailedException.class);

        CallOptions restart = CallOptions.defaults().withLiveReasoning().withStreamRescue(StreamRescue.RESTART);
        assertThat(publishedWith(restart, 1).heard())
                .containsExactly("Reasoning", "Restarted", "fine", "Finished", "onComplete");
    }

    @Test
    void under_HOLD_live_reasoning_changes_nothing() throws Exception {
        CallOptions hold = CallOptions.defaults().withLiveReasoning().withStreamRescue(StreamRescue.HOLD);
        assertThat(publishedWith(hold, 0).heard()).containsExactly("fine", "Finished", "onComplete");
    }

    // ---- When every provider is out

    @Test
    void keys_that_nobody_accepts_are_an_error_of_their_own_also_to_the_next_call() {
        Script first = Script.failing(FailureKind.CREDENTIAL);
        try (Orchestrator orchestrator = two(first, p -> {}, Script.failing(FailureKind.CREDENTIAL))) {
            for (int call = 1; call <= 2; call++) {
                int attempts = call == 1 ? 2 : 0;
                assertThatThrownBy(() -> orchestrator.chat(REQUEST))
                        .isInstanceOfSatisfying(CredentialsRejectedException.class, e -> {
                            assertThat(e).hasMessageContaining("check the keys");
                            assertThat(e.trail().attempts()).isEqualTo(attempts);
                            assertThat(e.earliestRetry()).contains(Duration.ofMinutes(10));
                        });
            }
            assertThat(first.calls()).isOne();
        }
    }

    @Test
    void one_provider_that_fails_otherwise_makes_it_no_matter_of_keys() {
        try (Orchestrator orchestrator =
                two(Script.failing(FailureKind.CREDENTIAL), p -> {}, Script.failing(FailureKind.PERMISSION))) {
            assertThatThrownBy(() -> orchestrator.chat(REQUEST)).isExactlyInstanceOf(AllProvidersFailedException.class);
        }
    }

    private static ProviderException limited(Duration hint) {
        return ProviderException.builder(FailureKind.RATE_LIMITED, "slow down")
                .retryAfter(hint)
                .build();
    }

    @Test
    void the_earliest_retry_is_the_shortest_of_all_providers() {
        Script minutes6 = Script.failingAfter(limited(Duration.ofMinutes(6)));
        Script minutes7 = Script.failingAfter(limited(Duration.ofMinutes(7)));
        try (Orchestrator orchestrator = two(minutes7, p -> {}, minutes6)) {
            assertThatThrownBy(() -> orchestrator.chat(REQUEST))
                    .isInstanceOfSatisfying(AllProvidersFailedException.class, e -> {
                        assertThat(e.earliestRetry()).contains(Duration.ofMinutes(6));
                        assertThat(e).hasMessageContaining("try again in 360 s");
                    });
            time.advance(Duration.ofMinutes(2));
            assertThatThrownBy(() -> orchestrator.chat(REQUEST))
                    .isInstanceOfSatisfying(AllProvidersFailedException.class, e -> {
                        assertThat(e.earliestRetry()).contains(Duration.ofMinutes(4));
                        assertThat(e.trail().attempts()).isZero();
                    });
        }
    }

    @Test
    void the_earliest_retry_waits_for_the_park_and_the_breaker_of_a_provider() {
        Script limited = Script.failingAfter(limited(Duration.ofMinutes(6)));
        try (Orchestrator orchestrator = two(limited, p -> {}, Script.answering("fine"))) {
            orchestrator.circuitBreaker("second").forceOpen();
            assertThatThrownBy(() -> orchestrator.chat(REQUEST)).isInstanceOf(AllProvidersFailedException.class);
            time.advance(Duration.ofMinutes(5).plusSeconds(30));
            for (int i = 0; i < 5; i++) {
                orchestrator.circuitBreaker("first").recordFailure();
            }
            // Parked for 30 s more, but its breaker is open for 60.
            assertThatThrownBy(() -> orchestrator.chat(REQUEST))
                    .isInstanceOfSatisfying(
                            AllProvidersFailedException.class,
                            e -> assertThat(e.earliestRetry()).contains(Duration.ofSeconds(60)));
        }
    }

    @Test
    void there_is_no_earliest_retry_where_one_may_be_asked_at_once_or_nobody_knows() {
        try (Orchestrator orchestrator = two(
                Script.failingAfter(limited(Duration.ofMinutes(6))), p -> {}, Script.failing(FailureKind.MALFORMED))) {
            CallOptions short100ms = CallOptions.defaults().withDeadline(Duration.ofMillis(100));
            assertThatThrownBy(() -> orchestrator.chat(REQUEST, short100ms))
                    .isInstanceOfSatisfying(
                            AllProvidersFailedException.class,
                            e -> assertThat(e.earliestRetry()).isEmpty());
        }
        try (Orchestrator orchestrator = two(Script.answering("fine"), p -> {}, Script.answering("fine"))) {
            orchestrator.circuitBreaker("first").forceOpen();
            orchestrator.circuitBreaker("second").forceOpen();
            assertThatThrownBy(() -> orchestrator.chat(REQUEST))
                    .isInstanceOfSatisfying(
                            AllProvidersFailedException.class,
                            e -> assertThat(e.earliestRetry()).isEmpty());
        }
    }
}
