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

    /** A hundred seconds, thirty of which in trouble; of a thousand calls a second, thirty and fifteen. */
    static Traffic shortly(int callsPerSecond) {
        boolean many = callsPerSecond >= 1_000;
        return new Traffic(
                callsPerSecond,
                Duration.ofSeconds(many ? 30 : 100),
                Duration.ofSeconds(many ? 5 : 10),
                Duration.ofSeconds(many ? 20 : 40));
    }
}
