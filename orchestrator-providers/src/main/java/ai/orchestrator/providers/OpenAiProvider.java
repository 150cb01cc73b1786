package ai.orchestrator.providers;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Message;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.time.Deadline;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Locale;
import okhttp3.HttpUrl;
import okhttp3.Request;
import okio.ByteString;
import org.jspecify.annotations.Nullable;

/** The OpenAI chat completions dialect: {@code POST <base>/chat/completions} with a bearer key. */
final class OpenAiProvider implements ChatProvider {

    /** Trailing tokens are a fault: half a proxy's error page after an answer must not pass for one. */
    private static final ObjectMapper MAPPER =
            new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private final ProviderTarget target;
    private final HttpUrl url;
    private final String maxTokensField;
    private final HttpTransport transport;

    OpenAiProvider(ProviderTarget target, OpenAiPreset preset, HttpTransport transport) {
        this.target = target;
        this.url = HttpUrl.get(target.baseUrl().toString())
                .newBuilder()
                .addPathSegments("chat/completions")
                .build();
        this.maxTokensField = preset.maxTokensField(target.baseUrl());
        this.transport = transport;
    }

    @Override
    public void chat(ChatRequest request, Deadline deadline, Cancellation cancellation, EventSink sink) {
        Request.Builder http = new Request.Builder().url(url).header("Accept", "application/json");
        target.apiKey().ifPresent(key -> http.header("Authorization", "Bearer " + key));
        HttpTransport.Answer answer = transport.post(http, json(request), deadline, cancellation, sink);
        JsonNode body = parse(answer.body());
        if (answer.status() < 200 || answer.status() > 299 || (body != null && isError(body.path("error")))) {
            throw OpenAiFailures.read(answer.status(), body, target.apiKey());
        }
        read(answer.status(), body, sink);
    }

    /** Some servers send the field empty beside a good answer. */
    private static boolean isError(JsonNode error) {
        if (error.isContainerNode()) {
            return !error.isEmpty();
        }
        return error.isTextual() ? !error.asText().isBlank() : error.isNumber() || error.asBoolean();
    }

    private byte[] json(ChatRequest request) {
        ObjectNode json = MAPPER.createObjectNode();
        json.put("model", target.model());
        ArrayNode messages = json.putArray("messages");
        for (Message message : request.messages()) {
            messages.addObject()
                    .put("role", message.role().name().toLowerCase(Locale.ROOT))
                    .put("content", message.text());
        }
        request.maxTokens().ifPresent(tokens -> json.put(maxTokensField, tokens));
        request.temperature().ifPresent(temperature -> json.put("temperature", temperature));
        json.put("stream", false);
        try {
            return MAPPER.writeValueAsBytes(json);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException("a tree of text and numbers is always writable", e);
        }
    }

    private static @Nullable JsonNode parse(ByteString body) {
        try {
            JsonNode node = MAPPER.readTree(body.toByteArray());
            return node == null || node.isMissingNode() ? null : node;
        } catch (IOException e) {
            // Not JSON: an error page, or nothing. The status says the rest.
            return null;
        }
    }

    private static void read(int status, @Nullable JsonNode body, EventSink sink) {
        if (body == null) {
            throw malformed(status, "the answer is empty or not JSON");
        }
        JsonNode choice = body.path("choices").path(0);
        JsonNode message = choice.path("message");
        String finish = choice.path("finish_reason").asText("");
        JsonNode content = message.path("content");
        if (finish.equals("content_filter") || message.path("refusal").isTextual()) {
            throw ProviderException.answered(
                    FailureKind.CONTENT_FILTERED, status, status + ": the provider's policy withheld the answer");
        }
        if (finish.equals("insufficient_system_resource")) {
            throw ProviderException.answered(FailureKind.OVERLOADED, status, status + " " + finish);
        }
        if (!message.isObject() || !(content.isTextual() || (content.isNull() && !finish.equals("stop")))) {
            throw malformed(status, "the answer has no content");
        }
        if (finish.isEmpty() || finish.equals("error")) {
            throw malformed(status, "the answer has no finish reason");
        }
        sink.event(new ChatEvent.Started(
                body.path("model").asText(""), body.path("id").asText("")));
        if (!content.asText("").isEmpty()) {
            sink.event(new ChatEvent.Text(content.asText()));
        }
        JsonNode usage = body.path("usage");
        if (usage.path("prompt_tokens").isNumber()
                || usage.path("completion_tokens").isNumber()) {
            sink.event(new ChatEvent.Used(new Usage(
                    Math.max(0, usage.path("prompt_tokens").asLong(0)),
                    Math.max(0, usage.path("completion_tokens").asLong(0)))));
        }
        sink.event(new ChatEvent.Finished(
                switch (finish) {
                    case "stop", "eos_token" -> FinishReason.STOP;
                    case "length" -> FinishReason.LENGTH;
                    case "tool_calls", "function_call" -> FinishReason.TOOL_CALLS;
                    default -> FinishReason.OTHER;
                }));
    }

    private static ProviderException malformed(int status, String what) {
        return ProviderException.answered(FailureKind.MALFORMED, status, status + ": " + what);
    }

    @Override
    public String toString() {
        return "OpenAiProvider(" + target + ")";
    }
}
