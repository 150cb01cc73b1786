package ai.orchestrator.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The built program as a user runs it: a process of its own, from another directory. */
class LauncherIT {

    private static final String JAVA =
            Path.of(System.getProperty("java.home"), "bin", "java").toString();
    private static final Path JAR = Path.of("target", "orchestrator.jar").toAbsolutePath();
    private static final Path LAUNCHER = Path.of("..", "..", "orchestrator").toAbsolutePath();

    @TempDir
    private Path directory;

    private record Result(int code, String out, String err) {}

    private Result run(List<String> program, String... args) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(program);
        command.addAll(Arrays.asList(args));
        Path out = directory.resolve("out");
        Path err = directory.resolve("err");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        // The launcher must find the JDK that this build runs on, and not be told options for another program.
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().remove("JAVA_TOOL_OPTIONS");
        Process process = builder.start();
        process.getOutputStream().close();
        if (!process.waitFor(120, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("still running: " + command);
        }
        return new Result(
                process.exitValue(),
                Files.readString(out, StandardCharsets.UTF_8),
                Files.readString(err, StandardCharsets.UTF_8));
    }

    @Test
    void the_jar_answers_by_itself() throws Exception {
        Result result = run(List.of(JAVA, "-jar", JAR.toString()), "ask", "Why is the sky blue?");

        assertThat(result.err()).contains("simulated-1 failed").doesNotContain("\tat ");
        assertThat(result.out()).startsWith("This is a simulated answer to \"Why is the sky blue?\"");
        assertThat(result.out().lines()).hasSize(1);
        assertThat(result.code()).isZero();
    }

    @Test
    void the_jar_shows_the_demo() throws Exception {
        Result result = run(List.of(JAVA, "-jar", JAR.toString()), "demo", "reset");

        assertThat(result.out()).contains("Everything was as expected").doesNotContain("WRONG", "\u001B");
        assertThat(result.err()).isEmpty();
        assertThat(result.code()).isZero();
    }

    @Test
    void the_jar_shows_the_status() throws Exception {
        Result result = run(List.of(JAVA, "-jar", JAR.toString()), "status");

        assertThat(result.out()).contains("simulated-1", "simulated-2", "quick").doesNotContain("\u001B");
        assertThat(result.code()).isZero();
    }

    @Test
    void the_jar_exits_with_1_when_nobody_can_answer() throws Exception {
        Files.writeString(directory.resolve("down.properties"), """
                orchestrator.providers.down.type=openai
                orchestrator.providers.down.base-url=http://127.0.0.1:1/v1
                """);

        Result result = run(List.of(JAVA, "-jar", JAR.toString()), "ask", "--config", "down.properties", "Why?");

        assertThat(result.code()).isEqualTo(1);
        assertThat(result.out()).isEmpty();
        assertThat(result.err()).contains("no provider could answer", "down failed", "NETWORK");
    }

    @Test
    void the_jar_exits_with_2_on_a_bad_configuration() throws Exception {
        Result result = run(List.of(JAVA, "-jar", JAR.toString()), "ask", "--config", "none", "Why?");

        assertThat(result.code()).isEqualTo(2);
        assertThat(result.err()).isEqualToNormalizingNewlines("orchestrator: none: there is no such file\n");
    }

    @Test
    void the_jar_accepts_the_configuration_that_it_writes() throws Exception {
        Result written = run(List.of(JAVA, "-jar", JAR.toString()), "init");
        assertThat(written.out()).startsWith("Wrote orchestrator.properties");
        assertThat(written.err()).isEmpty();
        assertThat(written.code()).isZero();

        Result checked = run(List.of(JAVA, "-jar", JAR.toString()), "check", "orchestrator.properties");
        assertThat(checked.out()).startsWith("orchestrator.providers.");
        assertThat(checked.err())
                .startsWith("orchestrator.properties: ")
                .endsWith(", no mistakes" + System.lineSeparator());
        assertThat(checked.code()).isZero();
    }

    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "the launcher is a shell script; there the jar is run itself")
    void the_launcher_passes_arguments_output_and_exit_code_through() throws Exception {
        Result answered = run(List.of(LAUNCHER.toString()), "ask", "Why is the sky blue?");
        assertThat(answered.err()).contains("simulated-1 failed");
        assertThat(answered.out()).startsWith("This is a simulated answer to \"Why is the sky blue?\"");
        assertThat(answered.code()).isZero();

        assertThat(run(List.of(LAUNCHER.toString()), "ask").code()).isEqualTo(2);
    }
}
