package ai.orchestrator;

import ai.orchestrator.internal.Durations;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.time.Deadline;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Ends an attempt at the first of its limits: connecting, first token, silence, total. One timer for all of them, which looks again when
 * the next one could be due, because arming and disarming timers is what limits cost. Safe for use by several threads.
 */
final class AttemptLimits implements Runnable {

    private final TimeSource timeSource;
    private final boolean streamed;
    private final LiveAnswer.Reception live;
    private final Cancellation attempt;
    private final long startNanos;
    private final ProviderSettings settings;

    // Read each time: they may have moved.
    private final Deadline deadline;
    private final Deadline callDeadline;
    private final Deadline halfway;

    private final @Nullable LongPredicate makesRoom;

    // Set by the provider's thread, read by the time source's; times are counted from the attempt's start.
    private volatile boolean connected;
    private volatile boolean started;

    /** Whether it was asked halfway. */
    private volatile boolean asked;

    private volatile long lastSignNanos;

    // The timer; guarded by this.
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
     * @param makesRoom told how long the attempt has taken halfway to the deadline; says whether the other half is for another provider; null if
     *     nobody is to ask
     * @param attempt is cancelled at a limit
     */
    AttemptLimits(
            TimeSource timeSource,
            ProviderSettings settings,
            Deadline deadline,
            Deadline callDeadline,
            @Nullable LongPredicate makesRoom,
            boolean streamed,
            LiveAnswer.Reception live,
            Cancellation attempt) {
        this.timeSource = timeSource;
        this.streamed = streamed;
        this.live = live;
        this.attempt = attempt;
        this.startNanos = timeSource.nanoTime();
        this.settings = settings;
        this.deadline = deadline;
        this.callDeadline = callDeadline;
        this.makesRoom = makesRoom;
        this.halfway = makesRoom == null ? deadline : deadline.halfway();
    }

    /** Begins to watch. */
    void watch() {
        arm(false);
    }

    /** Watches no longer. */
    void end() {
        synchronized (this) {
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
            synchronized (this) {
                if (lastSignNanos + nanos(settings.idleTimeout()) < dueNanos) {
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
        synchronized (this) {
            if (over) {
                return;
            }
            if (timer != null) {
                timer.cancel();
            }
            long elapsed = elapsedNanos();
            dueNanos = nextNanos(elapsed, readerIsBehind ? elapsed : lastSignNanos);
            timer = timeSource.schedule(dueNanos - elapsed, this);
        }
    }

    /** Looks whether a limit has come. */
    @Override
    public void run() {
        boolean readerIsBehind = live.waits();
        String limit = limitDue(elapsedNanos(), readerIsBehind);
        if (limit == null) {
            arm(readerIsBehind);
            return;
        }
        synchronized (this) {
            if (over) {
                return;
            }
            over = true;
        }
        waitedForReader = readerIsBehind;
        reached = limit;
        attempt.cancel();
    }

    private long nextNanos(long elapsed, long silentSinceNanos) {
        long next = elapsed + (asked ? deadline : halfway).remainingNanos();
        if (!connected) {
            next = Math.min(next, nanos(settings.connectTimeout()));
        }
        if (streamed) {
            next = Math.min(
                    next,
                    started ? silentSinceNanos + nanos(settings.idleTimeout()) : nanos(settings.firstTokenTimeout()));
        }
        return next;
    }

    private @Nullable String limitDue(long elapsed, boolean readerIsBehind) {
        if (deadline.isExpired()) {
            // In the words of the configuration: what is left of a limit by now is always a little less.
            return settings.totalTimeout()
                    .filter(total -> !callDeadline.isExpired())
                    .map(total -> "no complete answer within " + Durations.text(total))
                    .orElse("no complete answer before the call's deadline");
        }
        if (makesRoom != null && !asked && halfway.isExpired()) {
            asked = true;
            if (makesRoom.test(elapsed)) {
                return "no complete answer within " + Durations.text(Duration.ofNanos(elapsed))
                        + "; the rest of the call's time is for another provider";
            }
        }
        if (!connected && elapsed >= nanos(settings.connectTimeout())) {
            return "no connection within " + Durations.text(settings.connectTimeout());
        }
        if (streamed && !started && elapsed >= nanos(settings.firstTokenTimeout())) {
            return "no first token within " + Durations.text(settings.firstTokenTimeout());
        }
        return streamed && started && !readerIsBehind && elapsed - lastSignNanos >= nanos(settings.idleTimeout())
                ? "silent for " + Durations.text(settings.idleTimeout())
                : null;
    }

    /** At most a quarter of what fits, so that it can be added to: far beyond any deadline. */
    private static long nanos(Duration limit) {
        return limit.toSeconds() >= Long.MAX_VALUE / 4 / 1_000_000_000 ? Long.MAX_VALUE / 4 : limit.toNanos();
    }
}
