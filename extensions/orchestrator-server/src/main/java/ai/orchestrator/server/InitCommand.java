package ai.orchestrator.server;

import ai.orchestrator.internal.ProviderCatalog;
import ai.orchestrator.server.StarterFile.Block;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "init",
        mixinStandardHelpOptions = true,
        description = {
            "Writes a configuration to begin with: the providers whose keys are in the environment, and the usual settings,"
                    + " switched off and explained.",
            "The file names the variables, never a key. Without any, it has an Ollama on this machine."
        },
        exitCodeListHeading = "Exit codes:%n",
        exitCodeList = {
            "0:written",
            "1:could not be written",
            "2:bad usage; there is such a file already, or no such directory"
        })
final class InitCommand implements Callable<Integer> {

    private static final Path STANDARD_OUTPUT = Path.of("-");

    private final PrintStream out;
    private final PrintStream err;
    private final Map<String, String> environment;

    @Parameters(
            paramLabel = "FILE",
            arity = "0..1",
            defaultValue = "orchestrator.properties",
            description = "File to write; - is standard output. Default: ${DEFAULT-VALUE}.")
    @SuppressWarnings("NullAway.Init") // set by picocli
    private Path file;

    @Option(
            names = {"-f", "--force"},
            description = "Overwrite the file.")
    private boolean force;

    InitCommand(PrintStream out, PrintStream err, Map<String, String> environment) {
        this.out = out;
        this.err = err;
        this.environment = environment;
    }

    @Override
    public Integer call() {
        StarterFile starter;
        try (ProviderCatalog catalog = ProviderCatalog.load(List.of())) {
            starter = StarterFile.of(catalog.types(), environment);
        }
        if (file.equals(STANDARD_OUTPUT)) {
            out.print(starter.text());
            out.flush();
            tell(starter, err);
            return Main.OK;
        }
        Optional<String> refusal = refusal();
        if (refusal.isPresent()) {
            err.println("orchestrator: " + file + ": " + refusal.get());
            return Main.BAD_USAGE;
        }
        try {
            write(starter.text());
        } catch (IOException e) {
            String reason = e instanceof AccessDeniedException
                    ? "its directory may not be written"
                    : e instanceof NoSuchFileException ? "its directory takes no new files" : e.toString();
            err.println("orchestrator: " + file + ": it cannot be written: " + reason);
            return Main.FAILED;
        }
        out.println("Wrote " + file);
        tell(starter, out);
        String quoted = file.toString().contains(" ") ? "\"" + file + "\"" : file.toString();
        out.println("Check it:  ./orchestrator check " + quoted);
        out.println("Ask:       ./orchestrator ask --config " + quoted + " \"Why is the sky blue?\"");
        return Main.OK;
    }

    private Optional<String> refusal() {
        if (Files.isDirectory(file)) {
            return Optional.of("it is a directory");
        }
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            return Optional.of("it is no regular file; - writes to standard output");
        }
        if (Files.exists(file, LinkOption.NOFOLLOW_LINKS) && !force) {
            return Optional.of("there is such a file already; --force overwrites it");
        }
        Path directory = file.toAbsolutePath().getParent();
        return directory == null || Files.isDirectory(directory)
                ? Optional.empty()
                : Optional.of("there is no directory " + directory);
    }

    /** Whole or not at all. */
    private void write(String text) throws IOException {
        Path target = Files.exists(file) ? file.toRealPath() : file.toAbsolutePath();
        Path draft = target.resolveSibling(
                target.getFileName() + "." + ProcessHandle.current().pid() + ".tmp");
        try {
            Files.writeString(draft, text, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            if (force) {
                Files.move(draft, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
            } else {
                Files.move(draft, target);
            }
        } finally {
            Files.deleteIfExists(draft);
        }
    }

    private static void tell(StarterFile starter, PrintStream to) {
        if (starter.providers().stream()
                .noneMatch(provider -> provider.variable().isPresent())) {
            to.println("No API key was found in the environment.");
        }
        for (Block provider : starter.providers()) {
            String key = provider.variable()
                    .map(variable -> "key from " + variable)
                    .orElse("on this machine, without a key");
            String off = provider.isOn() ? "" : "; switched off, since it needs its " + provider.lacks() + " from you";
            to.println(String.format("  %-11s  %s%s", provider.name(), key, off));
        }
    }
}
