package ai.orchestrator.quota;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.function.ObjLongConsumer;
import org.junit.jupiter.api.Test;

class QuotaSettingsTest {

    @Test
    void nothing_is_limited_unless_it_is_set() {
        QuotaSettings none = QuotaSettings.none();
        assertThat(none.isEmpty()).isTrue();
        assertThat(none.requestsPerMinute()).isEmpty();
        assertThat(none.requestsPerDay()).isEmpty();
        assertThat(none.tokensPerMinute()).isEmpty();
        assertThat(none.tokensPerDay()).isEmpty();
        assertThat(none.zone()).isEqualTo(ZoneOffset.UTC);
        assertThat(none)
                .hasToString("QuotaSettings(requestsPerMinute=unlimited, requestsPerDay=unlimited,"
                        + " tokensPerMinute=unlimited, tokensPerDay=unlimited, zone=Z)");
    }

    @Test
    void each_limit_is_what_was_set() {
        QuotaSettings settings = QuotaSettings.builder()
                .requestsPerMinute(1)
                .requestsPerDay(2)
                .tokensPerMinute(3)
                .tokensPerDay(Long.MAX_VALUE)
                .zone(ZoneId.of("Asia/Kolkata"))
                .build();
        assertThat(settings.requestsPerMinute()).hasValue(1);
        assertThat(settings.requestsPerDay()).hasValue(2);
        assertThat(settings.tokensPerMinute()).hasValue(3);
        assertThat(settings.tokensPerDay()).hasValue(Long.MAX_VALUE);
        assertThat(settings)
                .hasToString("QuotaSettings(requestsPerMinute=1, requestsPerDay=2, tokensPerMinute=3,"
                        + " tokensPerDay=9223372036854775807, zone=Asia/Kolkata)");
    }

    @Test
    void one_limit_is_enough_not_to_be_empty() {
        for (ObjLongConsumer<QuotaSettings.Builder> option : options()) {
            QuotaSettings.Builder builder = QuotaSettings.builder();
            option.accept(builder, 1);
            assertThat(builder.build().isEmpty()).isFalse();
        }
        assertThat(QuotaSettings.none().countsTokens()).isFalse();
        assertThat(QuotaSettings.builder()
                        .requestsPerMinute(1)
                        .requestsPerDay(1)
                        .build()
                        .countsTokens())
                .isFalse();
        assertThat(QuotaSettings.builder().tokensPerDay(1).build().countsTokens())
                .isTrue();
    }

    @Test
    void equal_settings_are_equal() {
        assertThat(QuotaSettings.builder().build()).isEqualTo(QuotaSettings.none());
        for (ObjLongConsumer<QuotaSettings.Builder> option : options()) {
            QuotaSettings.Builder builder = QuotaSettings.builder();
            option.accept(builder, 7);
            assertThat(builder.build())
                    .isEqualTo(builder.build())
                    .hasSameHashCodeAs(builder.build())
                    .isNotEqualTo(QuotaSettings.none())
                    .doesNotHaveSameHashCodeAs(QuotaSettings.none());
        }
        assertThat(QuotaSettings.builder().zone(ZoneId.of("Asia/Kolkata")).build())
                .isNotEqualTo(QuotaSettings.none());
    }

    @Test
    void a_limit_must_be_more_than_zero() {
        assertThatThrownBy(() -> QuotaSettings.builder().requestsPerMinute(0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("requestsPerMinute must be more than zero but is 0");
        for (ObjLongConsumer<QuotaSettings.Builder> option : options()) {
            assertThatThrownBy(() -> option.accept(QuotaSettings.builder(), -1))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageEndingWith("must be more than zero but is -1");
        }
    }

    private static List<ObjLongConsumer<QuotaSettings.Builder>> options() {
        return List.of(
                QuotaSettings.Builder::requestsPerMinute,
                QuotaSettings.Builder::requestsPerDay,
                QuotaSettings.Builder::tokensPerMinute,
                QuotaSettings.Builder::tokensPerDay);
    }
}
