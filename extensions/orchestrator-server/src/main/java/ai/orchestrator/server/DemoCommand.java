package ai.orchestrator.server;

import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.internal.NearestName;
import ai.orchestrator.server.Terminal.ColorMode;
import ai.orchestrator.server.Terminal.ColorModeConverter;
import ai.orchestrator.time.TimeSource;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        description = {
            "Shows the circuit breaker at work, in six scenarios that take about ten seconds.",
            "Each calls a provider that fails on purpose, over HTTP in this process, and checks what it shows."
        },
        exitCodeListHeading = "Exit codes:%n",
        exitCodeList = {"0:everything was as expected", "1:something was not", "2:bad usage"})
final class DemoCommand implements Callable<Integer> {

    private static final String INTRODUCTION = """
            A circuit breaker keeps calls away from a provider that fails. The breaker here
            is the real one, and so is the HTTP; the provider is a server in this process
            that fails on purpose. Columns: "sent" tells whether the call reached that
            server, "breaker" is its state (while the call ran > after it), and "count" is
            what it has counted towards the next change.
            """;

    private final PrintStream out;
    private final PrintStream err;
    private final Map<String, String> environment;
    private final Terminal terminal;
    private final Supplier<TimeSource> time;
    private final List<DemoScenario> scenarios;

    @Option(names = "--list", description = "List the scenarios and show none.")
    private boolean list;

    @Option(
            names = "--color",
            paramLabel = "WHEN",
            converter = ColorModeConverter.class,
            description = "When to colour: ${COMPLETION-CANDIDATES}. By default on a terminal, unless NO_COLOR is set.")
    private ColorMode color = ColorMode.AUTO;

    @Parameters(
            paramLabel = "NAME",
            arity = "0..*",
            completionCandidates = Names.class,
            description = "Scenarios to show: ${COMPLETION-CANDIDATES}. All by default.")
    private List<String> names = new ArrayList<>();

    /** Takes the time source's maker rather than the source, because most runs of the program need none. */
    DemoCommand(
            PrintStream out,
            PrintStream err,
            Map<String, String> environment,
            Terminal terminal,
            Supplier<TimeSource> time,
            List<DemoScenario> scenarios) {
        this.out = out;
        this.err = err;
        this.environment = environment;
        this.terminal = terminal;
        this.time = time;
        this.scenarios = scenarios;
    }

    @Override
    public Integer call() throws InterruptedException {
        List<DemoScenario> chosen = names.isEmpty() ? scenarios : new ArrayList<>();
        for (String name : names) {
            Optional<DemoScenario> scenario = find(name);
            if (scenario.isEmpty()) {
                NearestName.explain(
                                "scenario",
                                name,
                                scenarios.stream().map(DemoScenario::name).toList())
                        .forEach(err::println);
                return Main.BAD_USAGE;
            }
            chosen.add(scenario.get());
        }
        if (list) {
            chosen.forEach(scenario -> out.printf("%-18s %s%n", scenario.name(), scenario.about()));
            return Main.OK;
        }
        try (TimeSource timeSource = time.get()) {
            DemoScreen screen = new DemoScreen(
                    out, terminal.colours(color, environment), terminal.rewrites(environment), timeSource);
            return show(chosen, screen, timeSource);
        }
    }

    private Optional<DemoScenario> find(String name) {
        return scenarios.stream()
                .filter(scenario -> scenario.name().equalsIgnoreCase(name))
                .findFirst();
    }

    private int show(List<DemoScenario> chosen, DemoScreen screen, TimeSource timeSource) throws InterruptedException {
        long startNanos = timeSource.nanoTime();
        INTRODUCTION.lines().forEach(screen::text);
        List<String> wrong = new ArrayList<>();
        for (int i = 0; i < chosen.size(); i++) {
            DemoScenario scenario = chosen.get(i);
            String number = chosen.size() == 1 ? "" : (i + 1) + "/" + chosen.size() + " ";
            screen.title(number + scenario.title() + " (" + scenario.name() + ")");
            if (!play(scenario, screen, timeSource)) {
                wrong.add(scenario.name());
            }
            if (screen.isLost()) {
                // The rest would be waited for in vain. The end of the program tells.
                return Main.OK;
            }
        }
        String took = "in " + DemoScreen.seconds(Duration.ofNanos(timeSource.nanoTime() - startNanos));
        screen.verdict(
                wrong.isEmpty(),
                wrong.isEmpty()
                        ? "Everything was as expected, " + took + "."
                        : "Not as expected: " + String.join(", ", wrong) + " (" + took + ").");
        return wrong.isEmpty() ? Main.OK : Main.FAILED;
    }

    private static boolean play(DemoScenario scenario, DemoScreen screen, TimeSource timeSource)
            throws InterruptedException {
        try (DemoStage stage = DemoStage.set(scenario.settings(), screen, timeSource)) {
            screen.text(scenario.about());
            screen.text(words(stage.settings()));
            screen.columns();
            scenario.script().play(stage);
            return stage.wentAsClaimed();
        }
    }

    private static String words(CircuitBreakerSettings settings) {
        return "Opens after " + settings.failureThreshold() + " failures in a row, refuses for "
                + DemoScreen.seconds(settings.timeoutDuration()).replace(".0 ", " ") + ", closes after "
                + settings.successThreshold()
                + (settings.successThreshold() == 1 ? " success." : " successes.");
    }

    static final class Names implements Iterable<String> {

        @Override
        public Iterator<String> iterator() {
            return DemoScenarios.ALL.stream().map(DemoScenario::name).iterator();
        }
    }
}
