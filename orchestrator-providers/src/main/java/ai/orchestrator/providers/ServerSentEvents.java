package ai.orchestrator.providers;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Reads server-sent events (WHATWG HTML §9.2.6), and what providers send in their place: an {@code error:} field, or bare JSON over several
 * lines. An event that the end of the input cuts short is delivered too, and marked. For one thread.
 */
final class ServerSentEvents implements StreamFormat.Reader {

    private final LineReader lines;
    private final long maxEventChars;
    private final Runnable comment;

    private String name = "";
    private StreamEvent.Form form = StreamEvent.Form.DATA;
    private @Nullable StringBuilder data;

    /**
     * @param maxEventChars how long an event's lines may be together
     * @param comment is called for each comment
     */
    ServerSentEvents(LineReader lines, long maxEventChars, Runnable comment) {
        this.lines = lines;
        this.maxEventChars = maxEventChars;
        this.comment = comment;
    }

    @Override
    public @Nullable StreamEvent next() throws IOException {
        String line;
        while ((line = lines.next()) != null) {
            if (line.isEmpty()) {
                StreamEvent event = take(true);
                if (event != null) {
                    return event;
                }
            } else {
                field(line);
            }
        }
        return take(lines.isTerminated());
    }

    private @Nullable StreamEvent take(boolean complete) {
        StringBuilder lines = data;
        boolean hasContent = lines != null || name.equals("error");
        StreamEvent event =
                hasContent ? new StreamEvent(form, name, lines == null ? "" : lines.toString(), complete) : null;
        name = "";
        form = StreamEvent.Form.DATA;
        data = null;
        return event;
    }

    private void field(String line) throws OversizedAnswerException {
        if (form == StreamEvent.Form.BARE_JSON || startsLikeJson(line)) {
            form = StreamEvent.Form.BARE_JSON;
            append(line);
            return;
        }
        int colon = line.indexOf(':');
        if (colon == 0) {
            comment.run();
            return;
        }
        String field = colon < 0 ? line : line.substring(0, colon);
        String value = colon < 0 ? "" : line.substring(colon + 1);
        if (value.startsWith(" ")) {
            value = value.substring(1);
        }
        switch (field) {
            case "event" -> name = value;
            case "data" -> append(value);
            case "error" -> {
                form = StreamEvent.Form.ERROR_FIELD;
                append(value);
            }
            default -> {
                // id and retry are for reconnecting, which nobody does; unknown fields are to be ignored.
            }
        }
    }

    private static boolean startsLikeJson(String line) {
        String text = line.stripLeading();
        return text.startsWith("{") || text.startsWith("[");
    }

    private void append(String line) throws OversizedAnswerException {
        if (data == null) {
            data = new StringBuilder(line);
        } else {
            data.append('\n').append(line);
        }
        if (data.length() > maxEventChars) {
            throw new OversizedAnswerException("an event is longer than " + maxEventChars + " characters");
        }
    }
}
