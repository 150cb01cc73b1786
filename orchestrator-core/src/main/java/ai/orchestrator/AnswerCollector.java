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

    private final StringBuilder text = new StringBuilder();
    private final StringBuilder reasoning = new StringBuilder();
    private final Map<Integer, ToolCall> toolCalls = new TreeMap<>();
    private final Map<String, String> providerState = new LinkedHashMap<>();
    private final Map<String, Object> extra = new LinkedHashMap<>();
    private String model = "";
    private String responseId = "";
    private String requestId = "";
    private List<RateLimit> rateLimits = List.of();
    private Map<String, List<String>> headers = Map.of();
    private @Nullable Usage usage;
    private @Nullable FinishReason finishReason;

    void add(ChatEvent event) {
        if (event instanceof ChatEvent.Text piece) {
            text.append(piece.text());
        } else if (event instanceof ChatEvent.Reasoning piece) {
            reasoning.append(piece.text());
        } else if (event instanceof ChatEvent.ToolCalled called) {
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
            extra.putAll(more.fields());
        } else if (event instanceof ChatEvent.State state) {
            providerState.put(state.dialect(), state.json());
        } else if (event instanceof ChatEvent.Finished finished) {
            finishReason = finished.reason();
        }
    }

    boolean isComplete() {
        return finishReason != null;
    }

    /** What the model has said so far. */
    String text() {
        return text.toString();
    }

    /** The answer, without a trail. */
    ChatResponse.Builder answer(String provider) {
        ChatResponse.Builder answer = ChatResponse.builder(provider, text.toString())
                .reasoning(reasoning.toString())
                .toolCalls(List.copyOf(toolCalls.values()))
                .model(model)
                .responseId(responseId)
                .requestId(requestId)
                .usage(usage)
                .rateLimits(rateLimits)
                .headers(headers)
                .extra(extra);
        if (finishReason != null) {
            answer.finishReason(finishReason);
        }
        providerState.forEach(answer::providerState);
        return answer;
    }
}
