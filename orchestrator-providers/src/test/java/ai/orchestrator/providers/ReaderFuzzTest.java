package ai.orchestrator.providers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.provider.ProviderType;
import ai.orchestrator.providers.FuzzCorpus.Sample;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import okhttp3.Headers;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.ResponseBody;
import okio.Buffer;
import okio.BufferedSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Reads answers that went wrong on their way at random: each is a failure with a kind or an answer, whatever came. */
class ReaderFuzzTest {

    private static final int MUTATIONS = Integer.getInteger("orchestrator.fuzz.mutations", 20_000);
    private static final long SLOW_NANOS = Duration.ofSeconds(10).toNanos();
    private static final ChatRequest REQUEST =
            ChatRequest.builder().user("hello").withResponseHeaders().build();
    private static final HttpTransport TRANSPORT = HttpTransport.own();

    @AfterAll
    static void close() {
        TRANSPORT.close();
    }

    static List<FuzzCorpus> corpora() {
        return FuzzCorpus.all();
    }

    /** What came of one answer. */
    private record Outcome(String text, int toolCalls, boolean success) {}

    private static HttpChatProvider provider(FuzzCorpus corpus) {
        ProviderTarget target = new ProviderTarget(
                "fuzzed",
                new ProviderType(corpus.name(), Optional.empty(), Optional.empty(), false, List.of(), List.of()),
                URI.create("http://localhost/v1"),
                "m",
                Optional.of("sk-planted-secret-1234567890"),
                Map.of("api-version", "2023-06-01", "auth", "x-api-key", "max-tokens", "8192", "template", "plain"));
        return new HttpChatProvider(
                target, corpus.dialect(target), TRANSPORT, InstantSource.fixed(Instant.parse("2026-01-01T00:00:00Z")));
    }

    private static Response response(int status, Headers headers, BufferedSource body) {
        return new Response.Builder()
                .request(new Request.Builder().url("http://localhost/").build())
                .protocol(Protocol.HTTP_1_1)
                .code(status)
                .message("")
                .headers(headers)
                .body(new ResponseBody() {
                    @Override
                    public okhttp3.@org.jspecify.annotations.Nullable MediaType contentType() {
                        return null;
                    }

                    @Override
                    public long contentLength() {
                        return -1;
                    }

                    @Override
                    public BufferedSource source() {
                        return body;
                    }
                })
                .build();
    }

    /** Collects as the engine does, and checks what the engine relies on. */
    private static final class Collector implements EventSink {

        private final StringBuilder text = new StringBuilder();
        private int toolCalls;
        private boolean finished;

        @Override
        public void connected() {}

        @Override
        public void alive() {}

        @Override
        public void event(ChatEvent event) {
            assertThat(finished).as("an event after the last one").isFalse();
            if (event instanceof ChatEvent.Text piece) {
                text.append(piece.text());
            } else if (event instanceof ChatEvent.ToolCalled) {
                toolCalls++;
            } else if (event instanceof ChatEvent.Finished) {
                finished = true;
            }
        }
    }

    private static Outcome read(HttpChatProvider provider, Delivery delivery, Response response) {
        Collector collector = new Collector();
        boolean success = false;
        try {
            provider.read(response, REQUEST, delivery, collector);
            assertThat(collector.finished).as("a success is finished").isTrue();
            success = true;
        } catch (ProviderException e) {
            assertThat(e.kind()).isNotNull();
            assertThat(String.valueOf(e.getMessage())).hasSizeLessThan(1_000).doesNotContain("sk-planted-secret");
        } catch (OversizedAnswerException | BrokenConnectionException e) {
            // The transport makes them MALFORMED and NETWORK.
        } catch (IOException e) {
            throw new AssertionError("nothing here breaks", e);
        }
        return new Outcome(collector.text.toString(), collector.toolCalls, success);
    }

    private static final class BrokenConnectionException extends IOException {
        private static final long serialVersionUID = 1L;

        private BrokenConnectionException() {
            super("reset");
        }
    }

    @ParameterizedTest
    @MethodSource("corpora")
    void the_samples_themselves_are_what_they_seem(FuzzCorpus corpus) {
        HttpChatProvider provider = provider(corpus);
        for (Sample sample : corpus.samples()) {
            Outcome outcome = read(
                    provider,
                    sample.delivery(),
                    response(sample.status(), sample.headers(), new Buffer().write(sample.bytes())));
            assertThat(outcome.success()).as(sample.toString()).isEqualTo(sample.text() != null);
            if (sample.text() != null) {
                assertThat(outcome.text()).isEqualTo(sample.text());
                assertThat(outcome.toolCalls()).isEqualTo(sample.toolCalls());
            }
        }
    }

    @ParameterizedTest
    @MethodSource("corpora")
    void an_answer_that_is_cut_anywhere_is_a_failure_or_the_whole_answer(FuzzCorpus corpus) {
        HttpChatProvider provider = provider(corpus);
        for (Sample sample : corpus.samples()) {
            for (int length = 0; length <= sample.bytes().length; length++) {
                byte[] cut = Arrays.copyOf(sample.bytes(), length);
                for (BufferedSource body :
                        List.of(new Buffer().write(cut), TrickledSource.broken(cut, new BrokenConnectionException()))) {
                    Outcome outcome =
                            read(provider, sample.delivery(), response(sample.status(), sample.headers(), body));
                    if (outcome.success()) {
                        assertThat(outcome.text())
                                .as("%s cut at %d", sample, length)
                                .isEqualTo(sample.text());
                        assertThat(outcome.toolCalls()).isEqualTo(sample.toolCalls());
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("corpora")
    void a_stream_whose_model_has_ended_is_whole_wherever_it_is_cut_then(FuzzCorpus corpus) {
        HttpChatProvider provider = provider(corpus);
        for (Sample sample : corpus.samples()) {
            boolean ended = false;
            for (int length = 0; sample.text() != null && length <= sample.bytes().length; length++) {
                BufferedSource body = new Buffer().write(Arrays.copyOf(sample.bytes(), length));
                boolean success = read(provider, sample.delivery(), response(sample.status(), sample.headers(), body))
                        .success();
                assertThat(success || !ended).as("%s cut at %d", sample, length).isTrue();
                ended = success;
            }
        }
    }

    @ParameterizedTest
    @MethodSource("corpora")
    void whatever_comes_is_an_answer_or_a_failure_with_a_kind(FuzzCorpus corpus) {
        HttpChatProvider provider = provider(corpus);
        long firstSeed = Long.getLong("orchestrator.fuzz.seed", 0);
        for (long seed = firstSeed; seed < firstSeed + MUTATIONS; seed++) {
            Random random = new Random(seed);
            Sample sample = corpus.samples().get(random.nextInt(corpus.samples().size()));
            byte[] mutated = Mutation.mutate(sample, random);
            Headers headers = Mutation.headers(sample.headers(), random);
            int status = random.nextInt(10) == 0 ? 200 + random.nextInt(400) : sample.status();
            Delivery delivery = random.nextInt(20) == 0
                    ? (random.nextBoolean() ? Delivery.WHOLE : Delivery.STREAMED)
                    : sample.delivery();
            long start = System.nanoTime();
            try {
                read(provider, delivery, response(status, headers, new Buffer().write(mutated)));
            } catch (Throwable e) {
                fail(
                        "seed " + seed + " of " + corpus + ", from " + sample + ", headers " + headers + ": "
                                + shown(mutated),
                        e);
            }
            assertThat(System.nanoTime() - start)
                    .as("seed %d of %s", seed, corpus)
                    .isLessThan(SLOW_NANOS);
        }
    }

    private static String shown(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.UTF_8);
        return text.length() > 4_000
                ? text.substring(0, 4_000) + "…"
                : text + "\n" + HexFormat.of().formatHex(bytes);
    }

    @Test
    void the_same_seed_gives_the_same_mutation() {
        FuzzCorpus corpus = corpora().get(0);
        for (Sample sample : corpus.samples()) {
            assertThat(Mutation.mutate(sample, new Random(7))).isEqualTo(Mutation.mutate(sample, new Random(7)));
        }
    }

    /** What may happen to bytes, lines and JSON on their way. */
    private static final class Mutation {

        private static final List<String> WORDS = List.of(
                "null",
                "{",
                "}",
                "[",
                "]",
                "\"",
                ":",
                ",",
                "\n",
                "\r",
                "\n\n",
                "data:",
                "data: ",
                "event: error\n",
                "error: ",
                ": ",
                "[DONE]",
                "\uFEFF",
                "\\u0000",
                "\\ud800",
                "1e999",
                "-0",
                "NaN",
                "\u0000",
                "\u2028",
                "{\"error\":",
                "\"finish_reason\":\"stop\"",
                "999999999999999999999999");

        private Mutation() {}

        static byte[] mutate(Sample sample, Random random) {
            byte[] bytes = sample.bytes();
            int times = 1 + random.nextInt(3);
            for (int i = 0; i < times; i++) {
                bytes = switch (random.nextInt(3)) {
                    case 0 -> bytes(bytes, random);
                    case 1 -> lines(bytes, random);
                    default -> json(bytes, random);
                };
            }
            return bytes;
        }

        static Headers headers(Headers headers, Random random) {
            if (headers.size() == 0 || random.nextInt(3) > 0) {
                return headers;
            }
            Headers.Builder changed = headers.newBuilder();
            String name = headers.name(random.nextInt(headers.size()));
            List<String> values = List.of(
                    "",
                    "0",
                    "-1",
                    "1e999",
                    "NaN",
                    "99999999999999999999",
                    "x".repeat(5_000),
                    "Fri, 31 Dec 9999 23:59:59 GMT",
                    "-999999999-01-01T00:00:00Z",
                    "+999999999-12-31T23:59:59Z",
                    "1h2m3s4ms",
                    "9223372036854775807",
                    "9223372036854775807h",
                    "0.0000000000000000001s",
                    "Thu, 01 Jan 1970 00:00:00 GMT");
            changed.set(name, values.get(random.nextInt(values.size())));
            return changed.build();
        }

        private static byte[] bytes(byte[] bytes, Random random) {
            int at = random.nextInt(bytes.length + 1);
            int to = at + random.nextInt(Math.min(64, bytes.length - at) + 1);
            switch (random.nextInt(7)) {
                case 0 -> {
                    byte[] flipped = bytes.clone();
                    if (at < bytes.length) {
                        flipped[at] ^= (byte) (1 << random.nextInt(8));
                    }
                    return flipped;
                }
                case 1 -> {
                    return joined(bytes, 0, at, new byte[0], bytes, to, bytes.length);
                }
                case 2 -> {
                    byte[] noise = new byte[1 + random.nextInt(16)];
                    random.nextBytes(noise);
                    return joined(bytes, 0, at, noise, bytes, at, bytes.length);
                }
                case 3 -> {
                    byte[] word = WORDS.get(random.nextInt(WORDS.size())).getBytes(StandardCharsets.UTF_8);
                    return joined(bytes, 0, at, word, bytes, at, bytes.length);
                }
                case 4 -> {
                    return joined(bytes, 0, to, new byte[0], bytes, at, bytes.length);
                }
                case 5 -> {
                    int from = random.nextInt(bytes.length + 1);
                    return joined(bytes, 0, at, new byte[0], bytes, from, bytes.length);
                }
                default -> {
                    return Arrays.copyOf(bytes, at);
                }
            }
        }

        private static byte[] joined(
                byte[] first, int from, int to, byte[] middle, byte[] last, int lastFrom, int lastTo) {
            ByteArrayOutputStream joined = new ByteArrayOutputStream();
            joined.write(first, from, to - from);
            joined.writeBytes(middle);
            joined.write(last, lastFrom, lastTo - lastFrom);
            return joined.toByteArray();
        }

        private static byte[] lines(byte[] bytes, Random random) {
            List<String> lines = new ArrayList<>(List.of(new String(bytes, StandardCharsets.UTF_8).split("\n", -1)));
            int at = random.nextInt(lines.size());
            int other = random.nextInt(lines.size());
            switch (random.nextInt(5)) {
                case 0 -> lines.remove(at);
                case 1 -> lines.add(other, lines.get(at));
                case 2 -> Collections.swap(lines, at, other);
                case 3 -> lines.subList(Math.min(at, other), lines.size()).clear();
                default -> Collections.shuffle(lines, random);
            }
            return String.join("\n", lines).getBytes(StandardCharsets.UTF_8);
        }

        /** Changes a value somewhere in the JSON of one line, or of the whole. */
        private static byte[] json(byte[] bytes, Random random) {
            String text = new String(bytes, StandardCharsets.UTF_8);
            JsonNode whole = Json.parse(text);
            if (whole != null) {
                return changed(whole, random).toString().getBytes(StandardCharsets.UTF_8);
            }
            String[] lines = text.split("\n", -1);
            int start = random.nextInt(lines.length);
            for (int i = 0; i < lines.length; i++) {
                int at = (start + i) % lines.length;
                String begin = lines[at].startsWith("data:") ? "data:" : "";
                JsonNode line = Json.parse(lines[at].substring(begin.length()));
                if (line != null) {
                    lines[at] = begin + changed(line, random);
                    return String.join("\n", lines).getBytes(StandardCharsets.UTF_8);
                }
            }
            return bytes(bytes, random);
        }

        private static JsonNode changed(JsonNode root, Random random) {
            List<JsonNode> containers = new ArrayList<>();
            collect(root, containers);
            if (containers.isEmpty() || random.nextInt(40) == 0) {
                return value(random);
            }
            JsonNode chosen = containers.get(random.nextInt(containers.size()));
            if (chosen instanceof ObjectNode object) {
                List<String> names = new ArrayList<>();
                object.fieldNames().forEachRemaining(names::add);
                String name = names.get(random.nextInt(names.size()));
                switch (random.nextInt(4)) {
                    case 0 -> object.remove(name);
                    case 1 ->
                        object.set(
                                names.get(random.nextInt(names.size())),
                                object.get(name).deepCopy());
                    default -> object.set(name, value(random));
                }
            } else if (chosen instanceof ArrayNode array) {
                int at = random.nextInt(array.size());
                switch (random.nextInt(4)) {
                    case 0 -> array.remove(at);
                    case 1 ->
                        array.insert(random.nextInt(array.size()), array.get(at).deepCopy());
                    default -> array.set(at, value(random));
                }
            }
            return root;
        }

        private static void collect(JsonNode node, List<JsonNode> containers) {
            if (node.isContainerNode() && !node.isEmpty()) {
                containers.add(node);
                node.forEach(child -> collect(child, containers));
            }
        }

        private static JsonNode value(Random random) {
            JsonNodeFactory make = JsonNodeFactory.instance;
            return switch (random.nextInt(18)) {
                case 0 -> make.nullNode();
                case 1 -> make.booleanNode(random.nextBoolean());
                case 2 -> make.numberNode(random.nextInt());
                case 3 -> make.numberNode(random.nextLong());
                case 4 -> make.numberNode(-1);
                case 5 -> make.numberNode(0.5);
                case 6 -> make.numberNode(new BigInteger(random.nextInt(2_000), random));
                case 7 -> make.numberNode(new BigDecimal("1e" + (random.nextInt(4_000) - 2_000)));
                case 8 -> make.textNode("");
                case 9 -> make.textNode(" \u0000\u202E\uD800\r\n");
                case 10 -> make.textNode("x".repeat(random.nextInt(20_000)));
                case 11 -> make.textNode(Integer.toString(random.nextInt()));
                case 12 -> make.textNode("error");
                case 13 -> make.arrayNode();
                case 14 -> make.arrayNode().addNull().add(1).add("x");
                case 15 -> make.objectNode();
                case 16 -> make.objectNode().put("message", "m").put("code", 429);
                default -> nested(random.nextInt(300));
            };
        }

        private static JsonNode nested(int levels) {
            JsonNode node = JsonNodeFactory.instance.numberNode(1);
            for (int i = 0; i < levels; i++) {
                node = i % 2 == 0
                        ? JsonNodeFactory.instance.arrayNode().add(node)
                        : JsonNodeFactory.instance.objectNode().set("a", node);
            }
            return node;
        }
    }
}
