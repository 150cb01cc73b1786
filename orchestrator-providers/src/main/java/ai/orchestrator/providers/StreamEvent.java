package ai.orchestrator.providers;

/**
 * One piece of a stream, as it came.
 *
 * @param form what it is made of
 * @param name its {@code event:} field; empty if it has none
 * @param data its text, several lines joined by LF
 * @param complete false if the input ended before its last line did
 */
record StreamEvent(Form form, String name, String data, boolean complete) {

    /** What an event is made of. */
    enum Form {
        /** {@code data:} lines, or a line of its own where every line is JSON. */
        DATA,
        /** {@code error:} lines, as llama.cpp and gpustack send them. */
        ERROR_FIELD,
        /** Lines of JSON where they do not belong. */
        BARE_JSON
    }
}
