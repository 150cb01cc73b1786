package ai.orchestrator.cache;

import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.util.Optional;

/**
 * Keeps answers for identical requests. Implement it to share them between processes.
 *
 * <p>Implementations are safe for use by any number of threads at once. They may lose what was put in at any time. An exception is logged
 * and taken as a miss; an {@link Error} that looking up throws ends the call. They are on the way of every call that uses the cache and know no deadline, so one
 * that talks to a server must limit its own waits.
 */
public interface ResponseCache {

    /** How long an answer is kept unless configured: 30 days. */
    Duration DEFAULT_TTL = Duration.ofDays(30);

    /** How much memory the answers may take unless configured: 64 MB. */
    long DEFAULT_MAX_BYTES = 64L * 1024 * 1024;

    /**
     * A cache in this process's memory. When it is full, the answers that are asked for least make room.
     *
     * @param ttl how long an answer is kept; more than zero
     * @param maxBytes about how much memory the answers may take, in bytes; more than zero; a larger answer is not kept
     * @param timeSource what measures the time
     * @return a new cache
     * @throws IllegalArgumentException if one of the two is zero or negative
     */
    static InMemoryCache inMemory(Duration ttl, long maxBytes, TimeSource timeSource) {
        return new InMemoryCache(ttl, maxBytes, timeSource);
    }

    /**
     * Looks an answer up.
     *
     * @param key what was asked, and whom
     * @return the answer, if there is one that is not too old
     */
    Optional<CachedAnswer> get(CacheKey key);

    /**
     * Keeps an answer, in place of one that is there already.
     *
     * @param key what was asked, and whom
     * @param answer a complete answer
     */
    void put(CacheKey key, CachedAnswer answer);

    /** Forgets every answer. */
    void clear();
}
