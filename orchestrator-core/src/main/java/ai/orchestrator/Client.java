package ai.orchestrator;

import ai.orchestrator.provider.ChatProvider;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
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

    private final Opened opened;

    private Client(ChatProvider chatProvider, @Nullable AtomicInteger holders, Opened opened) {
        this.chatProvider = chatProvider;
        this.holders = holders;
        this.opened = opened;
    }

    /** One of the application's own, which closes it itself. */
    static Client lent(ChatProvider chatProvider) {
        return new Client(chatProvider, null, new Opened());
    }

    /** All that are open, to be closed at the end whoever uses them. Safe for use by several threads. */
    static final class Opened {

        private final Set<Client> open = ConcurrentHashMap.newKeySet();
        private final Queue<Client> givenUp = new ConcurrentLinkedQueue<>();

        Client add(ChatProvider chatProvider) {
            Client client = new Client(chatProvider, new AtomicInteger(1), this);
            open.add(client);
            return client;
        }

        /** Closes those that were given up and that nobody uses any more. */
        void releaseGivenUp() {
            Client client;
            while ((client = givenUp.poll()) != null) {
                client.release();
            }
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

    /** Nobody is to use it any more; once. It is closed later, because that is the provider's own code. */
    void giveUp() {
        if (holders != null) {
            opened.givenUp.add(this);
        }
    }

    /** A use has ended. */
    void release() {
        if (holders != null && holders.decrementAndGet() == 0) {
            close();
        }
    }

    private void close() {
        if (!opened.open.remove(this)) {
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
