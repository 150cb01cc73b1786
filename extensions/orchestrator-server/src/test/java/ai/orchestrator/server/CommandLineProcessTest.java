package ai.orchestrator.server;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The classes as a process of their own: its exit code, its two outputs, its end. */
@Timeout(120)
class CommandLineProcessTest {

    @TempDir
    private Path directory;

    private Process start(String... args) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                "ai.orchestrator.server.Main"));
        command.addAll(List.of(args));
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectError(directory.resolve("err").toFile());
        // Java would say on standard error that it has picked them up.
        builder.environment().remove("JAVA_TOOL_OPTIONS");
        return builder.start();
    }

    private String config(String baseUrl) throws IOException {
        return Files.writeString(directory.resolve("o.properties"), """
                        orchestrator.providers.only.type=openai
                        orchestrator.providers.only.base-url=%s
                        """.formatted(baseUrl))
                .toString();
    }

    private static String output(Process process) throws IOException {
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    private static int exitCode(Process process) throws InterruptedException {
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("still running");
        }
        return process.exitValue();
    }

    private String errors() throws IOException {
        return Files.readString(directory.resolve("err"));
    }

    @Test
    void the_answer_alone_is_on_standard_output_and_what_is_simulated_is_on_standard_error() throws Exception {
        Process process = start("ask", "Why is the sky blue?");

        assertThat(output(process).lines())
                .singleElement()
                .asString()
                .startsWith("This is a simulated answer to \"Why is the sky blue?\"");
        assertThat(exitCode(process)).isZero();
        assertThat(errors()).contains("simulated providers", "simulated-1 failed", "simulated-2 answered");
    }

    @Test
    void the_question_and_the_answer_are_in_utf_8_whatever_the_default_encoding_is() throws Exception {
        try (ScriptedServer server = ScriptedServer.start().reply(Reply.answer("Größe → 大"))) {
            Process process = start("ask", "--config", config(server.baseUrl()), "-");
            process.getOutputStream().write("Wie groß? 大".getBytes(StandardCharsets.UTF_8));
            process.getOutputStream().close();

            assertThat(output(process)).isEqualToNormalizingNewlines("Größe → 大\n");
            assertThat(exitCode(process)).isZero();
            assertThat(errors()).isEmpty();
            assertThat(server.requests().get(0).body()).contains("\"Wie groß? 大\"");
        }
    }

    @Test
    void the_exit_code_is_1_when_nobody_can_answer() throws Exception {
        try (ScriptedServer server = ScriptedServer.start().otherwise(Reply.error(503, "overloaded", "busy"))) {
            Process process = start("ask", "--config", config(server.baseUrl()), "Why?");

            assertThat(output(process)).isEmpty();
            assertThat(exitCode(process)).isEqualTo(1);
            assertThat(errors())
                    .startsWith("orchestrator: no provider could answer")
                    .contains("busy")
                    .doesNotContain("\tat ");
        }
    }

    @Test
    void the_exit_code_is_2_on_bad_usage_and_on_a_bad_configuration() throws Exception {
        Process usage = start();
        assertThat(output(usage)).isEmpty();
        assertThat(exitCode(usage)).isEqualTo(2);
        assertThat(errors()).contains("Usage: orchestrator");

        Process configuration = start("ask", "--config", config("llm.example.com"), "Why?");
        assertThat(output(configuration)).isEmpty();
        assertThat(exitCode(configuration)).isEqualTo(2);
        assertThat(errors()).startsWith("orchestrator: ").contains("base-url").doesNotContain("\tat ");
    }

    @Test
    void an_answer_that_nobody_takes_is_a_failure_without_a_stack_trace() throws Exception {
        CompletableFuture<Void> gone = new CompletableFuture<>();
        try (ScriptedServer server =
                ScriptedServer.start().reply(Reply.answer("unread").after(gone))) {
            Process process = start("ask", "--config", config(server.baseUrl()), "Why?");
            server.awaitRequest();
            process.getInputStream().close();
            gone.complete(null);

            assertThat(exitCode(process)).isEqualTo(1);
            assertThat(errors())
                    .isEqualToNormalizingNewlines("orchestrator: standard output could not take all of the output\n");
        }
    }

    @Test
    void the_demo_runs_on_real_time_and_into_a_pipe_without_colour() throws Exception {
        Process process = start("demo", "reset");

        assertThat(output(process))
                .contains("Manual reset", "Everything was as expected")
                .doesNotContain("WRONG", "\u001B", "\tat ");
        assertThat(exitCode(process)).isZero();
        assertThat(errors()).isEmpty();
    }

    @Test
    void a_status_that_is_watched_ends_when_the_process_is_told_to() throws Exception {
        Process process = start("status", "--watch", "--interval", "100ms");
        BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
        // The second table: it is shown again and again.
        for (int tables = 0; tables < 2; ) {
            tables += output.readLine().startsWith("provider ") ? 1 : 0;
        }
        // Not process.destroy(), which closes our end of the output too: then it may end for want of a reader.
        process.toHandle().destroy();

        exitCode(process);
        assertThat(errors().lines()).singleElement().asString().startsWith("No --config was given");
    }

    @Test
    void a_status_that_is_watched_ends_when_nobody_reads_it() throws Exception {
        Process process = start("status", "--watch", "--interval", "100ms");
        BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
        assertThat(output.readLine()).contains("every 100 ms");
        output.close();

        assertThat(exitCode(process)).isEqualTo(1);
        assertThat(errors()).endsWith("standard output could not take all of the output" + System.lineSeparator());
    }
}
