package ai.orchestrator;

import ai.orchestrator.internal.Durations;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.time.Deadline;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Ends an attempt at the first of its limits: connecting, first token, silence, total. One timer for all of them, which looks again when
 * the next one could be due, because arming and disarming timers is what limits cost. Safe for use by several threads.
 */
final class AttemptLimits {

    private final TimeSource timeSource;
    private final boolean streamed;
    private final LiveAnswer.Reception live;
    private final Cancellation attempt;
    private final long startNanos;
    private final Duration connect;
    private final Duration firstToken;
    private final Duration idle;
    private final long totalNanos;

    /** The provider's own limit of an attempt; null if the call's deadline comes first. */
    private final @Nullable Duration total;

    // Set by the provider's thread, read by the time source's; times are counted from the attempt's start.
    private volatile boolean connected;
    private volatile boolean started;
    private volatile long lastSignNanos;

    /** Guards the timer. */
    private final Object lock = new Object();

    private TimeSource.@Nullable Timer timer;
    private long dueNanos;
    private boolean over;

    /** The limit that ended the attempt, in words: the first one wins, whatever the provider makes of being cancelled. */
    private volatile @Nullable String reached;

    /** Whether the limit came while the provider was made to wait: that is not its fault. */
    private volatile boolean waitedForReader;

    /**
     * Counts from now.
     *
     * @param deadline the attempt's, which is the call's unless the provider has a limit that ends earlier
     * @param attempt is cancelled at a limit
     */
    AttemptLimits(
            TimeSource timeSource,
            ProviderSettings settings,
            Deadline deadline,
            Deadline callDeadline,
            boolean streamed,
            LiveAnswer.Reception live,
            Cancellation attempt) {
        this.timeSource = timeSource;
        this.streamed = streamed;
        this.live = live;
        this.attempt = attempt;
        this.startNanos = timeSource.nanoTime();
        this.connect = settings.connectTimeout();
        this.firstToken = settings.firstTokenTimeout();
        this.idle = settings.idleTimeout();
        this.total = deadline == callDeadline ? null : settings.totalTimeout().orElse(null);
        this.totalNanos = deadline.remainingNanos();
    }

    /** Begins to watch. */
    void watch() {
        arm(false);
    }

    /** Watches no longer. */
    void end() {
        synchronized (lock) {
            over = true;
            if (timer != null) {
                timer.cancel();
            }
        }
    }

    /** The provider can be reached, or lives. */
    void sign() {
        connected = true;
        lastSignNanos = elapsedNanos();
    }

    /** The first piece of the answer has come. */
    void firstToken() {
        if (started) {
            return;
        }
        started = true;
        if (streamed) {
            synchronized (lock) {
                if (lastSignNanos + nanos(idle) < dueNanos) {
                    arm(false);
                }
            }
        }
    }

    /** The limit that ended the attempt, in words; null if none has. */
    @Nullable
    String reached() {
        return reached;
    }

    boolean waitedForReader() {
        return waitedForReader;
    }

    boolean isConnected() {
        return connected;
    }

    long elapsedNanos() {
        return timeSource.nanoTime() - startNanos;
    }

    private void arm(boolean readerIsBehind) {
        synchronized (lock) {
            if (over) {
                return;
            }
            if (timer != null) {
                timer.cancel();
            }
            long elapsed = elapsedNanos();
            dueNanos = nextNanos(readerIsBehind ? elapsed : lastSignNanos);
            timer = timeSource.schedule(dueNanos - elapsed, this::look);
        }
    }

    private void look() {
        boolean readerIsBehind = live.waits();
        String limit = limitDue(elapsedNanos(), readerIsBehind);
        if (limit == null) {
            arm(readerIsBehind);
            return;
        }
        synchronized (lock) {
            if (over) {
                return;
            }
            over = true;
        }
        waitedForReader = readerIsBehind;
        reached = limit;
        attempt.cancel();
    }

    private long nextNanos(long silentSinceNanos) {
        long next = totalNanos;
        if (!connected) {
            next = Math.min(next, nanos(connect));
        }
        if (streamed) {
            next = Math.min(next, started ? silentSinceNanos + nanos(idle) : nanos(firstToken));
        }
        return next;
    }

    private @Nullable String limitDue(long elapsed, boolean readerIsBehind) {
        if (elapsed >= totalNanos) {
            // In the words of the configuration: what is left of a limit by now is always a little less.
            return total == null
                    ? "no complete answer before the call's deadline"
                    : "no complete answer within " + Durations.text(total);
        }
        if (!connected && elapsed >= nanos(connect)) {
            return "no connection within " + Durations.text(connect);
        }
        if (streamed && !started && elapsed >= nanos(firstToken)) {
            return "no first token within " + Durations.text(firstToken);
        }
        return streamed && started && !readerIsBehind && elapsed - lastSignNanos >= nanos(idle)
                ? "silent for " + Durations.text(idle)
                : null;
    }

    /** Half of what fits, so that it can be added to: far beyond any deadline. */
    private static long nanos(Duration limit) {
        return limit.toSeconds() >= Long.MAX_VALUE / 4 / 1_000_000_000 ? Long.MAX_VALUE / 4 : limit.toNanos();
    }
}
