package ai.orchestrator.cache;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ToolCall;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A complete answer as it was reported, so that it can be streamed again in the same pieces. Immutable.
 *
 * @param provider who answered, by its configured name
 * @param events the pieces in their order, the last of them {@link ChatEvent.Finished}; without {@link ChatEvent.Limited}, which tells of the
 *     moment in which the answer came; unmodifiable
 * @param madeAt when the answer came
 */
public record CachedAnswer(String provider, List<ChatEvent> events, Instant madeAt) {

    /** What an event, its place in a list and the strings in it take beside their characters. */
    private static final long EVENT_BYTES = 64;

    /**
     * Leaves out what tells of the moment, and checks that the rest is a complete answer.
     *
     * @throws IllegalArgumentException if {@link ChatEvent.Finished} is not the last event, or not the only one, or if one is {@link
     *     ChatEvent.Restarted}
     */
    public CachedAnswer {
        Objects.requireNonNull(provider, "provider");
        Objects.requireNonNull(madeAt, "madeAt");
        events = events.stream()
                .filter(event -> !(event instanceof ChatEvent.Limited))
                .toList();
        for (int i = 0; i < events.size(); i++) {
            boolean last = i == events.size() - 1;
            ChatEvent event = events.get(i);
            if (event instanceof ChatEvent.Finished != last || event instanceof ChatEvent.Restarted) {
                throw new IllegalArgumentException(
                        "not a complete answer: " + event + " is number " + (i + 1) + " of " + events.size());
            }
        }
        if (events.isEmpty()) {
            throw new IllegalArgumentException("not a complete answer: no event");
        }
    }

    /** About how much memory it takes. */
    long bytes() {
        return EVENT_BYTES
                + provider.length()
                + events.stream().mapToLong(CachedAnswer::bytes).sum();
    }

    private static long bytes(ChatEvent event) {
        return EVENT_BYTES + 2 * characters(event);
    }

    /** How many characters there are in it, as a rule two bytes each at most. */
    private static long characters(ChatEvent event) {
        if (event instanceof ChatEvent.Text piece) {
            return piece.text().length();
        }
        if (event instanceof ChatEvent.Reasoning piece) {
            return piece.text().length();
        }
        if (event instanceof ChatEvent.ToolCallPiece piece) {
            return (long) piece.name().length() + piece.arguments().length();
        }
        if (event instanceof ChatEvent.ToolCalled called) {
            ToolCall call = called.call();
            return (long) call.id().length()
                    + call.name().length()
                    + call.arguments().length();
        }
        if (event instanceof ChatEvent.State state) {
            return (long) state.dialect().length() + state.json().length();
        }
        if (event instanceof ChatEvent.Started started) {
            return (long) started.model().length()
                    + started.responseId().length()
                    + started.requestId().length();
        }
        if (event instanceof ChatEvent.Headers came) {
            return characters(came.headers());
        }
        return event instanceof ChatEvent.Extra more ? characters(more.fields()) : 0;
    }

    private static long characters(@Nullable Object json) {
        if (json instanceof String text) {
            return text.length();
        }
        if (json instanceof Map<?, ?> fields) {
            return fields.entrySet().stream()
                    .mapToLong(field -> EVENT_BYTES + characters(field.getKey()) + characters(field.getValue()))
                    .sum();
        }
        return json instanceof List<?> elements
                ? elements.stream().mapToLong(CachedAnswer::characters).sum()
                : EVENT_BYTES / 4;
    }

    /** Who answered, when, and in how many pieces; never what. */
    @Override
    public String toString() {
        return "CachedAnswer(provider=" + provider + ", " + events.size() + " events, made at " + madeAt + ")";
    }
}
