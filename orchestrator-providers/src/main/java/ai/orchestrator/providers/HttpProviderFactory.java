package ai.orchestrator.providers;

import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.ChatProviderFactory;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.provider.ProviderType;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import okhttp3.OkHttpClient;

/**
 * Makes the providers of this module, which share one HTTP client. Found by {@link java.util.ServiceLoader}; an application needs it only
 * to bring its own client. Safe for use by several threads.
 */
public final class HttpProviderFactory implements ChatProviderFactory {

    /** What each type speaks, in the order in which they are listed. */
    private static final Map<ProviderType, Function<ProviderTarget, Dialect>> DIALECTS = dialects();

    /** Those whose addresses have the model in them as it is. */
    private static final Set<String> MODEL_IN_ADDRESS =
            Set.of(OpenAiPreset.AZURE.type().name(), HuggingFaceTextDialect.TYPE.name());

    /** What leads an address elsewhere, as OkHttp and servers understand it. */
    private static final Pattern DOT_SEGMENT =
            Pattern.compile("(?:^|[/\\\\])(?:\\.|%2e){1,2}(?:[/\\\\]|$)", Pattern.CASE_INSENSITIVE);

    private final HttpTransport transport;

    /** A factory with a client of its own, which opens nothing before the first call. */
    public HttpProviderFactory() {
        this.transport = HttpTransport.own();
    }

    private HttpProviderFactory(HttpTransport transport) {
        this.transport = transport;
    }

    /**
     * A factory on the application's client: its connection pool, proxy, TLS settings and interceptors. Its timeouts, retries, redirects
     * and dispatcher are not used, because limits and repetitions are the orchestrator's and a redirect would carry the key along. An
     * authenticator must not answer with another body: that would send the request twice.
     *
     * <p>What a hostile server may send between the bytes of an answer (chunk extensions without end) is limited only on connections that
     * the JDK's default socket factory makes: a client with a socket factory of its own, or a SOCKS proxy, is to be trusted with that.
     *
     * <p>A call in the clear runs on the thread that makes it, and the client's interceptors and listeners with it. An https call runs on a
     * thread of its own, which an interrupt or a cancellation leaves behind.
     *
     * <p>Nothing here ends a call for having taken long but who made it: an orchestrator cancels it when one of its limits is reached, by its
     * time source.
     *
     * @param client the client; stays the application's to close
     * @return a factory for {@link ai.orchestrator.Orchestrator.Builder#providerFactory}
     */
    public static HttpProviderFactory using(OkHttpClient client) {
        return new HttpProviderFactory(HttpTransport.over(Objects.requireNonNull(client, "client")));
    }

    private static Map<ProviderType, Function<ProviderTarget, Dialect>> dialects() {
        Map<ProviderType, Function<ProviderTarget, Dialect>> dialects = new LinkedHashMap<>();
        for (OpenAiPreset preset : OpenAiPreset.values()) {
            dialects.put(preset.type(), target -> new OpenAiDialect(target, preset));
        }
        dialects.put(AnthropicDialect.type(), AnthropicDialect::new);
        dialects.put(GeminiDialect.TYPE, GeminiDialect::new);
        dialects.put(CohereDialect.TYPE, CohereDialect::new);
        dialects.put(OllamaDialect.TYPE, OllamaDialect::new);
        dialects.put(HuggingFaceTextDialect.TYPE, HuggingFaceTextDialect::new);
        return dialects;
    }

    @Override
    public List<ProviderType> types() {
        return List.copyOf(DIALECTS.keySet());
    }

    @Override
    public ChatProvider create(ProviderTarget target, InstantSource instantSource) {
        if (MODEL_IN_ADDRESS.contains(target.type().name())
                && DOT_SEGMENT.matcher(target.model()).find()) {
            throw new IllegalArgumentException("model=" + target.model() + ": must not have . or .. between slashes,"
                    + " because it becomes a part of the address");
        }
        return new HttpChatProvider(target, dialect(target), transport, instantSource);
    }

    static Dialect dialect(ProviderTarget target) {
        return DIALECTS.entrySet().stream()
                .filter(entry -> entry.getKey().name().equals(target.type().name()))
                .map(entry -> entry.getValue().apply(target))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("not a type of this factory: " + target));
    }

    /** Cancels what is in flight and closes idle connections, unless the application brought the client. */
    @Override
    public void close() {
        transport.close();
    }
}
