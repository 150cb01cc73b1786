package ai.orchestrator.breaker;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.testkit.LogCapture;
import ai.orchestrator.testkit.ManualTimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** R17: listeners that throw, block or call back hold up no call, and each transition is seen once and in order. */
@Timeout(60)
class CircuitBreakerListenerTest {

    private static final Instant NOON = Instant.parse("2026-11-01T12:00:00Z");

    private final ManualTimeSource time = new ManualTimeSource();
    private final BlockingQueue<CircuitTransition> seen = new LinkedBlockingQueue<>();

    private ProviderCircuitBreaker.Builder builder() {
        return ProviderCircuitBreaker.builder("groq")
                .settings(CircuitBreakerSettings.builder()
                        .failureThreshold(1)
                        .timeoutDuration(Duration.ofSeconds(10))
                        .build())
                .timeSource(time)
                .instantSource(() -> NOON.plusNanos(time.nanoTime()));
    }

    private void trip(ProviderCircuitBreaker breaker) {
        breaker.recordFailure();
        time.advance(Duration.ofSeconds(10));
        assertThat(breaker.canRequest()).isTrue();
        breaker.recordSuccess();
    }

    private String next() throws InterruptedException {
        CircuitTransition transition = seen.poll(10, TimeUnit.SECONDS);
        assertThat(transition).as("a transition within ten seconds").isNotNull();
        return transition.toString();
    }

    @Test
    void R17_each_transition_is_seen_once_and_in_order_beside_the_calls() throws Exception {
        List<Thread> threads = new ArrayList<>();
        ProviderCircuitBreaker breaker = builder()
                .listener(transition -> {
                    threads.add(Thread.currentThread());
                    seen.add(transition);
                })
                .build();
        trip(breaker);
        breaker.reset();
        breaker.forceOpen();
        breaker.disable();

        assertThat(List.of(next(), next(), next(), next(), next()))
                .containsExactly(
                        "groq: closed -> open",
                        "groq: open -> half_open",
                        "groq: half_open -> closed",
                        "groq: closed -> forced_open",
                        "groq: forced_open -> disabled");
        assertThat(seen).isEmpty();
        assertThat(threads).doesNotContain(Thread.currentThread()).allSatisfy(thread -> {
            assertThat(thread.isDaemon()).isTrue();
            assertThat(thread.getName()).isEqualTo("circuit-breaker-groq");
        });
    }

    @Test
    void a_transition_tells_what_happened_and_when() throws Exception {
        ProviderCircuitBreaker breaker = builder().listener(seen::add).build();
        time.advance(Duration.ofSeconds(5));
        breaker.recordFailure();

        assertThat(seen.poll(10, TimeUnit.SECONDS))
                .isEqualTo(new CircuitTransition("groq", CircuitState.CLOSED, CircuitState.OPEN, NOON.plusSeconds(5)));
    }

    @Test
    void R17_a_listener_that_throws_keeps_nobody_from_being_told() throws Exception {
        try (LogCapture log = LogCapture.of(ProviderCircuitBreaker.class)) {
            ProviderCircuitBreaker breaker = builder()
                    .listener(transition -> {
                        throw new AssertionError("broken listener");
                    })
                    .listener(seen::add)
                    .build();
            trip(breaker);

            assertThat(List.of(next(), next(), next())).hasSize(3);
            assertThat(log.lines()).contains("WARN A listener failed at groq: closed -> open");
        }
    }

    @Test
    void R17_a_listener_that_blocks_holds_up_no_call() throws Exception {
        CountDownLatch letGo = new CountDownLatch(1);
        ProviderCircuitBreaker breaker = builder()
                .listener(transition -> {
                    try {
                        letGo.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    seen.add(transition);
                })
                .build();
        trip(breaker);
        trip(breaker);
        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
        assertThat(seen).isEmpty();
        letGo.countDown();

        for (int i = 0; i < 2; i++) {
            assertThat(next()).isEqualTo("groq: closed -> open");
            assertThat(next()).isEqualTo("groq: open -> half_open");
            assertThat(next()).isEqualTo("groq: half_open -> closed");
        }
    }

    @Test
    void R17_a_listener_may_call_the_breaker_back() throws Exception {
        BlockingQueue<ProviderCircuitBreaker> self = new ArrayBlockingQueue<>(1);
        ProviderCircuitBreaker breaker = builder()
                .listener(transition -> {
                    seen.add(transition);
                    if (transition.to() == CircuitState.OPEN) {
                        self.remove().reset();
                    }
                })
                .build();
        self.add(breaker);
        breaker.recordFailure();

        assertThat(next()).isEqualTo("groq: closed -> open");
        assertThat(next()).isEqualTo("groq: open -> closed");
        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
    }

    @Test
    void a_listener_that_stays_far_behind_misses_the_newest_and_the_log_says_so() {
        List<Runnable> handedOver = new ArrayList<>();
        try (LogCapture log = LogCapture.of(ProviderCircuitBreaker.class)) {
            ProviderCircuitBreaker breaker = builder()
                    .listener(seen::add)
                    .listenerExecutor(handedOver::add)
                    .build();
            for (int i = 0; i <= ListenerQueue.CAPACITY / 2; i++) {
                breaker.forceOpen();
                breaker.reset();
            }

            assertThat(handedOver).hasSize(1);
            handedOver.get(0).run();
            assertThat(seen).hasSize(ListenerQueue.CAPACITY);
            assertThat(log.lines().stream()
                            .filter(line -> line.equals("WARN More than 1000 transitions wait for slow listeners; the"
                                    + " newest was not reported")))
                    .hasSize(2);
            breaker.forceOpen();
            assertThat(handedOver).hasSize(2);
        }
    }

    @Test
    void an_executor_that_takes_nothing_more_breaks_no_call() {
        Executor closed = task -> {
            throw new RejectedExecutionException("closed");
        };
        ProviderCircuitBreaker breaker =
                builder().listener(seen::add).listenerExecutor(closed).build();
        trip(breaker);

        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
        assertThat(seen).isEmpty();
    }

    @Test
    void an_executor_that_fails_breaks_no_call_and_is_tried_again() {
        AtomicBoolean noMemory = new AtomicBoolean(true);
        Executor failing = task -> {
            if (noMemory.get()) {
                throw new OutOfMemoryError("unable to create native thread");
            }
            task.run();
        };
        ProviderCircuitBreaker breaker =
                builder().listener(seen::add).listenerExecutor(failing).build();
        try (LogCapture log = LogCapture.of(ProviderCircuitBreaker.class)) {
            breaker.recordFailure();
            assertThat(log.lines()).contains("WARN Listeners could not be told yet");
        }
        noMemory.set(false);
        breaker.reset();

        assertThat(seen)
                .extracting(CircuitTransition::toString)
                .containsExactly("groq: closed -> open", "groq: open -> closed");
    }

    @Test
    void an_executor_that_runs_on_the_calling_thread_sees_all_in_order_too() {
        ProviderCircuitBreaker breaker =
                builder().listener(seen::add).listenerExecutor(Runnable::run).build();
        trip(breaker);

        assertThat(seen)
                .extracting(CircuitTransition::to)
                .containsExactly(CircuitState.OPEN, CircuitState.HALF_OPEN, CircuitState.CLOSED);
    }
}
