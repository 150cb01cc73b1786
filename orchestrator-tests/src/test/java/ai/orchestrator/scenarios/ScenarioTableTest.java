package ai.orchestrator.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** Holds the README's table of scenarios against what the run has shown. Runs after every other class. */
@Order(Integer.MAX_VALUE)
final class ScenarioTableTest {

    private static final Path README = Path.of("..", "README.md");
    private static final Path WRITTEN = Path.of("target", "scenarios.md");
    private static final Pattern BLOCK =
            Pattern.compile("(?<=<!-- scenarios -->\n\n).*?(?=\n\n<!-- /scenarios -->)", Pattern.DOTALL);

    @Test
    void the_readmes_table_of_scenarios_is_what_this_run_has_shown() throws IOException {
        // Only Maven runs all tests, and only where none is named.
        if (System.getProperty("surefire.real.class.path") == null || System.getProperty("test") != null) {
            return;
        }
        String table = ScenarioReport.table();
        Files.writeString(WRITTEN, table + "\n");
        String readme = Files.readString(README);
        Matcher block = BLOCK.matcher(readme);
        assertThat(block.find()).as("a block of scenarios in README.md").isTrue();
        // A table that says so is not one to be written down.
        assertThat(table).doesNotContain("FAILED");
        if (System.getProperty("scenarios.write") != null) {
            Files.writeString(README, block.replaceFirst(Matcher.quoteReplacement(table)));
            return;
        }
        assertThat(block.group())
                .as("the scenarios in README.md; if the change is meant, run: mvn verify -Dquick -Dscenarios.write")
                .isEqualTo(table);
    }
}
