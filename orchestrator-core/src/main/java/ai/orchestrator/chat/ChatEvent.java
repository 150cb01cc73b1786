package ai.orchestrator.chat;

import ai.orchestrator.internal.JsonValues;
import ai.orchestrator.provider.FailureKind;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A piece of an answer, in the order in which a provider reports it. An answer is any number of pieces and then one {@link Finished}.
 *
 * <p>No event's {@code toString} shows what the model said.
 */
public sealed interface ChatEvent {

    /**
     * The provider named what answers. Comes at most once, before any content.
     *
     * @param model the model that answers, as the provider names it; may be empty
     * @param responseId the provider's own name for this answer; may be empty
     * @param requestId the provider's own name for the HTTP request, for its support; may be empty
     */
    record Started(String model, String responseId, String requestId) implements ChatEvent {

        /** Checks that nothing is null. */
        public Started {
            Objects.requireNonNull(model, "model");
            Objects.requireNonNull(responseId, "responseId");
            Objects.requireNonNull(requestId, "requestId");
        }
    }

    /** What the model produces: one of these ends the wait for the first token. */
    sealed interface Piece extends ChatEvent {}

    /**
     * A piece of the answer's text.
     *
     * @param text to be joined to the pieces before it; not empty
     */
    record Text(String text) implements Piece {

        /** Checks that nothing is null. */
        public Text {
            Objects.requireNonNull(text, "text");
        }

        @Override
        public String toString() {
            return "Text(" + text.length() + " characters)";
        }
    }

    /**
     * A piece of what the model thinks before it answers; not part of the answer.
     *
     * @param text to be joined to the pieces before it; not empty
     */
    record Reasoning(String text) implements Piece {

        /** Checks that nothing is null. */
        public Reasoning {
            Objects.requireNonNull(text, "text");
        }

        @Override
        public String toString() {
            return "Reasoning(" + text.length() + " characters)";
        }
    }

    /**
     * A piece of a tool call, for showing that one is on its way. {@link ToolCalled} follows when it is whole.
     *
     * @param index which of the answer's tool calls, from zero
     * @param name the tool; empty in pieces after the first
     * @param arguments to be joined to the pieces before it; may be empty
     */
    record ToolCallPiece(int index, String name, String arguments) implements Piece {

        /** Checks that nothing is null. */
        public ToolCallPiece {
            Objects.requireNonNull(name, "name");
            Objects.requireNonNull(arguments, "arguments");
        }

        @Override
        public String toString() {
            return "ToolCallPiece(" + index + ", " + name + ", " + arguments.length() + " characters)";
        }
    }

    /**
     * A whole tool call.
     *
     * @param index which of the answer's tool calls, from zero
     * @param call the call
     */
    record ToolCalled(int index, ToolCall call) implements Piece {

        /** Checks that nothing is null. */
        public ToolCalled {
            Objects.requireNonNull(call, "call");
        }
    }

    /**
     * What the answer cost so far; the last one counts.
     *
     * @param usage the counts
     */
    record Used(Usage usage) implements ChatEvent {

        /** Checks that nothing is null. */
        public Used {
            Objects.requireNonNull(usage, "usage");
        }
    }

    /**
     * What the provider says of its limits.
     *
     * @param rateLimits one for each subject; not empty, unmodifiable
     */
    record Limited(List<RateLimit> rateLimits) implements ChatEvent {

        /** Copies the list. */
        public Limited {
            rateLimits = List.copyOf(rateLimits);
        }
    }

    /**
     * The answer's HTTP headers, for a request that {@linkplain ChatRequest.Builder#withResponseHeaders asked for them}.
     *
     * @param headers by name in lower case, unmodifiable; values in the order in which they came
     */
    record Headers(Map<String, List<String>> headers) implements ChatEvent {

        /** Copies the headers. */
        public Headers {
            headers = JsonValues.copyOfLists(headers);
        }

        @Override
        public String toString() {
            return "Headers" + headers.keySet();
        }
    }

    /**
     * Fields of the provider's answer that this model has no place for. A later one of the same name replaces an earlier one.
     *
     * @param fields by name: null, strings, numbers, booleans, lists and maps of these; unmodifiable
     */
    record Extra(Map<String, Object> fields) implements ChatEvent {

        /** Copies the fields. */
        public Extra {
            fields = JsonValues.copyOf(fields);
        }

        @Override
        public String toString() {
            return "Extra" + fields.keySet();
        }
    }

    /**
     * What the provider wants to see again with the next turn of the conversation, such as a signature of its reasoning. It ends up in
     * {@link Message#providerState()} of {@link ChatResponse#message()}.
     *
     * @param dialect who understands it, such as {@code anthropic}
     * @param json JSON text; nobody else's business
     */
    record State(String dialect, String json) implements ChatEvent {

        /** Checks that nothing is null. */
        public State {
            Objects.requireNonNull(dialect, "dialect");
            Objects.requireNonNull(json, "json");
        }

        @Override
        public String toString() {
            return "State(" + dialect + ", " + json.length() + " characters)";
        }
    }

    /**
     * A provider broke off: what was read so far is void, and a new answer begins. Only under the contract {@code RESTART} of
     * {@link ai.orchestrator.StreamRescue}.
     *
     * @param provider who broke off, by its configured name
     * @param kind why
     */
    record Restarted(String provider, FailureKind kind) implements ChatEvent {

        /** Checks that nothing is null. */
        public Restarted {
            Objects.requireNonNull(provider, "provider");
            Objects.requireNonNull(kind, "kind");
        }
    }

    /**
     * The answer is complete. Without this event it is not.
     *
     * @param reason why the model stopped
     */
    record Finished(FinishReason reason) implements ChatEvent {

        /** Checks that nothing is null. */
        public Finished {
            Objects.requireNonNull(reason, "reason");
        }
    }
}
