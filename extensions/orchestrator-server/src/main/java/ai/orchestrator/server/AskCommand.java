package ai.orchestrator.server;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.CallOptions;
import ai.orchestrator.CredentialsRejectedException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.OrchestratorStatus;
import ai.orchestrator.StreamRescue;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.config.ConfigLoader;
import ai.orchestrator.internal.NearestName;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

@Command(
        name = "ask",
        mixinStandardHelpOptions = true,
        description = {
            "Asks one question. The answer alone goes to standard output.",
            "Without --config, simulated providers in this process answer, one of which fails on purpose."
        },
        exitCodeListHeading = "Exit codes:%n",
        exitCodeList = {
            "0:answered",
            "1:no provider could answer, or nobody read the answer",
            "2:bad usage or configuration"
        })
final class AskCommand implements Callable<Integer> {

    private final InputStream in;
    private final PrintStream out;
    private final PrintStream err;
    private final Map<String, String> environment;

    @Spec
    @SuppressWarnings("NullAway.Init") // set by picocli
    private CommandSpec spec;

    @Option(
            names = {"-c", "--config"},
            paramLabel = "FILE",
            description = "Properties file with the providers to ask.")
    private @Nullable Path config;

    @Option(names = "--route", paramLabel = "NAME", description = "Ask the providers of this route. Default: all.")
    private @Nullable String route;

    @Option(names = "--json", description = "Print answer and trail as one JSON object.")
    private boolean json;

    @Option(
            names = "--stream",
            description =
                    "Print the answer as it comes; with --json, one JSON object for each piece and one at the end.")
    private boolean stream;

    @Option(
            names = "--stream-rescue",
            paramLabel = "CONTRACT",
            converter = StreamRescueConverter.class,
            description = {
                "With --stream, when a provider breaks off: fail, hold (print nothing before the answer is complete) or"
                        + " restart (begin anew). Default: what the configuration says, else fail."
            })
    private @Nullable StreamRescue streamRescue;

    @Option(
            names = {"-v", "--verbose"},
            description = "Show on standard error what was tried.")
    private boolean verbose;

    @Parameters(
            paramLabel = "QUESTION",
            arity = "1..*",
            description = "The question; several words are joined. - reads it from standard input.")
    private List<String> question = new ArrayList<>();

    AskCommand(InputStream in, PrintStream out, PrintStream err, Map<String, String> environment) {
        this.in = in;
        this.out = out;
        this.err = err;
        this.environment = environment;
    }

    /** In lower case, as in the configuration. */
    static final class StreamRescueConverter implements ITypeConverter<StreamRescue> {

        @Override
        public StreamRescue convert(String value) {
            return Arrays.stream(StreamRescue.values())
                    .filter(rescue -> rescue.name().toLowerCase(Locale.ROOT).equals(value))
                    .findFirst()
                    .orElseThrow(
                            () -> new TypeConversionException("must be fail, hold or restart but is '" + value + "'"));
        }
    }

    @Override
    public Integer call() throws IOException {
        if (streamRescue != null && !stream) {
            throw new ParameterException(spec.commandLine(), "--stream-rescue needs --stream");
        }
        ChatRequest request = ChatRequest.of(question());
        if (config != null) {
            try (Orchestrator configured =
                    ConfigLoader.of(config).environment(environment).load().orchestrator()) {
                return ask(configured, request, verbose);
            }
        }
        try (SimulatedProviders simulated = SimulatedProviders.start();
                Orchestrator orchestrator = simulated.orchestrator().build()) {
            err.println("No --config was given: asking two simulated providers in this process, over HTTP on"
                    + " loopback. simulated-1 fails on purpose.");
            return ask(orchestrator, request, true);
        }
    }

    private String question() throws IOException {
        String text = question.equals(List.of("-"))
                ? new String(in.readAllBytes(), StandardCharsets.UTF_8)
                : String.join(" ", question);
        if (text.isBlank()) {
            throw new ParameterException(spec.commandLine(), "The question is empty");
        }
        return text.strip();
    }

    private int ask(Orchestrator orchestrator, ChatRequest request, boolean tell) {
        if (route != null && !isKnown(orchestrator, route)) {
            return Main.BAD_USAGE;
        }
        try {
            ChatResponse answer = stream ? streamed(orchestrator, request) : orchestrator.chat(request, options());
            if (answer == null) {
                return Main.FAILED;
            }
            if (stream && !json) {
                out.println();
            }
            if (tell) {
                tell(answer.trail());
            }
            if (verbose) {
                err.println("  " + summary(answer));
            }
            if (json) {
                out.println(JsonOutput.answer(answer));
            } else if (!stream) {
                out.println(answer.text());
            }
            return Main.OK;
        } catch (OrchestratorException e) {
            if (stream && !json && !e.partialText().isEmpty()) {
                // What was printed of the answer ends here.
                out.println();
            }
            if (json) {
                out.println(JsonOutput.error(e));
            }
            if (e instanceof AllProvidersFailedException failed) {
                err.println(
                        e instanceof CredentialsRejectedException
                                ? "orchestrator: no provider accepts its API key; check the keys"
                                : "orchestrator: no provider could answer");
                tell(e.trail());
                failed.earliestRetry()
                        .ifPresent(wait -> err.println(
                                "  try again in " + wait.plusMillis(999).toSeconds() + " s"));
            } else {
                err.println("orchestrator: " + e.getMessage());
            }
            return Main.FAILED;
        }
    }

    private boolean isKnown(Orchestrator orchestrator, String name) {
        List<String> routes = orchestrator.status().routes().stream()
                .map(OrchestratorStatus.Route::name)
                .toList();
        if (routes.contains(name)) {
            return true;
        }
        NearestName.explain("route", name, routes).forEach(err::println);
        return false;
    }

    private CallOptions options() {
        CallOptions options = CallOptions.defaults();
        if (route != null) {
            options = options.withRoute(route);
        }
        return streamRescue == null ? options : options.withStreamRescue(streamRescue);
    }

    /** Null if nobody reads what is printed any more. */
    private @Nullable ChatResponse streamed(Orchestrator orchestrator, ChatRequest request) {
        try (ChatStream events = orchestrator.stream(request, options())) {
            for (ChatEvent event : events) {
                if (json) {
                    JsonOutput.event(event).ifPresent(out::println);
                } else if (event instanceof ChatEvent.Text piece) {
                    out.print(piece.text());
                } else if (event instanceof ChatEvent.Restarted restarted) {
                    out.println();
                    err.println("orchestrator: " + restarted.provider() + " broke off with " + restarted.kind()
                            + "; the answer begins anew");
                }
                // Also flushes. Nobody reads any more where the output was closed, as by head.
                if (out.checkError()) {
                    return null;
                }
            }
            return events.response();
        }
    }

    private void tell(Trail trail) {
        trail.steps().forEach(step -> err.println("  " + step));
    }

    private static String summary(ChatResponse answer) {
        String model = answer.model().isEmpty() ? "unnamed" : answer.model();
        String tokens = answer.usage()
                .map(usage -> usage.inputTokens() + " in, " + usage.outputTokens() + " out")
                .orElse("not reported");
        return "total " + answer.trail().elapsed().toMillis() + " ms; model: " + model + "; tokens: " + tokens;
    }
}
