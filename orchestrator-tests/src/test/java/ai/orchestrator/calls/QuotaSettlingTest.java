package ai.orchestrator.calls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.CallCancelledException;
import ai.orchestrator.CallOptions;
import ai.orchestrator.DeadlineExceededException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.RequestRejectedException;
import ai.orchestrator.StreamFailedException;
import ai.orchestrator.StreamRescue;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.RateLimit;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.quota.QuotaSettings;
import ai.orchestrator.quota.QuotaStatus;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Retries;
import ai.orchestrator.time.Deadline;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What of a provider's quota is used when a call has ended, in whatever way: what the answer took, or nothing. */
@Timeout(60)
class QuotaSettlingTest {

    private static final ChatRequest REQUEST = ChatRequest.of("hello");

    /** Eight for the request, eight for the message and three for its text, and those of an answer of usual length. */
    private static final long ESTIMATE = 8 + 8 + 3 + 1024;

    private static final long REQUESTS = 10;
    private static final long TOKENS = 10_000;
    private static final Usage USAGE = Usage.of(12, 30);
    private static final Duration DEADLINE = Duration.ofSeconds(30);

    private final ManualTimeSource time = new ManualTimeSource(Long.MAX_VALUE - 1_000);
    private final ExecutorService executor = Executors.newCachedThreadPool();
    private final AtomicReference<Orchestrator> opened = new AtomicReference<>();

    @AfterEach
    void close() {
        Orchestrator orchestrator = opened.get();
        if (orchestrator != null) {
            orchestrator.close();
        }
        executor.shutdownNow();
    }

    // ---- Given

    private Orchestrator.Builder builder() {
        return Orchestrator.builder()
                .timeSource(time)
                .instantSource(InstantSource.fixed(Instant.parse("2026-11-24T12:00:00Z")))
                .executor(executor)
                .deadline(DEADLINE)
                .drainTimeout(Duration.ZERO);
    }

    private static Consumer<ProviderSettings.Builder> limited(ChatProvider provider) {
        return p -> p.chatProvider(provider)
                .retry(Retries.NONE)
                .firstTokenTimeout(Duration.ofSeconds(10))
                .quota(QuotaSettings.builder()
                        .requestsPerDay(REQUESTS)
                        .tokensPerDay(TOKENS)
                        .build());
    }

    private Orchestrator open(Orchestrator.Builder builder) {
        Orchestrator orchestrator = builder.build();
        opened.set(orchestrator);
        return orchestrator;
    }

    private Orchestrator open(ChatProvider provider) {
        return open(builder().provider("only", limited(provider)));
    }

    private Orchestrator open(ChatProvider first, ChatProvider second) {
        return open(builder()
                .provider("only", limited(first).andThen(p -> p.priority(1)))
                .provider("spare", limited(second).andThen(p -> p.priority(2))));
    }

    private static Script answering(Usage usage) {
        return new Script((cancellation, sink) -> answer(sink, usage));
    }

    private static void answer(EventSink sink, Usage usage) {
        Script.say(sink, "fine");
        sink.event(new ChatEvent.Used(usage));
        sink.event(new ChatEvent.Finished(FinishReason.STOP));
    }

    /** Something else happens first when it is asked what it can do: after the call was begun, and before the attempt is. */
    private static ChatProvider answeringAfter(Runnable surprise) {
        Script script = answering(USAGE);
        return new ChatProvider() {
            @Override
            public Optional<String> unsupported(ChatRequest request) {
                surprise.run();
                return Optional.empty();
            }

            @Override
            public void chat(
                    ChatRequest request,
                    Delivery delivery,
                    Deadline deadline,
                    Cancellation cancellation,
                    EventSink sink) {
                script.chat(request, delivery, deadline, cancellation, sink);
            }
        };
    }

    // ---- Then

    private static List<QuotaStatus> quotas(Orchestrator orchestrator, String provider) {
        return orchestrator.status().providers().stream()
                .filter(status -> status.name().equals(provider))
                .findFirst()
                .orElseThrow()
                .quotas();
    }

    private static void assertUsed(Orchestrator orchestrator, String provider, long requests, long tokens) {
        assertThat(quotas(orchestrator, provider))
                .extracting(QuotaStatus::used)
                .as("requests and tokens of %s", provider)
                .containsExactly(requests, tokens);
    }

    private static void assertUsed(Orchestrator orchestrator, long requests, long tokens) {
        assertUsed(orchestrator, "only", requests, tokens);
    }

    private static void assertNothingIsUsed(Orchestrator orchestrator) {
        assertUsed(orchestrator, 0, 0);
        assertThat(orchestrator.status().providers().get(0).attempts().underWay())
                .isZero();
    }

    /** One call at a time is under way, on a thread of its own. */
    private static void awaitItsEnd(Orchestrator orchestrator) {
        while (orchestrator.status().providers().stream()
                .anyMatch(provider -> provider.attempts().underWay() > 0)) {
            Thread.onSpinWait();
        }
    }

    private static void assertReserved(Orchestrator orchestrator) {
        assertUsed(orchestrator, 1, ESTIMATE);
    }

    private static void failing(ThrowingCallable call, Class<? extends Throwable> type) {
        assertThatThrownBy(call).isInstanceOf(type);
    }

    // ---- Answers

    @Test
    void an_answer_takes_what_it_says() {
        Orchestrator orchestrator = open(answering(USAGE));
        orchestrator.chat(REQUEST);
        assertUsed(orchestrator, 1, 42);
        orchestrator.chat(REQUEST);
        assertUsed(orchestrator, 2, 84);
    }

    @Test
    void an_answer_that_does_not_say_takes_what_was_estimated() {
        Orchestrator orchestrator = open(Script.answering("fine"));
        orchestrator.chat(REQUEST);
        assertUsed(orchestrator, 1, ESTIMATE);
    }

    @Test
    void an_answer_may_take_more_than_was_estimated_and_more_than_there_was() {
        Orchestrator orchestrator = open(answering(Usage.of(5_000, 1_500)));
        orchestrator.chat(REQUEST);
        assertUsed(orchestrator, 1, 6_500);
        orchestrator.chat(REQUEST);
        assertUsed(orchestrator, 2, 13_000);
        assertThat(quotas(orchestrator, "only")).extracting(QuotaStatus::left).containsExactly(8L, 0L);
        assertThatThrownBy(() -> orchestrator.chat(REQUEST))
                .isInstanceOf(AllProvidersFailedException.class)
                .hasMessageContaining("quota used up: 10,000 tokens per day");
        assertUsed(orchestrator, 2, 13_000);
    }

    @Test
    void the_last_count_of_an_answer_counts() {
        Orchestrator orchestrator = open(new Script((cancellation, sink) -> {
            sink.event(new ChatEvent.Used(Usage.of(12, 1)));
            answer(sink, USAGE);
            sink.event(new ChatEvent.Used(Usage.of(1_000, 1_000)));
        }));
        orchestrator.chat(REQUEST);
        assertUsed(orchestrator, 1, 42);
    }

    @Test
    void the_longest_answer_that_a_request_allows_is_reserved() {
        Orchestrator[] asked = new Orchestrator[1];
        Orchestrator orchestrator = open(new Script((cancellation, sink) -> {
            assertUsed(asked[0], 1, ESTIMATE - 1024 + 77);
            answer(sink, USAGE);
        }));
        asked[0] = orchestrator;
        orchestrator.chat(ChatRequest.builder().user("hello").maxTokens(77).build());
        assertUsed(orchestrator, 1, 42);
    }

    @Test
    void what_goes_wrong_after_the_end_of_an_answer_takes_nothing_back() {
        Orchestrator orchestrator = open(new Script((cancellation, sink) -> {
            answer(sink, USAGE);
            throw ProviderException.of(FailureKind.NETWORK, "reset");
        }));
        orchestrator.chat(REQUEST);
        assertUsed(orchestrator, 1, 42);
    }

    // ---- Failures

    @ParameterizedTest
    @EnumSource
    void a_failure_takes_nothing_whatever_it_means_and_whatever_it_says_it_took(FailureKind kind) {
        Orchestrator orchestrator = open(new Script((cancellation, sink) -> {
            Script.say(sink, "fine");
            sink.event(new ChatEvent.Used(USAGE));
            throw ProviderException.of(kind, "on purpose");
        }));
        failing(() -> orchestrator.chat(REQUEST), OrchestratorException.class);
        assertNothingIsUsed(orchestrator);
    }

    @ParameterizedTest
    @ValueSource(classes = {IllegalStateException.class, StackOverflowError.class})
    void what_nobody_expected_takes_nothing(Class<? extends Throwable> thrown) {
        Orchestrator orchestrator = open(new Script((cancellation, sink) -> {
            sink.event(new ChatEvent.Used(USAGE));
            if (thrown == StackOverflowError.class) {
                throw new StackOverflowError("deep");
            }
            throw new IllegalStateException("a bug");
        }));
        failing(
                () -> orchestrator.chat(REQUEST),
                thrown == StackOverflowError.class ? thrown : AllProvidersFailedException.class);
        assertNothingIsUsed(orchestrator);
    }

    @Test
    void an_answer_without_its_end_takes_nothing() {
        Orchestrator orchestrator = open(new Script((cancellation, sink) -> Script.say(sink, "half")));
        failing(() -> orchestrator.chat(REQUEST), AllProvidersFailedException.class);
        assertNothingIsUsed(orchestrator);
    }

    @Test
    void each_attempt_reserves_for_itself_and_the_failed_one_has_given_back_by_then() {
        Orchestrator[] asked = new Orchestrator[1];
        AtomicBoolean again = new AtomicBoolean();
        Script script = new Script((cancellation, sink) -> {
            assertReserved(asked[0]);
            if (again.compareAndSet(false, true)) {
                throw ProviderException.of(FailureKind.SERVER, "broken");
            }
            answer(sink, USAGE);
        });
        Orchestrator orchestrator =
                open(builder().provider("only", limited(script).andThen(p -> p.retry(Retries.AT_ONCE))));
        asked[0] = orchestrator;
        assertThat(orchestrator.chat(REQUEST).trail().attempts()).isEqualTo(2);
        assertUsed(orchestrator, 1, 42);
    }

    @Test
    void who_serves_in_the_place_of_another_pays() {
        Orchestrator orchestrator = open(Script.failing(FailureKind.OVERLOADED), answering(USAGE));
        orchestrator.chat(REQUEST);
        assertNothingIsUsed(orchestrator);
        assertUsed(orchestrator, "spare", 1, 42);
    }

    @Test
    void an_error_of_who_is_looked_at_next_does_not_keep_what_the_failed_one_had_reserved() {
        AtomicBoolean isBroken = new AtomicBoolean();
        ChatProvider spare = answeringAfter(() -> {
            if (isBroken.get()) {
                throw new StackOverflowError("deep");
            }
        });
        Orchestrator orchestrator = open(
                new Script((cancellation, sink) -> {
                    isBroken.set(true);
                    throw ProviderException.of(FailureKind.OVERLOADED, "busy");
                }),
                spare);
        failing(() -> orchestrator.chat(REQUEST), StackOverflowError.class);
        assertNothingIsUsed(orchestrator);
        assertUsed(orchestrator, "spare", 0, 0);
    }

    // ---- Other guards

    @Test
    void a_call_that_the_breaker_refuses_takes_nothing() {
        Orchestrator orchestrator = open(answering(USAGE));
        orchestrator.circuitBreaker("only").forceOpen();
        assertThatThrownBy(() -> orchestrator.chat(REQUEST))
                .isInstanceOf(AllProvidersFailedException.class)
                .hasMessageContaining("forced open");
        assertNothingIsUsed(orchestrator);
    }

    @Test
    void a_call_that_meets_a_trial_under_way_takes_nothing_and_the_trial_keeps_its_share() throws Exception {
        CountDownLatch end = new CountDownLatch(1);
        Script script = new Script((cancellation, sink) -> {
            Script.await(end);
            answer(sink, USAGE);
        });
        CircuitBreakerSettings breaker =
                CircuitBreakerSettings.builder().failureThreshold(1).build();
        Orchestrator orchestrator =
                open(builder().provider("only", limited(script).andThen(p -> p.circuitBreaker(breaker))));
        orchestrator.circuitBreaker("only").recordFailure();
        time.advance(breaker.timeoutDuration());
        CompletableFuture<ChatResponse> trial = orchestrator.chatAsync(REQUEST);
        script.awaitCall();

        assertThatThrownBy(() -> orchestrator.chat(REQUEST)).hasMessageContaining("its trials are under way");
        assertReserved(orchestrator);
        end.countDown();
        trial.get(10, TimeUnit.SECONDS);
        assertUsed(orchestrator, 1, 42);
    }

    @Test
    void a_call_for_which_there_is_no_place_takes_nothing() throws Exception {
        CountDownLatch end = new CountDownLatch(1);
        Script script = new Script((cancellation, sink) -> {
            Script.await(end);
            answer(sink, USAGE);
        });
        Orchestrator orchestrator =
                open(builder().provider("only", limited(script).andThen(p -> p.maxConcurrent(1))));
        CompletableFuture<ChatResponse> first = orchestrator.chatAsync(REQUEST);
        script.awaitCall();
        assertThatThrownBy(() -> orchestrator.chat(REQUEST)).hasMessageContaining("full");
        assertReserved(orchestrator);
        end.countDown();
        first.get(10, TimeUnit.SECONDS);
        assertUsed(orchestrator, 1, 42);
    }

    @Test
    void a_call_that_the_quota_refuses_gives_its_place_back() {
        Orchestrator orchestrator = open(builder()
                .provider("only", limited(answering(Usage.of(10_000, 0))).andThen(p -> p.maxConcurrent(1))));
        orchestrator.chat(REQUEST);
        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> orchestrator.chat(REQUEST))
                    .hasMessageContaining("quota used up")
                    .hasMessageNotContaining("full");
        }
        assertUsed(orchestrator, 1, 10_000);
    }

    @Test
    void a_parked_provider_gives_nothing_away_and_who_goes_first_afterwards_pays() throws Exception {
        CountDownLatch end = new CountDownLatch(1);
        AtomicBoolean hasRefused = new AtomicBoolean();
        Script script = new Script((cancellation, sink) -> {
            if (hasRefused.compareAndSet(false, true)) {
                throw ProviderException.builder(FailureKind.RATE_LIMITED, "slow down")
                        .retryAfter(Duration.ofSeconds(5))
                        .build();
            }
            Script.await(end);
            answer(sink, USAGE);
        });
        Orchestrator orchestrator = open(script);
        failing(() -> orchestrator.chat(REQUEST), AllProvidersFailedException.class);
        assertThatThrownBy(() -> orchestrator.chat(REQUEST)).hasMessageContaining("parked for 5 s");
        assertNothingIsUsed(orchestrator);

        time.advance(Duration.ofSeconds(5));
        script.awaitCall();
        CompletableFuture<ChatResponse> first = orchestrator.chatAsync(REQUEST);
        script.awaitCall();
        assertThatThrownBy(() -> orchestrator.chat(REQUEST)).hasMessageContaining("another call tries it first");
        assertReserved(orchestrator);
        end.countDown();
        first.get(10, TimeUnit.SECONDS);
        assertUsed(orchestrator, 1, 42);
    }

    @Test
    void a_first_call_after_a_park_that_the_quota_refuses_leaves_the_turn_to_another() {
        AtomicBoolean hasRefused = new AtomicBoolean();
        Orchestrator orchestrator = open(new Script((cancellation, sink) -> {
            if (hasRefused.compareAndSet(false, true)) {
                sink.event(nothingLeftFor(Duration.ofSeconds(60)));
                throw ProviderException.builder(FailureKind.RATE_LIMITED, "slow down")
                        .retryAfter(Duration.ofSeconds(5))
                        .build();
            }
            answer(sink, USAGE);
        }));
        failing(() -> orchestrator.chat(REQUEST), AllProvidersFailedException.class);
        time.advance(Duration.ofSeconds(5));
        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> orchestrator.chat(REQUEST))
                    .hasMessageContaining("quota used up: 10 requests per day, next try in 55 s");
        }
        time.advance(Duration.ofSeconds(55));
        orchestrator.chat(REQUEST);
        assertUsed(orchestrator, 1, 42);
    }

    @Test
    void what_a_provider_says_with_its_answer_is_believed_too() {
        Orchestrator orchestrator = open(new Script((cancellation, sink) -> {
            sink.event(nothingLeftFor(Duration.ofSeconds(60)));
            answer(sink, USAGE);
        }));
        orchestrator.chat(REQUEST);
        assertUsed(orchestrator, REQUESTS, 42);
    }

    private static ChatEvent nothingLeftFor(Duration time) {
        return new ChatEvent.Limited(List.of(new RateLimit(
                "requests",
                Optional.of(Duration.ofDays(1)),
                OptionalLong.of(REQUESTS),
                OptionalLong.of(0),
                Optional.of(time))));
    }

    @Test
    void of_several_that_keep_a_call_away_the_last_one_to_give_way_tells_when() {
        CircuitBreakerSettings breaker = CircuitBreakerSettings.builder()
                .failureThreshold(1)
                .timeoutDuration(Duration.ofSeconds(40))
                .build();
        Script script = new Script((cancellation, sink) -> {
            sink.event(nothingLeftFor(Duration.ofSeconds(60)));
            throw ProviderException.builder(FailureKind.RATE_LIMITED, "slow down")
                    .retryAfter(Duration.ofSeconds(5))
                    .build();
        });
        Orchestrator orchestrator =
                open(builder().provider("only", limited(script).andThen(p -> p.circuitBreaker(breaker))));
        failing(() -> orchestrator.chat(REQUEST), AllProvidersFailedException.class);
        assertSkipped(orchestrator, "parked for 5 s after RATE_LIMITED", Duration.ofSeconds(60));
        time.advance(Duration.ofSeconds(50));
        orchestrator.circuitBreaker("only").recordFailure();
        assertSkipped(orchestrator, "quota used up: 10 requests per day", Duration.ofSeconds(40));
        time.advance(Duration.ofSeconds(10));
        assertSkipped(orchestrator, "circuit breaker open", Duration.ofSeconds(30));
    }

    private static void assertSkipped(Orchestrator orchestrator, String reason, Duration retryIn) {
        assertThat(orchestrator.explain(REQUEST).candidates()).singleElement().satisfies(candidate -> {
            assertThat(candidate.skipped()).contains(reason);
            assertThat(candidate.retryIn()).contains(retryIn);
        });
        assertThatThrownBy(() -> orchestrator.chat(REQUEST))
                .isInstanceOfSatisfying(AllProvidersFailedException.class, failure -> {
                    assertThat(failure.earliestRetry()).contains(retryIn);
                    assertThat(failure.trail().steps())
                            .containsExactly(new Trail.Skipped("only", reason, Optional.of(retryIn)));
                });
    }

    @Test
    void a_wait_at_whose_end_the_quota_would_refuse_is_not_begun() {
        Script script = new Script((cancellation, sink) -> {
            sink.event(nothingLeftFor(Duration.ofHours(6)));
            throw ProviderException.of(FailureKind.SERVER, "broken");
        });
        Orchestrator orchestrator = open(builder()
                .provider(
                        "only",
                        p -> p.chatProvider(script)
                                .quota(QuotaSettings.builder()
                                        .requestsPerDay(REQUESTS)
                                        .build())));
        assertThatThrownBy(() -> orchestrator.chat(REQUEST))
                .isInstanceOf(AllProvidersFailedException.class)
                .hasMessageContaining("not asked again: quota used up: 10 requests per day");
        assertThat(script.calls()).isOne();
        assertThat(time.pendingTimers()).isZero();
    }

    @Test
    void a_provider_that_cannot_say_what_it_can_do_takes_nothing() {
        Orchestrator orchestrator = open(answeringAfter(() -> {
            throw new IllegalStateException("a bug");
        }));
        failing(() -> orchestrator.chat(REQUEST), RequestRejectedException.class);
        assertNothingIsUsed(orchestrator);
    }

    // ---- Every door closed

    private Orchestrator failOpen(ChatProvider provider) {
        Orchestrator orchestrator = open(builder()
                .failOpen(true)
                .provider(
                        "only",
                        limited(provider)
                                .andThen(p -> p.circuitBreaker(CircuitBreakerSettings.builder()
                                        .failureThreshold(1)
                                        .build()))));
        orchestrator.circuitBreaker("only").recordFailure();
        return orchestrator;
    }

    @Test
    void who_is_asked_although_its_breaker_is_open_pays_all_the_same() {
        Orchestrator orchestrator = failOpen(answering(USAGE));
        orchestrator.chat(REQUEST);
        assertUsed(orchestrator, 1, 42);
    }

    @Test
    void who_is_asked_although_its_breaker_is_open_and_fails_takes_nothing() {
        Orchestrator orchestrator = failOpen(Script.failing(FailureKind.OVERLOADED));
        failing(() -> orchestrator.chat(REQUEST), AllProvidersFailedException.class);
        assertNothingIsUsed(orchestrator);
    }

    @Test
    void nobody_is_asked_beyond_its_quota_although_every_door_is_closed() {
        Script script = answering(Usage.of(10_000, 0));
        Orchestrator orchestrator = failOpen(script);
        orchestrator.chat(REQUEST);
        assertThatThrownBy(() -> orchestrator.chat(REQUEST)).hasMessageContaining("quota used up");
        assertThat(script.calls()).isOne();
        assertUsed(orchestrator, 1, 10_000);
    }

    // ---- Calls that end early

    @Test
    void a_call_that_was_cancelled_beforehand_takes_nothing() {
        Orchestrator orchestrator = open(answering(USAGE));
        Cancellation cancellation = new Cancellation();
        cancellation.cancel();
        failing(
                () -> orchestrator.chat(REQUEST, CallOptions.defaults().withCancellation(cancellation)),
                CallCancelledException.class);
        assertNothingIsUsed(orchestrator);
    }

    @Test
    void a_call_that_is_cancelled_between_its_reservation_and_its_attempt_takes_nothing() {
        Cancellation cancellation = new Cancellation();
        Orchestrator orchestrator = open(answeringAfter(cancellation::cancel));
        failing(
                () -> orchestrator.chat(REQUEST, CallOptions.defaults().withCancellation(cancellation)),
                CallCancelledException.class);
        assertNothingIsUsed(orchestrator);
    }

    @Test
    void a_call_that_is_interrupted_before_its_attempt_takes_nothing() {
        Orchestrator orchestrator =
                open(answeringAfter(() -> Thread.currentThread().interrupt()));
        failing(() -> orchestrator.chat(REQUEST), CallCancelledException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertNothingIsUsed(orchestrator);
    }

    @Test
    void a_call_whose_deadline_passes_before_its_attempt_takes_nothing() {
        Orchestrator orchestrator = open(answeringAfter(() -> time.advance(DEADLINE)));
        failing(() -> orchestrator.chat(REQUEST), DeadlineExceededException.class);
        assertNothingIsUsed(orchestrator);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "half"})
    void a_call_that_is_cancelled_while_it_waits_takes_nothing(String said) {
        Script script = Script.silentAfter(said);
        Orchestrator orchestrator = open(script);
        CompletableFuture<ChatResponse> future = orchestrator.chatAsync(REQUEST);
        script.awaitCall();
        assertReserved(orchestrator);
        assertThat(future.cancel(true)).isTrue();
        awaitItsEnd(orchestrator);
        assertNothingIsUsed(orchestrator);
    }

    @Test
    void a_call_that_is_cancelled_after_the_end_of_its_answer_takes_what_it_says() {
        CountDownLatch told = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        Orchestrator orchestrator = open(new Script((cancellation, sink) -> {
            answer(sink, USAGE);
            told.countDown();
            Script.await(end);
        }));
        CompletableFuture<ChatResponse> future = orchestrator.chatAsync(REQUEST);
        Script.await(told);
        assertReserved(orchestrator);
        future.cancel(true);
        end.countDown();
        awaitItsEnd(orchestrator);
        assertUsed(orchestrator, 1, 42);
    }

    @Test
    void an_interrupted_call_takes_nothing() throws Exception {
        Script script = Script.silentAfter("half");
        Orchestrator orchestrator = open(script);
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        Thread caller = new Thread(() -> thrown.set(catchThrowable(() -> orchestrator.chat(REQUEST))));
        caller.start();
        script.awaitBlocked();
        assertReserved(orchestrator);
        caller.interrupt();
        caller.join();
        assertThat(thrown.get()).isInstanceOf(CallCancelledException.class);
        assertNothingIsUsed(orchestrator);
    }

    @Test
    void a_call_that_is_cut_off_by_its_deadline_takes_nothing() {
        Script script = Script.silentAfter("half");
        Orchestrator orchestrator = open(script);
        CompletableFuture<ChatResponse> future = orchestrator.chatAsync(REQUEST);
        script.awaitBlocked();
        time.advance(DEADLINE);
        assertThat(future)
                .failsWithin(Duration.ofSeconds(10))
                .withThrowableThat()
                .withCauseInstanceOf(DeadlineExceededException.class);
        assertNothingIsUsed(orchestrator);
    }

    @Test
    void a_provider_that_is_silent_for_too_long_takes_nothing() {
        Script script = Script.silentAfter();
        Orchestrator orchestrator = open(script);
        try (ChatStream stream = orchestrator.stream(REQUEST)) {
            script.awaitBlocked();
            assertReserved(orchestrator);
            time.advance(Duration.ofSeconds(10));
            assertThatThrownBy(stream::hasNext).hasMessageContaining("no first token within 10 s");
        }
        assertNothingIsUsed(orchestrator);
    }

    @Test
    void closing_ends_calls_and_they_take_nothing() {
        Script script = Script.silentAfter("half");
        Orchestrator orchestrator = open(script);
        CompletableFuture<ChatResponse> future = orchestrator.chatAsync(REQUEST);
        script.awaitBlocked();
        orchestrator.close();
        assertThat(future)
                .failsWithin(Duration.ofSeconds(10))
                .withThrowableThat()
                .withCauseInstanceOf(CallCancelledException.class);
        awaitItsEnd(orchestrator);
        assertNothingIsUsed(orchestrator);
    }

    @Test
    void closing_waits_for_calls_and_they_take_what_they_say() throws Exception {
        CountDownLatch end = new CountDownLatch(1);
        Script script = new Script((cancellation, sink) -> {
            Script.await(end);
            answer(sink, USAGE);
        });
        Orchestrator orchestrator =
                open(builder().drainTimeout(Duration.ofSeconds(10)).provider("only", limited(script)));
        CompletableFuture<ChatResponse> future = orchestrator.chatAsync(REQUEST);
        script.awaitCall();
        CompletableFuture<Void> closing = CompletableFuture.runAsync(orchestrator::close, executor);
        end.countDown();
        assertThat(future.get(10, TimeUnit.SECONDS).text()).isEqualTo("fine");
        closing.get(10, TimeUnit.SECONDS);
        assertUsed(orchestrator, 1, 42);
    }

    // ---- Streams

    private static Script inPieces() {
        return new Script((cancellation, sink) -> {
            for (int i = 0; i < 4; i++) {
                Script.say(sink, "piece");
            }
            sink.event(new ChatEvent.Used(USAGE));
            if (cancellation.isCancelled()) {
                throw ProviderException.of(FailureKind.CANCELLED, "cancelled");
            }
            Script.awaitCancel(cancellation);
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4})
    void a_stream_that_is_left_takes_nothing_wherever_its_reader_was(int pieces) {
        Script script = inPieces();
        Orchestrator orchestrator = open(script);
        try (ChatStream stream = orchestrator.stream(REQUEST)) {
            script.awaitCall();
            for (int i = 0; i < pieces; i++) {
                assertThat(stream.next()).isInstanceOf(ChatEvent.Text.class);
            }
            assertReserved(orchestrator);
        }
        awaitItsEnd(orchestrator);
        assertNothingIsUsed(orchestrator);
    }

    @ParameterizedTest
    @EnumSource
    void a_stream_that_is_left_after_its_end_takes_what_it_says(StreamRescue rescue) {
        Orchestrator orchestrator = open(answering(USAGE));
        try (ChatStream stream =
                orchestrator.stream(REQUEST, CallOptions.defaults().withStreamRescue(rescue))) {
            List<ChatEvent> events = new ArrayList<>();
            while (events.isEmpty() || !(events.get(events.size() - 1) instanceof ChatEvent.Finished)) {
                events.add(stream.next());
            }
        }
        awaitItsEnd(orchestrator);
        assertUsed(orchestrator, 1, 42);
    }

    @ParameterizedTest
    @EnumSource
    void a_stream_that_breaks_off_takes_nothing_and_who_takes_over_pays(StreamRescue rescue) {
        Script broken = new Script((cancellation, sink) -> {
            Script.say(sink, "half");
            sink.event(new ChatEvent.Used(USAGE));
            throw ProviderException.of(FailureKind.NETWORK, "reset");
        });
        Orchestrator orchestrator = open(broken, answering(Usage.of(7, 7)));
        try (ChatStream stream =
                orchestrator.stream(REQUEST, CallOptions.defaults().withStreamRescue(rescue))) {
            if (rescue == StreamRescue.FAIL) {
                failing(stream::response, StreamFailedException.class);
            } else {
                assertThat(stream.response().provider()).isEqualTo("spare");
            }
        }
        awaitItsEnd(orchestrator);
        assertNothingIsUsed(orchestrator);
        assertUsed(orchestrator, "spare", rescue == StreamRescue.FAIL ? 0 : 1, rescue == StreamRescue.FAIL ? 0 : 14);
    }

    @Test
    void a_subscriber_that_leaves_pays_nothing() {
        Script script = Script.endless();
        Orchestrator orchestrator = open(script);
        Recorder subscriber = new Recorder(1);
        orchestrator.publish(REQUEST).subscribe(subscriber);
        script.awaitCall();
        assertReserved(orchestrator);
        subscriber.subscription().cancel();
        awaitItsEnd(orchestrator);
        assertNothingIsUsed(orchestrator);
    }

    // ---- Answers for several

    @Test
    void an_answer_from_the_cache_takes_nothing() {
        Script script = answering(USAGE);
        Orchestrator orchestrator = open(builder().cacheEnabled(true).provider("only", limited(script)));
        for (int i = 0; i < 3; i++) {
            assertThat(orchestrator.chat(REQUEST).text()).isEqualTo("fine");
        }
        assertThat(script.calls()).isOne();
        assertUsed(orchestrator, 1, 42);
    }

    @Test
    void calls_that_share_a_flight_take_what_one_takes() throws Exception {
        CountDownLatch end = new CountDownLatch(1);
        Script script = new Script((cancellation, sink) -> {
            Script.await(end);
            answer(sink, USAGE);
        });
        Orchestrator orchestrator = open(builder().cacheEnabled(true).provider("only", limited(script)));
        List<CompletableFuture<ChatResponse>> calls = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            calls.add(orchestrator.chatAsync(REQUEST));
        }
        script.awaitCall();
        assertReserved(orchestrator);
        end.countDown();
        for (CompletableFuture<ChatResponse> call : calls) {
            assertThat(call.get(10, TimeUnit.SECONDS).text()).isEqualTo("fine");
        }
        assertThat(script.calls()).isOne();
        assertUsed(orchestrator, 1, 42);
    }

    // ---- A quota of one

    @Test
    void when_each_of_these_ends_gives_back_a_quota_of_one_serves_the_next() {
        List<Script.Part> ends = new ArrayList<>();
        for (FailureKind kind : FailureKind.values()) {
            if (kind != FailureKind.CANCELLED) {
                ends.add((cancellation, sink) -> {
                    throw ProviderException.of(kind, "on purpose");
                });
            }
        }
        Script script = new Script((cancellation, sink) -> {
            if (ends.isEmpty()) {
                answer(sink, USAGE);
            } else {
                ends.remove(0).play(cancellation, sink);
            }
        });
        Orchestrator orchestrator = open(builder()
                .provider(
                        "only",
                        limited(script)
                                .andThen(p -> p.quota(QuotaSettings.builder()
                                                .requestsPerDay(1)
                                                .build())
                                        .circuitBreaker(CircuitBreakerSettings.builder()
                                                .failureThreshold(1_000)
                                                .build()))));
        int failures = ends.size();
        for (int i = 0; i < failures; i++) {
            failing(() -> orchestrator.chat(REQUEST), OrchestratorException.class);
            // However long it was parked.
            time.advance(Duration.ofHours(1));
        }
        assertThat(orchestrator.chat(REQUEST).text()).isEqualTo("fine");
        assertThatThrownBy(() -> orchestrator.chat(REQUEST)).hasMessageContaining("quota used up: 1 request per day");
        assertThat(script.calls()).isEqualTo(failures + 1);
    }
}
