package ai.orchestrator.benchmarks;

import ai.orchestrator.CallOptions;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.cache.CacheKey;
import ai.orchestrator.cache.CachedAnswer;
import ai.orchestrator.cache.ResponseCache;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.time.TimeSource;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Whole calls of one healthy provider in memory: everything that the orchestrator itself does, and nothing else. */
@State(Scope.Benchmark)
public class CallBenchmark {

    /** The time source: the real one, or one that arms nothing, to tell what the limits' timers cost. */
    public enum Timers {
        /** What an application has. */
        ARMED,
        /** As if arming and cancelling were free. */
        NONE
    }

    @Param
    public Timers timers = Timers.ARMED;

    private final ChatRequest request = ChatRequest.of("Why is the sky blue?");
    private final CallOptions cached = CallOptions.defaults().withCache(true);
    private final TimeSource timeSource = TimeSource.system();
    private Orchestrator orchestrator = builder(timeSource).build();
    private Orchestrator forgetful = builder(timeSource).build();

    /** Sets the time source. */
    @Setup
    public void setUp() {
        orchestrator.close();
        forgetful.close();
        TimeSource measured = timers == Timers.ARMED ? timeSource : new WithoutTimers(timeSource);
        orchestrator = builder(measured).build();
        forgetful = builder(measured).cache(new Forgetful()).build();
    }

    private static Orchestrator.Builder builder(TimeSource timeSource) {
        return Orchestrator.builder()
                .timeSource(timeSource)
                .provider("memory", p -> p.chatProvider(new InMemoryProvider()));
    }

    /** Ends the threads. */
    @TearDown
    public void tearDown() {
        orchestrator.close();
        forgetful.close();
        timeSource.close();
    }

    /** An answer as a whole. */
    @Benchmark
    public ChatResponse chat() {
        return orchestrator.chat(request);
    }

    /** An answer that is there already. */
    @Benchmark
    public ChatResponse cached() {
        return orchestrator.chat(request, cached);
    }

    /** An answer that others could share, but nobody does, and that is not there the next time. */
    @Benchmark
    public ChatResponse missed() {
        return forgetful.chat(request, cached);
    }

    /** A stream of two events, from its opening to its end. */
    @Benchmark
    public int stream() {
        int events = 0;
        try (ChatStream stream = orchestrator.stream(request)) {
            for (ChatEvent event : stream) {
                events += event instanceof ChatEvent.Finished ? 100 : 1;
            }
        }
        if (events != 101) {
            throw new IllegalStateException("the stream is not the one that is measured");
        }
        return events;
    }

    private static final class Forgetful implements ResponseCache {

        @Override
        public Optional<CachedAnswer> get(CacheKey key) {
            return Optional.empty();
        }

        @Override
        public void put(CacheKey key, CachedAnswer answer) {
            // Forgotten.
        }

        @Override
        public void clear() {
            // Nothing is there.
        }
    }

    private record WithoutTimers(TimeSource timeSource) implements TimeSource {

        private static final Timer NOTHING = () -> {};

        @Override
        public long nanoTime() {
            return timeSource.nanoTime();
        }

        @Override
        public boolean await(CountDownLatch signal, long nanos) throws InterruptedException {
            return timeSource.await(signal, nanos);
        }

        @Override
        public Timer schedule(long nanos, Runnable task) {
            return NOTHING;
        }
    }
}
