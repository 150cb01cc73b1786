package ai.orchestrator.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.orchestrator.chat.ChatRequest;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Cheapest first, for this request. */
@Timeout(60)
class CostTest {

    private static final int CALLS = 100_000;

    private static final ChatRequest LONG_QUESTION =
            ChatRequest.builder().user("word ".repeat(4_000)).maxTokens(10).build();

    private static final ChatRequest LONG_ANSWER =
            ChatRequest.builder().user("Tell me a story.").maxTokens(4_000).build();

    private static Fleet priced() {
        return new Fleet()
                .set(builder -> builder.strategy(StandardStrategy.COST))
                .with("cheap-to-ask", p -> p.price(new TokenPrice(0.1, 10)))
                .with("cheap-to-hear", p -> p.price(new TokenPrice(3, 0.5)))
                .with("unpriced-1", p -> {})
                .with("dear", p -> p.price(new TokenPrice(5, 25)))
                .with("unpriced-2", p -> {});
    }

    @Test
    void the_length_of_the_request_decides_who_is_cheapest_and_those_without_a_price_come_last() {
        try (Fleet fleet = priced()) {
            assertThat(fleet.order(LONG_QUESTION))
                    .startsWith("cheap-to-ask", "cheap-to-hear", "dear")
                    .hasSize(5);
            assertThat(fleet.order(LONG_ANSWER))
                    .startsWith("cheap-to-hear", "cheap-to-ask", "dear")
                    .hasSize(5);
        }
    }

    @Test
    void a_hundred_thousand_calls_go_to_the_cheapest_and_equal_ones_share_them() {
        try (Fleet fleet = priced().with("cheap-too", p -> p.price(new TokenPrice(3, 0.5)))
                .with("free-input", p -> p.price(new TokenPrice(0, 25)))) {
            // 1,024 tokens of answer where the request sets none.
            assertThat(fleet.served(CALLS)).isEqualTo(Map.of("cheap-to-hear", CALLS / 2, "cheap-too", CALLS / 2));
            fleet.shut("cheap-to-hear", "cheap-too", "cheap-to-ask", "dear", "free-input");
            assertThat(fleet.served(CALLS)).isEqualTo(Map.of("unpriced-1", CALLS / 2, "unpriced-2", CALLS / 2));
        }
    }

    @Test
    void what_costs_nothing_is_cheaper_than_what_costs_little() {
        try (Fleet fleet = new Fleet()
                .set(builder -> builder.strategy(StandardStrategy.COST))
                .with("cheap", p -> p.price(new TokenPrice(0.0001, 0.0001)))
                .with("local", p -> p.price(new TokenPrice(0, 0)))) {
            assertThat(fleet.order()).isEqualTo(List.of("local", "cheap"));
        }
    }

    @ParameterizedTest
    @CsvSource({"1000000, 0, 0.59", "0, 1000000, 0.79", "1000, 500, 0.000985", "0, 0, 0"})
    void prices_are_for_a_million_tokens(long input, long output, double cost) {
        assertThat(new TokenPrice(0.59, 0.79).cost(input, output)).isCloseTo(cost, within(1e-12));
    }

    @ParameterizedTest
    @ValueSource(doubles = {-0.01, Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
    void a_price_is_a_number_from_zero_on(double wrong) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new TokenPrice(wrong, 1))
                .withMessage("the input price must be zero or more but is " + wrong);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new TokenPrice(1, wrong))
                .withMessage("the output price must be zero or more but is " + wrong);
    }
}
