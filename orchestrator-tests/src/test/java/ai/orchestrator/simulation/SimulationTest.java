package ai.orchestrator.simulation;

import ai.orchestrator.testkit.GeneratedBlock;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Keeps docs/simulation.md: what the engine makes of trouble is argued about in review, not found out in production. */
@Timeout(300)
class SimulationTest {

    private static final String DOCUMENT = "docs/simulation.md";
    private static final String WRITE = "simulation.write";
    private static final String HEAD = """
            | %s | answered | median | 99 %% | longest | attempts a call | at the sick one | back after | cost of 1,000 |
            |---|---|---|---|---|---|---|---|---|
            """;

    private static final List<Scenario> OF_LOADS =
            List.of(Scenario.OUTAGE, Scenario.BROWN_OUT, Scenario.RATE_LIMIT, Scenario.BLACK_HOLE);

    @Test
    void what_becomes_of_an_hour_of_traffic_is_what_the_document_says() throws IOException {
        String tables = Arrays.stream(Scenario.values())
                .parallel()
                .map(SimulationTest::table)
                .collect(Collectors.joining("\n\n"));
        GeneratedBlock.check(DOCUMENT, "hours", tables, WRITE);
    }

    private static String table(Scenario scenario) {
        // Setups that came to the same share a row.
        Map<String, List<String>> titles = new LinkedHashMap<>();
        for (Setup setup : Setup.values()) {
            titles.computeIfAbsent(row(Simulation.run(scenario, setup, Traffic.HOUR)), unseen -> new ArrayList<>())
                    .add(setup.title);
        }
        return "### " + scenario.title + "\n\n" + scenario.story + "\n\n" + HEAD.formatted("setup")
                + titles.entrySet().stream()
                        .map(same -> "| " + String.join("; ", same.getValue()) + same.getKey())
                        .collect(Collectors.joining("\n"));
    }

    @Test
    void what_becomes_of_more_and_more_load_is_what_the_document_says() throws IOException {
        String tables = OF_LOADS.stream()
                .map(scenario -> "### " + scenario.title + "\n\n" + HEAD.formatted("calls a second")
                        + Stream.of(1, 10, 100, 1_000)
                                // Each call that waits is a thread, and in the black hole each waits for half of the
                                // deadline.
                                .filter(load -> load
                                        <= (scenario == Scenario.OUTAGE
                                                ? 1_000
                                                : scenario == Scenario.BLACK_HOLE ? 10 : 100))
                                .map(load -> "| " + load
                                        + row(Simulation.run(scenario, Setup.DEFAULTS, Traffic.shortly(load))))
                                .collect(Collectors.joining("\n")))
                .collect(Collectors.joining("\n\n"));
        GeneratedBlock.check(DOCUMENT, "loads", tables, WRITE);
    }

    private static String row(Simulation.Result result) {
        return String.format(
                Locale.ROOT,
                " | %.2f %% | %s | %s | %s | %.2f | %s | %s | $ %.2f |",
                100 * result.answered(),
                seconds(result.median()),
                seconds(result.p99()),
                seconds(result.longest()),
                result.attemptsPerCall(),
                result.sickLoad()
                        .map(load -> String.format(Locale.ROOT, "%.1f %%", 100 * load))
                        .orElse("–"),
                result.backAfter().map(SimulationTest::seconds).orElse("–"),
                result.cost());
    }

    private static String seconds(Duration duration) {
        return String.format(Locale.ROOT, "%.2f s", duration.toNanos() / 1e9);
    }
}
