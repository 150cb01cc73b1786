package ai.orchestrator.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.orchestrator.health.ProviderHealth;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The strategies that go by what recent attempts came to. */
@Timeout(60)
class ScoreAndLatencyTest {

    private static final int CALLS = 100_000;
    private static final Duration MILLISECOND = Duration.ofMillis(1);

    private static Duration seconds(double seconds) {
        return Duration.ofNanos(Math.round(seconds * 1e9));
    }

    private static Fleet of(StandardStrategy strategy, String... names) {
        return Fleet.of(names).eachAlone().set(builder -> builder.strategy(strategy));
    }

    // ---- The formula

    @ParameterizedTest(name = "{1} of {0} in {2} s, {3} left: {4}")
    @CsvSource({
        // attempts, successes, mean in seconds, quota left, score
        "  0,   0,      , 1,    1",
        "  0,   0,      , 0.4,  0.82",
        " 10,  10,  0   , 1,    1",
        " 10,   5,  5   , 1,    0.65",
        "  4,   3,  2.5 , 0.5,  0.675",
        "  3,   1,  1   , 0.25, 0.478333333",
        "  1,   1,  9.99, 1,    0.7003",
        " 10,  10, 10   , 0,    0.4",
        " 10,  10, 25   , 1,    0.7",
        " 10,   0,      , 1,    0.6",
        " 10,   0,      , 0,    0.3",
        "100,  99,  0.8 , 0.9,  0.942"
    })
    void the_score_is_four_tenths_success_and_three_tenths_each_of_quota_and_response_time(
            long attempts, long successes, Double mean, double quotaLeft, double score) {
        ProviderHealth health = new ProviderHealth(
                attempts, successes, Optional.ofNullable(mean).map(ScoreAndLatencyTest::seconds));
        assertThat(health.score(quotaLeft)).isCloseTo(score, within(1e-9));
    }

    // ---- Score

    @Test
    void score_asks_the_highest_first() {
        try (Fleet fleet = of(StandardStrategy.SCORE, "slow", "flaky", "dead", "good", "new")) {
            fleet.past("slow", 0, 4, seconds(6)); // 0.4 + 0.3 + 0.12
            fleet.past("flaky", 2, 2, seconds(1)); // 0.2 + 0.3 + 0.27
            fleet.past("dead", 4, 0, seconds(1)); // 0 + 0.3 + 0.3
            fleet.past("good", 0, 4, seconds(1)); // 0.4 + 0.3 + 0.27
            assertThat(fleet.order()).containsExactly("new", "good", "slow", "flaky", "dead");
            assertThat(fleet.orchestrator().status().providers())
                    .extracting(provider -> Math.round(provider.score() * 1000))
                    .containsExactly(820L, 770L, 600L, 970L, 1000L);
        }
    }

    @Test
    void a_hundred_thousand_calls_go_to_the_best_as_long_as_it_is_the_best() {
        try (Fleet fleet = of(StandardStrategy.SCORE, "a", "b")) {
            fleet.past("a", 1, 9, MILLISECOND);
            fleet.past("b", 0, 10, MILLISECOND);
            assertThat(fleet.served(CALLS)).isEqualTo(Map.of("b", CALLS));

            fleet.fails("b", Fleet.SICK);
            int left = 0;
            while (fleet.order().get(0).equals("b")) {
                fleet.askAlone("b", 1);
                left++;
            }
            assertThat(left).as("once a tenth of b's attempts have failed").isBetween(10_000, 13_000);
        }
    }

    // ---- Latency

    @Test
    void a_hundred_thousand_calls_go_to_the_quickest() {
        try (Fleet fleet = of(StandardStrategy.LATENCY, "slow", "quick", "middling")) {
            fleet.past("slow", 0, 1, Duration.ofMillis(3));
            fleet.past("quick", 0, 1, MILLISECOND);
            fleet.past("middling", 0, 1, Duration.ofMillis(2));
            assertThat(fleet.order()).containsExactly("quick", "middling", "slow");
            assertThat(fleet.served(CALLS)).isEqualTo(Map.of("quick", CALLS));
        }
    }

    @Test
    void latency_goes_by_the_mean_of_answers_and_failures_are_none() {
        try (Fleet fleet = of(StandardStrategy.LATENCY, "a", "b")) {
            fleet.past("a", 0, 1, Duration.ofMillis(10));
            fleet.past("a", 0, 1, Duration.ofMillis(30));
            fleet.past("a", 5, 0, MILLISECOND);
            fleet.past("b", 0, 1, Duration.ofMillis(19));
            assertThat(fleet.order()).containsExactly("b", "a");
            fleet.past("b", 0, 1, Duration.ofMillis(22));
            assertThat(fleet.order()).containsExactly("a", "b");
        }
    }

    @Test
    void one_that_was_asked_and_never_answered_is_not_taken_for_quick() {
        try (Fleet fleet = of(StandardStrategy.LATENCY, "mute", "slow", "new")) {
            fleet.past("mute", 3, 0, seconds(1));
            fleet.past("slow", 0, 1, seconds(20));
            assertThat(fleet.order()).containsExactly("new", "slow", "mute");
            fleet.time.advance(ProviderHealth.WINDOW.plus(seconds(30)));
            fleet.past("slow", 0, 1, seconds(20));
            assertThat(fleet.order())
                    .as("forgotten, so it is tried again")
                    .containsExactlyInAnyOrder("new", "mute", "slow")
                    .endsWith("slow");
        }
    }

    // ---- Both

    @ParameterizedTest
    @EnumSource(names = {"SCORE", "LATENCY"})
    void those_of_which_nothing_is_known_take_turns_before_those_that_took_time(StandardStrategy strategy) {
        try (Fleet fleet = of(strategy, "known", "new-1", "new-2")) {
            fleet.past("known", 0, 1, seconds(1));
            // Answers that take no time leave them as good as new.
            assertThat(fleet.served(CALLS)).isEqualTo(Map.of("new-1", CALLS / 2, "new-2", CALLS / 2));
            assertThat(fleet.order()).last().isEqualTo("known");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"SCORE", "LATENCY"})
    void a_slow_one_is_tried_anew_when_its_past_is_forgotten(StandardStrategy strategy) {
        try (Fleet fleet = of(strategy, "was-slow", "steady")) {
            fleet.past("was-slow", 0, 1, seconds(8));
            fleet.past("steady", 0, 1, seconds(2));
            fleet.slow("was-slow", seconds(1));
            Duration begun = Duration.ofNanos(fleet.time.nanoTime());
            int calls = 0;
            while (fleet.ask().provider().equals("steady")) {
                calls++;
            }
            assertThat(calls * 2L)
                    .as("seconds until it is tried, before %s", begun)
                    .isBetween(280L, 332L);
            assertThat(fleet.served(20)).as("and is quick now").isEqualTo(Map.of("was-slow", 20));
        }
    }
}
