package ai.orchestrator.cache;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.CallOptions;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.StreamRescue;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Retries;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.UnaryOperator;

/** An orchestrator with a cache and two providers, on manual time, and callers whose threads can be watched. */
final class Airport implements AutoCloseable {

    static final ChatRequest REQUEST = ChatRequest.of("hello");
    static final Duration DEADLINE = Duration.ofSeconds(20);
    static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    private static final long PATIENCE_SECONDS = 10;

    /** Where its numbers soon overflow; even, because Caffeine rounds down to that. */
    private static final long START_NANOS = Long.MAX_VALUE - 1_001;

    final ManualTimeSource time = new ManualTimeSource(START_NANOS);
    final Tap first = new Tap();
    final Tap second = new Tap();
    final Orchestrator orchestrator;
    private final Queue<Thread> threads = new ConcurrentLinkedQueue<>();
    private final ExecutorService executor = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "caller");
        threads.add(thread);
        return thread;
    });

    Airport() {
        this(builder -> builder);
    }

    Airport(UnaryOperator<Orchestrator.Builder> settings) {
        this.orchestrator = settings.apply(Orchestrator.builder()
                        .timeSource(time)
                        .instantSource(() -> START.plusNanos(time.nanoTime() - START_NANOS))
                        .executor(executor)
                        .deadline(DEADLINE)
                        .drainTimeout(Duration.ZERO)
                        .cacheEnabled(true)
                        .provider("first", p -> patient(p.chatProvider(first).priority(1)))
                        .provider("second", p -> patient(p.chatProvider(second).priority(2))))
                .build();
    }

    private static void patient(ai.orchestrator.ProviderSettings.Builder provider) {
        Duration never = Duration.ofDays(1);
        provider.retry(Retries.NONE)
                .connectTimeout(never)
                .firstTokenTimeout(never)
                .idleTimeout(never);
    }

    /** A provider's place in the settings of an orchestrator. */
    static UnaryOperator<Orchestrator.Builder> and(String name, ChatProvider provider) {
        return builder -> builder.provider(name, p -> p.chatProvider(provider));
    }

    // ---- Callers, each on a thread of its own

    Future<ChatResponse> chat() {
        return chat(CallOptions.defaults());
    }

    Future<ChatResponse> chat(CallOptions options) {
        return call(() -> orchestrator.chat(REQUEST, options));
    }

    <T> Future<T> call(Callable<T> call) {
        return executor.submit(call);
    }

    /** Reads to the end, each event as soon as it comes. */
    Reader stream(StreamRescue rescue) {
        return stream(CallOptions.defaults().withStreamRescue(rescue));
    }

    Reader stream(CallOptions options) {
        return new Reader(orchestrator.stream(REQUEST, options), executor);
    }

    /** Waits until so many calls wait for a flight. */
    void awaitWaiting(int calls) {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (waiting() != calls) {
            assertThat(System.nanoTime() - until)
                    .as("waited in vain for " + calls + " calls to wait; there are " + waiting())
                    .isNegative();
            Thread.onSpinWait();
        }
    }

    private long waiting() {
        return threads.stream()
                .filter(thread -> {
                    Object waitsFor = LockSupport.getBlocker(thread);
                    return waitsFor != null
                            && waitsFor.getClass().getSimpleName().equals("SharedCall");
                })
                .count();
    }

    static <T> T get(Future<T> future) throws Exception {
        return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    static Throwable failureOf(Future<?> future) throws Exception {
        try {
            throw new AssertionError("answered: " + get(future));
        } catch (ExecutionException e) {
            return e.getCause() == null ? e : e.getCause();
        }
    }

    /** Waits until every thread of a flight, too, has ended its work, and looks at what is left. */
    void assertNothingIsLeft() {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (time.pendingTimers() > 0 || underWay() > 0) {
            assertThat(System.nanoTime() - until)
                    .as(time.pendingTimers() + " timers, " + underWay() + " attempts")
                    .isNegative();
            Thread.onSpinWait();
        }
    }

    private long underWay() {
        return orchestrator.status().providers().stream()
                .mapToLong(provider -> provider.attempts().underWay())
                .sum();
    }

    @Override
    public void close() {
        orchestrator.close();
        executor.shutdownNow();
    }

    /** Reads a stream on a thread of its own. */
    static final class Reader {

        private final ChatStream stream;
        private final List<ChatEvent> seen = new CopyOnWriteArrayList<>();
        private final CompletableFuture<ChatResponse> end = new CompletableFuture<>();

        Reader(ChatStream stream, ExecutorService executor) {
            this.stream = stream;
            executor.execute(() -> {
                try {
                    stream.forEach(seen::add);
                    end.complete(stream.response());
                } catch (RuntimeException | Error e) {
                    end.completeExceptionally(e);
                }
            });
        }

        void close() {
            stream.close();
        }

        List<ChatEvent> seen() {
            return List.copyOf(seen);
        }

        /** Waits until it has seen so much. */
        void awaitSeen(int events) throws TimeoutException {
            long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
            while (seen.size() < events) {
                if (System.nanoTime() - until > 0) {
                    throw new TimeoutException("saw only " + seen);
                }
                Thread.onSpinWait();
            }
        }

        Future<ChatResponse> end() {
            return end;
        }

        ChatResponse response() throws Exception {
            return get(end);
        }

        Throwable failure() throws Exception {
            return failureOf(end);
        }

        /** The text of the answer that it has seen, from the last restart on. */
        String text() {
            StringBuilder text = new StringBuilder();
            for (ChatEvent event : seen) {
                if (event instanceof ChatEvent.Restarted) {
                    text.setLength(0);
                } else if (event instanceof ChatEvent.Text piece) {
                    text.append(piece.text());
                }
            }
            return text.toString();
        }
    }
}
