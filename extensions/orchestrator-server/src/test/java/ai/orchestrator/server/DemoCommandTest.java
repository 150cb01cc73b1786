package ai.orchestrator.server;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.time.TimeSource;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** The demo on manual time: its waits pass at once, and everything else is as in the program. */
@Timeout(60)
class DemoCommandTest {

    private static final Terminal TERMINAL = new Terminal(true, true);
    private static final String ESCAPE = "\u001B";

    private Map<String, String> environment = Map.of("TERM", "xterm");
    private Terminal terminal = Terminal.NONE;
    private TimeSource time = new PassingTime();
    private List<DemoScenario> scenarios = DemoScenarios.ALL;

    private record Result(int code, String out, String err) {}

    private Result demo(String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int code = demo(out, err, args);
        return new Result(code, text(out), text(err));
    }

    private int demo(OutputStream out, OutputStream err, String... args) {
        return new CommandLine(new DemoCommand(stream(out), stream(err), environment, terminal, () -> time, scenarios))
                .execute(args);
    }

    private static PrintStream stream(OutputStream out) {
        return new PrintStream(out, true, StandardCharsets.UTF_8);
    }

    private static String text(ByteArrayOutputStream bytes) {
        return bytes.toString(StandardCharsets.UTF_8).replace(System.lineSeparator(), "\n");
    }

    @Test
    void all_six_scenarios_are_shown_in_order_and_go_as_expected() {
        Result result = demo();

        assertThat(result.out())
                .contains("that fails on purpose")
                .containsSubsequence(
                        "1/6 Basic operation (basic)",
                        "2/6 Complete recovery (recovery)",
                        "3/6 Failed recovery (failed-recovery)",
                        "4/6 Several successes required (several-successes)",
                        "5/6 Status (status)",
                        "6/6 Manual reset (reset)",
                        "Everything was as expected, in 6.1 s.")
                .doesNotContain("WRONG");
        assertThat(result.code()).isZero();
        assertThat(result.err()).isEmpty();
        assertThat(result.out().lines()).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(80));
    }

    @Test
    void basic_shows_the_count_the_opening_and_that_refused_calls_are_not_sent() {
        assertThat(demo("basic").out())
                .contains("Opens after 3 failures in a row, refuses for 1.2 s, closes after 1 success.")
                .containsSubsequence(
                        "     1  answered: \"All is well.\"     yes   closed              0/3 failures\n",
                        "     2  failed: 503 OVERLOADED       yes   closed              1/3 failures\n",
                        "     3  failed: 503 OVERLOADED       yes   closed              2/3 failures\n",
                        "    ok  2 failures are one too few to open it\n",
                        "     4  answered: \"All is well.\"     yes   closed              0/3 failures\n",
                        "    ok  a success sets the count back to 0",
                        "     7  failed: 503 OVERLOADED       yes   closed > open       3/3 failures\n",
                        "    ok  the 3rd failure in a row opened it, not the 2nd\n",
                        "     8  refused, next try in 1.2 s   no    open                3/3 failures\n",
                        "    ok  refused calls were never sent: of 9 calls the server saw 7\n");
    }

    @Test
    void recovery_shows_the_trial_half_open_while_it_runs_and_closed_by_its_success() {
        assertThat(demo("recovery").out())
                .containsSubsequence(
                        "        The provider is well again.\n",
                        "     4  refused, next try in 1.2 s   no    open                3/3 failures\n",
                        "        waiting 1.2 s until the breaker lets a trial through\n",
                        "     5  answered: \"All is well.\"     yes   half_open > closed  0/3 failures\n",
                        "     6  answered: \"All is well.\"     yes   closed              0/3 failures\n",
                        "    ok  calls go through again\n");
    }

    @Test
    void failed_recovery_shows_that_one_failed_trial_opens_for_another_whole_wait() {
        assertThat(demo("failed-recovery").out())
                .containsSubsequence(
                        "        waiting 1.2 s until",
                        "     4  failed: 503 OVERLOADED       yes   half_open > open    3/3 failures\n",
                        "    ok  the trial failed, and this one failure opened it again\n",
                        "    ok  its wait has begun anew\n",
                        "     5  refused, next try in 1.2 s   no    open                3/3 failures\n",
                        "        waiting 1.2 s until",
                        "     6  answered: \"All is well.\"     yes   half_open > closed  0/3 failures\n");
    }

    @Test
    void several_successes_shows_the_trials_being_counted() {
        assertThat(demo("several-successes").out())
                .contains("closes after 3 successes.")
                .containsSubsequence(
                        "     4  answered: \"All is well.\"     yes   half_open           1/3 successes\n",
                        "     5  answered: \"All is well.\"     yes   half_open           2/3 successes\n",
                        "     6  answered: \"All is well.\"     yes   half_open > closed  0/3 failures\n",
                        "    ok  the 3rd success closed it\n");
    }

    @Test
    void status_shows_the_map_in_each_state() {
        String out = demo("status").out();

        assertThat(out)
                .containsSubsequence(
                        "          state              closed\n          failure_count      1\n",
                        "          state              open\n          failure_count      3\n",
                        "          time_since_opened  0.000\n          time_until_retry   1.200\n",
                        "          state              half_open\n",
                        "          success_count      1\n",
                        "          time_since_opened  1.220\n",
                        "          state              closed\n          failure_count      0\n");
        assertThat(out.lines().filter(line -> line.startsWith("          timeout_duration")))
                .hasSize(4)
                .allMatch(line -> line.endsWith("  1.200"));
    }

    @Test
    void reset_shows_that_an_operator_need_not_wait() {
        Result result = demo("reset");

        assertThat(result.out())
                .contains("\nManual reset (reset)\n", "refuses for 60 s", "Everything was as expected, in 0.0 s.")
                .containsSubsequence(
                        "     4  refused, next try in 60.0 s  no    open                3/3 failures\n",
                        "        An operator calls reset().\n",
                        "    ok  closed, with all counts and times cleared\n",
                        "     5  answered: \"All is well.\"     yes   closed              0/3 failures\n")
                .doesNotContain("waiting 6");
        assertThat(result.code()).isZero();
    }

    @Test
    void named_scenarios_are_shown_alone_in_the_order_given_in_any_case() {
        assertThat(demo("Reset", "BASIC").out())
                .containsSubsequence("1/2 Manual reset", "2/2 Basic operation")
                .doesNotContain("Status");
    }

    @Test
    void list_names_each_scenario_with_a_sentence_and_shows_none() {
        Result result = demo("--list");

        assertThat(result.code()).isZero();
        assertThat(result.out().lines())
                .hasSize(6)
                .startsWith("basic              Failures in a row open the breaker, which then refuses calls.")
                .allMatch(line -> line.endsWith("."));
    }

    @ParameterizedTest
    @CsvSource({
        "basc, basic",
        "reste, reset",
        "several, several-successes",
        "failed_recovery, failed-recovery",
        "status-report, status",
    })
    void a_misspelt_name_is_answered_with_the_nearest_and_all_names(String typed, String meant) {
        Result result = demo("reset", typed);

        assertThat(result.code()).isEqualTo(2);
        assertThat(result.out()).isEmpty();
        assertThat(result.err())
                .isEqualTo("orchestrator: unknown scenario '" + typed + "'; did you mean " + meant + "?\n"
                        + "There are: basic, recovery, failed-recovery, several-successes, status, reset\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"xyz", "", "?"})
    void a_name_like_no_other_is_answered_without_a_guess(String typed) {
        Result result = demo(typed);

        assertThat(result.code()).isEqualTo(2);
        assertThat(result.err()).startsWith("orchestrator: unknown scenario '" + typed + "'\nThere are: basic");
    }

    @Test
    void output_that_is_not_a_terminal_has_no_control_characters() {
        assertThat(demo("recovery").out())
                .containsOnlyOnce("waiting")
                .matches(text -> text.chars().allMatch(c -> c == '\n' || c >= ' '), "is plain");
    }

    @Test
    void on_a_terminal_states_and_outcomes_are_coloured_and_columns_keep_their_places() {
        terminal = TERMINAL;

        String out = demo("recovery").out();

        assertThat(out)
                .contains(
                        ESCAPE + "[1mComplete recovery (recovery)" + ESCAPE + "[0m",
                        ESCAPE + "[31mfailed: 503 OVERLOADED",
                        ESCAPE + "[33mrefused, next try in 1.2 s",
                        ESCAPE + "[33mhalf_open" + ESCAPE + "[0m > " + ESCAPE + "[32mclosed" + ESCAPE + "[0m",
                        ESCAPE + "[32mok" + ESCAPE + "[0m");
        assertThat(out.replaceAll(ESCAPE + "\\[\\d+m", ""))
                .contains("     5  answered: \"All is well.\"     yes   half_open > closed  0/3 failures\n");
    }

    @Test
    void on_a_terminal_the_wait_runs_down_in_one_line_and_leaves_a_trace() {
        terminal = TERMINAL;
        environment = Map.of("NO_COLOR", "1");

        assertThat(demo("recovery").out())
                .contains("\r        waiting 1.2 s until the breaker lets a trial through"
                        + "\r        waiting 1.1 s until the breaker lets a trial through"
                        + "\r        waiting 1.0 s until the breaker lets a trial through")
                .contains("\r        waiting 0.1 s until the breaker lets a trial through"
                        + "\r        waiting 0.0 s until the breaker lets a trial through"
                        + "\r        waited 1.2 s                                        \n");
    }

    @ParameterizedTest
    @CsvSource({
        // terminal, NO_COLOR, TERM, option, coloured
        "true,  , xterm, auto, true",
        "true, '', xterm, auto, true",
        "true, , , auto, true",
        "true, 1, xterm, auto, false",
        "true, 0, xterm, auto, false",
        "true, , dumb, auto, false",
        "false, , xterm, auto, false",
        "false, 1, dumb, always, true",
        "true, 1, xterm, always, true",
        "true, , xterm, never, false",
    })
    void colour_is_for_terminals_unless_no_color_is_set_and_the_option_wins(
            boolean isTerminal, String noColor, String term, String option, boolean coloured) {
        terminal = new Terminal(isTerminal, isTerminal);
        environment = new HashMap<>();
        if (noColor != null) {
            environment.put("NO_COLOR", noColor);
        }
        if (term != null) {
            environment.put("TERM", term);
        }

        assertThat(demo("--color=" + option, "reset").out().contains(ESCAPE)).isEqualTo(coloured);
    }

    @Test
    void a_terminal_that_takes_no_escapes_is_not_coloured_but_counts_down() {
        terminal = new Terminal(true, false);

        assertThat(demo("recovery").out()).contains("\r").doesNotContain(ESCAPE);
    }

    @Test
    void a_dumb_terminal_has_no_line_rewritten() {
        terminal = TERMINAL;
        environment = Map.of("TERM", "dumb");

        assertThat(demo("recovery").out()).contains("waiting 1.2 s until").doesNotContain("\r");
    }

    @Test
    void a_trial_that_the_breaker_refuses_is_called_wrong_and_the_exit_code_is_1() {
        time = new PassingTime() {
            @Override
            public boolean await(CountDownLatch signal, long nanos) {
                return false;
            }
        };

        Result result = demo("recovery", "reset");

        assertThat(result.code()).isEqualTo(1);
        assertThat(result.out())
                .containsSubsequence(
                        "     5  refused, next try in 1.2 s   no    open                3/3 failures\n",
                        " WRONG  expected: this was the trial: half open while it ran, closed by its success\n",
                        "        but observed: CircuitBreaker(name='demo', state=open, failures=3/3),"
                                + " 5 calls, 3 requests at the server\n",
                        "2/2 Manual reset",
                        "    ok  calls go through again\n",
                        "Not as expected: recovery (in 0.0 s).\n");
    }

    @Test
    void a_breaker_that_has_not_opened_is_not_waited_for() {
        scenarios = List.of(new DemoScenario(
                "early", "Early", "Waits too early.", CircuitBreakerSettings.defaults(), DemoStage::awaitRetry));
        terminal = TERMINAL;

        Result result = demo();

        assertThat(result.code()).isEqualTo(1);
        assertThat(result.out())
                .contains(ESCAPE + "[31mWRONG" + ESCAPE + "[0m  ", "the breaker is open and knows when", "state=closed")
                .contains(ESCAPE + "[31mNot as expected: early");
    }

    @Test
    void what_nobody_reads_any_more_is_not_shown_to_the_end() {
        scenarios = List.of(
                DemoScenarios.ALL.get(5),
                new DemoScenario("second", "Second", "Must not play.", CircuitBreakerSettings.defaults(), stage -> {
                    throw new AssertionError("played");
                }));
        OutputStream closed = new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException("closed");
            }
        };

        assertThat(demo(closed, new ByteArrayOutputStream())).isZero();
    }
}
