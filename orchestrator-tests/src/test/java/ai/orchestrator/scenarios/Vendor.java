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

/** A provider's server: well unless told otherwise, and strict about its dialect and about when it was asked. */
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
            ? vendor.stream(vendor.tokens(WORDS).send(vendor.end()))
            : vendor.wire().whole(ANSWER, vendor.model());

    static final Behaviour DOWN = (request, vendor) -> vendor.wire().error(Wire.Fault.DOWN);
    static final Behaviour BROKEN = (request, vendor) -> vendor.wire().error(Wire.Fault.BROKEN);
    static final Behaviour LIMITED = (request, vendor) -> vendor.wire().error(Wire.Fault.LIMITED);
    static final Behaviour SILENT = (request, vendor) -> Reply.hang();

    private final String name;
    private final ScriptedServer server = ScriptedServer.start();
    private final Queue<Behaviour> next = new ConcurrentLinkedQueue<>();
    private final List<Duration> asked = new CopyOnWriteArrayList<>();
    private volatile Dialect dialect = Dialect.OPENAI;
    private volatile Behaviour otherwise = WELL;

    Vendor(String name, CallTime time) {
        this.name = name;
        server.otherwise(request -> {
            asked.add(time.now());
            if (!wire().understands(request)) {
                return Reply.error(400, "not_understood", "not in the dialect of " + dialect + ": " + request);
            }
            Behaviour scripted = next.poll();
            return (scripted == null ? otherwise : scripted).reply(request, this);
        });
    }

    static Behaviour always(Reply reply) {
        return (request, vendor) -> reply;
    }

    static Behaviour limitedFor(String header, String value) {
        return (request, vendor) -> vendor.wire().error(Wire.Fault.LIMITED).withHeader(header, value);
    }

    static boolean isStreamed(ReceivedRequest request) {
        return request.body().contains("\"stream\":true") || request.path().contains(":stream");
    }

    /** From now on it speaks that dialect instead of OpenAI's. */
    Vendor speaks(Dialect dialect) {
        this.dialect = dialect;
        return this;
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

    /** The type of its providers. */
    String type() {
        return dialect.type();
    }

    Wire wire() {
        return dialect.wire();
    }

    String baseUrl() {
        return wire().baseUrl(server.baseUrl());
    }

    ScriptedServer server() {
        return server;
    }

    /** When each request came. */
    List<Duration> asked() {
        return List.copyOf(asked);
    }

    // ---- Pieces of a stream

    Reply stream(StreamScript script) {
        return wire().stream(script);
    }

    /** What comes before the first token. */
    StreamScript start() {
        return StreamScript.empty().send(wire().start(model()));
    }

    /** The first so many tokens of the answer, each sent by itself. */
    StreamScript tokens(int count) {
        return tokens(start(), 0, count);
    }

    StreamScript tokens(StreamScript script, int from, int to) {
        StreamScript more = script;
        for (String token : TOKENS.subList(from, to)) {
            more = more.send(wire().token(token, model()));
        }
        return more;
    }

    /** Finish reason, usage and end marker. */
    String end() {
        return endWithoutMarker() + wire().endMarker();
    }

    String endWithoutMarker() {
        return wire().end(model());
    }

    /** A piece whose JSON breaks off. */
    String brokenToken() {
        return broken(wire().token(" garbage", model()));
    }

    /** A whole answer whose JSON breaks off. */
    String brokenAnswer() {
        return broken(wire().answer(" garbage", model()));
    }

    private static String broken(String json) {
        return json.replaceAll("(?<=garbage)[^\\r\\n]+", "");
    }

    static String firstWords(int count) {
        return String.join("", TOKENS.subList(0, count));
    }

    @Override
    public void close() {
        server.close();
    }
}
