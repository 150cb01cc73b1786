package ai.orchestrator.testkit;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import okio.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * What a streamed body sends, piece by piece, and how it ends. Each piece goes out as one chunk of HTTP/1.1's chunked coding, at once.
 * Immutable and safe for use by several threads.
 *
 * <pre>{@code
 * StreamScript.empty()
 *         .send("data: {\"choices\":[…]}\n\n")
 *         .await(gate)
 *         .send("data: [DONE]\n\n")
 * }</pre>
 */
public final class StreamScript {

    enum Ending {
        COMPLETE,
        CLOSE,
        SILENCE
    }

    /** Sends its bytes, or waits for its gate. */
    record Step(ByteString bytes, @Nullable CompletableFuture<?> gate) {}

    private final List<Step> steps;
    private final Ending ending;

    private StreamScript(List<Step> steps, Ending ending) {
        this.steps = List.copyOf(steps);
        this.ending = ending;
    }

    /**
     * A stream that ends at once.
     *
     * @return a script without pieces
     */
    public static StreamScript empty() {
        return new StreamScript(List.of(), Ending.COMPLETE);
    }

    /**
     * A whole body, cut at random points into pieces of 1 to 64 bytes, characters included.
     *
     * @param body the body
     * @param random where to cut
     * @return a script
     */
    public static StreamScript cut(String body, Random random) {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        StreamScript script = empty();
        List<Step> steps = new ArrayList<>();
        for (int from = 0; from < bytes.length; ) {
            int to = Math.min(bytes.length, from + 1 + random.nextInt(64));
            steps.add(new Step(ByteString.of(bytes, from, to - from), null));
            from = to;
        }
        return new StreamScript(steps, script.ending);
    }

    /**
     * A whole body in single bytes.
     *
     * @param body the body
     * @return a script
     */
    public static StreamScript singleBytes(String body) {
        List<Step> steps = new ArrayList<>();
        for (byte b : body.getBytes(StandardCharsets.UTF_8)) {
            steps.add(new Step(ByteString.of(b), null));
        }
        return new StreamScript(steps, Ending.COMPLETE);
    }

    /**
     * Sends more.
     *
     * @param text in UTF-8
     * @return a script with that piece at its end
     */
    public StreamScript send(String text) {
        return send(text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Sends more.
     *
     * @param bytes the piece; empty ones send nothing
     * @return a script with that piece at its end
     */
    public StreamScript send(byte[] bytes) {
        return with(new Step(ByteString.of(bytes), null));
    }

    /**
     * Waits before it goes on.
     *
     * @param gate what for
     * @return a script with that wait at its end
     */
    public StreamScript await(CompletableFuture<?> gate) {
        return with(new Step(ByteString.EMPTY, Objects.requireNonNull(gate, "gate")));
    }

    private StreamScript with(Step step) {
        List<Step> more = new ArrayList<>(steps);
        more.add(step);
        return new StreamScript(more, ending);
    }

    /**
     * Ends by closing the connection, without the body's end.
     *
     * @return a script
     */
    public StreamScript thenClose() {
        return new StreamScript(steps, Ending.CLOSE);
    }

    /**
     * Ends in silence, until the client closes.
     *
     * @return a script
     */
    public StreamScript thenSilence() {
        return new StreamScript(steps, Ending.SILENCE);
    }

    List<Step> steps() {
        return steps;
    }

    Ending ending() {
        return ending;
    }
}
