package ai.orchestrator.calls;

import static ai.orchestrator.calls.Stage.REQUEST;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.CallCancelledException;
import ai.orchestrator.Explanation;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.breaker.Acquisition;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Retries;
import ai.orchestrator.time.Deadline;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ExplainTest {

    private final ManualTimeSource time = new ManualTimeSource();
    private final Script one = Script.silentAfter();
    private final Script two = Script.answering("fine");
    private final Orchestrator orchestrator = Orchestrator.builder()
            .timeSource(time)
            .provider(
                    "one",
                    p -> p.chatProvider(one)
                            .priority(1)
                            .maxConcurrent(1)
                            .circuitBreaker(CircuitBreakerSettings.builder()
                                    .failureThreshold(1)
                                    .build()))
            .provider("two", p -> p.chatProvider(two).priority(2))
            .provider("off", p -> p.chatProvider(two).priority(0).enabled(false))
            .build();

    @AfterEach
    void close() {
        orchestrator.close();
    }

    private String reason(String provider) {
        return candidate(provider).skipped().orElse("");
    }

    private Explanation.Candidate candidate(String provider) {
        return orchestrator.explain(REQUEST).candidates().stream()
                .filter(candidate -> candidate.provider().equals(provider))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void the_enabled_providers_are_named_in_their_order() {
        Explanation way = orchestrator.explain(REQUEST);
        assertThat(way.candidates()).extracting(Explanation.Candidate::provider).containsExactly("one", "two");
        assertThat(way.first()).contains("one");
        assertThat(way).hasToString("one may be asked; two may be asked");
    }

    @Test
    void looking_takes_and_moves_and_counts_nothing() {
        orchestrator.circuitBreaker("one").recordFailure();
        time.advance(Duration.ofSeconds(60));
        var before = orchestrator.circuitBreaker("one").status();
        var counters = orchestrator.circuitBreaker("one").counters();
        for (int i = 0; i < 100; i++) {
            assertThat(orchestrator.explain(REQUEST).first()).contains("one");
        }
        assertThat(orchestrator.circuitBreaker("one").state())
                .as("the wait is over, and only a call moves it on")
                .isEqualTo(CircuitState.OPEN);
        assertThat(orchestrator.circuitBreaker("one").status()).isEqualTo(before);
        assertThat(orchestrator.circuitBreaker("one").counters()).isEqualTo(counters);
        assertThat(one.calls() + two.calls()).isZero();
        assertThat(time.pendingTimers()).isZero();
    }

    @Test
    void an_open_breaker_is_a_reason_with_a_time() {
        orchestrator.circuitBreaker("one").recordFailure();
        time.advance(Duration.ofSeconds(18));
        assertThat(candidate("one").skipped()).contains("circuit breaker open");
        assertThat(candidate("one").retryIn()).contains(Duration.ofSeconds(42));
        assertThat(orchestrator.explain(REQUEST).first()).contains("two");
        assertThat(orchestrator.explain(REQUEST))
                .hasToString("one would be skipped: circuit breaker open, next try in 42 s; two may be asked");
    }

    @Test
    void an_operators_breaker_is_a_reason_without_a_time() {
        orchestrator.circuitBreaker("one").forceOpen();
        orchestrator.circuitBreaker("two").forceOpen();
        assertThat(reason("one")).isEqualTo("circuit breaker forced open by an operator");
        assertThat(candidate("one").retryIn()).isEmpty();
        assertThat(orchestrator.explain(REQUEST).first()).isEmpty();
    }

    @Test
    void a_place_that_is_taken_is_a_reason_until_it_is_given_back() {
        CompletableFuture<ChatResponse> future = orchestrator.chatAsync(REQUEST);
        one.awaitCall();
        assertThat(reason("one")).isEqualTo("full: 1 attempts are under way");
        assertThat(candidate("one").retryIn()).isEmpty();

        assertThat(orchestrator.chat(REQUEST).provider()).as("does not queue").isEqualTo("two");

        future.cancel(false);
        while (!reason("one").isEmpty()) {
            Thread.onSpinWait();
        }
    }

    @Test
    void a_place_is_given_back_after_every_kind_of_end() {
        for (FailureKind kind : FailureKind.values()) {
            ManualTimeSource clock = new ManualTimeSource();
            try (Orchestrator own = Orchestrator.builder()
                    .timeSource(clock)
                    .provider(
                            "own",
                            p -> p.chatProvider(Script.failing(kind))
                                    .maxConcurrent(1)
                                    .retry(RetrySettings.builder()
                                            .maxAttempts(1)
                                            .build()))
                    .build()) {
                assertThatThrownBy(() -> own.chat(REQUEST)).isInstanceOf(RuntimeException.class);
                clock.advance(Duration.ofDays(1));
                assertThat(own.explain(REQUEST).first()).as("%s", kind).contains("own");
                assertThat(clock.pendingTimers()).isZero();
            }
        }
    }

    @Test
    void a_trial_under_way_is_a_reason() {
        try (Stage stage = new Stage(Script.silentAfter())) {
            CompletableFuture<ChatResponse> future = stage.orchestrator.chatAsync(REQUEST);
            stage.provider.awaitCall();
            assertThat(stage.orchestrator.explain(REQUEST).candidates().get(0).skipped())
                    .as("full comes first")
                    .contains("full: 1 attempts are under way");
            future.cancel(false);
        }
        orchestrator.circuitBreaker("one").recordFailure();
        time.advance(Duration.ofSeconds(60));
        var trial = orchestrator.circuitBreaker("one").tryAcquire();
        assertThat(trial).isInstanceOf(Acquisition.Permit.class);
        assertThat(reason("one")).isEqualTo("circuit breaker half open, its trials are under way");
    }

    @Test
    void a_parked_provider_is_a_reason_with_the_time_that_it_asked_for() {
        ProviderException slowDown = ProviderException.builder(FailureKind.RATE_LIMITED, "slow down")
                .retryAfter(Duration.ofSeconds(33))
                .build();
        try (Orchestrator own = Orchestrator.builder()
                .timeSource(time)
                .provider(
                        "limited",
                        p -> p.chatProvider(Script.failingAfter(slowDown)).priority(1))
                .provider("two", p -> p.chatProvider(two).priority(2))
                .build()) {
            assertThat(own.chat(REQUEST).provider()).isEqualTo("two");
            time.advance(Duration.ofSeconds(3));
            Explanation.Candidate limited = own.explain(REQUEST).candidates().get(0);
            assertThat(limited.skipped()).contains("parked for 30 s after RATE_LIMITED");
            assertThat(limited.retryIn()).contains(Duration.ofSeconds(30));
            time.advance(Duration.ofSeconds(30));
            assertThat(own.explain(REQUEST).first()).contains("limited");
        }
    }

    /** The first call after a park goes alone; what it ends in is the provider's word. */
    @ParameterizedTest
    @ValueSource(strings = {"an answer", "a failure", "an error"})
    void the_others_may_come_when_the_first_call_after_a_park_has_ended(String end) {
        ProviderException slowDown = ProviderException.builder(FailureKind.RATE_LIMITED, "slow down")
                .retryAfter(Duration.ofSeconds(33))
                .build();
        AtomicInteger asked = new AtomicInteger();
        Script limited = new Script((cancellation, sink) -> {
            if (asked.incrementAndGet() == 1) {
                throw slowDown;
            }
            switch (end) {
                case "a failure" -> throw ProviderException.of(FailureKind.SERVER, "broken");
                case "an error" -> throw new StackOverflowError("deep");
                default -> {
                    Script.say(sink, "fine");
                    sink.event(new ChatEvent.Finished(FinishReason.STOP));
                }
            }
        });
        try (Orchestrator own = Orchestrator.builder()
                .timeSource(time)
                .provider("own", p -> p.chatProvider(limited).retry(Retries.NONE))
                .build()) {
            assertThat(catchThrowable(() -> own.chat(REQUEST))).isInstanceOf(AllProvidersFailedException.class);
            time.advance(Duration.ofSeconds(33));
            Throwable thrown = catchThrowable(() -> own.chat(REQUEST));
            assertThat(asked).hasValue(2);
            assertThat(thrown == null).isEqualTo(end.equals("an answer"));
            assertThat(own.explain(REQUEST).first()).contains("own");
        }
    }

    @Test
    void what_a_provider_cannot_do_is_a_reason() {
        ChatProvider unable = new ChatProvider() {
            @Override
            public Optional<String> unsupported(ChatRequest request) {
                return request.seed().isPresent() ? Optional.of("seed: has none") : Optional.empty();
            }

            @Override
            public void chat(
                    ChatRequest request,
                    Delivery delivery,
                    Deadline deadline,
                    Cancellation cancellation,
                    EventSink sink) {
                throw new IllegalStateException("must not be asked");
            }
        };
        try (Orchestrator own = Orchestrator.builder()
                .timeSource(time)
                .provider("unable", p -> p.chatProvider(unable))
                .build()) {
            ChatRequest seeded = ChatRequest.builder().user("hello").seed(1).build();
            assertThat(own.explain(seeded).candidates().get(0).skipped()).contains("cannot do seed: has none");
            assertThat(own.explain(REQUEST).first()).contains("unable");
        }
    }

    @Test
    void who_is_closed_has_no_way() {
        orchestrator.close();
        assertThatThrownBy(() -> orchestrator.explain(REQUEST))
                .isInstanceOfSatisfying(
                        CallCancelledException.class,
                        e -> assertThat(e.reason()).isEqualTo(CallCancelledException.Reason.CLOSED));
    }
}
