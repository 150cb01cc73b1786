package ai.orchestrator.providers;

import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.time.Deadline;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.Connection;
import okhttp3.Dispatcher;
import okhttp3.EventListener;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okio.BufferedSink;
import okio.BufferedSource;
import okio.ByteString;

/** Posts JSON and returns what comes back, once, without following or repeating anything. Safe for use by several threads. */
final class HttpTransport implements AutoCloseable {

    /** A larger answer is not one: the longest models write well under a megabyte. */
    static final long MAX_BODY_BYTES = 16L * 1024 * 1024;

    private static final MediaType JSON = MediaType.get("application/json");

    /** The engine's limits come first; this only keeps a socket from outliving them by much. */
    private static final Duration BACKSTOP = Duration.ofSeconds(30);

    private final OkHttpClient client;
    private final boolean ownsConnections;

    private HttpTransport(OkHttpClient base, boolean ownsConnections) {
        Dispatcher dispatcher = new Dispatcher(executor());
        // OkHttp's five calls per host would throttle; the orchestrator decides how many calls there are.
        dispatcher.setMaxRequests(Integer.MAX_VALUE);
        dispatcher.setMaxRequestsPerHost(Integer.MAX_VALUE);
        this.client = base.newBuilder()
                .dispatcher(dispatcher)
                .retryOnConnectionFailure(false)
                .followRedirects(false)
                .followSslRedirects(false)
                .connectTimeout(Duration.ZERO)
                .readTimeout(Duration.ZERO)
                .writeTimeout(Duration.ZERO)
                .build();
        this.ownsConnections = ownsConnections;
    }

    static HttpTransport own() {
        return new HttpTransport(new OkHttpClient(), true);
    }

    static HttpTransport over(OkHttpClient client) {
        return new HttpTransport(client, false);
    }

    private static ExecutorService executor() {
        AtomicInteger number = new AtomicInteger();
        return new ThreadPoolExecutor(0, Integer.MAX_VALUE, 5, TimeUnit.SECONDS, new SynchronousQueue<>(), task -> {
            Thread thread = new Thread(task, "orchestrator-http-" + number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
    }

    /** A complete answer of any status. */
    record Answer(int status, ByteString body) {}

    /**
     * Posts and blocks until the whole answer has come, the attempt is cancelled, or the thread is interrupted. Both of the latter close
     * the connection.
     *
     * @throws ProviderException of kind NETWORK, TIMEOUT, MALFORMED (too large) or CANCELLED
     */
    Answer post(Request.Builder request, byte[] json, Deadline deadline, Cancellation cancellation, EventSink sink) {
        CompletableFuture<Answer> result = new CompletableFuture<>();
        Call call = client.newCall(request.post(new OneShotJson(json)).build());
        call.timeout().timeout(deadline.remaining().plus(BACKSTOP).toNanos(), TimeUnit.NANOSECONDS);
        call.addEventListener(new EventListener() {
            @Override
            public void connectionAcquired(Call acquiring, Connection connection) {
                if (!result.isDone()) {
                    sink.connected();
                }
            }
        });
        try (Cancellation.Registration registration = cancellation.onCancel(() -> {
            // Completed as well, because a name look-up cannot be cancelled and would be waited for.
            call.cancel();
            result.completeExceptionally(new IOException("cancelled"));
        })) {
            call.enqueue(new Reader(result));
            return result.get();
        } catch (InterruptedException e) {
            call.cancel();
            Thread.currentThread().interrupt();
            throw ProviderException.of(FailureKind.CANCELLED, "the thread was interrupted", e);
        } catch (ExecutionException e) {
            throw failure(e.getCause() == null ? e : e.getCause(), cancellation);
        }
    }

    private static ProviderException failure(Throwable cause, Cancellation cancellation) {
        if (cause instanceof ProviderException known) {
            return known;
        }
        if (cancellation.isCancelled()) {
            return ProviderException.of(FailureKind.CANCELLED, "cancelled", cause);
        }
        FailureKind kind = cause instanceof InterruptedIOException ? FailureKind.TIMEOUT : FailureKind.NETWORK;
        String message = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
        return ProviderException.of(kind, message, cause);
    }

    @Override
    public void close() {
        if (ownsConnections) {
            client.dispatcher().cancelAll();
            client.connectionPool().evictAll();
        }
        client.dispatcher().executorService().shutdown();
    }

    private static final class Reader implements Callback {

        private final CompletableFuture<Answer> result;

        private Reader(CompletableFuture<Answer> result) {
            this.result = result;
        }

        @Override
        public void onFailure(Call call, IOException e) {
            result.completeExceptionally(e);
        }

        @Override
        public void onResponse(Call call, Response response) {
            try (response) {
                BufferedSource source = response.body().source();
                if (source.request(MAX_BODY_BYTES + 1)) {
                    throw ProviderException.answered(
                            FailureKind.MALFORMED,
                            response.code(),
                            "the answer is larger than " + MAX_BODY_BYTES + " bytes");
                }
                result.complete(new Answer(response.code(), source.readByteString()));
            } catch (IOException | RuntimeException e) {
                // Whoever waits must be told, whatever it was.
                result.completeExceptionally(e);
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
