package ai.orchestrator.quota;

/** What was taken at about the same time, and comes back at once. Guarded by the quota's lock. */
final class Batch {

    final long firstNanos;
    long lastNanos;
    long amount;

    /** It has come back, and nothing can be given back of it any more. */
    boolean isOver;

    Batch(long now) {
        this.firstNanos = now;
        this.lastNanos = now;
    }
}
