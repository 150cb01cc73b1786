package ai.orchestrator.server;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer;
import ai.orchestrator.testkit.StreamScript;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class AskStreamTest {

    private static final Reply BROKEN = Reply.stream(StreamScript.empty()
            .send(Reply.token("half an"))
            .send(Reply.token(" answ"))
            .thenClose());

    @TempDir
    private Path directory;

    private final ScriptedServer first = ScriptedServer.start();
    private final ScriptedServer second = ScriptedServer.start();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @AfterEach
    void stopServers() {
        first.close();
        second.close();
    }

    private int run(OutputStream out, String... args) {
        return Main.run(
                args,
                InputStream.nullInputStream(),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                StandardCharsets.UTF_8,
                Map.of(),
                Terminal.NONE);
    }

    private String[] ask(String... options) throws IOException {
        Path config =
                Files.writeString(directory.resolve("o.properties"), """
                        orchestrator.providers.first.type=openai
                        orchestrator.providers.first.base-url=%s
                        orchestrator.providers.first.priority=1
                        orchestrator.providers.second.type=openai
                        orchestrator.providers.second.base-url=%s
                        orchestrator.providers.second.priority=2
                        """.formatted(first.baseUrl(), second.baseUrl()));
        List<String> args = new ArrayList<>(List.of("ask", "--stream", "-c", config.toString()));
        args.addAll(List.of(options));
        args.add("Why?");
        return args.toArray(String[]::new);
    }

    private String err() {
        return err.toString(StandardCharsets.UTF_8);
    }

    @Test
    void pieces_are_printed_as_they_come_and_nothing_else() throws Exception {
        CompletableFuture<Void> seen = new CompletableFuture<>();
        first.reply(Reply.stream(StreamScript.empty()
                .send(Reply.token("Größe"))
                .await(seen)
                .send(Reply.token(" matters."))
                .send(Reply.tokensEnd(2))));
        ByteArrayOutputStream out = new ByteArrayOutputStream() {
            @Override
            public synchronized void write(byte[] bytes, int offset, int length) {
                super.write(bytes, offset, length);
                // The second piece is only sent when the first has been printed.
                seen.complete(null);
            }
        };
        assertThat(run(out, ask())).isZero();
        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo("Größe matters.\n");
        assertThat(err()).isEmpty();
    }

    @Test
    void json_has_a_line_for_each_piece_and_one_for_the_end() throws IOException {
        first.reply(Reply.tokens("two ", "words"));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(run(out, ask("--json"))).isZero();
        List<String> lines = out.toString(StandardCharsets.UTF_8).lines().toList();
        assertThat(lines).hasSize(3).startsWith("{\"text\":\"two \"}", "{\"text\":\"words\"}");
        JsonNode end = new ObjectMapper().readTree(lines.get(2));
        assertThat(end.path("answer").asText()).isEqualTo("two words");
        assertThat(end.path("trail").path(0).path("outcome").asText()).isEqualTo("answered");
    }

    @Test
    void a_provider_that_breaks_off_ends_it_with_exit_code_1_after_what_had_come() throws IOException {
        first.reply(BROKEN);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(run(out, ask())).isOne();
        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo("half an answ\n");
        assertThat(err()).startsWith("orchestrator: first broke off after 12 characters with TRUNCATED");
        assertThat(second.requestCount()).isZero();
    }

    @Test
    void json_of_a_stream_that_broke_off_has_its_partial_text() throws IOException {
        first.reply(BROKEN);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(run(out, ask("--json"))).isOne();
        List<String> lines = out.toString(StandardCharsets.UTF_8).lines().toList();
        JsonNode error =
                new ObjectMapper().readTree(lines.get(lines.size() - 1)).path("error");
        assertThat(error.path("type").asText()).isEqualTo("StreamFailedException");
        assertThat(error.path("partial_text").asText()).isEqualTo("half an answ");
    }

    @Test
    void hold_prints_the_whole_answer_of_another_provider_alone() throws IOException {
        first.reply(BROKEN);
        second.reply(Reply.tokens("a whole", " one"));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(run(out, ask("--stream-rescue", "hold"))).isZero();
        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo("a whole one\n");
    }

    @Test
    void what_the_file_says_for_all_calls_holds() throws IOException {
        first.reply(BROKEN, Reply.error(400, "content_policy_violation", "no"));
        second.reply(Reply.tokens("a whole", " one"), Reply.tokens("served"));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        String[] ask = ask();
        Path config = Path.of(ask[3]);
        Files.writeString(
                config,
                Files.readString(config)
                        + "orchestrator.stream-rescue=hold\norchestrator.fail-over-on-content-filter=true\n");
        assertThat(run(out, ask)).isZero();
        assertThat(run(out, ask)).isZero();
        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo("a whole one\nserved\n");
    }

    @Test
    void restart_begins_anew_on_a_line_of_its_own_and_says_so() throws IOException {
        CompletableFuture<Void> seen = new CompletableFuture<>();
        first.reply(Reply.stream(
                StreamScript.empty().send(Reply.token("half")).await(seen).thenClose()));
        second.reply(Reply.tokens("a whole", " one"));
        ByteArrayOutputStream out = new ByteArrayOutputStream() {
            @Override
            public synchronized void write(byte[] bytes, int offset, int length) {
                super.write(bytes, offset, length);
                seen.complete(null);
            }
        };
        assertThat(run(out, ask("--stream-rescue=restart"))).isZero();
        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo("half\na whole one\n");
        assertThat(err()).isEqualTo("orchestrator: first broke off with TRUNCATED; the answer begins anew\n");
    }

    @Test
    void a_contract_without_a_stream_or_of_another_name_is_bad_usage() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(run(out, "ask", "--stream-rescue", "hold", "Why?")).isEqualTo(2);
        assertThat(err()).startsWith("orchestrator: --stream-rescue needs --stream");
        assertThat(run(out, ask("--stream-rescue", "pray"))).isEqualTo(2);
        assertThat(err()).contains("must be fail, hold or restart but is 'pray'");
        assertThat(out.size()).isZero();
    }

    @Test
    void when_nobody_reads_any_more_the_call_ends() throws IOException {
        first.reply(Reply.stream(StreamScript.empty().send(Reply.token("half")).thenSilence()));
        OutputStream closed = new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException("Broken pipe");
            }
        };
        assertThat(run(closed, ask())).isOne();
        first.awaitClientClosed(first.awaitRequest());
    }
}
