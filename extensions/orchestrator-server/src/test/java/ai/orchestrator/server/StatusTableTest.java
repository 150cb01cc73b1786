package ai.orchestrator.server;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.OrchestratorStatus;
import ai.orchestrator.ProviderStatus;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.breaker.CircuitBreakerStatus;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.health.HealthCheck;
import ai.orchestrator.health.HealthCheck.Outcome;
import ai.orchestrator.health.ProviderHealth;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.quota.QuotaStatus;
import ai.orchestrator.quota.QuotaUnit;
import ai.orchestrator.quota.QuotaWindow;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StatusTableTest {

    private static final Instant NOW = Instant.parse("2026-11-24T12:00:00Z");

    /** A provider that has not been asked, but for what a test sets. */
    private static final class Provider {

        private final String name;
        private String model = "m";
        private boolean enabled = true;
        private int weight = 1;
        private CircuitState state = CircuitState.CLOSED;
        private int failures;
        private Optional<Duration> opens = Optional.empty();
        private ProviderHealth health = ProviderHealth.UNKNOWN;
        private double quotaLeft = 1;
        private boolean deprioritized;
        private Optional<ProviderStatus.Parked> parked = Optional.empty();
        private Optional<HealthCheck> check = Optional.empty();
        private ProviderStatus.Attempts attempts = new ProviderStatus.Attempts(0, 0, 0, 0);

        private Provider(String name) {
            this.name = name;
        }

        private Provider check(Outcome outcome, FailureKind kind, String reason) {
            check = Optional.of(new HealthCheck(
                    outcome,
                    outcome == Outcome.FAILED ? Optional.of(kind) : Optional.empty(),
                    reason,
                    NOW,
                    Duration.ofMillis(45),
                    Duration.ofMillis(3_900)));
            return this;
        }

        private ProviderStatus status() {
            CircuitBreakerSettings settings =
                    CircuitBreakerSettings.builder().successThreshold(3).build();
            return new ProviderStatus(
                    name,
                    Optional.of("openai"),
                    Optional.of(model),
                    enabled,
                    1,
                    weight,
                    new CircuitBreakerStatus(
                            name,
                            state,
                            failures,
                            state == CircuitState.HALF_OPEN ? 2 : 0,
                            settings,
                            Optional.empty(),
                            Optional.empty(),
                            Optional.empty(),
                            opens),
                    health,
                    health.score(quotaLeft),
                    quotaLeft < 1
                            ? List.of(new QuotaStatus(
                                    QuotaUnit.REQUESTS, QuotaWindow.DAY, 100, 1, 1, Duration.ofHours(1)))
                            : List.of(),
                    quotaLeft,
                    deprioritized,
                    parked,
                    check,
                    attempts);
        }
    }

    private final Provider provider = new Provider("p");

    private static List<String> lines(boolean colours, Provider... providers) {
        List<String> asked = Arrays.stream(providers)
                .filter(provider -> provider.enabled && provider.weight > 0)
                .map(provider -> provider.name)
                .toList();
        return new StatusTable(colours)
                .lines(new OrchestratorStatus(
                        NOW,
                        Arrays.stream(providers).map(Provider::status).toList(),
                        List.of(new OrchestratorStatus.Route("default", "priority", asked))));
    }

    private String row() {
        return lines(false, provider).get(1);
    }

    @Test
    void one_that_nothing_is_known_of_is_closed_and_good() {
        assertThat(lines(false, provider))
                .containsExactly(
                        "provider  type, model  breaker  score  success  mean  quota  parked  ok/fail  check",
                        "p         openai m     closed   1.00   -        -     -      -       0/0      -",
                        "",
                        "route    strategy  providers",
                        "default  priority  p");
    }

    @Test
    void what_is_known_is_in_its_column() {
        provider.failures = 2;
        provider.health = new ProviderHealth(3, 2, Optional.of(Duration.ofMillis(1_240)));
        provider.quotaLeft = 0.58;
        provider.attempts = new ProviderStatus.Attempts(12, 3, 1, 1);
        provider.check(Outcome.OK, FailureKind.SERVER, "");

        assertThat(row())
                .isEqualTo(
                        "p         openai m     closed 2/5  0.70   66%      1.2 s  58%    -       12/3     ok 45 ms");
    }

    @ParameterizedTest
    @CsvSource({
        "OPEN, 26.4, open 27 s",
        "OPEN, 600, open 10 min",
        "OPEN, 7200, open 2 h",
        "HALF_OPEN, , half open 2/3",
        "FORCED_OPEN, , forced open",
        "DISABLED, , disabled",
    })
    void the_breakers_state_tells_what_it_waits_for(CircuitState state, Double seconds, String cell) {
        provider.state = state;
        provider.opens = Optional.ofNullable(seconds).map(left -> Duration.ofMillis((long) (left * 1_000)));

        assertThat(row()).contains("  " + cell + "  ");
    }

    @Test
    void one_that_is_parked_says_why_and_for_how_long() {
        provider.parked = Optional.of(new ProviderStatus.Parked(FailureKind.CREDENTIAL, Duration.ofSeconds(599)));
        assertThat(row()).contains("  CREDENTIAL 9 min  ");

        provider.parked = Optional.of(new ProviderStatus.Parked(FailureKind.RATE_LIMITED, Duration.ZERO));
        assertThat(row()).contains("  RATE_LIMITED, trial  ");
    }

    @Test
    void those_that_are_never_asked_come_last_and_say_so() {
        Provider off = new Provider("off");
        off.enabled = false;
        Provider zero = new Provider("zero");
        zero.weight = 0;

        assertThat(lines(false, off, zero, provider))
                .satisfiesExactly(
                        header -> assertThat(header).startsWith("provider"),
                        row -> assertThat(row).startsWith("p "),
                        row -> assertThat(row).startsWith("off ").contains("  off  "),
                        row -> assertThat(row).startsWith("zero ").contains("  weight 0  "),
                        blank -> assertThat(blank).isEmpty(),
                        header -> assertThat(header).startsWith("route"),
                        route -> assertThat(route).isEqualTo("default  priority  p"));
    }

    @Test
    void why_one_comes_after_the_others_is_told_below() {
        Provider failed = new Provider("failed").check(Outcome.FAILED, FailureKind.NETWORK, "connection refused");
        failed.deprioritized = true;
        Provider answered = new Provider("answered").check(Outcome.FAILED, FailureKind.PERMISSION, "403: no");
        Provider scarce = new Provider("scarce");
        scarce.deprioritized = true;

        assertThat(lines(false, failed, answered, scarce))
                .contains(
                        "  failed comes after the others: its check failed 3 s ago: connection refused",
                        "  answered: its check failed 3 s ago: 403: no",
                        "  scarce comes after the others: it is nearly out of quota")
                .satisfies(lines -> assertThat(lines.get(1)).endsWith("  NETWORK"));
    }

    @Test
    void one_that_has_nothing_free_to_ask_for_says_so() {
        provider.check(Outcome.NOT_AVAILABLE, FailureKind.SERVER, "");

        assertThat(row()).endsWith("  none free");
    }

    @Test
    void a_long_model_gives_way_so_that_a_row_fits_a_hundred_columns() {
        provider.model = "meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8";
        provider.check(Outcome.OK, FailureKind.SERVER, "");

        assertThat(row()).hasSizeLessThanOrEqualTo(100).contains("openai meta-llama/Llama-…  closed");
    }

    @Test
    void colours_change_no_place() {
        provider.state = CircuitState.OPEN;
        provider.opens = Optional.of(Duration.ofSeconds(9));

        assertThat(lines(true, provider).get(1)).contains("\u001B[31mopen 9 s\u001B[0m");
        assertThat(lines(true, provider))
                .map(line -> line.replaceAll("\u001B\\[\\d+m", ""))
                .isEqualTo(lines(false, provider));
    }
}
