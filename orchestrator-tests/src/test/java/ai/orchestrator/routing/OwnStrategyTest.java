package ai.orchestrator.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.health.ProviderHealth;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A strategy of the application's own. */
@Timeout(60)
class OwnStrategyTest {

    private static Fleet ranked(Map<String, Double> ranks) {
        return Fleet.of(ranks.keySet().stream().sorted().toArray(String[]::new))
                .set(builder -> builder.strategy((provider, call) -> ranks.getOrDefault(provider.name(), 0.0)));
    }

    @Test
    void a_lambda_is_a_strategy() {
        RoutingStrategy largestWindow =
                (provider, call) -> -provider.contextWindow().orElse(0);
        try (Fleet fleet = new Fleet()
                .set(builder -> builder.strategy(largestWindow))
                .with("small", p -> p.contextWindow(8_000))
                .with("unknown", p -> {})
                .with("large", p -> p.contextWindow(1_000_000))) {
            assertThat(fleet.order()).containsExactly("large", "small", "unknown");
            assertThat(fleet.served(100_000)).isEqualTo(Map.of("large", 100_000));
        }
    }

    @Test
    void nothing_ranks_behind_not_a_number() {
        try (Fleet fleet = ranked(Map.of(
                "a",
                Double.NaN,
                "b",
                Double.POSITIVE_INFINITY,
                "c",
                Double.MAX_VALUE,
                "d",
                Double.MIN_VALUE,
                "e",
                Double.NEGATIVE_INFINITY))) {
            assertThat(fleet.order()).containsExactly("e", "d", "c", "b", "a");
        }
    }

    @Test
    void those_without_a_number_take_turns_too_and_so_do_zeros_of_either_sign() {
        try (Fleet nans = ranked(Map.of("a", Double.NaN, "b", Double.NaN));
                Fleet zeros = ranked(Map.of("a", 0.0, "b", -0.0))) {
            Map<String, Integer> evenly = Map.of("a", 50, "b", 50);
            assertThat(nans.served(100)).isEqualTo(evenly);
            assertThat(zeros.served(100)).isEqualTo(evenly);
        }
    }

    @Test
    void it_is_asked_once_for_each_provider_of_the_route_and_sees_what_is_known() {
        List<String> seen = new ArrayList<>();
        ChatRequest request =
                ChatRequest.builder().user("four score and seven").maxTokens(77).build();
        try (Fleet fleet = new Fleet()
                .set(builder -> builder.strategy((provider, call) -> {
                    seen.add(provider.name());
                    assertThat(call.inputTokens()).isBetween(10L, 40L);
                    assertThat(call.inputTokens()).isEqualTo(call.inputTokens());
                    assertThat(call.outputTokens()).isEqualTo(77);
                    assertThat(call.random()).isBetween(0.0, 1.0).isNotEqualTo(call.random());
                    if (provider.name().equals("a")) {
                        assertThat(provider.order()).isEqualTo(7);
                        assertThat(provider.weight()).isEqualTo(3);
                        assertThat(provider.price()).contains(new TokenPrice(1, 2));
                        assertThat(provider.contextWindow()).hasValue(9_000);
                    } else {
                        assertThat(provider.order()).isEqualTo(100);
                        assertThat(provider.weight()).isOne();
                        assertThat(provider.price()).isEqualTo(Optional.empty());
                        assertThat(provider.contextWindow()).isEqualTo(OptionalLong.empty());
                    }
                    assertThat(provider.health()).isEqualTo(ProviderHealth.UNKNOWN);
                    assertThat(provider.quotaLeft()).isEqualTo(1);
                    return 0;
                }))
                .with(
                        "a",
                        p -> p.priority(7).weight(3).price(new TokenPrice(1, 2)).contextWindow(9_000))
                .with("b", p -> {})) {
            fleet.fails("a", Fleet.SICK);
            fleet.orchestrator().chat(request);
            assertThat(seen).containsExactlyInAnyOrder("a", "b");
        }
    }

    @Test
    void what_it_throws_ends_the_call_in_every_way_of_asking_and_leaves_nothing_behind() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        RuntimeException bug = new IllegalStateException("a bug of the application's");
        try (Fleet fleet = Fleet.of("a", "b")
                .set(builder -> builder.strategy((provider, call) -> {
                    if (asked.getAndIncrement() < 5) {
                        throw bug;
                    }
                    return 0;
                }))) {
            Orchestrator orchestrator = fleet.orchestrator();
            assertThatThrownBy(() -> orchestrator.chat(Fleet.REQUEST)).isSameAs(bug);
            assertThatThrownBy(() -> orchestrator.explain(Fleet.REQUEST)).isSameAs(bug);
            assertThatThrownBy(() -> orchestrator.chatAsync(Fleet.REQUEST).get(10, TimeUnit.SECONDS))
                    .hasCause(bug);
            try (ChatStream stream = orchestrator.stream(Fleet.REQUEST)) {
                assertThatThrownBy(stream::hasNext).isSameAs(bug);
            }
            assertThat(published(orchestrator).get(10, TimeUnit.SECONDS)).isSameAs(bug);
            assertThat(asked).hasValue(5);

            assertThat(fleet.time.pendingTimers()).isZero();
            assertThat(fleet.served(2)).isEqualTo(Map.of("a", 1, "b", 1));
        }
    }

    private static CompletableFuture<Throwable> published(Orchestrator orchestrator) {
        CompletableFuture<Throwable> end = new CompletableFuture<>();
        orchestrator.publish(Fleet.REQUEST).subscribe(new Flow.Subscriber<>() {
            @Override
            public void onSubscribe(Flow.Subscription subscription) {
                subscription.request(Long.MAX_VALUE);
            }

            @Override
            public void onNext(ChatEvent event) {
                end.complete(new AssertionError("answered: " + event));
            }

            @Override
            public void onError(Throwable failure) {
                end.complete(failure);
            }

            @Override
            public void onComplete() {
                end.complete(new AssertionError("answered"));
            }
        });
        return end;
    }

    @Test
    void an_error_of_its_ends_the_call_too() {
        try (Fleet fleet = Fleet.of("a", "b")
                .set(builder -> builder.strategy((provider, call) -> {
                    throw new StackOverflowError("recursive");
                }))) {
            assertThat(catchThrowable(fleet::ask)).isInstanceOf(StackOverflowError.class);
            assertThat(catchThrowable(
                            () -> fleet.orchestrator().chatAsync(Fleet.REQUEST).join()))
                    .hasCauseInstanceOf(StackOverflowError.class);
        }
    }
}
