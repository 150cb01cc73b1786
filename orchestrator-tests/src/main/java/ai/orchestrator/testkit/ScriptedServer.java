package ai.orchestrator.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.logging.Level;
import java.util.logging.Logger;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockResponseBody;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import mockwebserver3.SocketEffect;
import okio.Buffer;
import okio.BufferedSink;

/**
 * A provider's side of HTTP on loopback that does what a script says: one {@link Reply} for each request, in order. Safe for use by several
 * threads.
 *
 * <pre>{@code
 * try (ScriptedServer server = ScriptedServer.start()) {
 *     server.reply(Reply.error(503, "server_is_overloaded", "busy"), Reply.answer("hello"));
 *     // point a provider of type openai at server.baseUrl()
 * }
 * }</pre>
 */
public final class ScriptedServer implements AutoCloseable {

    private static final long PATIENCE_SECONDS = 10;

    /** Held, because a logger that nobody holds forgets its level. */
    private static final Logger SERVER_LOGGER = Logger.getLogger(MockWebServer.class.getName());

    static {
        SERVER_LOGGER.setLevel(Level.OFF);
    }

    /**
     * A request as it came in.
     *
     * @param method the HTTP method
     * @param path the path and query
     * @param headers by name in lower case; the last value of each
     * @param body the body as text
     * @param connection which connection it came on, counted from zero
     */
    public record ReceivedRequest(
            String method, String path, Map<String, String> headers, String body, int connection) {

        /** Copies the headers. */
        public ReceivedRequest {
            headers = Map.copyOf(headers);
        }

        /** Method, path and connection, without what may be secret. */
        @Override
        public String toString() {
            return method + " " + path + " on connection " + connection;
        }
    }

    private final MockWebServer server = new MockWebServer();
    private final List<ObservedSocket> connections = new CopyOnWriteArrayList<>();
    private final Queue<Reply> script = new ConcurrentLinkedQueue<>();
    private final List<ReceivedRequest> received = new CopyOnWriteArrayList<>();
    private final BlockingQueue<ReceivedRequest> untaken = new LinkedBlockingQueue<>();
    private final CompletableFuture<Void> closed = new CompletableFuture<>();
    private volatile Function<ReceivedRequest, Reply> otherwise =
            request -> Reply.error(500, "script_ended", "the script has no reply for this request");

    private ScriptedServer() {}

    /**
     * Starts a server on a free port of the loopback interface.
     *
     * @return the server, to be closed by the caller
     * @throws UncheckedIOException if it cannot listen
     */
    public static ScriptedServer start() {
        ScriptedServer scripted = new ScriptedServer();
        scripted.server.setServerSocketFactory(ObservedSocket.factory(scripted.connections::add));
        scripted.server.setDispatcher(new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) {
                return scripted.respond(request);
            }
        });
        try {
            scripted.server.start(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), 0);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot listen on 127.0.0.1", e);
        }
        return scripted;
    }

    /**
     * Where a provider of an OpenAI-compatible type is to be pointed at.
     *
     * @return a URL with the version path
     */
    public String baseUrl() {
        return "http://127.0.0.1:" + server.getPort() + "/v1";
    }

    /**
     * Adds replies to the script.
     *
     * @param first the next one
     * @param more those after it
     * @return this server
     */
    public ScriptedServer reply(Reply first, Reply... more) {
        script.add(first);
        script.addAll(Arrays.asList(more));
        return this;
    }

    /**
     * Sets what happens when the script has ended; by default a 500 that says so.
     *
     * @param reply for every further request
     * @return this server
     */
    public ScriptedServer otherwise(Reply reply) {
        Objects.requireNonNull(reply, "reply");
        return otherwise(request -> reply);
    }

    /**
     * Sets what happens when the script has ended, for each request anew.
     *
     * @param replies chooses the reply, on a thread of the server, before {@link #awaitRequest} returns the request
     * @return this server
     */
    public ScriptedServer otherwise(Function<ReceivedRequest, Reply> replies) {
        this.otherwise = Objects.requireNonNull(replies, "replies");
        return this;
    }

    /**
     * What has come in.
     *
     * @return every request so far, oldest first
     */
    public List<ReceivedRequest> requests() {
        return List.copyOf(received);
    }

    /**
     * How many requests have come in.
     *
     * @return zero or more
     */
    public int requestCount() {
        return received.size();
    }

    /**
     * Waits for the next request that this method has not returned yet.
     *
     * @return the request
     * @throws IllegalStateException if none comes within ten seconds, or the thread is interrupted
     */
    public ReceivedRequest awaitRequest() {
        try {
            ReceivedRequest next = untaken.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            if (next == null) {
                throw new IllegalStateException("no request came; there were " + received);
            }
            return next;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for a request", e);
        }
    }

    /**
     * Waits until the client has closed the connection that a request came on.
     *
     * @param request the request
     * @throws IllegalStateException if it is still open after ten seconds, or the thread is interrupted
     */
    public void awaitClientClosed(ReceivedRequest request) {
        try {
            connections.get(request.connection()).closedByClient().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException | ExecutionException e) {
            throw new IllegalStateException("the client has not closed the connection of " + request, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for " + request, e);
        }
    }

    /**
     * How many connections the client holds open.
     *
     * @return zero or more
     */
    public int openConnections() {
        return (int) connections.stream()
                .filter(socket -> !socket.isClosed() && !socket.closedByClient().isDone())
                .count();
    }

    private MockResponse respond(RecordedRequest request) {
        ObservedSocket connection = connections.get(request.getConnectionIndex());
        String body = request.getBody() == null ? "" : request.getBody().utf8();
        Map<String, String> headers = new TreeMap<>();
        request.getHeaders()
                .forEach(header -> headers.put(header.getFirst().toLowerCase(Locale.ROOT), header.getSecond()));
        ReceivedRequest incoming = new ReceivedRequest(
                request.getMethod(), request.getTarget(), headers, body, request.getConnectionIndex());
        Reply scripted = script.poll();
        Reply reply = scripted == null ? otherwise.apply(incoming) : scripted;
        received.add(incoming);
        untaken.add(incoming);
        CompletableFuture.anyOf(reply.gate(), connection.closedByClient(), closed)
                .join();
        if (!reply.gate().isDone() || reply.ending() == Reply.Ending.RESET_BEFORE_HEADERS) {
            return reset(connection);
        }
        MockResponse.Builder response = new MockResponse.Builder().code(reply.status());
        reply.headers().forEach(response::setHeader);
        byte[] bytes = reply.body(body).getBytes(StandardCharsets.UTF_8);
        if (reply.ending() == Reply.Ending.STREAM) {
            return response.setHeader("transfer-encoding", "chunked")
                    .body(new StreamedBody(reply.streamScript(), connection))
                    .build();
        }
        if (reply.ending() == Reply.Ending.COMPLETE) {
            return response.body(new Buffer().write(bytes)).build();
        }
        return response.body(new PartialBody(bytes, reply, connection)).build();
    }

    private static MockResponse reset(ObservedSocket connection) {
        try {
            connection.reset();
        } catch (IOException e) {
            // The client was faster; the connection is gone either way.
        }
        return new MockResponse.Builder()
                .onResponseStart(new SocketEffect.CloseSocket())
                .build();
    }

    /** Lets go of every reply that is held back and closes all connections. Does nothing the second time. */
    @Override
    public void close() {
        if (closed.complete(null)) {
            server.close();
        }
    }

    /** Promises a whole body and keeps a part of the promise. */
    private final class PartialBody implements MockResponseBody {

        private final byte[] bytes;
        private final Reply reply;
        private final ObservedSocket connection;

        private PartialBody(byte[] bytes, Reply reply, ObservedSocket connection) {
            this.bytes = bytes;
            this.reply = reply;
            this.connection = connection;
        }

        @Override
        public long getContentLength() {
            return bytes.length;
        }

        @Override
        public void writeTo(BufferedSink sink) throws IOException {
            sink.write(bytes, 0, Math.min(reply.bodyBytes(), bytes.length));
            sink.flush();
            if (reply.ending() == Reply.Ending.SILENCE_AFTER_HEADERS) {
                CompletableFuture.anyOf(connection.closedByClient(), closed).join();
            }
            connection.close();
        }
    }

    /** Sends each piece as a chunk of its own (RFC 9112 §7.1). */
    private final class StreamedBody implements MockResponseBody {

        private final StreamScript script;
        private final ObservedSocket connection;

        private StreamedBody(StreamScript script, ObservedSocket connection) {
            this.script = script;
            this.connection = connection;
        }

        @Override
        public long getContentLength() {
            return -1;
        }

        @Override
        public void writeTo(BufferedSink sink) throws IOException {
            for (StreamScript.Step step : script.steps()) {
                CompletableFuture<?> gate = step.gate();
                if (gate != null) {
                    CompletableFuture.anyOf(gate, connection.closedByClient(), closed)
                            .join();
                }
                if (step.bytes().size() > 0) {
                    sink.writeHexadecimalUnsignedLong(step.bytes().size()).writeUtf8("\r\n");
                    sink.write(step.bytes()).writeUtf8("\r\n").flush();
                }
            }
            if (script.ending() == StreamScript.Ending.COMPLETE) {
                // The server adds the empty line, as the end of the trailers.
                sink.writeUtf8("0\r\n").flush();
                return;
            }
            if (script.ending() == StreamScript.Ending.SILENCE) {
                CompletableFuture.anyOf(connection.closedByClient(), closed).join();
            }
            connection.close();
        }
    }
}
