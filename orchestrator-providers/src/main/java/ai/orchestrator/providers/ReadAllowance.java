package ai.orchestrator.providers;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import javax.net.SocketFactory;
import okhttp3.Interceptor;
import okhttp3.Response;
import okio.Buffer;
import okio.BufferedSource;
import okio.ForwardingSource;
import okio.Okio;
import org.jspecify.annotations.Nullable;

/**
 * Limits what a connection may bring without a byte of the answer coming of it. OkHttp limits headers, but would hold an endless chunk
 * extension (RFC 9112 §7.1.1) in memory. HTTP/1.1, which alone has them, is read by the thread that reads the answer, so each thread has its
 * own. For one thread.
 */
final class ReadAllowance {

    /** Four times what OkHttp lets headers have. */
    private static final long MAX_BYTES = 1024L * 1024;

    private static final ThreadLocal<@Nullable ReadAllowance> OF_THREAD = new ThreadLocal<>();

    private long bytes;
    private boolean ended;

    private ReadAllowance() {}

    /**
     * Begins, for a call that is made from here on by this thread.
     *
     * @return whose place it takes
     */
    static @Nullable ReadAllowance begin() {
        ReadAllowance outer = OF_THREAD.get();
        OF_THREAD.set(new ReadAllowance());
        return outer;
    }

    /**
     * Ends with the call.
     *
     * @param outer whose place it took
     */
    static void end(@Nullable ReadAllowance outer) {
        if (outer == null) {
            OF_THREAD.remove();
        } else {
            OF_THREAD.set(outer);
        }
    }

    /** Begins on a thread of OkHttp's. */
    static Response intercept(Interceptor.Chain chain) throws IOException {
        if (OF_THREAD.get() == null) {
            begin();
        }
        return chain.proceed(chain.request());
    }

    /** Whether the answer has come to its end, so that nothing is left to be read. */
    static boolean hasEnded() {
        ReadAllowance allowance = OF_THREAD.get();
        return allowance == null || allowance.ended;
    }

    /** The body of the answer to this thread's call, each piece of which begins the allowance anew. */
    static BufferedSource renewing(BufferedSource body) {
        ReadAllowance allowance = OF_THREAD.get();
        return allowance == null ? body : Okio.buffer(new RenewingSource(body, allowance));
    }

    private static void came(int count) throws IOException {
        ReadAllowance allowance = OF_THREAD.get();
        if (allowance != null && count > 0) {
            allowance.bytes += count;
            if (allowance.bytes > MAX_BYTES) {
                throw new OversizedAnswerException("more than " + MAX_BYTES + " bytes came without any of the answer");
            }
        }
    }

    private static final class RenewingSource extends ForwardingSource {

        private final ReadAllowance allowance;

        private RenewingSource(BufferedSource body, ReadAllowance allowance) {
            super(body);
            this.allowance = allowance;
        }

        @Override
        public long read(Buffer sink, long byteCount) throws IOException {
            CallOnThread.blocks();
            long count = super.read(sink, byteCount);
            allowance.bytes = 0;
            allowance.ended = count < 0;
            return count;
        }
    }

    /** Makes sockets that tell what came. */
    static final class Sockets extends SocketFactory {

        @Override
        public Socket createSocket() {
            return new CountingSocket();
        }

        @Override
        public Socket createSocket(String host, int port) throws IOException {
            return createSocket(InetAddress.getByName(host), port);
        }

        @Override
        public Socket createSocket(String host, int port, InetAddress local, int localPort) throws IOException {
            return createSocket(InetAddress.getByName(host), port, local, localPort);
        }

        @Override
        public Socket createSocket(InetAddress host, int port) throws IOException {
            Socket socket = createSocket();
            socket.connect(new java.net.InetSocketAddress(host, port));
            return socket;
        }

        @Override
        public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) throws IOException {
            Socket socket = createSocket();
            socket.bind(new java.net.InetSocketAddress(local, localPort));
            socket.connect(new java.net.InetSocketAddress(host, port));
            return socket;
        }
    }

    private static final class CountingSocket extends Socket {

        @Override
        public InputStream getInputStream() throws IOException {
            return new FilterInputStream(super.getInputStream()) {
                @Override
                public int read() throws IOException {
                    int read = super.read();
                    came(read < 0 ? 0 : 1);
                    return read;
                }

                @Override
                public int read(byte[] buffer, int offset, int length) throws IOException {
                    int count = super.read(buffer, offset, length);
                    came(count);
                    return count;
                }
            };
        }
    }
}
