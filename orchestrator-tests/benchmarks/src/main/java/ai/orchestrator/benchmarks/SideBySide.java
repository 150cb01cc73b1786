package ai.orchestrator.benchmarks;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

/** Times several ways in turn, in one process and in an order that is drawn anew for each round: whatever disturbs one disturbs all. */
final class SideBySide {

    /** What a way leaves to be done by other threads is not to be paid by the next one. */
    private static final long SETTLING_NANOS = 100_000;

    private static final int SEED = 17;

    private final Map<String, Way> ways = new LinkedHashMap<>();

    /** One of the ways. */
    interface Way {

        /** Does it once, and says how many nanoseconds it took. */
        long nanos() throws IOException;
    }

    /** What was measured of one way, in ascending order. */
    static final class Times {

        private final long[] sortedNanos;

        private Times(long[] sortedNanos) {
            this.sortedNanos = sortedNanos;
        }

        double micros(int percentile) {
            return sortedNanos[(int) ((long) sortedNanos.length * percentile / 100)] / 1_000.0;
        }
    }

    SideBySide way(String name, Way way) {
        ways.put(name, way);
        return this;
    }

    Map<String, Times> run(int warmUps, int rounds) throws IOException {
        Map<String, long[]> nanos = new LinkedHashMap<>();
        ways.keySet().forEach(name -> nanos.put(name, new long[rounds]));
        List<Map.Entry<String, Way>> order = new ArrayList<>(ways.entrySet());
        Random random = new Random(SEED);
        for (int round = -warmUps; round < rounds; round++) {
            Collections.shuffle(order, random);
            for (Map.Entry<String, Way> entry : order) {
                long took = entry.getValue().nanos();
                long[] measured = nanos.get(entry.getKey());
                if (round >= 0 && measured != null) {
                    measured[round] = took;
                }
                settle();
            }
        }
        Map<String, Times> times = new LinkedHashMap<>();
        nanos.forEach((name, measured) -> {
            Arrays.sort(measured);
            times.put(name, new Times(measured));
        });
        return times;
    }

    private static void settle() {
        long end = System.nanoTime() + SETTLING_NANOS;
        while (System.nanoTime() - end < 0) {
            Thread.onSpinWait();
        }
    }

    /**
     * The times as Markdown, each beside those of the first way.
     *
     * @param title what was done in these ways
     */
    static String table(String title, Map<String, Times> times) {
        StringBuilder table = new StringBuilder("""
                | %s | p50, µs | p99, µs | p50 beyond the first's | p99 beyond the first's |
                |---|---:|---:|---:|---:|
                """.formatted(title));
        Times first = times.values().iterator().next();
        boolean isFirst = true;
        for (Map.Entry<String, Times> entry : times.entrySet()) {
            Times measured = entry.getValue();
            table.append(String.format(
                    Locale.ROOT,
                    "| %s | %.1f | %.1f | %s | %s |\n",
                    entry.getKey(),
                    measured.micros(50),
                    measured.micros(99),
                    isFirst ? "" : beyond(measured, first, 50),
                    isFirst ? "" : beyond(measured, first, 99)));
            isFirst = false;
        }
        return table.toString();
    }

    private static String beyond(Times measured, Times first, int percentile) {
        return String.format(Locale.ROOT, "%+.1f", measured.micros(percentile) - first.micros(percentile));
    }
}
