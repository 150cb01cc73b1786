package ai.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import io.github.resilience4j.retry.Retry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

class ProviderRetryTest {

    private static final DoubleSupplier LONGEST = always(0);
    private static final DoubleSupplier SHORTEST = always(Math.nextDown(1.0));

    private static DoubleSupplier always(double random) {
        return () -> random;
    }

    private static RetrySettings.Builder settings() {
        return RetrySettings.builder()
                .maxAttempts(100)
                .backoff(Duration.ofMillis(500))
                .maxBackoff(Duration.ofSeconds(10));
    }

    private static Retry.AsyncContext<ChatResponse.Builder> begin(RetrySettings settings, DoubleSupplier random) {
        return new ProviderRetry("provider", settings, random).begin();
    }

    private static List<Long> waits(RetrySettings settings, DoubleSupplier random, int count) {
        Retry.AsyncContext<ChatResponse.Builder> retry = begin(settings, random);
        List<Long> waits = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            waits.add(retry.onError(ProviderException.of(FailureKind.NETWORK, "reset")));
        }
        return waits;
    }

    private static long waitAfterHint(RetrySettings settings, Duration hint) {
        return begin(settings, LONGEST)
                .onError(ProviderException.builder(FailureKind.RATE_LIMITED, "slow down")
                        .retryAfter(hint)
                        .build());
    }

    @Test
    void the_wait_doubles_up_to_the_longest() {
        assertThat(waits(settings().build(), LONGEST, 8))
                .containsExactly(500L, 1_000L, 2_000L, 4_000L, 8_000L, 10_000L, 10_000L, 10_000L);
    }

    @Test
    void chance_shortens_the_wait_by_up_to_half() {
        // Rounded up to a millisecond.
        assertThat(waits(settings().build(), SHORTEST, 7))
                .containsExactly(251L, 501L, 1_001L, 2_001L, 4_001L, 5_001L, 5_001L);
        assertThat(waits(settings().build(), always(0.5), 3)).containsExactly(375L, 750L, 1_500L);
    }

    @Test
    void every_wait_is_between_half_and_the_whole() {
        Random random = new Random(42);
        List<Long> whole = waits(settings().build(), LONGEST, 6);
        for (int round = 0; round < 1_000; round++) {
            List<Long> waits = waits(settings().build(), random::nextDouble, 6);
            for (int i = 0; i < waits.size(); i++) {
                assertThat(waits.get(i)).isBetween(whole.get(i) / 2, whole.get(i));
            }
        }
    }

    @Test
    void the_hundredth_attempt_overflows_nothing() {
        assertThat(waits(settings().build(), LONGEST, 99).get(98)).isEqualTo(10_000);
        RetrySettings longest = settings()
                .backoff(Duration.ofDays(365))
                .maxBackoff(Duration.ofDays(365))
                .build();
        assertThat(waits(longest, LONGEST, 99).get(98))
                .isEqualTo(Duration.ofDays(365).toMillis());
    }

    @Test
    void a_backoff_above_the_longest_is_cut() {
        RetrySettings settings = settings()
                .backoff(Duration.ofSeconds(9))
                .maxBackoff(Duration.ofSeconds(2))
                .build();
        assertThat(waits(settings, LONGEST, 2)).containsExactly(2_000L, 2_000L);
    }

    @Test
    void a_backoff_of_zero_does_not_wait() {
        assertThat(waits(settings().backoff(Duration.ZERO).build(), LONGEST, 3)).containsExactly(0L, 0L, 0L);
        assertThat(waits(settings().maxBackoff(Duration.ZERO).build(), LONGEST, 3))
                .containsExactly(0L, 0L, 0L);
    }

    // ---- Hints

    @Test
    void a_hint_is_never_undercut() {
        assertThat(waitAfterHint(settings().build(), Duration.ofSeconds(7))).isEqualTo(7_000);
        assertThat(waitAfterHint(settings().build(), Duration.ofSeconds(70))).isEqualTo(70_000);
    }

    @Test
    void a_hint_is_rounded_up_to_a_millisecond() {
        assertThat(waitAfterHint(settings().build(), Duration.ofSeconds(7).plusNanos(1)))
                .isEqualTo(7_001);
        assertThat(waitAfterHint(settings().build(), Duration.ofSeconds(8).minusNanos(1)))
                .isEqualTo(8_000);
    }

    @Test
    void a_hint_shorter_than_the_backoff_does_not_shorten_it() {
        assertThat(waitAfterHint(settings().build(), Duration.ZERO)).isEqualTo(500);
        assertThat(waitAfterHint(settings().build(), Duration.ofMillis(499))).isEqualTo(500);
    }

    @Test
    void a_hint_over_the_cap_is_cut_to_it() {
        RetrySettings settings = settings().retryAfterCap(Duration.ofMinutes(5)).build();
        assertThat(waitAfterHint(settings, Duration.ofMinutes(5))).isEqualTo(300_000);
        assertThat(waitAfterHint(settings, Duration.ofMinutes(6))).isEqualTo(300_000);
        assertThat(waitAfterHint(settings, Duration.ofSeconds(Long.MAX_VALUE))).isEqualTo(300_000);
    }

    // ---- Attempts

    @Test
    void there_is_no_further_attempt_once_they_are_used_up() {
        assertThat(waits(settings().maxAttempts(3).build(), LONGEST, 4)).containsExactly(500L, 1_000L, -1L, -1L);
    }

    @Test
    void one_attempt_means_no_retry() {
        assertThat(waits(settings().maxAttempts(1).build(), LONGEST, 1)).containsExactly(-1L);
    }

    @Test
    void the_default_is_two_attempts() {
        assertThat(waits(RetrySettings.defaults(), LONGEST, 2)).containsExactly(500L, -1L);
    }

    @Test
    void calls_do_not_use_up_each_others_attempts() {
        ProviderRetry retry =
                new ProviderRetry("provider", settings().maxAttempts(2).build(), LONGEST);
        ProviderException failure = ProviderException.of(FailureKind.NETWORK, "reset");
        Retry.AsyncContext<ChatResponse.Builder> first = retry.begin();
        Retry.AsyncContext<ChatResponse.Builder> second = retry.begin();
        assertThat(first.onError(failure)).isEqualTo(500);
        assertThat(second.onError(failure)).isEqualTo(500);
        assertThat(first.onError(failure)).isEqualTo(-1);
        assertThat(second.onError(failure)).isEqualTo(-1);
    }

    @ParameterizedTest
    @EnumSource(
            mode = Mode.EXCLUDE,
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
    void what_does_not_get_better_is_not_tried_again(FailureKind kind) {
        assertThat(begin(settings().build(), LONGEST).onError(ProviderException.of(kind, "failed")))
                .isEqualTo(-1);
    }

    @Test
    void silence_is_not_tried_again_but_a_connection_that_did_not_come_is() {
        assertThat(begin(settings().build(), LONGEST).onError(ProviderException.of(FailureKind.TIMEOUT, "silent")))
                .isEqualTo(-1);
        assertThat(begin(settings().build(), LONGEST)
                        .onError(ProviderException.builder(FailureKind.TIMEOUT, "no connection")
                                .mayHaveBeenProcessed(false)
                                .build()))
                .isEqualTo(500);
    }

    @Test
    void what_no_provider_throws_is_not_tried_again() {
        assertThat(begin(settings().build(), LONGEST).onError(new IllegalStateException("a bug")))
                .isEqualTo(-1);
    }
}
