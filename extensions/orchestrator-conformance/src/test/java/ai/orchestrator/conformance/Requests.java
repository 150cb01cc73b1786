package ai.orchestrator.conformance;

import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer;
import ai.orchestrator.testkit.ScriptedServer.ReceivedRequest;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** Has both sides send what is meant to be the same. */
final class Requests implements AutoCloseable {

    /** Everything of a header that means something to a vendor; the others name the client, its platform and its limits. */
    private static final List<String> HEADERS = List.of(
            "authorization",
            "x-api-key",
            "x-goog-api-key",
            "api-key",
            "anthropic-version",
            "anthropic-beta",
            "openai-organization",
            "openai-project",
            "content-type");

    private final ScriptedServer server =
            ScriptedServer.start().otherwise(Reply.status(400, "{\"error\":{\"message\":\"no\"}}"));

    private final List<Served> catalogue;

    private Requests() throws IOException {
        catalogue = Served.catalogue();
    }

    /** What there is to say of all wishes; sent once for all tests. */
    static List<Comparison> ofAllIntents() {
        return Once.INTENTS;
    }

    private static final class Once {

        private static final List<Comparison> INTENTS = all();

        private static List<Comparison> all() {
            try (Requests requests = new Requests()) {
                return Intent.all().stream()
                        .flatMap(intent -> Stream.of(requests.compare(intent, false), requests.compare(intent, true)))
                        .toList();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private Comparison compare(Intent intent, boolean streamed) {
        String root = server.baseUrl().replace("/v1", "");
        String mode = streamed ? "streamed" : "whole";
        Map<String, String> theirs = sent(() -> intent.client().send(root, streamed), intent, streamed);
        Map<String, String> ours = sent(() -> intent.sendHere(root, streamed), intent, streamed);
        Set<String> names = new LinkedHashSet<>(theirs.keySet());
        names.addAll(ours.keySet());
        Map<String, Comparison.Pair> fields = new LinkedHashMap<>();
        names.forEach(name ->
                fields.put(name, new Comparison.Pair(theirs.getOrDefault(name, ""), ours.getOrDefault(name, ""))));
        return new Comparison(Family.of(intent.type()), "request, " + mode, intent + ", " + mode, fields, "");
    }

    /** The last request that was sent. */
    private Map<String, String> sent(Runnable sending, Intent intent, boolean streamed) {
        List<Served> answers = catalogue.stream()
                .filter(answer -> answer.type().equals(intent.type())
                        && answer.name().equals(intent.answered())
                        && answer.streamed() == streamed)
                .toList();
        answers.forEach(answer -> server.reply(answer.reply()));
        int expected = server.requestCount() + answers.size() + 1;
        sending.run();
        if (server.requestCount() != expected) {
            throw new IllegalStateException(
                    intent + " made " + server.requestCount() + " requests in all, not " + expected);
        }
        return fields(server.requests().get(expected - 1));
    }

    private static Map<String, String> fields(ReceivedRequest request) {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("method", request.method());
        fields.put("address", request.path());
        HEADERS.forEach(name -> {
            String value = request.headers().get(name);
            if (value != null) {
                fields.put("header " + name, value);
            }
        });
        leaves("", Words.json(request.body()), fields);
        return fields;
    }

    /** Each value by where it is, such as {@code messages[0].content}. */
    private static void leaves(String path, JsonNode node, Map<String, String> fields) {
        if (node.isObject() && !node.isEmpty()) {
            node.properties()
                    .forEach(field -> leaves(
                            path.isEmpty() ? field.getKey() : path + "." + field.getKey(), field.getValue(), fields));
        } else if (node.isArray() && !node.isEmpty()) {
            List<JsonNode> elements = new ArrayList<>();
            node.forEach(elements::add);
            for (int i = 0; i < elements.size(); i++) {
                leaves(path + "[" + i + "]", elements.get(i), fields);
            }
        } else {
            fields.put(path, node.toString());
        }
    }

    @Override
    public void close() {
        server.close();
    }
}
