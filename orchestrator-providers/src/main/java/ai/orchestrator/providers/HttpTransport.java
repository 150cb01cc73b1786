package ai.orchestrator.providers;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.internal.CallThreads;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ProtocolException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import javax.net.SocketFactory;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.Connection;
import okhttp3.Dispatcher;
import okhttp3.Dns;
import okhttp3.EventListener;
import okhttp3.Interceptor;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okio.BufferedSink;
import org.jspecify.annotations.Nullable;

/**
 * Posts JSON, or gets something, and hands on what comes back, once, without following or repeating anything. Safe for use by several threads.
 *
 * <p>It has no limits of time: each of OkHttp's would arm a watchdog of its own for every call, at twice the cost of all else here. Whoever
 * posts cancels in time.
 */
final class HttpTransport implements AutoCloseable {

    private static final MediaType JSON = MediaType.get("application/json");

    /** Hears nothing: who gets something waits for its end alone. */
    private static final EventSink NOBODY = new EventSink() {
        @Override
        public void connected() {}

        @Override
        public void alive() {}

        @Override
        public void event(ChatEvent event) {}
    };

    private final OkHttpClient client;

    /** For requests that cannot be one-shot, because they have no body. */
    private final OkHttpClient bodiless;

    private final boolean ownsConnections;

    private volatile boolean closed;

    /** Whether every connection in the clear can be ended at any time by cancelling its call, so that no call keeps its thread. */
    private final boolean endsInTheClear;

    private HttpTransport(OkHttpClient base, boolean ownsConnections) {
        Dispatcher dispatcher = new Dispatcher(CallThreads.newUnboundedExecutor("orchestrator-http"));
        // OkHttp's five calls per host would throttle; the orchestrator decides how many calls there are.
        dispatcher.setMaxRequests(Integer.MAX_VALUE);
        dispatcher.setMaxRequestsPerHost(Integer.MAX_VALUE);
        OkHttpClient.Builder bounded = base.newBuilder().addInterceptor(ReadAllowance::intercept);
        if (base.socketFactory() == SocketFactory.getDefault()) {
            bounded.socketFactory(new ReadAllowance.Sockets());
        }
        Dns dns = base.dns();
        this.client = bounded.dispatcher(dispatcher)
                .dns(name -> CallOnThread.detached(dispatcher.executorService(), () -> dns.lookup(name)))
                .retryOnConnectionFailure(false)
                .followRedirects(false)
                .followSslRedirects(false)
                .callTimeout(Duration.ZERO)
                .connectTimeout(Duration.ZERO)
                .readTimeout(Duration.ZERO)
                .writeTimeout(Duration.ZERO)
                .build();
        this.bodiless = client.newBuilder()
                .addNetworkInterceptor(HttpTransport::withoutInvitation)
                .build();
        this.ownsConnections = ownsConnections;
        // Without racing connects, OkHttp would miss a cancel in the moment before it connects.
        this.endsInTheClear = client.fastFallback() && !client.protocols().contains(Protocol.H2_PRIOR_KNOWLEDGE);
    }

    /** OkHttp would repeat what is answered with a 503 and {@code Retry-After: 0}. */
    private static Response withoutInvitation(Interceptor.Chain chain) throws IOException {
        Response response = chain.proceed(chain.request());
        return response.code() == 503
                ? response.newBuilder().removeHeader("Retry-After").build()
                : response;
    }

    static HttpTransport own() {
        return new HttpTransport(new OkHttpClient(), true);
    }

    static HttpTransport over(OkHttpClient client) {
        return new HttpTransport(client, false);
    }

    /** Reads an answer of any status. */
    interface AnswerReader {

        /**
         * Reads as much as it needs.
         *
         * @throws IOException if the connection breaks; becomes a failure of kind NETWORK
         * @throws ProviderException if the answer is a failure
         */
        void read(Response response) throws IOException;
    }

    /**
     * Posts and blocks until the answer has been read, the attempt is cancelled, or the thread is interrupted. Both of the latter close the
     * connection.
     *
     * @throws ProviderException as the reader does, or of kind NETWORK, TIMEOUT, MALFORMED (too large) or CANCELLED
     */
    void post(
            Request.Builder request,
            byte[] json,
            Cancellation cancellation,
            EventSink sink,
            Redaction redaction,
            AnswerReader reader) {
        send(client, request.post(new OneShotJson(json)).build(), cancellation, sink, redaction, reader);
    }

    /**
     * Gets and blocks as {@link #post} does.
     *
     * @throws ProviderException as {@link #post}
     */
    void get(Request.Builder request, Cancellation cancellation, Redaction redaction, AnswerReader reader) {
        send(bodiless, request.get().build(), cancellation, NOBODY, redaction, reader);
    }

    private void send(
            OkHttpClient client,
            Request request,
            Cancellation cancellation,
            EventSink sink,
            Redaction redaction,
            AnswerReader reader) {
        Call call = client.newCall(request);
        Progress progress = new Progress(sink);
        call.addEventListener(progress);
        if (endsInTheClear && !call.request().isHttps()) {
            onThisThread(call, cancellation, progress, redaction, reader);
        } else {
            onAnotherThread(call, cancellation, progress, redaction, reader);
        }
    }

    private void onThisThread(
            Call call, Cancellation cancellation, Progress progress, Redaction redaction, AnswerReader reader) {
        CallOnThread onThread = new CallOnThread(call);
        Throwable thrown = null;
        onThread.enter();
        try (Cancellation.Registration registration = cancellation.onCancel(onThread::cancel)) {
            exchange(call, reader);
        } catch (Throwable e) {
            thrown = e;
        }
        boolean interrupted = onThread.leave() || Thread.currentThread().isInterrupted();
        if (thrown instanceof InterruptedException) {
            // OkHttp is written in a language that need not declare it.
            interrupted = true;
            Thread.currentThread().interrupt();
        }
        if (thrown == null) {
            return;
        }
        if (interrupted && !(thrown instanceof Error)) {
            throw interrupted(thrown, progress, redaction);
        }
        boolean broken = cancellation.isCancelled() && !(thrown instanceof Error);
        throw failure(broken ? asBroken(thrown) : thrown, cancellation, progress, redaction);
    }

    private void exchange(Call call, AnswerReader reader) throws IOException {
        ReadAllowance before = ReadAllowance.begin();
        try {
            Response response = execute(call);
            try {
                read(response, reader);
            } catch (Throwable e) {
                // Nothing that follows is worth reading.
                call.cancel();
                close(response, e);
                throw e;
            }
            if (ReadAllowance.hasEnded()) {
                response.close();
            } else {
                closeElsewhere(response);
            }
        } finally {
            ReadAllowance.end(before);
            cameFree();
        }
    }

    /** A connection may have come free. When those have been closed that were free, nobody else would close it for five minutes. */
    private void cameFree() {
        if (closed && ownsConnections) {
            client.connectionPool().evictAll();
        }
    }

    private static void close(Response response, Throwable thrown) {
        try {
            response.close();
        } catch (RuntimeException e) {
            // OkHttp does so where the peer has lied about the length.
            thrown.addSuppressed(e);
        }
    }

    private static Response execute(Call call) throws IOException {
        try {
            return call.execute();
        } catch (RuntimeException e) {
            // From what the application has added to its client.
            throw new IOException("broken off by " + e, e);
        }
    }

    /** Closing reads on for a while, to keep the connection. */
    private void closeElsewhere(Response response) {
        try {
            client.dispatcher().executorService().execute(() -> closeQuietly(response));
        } catch (RejectedExecutionException e) {
            closeQuietly(response);
        }
    }

    private void closeQuietly(Response response) {
        try {
            response.close();
        } catch (RuntimeException e) {
            // OkHttp does so where the peer has lied about the length. The answer was read before, and the connection
            // is
            // gone.
        } finally {
            cameFree();
        }
    }

    private static void read(Response response, AnswerReader reader) throws IOException {
        if (response.body().contentLength() < -1) {
            // OkHttp would fail while reading, with a fault that passes for one of ours.
            throw new ProtocolException("a negative content-length");
        }
        reader.read(response);
    }

    /**
     * For HTTP/2: cancelling a call does not end a write to a connection that it shares with others. And for TLS: OkHttp misses a cancel
     * in the moment before it shakes hands.
     */
    private void onAnotherThread(
            Call call, Cancellation cancellation, Progress progress, Redaction redaction, AnswerReader reader) {
        CompletableFuture<@Nullable Void> result = new CompletableFuture<>();
        try (Cancellation.Registration registration = cancellation.onCancel(() -> {
            // Completed as well, because a name look-up cannot be cancelled and would be waited for.
            call.cancel();
            result.completeExceptionally(new IOException("cancelled"));
        })) {
            call.enqueue(new Exchange(result, reader));
            result.get();
        } catch (InterruptedException e) {
            call.cancel();
            Thread.currentThread().interrupt();
            throw interrupted(e, progress, redaction);
        } catch (ExecutionException e) {
            throw failure(e.getCause() == null ? e : e.getCause(), cancellation, progress, redaction);
        }
    }

    private static ProviderException interrupted(Throwable cause, Progress progress, Redaction redaction) {
        return ProviderException.builder(FailureKind.CANCELLED, "the thread was interrupted")
                .cause(cause instanceof IOException e ? redaction.cause(e) : cause)
                .mayHaveBeenProcessed(progress.sent)
                .build();
    }

    private static IOException asBroken(Throwable thrown) {
        return thrown instanceof IOException e ? e : new IOException("cancelled", thrown);
    }

    private static ProviderException failure(
            Throwable cause, Cancellation cancellation, Progress progress, Redaction redaction) {
        if (cause instanceof Error error) {
            throw error;
        }
        if (cause instanceof RuntimeException known) {
            // A failure that was read, or a fault of ours that must not pass for one of the provider.
            throw known;
        }
        IOException broken = cause instanceof IOException e ? e : new IOException(cause);
        if (cancellation.isCancelled()) {
            return ProviderException.builder(FailureKind.CANCELLED, "cancelled")
                    .cause(redaction.cause(broken))
                    .mayHaveBeenProcessed(progress.sent)
                    .build();
        }
        FailureKind kind = broken instanceof OversizedAnswerException
                ? FailureKind.MALFORMED
                : broken instanceof InterruptedIOException ? FailureKind.TIMEOUT : FailureKind.NETWORK;
        String message = broken.getMessage() == null ? broken.getClass().getSimpleName() : broken.getMessage();
        return ProviderException.builder(kind, redaction.message(message))
                .cause(redaction.cause(broken))
                // RFC 9113 §8.7: the server promises that it has not looked at the request.
                .mayHaveBeenProcessed(progress.sent && !message.contains("REFUSED_STREAM"))
                .build();
    }

    @Override
    public void close() {
        if (ownsConnections) {
            client.dispatcher().cancelAll();
            closed = true;
            client.connectionPool().evictAll();
        }
        client.dispatcher().executorService().shutdown();
    }

    /** What is known of a call before its answer. */
    private static final class Progress extends EventListener {

        private final EventSink sink;

        /** Whether anything of the request may have left this machine. */
        private volatile boolean sent;

        private Progress(EventSink sink) {
            this.sink = sink;
        }

        /**
         * A cancel that came when the connection had been made, and the handshake not begun, has closed nothing. Whoever keeps silent now would
         * keep thread and connection for ever. OkHttp closes the connection when this throws what the handshake itself may throw.
         */
        @Override
        public void secureConnectStart(Call call) {
            if (call.isCanceled()) {
                Progress.<RuntimeException>fail(new IOException("cancelled"));
            }
        }

        /** OkHttp is written in a language that need not declare it. */
        @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
        private static <T extends Throwable> void fail(IOException failure) throws T {
            throw (T) failure;
        }

        @Override
        public void connectionAcquired(Call call, Connection connection) {
            sink.connected();
        }

        @Override
        public void requestHeadersStart(Call call) {
            sent = true;
        }
    }

    private final class Exchange implements Callback {

        private final CompletableFuture<@Nullable Void> result;
        private final AnswerReader reader;

        private Exchange(CompletableFuture<@Nullable Void> result, AnswerReader reader) {
            this.result = result;
            this.reader = reader;
        }

        @Override
        public void onFailure(Call call, IOException e) {
            ReadAllowance.end(null);
            result.completeExceptionally(e);
        }

        @Override
        public void onResponse(Call call, Response response) {
            try (response) {
                read(response, reader);
                // Before closing, which may read on for a while to keep the connection.
                result.complete(null);
            } catch (Throwable e) {
                // Whoever waits must be told, whatever it was. Nothing that follows is worth reading.
                call.cancel();
                result.completeExceptionally(e);
            } finally {
                ReadAllowance.end(null);
                cameFree();
            }
        }
    }

    /** One-shot, so that OkHttp does not repeat it by itself after a 408 or a 503 with {@code Retry-After: 0}. */
    private static final class OneShotJson extends RequestBody {

        private final byte[] json;

        private OneShotJson(byte[] json) {
            this.json = json;
        }

        @Override
        public MediaType contentType() {
            return JSON;
        }

        @Override
        public long contentLength() {
            return json.length;
        }

        @Override
        public void writeTo(BufferedSink sink) throws IOException {
            sink.write(json);
        }

        @Override
        public boolean isOneShot() {
            return true;
        }
    }
}
