package ai.orchestrator.cache;

import ai.orchestrator.time.TimeSource;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import java.util.Optional;

/** On Caffeine, which cleans up on the threads of those who use it: there is no thread to stop. */
final class InMemoryCache implements ResponseCache {

    private final Cache<CacheKey, CachedAnswer> answers;

    InMemoryCache(Duration ttl, long maxBytes, TimeSource timeSource) {
        if (ttl.isZero() || ttl.isNegative()) {
            throw new IllegalArgumentException("ttl must be more than zero but is " + ttl);
        }
        if (maxBytes <= 0) {
            throw new IllegalArgumentException("maxBytes must be more than zero but is " + maxBytes);
        }
        this.answers = Caffeine.newBuilder()
                .ticker(timeSource::nanoTime)
                .expireAfterWrite(ttl)
                .maximumWeight(maxBytes)
                .weigher((CacheKey key, CachedAnswer answer) -> (int) Math.min(Integer.MAX_VALUE, answer.bytes()))
                .executor(Runnable::run)
                .build();
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
