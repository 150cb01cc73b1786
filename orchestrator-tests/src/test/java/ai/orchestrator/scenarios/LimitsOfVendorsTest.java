package ai.orchestrator.scenarios;

import static ai.orchestrator.scenarios.Vendor.WELL;
import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.quota.QuotaSettings;
import ai.orchestrator.quota.QuotaStatus;
import ai.orchestrator.quota.QuotaUnit;
import ai.orchestrator.quota.QuotaWindow;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.Retries;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What each vendor says in its headers of what is left, and what the quota makes of it. */
final class LimitsOfVendorsTest extends Catalogue {

    private static final long REQUESTS_PER_MINUTE = 60;
    private static final long REQUESTS_PER_DAY = 1_000;
    private static final long TOKENS_PER_MINUTE = 100_000;
    private static final long TOKENS_PER_DAY = 1_000_000;

    private static final Duration MINUTE = Duration.ofMinutes(1);

    /** How much is left of a limit, and for how long, because the vendor says so. */
    private record Left(QuotaUnit unit, QuotaWindow window, long amount, Duration lasts) {

        private boolean isOf(QuotaStatus status) {
            return status.unit() == unit && status.window() == window;
        }
    }

    private static Left requests(QuotaWindow window, long amount, Duration lasts) {
        return new Left(QuotaUnit.REQUESTS, window, amount, lasts);
    }

    private static Left tokens(long amount, Duration lasts) {
        return new Left(QuotaUnit.TOKENS, QuotaWindow.MINUTE, amount, lasts);
    }

    @SuppressWarnings("ImmutableEnumChecker") // nobody changes its lists
    private enum Said {
        OPENAI(
                "openai",
                Dialect.OPENAI,
                List.of(
                        "x-ratelimit-limit-requests: 60",
                        "x-ratelimit-remaining-requests: 20",
                        "x-ratelimit-reset-requests: 39.6s",
                        "x-ratelimit-limit-tokens: 200000",
                        "x-ratelimit-remaining-tokens: 7000",
                        "x-ratelimit-reset-tokens: 57.9s",
                        "x-ratelimit-limit-input-images: 10",
                        "x-ratelimit-remaining-input-images: 0",
                        "x-ratelimit-reset-input-images: 6s"),
                requests(QuotaWindow.MINUTE, 20, Duration.ofMillis(39_600)),
                tokens(7_000, Duration.ofMillis(57_900))),
        OPENAI_BY_THE_DAY(
                "openai",
                Dialect.OPENAI,
                List.of(
                        "x-ratelimit-limit-requests: 1000",
                        "x-ratelimit-remaining-requests: 900",
                        "x-ratelimit-reset-requests: 2h24m0s"),
                requests(QuotaWindow.DAY, 900, Duration.ofMinutes(144))),
        OPENAI_OF_A_PROJECT(
                "openai",
                Dialect.OPENAI,
                List.of(
                        "x-ratelimit-limit-tokens: 200000",
                        "x-ratelimit-remaining-tokens: 150000",
                        "x-ratelimit-reset-tokens: 15s",
                        "x-ratelimit-limit-project-tokens: 60000",
                        "x-ratelimit-remaining-project-tokens: 57000",
                        "x-ratelimit-reset-project-tokens: 3s"),
                tokens(57_000, Duration.ofSeconds(3))),
        AZURE(
                "azure",
                Dialect.AZURE,
                List.of(
                        "x-ratelimit-limit-requests: 60",
                        "x-ratelimit-remaining-requests: 50",
                        "x-ratelimit-reset-requests: 10",
                        "x-ratelimit-renewalperiod-requests: 60",
                        "x-ratelimit-limit-tokens: 10000",
                        "x-ratelimit-remaining-tokens: 3000",
                        "x-ratelimit-reset-tokens: 42",
                        "x-ratelimit-renewalperiod-tokens: 60",
                        "x-ratelimit-key: made-up",
                        "x-ms-region: Sweden Central"),
                requests(QuotaWindow.MINUTE, 50, Duration.ofSeconds(10)),
                tokens(3_000, Duration.ofSeconds(42))),
        AZURE_BY_TEN_SECONDS(
                "azure",
                Dialect.AZURE,
                List.of("x-ratelimit-remaining-requests: 9", "x-ratelimit-remaining-tokens: 9913"),
                tokens(9_913, MINUTE)),
        AZURE_OF_WHICH_NOBODY_KNOWS(
                "azure",
                Dialect.AZURE,
                List.of(
                        "x-ratelimit-limit-tokens: -1",
                        "x-ratelimit-remaining-tokens: -1",
                        "x-ratelimit-reset-tokens: 0",
                        "x-ratelimit-renewalperiod-tokens: 60")),
        GROQ(
                "groq",
                Dialect.OPENAI,
                List.of(
                        "x-ratelimit-limit-requests: 14400",
                        "x-ratelimit-remaining-requests: 370",
                        "x-ratelimit-reset-requests: 2m59.56s",
                        "x-ratelimit-limit-tokens: 18000",
                        "x-ratelimit-remaining-tokens: 9000",
                        "x-ratelimit-reset-tokens: 7.66s"),
                requests(QuotaWindow.DAY, 370, Duration.ofMillis(179_560)),
                tokens(9_000, Duration.ofMillis(7_660))),
        MISTRAL(
                "mistral",
                Dialect.OPENAI,
                List.of(
                        "x-ratelimit-limit-req-minute: 360",
                        "x-ratelimit-remaining-req-minute: 17",
                        "x-ratelimit-limit-req-10-second: 60",
                        "x-ratelimit-remaining-req-10-second: 0",
                        "x-ratelimit-limit-tokens-minute: 500000",
                        "x-ratelimit-remaining-tokens-minute: 49000",
                        "x-ratelimit-limit-tokens-month: 1000000000",
                        "x-ratelimit-remaining-tokens-month: 0",
                        "x-ratelimit-tokens-query-cost: 12"),
                requests(QuotaWindow.MINUTE, 17, MINUTE),
                tokens(49_000, MINUTE)),
        MISTRAL_BY_SIZE(
                "mistral",
                Dialect.OPENAI,
                List.of(
                        "ratelimitbysize-limit: 500000",
                        "ratelimitbysize-remaining: 34203",
                        "ratelimitbysize-reset: 24",
                        "ratelimitbysize-query-cost: 32010",
                        "x-ratelimitbysize-limit-minute: 500000",
                        "x-ratelimitbysize-remaining-minute: 34203",
                        "x-ratelimitbysize-limit-month: 1000000000",
                        "x-ratelimitbysize-remaining-month: 0"),
                tokens(34_203, Duration.ofSeconds(24))),
        CEREBRAS(
                "cerebras",
                Dialect.OPENAI,
                List.of(
                        "x-ratelimit-limit-requests-day: 14400",
                        "x-ratelimit-remaining-requests-day: 400",
                        "x-ratelimit-reset-requests-day: 33011.382867",
                        "x-ratelimit-limit-requests-hour: 900",
                        "x-ratelimit-remaining-requests-hour: 0",
                        "x-ratelimit-reset-requests-hour: 611.38",
                        "x-ratelimit-limit-tokens-minute: 60000",
                        "x-ratelimit-remaining-tokens-minute: 1500",
                        "x-ratelimit-reset-tokens-minute: 11.38"),
                requests(QuotaWindow.DAY, 400, Duration.ofNanos(33_011_382_867_000L)),
                tokens(1_500, Duration.ofMillis(11_380))),
        TOGETHER_BY_THE_SECOND(
                "together",
                Dialect.OPENAI,
                List.of(
                        "x-ratelimit-limit: 10",
                        "x-ratelimit-remaining: 0",
                        "x-ratelimit-reset: 1",
                        "x-tokenlimit-limit: 3000",
                        "x-tokenlimit-remaining: 0",
                        "x-ratelimit-limit-dynamic: 10",
                        "x-ratelimit-remaining-dynamic: 0")),
        XAI(
                "xai",
                Dialect.OPENAI,
                List.of(
                        "x-ratelimit-limit-requests: 8",
                        "x-ratelimit-remaining-requests: 0",
                        "x-ratelimit-limit-tokens: 2000000",
                        "x-ratelimit-remaining-tokens: 900"),
                tokens(900, MINUTE)),
        HUGGING_FACE_BY_FIVE_MINUTES(
                "huggingface",
                Dialect.OPENAI,
                List.of("RateLimit: \"api\";r=0;t=55", "RateLimit-Policy: \"fixed window\";\"api\";q=500;w=300")),
        HUGGING_FACE_BY_THE_MINUTE(
                "huggingface",
                Dialect.OPENAI,
                List.of("RateLimit: \"api\";r=30;t=12", "RateLimit-Policy: \"fixed window\";\"api\";q=600;w=60"),
                requests(QuotaWindow.MINUTE, 30, Duration.ofSeconds(12))),
        HUGGING_FACE_TEXT(
                "huggingface-text",
                Dialect.HUGGINGFACE_TEXT,
                List.of("RateLimit: \"api\";r=30;t=12", "RateLimit-Policy: \"fixed window\";\"api\";q=600;w=60"),
                requests(QuotaWindow.MINUTE, 30, Duration.ofSeconds(12))),
        ANTHROPIC(
                "anthropic",
                Dialect.ANTHROPIC,
                List.of(
                        "anthropic-ratelimit-requests-limit: 50",
                        "anthropic-ratelimit-requests-remaining: 45",
                        "anthropic-ratelimit-requests-reset: 2026-01-01T00:00:06Z",
                        "anthropic-ratelimit-tokens-limit: 60000",
                        "anthropic-ratelimit-tokens-remaining: 33000",
                        "anthropic-ratelimit-tokens-reset: 2026-01-01T00:00:28Z",
                        "anthropic-ratelimit-input-tokens-limit: 50000",
                        "anthropic-ratelimit-input-tokens-remaining: 27000",
                        "anthropic-ratelimit-input-tokens-reset: 2026-01-01T00:00:28Z",
                        "anthropic-ratelimit-output-tokens-limit: 10000",
                        "anthropic-ratelimit-output-tokens-remaining: 6000",
                        "anthropic-ratelimit-output-tokens-reset: 2026-01-01T00:00:24Z",
                        "retry-after: 24"),
                requests(QuotaWindow.MINUTE, 45, Duration.ofSeconds(6)),
                tokens(33_000, Duration.ofSeconds(28))),
        ANTHROPIC_WITHOUT_OUTPUT(
                "anthropic",
                Dialect.ANTHROPIC,
                List.of(
                        "anthropic-ratelimit-input-tokens-limit: 50000",
                        "anthropic-ratelimit-input-tokens-remaining: 49000",
                        "anthropic-ratelimit-input-tokens-reset: 2026-01-01T00:00:02Z",
                        "anthropic-ratelimit-output-tokens-limit: 10000",
                        "anthropic-ratelimit-output-tokens-remaining: 0",
                        "anthropic-ratelimit-output-tokens-reset: 2026-01-01T00:00:59Z"),
                tokens(0, Duration.ofSeconds(59))),
        COHERE(
                "cohere",
                Dialect.COHERE,
                List.of(
                        "x-endpoint-monthly-call-limit: 1000",
                        "x-endpoint-monthly-call-remaining: 0",
                        "x-trial-endpoint-call-limit: 20",
                        "x-trial-endpoint-call-remaining: 4"),
                requests(QuotaWindow.MINUTE, 4, MINUTE)),
        OPENROUTER_BY_THE_MINUTE(
                "openrouter",
                Dialect.OPENAI,
                List.of("X-RateLimit-Limit: 20", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1767225630000"),
                requests(QuotaWindow.MINUTE, 0, Duration.ofSeconds(30))),
        OPENROUTER_BY_THE_DAY(
                "openrouter",
                Dialect.OPENAI,
                List.of("X-RateLimit-Limit: 1000", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1767312000000"),
                requests(QuotaWindow.DAY, 0, Duration.ofHours(24)));

        private final String type;
        private final Dialect dialect;
        private final List<String> headers;
        private final List<Left> left;

        Said(String type, Dialect dialect, List<String> headers, Left... left) {
            this.type = type;
            this.dialect = dialect;
            this.headers = headers;
            this.left = Arrays.asList(left);
        }

        private Reply with(Reply reply) {
            Reply changed = reply;
            for (String header : headers) {
                int colon = header.indexOf(": ");
                changed = changed.withHeader(header.substring(0, colon), header.substring(colon + 2));
            }
            return changed;
        }
    }

    private Orchestrator open(Said said, Way way) {
        return open(said, way, byTheMinute().requestsPerDay(REQUESTS_PER_DAY).tokensPerDay(TOKENS_PER_DAY));
    }

    private static QuotaSettings.Builder byTheMinute() {
        return QuotaSettings.builder().requestsPerMinute(REQUESTS_PER_MINUTE).tokensPerMinute(TOKENS_PER_MINUTE);
    }

    private Orchestrator open(Said said, Way way, QuotaSettings.Builder quota) {
        primary.speaks(said.dialect);
        return open(builder()
                .provider(
                        primary.name(),
                        at(primary, way, 1)
                                .andThen(p ->
                                        p.type(said.type).retry(Retries.NONE).quota(quota.build()))));
    }

    private static List<QuotaStatus> quotas(Orchestrator orchestrator) {
        return orchestrator.status().providers().get(0).quotas();
    }

    /** What the vendor says holds until its reset, and nothing else does: what our own calls took is counted beside it. */
    private void assertBelieved(Orchestrator orchestrator, List<Left> left, long requests, long tokens) {
        assertLeft(orchestrator, left, requests, tokens);
        for (Duration end : new TreeSet<>(left.stream().map(Left::lasts).toList())) {
            time.advanceTo(end.minus(NANO));
            assertLeft(orchestrator, lasting(left, end.minus(NANO)), requests, tokens);
            time.advanceTo(end);
            assertLeft(orchestrator, lasting(left, end), requests, tokens);
        }
    }

    private static List<Left> lasting(List<Left> left, Duration now) {
        return left.stream().filter(said -> said.lasts().compareTo(now) > 0).toList();
    }

    private void assertLeft(Orchestrator orchestrator, List<Left> left, long requests, long tokens) {
        for (QuotaStatus status : quotas(orchestrator)) {
            Duration length = status.window() == QuotaWindow.MINUTE ? MINUTE : Duration.ofDays(1);
            long own = status.unit() == QuotaUnit.REQUESTS ? requests : tokens;
            long counted = status.limit() - (time.now().compareTo(length) < 0 ? own : 0);
            assertThat(status.left())
                    .as("%s at %s", status, time.now())
                    .isEqualTo(left.stream()
                            .filter(said -> said.isOf(status))
                            .mapToLong(Left::amount)
                            .findFirst()
                            .orElse(counted));
        }
    }

    // ---- Answers

    private static Stream<Arguments> saidWithAnswers() {
        return Stream.of(Said.values())
                .filter(said -> !said.type.equals("openrouter"))
                .flatMap(said ->
                        Stream.of(Way.SYNC, Way.COLLECTED, Way.STREAM_FAIL).map(way -> Arguments.of(said, way)));
    }

    @ParameterizedTest
    @MethodSource("saidWithAnswers")
    void what_is_left_comes_with_an_answer(Said said, Way way) {
        Orchestrator orchestrator = open(said, way);
        primary.next((request, vendor) -> said.with(WELL.reply(request, vendor)));
        Outcome outcome = ask(way, orchestrator);
        assertThat(outcome.failure()).isEmpty();
        assertBelieved(orchestrator, said.left, 1, Vendor.PROMPT_TOKENS + Vendor.WORDS);
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"OPENROUTER_BY_THE_MINUTE", "OPENROUTER_BY_THE_DAY"})
    void where_only_minutes_are_limited_no_other_time_is_taken_for_one(Said said) {
        Orchestrator orchestrator = open(said, Way.SYNC, byTheMinute());
        primary.next((request, vendor) -> said.with(WELL.reply(request, vendor)));
        assertThat(ask(Way.SYNC, orchestrator).failure()).isEmpty();
        List<Left> left = said.left.stream()
                .filter(figure -> figure.window() == QuotaWindow.MINUTE)
                .toList();
        assertBelieved(orchestrator, left, 1, Vendor.PROMPT_TOKENS + Vendor.WORDS);
    }

    // ---- Errors

    /** Cohere says nothing of its limits where one is reached. */
    private static Stream<Arguments> saidWithErrors() {
        return Stream.of(Said.values())
                .filter(said -> said != Said.COHERE)
                .flatMap(said -> Stream.of(Way.SYNC, Way.STREAM_FAIL).map(way -> Arguments.of(said, way)));
    }

    @ParameterizedTest
    @MethodSource("saidWithErrors")
    void what_is_left_comes_with_an_error_too_though_the_call_took_nothing(Said said, Way way) {
        Orchestrator orchestrator = open(said, way);
        primary.next((request, vendor) -> said.with(vendor.wire().error(Wire.Fault.LIMITED)));
        Outcome outcome = ask(way, orchestrator);
        assertFailed(outcome, OrchestratorException.class);
        assertFirstFailure(outcome, FailureKind.RATE_LIMITED);
        assertBelieved(orchestrator, said.left, 0, 0);
    }

    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.INCLUDE,
            names = {"COHERE", "OPENAI"})
    void an_error_that_says_nothing_leaves_the_quota_as_it_was(Said said) {
        Orchestrator orchestrator = open(said, Way.SYNC);
        primary.next(Vendor.LIMITED);
        assertFailed(ask(Way.SYNC, orchestrator), OrchestratorException.class);
        assertLeft(orchestrator, List.of(), 0, 0);
    }

    // ---- And then

    @Test
    void a_vendor_that_says_that_nothing_is_left_is_not_asked_before_its_reset() {
        Orchestrator orchestrator = open(both(
                Way.SYNC,
                p -> p.quota(QuotaSettings.builder()
                        .tokensPerMinute(TOKENS_PER_MINUTE)
                        .build())));
        primary.next((request, vendor) -> WELL.reply(request, vendor)
                .withHeader("x-ratelimit-limit-tokens", "100000")
                .withHeader("x-ratelimit-remaining-tokens", "0")
                .withHeader("x-ratelimit-reset-tokens", "12s"));
        assertAnswered(ask(Way.SYNC, orchestrator), primary);
        assertAnswered(ask(Way.SYNC, orchestrator), fallback);
        assertThat(orchestrator.status().providers().get(0).deprioritized()).isTrue();
        time.advance(seconds(12).minus(NANO));
        assertAnswered(ask(Way.SYNC, orchestrator), fallback);
        time.advance(NANO);
        assertAnswered(ask(Way.SYNC, orchestrator), primary);
    }
}
