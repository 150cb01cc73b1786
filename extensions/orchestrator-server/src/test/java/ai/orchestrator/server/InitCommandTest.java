package ai.orchestrator.server;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.internal.ProviderCatalog;
import ai.orchestrator.provider.ProviderType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class InitCommandTest {

    private static final String KEY = "planted-secret-1234567890";

    @TempDir
    private Path directory;

    private Path file = Path.of("");

    @BeforeEach
    void nameTheFile() {
        file = directory.resolve("o.properties");
    }

    private static Map<String, String> keys(Collection<String> variables) {
        return variables.stream().collect(Collectors.toMap(Function.identity(), variable -> KEY));
    }

    private CommandRun init(Map<String, String> environment, String... options) {
        List<String> args = new ArrayList<>(List.of("init", file.toString()));
        args.addAll(Arrays.asList(options));
        CommandRun run = CommandRun.of(environment, args.toArray(new String[0]));
        assertThat(run.out() + run.err()).doesNotContain(KEY);
        return new CommandRun(
                run.code(),
                run.out().replace(file.toString(), "o.properties"),
                run.err().replace(file.toString(), "o.properties"));
    }

    private List<String> settings() throws IOException {
        return Files.readAllLines(file).stream()
                .filter(line -> !line.isEmpty() && !line.startsWith("#"))
                .toList();
    }

    private static List<String> variables() {
        try (ProviderCatalog catalog = ProviderCatalog.load(List.of())) {
            return catalog.types().stream()
                    .map(ProviderType::apiKeyVariables)
                    .flatMap(List::stream)
                    .distinct()
                    .toList();
        }
    }

    @Test
    void the_providers_whose_keys_are_there_are_written_with_their_variables_and_models() throws IOException {
        CommandRun run = init(keys(List.of("OPENAI_API_KEY", "GROQ_API_KEY")));

        assertThat(run).isEqualTo(new CommandRun(0, """
                Wrote o.properties
                  groq         key from GROQ_API_KEY
                  openai       key from OPENAI_API_KEY
                Check it:  ./orchestrator check o.properties
                Ask:       ./orchestrator ask --config o.properties "Why is the sky blue?"
                """, ""));
        assertThat(settings())
                .containsExactly(
                        "orchestrator.providers.groq.type=groq",
                        "orchestrator.providers.groq.api-key=${GROQ_API_KEY}",
                        "orchestrator.providers.groq.model=openai/gpt-oss-20b",
                        "orchestrator.providers.groq.priority=1",
                        "orchestrator.providers.openai.type=openai",
                        "orchestrator.providers.openai.api-key=${OPENAI_API_KEY}",
                        "orchestrator.providers.openai.model=gpt-6-luna",
                        "orchestrator.providers.openai.priority=2");
        assertThat(Files.readString(file))
                .contains(
                        "./orchestrator check FILE",
                        "./orchestrator ask --config FILE",
                        "docs/configuration.md",
                        "#   gemini       GEMINI_API_KEY or GOOGLE_API_KEY\n",
                        "#orchestrator.routes.quick.providers=groq,openai\n")
                .doesNotContain("#   groq ");
    }

    @Test
    void without_a_key_there_is_a_model_on_this_machine() throws IOException {
        CommandRun run = init(Map.of("PATH", "/bin", "OPENAI_API_KEY", " "));

        assertThat(run.out()).startsWith("""
                Wrote o.properties
                No API key was found in the environment.
                  ollama       on this machine, without a key
                """);
        assertThat(settings())
                .containsExactly(
                        "orchestrator.providers.ollama.type=ollama",
                        "orchestrator.providers.ollama.model=llama3.2",
                        "orchestrator.providers.ollama.priority=1");
    }

    @Test
    void a_type_that_needs_more_than_its_key_is_written_switched_off() throws IOException {
        CommandRun run = init(keys(List.of("AZURE_OPENAI_API_KEY", "XAI_API_KEY")));

        assertThat(run.out()).startsWith("""
                Wrote o.properties
                  ollama       on this machine, without a key
                  azure        key from AZURE_OPENAI_API_KEY; switched off, since it needs its base-url and model from you
                  xai          key from XAI_API_KEY; switched off, since it needs its model from you
                """);
        assertThat(settings()).hasSize(3).allSatisfy(line -> assertThat(line).contains(".ollama."));
        assertThat(Files.readString(file)).contains("""

                # The type xai needs its model from you, in place of what is in capitals; see docs/providers.md.
                #orchestrator.providers.xai.type=xai
                #orchestrator.providers.xai.api-key=${XAI_API_KEY}
                #orchestrator.providers.xai.model=MODEL
                #orchestrator.providers.xai.priority=3
                """);
    }

    @Test
    void one_key_makes_one_provider_and_the_usual_variable_is_taken_of_two() throws IOException {
        init(keys(List.of("HF_TOKEN", "HUGGINGFACE_API_KEY", "GOOGLE_API_KEY")));

        assertThat(settings())
                .filteredOn(line -> line.contains("api-key"))
                .containsExactly(
                        "orchestrator.providers.gemini.api-key=${GOOGLE_API_KEY}",
                        "orchestrator.providers.huggingface.api-key=${HF_TOKEN}");
        assertThat(Files.readString(file)).doesNotContain("huggingface-text");
    }

    @Test
    void quick_ones_come_first_and_those_that_pass_requests_on_last() {
        assertThat(init(keys(variables()))
                        .out()
                        .lines()
                        .skip(1)
                        .map(line -> line.strip().split(" ", 2)[0])
                        .limit(13))
                .containsExactly(
                        "groq",
                        "openai",
                        "anthropic",
                        "gemini",
                        "mistral",
                        "deepseek",
                        "cohere",
                        "openrouter",
                        "huggingface",
                        "azure",
                        "cerebras",
                        "together",
                        "xai");
    }

    @Test
    void whatever_keys_there_are_the_file_has_no_mistakes_and_no_warnings_and_none_of_the_keys() throws IOException {
        List<String> variables = variables();
        List<List<String>> subsets = new ArrayList<>(List.of(List.of(), variables));
        variables.forEach(variable -> subsets.add(List.of(variable)));
        Random random = new Random(9);
        for (int i = 0; i < 50; i++) {
            subsets.add(
                    variables.stream().filter(variable -> random.nextBoolean()).toList());
        }

        for (List<String> subset : subsets) {
            Map<String, String> environment = keys(subset);
            assertThat(init(environment, "--force").code()).as("%s", subset).isZero();
            CommandRun check = CommandRun.of(environment, "check", "--strict", file.toString());

            assertThat(check.err()).as("%s", subset).matches(".*: \\d+ providers?, no mistakes\n");
            assertThat(check.code()).as("%s", subset).isZero();
            assertThat(Files.readString(file)).doesNotContain(KEY);
        }
    }

    @Test
    void what_is_switched_off_is_accepted_too() throws IOException {
        for (List<String> subset : List.of(List.<String>of(), List.of("XAI_API_KEY"), variables())) {
            init(keys(subset), "--force");
            Files.writeString(file, Files.readString(file).replace("#orchestrator.", "orchestrator."));

            CommandRun check = CommandRun.of(keys(variables()), "check", "--color=never", file.toString());

            assertThat(check.code()).as(check.err()).isZero();
            assertThat(settings())
                    .contains("orchestrator.cache.enabled=true", "orchestrator.routes.quick.strategy=latency");
        }
    }

    @Test
    void a_file_that_is_there_is_overwritten_only_by_force() throws IOException {
        Files.writeString(file, "mine");

        assertThat(init(Map.of()))
                .isEqualTo(new CommandRun(
                        2, "", "orchestrator: o.properties: there is such a file already; --force overwrites it\n"));
        assertThat(file).hasContent("mine");

        assertThat(init(Map.of(), "--force").code()).isZero();
        assertThat(settings()).hasSize(3);
        assertThat(directory).isDirectoryNotContaining(path -> !path.equals(file));
    }

    @Test
    void what_is_no_file_is_never_replaced() throws IOException {
        Files.createDirectory(file);

        assertThat(init(Map.of(), "--force"))
                .isEqualTo(new CommandRun(2, "", "orchestrator: o.properties: it is a directory\n"));
        assertThat(file).isEmptyDirectory();
    }

    @Test
    void a_missing_directory_is_named() {
        file = directory.resolve("none").resolve("o.properties");

        assertThat(init(Map.of()))
                .isEqualTo(new CommandRun(
                        2, "", "orchestrator: o.properties: there is no directory " + file.getParent() + "\n"));
    }

    @Test
    void a_hyphen_writes_to_standard_output_and_nothing_else_does() throws IOException {
        Map<String, String> environment = keys(List.of("MISTRAL_API_KEY"));
        init(environment);

        assertThat(CommandRun.of(environment, "init", "-"))
                .isEqualTo(new CommandRun(0, Files.readString(file), "  mistral      key from MISTRAL_API_KEY\n"));
    }

    @Test
    void a_name_with_a_blank_is_quoted_in_what_to_run_next() {
        file = directory.resolve("my file");

        assertThat(CommandRun.of(Map.of(), "init", file.toString()).out())
                .contains("./orchestrator check \"" + file + "\"\n");
    }
}
