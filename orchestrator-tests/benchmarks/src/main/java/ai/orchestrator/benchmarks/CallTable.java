package ai.orchestrator.benchmarks;

import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Runs the benchmarks of a whole call and prints them as Markdown; the progress goes to standard error. */
public final class CallTable {

    private static final String USAGE = """
            Usage: java -cp benchmarks.jar ai.orchestrator.benchmarks.CallTable [--quick]

            Measures whole calls of a provider in memory and prints a table.
            Takes about four minutes: 2 forks, each 5 times 1 s after a warm-up of 5 times 1 s.

              --quick   about a minute: 1 fork, 3 times 1 s after a warm-up of 3 times 1 s
            """;

    private static final Map<String, String> ROWS = Map.of(
            "chat", "chat",
            "cached", "chat, from the cache",
            "missed", "chat, not in the cache",
            "stream", "stream, read to its end");

    private CallTable() {}

    /**
     * Runs and prints.
     *
     * @param args {@code --quick} for a short run
     * @throws RunnerException if a benchmark fails
     */
    public static void main(String... args) throws RunnerException {
        boolean quick = Arrays.equals(args, new String[] {"--quick"});
        if (args.length > 0 && !quick) {
            System.err.print(USAGE);
            System.exit(2);
        }
        StringBuilder table = new StringBuilder("""
                | call of a provider in memory | timers | µs | bytes |
                |---|---|---:|---:|
                """);
        for (RunResult result : run(quick)) {
            String benchmark = result.getParams().getBenchmark();
            table.append("| %s | %s | %s | %s |\n"
                    .formatted(
                            ROWS.get(benchmark.substring(benchmark.lastIndexOf('.') + 1)),
                            result.getParams().getParam("timers").toLowerCase(Locale.ROOT),
                            micros(result.getPrimaryResult()),
                            bytes(result)));
        }
        System.out.println(table);
        System.out.println(Machine.description() + ". ± is JMH's error at 99.9 %; one thread calls.");
    }

    private static Iterable<RunResult> run(boolean quick) throws RunnerException {
        return new Runner(
                        new OptionsBuilder()
                                .include(CallBenchmark.class.getName().replace(".", "\\."))
                                .mode(Mode.AverageTime)
                                .timeUnit(TimeUnit.MICROSECONDS)
                                .threads(1)
                                .forks(quick ? 1 : 2)
                                .warmupIterations(quick ? 3 : 5)
                                .warmupTime(TimeValue.seconds(1))
                                .measurementIterations(quick ? 3 : 5)
                                .measurementTime(TimeValue.seconds(1))
                                .addProfiler(GCProfiler.class)
                                .shouldFailOnError(true)
                                .build(),
                        OutputFormatFactory.createFormatInstance(System.err, VerboseMode.NORMAL))
                .run();
    }

    private static String micros(Result<?> time) {
        return String.format(Locale.ROOT, "%.2f ± %.2f", time.getScore(), time.getScoreError());
    }

    private static String bytes(RunResult result) {
        return String.format(
                Locale.ROOT,
                "%,.0f",
                Objects.requireNonNull(result.getSecondaryResults().get("gc.alloc.rate.norm"))
                        .getScore());
    }
}
