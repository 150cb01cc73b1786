package ai.orchestrator.conformance;

import java.util.Locale;

/** How an answer is asked for and read. */
enum Mode {
    WHOLE,
    /** A stream, piece by piece. */
    STREAMED,
    /** A stream that the client itself makes an answer of. */
    ACCUMULATED;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
