package ai.orchestrator.providers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.providers.StreamEvent.Form;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import okio.BufferedSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonLinesTest {

    private static final long MUCH = 1_000_000;

    private static List<StreamEvent> read(BufferedSource source, long maxEventChars, AtomicInteger blanks)
            throws IOException {
        JsonLines reader = new JsonLines(new LineReader(source, MUCH, MUCH), maxEventChars, blanks::incrementAndGet);
        List<StreamEvent> events = new ArrayList<>();
        StreamEvent event;
        while ((event = reader.next()) != null) {
            events.add(event);
        }
        return events;
    }

    /** The events, after making sure that they are the same however the bytes come. */
    private static List<StreamEvent> events(String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        List<StreamEvent> atOnce = read(TrickledSource.of(bytes, left -> left), MUCH, new AtomicInteger());
        for (int seed = 0; seed < 50; seed++) {
            Random random = new Random(seed);
            assertThat(read(TrickledSource.of(bytes, left -> 1 + random.nextInt(9)), MUCH, new AtomicInteger()))
                    .as("seed %d", seed)
                    .isEqualTo(atOnce);
        }
        return atOnce;
    }

    private static StreamEvent line(String data, boolean complete) {
        return new StreamEvent(Form.DATA, "", data, complete);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\n", "\r\n", "\r"})
    void each_line_is_an_event_whatever_ends_it(String end) throws IOException {
        assertThat(events("{\"a\":\"Köln 🌧\"}" + end + "{\"b\":2}" + end))
                .containsExactly(line("{\"a\":\"Köln 🌧\"}", true), line("{\"b\":2}", true));
    }

    @Test
    void the_last_line_may_lack_its_end() throws IOException {
        assertThat(events("{\"a\":1}\n{\"b\":")).containsExactly(line("{\"a\":1}", true), line("{\"b\":", false));
        assertThat(events("{\"a\":1}")).containsExactly(line("{\"a\":1}", false));
        assertThat(events("{\"a\":")).containsExactly(line("{\"a\":", false));
    }

    @Test
    void empty_lines_are_signs_of_life() throws IOException {
        AtomicInteger blanks = new AtomicInteger();
        BufferedSource source = TrickledSource.of("\n \n{\"a\":1}\n\n".getBytes(StandardCharsets.UTF_8), left -> left);
        assertThat(read(source, MUCH, blanks)).containsExactly(line("{\"a\":1}", true));
        assertThat(blanks).hasValue(3);
    }

    @Test
    void nothing_is_no_event() throws IOException {
        assertThat(events("")).isEmpty();
        assertThat(events("\n\n")).isEmpty();
    }

    @Test
    void a_value_over_several_lines_is_one_event_if_it_comes_first() throws IOException {
        String pretty = "{\n  \"error\": {\n    \"code\": 429\n  }\n}";
        assertThat(events(pretty + "\n")).containsExactly(line(pretty, true));
        assertThat(events(pretty)).containsExactly(line(pretty, false));
        assertThat(events("[\n1\n]\n")).containsExactly(line("[\n1\n]", true));
        // Behind others it is a broken line, and nobody waits to see what follows.
        assertThat(events("{\"a\":1}\n{\n}\n"))
                .containsExactly(line("{\"a\":1}", true), line("{", true), line("}", true));
    }

    @Test
    void what_is_no_json_is_delivered_at_once() throws IOException {
        assertThat(events("<html>\n</html>\n")).containsExactly(line("<html>", true), line("</html>", true));
    }

    @Test
    void a_value_over_several_lines_is_bounded() {
        BufferedSource endless =
                TrickledSource.of(("{\n" + "\"aaaaaaaa\",\n".repeat(50)).getBytes(StandardCharsets.UTF_8), left -> 7);
        assertThatThrownBy(() -> read(endless, 100, new AtomicInteger()))
                .isInstanceOf(OversizedAnswerException.class)
                .hasMessageContaining("100");
    }
}
