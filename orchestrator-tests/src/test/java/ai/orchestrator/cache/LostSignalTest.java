package ai.orchestrator.cache;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class LostSignalTest {

    private final ManualTimeSource manual = new ManualTimeSource();
    private final CountDownLatch mayAnswer = new CountDownLatch(1);

    /** As if it had a lock that the caller must wait for just when its answer comes: that wait takes the signal. */
    private final class Contended implements TimeSource {

        private final Thread caller = Thread.currentThread();
        private final AtomicBoolean first = new AtomicBoolean(true);

        @Override
        public long nanoTime() {
            if (Thread.currentThread() == caller && isAboutToWait() && first.getAndSet(false)) {
                mayAnswer.countDown();
                LockSupport.park(this);
            }
            return manual.nanoTime();
        }

        private static boolean isAboutToWait() {
            return StackWalker.getInstance()
                    .walk(frames ->
                            frames.anyMatch(frame -> frame.getMethodName().equals("stopUnlessEnding")));
        }

        @Override
        public boolean await(CountDownLatch signal, long nanos) throws InterruptedException {
            return manual.await(signal, nanos);
        }

        @Override
        public Timer schedule(long nanos, Runnable task) {
            return manual.schedule(nanos, task);
        }
    }

    @Test
    void an_answer_that_comes_between_a_callers_look_and_its_wait_is_not_missed() {
        Contended time = new Contended();
        try (Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .cacheEnabled(true)
                .drainTimeout(Duration.ZERO)
                .provider(
                        "slow",
                        p -> p.chatProvider((request, delivery, deadline, cancellation, sink) -> {
                            try {
                                mayAnswer.await();
                            } catch (InterruptedException e) {
                                Thread.currentThread().interrupt();
                            }
                            sink.event(new ChatEvent.Text("here"));
                            sink.event(new ChatEvent.Finished(FinishReason.STOP));
                        }))
                .build()) {
            assertThat(orchestrator.chat("hello").text()).isEqualTo("here");
            assertThat(time.first).isFalse();
        }
    }
}
