package ai.orchestrator.routing;

import ai.orchestrator.health.ProviderHealth;
import java.util.Optional;
import java.util.OptionalLong;

/** A provider at the moment when a call is routed. For the call's thread. */
public interface ProviderSnapshot {

    /**
     * What the provider is called.
     *
     * @return its configured name
     */
    String name();

    /**
     * Its place in the route: in the default route its priority, in a named one its position in the list.
     *
     * @return zero or more, lower first
     */
    int order();

    /**
     * Its share under {@link StandardStrategy#WEIGHTED}.
     *
     * @return more than zero; a provider of weight zero is in no route
     */
    int weight();

    /**
     * What its tokens cost.
     *
     * @return the price; empty if none is configured
     */
    Optional<TokenPrice> price();

    /**
     * How much its model can read and write in one call.
     *
     * @return tokens, more than zero; empty if it is not known
     */
    OptionalLong contextWindow();

    /**
     * How it has served lately.
     *
     * @return what its recent attempts came to
     */
    ProviderHealth health();

    /**
     * How much of its quota is left, of several the scarcest.
     *
     * @return from zero to one; one if it has no quota
     */
    double quotaLeft();
}
