package ai.orchestrator.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.integration.HostilePeer.Behaviour;
import ai.orchestrator.integration.HostilePeer.Connection;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Retries;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a broken or evil server may send ends in a typed failure. Time stands still here: what ends a call is a limit on what was sent, or the
 * test that moves time.
 */
class HostilePeerTest {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final long MIB = 1_048_576;

    /** What two kernels and a reader hold between the peer and whoever counts. */
    private static final long IN_FLIGHT = 16 * MIB;

    private static final String KEY = "sk-planted-secret-1234567890";
    private static final String EVENTS = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
    private static final String JSON = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";

    /** How a call is made. */
    private enum Way {
        CHAT,
        STREAM
    }

    private final ManualTimeSource time = new ManualTimeSource();

    @AfterEach
    void no_thread_is_left() throws InterruptedException {
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith("orchestrator-")) {
                thread.join(10_000);
                assertThat(thread.isAlive()).as(thread.getName()).isFalse();
            }
        }
        assertThat(time.pendingTimers()).isZero();
    }

    private Orchestrator orchestrator(HostileWire wire, HostilePeer peer) {
        return Orchestrator.builder()
                .timeSource(time)
                .provider(
                        "evil",
                        p -> p.type(wire.type())
                                .baseUrl(peer.baseUrl(wire.path()))
                                .apiKey(KEY)
                                .model("m")
                                .retry(Retries.NONE))
                .build();
    }

    private static String ask(Orchestrator orchestrator, Way way) {
        if (way == Way.CHAT) {
            return orchestrator.chat("hello").text();
        }
        try (ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            return stream.response().text();
        }
    }

    /** What a call against such a peer ends with; sends no more than it may and is let go of. */
    private OrchestratorException failure(HostileWire wire, Way way, long maxBytes, Behaviour behaviour) {
        return assertTimeoutPreemptively(PATIENCE, () -> {
            try (HostilePeer peer = HostilePeer.start(behaviour);
                    Orchestrator orchestrator = orchestrator(wire, peer)) {
                Throwable thrown = catchThrowable(() -> ask(orchestrator, way));
                assertThat(thrown).isInstanceOf(OrchestratorException.class);
                assertThat(thrown.getMessage())
                        .doesNotContain("unexpected java", KEY)
                        .hasSizeLessThan(1_000);
                assertThat(peer.connectionCount()).isEqualTo(1);
                assertThat(peer.awaitClosed()).as("the connection is closed").isTrue();
                assertThat(peer.sent()).isLessThan(maxBytes + IN_FLIGHT);
                return (OrchestratorException) thrown;
            }
        });
    }

    /** An answer that never ends, or never begins. */
    private record Attack(String name, long maxBytes, String expected, Behaviour behaviour) {

        @Override
        public String toString() {
            return name;
        }
    }

    private static Stream<Arguments> everyWay(List<Attack> attacks) {
        return HostileWire.all().stream()
                .flatMap(wire -> attacks.stream()
                        .flatMap(attack -> Stream.of(Way.values()).map(way -> Arguments.of(wire, way, attack))));
    }

    private static Behaviour forever(String head, String body) {
        return connection -> {
            connection.send(head);
            connection.sendForever(body);
        };
    }

    private static Behaviour bomb(String head, String begin, String again) {
        return connection -> {
            connection.send(head + "content-encoding: gzip\r\n\r\n");
            GZIPOutputStream gzip = new GZIPOutputStream(connection.out(), 65_536);
            gzip.write(begin.getBytes(StandardCharsets.UTF_8));
            byte[] piece = again.repeat(1 + 65_536 / again.length()).getBytes(StandardCharsets.UTF_8);
            for (long left = 8L * 1024 * MIB; left > 0; left -= piece.length) {
                gzip.write(piece);
            }
            gzip.finish();
        };
    }

    static Stream<Arguments> endless() {
        String error = "HTTP/1.1 500 Oops\r\ncontent-type: application/json\r\n";
        String fourGigabytes = "content-length: 4294967296\r\n\r\n";
        return everyWay(List.of(
                new Attack("header lines", MIB, "", forever("HTTP/1.1 200 OK\r\n", "x-more: and more\r\n")),
                new Attack("a header", MIB, "", forever("HTTP/1.1 200 OK\r\nx-more: ", "and more")),
                new Attack("a status line", MIB, "", forever("", "HTTP/1.1 ")),
                new Attack("a status text", MIB, "", forever("HTTP/1.1 200 ", "OK")),
                new Attack("informational answers", MIB, "", forever("", "HTTP/1.1 100 Continue\r\n\r\n")),
                new Attack("early hints", MIB, "", forever("", "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n")),
                new Attack("a chunk size", MIB, "", forever(JSON + "transfer-encoding: chunked\r\n\r\n", "0")),
                new Attack(
                        "a chunk extension", MIB, "", forever(JSON + "transfer-encoding: chunked\r\n\r\n5;", "xxxx")),
                new Attack(
                        "a chunk's end", MIB, "", forever(JSON + "transfer-encoding: chunked\r\n\r\n1\r\n{", "xxxx")),
                new Attack(
                        "trailers",
                        MIB,
                        "",
                        forever(JSON + "transfer-encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n", "x-more: and more\r\n")),
                new Attack("a file name in gzip", MIB, "", connection -> {
                    connection.send(JSON + "content-encoding: gzip\r\n\r\n");
                    connection.send(new byte[] {0x1f, (byte) 0x8b, 8, 8, 0, 0, 0, 0, 0, 0});
                    connection.sendForever("name");
                }),
                new Attack("a line of JSON", 16 * MIB, "16777216", forever(JSON + "\r\n{\"a\":\"", "xxxx")),
                new Attack(
                        "a JSON string of 4 GB",
                        16 * MIB,
                        "16777216",
                        forever(JSON + fourGigabytes + "{\"a\":\"", "xxxx")),
                new Attack("blanks before JSON", 16 * MIB, "", forever(JSON + "\r\n", "        ")),
                new Attack("an error of 4 GB", MIB, "500", forever(error + fourGigabytes + "{\"error\":\"", "xxxx")),
                new Attack("an error", MIB, "500", forever(error + "\r\n{\"error\":\"", "xxxx")),
                new Attack("a bomb as an answer", MIB, "compressed", bomb(JSON, "{\"a\":\"", "xxxx")),
                new Attack("a bomb as an error", MIB, "503", bomb("HTTP/1.1 503 Busy\r\n", "{\"a\":\"", "xxxx"))));
    }

    @ParameterizedTest
    @MethodSource("endless")
    void what_never_ends_is_given_up(HostileWire wire, Way way, Attack attack) {
        // Where each line is a piece, a stream is never taken for a whole answer.
        boolean lines = way == Way.STREAM && wire.framing() == HostileWire.Framing.LINES;
        String expected = lines ? attack.expected().replace("16777216", "8388608") : attack.expected();
        assertThat(failure(wire, way, attack.maxBytes(), attack.behaviour())).hasMessageContaining(expected);
    }

    static Stream<Arguments> endlessStreams() {
        return HostileWire.all().stream()
                .flatMap(wire -> Stream.concat(
                                Stream.of(
                                        new Attack(
                                                "a line",
                                                8 * MIB,
                                                "8388608",
                                                forever(
                                                        EVENTS + "\r\n"
                                                                + wire.framing().begin() + "{\"a\":\"",
                                                        "xxxx")),
                                        new Attack(
                                                "a field name", 8 * MIB, "8388608", forever(EVENTS + "\r\n", "xxxx")),
                                        new Attack(
                                                "an event",
                                                8 * MIB,
                                                "8388608",
                                                forever(
                                                        EVENTS + "\r\n",
                                                        wire.framing().unending())),
                                        new Attack(
                                                "pieces", 32 * MIB, "16777216", forever(EVENTS + "\r\n", wire.piece())),
                                        new Attack(
                                                "a bomb",
                                                MIB,
                                                "compressed",
                                                bomb(EVENTS, wire.framing().begin() + "{\"a\":\"", "xxxx")),
                                        new Attack(
                                                "a bomb of pieces", MIB, "compressed", bomb(EVENTS, "", wire.piece())),
                                        new Attack(
                                                "comments",
                                                256 * MIB,
                                                "268435456",
                                                forever(
                                                        EVENTS + "\r\n",
                                                        wire.framing().filler()))),
                                endlessToolCalls(wire.toolCall()))
                        .map(attack -> Arguments.of(wire, attack)));
    }

    private static Stream<Attack> endlessToolCalls(@Nullable IntFunction<String> toolCall) {
        return toolCall == null
                ? Stream.empty()
                : Stream.of(new Attack("tool calls", 32 * MIB, "1024 tool calls", connection -> {
                    connection.send(EVENTS + "\r\n");
                    for (int i = 0; i < 100_000; i++) {
                        connection.send(toolCall.apply(i));
                    }
                }));
    }

    @ParameterizedTest
    @MethodSource("endlessStreams")
    void a_stream_that_never_ends_is_given_up(HostileWire wire, Attack attack) {
        assertThat(failure(wire, Way.STREAM, attack.maxBytes(), attack.behaviour()))
                .hasMessageContaining(attack.expected());
    }

    static Stream<Arguments> broken() {
        return everyWay(List.of(
                answer("deep JSON", "HTTP/1.1 200 OK\r\n\r\n" + "[".repeat(100_000)),
                answer("deep objects", "HTTP/1.1 200 OK\r\n\r\n" + "{\"a\":".repeat(100_000)),
                answer("a deep error", "HTTP/1.1 500 Oops\r\n\r\n" + "{\"error\":".repeat(20_000)),
                answer("a deep piece", EVENTS + "\r\ndata: " + "{\"a\":".repeat(100_000) + "\n\n"),
                answer("no HTTP at all", "SSH-2.0-OpenSSH_9.6\r\n\r\n"),
                answer("a broken status line", "HTTP/1.1 abc OK\r\n\r\n"),
                answer("a status below 100", "HTTP/1.1 099 Hm\r\n\r\n{}"),
                answer("a status above 999", "HTTP/1.1 1000 Hm\r\n\r\n{}"),
                answer("a status of 999", "HTTP/1.1 999 Hm\r\n\r\n{}"),
                answer("a header without a colon", "HTTP/1.1 200 OK\r\nhello\r\n\r\n{}"),
                answer("a header with control characters", "HTTP/1.1 200 OK\r\nx: \u0001\u0000\r\n\r\n{}"),
                answer("a negative length", JSON + "content-length: -5\r\n\r\n{}"),
                answer("two lengths", JSON + "content-length: 1\r\ncontent-length: 2\r\n\r\n{}"),
                answer("a chunk of no size", JSON + "transfer-encoding: chunked\r\n\r\nxyz\r\n{}"),
                answer(
                        "a chunk of an overflowing size",
                        JSON + "transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n{}"),
                answer("gzip that is none", JSON + "content-encoding: gzip\r\n\r\n{\"a\":1}"),
                answer("101", "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nhello"),
                answer("101 without more", "HTTP/1.1 101 Switching Protocols\r\n\r\n"),
                answer("204", "HTTP/1.1 204 No Content\r\n\r\n"),
                answer("204 with a body", "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello"),
                answer("205", "HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n"),
                answer("206", "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 0-4/9\r\n\r\n{\"id\""),
                answer("304", "HTTP/1.1 304 Not Modified\r\n\r\n"),
                answer("401 with a challenge", "HTTP/1.1 401 No\r\nwww-authenticate: Basic realm=\"x\"\r\n\r\n"),
                answer("407", "HTTP/1.1 407 Proxy\r\nproxy-authenticate: Basic realm=\"x\"\r\n\r\n"),
                answer("408", "HTTP/1.1 408 Slow\r\nconnection: close\r\n\r\n"),
                answer("421", "HTTP/1.1 421 Misdirected\r\ncontent-length: 0\r\n\r\n"),
                answer("503 at once", "HTTP/1.1 503 Busy\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n"),
                answer("an empty answer", JSON + "content-length: 0\r\n\r\n"),
                answer("a page", "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<!doctype html>\n<h1>Login</h1>\n"),
                answer("nothing", "")));
    }

    private static Attack answer(String name, String answer) {
        return new Attack(name, MIB, "", connection -> connection.send(answer));
    }

    @ParameterizedTest
    @MethodSource("broken")
    void what_is_no_answer_is_a_failure(HostileWire wire, Way way, Attack attack) {
        failure(wire, way, attack.maxBytes(), attack.behaviour());
    }

    /** Ways to say where a body ends, each with the whole answer as it goes over the wire. */
    private static List<byte[]> framings(String head, String body) throws IOException {
        ByteArrayOutputStream chunks = new ByteArrayOutputStream();
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        chunks.writeBytes((head + "transfer-encoding: chunked\r\n\r\n").getBytes(StandardCharsets.UTF_8));
        for (int from = 0; from < bytes.length; from += 50) {
            int length = Math.min(50, bytes.length - from);
            chunks.writeBytes((Integer.toHexString(length) + "\r\n").getBytes(StandardCharsets.UTF_8));
            chunks.write(bytes, from, length);
            chunks.writeBytes("\r\n".getBytes(StandardCharsets.UTF_8));
        }
        chunks.writeBytes("0\r\n\r\n".getBytes(StandardCharsets.UTF_8));
        return List.of(
                (head + "connection: close\r\n\r\n" + body).getBytes(StandardCharsets.UTF_8),
                (head + "connection: close\r\ncontent-length: " + bytes.length + "\r\n\r\n" + body)
                        .getBytes(StandardCharsets.UTF_8),
                chunks.toByteArray());
    }

    static Stream<Arguments> cuts() {
        return HostileWire.all().stream()
                .flatMap(wire -> Stream.of(Way.values()).map(way -> Arguments.of(wire, way)));
    }

    @ParameterizedTest
    @MethodSource("cuts")
    void an_answer_that_is_cut_at_any_byte_is_a_failure_or_the_whole_answer(HostileWire wire, Way way)
            throws IOException {
        List<byte[]> answers = way == Way.CHAT ? framings(JSON, wire.whole()) : framings(EVENTS, wire.stream());
        for (byte[] answer : answers) {
            boolean complete = cut(wire, way, answer);
            assertThat(complete).as("the uncut answer").isTrue();
        }
    }

    private boolean cut(HostileWire wire, Way way, byte[] answer) {
        int[] length = {0};
        return assertTimeoutPreemptively(PATIENCE, () -> {
            boolean complete = false;
            try (HostilePeer peer = HostilePeer.start(connection -> connection.send(Arrays.copyOf(answer, length[0])));
                    Orchestrator orchestrator = orchestrator(wire, peer)) {
                orchestrator.circuitBreaker("evil").disable();
                for (; length[0] <= answer.length; length[0]++) {
                    String text = answered(orchestrator, way);
                    if (text == null) {
                        assertThat(complete)
                                .as("whole, and then cut at %d, not", length[0])
                                .isFalse();
                    } else {
                        assertThat(text).as("cut at %d", length[0]).isEqualTo(HostileWire.TEXT);
                        complete = true;
                    }
                }
                assertThat(peer.awaitClosed()).isTrue();
            }
            return complete;
        });
    }

    private static @Nullable String answered(Orchestrator orchestrator, Way way) {
        try {
            return ask(orchestrator, way);
        } catch (OrchestratorException e) {
            assertThat(e.getMessage()).doesNotContain("unexpected java");
            return null;
        }
    }

    @ParameterizedTest
    @MethodSource("cuts")
    void a_peer_that_sends_a_byte_at_a_time_is_ended_by_a_limit_of_time(HostileWire wire, Way way) {
        for (String head : List.of("HTTP/1.1 200 OK\r\nx: ", JSON + "\r\n{\"a\":\"", EVENTS + "\r\n")) {
            assertTimeoutPreemptively(PATIENCE, () -> {
                CountDownLatch trickling = new CountDownLatch(1);
                try (HostilePeer peer = HostilePeer.start(connection -> trickle(connection, head, trickling));
                        Orchestrator orchestrator = orchestrator(wire, peer)) {
                    List<@Nullable Throwable> ends = new ArrayList<>();
                    Thread caller = new Thread(() -> ends.add(catchThrowable(() -> ask(orchestrator, way))));
                    caller.start();
                    assertThat(trickling.await(10, TimeUnit.SECONDS)).isTrue();
                    time.advance(Duration.ofSeconds(31));
                    caller.join();
                    assertThat(ends).singleElement().isInstanceOf(OrchestratorException.class);
                    assertThat(peer.awaitClosed()).isTrue();
                }
            });
        }
    }

    private static void trickle(Connection connection, String head, CountDownLatch trickling) throws IOException {
        connection.send(head);
        for (int i = 0; true; i++) {
            connection.send(new byte[] {'x'});
            if (i == 100) {
                trickling.countDown();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"\n", "\r\n", "\r", ":\n"})
    void empty_lines_and_comments_without_end_are_ended_by_a_limit_of_time(String line) {
        HostileWire wire = HostileWire.all().get(0);
        assertTimeoutPreemptively(PATIENCE, () -> {
            CountDownLatch flowing = new CountDownLatch(1);
            try (HostilePeer peer = HostilePeer.start(connection -> {
                        connection.send(EVENTS + "\r\n" + line.repeat(100_000));
                        flowing.countDown();
                        connection.sendForever(line);
                    });
                    Orchestrator orchestrator = orchestrator(wire, peer)) {
                List<@Nullable Throwable> ends = new ArrayList<>();
                Thread caller = new Thread(() -> ends.add(catchThrowable(() -> ask(orchestrator, Way.STREAM))));
                caller.start();
                assertThat(flowing.await(10, TimeUnit.SECONDS)).isTrue();
                time.advance(Duration.ofSeconds(11));
                caller.join();
                assertThat(ends)
                        .singleElement()
                        .isInstanceOfSatisfying(
                                OrchestratorException.class, e -> assertThat(e).hasMessageContaining("TIMEOUT"));
                assertThat(peer.awaitClosed()).isTrue();
            }
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {300, 301, 302, 303, 307, 308})
    void a_redirect_is_not_followed_and_carries_no_key_along(int status) {
        HostileWire wire = HostileWire.all().get(0);
        try (HostilePeer elsewhere = HostilePeer.start(Connection::awaitClient)) {
            for (Way way : Way.values()) {
                failure(
                        wire,
                        way,
                        MIB,
                        connection -> connection.send("HTTP/1.1 " + status + " Moved\r\nlocation: "
                                + elsewhere.baseUrl("/v1/chat/completions") + "\r\ncontent-length: 0\r\n\r\n"));
            }
            assertThat(elsewhere.connectionCount()).isZero();
        }
    }

    @Test
    void a_stream_that_goes_on_after_its_end_is_an_answer_and_its_connection_is_closed() {
        for (HostileWire wire : HostileWire.all()) {
            String text = assertTimeoutPreemptively(PATIENCE, () -> {
                try (HostilePeer peer = HostilePeer.start(forever(EVENTS + "\r\n" + wire.stream(), wire.piece()));
                        Orchestrator orchestrator = orchestrator(wire, peer)) {
                    String answer = ask(orchestrator, Way.STREAM);
                    assertThat(peer.awaitClosed()).isTrue();
                    return answer;
                }
            });
            assertThat(text.toLowerCase(Locale.ROOT)).isEqualTo(HostileWire.TEXT);
        }
    }

    /** The answer is complete, and its last chunk comes when the idle connections have been closed. */
    @Test
    void a_connection_that_comes_free_after_close_is_closed_too() {
        HostileWire wire = HostileWire.all().get(0);
        String stream = wire.stream();
        assertTimeoutPreemptively(PATIENCE, () -> {
            // More than once, because OkHttp waits for the end for a tenth of a second, and a cold virtual machine
            // takes longer to close.
            for (int i = 0; i < 5; i++) {
                CountDownLatch closed = new CountDownLatch(1);
                try (HostilePeer peer = HostilePeer.start(connection -> {
                    connection.send(EVENTS + "transfer-encoding: chunked\r\n\r\n"
                            + Integer.toHexString(stream.getBytes(StandardCharsets.UTF_8).length) + "\r\n" + stream
                            + "\r\n");
                    try {
                        closed.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    connection.send("0\r\n\r\n");
                    connection.awaitClient();
                })) {
                    try (Orchestrator orchestrator = orchestrator(wire, peer)) {
                        assertThat(ask(orchestrator, Way.STREAM)).isEqualTo(HostileWire.TEXT);
                    }
                    closed.countDown();
                    assertThat(peer.awaitClosed()).isTrue();
                }
            }
        });
    }

    /** OkHttp misses a cancel between connecting and shaking hands, and this peer would keep it waiting for ever. */
    @Test
    void a_call_that_is_cancelled_just_before_the_handshake_leaves_neither_thread_nor_connection() {
        HostileWire wire = HostileWire.all().get(0);
        SplittableRandom random = new SplittableRandom(1);
        assertTimeoutPreemptively(PATIENCE, () -> {
            try (HostilePeer peer = HostilePeer.start(Connection::awaitClient)) {
                try (Orchestrator orchestrator = Orchestrator.builder()
                        .timeSource(time)
                        .provider(
                                "evil",
                                p -> p.type(wire.type())
                                        .baseUrl(peer.baseUrl(wire.path()).replace("http:", "https:"))
                                        .apiKey(KEY)
                                        .model("m"))
                        .build()) {
                    for (int i = 0; i < 1_000; i++) {
                        CompletableFuture<ChatResponse> call = orchestrator.chatAsync(ChatRequest.of("hello"));
                        long until = System.nanoTime() + random.nextInt(1_500_000);
                        while (System.nanoTime() < until) {
                            Thread.onSpinWait();
                        }
                        call.cancel(true);
                    }
                }
                assertThat(peer.awaitClosed()).isTrue();
            }
        });
    }
}
