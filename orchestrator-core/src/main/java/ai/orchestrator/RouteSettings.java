package ai.orchestrator;

import ai.orchestrator.routing.RoutingStrategy;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A named group of providers as it is configured, such as {@code fast} or {@code smart}. A call names its route with {@link
 * CallOptions#withRoute}; one that names none takes the default route, which holds all providers. Immutable and safe for use by several
 * threads.
 */
public final class RouteSettings {

    /** What the route is called that holds all providers. */
    public static final String DEFAULT_ROUTE = "default";

    private final String name;
    private final List<String> providers;
    private final @Nullable RoutingStrategy strategy;
    private final @Nullable StreamRescue streamRescue;
    private final @Nullable Duration deadline;
    private final @Nullable Boolean failOpen;

    private RouteSettings(Builder builder) {
        this.name = builder.name;
        this.providers = builder.providers;
        this.strategy = builder.strategy;
        this.streamRescue = builder.streamRescue;
        this.deadline = builder.deadline;
        this.failOpen = builder.failOpen;
    }

    /**
     * A builder without providers.
     *
     * @param name what calls name it by: 1 to 64 letters, digits, hyphens and underscores, the first a letter or digit; not {@code default}
     * @return a new builder
     * @throws IllegalArgumentException if the name has another form, or is {@code default}
     */
    public static Builder builder(String name) {
        return new Builder(name);
    }

    /**
     * What calls name it by.
     *
     * @return its name
     */
    public String name() {
        return name;
    }

    /**
     * Whose turn it is under {@link ai.orchestrator.routing.StandardStrategy#PRIORITY}, and otherwise who takes part.
     *
     * @return names of providers in their order; unmodifiable
     */
    public List<String> providers() {
        return providers;
    }

    /**
     * Who is asked first.
     *
     * @return the strategy; empty for the orchestrator's
     */
    public Optional<RoutingStrategy> strategy() {
        return Optional.ofNullable(strategy);
    }

    /**
     * What happens when a provider breaks off in a stream.
     *
     * @return the contract; empty for the orchestrator's
     */
    public Optional<StreamRescue> streamRescue() {
        return Optional.ofNullable(streamRescue);
    }

    /**
     * How long a call may take.
     *
     * @return more than zero; empty for the orchestrator's
     */
    public Optional<Duration> deadline() {
        return Optional.ofNullable(deadline);
    }

    /**
     * Whether one is asked after all when every breaker is open.
     *
     * @return as in {@link Orchestrator.Builder#failOpen}; empty for the orchestrator's
     */
    public Optional<Boolean> failOpen() {
        return Optional.ofNullable(failOpen);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof RouteSettings other
                && name.equals(other.name)
                && providers.equals(other.providers)
                && Objects.equals(strategy, other.strategy)
                && streamRescue == other.streamRescue
                && Objects.equals(deadline, other.deadline)
                && Objects.equals(failOpen, other.failOpen);
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, providers, strategy, streamRescue, deadline, failOpen);
    }

    /** Name, providers and strategy. */
    @Override
    public String toString() {
        return "RouteSettings(" + name + ", providers=" + providers + (strategy == null ? "" : ", strategy=" + strategy)
                + ")";
    }

    /** Builds settings; may be used again after {@link #build()}. For one thread at a time. */
    public static final class Builder {

        private final String name;
        private List<String> providers = List.of();
        private @Nullable RoutingStrategy strategy;
        private @Nullable StreamRescue streamRescue;
        private @Nullable Duration deadline;
        private @Nullable Boolean failOpen;

        private Builder(String name) {
            if (!ProviderSettings.NAME.matcher(name).matches()) {
                throw new IllegalArgumentException("a route's name must be 1 to 64 letters, digits, hyphens and"
                        + " underscores, the first a letter or digit, but is '" + name + "'");
            }
            if (name.equals(DEFAULT_ROUTE)) {
                throw new IllegalArgumentException("the route 'default' holds all providers and cannot be configured;"
                        + " give this one another name, or change the strategy of all");
            }
            this.name = name;
        }

        /**
         * Sets who takes part, in this order. Required.
         *
         * @param names of registered providers, each once
         * @return this builder
         * @throws IllegalArgumentException if there is none, or one twice
         */
        public Builder providers(List<String> names) {
            if (names.isEmpty()) {
                throw new IllegalArgumentException("a route needs at least one provider");
            }
            Set<String> seen = new HashSet<>();
            for (String provider : names) {
                if (!seen.add(provider)) {
                    throw new IllegalArgumentException("the provider '" + provider + "' is listed twice");
                }
            }
            this.providers = List.copyOf(names);
            return this;
        }

        /**
         * Sets who takes part, in this order.
         *
         * @param names of registered providers, each once
         * @return this builder
         * @throws IllegalArgumentException if there is none, or one twice
         */
        public Builder providers(String... names) {
            return providers(List.of(names));
        }

        /**
         * Sets who is asked first; the orchestrator's strategy by default.
         *
         * @param strategy one of {@link ai.orchestrator.routing.StandardStrategy}, or the application's own
         * @return this builder
         */
        public Builder strategy(RoutingStrategy strategy) {
            this.strategy = Objects.requireNonNull(strategy, "strategy");
            return this;
        }

        /**
         * Sets what happens when a provider breaks off after a part of its answer was streamed; the orchestrator's contract by default.
         *
         * @param streamRescue the contract of every stream of this route that has none of its own
         * @return this builder
         */
        public Builder streamRescue(StreamRescue streamRescue) {
            this.streamRescue = Objects.requireNonNull(streamRescue, "streamRescue");
            return this;
        }

        /**
         * Limits how long a call may take that has no deadline of its own; the orchestrator's by default.
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
         * Sets whether one is asked after all when every breaker is open; as the orchestrator does by default.
         *
         * @param failOpen as in {@link Orchestrator.Builder#failOpen}
         * @return this builder
         */
        public Builder failOpen(boolean failOpen) {
            this.failOpen = failOpen;
            return this;
        }

        /**
         * Builds the settings. Whether its providers exist is checked when the orchestrator is built.
         *
         * @return immutable settings
         * @throws IllegalArgumentException if no provider was set
         */
        public RouteSettings build() {
            if (providers.isEmpty()) {
                throw new IllegalArgumentException("the route '" + name + "' needs at least one provider");
            }
            return new RouteSettings(this);
        }
    }
}
