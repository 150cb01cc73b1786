package ai.orchestrator.benchmarks;

import ai.orchestrator.benchmarks.SideBySide.Times;
import java.io.IOException;
import java.util.Map;

/** Times how long a provider's fault keeps the next one's answer waiting, and prints it as Markdown. */
public final class FailoverTable {

    private static final String USAGE = """
            Usage: java -cp benchmarks.jar ai.orchestrator.benchmarks.FailoverTable [ROUNDS]

            Measures from a fault of the first provider to the answer of the second, beside the second alone, over loopback.
            Takes about half a minute for the default of 3,000 rounds, after as many to warm up.
            """;

    private static final int DEFAULT_ROUNDS = 3_000;

    /** As in {@link HttpTable}. */
    private static final long PAUSE_NANOS = 500_000;

    private static final String BARE = "the second alone, by OkHttp and Jackson";

    private FailoverTable() {}

    /** One kind of call. */
    private interface Kind {

        /** A call of both providers, in nanoseconds. */
        long nanos(OrchestratedClient client);
    }

    /**
     * Runs and prints.
     *
     * @param args how many rounds, or nothing
     * @throws IOException if the loopback interface fails
     */
    public static void main(String... args) throws IOException {
        if (args.length > 1 || (args.length == 1 && !args[0].matches("[1-9][0-9]{1,6}"))) {
            System.err.print(USAGE);
            System.exit(2);
        }
        int rounds = args.length == 0 ? DEFAULT_ROUNDS : Integer.parseInt(args[0]);
        System.out.println(SideBySide.table("from the fault to the answer", chats(rounds)));
        System.out.println(SideBySide.table("from the fault to the first token", firstTokens(rounds)));
        System.out.println(Machine.description() + ". " + rounds + " rounds.");
    }

    private static Map<String, Times> chats(int rounds) throws IOException {
        try (CannedServer good = new CannedServer(CannedServer.bytes(CannedAnswers.completion()));
                BareClient bare = new BareClient(good)) {
            return run(new SideBySide().way(BARE, bare::chat), good, OrchestratedClient::chat, rounds);
        }
    }

    private static Map<String, Times> firstTokens(int rounds) throws IOException {
        try (CannedServer good = new CannedServer(
                        CannedServer.inTwo(CannedAnswers.streamBegins(), CannedAnswers.streamEnds(), PAUSE_NANOS));
                BareClient bare = new BareClient(good)) {
            return run(new SideBySide().way(BARE, bare::firstToken), good, OrchestratedClient::firstToken, rounds);
        }
    }

    private static Map<String, Times> run(SideBySide ways, CannedServer good, Kind kind, int rounds)
            throws IOException {
        try (CannedServer overloaded = new CannedServer(CannedServer.bytes(CannedAnswers.unavailable()));
                CannedServer resetting = new CannedServer(CannedServer.reset());
                OrchestratedClient afterOverload = OrchestratedClient.of(overloaded, good);
                OrchestratedClient afterReset = OrchestratedClient.of(resetting, good);
                OrchestratedClient afterRefusal = OrchestratedClient.of(overloaded, good)) {
            afterRefusal.firstBreaker().forceOpen();
            return ways.way("the first answers 503", () -> sinceFault(afterOverload, overloaded, kind))
                    .way("the first resets the connection", () -> sinceFault(afterReset, resetting, kind))
                    .way("the first's breaker is open", () -> kind.nanos(afterRefusal))
                    .run(rounds, rounds);
        }
    }

    /** The server's clock is ours, so what the call took until the fault can be told from what it took after it. */
    private static long sinceFault(OrchestratedClient client, CannedServer faulty, Kind kind) {
        long start = System.nanoTime();
        long nanos = kind.nanos(client);
        client.forgetFailures();
        return nanos - (faulty.answeredNanos() - start);
    }
}
