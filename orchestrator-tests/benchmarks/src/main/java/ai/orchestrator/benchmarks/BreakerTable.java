package ai.orchestrator.benchmarks;

import static java.util.stream.Collectors.joining;

import ai.orchestrator.benchmarks.BreakerBenchmark.ClosedFailureThenSuccess;
import ai.orchestrator.benchmarks.BreakerBenchmark.ClosedSuccess;
import ai.orchestrator.benchmarks.BreakerBenchmark.ForcedOpenRefusal;
import ai.orchestrator.benchmarks.BreakerBenchmark.HalfOpenRefusal;
import ai.orchestrator.benchmarks.BreakerBenchmark.OpenRefusal;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Runs all benchmarks of the breaker and prints them as Markdown; the progress goes to standard error. */
public final class BreakerTable {

    private static final String USAGE = """
            Usage: java -jar benchmarks.jar [--quick]

            Measures the breaker beside bare Resilience4j and Failsafe and prints a table.
            Takes about a quarter of an hour: 2 forks, each 5 times 2 s after a warm-up of 3 times 1 s.

              --quick   about 3 minutes: 1 fork, 3 times 1 s after a warm-up of 1 s; only good to see that it runs
            """;

    private static final int[] THREADS = {1, 2, 16};

    private static final List<String> LIBRARIES = List.of("orchestrator", "resilience4j", "failsafe");

    private static final List<Way> WAYS = List.of(
            new Way("CLOSED: acquire, success", ClosedSuccess.class),
            new Way("CLOSED: acquire, failure, acquire, success", ClosedFailureThenSuccess.class),
            new Way("OPEN: refusal", OpenRefusal.class),
            new Way("HALF_OPEN, all trials under way: refusal", HalfOpenRefusal.class),
            new Way("FORCED_OPEN: refusal", ForcedOpenRefusal.class));

    private record Way(String title, Class<?> benchmarks) {

        String benchmark(String library) {
            return benchmarks.getCanonicalName() + "." + library;
        }
    }

    private record Key(String benchmark, int threads) {}

    private BreakerTable() {}

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
        Map<Key, RunResult> results = new HashMap<>();
        for (int threads : THREADS) {
            for (RunResult result : run(threads, quick)) {
                results.put(new Key(result.getParams().getBenchmark(), threads), result);
            }
        }
        System.out.println(table(results));
        System.out.println(BreakerSizes.markdown());
        System.out.println(machine(quick));
    }

    private static Iterable<RunResult> run(int threads, boolean quick) throws RunnerException {
        Options options = new OptionsBuilder()
                .include(BreakerBenchmark.class.getName().replace(".", "\\."))
                .mode(Mode.AverageTime)
                .timeUnit(TimeUnit.NANOSECONDS)
                .threads(threads)
                .forks(quick ? 1 : 2)
                .warmupIterations(quick ? 1 : 3)
                .warmupTime(TimeValue.seconds(1))
                .measurementIterations(quick ? 3 : 5)
                .measurementTime(TimeValue.seconds(quick ? 1 : 2))
                .addProfiler(GCProfiler.class)
                .shouldFailOnError(true)
                .build();
        return new Runner(options, OutputFormatFactory.createFormatInstance(System.err, VerboseMode.NORMAL)).run();
    }

    private static String table(Map<Key, RunResult> results) {
        String head = Stream.of(
                        List.of("way", "library"), columns("ns at %d thread(s)"), columns("bytes/op at %d thread(s)"))
                .flatMap(List::stream)
                .collect(joining(" | ", "| ", " |\n"));
        StringBuilder table = new StringBuilder(head);
        table.append("|---|---").append("|---:".repeat(2 * THREADS.length)).append("|\n");
        for (Way way : WAYS) {
            for (String library : LIBRARIES) {
                List<RunResult> row = Arrays.stream(THREADS)
                        .mapToObj(threads -> results.get(new Key(way.benchmark(library), threads)))
                        .filter(Objects::nonNull)
                        .toList();
                if (!row.isEmpty()) {
                    Stream<String> names = Stream.of(way.title(), library);
                    Stream<String> numbers = Stream.concat(
                            row.stream().map(BreakerTable::nanos), row.stream().map(BreakerTable::bytes));
                    table.append(Stream.concat(names, numbers).collect(joining(" | ", "| ", " |\n")));
                }
            }
        }
        return table.toString();
    }

    private static List<String> columns(String format) {
        return Arrays.stream(THREADS).mapToObj(format::formatted).toList();
    }

    private static String nanos(RunResult result) {
        Result<?> time = result.getPrimaryResult();
        return number(time.getScore()) + " ± " + number(time.getScoreError());
    }

    private static String bytes(RunResult result) {
        return number(Objects.requireNonNull(result.getSecondaryResults().get("gc.alloc.rate.norm"))
                .getScore());
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, value < 99.95 ? "%,.1f" : "%,.0f", value);
    }

    private static String machine(boolean quick) {
        return "%s. ± is JMH's error at 99.9 %%; bytes/op are what the gc profiler counts.%s"
                .formatted(Machine.description(), quick ? " A quick run: not to be quoted." : "");
    }
}
