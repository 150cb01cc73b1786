package ai.orchestrator.testkit;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** What a {@link ScriptedServer} does with one request. Immutable and safe for use by several threads. */
public final class Reply {

    enum Ending {
        COMPLETE,
        RESET_BEFORE_HEADERS,
        SILENCE_AFTER_HEADERS,
        CLOSE_IN_BODY,
        STREAM
    }

    private final int status;
    private final Map<String, String> headers;
    private final String model;
    private final BodyWriter body;
    private final Ending ending;
    private final int bodyBytes;
    private final @Nullable CompletableFuture<?> gate;
    private final StreamScript stream;

    private interface BodyWriter {
        String write(String requestBody, String model);
    }

    private Reply(
            int status,
            Map<String, String> headers,
            String model,
            BodyWriter body,
            Ending ending,
            int bodyBytes,
            @Nullable CompletableFuture<?> gate,
            StreamScript stream) {
        this.status = status;
        this.headers = headers;
        this.model = model;
        this.body = body;
        this.ending = ending;
        this.bodyBytes = bodyBytes;
        this.gate = gate;
        this.stream = stream;
    }

    private static Reply of(int status, BodyWriter body, Ending ending, int bodyBytes) {
        return new Reply(
                status,
                Map.of("content-type", "application/json"),
                "scripted-1",
                body,
                ending,
                bodyBytes,
                null,
                StreamScript.empty());
    }

    /**
     * A complete chat completion in the OpenAI dialect.
     *
     * @param text the answer
     * @return the reply
     */
    public static Reply answer(String text) {
        return answer(request -> text);
    }

    /**
     * A complete chat completion in the OpenAI dialect that depends on the request.
     *
     * @param text gets the request's body, gives the answer
     * @return the reply
     */
    public static Reply answer(UnaryOperator<String> text) {
        Objects.requireNonNull(text, "text");
        return of(200, (request, model) -> completion(text.apply(request), model), Ending.COMPLETE, 0);
    }

    /**
     * A success with any body.
     *
     * @param body the body; may be empty or broken
     * @return the reply
     */
    public static Reply json(String body) {
        return status(200, body);
    }

    /**
     * Any status with any body.
     *
     * @param status the HTTP status
     * @param body the body
     * @return the reply
     */
    public static Reply status(int status, String body) {
        Objects.requireNonNull(body, "body");
        return of(status, (request, model) -> body, Ending.COMPLETE, 0);
    }

    /**
     * An error in the OpenAI dialect.
     *
     * @param status the HTTP status
     * @param code the error's code
     * @param message the error's message
     * @return the reply
     */
    public static Reply error(int status, String code, String message) {
        return status(
                status,
                "{\"error\":{\"message\":" + quoted(message) + ",\"type\":\"scripted_error\",\"param\":null,\"code\":"
                        + quoted(code) + "}}");
    }

    /**
     * A success whose body is a stream of server-sent events.
     *
     * @param script what is sent
     * @return the reply
     */
    public static Reply stream(StreamScript script) {
        return new Reply(
                200,
                Map.of("content-type", "text/event-stream"),
                "scripted-1",
                (request, model) -> "",
                Ending.STREAM,
                0,
                null,
                Objects.requireNonNull(script, "script"));
    }

    /**
     * A complete stream in the OpenAI dialect: one chunk for each token, the finish reason, the usage, and the end marker.
     *
     * @param tokens the answer's pieces
     * @return the reply
     */
    public static Reply tokens(String... tokens) {
        StreamScript script = StreamScript.empty();
        for (String token : tokens) {
            script = script.send(token(token));
        }
        return stream(script.send(tokensEnd(tokens.length)));
    }

    /**
     * One chunk of a stream in the OpenAI dialect.
     *
     * @param token a piece of the answer
     * @return the event, with the blank line that ends it
     */
    public static String token(String token) {
        return chunk("[{\"index\":0,\"delta\":{\"content\":" + quoted(token) + "},\"finish_reason\":null}]", "null");
    }

    /**
     * How a stream in the OpenAI dialect ends: finish reason, usage and end marker.
     *
     * @param count how many tokens there were
     * @return the events
     */
    public static String tokensEnd(int count) {
        return chunk("[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]", "null")
                + chunk(
                        "[]",
                        "{\"prompt_tokens\":8,\"completion_tokens\":" + count + ",\"total_tokens\":" + (8 + count)
                                + "}")
                + "data: [DONE]\n\n";
    }

    private static String chunk(String choices, String usage) {
        return "data: {\"id\":\"chatcmpl-scripted\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":"
                + "\"scripted-1\",\"choices\":" + choices + ",\"usage\":" + usage + "}\n\n";
    }

    /**
     * The connection is reset before anything was sent.
     *
     * @return the reply
     */
    public static Reply reset() {
        return of(200, (request, model) -> "", Ending.RESET_BEFORE_HEADERS, 0);
    }

    /**
     * The request is read and never answered.
     *
     * @return the reply
     */
    public static Reply hang() {
        return answer("").after(new CompletableFuture<>());
    }

    /**
     * Headers that promise a body, and then nothing.
     *
     * @return the reply
     */
    public static Reply hangAfterHeaders() {
        return of(200, (request, model) -> completion("never sent", model), Ending.SILENCE_AFTER_HEADERS, 0);
    }

    /**
     * Headers that promise a whole answer, the first bytes of it, and then the connection is closed.
     *
     * @param bytes how many bytes of the body are sent; fewer than the body has
     * @return the reply
     */
    public static Reply closeAfter(int bytes) {
        return of(200, (request, model) -> completion("cut off before its end", model), Ending.CLOSE_IN_BODY, bytes);
    }

    /**
     * The same reply, held back.
     *
     * @param gate what it waits for before anything is sent
     * @return a reply
     */
    public Reply after(CompletableFuture<?> gate) {
        return new Reply(status, headers, model, body, ending, bodyBytes, Objects.requireNonNull(gate, "gate"), stream);
    }

    /**
     * The same reply with one header more, or another value for it.
     *
     * @param name the header
     * @param value its value
     * @return a reply
     */
    public Reply withHeader(String name, String value) {
        Map<String, String> changed = new LinkedHashMap<>(headers);
        changed.put(name, value);
        return new Reply(status, Map.copyOf(changed), model, body, ending, bodyBytes, gate, stream);
    }

    /**
     * The same reply with another status.
     *
     * @param status the HTTP status
     * @return a reply
     */
    public Reply withStatus(int status) {
        return new Reply(status, headers, model, body, ending, bodyBytes, gate, stream);
    }

    /**
     * The same reply from another model; {@code scripted-1} by default.
     *
     * @param model the model that an answer names
     * @return a reply
     */
    public Reply withModel(String model) {
        return new Reply(
                status, headers, Objects.requireNonNull(model, "model"), body, ending, bodyBytes, gate, stream);
    }

    int status() {
        return status;
    }

    Map<String, String> headers() {
        return headers;
    }

    String body(String requestBody) {
        return body.write(requestBody, model);
    }

    Ending ending() {
        return ending;
    }

    int bodyBytes() {
        return bodyBytes;
    }

    StreamScript streamScript() {
        return stream;
    }

    CompletableFuture<?> gate() {
        return gate == null ? CompletableFuture.completedFuture(null) : gate;
    }

    private static String completion(String text, String model) {
        int words = text.isBlank() ? 0 : text.strip().split("\\s+").length;
        return "{\"id\":\"chatcmpl-scripted\",\"object\":\"chat.completion\",\"created\":1,\"model\":" + quoted(model)
                + ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":" + quoted(text)
                + "},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":" + words
                + ",\"total_tokens\":" + (8 + words) + "}}";
    }

    private static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                json.append('\\').append(c);
            } else if (c < 0x20) {
                json.append(String.format("\\u%04x", (int) c));
            } else {
                json.append(c);
            }
        }
        return json.append('"').toString();
    }
}
