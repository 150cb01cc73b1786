package ai.orchestrator.simulation;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** What a provider goes through. Some remember what came before, so each run makes a new one. */
abstract class Weather {

    private static final long MINUTE_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final long fromNanos;
    private final long untilNanos;

    /** Bad between two times since the simulation began. */
    private Weather(Duration from, Duration until) {
        this.fromNanos = from.toNanos();
        this.untilNanos = until.toNanos();
    }

    static Weather fair() {
        return during(Duration.ZERO, Duration.ZERO, Condition.FINE);
    }

    /** The same all the time. */
    static Weather during(Duration from, Duration until, Condition condition) {
        return new Weather(from, until) {
            @Override
            Condition whileSick(long sinceNanos, int underWay) {
                return condition;
            }
        };
    }

    /** Bad and fair by turns of this length, bad first and last. */
    static Weather byTurns(Duration from, Duration until, Duration turn, Condition condition) {
        return new Weather(from, until.minus(turn)) {
            @Override
            boolean isSick(long sinceNanos) {
                return sinceNanos / turn.toNanos() % 2 == 0;
            }

            @Override
            Condition whileSick(long sinceNanos, int underWay) {
                return condition;
            }
        };
    }

    /** Takes so many attempts in each minute; one that is refused does not count. */
    static Weather limited(Duration from, Duration until, int attempts, Condition beyond, boolean hint) {
        return new Weather(from, until) {
            private long minute = -1;
            private int taken;

            @Override
            Condition whileSick(long sinceNanos, int underWay) {
                if (sinceNanos / MINUTE_NANOS != minute) {
                    minute = sinceNanos / MINUTE_NANOS;
                    taken = 0;
                }
                if (taken < attempts) {
                    taken++;
                    return Condition.FINE;
                }
                // In whole seconds, as the header has it.
                long left = TimeUnit.NANOSECONDS.toSeconds(MINUTE_NANOS - sinceNanos % MINUTE_NANOS) + 1;
                return hint ? beyond.withRetryAfter(Duration.ofSeconds(left)) : beyond;
            }
        };
    }

    /** Takes so many attempts from the beginning until the day ends, and is sick once they are used up. */
    static Weather daily(Duration midnight, int attempts, Condition beyond) {
        return new Weather(Duration.ZERO, midnight) {
            private int taken;

            @Override
            boolean isSick(long sinceNanos) {
                return taken >= attempts;
            }

            @Override
            Condition whileWell() {
                taken++;
                return Condition.FINE;
            }

            @Override
            Condition whileSick(long sinceNanos, int underWay) {
                return beyond;
            }
        };
    }

    /** Slower and slower, up to so many times as slow, and in the last fifth of the time silent. */
    static Weather slowDeath(Duration from, Duration until, double slowest) {
        double alive = 0.8 * until.minus(from).toNanos();
        return new Weather(from, until) {
            @Override
            Condition whileSick(long sinceNanos, int underWay) {
                return sinceNanos < alive ? Condition.slow(1 + (slowest - 1) * sinceNanos / alive) : Condition.SILENT;
            }
        };
    }

    /**
     * Down for a quarter of the time; then it works on a part of the attempts that a load brings with it, which grows from none to all while
     * it gets warm.
     */
    static Weather restart(Duration from, Duration until, int callsPerSecond, Condition down, Condition full) {
        double length = until.minus(from).toNanos();
        return new Weather(from, until) {
            @Override
            Condition whileSick(long sinceNanos, int underWay) {
                double warmth = (sinceNanos / length - 0.25) / 0.75;
                if (warmth < 0) {
                    return down;
                }
                // Attempts take about a second, so there are about as many at a time as come in one.
                return underWay < 1 + 2 * callsPerSecond * warmth ? Condition.FINE : full;
            }
        };
    }

    final boolean isSickAt(long nanos) {
        return nanos >= fromNanos && nanos < untilNanos && isSick(nanos - fromNanos);
    }

    final boolean isOverAt(long nanos) {
        return nanos >= untilNanos;
    }

    /** Since the trouble ended. */
    final Duration sinceOver(long nanos) {
        return Duration.ofNanos(nanos - untilNanos);
    }

    /**
     * What becomes of an attempt that begins now; asked once for each.
     *
     * @param nanos since the simulation began
     * @param underWay how many others the provider works on
     */
    final Condition at(long nanos, int underWay) {
        return isSickAt(nanos) ? whileSick(nanos - fromNanos, underWay) : whileWell();
    }

    /** Whether that part of the time in trouble is bad. */
    boolean isSick(long sinceNanos) {
        return true;
    }

    abstract Condition whileSick(long sinceNanos, int underWay);

    Condition whileWell() {
        return Condition.FINE;
    }
}
