package ai.orchestrator.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.StringReader;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Lines are counted, and nothing else is read but what {@link Properties} reads. */
class PropertiesTextTest {

    private static final String[] PIECES = {
        "a", "b", "key", "=", ":", " ", "\t", "\f", "\\", "\\\\", "\n", "\r", "\r\n", "#", "!", "\\n", "\\u0041", "x.y",
        "ä", "\n\n", "\\\n", "\\\r\n", "\\ "
    };

    @Test
    void it_reads_what_properties_reads() throws IOException {
        Random random = new Random(8);
        for (int run = 0; run < 4_000; run++) {
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(30); i > 0; i--) {
                text.append(PIECES[random.nextInt(PIECES.length)]);
            }
            // A continued line before nothing at all is an entry without a key to Properties, and nothing to anybody
            // else.
            text.append("\nend=1");
            Properties expected = new Properties();
            expected.load(new StringReader(text.toString()));

            PropertiesText read = PropertiesText.parse(text.toString());

            Map<String, String> entries = new HashMap<>();
            // The last one wins there; here nobody wins, and the next to look sees that there are two.
            read.entries().forEach(entry -> entries.put(entry.key(), entry.value()));
            assertThat(entries).as("%s", text).isEqualTo(expected);
            assertThat(read.unreadable()).isEmpty();
        }
    }

    @Test
    void an_entry_is_in_the_line_where_it_begins() {
        PropertiesText read =
                PropertiesText.parse("# remark\n\na=1\r\nb=2\\\n  3\\\r\n  4\rc:5\n  ! d=6\n\\\n\ne=\\u12\nf=7");

        assertThat(read.entries())
                .containsExactly(
                        new PropertiesText.Entry(3, "a", "1"),
                        new PropertiesText.Entry(4, "b", "234"),
                        new PropertiesText.Entry(7, "c", "5"),
                        new PropertiesText.Entry(12, "f", "7"));
        assertThat(read.unreadable()).containsExactly(new PropertiesText.Unreadable(11));
    }
}
