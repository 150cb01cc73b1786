package ai.orchestrator.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** Holds the tables of scenarios, in the README and in docs/scenarios.md, against what the run has shown. Runs after every other class. */
@Order(Integer.MAX_VALUE)
final class ScenarioTableTest {

    private static final Path ROOT = Path.of("..");
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
        compare(ROOT.resolve("README.md"), "scenarios", ways);
        compare(ROOT.resolve("docs/scenarios.md"), "dialects", dialects);
    }

    private static void compare(Path file, String name, String table) throws IOException {
        String text = Files.readString(file);
        Matcher block = Pattern.compile(
                        "(?<=<!-- " + name + " -->\n\n).*?(?=\n\n<!-- /" + name + " -->)", Pattern.DOTALL)
                .matcher(text);
        assertThat(block.find()).as("a block of %s in %s", name, file).isTrue();
        // A table that says so is not one to be written down.
        assertThat(table).doesNotContain("FAILED");
        if (System.getProperty("scenarios.write") != null) {
            Files.writeString(file, block.replaceFirst(Matcher.quoteReplacement(table)));
            return;
        }
        assertThat(block.group())
                .as("the %s in %s; if the change is meant, run: mvn verify -Dquick -Dscenarios.write", name, file)
                .isEqualTo(table);
    }
}
