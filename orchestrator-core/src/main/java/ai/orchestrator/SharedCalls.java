package ai.orchestrator;

import ai.orchestrator.cache.CacheKey;
import ai.orchestrator.cache.CachedAnswer;
import ai.orchestrator.cache.InMemoryCache;
import ai.orchestrator.cache.ResponseCache;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.internal.CallThreads;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The answers that an orchestrator keeps, and the calls under way that others may join. Safe for use by several threads. */
final class SharedCalls {

    private static final Logger logger = LoggerFactory.getLogger(Orchestrator.class);

    private final Call.Context context;
    private final CallsInFlight inFlight;
    private final InstantSource instantSource;
    private final ConcurrentMap<CacheKey, Flight> flights = new ConcurrentHashMap<>();

    // Made when the first call wants them; written under this.
    private volatile @Nullable ResponseCache cache;
    private @Nullable InMemoryCache inMemory;
    private Duration ttl;
    private long maxBytes;
    private @Nullable ExecutorService executor;
    private boolean closed;

    /**
     * @param cache the application's own; null for one in memory
     */
    SharedCalls(
            Call.Context context,
            CallsInFlight inFlight,
            InstantSource instantSource,
            @Nullable ResponseCache cache,
            OrchestratorSettings settings) {
        this.context = context;
        this.inFlight = inFlight;
        this.instantSource = instantSource;
        this.cache = cache;
        this.ttl = settings.cacheTtl();
        this.maxBytes = settings.cacheMaxSize();
    }

    /** Goes by other limits from now on, without losing an answer that is within them. */
    void reconfigure(OrchestratorSettings settings) {
        InMemoryCache made;
        synchronized (this) {
            ttl = settings.cacheTtl();
            maxBytes = settings.cacheMaxSize();
            made = inMemory;
        }
        if (made != null) {
            made.resize(settings.cacheTtl(), settings.cacheMaxSize());
        }
    }

    Call.Context context() {
        return context;
    }

    static CacheKey key(Route route, ChatRequest request) {
        return CacheKey.of(route.name(), route.answers(), request);
    }

    // ---- The cache

    private ResponseCache cache() {
        ResponseCache made = cache;
        if (made == null) {
            synchronized (this) {
                made = cache;
                if (made == null) {
                    inMemory = ResponseCache.inMemory(ttl, maxBytes, context.timeSource());
                    made = inMemory;
                    cache = made;
                }
            }
        }
        return made;
    }

    @Nullable
    CachedAnswer lookUp(CacheKey key) {
        try {
            return cache().get(key).orElse(null);
        } catch (Exception e) {
            logger.warn("The response cache failed; the answer is asked for", e);
            return null;
        }
    }

    private void keep(CacheKey key, Flight flight, Route route, ChatResponse response) {
        if (response.finishReason() == FinishReason.OTHER) {
            // Nobody knows whether it is all that there was to say.
            return;
        }
        if (!route.isAsBefore()) {
            // It may have been made with options, or by a provider, that the key does not tell of.
            return;
        }
        try {
            cache().put(key, flight.answer(response, instantSource.instant()));
        } catch (Throwable e) {
            // An error too: the answer is there, and must not be lost with it.
            logger.warn("The response cache failed; the answer is not kept", e);
        }
    }

    Duration age(CachedAnswer answer) {
        Duration age = Duration.between(answer.madeAt(), instantSource.instant());
        return age.isNegative() ? Duration.ZERO : age;
    }

    // ---- The flights

    /** The flight that a call may board, which is its own if there was none. */
    Flight take(CacheKey key, SharedCall call) {
        return flights.compute(
                key,
                (same, flight) ->
                        flight == null || flight.isClosed() ? new Flight(context.timeSource(), call) : flight);
    }

    /**
     * Makes the call of a flight for whoever has boarded first.
     *
     * @return the answer, if there is one by now: then nobody needs to fly, and whoever else has boarded looks for it, too
     */
    @Nullable
    CachedAnswer start(CacheKey key, Flight flight, SharedCall first) {
        boolean started = false;
        try {
            // Whoever was under way when this call looked before may have put its answer there since.
            CachedAnswer cached = lookUp(key);
            if (cached == null) {
                launch(key, flight, first);
                started = true;
            }
            return cached;
        } finally {
            if (!started) {
                flight.end(new Flight.Ended(null, null));
                flights.remove(key, flight);
            }
        }
    }

    private void launch(CacheKey key, Flight flight, SharedCall first) {
        inFlight.beginFor(flight.cancellation());
        try {
            executor().execute(() -> fly(key, flight, first));
        } catch (RuntimeException | Error e) {
            // Closed; or there is no memory for a thread.
            land(
                    key,
                    flight,
                    new Flight.Ended(
                            null, new CallCancelledException(CallCancelledException.Reason.NO_THREAD, e, Trail.EMPTY)));
        }
    }

    private void fly(CacheKey key, Flight flight, SharedCall first) {
        Flight.Ended end;
        try {
            ChatResponse response = flight.run(context, first);
            // Before anybody hears of it: who asks then finds it.
            keep(key, flight, first.route(), response);
            end = new Flight.Ended(response, null);
        } catch (Throwable e) {
            // Whatever chat() would throw at its caller is told to whoever waits for this call.
            end = new Flight.Ended(null, e);
        }
        land(key, flight, end);
    }

    private void land(CacheKey key, Flight flight, Flight.Ended end) {
        flight.end(end);
        flights.remove(key, flight);
        inFlight.end(flight.cancellation());
    }

    /** Its own, because those who wait for a flight may fill the callers'. */
    private synchronized ExecutorService executor() {
        if (closed) {
            throw new IllegalStateException("the orchestrator is closed");
        }
        if (executor == null) {
            executor = CallThreads.newUnboundedExecutor("orchestrator-flight");
        }
        return executor;
    }

    /** Nobody calls any more. */
    synchronized void close() {
        closed = true;
        if (executor != null) {
            executor.shutdown();
        }
    }
}
