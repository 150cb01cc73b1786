package ai.orchestrator.routing;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.Explanation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Those of equal rank take turns, exactly. */
@Timeout(60)
class RotationTest {

    private static final List<String> FOUR = List.of("a", "b", "c", "d");

    /** As often as all orders of four have been once. */
    private static final int ROUND = 24;

    /** Close to 100,000. */
    private static final int CALLS = 4_166 * ROUND;

    private static Fleet four() {
        return Fleet.of(FOUR.toArray(new String[0]));
    }

    @Test
    void equal_priorities_take_turns_exactly_evenly_and_lower_ones_come_first() {
        try (Fleet fleet = new Fleet()
                .with("last", p -> p.priority(2))
                .with("a", p -> p.priority(1))
                .with("b", p -> p.priority(1))
                .with("c", p -> p.priority(1))) {
            assertThat(fleet.served(CALLS)).isEqualTo(Map.of("a", CALLS / 3, "b", CALLS / 3, "c", CALLS / 3));
            assertThat(fleet.order()).last().isEqualTo("last");
        }
    }

    @Test
    void round_robin_asks_each_in_turn_whatever_its_priority() {
        try (Fleet fleet = new Fleet()
                .set(builder -> builder.strategy(StandardStrategy.ROUND_ROBIN))
                .with("a", p -> p.priority(3))
                .with("b", p -> p.priority(1))
                .with("c", p -> p.priority(2))
                .with("d", p -> p.priority(1))) {
            List<String> round =
                    IntStream.range(0, 4).mapToObj(i -> fleet.ask().provider()).toList();
            assertThat(round).containsExactlyInAnyOrderElementsOf(FOUR);
            for (int i = 4; i < CALLS; i++) {
                assertThat(fleet.ask().provider()).isEqualTo(round.get(i % 4));
            }
        }
    }

    /** Every choice of some of the four, but not of all. */
    static Stream<Arguments> some() {
        return IntStream.range(1, 15)
                .mapToObj(bits -> Arguments.of(IntStream.range(0, 4)
                        .filter(i -> (bits & 1 << i) != 0)
                        .mapToObj(FOUR::get)
                        .toList()));
    }

    private static Map<String, Integer> evenly(List<String> down, int calls) {
        Map<String, Integer> shares = new TreeMap<>();
        FOUR.stream().filter(name -> !down.contains(name)).forEach(name -> shares.put(name, calls / (4 - down.size())));
        return shares;
    }

    @ParameterizedTest
    @MethodSource("some")
    void the_load_of_those_that_are_skipped_falls_evenly_on_the_others(List<String> down) {
        try (Fleet fleet = four()) {
            fleet.shut(down.toArray(new String[0]));
            assertThat(fleet.served(CALLS)).isEqualTo(evenly(down, CALLS));
        }
    }

    @ParameterizedTest
    @MethodSource("some")
    void the_load_of_those_that_fail_falls_evenly_on_the_others(List<String> down) {
        try (Fleet fleet = four()) {
            down.forEach(name -> fleet.fails(name, Fleet.SICK));
            int calls = 400 * ROUND;
            assertThat(fleet.served(calls)).isEqualTo(evenly(down, calls));
        }
    }

    @Test
    void in_one_round_every_order_comes_once() {
        try (Fleet fleet = four()) {
            FOUR.subList(0, 3).forEach(name -> fleet.fails(name, Fleet.SICK));
            List<List<String>> orders = new ArrayList<>();
            for (int i = 0; i < ROUND; i++) {
                List<String> way = fleet.order();
                orders.add(way);
                assertThat(way)
                        .as("what was explained is what the call does")
                        .startsWith(Fleet.tried(fleet.ask()).toArray(new String[0]));
            }
            assertThat(orders).doesNotHaveDuplicates().hasSize(ROUND);
        }
    }

    @Test
    void explaining_takes_no_turn() {
        try (Fleet fleet = four()) {
            for (int i = 0; i < 100; i++) {
                Explanation way = fleet.orchestrator().explain(Fleet.REQUEST);
                assertThat(fleet.orchestrator().explain(Fleet.REQUEST)).isEqualTo(way);
                assertThat(fleet.ask().provider()).isEqualTo(way.first().orElseThrow());
            }
        }
    }

    @Test
    void eight_threads_share_one_rotation_and_it_stays_exact() throws Exception {
        int threads = 8;
        int calls = 521 * ROUND;
        ExecutorService callers = Executors.newFixedThreadPool(threads);
        try (Fleet fleet = four()) {
            fleet.shut("b");
            fleet.orchestrator();
            List<Future<Map<String, Integer>>> running = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                running.add(callers.submit(() -> fleet.served(calls)));
            }
            Map<String, Integer> served = new TreeMap<>();
            for (Future<Map<String, Integer>> caller : running) {
                caller.get().forEach((name, count) -> served.merge(name, count, Integer::sum));
            }
            assertThat(served).isEqualTo(evenly(List.of("b"), threads * calls));
        } finally {
            callers.shutdownNow();
        }
    }
}
