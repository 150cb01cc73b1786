package ai.orchestrator.chat;

import java.util.Iterator;

/**
 * An answer while it comes. For one thread at a time, but for {@link #close()}, which any thread may call.
 *
 * <pre>{@code
 * try (ChatStream stream = orchestrator.stream(ChatRequest.of("Why is the sky blue?"))) {
 *     for (ChatEvent event : stream) {
 *         if (event instanceof ChatEvent.Text piece) {
 *             System.out.print(piece.text());
 *         }
 *     }
 * }
 * }</pre>
 *
 * <p>A provider that fails before its first piece of text or of a tool call is replaced unnoticed; what happens when one fails later,
 * {@link ai.orchestrator.StreamRescue} says. Reasoning is held back until that first piece. A stream that is not read to its
 * end must be closed, or it holds its connection until the call's deadline.
 */
public interface ChatStream extends Iterable<ChatEvent>, AutoCloseable {

    /**
     * Whether something follows. Blocks until that is known, at most until the call's deadline, if the provider heeds its cancellation.
     *
     * @return false after {@link ChatEvent.Finished}
     * @throws ai.orchestrator.OrchestratorException if the call failed, every time; as {@link ai.orchestrator.Orchestrator#stream} says
     */
    boolean hasNext();

    /**
     * What follows.
     *
     * @return the next piece
     * @throws java.util.NoSuchElementException if nothing follows
     * @throws ai.orchestrator.OrchestratorException as {@link #hasNext()}
     */
    ChatEvent next();

    /**
     * The pieces that have not been read yet; those that one iterator has read are gone for the others.
     *
     * @return {@link #hasNext()} and {@link #next()}
     */
    @Override
    default Iterator<ChatEvent> iterator() {
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return ChatStream.this.hasNext();
            }

            @Override
            public ChatEvent next() {
                return ChatStream.this.next();
            }
        };
    }

    /**
     * The complete answer, with its trail. Skips what has not been read.
     *
     * @return the answer, the pieces that were read included
     * @throws ai.orchestrator.OrchestratorException as {@link #hasNext()}
     */
    ChatResponse response();

    /**
     * Ends the call if it is still under way, which frees its connection at once; whoever reads on gets a {@link
     * ai.orchestrator.CallCancelledException}. Does nothing the second time, nor after the end.
     */
    @Override
    void close();
}
