package ai.orchestrator.server;

import ai.orchestrator.ConfigurationException.Mistake;
import ai.orchestrator.OrchestratorSettings;
import ai.orchestrator.config.ConfigLoader;
import ai.orchestrator.config.ConfigReport;
import ai.orchestrator.server.Terminal.ColorMode;
import ai.orchestrator.server.Terminal.ColorModeConverter;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "check",
        mixinStandardHelpOptions = true,
        description = {
            "Reads a configuration, and shows what is in force and where each value comes from; with mistakes, only those."
                    + " Sends nothing.",
            "Mistakes and warnings go to standard error. Keys are never shown."
        },
        exitCodeListHeading = "Exit codes:%n",
        exitCodeList = {
            "0:no mistakes",
            "1:nobody read the output",
            "2:mistakes, or with --strict warnings; or bad usage",
        })
final class CheckCommand implements Callable<Integer> {

    private final PrintStream out;
    private final PrintStream err;
    private final Map<String, String> environment;
    private final Terminal terminal;

    @Parameters(paramLabel = "FILE", description = "Properties file to check.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private Path file;

    @Option(
            names = {"-a", "--all"},
            description = "Show the defaults too, and with mistakes what could be read all the same.")
    private boolean all;

    @Option(names = "--json", description = "Print values, mistakes and warnings as one JSON object.")
    private boolean json;

    @Option(names = "--strict", description = "Refuse warnings as well.")
    private boolean strict;

    @Option(
            names = "--color",
            paramLabel = "WHEN",
            converter = ColorModeConverter.class,
            description = "When to colour: ${COMPLETION-CANDIDATES}. By default on a terminal, unless NO_COLOR is set.")
    private ColorMode color = ColorMode.AUTO;

    CheckCommand(PrintStream out, PrintStream err, Map<String, String> environment, Terminal terminal) {
        this.out = out;
        this.err = err;
        this.environment = environment;
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        ConfigReport report = ConfigLoader.of(file).environment(environment).check();
        boolean colours = terminal.colours(color, environment);
        if (json) {
            out.println(JsonOutput.check(file, report));
        } else if (all || report.mistakes().isEmpty()) {
            new ConfigTable(colours).lines(report.values(), all).forEach(out::println);
        }
        // Before what follows on standard error, where both lead to one terminal.
        out.flush();
        report.warnings().forEach(warning -> tell(warning, "warning: ", colours ? Paint.YELLOW : null));
        report.mistakes().forEach(mistake -> tell(mistake, "", colours ? Paint.RED : null));
        summary(report).ifPresent(err::println);
        boolean refused =
                !report.mistakes().isEmpty() || (strict && !report.warnings().isEmpty());
        return refused ? Main.BAD_USAGE : Main.OK;
    }

    /** On one line, with the file and its line as compilers write them: editors and terminals find the place then. */
    private void tell(Mistake mistake, String word, @Nullable Paint paint) {
        String source = mistake.source().orElse(file.toString());
        String place =
                mistake.line().isPresent() ? source + ":" + mistake.line().getAsInt() : source;
        String value = mistake.value().map(text -> "=" + text).orElse("");
        String key = mistake.key().isEmpty() ? "" : mistake.key() + value + ": ";
        err.println((paint == null ? place + ":" : paint.on(place + ":")) + " " + word + key + mistake.problem());
    }

    /** Empty where the file could not be read: one sentence has said so. */
    private Optional<String> summary(ConfigReport report) {
        List<Mistake> mistakes = report.mistakes();
        if (mistakes.stream()
                .anyMatch(mistake -> mistake.key().isEmpty() && mistake.line().isEmpty())) {
            return Optional.empty();
        }
        List<String> counts = new ArrayList<>();
        report.settings().ifPresent(settings -> counts.addAll(sizes(settings)));
        counts.add(mistakes.isEmpty() ? "no mistakes" : count(mistakes.size(), "mistake"));
        if (!report.warnings().isEmpty()) {
            counts.add(count(report.warnings().size(), "warning") + (strict ? ", and --strict allows none" : ""));
        }
        return Optional.of(file + ": " + String.join(", ", counts));
    }

    private static List<String> sizes(OrchestratorSettings settings) {
        List<String> sizes = new ArrayList<>();
        sizes.add(count(settings.providers().size(), "provider"));
        if (!settings.routes().isEmpty()) {
            sizes.add(count(settings.routes().size(), "route"));
        }
        return sizes;
    }

    private static String count(int number, String what) {
        return number + " " + what + (number == 1 ? "" : "s");
    }
}
