package ai.orchestrator.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Reads answers that somebody has recorded, which are nobody's to publish, through both readers, and prints the differences. It runs only
 * where it is asked for by name:
 *
 * <pre>mvn test -Dquick -pl extensions/orchestrator-conformance -am -Dtest=RecordingsTest \
 *     -Dsurefire.failIfNoSpecifiedTests=false -Dconformance.recordings=DIRECTORY</pre>
 *
 * <p>A file's name says what it is: {@code <type>-<anything>.json} is a whole answer, {@code <type>-<anything>.sse.txt} a stream, with
 * {@code error-<status>} among the anything for another status than 200; {@code azure-error-404-deployment.json} for example. Files of
 * types that no client judges, and other files, are left out.
 */
class RecordingsTest {

    private static final Set<String> TYPES = Set.of(
            "openai",
            "anthropic",
            "gemini",
            "azure",
            "groq",
            "huggingface",
            "mistral",
            "deepseek",
            "openrouter",
            "together",
            "cerebras",
            "xai",
            "vllm",
            "lmstudio");

    private static final Pattern NAME = Pattern.compile("([a-z]+)-.*?(?:error-(\\d{3}).*?)?\\.(json|sse\\.txt)");

    @Test
    void recorded_answers_are_read_by_both() throws IOException {
        String directory = System.getProperty("conformance.recordings");
        assumeThat(directory).as("-Dconformance.recordings").isNotNull();
        try (Answers answers = new Answers();
                Stream<Path> files = Files.list(Path.of(directory))) {
            List<Comparison> read = files.sorted()
                    .map(RecordingsTest::recorded)
                    .flatMap(List::stream)
                    .flatMap(answer -> answer.modes().stream().map(mode -> answers.compare(answer, mode)))
                    .toList();
            assertThat(read).as("recordings in %s", directory).isNotEmpty();
            read.forEach(RecordingsTest::print);
        }
    }

    private static List<Served> recorded(Path file) {
        Matcher name = NAME.matcher(file.getFileName().toString());
        if (!name.matches() || !TYPES.contains(name.group(1))) {
            return List.of();
        }
        try {
            return List.of(new Served(
                    name.group(1),
                    file.getFileName().toString(),
                    name.group(3).equals("sse.txt"),
                    name.group(2) == null ? 200 : Integer.parseInt(name.group(2)),
                    Map.of(),
                    Files.readString(file),
                    false));
        } catch (IOException e) {
            throw new IllegalArgumentException("cannot read " + file, e);
        }
    }

    private static void print(Comparison comparison) {
        List<String> found = Explanations.found(comparison);
        System.out.println(comparison.subject() + ": " + (found.isEmpty() ? "agree" : found));
    }
}
