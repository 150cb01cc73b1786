package ai.orchestrator.cache;

import ai.orchestrator.time.TimeSource;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import java.util.Optional;

/**
 * Keeps answers in this process's memory; made by {@link ResponseCache#inMemory}. Safe for use by any number of threads. It cleans up on the
 * threads of those who use it: there is nothing to close.
 */
public final class InMemoryCache implements ResponseCache {

    private final Cache<CacheKey, CachedAnswer> answers;

    InMemoryCache(Duration ttl, long maxBytes, TimeSource timeSource) {
        check(ttl, maxBytes);
        this.answers = Caffeine.newBuilder()
                .ticker(timeSource::nanoTime)
                .expireAfterWrite(ttl)
                .maximumWeight(maxBytes)
                .weigher((CacheKey key, CachedAnswer answer) -> (int) Math.min(Integer.MAX_VALUE, answer.bytes()))
                .executor(Runnable::run)
                .build();
    }

    private static void check(Duration ttl, long maxBytes) {
        if (ttl.isZero() || ttl.isNegative()) {
            throw new IllegalArgumentException("ttl must be more than zero but is " + ttl);
        }
        if (maxBytes <= 0) {
            throw new IllegalArgumentException("maxBytes must be more than zero but is " + maxBytes);
        }
    }

    /**
     * Changes how long answers are kept, and how much memory they may take. What is kept stays, but for what is too old now, counted from
     * when it was put in, or too much.
     *
     * @param ttl how long an answer is kept; more than zero
     * @param maxBytes about how much memory the answers may take, in bytes; more than zero
     * @throws IllegalArgumentException if one of the two is zero or negative; then nothing has changed
     */
    public void resize(Duration ttl, long maxBytes) {
        check(ttl, maxBytes);
        answers.policy().expireAfterWrite().orElseThrow().setExpiresAfter(ttl);
        answers.policy().eviction().orElseThrow().setMaximum(maxBytes);
    }

    @Override
    public Optional<CachedAnswer> get(CacheKey key) {
        return Optional.ofNullable(answers.getIfPresent(key));
    }

    @Override
    public void put(CacheKey key, CachedAnswer answer) {
        answers.put(key, answer);
    }

    @Override
    public void clear() {
        answers.invalidateAll();
    }

    @Override
    public String toString() {
        return "ResponseCache(in memory, " + answers.estimatedSize() + " answers)";
    }
}
