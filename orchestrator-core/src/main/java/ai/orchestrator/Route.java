package ai.orchestrator;

import ai.orchestrator.routing.RoutingStrategy;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A route as calls take it, with all that a call goes by from its beginning to its end. Immutable but for its turns; safe for use by several
 * threads.
 *
 * @param members those that may be asked, in the route's order
 * @param answers what their answers are known by in the cache
 * @param passesFilteredOn whether a policy refusal is put to another provider
 * @param cacheEnabled whether calls use the cache that do not say so themselves
 * @param turns moves on with each call that finds several providers equal
 */
record Route(
        String name,
        List<Member> members,
        List<String> answers,
        RoutingStrategy strategy,
        StreamRescue streamRescue,
        Duration deadline,
        boolean failOpen,
        boolean passesFilteredOn,
        boolean cacheEnabled,
        AtomicInteger turns) {

    /**
     * One provider's place in it.
     *
     * @param setup how it was set up when the route was made
     * @param order its place, by which the priority strategy goes
     */
    record Member(RegisteredProvider provider, ProviderSetup setup, int order) {

        /** Those by which it is put in its turn. */
        ProviderSettings settings() {
            return setup.settings();
        }
    }

    Route {
        members = List.copyOf(members);
        answers = List.copyOf(answers);
    }

    /** What the strategy calls itself; a lambda calls itself nothing that anybody could read. */
    String strategyName() {
        return strategy.getClass().isHidden() ? "custom" : String.valueOf(strategy);
    }

    /**
     * Whether all its members may still be asked, and had the same key and options all the time. Clients tell, because one that was given up
     * never comes back, while options may: an answer that was made with wrong ones meanwhile would be taken for one of the right ones.
     */
    boolean isAsBefore() {
        for (Member member : members) {
            ProviderSetup present = member.provider().setup();
            if (present.withdrawn() != null
                    || present.client() != member.setup().client()) {
                return false;
            }
        }
        return true;
    }
}
