package ai.orchestrator.calls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.CallOptions;
import ai.orchestrator.Explanation;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.ProviderStatus;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.RateLimit;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.quota.QuotaSettings;
import ai.orchestrator.routing.StandardStrategy;
import ai.orchestrator.routing.TokenPrice;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Retries;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Who is asked when a provider's quota comes to its end, and when it is back. The first provider has a quota, the second has none. */
@Timeout(60)
class QuotaRoutingTest {

    private static final Duration MINUTE = Duration.ofMinutes(1);
    private static final Duration NANO = Duration.ofNanos(1);
    private static final Usage USAGE = Usage.of(12, 30);

    private final ManualTimeSource time = new ManualTimeSource();
    private final Script first = answeringAfter(Duration.ZERO);
    private final Script second = answeringAfter(Duration.ofSeconds(1));
    private Instant wall = Instant.parse("2026-11-24T12:00:00Z");
    private StandardStrategy strategy = StandardStrategy.PRIORITY;
    private Optional<Orchestrator> opened = Optional.empty();

    @AfterEach
    void close() {
        opened.ifPresent(Orchestrator::close);
    }

    private Script answeringAfter(Duration duration) {
        return new Script((cancellation, sink) -> {
            time.advance(duration);
            Script.say(sink, "fine");
            sink.event(new ChatEvent.Used(USAGE));
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        });
    }

    private Orchestrator open(QuotaSettings.Builder quota) {
        Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .instantSource(() -> wall)
                .strategy(strategy)
                .random(() -> 0.5)
                .provider(
                        "first",
                        p -> p.chatProvider(first)
                                .priority(1)
                                .weight(100)
                                .price(new TokenPrice(1, 1))
                                .retry(Retries.NONE)
                                .quota(quota.build()))
                .provider(
                        "second",
                        p -> p.chatProvider(second)
                                .priority(2)
                                .price(new TokenPrice(9, 9))
                                .retry(Retries.NONE))
                .route("first-alone", route -> route.providers("first"))
                .route("second-alone", route -> route.providers("second"))
                .build();
        opened = Optional.of(orchestrator);
        return orchestrator;
    }

    private static ChatRequest request(int maxTokens) {
        return ChatRequest.builder().user("hello").maxTokens(maxTokens).build();
    }

    private static ChatResponse ask(Orchestrator orchestrator, String route) {
        return orchestrator.chat(request(100), CallOptions.defaults().withRoute(route));
    }

    private static void assertServes(Orchestrator orchestrator, String provider) {
        assertThat(orchestrator.chat(request(100)).provider()).isEqualTo(provider);
    }

    private static ProviderStatus status(Orchestrator orchestrator) {
        return orchestrator.status().providers().get(0);
    }

    private static Trail.Skipped skipped(String reason, Duration retryIn) {
        return new Trail.Skipped("first", reason, Optional.of(retryIn));
    }

    // ---- At its end

    @ParameterizedTest
    @EnumSource
    void from_ninety_percent_on_a_provider_is_asked_after_the_others_whatever_the_strategy(StandardStrategy strategy) {
        this.strategy = strategy;
        Orchestrator orchestrator = open(QuotaSettings.builder().requestsPerDay(10));
        // So that the slow one is known to be slow.
        ask(orchestrator, "second-alone");
        for (int i = 0; i < 8; i++) {
            ask(orchestrator, "first-alone");
        }
        assertThat(status(orchestrator).deprioritized()).isFalse();
        if (strategy != StandardStrategy.SCORE) {
            // Of the score, what is left is a part.
            assertServes(orchestrator, "first");
        } else {
            ask(orchestrator, "first-alone");
        }

        assertThat(status(orchestrator).deprioritized()).isTrue();
        assertThat(orchestrator.explain(request(100)).candidates())
                .extracting(Explanation.Candidate::provider, Explanation.Candidate::skipped)
                .as("the first may still be asked")
                .containsExactly(tuple("second", Optional.empty()), tuple("first", Optional.empty()));
        assertServes(orchestrator, "second");
        assertServes(orchestrator, "second");
        orchestrator.circuitBreaker("second").forceOpen();
        assertServes(orchestrator, "first");
        assertThat(status(orchestrator).quotaLeft()).isZero();
    }

    @Test
    void who_is_nearly_out_of_quota_still_serves_when_the_others_fail() {
        Script failing = Script.failing(FailureKind.OVERLOADED);
        Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .provider(
                        "first",
                        p -> p.chatProvider(first)
                                .priority(1)
                                .quota(QuotaSettings.builder()
                                        .requestsPerMinute(10)
                                        .build()))
                .provider("second", p -> p.chatProvider(failing).priority(2).retry(Retries.NONE))
                .build();
        opened = Optional.of(orchestrator);
        for (int i = 0; i < 9; i++) {
            assertServes(orchestrator, "first");
        }
        assertThat(failing.calls()).isZero();
        assertThat(orchestrator.chat(request(100)).trail().steps())
                .extracting(Trail.Step::provider)
                .containsExactly("second", "first");

        time.advance(MINUTE);
        assertThat(status(orchestrator).deprioritized()).isFalse();
        assertServes(orchestrator, "first");
        assertThat(failing.calls()).isOne();
    }

    @Test
    void a_provider_without_quota_left_is_skipped_and_the_trail_says_why_and_until_when() {
        Orchestrator orchestrator = open(QuotaSettings.builder().requestsPerDay(3));
        for (int i = 0; i < 3; i++) {
            ask(orchestrator, "first-alone");
        }
        orchestrator.circuitBreaker("second").forceOpen();
        Trail.Skipped reason = skipped("quota used up: 3 requests per day", Duration.ofHours(12));

        assertThatThrownBy(() -> orchestrator.chat(request(100)))
                .isInstanceOfSatisfying(AllProvidersFailedException.class, failure -> {
                    assertThat(failure.earliestRetry()).contains(Duration.ofHours(12));
                    assertThat(failure.trail().steps()).hasSize(2).contains(reason);
                })
                .hasMessageContaining("first skipped: quota used up: 3 requests per day, next try in 43200 s");
        assertThat(orchestrator.explain(request(100)).toString())
                .contains("first would be skipped: quota used up: 3 requests per day, next try in 43200 s");

        orchestrator.circuitBreaker("second").reset();
        assertThat(orchestrator.chat(request(100)).trail().steps()).hasSize(1);
        assertThat(first.calls()).isEqualTo(3);
    }

    @Test
    void the_earliest_of_all_quotas_tells_when_to_try_again() {
        QuotaSettings daily = QuotaSettings.builder().requestsPerDay(1).build();
        QuotaSettings byMinute = QuotaSettings.builder().requestsPerMinute(1).build();
        Orchestrator orchestrator = Orchestrator.builder()
                .timeSource(time)
                .instantSource(() -> wall)
                .provider("daily", p -> p.chatProvider(first).quota(daily))
                .provider("by-minute", p -> p.chatProvider(first).quota(byMinute))
                .build();
        opened = Optional.of(orchestrator);
        orchestrator.chat(request(100));
        orchestrator.chat(request(100));
        time.advance(Duration.ofSeconds(18));
        assertThatThrownBy(() -> orchestrator.chat(request(100)))
                .isInstanceOfSatisfying(
                        AllProvidersFailedException.class,
                        failure -> assertThat(failure.earliestRetry()).contains(Duration.ofSeconds(42)))
                .hasMessageContaining("try again in 42 s");
        assertThat(first.calls()).isEqualTo(2);
        time.advance(Duration.ofSeconds(42));
        assertThat(orchestrator.chat(request(100)).provider()).isEqualTo("by-minute");
    }

    // ---- And back

    @Test
    void by_the_minute_each_request_is_back_60_seconds_later() {
        Orchestrator orchestrator = open(QuotaSettings.builder().requestsPerMinute(2));
        assertServes(orchestrator, "first");
        time.advance(Duration.ofSeconds(20));
        assertServes(orchestrator, "first");

        time.advance(Duration.ofSeconds(40).minus(NANO));
        assertThatThrownBy(() -> ask(orchestrator, "first-alone"))
                .hasMessageContaining("quota used up: 2 requests per minute");
        time.advance(NANO);
        assertServes(orchestrator, "first");
        assertThatThrownBy(() -> ask(orchestrator, "first-alone"))
                .isInstanceOfSatisfying(
                        AllProvidersFailedException.class,
                        failure -> assertThat(failure.earliestRetry()).contains(Duration.ofSeconds(20)));
        time.advance(Duration.ofSeconds(20));
        assertServes(orchestrator, "first");
    }

    @Test
    void by_the_day_all_is_back_at_midnight_of_the_zone_by_the_wall_clock_alone() {
        Orchestrator orchestrator =
                open(QuotaSettings.builder().requestsPerDay(1).zone(ZoneId.of("Asia/Kolkata")));
        assertServes(orchestrator, "first");
        time.advance(Duration.ofHours(20));
        assertServes(orchestrator, "second");

        wall = Instant.parse("2026-11-24T18:29:59.999Z");
        assertThatThrownBy(() -> ask(orchestrator, "first-alone"))
                .isInstanceOfSatisfying(
                        AllProvidersFailedException.class,
                        failure -> assertThat(failure.earliestRetry()).contains(Duration.ofMillis(1)));
        wall = Instant.parse("2026-11-24T18:30:00Z");
        assertServes(orchestrator, "first");
        assertServes(orchestrator, "second");
    }

    // ---- Tokens

    @Test
    void a_call_that_is_too_large_for_what_is_left_goes_elsewhere_and_a_smaller_one_does_not() {
        Orchestrator orchestrator = open(QuotaSettings.builder().tokensPerMinute(300));
        assertServes(orchestrator, "first");
        // 42 are used, and a call may need 19 for the question.
        ChatResponse large = orchestrator.chat(request(240));
        assertThat(large.provider()).isEqualTo("second");
        assertThat(large.trail().steps().get(0))
                .isEqualTo(skipped("quota: 258 of 300 tokens per minute are left, and the call may need 259", MINUTE));
        ChatResponse smaller = orchestrator.chat(request(239));
        assertThat(smaller.provider()).isEqualTo("first");
    }

    @Test
    void a_call_that_is_larger_than_the_limit_is_served_while_nothing_is_used() {
        Orchestrator orchestrator = open(QuotaSettings.builder().tokensPerMinute(300));
        assertThat(orchestrator.chat(request(5_000)).provider()).isEqualTo("first");
        ChatResponse another = orchestrator.chat(request(5_000));
        assertThat(another.provider()).isEqualTo("second");
        assertThat(another.trail().steps().get(0))
                .isEqualTo(skipped("quota: 258 of 300 tokens per minute are left, and the call may need 300", MINUTE));
        time.advance(MINUTE);
        assertThat(orchestrator.chat(request(5_000)).provider()).isEqualTo("first");
    }

    /** Time that passes by itself where a call waits. */
    private TimeSource passing() {
        return new TimeSource() {
            @Override
            public long nanoTime() {
                return time.nanoTime();
            }

            @Override
            public boolean await(CountDownLatch signal, long nanos) throws InterruptedException {
                time.advance(Duration.ofNanos(nanos));
                return time.await(signal, 0);
            }

            @Override
            public Timer schedule(long nanos, Runnable task) {
                return time.schedule(nanos, task);
            }
        };
    }

    @ParameterizedTest
    @CsvSource({"9, true", "11, false"})
    void a_provider_is_waited_for_if_its_quota_is_back_by_then(int quotaIsBackAfter, boolean answered) {
        RateLimit nothingLeft = new RateLimit(
                "requests",
                Optional.of(Duration.ofMinutes(1)),
                OptionalLong.of(10),
                OptionalLong.of(0),
                Optional.of(Duration.ofSeconds(quotaIsBackAfter)));
        AtomicBoolean limited = new AtomicBoolean(true);
        Script once = new Script((cancellation, sink) -> {
            if (limited.getAndSet(false)) {
                sink.event(new ChatEvent.Limited(List.of(nothingLeft)));
                throw ProviderException.builder(FailureKind.RATE_LIMITED, "slow down")
                        .retryAfter(Duration.ofSeconds(10))
                        .build();
            }
            Script.say(sink, "fine");
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        });
        try (Orchestrator alone = Orchestrator.builder()
                .timeSource(passing())
                .drainTimeout(Duration.ZERO)
                .provider(
                        "first",
                        p -> p.chatProvider(once)
                                .quota(QuotaSettings.builder()
                                        .requestsPerMinute(10)
                                        .build()))
                .build()) {
            if (answered) {
                assertThat(alone.chat(request(100)).text()).isEqualTo("fine");
                assertThat(time.nanoTime()).isEqualTo(Duration.ofSeconds(10).toNanos());
            } else {
                assertThatThrownBy(() -> alone.chat(request(100)))
                        .isInstanceOf(AllProvidersFailedException.class)
                        .hasMessageContaining("not asked again: quota used up");
                assertThat(time.nanoTime()).isZero();
            }
        }
    }

    @Test
    void of_two_limits_in_the_way_the_trail_names_the_one_that_lasts_longer() {
        Orchestrator orchestrator = open(
                QuotaSettings.builder().requestsPerMinute(1).requestsPerDay(1).tokensPerMinute(120));
        ask(orchestrator, "first-alone");
        assertThatThrownBy(() -> ask(orchestrator, "first-alone"))
                .isInstanceOfSatisfying(
                        AllProvidersFailedException.class,
                        failure -> assertThat(failure.trail().steps())
                                .containsExactly(skipped("quota used up: 1 request per day", Duration.ofHours(12))));
    }
}
