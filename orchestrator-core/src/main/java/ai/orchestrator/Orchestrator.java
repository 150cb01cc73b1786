package ai.orchestrator;

import ai.orchestrator.breaker.CircuitBreakerListener;
import ai.orchestrator.breaker.ProviderCircuitBreaker;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.internal.CallThreads;
import ai.orchestrator.internal.Notifier;
import ai.orchestrator.internal.ProviderCatalog;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.ChatProviderFactory;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.time.TimeSource;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Asks several providers as one. Each is guarded by a circuit breaker; when one fails the next is asked, within one deadline, and the answer
 * says who served it and what was tried.
 *
 * <pre>{@code
 * try (Orchestrator orchestrator = Orchestrator.builder()
 *         .provider("groq", p -> p.type("groq").apiKey(groqKey).priority(1))
 *         .provider("hf", p -> p.type("huggingface").apiKey(hfKey).priority(2))
 *         .deadline(Duration.ofSeconds(20))
 *         .build()) {
 *     ChatResponse answer = orchestrator.chat("Why is the sky blue?");
 * }
 * }</pre>
 *
 * <p>Safe for use by any number of threads at once; make one and share it.
 */
public final class Orchestrator implements AutoCloseable {

    /** How long a call may take unless configured: 30 seconds. */
    public static final Duration DEFAULT_DEADLINE = Duration.ofSeconds(30);

    private final Duration deadline;
    private final TimeSource timeSource;
    private final boolean ownsTimeSource;
    private final Notifier notifier;
    private final ProviderCatalog catalog;
    private final Map<String, RegisteredProvider> providers;
    private final List<RegisteredProvider> candidates;

    /** The calls in flight, so that closing can end them. */
    private final Set<Cancellation> inFlight = ConcurrentHashMap.newKeySet();

    /** What streams run on, besides the thread that reads them. */
    private final ExecutorService streams = CallThreads.newExecutor("orchestrator-call");

    private final AtomicBoolean closed = new AtomicBoolean();

    private Orchestrator(
            Builder builder,
            TimeSource timeSource,
            Notifier notifier,
            ProviderCatalog catalog,
            Map<String, RegisteredProvider> providers) {
        this.deadline = builder.deadline;
        this.timeSource = timeSource;
        this.ownsTimeSource = builder.timeSource == null;
        this.notifier = notifier;
        this.catalog = catalog;
        this.providers = providers;
        this.candidates = providers.values().stream()
                .filter(provider -> provider.settings().enabled())
                .sorted(Comparator.comparingInt(provider -> provider.settings().priority()))
                .toList();
    }

    /**
     * A builder without providers.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Asks one question with the default options.
     *
     * @param question the user's message
     * @return the answer
     * @throws OrchestratorException as {@link #chat(ChatRequest, CallOptions)}
     */
    public ChatResponse chat(String question) {
        return chat(ChatRequest.of(question));
    }

    /**
     * Asks with the default options.
     *
     * @param request what is asked
     * @return the answer
     * @throws OrchestratorException as {@link #chat(ChatRequest, CallOptions)}
     */
    public ChatResponse chat(ChatRequest request) {
        return chat(request, CallOptions.defaults());
    }

    /**
     * Asks the enabled providers in turn, lowest priority number first, until one has answered. Blocks until then, at most until the
     * deadline; interrupting the thread ends the call and its HTTP call at once.
     *
     * @param request what is asked
     * @param options how this call differs from the settings
     * @return the answer, with its trail
     * @throws AllProvidersFailedException if every provider failed or was skipped
     * @throws RequestRejectedException if a provider refused the request itself, so that no other was asked
     * @throws DeadlineExceededException if the deadline was reached first
     * @throws CallCancelledException if the call was cancelled, its thread interrupted, or the orchestrator closed
     */
    public ChatResponse chat(ChatRequest request, CallOptions options) {
        Objects.requireNonNull(request, "request");
        // Of its own, because the caller's may outlive the call and end many.
        return run(request, options, new Cancellation(), Delivery.WHOLE, LiveAnswer.NONE);
    }

    /**
     * Asks as {@link #chat(ChatRequest)} does and returns at once, to read the answer while it comes.
     *
     * @param request what is asked
     * @return the answer, to be closed by the caller
     */
    public ChatStream stream(ChatRequest request) {
        return stream(request, CallOptions.defaults());
    }

    /**
     * Asks as {@link #chat(ChatRequest, CallOptions)} does and returns at once, to read the answer while it comes. A provider that fails
     * before its first piece of text or of a tool call is replaced by the next one. One that fails later ends the stream: two answers are
     * never joined.
     *
     * <p>Reading throws what {@code chat} would throw, and {@link StreamFailedException} for a provider that broke off. The deadline runs
     * while the reader reads, too.
     *
     * @param request what is asked
     * @param options how this call differs from the settings
     * @return the answer, to be closed by the caller
     */
    public ChatStream stream(ChatRequest request, CallOptions options) {
        Objects.requireNonNull(request, "request");
        Objects.requireNonNull(options, "options");
        Cancellation cancellation = new Cancellation();
        StreamedCall stream = new StreamedCall(cancellation);
        Runnable call = () -> {
            try {
                stream.complete(run(request, options, cancellation, Delivery.STREAMED, stream));
            } catch (RuntimeException | Error e) {
                // Whatever chat() would throw at its caller is thrown at the reader, who waits for it.
                stream.fail(e);
            }
        };
        try {
            streams.execute(call);
        } catch (RejectedExecutionException e) {
            stream.fail(new CallCancelledException(CallCancelledException.Reason.CLOSED, e, Trail.EMPTY));
        }
        return stream;
    }

    private ChatResponse run(
            ChatRequest request, CallOptions options, Cancellation cancellation, Delivery delivery, LiveAnswer live) {
        inFlight.add(cancellation);
        Cancellation.Registration registration = options.cancellation()
                .map(given -> given.onCancel(cancellation::cancel))
                .orElse(null);
        try {
            return new Call(timeSource, options.deadline().orElse(deadline), cancellation, closed::get, delivery, live)
                    .run(request, candidates);
        } finally {
            if (registration != null) {
                registration.close();
            }
            inFlight.remove(cancellation);
        }
    }

    /**
     * The circuit breaker of one provider, to look at or to move by hand.
     *
     * @param provider the provider's name
     * @return its breaker
     * @throws IllegalArgumentException if there is no such provider
     */
    public ProviderCircuitBreaker circuitBreaker(String provider) {
        RegisteredProvider registered = providers.get(provider);
        if (registered == null) {
            throw new IllegalArgumentException(
                    "no provider is named '" + provider + "'; there are " + providers.keySet());
        }
        return registered.breaker();
    }

    /**
     * Ends the calls in flight with a {@link CallCancelledException}, refuses new ones, and releases connections, threads and meters. What
     * the application brought itself stays open. Does nothing the second time.
     */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        inFlight.forEach(Cancellation::cancel);
        streams.shutdown();
        release(providers.values(), catalog);
        notifier.close();
        if (ownsTimeSource) {
            timeSource.close();
        }
    }

    private static void release(Iterable<RegisteredProvider> providers, ProviderCatalog catalog) {
        for (RegisteredProvider provider : providers) {
            provider.breaker().close();
            if (provider.settings().chatProvider().isEmpty()) {
                provider.chatProvider().close();
            }
        }
        catalog.close();
    }

    /** The names of the providers. */
    @Override
    public String toString() {
        return "Orchestrator" + providers.keySet();
    }

    /** Builds orchestrators. For one thread at a time. */
    public static final class Builder {

        private final List<ProviderSettings> providers = new ArrayList<>();
        private final List<ChatProviderFactory> factories = new ArrayList<>();
        private Duration deadline = DEFAULT_DEADLINE;
        private InstantSource instantSource = InstantSource.system();
        private @Nullable TimeSource timeSource;
        private @Nullable CircuitBreakerRegistry breakerRegistry;
        private @Nullable MeterRegistry meterRegistry;
        private final List<CircuitBreakerListener> breakerListeners = new ArrayList<>();

        private Builder() {}

        /**
         * Registers a provider.
         *
         * @param settings the provider
         * @return this builder
         */
        public Builder provider(ProviderSettings settings) {
            providers.add(Objects.requireNonNull(settings, "settings"));
            return this;
        }

        /**
         * Registers a provider.
         *
         * @param name what it is called, as in {@link ProviderSettings#builder}
         * @param configure sets the rest
         * @return this builder
         * @throws IllegalArgumentException if the name has another form, or from {@code configure}
         */
        public Builder provider(String name, Consumer<ProviderSettings.Builder> configure) {
            ProviderSettings.Builder settings = ProviderSettings.builder(name);
            configure.accept(settings);
            return provider(settings.build());
        }

        /**
         * Adds provider types, which win over those of the same name that {@link java.util.ServiceLoader} finds.
         *
         * @param factory makes them; stays the application's to close
         * @return this builder
         */
        public Builder providerFactory(ChatProviderFactory factory) {
            factories.add(Objects.requireNonNull(factory, "factory"));
            return this;
        }

        /**
         * Limits how long a call may take, all attempts together; 30 seconds by default.
         *
         * @param deadline more than zero
         * @return this builder
         * @throws IllegalArgumentException if it is zero or negative
         */
        public Builder deadline(Duration deadline) {
            this.deadline = CallOptions.positiveDeadline(deadline);
            return this;
        }

        /**
         * Sets what every wait and limit runs on; {@link TimeSource#system()} by default.
         *
         * @param timeSource the time source; stays the application's to close
         * @return this builder
         */
        public Builder timeSource(TimeSource timeSource) {
            this.timeSource = Objects.requireNonNull(timeSource, "timeSource");
            return this;
        }

        /**
         * Sets what stamps times; the system's wall clock by default. It decides nothing.
         *
         * @param instantSource the wall clock
         * @return this builder
         */
        public Builder instantSource(InstantSource instantSource) {
            this.instantSource = Objects.requireNonNull(instantSource, "instantSource");
            return this;
        }

        /**
         * Sets where the providers' breakers are registered, for Resilience4j's own tools; a registry of its own by default.
         *
         * @param registry the registry; must not have a breaker of a provider's name
         * @return this builder
         */
        public Builder circuitBreakerRegistry(CircuitBreakerRegistry registry) {
            this.breakerRegistry = Objects.requireNonNull(registry, "registry");
            return this;
        }

        /**
         * Adds a listener to every provider's breaker; none by default. All of them are called on one daemon thread, so one that blocks
         * keeps the others waiting, but never a call.
         *
         * @param listener is told of every transition of every breaker
         * @return this builder
         */
        public Builder circuitBreakerListener(CircuitBreakerListener listener) {
            breakerListeners.add(Objects.requireNonNull(listener, "listener"));
            return this;
        }

        /**
         * Binds the meters of the breakers, Resilience4j's and {@linkplain ProviderCircuitBreaker.Builder#meterRegistry our own}. None are
         * bound by default. Two orchestrators whose providers have the same names need a meter registry each.
         *
         * @param meterRegistry takes the meters; {@link Orchestrator#close()} removes those of its providers
         * @return this builder
         */
        public Builder meterRegistry(MeterRegistry meterRegistry) {
            this.meterRegistry = Objects.requireNonNull(meterRegistry, "meterRegistry");
            return this;
        }

        /**
         * Checks everything and builds. Nothing is sent.
         *
         * @return an orchestrator, to be closed by the caller
         * @throws ConfigurationException if a provider is configured wrongly, twice, or not at all; it lists every mistake
         */
        public Orchestrator build() {
            CircuitBreakerRegistry registry =
                    breakerRegistry == null ? CircuitBreakerRegistry.ofDefaults() : breakerRegistry;
            ProviderCatalog catalog = ProviderCatalog.load(factories);
            TimeSource time = timeSource == null ? TimeSource.system() : timeSource;
            Notifier notifier = new Notifier("orchestrator-listeners");
            Map<String, RegisteredProvider> registered = new LinkedHashMap<>();
            boolean built = false;
            try {
                Map<String, ProviderTarget> targets = check(catalog, registry);
                for (ProviderSettings settings : providers) {
                    ProviderTarget target = targets.get(settings.name());
                    ProviderCircuitBreaker breaker = breaker(settings, time, registry, notifier);
                    try {
                        ChatProvider chatProvider = target == null
                                ? settings.chatProvider().orElseThrow()
                                : create(catalog, target, instantSource);
                        registered.put(settings.name(), new RegisteredProvider(settings, chatProvider, breaker));
                    } finally {
                        if (!registered.containsKey(settings.name())) {
                            breaker.close();
                        }
                    }
                }
                Orchestrator orchestrator = new Orchestrator(this, time, notifier, catalog, registered);
                built = true;
                return orchestrator;
            } finally {
                if (!built) {
                    release(registered.values(), catalog);
                }
            }
        }

        private ProviderCircuitBreaker breaker(
                ProviderSettings settings, TimeSource time, CircuitBreakerRegistry registry, Notifier notifier) {
            ProviderCircuitBreaker.Builder breaker = ProviderCircuitBreaker.builder(settings.name())
                    .settings(settings.circuitBreaker())
                    .timeSource(time)
                    .instantSource(instantSource)
                    .registry(registry)
                    .listenerExecutor(notifier);
            breakerListeners.forEach(breaker::listener);
            if (meterRegistry != null) {
                breaker.meterRegistry(meterRegistry);
            }
            try {
                return breaker.build();
            } catch (IllegalArgumentException e) {
                throw refused(settings.name(), e);
            }
        }

        private static ChatProvider create(
                ProviderCatalog catalog, ProviderTarget target, InstantSource instantSource) {
            try {
                return catalog.create(target, instantSource);
            } catch (IllegalArgumentException e) {
                throw refused(target.name(), e);
            }
        }

        private static ConfigurationException refused(String provider, IllegalArgumentException reason) {
            return new ConfigurationException(
                    "The configuration was refused",
                    List.of("orchestrator.providers." + provider + ": " + reason.getMessage()));
        }

        /** What to call, by the provider's name, for those that name a type. */
        private Map<String, ProviderTarget> check(ProviderCatalog catalog, CircuitBreakerRegistry registry) {
            List<String> mistakes = new ArrayList<>();
            Map<String, ProviderTarget> targets = new LinkedHashMap<>();
            Set<String> names = new HashSet<>();
            for (ProviderSettings settings : providers) {
                String key = "orchestrator.providers." + settings.name();
                if (!names.add(settings.name())) {
                    mistakes.add(key + ": two providers have this name; give each its own");
                } else if (registry.find(settings.name()).isPresent()) {
                    mistakes.add(key + ": the circuit breaker registry already has a breaker of this name");
                }
                if (settings.chatProvider().isEmpty()) {
                    catalog.check(settings, mistakes::add).ifPresent(target -> targets.put(settings.name(), target));
                } else if (settings.type().isPresent()) {
                    mistakes.add(key + ".type: set together with a chatProvider; set one of the two");
                }
            }
            if (providers.isEmpty()) {
                mistakes.add("orchestrator.providers: none is configured; configure at least one");
            } else if (providers.stream().noneMatch(ProviderSettings::enabled)) {
                mistakes.add("orchestrator.providers: none is enabled; enable at least one");
            }
            if (!mistakes.isEmpty()) {
                throw new ConfigurationException("The configuration was refused", mistakes);
            }
            return targets;
        }
    }
}
