package ai.orchestrator.breaker;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.breaker.ModelSequence.Coverage;
import ai.orchestrator.breaker.ModelSequence.Difference;
import ai.orchestrator.breaker.ModelSequence.Event;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Takes the circuit breaker and its reference model through the same random sequences and compares them after each step.
 *
 * <p>{@code -Dorchestrator.model.sequences} says how many, {@code -Dorchestrator.model.seed} where to start: the first sequence's seed is
 * the base seed itself, so the seed in a report and one sequence repeat what was reported.
 */
class CircuitBreakerModelTest {

    private static final long DEFAULT_SEED = 42;
    private static final int DEFAULT_SEQUENCES = 20_000;

    /** An odd number far from any pattern, so that the seeds of a run don't meet those of its neighbours. */
    private static final long SEED_STEP = 0x9E3779B97F4A7C15L;

    @Test
    void the_breaker_does_in_random_sequences_what_its_reference_model_does() {
        long seed = Long.getLong("orchestrator.model.seed", DEFAULT_SEED);
        int sequences = Integer.getInteger("orchestrator.model.sequences", DEFAULT_SEQUENCES);
        Coverage coverage = new Coverage();
        long steps = 0;
        long start = System.nanoTime();
        for (int i = 0; i < sequences; i++) {
            ModelSequence sequence = new ModelSequence(seed + i * SEED_STEP, ReferenceBreaker::new, coverage);
            Optional<Difference> difference = sequence.run();
            if (difference.isPresent()) {
                throw new AssertionError(
                        difference.get().report(), difference.get().cause());
            }
            steps += sequence.stepsTaken();
        }
        System.out.printf(
                Locale.ROOT,
                "model: %d sequences, %d steps, 0 differences, seed %d (%.1f s)%n",
                sequences,
                steps,
                seed,
                (System.nanoTime() - start) / 1e9);

        // Few sequences, as in a replay, need not see everything.
        if (sequences >= 2_000) {
            assertThat(Event.values())
                    .as("events seen at least once in 100 sequences")
                    .allSatisfy(event ->
                            assertThat(coverage.count(event)).as(event.name()).isGreaterThanOrEqualTo(sequences / 100));
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_model_with_one_mistake_is_told_from_the_breaker(Mistake mistake) {
        assertThat(firstDifference(mistake)).isPresent();
    }

    @Test
    void a_report_names_the_difference_the_seed_and_every_step_and_its_seed_repeats_it() {
        Found found = firstDifference(Mistake.WAITS_A_NANOSECOND_LONGER).orElseThrow();

        assertThat(found.report())
                .contains("the model says")
                .contains("-Dorchestrator.model.seed=" + found.seed() + " -Dorchestrator.model.sequences=1")
                .contains("settings: CircuitBreakerSettings(")
                .containsPattern("(?m)^  1\\. at 0\\.000000000 s: ");
        assertThat(sequenceOf(Mistake.WAITS_A_NANOSECOND_LONGER, found.seed()).run())
                .hasValueSatisfying(again -> assertThat(again.report()).isEqualTo(found.report()));
    }

    private record Found(long seed, String report) {}

    private static Optional<Found> firstDifference(Mistake mistake) {
        for (long seed = 1; seed <= 2_000; seed++) {
            Optional<Difference> difference = sequenceOf(mistake, seed).run();
            if (difference.isPresent()) {
                return Optional.of(new Found(seed, difference.get().report()));
            }
        }
        return Optional.empty();
    }

    private static ModelSequence sequenceOf(Mistake mistake, long seed) {
        return new ModelSequence(
                seed, (settings, wallClock) -> new WrongModel(mistake, settings, wallClock), new Coverage());
    }

    /** What a model may have wrong. */
    enum Mistake {
        WAITS_A_NANOSECOND_LONGER,
        WAITS_A_NANOSECOND_LESS,
        COUNTS_A_FAILURE_A_NANOSECOND_LONGER,
        NEVER_LETS_A_FAILURE_AGE_OUT,
        KEEPS_A_LEASE_A_NANOSECOND_LONGER,
        ENDS_A_LEASE_A_NANOSECOND_EARLY,
        FORGETS_SUCCESSES_WHEN_IT_ADMITS_TRIALS,
        FORGETS_TRIALS_IN_FLIGHT_WHEN_IT_ADMITS_TRIALS,
        TAKES_A_RESULT_OF_ANOTHER_STATE,
        TAKES_A_RESULT_AFTER_ITS_LEASE
    }

    private static final class WrongModel extends ReferenceBreaker {

        private final Mistake mistake;

        private WrongModel(Mistake mistake, Settings settings, Instant wallClock) {
            super(settings, wallClock);
            this.mistake = mistake;
        }

        @Override
        boolean waitIsOver(long sinceOpened) {
            return super.waitIsOver(
                    switch (mistake) {
                        case WAITS_A_NANOSECOND_LONGER -> sinceOpened - 1;
                        case WAITS_A_NANOSECOND_LESS -> sinceOpened + 1;
                        default -> sinceOpened;
                    });
        }

        @Override
        boolean stillCounts(long age) {
            return super.stillCounts(
                    switch (mistake) {
                        case COUNTS_A_FAILURE_A_NANOSECOND_LONGER -> age - 1;
                        case NEVER_LETS_A_FAILURE_AGE_OUT -> 0;
                        default -> age;
                    });
        }

        @Override
        boolean leaseIsOver(long sinceLeaseEnd) {
            return super.leaseIsOver(
                    switch (mistake) {
                        case KEEPS_A_LEASE_A_NANOSECOND_LONGER -> sinceLeaseEnd - 1;
                        case ENDS_A_LEASE_A_NANOSECOND_EARLY -> sinceLeaseEnd + 1;
                        default -> sinceLeaseEnd;
                    });
        }

        @Override
        boolean hasRoom(int successesOfTrials, int inFlight) {
            return super.hasRoom(
                    mistake == Mistake.FORGETS_SUCCESSES_WHEN_IT_ADMITS_TRIALS ? 0 : successesOfTrials,
                    mistake == Mistake.FORGETS_TRIALS_IN_FLIGHT_WHEN_IT_ADMITS_TRIALS ? 0 : inFlight);
        }

        @Override
        boolean isLate(boolean ofAnotherState, boolean leaseExpired) {
            return super.isLate(
                    ofAnotherState && mistake != Mistake.TAKES_A_RESULT_OF_ANOTHER_STATE,
                    leaseExpired && mistake != Mistake.TAKES_A_RESULT_AFTER_ITS_LEASE);
        }
    }
}
