package ai.orchestrator.provider;

import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.time.Deadline;
import java.util.Optional;

/**
 * Talks to one configured provider. This is what a dialect implements; it decides nothing beyond what the provider said.
 *
 * <p>Implementations are safe for use by any number of threads at once.
 */
public interface ChatProvider extends AutoCloseable {

    /**
     * What in a request this provider cannot do. Asked before anything else, so it must be quick; a provider with an answer here is skipped.
     * Everything can be done by default.
     *
     * @param request what would be asked
     * @return the request's option and why it cannot be done, such as {@code seed: Anthropic has none}; empty if everything can
     */
    default Optional<String> unsupported(ChatRequest request) {
        return Optional.empty();
    }

    /**
     * Makes one attempt and blocks until it has ended. Everything learnt goes to the sink as it comes; the attempt succeeded if this method
     * returns after a {@link ai.orchestrator.chat.ChatEvent.Finished}.
     *
     * <p>Limits are the caller's affair: it cancels when one has passed. An implementation therefore sets no timeouts of its own, registers
     * with {@code cancellation} whatever it blocks on, and returns promptly once cancelled. What it registers runs on the thread
     * that keeps the limits of all calls, so it must not block: until it returns, no other limit is kept. An implementation that does not
     * heed its cancellation holds its caller beyond every limit. It repeats nothing by itself.
     *
     * @param request what is asked; nothing of it is {@link #unsupported}
     * @param delivery how the answer is wanted
     * @param deadline when the call is over; for what is told to the provider and for loose backstops
     * @param cancellation stops the attempt
     * @param sink takes the answer
     * @throws ProviderException if the attempt failed; if the thread was interrupted, of kind {@link FailureKind#CANCELLED} and with the
     *     thread's interrupt flag set
     */
    void chat(ChatRequest request, Delivery delivery, Deadline deadline, Cancellation cancellation, EventSink sink);

    /**
     * Looks whether this provider can be reached and takes its key, by asking something that costs nothing, such as a list of models: never
     * a completion. Blocks until it knows, within what {@link #chat} promises of cancelling and interrupts. Nothing can be asked by default.
     *
     * @param cancellation stops the check
     * @return true if all is well; false if there is nothing to ask for free, so that nothing was learnt
     * @throws ProviderException if something is wrong, of the kind that a call would fail with
     */
    default boolean check(Cancellation cancellation) {
        return false;
    }

    /**
     * Releases what this provider alone holds. Does nothing by default. No attempt and no check is under way then, and none begins any more,
     * unless the orchestrator is closed before they have ended; {@link #unsupported} may still be asked for a moment, and what it says
     * then is of no account.
     */
    @Override
    default void close() {}
}
