package ai.orchestrator.providers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.provider.ProviderType;
import ai.orchestrator.time.Deadline;
import ai.orchestrator.time.TimeSource;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import okhttp3.OkHttpClient;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A call in the clear runs on the thread that makes it: nothing may keep that thread when it is interrupted or the call is cancelled. */
class CallOnThreadTest {

    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String HEAD =
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    private static final String PIECE =
            chunk("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"}}]}\n\n");
    private static final String END =
            chunk("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");

    /** How a call is ended from outside. */
    private enum End {
        INTERRUPT,
        CANCEL
    }

    private final CompletableFuture<Void> over = new CompletableFuture<>();
    private final CountDownLatch received = new CountDownLatch(1);
    private ServerSocket server;

    @BeforeEach
    void listen() throws IOException {
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    }

    @AfterEach
    void close() throws IOException {
        over.complete(null);
        server.close();
    }

    private static String chunk(String data) {
        return Integer.toHexString(data.length()) + "\r\n" + data + "\r\n";
    }

    /** A peer that takes one request, sends this, and is silent from then on. */
    private CompletableFuture<Boolean> silentAfter(String sent) {
        return CompletableFuture.supplyAsync(() -> {
            try (Socket socket = server.accept()) {
                InputStream in = socket.getInputStream();
                assertThat(in.read()).isEqualTo('P');
                received.countDown();
                OutputStream out = socket.getOutputStream();
                out.write(sent.getBytes(StandardCharsets.UTF_8));
                out.flush();
                byte[] rest = new byte[8_192];
                while (in.read(rest) >= 0) {
                    // The request; and then the end, when the client has closed.
                }
                return true;
            } catch (IOException e) {
                return true;
            }
        });
    }

    /** One call on a thread of its own. */
    private final class Caller implements EventSink {

        private final Cancellation cancellation = new Cancellation();
        private final CompletableFuture<Throwable> thrown = new CompletableFuture<>();
        private final CompletableFuture<Thread> thread = new CompletableFuture<>();
        private final CountDownLatch connected = new CountDownLatch(1);
        private final CountDownLatch text = new CountDownLatch(1);
        private final AtomicBoolean flag = new AtomicBoolean();
        private final AtomicBoolean otherThread = new AtomicBoolean();
        private final Consumer<ChatEvent> onEvent;

        private Caller(OkHttpClient client, String host, Consumer<ChatEvent> onEvent) {
            this(client, host, onEvent, false);
        }

        private Caller(OkHttpClient client, String host, Consumer<ChatEvent> onEvent, boolean interrupted) {
            this.onEvent = onEvent;
            Thread runner = new Thread(() -> {
                try (HttpProviderFactory factory = HttpProviderFactory.using(client)) {
                    thread.complete(Thread.currentThread());
                    if (interrupted) {
                        Thread.currentThread().interrupt();
                    }
                    Throwable failure = catchThrowable(() -> provider(factory, host)
                            .chat(
                                    ChatRequest.of("Hello"),
                                    Delivery.STREAMED,
                                    Deadline.after(TimeSource.system(), PATIENCE),
                                    cancellation,
                                    this));
                    flag.set(Thread.interrupted());
                    thrown.complete(failure == null ? new IllegalStateException("none") : failure);
                }
            });
            runner.setDaemon(true);
            runner.start();
        }

        private ChatProvider provider(HttpProviderFactory factory, String host) {
            ProviderType type = factory.types().stream()
                    .filter(candidate -> candidate.name().equals("vllm"))
                    .findFirst()
                    .orElseThrow();
            URI uri = URI.create("http://" + host + ":" + server.getLocalPort() + "/v1");
            return factory.create(
                    new ProviderTarget("test", type, uri, "m", Optional.empty(), Map.of()), InstantSource.system());
        }

        private void end(End how) {
            if (how == End.INTERRUPT) {
                thread.join().interrupt();
            } else {
                cancellation.cancel();
            }
        }

        private void endsWith(End how) {
            assertThat(thrown).succeedsWithin(PATIENCE).isInstanceOfSatisfying(ProviderException.class, e -> {
                assertThat(e.kind()).isEqualTo(FailureKind.CANCELLED);
                assertThat(e.getMessage()).contains(how == End.INTERRUPT ? "interrupted" : "cancelled");
            });
            assertThat(flag.get()).isEqualTo(how == End.INTERRUPT);
            assertThat(otherThread.get()).as("reported by another thread").isFalse();
        }

        @Override
        public void connected() {
            connected.countDown();
        }

        @Override
        public void alive() {}

        @Override
        public void event(ChatEvent event) {
            otherThread.compareAndSet(false, Thread.currentThread() != thread.join());
            onEvent.accept(event);
            if (event instanceof ChatEvent.Text) {
                text.countDown();
            }
        }
    }

    private Caller caller() {
        return caller(new OkHttpClient());
    }

    private Caller caller(OkHttpClient client) {
        return new Caller(client, "127.0.0.1", event -> {});
    }

    private static void await(CountDownLatch latch) throws InterruptedException {
        assertThat(latch.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void a_call_whose_answer_does_not_begin_ends_at_once_and_closes_its_connection(End how) throws Exception {
        CompletableFuture<Boolean> closed = silentAfter("");
        Caller caller = caller();
        await(received);

        caller.end(how);

        caller.endsWith(how);
        assertThat(closed).succeedsWithin(PATIENCE);
    }

    @ParameterizedTest
    @EnumSource
    void a_call_whose_answer_stops_ends_at_once_and_closes_its_connection(End how) throws Exception {
        CompletableFuture<Boolean> closed = silentAfter(HEAD + PIECE);
        Caller caller = caller();
        await(caller.text);

        caller.end(how);

        caller.endsWith(how);
        assertThat(closed).succeedsWithin(PATIENCE);
    }

    @ParameterizedTest
    @EnumSource
    void a_call_that_waits_for_a_name_ends_at_once_and_leaves_the_look_up_behind(End how) throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        Caller caller = new Caller(
                new OkHttpClient.Builder()
                        .dns(name -> {
                            asked.countDown();
                            over.join();
                            return List.of(InetAddress.getLoopbackAddress());
                        })
                        .build(),
                "provider.test",
                event -> {});
        await(asked);

        caller.end(how);

        caller.endsWith(how);
    }

    @ParameterizedTest
    @EnumSource
    void a_call_that_cannot_connect_ends_at_once(End how) throws Exception {
        CountDownLatch connecting = new CountDownLatch(1);
        Caller caller = caller(new OkHttpClient.Builder()
                .socketFactory(new SlowToConnect(connecting, over))
                .build());
        await(connecting);

        caller.end(how);

        caller.endsWith(how);
    }

    @Test
    void a_thread_that_is_interrupted_already_sends_nothing() {
        Caller caller = new Caller(new OkHttpClient(), "127.0.0.1", event -> {}, true);

        caller.endsWith(End.INTERRUPT);
        assertThat(caller.connected.getCount()).isOne();
    }

    @Test
    void an_interrupt_is_noticed_after_the_thread_has_blocked_in_a_channel_in_between() throws Exception {
        CompletableFuture<Boolean> closed = silentAfter(HEAD + PIECE);
        CountDownLatch piped = new CountDownLatch(1);
        Caller caller = new Caller(new OkHttpClient(), "127.0.0.1", event -> {
            throughAPipe();
            piped.countDown();
        });
        await(piped);
        await(caller.text);

        caller.end(End.INTERRUPT);

        caller.endsWith(End.INTERRUPT);
        assertThat(closed).succeedsWithin(PATIENCE);
    }

    private static void throughAPipe() {
        try {
            Pipe pipe = Pipe.open();
            try (Pipe.SinkChannel sink = pipe.sink();
                    Pipe.SourceChannel source = pipe.source()) {
                sink.write(ByteBuffer.wrap(new byte[] {1}));
                source.read(ByteBuffer.allocate(1));
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void a_stream_is_over_with_its_end_marker_however_long_the_server_keeps_it_open() throws Exception {
        CompletableFuture<Boolean> closed = silentAfter(HEAD + PIECE + END);

        Caller caller = caller();

        assertThat(caller.thrown).succeedsWithin(PATIENCE).hasToString("java.lang.IllegalStateException: none");
        // What was left open is closed by another thread, after a while.
        assertThat(closed).succeedsWithin(PATIENCE);
    }

    @Test
    void a_name_that_does_not_exist_fails_as_without_a_thread_of_its_own() {
        Caller caller = new Caller(
                new OkHttpClient.Builder()
                        .dns(name -> {
                            throw new java.net.UnknownHostException("no such name");
                        })
                        .build(),
                "provider.test",
                event -> {});

        assertThat(caller.thrown).succeedsWithin(PATIENCE).isInstanceOfSatisfying(ProviderException.class, e -> {
            assertThat(e.kind()).isEqualTo(FailureKind.NETWORK);
            assertThat(e.getMessage()).contains("no such name");
        });
    }

    /** Makes sockets that connect only when the test is over, or not at all when they are closed before. */
    private static final class SlowToConnect extends javax.net.SocketFactory {

        private final CountDownLatch connecting;
        private final CompletableFuture<Void> over;

        private SlowToConnect(CountDownLatch connecting, CompletableFuture<Void> over) {
            this.connecting = connecting;
            this.over = over;
        }

        @Override
        public Socket createSocket() {
            CompletableFuture<@Nullable Void> closed = new CompletableFuture<>();
            return new Socket() {
                @Override
                public void connect(java.net.SocketAddress endpoint, int timeout) throws IOException {
                    connecting.countDown();
                    CompletableFuture.anyOf(over, closed).join();
                    throw new java.net.ConnectException("closed");
                }

                @Override
                public synchronized void close() throws IOException {
                    closed.complete(null);
                    super.close();
                }
            };
        }

        @Override
        public Socket createSocket(String host, int port) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Socket createSocket(String host, int port, InetAddress local, int localPort) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Socket createSocket(InetAddress host, int port) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) {
            throw new UnsupportedOperationException();
        }
    }
}
