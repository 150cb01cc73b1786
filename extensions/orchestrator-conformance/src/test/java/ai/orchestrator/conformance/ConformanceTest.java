package ai.orchestrator.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * The vendors' own clients judge the dialects. Every difference is either explained in {@code differences.txt} or a failure here, and an
 * explanation of what no longer differs is a failure too.
 */
class ConformanceTest {

    private static final Path REPORT = Path.of("..", "..", "docs", "conformance.md");
    private static final Path FOUND = Path.of("target", "differences.txt");
    private static final Path WRITTEN = Path.of("target", "conformance.md");

    private static final Explanations EXPLANATIONS = Explanations.load();

    @TestFactory
    Stream<DynamicTest> answers_are_read_as_the_vendors_clients_read_them() {
        return Answers.ofCatalogue().stream().map(ConformanceTest::agrees);
    }

    @TestFactory
    Stream<DynamicTest> requests_have_the_fields_that_the_vendors_clients_send() {
        return Requests.ofAllIntents().stream().map(ConformanceTest::agrees);
    }

    private static DynamicTest agrees(Comparison comparison) {
        return DynamicTest.dynamicTest(
                comparison.subject(),
                () -> assertThat(Explanations.found(comparison))
                        .as("field | client | here, for %s\n%s", comparison.subject(), comparison.notes())
                        .isEqualTo(EXPLANATIONS.of(comparison)));
    }

    @Test
    void no_two_have_the_same_name() {
        assertThat(all().stream().map(Comparison::subject)).doesNotHaveDuplicates();
    }

    @Test
    void every_explanation_is_about_something() {
        assertThat(EXPLANATIONS.idle(all())).isEmpty();
    }

    @Test
    void the_report_says_what_was_found() throws IOException {
        List<Comparison> all = all();
        // For whoever has to explain them, in the form of the file.
        Files.write(
                FOUND,
                all.stream()
                        .flatMap(comparison ->
                                Explanations.found(comparison).stream().map(row -> comparison.subject() + " | " + row))
                        .toList());
        // A table that calls unexplained differences explained is not one to be written down.
        assertThat(all.stream()
                        .filter(comparison -> !Explanations.found(comparison).equals(EXPLANATIONS.of(comparison)))
                        .map(Comparison::subject))
                .as("differences that are not explained, or explanations of none")
                .isEmpty();
        String report = Report.of(all, EXPLANATIONS);
        Files.writeString(WRITTEN, report);
        if (System.getProperty("conformance.write") != null) {
            Files.writeString(REPORT, report);
            return;
        }
        assertThat(REPORT)
                .as("if the change is meant, run: mvn verify -Dquick -Dconformance.write")
                .hasContent(report);
    }

    private static List<Comparison> all() {
        return Stream.of(Answers.ofCatalogue(), Requests.ofAllIntents())
                .flatMap(List::stream)
                .toList();
    }
}
