package ai.orchestrator.server;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorStatus;
import ai.orchestrator.ProviderStatus;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.config.ConfigLoader;
import ai.orchestrator.health.HealthCheck.Outcome;
import ai.orchestrator.server.Terminal.ColorMode;
import ai.orchestrator.server.Terminal.ColorModeConverter;
import ai.orchestrator.time.TimeSource;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

@Command(
        name = "status",
        mixinStandardHelpOptions = true,
        description = {
            "Shows how every provider is, and the routes.",
            "A new process knows of no calls, so it first asks each provider something free, such as its list of models.",
            "Without --config, simulated providers in this process are shown, one of which fails on purpose."
        },
        footerHeading = "%nColumns:%n",
        footer = {
            "  breaker  closed with the failures in a row of those that open it, open with",
            "           the time until a trial, half open with the successes of those needed",
            "  score    0.4 success + 0.3 quota left + 0.3 response time, each from 0 to 1",
            "  success, mean   of the attempts of the last five minutes",
            "  quota    how much of the scarcest one is left",
            "  parked   why nobody asks it now, and for how long",
            "  ok/fail  attempts since the start",
            "  check    how the last free check ended%n",
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:at least one provider can be asked",
            "1:none can, or nobody read the output",
            "2:bad usage or configuration"
        })
final class StatusCommand implements Callable<Integer> {

    /** With these the simulated outage opens the breaker. */
    private static final int SIMULATED_CALLS = 6;

    private static final String SIMULATED_QUESTION = "How are you?";

    /** After this long people want to know what they wait for. */
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(1);

    private static final DateTimeFormatter CLOCK =
            DateTimeFormatter.ofPattern("HH:mm:ss").withZone(ZoneId.systemDefault());

    private final PrintStream out;
    private final PrintStream err;
    private final Map<String, String> environment;
    private final Terminal terminal;
    private final Supplier<TimeSource> time;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Option(
            names = {"-c", "--config"},
            paramLabel = "FILE",
            description = "Properties file with the providers to show.")
    private @Nullable Path config;

    @Option(names = "--json", description = "Print one JSON object; with --watch, one on each line.")
    private boolean json;

    @Option(names = "--no-check", description = "Ask nobody anything.")
    private boolean noCheck;

    @Option(
            names = {"-w", "--watch"},
            description = "Show it again and again, until Ctrl-C; checks are repeated at the configured interval.")
    private boolean watch;

    @Option(
            names = "--interval",
            paramLabel = "TIME",
            converter = IntervalConverter.class,
            description = "How often, with --watch, such as 500ms, 2s or 1m. Default: 2s.")
    private @Nullable Duration interval;

    @Option(
            names = "--color",
            paramLabel = "WHEN",
            converter = ColorModeConverter.class,
            description = "When to colour: ${COMPLETION-CANDIDATES}. By default on a terminal, unless NO_COLOR is set.")
    private ColorMode color = ColorMode.AUTO;

    StatusCommand(
            PrintStream out,
            PrintStream err,
            Map<String, String> environment,
            Terminal terminal,
            Supplier<TimeSource> time) {
        this.out = out;
        this.err = err;
        this.environment = environment;
        this.terminal = terminal;
        this.time = time;
    }

    static final class IntervalConverter implements ITypeConverter<Duration> {

        private static final Pattern FORM = Pattern.compile("(\\d{1,6})(ms|s|m)");
        private static final Duration MIN = Duration.ofMillis(100);
        private static final Duration MAX = Duration.ofHours(24);

        @Override
        public Duration convert(String value) {
            Matcher matcher = FORM.matcher(value);
            if (matcher.matches()) {
                long amount = Long.parseLong(matcher.group(1));
                Duration interval = switch (matcher.group(2)) {
                    case "ms" -> Duration.ofMillis(amount);
                    case "s" -> Duration.ofSeconds(amount);
                    default -> Duration.ofMinutes(amount);
                };
                if (interval.compareTo(MIN) >= 0 && interval.compareTo(MAX) <= 0) {
                    return interval;
                }
            }
            throw new TypeConversionException("must be 100ms to 1440m, such as 2s, but is '" + value + "'");
        }
    }

    @Override
    public Integer call() throws InterruptedException {
        if (interval != null && !watch) {
            throw new ParameterException(spec.commandLine(), "--interval needs --watch");
        }
        try (TimeSource timeSource = time.get()) {
            if (config != null) {
                try (Orchestrator configured =
                        built(ConfigLoader.of(config).environment(environment).load().toBuilder(), timeSource)) {
                    return show(configured, timeSource, () -> {});
                }
            }
            try (SimulatedProviders simulated = SimulatedProviders.start();
                    Orchestrator orchestrator = built(simulated.orchestrator(), timeSource)) {
                err.println("No --config was given: showing two simulated providers in this process, after a few calls"
                        + " over HTTP on loopback. simulated-1 fails on purpose.");
                for (int i = 0; i < SIMULATED_CALLS; i++) {
                    orchestrator.chat(SIMULATED_QUESTION);
                }
                return show(orchestrator, timeSource, () -> orchestrator.chat(SIMULATED_QUESTION));
            }
        }
    }

    private Orchestrator built(Orchestrator.Builder builder, TimeSource timeSource) {
        builder.timeSource(timeSource);
        if (noCheck || watch) {
            builder.healthChecks(!noCheck);
        }
        return builder.build();
    }

    private int show(Orchestrator orchestrator, TimeSource timeSource, Runnable traffic) throws InterruptedException {
        OrchestratorStatus status = noCheck ? orchestrator.status() : checked(orchestrator, timeSource);
        Duration pause = interval == null ? Duration.ofSeconds(2) : interval;
        StatusTable table = new StatusTable(terminal.colours(color, environment));
        boolean rewrites = watch && !json && terminal.escapes() && terminal.rewrites(environment);
        if (rewrites) {
            out.print("\u001B[2J");
        }
        CountDownLatch never = new CountDownLatch(1);
        while (true) {
            print(status, table, pause, rewrites);
            // Also flushes. Nobody reads any more where the output was closed, as by head.
            if (!watch || out.checkError()) {
                return status.providers().stream().anyMatch(StatusCommand::canBeAsked) ? Main.OK : Main.FAILED;
            }
            timeSource.await(never, pause.toNanos());
            traffic.run();
            status = orchestrator.status();
        }
    }

    private OrchestratorStatus checked(Orchestrator orchestrator, TimeSource timeSource) {
        TimeSource.Timer notice = timeSource.schedule(
                PATIENCE_NANOS, () -> err.println("orchestrator: waiting for the answers to the checks"));
        try {
            return orchestrator.checkProviders();
        } finally {
            notice.cancel();
        }
    }

    private void print(OrchestratorStatus status, StatusTable table, Duration pause, boolean rewrites) {
        if (json) {
            out.println(JsonOutput.status(status));
            return;
        }
        List<String> lines = table.lines(status);
        // From the top, over what is there, so that nothing flickers.
        String lineStart = rewrites ? "\u001B[K" : "";
        out.print(rewrites ? "\u001B[H" : "");
        if (watch) {
            out.println(lineStart + CLOCK.format(status.at()) + ", every "
                    + (pause.toMillis() % 1_000 == 0 ? pause.toSeconds() + " s" : pause.toMillis() + " ms")
                    + "; Ctrl-C ends");
            out.println(lineStart);
        }
        lines.forEach(line -> out.println(lineStart + line));
        if (rewrites) {
            out.print("\u001B[J");
        } else if (watch) {
            out.println();
        }
    }

    private static boolean canBeAsked(ProviderStatus provider) {
        CircuitState breaker = provider.circuitBreaker().state();
        return provider.enabled()
                && provider.weight() > 0
                && provider.parked().isEmpty()
                && provider.quotaLeft() > 0
                && breaker != CircuitState.OPEN
                && breaker != CircuitState.FORCED_OPEN
                && provider.lastCheck()
                        .filter(check -> check.outcome() == Outcome.FAILED)
                        .isEmpty();
    }
}
