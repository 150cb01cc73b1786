package ai.orchestrator.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SimulatedTimeSourceTest {

    private final SimulatedTimeSource time = new SimulatedTimeSource();

    /** Not guarded: one caller runs at a time. */
    private final List<String> seen = new ArrayList<>();

    @AfterEach
    void close() {
        time.close();
    }

    private void note(String what) {
        seen.add(what + "@" + time.nanoTime());
    }

    private boolean await(CountDownLatch signal, Duration atMost) {
        try {
            return time.await(signal, atMost.toNanos());
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private void sleep(Duration duration) {
        assertThat(await(new CountDownLatch(1), duration)).isFalse();
    }

    private static Duration nanos(long nanos) {
        return Duration.ofNanos(nanos);
    }

    @Test
    void callers_wait_side_by_side_and_an_hour_takes_no_time() {
        for (int i = 0; i < 3; i++) {
            int number = i;
            time.start(nanos(number), () -> {
                note("begin " + number);
                sleep(Duration.ofHours(1).minusNanos(2L * number));
                note("end " + number);
            });
        }

        time.run();

        long hour = TimeUnit.HOURS.toNanos(1);
        assertThat(seen)
                .containsExactly(
                        "begin 0@0",
                        "begin 1@1",
                        "begin 2@2",
                        "end 2@" + (hour - 2),
                        "end 1@" + (hour - 1),
                        "end 0@" + hour);
    }

    @Test
    void a_signal_ends_a_wait_at_the_moment_it_is_given_and_in_the_order_of_the_waits() {
        CountDownLatch signal = new CountDownLatch(1);
        for (int i = 0; i < 3; i++) {
            int number = i;
            time.start(Duration.ZERO, () -> {
                assertThat(await(signal, Duration.ofDays(1))).isTrue();
                note("woken " + number);
            });
        }
        time.start(nanos(5), () -> {
            signal.countDown();
            note("signalled");
        });

        time.run();

        assertThat(seen).containsExactly("signalled@5", "woken 0@5", "woken 1@5", "woken 2@5");
        assertThat(time.nanoTime()).isEqualTo(5);
    }

    @Test
    void a_task_may_be_what_ends_a_wait_and_a_cancelled_one_moves_no_time() {
        CountDownLatch signal = new CountDownLatch(1);
        time.start(Duration.ZERO, () -> {
            time.schedule(7, signal::countDown);
            time.schedule(3, () -> note("cancelled")).cancel();
            assertThat(await(signal, nanos(8))).isTrue();
            note("woken");
        });
        time.schedule(9, () -> note("later"));

        time.run();

        assertThat(seen).containsExactly("woken@7");
        assertThat(time.pendingTimers()).isOne();
        time.start(nanos(2), () -> note("again"));
        time.run();
        assertThat(seen).containsExactly("woken@7", "later@9", "again@9");
        assertThat(time.pendingTimers()).isZero();
    }

    @Test
    void a_wait_that_is_over_already_needs_no_turn() throws Exception {
        assertThat(time.await(new CountDownLatch(0), 1)).isTrue();
        assertThat(time.await(new CountDownLatch(1), 0)).isFalse();
        assertThat(time.await(new CountDownLatch(1), -1)).isFalse();
    }

    @Test
    void a_caller_may_start_others() {
        time.execute(() -> {
            time.execute(() -> note("second"));
            time.start(nanos(1), () -> note("third"));
            note("first");
            sleep(nanos(2));
            note("last");
        });

        time.run();

        assertThat(seen).containsExactly("first@0", "second@0", "third@1", "last@2");
    }

    @Test
    void an_interrupt_ends_a_wait_at_the_moment_it_comes() {
        CompletableFuture<Thread> sleeper = new CompletableFuture<>();
        time.execute(() -> {
            sleeper.complete(Thread.currentThread());
            assertThatThrownBy(() -> time.await(new CountDownLatch(1), TimeUnit.HOURS.toNanos(1)))
                    .isInstanceOf(InterruptedException.class);
            assertThat(Thread.currentThread().isInterrupted()).isFalse();
            note("interrupted");
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> time.await(new CountDownLatch(1), 1)).isInstanceOf(InterruptedException.class);
            Thread.currentThread().interrupt();
        });
        time.start(nanos(3), () -> sleeper.join().interrupt());
        // On the thread that the interrupted one has left.
        time.start(nanos(4), () -> {
            sleep(nanos(1));
            note("undisturbed");
        });

        time.run();

        assertThat(seen).containsExactly("interrupted@3", "undisturbed@5");
    }

    @Test
    void what_callers_and_tasks_throw_is_thrown_when_all_have_ended() {
        time.execute(() -> {
            throw new AssertionError("a caller");
        });
        time.schedule(1, () -> {
            throw new IllegalStateException("a task");
        });
        time.start(nanos(2), () -> note("all the same"));

        assertThatThrownBy(time::run)
                .isInstanceOf(AssertionError.class)
                .hasMessage("a caller")
                .satisfies(e -> assertThat(e.getSuppressed())
                        .singleElement()
                        .satisfies(other -> assertThat(other).hasMessage("a task")));
        assertThat(seen).containsExactly("all the same@2");
        time.run();
    }

    @Test
    void many_callers_take_the_same_course_every_time() {
        assertThat(course(1)).isEqualTo(course(1)).isNotEqualTo(course(2));
    }

    private static List<String> course(long seed) {
        List<String> course = new ArrayList<>();
        SplittableRandom random = new SplittableRandom(seed);
        try (SimulatedTimeSource time = new SimulatedTimeSource(Long.MAX_VALUE - 5_000)) {
            for (int i = 0; i < 200; i++) {
                int number = i;
                time.start(nanos(random.nextInt(1_000)), () -> {
                    for (int wait = 0; wait < 5; wait++) {
                        CountDownLatch signal = new CountDownLatch(1);
                        time.schedule(random.nextInt(1_000), signal::countDown);
                        try {
                            course.add(number + ":" + time.await(signal, random.nextInt(1_000)) + time.nanoTime());
                        } catch (InterruptedException e) {
                            throw new AssertionError(e);
                        }
                    }
                });
            }
            time.run();
        }
        return course;
    }

    @Test
    void its_wall_clock_goes_with_it() {
        Instant start = Instant.parse("2026-01-01T00:00:00Z");
        InstantSource clock = time.instantSource(start);
        time.start(Duration.ofDays(1), () -> assertThat(clock.instant()).isEqualTo("2026-01-02T00:00:00Z"));
        time.run();
        assertThat(clock.instant()).isEqualTo(start.plus(Duration.ofDays(1)));
    }

    @Test
    void what_makes_no_sense_is_refused() {
        assertThatThrownBy(() -> time.start(nanos(-1), () -> {})).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> time.start(Duration.ofDays(200_000), () -> {}))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> time.await(new CountDownLatch(1), 1))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("only a caller that was started here can wait");
        time.execute(() -> assertThatThrownBy(time::run)
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the time source runs already"));
        time.run();
        time.close();
        assertThatThrownBy(() -> time.execute(() -> {})).hasMessage("the time source is closed");
        assertThatThrownBy(time::run).hasMessage("the time source is closed");
    }
}
