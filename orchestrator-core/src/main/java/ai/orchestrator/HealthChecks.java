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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
    private final CallsInFlight underWay = new CallsInFlight();

    /** Its threads begin with the first check. */
    private final ExecutorService executor = CallThreads.newUnboundedExecutor("orchestrator-check");

    // Replaced whole, by one thread at a time.
    private volatile Rhythm rhythm = new Rhythm(false, 0, Duration.ZERO);
    private volatile List<Checked> all = List.of();

    /**
     * When to check.
     *
     * @param repeats whether to check again and again
     * @param intervalNanos how long after the end of a check
     * @param timeout how long a check may take
     */
    private record Rhythm(boolean repeats, long intervalNanos, Duration timeout) {}

    /** Checks nothing yet. */
    HealthChecks(TimeSource timeSource, InstantSource instantSource) {
        this.timeSource = timeSource;
        this.instantSource = instantSource;
    }

    /**
     * Checks these providers from now on, and no others: if they are to be checked again and again, at once those that were not so far. By one
     * thread at a time; waits for nothing.
     */
    void reconfigure(List<RegisteredProvider> providers, OrchestratorSettings settings) {
        rhythm = new Rhythm(
                settings.healthChecks(), settings.healthCheckInterval().toNanos(), settings.healthCheckTimeout());
        Map<RegisteredProvider, Checked> before = new HashMap<>();
        all.forEach(checked -> before.put(checked.provider, checked));
        all = providers.stream()
                .map(provider -> before.containsKey(provider)
                        ? Objects.requireNonNull(before.remove(provider))
                        : new Checked(provider))
                .toList();
        before.values().forEach(Checked::end);
        all.forEach(Checked::follow);
    }

    /** Checks every provider, all at the same time, and blocks until each check has ended, or the thread is interrupted. */
    void checkNow() {
        List<Checked> present = all;
        CountDownLatch ended = new CountDownLatch(present.size());
        for (Checked checked : present) {
            var unused = checked.check().thenRun(ended::countDown);
        }
        try {
            timeSource.await(ended, rhythm.timeout().toNanos() + UNWINDING_NANOS);
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

        /** The provider's, so that there is one check at a time also where it was taken away and has come back. */
        private final AtomicReference<@Nullable CompletableFuture<@Nullable Void>> running;

        // Guarded by this.
        private boolean repeats;
        private long intervalNanos;

        /** Begins the next check; null while one is under way. */
        private TimeSource.@Nullable Timer next;

        private long lastEndNanos;

        /** What was planned under another turn is given up. */
        private int turn;

        private Checked(RegisteredProvider provider) {
            this.provider = provider;
            this.running = provider.lastCheck().running;
        }

        private synchronized void follow() {
            Rhythm present = rhythm;
            if (!present.repeats()) {
                end();
            } else if (!repeats) {
                repeats = true;
                intervalNanos = present.intervalNanos();
                turn++;
                repeat(turn);
            } else if (intervalNanos != present.intervalNanos()) {
                intervalNanos = present.intervalNanos();
                if (next != null) {
                    // Counted from the end of the last check, as if the interval had been this one then.
                    next.cancel();
                    turn++;
                    plan(lastEndNanos + intervalNanos - timeSource.nanoTime());
                }
            }
        }

        private synchronized void end() {
            if (repeats && !rhythm.repeats()) {
                // They went off: nothing would look again, perhaps for ever.
                provider.lastCheck().clear();
            }
            repeats = false;
            turn++;
            if (next != null) {
                next.cancel();
                next = null;
            }
        }

        private synchronized void repeat(int planned) {
            if (planned != turn) {
                return;
            }
            next = null;
            var unused = check().thenRun(() -> planNext(planned));
        }

        private synchronized void planNext(int planned) {
            lastEndNanos = timeSource.nanoTime();
            if (planned == turn) {
                plan(intervalNanos);
            } else if (!rhythm.repeats()) {
                // They went off meanwhile.
                provider.lastCheck().clear();
            }
        }

        /** Under this. */
        private void plan(long inNanos) {
            int planned = turn;
            if (!underWay.isClosed()) {
                next = timeSource.schedule(Math.max(0, inNanos), () -> repeat(planned));
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
            try {
                ProviderSetup used = provider.use();
                if (used != null) {
                    try {
                        check(used, cancellation);
                    } finally {
                        used.client().release();
                    }
                }
            } finally {
                underWay.end(cancellation);
            }
        }

        private void check(ProviderSetup used, Cancellation cancellation) {
            Duration timeout = rhythm.timeout();
            long startNanos = timeSource.nanoTime();
            TimeSource.Timer limit = timeSource.schedule(timeout.toNanos(), cancellation::cancel);
            try {
                boolean asked = used.client().chatProvider().check(cancellation);
                provider.checked(
                        used,
                        () -> provider.lastCheck()
                                .ended(
                                        asked ? Outcome.OK : Outcome.NOT_AVAILABLE,
                                        instantSource.instant(),
                                        since(startNanos)));
            } catch (Throwable e) {
                // A provider of the application's own may throw anything, and is to be checked again all the same.
                if (!underWay.isAborted()) {
                    ProviderException failure = explained(e, cancellation.isCancelled(), timeout);
                    provider.checked(
                            used,
                            () -> provider.lastCheck().failed(failure, instantSource.instant(), since(startNanos)));
                }
            } finally {
                limit.cancel();
            }
        }

        private static ProviderException explained(Throwable thrown, boolean limitReached, Duration timeout) {
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
