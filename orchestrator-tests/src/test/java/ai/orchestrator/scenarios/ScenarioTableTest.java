package ai.orchestrator.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.testkit.GeneratedBlock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** Holds the tables of scenarios, in the README and in docs/scenarios.md, against what the run has shown. Runs after every other class. */
@Order(Integer.MAX_VALUE)
final class ScenarioTableTest {

    private static final Path WRITTEN = Path.of("target", "scenarios.md");

    @Test
    void the_tables_of_scenarios_are_what_this_run_has_shown() throws IOException {
        // Only Maven runs all tests, and only where none is named.
        if (System.getProperty("surefire.real.class.path") == null || System.getProperty("test") != null) {
            return;
        }
        String ways = ScenarioReport.ways();
        String dialects = ScenarioReport.dialects();
        Files.writeString(WRITTEN, ways + "\n\n" + dialects + "\n");
        // A table that says so is not one to be written down.
        assertThat(ways + dialects).doesNotContain("FAILED");
        GeneratedBlock.check("README.md", "scenarios", ways, "scenarios.write");
        GeneratedBlock.check("docs/scenarios.md", "dialects", dialects, "scenarios.write");
    }
}
