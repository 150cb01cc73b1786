package ai.orchestrator;

import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.health.ProviderHealth;
import ai.orchestrator.routing.ProviderSnapshot;
import ai.orchestrator.routing.TokenPrice;
import io.github.resilience4j.retry.Retry;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A provider's part in one call; for the strategy, the provider as it was when the call was routed. For the call's thread. */
final class Candidate implements ProviderSnapshot, Comparable<Candidate> {

    /** How far a call has come with it. */
    enum Stage {
        /** Has not been asked. */
        FRESH,
        /** Could not be asked when its turn came. */
        SKIPPED,
        /** Has failed, and may be asked again when its wait is over. */
        WAITING,
        /** Is of no more use to this call. */
        DONE
    }

    final RegisteredProvider provider;
    private final Route.Member member;

    /** Whether it comes after all that are not, because it is nearly out of quota, or fails its health checks. */
    final boolean deprioritized;

    /** What the strategy made of it: smaller is earlier. */
    double rank;

    private final double quotaLeft;
    private @Nullable ProviderHealth health;

    Stage stage = Stage.FRESH;
    int attempts;

    /** When the wait that its last failure brought is over. */
    long waitEndNanos;

    /** When a waiting one may be asked again at the latest, as far as is known. */
    long dueNanos;

    /** What ends its wait earlier; null if only time does. */
    @Nullable
    CompletableFuture<Void> sooner;

    /** How long the call waited for it, before the attempt that is under way or was the last. */
    Duration waited = Duration.ZERO;

    /** Whether it is out because it does not accept its key. */
    boolean keyRejected;

    private Retry.@Nullable AsyncContext<ChatResponse.Builder> retry;

    Candidate(Route.Member member) {
        this.provider = member.provider();
        this.member = member;
        ProviderSetup setup = provider.setup();
        this.deprioritized = provider.isDeprioritized(setup);
        this.quotaLeft = setup.quotaLeft();
    }

    /** Resilience4j's view of the attempts, which goes by what the first that failed went by. */
    Retry.AsyncContext<ChatResponse.Builder> retry(ProviderSetup attempted) {
        if (retry == null) {
            retry = attempted.retry().begin();
        }
        return retry;
    }

    /** An attempt has succeeded. */
    void succeeded() {
        if (retry != null) {
            retry.onComplete();
        }
    }

    /** Whether it has never been asked, because it cannot serve the request. */
    boolean isUnfit() {
        return attempts == 0 && stage == Stage.DONE;
    }

    /** Before another one, after it, or level with it: not consistent with equals. */
    @Override
    public int compareTo(Candidate other) {
        return deprioritized == other.deprioritized
                ? Double.compare(rank, other.rank)
                : Boolean.compare(deprioritized, other.deprioritized);
    }

    // ---- What a strategy sees

    @Override
    public String name() {
        return provider.name();
    }

    @Override
    public int order() {
        return member.order();
    }

    @Override
    public int weight() {
        return member.settings().weight();
    }

    @Override
    public Optional<TokenPrice> price() {
        return member.settings().price();
    }

    @Override
    public OptionalLong contextWindow() {
        return member.settings().contextWindow();
    }

    @Override
    public ProviderHealth health() {
        // Looked up for the strategies that ask, and then kept: a snapshot does not move.
        if (health == null) {
            health = provider.recent().health();
        }
        return health;
    }

    @Override
    public double quotaLeft() {
        return quotaLeft;
    }
}
