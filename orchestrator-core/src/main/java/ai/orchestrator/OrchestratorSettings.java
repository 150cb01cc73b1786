package ai.orchestrator;

import ai.orchestrator.routing.RoutingStrategy;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/**
 * What an orchestrator is told in values alone: its providers, its routes, and what holds for all calls. It is everything that a properties
 * file can say, and everything that can change while the orchestrator runs. What a program alone can give, such as a meter registry or an
 * executor, is not part of it. Immutable and safe for use by several threads; made by {@link Orchestrator.Builder#settings()}.
 */
public final class OrchestratorSettings {

    private final List<ProviderSettings> providers;
    private final List<RouteSettings> routes;
    private final RoutingStrategy strategy;
    private final boolean failOpen;
    private final Duration deadline;
    private final Duration drainTimeout;
    private final StreamRescue streamRescue;
    private final boolean failOverOnContentFilter;
    private final double retryBudget;
    private final boolean healthChecks;
    private final Duration healthCheckInterval;
    private final Duration healthCheckTimeout;
    private final boolean cacheEnabled;
    private final Duration cacheTtl;
    private final long cacheMaxSize;

    OrchestratorSettings(Orchestrator.Builder builder) {
        this.providers = List.copyOf(builder.providers);
        this.routes = List.copyOf(builder.routes);
        this.strategy = builder.strategy;
        this.failOpen = builder.failOpen;
        this.deadline = builder.deadline;
        this.drainTimeout = builder.drainTimeout;
        this.streamRescue = builder.streamRescue;
        this.failOverOnContentFilter = builder.failOverOnContentFilter;
        this.retryBudget = builder.retryBudget;
        this.healthChecks = builder.healthChecks;
        this.healthCheckInterval = builder.healthCheckInterval;
        this.healthCheckTimeout = builder.healthCheckTimeout;
        this.cacheEnabled = builder.cacheEnabled;
        this.cacheTtl = builder.cacheTtl;
        this.cacheMaxSize = builder.cacheMaxSize;
    }

    /**
     * A builder that starts from these settings.
     *
     * @return a new builder; it has the defaults of everything that is no part of the settings
     */
    public Orchestrator.Builder toBuilder() {
        Orchestrator.Builder builder = Orchestrator.builder()
                .strategy(strategy)
                .failOpen(failOpen)
                .deadline(deadline)
                .drainTimeout(drainTimeout)
                .streamRescue(streamRescue)
                .failOverOnContentFilter(failOverOnContentFilter)
                .retryBudget(retryBudget)
                .healthChecks(healthChecks)
                .healthCheckInterval(healthCheckInterval)
                .healthCheckTimeout(healthCheckTimeout)
                .cacheEnabled(cacheEnabled)
                .cacheTtl(cacheTtl)
                .cacheMaxSize(cacheMaxSize);
        providers.forEach(builder::provider);
        routes.forEach(builder::route);
        return builder;
    }

    /**
     * The providers, those that are disabled too.
     *
     * @return in the order in which they were registered; unmodifiable
     */
    public List<ProviderSettings> providers() {
        return providers;
    }

    /**
     * The routes besides the default one.
     *
     * @return in the order in which they were added; unmodifiable
     */
    public List<RouteSettings> routes() {
        return routes;
    }

    /**
     * Who is asked first.
     *
     * @return as {@link Orchestrator.Builder#strategy} says
     */
    public RoutingStrategy strategy() {
        return strategy;
    }

    /**
     * Whether one is asked after all when every breaker is open.
     *
     * @return as {@link Orchestrator.Builder#failOpen} says
     */
    public boolean failOpen() {
        return failOpen;
    }

    /**
     * How long a call may take, all attempts together.
     *
     * @return more than zero
     */
    public Duration deadline() {
        return deadline;
    }

    /**
     * How long {@link Orchestrator#close()} waits for calls in flight.
     *
     * @return zero or more
     */
    public Duration drainTimeout() {
        return drainTimeout;
    }

    /**
     * What happens when a provider breaks off in a stream.
     *
     * @return the contract of every stream that has none of its own
     */
    public StreamRescue streamRescue() {
        return streamRescue;
    }

    /**
     * Whether a request that a provider's policy refuses is put to the next one.
     *
     * @return as {@link Orchestrator.Builder#failOverOnContentFilter} says
     */
    public boolean failOverOnContentFilter() {
        return failOverOnContentFilter;
    }

    /**
     * How many retries there may be for each first attempt, all calls together.
     *
     * @return from zero to one
     */
    public double retryBudget() {
        return retryBudget;
    }

    /**
     * Whether each provider is asked something free now and then.
     *
     * @return as {@link Orchestrator.Builder#healthChecks} says
     */
    public boolean healthChecks() {
        return healthChecks;
    }

    /**
     * How long a provider is left alone between two checks.
     *
     * @return 1 second to 365 days
     */
    public Duration healthCheckInterval() {
        return healthCheckInterval;
    }

    /**
     * How long a check may take.
     *
     * @return 1 millisecond to 365 days
     */
    public Duration healthCheckTimeout() {
        return healthCheckTimeout;
    }

    /**
     * Whether calls use the cache that do not say so themselves.
     *
     * @return as {@link Orchestrator.Builder#cacheEnabled} says
     */
    public boolean cacheEnabled() {
        return cacheEnabled;
    }

    /**
     * How long the cache in memory keeps an answer.
     *
     * @return more than zero
     */
    public Duration cacheTtl() {
        return cacheTtl;
    }

    /**
     * About how much memory the answers may take that are kept.
     *
     * @return bytes, more than zero
     */
    public long cacheMaxSize() {
        return cacheMaxSize;
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof OrchestratorSettings other
                && providers.equals(other.providers)
                && routes.equals(other.routes)
                && strategy.equals(other.strategy)
                && failOpen == other.failOpen
                && deadline.equals(other.deadline)
                && drainTimeout.equals(other.drainTimeout)
                && streamRescue == other.streamRescue
                && failOverOnContentFilter == other.failOverOnContentFilter
                && Double.compare(retryBudget, other.retryBudget) == 0
                && healthChecks == other.healthChecks
                && healthCheckInterval.equals(other.healthCheckInterval)
                && healthCheckTimeout.equals(other.healthCheckTimeout)
                && cacheEnabled == other.cacheEnabled
                && cacheTtl.equals(other.cacheTtl)
                && cacheMaxSize == other.cacheMaxSize;
    }

    @Override
    public int hashCode() {
        return Objects.hash(providers, routes, strategy, deadline);
    }

    /** Providers and routes, without keys. */
    @Override
    public String toString() {
        return "OrchestratorSettings(providers=" + providers + (routes.isEmpty() ? "" : ", routes=" + routes)
                + ", strategy=" + strategy + ", deadline=" + deadline + ")";
    }
}
