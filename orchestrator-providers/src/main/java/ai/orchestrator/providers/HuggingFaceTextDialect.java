package ai.orchestrator.providers;

import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.Content;
import ai.orchestrator.chat.Message;
import ai.orchestrator.chat.ReasoningEffort;
import ai.orchestrator.chat.ResponseFormat;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.ProviderOption;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.provider.ProviderType;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import okhttp3.HttpUrl;
import okhttp3.Request;

/**
 * Hugging Face's text generation, as the text generation inference server (TGI), Inference Endpoints and the {@code hf-inference} router take
 * it: {@code POST <base>/<model>} where the address ends with {@code /models}, else to the address itself, which serves one model alone.
 *
 * <p>A conversation is sent as one text; the setting {@code template} says how. A temperature of 0 becomes greedy decoding, which is also what
 * these servers do where nothing is said of sampling.
 */
final class HuggingFaceTextDialect implements Dialect {

    private static final String NAME = "huggingface-text";
    private static final String TEMPLATE = "template";

    static final ProviderType TYPE = new ProviderType(
            NAME,
            Optional.of(URI.create("https://router.huggingface.co/hf-inference/models")),
            Optional.empty(),
            true,
            List.of("HF_TOKEN", "HUGGINGFACE_API_KEY"),
            List.of(ProviderOption.of(
                    TEMPLATE,
                    PromptTemplate.PLAIN.word(),
                    Pattern.compile("plain|chatml|llama-3"),
                    "plain, chatml or llama-3",
                    "how a conversation becomes one text")));

    private static final Set<String> FIXED_FIELDS = Set.of("inputs", "stream");

    /** What TGI takes unless it is started with another limit. */
    private static final int MAX_STOP_SEQUENCES = 4;

    private final ProviderTarget target;
    private final HttpUrl url;
    private final PromptTemplate template;

    HuggingFaceTextDialect(ProviderTarget target) {
        this.target = target;
        this.url = url(HttpUrl.get(target.baseUrl().toString()), target.model());
        this.template = PromptTemplate.of(target.option(TEMPLATE).orElseThrow());
    }

    private static HttpUrl url(HttpUrl base, String model) {
        return hasManyModels(base) ? base.newBuilder().addPathSegments(model).build() : base;
    }

    private static boolean hasManyModels(HttpUrl base) {
        return base.encodedPath().endsWith("/models") || base.encodedPath().endsWith("/models/");
    }

    @Override
    public Optional<String> unsupported(ChatRequest request) {
        List<Message> messages = request.messages();
        if (!request.tools().isEmpty()) {
            return Optional.of("tools: " + NAME + " has none");
        }
        if (messages.stream().anyMatch(HuggingFaceTextDialect::isAboutTools)) {
            return Optional.of("messages: " + NAME + " knows no tool calls and no results of them");
        }
        if (messages.stream()
                .flatMap(message -> message.content().stream())
                .anyMatch(content -> !(content instanceof Content.Text))) {
            return Optional.of("images: " + NAME + " takes text alone");
        }
        if (request.responseFormat() == ResponseFormat.Plain.JSON) {
            return Optional.of("responseFormat: " + NAME + " knows JSON only with a schema");
        }
        if (request.reasoningEffort()
                .filter(effort -> effort != ReasoningEffort.NONE)
                .isPresent()) {
            return Optional.of("reasoningEffort: " + NAME + " has none");
        }
        if (request.seed().isPresent() && request.seed().getAsLong() < 0) {
            return Optional.of("seed: " + NAME + " takes none below zero");
        }
        if (request.stopSequences().size() > MAX_STOP_SEQUENCES) {
            return Optional.of("stop: " + NAME + " takes " + MAX_STOP_SEQUENCES + " sequences at most");
        }
        if (template.text(messages).isEmpty()) {
            return Optional.of("messages: every one is empty, and " + NAME + " needs a text");
        }
        return template.forgery(messages)
                .map(token -> "messages: one contains " + token + ", which would end its turn in the template "
                        + template.word());
    }

    private static boolean isAboutTools(Message message) {
        return message.role() == Message.Role.TOOL || !message.toolCalls().isEmpty();
    }

    @Override
    public Request.Builder http(Delivery delivery) {
        return http(url);
    }

    /** TGI's own view of its health, which is what Hugging Face's client asks for too. The router has nothing of the kind. */
    @Override
    public Optional<Request.Builder> check() {
        return hasManyModels(HttpUrl.get(target.baseUrl().toString()))
                ? Optional.empty()
                : Optional.of(http(Endpoint.base(target.baseUrl())
                        .newBuilder()
                        .addPathSegment("health")
                        .build()));
    }

    private Request.Builder http(HttpUrl url) {
        Request.Builder http = new Request.Builder().url(url);
        target.apiKey().ifPresent(key -> http.header("Authorization", "Bearer " + key));
        return http;
    }

    @Override
    public ObjectNode json(ChatRequest request, Delivery delivery) {
        ObjectNode json = Json.object();
        json.put("inputs", template.text(request.messages()));
        writeParameters(request, json.putObject("parameters"));
        json.put("stream", delivery == Delivery.STREAMED);
        Json.addExtra(json, request.extra(NAME), FIXED_FIELDS);
        return json;
    }

    private void writeParameters(ChatRequest request, ObjectNode parameters) {
        request.maxTokens().ifPresent(tokens -> parameters.put("max_new_tokens", tokens));
        writeSampling(request, parameters);
        request.seed().ifPresent(seed -> parameters.put("seed", seed));
        List<String> stop = stop(request);
        if (!stop.isEmpty()) {
            stop.stream().limit(MAX_STOP_SEQUENCES).forEach(parameters.putArray("stop")::add);
        }
        if (request.responseFormat() instanceof ResponseFormat.JsonSchema schema) {
            parameters
                    .putObject("grammar")
                    .put("type", "json")
                    .set("value", Json.callersObject("the schema '" + schema.name() + "'", schema.schema()));
        }
        parameters.put("details", true).put("return_full_text", false);
    }

    /** TGI refuses a temperature of 0 and a top-p of 1, and samples at either only if it is told to. */
    private static void writeSampling(ChatRequest request, ObjectNode parameters) {
        if (request.temperature().isEmpty() && request.topP().isEmpty()) {
            return;
        }
        boolean samples = request.temperature().orElse(1) > 0;
        parameters.put("do_sample", samples);
        if (samples) {
            request.temperature().ifPresent(temperature -> parameters.put("temperature", temperature));
            request.topP().stream().filter(topP -> topP < 1).forEach(topP -> parameters.put("top_p", topP));
        }
    }

    /** The caller's, and last what ends the model's turn: not every model's own end is that of the template. */
    private List<String> stop(ChatRequest request) {
        List<String> stop = new ArrayList<>(request.stopSequences());
        template.end(request.messages()).filter(end -> !stop.contains(end)).ifPresent(stop::add);
        return stop;
    }

    @Override
    public AnswerDecoder decoder(ChatRequest request, AnswerHead head, EventSink sink) {
        return new HuggingFaceTextDecoder(target.model(), stop(request), head, sink);
    }
}
