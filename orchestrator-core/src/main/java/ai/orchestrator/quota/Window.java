package ai.orchestrator.quota;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One limit, and what counts against it. Guarded by the quota's lock. */
abstract class Window {

    /** More than any call takes, and so little that no sum of a day's calls overflows. */
    private static final long MOST_TOKENS = 1_000_000_000_000L;

    final QuotaUnit unit;
    final QuotaWindow kind;
    private long limit;

    /** No correction lasts longer, and no warning is repeated sooner. */
    private final long lengthNanos;

    /** What our own calls have taken or reserved. */
    private long own;

    /** What the provider has counted beyond that: for others that share the key, or because it counts otherwise. */
    private long added;

    private long addedUntilNanos;

    private Level level = Level.FINE;
    private Level warned = Level.FINE;
    private long warnedNanos;

    Window(QuotaUnit unit, QuotaWindow kind, long limit, long lengthNanos) {
        this.unit = unit;
        this.kind = kind;
        this.limit = limit;
        this.lengthNanos = lengthNanos;
    }

    /** Lets what has run out come back. */
    void moveTo(long now) {
        if (added > 0 && now - addedUntilNanos >= 0) {
            added = 0;
        }
    }

    /** What is taken now belongs to this one. */
    abstract Batch batchAt(long now);

    /** When so much of what is used will have come back. */
    abstract long backInNanos(long amount, long now);

    abstract long resetsInNanos(long now);

    /** At what time it looks different although nothing is taken, whatever the wall clock says; the horizon if that is sooner. */
    long changesAtNanos(long horizonNanos) {
        return added > 0 ? sooner(addedUntilNanos, horizonNanos) : horizonNanos;
    }

    static long sooner(long aNanos, long bNanos) {
        return aNanos - bNanos < 0 ? aNanos : bNanos;
    }

    final long limit() {
        return limit;
    }

    /** What our calls took stays, also where it is more than the limit now. It may be warned of once more. */
    final void limit(long limit) {
        if (limit == this.limit) {
            return;
        }
        if (limit < this.limit) {
            // It was measured against the limit before, and may be nothing but what that was too high: what the
            // provider said is left stays left.
            added = Math.max(0, added - (this.limit - limit));
        }
        this.limit = limit;
        level = Level.FINE;
        warned = Level.FINE;
    }

    final long used() {
        return own + added;
    }

    final long left() {
        return Math.max(0, limit - used());
    }

    final long added() {
        return added;
    }

    /** What a call takes: one that may need more than all there is takes all, or it could never be served. */
    final long need(long tokens) {
        return need(tokens, limit);
    }

    /** The same under a limit that it had. */
    final long need(long tokens, long limit) {
        return unit == QuotaUnit.REQUESTS ? 1 : Math.min(capped(tokens), limit);
    }

    static long capped(long tokens) {
        return Math.max(0, Math.min(tokens, MOST_TOKENS));
    }

    /** Why a call would not be let in; null if it would. */
    final Quota.@Nullable Refusal refusal(long tokens, long now) {
        // One that expects to use no tokens will use some.
        long need = Math.max(1, need(tokens));
        long left = left();
        return need <= left
                ? null
                : new Quota.Refusal(
                        unit, kind, used(), limit, need, Duration.ofNanos(backInNanos(need + used() - limit, now)));
    }

    final Batch take(long amount, long now) {
        Batch batch = batchAt(now);
        batch.amount += amount;
        own += amount;
        return batch;
    }

    final void giveBack(Batch batch, long amount) {
        if (!batch.isOver) {
            batch.amount -= amount;
            own -= amount;
        }
    }

    final void end(Batch batch) {
        batch.isOver = true;
        own -= batch.amount;
    }

    /** Believes nothing of what the provider has said. */
    final void forgetAdded() {
        added = 0;
    }

    /** The window as a whole is over, and so is what was counted beside the batches. */
    final void startAnew() {
        added = 0;
        level = Level.FINE;
        warned = Level.FINE;
    }

    /**
     * Believes the provider that no more than this is left.
     *
     * <p>Answers come out of order, so a figure only ever raises what counts as used. All that is reserved is taken to be in the provider's
     * figure, though it may not have seen all of it yet: what is added is what it must have counted for others even so. It stays on top
     * while our own calls come and go, and if it is too little, the next answer adds the rest. To assume the opposite would count calls twice,
     * until the window ends.
     */
    final void correct(long remaining, Optional<Duration> resetsIn, long now) {
        long more = limit - own - remaining;
        if (more <= 0 || more < added) {
            return;
        }
        long lasts =
                resetsIn.map(Window::nanos).filter(nanos -> nanos < lengthNanos).orElse(lengthNanos);
        if (lasts <= 0) {
            return;
        }
        boolean isFirst = added == 0;
        added = more;
        if (isFirst || now + lasts - addedUntilNanos > 0) {
            addedUntilNanos = now + lasts;
        }
    }

    private static long nanos(Duration duration) {
        return duration.compareTo(Duration.ofDays(2)) > 0 ? Long.MAX_VALUE : duration.toNanos();
    }

    /** When what was added by corrections comes back. */
    final long addedLeftNanos(long now) {
        return addedUntilNanos - now;
    }

    final boolean isNearlyUsedUp() {
        return Level.NEARLY_USED_UP.isReached(this);
    }

    final QuotaStatus status(long now) {
        return new QuotaStatus(unit, kind, limit, used(), left(), Duration.ofNanos(resetsInNanos(now)));
    }

    /** What to warn of: a level that was reached since the last look. Each one at most once in the window's length. */
    final @Nullable String warning(String provider, long now) {
        Level before = level;
        level = Level.of(this);
        if (level.compareTo(before) <= 0 || (level.compareTo(warned) <= 0 && now - warnedNanos < lengthNanos)) {
            return null;
        }
        warned = level;
        warnedNanos = now;
        return "Provider '" + provider + "' has used " + (long) (100.0 * used() / limit) + " % of its "
                + unit.count(limit) + " " + kind + "; " + level.consequence;
    }

    private enum Level {
        FINE(0, ""),
        MOSTLY_USED(5, "from 90 % on it is asked after others"),
        NEARLY_USED_UP(10, "it is asked after others now, and not at all at 100 %");

        /** Which part of the limit is left at most. */
        private final int part;

        private final String consequence;

        Level(int part, String consequence) {
            this.part = part;
            this.consequence = consequence;
        }

        private boolean isReached(Window window) {
            return window.left() <= window.limit / part;
        }

        private static Level of(Window window) {
            if (NEARLY_USED_UP.isReached(window)) {
                return NEARLY_USED_UP;
            }
            return MOSTLY_USED.isReached(window) ? MOSTLY_USED : FINE;
        }
    }
}
