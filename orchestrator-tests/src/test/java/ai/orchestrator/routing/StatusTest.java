package ai.orchestrator.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import ai.orchestrator.CallCancelledException;
import ai.orchestrator.CallOptions;
import ai.orchestrator.OrchestratorStatus;
import ai.orchestrator.ProviderStatus;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.health.ProviderHealth;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.time.Deadline;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is known of a provider: what its attempts came to lately, and all of it in one look. */
@Timeout(60)
class StatusTest {

    private static final Duration SLOT = Duration.ofSeconds(30);
    private static final Duration NANO = Duration.ofNanos(1);

    /** What says nothing of the provider. */
    private static final Set<FailureKind> NOT_ITS_FAULT = EnumSet.of(
            FailureKind.BAD_REQUEST, FailureKind.CONTEXT_TOO_LONG, FailureKind.CONTENT_FILTERED, FailureKind.CANCELLED);

    private static ProviderStatus status(Fleet fleet, String name) {
        return fleet.orchestrator().status().providers().stream()
                .filter(provider -> provider.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static ProviderHealth health(Fleet fleet) {
        return status(fleet, "a").health();
    }

    // ---- Health

    @Test
    void an_attempt_counts_for_five_minutes_and_at_most_half_a_minute_longer() {
        for (Duration start : new Duration[] {Duration.ZERO, SLOT.minus(NANO), Duration.ofSeconds(17)}) {
            try (Fleet fleet = Fleet.of("a").eachAlone()) {
                fleet.orchestrator();
                fleet.time.advance(start);
                fleet.past("a", 1, 1, Duration.ZERO);
                ProviderHealth one = new ProviderHealth(2, 1, Optional.of(Duration.ZERO));
                assertThat(health(fleet)).isEqualTo(one);
                fleet.time.advance(ProviderHealth.WINDOW);
                assertThat(health(fleet)).as("five minutes after %s", start).isEqualTo(one);
                fleet.time.advance(SLOT);
                assertThat(health(fleet)).isSameAs(ProviderHealth.UNKNOWN);
            }
        }
    }

    @Test
    void attempts_are_forgotten_one_half_minute_after_the_other() {
        try (Fleet fleet = Fleet.of("a").eachAlone()) {
            for (int i = 1; i <= 40; i++) {
                fleet.past("a", 0, i, Duration.ZERO);
                int first = Math.max(1, i - 10);
                long expected = (long) (first + i) * (i - first + 1) / 2;
                assertThat(health(fleet).attempts())
                        .as("those of the slots %s to %s", first, i)
                        .isEqualTo(expected);
                fleet.time.advance(SLOT);
            }
            fleet.time.advance(Duration.ofDays(365));
            assertThat(health(fleet)).isSameAs(ProviderHealth.UNKNOWN);
            fleet.past("a", 0, 3, Duration.ZERO);
            assertThat(health(fleet).attempts()).isEqualTo(3);
        }
    }

    @Test
    void latency_is_the_mean_of_the_answers_to_their_ends() {
        try (Fleet fleet = Fleet.of("a").eachAlone()) {
            fleet.past("a", 0, 2, Duration.ofMillis(100));
            fleet.past("a", 3, 0, Duration.ofSeconds(9));
            fleet.past("a", 0, 1, Duration.ofMillis(400));
            assertThat(health(fleet)).isEqualTo(new ProviderHealth(6, 3, Optional.of(Duration.ofMillis(200))));
            assertThat(health(fleet).successRate()).isEqualTo(0.5);
            assertThat(health(fleet).responseTimeScore()).isEqualTo(0.98);
        }
    }

    @ParameterizedTest
    @EnumSource
    void a_failure_counts_unless_the_request_is_at_fault(FailureKind kind) {
        try (Fleet fleet = Fleet.of("a")) {
            fleet.fails("a", kind);
            assertThat(catchThrowable(fleet::ask)).isNotNull();
            boolean counts = !NOT_ITS_FAULT.contains(kind);
            assertThat(health(fleet).attempts()).isEqualTo(counts ? 1 : 0);
            assertThat(health(fleet).successRate()).isEqualTo(counts ? 0 : 1);
            assertThat(status(fleet, "a").attempts())
                    .isEqualTo(
                            kind == FailureKind.CANCELLED
                                    ? new ProviderStatus.Attempts(0, 0, 1, 0)
                                    : new ProviderStatus.Attempts(0, 1, 0, 0));
        }
    }

    @Test
    void a_call_that_its_caller_cancels_says_nothing_of_the_provider() {
        Cancellation cancellation = new Cancellation();
        try (Fleet fleet = Fleet.of("a", "b")) {
            fleet.fails("a", Fleet.SICK);
            // While it is being asked.
            fleet.time.schedule(Duration.ofSeconds(1).toNanos(), cancellation::cancel);
            fleet.slow("a", Duration.ofSeconds(2));
            assertThat(catchThrowable(() -> fleet.orchestrator()
                            .chat(Fleet.REQUEST, CallOptions.defaults().withCancellation(cancellation))))
                    .hasMessageContaining("cancelled");
            assertThat(health(fleet)).isSameAs(ProviderHealth.UNKNOWN);
            assertThat(status(fleet, "a").attempts()).isEqualTo(new ProviderStatus.Attempts(0, 0, 1, 0));
            assertThat(status(fleet, "b").attempts()).isEqualTo(new ProviderStatus.Attempts(0, 0, 0, 0));
        }
    }

    // ---- All in one look

    @Test
    void a_status_shows_everything_that_is_known_of_a_provider() {
        Instant noon = Instant.parse("2026-06-01T12:00:00Z");
        try (Fleet fleet = new Fleet()
                .set(builder -> builder.instantSource(() -> noon)
                        .strategy(StandardStrategy.WEIGHTED)
                        .route(
                                "odd",
                                route -> route.providers("b").strategy(new RoutingStrategy() {
                                    @Override
                                    public double rank(ProviderSnapshot provider, RoutingContext call) {
                                        return 0;
                                    }

                                    @Override
                                    public String toString() {
                                        return "by-moon";
                                    }
                                })))
                .with("b", p -> p.priority(2).weight(5))
                .with("a", p -> p.priority(1).enabled(false))) {
            fleet.slow("b", Duration.ofSeconds(1));
            fleet.served(3);
            fleet.fails("b", FailureKind.RATE_LIMITED);
            assertThat(catchThrowable(fleet::ask)).isNotNull();

            OrchestratorStatus status = fleet.orchestrator().status();
            assertThat(status.at()).isEqualTo(noon);
            assertThat(status.routes())
                    .extracting(OrchestratorStatus.Route::strategy)
                    .containsExactly("weighted", "by-moon");
            assertThat(status.providers()).extracting(ProviderStatus::name).containsExactly("b", "a");
            ProviderStatus b = status.providers().get(0);
            assertThat(b.type()).isEmpty();
            assertThat(b.model()).isEmpty();
            assertThat(b.enabled()).isTrue();
            assertThat(b.priority()).isEqualTo(2);
            assertThat(b.weight()).isEqualTo(5);
            assertThat(b.circuitBreaker().state()).isEqualTo(CircuitState.CLOSED);
            assertThat(b.health()).isEqualTo(new ProviderHealth(4, 3, Optional.of(Duration.ofSeconds(1))));
            assertThat(b.score()).isEqualTo(b.health().score(1)).isEqualTo(0.4 * 0.75 + 0.3 + 0.3 * 0.9);
            assertThat(b.quotaLeft()).isEqualTo(1);
            assertThat(b.deprioritized()).isFalse();
            assertThat(b.parked()).contains(new ProviderStatus.Parked(FailureKind.RATE_LIMITED, Duration.ofSeconds(1)));
            assertThat(b.attempts()).isEqualTo(new ProviderStatus.Attempts(3, 1, 0, 0));
            ProviderStatus a = status.providers().get(1);
            assertThat(a.enabled()).isFalse();
            assertThat(a.health()).isSameAs(ProviderHealth.UNKNOWN);
            assertThat(a.score()).isEqualTo(1);
            assertThat(a.parked()).isEmpty();

            fleet.orchestrator().close();
            assertThat(fleet.orchestrator().status()).isEqualTo(status);
        }
    }

    @Test
    void looking_moves_nothing() {
        try (Fleet fleet = Fleet.of("a")) {
            for (int i = 0; i < 5; i++) {
                fleet.orchestrator().circuitBreaker("a").recordFailure();
            }
            fleet.time.advance(Duration.ofSeconds(60));
            OrchestratorStatus before = fleet.orchestrator().status();
            assertThat(fleet.orchestrator().status().providers()).isEqualTo(before.providers());
            assertThat(fleet.orchestrator().circuitBreaker("a").state()).isEqualTo(CircuitState.OPEN);
            assertThat(fleet.ask().provider()).as("the trial").isEqualTo("a");
        }
    }

    @Test
    void an_attempt_that_was_let_in_but_not_made_is_abandoned() {
        Cancellation cancellation = new Cancellation();
        // Asked at the last moment before the attempt.
        ChatProvider cancels = new ChatProvider() {
            @Override
            public Optional<String> unsupported(ChatRequest request) {
                cancellation.cancel();
                return Optional.empty();
            }

            @Override
            public void chat(
                    ChatRequest request, Delivery delivery, Deadline deadline, Cancellation given, EventSink sink) {
                throw new AssertionError("must not be asked");
            }
        };
        try (Fleet fleet = new Fleet().set(builder -> builder.provider("a", p -> p.chatProvider(cancels)))) {
            assertThat(catchThrowable(() -> fleet.orchestrator()
                            .chat(Fleet.REQUEST, CallOptions.defaults().withCancellation(cancellation))))
                    .isInstanceOf(CallCancelledException.class);
            assertThat(status(fleet, "a").attempts()).isEqualTo(new ProviderStatus.Attempts(0, 0, 1, 0));
        }
    }
}
