package ai.orchestrator.providers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.LongUnaryOperator;
import okio.Buffer;
import okio.BufferedSource;
import okio.Okio;
import okio.Source;
import okio.Timeout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LineReaderTest {

    private static final long MUCH = 1_000_000;

    private static List<String> read(BufferedSource source, long maxLineBytes, long maxBytes) throws IOException {
        LineReader reader = new LineReader(source, maxLineBytes, maxBytes);
        List<String> lines = new ArrayList<>();
        String line;
        while ((line = reader.next()) != null) {
            lines.add(line);
        }
        return lines;
    }

    /** The lines, after making sure that they are the same however the bytes come. */
    private static List<String> lines(String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        List<String> atOnce = read(TrickledSource.of(bytes, left -> left), MUCH, MUCH);
        assertThat(read(TrickledSource.of(bytes, left -> 1), MUCH, MUCH)).isEqualTo(atOnce);
        for (int seed = 0; seed < 50; seed++) {
            assertThat(read(TrickledSource.of(bytes, randomSteps(seed)), MUCH, MUCH))
                    .as("seed %d", seed)
                    .isEqualTo(atOnce);
        }
        return atOnce;
    }

    private static LongUnaryOperator randomSteps(long seed) {
        Random random = new Random(seed);
        return left -> 1 + random.nextInt(7);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\n", "\r\n", "\r"})
    void each_line_end_ends_a_line(String end) throws IOException {
        assertThat(lines("one" + end + "two" + end + end + "three" + end)).containsExactly("one", "two", "", "three");
    }

    @Test
    void line_ends_may_be_mixed() throws IOException {
        assertThat(lines("a\nb\r\nc\rd\n\re\r\r\nf")).containsExactly("a", "b", "c", "d", "", "e", "", "f");
    }

    @Test
    void no_input_has_no_line() throws IOException {
        assertThat(lines("")).isEmpty();
        assertThat(lines("\n")).containsExactly("");
        assertThat(lines("\r\n")).containsExactly("");
    }

    @Test
    void a_line_that_ends_with_CR_does_not_wait_for_what_follows() throws IOException {
        BufferedSource source = TrickledSource.broken(
                "first\rsecond".getBytes(StandardCharsets.UTF_8), new IOException("nothing may be read here"));
        LineReader reader = new LineReader(Okio.buffer(new OnlyUntilCarriageReturn(source)), MUCH, MUCH);
        assertThat(reader.next()).isEqualTo("first");
        assertThat(reader.isTerminated()).isTrue();
        assertThatThrownBy(reader::next).hasMessage("read on");
    }

    /** Delivers up to the first CR and refuses to be asked for more. */
    private static final class OnlyUntilCarriageReturn implements Source {

        private final BufferedSource source;
        private boolean delivered;

        private OnlyUntilCarriageReturn(BufferedSource source) {
            this.source = source;
        }

        @Override
        public long read(Buffer sink, long byteCount) throws IOException {
            if (delivered) {
                throw new IOException("read on");
            }
            delivered = true;
            return source.read(sink, source.indexOf((byte) '\r') + 1);
        }

        @Override
        public Timeout timeout() {
            return Timeout.NONE;
        }

        @Override
        public void close() throws IOException {
            source.close();
        }
    }

    @Test
    void a_byte_order_mark_is_dropped_at_the_very_beginning_only() throws IOException {
        assertThat(lines("\uFEFFdata\n\uFEFFdata\n")).containsExactly("data", "\uFEFFdata");
        assertThat(lines("\uFEFF\n\n")).containsExactly("", "");
        assertThat(lines("\n\uFEFFx")).containsExactly("", "\uFEFFx");
    }

    @Test
    void characters_of_several_bytes_survive_being_cut() throws IOException {
        assertThat(lines("Größe €\n日本 🚀\r\u2028\u0085 is no line end"))
                .containsExactly("Größe €", "日本 🚀", "\u2028\u0085 is no line end");
    }

    @Test
    void bytes_that_are_not_UTF_8_are_replaced() throws IOException {
        byte[] bytes = {'a', (byte) 0xC3, '\n', (byte) 0xFF, (byte) 0xE2, (byte) 0x82};
        assertThat(read(TrickledSource.of(bytes, left -> 1), MUCH, MUCH)).containsExactly("a\uFFFD", "\uFFFD\uFFFD");
    }

    @Test
    void the_last_line_may_lack_its_end_and_is_told_apart() throws IOException {
        assertThat(lines("one\ntwo")).containsExactly("one", "two");
        LineReader reader = new LineReader(new Buffer().writeUtf8("one\ntwo"), MUCH, MUCH);
        assertThat(reader.next()).isEqualTo("one");
        assertThat(reader.isTerminated()).isTrue();
        assertThat(reader.next()).isEqualTo("two");
        assertThat(reader.isTerminated()).isFalse();
    }

    @Test
    void after_the_last_line_end_the_input_is_terminated() throws IOException {
        LineReader reader = new LineReader(new Buffer().writeUtf8("one\r\n"), MUCH, MUCH);
        assertThat(reader.next()).isEqualTo("one");
        assertThat(reader.next()).isNull();
        assertThat(reader.isTerminated()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 3, 1_000})
    void a_line_may_be_exactly_as_long_as_the_limit_and_no_byte_longer(long step) throws IOException {
        for (String end : List.of("\n", "\r\n", "\r", "")) {
            byte[] fits = ("12345678" + end).getBytes(StandardCharsets.UTF_8);
            assertThat(read(TrickledSource.of(fits, left -> step), 8, MUCH)).containsExactly("12345678");
            byte[] tooLong = ("123456789" + end).getBytes(StandardCharsets.UTF_8);
            assertThatThrownBy(() -> read(TrickledSource.of(tooLong, left -> step), 8, MUCH))
                    .isInstanceOf(OversizedAnswerException.class)
                    .hasMessage("a line is longer than 8 bytes");
        }
    }

    @Test
    void the_limit_counts_bytes_and_not_characters() {
        byte[] bytes = "€€€\n".getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() -> read(TrickledSource.of(bytes, left -> left), 8, MUCH))
                .isInstanceOf(OversizedAnswerException.class);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 3, 1_000})
    void all_lines_together_are_limited_and_a_line_end_counts(long step) throws IOException {
        byte[] fits = "123\n456\n".getBytes(StandardCharsets.UTF_8);
        assertThat(read(TrickledSource.of(fits, left -> step), 8, 8)).containsExactly("123", "456");
        byte[] tooMuch = "123\n456\n7".getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() -> read(TrickledSource.of(tooMuch, left -> step), 8, 8))
                .isInstanceOf(OversizedAnswerException.class)
                .hasMessage("the answer is larger than 8 bytes");
    }

    @Test
    void endless_empty_lines_reach_the_limit() {
        byte[] bytes = "\n".repeat(1_000).getBytes(StandardCharsets.UTF_8);
        assertThatThrownBy(() -> read(TrickledSource.of(bytes, left -> 10), 8, 100))
                .isInstanceOf(OversizedAnswerException.class);
    }

    @Test
    void an_endless_line_is_not_read_much_further_than_its_limit() {
        Buffer endless = new Buffer().writeUtf8("x".repeat(1_000_000));
        assertThatThrownBy(() -> read(Okio.buffer((Source) endless), 50_000, MUCH))
                .isInstanceOf(OversizedAnswerException.class);
        assertThat(endless.size()).isGreaterThan(1_000_000 - 50_000 - 2 * 8_192);
    }
}
