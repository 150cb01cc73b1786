package ai.orchestrator;

import ai.orchestrator.ConfigurationException.Mistake;
import ai.orchestrator.breaker.CircuitBreakerListener;
import ai.orchestrator.breaker.ProviderCircuitBreaker;
import ai.orchestrator.internal.Notifier;
import ai.orchestrator.internal.ProviderCatalog;
import ai.orchestrator.internal.RouteCheck;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.quota.Quota;
import ai.orchestrator.time.TimeSource;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a fleet of settings, and another one out of it when they change: checks, makes providers, changes those that stay and retires those that
 * go. For one thread at a time.
 */
final class FleetAssembly implements AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(Orchestrator.class);

    private final TimeSource timeSource;
    private final InstantSource instantSource;
    private final DoubleSupplier random;
    private final CircuitBreakerRegistry breakerRegistry;
    private final @Nullable MeterRegistry meterRegistry;
    private final List<CircuitBreakerListener> breakerListeners;
    private final Notifier notifier;
    private final ProviderCatalog catalog;
    private final Client.Opened clients = new Client.Opened();

    /** How many providers of the application's own have had a name, one after another. */
    private final Map<String, Integer> instances = new HashMap<>();

    /**
     * A provider of the new fleet.
     *
     * @param known the one that it was before; null for a new one
     * @param client that of the one before, if it can be used on
     */
    private record Planned(
            ProviderSettings settings,
            @Nullable ProviderTarget target,
            @Nullable RegisteredProvider known,
            Client client) {}

    FleetAssembly(Orchestrator.Builder builder, TimeSource timeSource, Notifier notifier) {
        this.timeSource = timeSource;
        this.instantSource = builder.instantSource;
        this.random = builder.random;
        this.breakerRegistry =
                builder.breakerRegistry == null ? CircuitBreakerRegistry.ofDefaults() : builder.breakerRegistry;
        this.meterRegistry = builder.meterRegistry;
        this.breakerListeners = List.copyOf(builder.breakerListeners);
        this.notifier = notifier;
        this.catalog = ProviderCatalog.load(builder.factories);
    }

    /**
     * Makes the first fleet.
     *
     * @throws ConfigurationException if there are mistakes; it lists all of them
     */
    Fleet assemble(OrchestratorSettings settings) {
        return assemble(null, settings, fleet -> {});
    }

    /**
     * Makes the next fleet. If it throws, nothing has changed, but for one thing: where a new provider takes the name of another, and what
     * listens at a registry throws at that, the other one goes on without its place there. What is given up is to be released afterwards.
     *
     * @param publish told of it when calls can go by it
     * @throws ConfigurationException if there are mistakes: all of those that can be seen without making anything, else the first
     */
    Fleet assemble(@Nullable Fleet before, OrchestratorSettings settings, Consumer<Fleet> publish) {
        Map<String, RegisteredProvider> old = before == null ? Map.of() : before.providers();
        Map<String, ProviderTarget> targets = check(settings, old.keySet());
        List<Planned> plan = new ArrayList<>();
        Map<String, ProviderCircuitBreaker> breakers = new LinkedHashMap<>();
        Map<RegisteredProvider, ProviderSetup> changes = new LinkedHashMap<>();
        Map<String, ProviderSetup> setups = new LinkedHashMap<>();
        Map<String, RegisteredProvider> providers = new LinkedHashMap<>();
        Fleet fleet;
        boolean complete = false;
        try {
            for (ProviderSettings provider : settings.providers()) {
                plan.add(plan(provider, targets.get(provider.name()), old.get(provider.name())));
            }
            makeBreakers(plan, old, breakers);
            for (Planned planned : plan) {
                ProviderSetup setup = setup(planned);
                String name = setup.settings().name();
                setups.put(name, setup);
                RegisteredProvider known = planned.known();
                if (known == null) {
                    ProviderCircuitBreaker breaker = Objects.requireNonNull(breakers.get(name));
                    providers.put(name, new RegisteredProvider(setup, breaker, timeSource));
                } else {
                    providers.put(name, known);
                    changes.put(known, setup);
                }
            }
            fleet = fleet(settings, Collections.unmodifiableMap(providers), setups, before);
            complete = true;
        } finally {
            if (!complete) {
                breakers.values().forEach(ProviderCircuitBreaker::close);
                plan.stream()
                        .filter(FleetAssembly::hasNewClient)
                        .forEach(planned -> planned.client().giveUp());
            }
        }
        // Whom calls of the next fleet may ask must be ready before they come, and whom they may not must stay until
        // none begins that could need it.
        changes.forEach((provider, setup) -> {
            if (setup.withdrawn() == null) {
                whateverThrows(provider, () -> provider.reconfigure(setup));
            }
        });
        publish.accept(fleet);
        changes.forEach((provider, setup) -> {
            if (setup.withdrawn() != null) {
                whateverThrows(provider, () -> provider.reconfigure(setup));
            }
        });
        old.values().stream()
                .filter(provider -> !changes.containsKey(provider))
                .forEach(provider -> withdraw(provider, "it was removed from the configuration"));
        if (before != null) {
            logger.info(
                    "The configuration has changed: of {} providers before, {} are the same, and there are {} new ones",
                    old.size(),
                    changes.size(),
                    breakers.size());
        }
        return fleet;
    }

    private static void withdraw(RegisteredProvider provider, String reason) {
        whateverThrows(provider, () -> provider.withdraw(reason));
    }

    /** It is too late to refuse: what listens at a registry must not keep the other providers from their change. */
    private static void whateverThrows(RegisteredProvider provider, Runnable change) {
        try {
            change.run();
        } catch (RuntimeException | Error e) {
            logger.warn("The registries may not show how provider '{}' has changed", provider.name(), e);
        }
    }

    /** All mistakes that can be seen without making anything; what to call, by the provider's name, for those that name a type. */
    private Map<String, ProviderTarget> check(OrchestratorSettings settings, Set<String> old) {
        List<ProviderSettings> providers = settings.providers();
        List<Mistake> mistakes = new ArrayList<>();
        Map<String, ProviderTarget> targets = new LinkedHashMap<>();
        Set<String> names = new HashSet<>();
        for (ProviderSettings provider : providers) {
            String key = "orchestrator.providers." + provider.name();
            if (!names.add(provider.name())) {
                mistakes.add(Mistake.of(key, null, "two providers have this name; give each its own"));
            } else if (!old.contains(provider.name())
                    && breakerRegistry.find(provider.name()).isPresent()) {
                mistakes.add(Mistake.of(key, null, "the circuit breaker registry already has a breaker of this name"));
            }
            if (provider.chatProvider().isEmpty()) {
                catalog.check(provider, mistakes::add).ifPresent(target -> targets.put(provider.name(), target));
            } else if (provider.type().isPresent()) {
                mistakes.add(Mistake.of(key + ".type", null, "set together with a chatProvider; set one of the two"));
            }
        }
        if (providers.isEmpty()) {
            mistakes.add(Mistake.of("orchestrator.providers", null, "none is configured; configure at least one"));
        } else if (providers.stream().noneMatch(ProviderSettings::mayBeAsked)) {
            mistakes.add(Mistake.of(
                    "orchestrator.providers", null, "none is enabled; enable at least one, with a weight above 0"));
        }
        RouteCheck.check(settings.routes(), providers, mistakes::add);
        if (!mistakes.isEmpty()) {
            throw new ConfigurationException("The configuration was refused", mistakes);
        }
        return targets;
    }

    // ---- Providers

    private Planned plan(
            ProviderSettings settings, @Nullable ProviderTarget target, @Nullable RegisteredProvider namesake) {
        RegisteredProvider known = namesake != null && namesake.setup().isSameAs(settings, target) ? namesake : null;
        Client client;
        if (known != null && known.setup().hasClientFor(target)) {
            client = known.setup().client();
        } else if (target == null) {
            client = Client.lent(settings.chatProvider().orElseThrow());
        } else {
            client = clients.add(create(target));
        }
        return new Planned(settings, target, known, client);
    }

    private static boolean hasNewClient(Planned planned) {
        RegisteredProvider known = planned.known();
        return known == null || known.setup().client() != planned.client();
    }

    private ChatProvider create(ProviderTarget target) {
        try {
            return catalog.create(target, instantSource);
        } catch (IllegalArgumentException e) {
            throw refused(target.name(), e);
        }
    }

    /** Those whose names are free come first, because another's breaker or meter may be in their way. */
    private void makeBreakers(
            List<Planned> plan, Map<String, RegisteredProvider> old, Map<String, ProviderCircuitBreaker> breakers) {
        List<ProviderSettings> successors = new ArrayList<>();
        for (Planned planned : plan) {
            ProviderSettings settings = planned.settings();
            if (planned.known() == null && old.containsKey(settings.name())) {
                successors.add(settings);
            } else if (planned.known() == null) {
                breakers.put(settings.name(), breaker(settings));
            }
        }
        for (ProviderSettings settings : successors) {
            // Goes on to guard what is under way, but its name in the registry and the meters is the successor's.
            Objects.requireNonNull(old.get(settings.name())).breaker().close();
            breakers.put(settings.name(), breaker(settings));
        }
    }

    private ProviderCircuitBreaker breaker(ProviderSettings settings) {
        ProviderCircuitBreaker.Builder breaker = ProviderCircuitBreaker.builder(settings.name())
                .settings(settings.circuitBreaker())
                .timeSource(timeSource)
                .instantSource(instantSource)
                .registry(breakerRegistry)
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

    private static ConfigurationException refused(String provider, IllegalArgumentException reason) {
        return new ConfigurationException(
                "The configuration was refused",
                List.of(Mistake.of("orchestrator.providers." + provider, null, String.valueOf(reason.getMessage()))));
    }

    private ProviderSetup setup(Planned planned) {
        ProviderSettings settings = planned.settings();
        ProviderSetup before = planned.known() == null ? null : planned.known().setup();
        ProviderRetry retry = before != null && before.settings().retry().equals(settings.retry())
                ? before.retry()
                : new ProviderRetry(settings.name(), settings.retry(), random);
        Quota quota = before == null ? null : before.quota();
        if (settings.quota().isEmpty()) {
            quota = null;
        } else if (quota == null) {
            quota = Quota.of(settings.name(), settings.quota(), timeSource, instantSource);
        }
        return ProviderSetup.of(settings, planned.target(), answers(planned, before), planned.client(), retry, quota);
    }

    private String answers(Planned planned, @Nullable ProviderSetup before) {
        if (planned.target() != null) {
            return ProviderSetup.answers(planned.target());
        }
        if (before != null) {
            return before.answers();
        }
        // The first one's by the name alone, so that a cache that several processes share goes on to know them.
        String name = planned.settings().name();
        int instance = instances.merge(name, 1, Integer::sum);
        return instance == 1 ? name : name + "\n" + instance;
    }

    // ---- Routes

    private static Fleet fleet(
            OrchestratorSettings settings,
            Map<String, RegisteredProvider> providers,
            Map<String, ProviderSetup> setups,
            @Nullable Fleet before) {
        List<Route.Member> all = settings.providers().stream()
                .filter(ProviderSettings::mayBeAsked)
                .sorted(Comparator.comparingInt(ProviderSettings::priority))
                .map(provider -> member(provider.name(), providers, setups, provider.priority()))
                .toList();
        Map<String, Route> routes = new LinkedHashMap<>();
        Route defaultRoute = route(RouteSettings.DEFAULT_ROUTE, all, null, settings, before);
        routes.put(defaultRoute.name(), defaultRoute);
        for (RouteSettings route : settings.routes()) {
            List<Route.Member> members = new ArrayList<>();
            for (String name : route.providers()) {
                Route.Member member = member(name, providers, setups, members.size());
                if (member.settings().mayBeAsked()) {
                    members.add(member);
                }
            }
            routes.put(route.name(), route(route.name(), members, route, settings, before));
        }
        return new Fleet(settings, providers, Collections.unmodifiableMap(routes), defaultRoute);
    }

    private static Route.Member member(
            String name, Map<String, RegisteredProvider> providers, Map<String, ProviderSetup> setups, int order) {
        return new Route.Member(
                Objects.requireNonNull(providers.get(name)), Objects.requireNonNull(setups.get(name)), order);
    }

    /**
     * @param own what the route has of its own; null for the default route
     */
    private static Route route(
            String name,
            List<Route.Member> members,
            @Nullable RouteSettings own,
            OrchestratorSettings settings,
            @Nullable Fleet before) {
        Route namesake = before == null ? null : before.routes().get(name);
        return new Route(
                name,
                members,
                members.stream().map(member -> member.setup().answers()).toList(),
                own == null ? settings.strategy() : own.strategy().orElse(settings.strategy()),
                own == null ? settings.streamRescue() : own.streamRescue().orElse(settings.streamRescue()),
                own == null ? settings.deadline() : own.deadline().orElse(settings.deadline()),
                own == null ? settings.failOpen() : own.failOpen().orElse(settings.failOpen()),
                settings.failOverOnContentFilter(),
                settings.cacheEnabled(),
                namesake == null ? new AtomicInteger() : namesake.turns());
    }

    /** Nobody asks any of them any more. */
    void close(Fleet fleet) {
        fleet.providers().values().forEach(provider -> withdraw(provider, "the orchestrator is closed"));
        close();
    }

    /** Closes what was given up and nobody uses any more. Not in the middle of a change: it may take its time. By any thread. */
    void releaseGivenUp() {
        clients.releaseGivenUp();
    }

    /** Closes what talks to providers, those given up and still in use too, and what made them. */
    @Override
    public void close() {
        clients.closeAll();
        catalog.close();
    }
}
