package ai.orchestrator;

import ai.orchestrator.chat.ChatResponse;
import io.github.resilience4j.retry.Retry;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A provider's part in one call. For the call's thread. */
final class Candidate {

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
    Stage stage = Stage.FRESH;
    int attempts;

    /** How many attempts and waits the call had behind it when this one was skipped. */
    int skippedAt;

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

    Candidate(RegisteredProvider provider) {
        this.provider = provider;
    }

    /** Resilience4j's view of the attempts. */
    Retry.AsyncContext<ChatResponse.Builder> retry() {
        if (retry == null) {
            retry = provider.retry().begin();
        }
        return retry;
    }

    /** Whether it has never been asked, because it cannot serve the request. */
    boolean isUnfit() {
        return attempts == 0 && stage == Stage.DONE;
    }
}
