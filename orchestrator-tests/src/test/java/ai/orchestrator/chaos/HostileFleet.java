package ai.orchestrator.chaos;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.ChatProviderFactory;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.provider.ProviderType;
import ai.orchestrator.quota.QuotaSettings;
import ai.orchestrator.routing.StandardStrategy;
import ai.orchestrator.scenarios.Dialect;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import okhttp3.ConnectionPool;
import okhttp3.OkHttpClient;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import org.jspecify.annotations.Nullable;

/** The hostile servers, and orchestrators that ask them. Safe for use by several threads. */
final class HostileFleet implements AutoCloseable {

    /** How long a call may take unless it says otherwise. */
    static final Duration DEADLINE = Duration.ofSeconds(3);

    /** How long an orchestrator that is closed amid its calls lets them go on. */
    static final Duration DRAIN = Duration.ofMillis(300);

    /** How many trials close a breaker. */
    static final int TRIALS = 2;

    /** The provider that takes {@link #PLACES} calls at once. */
    static final String NARROW = "gemini";

    static final int PLACES = 6;

    /** The provider that nobody answers for. */
    static final String UNHEARD = "unheard";

    /** A second key at the server of {@code openai}, good for so many requests a minute. */
    private static final String RATIONED = "rationed";

    private static final int PER_MINUTE = 40;

    private final List<HostileServer> servers;
    private final HandshakeCertificates trusting;
    private final Socket unheard = HostileServer.unheard();

    HostileFleet(long seed) {
        HeldCertificate authority =
                new HeldCertificate.Builder().certificateAuthority(0).build();
        HeldCertificate unknown =
                new HeldCertificate.Builder().certificateAuthority(0).build();
        HostileServer.Identity identity = new HostileServer.Identity(
                signedBy(authority).sslContext(), signedBy(unknown).sslContext());
        trusting = new HandshakeCertificates.Builder()
                .addTrustedCertificate(authority.certificate())
                .build();
        servers = List.of(
                HostileServer.start("openai", Dialect.OPENAI, HostileServer.Outages.NONE, null, seed + 1),
                HostileServer.start("anthropic", Dialect.ANTHROPIC, HostileServer.Outages.NONE, identity, seed + 2),
                HostileServer.start(NARROW, Dialect.GEMINI, HostileServer.Outages.LISTENER_CLOSED, null, seed + 3),
                HostileServer.start("ollama", Dialect.OLLAMA, HostileServer.Outages.BACKLOG_FULL, null, seed + 4));
    }

    private static HandshakeCertificates signedBy(HeldCertificate authority) {
        HeldCertificate server = new HeldCertificate.Builder()
                .addSubjectAlternativeName("127.0.0.1")
                .signedBy(authority)
                .build();
        return new HandshakeCertificates.Builder().heldCertificate(server).build();
    }

    List<HostileServer> servers() {
        return servers;
    }

    HostileServer server(String name) {
        return servers.stream()
                .filter(server -> server.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    void stormy(boolean stormy) {
        servers.forEach(server -> server.stormy(stormy));
    }

    int openConnections() {
        return servers.stream().mapToInt(HostileServer::openConnections).sum();
    }

    /** For who looks for one that was not closed. */
    String describeOpen() {
        return servers.stream().map(HostileServer::describeOpen).collect(Collectors.joining("; "));
    }

    /** Which server each provider asks. */
    Map<String, String> providers() {
        Map<String, String> providers = new LinkedHashMap<>();
        servers.forEach(server -> providers.put(server.name(), server.name()));
        providers.put(RATIONED, "openai");
        providers.put(UNHEARD, "nobody");
        return providers;
    }

    /** The routes to all providers, one for each strategy. */
    List<String> routes() {
        return Stream.of(StandardStrategy.values()).map(HostileFleet::routeBy).toList();
    }

    private static String routeBy(StandardStrategy strategy) {
        return strategy.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The route to one provider alone. */
    static String routeTo(String provider) {
        return "only-" + provider;
    }

    /** An application's client that trusts the servers, for those that speak TLS. */
    OkHttpClient client(ConnectionPool pool) {
        return new OkHttpClient.Builder()
                .sslSocketFactory(trusting.sslSocketFactory(), trusting.trustManager())
                .connectionPool(pool)
                .build();
    }

    /**
     * A new orchestrator, to be closed by the caller.
     *
     * @param overTls what asks the servers that speak TLS; the others are asked by a client of the orchestrator's own
     * @param executor what calls run on; the orchestrator's own if null
     */
    Orchestrator orchestrator(ChatProviderFactory overTls, @Nullable Executor executor) {
        Orchestrator.Builder builder = Orchestrator.builder()
                .deadline(DEADLINE)
                .drainTimeout(DRAIN)
                .healthCheckTimeout(Duration.ofMillis(500))
                // One day lasts as long as the orchestrator.
                .instantSource(InstantSource.fixed(Instant.EPOCH))
                .providerFactory(new OneType(overTls, Dialect.ANTHROPIC.type()));
        if (executor != null) {
            builder.executor(executor);
        }
        providers()
                .forEach((name, server) -> builder.provider(name, provider -> settings(provider, name, server))
                        .route(routeTo(name), route -> route.providers(name)));
        List<String> all = List.copyOf(providers().keySet());
        for (StandardStrategy strategy : StandardStrategy.values()) {
            builder.route(routeBy(strategy), route -> route.providers(all).strategy(strategy));
        }
        return builder.build();
    }

    private record OneType(ChatProviderFactory factory, String type) implements ChatProviderFactory {

        @Override
        public List<ProviderType> types() {
            return factory.types().stream()
                    .filter(offered -> offered.name().equals(type))
                    .toList();
        }

        @Override
        public ChatProvider create(ProviderTarget target, InstantSource instantSource) {
            return factory.create(target, instantSource);
        }
    }

    private void settings(ProviderSettings.Builder provider, String name, String server) {
        if (name.equals(UNHEARD)) {
            provider.type("openai").baseUrl("http://127.0.0.1:" + unheard.getLocalPort() + "/v1");
        } else {
            provider.type(server(server).type()).baseUrl(server(server).baseUrl());
        }
        if (!server.equals("ollama")) {
            provider.apiKey("key-of-" + name);
        }
        QuotaSettings.Builder quota =
                QuotaSettings.builder().requestsPerDay(1_000_000).tokensPerDay(1_000_000_000);
        if (name.equals(RATIONED)) {
            quota.requestsPerMinute(PER_MINUTE);
        }
        provider.model(HostileServer.MODEL)
                .quota(quota.build())
                .collectStreams(server.equals("openai") || server.equals("anthropic"))
                .maxConcurrent(name.equals(NARROW) ? PLACES : 0)
                .connectTimeout(Duration.ofMillis(300))
                .firstTokenTimeout(Duration.ofMillis(500))
                .idleTimeout(Duration.ofMillis(300))
                .totalTimeout(Duration.ofMillis(1_500))
                .retry(RetrySettings.builder()
                        .backoff(Duration.ofMillis(20))
                        .maxBackoff(Duration.ofMillis(200))
                        .build())
                .circuitBreaker(CircuitBreakerSettings.builder()
                        .failureThreshold(5)
                        .successThreshold(TRIALS)
                        .timeoutDuration(Duration.ofMillis(150))
                        // What is lost must stay lost, to be found.
                        .trialLease(Duration.ofDays(7))
                        .build());
    }

    @Override
    public void close() {
        servers.forEach(HostileServer::close);
        try {
            unheard.close();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot close", e);
        }
    }
}
