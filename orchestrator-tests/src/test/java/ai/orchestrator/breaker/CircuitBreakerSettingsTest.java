package ai.orchestrator.breaker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CircuitBreakerSettingsTest {

    private final CircuitBreakerSettings.Builder settings = CircuitBreakerSettings.builder();

    @ParameterizedTest
    @ValueSource(ints = {0, -1, Integer.MIN_VALUE, 1_001, Integer.MAX_VALUE})
    void thresholds_out_of_range_are_refused_by_name_and_value(int value) {
        assertThatThrownBy(() -> settings.failureThreshold(value))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("failureThreshold must be 1 to 1000 but is " + value);
        assertThatThrownBy(() -> settings.successThreshold(value))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("successThreshold must be 1 to 1000 but is " + value);
    }

    @Test
    void durations_out_of_range_are_refused_by_name_and_value() {
        for (Duration value : List.of(
                Duration.ofNanos(999_999),
                Duration.ofNanos(-1),
                Duration.ofSeconds(Long.MIN_VALUE),
                Duration.ofDays(365).plusNanos(1),
                Duration.ofSeconds(Long.MAX_VALUE))) {
            assertThatThrownBy(() -> settings.timeoutDuration(value))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("timeoutDuration must be 1 ms to 365 days but is " + value);
            assertThatThrownBy(() -> settings.trialLease(value))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("trialLease must be 1 ms to 365 days but is " + value);
            assertThatThrownBy(() -> settings.failureWindow(value))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("failureWindow must be 0, or 1 ms to 365 days, but is " + value);
        }
        assertThatThrownBy(() -> settings.timeoutDuration(Duration.ZERO)).hasMessageContaining("but is PT0S");
        assertThatThrownBy(() -> settings.trialLease(Duration.ZERO)).hasMessageContaining("but is PT0S");
        assertThat(settings.failureWindow(Duration.ZERO).build().failureWindow())
                .isZero();
    }

    @Test
    @SuppressWarnings("NullAway") // what a caller without null checks may do
    void what_is_missing_is_refused_by_name() {
        assertThatNullPointerException()
                .isThrownBy(() -> settings.timeoutDuration(null))
                .withMessage("timeoutDuration");
        assertThatNullPointerException()
                .isThrownBy(() -> settings.failureWindow(null))
                .withMessage("failureWindow");
        assertThatNullPointerException()
                .isThrownBy(() -> settings.trialLease(null))
                .withMessage("trialLease");
    }

    @Test
    void the_defaults_and_presets_are_the_documented_ones() {
        assertThat(CircuitBreakerSettings.defaults())
                .isEqualTo(settings.failureThreshold(5)
                        .timeoutDuration(Duration.ofMinutes(1))
                        .successThreshold(1)
                        .failureWindow(Duration.ofMinutes(1))
                        .build());
        assertThat(CircuitBreakerSettings.defaults().trialLease()).isEmpty();
        assertThat(CircuitBreakerSettings.fastApi())
                .isEqualTo(settings.failureThreshold(5)
                        .timeoutDuration(Duration.ofSeconds(30))
                        .build());
        assertThat(CircuitBreakerSettings.slowApi())
                .isEqualTo(settings.failureThreshold(3)
                        .timeoutDuration(Duration.ofMinutes(1))
                        .build());
        assertThat(CircuitBreakerSettings.criticalService())
                .isEqualTo(settings.failureThreshold(10)
                        .timeoutDuration(Duration.ofMinutes(2))
                        .build());
    }

    @Test
    void settings_are_equal_when_every_one_is() {
        CircuitBreakerSettings base = CircuitBreakerSettings.defaults();
        assertThat(base.toBuilder().build()).isEqualTo(base).hasSameHashCodeAs(base);
        Duration other = Duration.ofSeconds(7);
        assertThat(List.of(
                        base.toBuilder().failureThreshold(2).build(),
                        base.toBuilder().successThreshold(2).build(),
                        base.toBuilder().timeoutDuration(other).build(),
                        base.toBuilder().failureWindow(other).build(),
                        base.toBuilder().trialLease(other).build()))
                .doesNotContain(base)
                .doesNotHaveDuplicates()
                .allSatisfy(changed -> assertThat(changed.toBuilder().build()).isEqualTo(changed))
                .allSatisfy(changed -> assertThat(changed).doesNotHaveSameHashCodeAs(base));
        assertThat(base).isNotEqualTo("settings");
    }

    @Test
    void settings_are_readable() {
        assertThat(settings.trialLease(Duration.ofMinutes(2)).build())
                .hasToString("CircuitBreakerSettings(failureThreshold=5, timeoutDuration=PT1M, successThreshold=1,"
                        + " failureWindow=PT1M, trialLease=PT2M)");
        assertThat(CircuitBreakerSettings.defaults().toString()).endsWith("trialLease=per call)");
    }
}
