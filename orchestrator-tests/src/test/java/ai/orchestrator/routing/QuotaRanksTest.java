package ai.orchestrator.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.within;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.ProviderStatus;
import ai.orchestrator.quota.QuotaSettings;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a quota does to the ranks, beyond that one that is nearly used up puts its provider last. */
@Timeout(60)
class QuotaRanksTest {

    private static final QuotaSettings TEN_A_DAY =
            QuotaSettings.builder().requestsPerDay(10).build();

    private static Fleet fleet() {
        Fleet fleet = new Fleet();
        Instant midnight = Instant.parse("2026-06-01T00:00:00Z");
        return fleet.set(builder -> builder.instantSource(() -> midnight.plus(Duration.ofNanos(fleet.time.nanoTime()))))
                .with(
                        "best",
                        p -> p.priority(1)
                                .weight(1_000_000)
                                .price(new TokenPrice(0, 0))
                                .quota(TEN_A_DAY))
                .with("other-1", p -> p.priority(2).price(new TokenPrice(1, 1)))
                .with("other-2", p -> p.priority(2).price(new TokenPrice(1, 1)));
    }

    private static ProviderStatus best(Fleet fleet) {
        return fleet.orchestrator().status().providers().get(0);
    }

    @Test
    void two_that_are_both_nearly_out_keep_their_ranks_between_them() {
        try (Fleet fleet = fleet().with("second", p -> p.priority(0).quota(TEN_A_DAY))
                .eachAlone()
                .set(builder -> builder.strategy(StandardStrategy.PRIORITY))) {
            fleet.askAlone("best", 9);
            fleet.askAlone("second", 9);
            assertThat(fleet.order()).endsWith("second", "best");
        }
    }

    @Test
    void what_is_left_of_a_quota_is_three_tenths_of_the_score() {
        try (Fleet fleet = fleet().eachAlone().set(builder -> builder.strategy(StandardStrategy.SCORE))) {
            assertThat(fleet.order()).hasSize(3);
            fleet.askAlone("best", 5);
            assertThat(best(fleet).quotaLeft()).isEqualTo(0.5);
            assertThat(best(fleet).score()).isCloseTo(0.85, within(1e-9));
            assertThat(fleet.order()).last().isEqualTo("best");
            fleet.slow("other-1", Duration.ofSeconds(6));
            fleet.slow("other-2", Duration.ofSeconds(6));
            fleet.askAlone("other-1", 1);
            fleet.askAlone("other-2", 1);
            assertThat(fleet.order()).as("0.82 is less").first().isEqualTo("best");
        }
    }

    @Test
    void one_that_is_out_of_quota_is_no_last_resort() {
        try (Fleet fleet = fleet().eachAlone().set(builder -> builder.failOpen(true))) {
            fleet.askAlone("best", 10);
            fleet.shut("other-1", "other-2");
            for (int i = 0; i < 5; i++) {
                fleet.orchestrator().circuitBreaker("best").recordFailure();
            }
            assertThat(fleet.orchestrator().explain(Fleet.REQUEST).failOpen()).isEmpty();
            assertThat(catchThrowable(fleet::ask)).isInstanceOf(AllProvidersFailedException.class);
            assertThat(best(fleet).attempts().answered()).isEqualTo(10);
        }
    }
}
