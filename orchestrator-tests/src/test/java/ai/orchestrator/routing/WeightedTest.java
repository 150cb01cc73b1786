package ai.orchestrator.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import ai.orchestrator.Explanation;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.Trail;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Chance in proportion to the weights, and never one without a weight. */
@Timeout(60)
class WeightedTest {

    private static final int CALLS = 100_000;

    private static final Map<String, Integer> WEIGHTS = Map.of("a", 1, "b", 2, "c", 3, "d", 4);

    /** What chi-square exceeds once in a thousand fair experiments, by degrees of freedom. */
    private static final Map<Integer, Double> ONCE_IN_A_THOUSAND = Map.of(2, 13.82, 3, 16.27, 23, 49.73);

    private static Fleet weighted() {
        Fleet fleet = new Fleet().set(builder -> builder.strategy(StandardStrategy.WEIGHTED));
        WEIGHTS.forEach((name, weight) -> fleet.with(name, p -> p.weight(weight)));
        return fleet;
    }

    private static double weight(String name) {
        return WEIGHTS.getOrDefault(name, 0);
    }

    private static <T> void assertInProportion(Map<T, Integer> counts, ToDoubleFunction<T> share) {
        int all = counts.values().stream().mapToInt(Integer::intValue).sum();
        double chiSquare = counts.entrySet().stream()
                .mapToDouble(entry -> {
                    double expected = all * share.applyAsDouble(entry.getKey());
                    return Math.pow(entry.getValue() - expected, 2) / expected;
                })
                .sum();
        assertThat(chiSquare)
                .as("chi-square of %s", counts)
                .isLessThan(ONCE_IN_A_THOUSAND.getOrDefault(counts.size() - 1, 0.0));
    }

    @Test
    void a_provider_is_asked_first_as_often_as_its_weight_says() {
        try (Fleet fleet = weighted()) {
            Map<String, Integer> served = fleet.served(CALLS);
            assertInProportion(served, name -> weight(name) / 10);
            assertThat(served.get("d")).isCloseTo(40_000, withinPercentage(2));
        }
    }

    @Test
    void the_fallbacks_of_one_that_fails_are_chosen_by_their_weights_too() {
        try (Fleet fleet = weighted()) {
            fleet.fails("d", Fleet.SICK);
            Map<String, Integer> after = new HashMap<>();
            Map<String, Integer> all = new HashMap<>();
            for (int i = 0; i < CALLS; i++) {
                ChatResponse answer = fleet.ask();
                all.merge(answer.provider(), 1, Integer::sum);
                if (answer.trail().steps().get(0) instanceof Trail.Failed) {
                    after.merge(answer.provider(), 1, Integer::sum);
                }
            }
            assertInProportion(after, name -> weight(name) / 6);
            assertInProportion(all, name -> weight(name) / 6);
        }
    }

    @Test
    void those_that_are_skipped_leave_their_share_to_the_others_by_their_weights() {
        try (Fleet fleet = weighted()) {
            fleet.shut("c");
            assertInProportion(fleet.served(CALLS), name -> weight(name) / 7);
        }
    }

    @Test
    void the_whole_order_is_drawn_like_balls_from_an_urn() {
        try (Fleet fleet = weighted()) {
            Map<List<String>, Integer> orders = new HashMap<>();
            for (int i = 0; i < CALLS; i++) {
                orders.merge(fleet.order(), 1, Integer::sum);
            }
            assertThat(orders).hasSize(24);
            assertInProportion(orders, order -> {
                double probability = 1;
                double left = 10;
                for (String name : order) {
                    probability *= weight(name) / left;
                    left -= weight(name);
                }
                return probability;
            });
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.5, 0x1.fffffffffffffp-1})
    void the_smallest_and_the_greatest_chance_route_too(double chance) {
        try (Fleet fleet = weighted().set(builder -> builder.random(() -> chance))) {
            assertThat(fleet.order()).containsExactlyInAnyOrderElementsOf(WEIGHTS.keySet());
            if (chance > 0) {
                assertThat(fleet.order()).containsExactly("d", "c", "b", "a");
            }
        }
    }

    // ---- Weight zero

    @ParameterizedTest
    @EnumSource
    void G6_weight_zero_is_never_chosen_by_any_strategy_nor_as_the_last_resort(StandardStrategy strategy) {
        try (Fleet fleet = new Fleet()
                .set(builder -> builder.strategy(strategy)
                        .failOpen(true)
                        .route("named", route -> route.providers("never", "a", "b")))
                .with("never", p -> p.weight(0).priority(0).price(new TokenPrice(0, 0)))
                .with("a", p -> p.priority(1))
                .with("b", p -> p.priority(1))) {
            Orchestrator orchestrator = fleet.orchestrator();
            fleet.fails("a", Fleet.SICK);
            for (int i = 0; i < 1_000; i++) {
                assertThat(fleet.ask().provider()).isEqualTo("b");
            }
            fleet.fails("b", Fleet.SICK);
            for (int i = 0; i < 1_000; i++) {
                assertThat(orchestrator.explain(Fleet.REQUEST).candidates())
                        .extracting(Explanation.Candidate::provider)
                        .containsExactlyInAnyOrder("a", "b");
                assertNobodyButAAndB(fleet);
            }
            fleet.shut("a", "b");
            assertNobodyButAAndB(fleet);
            assertThat(orchestrator.status().routes())
                    .extracting(route -> route.providers())
                    .containsExactly(List.of("a", "b"), List.of("a", "b"));
            assertThat(orchestrator.status().providers().get(0)).satisfies(never -> {
                assertThat(never.name()).isEqualTo("never");
                assertThat(never.weight()).isZero();
                assertThat(never.attempts().answered()).isZero();
            });
        }
    }

    private static void assertNobodyButAAndB(Fleet fleet) {
        List<String> tried = new ArrayList<>();
        try {
            fleet.ask();
        } catch (OrchestratorException e) {
            e.trail().steps().forEach(step -> tried.add(step.provider()));
        }
        assertThat(tried).containsExactlyInAnyOrder("a", "b");
    }
}
