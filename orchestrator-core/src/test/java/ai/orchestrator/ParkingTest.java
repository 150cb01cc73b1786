package ai.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.Parking.Entry;
import ai.orchestrator.Parking.FirstCall;
import ai.orchestrator.Parking.Free;
import ai.orchestrator.Parking.Refusal;
import ai.orchestrator.provider.FailureKind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ParkingTest {

    private static final Duration LEASE = Duration.ofSeconds(30);

    private final HandTime time = new HandTime(Long.MAX_VALUE - 1_000);
    private final Parking parking = new Parking(time);

    private boolean park(Duration duration) {
        return parking.park(duration.toNanos(), FailureKind.RATE_LIMITED);
    }

    private Entry enter() {
        return parking.enter(LEASE.toNanos());
    }

    private FirstCall enterFirst() {
        Entry entry = enter();
        assertThat(entry).isInstanceOf(FirstCall.class);
        return (FirstCall) entry;
    }

    private static Refusal parkedFor(FailureKind kind, Duration left) {
        return new Refusal(kind, Optional.of(left), left.toNanos(), null);
    }

    @Test
    void everybody_may_come_while_it_is_not_parked() {
        assertThat(enter()).isEqualTo(Free.FREE);
        assertThat(enter()).isEqualTo(Free.FREE);
        assertThat(parking.refusal()).isEmpty();
        assertThat(parking.rateLimitsBefore()).isZero();
    }

    @Test
    void nobody_may_come_while_it_is_parked() {
        assertThat(park(Duration.ofSeconds(5))).isTrue();
        time.advance(Duration.ofSeconds(5).minusNanos(1));

        Refusal refusal = parkedFor(FailureKind.RATE_LIMITED, Duration.ofNanos(1));
        assertThat(enter()).isEqualTo(refusal);
        assertThat(parking.refusal()).contains(refusal);
    }

    @Test
    void one_call_goes_first_at_exactly_the_end_of_the_park() {
        park(Duration.ofSeconds(5));
        time.advance(Duration.ofSeconds(5));

        assertThat(parking.refusal()).isEmpty();
        enterFirst();
        assertThat(enter()).isInstanceOfSatisfying(Refusal.class, refusal -> {
            assertThat(refusal.left()).isEmpty();
            assertThat(refusal.againInNanos()).isEqualTo(LEASE.toNanos());
            assertThat(refusal.sooner()).isNotDone();
            assertThat(parking.refusal()).contains(refusal);
        });
    }

    @Test
    void looking_does_not_take_the_first_place() {
        park(Duration.ofSeconds(5));
        time.advance(Duration.ofSeconds(5));
        assertThat(parking.refusal()).isEmpty();
        assertThat(parking.refusal()).isEmpty();
        enterFirst();
    }

    @Test
    void everybody_may_come_when_the_first_call_has_reported() {
        park(Duration.ofSeconds(5));
        time.advance(Duration.ofSeconds(5));
        enterFirst().reported();
        assertThat(enter()).isEqualTo(Free.FREE);
        assertThat(enter()).isEqualTo(Free.FREE);
        assertThat(parking.rateLimitsBefore()).isZero();
    }

    @Test
    void another_call_goes_first_when_the_first_was_given_back() {
        park(Duration.ofSeconds(5));
        time.advance(Duration.ofSeconds(5));
        enterFirst().release();
        assertThat(CompletableFuture.supplyAsync(this::enter))
                .as("on a thread of its own")
                .succeedsWithin(Duration.ofSeconds(10))
                .isInstanceOf(FirstCall.class);
        assertThat(enter()).isInstanceOf(Refusal.class);
    }

    @Test
    void who_waits_for_the_first_call_hears_when_it_has_reported_or_was_given_back() {
        park(Duration.ofSeconds(5));
        time.advance(Duration.ofSeconds(5));
        FirstCall given = enterFirst();
        CompletableFuture<Void> waiting = ((Refusal) enter()).sooner();
        given.release();
        assertThat(waiting).isDone();
        FirstCall first = enterFirst();
        CompletableFuture<Void> again = ((Refusal) enter()).sooner();
        assertThat(again).isNotDone();
        first.reported();
        assertThat(again).isDone();
    }

    @Test
    void who_waits_for_the_first_call_hears_when_another_one_has_parked_the_provider_anew() {
        park(Duration.ofSeconds(5));
        time.advance(Duration.ofSeconds(5));
        enterFirst();
        CompletableFuture<Void> sooner = ((Refusal) enter()).sooner();
        assertThat(sooner).isNotDone();

        park(Duration.ofSeconds(1));

        assertThat(sooner).isDone();
        time.advance(Duration.ofSeconds(1));
        enterFirst();
    }

    @Test
    void another_call_goes_first_when_the_lease_has_ended() {
        park(Duration.ofSeconds(5));
        time.advance(Duration.ofSeconds(5));
        enterFirst();
        time.advance(LEASE.minusNanos(1));
        assertThat(enter()).isInstanceOf(Refusal.class);
        time.advance(Duration.ofNanos(1));
        assertThat(parking.refusal()).isEmpty();
        enterFirst();
        assertThat(enter()).isInstanceOf(Refusal.class);
    }

    @Test
    void the_late_result_of_a_call_whose_lease_has_ended_changes_nothing() {
        park(Duration.ofSeconds(5));
        time.advance(Duration.ofSeconds(5));
        FirstCall late = enterFirst();
        time.advance(LEASE);
        FirstCall second = enterFirst();

        late.reported();
        assertThat(enter()).isInstanceOf(Refusal.class);
        late.release();
        assertThat(enter()).isInstanceOf(Refusal.class);

        second.reported();
        assertThat(enter()).isEqualTo(Free.FREE);
    }

    @Test
    void it_changes_nothing_either_where_no_other_call_has_come_since() {
        park(Duration.ofSeconds(5));
        time.advance(Duration.ofSeconds(5));
        FirstCall late = enterFirst();
        time.advance(LEASE);

        late.reported();

        enterFirst();
        assertThat(enter()).isInstanceOf(Refusal.class);
    }

    @Test
    void a_first_call_that_is_parked_again_does_not_open_the_way() {
        park(Duration.ofSeconds(5));
        time.advance(Duration.ofSeconds(5));
        FirstCall first = enterFirst();
        assertThat(park(Duration.ofSeconds(9))).isTrue();
        first.reported();
        assertThat(enter()).isEqualTo(parkedFor(FailureKind.RATE_LIMITED, Duration.ofSeconds(9)));
        first.release();
        assertThat(enter()).isInstanceOf(Refusal.class);
    }

    @Test
    void the_result_of_a_first_call_that_is_reported_twice_counts_once() {
        park(Duration.ofSeconds(5));
        time.advance(Duration.ofSeconds(5));
        FirstCall first = enterFirst();
        first.reported();
        park(Duration.ofSeconds(5));
        first.reported();
        assertThat(enter()).isInstanceOf(Refusal.class);
    }

    @Test
    void the_longer_park_stays() {
        assertThat(park(Duration.ofSeconds(60))).isTrue();
        assertThat(park(Duration.ofSeconds(5))).as("news").isFalse();
        assertThat(enter()).isEqualTo(parkedFor(FailureKind.RATE_LIMITED, Duration.ofSeconds(60)));
    }

    @Test
    void a_longer_park_takes_the_place_of_a_shorter_one_with_its_reason() {
        park(Duration.ofSeconds(5));
        assertThat(parking.park(Duration.ofMinutes(10).toNanos(), FailureKind.CREDENTIAL))
                .as("news")
                .isFalse();
        assertThat(enter()).isEqualTo(parkedFor(FailureKind.CREDENTIAL, Duration.ofMinutes(10)));
    }

    @Test
    void refusals_say_why_and_until_when() {
        assertThat(parkedFor(FailureKind.OVERLOADED, Duration.ofSeconds(12)).reason())
                .isEqualTo("parked for 12 s after OVERLOADED");
        assertThat(new Refusal(FailureKind.OVERLOADED, Optional.empty(), 1, new CompletableFuture<>()).reason())
                .isEqualTo("was parked after OVERLOADED, and another call tries it first");
    }

    // ---- Rate limits without a hint

    /** What table T says of a rate limit without a hint, after those that this provider has had. */
    private Duration parkAfterRateLimit() {
        Decision decision = Decision.after(new Decision.Situation(
                FailureKind.RATE_LIMITED,
                false,
                false,
                1,
                true,
                0,
                Decision.NONE,
                parking.rateLimitsBefore(),
                Long.MAX_VALUE,
                true,
                false,
                RetrySettings.defaults()));
        parking.park(decision.parkNanos(), FailureKind.RATE_LIMITED);
        return Duration.ofNanos(decision.parkNanos());
    }

    @Test
    void rate_limits_in_a_row_double_the_park_to_thirty_seconds() {
        List<Long> seconds = new ArrayList<>();
        seconds.add(parkAfterRateLimit().toSeconds());
        for (int i = 0; i < 6; i++) {
            time.advance(Duration.ofSeconds(30));
            FirstCall first = enterFirst();
            seconds.add(parkAfterRateLimit().toSeconds());
            first.reported();
        }
        assertThat(seconds).containsExactly(1L, 2L, 4L, 8L, 16L, 30L, 30L);
    }

    @Test
    void rate_limits_of_calls_at_the_same_time_count_once() {
        assertThat(parkAfterRateLimit()).isEqualTo(Duration.ofSeconds(1));
        assertThat(parkAfterRateLimit()).isEqualTo(Duration.ofSeconds(1));
        assertThat(parkAfterRateLimit()).isEqualTo(Duration.ofSeconds(1));
        time.advance(Duration.ofSeconds(1));
        assertThat(parkAfterRateLimit()).isEqualTo(Duration.ofSeconds(2));
    }

    @Test
    void an_answer_starts_the_doubling_anew() {
        parkAfterRateLimit();
        time.advance(Duration.ofSeconds(1));
        assertThat(parkAfterRateLimit()).isEqualTo(Duration.ofSeconds(2));
        time.advance(Duration.ofSeconds(2));
        enterFirst().reported();
        assertThat(parkAfterRateLimit()).isEqualTo(Duration.ofSeconds(1));
    }

    @Test
    void a_park_for_another_reason_starts_the_doubling_anew() {
        parkAfterRateLimit();
        time.advance(Duration.ofSeconds(1));
        parking.park(Duration.ofSeconds(3).toNanos(), FailureKind.OVERLOADED);
        time.advance(Duration.ofSeconds(3));
        assertThat(parkAfterRateLimit()).isEqualTo(Duration.ofSeconds(1));
    }

    // ---- Threads

    @Test
    void of_many_threads_one_goes_first() throws Exception {
        for (int round = 0; round < 200; round++) {
            park(Duration.ofSeconds(1));
            time.advance(Duration.ofSeconds(1));
            ConcurrentLinkedQueue<Entry> entries = new ConcurrentLinkedQueue<>();
            CountDownLatch go = new CountDownLatch(1);
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                Thread thread = new Thread(() -> {
                    try {
                        go.await();
                        entries.add(enter());
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                });
                thread.start();
                threads.add(thread);
            }
            go.countDown();
            for (Thread thread : threads) {
                thread.join();
            }
            List<FirstCall> first = entries.stream()
                    .filter(FirstCall.class::isInstance)
                    .map(FirstCall.class::cast)
                    .toList();
            assertThat(entries).hasSize(4);
            assertThat(first).hasSize(1);
            first.get(0).reported();
        }
    }

    @Test
    void it_is_lifted_where_its_kind_is_meant() {
        parking.park(Duration.ofMinutes(10).toNanos(), FailureKind.CREDENTIAL);
        parking.lift(kind -> kind == FailureKind.RATE_LIMITED);
        assertThat(enter()).isInstanceOf(Refusal.class);
        parking.lift(FailureKind::isMisconfiguration);
        assertThat(enter()).isEqualTo(Free.FREE);
        assertThat(parking.refusal()).isEmpty();
    }

    @Test
    void who_waits_for_a_first_call_hears_that_it_was_lifted() {
        parking.park(Duration.ofMinutes(10).toNanos(), FailureKind.CREDENTIAL);
        time.advance(Duration.ofMinutes(10));
        FirstCall first = enterFirst();
        Refusal refusal = (Refusal) enter();

        parking.lift(FailureKind::isMisconfiguration);
        assertThat(refusal.sooner()).isDone();
        assertThat(enter()).isEqualTo(Free.FREE);
        park(Duration.ofSeconds(5));
        first.reported();
        assertThat(enter()).as("parked since").isInstanceOf(Refusal.class);
    }
}
