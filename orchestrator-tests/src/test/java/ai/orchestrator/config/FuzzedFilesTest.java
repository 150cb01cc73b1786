package ai.orchestrator.config;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.ConfigurationException;
import ai.orchestrator.Orchestrator;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever is in a file, what comes of it is a configuration or a list of mistakes, and never a key. */
class FuzzedFilesTest {

    private static final String SECRET = "sk-planted-secret-1234567890";

    private static final String FILE = """
            orchestrator.deadline=30s
            orchestrator.routing.strategy=priority
            orchestrator.defaults.circuit-breaker.failure-threshold=5
            orchestrator.defaults.timeout.first-token=10s
            orchestrator.cache.max-size=64MB
            orchestrator.providers.groq-1.type=groq
            orchestrator.providers.groq-1.api-key=${GROQ_API_KEY}
            orchestrator.providers.groq-1.price.input=0.59
            orchestrator.providers.groq-1.price.output=0.79
            orchestrator.providers.groq-1.quota.zone=Europe/Berlin
            orchestrator.providers.groq-1.circuit-breaker.preset=fast-api
            orchestrator.providers.hf.type=huggingface
            orchestrator.providers.hf.api-key-file=key
            orchestrator.providers.claude.type=anthropic
            orchestrator.providers.claude.api-key=${NONE:${GROQ_API_KEY}}
            orchestrator.providers.claude.max-tokens=100
            orchestrator.providers.local.type=openai
            orchestrator.providers.local.base-url=http://localhost:8000/v1
            orchestrator.providers.local.model=qwen3
            orchestrator.routes.fast.providers=groq-1,local
            orchestrator.routes.fast.stream-rescue=hold
            orchestrator.routes.smart.providers[0]=hf
            orchestrator.routes.smart.providers[1]=groq-1
            """;

    private static final List<String> PIECES = List.of(
            "${",
            "}",
            "\\",
            "\\u",
            "\\u00e4",
            "=",
            ":",
            ".",
            "..",
            "[0]",
            "[",
            "]",
            ",",
            "\n",
            "\r",
            "#",
            "-",
            "_",
            "0",
            "99999999999999999999",
            "-1",
            "NaN",
            "1e999",
            "\u0000",
            "\ud800",
            "€",
            "😀",
            "\u202e",
            "orchestrator.",
            "orchestrator.providers.",
            "orchestrator.routes.",
            "orchestrator.defaults.",
            "${GROQ_API_KEY}",
            "${X:",
            "P",
            "PT",
            "d",
            "ms",
            "http://",
            "@",
            "?",
            " ",
            "\t",
            "\f",
            "api-key=",
            "given",
            "type=",
            "%s",
            "$1",
            "\\$");

    @TempDir
    private Path directory;

    @Test
    void a_fuzzed_file_is_a_configuration_or_a_list_of_mistakes() throws IOException {
        Files.writeString(directory.resolve("key"), SECRET);
        int good = 0;
        int bad = 0;
        for (long seed = 0; seed < 600; seed++) {
            Random random = new Random(seed);
            String text = fuzzed(random);
            ConfigReport report = ConfigFiles.loader(directory, text)
                    .environment(Map.of("GROQ_API_KEY", SECRET))
                    .check();
            assertThat(report.settings().isEmpty())
                    .as("seed %s", seed)
                    .isNotEqualTo(report.mistakes().isEmpty());
            String said = report.mistakes() + " " + report.warnings() + " " + report.values();
            assertThat(said).as("seed %s", seed).doesNotContain(SECRET);
            assertThat(said.chars().noneMatch(c -> c < ' ' || c == 0x202e))
                    .as("seed %s", seed)
                    .isTrue();
            if (report.settings().isPresent()) {
                good++;
                try (Orchestrator orchestrator =
                        report.settings().get().toBuilder().build()) {
                    assertThat(orchestrator.status().providers()).isNotEmpty();
                } catch (ConfigurationException e) {
                    throw new AssertionError("seed " + seed + ": refused later", e);
                }
            } else {
                bad++;
            }
        }
        assertThat(good).isGreaterThan(100);
        assertThat(bad).isGreaterThan(300);
    }

    @Test
    void random_bytes_are_no_configuration() throws IOException {
        for (long seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            byte[] bytes = new byte[random.nextInt(500)];
            random.nextBytes(bytes);
            if (random.nextBoolean()) {
                bytes = new String(bytes, StandardCharsets.ISO_8859_1).getBytes(StandardCharsets.UTF_8);
            }
            Path file = Files.write(directory.resolve("o.properties"), bytes);
            assertThat(ConfigLoader.of(file)
                            .environment(Map.of())
                            .systemProperties(Map.of())
                            .check()
                            .mistakes())
                    .as("seed %s", seed)
                    .isNotEmpty();
        }
    }

    private static String fuzzed(Random random) {
        List<String> lines = new ArrayList<>(FILE.lines().toList());
        for (int changes = random.nextInt(6); changes > 0; changes--) {
            int at = random.nextInt(lines.size());
            String line = lines.get(at);
            switch (random.nextInt(7)) {
                case 0 -> lines.remove(at);
                case 1 -> lines.add(at, lines.get(random.nextInt(lines.size())));
                case 2 -> lines.set(at, line.substring(0, random.nextInt(line.length() + 1)));
                case 3 -> {
                    int cut = random.nextInt(line.length() + 1);
                    lines.set(at, line.substring(0, cut) + pick(random) + line.substring(cut));
                }
                case 4 -> lines.set(at, line.substring(0, line.indexOf('=') + 1) + pick(random) + pick(random));
                case 5 -> {
                    // The value of one key at another, keys in the wrong line too.
                    String other = lines.get(random.nextInt(lines.size()));
                    lines.set(at, line.substring(0, line.indexOf('=') + 1) + other.substring(other.indexOf('=') + 1));
                }
                default -> {
                    char[] letters = line.toCharArray();
                    if (letters.length > 1) {
                        int swapped = random.nextInt(letters.length - 1);
                        char letter = letters[swapped];
                        letters[swapped] = letters[swapped + 1];
                        letters[swapped + 1] = letter;
                    }
                    lines.set(at, new String(letters));
                }
            }
            if (lines.isEmpty()) {
                lines.add("=");
            }
        }
        return String.join("\n", lines).replace("\ud800", "?");
    }

    private static String pick(Random random) {
        return PIECES.get(random.nextInt(PIECES.size()));
    }
}
