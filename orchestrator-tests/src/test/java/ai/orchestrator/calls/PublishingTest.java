package ai.orchestrator.calls;

import static ai.orchestrator.calls.Stage.DEADLINE;
import static ai.orchestrator.calls.Stage.REQUEST;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import ai.orchestrator.CallCancelledException;
import ai.orchestrator.CallOptions;
import ai.orchestrator.DeadlineExceededException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.StreamFailedException;
import ai.orchestrator.StreamRescue;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.testkit.ManualTimeSource;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class PublishingTest {

    private static final int MOST_UNREAD = 256;

    private static void subscribe(Stage stage, Flow.Subscriber<ChatEvent> subscriber) {
        stage.orchestrator.publish(REQUEST).subscribe(subscriber);
    }

    // ---- Asking

    @Test
    void events_come_as_they_are_asked_for() throws Exception {
        try (Stage stage = new Stage(Script.answering("a", "b", "c"))) {
            Recorder subscriber = new Recorder(0);
            subscribe(stage, subscriber);
            stage.provider.awaitCall();
            assertThat(subscriber.heard()).isEmpty();

            subscriber.subscription().request(1);
            subscriber.awaitHeard(1);
            subscriber.subscription().request(2);
            subscriber.awaitHeard(3);
            assertThat(subscriber.heard()).containsExactly("a", "b", "c");

            subscriber.subscription().request(1);
            assertThat(subscriber.awaitEnd()).isNull();
            assertThat(subscriber.heard()).containsExactly("a", "b", "c", "Finished", "onComplete");
            stage.assertNothingIsLeft();
            assertThat(stage.breaker()).isEqualTo(CircuitState.CLOSED);
        }
    }

    @Test
    void the_end_needs_not_be_asked_for() throws Exception {
        try (Stage stage = new Stage(Script.answering("a"))) {
            Recorder subscriber = new Recorder(2);
            subscribe(stage, subscriber);
            assertThat(subscriber.awaitEnd()).isNull();
            assertThat(subscriber.heard()).containsExactly("a", "Finished", "onComplete");
        }
    }

    @Test
    void who_never_asks_hears_of_the_deadline_of_a_silent_provider() throws Exception {
        try (Stage stage = new Stage(Script.silentAfter())) {
            Recorder subscriber = new Recorder(0);
            subscribe(stage, subscriber);
            stage.provider.awaitCall();
            stage.time.advance(DEADLINE);

            assertThat(subscriber.awaitEnd()).isInstanceOf(DeadlineExceededException.class);
            assertThat(subscriber.heard()).containsExactly("onError");
            stage.awaitCalls();
            assertThat(stage.time.pendingTimers()).isZero();
        }
    }

    @Test
    void who_never_asks_makes_the_provider_wait_until_the_deadline_which_is_not_its_fault() throws Exception {
        try (Stage stage = new Stage(Script.endless())) {
            Recorder subscriber = new Recorder(0);
            subscribe(stage, subscriber);
            stage.provider.awaitBlocked();
            stage.time.advance(DEADLINE);
            stage.assertNothingIsLeftNorCounted();

            // The error needs no demand, and nothing is lost: it has what had come.
            assertThat(subscriber.awaitEnd()).isInstanceOfSatisfying(StreamFailedException.class, e -> {
                assertThat(e.kind()).isEqualTo(FailureKind.CANCELLED);
                assertThat(e).hasMessageContaining("whoever reads the answer was too slow");
                assertThat(e.partialText()).hasSizeGreaterThanOrEqualTo(MOST_UNREAD);
            });
            assertThat(subscriber.heard()).containsExactly("onError");
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, Long.MIN_VALUE})
    void who_asks_for_nothing_or_less_hears_that_it_must_not_and_the_call_ends(long asked) throws Exception {
        try (Stage stage = new Stage(Script.silentAfter("a"))) {
            Recorder subscriber = new Recorder(1);
            subscribe(stage, subscriber);
            subscriber.awaitHeard(1);

            subscriber.subscription().request(asked);

            assertThat(subscriber.awaitEnd())
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("requested " + asked)
                    .hasMessageContaining("3.9");
            stage.assertNothingIsLeftNorCounted();
            assertThat(subscriber.heard()).containsExactly("a", "onError");
        }
    }

    @Test
    void who_asks_after_the_end_hears_nothing_more() throws Exception {
        try (Stage stage = new Stage(Script.answering("a"))) {
            Recorder subscriber = new Recorder(Long.MAX_VALUE);
            subscribe(stage, subscriber);
            assertThat(subscriber.awaitEnd()).isNull();

            subscriber.subscription().request(1);
            subscriber.subscription().request(0);
            subscriber.subscription().cancel();
            subscriber.subscription().cancel();
            assertThat(subscriber.heard()).containsExactly("a", "Finished", "onComplete");
            stage.assertNothingIsLeft();
        }
    }

    @Test
    void demand_is_added_up_without_overflow() throws Exception {
        try (Stage stage = new Stage(Script.answering("a", "b", "c"))) {
            Recorder subscriber = new Recorder(0) {
                @Override
                public void onSubscribe(Flow.Subscription given) {
                    super.onSubscribe(given);
                    given.request(Long.MAX_VALUE);
                    given.request(Long.MAX_VALUE);
                    given.request(1);
                }
            };
            subscribe(stage, subscriber);
            assertThat(subscriber.awaitEnd()).isNull();
            assertThat(subscriber.heard()).containsExactly("a", "b", "c", "Finished", "onComplete");
        }
    }

    // ---- Subscribers that throw

    /** Throws at one kind of signal. */
    private static final class Thrower extends Recorder {

        private final String at;
        private final RuntimeException thrown = new IllegalStateException("a subscriber's bug");
        private final CountDownLatch done = new CountDownLatch(1);

        private Thrower(String at) {
            super(Long.MAX_VALUE);
            this.at = at;
        }

        private void throwAt(String signal) {
            if (at.equals(signal)) {
                done.countDown();
                throw thrown;
            }
        }

        @Override
        public void onSubscribe(Flow.Subscription given) {
            super.onSubscribe(given);
            throwAt("onSubscribe");
        }

        @Override
        public void onNext(ChatEvent event) {
            super.onNext(event);
            throwAt("onNext");
        }

        @Override
        public void onError(Throwable failure) {
            super.onError(failure);
            throwAt("onError");
        }

        @Override
        public void onComplete() {
            super.onComplete();
            throwAt("onComplete");
        }
    }

    @Test
    void a_subscriber_that_throws_in_onSubscribe_gets_nothing_more_and_nobody_is_asked() throws Exception {
        try (Stage stage = new Stage(Script.answering("a"))) {
            Thrower subscriber = new Thrower("onSubscribe");
            subscribe(stage, subscriber);
            stage.assertNothingIsLeftNorCounted();
            assertThat(stage.provider.calls()).isZero();
            assertThat(subscriber.heard()).isEmpty();
        }
    }

    @Test
    void a_subscriber_that_throws_in_onNext_gets_nothing_more_and_its_call_ends() throws Exception {
        try (Stage stage = new Stage(Script.endless())) {
            Thrower subscriber = new Thrower("onNext");
            subscribe(stage, subscriber);
            subscriber.done.await();
            stage.assertNothingIsLeftNorCounted();
            assertThat(subscriber.heard()).containsExactly("x");
        }
    }

    @Test
    void a_subscriber_that_throws_in_onError_leaves_nothing_behind() throws Exception {
        try (Stage stage = new Stage(Script.failing(FailureKind.BAD_REQUEST))) {
            Thrower subscriber = new Thrower("onError");
            subscribe(stage, subscriber);
            subscriber.done.await();
            stage.assertNothingIsLeftNorCounted();
            assertThat(subscriber.heard()).containsExactly("onError");
        }
    }

    @Test
    void a_subscriber_that_throws_in_onComplete_leaves_nothing_behind() throws Exception {
        try (Stage stage = new Stage(Script.answering("a"))) {
            Thrower subscriber = new Thrower("onComplete");
            subscribe(stage, subscriber);
            subscriber.done.await();
            stage.assertNothingIsLeft();
            assertThat(stage.breaker()).isEqualTo(CircuitState.CLOSED);
            assertThat(subscriber.heard()).containsExactly("a", "Finished", "onComplete");
        }
    }

    @Test
    void an_error_that_a_subscriber_throws_ends_its_call_too() throws Exception {
        try (Stage stage = new Stage(Script.endless())) {
            CountDownLatch thrown = new CountDownLatch(1);
            Recorder subscriber = new Recorder(Long.MAX_VALUE) {
                @Override
                public void onNext(ChatEvent event) {
                    super.onNext(event);
                    thrown.countDown();
                    throw new StackOverflowError("deep");
                }
            };
            subscribe(stage, subscriber);
            thrown.await();
            stage.assertNothingIsLeftNorCounted();
            assertThat(subscriber.heard()).containsExactly("x");
        }
    }

    // ---- Cancelling

    @Test
    void who_cancels_in_onSubscribe_asks_nobody() throws Exception {
        try (Stage stage = new Stage(Script.answering("a"))) {
            Recorder subscriber = new Recorder(Long.MAX_VALUE) {
                @Override
                public void onSubscribe(Flow.Subscription given) {
                    super.onSubscribe(given);
                    given.cancel();
                }
            };
            subscribe(stage, subscriber);
            stage.assertNothingIsLeftNorCounted();
            assertThat(stage.provider.calls()).isZero();
            assertThat(subscriber.heard()).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 300, 1_000})
    void who_cancels_in_onNext_hears_nothing_more(int last) throws Exception {
        try (Stage stage = new Stage(Script.endless())) {
            CountDownLatch cancelled = new CountDownLatch(1);
            Recorder subscriber = new Recorder(Long.MAX_VALUE) {
                private int count;

                @Override
                public void onNext(ChatEvent event) {
                    super.onNext(event);
                    if (++count == last) {
                        subscription().cancel();
                        cancelled.countDown();
                    }
                }
            };
            subscribe(stage, subscriber);
            cancelled.await();
            stage.assertNothingIsLeftNorCounted();
            assertThat(subscriber.heard()).hasSize(last).containsOnly("x");
        }
    }

    @Test
    void who_cancels_before_anything_came_ends_the_call() throws Exception {
        try (Stage stage = new Stage(Script.silentAfter())) {
            Recorder subscriber = new Recorder(Long.MAX_VALUE);
            subscribe(stage, subscriber);
            stage.provider.awaitCall();
            subscriber.subscription().cancel();
            stage.assertNothingIsLeftNorCounted();
            assertThat(subscriber.heard()).isEmpty();
        }
    }

    @Test
    void who_cancels_while_the_provider_waits_for_it_ends_the_call() throws Exception {
        try (Stage stage = new Stage(Script.endless())) {
            Recorder subscriber = new Recorder(10);
            subscribe(stage, subscriber);
            subscriber.awaitHeard(10);
            subscriber.subscription().cancel();
            stage.assertNothingIsLeftNorCounted();
            assertThat(subscriber.heard()).hasSize(10);
        }
    }

    @Test
    void a_cancellation_among_the_options_is_an_error_to_the_subscriber() throws Exception {
        try (Stage stage = new Stage(Script.silentAfter("a"))) {
            Cancellation cancellation = new Cancellation();
            Recorder subscriber = new Recorder(Long.MAX_VALUE);
            stage.orchestrator
                    .publish(REQUEST, CallOptions.defaults().withCancellation(cancellation))
                    .subscribe(subscriber);
            subscriber.awaitHeard(1);
            cancellation.cancel();
            assertThat(subscriber.awaitEnd())
                    .isInstanceOfSatisfying(
                            CallCancelledException.class,
                            e -> assertThat(e.reason()).isEqualTo(CallCancelledException.Reason.CANCELLED));
            stage.assertNothingIsLeftNorCounted();
        }
    }

    // ---- Several subscribers, or none

    @Test
    void two_subscribers_make_two_calls() throws Exception {
        Script script = Script.answering("a", "b");
        try (Stage stage = new Stage(script)) {
            Flow.Publisher<ChatEvent> publisher = stage.orchestrator.publish(REQUEST);
            assertThat(script.calls()).as("nobody has subscribed").isZero();
            for (int i = 1; i <= 2; i++) {
                Recorder subscriber = new Recorder(Long.MAX_VALUE);
                publisher.subscribe(subscriber);
                assertThat(subscriber.awaitEnd()).isNull();
                assertThat(subscriber.heard()).containsExactly("a", "b", "Finished", "onComplete");
                assertThat(script.calls()).isEqualTo(i);
            }
        }
    }

    @Test
    void subscribers_do_not_wait_for_each_other() throws Exception {
        Script script = Script.endless();
        ManualTimeSource time = new ManualTimeSource();
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider("endless", p -> p.chatProvider(script))
                .build()) {
            Flow.Publisher<ChatEvent> publisher = orchestrator.publish(REQUEST);
            Recorder idle = new Recorder(1);
            Recorder busy = new Recorder(5_000);
            publisher.subscribe(idle);
            publisher.subscribe(busy);
            busy.awaitHeard(5_000);
            assertThat(idle.heard().size()).isLessThanOrEqualTo(1);
            idle.subscription().cancel();
            busy.subscription().cancel();
        }
    }

    @Test
    void no_subscriber_is_refused() {
        try (Stage stage = new Stage(Script.answering("a"))) {
            Flow.Publisher<ChatEvent> publisher = stage.orchestrator.publish(REQUEST);
            assertThatNullPointerException().isThrownBy(() -> subscribeNobody(publisher));
            assertThat(stage.provider.calls()).isZero();
        }
    }

    @SuppressWarnings("NullAway") // It is what is tested.
    private static void subscribeNobody(Flow.Publisher<ChatEvent> publisher) {
        publisher.subscribe(null);
    }

    // ---- A subscriber that takes its time

    @Test
    void a_subscriber_that_takes_long_over_an_event_is_not_the_providers_fault() throws Exception {
        CountDownLatch inOnNext = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        CountDownLatch subscribed = new CountDownLatch(1);
        // So that the subscriber is called on the provider's thread, not on the one that subscribes.
        Script script = new Script((cancellation, sink) -> {
            Script.await(subscribed);
            Script.say(sink, "a", "b");
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        });
        try (Stage stage = new Stage(script)) {
            Recorder subscriber = new Recorder(Long.MAX_VALUE) {
                @Override
                public void onNext(ChatEvent event) {
                    super.onNext(event);
                    inOnNext.countDown();
                    Script.await(goOn);
                }
            };
            subscribe(stage, subscriber);
            subscribed.countDown();
            inOnNext.await();
            // Longer than the idle limit, within the deadline.
            stage.time.advance(Duration.ofSeconds(17));
            goOn.countDown();

            assertThat(subscriber.awaitEnd()).isNull();
            assertThat(subscriber.heard()).containsExactly("a", "b", "Finished", "onComplete");
            stage.assertNothingIsLeft();
            assertThat(stage.breaker()).isEqualTo(CircuitState.CLOSED);
        }
    }

    // ---- When a provider breaks off

    private static List<String> heardFromTwo(StreamRescue rescue, Recorder subscriber, int heardBeforeItFails)
            throws InterruptedException {
        Script breakingOff = subscriber.breakingOffAfter(
                heardBeforeItFails, new ChatEvent.Text("half "), new ChatEvent.Text("an answ"));
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(new ManualTimeSource())
                .streamRescue(rescue)
                .provider("first", p -> p.chatProvider(breakingOff).priority(1))
                .provider(
                        "second",
                        p -> p.chatProvider(Script.answering("whole ", "answer"))
                                .priority(2))
                .build()) {
            orchestrator.publish(REQUEST).subscribe(subscriber);
            subscriber.awaitEnd();
        }
        return subscriber.heard();
    }

    @Test
    void under_FAIL_it_ends_with_what_had_come() throws Exception {
        Recorder subscriber = new Recorder(Long.MAX_VALUE);
        assertThat(heardFromTwo(StreamRescue.FAIL, subscriber, 0)).containsExactly("half ", "an answ", "onError");
        assertThat(subscriber.awaitEnd()).isInstanceOfSatisfying(StreamFailedException.class, e -> {
            assertThat(e.partialText()).isEqualTo("half an answ");
            assertThat(e.provider()).isEqualTo("first");
        });
    }

    @Test
    void under_HOLD_nothing_is_seen_of_it() throws Exception {
        assertThat(heardFromTwo(StreamRescue.HOLD, new Recorder(Long.MAX_VALUE), 0))
                .containsExactly("whole ", "answer", "Finished", "onComplete");
    }

    @Test
    void under_RESTART_what_was_read_is_declared_void() throws Exception {
        assertThat(heardFromTwo(StreamRescue.RESTART, new Recorder(Long.MAX_VALUE), 2))
                .containsExactly("half ", "an answ", "Restarted", "whole ", "answer", "Finished", "onComplete");
    }

    @Test
    void under_RESTART_nothing_is_declared_void_of_which_nothing_was_read() throws Exception {
        Script breakingOff = Script.failingAfter(ProviderException.of(FailureKind.NETWORK, "reset"), "half");
        CountDownLatch secondIsAsked = new CountDownLatch(1);
        Script second = new Script((cancellation, sink) -> {
            secondIsAsked.countDown();
            Script.say(sink, "whole");
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        });
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(new ManualTimeSource())
                .provider("first", p -> p.chatProvider(breakingOff).priority(1))
                .provider("second", p -> p.chatProvider(second).priority(2))
                .build()) {
            Recorder subscriber = new Recorder(0);
            orchestrator
                    .publish(REQUEST, CallOptions.defaults().withStreamRescue(StreamRescue.RESTART))
                    .subscribe(subscriber);
            secondIsAsked.await();
            subscriber.subscription().request(Long.MAX_VALUE);
            assertThat(subscriber.awaitEnd()).isNull();
            assertThat(subscriber.heard()).containsExactly("whole", "Finished", "onComplete");
        }
    }

    @Test
    void an_executor_that_runs_the_call_on_the_subscribing_thread_passes_every_event_on() throws Exception {
        String[] pieces = new String[1_000];
        Arrays.fill(pieces, "a");
        try (Stage stage = new Stage(Script.answering(pieces), settings -> settings.executor(Runnable::run))) {
            Recorder subscriber = new Recorder(Long.MAX_VALUE);
            subscribe(stage, subscriber);
            assertThat(subscriber.awaitEnd()).isNull();
            assertThat(subscriber.heard()).hasSize(1_002).endsWith("a", "Finished", "onComplete");
        }
    }
}
