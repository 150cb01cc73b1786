package ai.orchestrator.providers;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.RateLimit;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.time.Deadline;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import okhttp3.Headers;
import okhttp3.Request;
import okhttp3.Response;
import okio.BufferedSource;
import org.jspecify.annotations.Nullable;

/**
 * Makes attempts in one dialect over HTTP: sends, and reads whatever comes back, a complete answer, a stream, an error of any status, or an
 * error inside a success. Safe for use by several threads.
 */
final class HttpChatProvider implements ChatProvider {

    /** A larger answer is not one: the longest models write well under a megabyte, but some send pictures. */
    static final long MAX_BODY_BYTES = 16L * 1024 * 1024;

    /** A line, and an event, of a stream. */
    static final long MAX_LINE_BYTES = 8L * 1024 * 1024;

    /** All lines of a stream: a token takes some 300 bytes. */
    static final long MAX_STREAM_BYTES = 256L * 1024 * 1024;

    private static final long MAX_ERROR_BYTES = 256L * 1024;

    /** How long the explanation may take that follows an error's status. */
    private static final long ERROR_BODY_SECONDS = 1;

    /** How far to look for the first byte that is not blank: DeepSeek sends empty lines while a call waits. */
    private static final long MAX_BLANKS = 64L * 1024;

    private static final Pattern PACKED =
            Pattern.compile("\\b(?:gzip|deflate|compress|br|zstd)\\b", Pattern.CASE_INSENSITIVE);

    /** Hugging Face's own endpoints: any request wakes one that sleeps, and what is awake is paid for. */
    private static final Pattern WOKEN_BY_ASKING =
            Pattern.compile("\\.endpoints\\.huggingface\\.cloud$", Pattern.CASE_INSENSITIVE);

    /** Not found, or not to be had so: many a gateway knows nothing but completions. */
    private static final Set<Integer> ABSENT = Set.of(404, 405, 501);

    /** OpenAI, with 401 or 403, of a key that is restricted to completions. */
    private static final String MISSING_SCOPES = "Missing scopes";

    private static final String END_MARKER = "[DONE]";

    private final ProviderTarget target;
    private final Dialect dialect;
    private final HttpTransport transport;
    private final InstantSource instantSource;
    private final Redaction redaction;

    HttpChatProvider(ProviderTarget target, Dialect dialect, HttpTransport transport, InstantSource instantSource) {
        this.target = target;
        this.dialect = dialect;
        this.transport = transport;
        this.instantSource = instantSource;
        this.redaction = new Redaction(target.apiKey());
    }

    @Override
    public Optional<String> unsupported(ChatRequest request) {
        return dialect.unsupported(request);
    }

    @Override
    public void chat(
            ChatRequest request, Delivery delivery, Deadline deadline, Cancellation cancellation, EventSink sink) {
        byte[] json = Json.bytes(dialect.json(request, delivery));
        transport.post(
                dialect.http(delivery)
                        // Nothing that a peer sends is unpacked: what packs a bomb would have to be watched on every
                        // kind of connection.
                        .header("Accept-Encoding", "identity")
                        .header(
                                "Accept",
                                delivery == Delivery.STREAMED
                                        ? dialect.streamFormat().mediaType()
                                        : "application/json"),
                json,
                cancellation,
                sink,
                redaction,
                response -> read(response, request, delivery, sink));
    }

    @Override
    public boolean check(Cancellation cancellation) {
        Request.Builder asked = dialect.check().orElse(null);
        if (asked == null
                || WOKEN_BY_ASKING
                        .matcher(String.valueOf(target.baseUrl().getHost()))
                        .find()) {
            return false;
        }
        try {
            transport.get(
                    asked.header("Accept-Encoding", "identity").header("Accept", "application/json"),
                    cancellation,
                    redaction,
                    this::readCheck);
            return true;
        } catch (ProviderException e) {
            if (saysNothingOfCalls(e)) {
                return false;
            }
            throw e;
        }
    }

    /** Whether it is only what was asked for that is missing there, or that the key may not see. */
    private static boolean saysNothingOfCalls(ProviderException e) {
        return ABSENT.contains(e.status().orElse(0)) || e.providerMessage().contains(MISSING_SCOPES);
    }

    /** Reads no more than an error can be long: of a list of models it is enough that there is one. */
    private void readCheck(Response response) throws IOException {
        AnswerHead head = head(response);
        BufferedSource body = open(response, head);
        if (firstByte(body) == '<') {
            throw webPage(head);
        }
        if (!body.request(MAX_ERROR_BYTES + 1)) {
            JsonNode json = Json.parse(body.readByteArray());
            if (json != null && ErrorFacts.isError(json)) {
                throw head.error(json);
            }
        }
    }

    /** The body of a success. */
    private static BufferedSource open(Response response, AnswerHead head) {
        BufferedSource body = ReadAllowance.renewing(response.body().source());
        if (!head.isSuccess()) {
            throw head.error(isPacked(head) ? null : errorBody(body));
        }
        if (isPacked(head)) {
            throw head.failed(FailureKind.MALFORMED, "the answer is compressed, which nobody asked for");
        }
        return body;
    }

    private static ProviderException webPage(AnswerHead head) {
        return head.failed(FailureKind.MALFORMED, "the answer is a web page; base-url may be wrong");
    }

    /** Reads an answer of any status. */
    void read(Response response, ChatRequest request, Delivery delivery, EventSink sink) throws IOException {
        AnswerHead head = head(response);
        // Of an error too: what is left counts for the next call.
        if (!head.rateLimits().isEmpty()) {
            sink.event(new ChatEvent.Limited(head.rateLimits()));
        }
        BufferedSource body = open(response, head);
        if (request.responseHeaders()) {
            sink.event(new ChatEvent.Headers(headers(head.headers())));
        }
        AnswerDecoder decoder = dialect.decoder(request, head, sink);
        StreamFormat format = dialect.streamFormat();
        if (delivery == Delivery.STREAMED && format == StreamFormat.JSON_LINES) {
            new StreamReader(head, decoder, sink).read(format, body);
            return;
        }
        int first = firstByte(body);
        if (first == '<') {
            throw webPage(head);
        }
        // A server that cannot stream answers as one, and some send an error so.
        if (delivery == Delivery.WHOLE || first == '{' || first == '[') {
            whole(body, head, decoder);
        } else {
            new StreamReader(head, decoder, sink).read(format, body);
        }
    }

    private static boolean isPacked(AnswerHead head) {
        // Others, such as "none" or "utf-8", are sent by mistake and pack nothing.
        return head.headers().values("content-encoding").stream()
                .anyMatch(value -> PACKED.matcher(value).find());
    }

    private AnswerHead head(Response response) {
        Headers headers = response.headers();
        Instant now = instantSource.instant();
        Supplier<Instant> received = () -> {
            // Its dates are meant by its own clock.
            java.util.Date serverDate = headers.getDate("date");
            return serverDate == null ? now : serverDate.toInstant();
        };
        List<RateLimit> limits = RateLimitHeaders.read(headers, dialect.rateLimitWindows(), received);
        return new AnswerHead(response.code(), headers, limits, received, redaction);
    }

    private Map<String, List<String>> headers(Headers headers) {
        Map<String, List<String>> copy = new TreeMap<>();
        headers.toMultimap()
                .forEach((name, values) -> copy.put(
                        name.toLowerCase(Locale.ROOT),
                        values.stream().map(redaction::withoutKey).toList()));
        return copy;
    }

    /** What the error says as far as it came: the status alone says enough to go on. */
    private static @Nullable JsonNode errorBody(BufferedSource body) {
        // By OkHttp's own clock, because the attempt's limits are as long as a whole answer may take.
        body.timeout().deadline(ERROR_BODY_SECONDS, TimeUnit.SECONDS);
        try {
            return body.request(MAX_ERROR_BYTES + 1) ? null : Json.parse(body.readByteArray());
        } catch (IOException e) {
            return null;
        }
    }

    /** The first byte that is not blank; -1 if none comes. */
    private static int firstByte(BufferedSource body) throws IOException {
        for (long i = 0; i < MAX_BLANKS && body.request(i + 1); i++) {
            byte b = body.getBuffer().getByte(i);
            if (b != ' ' && b != '\t' && b != '\r' && b != '\n') {
                return b;
            }
        }
        return -1;
    }

    private static void whole(BufferedSource body, AnswerHead head, AnswerDecoder decoder) throws IOException {
        if (body.request(MAX_BODY_BYTES + 1)) {
            throw new OversizedAnswerException("the answer is larger than " + MAX_BODY_BYTES + " bytes");
        }
        JsonNode json = Json.parse(body.readByteArray());
        if (json == null) {
            throw head.failed(FailureKind.MALFORMED, "the answer is empty or not JSON");
        }
        if (ErrorFacts.isError(json)) {
            throw head.error(json);
        }
        decoder.whole(json);
        decoder.finish();
    }

    /** Reads one stream. For one thread. */
    private static final class StreamReader {

        private final AnswerHead head;
        private final AnswerDecoder decoder;
        private final EventSink sink;

        private StreamReader(AnswerHead head, AnswerDecoder decoder, EventSink sink) {
            this.head = head;
            this.decoder = decoder;
            this.sink = sink;
        }

        private void read(StreamFormat format, BufferedSource body) throws IOException {
            StreamFormat.Reader events =
                    format.reader(new LineReader(body, MAX_LINE_BYTES, MAX_STREAM_BYTES), MAX_LINE_BYTES, sink::alive);
            try {
                StreamEvent event;
                while (!decoder.isComplete() && (event = events.next()) != null) {
                    sink.alive();
                    if (event.data().strip().equals(END_MARKER)) {
                        break;
                    }
                    read(event);
                }
            } catch (OversizedAnswerException e) {
                throw e;
            } catch (IOException e) {
                // The model's own end has come: only the count of tokens is lost, and nobody asked for the answer
                // again.
                if (!decoder.isEnded()) {
                    throw truncated(e);
                }
            }
            decoder.finish();
        }

        private ProviderException truncated(IOException cause) {
            String reason = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
            return ProviderException.builder(
                            FailureKind.TRUNCATED,
                            head.status() + ": the stream broke off: "
                                    + head.redaction().message(reason))
                    .status(head.status())
                    .requestId(head.requestId())
                    .cause(head.redaction().cause(cause))
                    .build();
        }

        private void read(StreamEvent event) {
            JsonNode json = Json.parse(event.data());
            boolean error = event.form() == StreamEvent.Form.ERROR_FIELD
                    || event.name().equals("error")
                    || (json != null && ErrorFacts.isError(json));
            if (error) {
                throw head.error(json == null ? textError(event.data()) : json);
            }
            if (event.data().isBlank()) {
                // No more than a comment; some servers send them as pings.
                return;
            }
            if (!event.complete() && json == null && decoder.isEnded()) {
                // As with a connection that breaks here: only the count of tokens is lost.
                return;
            }
            if (event.form() == StreamEvent.Form.BARE_JSON || json == null) {
                throw event.complete()
                        ? head.failed(FailureKind.MALFORMED, "a piece of the stream is not JSON")
                        : head.failed(FailureKind.TRUNCATED, "the stream broke off in the middle of a piece");
            }
            decoder.piece(json, event.data().length());
        }

        private static JsonNode textError(String text) {
            return Json.object().put("error", text);
        }
    }

    @Override
    public String toString() {
        return "HttpChatProvider(" + target + ")";
    }
}
