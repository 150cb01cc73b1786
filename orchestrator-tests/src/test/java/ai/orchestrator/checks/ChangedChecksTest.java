package ai.orchestrator.checks;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorSettings;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.ProviderStatus;
import ai.orchestrator.health.HealthCheck;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.testkit.ManualTimeSource;
import java.time.Duration;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** G6: free checks follow the configuration. */
@Timeout(60)
class ChangedChecksTest {

    private static final Duration INTERVAL = Duration.ofSeconds(60);

    private final ObservedTime time = new ObservedTime();
    private final ManualTimeSource manual = time.manual;
    private final CheckedProvider first = new CheckedProvider();
    private final CheckedProvider second = new CheckedProvider();
    private final Orchestrator orchestrator =
            with(first).healthChecks(true).timeSource(time).build();

    @AfterEach
    void nothing_is_left() {
        orchestrator.close();
        assertThat(manual.pendingTimers()).isZero();
    }

    private static Orchestrator.Builder with(CheckedProvider... providers) {
        Orchestrator.Builder builder = Orchestrator.builder().drainTimeout(Duration.ZERO);
        for (int i = 0; i < providers.length; i++) {
            builder.provider(
                    ProviderSettings.builder("p" + i).chatProvider(providers[i]).build());
        }
        return builder;
    }

    private void reload(UnaryOperator<Orchestrator.Builder> change, CheckedProvider... providers) {
        orchestrator.reconfigure(
                change.apply(with(providers).healthChecks(true)).settings());
    }

    @Test
    void a_new_one_is_checked_at_once_and_the_others_keep_their_rhythm() {
        first.awaitCheck();
        time.awaitScheduled(INTERVAL);
        manual.advance(Duration.ofSeconds(20));
        reload(builder -> builder, first, second);
        second.awaitCheck();
        time.awaitScheduled(INTERVAL);
        assertThat(first.checks()).isEqualTo(1);

        manual.advance(Duration.ofSeconds(40));
        first.awaitCheck();
        time.awaitScheduled(INTERVAL);
        assertThat(second.checks()).isEqualTo(1);
        manual.advance(Duration.ofSeconds(20));
        second.awaitCheck();
        time.awaitScheduled(INTERVAL);
        assertThat(first.checks()).isEqualTo(2);
    }

    @Test
    void one_that_was_removed_is_not_checked_any_more() {
        first.awaitCheck();
        time.awaitScheduled(INTERVAL);
        reload(builder -> builder, second);
        second.awaitCheck();
        time.awaitScheduled(INTERVAL);
        manual.advance(INTERVAL);
        second.awaitCheck();
        time.awaitScheduled(INTERVAL);
        assertThat(first.checks()).isEqualTo(1);
        assertThat(manual.pendingTimers()).isEqualTo(1);
    }

    @Test
    void they_go_off_and_on() {
        first.awaitCheck();
        time.awaitScheduled(INTERVAL);
        reload(builder -> builder.healthChecks(false), first);
        assertThat(manual.pendingTimers()).isZero();
        manual.advance(Duration.ofHours(1));
        assertThat(first.checks()).isEqualTo(1);

        reload(builder -> builder, first);
        first.awaitCheck();
        time.awaitScheduled(INTERVAL);
        manual.advance(INTERVAL);
        first.awaitCheck();
        time.awaitScheduled(INTERVAL);
        assertThat(first.checks()).isEqualTo(3);
    }

    @Test
    void going_off_and_on_while_a_check_is_under_way_makes_no_second_rhythm() {
        first.awaitCheck();
        time.awaitScheduled(INTERVAL);
        first.thenIsSilent();
        manual.advance(INTERVAL);
        first.awaitCheck();
        reload(builder -> builder.healthChecks(false), first);
        reload(builder -> builder, first);
        manual.advance(Duration.ofSeconds(5));
        time.awaitScheduled(INTERVAL);
        manual.advance(INTERVAL);
        first.awaitCheck();
        time.awaitScheduled(INTERVAL);
        assertThat(first.checks()).isEqualTo(3);
        assertThat(manual.pendingTimers()).isEqualTo(1);
    }

    @Test
    void another_interval_counts_from_the_end_of_the_last_check() {
        first.awaitCheck();
        time.awaitScheduled(INTERVAL);
        manual.advance(Duration.ofSeconds(10));
        reload(builder -> builder.healthCheckInterval(Duration.ofSeconds(15)), first);
        manual.advance(Duration.ofSeconds(5).minusNanos(1));
        assertThat(first.checks()).isEqualTo(1);
        manual.advance(Duration.ofNanos(1));
        first.awaitCheck();
        time.awaitScheduled(Duration.ofSeconds(15));
        manual.advance(Duration.ofSeconds(12));
        reload(builder -> builder.healthCheckInterval(Duration.ofSeconds(5)), first);
        manual.advance(Duration.ZERO);
        first.awaitCheck();
        time.awaitScheduled(Duration.ofSeconds(5));
    }

    @Test
    void what_the_last_one_has_shown_stays_and_another_timeout_holds_for_the_next() {
        first.awaitCheck();
        time.awaitScheduled(INTERVAL);
        first.thenIsSilent();
        reload(builder -> builder.healthCheckTimeout(Duration.ofSeconds(2)), first);
        ProviderStatus status = orchestrator.status().providers().get(0);
        assertThat(status.lastCheck()).map(HealthCheck::outcome).contains(HealthCheck.Outcome.OK);

        manual.advance(INTERVAL);
        first.awaitCheck();
        manual.advance(Duration.ofSeconds(2));
        time.awaitScheduled(INTERVAL);
        assertThat(orchestrator.status().providers().get(0).lastCheck())
                .hasValueSatisfying(check -> assertThat(check.failure()).contains(FailureKind.TIMEOUT));
        assertThat(orchestrator.status().providers().get(0).deprioritized()).isTrue();
    }

    @Test
    void when_they_go_off_a_failed_one_puts_nobody_last_any_more() {
        first.awaitCheck();
        time.awaitScheduled(INTERVAL);
        first.thenFails(FailureKind.SERVER, "scripted");
        manual.advance(INTERVAL);
        first.awaitCheck();
        time.awaitScheduled(INTERVAL);
        assertThat(orchestrator.status().providers().get(0).deprioritized()).isTrue();
        reload(builder -> builder.healthChecks(false), first);
        assertThat(orchestrator.status().providers().get(0).deprioritized()).isFalse();
    }

    @Test
    void one_that_fails_after_they_went_off_puts_nobody_last() {
        first.awaitCheck();
        time.awaitScheduled(INTERVAL);
        first.thenIsSilent();
        manual.advance(INTERVAL);
        first.awaitCheck();
        reload(builder -> builder.healthChecks(false), first);
        manual.advance(Duration.ofSeconds(5));
        ProviderStatus status;
        do {
            Thread.onSpinWait();
            status = orchestrator.status().providers().get(0);
        } while (status.deprioritized()
                || status.lastCheck().flatMap(HealthCheck::failure).isEmpty());
        assertThat(manual.pendingTimers()).isZero();
    }

    @Test
    void one_that_is_disabled_and_enabled_again_is_still_checked_once_at_a_time() {
        first.awaitCheck();
        time.awaitScheduled(INTERVAL);
        reload(builder -> builder, first, second);
        second.awaitCheck();
        time.awaitScheduled(INTERVAL);
        first.thenIsSilent();
        manual.advance(INTERVAL);
        first.awaitCheck();
        second.awaitCheck();
        time.awaitScheduled(INTERVAL);
        OrchestratorSettings present = orchestrator.settings();
        Orchestrator.Builder without = Orchestrator.builder().healthChecks(true);
        present.providers()
                .forEach(provider -> without.provider(provider.toBuilder()
                        .enabled(!provider.name().equals("p0"))
                        .build()));
        orchestrator.reconfigure(without.settings());
        orchestrator.reconfigure(present);

        manual.advance(Duration.ofSeconds(5));
        time.awaitScheduled(INTERVAL);
        assertThat(first.checks()).isEqualTo(2);
        assertThat(first.mostAtOnce()).isEqualTo(1);
    }
}
