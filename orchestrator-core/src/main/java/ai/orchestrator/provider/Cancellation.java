package ai.orchestrator.provider;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The wish that something in progress should stop. It is made once and cannot be taken back. Safe for use by several threads.
 */
public final class Cancellation {

    private static final Logger logger = LoggerFactory.getLogger(Cancellation.class);

    /** Guards both fields; never held while an action runs. */
    private final Object lock = new Object();

    private boolean cancelled;
    private List<Registration> registrations = new ArrayList<>(1);

    /** A cancellation that has not happened. */
    public Cancellation() {}

    /**
     * Asks whatever is in progress to stop, on the calling thread, and returns when each registered action has run. Does nothing the second
     * time.
     */
    public void cancel() {
        List<Registration> pending;
        synchronized (lock) {
            if (cancelled) {
                return;
            }
            cancelled = true;
            pending = registrations;
            registrations = List.of();
        }
        pending.forEach(registration -> run(registration.action));
    }

    /**
     * Whether {@link #cancel()} was called.
     *
     * @return true from then on
     */
    public boolean isCancelled() {
        synchronized (lock) {
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
        synchronized (lock) {
            if (!cancelled) {
                registrations.add(registration);
                return registration;
            }
        }
        run(action);
        return registration;
    }

    private static void run(Runnable action) {
        try {
            action.run();
        } catch (RuntimeException e) {
            // One action's fault must not keep the others from stopping.
            logger.warn("An action on cancellation failed", e);
        }
    }

    /** An action that waits for cancellation. Safe for use by several threads. */
    public final class Registration implements AutoCloseable {

        private final Runnable action;

        private Registration(Runnable action) {
            this.action = action;
        }

        /** Forgets the action if it has not started. */
        @Override
        public void close() {
            synchronized (lock) {
                if (!cancelled) {
                    registrations.remove(this);
                }
            }
        }
    }
}
