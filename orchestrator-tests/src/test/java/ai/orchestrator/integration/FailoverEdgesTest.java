package ai.orchestrator.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.CallCancelledException;
import ai.orchestrator.CallOptions;
import ai.orchestrator.CredentialsRejectedException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Retries;
import ai.orchestrator.time.Deadline;
import ai.orchestrator.time.TimeSource;
import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/** Where failover met its limits: each case was a fault once. */
@Timeout(20)
class FailoverEdgesTest {

    private static final ChatProvider ANSWERING = (request, delivery, deadline, cancellation, sink) -> {
        sink.event(new ChatEvent.Text("fine"));
        sink.event(new ChatEvent.Finished(FinishReason.STOP));
    };

    private final ManualTimeSource time = new ManualTimeSource(Long.MAX_VALUE - 1_000);

    /** Manual time that passes by itself where a call waits between two attempts. */
    private record WaitsPass(ManualTimeSource time) implements TimeSource {

        @Override
        public long nanoTime() {
            return time.nanoTime();
        }

        @Override
        public boolean await(CountDownLatch signal, long nanos) throws InterruptedException {
            if (signal.getCount() > 0) {
                time.advance(Duration.ofNanos(nanos));
            }
            return time.await(signal, 0);
        }

        @Override
        public Timer schedule(long nanos, Runnable task) {
            return time.schedule(nanos, task);
        }
    }

    /** Fails so many times, then answers. */
    private static ChatProvider failing(FailureKind... kinds) {
        Queue<FailureKind> left = new ArrayDeque<>(List.of(kinds));
        return (request, delivery, deadline, cancellation, sink) -> {
            FailureKind kind = left.poll();
            if (kind != null) {
                throw ProviderException.of(kind, "on purpose");
            }
            ANSWERING.chat(request, delivery, deadline, cancellation, sink);
        };
    }

    private static CircuitBreakerSettings opensAtOnce() {
        return CircuitBreakerSettings.builder()
                .failureThreshold(1)
                .timeoutDuration(Duration.ofSeconds(30))
                .build();
    }

    private CompletableFuture<ChatResponse> ask(Orchestrator orchestrator) {
        return CompletableFuture.supplyAsync(() -> orchestrator.chat("hello"));
    }

    @Test
    void a_failure_that_opens_the_breaker_is_not_followed_by_a_wait_for_the_same_provider() {
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .drainTimeout(Duration.ZERO)
                .provider(
                        "p",
                        p -> p.chatProvider(failing(FailureKind.OVERLOADED)).circuitBreaker(opensAtOnce()))
                .build()) {
            assertThat(ask(orchestrator))
                    .failsWithin(Duration.ofSeconds(5))
                    .withThrowableThat()
                    .havingCause()
                    .isInstanceOf(AllProvidersFailedException.class);
        }
    }

    @Test
    void a_failure_that_opens_the_breaker_fails_over_at_once() throws Exception {
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .drainTimeout(Duration.ZERO)
                .provider(
                        "a",
                        p -> p.chatProvider(failing(FailureKind.SERVER))
                                .priority(1)
                                .circuitBreaker(opensAtOnce()))
                .provider("b", p -> p.chatProvider(ANSWERING).priority(2))
                .build()) {
            assertThat(ask(orchestrator).get(5, TimeUnit.SECONDS).trail().steps())
                    .hasSize(2)
                    .last()
                    .isInstanceOf(Trail.Answered.class);
        }
    }

    @Test
    void a_key_that_was_refused_long_ago_is_not_blamed_for_a_breaker_forced_open() {
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider("p", p -> p.chatProvider(failing(FailureKind.CREDENTIAL)))
                .build()) {
            assertThatThrownBy(() -> orchestrator.chat("hello")).isInstanceOf(CredentialsRejectedException.class);
            time.advance(Duration.ofMinutes(10));
            orchestrator.circuitBreaker("p").forceOpen();

            assertThatThrownBy(() -> orchestrator.chat("hello"))
                    .isInstanceOf(AllProvidersFailedException.class)
                    .isNotInstanceOf(CredentialsRejectedException.class)
                    .hasMessageContaining("forced open");
        }
    }

    @Test
    void a_request_too_long_for_one_goes_back_to_a_larger_one_that_may_be_asked_again() {
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(new WaitsPass(time))
                .provider(
                        "large",
                        p -> p.chatProvider(failing(FailureKind.OVERLOADED))
                                .priority(1)
                                .contextWindow(100_000))
                .provider(
                        "small",
                        p -> p.chatProvider(failing(FailureKind.CONTEXT_TOO_LONG))
                                .priority(2)
                                .contextWindow(8_000))
                .build()) {
            ChatResponse answer = orchestrator.chat("hello");
            assertThat(answer.provider()).isEqualTo("large");
            assertThat(answer.trail().elapsed()).isBetween(Duration.ofMillis(250), Duration.ofMillis(500));
        }
    }

    @Test
    void the_same_without_a_wait() {
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider(
                        "large",
                        p -> p.chatProvider(failing(FailureKind.OVERLOADED))
                                .priority(1)
                                .retry(Retries.AT_ONCE)
                                .contextWindow(100_000))
                .provider(
                        "small",
                        p -> p.chatProvider(failing(FailureKind.CONTEXT_TOO_LONG))
                                .priority(2)
                                .contextWindow(8_000))
                .build()) {
            assertThat(orchestrator.chat("hello").provider()).isEqualTo("large");
        }
    }

    @Test
    void a_policy_refusal_goes_back_to_one_that_may_be_asked_again() {
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .failOverOnContentFilter(true)
                .provider(
                        "a",
                        p -> p.chatProvider(failing(FailureKind.NETWORK))
                                .priority(1)
                                .retry(Retries.AT_ONCE))
                .provider(
                        "b",
                        p -> p.chatProvider(failing(FailureKind.CONTENT_FILTERED))
                                .priority(2))
                .build()) {
            assertThat(orchestrator.chat("hello").provider()).isEqualTo("a");
        }
    }

    /** As a provider in a language that knows no checked exceptions would. */
    @SuppressWarnings("unchecked")
    private static <E extends Throwable> void throwUnchecked(Throwable thrown) throws E {
        throw (E) thrown;
    }

    private static final ChatProvider SNEAKY = (request, delivery, deadline, cancellation, sink) ->
            FailoverEdgesTest.<RuntimeException>throwUnchecked(new IOException("unplugged"));

    @Test
    void a_checked_exception_of_a_providers_own_is_its_failure_however_it_is_asked() {
        try (Orchestrator orchestrator = Orchestrator.builder()
                .provider("a", p -> p.chatProvider(SNEAKY).priority(1).retry(Retries.NONE))
                .provider("b", p -> p.chatProvider(ANSWERING).priority(2))
                .build()) {
            assertThat(orchestrator.chat("hello").provider()).isEqualTo("b");
            assertThat(orchestrator.chatAsync(ChatRequest.of("hello")))
                    .succeedsWithin(Duration.ofSeconds(10))
                    .satisfies(answer -> assertThat(answer.trail().toString())
                            .contains("SERVER: unexpected java.io.IOException: unplugged"));
            try (ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
                assertThat(stream.response().provider()).isEqualTo("b");
            }
        }
    }

    @Test
    void a_hint_beside_a_server_error_is_not_waited_for_while_another_can_be_asked() {
        ChatProvider busy = (request, delivery, deadline, cancellation, sink) -> {
            throw ProviderException.builder(FailureKind.SERVER, "on purpose")
                    .retryAfter(Duration.ofSeconds(9))
                    .build();
        };
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(new WaitsPass(time))
                .provider("a", p -> p.chatProvider(busy).priority(1))
                .provider("b", p -> p.chatProvider(ANSWERING).priority(2))
                .build()) {
            ChatResponse answer = orchestrator.chat("hello");
            assertThat(answer.provider()).isEqualTo("b");
            assertThat(answer.trail().elapsed()).isZero();
        }
    }

    @Test
    void R9_all_calls_that_waited_as_they_were_told_are_served_one_of_them_first() throws Exception {
        // No more than the retry budget allows.
        int calls = 10;
        CyclicBarrier together = new CyclicBarrier(calls);
        AtomicInteger asked = new AtomicInteger();
        CountDownLatch firstAsked = new CountDownLatch(1);
        CountDownLatch firstMayEnd = new CountDownLatch(1);
        ChatProvider limited = (request, delivery, deadline, cancellation, sink) -> {
            int number = asked.incrementAndGet();
            if (number <= calls) {
                await(together);
                throw ProviderException.builder(FailureKind.RATE_LIMITED, "slow down")
                        .retryAfter(Duration.ofSeconds(1))
                        .build();
            }
            if (number == calls + 1) {
                firstAsked.countDown();
                await(firstMayEnd);
            }
            ANSWERING.chat(request, delivery, deadline, cancellation, sink);
        };
        // One for each wait for the hint, and then one for each that waits for the first.
        Semaphore waits = new Semaphore(0);
        TimeSource counted = new TimeSource() {
            @Override
            public long nanoTime() {
                return time.nanoTime();
            }

            @Override
            public boolean await(CountDownLatch signal, long nanos) throws InterruptedException {
                waits.release();
                return time.await(signal, nanos);
            }

            @Override
            public Timer schedule(long nanos, Runnable task) {
                return time.schedule(nanos, task);
            }
        };
        ExecutorService threads = Executors.newFixedThreadPool(calls);
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(counted)
                .provider("p", p -> p.chatProvider(limited))
                .build()) {
            List<Future<ChatResponse>> answers = new ArrayList<>();
            for (int i = 0; i < calls; i++) {
                answers.add(threads.submit(() -> orchestrator.chat("hello")));
            }
            waits.acquire(calls);
            time.awaitTimers(calls);
            time.advance(Duration.ofSeconds(1));
            waits.acquire(calls - 1);
            await(firstAsked);
            assertThat(asked).hasValue(calls + 1);
            firstMayEnd.countDown();
            for (Future<ChatResponse> answer : answers) {
                assertThat(answer.get(10, TimeUnit.SECONDS).text()).isEqualTo("fine");
            }
            assertThat(asked).hasValue(2 * calls);
        } finally {
            threads.shutdownNow();
        }
    }

    private static void await(CyclicBarrier barrier) {
        try {
            barrier.await(10, TimeUnit.SECONDS);
        } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void one_that_was_skipped_is_asked_when_it_has_become_free_meanwhile() {
        ChatProvider slow = (request, delivery, deadline, cancellation, sink) -> {
            time.advance(Duration.ofSeconds(2));
            throw ProviderException.of(FailureKind.QUOTA_EXHAUSTED, "no money");
        };
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider(
                        "a",
                        p -> p.chatProvider(failing(FailureKind.RATE_LIMITED))
                                .priority(1)
                                .retry(Retries.NONE))
                .provider("b", p -> p.chatProvider(slow).priority(2))
                .build()) {
            CallOptions options = CallOptions.defaults();
            orchestrator.circuitBreaker("b").forceOpen();
            assertThatThrownBy(() -> orchestrator.chat(ChatRequest.of("hello"), options))
                    .isInstanceOf(AllProvidersFailedException.class);
            orchestrator.circuitBreaker("b").reset();

            ChatResponse answer = orchestrator.chat("hello");

            assertThat(answer.provider()).isEqualTo("a");
            assertThat(answer.trail().toString())
                    .matches("a skipped: parked for 1 s after RATE_LIMITED.*; b failed .*; a answered .*");
        }
    }

    @Test
    void keys_are_to_blame_also_where_another_provider_cannot_do_what_is_asked() {
        ChatProvider unable = new ChatProvider() {
            @Override
            public Optional<String> unsupported(ChatRequest request) {
                return Optional.of("seed: it has none");
            }

            @Override
            public void chat(
                    ChatRequest request,
                    Delivery delivery,
                    Deadline deadline,
                    Cancellation cancellation,
                    EventSink sink) {
                throw new AssertionError("not to be asked");
            }
        };
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider("a", p -> p.chatProvider(failing(FailureKind.CREDENTIAL)))
                .provider("b", p -> p.chatProvider(unable))
                .build()) {
            assertThatThrownBy(() -> orchestrator.chat("hello")).isInstanceOf(CredentialsRejectedException.class);
        }
    }

    @Test
    void cancelled_retries_leave_the_budget_as_it_was() {
        Cancellation[] cancel = new Cancellation[1];
        AtomicInteger asked = new AtomicInteger();
        ChatProvider cancelledAtTheSecond = (request, delivery, deadline, cancellation, sink) -> {
            if (asked.incrementAndGet() % 2 == 0) {
                cancel[0].cancel();
                throw ProviderException.of(FailureKind.CANCELLED, "cancelled");
            }
            throw ProviderException.of(FailureKind.OVERLOADED, "busy");
        };
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider(
                        "p",
                        p -> p.chatProvider(cancelledAtTheSecond)
                                .retry(Retries.AT_ONCE)
                                .circuitBreaker(CircuitBreakerSettings.builder()
                                        .failureThreshold(1_000)
                                        .build()))
                .build()) {
            for (int i = 1; i <= 40; i++) {
                cancel[0] = new Cancellation();
                CallOptions options = CallOptions.defaults().withCancellation(cancel[0]);
                assertThatThrownBy(() -> orchestrator.chat(ChatRequest.of("hello"), options))
                        .isInstanceOf(CallCancelledException.class);
                assertThat(asked).hasValue(2 * i);
            }
        }
    }

    @Test
    void what_comes_after_the_end_of_an_answer_is_no_part_of_it() {
        ChatProvider talkative = (request, delivery, deadline, cancellation, sink) -> {
            ANSWERING.chat(request, delivery, deadline, cancellation, sink);
            sink.event(new ChatEvent.Text(" and more"));
            sink.event(new ChatEvent.Finished(FinishReason.LENGTH));
            throw new IllegalStateException("and worse");
        };
        try (Orchestrator orchestrator = Orchestrator.builder()
                        .timeSource(time)
                        .provider("p", p -> p.chatProvider(talkative))
                        .build();
                ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            assertThat(orchestrator.chat("hello").text()).isEqualTo("fine");
            assertThat(stream).containsExactly(new ChatEvent.Text("fine"), new ChatEvent.Finished(FinishReason.STOP));
            assertThat(stream.response().finishReason()).isEqualTo(FinishReason.STOP);
        }
    }

    @Test
    void many_refusals_of_a_key_at_once_are_one_line_for_the_operator() throws Exception {
        int calls = 8;
        CyclicBarrier together = new CyclicBarrier(calls);
        ChatProvider refusing = (request, delivery, deadline, cancellation, sink) -> {
            await(together);
            throw ProviderException.of(FailureKind.CREDENTIAL, "who?");
        };
        ListAppender<ILoggingEvent> lines = new ListAppender<>();
        Logger logger = (Logger) LoggerFactory.getLogger(Orchestrator.class);
        lines.start();
        logger.addAppender(lines);
        ExecutorService threads = Executors.newFixedThreadPool(calls);
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider("p", p -> p.chatProvider(refusing))
                .build()) {
            List<Future<ChatResponse>> answers = new ArrayList<>();
            for (int i = 0; i < calls; i++) {
                answers.add(threads.submit(() -> orchestrator.chat("hello")));
            }
            for (Future<ChatResponse> answer : answers) {
                assertThatThrownBy(() -> answer.get(10, TimeUnit.SECONDS))
                        .hasCauseInstanceOf(CredentialsRejectedException.class);
            }
        } finally {
            threads.shutdownNow();
            logger.detachAppender(lines);
        }
        assertThat(List.copyOf(lines.list))
                .filteredOn(line -> line.getLevel() == Level.ERROR)
                .extracting(ILoggingEvent::getFormattedMessage)
                .containsExactly("The configuration of provider 'p' needs a look: who?");
    }

    @Test
    void a_reader_that_closes_hears_what_its_call_had_done() {
        CompletableFuture<Void> hanging = new CompletableFuture<>();
        ChatProvider silent = (request, delivery, deadline, cancellation, sink) -> {
            CountDownLatch cancelled = new CountDownLatch(1);
            cancellation.onCancel(cancelled::countDown);
            hanging.complete(null);
            await(cancelled);
            throw ProviderException.of(FailureKind.CANCELLED, "cancelled");
        };
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider(
                        "a",
                        p -> p.chatProvider(failing(FailureKind.OVERLOADED)).priority(1))
                .provider("b", p -> p.chatProvider(silent).priority(2))
                .build()) {
            ChatStream stream = orchestrator.stream(ChatRequest.of("hello"));
            hanging.join();
            stream.close();
            assertThatThrownBy(stream::hasNext)
                    .isInstanceOfSatisfying(
                            CallCancelledException.class,
                            e -> assertThat(e.trail().toString()).startsWith("a failed after 0 s with OVERLOADED"))
                    .hasCauseInstanceOf(ProviderException.class);
        }
    }

    @Test
    void R9_it_is_so_on_the_real_clock_too_and_a_first_call_that_is_limited_again_delays_the_others() throws Exception {
        int calls = 3;
        CyclicBarrier together = new CyclicBarrier(calls);
        AtomicInteger asked = new AtomicInteger();
        ChatProvider limited = (request, delivery, deadline, cancellation, sink) -> {
            int number = asked.incrementAndGet();
            if (number <= calls) {
                await(together);
            }
            if (number <= calls + 1) {
                throw ProviderException.builder(FailureKind.RATE_LIMITED, "slow down")
                        .retryAfter(Duration.ofMillis(100))
                        .build();
            }
            ANSWERING.chat(request, delivery, deadline, cancellation, sink);
        };
        ExecutorService threads = Executors.newFixedThreadPool(calls);
        try (Orchestrator orchestrator = Orchestrator.builder()
                .provider(
                        "p",
                        p -> p.chatProvider(limited)
                                .retry(RetrySettings.builder()
                                        .maxAttempts(3)
                                        .backoff(Duration.ZERO)
                                        .build()))
                .build()) {
            List<Future<ChatResponse>> answers = new ArrayList<>();
            for (int i = 0; i < calls; i++) {
                answers.add(threads.submit(() -> orchestrator.chat("hello")));
            }
            for (Future<ChatResponse> answer : answers) {
                assertThat(answer.get(10, TimeUnit.SECONDS).text()).isEqualTo("fine");
            }
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void a_reader_that_is_behind_sees_the_end_of_an_answer_that_was_complete_in_time() {
        CompletableFuture<Thread> provider = new CompletableFuture<>();
        ChatProvider fast = (request, delivery, deadline, cancellation, sink) -> {
            provider.complete(Thread.currentThread());
            for (int i = 0; i < 256; i++) {
                sink.event(new ChatEvent.Text("a"));
            }
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        };
        try (Orchestrator orchestrator = Orchestrator.builder()
                        .timeSource(time)
                        .provider("p", p -> p.chatProvider(fast))
                        .build();
                ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            // The end waits for room behind 256 unread pieces when the deadline comes.
            while (provider.join().getState() != Thread.State.WAITING) {
                Thread.onSpinWait();
            }
            time.advance(Duration.ofSeconds(30));
            List<ChatEvent> events = new ArrayList<>();
            stream.forEach(events::add);
            assertThat(events).hasSize(257).endsWith(new ChatEvent.Finished(FinishReason.STOP));
            assertThat(stream.response().text()).hasSize(256);
        }
    }
}
