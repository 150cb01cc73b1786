package ai.orchestrator.time;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.time.TimeSource.Timer;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** On the real clock: what is awaited comes within a patience that is far beyond anything expected. */
class SystemTimeSourceTest {

    private static final long PATIENCE_SECONDS = 60;
    private static final long MILLI = 1_000_000;
    private static final long HOUR = TimeUnit.HOURS.toNanos(1);

    private final SystemTimeSource time = new SystemTimeSource();

    @AfterEach
    void close() {
        time.close();
    }

    private static void await(CountDownLatch latch) throws InterruptedException {
        assertThat(latch.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    }

    private static void awaitEnd(Thread thread) throws InterruptedException {
        thread.join(TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS));
        assertThat(thread.isAlive()).as(thread.getName()).isFalse();
    }

    /** The thread that runs the tasks, which lives after that. */
    private Thread timerThread() {
        CompletableFuture<Thread> thread = new CompletableFuture<>();
        time.schedule(0, () -> thread.complete(Thread.currentThread()));
        assertThat(thread).succeedsWithin(Duration.ofSeconds(PATIENCE_SECONDS));
        return thread.join();
    }

    @Test
    void ten_thousand_tasks_of_many_threads_run_once_and_never_early_or_are_cancelled() throws Exception {
        int threads = 20;
        int each = 500;
        CountDownLatch done = new CountDownLatch(threads * each / 2);
        Set<Integer> ran = ConcurrentHashMap.newKeySet();
        Queue<String> wrong = new ConcurrentLinkedQueue<>();
        List<Thread> all = new ArrayList<>();
        for (int t = 0; t < threads; t++) {
            int first = t * each;
            Thread thread = new Thread(() -> {
                List<Timer> unwanted = new ArrayList<>();
                for (int i = first; i < first + each; i++) {
                    int number = i;
                    boolean wanted = number % 2 == 0;
                    long nanos = wanted ? number % 97 * MILLI : HOUR + number;
                    long due = System.nanoTime() + nanos;
                    Timer timer = time.schedule(nanos, () -> {
                        if (!wanted || System.nanoTime() - due < 0 || !ran.add(number)) {
                            wrong.add("task " + number);
                        }
                        done.countDown();
                    });
                    if (!wanted) {
                        unwanted.add(timer);
                    }
                }
                unwanted.forEach(Timer::cancel);
            });
            all.add(thread);
            thread.start();
        }
        for (Thread thread : all) {
            awaitEnd(thread);
        }
        await(done);

        assertThat(wrong).isEmpty();
        assertThat(ran).hasSize(threads * each / 2);
    }

    @Test
    void tasks_that_are_cancelled_by_other_threads_while_they_come_due_run_at_most_once() throws Exception {
        int rounds = 5_000;
        AtomicInteger[] runs = new AtomicInteger[rounds];
        Queue<Timer> timers = new ConcurrentLinkedQueue<>();
        CountDownLatch scheduled = new CountDownLatch(1);
        Thread canceller = new Thread(() -> {
            while (scheduled.getCount() > 0 || !timers.isEmpty()) {
                Timer timer = timers.poll();
                if (timer != null) {
                    timer.cancel();
                    timer.cancel();
                }
            }
        });
        canceller.start();
        for (int i = 0; i < rounds; i++) {
            AtomicInteger count = new AtomicInteger();
            runs[i] = count;
            timers.add(time.schedule(i % 50 * 1_000L, count::incrementAndGet));
        }
        scheduled.countDown();
        awaitEnd(canceller);
        timerThread();

        assertThat(runs).allSatisfy(count -> assertThat(count.get()).isLessThanOrEqualTo(1));
    }

    /** A moment that is known only to lie between two. */
    private record Due(long earliest, long latest) {}

    @Test
    void tasks_run_in_the_order_in_which_they_are_due_however_they_were_scheduled() throws Exception {
        int count = 60;
        Due[] due = new Due[count];
        Queue<Integer> order = new ConcurrentLinkedQueue<>();
        CountDownLatch ran = new CountDownLatch(count);
        CountDownLatch release = new CountDownLatch(1);
        // Holds the thread, so that many are due when it goes on.
        time.schedule(0, () -> awaitQuietly(release));
        List<Thread> threads = new ArrayList<>();
        for (int t = 0; t < 3; t++) {
            int remainder = t;
            Thread thread = new Thread(() -> {
                for (int number = count - 3 + remainder; number >= 0; number -= 3) {
                    int scheduled = number;
                    long nanos = number * MILLI;
                    long earliest = System.nanoTime() + nanos;
                    time.schedule(nanos, () -> {
                        order.add(scheduled);
                        ran.countDown();
                    });
                    due[number] = new Due(earliest, System.nanoTime() + nanos);
                }
            });
            threads.add(thread);
            thread.start();
        }
        for (Thread thread : threads) {
            awaitEnd(thread);
        }
        release.countDown();
        await(ran);

        long after = Long.MIN_VALUE;
        List<Integer> inOrder = List.copyOf(order);
        assertThat(inOrder).hasSize(count);
        long start = due[inOrder.get(0)].earliest();
        for (int number : inOrder) {
            assertThat(due[number].latest() - start).isGreaterThanOrEqualTo(after);
            after = Math.max(after, due[number].earliest() - start);
        }
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            await(latch);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void a_task_that_is_due_sooner_wakes_the_thread() throws Exception {
        time.schedule(HOUR, () -> {});
        timerThread();
        CountDownLatch ran = new CountDownLatch(1);

        time.schedule(MILLI, ran::countDown);

        await(ran);
    }

    @Test
    void cancelling_lets_go_of_the_task() throws Exception {
        ReferenceQueue<Runnable> collected = new ReferenceQueue<>();
        Queue<WeakReference<Runnable>> references = new ConcurrentLinkedQueue<>();
        Timer timer = scheduled(references, collected);

        timer.cancel();

        for (int i = 0; i < PATIENCE_SECONDS && collected.remove(1_000) == null; i++) {
            System.gc();
        }
        assertThat(references)
                .hasSize(1)
                .allSatisfy(reference -> assertThat(reference.get()).isNull());
        assertThat(timer).as("still held here").isNotNull();
    }

    private Timer scheduled(Queue<WeakReference<Runnable>> references, ReferenceQueue<Runnable> collected) {
        Runnable task = new CountDownLatch(1)::countDown;
        references.add(new WeakReference<>(task, collected));
        return time.schedule(HOUR, task);
    }

    @Test
    void a_task_that_throws_does_not_keep_the_next_one_from_running() throws Exception {
        Thread thread = timerThread();
        time.schedule(0, () -> {
            throw new IllegalStateException("planned");
        });
        time.schedule(0, () -> {
            throw new AssertionError("planned");
        });
        time.schedule(0, () -> Thread.currentThread().interrupt());

        assertThat(timerThread()).isSameAs(thread);
        assertThat(thread.isDaemon()).isTrue();
    }

    @Test
    void the_thread_ends_by_itself_when_all_is_cancelled_and_another_takes_up_what_comes_later() throws Exception {
        Timer timer = time.schedule(HOUR, () -> {});
        Thread thread = timerThread();
        timer.cancel();

        awaitEnd(thread);

        assertThat(timerThread()).isNotSameAs(thread);
    }

    @Test
    void closing_drops_tasks_ends_the_thread_and_takes_nothing_more() throws Exception {
        AtomicInteger ran = new AtomicInteger();
        Thread thread = timerThread();
        time.schedule(HOUR, ran::incrementAndGet).cancel();
        Timer dropped = time.schedule(20 * MILLI, ran::incrementAndGet);

        time.close();
        time.close();
        Timer late = time.schedule(0, ran::incrementAndGet);
        awaitEnd(thread);
        dropped.cancel();
        late.cancel();

        assertThat(ran.get()).isLessThanOrEqualTo(1);
        assertThat(Thread.getAllStackTraces().keySet()).doesNotContain(thread);
    }

    @Test
    void closing_from_a_task_is_possible() throws Exception {
        Thread thread = timerThread();

        time.schedule(0, time::close);

        awaitEnd(thread);
    }

    @Test
    void times_beyond_reach_are_far_away_and_those_that_have_passed_are_now() throws Exception {
        AtomicInteger ran = new AtomicInteger();
        time.schedule(Long.MAX_VALUE, ran::incrementAndGet);
        CountDownLatch now = new CountDownLatch(1);
        time.schedule(Long.MIN_VALUE, now::countDown);

        await(now);
        timerThread();

        assertThat(ran.get()).isZero();
    }

    @Test
    void a_queue_keeps_its_order_whatever_leaves_it() {
        TimerQueue queue = new TimerQueue();
        java.util.Random random = new java.util.Random(17);
        for (int round = 0; round < 200; round++) {
            List<TimerQueue.Entry> entries = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                entries.add(queue.add(random.nextInt(100), () -> {}));
            }
            for (int i = 0; i < 100; i++) {
                entries.get(random.nextInt(entries.size())).cancel();
            }
            long last = Long.MIN_VALUE;
            for (TimerQueue.Entry first = queue.first(); first != null; first = queue.first()) {
                assertThat(first.dueNanos()).isGreaterThanOrEqualTo(last);
                last = first.dueNanos();
                assertThat(first.take()).isNotNull();
                assertThat(first.take()).isNull();
            }
        }
        assertThat(queue.added()).isEqualTo(40_000);
    }

    @Test
    void tasks_of_one_thread_for_the_same_moment_run_in_their_order() {
        TimerQueue queue = new TimerQueue();
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < 1_000; i++) {
            int number = i;
            queue.add(5, () -> order.add(number));
        }
        for (TimerQueue.Entry first = queue.first(); first != null; first = queue.first()) {
            Optional.ofNullable(first.take()).orElseThrow().run();
        }
        assertThat(order).hasSize(1_000).isSorted();
    }
}
