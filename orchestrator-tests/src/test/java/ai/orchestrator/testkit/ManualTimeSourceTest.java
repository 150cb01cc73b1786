package ai.orchestrator.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.time.Deadline;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ManualTimeSourceTest {

    private final ManualTimeSource time = new ManualTimeSource();

    @Test
    void tasks_run_in_the_order_of_their_times_and_see_them() {
        List<String> seen = new ArrayList<>();
        time.schedule(20, () -> seen.add("b" + time.nanoTime()));
        time.schedule(10, () -> {
            seen.add("a" + time.nanoTime());
            time.schedule(5, () -> seen.add("c" + time.nanoTime()));
        });
        time.schedule(21, () -> seen.add("late"));

        time.advance(Duration.ofNanos(20));

        assertThat(seen).containsExactly("a10", "c15", "b20");
        assertThat(time.pendingTimers()).isOne();
    }

    @Test
    void a_cancelled_task_does_not_run() {
        TimeSource.Timer timer = time.schedule(1, () -> {
            throw new AssertionError("cancelled");
        });
        timer.cancel();
        time.advance(Duration.ofSeconds(1));
        assertThat(time.pendingTimers()).isZero();
    }

    @Test
    void a_task_that_throws_does_not_stop_the_others() {
        List<String> seen = new ArrayList<>();
        time.schedule(1, () -> {
            throw new IllegalStateException("first");
        });
        time.schedule(2, () -> seen.add("second"));

        assertThatThrownBy(() -> time.advance(Duration.ofNanos(2))).hasMessage("first");
        assertThat(seen).containsExactly("second");
    }

    @Test
    void a_wait_ends_at_its_time_or_with_its_signal() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        CompletableFuture<Boolean> timedOut = waiting(never);
        time.awaitTimers(1);
        time.advance(Duration.ofNanos(99));
        assertThat(timedOut).isNotDone();
        time.advance(Duration.ofNanos(1));
        assertThat(timedOut.get(10, TimeUnit.SECONDS)).isFalse();

        CountDownLatch signal = new CountDownLatch(1);
        CompletableFuture<Boolean> signalled = waiting(signal);
        time.awaitTimers(1);
        signal.countDown();
        assertThat(signalled.get(10, TimeUnit.SECONDS)).isTrue();
        assertThat(time.pendingTimers()).isZero();
        assertThat(time.await(never, 0)).isFalse();
        assertThat(time.await(signal, -1)).isTrue();
    }

    private CompletableFuture<Boolean> waiting(CountDownLatch signal) {
        return CompletableFuture.supplyAsync(() -> {
            try {
                return time.await(signal, 100);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    @Test
    void a_time_near_the_overflow_is_as_good_as_any() {
        ManualTimeSource late = new ManualTimeSource(Long.MAX_VALUE - 5);
        Deadline deadline = Deadline.after(late, Duration.ofNanos(10));
        List<String> seen = new ArrayList<>();
        late.schedule(10, () -> seen.add("due"));

        late.advance(Duration.ofNanos(9));
        assertThat(deadline.isExpired()).isFalse();
        assertThat(seen).isEmpty();
        late.advance(Duration.ofNanos(1));
        assertThat(deadline.isExpired()).isTrue();
        assertThat(deadline.remaining()).isZero();
        assertThat(seen).containsExactly("due");
    }

    @Test
    void a_deadline_takes_the_edges() {
        assertThat(Deadline.after(time, Duration.ZERO).isExpired()).isTrue();
        assertThat(Deadline.after(time, Duration.ofSeconds(-1)).isExpired()).isTrue();
        Deadline far = Deadline.after(time, Duration.ofSeconds(Long.MAX_VALUE));
        assertThat(far.isExpired()).isFalse();
        assertThat(far.orAfter(Duration.ofSeconds(3)).remaining()).isEqualTo(Duration.ofSeconds(3));
        assertThat(Deadline.after(time, Duration.ofSeconds(1))
                        .orAfter(Duration.ofSeconds(3))
                        .remaining())
                .isEqualTo(Duration.ofSeconds(1));
    }

    @Test
    void the_systems_time_source_waits_runs_and_cancels() throws Exception {
        try (TimeSource system = TimeSource.system()) {
            CountDownLatch ran = new CountDownLatch(1);
            TimeSource.Timer cancelled = system.schedule(TimeUnit.HOURS.toNanos(1), ran::countDown);
            cancelled.cancel();
            system.schedule(1_000_000, ran::countDown);
            assertThat(system.await(ran, TimeUnit.SECONDS.toNanos(10))).isTrue();

            long start = system.nanoTime();
            assertThat(system.await(new CountDownLatch(1), 2_000_000)).isFalse();
            assertThat(system.nanoTime() - start).isGreaterThanOrEqualTo(2_000_000);
        }
    }
}
