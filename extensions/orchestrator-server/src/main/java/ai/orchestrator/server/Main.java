package ai.orchestrator.server;

import ai.orchestrator.ConfigurationException;
import ai.orchestrator.time.TimeSource;
import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line's entry. */
@Command(
        name = "orchestrator",
        description = "Asks large language models and keeps answering when a provider fails.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class)
public final class Main implements Runnable {

    static final int OK = 0;
    static final int FAILED = 1;
    static final int BAD_USAGE = 2;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    private Main() {}

    /**
     * Runs one command and ends the process with its exit code: 0 done, 1 failed, 2 bad usage or configuration.
     *
     * @param args the command and its options
     */
    public static void main(String[] args) {
        Charset charset = terminalCharset();
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, charset);
        PrintStream err = new PrintStream(new FileOutputStream(FileDescriptor.err), true, charset);
        int code = run(args, System.in, out, err, charset, System.getenv(), Terminal.ofThisProcess());
        if (out.checkError() && code == OK) {
            err.println("orchestrator: standard output could not take all of the output");
            code = FAILED;
        }
        System.exit(code);
    }

    /** Everything is UTF-8 but a Windows console, which has a code page of its own. */
    @SuppressWarnings("SystemConsoleNull") // where it is never null, its charset is right for a redirected output too
    private static Charset terminalCharset() {
        Console console = System.getProperty("os.name", "").startsWith("Windows") ? System.console() : null;
        return console == null ? StandardCharsets.UTF_8 : console.charset();
    }

    static int run(
            String[] args,
            InputStream in,
            PrintStream out,
            PrintStream err,
            Charset charset,
            Map<String, String> environment,
            Terminal terminal) {
        CommandLine commands = new CommandLine(new Main());
        commands.addSubcommand(new AskCommand(in, out, err, environment));
        commands.addSubcommand(new StatusCommand(out, err, environment, terminal, TimeSource::system));
        commands.addSubcommand(new CheckCommand(out, err, environment, terminal));
        commands.addSubcommand(new InitCommand(out, err, environment));
        commands.addSubcommand(new DemoCommand(out, err, environment, terminal, TimeSource::system, DemoScenarios.ALL));
        commands.setOut(new PrintWriter(out, true, charset));
        commands.setErr(new PrintWriter(err, true, charset));
        // A question may begin with @; picocli would put a file's content in its place.
        commands.setExpandAtFiles(false);
        commands.setParameterExceptionHandler((exception, parsed) -> explain(exception));
        commands.setExecutionExceptionHandler((exception, command, parsed) -> {
            if (exception instanceof ConfigurationException mistakes) {
                if (command.getParseResult().hasMatchedOption("--json")) {
                    out.println(JsonOutput.error(mistakes));
                }
                err.println("orchestrator: " + mistakes.getMessage());
                return BAD_USAGE;
            }
            err.println("orchestrator: unexpected " + exception
                    + "; this is a fault of the program (-Dorchestrator.debug=true shows where)");
            if (Boolean.getBoolean("orchestrator.debug")) {
                exception.printStackTrace(err);
            }
            return FAILED;
        });
        return commands.execute(args);
    }

    private static int explain(ParameterException mistake) {
        CommandLine command = mistake.getCommandLine();
        PrintWriter err = command.getErr();
        err.println("orchestrator: " + mistake.getMessage());
        if (!UnmatchedArgumentException.printSuggestions(mistake, err)) {
            command.usage(err);
        }
        return BAD_USAGE;
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Missing command");
    }

    static final class Version implements IVersionProvider {

        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            return new String[] {"orchestrator " + (version == null ? "(development)" : version)};
        }
    }
}
