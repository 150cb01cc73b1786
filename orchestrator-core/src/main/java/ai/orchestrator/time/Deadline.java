package ai.orchestrator.time;

import java.time.Duration;
import java.util.Objects;
import java.util.function.Supplier;

/**
 * A point in time by which something must be done.
 *
 * <p>A deadline is passed down where a timeout would be copied: a timeout starts anew in every layer, so the layers' limits add up, while
 * a deadline means the same moment everywhere. Safe for use by several threads.
 */
public sealed class Deadline {

    /** Far enough for any call, near enough that adding it to a time cannot overflow: about 146 years. */
    private static final long MAX_NANOS = Long.MAX_VALUE / 2;

    private final TimeSource timeSource;
    private final long nanoTime;

    private Deadline(TimeSource timeSource, long nanoTime) {
        this.timeSource = timeSource;
        this.nanoTime = nanoTime;
    }

    /**
     * A deadline some time from now.
     *
     * @param timeSource what measures it
     * @param timeout how far away; zero or negative is expired already, more than 146 years is taken as that
     * @return the deadline
     */
    public static Deadline after(TimeSource timeSource, Duration timeout) {
        Objects.requireNonNull(timeSource, "timeSource");
        return new Deadline(timeSource, timeSource.nanoTime() + saturatedNanos(timeout));
    }

    /**
     * A deadline that may move: of work that several wait for, each for as long as he can.
     *
     * @param current gives the deadline as it stands; asked each time, by any thread; on one time source
     * @return the deadline
     */
    public static Deadline following(Supplier<Deadline> current) {
        return new Following(current);
    }

    /**
     * Whether it means the same moment for ever.
     *
     * @return false for one that {@linkplain #following follows} others
     */
    public boolean isFixed() {
        return true;
    }

    /**
     * The earlier one of this deadline and one some time from now.
     *
     * @param timeout how far away from now, with the edges of {@link #after}
     * @return this, or a nearer deadline
     */
    public Deadline orAfter(Duration timeout) {
        return orEarlier(after(timeSource, timeout));
    }

    /**
     * The moment halfway between now and this deadline; of one that moves, it moves half as far.
     *
     * @return a deadline; one that is expired already if this one is
     */
    public Deadline halfway() {
        return new Deadline(timeSource, halfwayFrom(timeSource.nanoTime()));
    }

    private long halfwayFrom(long startNanos) {
        return startNanos + (timeSource.nanoTime() + remainingNanos() - startNanos) / 2;
    }

    Deadline orEarlier(Deadline other) {
        return other.nanoTime - nanoTime < 0 ? other : this;
    }

    /**
     * What is left.
     *
     * @return nanoseconds; zero or negative once the deadline is reached
     */
    public long remainingNanos() {
        return nanoTime - timeSource.nanoTime();
    }

    /**
     * What is left.
     *
     * @return the time left, never negative
     */
    public Duration remaining() {
        return Duration.ofNanos(Math.max(0, remainingNanos()));
    }

    /**
     * Whether it has been reached.
     *
     * @return true from the exact moment on
     */
    public boolean isExpired() {
        return remainingNanos() <= 0;
    }

    private static long saturatedNanos(Duration timeout) {
        // Duration.toNanos() overflows with an exception beyond 292 years.
        if (timeout.isNegative()) {
            return 0;
        }
        return timeout.toSeconds() >= MAX_NANOS / 1_000_000_000 ? MAX_NANOS : timeout.toNanos();
    }

    private static final class Following extends Deadline {

        private final Supplier<Deadline> current;

        private Following(Supplier<Deadline> current) {
            super(current.get().timeSource, current.get().nanoTime);
            this.current = current;
        }

        @Override
        public boolean isFixed() {
            return false;
        }

        @Override
        Deadline orEarlier(Deadline other) {
            // Whichever is earlier now, this one may move beyond the other.
            return new Following(() -> current.get().orEarlier(other));
        }

        @Override
        public Deadline halfway() {
            long startNanos = super.timeSource.nanoTime();
            return new Following(() -> new Deadline(super.timeSource, super.halfwayFrom(startNanos)));
        }

        @Override
        public long remainingNanos() {
            return current.get().remainingNanos();
        }
    }

    @Override
    public String toString() {
        return "Deadline(remaining=" + remaining() + ")";
    }
}
