package ai.orchestrator.simulation;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Random choices, all of them from one seed. For one thread at a time. */
final class Draw {

    private final SplittableRandom random;

    Draw(long seed) {
        random = new SplittableRandom(seed);
    }

    /** Zero or more and less than one. */
    double next() {
        return random.nextDouble();
    }

    boolean chance(int percent) {
        return random.nextInt(100) < percent;
    }

    /** From zero on, less than the bound. */
    int below(int bound) {
        return random.nextInt(bound);
    }

    int between(int least, int most) {
        return least + random.nextInt(most - least + 1);
    }

    long seed() {
        return random.nextLong();
    }

    @SafeVarargs
    final <T> T of(T... choices) {
        return choices[random.nextInt(choices.length)];
    }

    <T> T of(List<T> choices) {
        return choices.get(random.nextInt(choices.size()));
    }

    /** One of these lengths, each as likely: often the same ones, so that things meet at the same nanosecond. */
    Duration millis(long... choices) {
        return Duration.ofMillis(choices[random.nextInt(choices.length)]);
    }

    /** Any length up to a limit, shorter ones as likely as longer ones on every scale. */
    long nanosUpTo(Duration limit) {
        long scale = limit.toNanos();
        while (scale > 1_000_000 && chance(50)) {
            scale /= 8;
        }
        return random.nextLong(scale + 1);
    }

    /** Some of them in any order, one at least. */
    <T> List<T> some(List<T> all) {
        List<T> left = new ArrayList<>(all);
        List<T> chosen = new ArrayList<>();
        int count = between(1, all.size());
        while (chosen.size() < count) {
            chosen.add(left.remove(random.nextInt(left.size())));
        }
        return chosen;
    }
}
