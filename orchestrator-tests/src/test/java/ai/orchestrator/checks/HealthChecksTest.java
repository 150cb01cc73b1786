package ai.orchestrator.checks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.CallCancelledException;
import ai.orchestrator.Explanation;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorStatus;
import ai.orchestrator.ProviderStatus;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.health.HealthCheck;
import ai.orchestrator.health.HealthCheck.Outcome;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.testkit.LogCapture;
import ai.orchestrator.testkit.ManualTimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Providers are asked something free: now and then, or when somebody wants to know. */
@Timeout(60)
class HealthChecksTest {

    private static final Duration INTERVAL = Duration.ofSeconds(60);
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final Instant NOW = Instant.parse("2026-11-24T12:00:00Z");

    private final ObservedTime time = new ObservedTime();
    private final ManualTimeSource manual = time.manual;
    private final CheckedProvider first = new CheckedProvider();
    private final CheckedProvider second = new CheckedProvider();

    @AfterEach
    void nothing_is_left() throws InterruptedException {
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().startsWith("orchestrator-check")) {
                thread.join(10_000);
                assertThat(thread.isAlive()).as(thread.getName()).isFalse();
            }
        }
        assertThat(manual.pendingTimers()).isZero();
    }

    private Orchestrator orchestrator(UnaryOperator<Orchestrator.Builder> settings) {
        return settings.apply(Orchestrator.builder()
                        .timeSource(time)
                        .instantSource(() -> NOW)
                        .provider("first", p -> p.chatProvider(first).priority(1))
                        .provider("second", p -> p.chatProvider(second).priority(2)))
                .build();
    }

    private Orchestrator unchecked() {
        return orchestrator(builder -> builder);
    }

    private Orchestrator checked() {
        return orchestrator(builder -> builder.healthChecks(true));
    }

    private static HealthCheck lastCheck(OrchestratorStatus status, int provider) {
        return status.providers().get(provider).lastCheck().orElseThrow();
    }

    private static List<String> order(Orchestrator orchestrator) {
        return orchestrator.explain(ChatRequest.of("hello")).candidates().stream()
                .map(Explanation.Candidate::provider)
                .toList();
    }

    // ---- When

    @Test
    void nothing_is_checked_unless_somebody_wants_it() {
        try (Orchestrator orchestrator = unchecked()) {
            manual.advance(Duration.ofHours(1));

            assertThat(orchestrator.status().providers())
                    .extracting(ProviderStatus::lastCheck)
                    .allMatch(Optional::isEmpty);
        }
        assertThat(first.checks()).isZero();
    }

    @Test
    void every_provider_is_checked_at_once_and_again_an_interval_after_its_check_ended() {
        first.then(cancellation -> {
            manual.advance(Duration.ofSeconds(3));
            return true;
        });
        try (Orchestrator orchestrator = orchestrator(builder -> builder.healthChecks(true)
                .provider("off", p -> p.chatProvider(second).enabled(false)))) {
            first.awaitCheck();
            second.awaitCheck();
            time.awaitScheduled(INTERVAL);
            time.awaitScheduled(INTERVAL);
            assertThat(first.checks()).isEqualTo(1);

            manual.advance(INTERVAL.minusSeconds(3).minusNanos(1));
            assertThat(first.checks()).isEqualTo(1);
            manual.advance(Duration.ofSeconds(3).plusNanos(1));
            first.awaitCheck();
            second.awaitCheck();
            time.awaitScheduled(INTERVAL);
            time.awaitScheduled(INTERVAL);

            assertThat(second.checks())
                    .as("the provider that is off is not asked")
                    .isEqualTo(2);
            assertThat(lastCheck(orchestrator.status(), 0).outcome()).isEqualTo(Outcome.OK);
        }
    }

    @Test
    void one_that_hangs_is_ended_at_its_limit_and_checked_again_later() {
        first.thenIsSilent();
        try (Orchestrator orchestrator = checked()) {
            first.awaitCheck();
            second.awaitCheck();
            time.awaitScheduled(INTERVAL);
            manual.advance(TIMEOUT);
            time.awaitScheduled(INTERVAL);

            HealthCheck check = lastCheck(orchestrator.status(), 0);
            assertThat(check.outcome()).isEqualTo(Outcome.FAILED);
            assertThat(check.failure()).hasValue(FailureKind.TIMEOUT);
            assertThat(check.reason()).isEqualTo("no answer within 5 s");
            assertThat(check.took()).isEqualTo(TIMEOUT);

            manual.advance(INTERVAL);
            first.awaitCheck();
            time.awaitScheduled(INTERVAL);
        }
    }

    @Test
    void checks_go_on_whatever_a_providers_own_code_throws() {
        first.then(cancellation -> {
            throw new StackOverflowError();
        });
        try (Orchestrator orchestrator = checked()) {
            first.awaitCheck();
            time.awaitScheduled(INTERVAL);
            time.awaitScheduled(INTERVAL);
            assertThat(lastCheck(orchestrator.status(), 0).reason()).contains("unexpected", "StackOverflowError");

            manual.advance(INTERVAL);
            first.awaitCheck();
            time.awaitScheduled(INTERVAL);
            time.awaitScheduled(INTERVAL);
            assertThat(lastCheck(orchestrator.status(), 0).outcome()).isEqualTo(Outcome.OK);
        }
    }

    @Test
    void closing_ends_a_check_that_is_under_way_and_it_counts_for_nothing() {
        first.thenIsSilent();
        Orchestrator orchestrator = checked();
        first.awaitCheck();
        second.awaitCheck();
        time.awaitScheduled(INTERVAL);

        orchestrator.close();

        assertThat(orchestrator.status().providers().get(0).lastCheck()).isEmpty();
        assertThatThrownBy(orchestrator::checkProviders).isInstanceOf(CallCancelledException.class);
    }

    // ---- Now

    @Test
    void all_are_checked_now_and_their_status_says_how_it_ended() {
        first.then(cancellation -> {
            manual.advance(Duration.ofMillis(40));
            return true;
        });
        second.then(cancellation -> false);
        try (Orchestrator orchestrator = unchecked()) {
            OrchestratorStatus status = orchestrator.checkProviders();

            assertThat(lastCheck(status, 0).outcome()).isEqualTo(Outcome.OK);
            assertThat(lastCheck(status, 0).took()).isEqualTo(Duration.ofMillis(40));
            assertThat(lastCheck(status, 0).at()).isEqualTo(NOW);
            assertThat(lastCheck(status, 1).outcome()).isEqualTo(Outcome.NOT_AVAILABLE);

            manual.advance(Duration.ofSeconds(7));
            assertThat(lastCheck(orchestrator.status(), 0).age()).isEqualTo(Duration.ofSeconds(7));
        }
    }

    @Test
    void who_wants_to_know_now_waits_for_the_check_that_is_under_way() {
        CompletableFuture<Boolean> gate = new CompletableFuture<>();
        first.then(cancellation -> gate.join());
        try (Orchestrator orchestrator = checked()) {
            first.awaitCheck();
            CompletableFuture<OrchestratorStatus> status = CompletableFuture.supplyAsync(orchestrator::checkProviders);
            time.awaitScheduled(TIMEOUT.plusSeconds(1));
            gate.complete(true);

            assertThat(lastCheck(status.join(), 0).outcome()).isEqualTo(Outcome.OK);
            assertThat(first.checks()).isEqualTo(1);
            assertThat(first.mostAtOnce()).isEqualTo(1);
        }
    }

    @Test
    void one_that_does_not_heed_its_end_keeps_nobody_waiting() {
        CompletableFuture<Boolean> gate = new CompletableFuture<>();
        first.then(cancellation -> gate.join());
        try (Orchestrator orchestrator = unchecked()) {
            CompletableFuture<OrchestratorStatus> status = CompletableFuture.supplyAsync(orchestrator::checkProviders);
            first.awaitCheck();
            second.awaitCheck();
            time.awaitScheduled(TIMEOUT.plusSeconds(1));
            manual.awaitTimers(2);
            manual.advance(TIMEOUT.plusSeconds(1));

            assertThat(status.join().providers().get(0).lastCheck()).isEmpty();
            gate.complete(true);
        }
    }

    // ---- What follows

    @Test
    void one_that_fails_its_check_is_asked_after_the_others_until_a_check_succeeds() {
        first.thenFails(FailureKind.NETWORK, "refused").thenFails(FailureKind.NETWORK, "refused");
        try (Orchestrator orchestrator = unchecked()) {
            OrchestratorStatus status = orchestrator.checkProviders();
            assertThat(order(orchestrator)).containsExactly("second", "first");
            assertThat(status.providers().get(0).deprioritized()).isTrue();
            assertThat(lastCheck(status, 0).failure()).hasValue(FailureKind.NETWORK);
            assertThat(lastCheck(status, 0).reason()).isEqualTo("refused");

            orchestrator.checkProviders();
            assertThat(order(orchestrator)).containsExactly("second", "first");

            orchestrator.checkProviders();
            assertThat(order(orchestrator)).containsExactly("first", "second");
        }
    }

    @Test
    void an_answer_to_a_call_says_more_than_a_failed_check() {
        first.thenFails(FailureKind.PERMISSION, "this key may not list models");
        second.thenFails(FailureKind.NETWORK, "refused");
        try (Orchestrator orchestrator = unchecked()) {
            orchestrator.checkProviders();
            assertThat(orchestrator.chat("hello").provider()).isEqualTo("first");

            assertThat(orchestrator.status().providers())
                    .extracting(ProviderStatus::deprioritized)
                    .containsExactly(false, true);
            assertThat(lastCheck(orchestrator.status(), 0).outcome()).isEqualTo(Outcome.FAILED);
        }
    }

    @Test
    void a_check_moves_neither_breaker_nor_parking_and_counts_as_no_attempt() {
        for (int i = 0; i < 10; i++) {
            first.thenFails(i % 2 == 0 ? FailureKind.SERVER : FailureKind.RATE_LIMITED, "no");
        }
        try (Orchestrator orchestrator = unchecked()) {
            OrchestratorStatus status = orchestrator.status();
            for (int i = 0; i < 10; i++) {
                status = orchestrator.checkProviders();
            }
            ProviderStatus provider = status.providers().get(0);

            assertThat(provider.circuitBreaker().state()).isEqualTo(CircuitState.CLOSED);
            assertThat(provider.circuitBreaker().failureCount()).isZero();
            assertThat(provider.parked()).isEmpty();
            assertThat(provider.health().attempts()).isZero();
            assertThat(provider.attempts()).isEqualTo(new ProviderStatus.Attempts(0, 0, 0, 0));
        }
    }

    @Test
    void nothing_to_ask_for_free_is_held_against_nobody() {
        first.then(cancellation -> false);
        try (Orchestrator orchestrator = unchecked()) {
            orchestrator.checkProviders();

            assertThat(order(orchestrator)).containsExactly("first", "second");
        }
    }

    @Test
    void the_log_tells_when_checks_begin_to_fail_and_when_they_no_longer_do() {
        first.thenFails(FailureKind.NETWORK, "refused")
                .thenFails(FailureKind.TIMEOUT, "slow")
                .thenFails(FailureKind.CREDENTIAL, "401: bad key")
                .thenFails(FailureKind.CREDENTIAL, "401: bad key");
        try (LogCapture log = LogCapture.of(Orchestrator.class);
                Orchestrator orchestrator = unchecked()) {
            for (int i = 0; i < 6; i++) {
                orchestrator.checkProviders();
            }

            assertThat(log.lines())
                    .filteredOn(line -> !line.startsWith("DEBUG"))
                    .containsExactly(
                            "WARN Provider 'first' fails its checks: NETWORK refused",
                            "ERROR The configuration of provider 'first' needs a look: a check failed: 401: bad key",
                            "INFO Provider 'first' no longer fails its checks");
        }
    }

    // ---- Settings

    @Test
    void intervals_and_limits_out_of_range_are_refused_by_name() {
        assertThatThrownBy(() -> Orchestrator.builder().healthCheckInterval(Duration.ofMillis(999)))
                .hasMessage("healthCheckInterval must be 1 second to 365 days but is PT0.999S");
        assertThatThrownBy(() -> Orchestrator.builder().healthCheckTimeout(Duration.ZERO))
                .hasMessage("healthCheckTimeout must be 1 millisecond to 365 days but is PT0S");
    }

    @Test
    void interval_and_limit_can_be_set() {
        first.thenIsSilent();
        try (Orchestrator orchestrator = orchestrator(builder -> builder.healthChecks(true)
                .healthCheckInterval(Duration.ofSeconds(7))
                .healthCheckTimeout(Duration.ofSeconds(2)))) {
            first.awaitCheck();
            time.awaitScheduled(Duration.ofSeconds(7));
            manual.advance(Duration.ofSeconds(2));
            time.awaitScheduled(Duration.ofSeconds(7));

            assertThat(lastCheck(orchestrator.status(), 0).reason()).isEqualTo("no answer within 2 s");
        }
    }
}
