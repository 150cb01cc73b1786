package ai.orchestrator;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.RateLimit;
import ai.orchestrator.chat.ToolCall;
import ai.orchestrator.chat.Usage;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Makes one answer of an attempt's events. For one thread at a time. */
final class AnswerCollector {

    private final Pieces text = new Pieces();

    // What most answers have nothing of is made when it comes.
    private @Nullable Pieces reasoning;
    private @Nullable Map<Integer, ToolCall> toolCalls;
    private @Nullable Map<String, String> providerState;
    private @Nullable Map<String, Object> extra;
    private String model = "";
    private String responseId = "";
    private String requestId = "";
    private List<RateLimit> rateLimits = List.of();
    private Map<String, List<String>> headers = Map.of();
    private @Nullable Usage usage;
    private @Nullable FinishReason finishReason;

    /** A text in pieces, of which there may be only one. */
    private static final class Pieces {

        private String first = "";
        private @Nullable StringBuilder all;

        void add(String piece) {
            if (all != null) {
                all.append(piece);
            } else if (first.isEmpty()) {
                first = piece;
            } else {
                all = new StringBuilder(first).append(piece);
            }
        }

        @Override
        public String toString() {
            return all == null ? first : all.toString();
        }
    }

    void add(ChatEvent event) {
        if (event instanceof ChatEvent.Text piece) {
            text.add(piece.text());
        } else if (event instanceof ChatEvent.Reasoning piece) {
            if (reasoning == null) {
                reasoning = new Pieces();
            }
            reasoning.add(piece.text());
        } else if (event instanceof ChatEvent.ToolCalled called) {
            if (toolCalls == null) {
                toolCalls = new TreeMap<>();
            }
            toolCalls.put(called.index(), called.call());
        } else if (event instanceof ChatEvent.Started started) {
            model = started.model();
            responseId = started.responseId();
            requestId = started.requestId();
        } else if (event instanceof ChatEvent.Used used) {
            usage = used.usage();
        } else if (event instanceof ChatEvent.Limited limited) {
            rateLimits = limited.rateLimits();
        } else if (event instanceof ChatEvent.Headers came) {
            headers = came.headers();
        } else if (event instanceof ChatEvent.Extra more) {
            if (extra == null) {
                extra = new LinkedHashMap<>();
            }
            extra.putAll(more.fields());
        } else if (event instanceof ChatEvent.State state) {
            if (providerState == null) {
                providerState = new LinkedHashMap<>();
            }
            providerState.put(state.dialect(), state.json());
        } else if (event instanceof ChatEvent.Finished finished) {
            finishReason = finished.reason();
        }
    }

    boolean isComplete() {
        return finishReason != null;
    }

    /** What it cost, as far as the provider has said. */
    @Nullable
    Usage usage() {
        return usage;
    }

    /** What the provider has said of its limits. */
    List<RateLimit> rateLimits() {
        return rateLimits;
    }

    /** What the model has said so far. */
    String text() {
        return text.toString();
    }

    /** The answer, without a trail. */
    ChatResponse.Builder answer(String provider) {
        ChatResponse.Builder answer = ChatResponse.builder(provider, text.toString())
                .model(model)
                .responseId(responseId)
                .requestId(requestId)
                .usage(usage)
                .rateLimits(rateLimits)
                .headers(headers);
        if (reasoning != null) {
            answer.reasoning(reasoning.toString());
        }
        if (toolCalls != null) {
            answer.toolCalls(List.copyOf(toolCalls.values()));
        }
        if (extra != null) {
            answer.extra(extra);
        }
        if (providerState != null) {
            providerState.forEach(answer::providerState);
        }
        if (finishReason != null) {
            answer.finishReason(finishReason);
        }
        return answer;
    }
}
