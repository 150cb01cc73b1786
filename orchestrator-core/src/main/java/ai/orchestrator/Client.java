package ai.orchestrator;

import ai.orchestrator.provider.ChatProvider;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What talks to a provider, and how many use it: one that is given up is closed when the last of them has ended, so that no answer is cut off.
 * Safe for use by several threads.
 */
final class Client {

    private static final Logger logger = LoggerFactory.getLogger(Orchestrator.class);

    private final ChatProvider chatProvider;

    /** The users, and one more until it is given up; zero when it is closed. Null for one that the application closes itself. */
    private final @Nullable AtomicInteger holders;

    /** Those that are not closed yet, this one among them. */
    private final Set<Client> open;

    private Client(ChatProvider chatProvider, @Nullable AtomicInteger holders, Set<Client> open) {
        this.chatProvider = chatProvider;
        this.holders = holders;
        this.open = open;
    }

    /** One of the application's own, which closes it itself. */
    static Client lent(ChatProvider chatProvider) {
        return new Client(chatProvider, null, Set.of());
    }

    /** All that are open, to be closed at the end whoever uses them. */
    static final class Opened {

        private final Set<Client> open = ConcurrentHashMap.newKeySet();

        Client add(ChatProvider chatProvider) {
            Client client = new Client(chatProvider, new AtomicInteger(1), open);
            open.add(client);
            return client;
        }

        void closeAll() {
            open.forEach(Client::close);
        }
    }

    ChatProvider chatProvider() {
        return chatProvider;
    }

    /** Keeps it open until {@link #release}; false if it is closed. */
    boolean hold() {
        if (holders == null) {
            return true;
        }
        int before;
        do {
            before = holders.get();
            if (before <= 0) {
                return false;
            }
        } while (!holders.compareAndSet(before, before + 1));
        return true;
    }

    /** A use has ended; or it is given up, once. */
    void release() {
        if (holders != null && holders.decrementAndGet() == 0) {
            close();
        }
    }

    private void close() {
        if (!open.remove(this)) {
            return;
        }
        try {
            chatProvider.close();
        } catch (RuntimeException | Error e) {
            // On the thread of a call, which has its answer.
            logger.warn("What talked to a provider could not be closed", e);
        }
    }
}
