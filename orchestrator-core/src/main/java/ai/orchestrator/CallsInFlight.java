package ai.orchestrator;

import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.time.TimeSource;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;

/** The calls under way, so that closing can wait for them, and end those that take too long. Safe for use by several threads. */
final class CallsInFlight {

    private final Set<Cancellation> calls = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean closed = new AtomicBoolean();

    /** Open once no call is under way and none will begin. */
    private final CountDownLatch none = new CountDownLatch(1);

    private volatile boolean aborted;

    /** A call begins; false if it may not. */
    boolean begin(Cancellation call) {
        calls.add(call);
        // After it was added: whoever closes meanwhile sees it, or is seen.
        if (closed.get()) {
            end(call);
            return false;
        }
        return true;
    }

    /** A call begins for others that are under way and end after it, or when it was cancelled; so it always may. */
    void beginFor(Cancellation call) {
        calls.add(call);
    }

    void end(Cancellation call) {
        calls.remove(call);
        if (closed.get() && isEmpty()) {
            none.countDown();
        }
    }

    /** Lets no call begin any more; false if that was so already. */
    boolean close() {
        boolean first = closed.compareAndSet(false, true);
        if (isEmpty()) {
            none.countDown();
        }
        return first;
    }

    /** By looking for a call: the set's own count is a sum of parts, and wrong for a moment while others are turned away. */
    private boolean isEmpty() {
        return !calls.iterator().hasNext();
    }

    /** Waits until none is left; false if the time has passed first. */
    boolean awaitNone(TimeSource timeSource, long nanos) throws InterruptedException {
        return timeSource.await(none, nanos);
    }

    /** Ends those that are left. */
    void abort() {
        aborted = true;
        calls.forEach(Cancellation::cancel);
    }

    boolean isClosed() {
        return closed.get();
    }

    boolean isAborted() {
        return aborted;
    }
}
