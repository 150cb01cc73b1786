package ai.orchestrator.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A part of a document that a test generates: it is held against what the test has found, or written anew. */
public final class GeneratedBlock {

    private static final Path ROOT = Path.of("..");

    private GeneratedBlock() {}

    /**
     * Fails if the block is not as it should be, unless it is to be written.
     *
     * @param document such as {@code docs/scenarios.md}
     * @param name stands in the comments before and after the block
     * @param expected what should be between them
     * @param writeProperty the system property that has it written
     */
    public static void check(String document, String name, String expected, String writeProperty) throws IOException {
        Path file = ROOT.resolve(document);
        String text = Files.readString(file);
        Matcher block = Pattern.compile(
                        "(?<=<!-- " + name + " -->\n\n).*?(?=\n\n<!-- /" + name + " -->)", Pattern.DOTALL)
                .matcher(text);
        assertThat(block.find()).as("a block of %s in %s", name, file).isTrue();
        if (System.getProperty(writeProperty) != null) {
            Files.writeString(file, block.replaceFirst(Matcher.quoteReplacement(expected)));
            return;
        }
        assertThat(block.group())
                .as("the %s in %s; if the change is meant, run: mvn verify -Dquick -D%s", name, document, writeProperty)
                .isEqualTo(expected);
    }
}
