package ai.orchestrator.provider;

import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.time.Deadline;

/**
 * Talks to one configured provider. This is what a dialect implements; it decides nothing beyond what the provider said.
 *
 * <p>Implementations are safe for use by any number of threads at once.
 */
public interface ChatProvider extends AutoCloseable {

    /**
     * Makes one attempt and blocks until it has ended. Everything learnt goes to the sink as it comes; the attempt succeeded if this method
     * returns after a {@link ai.orchestrator.chat.ChatEvent.Finished}.
     *
     * <p>Limits are the caller's affair: it cancels when one has passed. An implementation therefore sets no timeouts of its own, registers
     * with {@code cancellation} whatever it blocks on, and returns promptly once cancelled. It repeats nothing by itself.
     *
     * @param request what is asked
     * @param deadline when the call is over; for what is told to the provider and for loose backstops
     * @param cancellation stops the attempt
     * @param sink takes the answer; called by one thread at a time, and not after this method has ended
     * @throws ProviderException if the attempt failed; if the thread was interrupted, of kind {@link FailureKind#CANCELLED} and with the
     *     thread's interrupt flag set
     */
    void chat(ChatRequest request, Deadline deadline, Cancellation cancellation, EventSink sink);

    /** Releases what this provider alone holds. Does nothing by default. */
    @Override
    default void close() {}
}
