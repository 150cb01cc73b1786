package ai.orchestrator.conformance;

import com.anthropic.client.AnthropicClient;
import com.anthropic.client.okhttp.AnthropicOkHttpClient;
import com.anthropic.core.http.StreamResponse;
import com.anthropic.errors.AnthropicServiceException;
import com.anthropic.helpers.MessageAccumulator;
import com.anthropic.models.ErrorType;
import com.anthropic.models.messages.ContentBlock;
import com.anthropic.models.messages.Message;
import com.anthropic.models.messages.MessageCreateParams;
import com.anthropic.models.messages.OutputTokensDetails;
import com.anthropic.models.messages.RawMessageStreamEvent;
import com.anthropic.models.messages.StopReason;
import com.anthropic.models.messages.TextBlock;
import com.anthropic.models.messages.ThinkingBlock;
import com.anthropic.models.messages.ToolUseBlock;
import com.anthropic.models.messages.Usage;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Anthropic's own client for Java. */
final class AnthropicReader implements Reader {

    private final AnthropicClient client;

    /** Reads from a server at this address, which has no path. */
    AnthropicReader(String root) {
        client = AnthropicOkHttpClient.builder()
                .baseUrl(root)
                .apiKey(Question.KEY)
                .maxRetries(0)
                .build();
    }

    @Override
    public Reading read(String type, Mode mode) {
        MessageCreateParams question = MessageCreateParams.builder()
                .model(Question.MODEL)
                .maxTokens(8192)
                .addUserMessage(Question.TEXT)
                .build();
        return mode == Mode.WHOLE ? whole(question) : accumulated(question);
    }

    private Reading whole(MessageCreateParams question) {
        try {
            return answered(client.messages().create(question));
        } catch (RuntimeException e) {
            return failed("", e);
        }
    }

    private Reading accumulated(MessageCreateParams question) {
        StringBuilder text = new StringBuilder();
        MessageAccumulator accumulator = MessageAccumulator.create();
        try (StreamResponse<RawMessageStreamEvent> stream = client.messages().createStreaming(question)) {
            for (Iterator<RawMessageStreamEvent> events = stream.stream().iterator(); events.hasNext(); ) {
                RawMessageStreamEvent event = events.next();
                // The accumulator hands nothing over before the end.
                event.contentBlockDelta()
                        .flatMap(delta -> delta.delta().text())
                        .ifPresent(piece -> text.append(piece.text()));
                accumulator.accumulate(event);
            }
            return answered(accumulator.message());
        } catch (RuntimeException e) {
            return failed(text.toString(), e);
        }
    }

    private static Reading answered(Message answer) {
        List<ToolUseBlock> calls = answer.content().stream()
                .flatMap(block -> block.toolUse().stream())
                .toList();
        return Reading.answered(
                answer.content().stream()
                        .flatMap(block -> block.text().stream())
                        .map(TextBlock::text)
                        .collect(Collectors.joining()),
                answer.content().stream()
                        .map(ContentBlock::thinking)
                        .flatMap(Optional::stream)
                        .map(ThinkingBlock::thinking)
                        .collect(Collectors.joining()),
                calls.stream()
                        .map(call -> Words.toolCall(
                                call.name(),
                                call._input()
                                        .convert(com.fasterxml.jackson.databind.JsonNode.class)
                                        .toString()))
                        .toList(),
                calls.stream().map(ToolUseBlock::id).toList(),
                Words.finishReason(answer.stopReason().map(StopReason::asString).orElse("")),
                Optional.of(usage(answer.usage())),
                answer.model().asString(),
                answer.id());
    }

    /** What was cached, and written to the cache, is not in the count of the input. */
    private static Reading.Usage usage(Usage usage) {
        long cached = usage.cacheReadInputTokens().orElse(0L);
        return new Reading.Usage(
                usage.inputTokens() + cached + usage.cacheCreationInputTokens().orElse(0L),
                usage.outputTokens(),
                cached,
                usage.outputTokensDetails()
                        .map(OutputTokensDetails::thinkingTokens)
                        .orElse(0L));
    }

    private static Reading failed(String partialText, RuntimeException e) {
        Optional<AnthropicServiceException> service =
                e instanceof AnthropicServiceException known ? Optional.of(known) : Optional.empty();
        return Reading.failed(
                partialText,
                service.map(AnthropicServiceException::statusCode).orElse(0),
                service.flatMap(known -> known.errorCode().or(() -> known.type().map(ErrorType::asString)))
                        .orElse(""),
                Words.kind(e.getClass().getSimpleName()),
                e.toString());
    }

    @Override
    public void close() {
        client.close();
    }
}
