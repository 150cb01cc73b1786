package ai.orchestrator.conformance;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Writes docs/conformance.md. */
final class Report {

    private static final String INTRODUCTION = """
            # The vendors' own clients as judges

            The official Java clients (openai-java %s, anthropic-java %s, google-genai %s) and this library read the
            same served bytes and are asked to send the same requests. What they make of them is compared field by field.
            The tests of `extensions/orchestrator-conformance` write this page, and fail where it is not what they find:

            ```
            mvn verify -Dquick -Dconformance.write
            ```

            ## How far they agree

            In how many cases a field agrees, and after a plus sign in how many it differs for a reason that is given
            below; cases in which neither side had anything are not counted. Where only one side has failed, that is the
            difference, and only what a stream had shown before is compared beside it. *Streamed* are pieces as the client
            hands them over, *accumulated* is the answer that its own accumulator makes of them. *Kind* is what a failure
            means, where the client has an exception of its own for it; Google's has none.

            Not compared are Retry-After, the id of a request, and the text of a refusal. Apart from OpenAI and Azure the
            providers with OpenAI's dialect are settings of one and the same dialect: Groq, Hugging Face, Mistral, DeepSeek
            and OpenRouter have one request each. Together, Cerebras, xAI and LM Studio have neither a request nor a served
            answer here, Hugging Face has no served answer, and vLLM no request.

            """;

    private static final List<String> MODES =
            List.of("whole", "streamed", "accumulated", "request, whole", "request, streamed");

    /** Counts of one cell. */
    private static final class Cell {

        private int agree;
        private int differ;

        private void add(Comparison.Pair pair) {
            if (pair.isEmpty()) {
                return;
            }
            if (pair.agrees()) {
                agree++;
            } else {
                differ++;
            }
        }

        @Override
        public String toString() {
            return agree + differ == 0 ? "" : differ == 0 ? Integer.toString(agree) : agree + " + " + differ;
        }
    }

    private Report() {}

    static String of(List<Comparison> all, Explanations explanations) {
        StringBuilder report = new StringBuilder(INTRODUCTION.formatted(
                System.getProperty("openai-java.version"),
                System.getProperty("anthropic-java.version"),
                System.getProperty("google-genai.version")));
        List<String> answerFields = new ArrayList<>(Reading.fieldNames());
        answerFields.add("requests");
        table(report, "answers", isRequest(all, false), answerFields);
        table(report, "requests", isRequest(all, true), List.of("method", "address", "headers", "fields of the body"));
        report.append("""
                ## What differs, and why

                | what | the client | here | where |
                |---|---|---|---|
                """);
        explanations.byReason().forEach((why, explained) -> {
            report.append("| **").append(escaped(why)).append("** | | | |\n");
            merged(explained)
                    .forEach((cells, subjects) -> report.append("| ")
                            .append(cells)
                            .append(" | ")
                            .append(escaped(String.join("; ", subjects)))
                            .append(" |\n"));
        });
        return report.toString();
    }

    private static List<Comparison> isRequest(List<Comparison> all, boolean request) {
        return all.stream()
                .filter(comparison -> comparison.mode().startsWith("request") == request)
                .toList();
    }

    private static void table(StringBuilder report, String what, List<Comparison> comparisons, List<String> columns) {
        Map<String, List<Comparison>> rows = new LinkedHashMap<>();
        for (Family family : Family.values()) {
            comparisons.stream()
                    .filter(comparison -> comparison.family() == family)
                    .sorted(Comparator.comparing(comparison -> MODES.indexOf(comparison.mode())))
                    .forEach(comparison -> rows.computeIfAbsent(
                                    family.title() + ", " + comparison.mode().replace("request, ", ""),
                                    row -> new ArrayList<>())
                            .add(comparison));
        }
        report.append("| ")
                .append(what)
                .append(" | cases | ")
                .append(String.join(" | ", columns))
                .append(" |\n|---|---|")
                .append("---|".repeat(columns.size()))
                .append('\n');
        rows.forEach((row, cases) -> {
            Map<String, Cell> cells = new TreeMap<>();
            cases.forEach(comparison -> comparison
                    .fields()
                    .forEach((field, pair) -> cells.computeIfAbsent(column(field, columns), name -> new Cell())
                            .add(pair)));
            report.append("| ").append(row).append(" | ").append(cases.size()).append(" | ");
            report.append(columns.stream()
                            .map(column -> String.valueOf(cells.getOrDefault(column, new Cell())))
                            .collect(Collectors.joining(" | ")))
                    .append(" |\n");
        });
        report.append('\n');
    }

    private static String column(String field, List<String> columns) {
        return columns.contains(field) ? field : field.startsWith("header ") ? "headers" : "fields of the body";
    }

    /** Subjects by what differs in the same way. */
    private static Map<String, List<String>> merged(List<Explanations.Explained> explained) {
        Map<String, List<String>> merged = new LinkedHashMap<>();
        explained.forEach(one -> merged.computeIfAbsent(
                        escaped(one.field()) + " | " + code(one.theirs()) + " | " + code(one.ours()),
                        cells -> new ArrayList<>())
                .addAll(one.subjects()));
        return merged;
    }

    private static String code(String value) {
        return value.equals("–") ? value : "`" + value.replace("|", "\\|") + "`";
    }

    private static String escaped(String text) {
        return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_");
    }
}
