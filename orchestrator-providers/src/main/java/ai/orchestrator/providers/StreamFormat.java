package ai.orchestrator.providers;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** How a dialect's streams are cut into pieces. */
enum StreamFormat {
    /** Server-sent events; an answer that begins like JSON is a whole one. */
    SERVER_SENT_EVENTS("text/event-stream") {
        @Override
        Reader reader(LineReader lines, long maxEventChars, Runnable alive) {
            return new ServerSentEvents(lines, maxEventChars, alive);
        }
    },
    /** A JSON value on each line. */
    JSON_LINES("application/x-ndjson") {
        @Override
        Reader reader(LineReader lines, long maxEventChars, Runnable alive) {
            return new JsonLines(lines, maxEventChars, alive);
        }
    };

    /** Reads one stream. For one thread. */
    interface Reader {

        /**
         * Blocks until an event is complete or the input has ended.
         *
         * @return the event; null if the input has ended
         * @throws OversizedAnswerException if a limit is passed
         * @throws IOException from the input
         */
        @Nullable
        StreamEvent next() throws IOException;
    }

    private final String mediaType;

    StreamFormat(String mediaType) {
        this.mediaType = mediaType;
    }

    /** What to accept, and what such an answer calls itself. */
    String mediaType() {
        return mediaType;
    }

    /**
     * A reader of one stream.
     *
     * @param maxEventChars how long the lines of an event may be together
     * @param alive is called for what is no part of the answer, such as a comment
     */
    abstract Reader reader(LineReader lines, long maxEventChars, Runnable alive);
}
