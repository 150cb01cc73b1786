package ai.orchestrator.routing;

import ai.orchestrator.health.ProviderHealth;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;

/**
 * The strategies that the configuration knows, there in lower case with hyphens. Under each, providers of equal rank take turns.
 *
 * <p>A provider of which nothing is known yet, or for longer than {@link ProviderHealth#WINDOW}, counts as good and fast, so that it is
 * tried.
 */
public enum StandardStrategy implements RoutingStrategy {

    /** In the order of the route: lowest priority number first in the default route, as listed in a named one. */
    PRIORITY {
        @Override
        public double rank(ProviderSnapshot provider, RoutingContext call) {
            return provider.order();
        }
    },

    /** By chance, in proportion to the weights; where that one fails, by chance in the same way among the others. */
    WEIGHTED {
        @Override
        public double rank(ProviderSnapshot provider, RoutingContext call) {
            // The first arrival of processes with these rates: each is first with the probability of its share
            // (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006).
            // One minus, because zero has no logarithm.
            return -Math.log(1 - call.random()) / provider.weight();
        }
    },

    /** Each in turn. */
    ROUND_ROBIN {
        @Override
        public double rank(ProviderSnapshot provider, RoutingContext call) {
            return 0;
        }
    },

    /** Highest {@linkplain ProviderHealth#score score} first: success rate, quota left and response time. */
    SCORE {
        @Override
        public double rank(ProviderSnapshot provider, RoutingContext call) {
            return -provider.health().score(provider.quotaLeft());
        }
    },

    /** Quickest first, by the mean of its recent answers; those that have been asked and have answered nobody last. */
    LATENCY {
        @Override
        public double rank(ProviderSnapshot provider, RoutingContext call) {
            ProviderHealth health = provider.health();
            Optional<Duration> mean = health.meanLatency();
            if (mean.isPresent()) {
                return mean.get().toNanos();
            }
            return health.attempts() == 0 ? 0 : Double.POSITIVE_INFINITY;
        }
    },

    /** Cheapest first, by the prices and the length of this request; those without a price last. */
    COST {
        @Override
        public double rank(ProviderSnapshot provider, RoutingContext call) {
            Optional<TokenPrice> price = provider.price();
            return price.isPresent()
                    ? price.get().cost(call.inputTokens(), call.outputTokens())
                    : Double.POSITIVE_INFINITY;
        }
    };

    /**
     * What the configuration calls it.
     *
     * @return such as {@code round-robin}
     */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
