package ai.orchestrator.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import javax.net.ServerSocketFactory;

/**
 * The server's end of a connection, read ahead by a thread of its own, so that the client's closing is seen also while nobody reads: a server
 * that thinks about its answer does not.
 */
final class ObservedSocket extends Socket {

    private static final byte[] END = new byte[0];

    private final BlockingQueue<byte[]> chunks = new LinkedBlockingQueue<>();
    private final CompletableFuture<Void> closedByClient = new CompletableFuture<>();
    private final InputStream input = new ReadAhead();

    /** A factory whose server sockets accept observed sockets and show them before anybody uses them. */
    static ServerSocketFactory factory(Consumer<ObservedSocket> accepted) {
        return new ServerSocketFactory() {
            @Override
            public ServerSocket createServerSocket() throws IOException {
                return new ServerSocket() {
                    @Override
                    public Socket accept() throws IOException {
                        ObservedSocket socket = new ObservedSocket();
                        implAccept(socket);
                        // Headers and body go out in two writes, and otherwise the second waits 40 ms for the client's
                        // delayed acknowledgement.
                        socket.setTcpNoDelay(true);
                        socket.startReading();
                        accepted.accept(socket);
                        return socket;
                    }
                };
            }

            @Override
            public ServerSocket createServerSocket(int port) {
                throw new UnsupportedOperationException("bound later");
            }

            @Override
            public ServerSocket createServerSocket(int port, int backlog) {
                throw new UnsupportedOperationException("bound later");
            }

            @Override
            public ServerSocket createServerSocket(int port, int backlog, InetAddress address) {
                throw new UnsupportedOperationException("bound later");
            }
        };
    }

    private void startReading() throws IOException {
        InputStream raw = super.getInputStream();
        Thread reader = new Thread(() -> readAhead(raw), "scripted-server-reader");
        reader.setDaemon(true);
        reader.start();
    }

    private void readAhead(InputStream raw) {
        byte[] buffer = new byte[8192];
        try {
            int count;
            while ((count = raw.read(buffer)) >= 0) {
                chunks.add(Arrays.copyOf(buffer, count));
            }
            closedByClient.complete(null);
        } catch (IOException e) {
            // Reset by the client, unless the server closed its own end.
            if (!isClosed()) {
                closedByClient.complete(null);
            }
        } finally {
            chunks.add(END);
        }
    }

    /** Completed when the client has closed or reset the connection. */
    CompletableFuture<Void> closedByClient() {
        return closedByClient;
    }

    /** Closes so that the client sees a reset, not an end. */
    void reset() throws IOException {
        setSoLinger(true, 0);
        close();
    }

    @Override
    public InputStream getInputStream() {
        return input;
    }

    private final class ReadAhead extends InputStream {

        private byte[] chunk = END;
        private int position;
        private boolean ended;

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            if (length == 0) {
                return 0;
            }
            while (position == chunk.length) {
                if (ended) {
                    return -1;
                }
                try {
                    chunk = chunks.take();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new IOException("interrupted", e);
                }
                position = 0;
                ended = chunk.length == 0;
            }
            int count = Math.min(length, chunk.length - position);
            System.arraycopy(chunk, position, target, offset, count);
            position += count;
            return count;
        }

        @Override
        public void close() throws IOException {
            ObservedSocket.this.close();
        }
    }
}
