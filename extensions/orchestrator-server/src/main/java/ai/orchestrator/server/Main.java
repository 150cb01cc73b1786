package ai.orchestrator.server;

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

    static final int ANSWERED = 0;
    static final int NOT_ANSWERED = 1;
    static final int BAD_USAGE = 2;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    private Main() {}

    /**
     * Runs one command and ends the process with its exit code: 0 answered, 1 no provider could answer, 2 bad usage or configuration.
     *
     * @param args the command and its options
     */
    public static void main(String[] args) {
        Charset charset = terminalCharset();
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, charset);
        PrintStream err = new PrintStream(new FileOutputStream(FileDescriptor.err), true, charset);
        int code = run(args, System.in, out, err, charset, System.getenv());
        if (out.checkError() && code == ANSWERED) {
            err.println("orchestrator: the answer came, but standard output could not take it");
            code = NOT_ANSWERED;
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
            Map<String, String> environment) {
        CommandLine commands = new CommandLine(new Main());
        commands.addSubcommand(new AskCommand(in, out, err, environment));
        commands.setOut(new PrintWriter(out, true, charset));
        commands.setErr(new PrintWriter(err, true, charset));
        // A question may begin with @; picocli would put a file's content in its place.
        commands.setExpandAtFiles(false);
        commands.setParameterExceptionHandler((exception, parsed) -> explain(exception));
        commands.setExecutionExceptionHandler((exception, command, parsed) -> {
            err.println("orchestrator: unexpected " + exception
                    + "; this is a fault of the program (-Dorchestrator.debug=true shows where)");
            if (Boolean.getBoolean("orchestrator.debug")) {
                exception.printStackTrace(err);
            }
            return NOT_ANSWERED;
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
