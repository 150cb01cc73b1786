package ai.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class RetryBudgetTest {

    private static final int FLOOR = 10;

    private final HandTime time = new HandTime(Long.MAX_VALUE - 1_000);
    private final RetryBudget budget = new RetryBudget(time, Orchestrator.DEFAULT_RETRY_BUDGET);

    private int retriesUntilRefused() {
        int count = 0;
        while (budget.tryRetry() != null) {
            count++;
        }
        return count;
    }

    @Test
    void an_idle_orchestrator_may_retry_ten_times() {
        assertThat(retriesUntilRefused()).isEqualTo(FLOOR);
        assertThat(budget.allowsRetry()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 5, 9, 10, 1_000})
    void a_fifth_of_the_first_attempts_comes_on_top(int firstAttempts) {
        for (int i = 0; i < firstAttempts; i++) {
            budget.firstAttempt();
        }
        assertThat(retriesUntilRefused()).isEqualTo(FLOOR + firstAttempts / 5);
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "0.001, 1", "0.3, 300", "0.125, 125", "1, 1000"})
    void another_share_counts_for_what_has_been_counted_too(double share, int onTop) {
        for (int i = 0; i < 1_000; i++) {
            budget.firstAttempt();
        }
        budget.share(share);

        assertThat(retriesUntilRefused()).isEqualTo(FLOOR + onTop);
    }

    @Test
    void asking_whether_a_retry_is_allowed_takes_nothing() {
        for (int i = 0; i < 100; i++) {
            assertThat(budget.allowsRetry()).isTrue();
        }
        assertThat(retriesUntilRefused()).isEqualTo(FLOOR);
    }

    @Test
    void the_last_one_is_allowed_as_well() {
        for (int i = 0; i < FLOOR - 1; i++) {
            assertThat(budget.tryRetry()).isNotNull();
        }
        assertThat(budget.allowsRetry()).isTrue();
        assertThat(budget.tryRetry()).isNotNull();
        assertThat(budget.allowsRetry()).isFalse();
    }

    @Test
    void who_gives_something_back_keeps_nobody_waiting() {
        budget.failover().giveBack();
        assertThat(CompletableFuture.supplyAsync(budget::allowsRetry))
                .succeedsWithin(Duration.ofSeconds(10))
                .isEqualTo(true);
    }

    @Test
    void failovers_use_it_up_too() {
        for (int i = 0; i < 4; i++) {
            budget.failover();
        }
        assertThat(retriesUntilRefused()).isEqualTo(FLOOR - 4);
    }

    @Test
    void failovers_go_on_when_nothing_is_left_and_must_be_made_up_for() {
        for (int i = 0; i < 30; i++) {
            budget.failover();
        }
        assertThat(budget.allowsRetry()).isFalse();
        // 20 too many, and one for the retry: 21 times five first attempts.
        for (int i = 0; i < 104; i++) {
            budget.firstAttempt();
        }
        assertThat(budget.tryRetry()).isNull();
        budget.firstAttempt();
        assertThat(retriesUntilRefused()).isOne();
    }

    @Test
    void what_was_used_comes_back_after_ten_seconds_and_before_eleven() {
        time.advance(Duration.ofMillis(300));
        assertThat(retriesUntilRefused()).isEqualTo(FLOOR);

        time.advance(Duration.ofSeconds(10));
        assertThat(budget.tryRetry()).isNull();

        time.advance(Duration.ofSeconds(1));
        assertThat(retriesUntilRefused()).isEqualTo(FLOOR);
    }

    @Test
    void first_attempts_are_forgotten_after_eleven_seconds() {
        for (int i = 0; i < 500; i++) {
            budget.firstAttempt();
        }
        time.advance(Duration.ofSeconds(10));
        assertThat(budget.tryRetry()).isNotNull();
        time.advance(Duration.ofSeconds(1));
        assertThat(retriesUntilRefused()).isEqualTo(FLOOR - 1);
    }

    @Test
    void it_comes_back_bit_by_bit_as_it_was_used() {
        for (int second = 0; second < FLOOR; second++) {
            assertThat(budget.tryRetry()).isNotNull();
            time.advance(Duration.ofSeconds(1));
        }
        for (int second = FLOOR; second < 50; second++) {
            boolean oldestIsForgotten = second % 11 != 10;
            assertThat(retriesUntilRefused()).as("second %d", second).isEqualTo(oldestIsForgotten ? 1 : 0);
            time.advance(Duration.ofSeconds(1));
        }
    }

    @Test
    void it_is_whole_again_after_a_long_rest() {
        assertThat(retriesUntilRefused()).isEqualTo(FLOOR);
        time.advance(Duration.ofDays(400));
        assertThat(retriesUntilRefused()).isEqualTo(FLOOR);
    }

    @Test
    void no_ten_seconds_see_more_retries_than_it_allows() {
        List<Integer> perTenth = new ArrayList<>();
        for (int tenth = 0; tenth < 600; tenth++) {
            perTenth.add(retriesUntilRefused());
            time.advance(Duration.ofMillis(100));
        }
        for (int from = 0; from + 100 <= perTenth.size(); from++) {
            int sum = perTenth.subList(from, from + 100).stream()
                    .mapToInt(Integer::intValue)
                    .sum();
            assertThat(sum).as("from %d00 ms", from).isLessThanOrEqualTo(FLOOR);
        }
    }

    @Test
    void many_threads_get_exactly_what_there_is() throws Exception {
        int threads = 16;
        int callsEach = 500;
        AtomicInteger retries = new AtomicInteger();
        CyclicBarrier together = new CyclicBarrier(threads);
        run(threads, () -> {
            for (int i = 0; i < callsEach; i++) {
                budget.firstAttempt();
            }
            together.await();
            for (int i = 0; i < callsEach; i++) {
                if (budget.tryRetry() != null) {
                    retries.incrementAndGet();
                }
            }
            return null;
        });
        assertThat(retries).hasValue(FLOOR + threads * callsEach / 5);
    }

    @Test
    void threads_that_call_and_retry_while_time_passes_never_get_more_than_there_is() throws Exception {
        int threads = 8;
        int callsEach = 2_000;
        AtomicInteger retries = new AtomicInteger();
        run(threads, () -> {
            for (int i = 0; i < callsEach; i++) {
                budget.firstAttempt();
                if (budget.tryRetry() != null) {
                    retries.incrementAndGet();
                }
                // Less than ten seconds altogether: nothing that was used comes back.
                time.advance(Duration.ofNanos(500_000));
            }
            return null;
        });
        assertThat(retries.get()).isLessThanOrEqualTo(FLOOR + threads * callsEach / 5);
        assertThat(retries.get() + retriesUntilRefused()).isEqualTo(FLOOR + threads * callsEach / 5);
    }

    private interface Task {
        @SuppressWarnings("NullAway") // There is no result.
        Void run() throws Exception;
    }

    private static void run(int threads, Task task) throws Exception {
        ExecutorService executor = Executors.newFixedThreadPool(threads);
        try {
            List<CompletableFuture<Void>> done = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                CompletableFuture<Void> one = new CompletableFuture<>();
                done.add(one);
                executor.execute(() -> {
                    try {
                        one.complete(task.run());
                    } catch (Exception e) {
                        one.completeExceptionally(e);
                    }
                });
            }
            CompletableFuture.allOf(done.toArray(CompletableFuture[]::new)).get(30, TimeUnit.SECONDS);
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    void what_is_given_back_comes_back_where_it_was_taken() {
        Objects.requireNonNull(budget.tryRetry()).giveBack();
        assertThat(retriesUntilRefused()).isEqualTo(FLOOR);

        time.advance(Duration.ofSeconds(60));
        List<RetryBudget.Withdrawal> failovers = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            failovers.add(budget.failover());
        }
        time.advance(Duration.ofSeconds(20));
        failovers.forEach(RetryBudget.Withdrawal::giveBack);
        assertThat(retriesUntilRefused()).isEqualTo(FLOOR);
    }
}
