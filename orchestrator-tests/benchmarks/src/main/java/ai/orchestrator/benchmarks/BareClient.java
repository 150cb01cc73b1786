package ai.orchestrator.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okio.BufferedSource;

/** What an application would write that calls one provider with OkHttp and Jackson and hopes that nothing goes wrong. */
final class BareClient implements AutoCloseable {

    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final MediaType JSON = MediaType.get("application/json");

    private final OkHttpClient client = client();
    private final String url;

    BareClient(CannedServer server) {
        this(server.url());
    }

    BareClient(String baseUrl) {
        this.url = baseUrl + "/chat/completions";
    }

    /** As the providers' client is set, and not shared: whoever calls has a warm connection of its own. */
    static OkHttpClient client() {
        return new OkHttpClient.Builder()
                .retryOnConnectionFailure(false)
                .followRedirects(false)
                .followSslRedirects(false)
                .connectTimeout(Duration.ZERO)
                .readTimeout(Duration.ZERO)
                .writeTimeout(Duration.ZERO)
                .build();
    }

    /** A chat on the calling thread: nanoseconds until its text is known. */
    long chat() throws IOException {
        long start = System.nanoTime();
        try (Response response = call("application/json", false).execute()) {
            expectText(text(response));
            return System.nanoTime() - start;
        }
    }

    /** A chat on a thread of OkHttp's dispatcher, which the caller waits for: nanoseconds until its text is known. */
    long enqueuedChat() {
        long start = System.nanoTime();
        CompletableFuture<String> result = new CompletableFuture<>();
        call("application/json", false).enqueue(new Callback() {
            @Override
            public void onFailure(Call call, IOException e) {
                result.completeExceptionally(e);
            }

            @Override
            public void onResponse(Call call, Response response) throws IOException {
                try (response) {
                    result.complete(text(response));
                }
            }
        });
        expectText(result.join());
        return System.nanoTime() - start;
    }

    /** A stream: nanoseconds until the text of its first piece is known. What follows is read, so that the connection can be used again. */
    long firstToken() throws IOException {
        long start = System.nanoTime();
        try (Response response = call("text/event-stream", true).execute()) {
            BufferedSource source = response.body().source();
            expectText(firstToken(source));
            long nanos = System.nanoTime() - start;
            source.readByteString();
            return nanos;
        }
    }

    /** A stream whose first piece was read; to be closed. */
    AutoCloseable openStream() throws IOException {
        Call call = call("text/event-stream", true);
        Response response = call.execute();
        expectText(firstToken(response.body().source()));
        return () -> {
            // Closing alone would wait for the rest for a tenth of a second.
            call.cancel();
            response.close();
        };
    }

    private static String text(Response response) throws IOException {
        JsonNode answer = MAPPER.readTree(response.body().bytes());
        return answer.path("choices").path(0).path("message").path("content").asText();
    }

    private static String firstToken(BufferedSource source) throws IOException {
        String line = source.readUtf8LineStrict();
        while (!line.startsWith("data:")) {
            line = source.readUtf8LineStrict();
        }
        JsonNode chunk = MAPPER.readTree(line.substring("data:".length()));
        return chunk.path("choices").path(0).path("delta").path("content").asText();
    }

    private Call call(String accept, boolean stream) {
        ObjectNode json = MAPPER.createObjectNode().put("model", "gpt-5-mini");
        json.putArray("messages").addObject().put("role", "user").put("content", "Why is the sky blue?");
        if (stream) {
            json.put("stream", true).putObject("stream_options").put("include_usage", true);
        }
        try {
            return client.newCall(new Request.Builder()
                    .url(url)
                    .header("Authorization", "Bearer benchmark-key")
                    .header("Accept-Encoding", "identity")
                    .header("Accept", accept)
                    .post(RequestBody.create(MAPPER.writeValueAsBytes(json), JSON))
                    .build());
        } catch (IOException e) {
            throw new IllegalStateException("a tree of JSON values is always writable", e);
        }
    }

    private static void expectText(String text) {
        if (!text.startsWith("Because")) {
            throw new IllegalStateException("not the answer that is measured: " + text);
        }
    }

    @Override
    public void close() {
        client.dispatcher().executorService().shutdown();
        client.connectionPool().evictAll();
    }
}
