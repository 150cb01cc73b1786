package ai.orchestrator.conformance;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonField;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.OpenAIInvalidDataException;
import com.openai.errors.OpenAIServiceException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionMessage;
import com.openai.models.chat.completions.ChatCompletionMessageFunctionToolCall;
import com.openai.models.chat.completions.ChatCompletionMessageToolCall;
import com.openai.models.completions.CompletionUsage;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** OpenAI's own client for Java. */
final class OpenAiReader implements Reader {

    private final OpenAIClient client;

    /** Reads from a server at this address, which has no path. */
    OpenAiReader(String root) {
        client = OpenAIOkHttpClient.builder()
                .baseUrl(root + "/v1")
                .apiKey(Question.KEY)
                .maxRetries(0)
                .build();
    }

    @Override
    public Reading read(String type, Mode mode) {
        ChatCompletionCreateParams question = ChatCompletionCreateParams.builder()
                .model(Question.MODEL)
                .addUserMessage(Question.TEXT)
                .build();
        return switch (mode) {
            case WHOLE -> whole(question);
            case STREAMED -> streamed(question);
            case ACCUMULATED -> accumulated(question);
        };
    }

    private Reading whole(ChatCompletionCreateParams question) {
        try {
            ChatCompletion answer = client.chat().completions().create(question);
            return answered(
                    answer,
                    first(answer)
                            .map(choice -> reasoning(choice.message()._allProperties()))
                            .orElse(""));
        } catch (RuntimeException e) {
            return failed("", e);
        }
    }

    /** The pieces as the client hands them over, joined here as the dialect says. */
    private Reading streamed(ChatCompletionCreateParams question) {
        Joined joined = new Joined();
        try (StreamResponse<ChatCompletionChunk> stream =
                client.chat().completions().createStreaming(question)) {
            stream.stream().forEach(joined::add);
            return joined.reading();
        } catch (RuntimeException e) {
            return failed(joined.text.toString(), e);
        }
    }

    private Reading accumulated(ChatCompletionCreateParams question) {
        Joined joined = new Joined();
        ChatCompletionAccumulator accumulator = ChatCompletionAccumulator.create();
        try (StreamResponse<ChatCompletionChunk> stream =
                client.chat().completions().createStreaming(question)) {
            for (Iterator<ChatCompletionChunk> chunks = stream.stream().iterator(); chunks.hasNext(); ) {
                ChatCompletionChunk chunk = chunks.next();
                // What it does not hand over: text before a failure, and what the client has no field for.
                joined.add(chunk);
                accumulator.accumulate(chunk);
            }
            return answered(accumulator.chatCompletion(), joined.reasoning.toString());
        } catch (RuntimeException e) {
            return failed(joined.text.toString(), e);
        }
    }

    /** A stream's pieces, put together. */
    private static final class Joined {

        private final StringBuilder text = new StringBuilder();
        private final StringBuilder reasoning = new StringBuilder();
        private final Map<Long, StringBuilder> arguments = new TreeMap<>();
        private final Map<Long, String> names = new TreeMap<>();
        private final Map<Long, String> ids = new TreeMap<>();
        private String finishReason = "";
        private Optional<Reading.Usage> usage = Optional.empty();
        private String model = "";
        private String id = "";

        private void add(ChatCompletionChunk chunk) {
            usage = chunk.usage().map(OpenAiReader::usage).or(() -> usage);
            model = model.isEmpty() ? chunk.model() : model;
            id = id.isEmpty() ? chunk.id() : id;
            for (ChatCompletionChunk.Choice choice : chunk.choices()) {
                if (choice.index() == 0) {
                    add(choice.delta());
                    choice.finishReason().ifPresent(reason -> finishReason = reason.asString());
                }
            }
        }

        private void add(ChatCompletionChunk.Choice.Delta delta) {
            text.append(delta.content().orElse(""));
            reasoning.append(reasoning(delta._allProperties()));
            for (ChatCompletionChunk.Choice.Delta.ToolCall call :
                    delta.toolCalls().orElse(List.of())) {
                call.id().filter(word -> !word.isEmpty()).ifPresent(word -> ids.putIfAbsent(call.index(), word));
                call.function().ifPresent(function -> {
                    // As OpenAI's own accumulator does: some servers repeat it.
                    names.putIfAbsent(call.index(), function.name().orElse(""));
                    arguments
                            .computeIfAbsent(call.index(), index -> new StringBuilder())
                            .append(function.arguments().orElse(""));
                });
            }
        }

        private Reading reading() {
            return Reading.answered(
                    text.toString(),
                    reasoning.toString(),
                    names.entrySet().stream()
                            .map(name -> Words.toolCall(name.getValue(), String.valueOf(arguments.get(name.getKey()))))
                            .toList(),
                    List.copyOf(ids.values()),
                    Words.finishReason(finishReason),
                    usage,
                    model,
                    id);
        }
    }

    /** The client has no field for it; this is how its users get at one. */
    private static String reasoning(Map<String, JsonValue> fields) {
        return Stream.of("reasoning_content", "reasoning")
                .map(fields::get)
                .filter(Objects::nonNull)
                .flatMap(value -> ((JsonField<?>) value).asString().stream())
                .findFirst()
                .orElse("");
    }

    /** Who gets an answer without choices has been told nothing. */
    private static Optional<ChatCompletion.Choice> first(ChatCompletion answer) {
        return answer.choices().stream().findFirst();
    }

    private static Reading answered(ChatCompletion answer, String reasoning) {
        Optional<ChatCompletion.Choice> choice = first(answer);
        Optional<ChatCompletionMessage> message = choice.map(ChatCompletion.Choice::message);
        List<ChatCompletionMessageFunctionToolCall> calls =
                message.flatMap(ChatCompletionMessage::toolCalls).orElse(List.of()).stream()
                        .map(ChatCompletionMessageToolCall::asFunction)
                        .toList();
        return Reading.answered(
                message.flatMap(ChatCompletionMessage::content).orElse(""),
                reasoning,
                calls.stream()
                        .map(ChatCompletionMessageFunctionToolCall::function)
                        .map(function -> Words.toolCall(function.name(), function.arguments()))
                        .toList(),
                calls.stream().map(ChatCompletionMessageFunctionToolCall::id).toList(),
                Words.finishReason(
                        choice.map(said -> said.finishReason().asString()).orElse("")),
                answer.usage().map(OpenAiReader::usage),
                answer.model(),
                answer.id());
    }

    private static Reading.Usage usage(CompletionUsage usage) {
        return new Reading.Usage(
                usage.promptTokens(),
                usage.completionTokens(),
                usage.promptTokensDetails()
                        .flatMap(CompletionUsage.PromptTokensDetails::cachedTokens)
                        .orElse(0L),
                usage.completionTokensDetails()
                        .flatMap(CompletionUsage.CompletionTokensDetails::reasoningTokens)
                        .orElse(0L));
    }

    private static Reading failed(String partialText, RuntimeException e) {
        Optional<OpenAIServiceException> service =
                e instanceof OpenAIServiceException known ? Optional.of(known) : Optional.empty();
        return Reading.failed(
                partialText,
                service.map(OpenAIServiceException::statusCode).orElse(0),
                service.map(OpenAiReader::code).orElse(""),
                Words.kind(e.getClass().getSimpleName()),
                e.toString());
    }

    private static String code(OpenAIServiceException e) {
        return told(e::code).or(() -> told(e::type)).orElse("");
    }

    /** A word of an error; empty if the client cannot tell it, such as a code that is a number. */
    private static Optional<String> told(Supplier<Optional<String>> word) {
        try {
            return word.get();
        } catch (OpenAIInvalidDataException e) {
            return Optional.empty();
        }
    }

    @Override
    public void close() {
        client.close();
    }
}
