package ai.orchestrator.providers;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Reads server-sent events (WHATWG HTML §9.2.6), and what providers send in their place: an {@code error:} field, or bare JSON over several
 * lines. An event that the end of the input cuts short is delivered too, and marked. For one thread.
 */
final class ServerSentEvents {

    /** What an event is made of. */
    enum Form {
        /** Its {@code data:} lines. */
        DATA,
        /** Its {@code error:} lines, as llama.cpp and gpustack send them. */
        ERROR_FIELD,
        /** Lines without a field name that look like JSON. */
        BARE_JSON
    }

    /**
     * One event.
     *
     * @param form what it is made of
     * @param name its {@code event:} field; empty if it has none
     * @param data its lines, joined by LF
     * @param complete false if the input ended before the event's last line did
     */
    record Event(Form form, String name, String data, boolean complete) {}

    private final LineReader lines;
    private final long maxEventChars;
    private final Runnable comment;

    private String name = "";
    private Form form = Form.DATA;
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

    /**
     * Blocks until an event is complete or the input has ended.
     *
     * @return the event; null if the input has ended
     * @throws OversizedAnswerException if a limit is passed
     * @throws IOException from the input
     */
    @Nullable
    Event next() throws IOException {
        String line;
        while ((line = lines.next()) != null) {
            if (line.isEmpty()) {
                Event event = take(true);
                if (event != null) {
                    return event;
                }
            } else {
                field(line);
            }
        }
        return take(lines.isTerminated());
    }

    private @Nullable Event take(boolean complete) {
        StringBuilder lines = data;
        boolean hasContent = lines != null || name.equals("error");
        Event event = hasContent ? new Event(form, name, lines == null ? "" : lines.toString(), complete) : null;
        name = "";
        form = Form.DATA;
        data = null;
        return event;
    }

    private void field(String line) throws OversizedAnswerException {
        if (form == Form.BARE_JSON || startsLikeJson(line)) {
            form = Form.BARE_JSON;
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
                form = Form.ERROR_FIELD;
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
