package ai.orchestrator.cache;

import ai.orchestrator.chat.ChatRequest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * What was asked, and whom. Two keys are equal if the requests are, in every field, and the same providers stand behind them; what was asked
 * can't be read from a key, which is a SHA-256 digest. Immutable and safe for use by several threads.
 */
public final class CacheKey {

    private final byte[] digest;

    private CacheKey(byte[] digest) {
        this.digest = digest;
    }

    /**
     * The key of a request.
     *
     * @param route the name of the route that it takes
     * @param providers what tells each provider of the route apart: name, type, address, model, options; in any order
     * @param request what is asked
     * @return its key; the same in every process
     */
    public static CacheKey of(String route, List<String> providers, ChatRequest request) {
        KeyEncoder encoder = new KeyEncoder();
        encoder.string(route);
        encoder.list(providers.stream().sorted().toList(), encoder::string);
        encoder.request(request);
        return new CacheKey(encoder.digest());
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof CacheKey other && Arrays.equals(digest, other.digest);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(digest);
    }

    /** The digest in 64 hexadecimal digits: a name under which a store may keep the answer. */
    @Override
    public String toString() {
        return HexFormat.of().formatHex(digest);
    }
}
