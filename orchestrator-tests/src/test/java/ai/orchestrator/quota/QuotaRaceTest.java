package ai.orchestrator.quota;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.quota.Quota.Reservation;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** G4: a quota for 10 calls and 50 calls at once. */
@Timeout(60)
class QuotaRaceTest {

    private static final int CALLERS = 50;
    private static final int ROUNDS = 200;

    private final Clocks clocks = new Clocks("2026-11-24T12:00:00Z");
    private final ExecutorService callers = Executors.newFixedThreadPool(CALLERS);

    @AfterEach
    void stop() {
        callers.shutdownNow();
    }

    private interface Caller {
        void call(int number) throws Exception;
    }

    private void atOnce(Caller caller) throws Exception {
        CyclicBarrier barrier = new CyclicBarrier(CALLERS);
        List<Future<?>> results = new ArrayList<>();
        for (int i = 0; i < CALLERS; i++) {
            int number = i;
            results.add(callers.submit(() -> {
                barrier.await(10, TimeUnit.SECONDS);
                caller.call(number);
                return null;
            }));
        }
        for (Future<?> result : results) {
            result.get(10, TimeUnit.SECONDS);
        }
    }

    private static List<Long> used(Quota quota) {
        return quota.status().stream().map(QuotaStatus::used).toList();
    }

    @Test
    void of_fifty_calls_at_once_exactly_ten_are_let_in() throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            Quota quota = clocks.quota(QuotaSettings.builder()
                    .requestsPerMinute(round % 2 == 0 ? 10 : 40)
                    .requestsPerDay(round % 2 == 0 ? 40 : 10)
                    .tokensPerMinute(1_000)
                    .build());
            Queue<Reservation> reservations = new ConcurrentLinkedQueue<>();
            atOnce(number -> {
                if (quota.reserve(5) instanceof Reservation reservation) {
                    reservations.add(reservation);
                }
            });
            assertThat(reservations).hasSize(10);
            assertThat(used(quota)).containsExactly(10L, 10L, 50L);
        }
    }

    @Test
    void of_fifty_calls_at_once_as_many_are_let_in_as_their_tokens_fit() throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            Quota quota = clocks.quota(QuotaSettings.builder()
                    .requestsPerDay(100)
                    .tokensPerMinute(109)
                    .build());
            Queue<Reservation> reservations = new ConcurrentLinkedQueue<>();
            atOnce(number -> {
                if (quota.reserve(10) instanceof Reservation reservation) {
                    reservations.add(reservation);
                }
            });
            assertThat(reservations).hasSize(10);
            assertThat(used(quota)).containsExactly(10L, 100L);
        }
    }

    @Test
    void a_share_that_is_given_back_is_anothers_and_none_is_lost() throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            Quota quota = clocks.quota(QuotaSettings.builder()
                    .requestsPerMinute(10)
                    .requestsPerDay(10_000)
                    .tokensPerDay(1_000_000)
                    .build());
            Queue<Reservation> kept = new ConcurrentLinkedQueue<>();
            atOnce(number -> {
                for (int i = 0; i < 20; i++) {
                    if (quota.reserve(7) instanceof Reservation reservation) {
                        if (number % 2 == 0) {
                            reservation.refund();
                        } else {
                            reservation.settle(3);
                            kept.add(reservation);
                        }
                    }
                }
            });
            while (quota.reserve(3) instanceof Reservation reservation) {
                kept.add(reservation);
            }
            assertThat(kept).hasSize(10);
            assertThat(used(quota)).containsExactly(10L, 10L, 30L);
        }
    }

    @Test
    void of_many_completions_at_once_one_counts() throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            Quota quota = clocks.quota(QuotaSettings.builder()
                    .requestsPerMinute(10)
                    .tokensPerMinute(1_000)
                    .build());
            Reservation reservation = (Reservation) quota.reserve(100);
            atOnce(number -> {
                switch (number % 3) {
                    case 0 -> reservation.refund();
                    case 1 -> reservation.settle();
                    default -> reservation.settle(300);
                }
            });
            assertThat(used(quota)).isIn(List.of(0L, 0L), List.of(1L, 100L), List.of(1L, 300L));
        }
    }

    @Test
    void who_looks_while_others_change_it_sees_something_that_was_true() throws Exception {
        Quota quota = clocks.quota(QuotaSettings.builder()
                .requestsPerMinute(1_000_000)
                .requestsPerDay(10)
                .build());
        atOnce(number -> {
            for (int i = 0; i < 2_000; i++) {
                if (number < 5) {
                    if (quota.reserve(1) instanceof Reservation reservation) {
                        reservation.refund();
                    }
                } else {
                    // Never more than five at once.
                    assertThat(quota.left()).isBetween(0.5, 1.0);
                    assertThat(quota.isNearlyUsedUp()).isFalse();
                    assertThat(quota.refusal(1)).isEmpty();
                }
            }
        });
        assertThat(quota.left()).isEqualTo(1);
    }
}
