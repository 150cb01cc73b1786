package ai.orchestrator.conformance;

import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.StreamScript;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An answer that both sides read.
 *
 * <p>Those of the catalogue are in {@code src/test/resources/answers}, a file for each type of provider. A line {@code == name} begins one,
 * and a line {@code -- whole}, {@code -- streamed} or {@code -- both} what is sent to a request of that kind, up to the next such line. What
 * follows it, after commas: a number for the status, {@code name: value} for a header, {@code crlf} or {@code cr} for its line ends, {@code open} for a
 * body without the empty line at its end, {@code closed} for a connection that is closed before the body's end.
 *
 * @param type the type of provider that answers
 * @param name what is particular about it
 * @param streamed whether a stream was asked for
 * @param status the HTTP status
 * @param headers beside the default ones
 * @param body every byte of it
 * @param closed whether the connection breaks after it
 */
record Served(
        String type,
        String name,
        boolean streamed,
        int status,
        Map<String, String> headers,
        String body,
        boolean closed) {

    private static final Path CATALOGUE = Path.of("src", "test", "resources", "answers");
    private static final Pattern HEADING = Pattern.compile("(==|--) (.*)");
    private static final Pattern STATUS = Pattern.compile("\\d{3}");
    private static final Pattern HEADER = Pattern.compile("([a-z-]+): (.*)");

    /** Every answer of the catalogue, in the order of its files. */
    static List<Served> catalogue() throws IOException {
        Map<String, Path> files = new TreeMap<>();
        try (DirectoryStream<Path> found = Files.newDirectoryStream(CATALOGUE, "*.txt")) {
            found.forEach(file -> files.put(file.getFileName().toString().replace(".txt", ""), file));
        }
        List<Served> answers = new ArrayList<>();
        for (Map.Entry<String, Path> file : files.entrySet()) {
            read(file.getKey(), Files.readString(file.getValue()), answers);
        }
        return List.copyOf(answers);
    }

    private static void read(String type, String text, List<Served> answers) {
        String name = "";
        String what = "";
        StringBuilder body = new StringBuilder();
        for (String line : (text + "\n== end").split("\n", -1)) {
            Matcher heading = HEADING.matcher(line);
            if (!heading.matches()) {
                body.append(line).append('\n');
                continue;
            }
            if (!what.isEmpty()) {
                add(type, name, what, body.toString().stripTrailing(), answers);
            }
            body.setLength(0);
            boolean begins = heading.group(1).equals("==");
            name = begins ? heading.group(2) : name;
            what = begins ? "" : heading.group(2);
        }
    }

    private static void add(String type, String name, String what, String text, List<Served> answers) {
        String[] words = what.split(", ");
        int status = 200;
        Map<String, String> headers = new TreeMap<>();
        boolean closed = false;
        boolean open = false;
        String lineEnd = "\n";
        for (String word : List.of(words).subList(1, words.length)) {
            Matcher header = HEADER.matcher(word);
            if (STATUS.matcher(word).matches()) {
                status = Integer.parseInt(word);
            } else if (header.matches()) {
                headers.put(header.group(1), header.group(2));
            } else {
                switch (word) {
                    case "closed" -> closed = true;
                    case "open" -> open = true;
                    case "crlf" -> lineEnd = "\r\n";
                    case "cr" -> lineEnd = "\r";
                    default ->
                        throw new IllegalArgumentException("unknown word '" + word + "' of " + type + ": " + name);
                }
            }
        }
        for (boolean streamed : switch (words[0]) {
            case "whole" -> new boolean[] {false};
            case "streamed" -> new boolean[] {true};
            case "both" -> new boolean[] {false, true};
            default -> throw new IllegalArgumentException("neither whole nor streamed: " + type + ": " + name);
        }) {
            String body = streamed && status == 200 && !open && !text.isEmpty() ? text + "\n\n" : text;
            answers.add(new Served(type, name, streamed, status, headers, body.replace("\n", lineEnd), closed));
        }
    }

    Family family() {
        return Family.of(type);
    }

    Reply reply() {
        StreamScript script = StreamScript.empty().send(body);
        Reply reply = streamed && status == 200
                ? Reply.stream(closed ? script.thenClose() : script)
                : closed
                        ? Reply.stream(script.thenClose()).withHeader("content-type", "application/json")
                        : Reply.status(status, body);
        for (Map.Entry<String, String> header : headers.entrySet()) {
            reply = reply.withHeader(header.getKey(), header.getValue());
        }
        return reply;
    }

    /** Whose client reads it in which ways. */
    List<Mode> modes() {
        if (!streamed) {
            return List.of(Mode.WHOLE);
        }
        return switch (family()) {
            case OPENAI -> List.of(Mode.STREAMED, Mode.ACCUMULATED);
            case ANTHROPIC -> List.of(Mode.ACCUMULATED);
            case GEMINI -> List.of(Mode.STREAMED);
        };
    }

    /** How the differences name it. */
    @Override
    public String toString() {
        return type + ": " + name;
    }
}
