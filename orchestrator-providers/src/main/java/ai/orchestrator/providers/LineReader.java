package ai.orchestrator.providers;

import java.io.IOException;
import okio.Buffer;
import okio.BufferedSource;
import okio.ByteString;
import org.jspecify.annotations.Nullable;

/**
 * Reads lines that end with LF, CRLF or CR, as server-sent events may (WHATWG HTML §9.2.5), as soon as their end has come: after a CR it
 * does not wait for an LF. Holds at most one line in memory. For one thread.
 */
final class LineReader {

    private static final ByteString LINE_ENDS = ByteString.encodeUtf8("\r\n");
    private static final String BYTE_ORDER_MARK = "\uFEFF";

    private final BufferedSource source;
    private final long maxLineBytes;
    private final long maxBytes;
    private long bytes;
    private boolean first = true;
    private boolean skipLineFeed;
    private boolean terminated = true;

    /**
     * @param maxLineBytes how long a line may be, its end not counted
     * @param maxBytes how long all lines together may be
     */
    LineReader(BufferedSource source, long maxLineBytes, long maxBytes) {
        this.source = source;
        this.maxLineBytes = maxLineBytes;
        this.maxBytes = maxBytes;
    }

    /**
     * Blocks until a line is complete or the input has ended. Bytes that are not UTF-8 become U+FFFD.
     *
     * @return the line without its end; null if the input has ended
     * @throws OversizedAnswerException if a limit is passed
     * @throws IOException from the input
     */
    @Nullable
    String next() throws IOException {
        Buffer buffer = source.getBuffer();
        if (skipLineFeed) {
            if (source.request(1) && buffer.getByte(0) == '\n') {
                buffer.skip(1);
            }
            skipLineFeed = false;
        }
        long scanned = 0;
        long end;
        while ((end = buffer.indexOfElement(LINE_ENDS, scanned)) < 0) {
            scanned = buffer.size();
            check(scanned);
            if (!source.request(scanned + 1)) {
                if (scanned == 0) {
                    return null;
                }
                terminated = false;
                return line(scanned);
            }
        }
        check(end);
        String line = line(end);
        skipLineFeed = buffer.readByte() == '\r';
        return line;
    }

    private void check(long length) throws OversizedAnswerException {
        if (length > maxLineBytes) {
            throw new OversizedAnswerException("a line is longer than " + maxLineBytes + " bytes");
        }
        if (bytes + length > maxBytes) {
            throw new OversizedAnswerException("the answer is larger than " + maxBytes + " bytes");
        }
    }

    private String line(long length) throws IOException {
        bytes += length + 1;
        String line = source.getBuffer().readUtf8(length);
        if (first && line.startsWith(BYTE_ORDER_MARK)) {
            line = line.substring(1);
        }
        first = false;
        return line;
    }

    /** Whether the last line had an end: if not, it may be a part of one. */
    boolean isTerminated() {
        return terminated;
    }
}
