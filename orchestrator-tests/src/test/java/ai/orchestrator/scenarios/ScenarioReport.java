package ai.orchestrator.scenarios;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;

/** Notes of every test whose name begins with a scenario's number in which way it asked and whether it passed. */
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
                String column = called.getArguments().stream()
                        .filter(Way.class::isInstance)
                        .map(way -> ((Way) way).title())
                        .findFirst()
                        .orElse(OTHER);
                PASSED.merge(new Cell(name.group(1), column), passed, Boolean::logicalAnd);
            }
        }
    }

    /** The table of what has run so far. */
    static String table() throws IOException {
        Map<String, String> titles = new HashMap<>();
        TITLE.matcher(Files.readString(SCENARIOS))
                .results()
                .forEach(title -> titles.put(title.group(1), title.group(2)));
        Map<String, StringBuilder> rows =
                new TreeMap<>(Comparator.comparingInt((String number) -> "RFG".indexOf(number.charAt(0)))
                        .thenComparingInt(number -> Integer.parseInt(number.substring(1))));
        PASSED.keySet().forEach(cell -> rows.put(cell.number(), new StringBuilder()));
        StringBuilder table = new StringBuilder("| scenario |");
        for (Way way : Way.values()) {
            table.append(' ').append(way.title()).append(" |");
        }
        table.append(' ').append(OTHER).append(" |\n|").append("---|".repeat(Way.values().length + 2));
        for (String number : rows.keySet()) {
            table.append("\n| ")
                    .append(number)
                    .append(' ')
                    .append(titles.getOrDefault(number, ""))
                    .append(" |");
            for (Way way : Way.values()) {
                table.append(cell(number, way.title()));
            }
            table.append(cell(number, OTHER));
        }
        return table.toString();
    }

    private static String cell(String number, String column) {
        Boolean passed = PASSED.get(new Cell(number, column));
        return passed == null ? " – |" : passed ? " yes |" : " FAILED |";
    }
}
