package ai.orchestrator.providers;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.provider.ProviderException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import okhttp3.Headers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class RedactionTest {

    /** Looks like nobody's key, so that only knowing it hides it. */
    private static final String KEY = "Qx7.madeUp/Key+0123456789~abcdefghij";

    private final Redaction redaction = new Redaction(Optional.of(KEY));
    private final Redaction without = new Redaction(Optional.empty());

    @Test
    void the_key_is_hidden_in_messages_codes_and_ids() {
        assertThat(redaction.message("Key " + KEY + " is wrong, yes: " + KEY)).isEqualTo("Key *** is wrong, yes: ***");
        assertThat(redaction.code(KEY)).isEqualTo("***");
        assertThat(redaction.id("req-" + KEY)).isEqualTo("req-***");
        assertThat(redaction.withoutKey("a\n" + KEY + "\nb")).isEqualTo("a\n***\nb");
    }

    @Test
    void the_key_is_hidden_in_whatever_case_a_server_writes_it() {
        String lower = KEY.toLowerCase(Locale.ROOT);
        String upper = KEY.toUpperCase(Locale.ROOT);
        assertThat(redaction.message("a " + lower + upper + " b" + KEY)).isEqualTo("a ****** b***");
    }

    @Test
    void a_failure_shows_the_key_nowhere() {
        ProviderException failure = new AnswerHead(
                        401, Headers.of("x-request-id", KEY), List.of(), () -> Instant.EPOCH, redaction)
                .error(Json.parse("{\"error\":{\"message\":\"No: " + KEY + "\",\"code\":\"" + KEY + "\"}}"));

        assertThat(failure.getMessage() + failure.code() + failure.providerMessage() + failure.requestId() + failure)
                .doesNotContain(KEY)
                .doesNotContain(KEY.substring(0, 8))
                .doesNotContain(KEY.substring(KEY.length() - 8));
        assertThat(failure.requestId()).isEqualTo("***");
    }

    @Test
    void beginnings_and_ends_of_the_key_are_hidden_from_eight_characters_on() {
        for (int length = 8; length < KEY.length(); length++) {
            assertThat(redaction.message("wrong: " + KEY.substring(0, length) + "..."))
                    .isEqualTo("wrong: ***...");
            assertThat(redaction.message("wrong: ,," + KEY.substring(KEY.length() - length) + "!"))
                    .isEqualTo("wrong: ,,***!");
        }
        assertThat(redaction.message(KEY.substring(0, 12) + "*****" + KEY.substring(KEY.length() - 12)))
                .isEqualTo("************".substring(0, 11));
        assertThat(redaction.message(KEY.substring(0, 7))).isEqualTo(KEY.substring(0, 7));
    }

    @Test
    void the_key_twice_in_a_row_and_doubled_ends_are_hidden() {
        assertThat(redaction.withoutKey(KEY + KEY)).doesNotContain(KEY.substring(0, 8));
        assertThat(redaction.withoutKey(KEY.substring(0, 9) + KEY)).matches("[*]+");
        assertThat(redaction.withoutKey(KEY + KEY.substring(20))).matches("[*]+");
        assertThat(new Redaction(Optional.of("a".repeat(40))).withoutKey("x" + "a".repeat(95) + "x"))
                .matches("x[*]+a{0,7}x");
    }

    @Test
    void a_beginning_that_overlaps_itself_is_hidden() {
        assertThat(new Redaction(Optional.of("aaaaaaaab-secret-part-of-it")).withoutKey("aaaaaaaaab-secret-part"))
                .isEqualTo("***");
    }

    @ParameterizedTest
    @ValueSource(strings = {"e", "x", "none", "EMPTY", "ollama", "1234567"})
    void a_short_key_is_hidden_as_a_word_only(String key) {
        Redaction shortKey = new Redaction(Optional.of(key));

        assertThat(shortKey.message("The key '" + key + "' is wrong")).isEqualTo("The key '***' is wrong");
        assertThat(shortKey.message("It is a" + key + "b and nothing else"))
                .isEqualTo("It is a" + key + "b and nothing else");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "\t"})
    void a_blank_key_is_none(String key) {
        assertThat(new Redaction(Optional.of(key)).message("All is well")).isEqualTo("All is well");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "sk-proj-abcdefghijkl0123",
                "sk-ant-api03-abcdefghijkl",
                "sk-or-v1-0123456789abcdef",
                "sk-proj-**************abcd",
                "gsk_abcdefghijkl0123",
                "hf_abcdefghijklmnop",
                "xai-abcdefghijkl0123",
                "csk-abcdefghijkl0123",
                "pplx-abcdefghijkl0123",
                "tgp_v1_abcdefghijkl0123",
                "AIzaSyabcdefghijkl-_0"
            })
    void what_looks_like_somebodys_key_is_hidden(String key) {
        assertThat(without.message("Incorrect API key provided: " + key + "."))
                .matches("Incorrect API key provided: [*]{3}\\.");
        assertThat(new Redaction(Optional.of(key)).message("(" + key + ")")).isEqualTo("(***)");
    }

    @Test
    void a_bearer_token_is_hidden() {
        assertThat(without.message("Authorization: Bearer eyJhbGciOi.eyJzdWIi.c2ln is wrong"))
                .isEqualTo("Authorization: Bearer *** is wrong");
        assertThat(without.message("Bearer token is missing")).isEqualTo("Bearer token is missing");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "skip_special_tokens is not supported",
                "skeleton_configuration is missing",
                "hf-inference-endpoint is down",
                "task-completion-models only",
                "the risk-management-department",
                "sk- is no key",
                "huggingface_hub_version is old"
            })
    void ordinary_words_are_kept(String text) {
        assertThat(without.message(text)).isEqualTo(text);
    }

    @Test
    void texts_are_cut_and_say_so() {
        assertThat(without.message("a".repeat(300))).isEqualTo("a".repeat(300));
        assertThat(without.message("a".repeat(301))).isEqualTo("a".repeat(300) + "…");
        assertThat(without.code("a".repeat(101))).isEqualTo("a".repeat(100) + "…");
        assertThat(without.id("a".repeat(201))).isEqualTo("a".repeat(200) + "…");
    }

    @Test
    void a_cut_splits_no_pair_and_no_key() {
        String smile = "\uD83D\uDE00";
        for (int before = 290; before <= 301; before++) {
            String cut = without.message("a".repeat(before) + smile.repeat(20));
            assertThat(cut.codePoints().noneMatch(RedactionTest::isHalf)).isTrue();
            assertThat(cut.length()).isLessThanOrEqualTo(301);

            assertThat(redaction.message("a".repeat(before - 20) + KEY)).doesNotContain(KEY.substring(0, 3));
        }
        // Where the searched part ends.
        assertThat(without.message(" ".repeat(16 * 300 - 1) + smile)).isEmpty();
        for (int shown = 0; shown < KEY.length(); shown++) {
            assertThat(redaction.message(" ".repeat(16 * 300 - shown) + KEY)).hasSizeLessThan(8);
        }
    }

    private static boolean isHalf(int codePoint) {
        return codePoint >= 0xD800 && codePoint <= 0xDFFF;
    }

    @Test
    void all_is_on_one_line_without_control_characters() {
        assertThat(without.message(" a\r\n\t b\u0000c\u001B[31md\u007Fe ")).isEqualTo("a b c [31md e");
        assertThat(without.message("a\u0085b\u009Bc\u2028d\u2029e\u00A0f")).isEqualTo("a b c d e f");
        assertThat(without.message("a\u202Eb\u200Bc\uFEFFd\u2066e")).isEqualTo("a b c d e");
        assertThat(without.message("a\uD83Db\uDE00c")).isEqualTo("a b c");
        assertThat(without.message("\n\n")).isEmpty();
    }

    @Test
    void letters_of_all_scripts_are_kept() {
        assertThat(without.message("Ключ неверен 😀 密钥无效")).isEqualTo("Ключ неверен 😀 密钥无效");
    }

    @Test
    void a_cause_without_the_key_is_kept() {
        IOException cause = new IOException("reset", new IOException("by peer"));

        assertThat(redaction.cause(cause)).isSameAs(cause);
        assertThat(without.cause(cause)).isSameAs(cause);
    }

    @Test
    void a_cause_with_the_key_is_replaced() {
        IOException cause = new IOException("bad header " + KEY);

        assertThat(redaction.cause(cause))
                .hasMessage("IOException: bad header ***")
                .hasNoCause();
        assertThat(redaction.cause(cause).getStackTrace()).isEqualTo(cause.getStackTrace());
    }

    @Test
    void a_key_in_a_causes_cause_or_in_what_it_suppressed_is_not_shown() {
        IOException outer = new IOException("outer", new IllegalArgumentException(KEY));
        IOException suppressing = new IOException("first");
        suppressing.addSuppressed(new IOException(KEY));

        for (IOException shown : List.of(redaction.cause(outer), redaction.cause(suppressing))) {
            assertThat(shown).hasNoCause().hasNoSuppressedExceptions();
            assertThat(shown.toString()).doesNotContain(KEY);
        }
    }

    @Test
    void causes_in_a_circle_end() {
        IOException one = new IOException("one");
        IOException two = new IOException("two", one);
        one.initCause(two);

        assertThat(redaction.cause(one)).hasMessage("IOException: one").hasNoCause();
    }

    @Test
    void long_texts_and_keys_take_no_time() {
        for (String key : List.of("k".repeat(200), KEY.repeat(60), "ab".repeat(4000))) {
            Redaction longKey = new Redaction(Optional.of(key));
            for (String text : List.of(
                    key.substring(0, 150).repeat(40),
                    (key.substring(0, 9) + "-").repeat(100_000),
                    "a".repeat(1_000_000),
                    "sk-".repeat(300_000),
                    "Bearer ".repeat(100_000),
                    "\n".repeat(1_000_000))) {
                long start = System.nanoTime();

                longKey.message(text);
                longKey.withoutKey(text);

                assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
            }
        }
    }
}
