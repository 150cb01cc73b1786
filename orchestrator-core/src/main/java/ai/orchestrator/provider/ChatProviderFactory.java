package ai.orchestrator.provider;

import java.time.InstantSource;
import java.util.List;

/**
 * Makes providers of the types that a dialect understands. Found by {@link java.util.ServiceLoader}, which makes a new factory for each
 * orchestrator; the orchestrator closes it. Safe for use by several threads.
 */
public interface ChatProviderFactory extends AutoCloseable {

    /**
     * The types that this factory makes.
     *
     * @return at least one; no two factories announce the same name
     */
    List<ProviderType> types();

    /**
     * Makes a provider. Nothing is sent.
     *
     * @param target where and as what to call; checked against its type already
     * @param instantSource the wall clock, for what a provider says in dates; decides nothing else
     * @return a provider, to be closed before this factory
     */
    ChatProvider create(ProviderTarget target, InstantSource instantSource);

    /** Releases what its providers share, such as a connection pool. Does nothing by default. */
    @Override
    default void close() {}
}
