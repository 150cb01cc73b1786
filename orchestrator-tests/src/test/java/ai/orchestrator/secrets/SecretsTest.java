package ai.orchestrator.secrets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import ai.orchestrator.ConfigurationException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.config.ConfigLoader;
import ai.orchestrator.config.OrchestratorConfig;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.Retries;
import ai.orchestrator.testkit.ScriptedServer;
import ai.orchestrator.testkit.StreamScript;
import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** P6. Every answer here repeats the key wherever an answer can. */
class SecretsTest {

    private static final String KEY = PlantedKeys.KEY;

    /** One of each dialect. */
    private static final List<String> TYPES =
            List.of("openai", "azure", "anthropic", "gemini", "cohere", "ollama", "huggingface-text");

    /** Everything that the library shows while the test runs. */
    private final List<String> shown = new ArrayList<>();

    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();

    @BeforeEach
    void logEverything() {
        level(Level.TRACE);
    }

    @AfterEach
    void nothingShowedTheKey() {
        level(Level.OFF);
        assertThat(shown).isNotEmpty().noneMatch(text -> text.contains(PlantedKeys.MARK));
        // A part of it is a part too many.
        assertThat(shown).noneMatch(text -> text.contains(KEY.substring(0, 12)));
        assertThat(meters.getMetersAsString()).doesNotContain(PlantedKeys.MARK);
    }

    private static void level(Level level) {
        ((Logger) LoggerFactory.getLogger("ai.orchestrator.breaker")).setLevel(level);
    }

    private Orchestrator orchestrator(String type, String baseUrl) {
        return Orchestrator.builder()
                .provider(
                        "p",
                        p -> p.type(type)
                                .baseUrl(baseUrl)
                                .model("m")
                                .apiKey(KEY)
                                .retry(Retries.NONE))
                .meterRegistry(meters)
                .build();
    }

    private void show(Object value) {
        shown.add(Objects.toString(value));
        if (value instanceof Throwable thrown) {
            StringWriter text = new StringWriter();
            thrown.printStackTrace(new PrintWriter(text));
            shown.add(text.toString());
        }
        if (value instanceof OrchestratorException failure) {
            show(failure.trail());
        }
        if (value instanceof ProviderException failure) {
            show(failure.code());
            show(failure.providerMessage());
            show(failure.requestId());
        }
        if (value instanceof Throwable thrown && thrown.getCause() != null) {
            show(thrown.getCause());
        }
    }

    private void call(String type, String baseUrl) {
        try (Orchestrator orchestrator = orchestrator(type, baseUrl)) {
            show(orchestrator);
            show(catchThrowable(() -> answered(orchestrator.chat(
                    ChatRequest.builder().user("hello").withResponseHeaders().build()))));
            showBreaker(orchestrator);
        }
        // Another one, because the first may have parked its provider.
        try (Orchestrator orchestrator = orchestrator(type, baseUrl)) {
            try (ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
                show(catchThrowable(() -> {
                    for (ChatEvent event : stream) {
                        show(event);
                    }
                    answered(stream.response());
                }));
            }
            showBreaker(orchestrator);
        }
    }

    private void showBreaker(Orchestrator orchestrator) {
        show(orchestrator.circuitBreaker("p").status());
        show(orchestrator.circuitBreaker("p").status().toMap());
        show(orchestrator.circuitBreaker("p"));
        shown.add(meters.getMetersAsString());
    }

    private void answered(ChatResponse response) {
        show(response);
        show(response.model());
        show(response.responseId());
        show(response.requestId());
        show(response.rateLimits());
        show(response.headers());
        show(response.trail());
    }

    static Stream<Arguments> echoes() {
        String error =
                "{\"error\":{\"message\":\"bad key " + KEY + " \\n" + KEY + "\",\"type\":\"" + KEY + "\",\"code\":\""
                        + KEY + "\",\"status\":\"" + KEY + "\",\"details\":[{\"reason\":\"" + KEY
                        + "\"}]},\"request_id\":\"" + KEY
                        + "\"}";
        List<Reply> replies = new ArrayList<>();
        for (int status : new int[] {400, 401, 403, 404, 413, 429, 500, 503}) {
            replies.add(Reply.status(status, error));
        }
        replies.add(Reply.status(401, "{\"error\":\"bad key " + KEY + "\"}"));
        replies.add(Reply.status(401, "{\"detail\":\"bad key " + KEY.substring(0, 20) + "…\"}"));
        replies.add(Reply.status(401, "{\"message\":\"bad key ends with " + KEY.substring(12) + "\"}"));
        replies.add(Reply.status(502, "<html>" + KEY + "</html>"));
        replies.add(Reply.status(307, KEY).withHeader("location", "http://127.0.0.1:1/" + KEY));
        replies.add(Reply.json(error));
        replies.add(Reply.json(KEY));
        replies.add(Reply.json("{\"id\":\"" + KEY + "\",\"model\":\"" + KEY
                + "\",\"choices\":[{\"message\":{\"content\":" + "\"fine\"},\"finish_reason\":\"stop\"}]}"));
        replies.add(Reply.json("{\"choices\":[{\"message\":{\"content\":\"\",\"refusal\":\"" + KEY
                + "\"},\"finish_reason\":\"stop\"}]}"));
        replies.add(Reply.json("{\"choices\":[{\"message\":{\"content\":\"\"},\"finish_reason\":\"" + KEY + "\"}]}"));
        replies.add(Reply.json(
                "{\"id\":\"" + KEY + "\",\"message\":{\"content\":[{\"text\":\"fine\"}],\"citations\":[{\"id\":\"" + KEY
                        + "\"}]},\"finish_reason\":\"" + KEY + "\"}"));
        replies.add(Reply.stream(StreamScript.empty()
                .send("data: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"ERROR\",\"error\":\"" + KEY
                        + "\"}}\n\n")));
        replies.add(Reply.json("{\"model\":\"" + KEY
                + "\",\"message\":{\"content\":\"fine\"},\"done\":true,\"done_reason\":\"" + KEY + "\"}"));
        replies.add(Reply.stream(StreamScript.empty().send("{\"error\":\"" + KEY + "\"}\n")));
        replies.add(Reply.json("[{\"generated_text\":\"fine\",\"" + KEY + "\":\"" + KEY
                + "\",\"details\":{\"finish_reason\":\"" + KEY + "\"}}]"));
        replies.add(Reply.stream(StreamScript.empty().send("data: " + KEY + "\n\n")));
        replies.add(Reply.stream(StreamScript.empty().send("event: error\ndata: " + KEY + "\n\n")));
        replies.add(Reply.stream(StreamScript.empty().send("error: " + KEY + "\n\n")));
        replies.add(Reply.stream(StreamScript.empty().send("data: " + error + "\n\n")));
        replies.add(Reply.stream(StreamScript.empty().send(Reply.token("half")).send("data: " + error + "\n\n")));
        replies.add(Reply.closeAfter(10));
        replies.add(Reply.reset());
        return replies.stream()
                .map(reply -> reply.withHeader("x-request-id", KEY)
                        .withHeader("retry-after", KEY)
                        .withHeader("x-ratelimit-remaining-" + KEY.toLowerCase(java.util.Locale.ROOT), "1")
                        .withHeader("x-ratelimit-remaining-tokens", KEY))
                .flatMap(reply -> TYPES.stream().map(type -> Arguments.of(type, reply)));
    }

    @ParameterizedTest
    @MethodSource("echoes")
    void an_answer_that_repeats_the_key_shows_it_to_nobody(String type, Reply reply) {
        try (ScriptedServer server = ScriptedServer.start().otherwise(reply)) {
            call(type, server.baseUrl());
            assertThat(server.requests())
                    .isNotEmpty()
                    .allMatch(request -> request.headers().values().stream().anyMatch(value -> value.contains(KEY)));
            server.requests().forEach(this::show);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "KEY\r\n\r\n",
                "HTTP/1.1 KEY\r\n\r\n",
                "HTTP/1.1 200 KEY\r\ncontent-length: KEY\r\n\r\n",
                "HTTP/1.1 200 OK\r\nKEY\r\n\r\n",
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nKEY\r\n",
                "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\nKEY",
            })
    void http_that_is_broken_by_the_key_shows_it_to_nobody(String answer) throws IOException {
        byte[] bytes = answer.replace("KEY", "x-api-key:" + KEY).getBytes(StandardCharsets.UTF_8);
        try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getByAddress(new byte[] {127, 0, 0, 1}))) {
            Thread peer = new Thread(() -> {
                while (!server.isClosed()) {
                    try (Socket socket = server.accept()) {
                        socket.getInputStream().read(new byte[8192]);
                        socket.getOutputStream().write(bytes);
                        socket.getOutputStream().flush();
                    } catch (IOException e) {
                        // The client, or the test, has closed.
                    }
                }
            });
            peer.setDaemon(true);
            peer.start();
            call("openai", "http://127.0.0.1:" + server.getLocalPort() + "/v1");
        }
    }

    @Test
    void a_key_is_in_no_settings_and_no_configuration(@TempDir Path directory) throws IOException {
        show(ProviderSettings.builder("p").type("openai").apiKey(KEY).build());
        show(catchThrowable(() -> ProviderSettings.builder("p").apiKey(KEY + "\n")));
        Path file = directory.resolve("orchestrator.properties");
        Files.writeString(
                file,
                "orchestrator.providers.p.type=openai\norchestrator.providers.p.api-key=" + KEY
                        + "\norchestrator.providers.q.type=groq\norchestrator.providers.q.api-key=${K}\n");
        OrchestratorConfig config = ConfigLoader.of(file)
                .environment(Map.of("K", KEY))
                .systemProperties(Map.of())
                .load();
        show(config);
        config.settings().providers().forEach(this::show);
        Files.writeString(
                file,
                "orchestrator.providers.p.type=openai\norchestrator.providers.p.api-key=" + KEY
                        + " x\norchestrator.providers.p.api-key=" + KEY + "\norchestrator.providers.p.apikey=" + KEY
                        + "\norchestrator.providers.p.base-url=https://" + KEY + "@example.com\n"
                        + "orchestrator.defaults.api-key=" + KEY + "\n");
        Throwable refused = catchThrowable(() -> ConfigLoader.of(file)
                .environment(Map.of())
                .systemProperties(Map.of())
                .load());
        assertThat(refused).isInstanceOf(ConfigurationException.class);
        show(refused);
    }

    @Test
    void the_watch_over_the_log_reads_every_line_and_finds_a_key() {
        int before = LogWatch.linesRead();
        LoggerFactory.getLogger("ai.orchestrator.secrets").trace("a line with {}", KEY);
        assertThat(LogWatch.linesRead()).isGreaterThan(before);
        assertThat(LogWatch.takeFound()).contains(KEY);
        show("done");
    }
}
