package ai.orchestrator.providers;

import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Reads chat completions and their chunks, with what the vendors make of them. For one thread at a time. */
final class OpenAiDecoder extends AnswerDecoder {

    /** What has its place in an answer, and what is nobody's business: padding, and what only repeats. */
    private static final Set<String> KNOWN_FIELDS =
            Set.of("id", "object", "created", "model", "choices", "usage", "error", "obfuscation", "p", "prompt");

    private final StringBuilder refusal = new StringBuilder();

    /** Which call a piece without index or id belongs to: Mistral sends calls whole, others go on with the last one. */
    private String lastCall = "";

    /** Which call the index stands for now. */
    private final Map<Integer, String> keysByIndex = new HashMap<>();

    OpenAiDecoder(AnswerHead head, EventSink sink) {
        super(head, sink);
    }

    @Override
    void whole(JsonNode body) {
        JsonNode choice = body.path("choices").path(0);
        if (!choice.path("message").isObject()) {
            throw malformed("the answer has no message");
        }
        start(body);
        content(choice.path("message"));
        end(choice);
        if (!isEnded()) {
            throw malformed("the answer has no finish reason");
        }
        usage(body);
    }

    @Override
    void piece(JsonNode chunk) {
        if (!chunk.isObject()) {
            throw malformed("a piece of the stream is no JSON object");
        }
        JsonNode choice = first(chunk.path("choices"));
        if (!choice.isMissingNode() || chunk.path("id").asText("").length() > 0) {
            start(chunk);
        }
        content(choice.path("delta"));
        end(choice);
        usage(chunk);
    }

    private void start(JsonNode body) {
        started(body.path("model").asText(""), body.path("id").asText(""));
        extra(body, KNOWN_FIELDS);
    }

    private void content(JsonNode message) {
        // DeepSeek, vLLM; Groq, OpenRouter, Ollama.
        JsonNode reasoning = message.path("reasoning_content");
        reasoning(reasoning.isTextual() ? reasoning.asText() : textOf(message.path("reasoning")));
        JsonNode content = message.path("content");
        if (content.isTextual()) {
            text(content.asText());
        } else if (content.isArray()) {
            // Mistral's reasoning models.
            content.forEach(this::part);
        } else if (!content.isNull() && !content.isMissingNode()) {
            throw malformed("the content is neither text nor parts");
        }
        refusal.append(textOf(message.path("refusal")));
        count(textOf(message.path("refusal")).length());
        for (JsonNode call : message.path("tool_calls")) {
            toolCall(call);
        }
    }

    private void part(JsonNode part) {
        switch (part.path("type").asText("text")) {
            case "text" -> text(textOf(part.path("text")));
            case "thinking" -> {
                JsonNode thinking = part.path("thinking");
                reasoning(textOf(thinking));
                for (JsonNode inner : thinking.isArray() ? thinking : List.<JsonNode>of()) {
                    reasoning(textOf(inner.path("text")));
                }
            }
            default -> {
                // References and the like have no place in an answer.
            }
        }
    }

    private void toolCall(JsonNode call) {
        String id = textOf(call.path("id"));
        JsonNode index = call.path("index");
        String name = textOf(call.path("function").path("name"));
        String known = index.isInt() ? keysByIndex.get(index.asInt()) : null;
        String key = index.isInt() ? index.asInt() + "/" + id : id;
        // Some servers give every call the index 0: a name with another id is another call. Others change the id, or
        // send
        // it late, in pieces that have no name.
        boolean another = !id.isEmpty() && !name.isEmpty() && !key.equals(known);
        if (another || (known == null && !id.isEmpty())) {
            lastCall = key;
        } else if (known != null) {
            lastCall = known;
        } else if (!name.isEmpty()) {
            lastCall = "call without id " + toolCalls.size();
        }
        if (index.isInt()) {
            keysByIndex.put(index.asInt(), lastCall);
        }
        JsonNode function = call.path("function");
        JsonNode arguments = function.path("arguments");
        toolCalls.piece(
                lastCall,
                id,
                name,
                // A text by the dialect, but some servers send the object itself.
                arguments.isContainerNode() ? Json.text(arguments) : textOf(arguments));
    }

    private void end(JsonNode choice) {
        String reason = textOf(choice.path("finish_reason"));
        if (reason.isEmpty() && refusal.isEmpty()) {
            return;
        }
        switch (reason.toLowerCase(Locale.ROOT)) {
            case "" -> {
                // A refusal is complete with its finish reason.
            }
            case "content_filter" -> throw filtered("the provider's policy withheld the answer");
            case "insufficient_system_resource" -> throw head.failed(FailureKind.OVERLOADED, reason);
            case "error" -> throw head.failed(FailureKind.SERVER, "the provider ended the answer with an error");
            default -> {
                if (!refusal.isEmpty()) {
                    throw filtered("the model refused: " + head.redaction().message(refusal.toString()));
                }
                ended(
                        switch (reason.toLowerCase(Locale.ROOT)) {
                            case "stop", "eos_token", "eos", "stop_sequence" -> FinishReason.STOP;
                            case "length", "model_length", "max_tokens" -> FinishReason.LENGTH;
                            case "tool_calls", "function_call" -> FinishReason.TOOL_CALLS;
                            default -> FinishReason.OTHER;
                        });
            }
        }
    }

    private void usage(JsonNode body) {
        JsonNode usage = body.path("usage");
        if (!usage.isObject()) {
            usage = body.path("x_groq").path("usage");
        }
        if (usage.path("prompt_tokens").isNumber()
                || usage.path("completion_tokens").isNumber()) {
            JsonNode cached = usage.path("prompt_tokens_details").path("cached_tokens");
            used(new Usage(
                    Json.count(usage.path("prompt_tokens")),
                    Json.count(usage.path("completion_tokens")),
                    Json.count(cached.isNumber() ? cached : usage.path("prompt_cache_hit_tokens")),
                    Json.count(usage.path("completion_tokens_details").path("reasoning_tokens"))));
        }
    }
}
