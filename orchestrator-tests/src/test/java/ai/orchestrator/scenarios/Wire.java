package ai.orchestrator.scenarios;

import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer.ReceivedRequest;
import ai.orchestrator.testkit.StreamScript;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** What the servers of one dialect understand and write. */
public interface Wire {

    Pattern ROLE = Pattern.compile("\"role\":\"([a-z]+)\"");

    /** What every dialect has its own words for. */
    enum Fault {
        LIMITED,
        BROKEN,
        DOWN
    }

    /**
     * A request that is turned down for what it says.
     *
     * @param code the provider's word for it; empty if it has none
     * @param words what else it says
     */
    record Refusal(Reply reply, String code, String words) {}

    // ---- Requests

    /** Where a provider of this dialect is to be pointed at, at a server of that address. */
    default String baseUrl(String address) {
        return address;
    }

    /** Whether a request asks the scenarios' question in this dialect, at the right address. */
    boolean understands(ReceivedRequest request);

    /** Who has the last word in a request. */
    default String lastRole(ReceivedRequest request) {
        List<MatchResult> roles = ROLE.matcher(request.body()).results().toList();
        return roles.get(roles.size() - 1).group(1);
    }

    // ---- Answers

    /** The body of a whole answer. */
    String answer(String text, String model);

    /** A whole answer. */
    default Reply whole(String text, String model) {
        return Reply.json(answer(text, model));
    }

    /** A stream. */
    default Reply stream(StreamScript script) {
        return Reply.stream(script);
    }

    /** What a stream has before its first token. */
    default String start(String model) {
        return "";
    }

    /** A sign of life that says nothing; empty if the dialect has none. */
    default String keepAlive() {
        return ": one moment\n\n";
    }

    /** A piece of the answer. */
    String token(String text, String model);

    /** Finish reason and usage. */
    String end(String model);

    /** What may be missing after that. */
    default String endMarker() {
        return "";
    }

    // ---- Errors

    /** An error before the answer. */
    Reply error(Fault fault);

    /** An error that says to come back after so many seconds. */
    default Reply limitedFor(int seconds) {
        return error(Fault.LIMITED).withHeader("retry-after", Integer.toString(seconds));
    }

    /** The request is longer than the model's window. */
    Refusal tooLong();

    /** The request is against the provider's policy. */
    Refusal refusal(boolean streamed, String model);
}
