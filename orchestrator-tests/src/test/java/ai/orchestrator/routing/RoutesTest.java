package ai.orchestrator.routing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.tuple;

import ai.orchestrator.CallOptions;
import ai.orchestrator.ConfigurationException;
import ai.orchestrator.DeadlineExceededException;
import ai.orchestrator.Explanation;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorStatus;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.RouteSettings;
import ai.orchestrator.StreamFailedException;
import ai.orchestrator.StreamRescue;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.config.ConfigLoader;
import ai.orchestrator.config.OrchestratorConfig;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.time.Deadline;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Named groups of providers. */
@Timeout(60)
class RoutesTest {

    private static final CallOptions FAST = CallOptions.defaults().withRoute("fast");

    private static Fleet three() {
        return new Fleet()
                .with("a", p -> p.priority(1))
                .with("b", p -> p.priority(2))
                .with("c", p -> p.priority(3));
    }

    private static Fleet three(Consumer<RouteSettings.Builder> fast) {
        return three().set(builder -> builder.route("fast", fast));
    }

    private static List<String> order(Fleet fleet, CallOptions options) {
        return fleet.orchestrator().explain(Fleet.REQUEST, options).candidates().stream()
                .map(Explanation.Candidate::provider)
                .toList();
    }

    // ---- Who takes part, and in which order

    @Test
    void a_route_has_the_order_of_its_list_whatever_the_priorities() {
        try (Fleet fleet = three(route -> route.providers("c", "a"))) {
            assertThat(order(fleet, FAST)).containsExactly("c", "a");
            assertThat(order(fleet, CallOptions.defaults())).containsExactly("a", "b", "c");
            fleet.fails("c", Fleet.SICK);
            assertThat(Fleet.tried(fleet.orchestrator().chat(Fleet.REQUEST, FAST)))
                    .containsExactly("c", "a");
            fleet.fails("a", Fleet.SICK);
            assertThatThrownBy(() -> fleet.orchestrator().chat(Fleet.REQUEST, FAST))
                    .as("nobody else is asked")
                    .hasMessageNotContaining("b failed");
            assertThat(fleet.ask().provider()).isEqualTo("b");
        }
    }

    @Test
    void the_default_route_can_be_named() {
        try (Fleet fleet = three(route -> route.providers("c"))) {
            assertThat(fleet.orchestrator().explain(Fleet.REQUEST).route()).isEqualTo("default");
            CallOptions named = CallOptions.defaults().withRoute(RouteSettings.DEFAULT_ROUTE);
            assertThat(named.route()).contains("default");
            assertThat(fleet.orchestrator().explain(Fleet.REQUEST, named))
                    .isEqualTo(fleet.orchestrator().explain(Fleet.REQUEST));
            assertThat(fleet.orchestrator().chat(Fleet.REQUEST, named).provider())
                    .isEqualTo("a");
        }
    }

    @Test
    void a_route_has_its_own_strategy_or_that_of_all() {
        try (Fleet fleet = three(route -> route.providers("a", "b", "c").strategy(StandardStrategy.PRIORITY))
                .set(builder -> builder.strategy((provider, call) -> -provider.order())
                        .route("other", route -> route.providers("b", "c", "a")))) {
            assertThat(order(fleet, FAST)).containsExactly("a", "b", "c");
            assertThat(order(fleet, CallOptions.defaults())).containsExactly("c", "b", "a");
            assertThat(order(fleet, CallOptions.defaults().withRoute("other"))).containsExactly("a", "c", "b");
        }
    }

    @Test
    void each_route_has_a_rotation_of_its_own() {
        try (Fleet fleet = three(route -> route.providers("a", "b").strategy(StandardStrategy.ROUND_ROBIN))
                .set(builder -> builder.strategy(StandardStrategy.ROUND_ROBIN))) {
            for (int i = 0; i < 300; i++) {
                assertThat(fleet.ask().provider())
                        .isEqualTo(List.of("a", "b", "c").get(i % 3));
                assertThat(fleet.orchestrator().chat(Fleet.REQUEST, FAST).provider())
                        .isEqualTo(List.of("a", "b").get(i % 2));
            }
        }
    }

    @Test
    void routes_share_the_state_of_their_providers() {
        try (Fleet fleet = three(route -> route.providers("a", "c"))) {
            fleet.fails("a", FailureKind.RATE_LIMITED);
            assertThat(fleet.orchestrator().chat(Fleet.REQUEST, FAST).provider())
                    .isEqualTo("c");
            assertThat(fleet.orchestrator().explain(Fleet.REQUEST).first())
                    .as("a is parked for everybody")
                    .contains("b");
        }
    }

    @Test
    void members_that_are_disabled_or_weigh_nothing_are_left_out() {
        try (Fleet fleet = three(route -> route.providers("off", "c", "nothing", "b"))
                .with("off", p -> p.enabled(false))
                .with("nothing", p -> p.weight(0))) {
            assertThat(order(fleet, FAST)).containsExactly("c", "b");
            assertThat(fleet.orchestrator().status().routes())
                    .extracting(OrchestratorStatus.Route::name, OrchestratorStatus.Route::providers)
                    .containsExactly(tuple("default", List.of("a", "b", "c")), tuple("fast", List.of("c", "b")));
        }
    }

    // ---- A name that is not known

    @Test
    void an_unknown_route_is_refused_at_once_in_every_way_of_asking() {
        CallOptions slow = CallOptions.defaults().withRoute("slow").withStreamRescue(StreamRescue.HOLD);
        try (Fleet fleet = three(route -> route.providers("a"))) {
            Orchestrator orchestrator = fleet.orchestrator();
            Stream.<ThrowingCallable>of(
                            () -> orchestrator.chat(Fleet.REQUEST, slow),
                            () -> orchestrator.chatAsync(Fleet.REQUEST, slow),
                            () -> orchestrator.stream(Fleet.REQUEST, slow),
                            () -> orchestrator.publish(Fleet.REQUEST, slow),
                            () -> orchestrator.explain(Fleet.REQUEST, slow))
                    .forEach(way -> assertThatIllegalArgumentException()
                            .isThrownBy(way)
                            .withMessage("no route is named 'slow'; there are [default, fast]"));
            assertThat(fleet.time.pendingTimers()).isZero();
        }
    }

    // ---- What a route sets

    @Test
    void a_route_has_its_own_deadline_and_a_call_may_have_another() {
        try (Fleet fleet = three(route -> route.providers("a").deadline(Duration.ofSeconds(3)))) {
            fleet.slow("a", Duration.ofSeconds(4));
            assertThat(catchThrowable(() -> fleet.orchestrator().chat(Fleet.REQUEST, FAST)))
                    .isInstanceOf(DeadlineExceededException.class)
                    .hasMessageContaining("3 s");
            assertThat(fleet.orchestrator()
                            .chat(Fleet.REQUEST, FAST.withDeadline(Duration.ofSeconds(5)))
                            .provider())
                    .isEqualTo("a");
            assertThat(fleet.ask().provider()).isEqualTo("a");
            assertThat(catchThrowable(() ->
                            fleet.orchestrator().chatAsync(Fleet.REQUEST, FAST).join()))
                    .hasCauseInstanceOf(DeadlineExceededException.class);
        }
    }

    @Test
    void a_route_has_its_own_contract_for_streams_and_a_call_may_have_another() {
        // Only a piece that was read cannot be taken back.
        Semaphore read = new Semaphore(0);
        ChatProvider breaksOff = (request, delivery, deadline, cancellation, sink) -> {
            sink.event(new ChatEvent.Text("half of an ans"));
            read.acquireUninterruptibly();
            throw ProviderException.of(FailureKind.NETWORK, "reset");
        };
        ChatProvider answers = (request, delivery, deadline, cancellation, sink) -> {
            sink.event(new ChatEvent.Text("whole"));
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        };
        try (Orchestrator orchestrator = Orchestrator.builder()
                .streamRescue(StreamRescue.RESTART)
                .provider("breaks-off", p -> p.chatProvider(breaksOff).priority(1))
                .provider("answers", p -> p.chatProvider(answers).priority(2))
                .route("fast", route -> route.providers("breaks-off", "answers").streamRescue(StreamRescue.HOLD))
                .route(
                        "strict",
                        route -> route.providers("breaks-off", "answers").streamRescue(StreamRescue.FAIL))
                .build()) {
            CallOptions strict = CallOptions.defaults().withRoute("strict");
            assertThat(read(orchestrator, CallOptions.defaults(), read)).isEqualTo("half of an ans!whole");
            read.drainPermits();
            assertThat(catchThrowable(() -> read(orchestrator, strict, read)))
                    .isInstanceOf(StreamFailedException.class);
            // Nothing is read before the answer is whole.
            read.release(100);
            assertThat(read(orchestrator, FAST, read)).isEqualTo("whole");
            assertThat(read(orchestrator, strict.withStreamRescue(StreamRescue.HOLD), read))
                    .isEqualTo("whole");
        }
    }

    private static String read(Orchestrator orchestrator, CallOptions options, Semaphore read) {
        StringBuilder text = new StringBuilder();
        try (ChatStream stream = orchestrator.stream(Fleet.REQUEST, options)) {
            for (ChatEvent event : stream) {
                if (event instanceof ChatEvent.Text piece) {
                    text.append(piece.text());
                    read.release();
                } else if (event instanceof ChatEvent.Restarted) {
                    text.append('!');
                }
            }
        }
        return text.toString();
    }

    @Test
    void a_route_fails_open_or_closed_whatever_the_others_do() {
        for (boolean all : new boolean[] {true, false}) {
            try (Fleet fleet =
                    three(route -> route.providers("a", "b").failOpen(!all)).set(builder -> builder.failOpen(all))) {
                for (String name : List.of("a", "b", "c")) {
                    for (int i = 0; i < 5; i++) {
                        fleet.orchestrator().circuitBreaker(name).recordFailure();
                    }
                }
                CallOptions open = all ? CallOptions.defaults() : FAST;
                CallOptions closed = all ? FAST : CallOptions.defaults();
                Explanation way = fleet.orchestrator().explain(Fleet.REQUEST, open);
                assertThat(way.first()).contains("a");
                assertThat(way.failOpen()).contains("a");
                assertThat(way).asString().endsWith("; a would be asked all the same");
                assertThat(fleet.orchestrator().explain(Fleet.REQUEST, closed).first())
                        .isEmpty();
                assertThat(fleet.orchestrator().chat(Fleet.REQUEST, open).provider())
                        .isEqualTo("a");
                assertThat(catchThrowable(() -> fleet.orchestrator().chat(Fleet.REQUEST, closed)))
                        .hasMessageContaining("circuit breaker open");
            }
        }
    }

    @Test
    void the_last_resort_is_one_that_can_do_what_is_asked() {
        ChatProvider unable = new ChatProvider() {
            @Override
            public Optional<String> unsupported(ChatRequest request) {
                return Optional.of("anything: it is a stone");
            }

            @Override
            public void chat(
                    ChatRequest request,
                    Delivery delivery,
                    Deadline deadline,
                    Cancellation cancellation,
                    EventSink sink) {
                throw new AssertionError("must not be asked");
            }
        };
        try (Fleet fleet = Fleet.of("able")
                .set(builder -> builder.failOpen(true)
                        .provider("unable", p -> p.chatProvider(unable).priority(1)))) {
            for (String name : List.of("unable", "able")) {
                for (int i = 0; i < 5; i++) {
                    fleet.orchestrator().circuitBreaker(name).recordFailure();
                }
                fleet.time.advance(Duration.ofSeconds(1));
            }
            assertThat(fleet.orchestrator().explain(Fleet.REQUEST).failOpen()).contains("able");
            assertThat(fleet.ask().provider()).isEqualTo("able");
        }
    }

    // ---- What is refused

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "-fast", "_x", "fast lane", "fast.lane", "größe", "default"})
    void a_route_needs_a_name_that_can_be_a_key(String name) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RouteSettings.builder(name))
                .withMessageContaining(name);
    }

    @Test
    void a_route_needs_providers_each_once_and_a_deadline_that_has_not_passed() {
        RouteSettings.Builder route = RouteSettings.builder("fast");
        assertThatIllegalArgumentException()
                .isThrownBy(route::build)
                .withMessage("the route 'fast' needs at least one provider");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> route.providers(List.of()))
                .withMessage("a route needs at least one provider");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> route.providers("a", "b", "a"))
                .withMessage("the provider 'a' is listed twice");
        for (Duration wrong : List.of(Duration.ZERO, Duration.ofSeconds(-1))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> route.deadline(wrong))
                    .withMessage("deadline must be more than zero but is " + wrong);
        }
    }

    private static ProviderSettings silent(String name, UnaryOperator<ProviderSettings.Builder> settings) {
        return settings.apply(ProviderSettings.builder(name)
                        .chatProvider((request, delivery, deadline, cancellation, sink) -> {}))
                .build();
    }

    @Test
    void every_mistake_in_the_routes_is_listed_at_once() {
        Orchestrator.Builder builder = Orchestrator.builder()
                .provider(silent("a", p -> p))
                .provider(silent("off", p -> p.enabled(false)))
                .provider(silent("nothing", p -> p.weight(0)))
                .route("fast", route -> route.providers("a", "x"))
                .route("fast", route -> route.providers("a"))
                .route("dead", route -> route.providers("off", "nothing"));
        assertThatThrownBy(builder::build)
                .isInstanceOfSatisfying(
                        ConfigurationException.class,
                        e -> assertThat(e.mistakes())
                                .extracting(String::valueOf)
                                .containsExactly(
                                        "orchestrator.routes.fast.providers=a,x: no provider is named 'x';"
                                                + " known: a, off, nothing",
                                        "orchestrator.routes.fast: two routes have this name; give each its own",
                                        "orchestrator.routes.dead.providers=off,nothing: none of them may be asked;"
                                                + " enable at least one, with a weight above 0"));
    }

    // ---- The configuration

    private static final String FILE = """
            orchestrator.routing.strategy=round-robin
            orchestrator.routing.fail-open=true
            orchestrator.defaults.weight=3
            orchestrator.defaults.price.output=4
            orchestrator.providers.a.type=openai
            orchestrator.providers.a.base-url=http://localhost:1/v1
            orchestrator.providers.a.model=m
            orchestrator.providers.a.price.input=0.59
            orchestrator.providers.b.type=openai
            orchestrator.providers.b.base-url=http://localhost:1/v1
            orchestrator.providers.b.model=m
            orchestrator.providers.b.weight=7
            orchestrator.providers.b.price.input=1
            orchestrator.providers.b.price.output=2.5
            orchestrator.routes.fast.providers=b , a
            orchestrator.routes.fast.strategy=latency
            orchestrator.routes.fast.stream-rescue=hold
            orchestrator.routes.fast.deadline=1500ms
            orchestrator.routes.fast.fail-open=false
            orchestrator.routes.plain.providers=${MEMBERS:a}
            """;

    private static OrchestratorConfig load(Path directory, String text) throws IOException {
        return ConfigLoader.of(Files.writeString(directory.resolve("orchestrator.properties"), text))
                .environment(Map.of("MEMBERS", "a,b"))
                .systemProperties(Map.of())
                .load();
    }

    @Test
    void what_the_file_says_of_routes_weights_and_prices_is_what_calls_go_by(@TempDir Path directory)
            throws IOException {
        OrchestratorConfig config = load(directory, FILE);
        assertThat(config.settings().providers())
                .extracting(ProviderSettings::weight)
                .containsExactly(3, 7);
        assertThat(config.settings().providers())
                .extracting(provider -> provider.price().orElseThrow())
                .containsExactly(new TokenPrice(0.59, 4), new TokenPrice(1, 2.5));
        assertThat(config.settings().routes()).extracting(RouteSettings::name).containsExactly("fast", "plain");
        RouteSettings fast = config.settings().routes().get(0);
        assertThat(fast.providers()).containsExactly("b", "a");
        assertThat(fast.strategy()).contains(StandardStrategy.LATENCY);
        assertThat(fast.streamRescue()).contains(StreamRescue.HOLD);
        assertThat(fast.deadline()).contains(Duration.ofMillis(1500));
        assertThat(fast.failOpen()).contains(false);
        assertThat(fast).hasToString("RouteSettings(fast, providers=[b, a], strategy=latency)");
        RouteSettings plain = config.settings().routes().get(1);
        assertThat(plain.providers()).containsExactly("a", "b");
        assertThat(plain.strategy()).isEmpty();
        assertThat(plain.streamRescue()).isEmpty();
        assertThat(plain.deadline()).isEmpty();
        assertThat(plain.failOpen()).isEmpty();
        assertThat(config.toString()).contains("RouteSettings(plain, providers=[a, b])");

        try (Orchestrator orchestrator = config.orchestrator()) {
            assertThat(orchestrator.status().routes())
                    .containsExactly(
                            new OrchestratorStatus.Route("default", "round-robin", List.of("a", "b")),
                            new OrchestratorStatus.Route("fast", "latency", List.of("b", "a")),
                            new OrchestratorStatus.Route("plain", "round-robin", List.of("a", "b")));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"priority", "weighted", "round-robin", "score", "latency", "cost"})
    void each_strategy_has_its_name_in_the_configuration(String name, @TempDir Path directory) throws IOException {
        try (Orchestrator orchestrator =
                load(directory, FILE.replace("=round-robin", "=" + name)).orchestrator()) {
            assertThat(orchestrator.status().routes().get(0).strategy()).isEqualTo(name);
        }
    }
}
