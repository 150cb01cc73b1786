package ai.orchestrator.chaos;

import ai.orchestrator.scenarios.Dialect;
import ai.orchestrator.scenarios.Wire;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * A server on loopback that mostly answers well, and otherwise does what its seed says: the same to the n-th connection, and to the n-th request
 * with the same question, in each run with that seed. Safe for use by several threads.
 */
final class HostileServer implements AutoCloseable {

    /** What is wrong with the whole server now and then. */
    enum Outages {
        NONE,
        LISTENER_CLOSED,
        BACKLOG_FULL
    }

    /**
     * The two faces of a server that speaks TLS.
     *
     * @param trusted with a certificate that clients trust
     * @param unknown with one that they do not
     */
    record Identity(SSLContext trusted, SSLContext unknown) {}

    /** So many tokens an answer takes, if it says so. */
    static final long TOKENS = 68;

    static final String MODEL = "scripted-1";

    private static final InetAddress LOOPBACK = loopback();
    private static final Pattern QUESTION = Pattern.compile("(?:ask|same|hold)-\\d{8}");
    private static final int SMALL_BACKLOG = 1;

    private final String name;
    private final Dialect dialect;
    private final Wire wire;
    private final Outages outages;
    private final @Nullable Identity identity;
    private final long seed;

    /** Bound beside the listener, so that nobody else takes its port while it is closed. */
    private final Socket guard = new Socket();

    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "hostile-server");
        thread.setDaemon(true);
        return thread;
    });
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Semaphore accepting = new Semaphore(1);
    /** And what is going on there. */
    private final Map<Socket, String> open = new ConcurrentHashMap<>();

    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicLong requests = new AtomicLong();
    private final AtomicLong answers = new AtomicLong();
    private final Map<String, AtomicInteger> askedBefore = new ConcurrentHashMap<>();
    private final Map<Fault, LongAdder> dealt = new EnumMap<>(Fault.class);
    private final AtomicInteger held = new AtomicInteger();
    private final Semaphore letGo = new Semaphore(0);
    private volatile @Nullable ServerSocket listener;
    private volatile boolean stormy;

    private HostileServer(String name, Dialect dialect, Outages outages, @Nullable Identity identity, long seed) {
        this.name = name;
        this.dialect = dialect;
        this.wire = dialect.wire();
        this.outages = outages;
        this.identity = identity;
        this.seed = seed;
        for (Fault fault : Fault.values()) {
            dealt.put(fault, new LongAdder());
        }
    }

    private static InetAddress loopback() {
        try {
            return InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static HostileServer start(String name, Dialect dialect, Outages outages, @Nullable Identity identity, long seed) {
        HostileServer server = new HostileServer(name, dialect, outages, identity, seed);
        try {
            server.guard.setReuseAddress(true);
            server.guard.bind(new InetSocketAddress(LOOPBACK, 0));
            server.listen();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot listen on 127.0.0.1", e);
        }
        server.threads.execute(server::accept);
        if (outages != Outages.NONE) {
            server.threads.execute(server::breakDownNowAndThen);
        }
        return server;
    }

    /** A port that is taken but on which nobody listens. */
    static Socket unheard() {
        try {
            Socket socket = new Socket();
            socket.bind(new InetSocketAddress(LOOPBACK, 0));
            return socket;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot bind to 127.0.0.1", e);
        }
    }

    String name() {
        return name;
    }

    String type() {
        return dialect.type();
    }

    String baseUrl() {
        String scheme = identity == null ? "http" : "https";
        return wire.baseUrl(scheme + "://127.0.0.1:" + guard.getLocalPort() + "/v1");
    }

    /** Deals faults from now on, or answers well from now on whatever is asked. */
    void stormy(boolean stormy) {
        this.stormy = stormy;
    }

    long dealt(String fault) {
        return dealt.entrySet().stream()
                .filter(entry -> entry.getKey().toString().equals(fault))
                .mapToLong(entry -> entry.getValue().sum())
                .sum();
    }

    /** How many questions have come. */
    long requests() {
        return requests.get();
    }

    /** Those that the other side has not closed, nor this one for good. */
    int openConnections() {
        return open.size();
    }

    /** Each of them, and what is going on there. */
    String describeOpen() {
        return name + " " + open;
    }

    /** How many requests wait for {@link #letGo}. */
    int held() {
        return held.get();
    }

    void letGo() {
        letGo.release(held.get());
    }

    /** From here on requests are held again. */
    void hold() {
        letGo.drainPermits();
    }

    // ---- The port

    private void listen() throws IOException {
        ServerSocket socket = new ServerSocket();
        socket.setReuseAddress(true);
        socket.bind(
                new InetSocketAddress(LOOPBACK, guard.getLocalPort()),
                outages == Outages.BACKLOG_FULL ? SMALL_BACKLOG : 50);
        listener = socket;
    }

    private boolean isClosed() {
        return closed.getCount() == 0;
    }

    private void accept() {
        while (!isClosed()) {
            try {
                accepting.acquire();
                accepting.release();
                ServerSocket now = listener;
                if (now == null) {
                    pause(1);
                    continue;
                }
                Socket socket = now.accept();
                int number = connections.getAndIncrement();
                open.put(socket, "new");
                threads.execute(() -> serve(socket, number));
            } catch (IOException | InterruptedException | RejectedExecutionException e) {
                // The port is closed, for a while or for good.
            }
        }
    }

    private void breakDownNowAndThen() {
        SplittableRandom random = new SplittableRandom(seed ^ 0x5eed);
        try {
            while (!pause(300 + random.nextInt(1_200))) {
                int millis = 50 + random.nextInt(450);
                if (!stormy) {
                    continue;
                }
                if (outages == Outages.LISTENER_CLOSED) {
                    count(Fault.LISTENER_CLOSED);
                    ServerSocket now = listener;
                    listener = null;
                    if (now != null) {
                        now.close();
                    }
                    pause(millis);
                    if (!isClosed()) {
                        listen();
                    }
                } else {
                    count(Fault.BACKLOG_FULL);
                    accepting.acquire();
                    pause(millis);
                    accepting.release();
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot listen again", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Waits, but not longer than the server is there; says whether it is gone. */
    private boolean pause(long millis) throws InterruptedException {
        return closed.await(millis, TimeUnit.MILLISECONDS);
    }

    private void count(Fault fault) {
        Objects.requireNonNull(dealt.get(fault)).increment();
    }

    // ---- One connection

    private static SplittableRandom random(long seed, String what, long number) {
        // Spread, or the next server would do to the next question what this one does to this.
        return new SplittableRandom((seed * 0x9e3779b97f4a7c15L + what.hashCode()) * 0xd1342543de82ef95L + number);
    }

    private void serve(Socket socket, int number) {
        SplittableRandom random = random(seed, "connection", number);
        try (socket) {
            socket.setTcpNoDelay(true);
            Fault fault = stormy ? Fault.ofConnection(random, identity != null) : Fault.NONE;
            open.replace(socket, fault.toString());
            if (fault != Fault.NONE) {
                count(fault);
            }
            switch (fault) {
                case RESET_AT_ONCE -> reset(socket);
                case CLOSED_AT_ONCE -> {}
                case SILENT -> awaitPeer(socket);
                case PLAIN_TEXT -> {
                    hello(socket);
                    socket.getOutputStream()
                            .write("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"
                                    .getBytes(StandardCharsets.US_ASCII));
                    end(socket);
                }
                case GARBAGE -> {
                    hello(socket);
                    socket.getOutputStream().write(bytes(random));
                    end(socket);
                }
                case HANDSHAKE_CUT -> {
                    hello(socket);
                    // The beginning of a server's hello.
                    socket.getOutputStream().write(new byte[] {22, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3});
                    end(socket);
                }
                case HANDSHAKE_RESET -> {
                    hello(socket);
                    reset(socket);
                }
                case HANDSHAKE_STALLED -> {
                    hello(socket);
                    awaitPeer(socket);
                }
                case UNKNOWN_AUTHORITY -> talk(new Line(socket, secured(socket, false)));
                default -> talk(new Line(socket, identity == null ? socket : secured(socket, true)));
            }
        } catch (IOException | InterruptedException e) {
            // The other side has gone, or this one.
        } finally {
            open.remove(socket);
        }
    }

    private Socket secured(Socket socket, boolean trusted) throws IOException {
        Identity both = Objects.requireNonNull(identity);
        SSLContext context = trusted ? both.trusted() : both.unknown();
        SSLSocket secured = (SSLSocket)
                context.getSocketFactory().createSocket(socket, new ByteArrayInputStream(new byte[0]), false);
        secured.startHandshake();
        return secured;
    }

    /** Reads a client's hello, so that closing does not reset. */
    private static void hello(Socket socket) throws IOException {
        byte[] head = socket.getInputStream().readNBytes(5);
        if (head.length == 5) {
            socket.getInputStream().skipNBytes(((head[3] & 0xff) << 8) | (head[4] & 0xff));
        }
    }

    private static byte[] bytes(SplittableRandom random) {
        byte[] bytes = new byte[1 + random.nextInt(300)];
        random.nextBytes(bytes);
        return bytes;
    }

    private static void reset(Socket socket) throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    /** Says that nothing follows, and leaves it to the other side to close. */
    private static void end(Socket socket) throws IOException {
        socket.shutdownOutput();
        awaitPeer(socket);
    }

    private static void awaitPeer(Socket socket) throws IOException {
        byte[] ignored = new byte[4_096];
        while (socket.getInputStream().read(ignored) >= 0) {
            // What else it may say does not matter.
        }
    }

    /**
     * A connection over which requests come.
     *
     * @param socket that of TCP
     * @param talking what is read and written: the same, or TLS over it
     */
    private record Line(Socket socket, Socket talking) {

        void send(byte[] bytes, int from, int to) throws IOException {
            OutputStream out = talking.getOutputStream();
            out.write(bytes, from, to - from);
            out.flush();
        }
    }

    /** Of a request as much as matters; null of a question that has none. */
    private record Request(@Nullable String question, boolean streamed) {}

    private void talk(Line line) throws IOException, InterruptedException {
        InputStream in = new BufferedInputStream(line.talking.getInputStream());
        Request request;
        while ((request = read(in)) != null) {
            String question = request.question;
            if (question == null) {
                // A free check, for which no fault is of interest but that it ends.
                byte[] models = "HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"data\":[]}"
                        .getBytes(StandardCharsets.US_ASCII);
                line.send(models, 0, models.length);
                continue;
            }
            requests.incrementAndGet();
            if (question.startsWith("hold")) {
                held.incrementAndGet();
                letGo.acquire();
                held.decrementAndGet();
            }
            int before = askedBefore
                    .computeIfAbsent(question, first -> new AtomicInteger())
                    .getAndIncrement();
            SplittableRandom random = random(seed, question, before);
            Fault fault = stormy ? Fault.ofRequest(random) : Fault.NONE;
            count(fault);
            open.replace(line.socket, question + ": " + fault);
            if (!answer(line, request, question, fault, random)) {
                return;
            }
            open.replace(line.socket, "idle after " + question + ": " + fault);
        }
    }

    private static @Nullable Request read(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.length() < 4 || !head.substring(head.length() - 4).equals("\r\n\r\n")) {
            int next = in.read();
            if (next < 0) {
                return null;
            }
            head.append((char) next);
        }
        String lower = head.toString().toLowerCase(Locale.ROOT);
        int at = lower.indexOf("content-length:");
        if (at < 0) {
            return new Request(null, false);
        }
        int length = Integer.parseInt(
                lower.substring(at + 15, lower.indexOf('\r', at)).strip());
        String body = new String(in.readNBytes(length), StandardCharsets.UTF_8);
        Matcher question = QUESTION.matcher(body);
        return new Request(
                question.find() ? question.group() : null,
                body.contains("\"stream\":true") || lower.contains("streamgeneratecontent"));
    }

    // ---- One answer

    /** An answer as it goes over the wire. */
    private static final class Answer {

        private final byte[] bytes;

        /** How many of them are its head. */
        private final int headLength;

        /** Where a new piece begins. */
        private final List<Integer> pieces;

        private Answer(byte[] bytes, int headLength, List<Integer> pieces) {
            this.bytes = bytes;
            this.headLength = headLength;
            this.pieces = pieces;
        }

        /** All of its head, and not all of the rest. */
        int withinBody(SplittableRandom random) {
            return headLength + random.nextInt(bytes.length - headLength);
        }

        int withinCharacter(SplittableRandom random) {
            int[] continuations = IntStream.range(headLength, bytes.length)
                    .filter(i -> (bytes[i] & 0xc0) == 0x80)
                    .toArray();
            return continuations[random.nextInt(continuations.length)];
        }
    }

    private enum Framing {
        LENGTH,
        CHUNKS,
        CLOSE
    }

    /** Says whether the connection may go on. */
    private boolean answer(Line line, Request request, String question, Fault fault, SplittableRandom random)
            throws IOException, InterruptedException {
        Framing framing = switch (fault) {
            case CUT_BELOW_LENGTH -> Framing.LENGTH;
            case CUT_IN_CHUNKS -> Framing.CHUNKS;
            default ->
                random.nextInt(8) == 0
                        ? Framing.CLOSE
                        : request.streamed || random.nextBoolean() ? Framing.CHUNKS : Framing.LENGTH;
        };
        Answer answer = written(request, question, fault, framing, random);
        byte[] bytes = answer.bytes;
        switch (fault) {
            case RESET_BEFORE_HEAD -> reset(line.socket);
            case RESET_IN_HEAD -> {
                line.send(bytes, 0, 1 + random.nextInt(answer.headLength - 1));
                reset(line.socket);
            }
            case RESET_IN_BODY -> {
                line.send(bytes, 0, answer.withinBody(random));
                reset(line.socket);
            }
            case STALLED_BEFORE_HEAD -> awaitPeer(line.socket);
            case STALLED_IN_BODY -> {
                line.send(bytes, 0, answer.withinBody(random));
                awaitPeer(line.socket);
            }
            case CUT_BELOW_LENGTH, CUT_IN_CHUNKS -> {
                line.send(bytes, 0, answer.withinBody(random));
                end(line.socket);
            }
            case CUT_ANYWHERE -> {
                line.send(bytes, 0, random.nextInt(bytes.length));
                end(line.socket);
            }
            case CUT_IN_CHARACTER -> {
                line.send(bytes, 0, answer.withinCharacter(random));
                end(line.socket);
            }
            case NOT_HTTP -> {
                byte[] noise = bytes(random);
                line.send(noise, 0, noise.length);
                end(line.socket);
            }
            case SLOW_HEAD -> {
                line.send(bytes, 0, 9);
                while (!pause(20)) {
                    line.send(new byte[] {'1'}, 0, 1);
                }
            }
            case BYTE_BY_BYTE -> {
                for (int i = 0; i < bytes.length; i++) {
                    line.send(bytes, i, i + 1);
                }
            }
            default -> {
                int from = 0;
                for (int to : answer.pieces) {
                    line.send(bytes, from, to);
                    from = to;
                    pause(random.nextInt(4));
                }
                line.send(bytes, from, bytes.length);
            }
        }
        if (framing == Framing.CLOSE && !line.socket.isClosed()) {
            // Over TLS this says so under its protection; without, the answer would be taken for a cut one.
            line.talking.shutdownOutput();
            awaitPeer(line.socket);
        }
        return framing != Framing.CLOSE && !line.socket.isClosed();
    }

    private Answer written(Request request, String question, Fault fault, Framing framing, SplittableRandom random) {
        List<String> pieces = Text.pieces(question, name, answers.incrementAndGet(), 2 + random.nextInt(6));
        List<String> body = new ArrayList<>();
        if (fault.status() != 200) {
            body.add(error(fault.status()));
        } else if (!request.streamed) {
            body.add(fault == Fault.ERROR_IN_ANSWER ? error(503) : wire.answer(String.join("", pieces), MODEL));
        } else {
            body.add(wire.start(MODEL));
            int wholePieces = fault == Fault.ERROR_IN_ANSWER ? random.nextInt(pieces.size()) : pieces.size();
            for (String piece : pieces.subList(0, wholePieces)) {
                if (random.nextInt(4) == 0) {
                    body.add(wire.keepAlive());
                }
                body.add(wire.token(piece, MODEL));
            }
            body.add(fault == Fault.ERROR_IN_ANSWER ? streamed(error(503)) : wire.end(MODEL) + wire.endMarker());
        }
        body.removeIf(String::isEmpty);
        return framed(head(request, fault, random), body, framing);
    }

    private String head(Request request, Fault fault, SplittableRandom random) {
        StringBuilder head =
                new StringBuilder("HTTP/1.1 ").append(fault.status()).append(" Whatever\r\n");
        String type = fault.status() != 200 || !request.streamed
                ? "application/json"
                : dialect == Dialect.OLLAMA ? "application/x-ndjson" : "text/event-stream";
        head.append("content-type: ").append(type).append("\r\n");
        boolean hint = fault == Fault.STATUS_429 || (fault == Fault.STATUS_503 && random.nextInt(20) == 0);
        return head.append(hint ? "retry-after: 1\r\n" : "").toString();
    }

    private static Answer framed(String head, List<String> body, Framing framing) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        String how = switch (framing) {
            case LENGTH -> "content-length: " + String.join("", body).getBytes(StandardCharsets.UTF_8).length;
            case CHUNKS -> "transfer-encoding: chunked";
            case CLOSE -> "connection: close";
        };
        out.writeBytes((head + how + "\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
        int headLength = out.size();
        List<Integer> pieces = new ArrayList<>();
        for (String piece : body) {
            pieces.add(out.size());
            byte[] bytes = piece.getBytes(StandardCharsets.UTF_8);
            if (framing == Framing.CHUNKS) {
                out.writeBytes((Integer.toHexString(bytes.length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
            }
            out.writeBytes(bytes);
            if (framing == Framing.CHUNKS) {
                out.writeBytes(new byte[] {'\r', '\n'});
            }
        }
        if (framing == Framing.CHUNKS) {
            out.writeBytes("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        }
        return new Answer(out.toByteArray(), headLength, pieces);
    }

    /** An error in the words of the dialect. */
    private String error(int status) {
        return switch (dialect) {
            case OLLAMA -> "{\"error\":\"trouble by plan\"}";
            case GEMINI ->
                "{\"error\":{\"code\":" + status + ",\"message\":\"trouble by plan\",\"status\":\"PLANNED\"}}";
            case ANTHROPIC -> "{\"type\":\"error\",\"error\":{\"type\":\"planned\",\"message\":\"trouble by plan\"}}";
            default -> "{\"error\":{\"message\":\"trouble by plan\",\"type\":\"planned\",\"code\":null}}";
        };
    }

    private String streamed(String error) {
        return switch (dialect) {
            case OLLAMA -> error + "\n";
            case ANTHROPIC -> "event: error\ndata: " + error + "\n\n";
            default -> "data: " + error + "\n\n";
        };
    }

    @Override
    public void close() {
        closed.countDown();
        try {
            ServerSocket now = listener;
            if (now != null) {
                now.close();
            }
            for (Socket socket : open.keySet()) {
                socket.close();
            }
            guard.close();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot close", e);
        }
        threads.shutdownNow();
    }
}
