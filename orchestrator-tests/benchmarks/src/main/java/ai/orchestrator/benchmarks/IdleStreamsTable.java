package ai.orchestrator.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Opens streams that stay silent after their first token, and prints as Markdown what each takes: heap, and threads of the platform. */
public final class IdleStreamsTable {

    private static final String USAGE = """
            Usage: java -cp benchmarks.jar ai.orchestrator.benchmarks.IdleStreamsTable

            Opens 2,000 streams over loopback and prints a table. Takes half a minute and 5,000 file descriptors.
            """;

    private static final int WARM_UPS = 200;

    /** Before JDK 21 threads end when they have been idle for five seconds. */
    private static final long THREADS_END_MILLIS = 7_000;

    private static final int[] STREAMS = {100, 1_000, 2_000};

    private IdleStreamsTable() {}

    /** Opens one more. */
    private interface Opening {

        /** A stream that is open and silent. */
        AutoCloseable open() throws IOException;
    }

    private record Row(int streams, long heapBytes, int threads) {}

    /**
     * Runs and prints.
     *
     * @param args none
     * @throws Exception if the loopback interface or the server's process fails
     */
    public static void main(String... args) throws Exception {
        if (args.length > 0) {
            System.err.print(USAGE);
            System.exit(2);
        }
        Process server = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        IdleServer.class.getName())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader out = server.inputReader()) {
            String url = "http://127.0.0.1:" + out.readLine() + "/v1";
            System.out.print("""
                    | silent streams | open | heap bytes each | threads more |
                    |---|---:|---:|---:|
                    """);
            try (BareClient bare = new BareClient(url)) {
                print("OkHttp", rows(bare::openStream));
            }
            try (OrchestratedClient orchestrated = OrchestratedClient.patient(url)) {
                print("orchestrator", rows(orchestrated::openStream));
            }
            System.out.println();
            System.out.println(Machine.description());
        } finally {
            server.destroy();
        }
    }

    private static void print(String name, List<Row> rows) {
        Row none = rows.get(0);
        for (Row row : rows.subList(1, rows.size())) {
            System.out.printf(
                    Locale.ROOT,
                    "| %s | %,d | %,d | %,d |%n",
                    name,
                    row.streams(),
                    (row.heapBytes() - none.heapBytes()) / row.streams(),
                    row.threads() - none.threads());
        }
    }

    private static List<Row> rows(Opening opening) throws Exception {
        List<AutoCloseable> open = new ArrayList<>();
        open(WARM_UPS, open, opening);
        close(open);
        Thread.sleep(THREADS_END_MILLIS);
        List<Row> rows = new ArrayList<>();
        rows.add(row(0));
        for (int streams : STREAMS) {
            open(streams, open, opening);
            rows.add(row(streams));
        }
        close(open);
        return rows;
    }

    private static void open(int streams, List<AutoCloseable> open, Opening opening) throws IOException {
        while (open.size() < streams) {
            open.add(opening.open());
        }
    }

    private static void close(List<AutoCloseable> open) throws Exception {
        for (AutoCloseable stream : open) {
            stream.close();
        }
        open.clear();
    }

    private static Row row(int streams) throws InterruptedException {
        // Until what was just used is idle, and the collector has nothing more to find.
        for (int i = 0; i < 10; i++) {
            System.gc();
            Thread.sleep(100);
        }
        return new Row(
                streams,
                ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed(),
                ManagementFactory.getThreadMXBean().getThreadCount());
    }
}
