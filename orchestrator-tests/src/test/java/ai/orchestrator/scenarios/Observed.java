package ai.orchestrator.scenarios;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.ChatProviderFactory;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.provider.ProviderType;
import ai.orchestrator.providers.HttpProviderFactory;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** The real providers, and how many pieces have come from them: what a contract holds back can be seen nowhere else. */
final class Observed implements ChatProviderFactory {

    private static final long PATIENCE_SECONDS = 10;

    private final HttpProviderFactory real = new HttpProviderFactory();
    private final Map<String, Semaphore> pieces = new ConcurrentHashMap<>();

    /** Waits until the engine has taken so many more pieces of a provider's. */
    void awaitPieces(Vendor vendor, int count) {
        await(piecesOf(vendor.name()), count);
    }

    private Semaphore piecesOf(String provider) {
        return pieces.computeIfAbsent(provider, name -> new Semaphore(0));
    }

    static void await(Semaphore came, int count) {
        try {
            if (!came.tryAcquire(count, PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                throw new IllegalStateException(
                        "waited in vain for " + count + " pieces; " + came.availablePermits() + " came");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for pieces", e);
        }
    }

    @Override
    public List<ProviderType> types() {
        return real.types();
    }

    @Override
    public ChatProvider create(ProviderTarget target, InstantSource instantSource) {
        ChatProvider provider = real.create(target, instantSource);
        return (request, delivery, deadline, cancellation, sink) ->
                provider.chat(request, delivery, deadline, cancellation, new EventSink() {
                    @Override
                    public void connected() {
                        sink.connected();
                    }

                    @Override
                    public void alive() {
                        sink.alive();
                    }

                    @Override
                    public void event(ChatEvent event) {
                        sink.event(event);
                        if (event instanceof ChatEvent.Piece) {
                            piecesOf(target.name()).release();
                        }
                    }
                });
    }

    @Override
    public void close() {
        real.close();
    }
}
