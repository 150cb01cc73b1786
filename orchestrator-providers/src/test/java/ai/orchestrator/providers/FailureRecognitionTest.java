package ai.orchestrator.providers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import okhttp3.Headers;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What each known error means: the table in {@code recognition.txt}, and errors that come in the middle of a stream. */
final class FailureRecognitionTest {

    private static final String TABLE = "recognition.txt";

    /** No answer shows them: there is none, or it is a success that is broken. */
    private static final Set<FailureKind> NOT_IN_ERRORS =
            EnumSet.of(FailureKind.NETWORK, FailureKind.MALFORMED, FailureKind.TRUNCATED);

    /** A row of the table. */
    record Case(
            int line, FailureKind kind, String dialect, int status, String code, boolean maybeProcessed, String body) {

        private static Case parse(int line, FailureKind kind, String text) {
            String[] cells = text.split("\\|", 5);
            return new Case(
                    line,
                    kind,
                    cells[0].strip(),
                    Integer.parseInt(cells[1].strip()),
                    unlessNone(cells[2].strip()),
                    switch (cells[3].strip()) {
                        case "maybe" -> true;
                        case "refused" -> false;
                        default -> throw new IllegalArgumentException("line " + line + ": " + cells[3]);
                    },
                    unlessNone(cells[4].strip()));
        }

        private static String unlessNone(String cell) {
            return cell.equals("-") ? "" : cell;
        }

        @Override
        public String toString() {
            return kind + ": " + dialect + " " + status + " " + code + " (line " + line + ")";
        }
    }

    static List<Case> cases() {
        List<Case> cases = new ArrayList<>();
        FailureKind kind = null;
        List<String> lines = table();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            if (line.startsWith("== ")) {
                kind = FailureKind.valueOf(line.substring(3).strip());
            } else if (kind != null && !line.isBlank()) {
                cases.add(Case.parse(i + 1, kind, line));
            }
        }
        return cases;
    }

    private static List<String> table() {
        try (InputStream in = FailureRecognitionTest.class.getResourceAsStream(TABLE)) {
            assertThat(in).as(TABLE).isNotNull();
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ProviderException error(int status, String body) {
        return new AnswerHead(status, Headers.EMPTY, List.of(), () -> Instant.EPOCH, new Redaction(Optional.empty()))
                .error(Json.parse(body));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("cases")
    void an_error_means_what_the_table_says(Case row) {
        ProviderException error = error(row.status(), row.body());

        assertThat(error.kind()).as("kind of %s", row.body()).isEqualTo(row.kind());
        assertThat(error.code()).isEqualTo(row.code());
        assertThat(error.mayHaveBeenProcessed()).as("may have been processed").isEqualTo(row.maybeProcessed());
        assertThat(error.status()).hasValue(row.status());
    }

    @Test
    void the_table_has_every_kind_that_an_error_can_show() {
        Set<FailureKind> shown = cases().stream().map(Case::kind).collect(Collectors.toSet());

        assertThat(shown).isEqualTo(EnumSet.complementOf(EnumSet.copyOf(NOT_IN_ERRORS)));
    }

    @Test
    void every_error_inside_a_success_in_the_table_is_seen_as_one() {
        assertThat(cases().stream().filter(row -> row.status() == 200))
                // llama.cpp's flat form comes in a field of its own name, which says that it is an error.
                .filteredOn(row -> !row.dialect().equals("llama.cpp"))
                .allSatisfy(row -> assertThat(ErrorFacts.isError(Objects.requireNonNull(Json.parse(row.body()))))
                        .as(row.toString())
                        .isTrue());
    }

    @Test
    void an_empty_error_field_beside_a_good_answer_is_none() {
        for (String body : List.of(
                "{\"error\":null,\"choices\":[]}",
                "{\"error\":\"\",\"choices\":[]}",
                "{\"error\":{},\"choices\":[]}",
                "{\"error\":false,\"choices\":[]}",
                "{\"detail\":\"high\",\"choices\":[]}")) {
            assertThat(ErrorFacts.isError(Objects.requireNonNull(Json.parse(body))))
                    .as(body)
                    .isFalse();
        }
    }

    @Test
    void what_the_provider_behind_a_gateway_wrote_is_shown_too() {
        ProviderException error = error(400, """
                {"error":{"code":400,"message":"Provider returned error","metadata":{
                  "raw":"{\\"error\\":{\\"message\\":\\"Too long.\\",\\"code\\":\\"context_length_exceeded\\"}}"}}}
                """);

        assertThat(error.providerMessage()).isEqualTo("Provider returned error: Too long.");
    }

    @Test
    void bodies_that_no_provider_sends_are_recognised_by_their_status() {
        for (String body : List.of(
                "[]",
                "null",
                "7",
                "\"text\"",
                "{\"error\":null}",
                "{\"error\":{\"code\":{},\"message\":[],\"type\":true,\"details\":7,\"metadata\":[]}}",
                "{\"error\":{\"details\":[7,{\"violations\":\"x\"}]}}",
                "{\"error\":{\"code\":400,\"metadata\":{\"raw\":\"\"}}}",
                "{\"error\":{\"code\":400,\"metadata\":{\"raw\":7}}}",
                "{\"error\":{\"code\":" + "9".repeat(400) + "}}",
                "{\"error\":" + "[".repeat(2000))) {
            assertThat(error(503, body).kind()).as(body).isEqualTo(FailureKind.OVERLOADED);
            assertThat(error(400, body).kind()).as(body).isEqualTo(FailureKind.BAD_REQUEST);
        }
    }

    @Test
    void every_status_means_something() {
        for (int status = 300; status <= 599; status++) {
            assertThat(error(status, "").kind()).as("status %s", status).isNotIn(NOT_IN_ERRORS);
        }
    }

    /** A stream with status 200, and how it ends. */
    record Stream200(String name, FailureKind kind, String code, String body) {

        @Override
        public String toString() {
            return name;
        }
    }

    private static final String TOKEN =
            "data: {\"id\":\"1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello\"}}]}\n\n";

    static Stream<Stream200> streams() {
        return Stream.of(
                new Stream200(
                        "(a) an error in place of a chunk: OpenAI, vLLM, Hugging Face",
                        FailureKind.SERVER,
                        "server_error",
                        TOKEN + "data: {\"error\":{\"message\":\"Broken\",\"type\":\"server_error\"}}\n\n"),
                new Stream200(
                        "(a) before the first token",
                        FailureKind.RATE_LIMITED,
                        "rate_limit_exceeded",
                        "data: {\"error\":{\"message\":\"Slower\",\"code\":\"rate_limit_exceeded\"}}\n\n"),
                new Stream200(
                        "(a) with a status in the body: TGI",
                        FailureKind.CONTEXT_TOO_LONG,
                        "",
                        "data:{\"error\":{\"message\":\"`inputs` tokens + `max_new_tokens` must be <= 9\","
                                + "\"http_status_code\":422}}\n\n"),
                new Stream200(
                        "(b) an event named error: Groq",
                        FailureKind.TOOL_GENERATION,
                        "tool_use_failed",
                        TOKEN + "event: error\ndata: {\"error\":{\"message\":\"No\",\"type\":\"invalid_request_error\","
                                + "\"code\":\"tool_use_failed\",\"status_code\":400}}\n\n"),
                new Stream200(
                        "(c) an event named error: Anthropic",
                        FailureKind.OVERLOADED,
                        "overloaded_error",
                        TOKEN + "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
                                + "\"message\":\"Overloaded\"}}\n\n"),
                new Stream200(
                        "(d) an error beside the choices: OpenRouter",
                        FailureKind.OVERLOADED,
                        "provider_unavailable",
                        ": OPENROUTER PROCESSING\n\n" + TOKEN
                                + "data: {\"id\":\"1\",\"error\":{\"code\":502,\"message\":\"Gone\",\"metadata\":"
                                + "{\"error_type\":\"provider_unavailable\"}},\"choices\":[{\"index\":0,"
                                + "\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n" + TOKEN),
                new Stream200(
                        "(d) a finish reason alone",
                        FailureKind.SERVER,
                        "",
                        TOKEN + "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"error\"}]}\n\n"),
                new Stream200(
                        "(e) a field named error: llama.cpp",
                        FailureKind.SERVER,
                        "server_error",
                        TOKEN + "error: {\"code\":500,\"message\":\"Broken\",\"type\":\"server_error\"}\n\n"),
                new Stream200(
                        "(e) a field named error, with an error inside: gpustack",
                        FailureKind.OVERLOADED,
                        "503",
                        TOKEN + "error: {\"error\":{\"code\":503,\"message\":\"Busy\"}}\n\n"),
                new Stream200(
                        "(e) a field named error, with text", FailureKind.SERVER, "", TOKEN + "error: broken\n\n"),
                new Stream200("(f) no finish reason", FailureKind.TRUNCATED, "", TOKEN),
                new Stream200(
                        "(f) no finish reason, but the end marker",
                        FailureKind.TRUNCATED,
                        "",
                        TOKEN + "data: [DONE]\n\n"),
                new Stream200("(f) nothing", FailureKind.TRUNCATED, "", ""),
                new Stream200(
                        "(f) half a chunk", FailureKind.TRUNCATED, "", TOKEN + "data: {\"choices\":[{\"index\":0,\"de"),
                new Stream200(
                        "a plain error in place of a stream: Gemini",
                        FailureKind.OVERLOADED,
                        "UNAVAILABLE",
                        "[{\n  \"error\": {\n    \"code\": 503,\n    \"status\": \"UNAVAILABLE\"\n  }\n}]\n"),
                new Stream200(
                        "a plain error in the middle of a stream: Gemini",
                        FailureKind.OVERLOADED,
                        "UNAVAILABLE",
                        TOKEN + "{\n  \"error\": {\n    \"code\": 503,\n    \"status\": \"UNAVAILABLE\"\n  }\n}\n"),
                new Stream200(
                        "DeepSeek's finish reason for a lack of resources",
                        FailureKind.OVERLOADED,
                        "",
                        TOKEN + "data: {\"choices\":[{\"index\":0,\"delta\":{},"
                                + "\"finish_reason\":\"insufficient_system_resource\"}]}\n\n"),
                new Stream200(
                        "a filter's finish reason",
                        FailureKind.CONTENT_FILTERED,
                        "",
                        TOKEN + "data: {\"choices\":[{\"index\":0,\"delta\":{},"
                                + "\"finish_reason\":\"content_filter\"}]}\n\n"),
                new Stream200(
                        "an error page", FailureKind.MALFORMED, "", "<html><h1>Welcome to the proxy</h1></html>\n"),
                new Stream200("a chunk that is not JSON", FailureKind.MALFORMED, "", TOKEN + "data: {oops}\n\n"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("streams")
    void an_error_inside_a_stream_means_what_it_says(Stream200 stream) throws IOException {
        try (MockWebServer server = new MockWebServer()) {
            server.start();
            server.enqueue(new MockResponse.Builder()
                    .code(200)
                    .setHeader("Content-Type", "text/event-stream")
                    .setHeader("Retry-After", "30")
                    .setHeader("X-RateLimit-Remaining-Requests", "0")
                    .setHeader("X-RateLimit-Reset-Requests", "6m0s")
                    .body(stream.body())
                    .build());

            ProviderException error =
                    catchThrowableOfType(ProviderException.class, () -> LoopbackCall.streamed(server));

            assertThat(error.kind()).isEqualTo(stream.kind());
            assertThat(error.code()).isEqualTo(stream.code());
            assertThat(error.mayHaveBeenProcessed()).isTrue();
            assertThat(error.retryAfter())
                    .as("what a success's headers say of later")
                    .isEmpty();
        }
    }

    /** When it differs, {@code target/recognition-table.md} has what is to be in the document. */
    @Test
    void the_documents_table_says_how_many_cases_there_are() throws IOException {
        Map<FailureKind, Map<String, Integer>> counts = new LinkedHashMap<>();
        Map<String, Integer> totals = new TreeMap<>();
        for (Case row : cases()) {
            counts.computeIfAbsent(row.kind(), kind -> new TreeMap<>()).merge(row.dialect(), 1, Integer::sum);
            totals.merge(row.dialect(), 1, Integer::sum);
        }
        List<String> dialects = List.copyOf(totals.keySet());
        StringBuilder table = new StringBuilder("| kind | ")
                .append(String.join(" | ", dialects))
                .append(" | all |\n");
        table.append("|---|").append("---:|".repeat(dialects.size() + 1)).append('\n');
        counts.forEach((kind, row) -> line(table, kind.name(), dialects, row));
        line(table, "all", dialects, totals);
        Path file = Path.of("target", "recognition-table.md");
        Files.createDirectories(file.toAbsolutePath().getParent());
        Files.writeString(file, table);
        assertThat(Files.readString(Path.of("..", "docs", "failures.md"))).contains(table);
    }

    private static void line(StringBuilder table, String title, List<String> dialects, Map<String, Integer> counts) {
        table.append("| ").append(title);
        for (String dialect : dialects) {
            Integer count = counts.get(dialect);
            table.append(" | ").append(count == null ? "" : count);
        }
        int all = counts.values().stream().mapToInt(Integer::intValue).sum();
        table.append(" | ").append(all).append(" |\n");
    }
}
