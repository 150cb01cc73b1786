package ai.orchestrator.benchmarks;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/**
 * Answers every request with the same bytes and keeps the connection. It looks at no more of a request than where it ends, so it costs little
 * and always the same. One thread for each connection.
 */
final class CannedServer implements AutoCloseable {

    private static final int MAX_REQUEST_BYTES = 64 * 1024;
    private static final byte[] HEADERS_END = "\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    private final ServerSocket listener;
    private final Answer answer;
    private final Set<Socket> connections = ConcurrentHashMap.newKeySet();
    private volatile long answeredNanos;

    /** What happens when a request has come. */
    interface Answer {

        /**
         * Writes the answer, or fails to on purpose.
         *
         * @throws IOException ends the connection
         */
        void write(Socket connection) throws IOException;
    }

    CannedServer(Answer answer) throws IOException {
        this.answer = answer;
        listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        start("canned-accept", this::accept);
    }

    /** One write. */
    static Answer bytes(byte[] bytes) {
        return connection -> connection.getOutputStream().write(bytes);
    }

    /** The first piece at once, the rest a little later, as a model does that goes on writing. */
    static Answer inTwo(byte[] first, byte[] rest, long pauseNanos) {
        return connection -> {
            OutputStream out = connection.getOutputStream();
            out.write(first);
            LockSupport.parkNanos(pauseNanos);
            out.write(rest);
        };
    }

    /** A reset in place of an answer. */
    static Answer reset() {
        return connection -> {
            connection.setSoLinger(true, 0);
            connection.close();
        };
    }

    String url() {
        return "http://127.0.0.1:" + listener.getLocalPort() + "/v1";
    }

    /** When the last answer was begun, by {@link System#nanoTime()}. */
    long answeredNanos() {
        return answeredNanos;
    }

    private void accept() {
        try {
            while (true) {
                Socket connection = listener.accept();
                connections.add(connection);
                connection.setTcpNoDelay(true);
                start("canned-connection", () -> serve(connection));
            }
        } catch (IOException closed) {
            // By close().
        }
    }

    private void serve(Socket connection) {
        byte[] buffer = new byte[MAX_REQUEST_BYTES];
        try (connection) {
            InputStream in = connection.getInputStream();
            while (readRequest(in, buffer)) {
                answeredNanos = System.nanoTime();
                answer.write(connection);
            }
        } catch (IOException gone) {
            // The client has closed it, or close() has.
        } finally {
            connections.remove(connection);
        }
    }

    /** Reads one request, for no client here sends a second one before its answer; false at the end of the connection. */
    private static boolean readRequest(InputStream in, byte[] buffer) throws IOException {
        int length = 0;
        int requestLength = Integer.MAX_VALUE;
        while (length < requestLength) {
            int count = in.read(buffer, length, buffer.length - length);
            if (count <= 0) {
                return false;
            }
            length += count;
            if (requestLength == Integer.MAX_VALUE) {
                requestLength = requestLength(buffer, length);
            }
        }
        return true;
    }

    private static int requestLength(byte[] buffer, int length) {
        for (int i = 0; i + HEADERS_END.length <= length; i++) {
            if (buffer[i] == '\r' && buffer[i + 1] == '\n' && buffer[i + 2] == '\r' && buffer[i + 3] == '\n') {
                String headers = new String(buffer, 0, i, StandardCharsets.US_ASCII).toLowerCase(Locale.ROOT);
                int name = headers.indexOf("content-length:");
                int end = headers.indexOf('\r', name);
                String value = headers.substring(name + "content-length:".length(), end < 0 ? headers.length() : end);
                return i + HEADERS_END.length + Integer.parseInt(value.strip());
            }
        }
        return Integer.MAX_VALUE;
    }

    private static void start(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        listener.close();
        for (Socket connection : connections) {
            connection.close();
        }
    }
}
