package ai.orchestrator.internal;

import java.time.Duration;

/** Durations as people read them, in messages. */
public final class Durations {

    private static final long MILLIS_UP_TO = 10_000;

    private Durations() {}

    /**
     * A duration in milliseconds, or in seconds where it has no smaller part or is so long that the part does not matter.
     *
     * @param duration zero or more
     * @return for example {@code 250 ms} or {@code 30 s}
     */
    public static String text(Duration duration) {
        long millis = duration.toMillis();
        boolean inMillis = millis < MILLIS_UP_TO && millis % 1_000 != 0;
        return inMillis ? millis + " ms" : duration.toSeconds() + " s";
    }
}
