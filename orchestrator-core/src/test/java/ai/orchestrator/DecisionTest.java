package ai.orchestrator;

import static ai.orchestrator.Decision.NONE;
import static ai.orchestrator.Decision.Next.FAIL_OVER;
import static ai.orchestrator.Decision.Next.LEAVE;
import static ai.orchestrator.Decision.Next.RETRY;
import static ai.orchestrator.Decision.Next.STOP;
import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.Decision.Next;
import ai.orchestrator.Decision.Situation;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

/** The specification's table T, once row by row and once as a whole. */
class DecisionTest {

    private static final long BACKOFF = Duration.ofMillis(400).toNanos();
    private static final long PLENTY = Duration.ofDays(1).toNanos();
    private static final long MINUTES_10 = Duration.ofMinutes(10).toNanos();
    private static final Duration CAP = Duration.ofHours(1);

    /** A failure, to be put together by a test: first attempt, another candidate, and everything that a retry needs. */
    private static final class Failed {

        private final FailureKind kind;
        private boolean silent;
        private boolean shown;
        private int attempts = 1;
        private boolean others = true;
        private long retryWait = BACKOFF;
        private long hint = NONE;
        private int rateLimitsBefore;
        private long remaining = PLENTY;
        private boolean budget = true;
        private boolean passesFilteredOn;
        private Duration waitForHint = Duration.ZERO;

        private Failed(FailureKind kind) {
            this.kind = kind;
        }

        private Failed silent() {
            silent = true;
            return this;
        }

        private Failed shown() {
            shown = true;
            return this;
        }

        private Failed again() {
            attempts = 2;
            return this;
        }

        private Failed alone() {
            others = false;
            return this;
        }

        private Failed withoutAttemptsLeft() {
            retryWait = NONE;
            return this;
        }

        private Failed hint(Duration asked) {
            hint = asked.toNanos();
            if (retryWait != NONE) {
                // As the retry answers, which knows the hint as well.
                retryWait = Math.max(BACKOFF, Math.min(hint, CAP.toNanos()));
            }
            return this;
        }

        private Failed after(int rateLimits) {
            rateLimitsBefore = rateLimits;
            return this;
        }

        private Failed remaining(long nanos) {
            remaining = nanos;
            return this;
        }

        private Failed withoutBudget() {
            budget = false;
            return this;
        }

        private Failed passingFilteredOn() {
            passesFilteredOn = true;
            return this;
        }

        private Failed waitingFor(Duration longest) {
            waitForHint = longest;
            return this;
        }

        private Decision decided() {
            return Decision.after(situation());
        }

        private Next next() {
            return decided().next();
        }

        private Duration park() {
            return Duration.ofNanos(decided().parkNanos());
        }

        private Situation situation() {
            return new Situation(
                    kind,
                    silent,
                    shown,
                    attempts,
                    others,
                    retryWait,
                    hint,
                    rateLimitsBefore,
                    remaining,
                    budget,
                    passesFilteredOn,
                    RetrySettings.builder()
                            .waitForHint(waitForHint)
                            .retryAfterCap(CAP)
                            .build());
        }
    }

    private static Failed after(FailureKind kind) {
        return new Failed(kind);
    }

    // ---- Row by row

    @Test
    void NETWORK_goes_to_the_next_provider_or_else_here_again() {
        assertThat(after(FailureKind.NETWORK).decided()).isEqualTo(new Decision(FAIL_OVER, BACKOFF, true, 0));
        assertThat(after(FailureKind.NETWORK).alone().decided()).isEqualTo(new Decision(RETRY, BACKOFF, true, 0));
    }

    @Test
    void TIMEOUT_without_silence_goes_to_the_next_provider_or_else_here_again() {
        assertThat(after(FailureKind.TIMEOUT).decided()).isEqualTo(new Decision(FAIL_OVER, BACKOFF, true, 0));
        assertThat(after(FailureKind.TIMEOUT).alone().next()).isEqualTo(RETRY);
    }

    @Test
    void TIMEOUT_by_silence_goes_to_the_next_provider_and_never_here_again() {
        assertThat(after(FailureKind.TIMEOUT).silent().decided()).isEqualTo(new Decision(LEAVE, BACKOFF, true, 0));
        assertThat(after(FailureKind.TIMEOUT).silent().alone().next()).isEqualTo(LEAVE);
    }

    @Test
    void OVERLOADED_goes_to_the_next_provider_or_else_here_by_the_hint_which_parks_it() {
        long asked = Duration.ofSeconds(20).toNanos();
        assertThat(after(FailureKind.OVERLOADED).decided()).isEqualTo(new Decision(FAIL_OVER, BACKOFF, true, 0));
        assertThat(after(FailureKind.OVERLOADED)
                        .hint(Duration.ofSeconds(20))
                        .alone()
                        .decided())
                .isEqualTo(new Decision(RETRY, asked, true, asked));
    }

    @Test
    void SERVER_is_tried_here_once_more_and_then_at_the_next_provider() {
        assertThat(after(FailureKind.SERVER).decided()).isEqualTo(new Decision(RETRY, BACKOFF, true, 0));
        assertThat(after(FailureKind.SERVER).again().next()).isEqualTo(FAIL_OVER);
        assertThat(after(FailureKind.SERVER).again().alone().next()).isEqualTo(RETRY);
    }

    @Test
    void MODEL_LOADING_goes_to_the_next_provider_or_else_here_by_the_estimate_which_parks_it() {
        long estimate = Duration.ofSeconds(45).toNanos();
        assertThat(after(FailureKind.MODEL_LOADING).hint(Duration.ofSeconds(45)).decided())
                .isEqualTo(new Decision(FAIL_OVER, estimate, false, estimate));
        assertThat(after(FailureKind.MODEL_LOADING)
                        .hint(Duration.ofSeconds(45))
                        .alone()
                        .next())
                .isEqualTo(RETRY);
        assertThat(after(FailureKind.MODEL_LOADING).park()).isZero();
    }

    @Test
    void RATE_LIMITED_goes_to_the_next_provider_or_else_here_by_the_hint_which_parks_it() {
        long asked = Duration.ofSeconds(7).toNanos();
        assertThat(after(FailureKind.RATE_LIMITED).hint(Duration.ofSeconds(7)).decided())
                .isEqualTo(new Decision(FAIL_OVER, asked, false, asked));
        assertThat(after(FailureKind.RATE_LIMITED)
                        .hint(Duration.ofSeconds(7))
                        .alone()
                        .next())
                .isEqualTo(RETRY);
    }

    @Test
    void RATE_LIMITED_without_a_hint_parks_for_a_second_which_doubles_to_thirty() {
        List<Long> seconds = new ArrayList<>();
        for (int before = 0; before < 8; before++) {
            seconds.add(after(FailureKind.RATE_LIMITED).after(before).park().toSeconds());
        }
        assertThat(seconds).containsExactly(1L, 2L, 4L, 8L, 16L, 30L, 30L, 30L);
        assertThat(after(FailureKind.RATE_LIMITED).after(Integer.MAX_VALUE).park())
                .isEqualTo(Duration.ofSeconds(30));
    }

    @Test
    void RATE_LIMITED_with_a_hint_of_zero_parks_as_without_one() {
        assertThat(after(FailureKind.RATE_LIMITED).hint(Duration.ZERO).park()).isEqualTo(Duration.ofSeconds(1));
    }

    @Test
    void a_short_hint_is_waited_for_here_where_the_settings_allow_it() {
        Duration five = Duration.ofSeconds(5);
        assertThat(after(FailureKind.RATE_LIMITED).hint(five).waitingFor(five).next())
                .isEqualTo(RETRY);
        assertThat(after(FailureKind.RATE_LIMITED)
                        .hint(five.plusNanos(1))
                        .waitingFor(five)
                        .next())
                .isEqualTo(FAIL_OVER);
        assertThat(after(FailureKind.RATE_LIMITED).waitingFor(five).next())
                .as("without a hint")
                .isEqualTo(FAIL_OVER);
    }

    @Test
    void QUOTA_EXHAUSTED_goes_to_the_next_provider_only_and_parks_until_the_reset_or_ten_minutes() {
        assertThat(after(FailureKind.QUOTA_EXHAUSTED).decided())
                .isEqualTo(new Decision(LEAVE, MINUTES_10, false, MINUTES_10));
        assertThat(after(FailureKind.QUOTA_EXHAUSTED).alone().next()).isEqualTo(LEAVE);
        assertThat(after(FailureKind.QUOTA_EXHAUSTED)
                        .hint(Duration.ofMinutes(42))
                        .park())
                .isEqualTo(Duration.ofMinutes(42));
    }

    @ParameterizedTest
    @EnumSource(names = {"CREDENTIAL", "PERMISSION", "MODEL_NOT_FOUND"})
    void CREDENTIAL_and_PERMISSION_and_MODEL_NOT_FOUND_go_to_the_next_provider_only_and_park_ten_minutes(
            FailureKind kind) {
        assertThat(after(kind).decided()).isEqualTo(new Decision(LEAVE, MINUTES_10, false, MINUTES_10));
        assertThat(after(kind).alone().next()).isEqualTo(LEAVE);
        assertThat(after(kind).hint(Duration.ofSeconds(3)).park()).isEqualTo(Duration.ofMinutes(10));
    }

    @Test
    void CONTEXT_TOO_LONG_goes_to_a_larger_window_or_ends_the_call() {
        assertThat(after(FailureKind.CONTEXT_TOO_LONG).decided()).isEqualTo(new Decision(LEAVE, BACKOFF, false, 0));
        assertThat(after(FailureKind.CONTEXT_TOO_LONG).alone().next()).isEqualTo(STOP);
    }

    @Test
    void CONTENT_FILTERED_ends_the_call_unless_it_may_be_passed_on() {
        assertThat(after(FailureKind.CONTENT_FILTERED).decided()).isEqualTo(new Decision(STOP, BACKOFF, false, 0));
        assertThat(after(FailureKind.CONTENT_FILTERED).passingFilteredOn().next())
                .isEqualTo(LEAVE);
        assertThat(after(FailureKind.CONTENT_FILTERED)
                        .passingFilteredOn()
                        .alone()
                        .next())
                .isEqualTo(STOP);
    }

    @ParameterizedTest
    @EnumSource(names = {"BAD_REQUEST", "CANCELLED"})
    void BAD_REQUEST_and_CANCELLED_end_the_call(FailureKind kind) {
        assertThat(after(kind).decided()).isEqualTo(new Decision(STOP, BACKOFF, false, 0));
        assertThat(after(kind).alone().passingFilteredOn().next()).isEqualTo(STOP);
    }

    @ParameterizedTest
    @EnumSource(names = {"TOOL_GENERATION", "CONFLICT"})
    void TOOL_GENERATION_and_CONFLICT_are_tried_here_once_more_and_then_at_the_next_provider(FailureKind kind) {
        assertThat(after(kind).decided()).isEqualTo(new Decision(RETRY, BACKOFF, false, 0));
        assertThat(after(kind).again().next()).isEqualTo(FAIL_OVER);
        assertThat(after(kind).again().alone().next()).isEqualTo(RETRY);
    }

    @Test
    void MALFORMED_is_tried_here_once_more_and_then_at_the_next_provider() {
        assertThat(after(FailureKind.MALFORMED).decided()).isEqualTo(new Decision(RETRY, BACKOFF, true, 0));
        assertThat(after(FailureKind.MALFORMED).again().next()).isEqualTo(FAIL_OVER);
    }

    @Test
    void TRUNCATED_goes_to_the_next_provider_before_the_first_token() {
        assertThat(after(FailureKind.TRUNCATED).decided()).isEqualTo(new Decision(FAIL_OVER, BACKOFF, true, 0));
        assertThat(after(FailureKind.TRUNCATED).alone().next()).isEqualTo(RETRY);
        assertThat(after(FailureKind.TRUNCATED).shown().next()).isEqualTo(STOP);
    }

    // ---- What holds for many rows

    @ParameterizedTest
    @EnumSource
    void what_was_shown_ends_the_call_whatever_the_kind(FailureKind kind) {
        assertThat(after(kind).shown().next()).isEqualTo(STOP);
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.INCLUDE,
            names = {
                "NETWORK",
                "TIMEOUT",
                "OVERLOADED",
                "SERVER",
                "MODEL_LOADING",
                "RATE_LIMITED",
                "TOOL_GENERATION",
                "CONFLICT",
                "MALFORMED",
                "TRUNCATED"
            })
    void no_retry_without_attempts_or_budget_or_time(FailureKind kind) {
        assertThat(after(kind).alone().withoutAttemptsLeft().next())
                .as("attempts used up")
                .isEqualTo(LEAVE);
        assertThat(after(kind).alone().withoutBudget().next())
                .as("budget used up")
                .isEqualTo(FAIL_OVER);
        long wait = after(kind).alone().decided().waitNanos();
        assertThat(after(kind).alone().remaining(wait).next())
                .as("the wait would end at the deadline")
                .isEqualTo(FAIL_OVER);
        assertThat(after(kind).alone().remaining(wait + 1).next())
                .as("the wait ends before it")
                .isEqualTo(RETRY);
    }

    @Test
    void a_hint_over_the_cap_parks_for_the_cap() {
        for (FailureKind kind : List.of(
                FailureKind.OVERLOADED,
                FailureKind.MODEL_LOADING,
                FailureKind.RATE_LIMITED,
                FailureKind.QUOTA_EXHAUSTED)) {
            assertThat(after(kind).hint(Duration.ofHours(30)).park())
                    .as("%s", kind)
                    .isEqualTo(CAP);
        }
    }

    @Test
    void a_park_is_not_undercut_by_the_retry() {
        // The second second of a rate limit without a hint: the backoff alone would come back too early.
        assertThat(after(FailureKind.RATE_LIMITED).after(1).alone().decided().waitNanos())
                .isEqualTo(Duration.ofSeconds(2).toNanos());
    }

    // ---- Silence

    @Test
    void silence_is_a_time_limit_after_the_request_was_taken() {
        assertThat(Decision.isSilence(ProviderException.of(FailureKind.TIMEOUT, "no first token")))
                .isTrue();
        assertThat(Decision.isSilence(ProviderException.builder(FailureKind.TIMEOUT, "no connection")
                        .mayHaveBeenProcessed(false)
                        .build()))
                .isFalse();
        assertThat(Decision.isSilence(ProviderException.of(FailureKind.NETWORK, "reset")))
                .isFalse();
    }

    @Test
    void a_408_and_a_504_are_answers_but_a_524_is_silence() {
        assertThat(Decision.isSilence(timeout(408))).isFalse();
        assertThat(Decision.isSilence(timeout(504))).isFalse();
        assertThat(Decision.isSilence(timeout(524))).isTrue();
    }

    private static ProviderException timeout(int status) {
        return ProviderException.builder(FailureKind.TIMEOUT, "HTTP " + status)
                .status(status)
                .build();
    }

    @Test
    void the_retry_makes_attempts_for_the_kinds_whose_row_says_here() {
        Set<FailureKind> retried = EnumSet.noneOf(FailureKind.class);
        for (FailureKind kind : FailureKind.values()) {
            if (Decision.mayRetry(ProviderException.builder(kind, "failed")
                    .mayHaveBeenProcessed(false)
                    .build())) {
                retried.add(kind);
            }
        }
        Set<FailureKind> expected = EnumSet.noneOf(FailureKind.class);
        for (Row row : TABLE) {
            if (row.alone.equals("here")) {
                expected.add(row.kind);
            }
        }
        assertThat(retried).isEqualTo(expected);
        assertThat(Decision.mayRetry(ProviderException.of(FailureKind.TIMEOUT, "silent")))
                .isFalse();
    }

    // ---- The whole table

    /** One row of table T, in its words. "end" is a stop that says the request is at fault, "stop" one that does not. */
    private record Row(
            FailureKind kind, boolean silent, String withAnother, String alone, boolean breaker, String park) {}

    private static final List<Row> TABLE = table("""
            NETWORK          | next         | here | failure | -
            TIMEOUT          | next         | here | failure | -
            TIMEOUT silent   | next         | stop | failure | -
            OVERLOADED       | next or wait | here | failure | hint
            SERVER           | here once    | here | failure | -
            MODEL_LOADING    | next or wait | here | -       | hint
            RATE_LIMITED     | next or wait | here | -       | hint or doubling
            QUOTA_EXHAUSTED  | next         | stop | -       | hint or 10 min
            CREDENTIAL       | next         | stop | -       | 10 min
            PERMISSION       | next         | stop | -       | 10 min
            MODEL_NOT_FOUND  | next         | stop | -       | 10 min
            CONTEXT_TOO_LONG | next         | end  | -       | -
            CONTENT_FILTERED | filtered     | end  | -       | -
            BAD_REQUEST      | end          | end  | -       | -
            TOOL_GENERATION  | here once    | here | -       | -
            CONFLICT         | here once    | here | -       | -
            MALFORMED        | here once    | here | failure | -
            TRUNCATED        | next         | here | failure | -
            CANCELLED        | end          | end  | -       | -
            """);

    private static List<Row> table(String text) {
        return text.lines()
                .map(line -> {
                    String[] cells = line.split("\\|", -1);
                    String[] kind = cells[0].trim().split(" ", -1);
                    return new Row(
                            FailureKind.valueOf(kind[0]),
                            kind.length > 1,
                            cells[1].trim(),
                            cells[2].trim(),
                            cells[3].trim().equals("failure"),
                            cells[4].trim());
                })
                .toList();
    }

    private static Row rowOf(Situation failed) {
        boolean silent = failed.silent() && failed.kind() == FailureKind.TIMEOUT;
        return TABLE.stream()
                .filter(row -> row.kind == failed.kind() && row.silent == silent)
                .findFirst()
                .orElseThrow();
    }

    private static Decision expected(Situation failed) {
        Row row = rowOf(failed);
        long park = expectedPark(row, failed);
        long wait = Math.max(park, failed.retryWaitNanos());
        return new Decision(expectedNext(row, failed, wait), wait, row.breaker, park);
    }

    private static long expectedPark(Row row, Situation failed) {
        boolean hinted = failed.hintNanos() > 0 && row.park.startsWith("hint");
        if (hinted) {
            return Math.min(failed.hintNanos(), CAP.toNanos());
        }
        if (row.park.endsWith("10 min")) {
            return MINUTES_10;
        }
        if (row.park.endsWith("doubling")) {
            double seconds = Math.min(30, Math.pow(2, failed.rateLimitsBefore()));
            return Math.round(seconds * 1e9);
        }
        return 0;
    }

    private static Next expectedNext(Row row, Situation failed, long wait) {
        if (failed.shown()) {
            return STOP;
        }
        boolean attemptsLeft = failed.retryWaitNanos() >= 0;
        boolean canRetry = attemptsLeft && failed.budgetLeft() && wait < failed.remainingNanos();
        Next elsewhere = row.alone.equals("here") && attemptsLeft ? FAIL_OVER : LEAVE;
        if (!failed.others()) {
            return switch (row.alone) {
                case "here" -> canRetry ? RETRY : elsewhere;
                case "stop" -> LEAVE;
                case "end" -> STOP;
                default -> throw new IllegalStateException(row.alone);
            };
        }
        boolean asked = failed.hintNanos() > 0;
        boolean worth = wait <= failed.settings().waitForHint().toNanos();
        return switch (row.withAnother) {
            case "next", "next or wait" -> asked && row.alone.equals("here") && worth && canRetry ? RETRY : elsewhere;
            case "here once" -> (asked ? worth : failed.attempts() == 1) && canRetry ? RETRY : elsewhere;
            case "filtered" -> failed.passesFilteredOn() ? LEAVE : STOP;
            case "end" -> STOP;
            default -> throw new IllegalStateException(row.withAnother);
        };
    }

    @Test
    void every_situation_is_decided_as_the_table_says() {
        List<String> wrong = new ArrayList<>();
        long count = 0;
        for (Situation failed : everySituation()) {
            count++;
            Decision decided = Decision.after(failed);
            Decision expected = expected(failed);
            if (!decided.equals(expected) && wrong.size() < 10) {
                wrong.add(failed + "\n  expected " + expected + "\n  but was  " + decided);
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(count).isEqualTo(18L * 2 * 2 * 3 * 2 * 2 * 5 * 3 * 2 * 2 * 2 * 3);
    }

    private static List<Situation> everySituation() {
        long shortHint = Duration.ofSeconds(2).toNanos();
        long longHint = Duration.ofSeconds(50).toNanos();
        long tooLongHint = CAP.plusHours(1).toNanos();
        List<RetrySettings> settings =
                Arrays.asList(settings(Duration.ZERO), settings(Duration.ofSeconds(2)), settings(Duration.ofHours(24)));
        List<Situation> situations = new ArrayList<>();
        for (FailureKind kind : FailureKind.values()) {
            for (boolean silent : new boolean[] {false, true}) {
                for (boolean shown : new boolean[] {false, true}) {
                    for (int attempts = 1; attempts <= 3; attempts++) {
                        for (boolean others : new boolean[] {false, true}) {
                            for (long retryWait : new long[] {NONE, BACKOFF}) {
                                for (long hint : new long[] {NONE, 0, shortHint, longHint, tooLongHint}) {
                                    for (int rateLimits : new int[] {0, 1, 7}) {
                                        for (long remaining : new long[] {BACKOFF, PLENTY}) {
                                            for (boolean budget : new boolean[] {false, true}) {
                                                for (boolean passes : new boolean[] {false, true}) {
                                                    for (RetrySettings setting : settings) {
                                                        situations.add(new Situation(
                                                                kind,
                                                                silent,
                                                                shown,
                                                                attempts,
                                                                others,
                                                                retryWait,
                                                                hint,
                                                                rateLimits,
                                                                remaining,
                                                                budget,
                                                                passes,
                                                                setting));
                                                    }
                                                }
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        return situations;
    }

    private static RetrySettings settings(Duration waitForHint) {
        return RetrySettings.builder()
                .waitForHint(waitForHint)
                .retryAfterCap(CAP)
                .build();
    }
}
