package ai.orchestrator.quota;

import ai.orchestrator.chat.RateLimit;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps calls within what a provider may be asked by the minute and by the day. Safe for use by any number of threads.
 *
 * <p>A call reserves one request, and as many tokens as it may need, in every window or in none; so of any number of calls at once no more are
 * let in than fit. When it has ended, the reservation is settled to what was really used, or refunded:
 *
 * <pre>{@code
 * if (quota.reserve(estimatedTokens) instanceof Quota.Reservation reservation) {
 *     // make the attempt, then reservation.settle(usedTokens) or reservation.refund()
 * }
 * }</pre>
 *
 * <p>What is reserved counts from the moment of reserving, what was used beyond that from the moment of settling. A minute is the last 60
 * seconds at any moment, by the time source. A day is the calendar day of the settings' zone, by the wall clock: one that moves into another day
 * begins it; one that goes back keeps what has been counted, for at most 25 hours from when the day it left was begun.
 *
 * <p>It warns in the log when a window is used to 80 % and to 90 %, once in each day, and at most once in a minute. It runs no timer.
 */
public final class Quota {

    private static final Logger logger = LoggerFactory.getLogger(Quota.class);

    /** A summary is made anew after this time even if nothing happens, because times that lie too far apart cannot be compared. */
    private static final long HORIZON_NANOS = TimeUnit.HOURS.toNanos(1);

    /** The end of the day where none is counted. */
    private static final long NO_DAY = Long.MAX_VALUE;

    private final String name;
    private final TimeSource timeSource;
    private final InstantSource instantSource;

    /** Guards the windows and the day. Nothing waits, logs or calls out under it, but for reading the two clocks. */
    private final ReentrantLock lock = new ReentrantLock();

    // Guarded by the lock, the lists immutable.
    private List<Window> windows = List.of();
    private List<Window> requestWindows = List.of();
    private @Nullable CalendarDay day;

    /** Written under the lock. */
    private volatile QuotaSettings settings;

    /** For those that only look; written under the lock. */
    private volatile Summary summary;

    private Quota(String name, QuotaSettings settings, TimeSource timeSource, InstantSource instantSource) {
        this.name = name;
        this.settings = settings;
        this.timeSource = timeSource;
        this.instantSource = instantSource;
        long now = timeSource.nanoTime();
        limit(settings, now);
        this.summary = summarise(now);
    }

    /** Makes the windows of the settings, those that are there out of themselves. */
    private void limit(QuotaSettings settings, long now) {
        boolean countsDays =
                settings.requestsPerDay().isPresent() || settings.tokensPerDay().isPresent();
        if (!countsDays) {
            day = null;
        } else if (day == null) {
            day = new CalendarDay(settings.zone(), now, instantSource.millis());
        } else {
            day.moveInto(settings.zone(), now, instantSource.millis());
        }
        List<Window> requests = new ArrayList<>();
        List<Window> tokens = new ArrayList<>();
        for (QuotaWindow kind : QuotaWindow.values()) {
            settings.limit(QuotaUnit.REQUESTS, kind)
                    .ifPresent(limit -> requests.add(window(QuotaUnit.REQUESTS, kind, limit, now)));
            settings.limit(QuotaUnit.TOKENS, kind)
                    .ifPresent(limit -> tokens.add(window(QuotaUnit.TOKENS, kind, limit, now)));
        }
        requestWindows = List.copyOf(requests);
        windows = Stream.concat(requests.stream(), tokens.stream()).toList();
        this.settings = settings;
    }

    private Window window(QuotaUnit unit, QuotaWindow kind, long limit, long now) {
        for (Window window : windows) {
            if (window.unit == unit && window.kind == kind) {
                window.limit(limit);
                if (window instanceof DayWindow dayWindow) {
                    dayWindow.keepDay();
                }
                return window;
            }
        }
        return kind == QuotaWindow.MINUTE
                ? new MinuteWindow(unit, limit)
                : new DayWindow(unit, limit, Objects.requireNonNull(day), now);
    }

    /**
     * A quota of which nothing is used.
     *
     * @param name whose quota it is, for the log
     * @param settings the limits; without any, everything is let through
     * @param timeSource what the minutes run on; read under the quota's lock, so it must not call the quota
     * @param instantSource the wall clock, which tells the day; read under the quota's lock, too
     * @return a new quota
     */
    public static Quota of(String name, QuotaSettings settings, TimeSource timeSource, InstantSource instantSource) {
        return new Quota(
                Objects.requireNonNull(name, "name"),
                Objects.requireNonNull(settings, "settings"),
                Objects.requireNonNull(timeSource, "timeSource"),
                Objects.requireNonNull(instantSource, "instantSource"));
    }

    /** What a quota says to a call: a {@link Reservation} to complete, or a {@link Refusal}. Both are values; nothing is thrown. */
    public sealed interface Outcome {}

    /**
     * One request and the tokens that it may need, to be completed once: the first completion counts, and later ones do nothing. What was
     * never completed counts as used. Safe for use by several threads.
     */
    public final class Reservation implements Outcome {

        private final long tokens;

        // As they were when it was made.
        private final QuotaSettings limits = settings;
        private final List<Window> limited = windows;

        /** One for each window. */
        private final Batch[] batches;

        private boolean isCompleted;

        private Reservation(long tokens, long now) {
            this.tokens = tokens;
            this.batches = new Batch[limited.size()];
            for (int i = 0; i < batches.length; i++) {
                Window window = limited.get(i);
                batches[i] = window.take(window.need(tokens), now);
            }
        }

        /**
         * The request was made, and this is what it took.
         *
         * @param tokens those of the request and of the answer; may be more than was reserved, and more than is left; negative counts as
         *     zero
         */
        public void settle(long tokens) {
            complete(window -> window.unit == QuotaUnit.TOKENS ? Window.capped(tokens) : 1);
        }

        /** The request was made, but nobody knows what it took: what was reserved counts as used. */
        public void settle() {
            complete(this::reserved);
        }

        /** The request was not made, or does not count: it is as if nothing had been reserved. */
        public void refund() {
            complete(window -> 0);
        }

        private long reserved(Window window) {
            return window.need(tokens, limits.limit(window.unit, window.kind).orElseThrow());
        }

        private void complete(ToLongFunction<Window> used) {
            List<String> warnings;
            lock.lock();
            try {
                if (isCompleted) {
                    return;
                }
                isCompleted = true;
                long now = moveOn();
                for (int i = 0; i < batches.length; i++) {
                    // Perhaps one that has been given up: then it does no harm.
                    Window window = limited.get(i);
                    long more = used.applyAsLong(window) - reserved(window);
                    if (more < 0) {
                        window.giveBack(batches[i], -more);
                    } else if (more > 0) {
                        window.take(more, now);
                    }
                }
                warnings = warnings(windows, now);
                summary = summarise(now);
            } finally {
                lock.unlock();
            }
            log(warnings);
        }
    }

    /**
     * The call does not fit. If several limits are in the way, the one that is so longest.
     *
     * @param unit what the limit counts
     * @param window over which time
     * @param used how much is used up or reserved
     * @param limit how much is allowed
     * @param needed how much the call needs, at most the limit
     * @param retryIn when it would fit if no other call came, counted from the moment of asking
     */
    public record Refusal(QuotaUnit unit, QuotaWindow window, long used, long limit, long needed, Duration retryIn)
            implements Outcome {

        /**
         * Says why in words.
         *
         * @return for example {@code quota used up: 14,400 requests per day}
         */
        public String reason() {
            long left = limit - used;
            return left <= 0
                    ? "quota used up: " + unit.count(limit) + " " + window
                    : "quota: " + QuotaUnit.grouped(left) + " of " + unit.count(limit) + " " + window
                            + " are left, and the call may need " + QuotaUnit.grouped(needed);
        }
    }

    /** What routing asks of it. Stale when its time has come, or the wall clock has left the day; or when another has taken its place. */
    private record Summary(
            double left,
            boolean isNearlyUsedUp,
            long requestsLeft,
            long tokensLeft,
            long staleAtNanos,
            long dayFromMillis,
            long dayUntilMillis) {}

    /**
     * Whose quota it is.
     *
     * @return its name
     */
    public String name() {
        return name;
    }

    /**
     * The limits.
     *
     * @return its settings
     */
    public QuotaSettings settings() {
        return settings;
    }

    /**
     * Changes the limits. What was counted under a limit stays counted under the one that takes its place, but for what {@link #correct}
     * added only because the one before was higher. A limit that is new begins with nothing, and one that is no more is forgotten. In another zone the day that is counted goes on, and ends when it ends there.
     * Reservations that were made before are settled and refunded as they were made.
     *
     * @param settings the new limits
     */
    public void reconfigure(QuotaSettings settings) {
        Objects.requireNonNull(settings, "settings");
        lock.lock();
        try {
            long now = moveOn();
            limit(settings, now);
            summary = summarise(now);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Reserves one request, and tokens, in every window that is limited, or in none. Never waits for other calls to end, and throws nothing.
     *
     * @param tokens how many the call may need for its request and its answer; more than a limit counts as all of it; negative counts as
     *     zero; of no importance where no tokens are limited
     * @return a reservation, to be completed once, or a refusal
     */
    public Outcome reserve(long tokens) {
        Reservation reservation;
        List<String> warnings;
        lock.lock();
        try {
            long now = moveOn();
            Refusal refusal = refusalAt(tokens, now);
            if (refusal != null) {
                return refusal;
            }
            reservation = new Reservation(tokens, now);
            // Of tokens only when they are settled: an estimate is mostly far too high.
            warnings = warnings(requestWindows, now);
            summary = summarise(now);
        } finally {
            lock.unlock();
        }
        log(warnings);
        return reservation;
    }

    /**
     * What {@link #reserve} would refuse with now. Takes nothing.
     *
     * @param tokens how many the call may need
     * @return the refusal; empty if there would be a reservation
     */
    public Optional<Refusal> refusal(long tokens) {
        Summary seen = summary();
        // Even if it is a moment old: time only ever brings something back.
        if (seen.requestsLeft > 0 && seen.tokensLeft >= Math.max(1, tokens)) {
            return Optional.empty();
        }
        lock.lock();
        try {
            return Optional.ofNullable(refusalAt(tokens, moveOn()));
        } finally {
            lock.unlock();
        }
    }

    private @Nullable Refusal refusalAt(long tokens, long now) {
        Refusal longest = null;
        for (Window window : windows) {
            Refusal refusal = window.refusal(tokens, now);
            if (refusal != null && (longest == null || refusal.retryIn.compareTo(longest.retryIn) > 0)) {
                longest = refusal;
            }
        }
        return longest;
    }

    /**
     * Believes the provider where it says that less is left than was counted here. It never makes more of what is left. What it adds runs out
     * when the provider says so, and with the window at the latest. Best told after the answer's own reservation was settled.
     *
     * <p>A limit is matched by its subject (requests or tokens) and by its window; limits of other windows are ignored. One without a window
     * is taken for the limit of the same size, if there is one. Otherwise, one smaller than that of the day is not taken for it, since it
     * may be that of a shorter time; and where minute and day are both possible, it is the minute's if it is reset within one minute, else
     * the day's. Limits for input and for output tokens alone are no limits of ours: of tokens no more are left than of both together, and
     * none if there are none of either.
     *
     * @param rateLimits what the provider said with an answer or a failure
     */
    public void correct(List<RateLimit> rateLimits) {
        if (rateLimits.isEmpty()) {
            return;
        }
        List<String> warnings;
        lock.lock();
        try {
            long now = moveOn();
            ReportedLimits.correct(windows, rateLimits, now);
            warnings = warnings(windows, now);
            summary = summarise(now);
        } finally {
            lock.unlock();
        }
        log(warnings);
    }

    /**
     * Forgets what {@link #correct} added, because it was said of another account, or may have been. What our own calls took still counts.
     */
    public void forgetCorrections() {
        lock.lock();
        try {
            long now = moveOn();
            windows.forEach(Window::forgetAdded);
            summary = summarise(now);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Whether so little is left that others should be asked first: of some window, a tenth or less. Takes no lock that it would have to wait
     * for.
     *
     * @return true from 90 % on
     */
    public boolean isNearlyUsedUp() {
        return summary().isNearlyUsedUp;
    }

    /**
     * How much is left in the window that has least. Takes no lock that it would have to wait for.
     *
     * @return the share of the limit that is neither used nor reserved, 0 to 1; 1 if nothing is limited
     */
    public double left() {
        return summary().left;
    }

    /**
     * What every window shows, at one moment.
     *
     * @return one for each limit, requests first, minutes before days; unmodifiable
     */
    public List<QuotaStatus> status() {
        lock.lock();
        try {
            long now = moveOn();
            return windows.stream().map(window -> window.status(now)).toList();
        } finally {
            lock.unlock();
        }
    }

    /** For example {@code Quota(name='groq', QuotaSettings(...), left=75 %)}. */
    @Override
    public String toString() {
        return "Quota(name='" + name + "', " + settings + ", left=" + Math.round(100 * left()) + " %)";
    }

    private Summary summary() {
        Summary seen = summary;
        if (isCurrent(seen) || !lock.tryLock()) {
            // Who has the lock writes a new one; until then, one that is a moment old is better than to wait.
            return seen;
        }
        try {
            Summary made = summarise(moveOn());
            summary = made;
            return made;
        } finally {
            lock.unlock();
        }
    }

    private boolean isCurrent(Summary seen) {
        if (timeSource.nanoTime() - seen.staleAtNanos >= 0) {
            return false;
        }
        if (seen.dayUntilMillis == NO_DAY) {
            return true;
        }
        long wallMillis = instantSource.millis();
        return wallMillis >= seen.dayFromMillis && wallMillis < seen.dayUntilMillis;
    }

    /** Lets everything that has run out come back, under the lock. Returns the time. */
    private long moveOn() {
        long now = timeSource.nanoTime();
        if (day != null) {
            day.moveTo(now, instantSource.millis());
        }
        for (Window window : windows) {
            window.moveTo(now);
        }
        return now;
    }

    private Summary summarise(long now) {
        double left = 1;
        boolean isNearlyUsedUp = false;
        long requestsLeft = Long.MAX_VALUE;
        long tokensLeft = Long.MAX_VALUE;
        long staleAt = now + HORIZON_NANOS;
        for (Window window : windows) {
            left = Math.min(left, (double) window.left() / window.limit());
            isNearlyUsedUp |= window.isNearlyUsedUp();
            if (window.unit == QuotaUnit.REQUESTS) {
                requestsLeft = Math.min(requestsLeft, window.left());
            } else {
                tokensLeft = Math.min(tokensLeft, window.left());
            }
            staleAt = window.changesAtNanos(staleAt);
        }
        return new Summary(
                left,
                isNearlyUsedUp,
                requestsLeft,
                tokensLeft,
                staleAt,
                day == null ? 0 : day.fromMillis(),
                day == null ? NO_DAY : day.untilMillis());
    }

    private List<String> warnings(List<Window> changed, long now) {
        List<String> warnings = List.of();
        for (Window window : changed) {
            String warning = window.warning(name, now);
            if (warning != null) {
                warnings = warnings.isEmpty() ? new ArrayList<>() : warnings;
                warnings.add(warning);
            }
        }
        return warnings;
    }

    private static void log(List<String> warnings) {
        warnings.forEach(logger::warn);
    }
}
