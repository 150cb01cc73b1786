package ai.orchestrator.breaker;

import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Brings one breaker's transitions to its listeners, in order and one at a time, on an executor. */
final class ListenerQueue {

    /** How many transitions may wait for slow listeners. A breaker that flaps once a second takes a quarter of an hour to fill it. */
    static final int CAPACITY = 1_000;

    private static final Logger logger = LoggerFactory.getLogger(ProviderCircuitBreaker.class);

    private final List<CircuitBreakerListener> listeners;
    private final Executor executor;
    private final LinkedBlockingQueue<CircuitTransition> queue = new LinkedBlockingQueue<>(CAPACITY);

    /** True from the moment that a delivery is handed to the executor until it has found the queue empty. */
    private final AtomicBoolean delivering = new AtomicBoolean();

    private final AtomicBoolean full = new AtomicBoolean();

    ListenerQueue(List<CircuitBreakerListener> listeners, Executor executor) {
        this.listeners = listeners;
        this.executor = executor;
    }

    /** Takes note of a transition. Called under the guard's lock, which makes the order: runs nothing and never blocks. */
    void add(CircuitTransition transition) {
        if (!queue.offer(transition)) {
            full.set(true);
        }
    }

    /** Has what waits delivered. Called outside the guard's lock. */
    void deliver() {
        if (full.getAndSet(false)) {
            logger.warn("More than {} transitions wait for slow listeners; the newest was not reported", CAPACITY);
        }
        if (!queue.isEmpty() && delivering.compareAndSet(false, true)) {
            boolean handedOver = false;
            try {
                executor.execute(this::run);
                handedOver = true;
            } catch (RejectedExecutionException e) {
                logger.debug("Nobody listens any more", e);
            } catch (RuntimeException | Error e) {
                // Such as no memory for a thread. The next transition tries again; no call must suffer from it.
                logger.warn("Listeners could not be told yet", e);
            } finally {
                if (!handedOver) {
                    delivering.set(false);
                }
            }
        }
    }

    private void run() {
        CircuitTransition transition;
        while ((transition = queue.poll()) != null) {
            for (CircuitBreakerListener listener : listeners) {
                tell(listener, transition);
            }
        }
        delivering.set(false);
        // One may have come between the last look and the line above.
        deliver();
    }

    @SuppressWarnings("CatchingUnchecked") // a listener's Error must not end the notifier either
    private static void tell(CircuitBreakerListener listener, CircuitTransition transition) {
        try {
            listener.transitioned(transition);
        } catch (Throwable e) {
            logger.warn("A listener failed at {}", transition, e);
        }
    }
}
