package ai.orchestrator.conformance;

import ai.orchestrator.testkit.ScriptedServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Has both sides read answers. */
final class Answers implements AutoCloseable {

    private final ScriptedServer server = ScriptedServer.start();
    private final OurReader ours;
    private final Map<Family, Reader> theirs = new EnumMap<>(Family.class);

    Answers() {
        String root = server.baseUrl().replace("/v1", "");
        ours = new OurReader(root);
        theirs.put(Family.OPENAI, new OpenAiReader(root));
        theirs.put(Family.ANTHROPIC, new AnthropicReader(root));
        theirs.put(Family.GEMINI, new GeminiReader(root));
    }

    /** What there is to say of the whole catalogue; read once for all tests. */
    static List<Comparison> ofCatalogue() {
        return Once.CATALOGUE;
    }

    private static final class Once {

        private static final List<Comparison> CATALOGUE = all();

        private static List<Comparison> all() {
            try (Answers answers = new Answers()) {
                return Served.catalogue().stream()
                        .flatMap(answer -> answer.modes().stream().map(mode -> answers.compare(answer, mode)))
                        .toList();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private record Asked(Reading reading, int requests) {

        private boolean failed() {
            return reading.outcome().equals(Reading.FAILED);
        }

        private Map<String, String> fields() {
            Map<String, String> fields = reading.fields();
            fields.put("requests", Integer.toString(requests));
            return fields;
        }
    }

    Comparison compare(Served answer, Mode mode) {
        Asked client = ask(Objects.requireNonNull(theirs.get(answer.family())), answer, mode);
        Asked library = ask(ours, answer, mode);
        Map<String, String> ofLibrary = library.fields();
        Map<String, Comparison.Pair> fields = new LinkedHashMap<>();
        client.fields().forEach((name, value) -> {
            if (comparable(name, client, library, mode)) {
                fields.put(name, new Comparison.Pair(value, ofLibrary.getOrDefault(name, "")));
            }
        });
        return new Comparison(
                answer.family(),
                mode.toString(),
                answer + ", " + mode,
                fields,
                "client: " + client.reading().detail() + "\nhere: "
                        + library.reading().detail());
    }

    /** Where only one has failed, that is the difference; what a stream had shown before counts all the same. */
    private static boolean comparable(String field, Asked client, Asked library, Mode mode) {
        boolean failed = client.failed() || library.failed();
        return switch (field) {
            case "outcome", "requests" -> true;
            case "text" -> !failed || mode != Mode.WHOLE;
            case "status", "code" -> client.failed() && library.failed();
            // Most of the clients' exceptions say only that something failed.
            case "kind" ->
                client.failed() && library.failed() && !client.reading().kind().isEmpty();
            default -> !failed;
        };
    }

    private Asked ask(Reader reader, Served answer, Mode mode) {
        server.otherwise(answer.reply());
        int before = server.requestCount();
        Reading reading = reader.read(answer.type(), mode);
        return new Asked(reading, server.requestCount() - before);
    }

    @Override
    public void close() {
        theirs.values().forEach(Reader::close);
        ours.close();
        server.close();
    }
}
