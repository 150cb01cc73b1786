package ai.orchestrator.providers;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Reads a JSON value from each line, as Ollama sends them. What begins as an object that its line does not end is read to the end of the input
 * as one value: gateways write their errors so. For one thread.
 */
final class JsonLines implements StreamFormat.Reader {

    private final LineReader lines;
    private final long maxEventChars;
    private final Runnable blank;
    private boolean first = true;

    /**
     * @param maxEventChars how long a value over several lines may be
     * @param blank is called for each empty line
     */
    JsonLines(LineReader lines, long maxEventChars, Runnable blank) {
        this.lines = lines;
        this.maxEventChars = maxEventChars;
        this.blank = blank;
    }

    @Override
    public @Nullable StreamEvent next() throws IOException {
        String line;
        while ((line = lines.next()) != null) {
            if (line.isBlank()) {
                blank.run();
                continue;
            }
            String data = first && goesOn(line) ? withFollowing(line) : line;
            first = false;
            return new StreamEvent(StreamEvent.Form.DATA, "", data, lines.isTerminated());
        }
        return null;
    }

    /** Whether it is not a value by itself but looks like the beginning of one. */
    private boolean goesOn(String line) {
        String text = line.strip();
        boolean opens = text.startsWith("{") || text.startsWith("[");
        return opens && lines.isTerminated() && Json.parse(text) == null;
    }

    private String withFollowing(String line) throws IOException {
        StringBuilder all = new StringBuilder(line);
        String next;
        while ((next = lines.next()) != null) {
            all.append('\n').append(next);
            if (all.length() > maxEventChars) {
                throw new OversizedAnswerException("a value is longer than " + maxEventChars + " characters");
            }
        }
        return all.toString();
    }
}
