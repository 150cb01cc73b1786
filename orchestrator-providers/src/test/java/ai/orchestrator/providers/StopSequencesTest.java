package ai.orchestrator.providers;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class StopSequencesTest {

    private static String random(Random random, String alphabet, int length) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < length; i++) {
            text.append(alphabet.charAt(random.nextInt(alphabet.length())));
        }
        return text.toString();
    }

    /** What stands before the first sequence. */
    private static String before(String text, List<String> sequences) {
        for (int at = 0; at < text.length(); at++) {
            String left = text.substring(at);
            if (sequences.stream().anyMatch(left::startsWith)) {
                return text.substring(0, at);
            }
        }
        return text;
    }

    /** Whether a text ends with what may be the beginning of a sequence, so that this much must be held back. */
    private static int mustBeHeld(String text, List<String> sequences) {
        for (int at = 0; at < text.length(); at++) {
            String left = text.substring(at);
            if (sequences.stream().anyMatch(sequence -> sequence.startsWith(left))) {
                return left.length();
            }
        }
        return 0;
    }

    @Test
    void what_is_shown_ends_before_the_first_sequence_however_the_text_is_cut() {
        for (int seed = 0; seed < 20_000; seed++) {
            Random random = new Random(seed);
            String alphabet = "abc".substring(0, 1 + random.nextInt(3));
            List<String> sequences = new ArrayList<>();
            for (int i = random.nextInt(4); i >= 0; i--) {
                sequences.add(random(random, alphabet, 1 + random.nextInt(6)));
            }
            String text = random(random, alphabet, random.nextInt(30));
            String expected = before(text, sequences);

            StopSequences stop = new StopSequences(sequences);
            StringBuilder shown = new StringBuilder();
            int taken = 0;
            while (taken < text.length()) {
                int end = taken + random.nextInt(text.length() - taken + 1);
                shown.append(stop.accept(text.substring(taken, end)));
                taken = end;
                String soFar = text.substring(0, taken);
                String safe = before(soFar, sequences);
                if (safe.length() == soFar.length()) {
                    assertThat(shown.length())
                            .as("seed %d: no more is held back of %s for %s", seed, soFar, sequences)
                            .isEqualTo(soFar.length() - mustBeHeld(soFar, sequences));
                }
            }
            assertThat(shown + stop.rest())
                    .as("seed %d: %s before %s", seed, text, sequences)
                    .isEqualTo(expected);
            assertThat(stop.isReached()).as("seed %d", seed).isEqualTo(expected.length() < text.length());
        }
    }

    @Test
    void a_sequence_that_began_earlier_counts_before_one_that_ended_earlier() {
        StopSequences whole = new StopSequences(List.of("abcd", "bc"));
        assertThat(whole.accept("xabc")).isEqualTo("x");
        assertThat(whole.isReached()).isFalse();
        assertThat(whole.accept("d")).isEmpty();
        assertThat(whole.isReached()).isTrue();

        StopSequences broken = new StopSequences(List.of("abcd", "bc"));
        assertThat(broken.accept("xabc")).isEqualTo("x");
        assertThat(broken.accept("e")).isEqualTo("a");
        assertThat(broken.isReached()).isTrue();
    }

    @Test
    void nothing_is_shown_behind_the_end() {
        StopSequences stop = new StopSequences(List.of("END"));
        assertThat(stop.accept("one END two")).isEqualTo("one ");
        assertThat(stop.accept("three")).isEmpty();
        assertThat(stop.rest()).isEmpty();
    }

    /** A search that looks back from each character would need hours. */
    @Test
    void a_text_that_is_all_beginnings_is_read_once() {
        String text = "a".repeat(15_000_000);
        StopSequences whole = new StopSequences(List.of("a".repeat(100_000) + "b", "a".repeat(200_000) + "c"));
        assertThat(whole.accept(text).length() + whole.rest().length()).isEqualTo(text.length());

        StopSequences streamed = new StopSequences(List.of("a".repeat(1_000) + "b"));
        long shown = 0;
        for (int i = 0; i < 1_000_000; i++) {
            shown += streamed.accept("a").length();
        }
        assertThat(shown).isEqualTo(999_000);
        assertThat(streamed.accept("b")).isEmpty();
        assertThat(streamed.isReached()).isTrue();
    }
}
