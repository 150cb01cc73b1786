package ai.orchestrator.simulation;

import java.util.ArrayList;
import java.util.List;

/**
 * What docs/failures.md says of the retry budget: a fifth of the first attempts and ten, over ten seconds. The seconds are counted as whole
 * ones, so what happened between ten and eleven seconds ago may count or not. For one thread.
 */
final class ReferenceBudget {

    private static final long TEN = 10_000_000_000L;
    private static final long ELEVEN = 11_000_000_000L;

    private final List<Long> firsts = new ArrayList<>();
    private final List<Taken> taken = new ArrayList<>();

    /** What a retry or a failover has used up. */
    record Taken(long at) {}

    void first(long now) {
        firsts.add(now);
    }

    Taken take(long now) {
        Taken one = new Taken(now);
        taken.add(one);
        return one;
    }

    void giveBack(Taken one) {
        taken.remove(one);
    }

    boolean mayAllow(long now) {
        return left(firstsSince(now - ELEVEN), takenSince(now - TEN)) >= 1;
    }

    boolean mustAllow(long now) {
        return left(firstsSince(now - TEN), takenSince(now - ELEVEN)) >= 1;
    }

    private static long left(long firsts, long taken) {
        return 10 + firsts / 5 - taken;
    }

    private long firstsSince(long time) {
        return firsts.stream().filter(at -> at > time).count();
    }

    private long takenSince(long time) {
        return taken.stream().filter(one -> one.at > time).count();
    }
}
