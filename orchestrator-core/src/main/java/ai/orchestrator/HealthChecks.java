package ai.orchestrator;

import ai.orchestrator.health.HealthCheck.Outcome;
import ai.orchestrator.internal.CallThreads;
import ai.orchestrator.internal.Durations;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Asks each provider now and then something that costs nothing. Moves neither breaker nor parking nor quota; all that a failure does is that
 * others are rather asked. Safe for use by several threads.
 */
final class HealthChecks implements AutoCloseable {

    /** How long a check that was ended may take to notice. */
    private static final long UNWINDING_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final TimeSource timeSource;
    private final InstantSource instantSource;
    private final Duration timeout;
    private final List<Checked> all;
    private final CallsInFlight underWay = new CallsInFlight();

    /** Its threads begin with the first check. */
    private final ExecutorService executor = CallThreads.newUnboundedExecutor("orchestrator-check");

    /**
     * Checks nothing yet.
     *
     * @param timeout how long a check may take
     */
    HealthChecks(
            TimeSource timeSource, InstantSource instantSource, List<RegisteredProvider> providers, Duration timeout) {
        this.timeSource = timeSource;
        this.instantSource = instantSource;
        this.timeout = timeout;
        this.all = providers.stream().map(Checked::new).toList();
    }

    /** Checks every provider at once, and again when the interval has passed since its last check ended. */
    void repeat(Duration interval) {
        all.forEach(checked -> checked.repeat(interval.toNanos()));
    }

    /** Checks every provider, all at the same time, and blocks until each check has ended, or the thread is interrupted. */
    void checkNow() {
        CountDownLatch ended = new CountDownLatch(all.size());
        for (Checked checked : all) {
            var unused = checked.check().thenRun(ended::countDown);
        }
        try {
            timeSource.await(ended, timeout.toNanos() + UNWINDING_NANOS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Ends checks under way, and lets none begin any more. */
    @Override
    public void close() {
        underWay.close();
        all.forEach(Checked::end);
        underWay.abort();
        executor.shutdown();
        try {
            underWay.awaitNone(timeSource, UNWINDING_NANOS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** One provider, with one check at a time. */
    private final class Checked {

        private final RegisteredProvider provider;

        /** Completes when the check that is under way has ended; null while none is. */
        private final AtomicReference<@Nullable CompletableFuture<@Nullable Void>> running = new AtomicReference<>();

        /** Begins the next check; guarded by this. */
        private TimeSource.@Nullable Timer next;

        private Checked(RegisteredProvider provider) {
            this.provider = provider;
        }

        private void repeat(long intervalNanos) {
            var unused = check().thenRun(() -> {
                synchronized (this) {
                    if (!underWay.isClosed()) {
                        next = timeSource.schedule(intervalNanos, () -> repeat(intervalNanos));
                    }
                }
            });
        }

        private synchronized void end() {
            if (next != null) {
                next.cancel();
            }
        }

        /** Begins a check unless one is under way; completes when it has ended. */
        private CompletableFuture<@Nullable Void> check() {
            CompletableFuture<@Nullable Void> begun = new CompletableFuture<>();
            CompletableFuture<@Nullable Void> before = running.compareAndExchange(null, begun);
            if (before != null) {
                return before;
            }
            try {
                executor.execute(() -> {
                    try {
                        run();
                    } finally {
                        ended(begun);
                    }
                });
            } catch (RuntimeException | Error e) {
                // Closed; or there is no memory for a thread, and perhaps there is the next time.
                ended(begun);
            }
            return begun;
        }

        private void ended(CompletableFuture<@Nullable Void> check) {
            running.set(null);
            check.complete(null);
        }

        private void run() {
            Cancellation cancellation = new Cancellation();
            if (!underWay.begin(cancellation)) {
                return;
            }
            long startNanos = timeSource.nanoTime();
            TimeSource.Timer limit = timeSource.schedule(timeout.toNanos(), cancellation::cancel);
            try {
                boolean asked = provider.chatProvider().check(cancellation);
                provider.lastCheck()
                        .ended(asked ? Outcome.OK : Outcome.NOT_AVAILABLE, instantSource.instant(), since(startNanos));
            } catch (Throwable e) {
                // A provider of the application's own may throw anything, and is to be checked again all the same.
                if (!underWay.isAborted()) {
                    provider.lastCheck()
                            .failed(
                                    explained(e, cancellation.isCancelled()),
                                    instantSource.instant(),
                                    since(startNanos));
                }
            } finally {
                limit.cancel();
                underWay.end(cancellation);
            }
        }

        private ProviderException explained(Throwable thrown, boolean limitReached) {
            if (limitReached) {
                return ProviderException.of(FailureKind.TIMEOUT, "no answer within " + Durations.text(timeout), thrown);
            }
            return thrown instanceof ProviderException known
                    ? known
                    : ProviderException.of(FailureKind.SERVER, "unexpected " + thrown, thrown);
        }

        private Duration since(long startNanos) {
            return Duration.ofNanos(timeSource.nanoTime() - startNanos);
        }
    }
}
