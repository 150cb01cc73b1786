package ai.orchestrator.integration;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** A server on loopback that reads a request and then writes whatever bytes it likes. Safe for use by several threads. */
final class HostilePeer implements AutoCloseable {

    /** What it does with a request. When it returns, the connection is closed. */
    interface Behaviour {

        /**
         * Answers.
         *
         * @throws IOException when the client has closed the connection
         */
        void answer(Connection connection) throws IOException;
    }

    /** One connection. For one thread, but for what is counted. */
    static final class Connection {

        private final Socket socket;
        private final CountDownLatch closed = new CountDownLatch(1);
        private final AtomicLong sent = new AtomicLong();

        private Connection(Socket socket) {
            this.socket = socket;
        }

        void send(byte[] bytes) throws IOException {
            socket.getOutputStream().write(bytes);
            sent.addAndGet(bytes.length);
        }

        void send(String text) throws IOException {
            send(text.getBytes(StandardCharsets.UTF_8));
        }

        /** Sends the same again and again, in large pieces, until the client closes. */
        void sendForever(String text) throws IOException {
            byte[] many = text.repeat(1 + 16_384 / text.length()).getBytes(StandardCharsets.UTF_8);
            while (true) {
                send(many);
            }
        }

        OutputStream out() {
            return new OutputStream() {
                @Override
                public void write(int b) throws IOException {
                    send(new byte[] {(byte) b});
                }

                @Override
                public void write(byte[] bytes, int offset, int length) throws IOException {
                    socket.getOutputStream().write(bytes, offset, length);
                    sent.addAndGet(length);
                }
            };
        }

        /** Blocks until the client closes. */
        void awaitClient() throws IOException {
            while (socket.getInputStream().read() >= 0) {
                // A client that has sent its request has nothing more to say.
            }
        }
    }

    private final ServerSocket server;
    private final Behaviour behaviour;
    private final List<Connection> connections = new CopyOnWriteArrayList<>();

    private HostilePeer(ServerSocket server, Behaviour behaviour) {
        this.server = server;
        this.behaviour = behaviour;
    }

    static HostilePeer start(Behaviour behaviour) {
        try {
            ServerSocket server = new ServerSocket(0, 50, InetAddress.getByAddress(new byte[] {127, 0, 0, 1}));
            HostilePeer peer = new HostilePeer(server, behaviour);
            peer.thread(peer::accept).start();
            return peer;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot listen on 127.0.0.1", e);
        }
    }

    private Thread thread(Runnable task) {
        Thread thread = new Thread(task, "hostile-peer");
        thread.setDaemon(true);
        return thread;
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Connection connection = new Connection(server.accept());
                connections.add(connection);
                thread(() -> serve(connection)).start();
            } catch (IOException e) {
                // Closed; the loop ends.
            }
        }
    }

    private void serve(Connection connection) {
        try (Socket socket = connection.socket) {
            socket.setSendBufferSize(65_536);
            socket.setTcpNoDelay(true);
            readRequest(new BufferedInputStream(socket.getInputStream()));
            behaviour.answer(connection);
        } catch (IOException e) {
            // The client has closed.
        } finally {
            connection.closed.countDown();
        }
    }

    private static void readRequest(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.length() < 4 || !head.substring(head.length() - 4).equals("\r\n\r\n")) {
            int next = in.read();
            if (next < 0) {
                throw new IOException("no request");
            }
            head.append((char) next);
        }
        String lower = head.toString().toLowerCase(Locale.ROOT);
        int at = lower.indexOf("content-length:");
        in.skipNBytes(
                Long.parseLong(lower.substring(at + 15, lower.indexOf('\r', at)).strip()));
    }

    String baseUrl(String path) {
        return "http://127.0.0.1:" + server.getLocalPort() + path;
    }

    int connectionCount() {
        return connections.size();
    }

    long sent() {
        return connections.stream()
                .mapToLong(connection -> connection.sent.get())
                .sum();
    }

    /** Waits until every connection is closed, by whichever side, and says whether they are. */
    boolean awaitClosed() throws InterruptedException {
        boolean all = true;
        for (Connection connection : connections) {
            all &= connection.closed.await(10, TimeUnit.SECONDS);
        }
        return all;
    }

    @Override
    public void close() {
        try {
            server.close();
            for (Connection connection : connections) {
                connection.socket.close();
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot close", e);
        }
    }
}
