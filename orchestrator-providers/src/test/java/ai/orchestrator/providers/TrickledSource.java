package ai.orchestrator.providers;

import java.io.IOException;
import java.util.function.LongUnaryOperator;
import okio.Buffer;
import okio.BufferedSource;
import okio.Okio;
import okio.Source;
import okio.Timeout;
import org.jspecify.annotations.Nullable;

/** Bytes that come as a network would bring them: a few with each read. For one thread. */
final class TrickledSource implements Source {

    private final Buffer bytes;
    private final LongUnaryOperator step;
    private final @Nullable IOException ending;

    private TrickledSource(byte[] bytes, LongUnaryOperator step, @Nullable IOException ending) {
        this.bytes = new Buffer().write(bytes);
        this.step = step;
        this.ending = ending;
    }

    /**
     * A source that ends cleanly.
     *
     * @param step how many bytes one read brings, at least one, of so many that are left
     */
    static BufferedSource of(byte[] bytes, LongUnaryOperator step) {
        return Okio.buffer(new TrickledSource(bytes, step, null));
    }

    /** A source that brings everything at once and then breaks. */
    static BufferedSource broken(byte[] bytes, IOException ending) {
        return Okio.buffer(new TrickledSource(bytes, left -> left, ending));
    }

    @Override
    public long read(Buffer sink, long byteCount) throws IOException {
        if (bytes.exhausted()) {
            if (ending != null) {
                throw ending;
            }
            return -1;
        }
        return bytes.read(sink, Math.min(byteCount, step.applyAsLong(bytes.size())));
    }

    @Override
    public Timeout timeout() {
        return Timeout.NONE;
    }

    @Override
    public void close() {
        bytes.clear();
    }
}
