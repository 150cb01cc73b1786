package ai.orchestrator.jcstress;

import static java.util.stream.Collectors.joining;

import java.io.PrintWriter;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.openjdk.jcstress.JCStress;
import org.openjdk.jcstress.Options;
import org.openjdk.jcstress.TestExecutor;
import org.openjdk.jcstress.infra.TestInfo;
import org.openjdk.jcstress.infra.collectors.DiskReadCollector;
import org.openjdk.jcstress.infra.collectors.DiskWriteCollector;
import org.openjdk.jcstress.infra.collectors.InProcessCollector;
import org.openjdk.jcstress.infra.collectors.MuxCollector;
import org.openjdk.jcstress.infra.collectors.SerializedBufferCollector;
import org.openjdk.jcstress.infra.collectors.TestResult;
import org.openjdk.jcstress.infra.grading.ConsoleReportPrinter;
import org.openjdk.jcstress.infra.grading.ReportUtils;
import org.openjdk.jcstress.infra.runners.TestConfig;
import org.openjdk.jcstress.infra.runners.TestList;
import org.openjdk.jcstress.os.AffinityMode;
import org.openjdk.jcstress.os.Scheduler;
import org.openjdk.jcstress.os.topology.PresetRegularTopology;
import org.openjdk.jcstress.vm.CompileMode;
import org.openjdk.jcstress.vm.VMSupport;

/**
 * Runs the concurrency tests and prints what became of each as a line of Markdown. All files go beside the jar. Exits with 1 if a forbidden
 * outcome was seen, a test failed in another way, or none ran; with 2 on bad usage.
 */
public final class StressTable {

    private static final String USAGE = """
            Usage: java -jar jcstress.jar [--quick] [options of jcstress]

              --quick   about a minute: every test once, in one JVM mode; otherwise all that jcstress finds to vary,
                        for an hour or more
              -t REGEX  only the tests whose name matches; -h shows the other options of jcstress
            """;

    /** Building a breaker takes longer than using it, so that larger strides would only lengthen jcstress's own trials. */
    private static final List<String> QUICK = List.of(
            "-iters",
            "1",
            "-time",
            "500",
            "-strideSize",
            "64",
            "-strideCount",
            "4",
            "-spinStyle",
            "THREAD_YIELD",
            "-pth",
            "false");

    private StressTable() {}

    /**
     * Runs and prints.
     *
     * @param args see the usage
     * @throws Exception if jcstress can't run
     */
    public static void main(String... args) throws Exception {
        List<String> arguments = new ArrayList<>(Arrays.asList(args));
        boolean quick = arguments.remove("--quick");
        if (quick) {
            arguments.addAll(QUICK);
        }
        Options options = new OptionsInDirectory(arguments, directory());
        if (!options.parse()) {
            System.err.print(USAGE);
            System.exit(2);
        }
        Files.createDirectories(Path.of(options.getResultDest()));
        Files.deleteIfExists(Path.of(options.getResultFile()));
        try {
            if (quick) {
                runOnce(options);
            } else {
                new JCStress(options).run();
            }
        } catch (AssertionError e) {
            // So jcstress says that a test failed.
            System.out.println(e.getMessage());
        }
        Map<String, TestResult> results = results(options);
        System.out.println(table(new JCStress(options).getTests(), results));
        System.out.println("Details: " + options.getResultDest() + "index.html");
        if (results.isEmpty() || !results.values().stream().allMatch(ReportUtils::statusToPassed)) {
            System.exit(1);
        }
    }

    private static Path directory() throws URISyntaxException {
        Path jar = Path.of(StressTable.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        return jar.resolveSibling("jcstress");
    }

    /**
     * Runs each test in one JVM. jcstress itself would run each twice on JDK 17, with and without biased locking, which the breaker has no
     * use for, and would leave out the tests of three actors where there are two CPUs; here they share them.
     */
    private static void runOnce(Options options) throws Exception {
        VMSupport.initFlags(options);
        int cpus = Math.max(3, options.getCPUCount());
        Scheduler scheduler = new Scheduler(new PresetRegularTopology(1, cpus, 1), cpus);
        JCStress jcstress = new JCStress(options);
        List<TestConfig> configs = jcstress.getTests().stream()
                .map(TestList::getInfo)
                .flatMap(test -> scheduler.scheduleClasses(test.threads(), cpus, AffinityMode.NONE).stream()
                        .map(scheduling -> new TestConfig(
                                options, test, 0, List.of("-XX:+UseSerialGC"), CompileMode.UNIFIED, scheduling)))
                .toList();
        ConsoleReportPrinter printer = new ConsoleReportPrinter(
                options, new PrintWriter(System.out, true, StandardCharsets.UTF_8), configs.size());
        DiskWriteCollector disk = new DiskWriteCollector(options.getResultFile());
        SerializedBufferCollector sink = new SerializedBufferCollector(MuxCollector.of(printer, disk));
        TestExecutor executor = new TestExecutor(options.verbosity(), sink, scheduler);
        printer.setExecutor(executor);
        executor.runAll(configs);
        sink.close();
        disk.close();
        printer.printFinishLine();
        jcstress.parseResults();
    }

    private static Map<String, TestResult> results(Options options) throws Exception {
        InProcessCollector collector = new InProcessCollector();
        if (Files.exists(Path.of(options.getResultFile()))) {
            DiskReadCollector reader = new DiskReadCollector(options.getResultFile(), collector);
            reader.dump();
            reader.close();
        }
        return ReportUtils.mergedByName(collector.getTestResults()).stream()
                .collect(Collectors.toMap(TestResult::getName, result -> result, (a, b) -> a, TreeMap::new));
    }

    private static String table(Collection<String> tests, Map<String, TestResult> results) {
        return tests.stream()
                .map(name -> row(name, results))
                .collect(joining("\n", "| test | result | samples | outcomes |\n|---|---|---:|---|\n", "\n"));
    }

    private static String row(String name, Map<String, TestResult> results) {
        String shortName = name.substring(name.lastIndexOf('.', name.lastIndexOf('.') - 1) + 1);
        TestResult result = results.get(name);
        if (result == null) {
            TestInfo info = TestList.getInfo(name);
            return "| %s | not run: needs %d CPUs | | |".formatted(shortName, info.threads());
        }
        return "| %s | %s | %s | %s |"
                .formatted(
                        shortName,
                        ReportUtils.statusToLabel(result),
                        count(result.getTotalCount()),
                        result.getStateKeys().stream()
                                .sorted()
                                .map(key -> "`" + key + "` " + count(result.getCount(key)))
                                .collect(joining("; ")));
    }

    private static String count(long samples) {
        return String.format(Locale.ROOT, "%,d", samples);
    }

    /** jcstress writes its raw results to the working directory, whatever its options say. */
    private static final class OptionsInDirectory extends Options {

        private final Path directory;

        OptionsInDirectory(List<String> arguments, Path directory) {
            super(arguments.toArray(String[]::new));
            this.directory = directory;
        }

        @Override
        public String getResultDest() {
            return directory + "/";
        }

        @Override
        public String getResultFile() {
            return directory.resolve("results.bin.gz").toString();
        }
    }
}
