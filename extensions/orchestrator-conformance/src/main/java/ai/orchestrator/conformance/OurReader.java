package ai.orchestrator.conformance;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.ToolCall;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.testkit.ManualTimeSource;
import java.time.Duration;
import java.util.List;

/** This library, with one provider that it asks once. */
final class OurReader implements Reader {

    private final String root;

    /** Reads from a server at this address, which has no path. */
    OurReader(String root) {
        this.root = root;
    }

    @Override
    public Reading read(String type, Mode mode) {
        // Each answer for itself: none may open the breaker or park the provider for the next one.
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(new ManualTimeSource())
                .drainTimeout(Duration.ZERO)
                .provider(
                        type,
                        p -> p.type(type)
                                .baseUrl(root + (Family.of(type) == Family.GEMINI ? "/v1beta" : "/v1"))
                                .model(Question.MODEL)
                                .apiKey(Question.KEY)
                                .retry(RetrySettings.builder().maxAttempts(1).build()))
                .build()) {
            return answered(mode == Mode.WHOLE ? orchestrator.chat(Question.TEXT) : streamed(orchestrator));
        } catch (OrchestratorException e) {
            return failed(e);
        }
    }

    private static ChatResponse streamed(Orchestrator orchestrator) {
        try (ChatStream stream = orchestrator.stream(ChatRequest.of(Question.TEXT))) {
            return stream.response();
        }
    }

    private static Reading answered(ChatResponse answer) {
        List<ToolCall> calls = answer.toolCalls();
        return Reading.answered(
                answer.text(),
                answer.reasoning(),
                calls.stream()
                        .map(call -> Words.toolCall(call.name(), call.arguments()))
                        .toList(),
                calls.stream()
                        .map(call -> Words.toolCallId(call.id(), answer.responseId()))
                        .filter(id -> !id.isEmpty())
                        .toList(),
                Words.finishReason(answer.finishReason().name()),
                answer.usage().map(OurReader::usage),
                answer.model(),
                answer.responseId());
    }

    private static Reading.Usage usage(Usage usage) {
        return new Reading.Usage(
                usage.inputTokens(), usage.outputTokens(), usage.cachedTokens(), usage.reasoningTokens());
    }

    private static Reading failed(OrchestratorException e) {
        if (!(e.getCause() instanceof ProviderException cause)) {
            throw new IllegalStateException("failed without a provider's failure", e);
        }
        return Reading.failed(
                e.partialText(),
                cause.status().orElse(0),
                cause.code(),
                Words.kind(cause.kind().name()),
                cause.kind() + ": " + cause.getMessage());
    }

    @Override
    public void close() {
        // Each reading has closed what it opened.
    }
}
