package ai.orchestrator.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.simulation.RandomRun.Seen;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/**
 * Takes orchestrators of any topology and settings through any sequence of outcomes, and holds what calls and providers saw against models
 * of their own, which know only the documentation.
 *
 * <p>{@code -Dorchestrator.g9.runs} says how many, {@code -Dorchestrator.g9.seed} repeats a single one and tells its story.
 */
class AnyOutcomesTest {

    private static final int DEFAULT_RUNS = 2_000;
    private static final long FIRST_SEED = 9;

    /** An odd number far from any pattern, so that the seeds of a run don't meet those of its neighbours. */
    private static final long SEED_STEP = 0x9E3779B97F4A7C15L;

    @Test
    void G9_no_call_is_refused_while_a_provider_can_serve_and_all_budgets_hold_whatever_the_outcomes() {
        Long single = Long.getLong("orchestrator.g9.seed");
        if (single != null) {
            RandomRun run = new RandomRun(single, true, RandomRun.nothingSeen());
            Optional<String> difference = run.run();
            System.out.println(run.story());
            assertThat(difference).isEmpty();
            return;
        }
        int runs = Integer.getInteger("orchestrator.g9.runs", DEFAULT_RUNS);
        Map<Seen, Integer> seen = RandomRun.nothingSeen();
        long start = System.nanoTime();
        for (int i = 0; i < runs; i++) {
            long seed = FIRST_SEED + i * SEED_STEP;
            Optional<String> difference = new RandomRun(seed, false, seen).run();
            if (difference.isPresent()) {
                throw new AssertionError(report(seed, difference.get()));
            }
        }
        System.out.printf(
                Locale.ROOT,
                "G9: %d runs, 0 differences (%.1f s): %s%n",
                runs,
                (System.nanoTime() - start) / 1e9,
                seen);

        // Few runs need not see everything.
        if (runs >= DEFAULT_RUNS) {
            assertThat(Seen.values())
                    .as("what was seen at least once in 100 runs")
                    .allSatisfy(what -> assertThat(seen.getOrDefault(what, 0))
                            .as(what.name())
                            .isGreaterThanOrEqualTo(runs / 100));
        }
    }

    @Test
    void a_run_takes_the_same_course_every_time() {
        assertThat(story(26)).isEqualTo(story(26)).isNotEqualTo(story(27));
    }

    private static String report(long seed, String difference) {
        return difference + "\nto repeat it: mvn test -Dquick -pl orchestrator-tests -am -Dtest=AnyOutcomesTest"
                + " -Dsurefire.failIfNoSpecifiedTests=false -Dorchestrator.g9.seed=" + seed + "\n" + story(seed);
    }

    private static String story(long seed) {
        RandomRun run = new RandomRun(seed, true, RandomRun.nothingSeen());
        var unused = run.run();
        return run.story();
    }
}
