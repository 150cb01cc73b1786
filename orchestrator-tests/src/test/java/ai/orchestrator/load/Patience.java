package ai.orchestrator.load;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;

/** Bounded waits for what ends on other threads. */
public final class Patience {

    public static final long SECONDS = 10;

    private static final CountDownLatch NEVER = new CountDownLatch(1);

    private Patience() {}

    public static void until(String what, BooleanSupplier reached) throws InterruptedException {
        long start = System.nanoTime();
        while (!reached.getAsBoolean()) {
            assertThat(System.nanoTime() - start)
                    .as("nanoseconds waited until %s", what)
                    .isLessThan(TimeUnit.SECONDS.toNanos(SECONDS));
            moment();
        }
    }

    public static void moment() throws InterruptedException {
        assertThat(NEVER.await(1, TimeUnit.MILLISECONDS)).isFalse();
    }

    /** The threads of every orchestrator in this virtual machine that have a name. */
    static Set<Thread> orchestratorThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("orchestrator-"))
                .collect(Collectors.toSet());
    }

    static void untilEnded(Set<Thread> before) throws InterruptedException {
        until("the orchestrator's threads have ended", () -> before.containsAll(orchestratorThreads()));
    }
}
