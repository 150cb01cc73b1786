package ai.orchestrator.simulation;

import java.time.Duration;

/**
 * How many calls come, by chance, for how long.
 *
 * @param callsPerSecond on average
 * @param length how long
 * @param troubleFrom when the trouble begins
 * @param troubleUntil when it is over
 */
record Traffic(int callsPerSecond, Duration length, Duration troubleFrom, Duration troubleUntil) {

    /** An hour of one call a second, and a third of it in trouble. */
    static final Traffic HOUR = new Traffic(1, Duration.ofHours(1), Duration.ofMinutes(10), Duration.ofMinutes(30));

    /** A hundred seconds, thirty of which in trouble: short, because of a thousand calls a second. */
    static Traffic shortly(int callsPerSecond) {
        return new Traffic(callsPerSecond, Duration.ofSeconds(100), Duration.ofSeconds(10), Duration.ofSeconds(40));
    }
}
