package ai.orchestrator.benchmarks;

import ai.orchestrator.benchmarks.SideBySide.Times;
import java.io.IOException;
import java.util.Map;

/** Times HTTP calls over loopback through an orchestrator and with bare OkHttp, side by side, and prints them as Markdown. */
public final class HttpTable {

    private static final String USAGE = """
            Usage: java -cp benchmarks.jar ai.orchestrator.benchmarks.HttpTable [ROUNDS]

            Measures calls over loopback, and streams' first tokens, beside bare OkHttp and prints two tables.
            Takes about half a minute for the default of 5,000 rounds, after as many to warm up.
            """;

    private static final int DEFAULT_ROUNDS = 5_000;

    /** As long as a fast model takes for its next tokens, nearly. */
    private static final long PAUSE_NANOS = 500_000;

    private static final String BARE = "OkHttp and Jackson";
    private static final String AGAIN = "the same once more: what noise adds";
    private static final String ENQUEUED = "the same on a thread of OkHttp's";
    private static final String ORCHESTRATED = "orchestrator";

    private HttpTable() {}

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
        System.out.println(SideBySide.table("a call that does not stream", chats(rounds)));
        System.out.println(SideBySide.table("a stream, until its first token", firstTokens(rounds)));
        System.out.println(Machine.description() + ". " + rounds + " rounds.");
    }

    private static Map<String, Times> chats(int rounds) throws IOException {
        try (CannedServer server = new CannedServer(CannedServer.bytes(CannedAnswers.completion()));
                BareClient bare = new BareClient(server);
                BareClient again = new BareClient(server);
                BareClient enqueued = new BareClient(server);
                OrchestratedClient orchestrated = OrchestratedClient.of(server)) {
            return new SideBySide()
                    .way(BARE, bare::chat)
                    .way(AGAIN, again::chat)
                    .way(ENQUEUED, enqueued::enqueuedChat)
                    .way(ORCHESTRATED, orchestrated::chat)
                    .run(rounds, rounds);
        }
    }

    private static Map<String, Times> firstTokens(int rounds) throws IOException {
        try (CannedServer server = new CannedServer(
                        CannedServer.inTwo(CannedAnswers.streamBegins(), CannedAnswers.streamEnds(), PAUSE_NANOS));
                BareClient bare = new BareClient(server);
                BareClient again = new BareClient(server);
                OrchestratedClient orchestrated = OrchestratedClient.of(server)) {
            return new SideBySide()
                    .way(BARE, bare::firstToken)
                    .way(AGAIN, again::firstToken)
                    .way(ORCHESTRATED, orchestrated::firstToken)
                    .run(rounds, rounds);
        }
    }
}
