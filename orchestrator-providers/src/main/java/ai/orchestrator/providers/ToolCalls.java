package ai.orchestrator.providers;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ToolCall;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Joins the pieces of an answer's tool calls. For one thread at a time. */
final class ToolCalls {

    /** How ids begin that are made up here, OpenAI's too. */
    static final String MADE_UP = "call_";

    /** More than any model asks for at once. */
    private static final int MAX_CALLS = 1_024;

    private static final class Draft {
        private String id = "";
        private String name = "";
        private final StringBuilder arguments = new StringBuilder();
    }

    private final AnswerDecoder decoder;
    private final List<Draft> drafts = new ArrayList<>();

    /** Where the call is that the provider gives this index or id. */
    private final Map<Object, Integer> positions = new HashMap<>();

    /** Those that have been reported as whole. */
    private final List<ToolCall> called = new ArrayList<>();

    ToolCalls(AnswerDecoder decoder) {
        this.decoder = decoder;
    }

    boolean isEmpty() {
        return drafts.isEmpty();
    }

    int size() {
        return drafts.size();
    }

    /**
     * Takes a piece.
     *
     * @param key the provider's index or id for the call; pieces with the same key are joined
     * @param id the call's id; empty in later pieces, or if the provider gives none
     * @param name the tool; empty in later pieces
     * @param arguments a part of the arguments' JSON text
     */
    void piece(Object key, String id, String name, String arguments) {
        Integer position = positions.get(key);
        if (position == null) {
            if (drafts.size() == MAX_CALLS) {
                throw decoder.malformed("the answer has more than " + MAX_CALLS + " tool calls");
            }
            position = drafts.size();
            positions.put(key, position);
            drafts.add(new Draft());
        }
        Draft draft = drafts.get(position);
        if (draft.id.isEmpty()) {
            draft.id = id;
        }
        // Some servers repeat the name in each piece.
        String newName = draft.name.isEmpty() ? name : "";
        draft.name += newName;
        draft.arguments.append(arguments);
        decoder.toolCall(
                new ChatEvent.ToolCallPiece(position, newName, arguments),
                id.length() + name.length() + arguments.length());
    }

    /** Reports the calls as whole that have not been yet. */
    void complete() {
        while (called.size() < drafts.size()) {
            int position = called.size();
            Draft draft = drafts.get(position);
            if (draft.name.isEmpty()) {
                throw decoder.malformed("a tool call has no name");
            }
            String arguments = draft.arguments.toString();
            ToolCall call = new ToolCall(
                    draft.id.isEmpty() ? madeUpId(position) : draft.id,
                    draft.name,
                    isNothing(arguments) ? "{}" : arguments);
            called.add(call);
            decoder.toolCall(new ChatEvent.ToolCalled(position, call), 0);
        }
    }

    /** The whole call that the provider gave this index or id, once it is {@link #complete}. */
    ToolCall called(Object key) {
        return called.get(Objects.requireNonNull(positions.get(key), "position"));
    }

    /** Cohere's models write null for a tool without arguments. */
    private static boolean isNothing(String arguments) {
        return arguments.isBlank() || arguments.strip().equals("null");
    }

    /** Unique in the conversation as far as the answer's own id or time is, in letters that every provider takes. */
    private String madeUpId(int position) {
        String answer = decoder.uniquePart().replaceAll("[^A-Za-z0-9_-]", "");
        return MADE_UP + (answer.length() > 40 ? answer.substring(0, 40) : answer) + "_" + position;
    }
}
