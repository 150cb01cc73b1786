package ai.orchestrator.benchmarks;

import static java.util.stream.Collectors.joining;

import ai.orchestrator.benchmarks.RoutingBenchmark.Condition;
import ai.orchestrator.routing.StandardStrategy;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Runs the benchmark of routing and prints what it adds to a call, as Markdown; the progress goes to standard error. */
public final class RoutingTable {

    private static final String USAGE = """
            Usage: java -cp benchmarks.jar ai.orchestrator.benchmarks.RoutingTable [--quick]

            Measures calls of one of 3, 30 and 300 providers in memory and prints what they take beyond a call of a lone one.
            Takes about ten minutes: 2 forks, each 5 times 1 s after a warm-up of 5 times 1 s.

              --quick   about three minutes: 1 fork, 3 times 1 s after a warm-up of 3 times 1 s
            """;

    private static final int[] PROVIDERS = {3, 30, 300};

    /** Time and memory of one call. */
    private record Cost(double micros, double bytes) {

        static Cost of(RunResult result) {
            return new Cost(
                    result.getPrimaryResult().getScore(),
                    Objects.requireNonNull(result.getSecondaryResults().get("gc.alloc.rate.norm"))
                            .getScore());
        }

        Cost beyond(Cost other) {
            return new Cost(micros - other.micros, bytes - other.bytes);
        }
    }

    private RoutingTable() {}

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
        Cost alone = run(quick, 1, StandardStrategy.PRIORITY, Condition.WELL);
        StringBuilder table = new StringBuilder("| strategy | ")
                .append(columns("µs, %d providers"))
                .append(" | ")
                .append(columns("bytes, %d"))
                .append(" |\n|---|")
                .append("---:|".repeat(2 * PROVIDERS.length))
                .append('\n');
        for (StandardStrategy strategy : StandardStrategy.values()) {
            table.append(row(quick, strategy, Condition.WELL, alone));
        }
        for (StandardStrategy strategy : List.of(StandardStrategy.PRIORITY, StandardStrategy.ROUND_ROBIN)) {
            table.append(row(quick, strategy, Condition.ONE_LEFT, alone));
        }
        System.out.println(table);
        System.out.printf(
                Locale.ROOT,
                "Beyond a call of a lone provider, which takes %.2f µs and %,.0f bytes. %s%n",
                alone.micros,
                alone.bytes,
                Machine.description());
    }

    private static String columns(String format) {
        return Arrays.stream(PROVIDERS).mapToObj(format::formatted).collect(joining(" | "));
    }

    private static String row(boolean quick, StandardStrategy strategy, Condition condition, Cost alone)
            throws RunnerException {
        Cost[] costs = new Cost[PROVIDERS.length];
        for (int i = 0; i < costs.length; i++) {
            costs[i] = run(quick, PROVIDERS[i], strategy, condition).beyond(alone);
        }
        Stream<String> title = Stream.of(strategy + (condition == Condition.WELL ? "" : ", all but one shut"));
        Stream<String> micros = Arrays.stream(costs).map(cost -> String.format(Locale.ROOT, "%.2f", cost.micros));
        Stream<String> bytes = Arrays.stream(costs).map(cost -> String.format(Locale.ROOT, "%,.0f", cost.bytes));
        return Stream.of(title, micros, bytes).flatMap(cells -> cells).collect(joining(" | ", "| ", " |\n"));
    }

    private static Cost run(boolean quick, int providers, StandardStrategy strategy, Condition condition)
            throws RunnerException {
        Collection<RunResult> results = new Runner(
                        new OptionsBuilder()
                                .include(RoutingBenchmark.class.getName().replace(".", "\\."))
                                .param("providers", Integer.toString(providers))
                                .param("strategy", strategy.name())
                                .param("condition", condition.name())
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
        return Cost.of(results.iterator().next());
    }
}
