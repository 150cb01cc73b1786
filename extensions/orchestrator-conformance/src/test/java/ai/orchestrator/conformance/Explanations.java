package ai.orchestrator.conformance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The differences that are known, each with its reason: {@code src/test/resources/differences.txt}. A line {@code why:} gives a reason, and
 * each line after it, up to the next one, a difference: subject, field, the client's value and this library's. A subject without a way
 * ({@code , whole} and the like) stands for all its ways, and a star for anything; several have semicolons between them. A line break
 * in a value is written {@code \n}, and nothing at all {@code –}.
 */
final class Explanations {

    private static final Path FILE = Path.of("src", "test", "resources", "differences.txt");
    private static final String NOTHING = "–";

    /**
     * A difference that is known.
     *
     * @param why the reason
     * @param subjects whom it is about, as the file says it
     * @param field what differs
     * @param theirs the client's value as it is written in the file
     * @param ours this library's value, likewise
     */
    record Explained(String why, List<String> subjects, String field, String theirs, String ours) {

        boolean isAbout(Comparison comparison) {
            return subjects.stream().anyMatch(subject -> isAbout(subject, comparison));
        }

        static boolean isAbout(String subject, Comparison comparison) {
            String pattern = Pattern.quote(subject).replace("*", "\\E.*\\Q");
            return comparison.subject().matches(pattern + "(, (whole|streamed|accumulated))?");
        }

        private String row() {
            return field + " | " + theirs + " | " + ours;
        }
    }

    private final List<Explained> all;

    private Explanations(List<Explained> all) {
        this.all = List.copyOf(all);
    }

    static Explanations load() {
        List<Explained> all = new ArrayList<>();
        String why = "";
        try {
            for (String line : Files.readAllLines(FILE)) {
                if (line.startsWith("why: ")) {
                    why = line.substring("why: ".length());
                } else if (!line.isBlank()) {
                    String[] cells = line.split(" \\| ", -1);
                    if (cells.length != 4 || why.isEmpty()) {
                        throw new IllegalArgumentException("not a difference: " + line);
                    }
                    all.add(new Explained(why, List.of(cells[0].split("; ")), cells[1], cells[2], cells[3]));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Explanations(all);
    }

    List<Explained> all() {
        return all;
    }

    /** What is said to differ in a comparison, in rows. */
    List<String> of(Comparison comparison) {
        return all.stream()
                .filter(explained -> explained.isAbout(comparison))
                .map(Explained::row)
                .sorted()
                .toList();
    }

    /** What does differ in a comparison, in rows. */
    static List<String> found(Comparison comparison) {
        return comparison.differences().entrySet().stream()
                .map(field -> field.getKey()
                        + " | " + written(field.getValue().theirs())
                        + " | " + written(field.getValue().ours()))
                .sorted()
                .toList();
    }

    /** Subjects that nothing is about. */
    List<String> idle(List<Comparison> comparisons) {
        return all.stream()
                .flatMap(explained -> explained.subjects().stream())
                .filter(subject -> comparisons.stream().noneMatch(comparison -> Explained.isAbout(subject, comparison)))
                .toList();
    }

    /** The explanations by their reasons, in the order of the file. */
    Map<String, List<Explained>> byReason() {
        Map<String, List<Explained>> byReason = new LinkedHashMap<>();
        all.forEach(explained -> byReason.computeIfAbsent(explained.why(), why -> new ArrayList<>())
                .add(explained));
        return byReason;
    }

    private static String written(String value) {
        return value.isEmpty() ? NOTHING : value.replace("\n", "\\n");
    }
}
