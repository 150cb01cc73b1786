package ai.orchestrator.breaker;

/**
 * When the failures in a row happened: a ring with room for as many as open the breaker. Written under the guard's lock; whether it is empty
 * may be asked without.
 */
final class FailureTimes {

    private long[] ring;
    private long windowNanos;
    private int oldest;
    private volatile int size;

    /**
     * @param capacity how many can be held at once
     * @param windowNanos failures of this age and older do not count; zero for no limit
     */
    FailureTimes(int capacity, long windowNanos) {
        this.ring = new long[capacity];
        this.windowNanos = windowNanos;
    }

    /**
     * Holds another number, over another time; those that are held stay, and leave room for one more.
     *
     * @param capacity as for a new one
     * @param windowNanos as for a new one
     */
    void resize(int capacity, long windowNanos) {
        int count = size;
        long[] resized = new long[Math.max(capacity, count + 1)];
        for (int i = 0; i < count; i++) {
            resized[i] = ring[(oldest + i) % ring.length];
        }
        this.ring = resized;
        this.oldest = 0;
        this.windowNanos = windowNanos;
    }

    boolean isEmpty() {
        return size == 0;
    }

    void add(long now) {
        int count = size;
        ring[(oldest + count) % ring.length] = now;
        size = count + 1;
    }

    /** How many count at a time, without forgetting the others. */
    int countAt(long now) {
        int count = size;
        for (int i = oldest; count > 0 && isTooOld(i, now); i++) {
            count--;
        }
        return count;
    }

    /**
     * Drops those that no longer count.
     *
     * @return whether there were any
     */
    boolean forgetOld(long now) {
        int young = countAt(now);
        int old = size - young;
        oldest = (oldest + old) % ring.length;
        size = young;
        return old > 0;
    }

    void clear() {
        size = 0;
    }

    private boolean isTooOld(int index, long now) {
        return windowNanos > 0 && now - ring[index % ring.length] >= windowNanos;
    }
}
