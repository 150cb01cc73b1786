package ai.orchestrator.scenarios;

import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer;
import ai.orchestrator.testkit.ScriptedServer.ReceivedRequest;
import ai.orchestrator.testkit.StreamScript;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;

/** A provider's server: well unless told otherwise, and strict about when it was asked. */
final class Vendor implements AutoCloseable {

    /** Sixty words, so that a short answer or a doubled one is noticed. */
    static final String ANSWER = "Sunlight holds every colour, and on its way through the air it meets molecules far"
            + " smaller than its own waves. They scatter short waves much more than long ones, so blue reaches the eye"
            + " from all over the heavens while red goes straight on. At dusk the path grows long, most blue is lost"
            + " underway, and what remains is red.";

    static final int WORDS = 60;
    static final int PROMPT_TOKENS = 8;

    private static final List<String> TOKENS = Arrays.asList(ANSWER.split("(?= )"));

    /** What is wrong, or right, with one answer. */
    interface Behaviour {

        Reply reply(ReceivedRequest request, Vendor vendor);
    }

    static final Behaviour WELL = (request, vendor) -> isStreamed(request)
            ? Reply.stream(vendor.tokens(WORDS).send(vendor.end()))
            : Reply.answer(ANSWER).withModel(vendor.model());

    static final Behaviour DOWN = always(Reply.error(503, "server_is_overloaded", "down"));
    static final Behaviour BROKEN = always(Reply.error(500, "server_error", "broken"));
    static final Behaviour LIMITED = always(Reply.error(429, "rate_limit_exceeded", "too many requests"));
    static final Behaviour SILENT = (request, vendor) -> Reply.hang();

    private final String name;
    private final ScriptedServer server = ScriptedServer.start();
    private final Queue<Behaviour> next = new ConcurrentLinkedQueue<>();
    private final List<Duration> asked = new CopyOnWriteArrayList<>();
    private volatile Behaviour otherwise = WELL;

    Vendor(String name, CallTime time) {
        this.name = name;
        server.otherwise(request -> {
            asked.add(time.now());
            Behaviour scripted = next.poll();
            return (scripted == null ? otherwise : scripted).reply(request, this);
        });
    }

    static Behaviour always(Reply reply) {
        return (request, vendor) -> reply;
    }

    static Behaviour limitedFor(String header, String value) {
        return always(
                Reply.error(429, "rate_limit_exceeded", "too many requests").withHeader(header, value));
    }

    static boolean isStreamed(ReceivedRequest request) {
        return request.body().contains("\"stream\":true");
    }

    /** The next answers, one each. */
    Vendor next(Behaviour... behaviours) {
        next.addAll(Arrays.asList(behaviours));
        return this;
    }

    /** Every answer after those. */
    Vendor otherwise(Behaviour behaviour) {
        otherwise = behaviour;
        return this;
    }

    String name() {
        return name;
    }

    String model() {
        return name + "-model-1";
    }

    String baseUrl() {
        return server.baseUrl();
    }

    ScriptedServer server() {
        return server;
    }

    /** When each request came. */
    List<Duration> asked() {
        return List.copyOf(asked);
    }

    // ---- Pieces of a stream

    /** The first so many tokens of the answer, each sent by itself. */
    StreamScript tokens(int count) {
        return tokens(StreamScript.empty(), 0, count);
    }

    StreamScript tokens(StreamScript script, int from, int to) {
        StreamScript more = script;
        for (String token : TOKENS.subList(from, to)) {
            more = more.send(named(Reply.token(token)));
        }
        return more;
    }

    /** Finish reason, usage and end marker. */
    String end() {
        return named(Reply.tokensEnd(WORDS));
    }

    static String firstWords(int count) {
        return String.join("", TOKENS.subList(0, count));
    }

    private String named(String chunk) {
        return chunk.replace("scripted-1", model());
    }

    @Override
    public void close() {
        server.close();
    }
}
