package ai.orchestrator.conformance;

import com.google.genai.Client;
import com.google.genai.ResponseStream;
import com.google.genai.errors.ApiException;
import com.google.genai.types.Candidate;
import com.google.genai.types.Content;
import com.google.genai.types.FunctionCall;
import com.google.genai.types.GenerateContentConfig;
import com.google.genai.types.GenerateContentResponse;
import com.google.genai.types.GenerateContentResponseUsageMetadata;
import com.google.genai.types.HttpOptions;
import com.google.genai.types.HttpRetryOptions;
import com.google.genai.types.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Google's own client for Java. It has nothing that joins a stream's pieces, so they are joined here as its parts say. */
final class GeminiReader implements Reader {

    private static final GenerateContentConfig NOTHING =
            GenerateContentConfig.builder().build();

    private final Client client;

    /** Reads from a server at this address, which has no path. */
    GeminiReader(String root) {
        client = Client.builder()
                .apiKey(Question.KEY)
                .vertexAI(false)
                .httpOptions(HttpOptions.builder()
                        .baseUrl(root)
                        .retryOptions(HttpRetryOptions.builder()
                                // It waits after its last attempt too.
                                .initialDelay(0.0)
                                .jitter(0.0)
                                .attempts(1)
                                .build())
                        .build())
                .build();
    }

    @Override
    public Reading read(String type, Mode mode) {
        List<GenerateContentResponse> pieces = new ArrayList<>();
        try {
            if (mode == Mode.STREAMED) {
                try (ResponseStream<GenerateContentResponse> stream =
                        client.models.generateContentStream(Question.MODEL, Question.TEXT, NOTHING)) {
                    stream.forEach(pieces::add);
                }
            } else {
                pieces.add(client.models.generateContent(Question.MODEL, Question.TEXT, NOTHING));
            }
            return answered(pieces);
        } catch (ApiException e) {
            return Reading.failed(
                    text(pieces, false),
                    e.code(),
                    e.status(),
                    Words.kind(e.getClass().getSimpleName()),
                    e.toString());
        } catch (RuntimeException e) {
            return Reading.failed(text(pieces, false), 0, "", "", e.toString());
        }
    }

    private static Reading answered(List<GenerateContentResponse> pieces) {
        List<FunctionCall> calls = parts(pieces).stream()
                .flatMap(part -> part.functionCall().stream())
                .toList();
        return Reading.answered(
                text(pieces, false),
                text(pieces, true),
                calls.stream()
                        .map(call -> Words.toolCall(
                                call.name().orElse(""), Words.text(call.args().orElseGet(java.util.Map::of))))
                        .toList(),
                calls.stream().flatMap(call -> call.id().stream()).toList(),
                finishReason(pieces, !calls.isEmpty()),
                last(pieces, GenerateContentResponse::usageMetadata).map(GeminiReader::usage),
                last(pieces, GenerateContentResponse::modelVersion).orElse(""),
                last(pieces, GenerateContentResponse::responseId).orElse(""));
    }

    private static <T> Optional<T> last(
            List<GenerateContentResponse> pieces,
            java.util.function.Function<GenerateContentResponse, Optional<T>> field) {
        return pieces.stream().flatMap(piece -> field.apply(piece).stream()).reduce((before, after) -> after);
    }

    private static List<Candidate> candidates(List<GenerateContentResponse> pieces) {
        return pieces.stream()
                .flatMap(piece -> piece.candidates().orElse(List.of()).stream())
                .filter(candidate -> candidate.index().orElse(0) == 0)
                .toList();
    }

    private static List<Part> parts(List<GenerateContentResponse> pieces) {
        return candidates(pieces).stream()
                .flatMap(candidate -> candidate.content().flatMap(Content::parts).orElse(List.of()).stream())
                .toList();
    }

    private static String text(List<GenerateContentResponse> pieces, boolean thoughts) {
        return parts(pieces).stream()
                .filter(part -> part.thought().orElse(false) == thoughts)
                .flatMap(part -> part.text().stream())
                .collect(Collectors.joining());
    }

    /** A tool call also ends with STOP. */
    private static String finishReason(List<GenerateContentResponse> pieces, boolean calls) {
        String word = candidates(pieces).stream()
                .flatMap(candidate -> candidate.finishReason().stream())
                .map(Object::toString)
                .reduce("", (before, after) -> after);
        return Words.finishReason(calls && word.equals("STOP") ? "tool_calls" : word);
    }

    /** Thoughts are not in the count of the candidates. */
    private static Reading.Usage usage(GenerateContentResponseUsageMetadata usage) {
        int thoughts = usage.thoughtsTokenCount().orElse(0);
        return new Reading.Usage(
                usage.promptTokenCount().orElse(0),
                usage.candidatesTokenCount().orElse(0) + thoughts,
                usage.cachedContentTokenCount().orElse(0),
                thoughts);
    }

    @Override
    public void close() {
        client.close();
    }
}
