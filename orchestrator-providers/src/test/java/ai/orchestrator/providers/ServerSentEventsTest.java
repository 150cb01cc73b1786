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

class ServerSentEventsTest {

    private static final long MUCH = 1_000_000;

    private static List<StreamEvent> read(BufferedSource source, AtomicInteger comments) throws IOException {
        ServerSentEvents reader =
                new ServerSentEvents(new LineReader(source, MUCH, MUCH), MUCH, comments::incrementAndGet);
        List<StreamEvent> events = new ArrayList<>();
        StreamEvent event;
        while ((event = reader.next()) != null) {
            events.add(event);
        }
        return events;
    }

    /** The events, after making sure that they are the same however the bytes come. */
    private static List<StreamEvent> events(String text) throws IOException {
        return events(text, new AtomicInteger());
    }

    private static List<StreamEvent> events(String text, AtomicInteger comments) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        List<StreamEvent> atOnce = read(TrickledSource.of(bytes, left -> left), comments);
        assertThat(read(TrickledSource.of(bytes, left -> 1), new AtomicInteger()))
                .isEqualTo(atOnce);
        for (int seed = 0; seed < 50; seed++) {
            Random random = new Random(seed);
            AtomicInteger again = new AtomicInteger();
            assertThat(read(TrickledSource.of(bytes, left -> 1 + random.nextInt(9)), again))
                    .as("seed %d", seed)
                    .isEqualTo(atOnce);
            assertThat(again).hasValue(comments.get());
        }
        return atOnce;
    }

    private static StreamEvent data(String data) {
        return new StreamEvent(Form.DATA, "", data, true);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\n", "\r\n", "\r"})
    void an_empty_line_ends_an_event_whatever_ends_the_lines(String end) throws IOException {
        String text = "event: a" + end + "data: 1" + end + end + "data: 2" + end + "data: 3" + end + end;
        assertThat(events(text)).containsExactly(new StreamEvent(Form.DATA, "a", "1", true), data("2\n3"));
    }

    @Test
    void line_ends_may_be_mixed() throws IOException {
        assertThat(events("data: 1\r\n\ndata: 2\r\rdata: 3\n\r\ndata: 4\n\r"))
                .containsExactly(data("1"), data("2"), data("3"), data("4"));
    }

    @Test
    void a_byte_order_mark_before_the_first_event_is_dropped() throws IOException {
        assertThat(events("\uFEFFdata: 1\n\n")).containsExactly(data("1"));
    }

    @Test
    void empty_lines_between_events_mean_nothing() throws IOException {
        assertThat(events("\n\n\ndata: 1\n\n\n\n\ndata: 2\n\n\n")).containsExactly(data("1"), data("2"));
        assertThat(events("")).isEmpty();
        assertThat(events("\n\n")).isEmpty();
    }

    @Test
    void comments_are_counted_and_belong_to_no_event() throws IOException {
        AtomicInteger comments = new AtomicInteger();
        assertThat(events(": OPENROUTER PROCESSING\n\n:\ndata: 1\n: within\ndata: 2\n\n:last", comments))
                .containsExactly(data("1\n2"));
        assertThat(comments).hasValue(4);
    }

    @Test
    void a_data_field_without_a_colon_is_an_empty_line_of_data() throws IOException {
        assertThat(events("data\n\ndata\ndata\n\ndata:\n\ndata: \n\n"))
                .containsExactly(data(""), data("\n"), data(""), data(""));
    }

    @Test
    void only_one_leading_space_is_dropped() throws IOException {
        assertThat(events("data:x\n\ndata: x\n\ndata:  x \n\ndata:\tx\n\n"))
                .containsExactly(data("x"), data("x"), data(" x "), data("\tx"));
    }

    @Test
    void a_colon_within_the_value_stays() throws IOException {
        assertThat(events("data: {\"a\": 1}\n\ndata::\n\n")).containsExactly(data("{\"a\": 1}"), data(":"));
    }

    @Test
    void an_error_field_is_told_apart() throws IOException {
        assertThat(events("error: {\"code\":500}\n\nerror: a\nerror: b\n\ndata: 1\n\n"))
                .containsExactly(
                        new StreamEvent(Form.ERROR_FIELD, "", "{\"code\":500}", true),
                        new StreamEvent(Form.ERROR_FIELD, "", "a\nb", true),
                        data("1"));
    }

    @Test
    void bare_json_over_several_lines_is_one_event() throws IOException {
        assertThat(events("{\n  \"error\": {\n    \"code\": 429\n  }\n}\n\ndata: 1\n\n"))
                .containsExactly(
                        new StreamEvent(Form.BARE_JSON, "", "{\n  \"error\": {\n    \"code\": 429\n  }\n}", true),
                        data("1"));
        assertThat(events("[{\"a\":1}]\n")).containsExactly(new StreamEvent(Form.BARE_JSON, "", "[{\"a\":1}]", true));
        assertThat(events(" {\"a\":1}")).containsExactly(new StreamEvent(Form.BARE_JSON, "", " {\"a\":1}", false));
    }

    @Test
    void an_event_name_alone_is_no_event_unless_it_says_error() throws IOException {
        assertThat(events("event: ping\n\ndata: 1\n\n")).containsExactly(data("1"));
        assertThat(events("event: error\n\n")).containsExactly(new StreamEvent(Form.DATA, "error", "", true));
    }

    @Test
    void ids_reconnection_times_and_unknown_fields_are_ignored() throws IOException {
        assertThat(events("id: 7\nretry: 100\nfoo: bar\nfoo\nDATA: no\n data: no\ndata: 1\n\nid: 8\n\n"))
                .containsExactly(data("1"));
    }

    @Test
    void the_last_event_name_counts_and_does_not_outlive_its_event() throws IOException {
        assertThat(events("event: a\nevent: b\ndata: 1\n\ndata: 2\n\n"))
                .containsExactly(new StreamEvent(Form.DATA, "b", "1", true), data("2"));
    }

    @Test
    void an_event_that_the_end_cuts_within_a_line_is_delivered_and_marked() throws IOException {
        assertThat(events("data: 1\n\ndata: {\"a\""))
                .containsExactly(data("1"), new StreamEvent(Form.DATA, "", "{\"a\"", false));
    }

    @Test
    void an_event_whose_last_line_is_whole_needs_no_empty_line_at_the_end_of_the_input() throws IOException {
        assertThat(events("data: 1\n\ndata: [DONE]\n")).containsExactly(data("1"), data("[DONE]"));
    }

    @Test
    void characters_of_several_bytes_survive_being_cut() throws IOException {
        assertThat(events("data: Größe € 日本 🚀\n\n")).containsExactly(data("Größe € 日本 🚀"));
    }

    @Test
    void the_lines_of_an_event_are_limited_together() throws IOException {
        String text = "data: 1234\ndata: 567\n\n";
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (long step : new long[] {1, 100}) {
            ServerSentEvents fits = new ServerSentEvents(
                    new LineReader(TrickledSource.of(bytes, left -> step), MUCH, MUCH), 8, () -> {});
            assertThat(fits.next()).isEqualTo(data("1234\n567"));
            ServerSentEvents tooLong = new ServerSentEvents(
                    new LineReader(TrickledSource.of(bytes, left -> step), MUCH, MUCH), 7, () -> {});
            assertThatThrownBy(tooLong::next)
                    .isInstanceOf(OversizedAnswerException.class)
                    .hasMessage("an event is longer than 7 characters");
        }
    }
}
