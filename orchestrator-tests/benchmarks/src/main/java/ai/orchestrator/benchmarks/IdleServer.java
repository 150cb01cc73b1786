package ai.orchestrator.benchmarks;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Iterator;

/**
 * Begins a stream for every connection and never goes on. A process of its own, so that neither its memory nor its thread is counted; it ends
 * with the process that started it.
 */
final class IdleServer {

    private static final int BACKLOG = 4_096;

    private IdleServer() {}

    /** Prints its port and serves until standard input ends. */
    public static void main(String... args) throws IOException {
        Thread parent = new Thread(IdleServer::endWithParent, "parent");
        parent.setDaemon(true);
        parent.start();
        try (Selector selector = Selector.open();
                ServerSocketChannel listener = ServerSocketChannel.open()) {
            listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), BACKLOG);
            System.out.println(listener.socket().getLocalPort());
            listener.configureBlocking(false);
            listener.register(selector, SelectionKey.OP_ACCEPT);
            ByteBuffer ignored = ByteBuffer.allocateDirect(64 * 1024);
            while (true) {
                selector.select();
                for (Iterator<SelectionKey> keys = selector.selectedKeys().iterator(); keys.hasNext(); keys.remove()) {
                    serve(keys.next(), listener, selector, ignored);
                }
            }
        }
    }

    private static void serve(SelectionKey key, ServerSocketChannel listener, Selector selector, ByteBuffer ignored)
            throws IOException {
        if (key.isAcceptable()) {
            SocketChannel connection = listener.accept();
            connection.configureBlocking(false);
            connection.register(selector, SelectionKey.OP_READ, ByteBuffer.wrap(CannedAnswers.streamBegins()));
            return;
        }
        SocketChannel connection = (SocketChannel) key.channel();
        try {
            if (connection.read(ignored.clear()) < 0) {
                connection.close();
                return;
            }
            // Once: the buffer is used up after the first part of the request, and a fresh connection takes this little
            // at once.
            connection.write((ByteBuffer) key.attachment());
        } catch (IOException reset) {
            connection.close();
        }
    }

    private static void endWithParent() {
        try {
            while (System.in.read() >= 0) {
                // Nothing is ever sent.
            }
        } catch (IOException e) {
            // The parent is gone, too.
        }
        System.exit(0);
    }
}
