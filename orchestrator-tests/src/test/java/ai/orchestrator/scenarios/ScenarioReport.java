package ai.orchestrator.scenarios;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;

/** Notes of every test whose name begins with a scenario's number in which way and dialect it asked, and whether it passed. */
public final class ScenarioReport implements InvocationInterceptor {

    private static final Path SCENARIOS = Path.of("..", "docs", "scenarios.md");
    private static final Pattern NUMBERED = Pattern.compile("([RFG]\\d+)_.*");
    private static final Pattern TITLE = Pattern.compile(
            "^(?:### |\\| <a id=\"\\w+\"></a>)([RFG]\\d+) (?:\\| )?([^|\\n]+?)(?: \\|.*)?$", Pattern.MULTILINE);

    /** For tests that do not choose a way: of the breaker alone, of a dialect, or with providers of the application's own. */
    private static final String OTHER = "other tests";

    private record Cell(String number, String column) {}

    private static final Map<Cell, Boolean> PASSED = new ConcurrentHashMap<>();

    /** For JUnit, which finds it as a service. */
    public ScenarioReport() {}

    @Override
    public void interceptTestMethod(
            Invocation<@Nullable Void> invocation, ReflectiveInvocationContext<Method> called, ExtensionContext context)
            throws Throwable {
        note(invocation, called);
    }

    @Override
    public void interceptTestTemplateMethod(
            Invocation<@Nullable Void> invocation, ReflectiveInvocationContext<Method> called, ExtensionContext context)
            throws Throwable {
        note(invocation, called);
    }

    private static void note(Invocation<@Nullable Void> invocation, ReflectiveInvocationContext<Method> called)
            throws Throwable {
        Matcher name = NUMBERED.matcher(called.getExecutable().getName());
        boolean passed = false;
        try {
            invocation.proceed();
            passed = true;
        } finally {
            if (name.matches()) {
                for (String column : columns(called.getArguments())) {
                    PASSED.merge(new Cell(name.group(1), column), passed, Boolean::logicalAnd);
                }
            }
        }
    }

    /** The ways are those of asking a provider of type openai. */
    private static List<String> columns(List<Object> arguments) {
        List<String> columns = new ArrayList<>();
        boolean openAi = true;
        for (Object argument : arguments) {
            if (argument instanceof Dialect dialect) {
                columns.add(column(dialect));
                openAi = dialect == Dialect.OPENAI;
            } else if (argument instanceof Way way && openAi) {
                columns.add(way.title());
            }
        }
        return columns.isEmpty() ? List.of(OTHER) : columns;
    }

    private static String column(Dialect dialect) {
        return "`" + dialect.type() + "`";
    }

    /** What has run so far, by the way of asking. */
    static String ways() throws IOException {
        List<String> columns =
                new ArrayList<>(Stream.of(Way.values()).map(Way::title).toList());
        columns.add(OTHER);
        return table(columns);
    }

    /** What has run so far, by the dialect, and why the rest cannot. */
    static String dialects() throws IOException {
        StringBuilder table = new StringBuilder(
                table(Stream.of(Dialect.values()).map(ScenarioReport::column).toList()));
        table.append('\n');
        for (Dialect dialect : Dialect.values()) {
            new TreeMap<>(dialect.impossible())
                    .forEach((number, reason) -> table.append("\n- ")
                            .append(number)
                            .append(", ")
                            .append(column(dialect))
                            .append(": ")
                            .append(reason));
        }
        return table.toString();
    }

    private static String table(List<String> columns) throws IOException {
        Map<String, String> titles = new HashMap<>();
        TITLE.matcher(Files.readString(SCENARIOS))
                .results()
                .forEach(title -> titles.put(title.group(1), title.group(2)));
        Set<String> rows = new TreeSet<>(Comparator.comparingInt((String number) -> "RFG".indexOf(number.charAt(0)))
                .thenComparingInt(number -> Integer.parseInt(number.substring(1))));
        PASSED.keySet().stream()
                .filter(cell -> columns.contains(cell.column()))
                .forEach(cell -> rows.add(cell.number()));
        StringBuilder table = new StringBuilder("| scenario | ")
                .append(String.join(" | ", columns))
                .append(" |\n|")
                .append("---|".repeat(columns.size() + 1));
        for (String number : rows) {
            table.append("\n| ")
                    .append(number)
                    .append(' ')
                    .append(titles.getOrDefault(number, ""))
                    .append(" |");
            columns.forEach(column -> table.append(cell(number, column)));
        }
        return table.toString();
    }

    private static String cell(String number, String column) {
        Boolean passed = PASSED.get(new Cell(number, column));
        return passed == null ? " – |" : passed ? " yes |" : " FAILED |";
    }
}
