package ai.orchestrator.server;

import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/** Time that passes only by being waited for. */
class PassingTime implements TimeSource {

    private final ManualTimeSource manual = new ManualTimeSource();

    @Override
    public long nanoTime() {
        return manual.nanoTime();
    }

    @Override
    public boolean await(CountDownLatch signal, long nanos) {
        if (signal.getCount() > 0) {
            manual.advance(Duration.ofNanos(nanos));
        }
        return signal.getCount() == 0;
    }

    @Override
    public Timer schedule(long nanos, Runnable task) {
        return manual.schedule(nanos, task);
    }
}
