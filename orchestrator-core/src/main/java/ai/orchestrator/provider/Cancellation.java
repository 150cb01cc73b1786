package ai.orchestrator.provider;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The wish that something in progress should stop. It is made once and cannot be taken back. Safe for use by several threads.
 */
public final class Cancellation {

    private static final Logger logger = LoggerFactory.getLogger(Cancellation.class);

    // Guarded by this, as all fields are, those of the registrations too; never held while an action runs. An object to
    // lock on would be memory of every call, twice.
    private boolean cancelled;

    // A list of its own: one cancellation may end many calls, each of which comes and goes at any time.
    private @Nullable Registration first;
    private @Nullable Registration last;

    /** A cancellation that has not happened. */
    public Cancellation() {}

    /**
     * Asks whatever is in progress to stop, on the calling thread, and returns when each registered action has run. Does nothing the second
     * time.
     */
    public void cancel() {
        Registration pending;
        synchronized (this) {
            if (cancelled) {
                return;
            }
            cancelled = true;
            pending = first;
            first = null;
            last = null;
        }
        // Nobody changes the list any more.
        for (Registration registration = pending; registration != null; registration = registration.next) {
            run(registration.action);
        }
    }

    /**
     * Whether {@link #cancel()} was called.
     *
     * @return true from then on
     */
    public boolean isCancelled() {
        synchronized (this) {
            return cancelled;
        }
    }

    /**
     * Registers what to do on cancellation. If it has happened already, the action runs now, on the calling thread.
     *
     * @param action must be quick, must not block, and may be called by any thread; what it throws is logged
     * @return closes the registration: an action that has not started by then will not run
     */
    public Registration onCancel(Runnable action) {
        Registration registration = new Registration(Objects.requireNonNull(action, "action"));
        synchronized (this) {
            if (!cancelled) {
                registration.append();
                return registration;
            }
        }
        run(action);
        return registration;
    }

    private static void run(Runnable action) {
        try {
            action.run();
        } catch (Throwable e) {
            // One action's fault must not keep the others from stopping, an error's neither.
            logger.warn("An action on cancellation failed", e);
        }
    }

    /** An action that waits for cancellation. Safe for use by several threads. */
    public final class Registration implements AutoCloseable {

        private final Runnable action;
        private boolean listed;
        private @Nullable Registration previous;
        private @Nullable Registration next;

        private Registration(Runnable action) {
            this.action = action;
        }

        /** Under the lock. */
        private void append() {
            listed = true;
            previous = last;
            if (last == null) {
                first = this;
            } else {
                last.next = this;
            }
            last = this;
        }

        /** Forgets the action if it has not started. */
        @Override
        public void close() {
            synchronized (Cancellation.this) {
                if (cancelled || !listed) {
                    return;
                }
                listed = false;
                if (previous == null) {
                    first = next;
                } else {
                    previous.next = next;
                }
                if (next == null) {
                    last = previous;
                } else {
                    next.previous = previous;
                }
                // Else one that somebody still holds would hold all that came after it.
                previous = null;
                next = null;
            }
        }
    }
}
