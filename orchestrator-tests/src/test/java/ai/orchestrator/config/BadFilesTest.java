package ai.orchestrator.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The table of {@code config/bad-files.txt}: files with mistakes, and every message to the letter (C2). */
class BadFilesTest {

    private static final String GOOD = """
            orchestrator.providers.a.type=openai
            orchestrator.providers.a.base-url=http://localhost:1/v1""";

    private static final String AZURE = """
            orchestrator.providers.a.type=azure
            orchestrator.providers.a.base-url=https://x.openai.azure.com
            orchestrator.providers.a.api-key=k-secret-123
            orchestrator.providers.a.model=chat""";

    @TempDir
    private Path directory;

    static Stream<Arguments> files() throws IOException {
        String table;
        try (InputStream in = Objects.requireNonNull(BadFilesTest.class.getResourceAsStream("/config/bad-files.txt"))) {
            table = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        return Stream.of(table.split("(?m)^====\n", -1)).skip(1).map(block -> {
            String[] halves = block.split("(?m)^----\n", 2);
            return Arguments.of(halves[0].stripTrailing(), halves[1].lines().toList());
        });
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("files")
    void a_bad_file_is_refused_with_every_mistake_in_it(String text, List<String> messages) throws IOException {
        Path file = directory.resolve("o.properties");
        Files.writeString(file, text.replace("@good", GOOD).replace("@azure", AZURE));

        ConfigReport report = ConfigLoader.of(file)
                .environment(Map.of("KEY", "sk-env"))
                .systemProperties(Map.of())
                .check();

        assertThat(report.settings()).isEmpty();
        assertThat(report.mistakes())
                .extracting(mistake -> mistake.toString().replace(directory.toString(), "@dir"))
                .containsExactlyElementsOf(messages);
        assertThat(report.mistakes().toString()).doesNotContain("k-secret", "pass@", "sk-1");
    }

    @Test
    void there_are_enough_of_them() throws IOException {
        assertThat(files()).hasSizeGreaterThan(150);
    }
}
