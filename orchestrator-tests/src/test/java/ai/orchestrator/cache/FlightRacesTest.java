package ai.orchestrator.cache;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.CallCancelledException;
import ai.orchestrator.CallOptions;
import ai.orchestrator.DeadlineExceededException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.StreamFailedException;
import ai.orchestrator.StreamRescue;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.testkit.Retries;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Callers who come, join, leave and are cut off at the same moment, in every way of asking, round after round, in real time. */
@Timeout(120)
class FlightRacesTest {

    private static final int ROUNDS = 300;
    private static final long PATIENCE_SECONDS = 20;
    private static final List<Patience> PATIENCES = List.of(Patience.values());
    private static final List<StreamRescue> CONTRACTS = List.of(StreamRescue.values());

    private final long seed = Long.getLong("orchestrator.load.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final AtomicInteger running = new AtomicInteger();
    private final Map<String, AtomicInteger> answered = new ConcurrentHashMap<>();

    /** Says what it was asked in so many pieces, a moment each; breaks off in the middle where the question says so. */
    private ChatProvider talking(boolean breaksOff) {
        return (request, delivery, deadline, cancellation, sink) -> {
            running.incrementAndGet();
            try {
                String question = request.messages().get(0).text();
                boolean fails = breaksOff && question.startsWith("break");
                int pieces = 40;
                for (int i = 0; i < pieces; i++) {
                    if (cancellation.isCancelled()) {
                        throw ProviderException.of(FailureKind.CANCELLED, "cancelled");
                    }
                    if (fails && i == pieces / 2) {
                        throw ProviderException.of(FailureKind.NETWORK, "reset");
                    }
                    sink.event(new ChatEvent.Text(i + " " + question + ";"));
                    spin(200);
                }
                sink.event(new ChatEvent.Finished(FinishReason.STOP));
                answered.computeIfAbsent(question, asked -> new AtomicInteger()).incrementAndGet();
            } finally {
                running.decrementAndGet();
            }
        };
    }

    private final Orchestrator orchestrator = Orchestrator.builder()
            .cacheEnabled(true)
            .cacheMaxSize(1_000_000)
            .provider("first", p -> p.chatProvider(talking(true)).priority(1).retry(Retries.NONE))
            .provider("second", p -> p.chatProvider(talking(false)).priority(2).retry(Retries.NONE))
            .build();

    @AfterEach
    void nothing_is_left() throws Exception {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (running.get() > 0) {
            assertThat(System.nanoTime() - until)
                    .as("an attempt is still under way")
                    .isNegative();
            Thread.onSpinWait();
        }
        threads.submit(orchestrator::close).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        threads.shutdownNow();
        assertThat(threads.awaitTermination(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    }

    private static String whole(String question) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 40; i++) {
            text.append(i).append(' ').append(question).append(';');
        }
        return text.toString();
    }

    private static void spin(int turns) {
        for (int i = 0; i < turns; i++) {
            Thread.onSpinWait();
        }
    }

    /** How a caller is allowed to end. */
    private enum Patience {
        STAYS,
        LEAVES,
        IS_INTERRUPTED,
        HAS_LITTLE_TIME
    }

    /** One caller, and what it has to say of its answer. */
    private final class Caller {

        private final String question;
        private final int way = random.nextInt(5);
        private final Patience patience = PATIENCES.get(random.nextInt(PATIENCES.size()));
        private final int moment = random.nextInt(60_000);
        private final int micros = 1 + random.nextInt(600);

        Caller(String question) {
            this.question = question;
        }

        void ask(CyclicBarrier start) throws Exception {
            Cancellation cancellation = new Cancellation();
            CallOptions options = CallOptions.defaults().withCancellation(cancellation);
            if (patience == Patience.HAS_LITTLE_TIME) {
                options = options.withDeadline(Duration.ofNanos(micros * 1_000L));
            }
            CallOptions own = options;
            Thread thread = Thread.currentThread();
            CompletableFuture<Void> over = new CompletableFuture<>();
            Future<?> disturber = threads.submit(() -> {
                start.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
                spin(moment);
                if (patience == Patience.LEAVES) {
                    cancellation.cancel();
                } else if (patience == Patience.IS_INTERRUPTED) {
                    synchronized (over) {
                        if (!over.isDone()) {
                            thread.interrupt();
                        }
                    }
                }
                return null;
            });
            start.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
            try {
                String text = answer(own);
                assertThat(text).isEqualTo(whole(question));
            } catch (StreamFailedException e) {
                assertThat(way)
                        .as("only the contract FAIL may end so")
                        .isEqualTo(2 + CONTRACTS.indexOf(StreamRescue.FAIL));
                if (e.kind() == FailureKind.TIMEOUT) {
                    assertThat(patience).isEqualTo(Patience.HAS_LITTLE_TIME);
                } else {
                    assertThat(question).startsWith("break");
                }
                assertThat(whole(question)).startsWith(e.partialText());
            } catch (CallCancelledException | CancellationException e) {
                assertThat(patience).isIn(Patience.LEAVES, Patience.IS_INTERRUPTED);
            } catch (DeadlineExceededException e) {
                assertThat(patience).isEqualTo(Patience.HAS_LITTLE_TIME);
            } finally {
                synchronized (over) {
                    over.complete(null);
                    Thread.interrupted();
                }
                disturber.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            }
        }

        private String answer(CallOptions options) throws InterruptedException {
            ChatRequest request = ChatRequest.of(question);
            if (way == 0) {
                return orchestrator.chat(request, options).text();
            }
            if (way == 1) {
                CompletableFuture<ChatResponse> future = orchestrator.chatAsync(request, options);
                try {
                    return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS).text();
                } catch (InterruptedException e) {
                    future.cancel(false);
                    throw new CancellationException();
                } catch (java.util.concurrent.ExecutionException e) {
                    if (e.getCause() instanceof OrchestratorException known) {
                        throw known;
                    }
                    throw new CompletionException(e);
                } catch (java.util.concurrent.TimeoutException e) {
                    throw new AssertionError("no answer to " + question, e);
                }
            }
            StreamRescue rescue = CONTRACTS.get(way - 2);
            StringBuilder text = new StringBuilder();
            try (ChatStream stream = orchestrator.stream(request, options.withStreamRescue(rescue))) {
                for (ChatEvent event : stream) {
                    if (event instanceof ChatEvent.Restarted) {
                        assertThat(rescue).isEqualTo(StreamRescue.RESTART);
                        text.setLength(0);
                    } else if (event instanceof ChatEvent.Text piece) {
                        text.append(piece.text());
                    }
                }
                assertThat(stream.response().text()).isEqualTo(text.toString());
            }
            return text.toString();
        }
    }

    @Test
    void everybody_gets_the_whole_answer_or_the_end_that_is_his_own() throws Exception {
        System.out.println("seed " + seed);
        for (int round = 0; round < ROUNDS; round++) {
            String question = (random.nextBoolean() ? "break" : "fine") + round;
            int callers = 1 + random.nextInt(8);
            CyclicBarrier start = new CyclicBarrier(2 * callers);
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < callers; i++) {
                Caller caller = new Caller(question);
                all.add(threads.submit(() -> {
                    caller.ask(start);
                    return null;
                }));
            }
            for (Future<?> each : all) {
                each.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            }
        }
    }

    @Test
    void who_comes_as_a_flight_lands_gets_its_answer_and_makes_no_second_call() throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            String question = "fine" + round;
            int callers = 6;
            CyclicBarrier start = new CyclicBarrier(callers);
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < callers; i++) {
                int late = i * random.nextInt(20_000);
                all.add(threads.submit(() -> {
                    start.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
                    spin(late);
                    assertThat(orchestrator.chat(question).text()).isEqualTo(whole(question));
                    return null;
                }));
            }
            for (Future<?> each : all) {
                each.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            }
            assertThat(answered.get(question)).as(question).hasValue(1);
        }
    }

    @Test
    void who_comes_as_the_last_one_leaves_is_answered() throws Exception {
        ChatProvider waiting = (request, delivery, deadline, cancellation, sink) -> {
            for (int i = 0; i < 3_000; i++) {
                if (cancellation.isCancelled()) {
                    throw ProviderException.of(FailureKind.CANCELLED, "cancelled");
                }
                Thread.onSpinWait();
            }
            sink.event(new ChatEvent.Text("fine"));
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        };
        try (Orchestrator coming = Orchestrator.builder()
                .cacheEnabled(true)
                .provider("waiting", p -> p.chatProvider(waiting))
                .build()) {
            for (int round = 0; round < 10 * ROUNDS; round++) {
                String question = "question " + round;
                int late = random.nextInt(2_000);
                Cancellation cancellation = new Cancellation();
                CyclicBarrier start = new CyclicBarrier(3);
                Future<?> leaver = threads.submit(() -> {
                    start.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
                    try {
                        return coming.chat(
                                ChatRequest.of(question), CallOptions.defaults().withCancellation(cancellation));
                    } catch (CallCancelledException e) {
                        return null;
                    }
                });
                Future<?> canceller = threads.submit(() -> {
                    start.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
                    spin(1_000);
                    cancellation.cancel();
                    return null;
                });
                start.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
                spin(late);
                assertThat(coming.chat(question).text()).isEqualTo("fine");
                canceller.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
                leaver.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            }
        }
    }

    @Test
    void a_cache_that_is_cleared_and_full_all_the_time_costs_calls_but_no_answer() throws Exception {
        ResponseCache small =
                ResponseCache.inMemory(Duration.ofMillis(1), 20_000, ai.orchestrator.time.TimeSource.system());
        try (Orchestrator busy = Orchestrator.builder()
                .cacheEnabled(true)
                .cache(small)
                .provider("only", p -> p.chatProvider(talking(false)))
                .build()) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                Random own = new Random(seed + i);
                all.add(threads.submit(() -> {
                    for (int call = 0; call < 500; call++) {
                        String question = "fine" + own.nextInt(40);
                        assertThat(busy.chat(question).text()).isEqualTo(whole(question));
                        if (own.nextInt(20) == 0) {
                            small.clear();
                        }
                    }
                    return null;
                }));
            }
            for (Future<?> each : all) {
                each.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
            }
        }
    }
}
