package ai.orchestrator;

import ai.orchestrator.breaker.CircuitBreakerListener;
import ai.orchestrator.breaker.ProviderCircuitBreaker;
import ai.orchestrator.cache.ResponseCache;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.internal.CallThreads;
import ai.orchestrator.internal.Notifier;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProviderFactory;
import ai.orchestrator.routing.RoutingStrategy;
import ai.orchestrator.routing.StandardStrategy;
import ai.orchestrator.time.Deadline;
import ai.orchestrator.time.TimeSource;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Flow;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
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

    /** How long {@link #close()} waits for calls in flight unless configured: 10 seconds. */
    public static final Duration DEFAULT_DRAIN_TIMEOUT = Duration.ofSeconds(10);

    /** How many retries there may be for each first attempt unless configured: 20 %. */
    public static final double DEFAULT_RETRY_BUDGET = 0.2;

    /** How long providers are left alone between two checks unless configured: 60 seconds. */
    public static final Duration DEFAULT_HEALTH_CHECK_INTERVAL = Duration.ofSeconds(60);

    /** How long a check may take unless configured: 5 seconds. */
    public static final Duration DEFAULT_HEALTH_CHECK_TIMEOUT = Duration.ofSeconds(5);

    /** How long a call that was ended may take to notice. */
    private static final long UNWINDING_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final TimeSource timeSource;
    private final InstantSource instantSource;
    private final boolean ownsTimeSource;
    private final Notifier notifier;
    private final FleetAssembly assembly;
    private final CallsInFlight inFlight = new CallsInFlight();
    private final HealthChecks healthChecks;
    private final Call.Context context;
    private final SharedCalls sharedCalls;

    /** What calls run on whose caller does not wait. */
    private final Executor executor;

    /** The same, unless the application brought one. */
    private final @Nullable ExecutorService ownExecutor;

    /** One configuration after another; no call takes it. */
    private final ReentrantLock reconfiguring = new ReentrantLock();

    /** What a call goes by that begins now; read once by each. */
    private volatile Fleet fleet;

    private Orchestrator(
            Builder builder, TimeSource timeSource, Notifier notifier, FleetAssembly assembly, Fleet fleet) {
        this.timeSource = timeSource;
        this.instantSource = builder.instantSource;
        this.ownsTimeSource = builder.timeSource == null;
        this.notifier = notifier;
        this.assembly = assembly;
        this.fleet = fleet;
        this.ownExecutor = builder.executor == null ? CallThreads.newExecutor("orchestrator-call") : null;
        this.executor = builder.executor == null ? Objects.requireNonNull(ownExecutor) : builder.executor;
        this.context = new Call.Context(
                timeSource,
                new RetryBudget(timeSource, fleet.settings().retryBudget()),
                builder.random,
                route -> this.fleet.routes().get(route),
                inFlight::isAborted);
        this.healthChecks = new HealthChecks(timeSource, builder.instantSource);
        this.sharedCalls = new SharedCalls(context, inFlight, builder.instantSource, builder.cache, fleet.settings());
        checkFleet(fleet);
    }

    private void checkFleet(Fleet fleet) {
        healthChecks.reconfigure(
                fleet.defaultRoute().members().stream()
                        .map(Route.Member::provider)
                        .toList(),
                fleet.settings());
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
     * Asks the providers of the call's route in turn, in the order of the route's strategy, until one has answered. What follows each
     * failure, its kind decides: the same provider again, the next one, or the end; {@code docs/failures.md} has the table. Blocks until
     * then, at most until the deadline; interrupting the thread ends the call and its HTTP call at once.
     *
     * @param request what is asked
     * @param options how this call differs from the settings
     * @return the answer, with its trail
     * @throws AllProvidersFailedException if every provider failed or was skipped
     * @throws CredentialsRejectedException if none of them accepts its key
     * @throws RequestRejectedException if the request itself was refused, so that no other provider was asked
     * @throws DeadlineExceededException if the deadline was reached first
     * @throws CallCancelledException if the call was cancelled, its thread interrupted, or the orchestrator closed
     * @throws IllegalArgumentException if there is no such route
     */
    public ChatResponse chat(ChatRequest request, CallOptions options) {
        Objects.requireNonNull(request, "request");
        Route route = fleet.route(options);
        // Of its own, because the caller's may outlive the call and end many.
        Cancellation cancellation = new Cancellation();
        if (!inFlight.begin(cancellation)) {
            throw closed();
        }
        Runnable listening = listenTo(options, cancellation);
        try {
            Duration allowed = options.deadline().orElse(route.deadline());
            Deadline callDeadline = Deadline.after(timeSource, allowed);
            return run(route, request, options, allowed, callDeadline, cancellation, LiveAnswer.NONE);
        } finally {
            listening.run();
            inFlight.end(cancellation);
        }
    }

    /**
     * Asks as {@link #chat(ChatRequest)} does, without waiting.
     *
     * @param request what is asked
     * @return the answer to come
     */
    public CompletableFuture<ChatResponse> chatAsync(ChatRequest request) {
        return chatAsync(request, CallOptions.defaults());
    }

    /**
     * Asks as {@link #chat(ChatRequest, CallOptions)} does, without waiting. The call runs on {@link Builder#executor}. Cancelling the
     * future, or completing it by other hands, ends the call and its HTTP call at once; that of a future derived from it does not.
     *
     * @param request what is asked
     * @param options how this call differs from the settings
     * @return the answer to come, or what {@code chat} would throw
     * @throws IllegalArgumentException if there is no such route
     */
    public CompletableFuture<ChatResponse> chatAsync(ChatRequest request, CallOptions options) {
        Objects.requireNonNull(request, "request");
        CompletableFuture<ChatResponse> future = new CompletableFuture<>();
        Cancellation cancellation = new Cancellation();
        submit(fleet.route(options), request, options, cancellation, LiveAnswer.NONE, new SubmittedCall.Outcome() {
            @Override
            public void complete(ChatResponse answer) {
                future.complete(answer);
            }

            @Override
            public void fail(Throwable cause) {
                future.completeExceptionally(cause);
            }
        });
        // However the future is completed, nobody waits for the call any more.
        var unused = future.whenComplete((answer, failure) -> cancellation.cancel());
        return future;
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
     * before its first piece of text or of a tool call is replaced unnoticed. What happens when one fails later, {@link StreamRescue}
     * says; two answers are never joined. The call runs on {@link Builder#executor}.
     *
     * <p>Reading throws what {@code chat} would throw, and {@link StreamFailedException} for a provider that broke off. The deadline runs
     * while the reader reads, too.
     *
     * @param request what is asked
     * @param options how this call differs from the settings
     * @return the answer, to be closed by the caller
     * @throws IllegalArgumentException if there is no such route
     */
    public ChatStream stream(ChatRequest request, CallOptions options) {
        Objects.requireNonNull(request, "request");
        Route route = fleet.route(options);
        Cancellation cancellation = new Cancellation();
        StreamedCall stream = streamed(cancellation, route, options, StreamedCall.NOTHING);
        submit(route, request, options, cancellation, stream, stream);
        return stream;
    }

    /**
     * Asks as {@link #chat(ChatRequest)} does, anew for each subscriber.
     *
     * @param request what is asked
     * @return the events of the answer
     */
    public Flow.Publisher<ChatEvent> publish(ChatRequest request) {
        return publish(request, CallOptions.defaults());
    }

    /**
     * Asks as {@link #stream(ChatRequest, CallOptions)} does, anew for each subscriber, and publishes the events of the answer as they are
     * requested. A subscriber that does not request makes the provider wait, within the call's deadline. Cancelling the subscription ends
     * the call and its HTTP call at once. The subscriber is called by one thread at a time, those of {@link Builder#executor} among them.
     *
     * @param request what is asked
     * @param options how each call differs from the settings
     * @return the events of the answer; the last is {@link ChatEvent.Finished}, or the error is what reading a stream would throw
     * @throws IllegalArgumentException if there is no such route
     */
    public Flow.Publisher<ChatEvent> publish(ChatRequest request, CallOptions options) {
        Objects.requireNonNull(request, "request");
        var unused = fleet.route(options);
        return subscriber -> {
            Objects.requireNonNull(subscriber, "subscriber");
            // As it is now, which may be long after.
            Fleet present = fleet;
            Route route = present.find(options);
            Cancellation cancellation = new Cancellation();
            PublishedCall published = new PublishedCall(
                    subscriber,
                    onChange ->
                            streamed(cancellation, route == null ? present.defaultRoute() : route, options, onChange));
            published.subscribe(stream -> {
                if (route == null) {
                    stream.fail(present.noRoute(options));
                } else {
                    submit(route, request, options, cancellation, stream, stream);
                }
            });
        };
    }

    private static StreamedCall streamed(
            Cancellation cancellation, Route route, CallOptions options, Runnable onChange) {
        return new StreamedCall(
                cancellation, options.streamRescue().orElse(route.streamRescue()), options.liveReasoning(), onChange);
    }

    private void submit(
            Route route,
            ChatRequest request,
            CallOptions options,
            Cancellation cancellation,
            LiveAnswer live,
            SubmittedCall.Outcome outcome) {
        if (!inFlight.begin(cancellation)) {
            outcome.fail(closed());
            return;
        }
        Duration allowed = options.deadline().orElse(route.deadline());
        // Counted from here: waiting for a thread is part of the call.
        Deadline callDeadline = Deadline.after(timeSource, allowed);
        Runnable listening = listenTo(options, cancellation);
        new SubmittedCall(
                        () -> run(route, request, options, allowed, callDeadline, cancellation, live),
                        () -> {
                            listening.run();
                            inFlight.end(cancellation);
                        },
                        outcome)
                .submitTo(
                        executor,
                        timeSource,
                        callDeadline,
                        allowed,
                        cancellation,
                        () -> inFlight.isAborted()
                                ? CallCancelledException.Reason.CLOSED
                                : CallCancelledException.Reason.CANCELLED);
    }

    private ChatResponse run(
            Route route,
            ChatRequest request,
            CallOptions options,
            Duration allowed,
            Deadline callDeadline,
            Cancellation cancellation,
            LiveAnswer live) {
        return options.cache().orElse(route.cacheEnabled())
                ? new SharedCall(sharedCalls, route, request, allowed, callDeadline, cancellation, live).run()
                : new Call(context, route, request, allowed, callDeadline, cancellation, live).run();
    }

    private static CallCancelledException closed() {
        return new CallCancelledException(CallCancelledException.Reason.CLOSED, null, Trail.EMPTY);
    }

    /** What is to be called when the call has ended. */
    private static Runnable listenTo(CallOptions options, Cancellation cancellation) {
        return options.cancellation()
                .map(given -> given.onCancel(cancellation::cancel))
                .<Runnable>map(registration -> registration::close)
                .orElse(() -> {});
    }

    /**
     * The way that a call of the default route would take now.
     *
     * @param request what would be asked
     * @return the providers in their order, and why some would be skipped
     * @throws CallCancelledException if the orchestrator is closed
     */
    public Explanation explain(ChatRequest request) {
        return explain(request, CallOptions.defaults());
    }

    /**
     * The way that a call would take now. Asks nobody, takes no permit, no quota and no turn, and moves no breaker. Where the strategy
     * draws by chance, this draws for itself.
     *
     * @param request what would be asked
     * @param options how the call would differ from the settings
     * @return the providers in their order, and why some would be skipped
     * @throws CallCancelledException if the orchestrator is closed
     * @throws IllegalArgumentException if there is no such route
     */
    public Explanation explain(ChatRequest request, CallOptions options) {
        Objects.requireNonNull(request, "request");
        Route route = fleet.route(options);
        if (inFlight.isClosed()) {
            throw closed();
        }
        Duration allowed = options.deadline().orElse(route.deadline());
        Candidates candidates = new Candidates(context, route, request, Deadline.after(timeSource, allowed));
        List<Explanation.Candidate> explained = candidates.inOrder().stream()
                .map(candidate -> candidates
                        .unfit(candidate)
                        .map(reason -> new Trail.Skipped(candidate.name(), reason, Optional.empty()))
                        .or(() -> candidate.provider.refusal(candidates))
                        .map(step ->
                                new Explanation.Candidate(step.provider(), Optional.of(step.reason()), step.retryIn()))
                        .orElseGet(
                                () -> new Explanation.Candidate(candidate.name(), Optional.empty(), Optional.empty())))
                .toList();
        boolean open =
                explained.stream().anyMatch(candidate -> candidate.skipped().isEmpty());
        Candidate leastBad = open ? null : candidates.leastBad();
        return new Explanation(
                route.name(), explained, Optional.ofNullable(leastBad).map(Candidate::name));
    }

    /**
     * Asks every provider that may be asked something that costs nothing, such as its list of models, all at the same time, and says how they
     * are then. Blocks until each has answered or failed, at most {@link Builder#healthCheckTimeout} and the second that a provider has to
     * notice its end; if the thread is interrupted, the checks go on and the last results count. What a failed check does is said at {@link
     * Builder#healthChecks}, which need not be on.
     *
     * @return the status, with these checks as each provider's last
     * @throws CallCancelledException if the orchestrator is closed
     */
    public OrchestratorStatus checkProviders() {
        if (inFlight.isClosed()) {
            throw closed();
        }
        healthChecks.checkNow();
        return status();
    }

    /**
     * How every provider is. A look only: nobody is asked, and nothing is taken or moved.
     *
     * @return all providers and routes as they are now, also when the orchestrator is closed
     */
    public OrchestratorStatus status() {
        Fleet present = fleet;
        return new OrchestratorStatus(
                instantSource.instant(),
                present.providers().values().stream()
                        .map(RegisteredProvider::status)
                        .toList(),
                present.routes().values().stream()
                        .map(route -> new OrchestratorStatus.Route(
                                route.name(),
                                route.strategyName(),
                                route.members().stream()
                                        .map(member -> member.provider().name())
                                        .toList()))
                        .toList());
    }

    /**
     * The circuit breaker of one provider, to look at or to move by hand. It is the same as long as the provider is; one that was replaced has
     * another, whatever its name.
     *
     * @param provider the provider's name
     * @return its breaker
     * @throws IllegalArgumentException if there is no such provider
     */
    public ProviderCircuitBreaker circuitBreaker(String provider) {
        Map<String, RegisteredProvider> providers = fleet.providers();
        RegisteredProvider registered = providers.get(provider);
        if (registered == null) {
            throw new IllegalArgumentException(
                    "no provider is named '" + provider + "'; there are " + providers.keySet());
        }
        return registered.breaker();
    }

    /**
     * What is in force.
     *
     * @return what calls go by that begin now
     */
    public OrchestratorSettings settings() {
        return fleet.settings();
    }

    /**
     * Goes by other settings from now on, all of them at once. A call goes by what was in force when it began, and does not fail because of a
     * change; its attempts go by the settings of their provider when they begin. A provider stays the same, with all that is known of it,
     * as long as its name, type, address and model do, or, for one of the application's own, its name and instance. One that was removed,
     * disabled or given a weight of zero is not asked any more, by calls under way neither; an attempt that is under way there ends as it would
     * have (scenario G6). {@code docs/reloading.md} has what stays and what changes when.
     *
     * <p>What is no part of the settings stays as it was built. Nothing is sent, unless {@link Builder#healthChecks} are on, and nothing is
     * waited for but another change under way, what {@link ChatProviderFactory#create} does, what listens at the registries, and, when all
     * is in force, the closing of what talked to providers and is of no use any more.
     *
     * @param settings all settings, not only those that change; {@link #settings()} has those in force, to start from
     * @throws ConfigurationException if a provider is configured wrongly, twice, or not at all; nothing has changed, and it lists every
     *     mistake, but of those that only a factory finds when it makes a provider the first
     * @throws CallCancelledException if the orchestrator is closed
     * @throws IllegalStateException if a change is under way on this thread: from a factory, or from what listens at a registry
     */
    public void reconfigure(OrchestratorSettings settings) {
        Objects.requireNonNull(settings, "settings");
        refuseInTheMiddleOfAChange();
        reconfiguring.lock();
        try {
            if (inFlight.isClosed()) {
                throw closed();
            }
            Fleet next = assembly.assemble(fleet, settings, assembled -> fleet = assembled);
            checkFleet(next);
            sharedCalls.reconfigure(settings);
            context.budget().share(settings.retryBudget());
        } finally {
            reconfiguring.unlock();
            assembly.releaseGivenUp();
        }
    }

    private void refuseInTheMiddleOfAChange() {
        if (reconfiguring.isHeldByCurrentThread()) {
            throw new IllegalStateException("the orchestrator is being changed by this very thread");
        }
    }

    /**
     * Refuses new calls, waits for those in flight, for {@link Builder#drainTimeout} at most, ends those that are left with a {@link
     * CallCancelledException}, and releases connections, threads and meters. If the thread is interrupted they are ended at once. What the
     * application brought itself stays open. Does nothing the second time. A call must not close the orchestrator that it runs in: it would
     * wait for itself.
     *
     * @throws IllegalStateException if it is being reconfigured by this very thread: from a factory, or from what listens at a registry
     */
    @Override
    public void close() {
        refuseInTheMiddleOfAChange();
        if (!inFlight.close()) {
            return;
        }
        healthChecks.close();
        boolean interrupted = false;
        try {
            if (!inFlight.awaitNone(timeSource, fleet.settings().drainTimeout().toNanos())) {
                inFlight.abort();
                inFlight.awaitNone(timeSource, UNWINDING_NANOS);
            }
        } catch (InterruptedException e) {
            interrupted = true;
            inFlight.abort();
        }
        if (ownExecutor != null) {
            ownExecutor.shutdown();
        }
        sharedCalls.close();
        // After a change that is under way, so that it leaves nothing open.
        reconfiguring.lock();
        try {
            assembly.close(fleet);
        } finally {
            reconfiguring.unlock();
        }
        notifier.close();
        if (ownsTimeSource) {
            timeSource.close();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** The names of the providers. */
    @Override
    public String toString() {
        return "Orchestrator" + fleet.providers().keySet();
    }

    /** Builds orchestrators. For one thread at a time. */
    public static final class Builder {

        final List<ProviderSettings> providers = new ArrayList<>();
        final List<RouteSettings> routes = new ArrayList<>();
        RoutingStrategy strategy = StandardStrategy.PRIORITY;
        boolean failOpen;
        DoubleSupplier random = () -> ThreadLocalRandom.current().nextDouble();
        final List<ChatProviderFactory> factories = new ArrayList<>();
        Duration deadline = DEFAULT_DEADLINE;
        Duration drainTimeout = DEFAULT_DRAIN_TIMEOUT;
        StreamRescue streamRescue = StreamRescue.FAIL;
        boolean failOverOnContentFilter;
        double retryBudget = DEFAULT_RETRY_BUDGET;
        boolean healthChecks;
        Duration healthCheckInterval = DEFAULT_HEALTH_CHECK_INTERVAL;
        Duration healthCheckTimeout = DEFAULT_HEALTH_CHECK_TIMEOUT;
        boolean cacheEnabled;
        private @Nullable ResponseCache cache;
        Duration cacheTtl = ResponseCache.DEFAULT_TTL;
        long cacheMaxSize = ResponseCache.DEFAULT_MAX_BYTES;
        private @Nullable Executor executor;
        InstantSource instantSource = InstantSource.system();
        private @Nullable TimeSource timeSource;

        @Nullable
        CircuitBreakerRegistry breakerRegistry;

        @Nullable
        MeterRegistry meterRegistry;

        final List<CircuitBreakerListener> breakerListeners = new ArrayList<>();

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
         * Adds a route. The default route, of all providers, is always there.
         *
         * @param settings the route
         * @return this builder
         */
        public Builder route(RouteSettings settings) {
            routes.add(Objects.requireNonNull(settings, "settings"));
            return this;
        }

        /**
         * Adds a route.
         *
         * @param name what it is called, as in {@link RouteSettings#builder}
         * @param configure sets the rest
         * @return this builder
         * @throws IllegalArgumentException if the name has another form, or from {@code configure}
         */
        public Builder route(String name, Consumer<RouteSettings.Builder> configure) {
            RouteSettings.Builder settings = RouteSettings.builder(name);
            configure.accept(settings);
            return route(settings.build());
        }

        /**
         * Sets who is asked first, in the default route and in those that have no strategy of their own; {@link StandardStrategy#PRIORITY}
         * by default.
         *
         * @param strategy one of {@link StandardStrategy}, or the application's own
         * @return this builder
         */
        public Builder strategy(RoutingStrategy strategy) {
            this.strategy = Objects.requireNonNull(strategy, "strategy");
            return this;
        }

        /**
         * Sets whether a call that finds every provider's breaker open asks one all the same, once: the one that would open soonest. Not by
         * default: such a call fails at once. The breaker hears nothing of the attempt. A provider that is parked, out of quota or full is
         * not asked, nor one whose breaker an operator has opened (scenario R24).
         *
         * @param failOpen whether to ask
         * @return this builder
         */
        public Builder failOpen(boolean failOpen) {
            this.failOpen = failOpen;
            return this;
        }

        /**
         * Sets what chance is drawn from, for weighted routing and for the jitter of waits; {@link ThreadLocalRandom} by default.
         *
         * @param random gives zero or more and less than one, another number each time; called by any number of threads at once
         * @return this builder
         */
        public Builder random(DoubleSupplier random) {
            this.random = Objects.requireNonNull(random, "random");
            return this;
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
         * Sets what happens when a provider breaks off after a part of its answer was streamed; {@link StreamRescue#FAIL} by default.
         *
         * @param streamRescue the contract of every stream that has none of its own
         * @return this builder
         */
        public Builder streamRescue(StreamRescue streamRescue) {
            this.streamRescue = Objects.requireNonNull(streamRescue, "streamRescue");
            return this;
        }

        /**
         * Sets whether a request that a provider's policy refuses is put to the next one. Not by default: the refusal ends the call.
         *
         * @param failOver whether to ask the next provider
         * @return this builder
         */
        public Builder failOverOnContentFilter(boolean failOver) {
            this.failOverOnContentFilter = failOver;
            return this;
        }

        /**
         * Limits how many retries on the same provider there may be for each first attempt, all calls together, over the last ten seconds,
         * beside ten that are always there; 0.2 by default. It keeps retries from multiplying the load on providers in trouble. Failovers
         * use it up too but are never refused (Finagle's retry budget; scenario R19).
         *
         * @param share zero to one; zero leaves only the ten
         * @return this builder
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder retryBudget(double share) {
            // Written so that what is no number is refused too.
            if (!(share >= 0 && share <= 1)) {
                throw new IllegalArgumentException("retryBudget must be 0 to 1 but is " + share);
            }
            this.retryBudget = share;
            return this;
        }

        /**
         * Sets whether each enabled provider is asked something free now and then, such as its list of models, from when the orchestrator is
         * built. Not by default. A provider that fails such a check is asked after the others until a check or a call succeeds; its breaker
         * does not count it.
         *
         * @param healthChecks whether to check
         * @return this builder
         */
        public Builder healthChecks(boolean healthChecks) {
            this.healthChecks = healthChecks;
            return this;
        }

        /**
         * Sets how long a provider is left alone between two checks; 60 seconds by default.
         *
         * @param interval 1 second to 365 days, from the end of one check to the beginning of the next
         * @return this builder
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder healthCheckInterval(Duration interval) {
            this.healthCheckInterval = inRange("healthCheckInterval", interval, Duration.ofSeconds(1), "1 second");
            return this;
        }

        /**
         * Limits how long a check may take; 5 seconds by default. Also holds for {@link Orchestrator#checkProviders()}.
         *
         * @param timeout 1 millisecond to 365 days
         * @return this builder
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder healthCheckTimeout(Duration timeout) {
            this.healthCheckTimeout = inRange("healthCheckTimeout", timeout, Duration.ofMillis(1), "1 millisecond");
            return this;
        }

        private static Duration inRange(String name, Duration value, Duration min, String minInWords) {
            if (value.compareTo(min) < 0 || value.compareTo(Duration.ofDays(365)) > 0) {
                throw new IllegalArgumentException(name + " must be " + minInWords + " to 365 days but is " + value);
            }
            return value;
        }

        /**
         * Sets whether calls use the cache that do not say so themselves with {@link CallOptions#withCache}. Not by default.
         *
         * @param enabled whether they do
         * @return this builder
         */
        public Builder cacheEnabled(boolean enabled) {
            this.cacheEnabled = enabled;
            return this;
        }

        /**
         * Sets how long the cache in memory keeps an answer; 30 days by default.
         *
         * @param ttl more than zero
         * @return this builder
         * @throws IllegalArgumentException if it is zero or negative
         */
        public Builder cacheTtl(Duration ttl) {
            if (ttl.isZero() || ttl.isNegative()) {
                throw new IllegalArgumentException("cacheTtl must be more than zero but is " + ttl);
            }
            this.cacheTtl = ttl;
            return this;
        }

        /**
         * Sets about how much memory the answers may take that are kept; 64 MB by default.
         *
         * @param bytes more than zero
         * @return this builder
         * @throws IllegalArgumentException if it is zero or negative
         */
        public Builder cacheMaxSize(long bytes) {
            if (bytes <= 0) {
                throw new IllegalArgumentException("cacheMaxSize must be more than zero but is " + bytes);
            }
            this.cacheMaxSize = bytes;
            return this;
        }

        /**
         * Keeps answers elsewhere than in this orchestrator's memory; then it is that cache's affair how long, and how many.
         *
         * @param cache keeps them
         * @return this builder
         */
        public Builder cache(ResponseCache cache) {
            this.cache = Objects.requireNonNull(cache, "cache");
            return this;
        }

        /**
         * Limits how long {@link Orchestrator#close()} waits for calls in flight; 10 seconds by default.
         *
         * @param drainTimeout zero or more, at most 365 days; zero ends them at once
         * @return this builder
         * @throws IllegalArgumentException if it is out of range
         */
        public Builder drainTimeout(Duration drainTimeout) {
            this.drainTimeout = inRange("drainTimeout", drainTimeout, Duration.ZERO, "zero");
            return this;
        }

        /**
         * Sets what calls run on whose caller does not wait: those of {@code chatAsync}, {@code stream} and {@code publish}. By default
         * virtual threads where the JDK has them (21 and later), else a pool of at most 256 daemon threads. Each such call blocks one of
         * its threads. A call that gets none before its deadline fails then. An executor that runs calls on the thread that submits
         * them makes {@code chatAsync} and {@code publish} block, and suits no {@code stream}, whose reader could not begin.
         *
         * @param executor runs the calls; stays the application's to close
         * @return this builder
         */
        public Builder executor(Executor executor) {
            this.executor = Objects.requireNonNull(executor, "executor");
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
         * Sets what stamps times and tells the day for quotas; the system's wall clock by default. No wait or limit runs on it.
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
         * What has been set so far, of all that a properties file can say too.
         *
         * @return immutable settings, not checked against each other
         */
        public OrchestratorSettings settings() {
            return new OrchestratorSettings(this);
        }

        /**
         * Checks everything and builds. Nothing is sent, unless {@link #healthChecks} are on.
         *
         * @return an orchestrator, to be closed by the caller
         * @throws ConfigurationException if a provider is configured wrongly, twice, or not at all; it lists every mistake
         */
        public Orchestrator build() {
            TimeSource time = timeSource == null ? TimeSource.system() : timeSource;
            Notifier notifier = new Notifier("orchestrator-listeners");
            FleetAssembly assembly = new FleetAssembly(this, time, notifier);
            boolean assembled = false;
            try {
                Fleet fleet = assembly.assemble(settings());
                assembled = true;
                return new Orchestrator(this, time, notifier, assembly, fleet);
            } finally {
                if (!assembled) {
                    assembly.close();
                }
            }
        }
    }
}
