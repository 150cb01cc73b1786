package ai.orchestrator.reload;

import static ai.orchestrator.reload.Works.memory;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.CallCancelledException;
import ai.orchestrator.CallOptions;
import ai.orchestrator.ConfigurationException;
import ai.orchestrator.Explanation;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorSettings;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.ProviderStatus;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.breaker.ProviderCircuitBreaker;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.RateLimit;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.quota.QuotaSettings;
import ai.orchestrator.quota.QuotaStatus;
import ai.orchestrator.reload.Works.Held;
import ai.orchestrator.reload.Works.Made;
import ai.orchestrator.routing.StandardStrategy;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Retries;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** G6: what stays and what changes when an orchestrator goes by another configuration, with providers in memory. */
@Timeout(60)
class ReloadTest {

    private static final ChatRequest REQUEST = ChatRequest.of("hello");
    private static final CircuitBreakerSettings BREAKER =
            CircuitBreakerSettings.builder().failureThreshold(2).build();

    private final ManualTimeSource time = new ManualTimeSource(Long.MAX_VALUE - 1_000);
    private final Works works = new Works();
    private final CircuitBreakerRegistry registry = CircuitBreakerRegistry.ofDefaults();
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final ProviderSettings first = provider("first", p -> p.priority(1));
    private final ProviderSettings second = provider("second", p -> p.priority(2));
    private final ProviderSettings third = provider("third", p -> p.priority(3));
    private final Orchestrator orchestrator = Orchestrator.builder()
            .timeSource(time)
            .drainTimeout(Duration.ZERO)
            .providerFactory(works)
            .circuitBreakerRegistry(registry)
            .meterRegistry(meters)
            .provider(first)
            .provider(second)
            .build();

    @AfterEach
    void nothing_is_left() {
        orchestrator.close();
        works.assertEachClosedOnceAndNoneWhileInUse();
        assertThat(registry.getAllCircuitBreakers()).isEmpty();
        assertThat(meters.getMeters()).isEmpty();
        assertThat(time.pendingTimers()).isZero();
    }

    private static ProviderSettings provider(String name, UnaryOperator<ProviderSettings.Builder> settings) {
        return settings.apply(memory(name).circuitBreaker(BREAKER).retry(Retries.NONE))
                .build();
    }

    private static ProviderSettings with(ProviderSettings settings, UnaryOperator<ProviderSettings.Builder> change) {
        return change.apply(settings.toBuilder()).build();
    }

    private void reload(ProviderSettings... providers) {
        reload(builder -> builder, providers);
    }

    private void reload(UnaryOperator<Orchestrator.Builder> change, ProviderSettings... providers) {
        Orchestrator.Builder builder = Orchestrator.builder().drainTimeout(Duration.ZERO);
        for (ProviderSettings provider : providers) {
            builder.provider(provider);
        }
        orchestrator.reconfigure(change.apply(builder).settings());
    }

    private String ask() {
        return orchestrator.chat(REQUEST).text();
    }

    private CompletableFuture<ChatResponse> begin(Held held) {
        CompletableFuture<ChatResponse> call = orchestrator.chatAsync(REQUEST);
        held.awaitBegun();
        return call;
    }

    private static ChatResponse end(CompletableFuture<ChatResponse> call) {
        return call.orTimeout(10, TimeUnit.SECONDS).join();
    }

    private ProviderStatus status(String name) {
        return orchestrator.status().providers().stream()
                .filter(provider -> provider.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private void open(String name) {
        orchestrator.circuitBreaker(name).recordFailure();
        orchestrator.circuitBreaker(name).recordFailure();
        assertThat(orchestrator.circuitBreaker(name).state()).isEqualTo(CircuitState.OPEN);
    }

    private Set<String> registered() {
        Set<String> names = new TreeSet<>();
        registry.getAllCircuitBreakers().forEach(breaker -> names.add(breaker.getName()));
        return names;
    }

    private Set<String> metered() {
        Set<String> names = new TreeSet<>();
        meters.getMeters().forEach(meter -> names.add(meter.getId().getTag("name")));
        return names;
    }

    // ---- What is in force

    @Test
    void the_new_configuration_is_shown_everywhere() {
        OrchestratorSettings before = orchestrator.settings();
        assertThat(before.providers()).containsExactly(first, second);

        reload(builder -> builder.route("fast", route -> route.providers("third")), second, third);

        assertThat(orchestrator.settings().providers()).containsExactly(second, third);
        assertThat(orchestrator).hasToString("Orchestrator[second, third]");
        assertThat(orchestrator.status().providers())
                .extracting(ProviderStatus::name)
                .containsExactly("second", "third");
        assertThat(orchestrator.status().routes())
                .extracting(route -> route.name() + route.providers())
                .containsExactly("default[second, third]", "fast[third]");
        assertThat(orchestrator.explain(REQUEST).candidates())
                .extracting(Explanation.Candidate::provider)
                .containsExactly("second", "third");
        assertThatThrownBy(() -> orchestrator.circuitBreaker("first"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("no provider is named 'first'; there are [second, third]");

        orchestrator.reconfigure(before);
        assertThat(orchestrator.settings()).isEqualTo(before);
        CallOptions fast = CallOptions.defaults().withRoute("fast");
        assertThatThrownBy(() -> orchestrator.chat(REQUEST, fast))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("no route is named 'fast'; there are [default]");
    }

    @Test
    void a_wrong_configuration_is_refused_with_all_its_mistakes_and_changes_nothing() {
        OrchestratorSettings before = orchestrator.settings();
        open("first");

        assertThatThrownBy(() -> reload(
                        builder -> builder.route("odd", route -> route.providers("nobody")),
                        with(first, p -> p.apiKey("another-key")),
                        provider("second", p -> p.option("colour", "red")),
                        with(third, p -> p.type("unheard-of"))))
                .isInstanceOfSatisfying(
                        ConfigurationException.class,
                        e -> assertThat(e.mistakes()).hasSize(3));

        assertThat(orchestrator.settings()).isEqualTo(before);
        assertThat(orchestrator.circuitBreaker("first").state()).isEqualTo(CircuitState.OPEN);
        assertThat(works.made()).hasSize(2);
        assertThat(ask()).isEqualTo("second-key-1");
    }

    @Test
    void a_factory_that_throws_changes_nothing_and_leaves_nothing_open() {
        OrchestratorSettings before = orchestrator.settings();
        works.onCreate(target -> {
            if (target.name().equals("third")) {
                throw new IllegalStateException("no more of these");
            }
        });

        assertThatThrownBy(() ->
                        reload(with(first, p -> p.apiKey("another-key")), with(second, p -> p.model("m-2")), third))
                .hasMessage("no more of these");

        assertThat(orchestrator.settings()).isEqualTo(before);
        assertThat(works.made().stream().filter(one -> one.closed.get() == 0))
                .extracting(one -> one.target.apiKey().orElseThrow())
                .containsExactly("first-key-1", "second-key-1");
        assertThat(registered()).containsExactly("first", "second");
        assertThat(ask()).isEqualTo("first-key-1");
    }

    @Test
    void a_name_that_another_breaker_has_in_the_registry_is_refused() {
        registry.circuitBreaker("third");
        assertThatThrownBy(() -> reload(first, third))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageContaining("the circuit breaker registry already has a breaker of this name");
        registry.remove("third");
        assertThat(orchestrator.settings().providers()).containsExactly(first, second);
    }

    @Test
    void calls_go_on_while_a_change_is_being_made() {
        List<String> answers = new ArrayList<>();
        works.onCreate(
                target -> answers.add(end(orchestrator.chatAsync(REQUEST)).text()));
        reload(with(first, p -> p.apiKey("key-2")), second);
        assertThat(answers).containsExactly("first-key-1");
        assertThat(ask()).isEqualTo("key-2");
    }

    @Test
    void one_that_is_closed_is_not_changed_any_more() {
        orchestrator.close();
        assertThatThrownBy(() -> reload(first, third)).isInstanceOf(CallCancelledException.class);
        assertThat(works.made()).hasSize(2);
    }

    @Test
    void a_factory_that_changes_or_closes_what_is_being_changed_is_told_so() {
        List<Throwable> told = new ArrayList<>();
        works.onCreate(target -> {
            told.add(catchThrowable(() -> reload(with(first, p -> p.apiKey("nested")), second)));
            told.add(catchThrowable(orchestrator::close));
        });
        reload(first, second, third);

        assertThat(told)
                .hasSize(2)
                .allSatisfy(e -> assertThat(e)
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage("the orchestrator is being changed by this very thread"));
        assertThat(ask()).isEqualTo("first-key-1");
        assertThat(works.made()).hasSize(3).allMatch(made -> made.closed.get() == 0);
    }

    @Test
    void a_provider_that_is_slow_to_close_keeps_nobody_from_the_change() throws InterruptedException {
        CountDownLatch closing = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        works.onClose(made -> {
            if (made.target.apiKey().equals(Optional.of("first-key-1"))) {
                closing.countDown();
                Held.await(closed);
            }
        });
        Thread slow = new Thread(() -> reload(with(first, p -> p.apiKey("key-2")), with(second, p -> p.model("m-2"))));
        slow.start();
        Held.await(closing);

        assertThat(status("second").model()).contains("m-2");
        assertThat(ask()).isEqualTo("key-2");
        reload(with(first, p -> p.apiKey("key-3")), second);
        assertThat(ask()).isEqualTo("key-3");
        orchestrator.close();
        closed.countDown();
        slow.join();
    }

    @Test
    void a_listener_at_the_registry_that_throws_does_not_stop_a_change_halfway() {
        reload(first, second, third);
        registry.getEventPublisher()
                .onEntryRemoved(event -> {
                    throw new IllegalStateException("removed");
                })
                .onEntryReplaced(event -> {
                    throw new IllegalStateException("replaced");
                });
        reload(
                builder -> builder.deadline(Duration.ofSeconds(3)).cacheEnabled(true),
                with(third, p -> p.apiKey("key-2").circuitBreaker(CircuitBreakerSettings.slowApi())));

        assertThat(orchestrator.settings().deadline()).isEqualTo(Duration.ofSeconds(3));
        assertThat(works.made().stream().filter(made -> made.closed.get() == 0))
                .extracting(made -> made.target.apiKey().orElseThrow())
                .containsExactly("key-2");
        assertThat(registered()).containsExactly("third");
        assertThat(metered()).containsExactly("third");
        ask();
        ask();
        assertThat(works.asked("third")).as("the cache is on").isEqualTo(1);
    }

    @Test
    void a_listener_at_the_registry_that_throws_at_a_new_one_has_the_change_refused() {
        registry.getEventPublisher().onEntryAdded(event -> {
            throw new IllegalStateException("added");
        });
        assertThatThrownBy(() -> reload(first, second, third)).hasMessage("added");
        assertThat(orchestrator.settings().providers()).containsExactly(first, second);
        assertThat(registered()).containsExactly("first", "second");
        assertThat(metered()).containsExactly("first", "second");
        assertThat(works.made("third")).allMatch(made -> made.closed.get() == 1);
    }

    @Test
    void G6_a_call_that_fails_open_does_not_ask_one_that_was_taken_away_meanwhile() {
        for (UnaryOperator<ProviderSettings.Builder> how :
                List.<UnaryOperator<ProviderSettings.Builder>>of(p -> p.enabled(false), p -> p.weight(0))) {
            reload(builder -> builder.failOpen(true), first, second);
            open("first");
            time.advance(Duration.ofSeconds(1));
            open("second");
            works.whenLookedAt("second", () -> reload(builder -> builder.failOpen(true), with(first, how), second));
            ChatResponse answer = orchestrator.chat(REQUEST);
            assertThat(answer.provider()).isEqualTo("second");
            assertThat(works.asked("first")).isZero();
            orchestrator.circuitBreaker("first").reset();
            orchestrator.circuitBreaker("second").reset();
        }
    }

    @Test
    void G6_a_stream_ends_as_it_would_have_however_often_the_configuration_changes() {
        Held held = works.hold("first");
        try (ChatStream stream = orchestrator.stream(REQUEST)) {
            held.awaitBegun();
            for (int i = 0; i < 50; i++) {
                reload(with(first, i % 3 == 0 ? p -> p.enabled(false) : p -> p.apiKey("key-2")), second);
                reload(second, third);
                reload(first, with(second, p -> p.model("m-2")));
            }
            held.answers();
            assertThat(stream.response().text()).isEqualTo("first-key-1");
        }
    }

    // ---- What stays

    @Test
    void G6_a_breaker_that_is_open_stays_so_for_the_time_that_remains() {
        open("first");
        time.advance(Duration.ofSeconds(20));
        reload(
                with(first, p -> p.apiKey("another-key").priority(7).weight(3).totalTimeout(Duration.ofSeconds(3))),
                second);

        assertThat(status("first").circuitBreaker().timeUntilRetry()).contains(Duration.ofSeconds(40));
        assertThat(ask()).isEqualTo("second-key-1");
        time.advance(Duration.ofSeconds(40));
        reload(with(first, p -> p.apiKey("another-key")), second);
        assertThat(ask()).isEqualTo("another-key");
        assertThat(orchestrator.circuitBreaker("first").state()).isEqualTo(CircuitState.CLOSED);
    }

    @Test
    void G6_a_breaker_that_an_operator_has_forced_open_stays_so() {
        orchestrator.circuitBreaker("first").forceOpen();
        reload(with(first, p -> p.circuitBreaker(CircuitBreakerSettings.fastApi())), second);
        time.advance(Duration.ofHours(1));
        assertThat(ask()).isEqualTo("second-key-1");
    }

    @Test
    void G6_a_trial_under_way_decides_after_a_reload_as_before() {
        open("first");
        time.advance(Duration.ofMinutes(1));
        Held held = works.hold("first");
        CompletableFuture<ChatResponse> trial = begin(held);
        reload(with(first, p -> p.apiKey("another-key")), second);

        assertThat(ask()).as("no second trial").isEqualTo("second-key-1");
        held.answers();
        assertThat(end(trial).text()).isEqualTo("first-key-1");
        assertThat(orchestrator.circuitBreaker("first").state()).isEqualTo(CircuitState.CLOSED);
    }

    @Test
    void G6_what_is_known_of_a_provider_stays() {
        QuotaSettings quota = QuotaSettings.builder().requestsPerMinute(5).build();
        reload(with(first, p -> p.quota(quota)), second);
        for (int i = 0; i < 3; i++) {
            ask();
        }
        works.fails("first", FailureKind.RATE_LIMITED);
        ask();
        ProviderStatus before = status("first");
        ProviderCircuitBreaker breaker = orchestrator.circuitBreaker("first");

        reload(second, with(first, p -> p.quota(quota).apiKey("another-key").option("flavour", "mint")));

        ProviderStatus after = status("first");
        assertThat(after.attempts()).isEqualTo(before.attempts());
        assertThat(after.health()).isEqualTo(before.health());
        assertThat(after.quotas()).isEqualTo(before.quotas());
        assertThat(after.parked()).isEqualTo(before.parked()).isPresent();
        assertThat(orchestrator.circuitBreaker("first")).isSameAs(breaker);
    }

    @Test
    void G6_one_of_the_applications_own_is_the_same_as_long_as_its_instance_is() {
        ChatProvider own = works.create(
                new ProviderTarget(
                        "own",
                        works.types().get(0),
                        URI.create("https://own.invalid"),
                        "m",
                        Optional.of("own"),
                        Map.of()),
                InstantSource.system());
        ProviderSettings settings = ProviderSettings.builder("own")
                .priority(1)
                .chatProvider(own)
                .circuitBreaker(BREAKER)
                .build();
        reload(settings, second);
        open("own");

        reload(with(settings, p -> p.priority(0)), second);
        assertThat(orchestrator.circuitBreaker("own").state()).isEqualTo(CircuitState.OPEN);
        reload(
                with(
                        settings,
                        p -> p.chatProvider((request, delivery, deadline, cancellation, sink) -> {
                            sink.event(new ChatEvent.Text("another"));
                            sink.event(new ChatEvent.Finished(FinishReason.STOP));
                        })),
                second);
        assertThat(ask()).isEqualTo("another");
        reload(second);
        assertThat(works.made("own")).as("is the application's to close").allMatch(made -> made.closed.get() == 0);
        own.close();
    }

    @Test
    void the_turn_of_a_rotation_stays() {
        UnaryOperator<Orchestrator.Builder> rotation = builder -> builder.strategy(StandardStrategy.ROUND_ROBIN);
        reload(rotation, first, second);
        List<String> answers = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            answers.add(orchestrator.chat(REQUEST).provider());
            reload(rotation, with(first, p -> p.weight(7)), second);
        }
        assertThat(answers).containsExactly("first", "second", "first", "second", "first", "second");
    }

    // ---- Whom a call may ask

    /** How a provider is taken away. */
    enum Withdrawal {
        REMOVED("it was removed from the configuration"),
        DISABLED("it is disabled"),
        WEIGHT_ZERO("its weight is 0"),
        REPLACED("it was removed from the configuration");

        private final String reason;

        Withdrawal(String reason) {
            this.reason = reason;
        }
    }

    private void withdraw(Withdrawal how, ProviderSettings provider, ProviderSettings... others) {
        List<ProviderSettings> all = new ArrayList<>(List.of(others));
        switch (how) {
            case REMOVED -> {}
            case DISABLED -> all.add(with(provider, p -> p.enabled(false)));
            case WEIGHT_ZERO -> all.add(with(provider, p -> p.weight(0)));
            case REPLACED -> all.add(with(provider, p -> p.model("another")));
        }
        reload(all.toArray(ProviderSettings[]::new));
    }

    @ParameterizedTest
    @EnumSource
    void G6_a_call_under_way_never_asks_one_that_was_taken_away(Withdrawal how) {
        Held held = works.hold("first");
        CompletableFuture<ChatResponse> call = begin(held);
        Made old = works.made("second").get(0);
        withdraw(how, second, first, third);

        held.fails(FailureKind.SERVER);
        ChatResponse answer = end(call);
        assertThat(old.asked).hasValue(0);
        assertThat(answer.trail().steps())
                .anySatisfy(step -> assertThat(step).isInstanceOfSatisfying(Trail.Skipped.class, skipped -> {
                    assertThat(skipped.provider()).isEqualTo("second");
                    assertThat(skipped.reason()).isEqualTo(how.reason);
                }));
        assertThat(answer.provider())
                .as("it turns to those of its route as it is now")
                .isEqualTo(how == Withdrawal.REPLACED ? "second" : "third");
    }

    @ParameterizedTest
    @EnumSource
    void G6_an_attempt_under_way_at_one_that_was_taken_away_ends_as_it_would_have(Withdrawal how) {
        Held held = works.hold("first");
        CompletableFuture<ChatResponse> call = begin(held);
        withdraw(how, first, second);

        for (int i = 0; i < 10; i++) {
            assertThat(orchestrator.chat(REQUEST).provider())
                    .isEqualTo(how == Withdrawal.REPLACED ? "first" : "second");
        }
        assertThat(works.made("first").get(0).asked).hasValue(1);
        boolean isKept = how == Withdrawal.DISABLED || how == Withdrawal.WEIGHT_ZERO;
        assertThat(works.made("first").get(0).closed).as("in use").hasValue(0);
        held.answers();
        assertThat(end(call).text()).isEqualTo("first-key-1");
        assertThat(works.made("first").get(0).closed).hasValue(isKept ? 0 : 1);
    }

    @ParameterizedTest
    @EnumSource
    void G6_one_that_was_taken_away_is_not_asked_again_by_a_call_that_waits_for_it(Withdrawal how) {
        RetrySettings patient = RetrySettings.builder()
                .maxAttempts(3)
                .backoff(Duration.ofSeconds(2))
                .maxBackoff(Duration.ofSeconds(2))
                .build();
        reload(with(first, p -> p.retry(patient)), with(second, p -> p.enabled(false)));
        works.fails("first", FailureKind.SERVER);
        CompletableFuture<ChatResponse> call = orchestrator.chatAsync(REQUEST);
        // That of the wait; those of the call's deadline and of the attempt are gone when it begins.
        while (status("first").attempts().failed() == 0) {
            Thread.onSpinWait();
        }
        time.awaitTimers(1);
        works.when("first", made -> {});
        withdraw(how, first, third);
        time.advance(Duration.ofSeconds(2));

        assertThat(works.made("first").get(0).asked).hasValue(1);
        assertThat(end(call).provider()).isEqualTo(how == Withdrawal.REPLACED ? "first" : "third");
    }

    @Test
    void a_call_whose_only_provider_was_replaced_is_served_by_the_new_one() {
        Held held = works.hold("first");
        CompletableFuture<ChatResponse> call = begin(held);
        reload(with(first, p -> p.model("m-2")));

        held.fails(FailureKind.SERVER);
        assertThat(end(call).text()).isEqualTo("first-key-1");
        assertThat(works.made("first")).extracting(made -> made.asked.get()).containsExactly(1, 1);
    }

    @Test
    void a_call_that_finds_none_of_its_providers_any_more_is_served_by_those_of_now() {
        works.whenLookedAt("first", () -> {
            reload(with(first, p -> p.model("m-2")), third);
            works.whenLookedAt("first", () -> reload(third));
        });
        assertThat(ask()).isEqualTo("third-key-1");
        assertThat(works.asked("first") + works.asked("second")).isZero();
    }

    @Test
    void a_call_is_served_by_one_that_has_come_back_meanwhile() {
        works.whenLookedAt("first", () -> reload(with(first, p -> p.enabled(false)), second));
        works.whenLookedAt("second", () -> reload(first, with(second, p -> p.enabled(false))));
        assertThat(ask()).isEqualTo("first-key-1");
    }

    @Test
    void a_call_asks_nobody_outside_its_route_even_if_the_route_is_gone() {
        reload(builder -> builder.route("inside", route -> route.providers("first", "second")), first, second);
        Held held = works.hold("first");
        CompletableFuture<ChatResponse> call =
                orchestrator.chatAsync(REQUEST, CallOptions.defaults().withRoute("inside"));
        held.awaitBegun();
        reload(third);

        held.fails(FailureKind.SERVER);
        assertThatThrownBy(() -> end(call))
                .isInstanceOf(CompletionException.class)
                .hasCauseInstanceOf(AllProvidersFailedException.class);
        assertThat(works.asked("third")).isZero();
    }

    @Test
    void one_that_was_removed_is_not_looked_at_any_more() {
        Held held = works.hold("first");
        CompletableFuture<ChatResponse> call = begin(held);
        reload(first);
        held.fails(FailureKind.NETWORK);
        assertThatThrownBy(() -> end(call))
                .hasCauseInstanceOf(AllProvidersFailedException.class)
                .hasMessageContaining("it was removed from the configuration");
        assertThat(works.made("second")).allMatch(made -> made.lookedAtClosed.get() == 0);
    }

    @Test
    void one_that_comes_back_begins_where_it_was_if_it_was_disabled_and_anew_if_it_was_removed() {
        open("first");
        reload(with(first, p -> p.enabled(false)), second);
        reload(first, second);
        assertThat(orchestrator.circuitBreaker("first").state()).isEqualTo(CircuitState.OPEN);

        reload(second);
        reload(first, second);
        assertThat(orchestrator.circuitBreaker("first").state()).isEqualTo(CircuitState.CLOSED);
        assertThat(ask()).isEqualTo("first-key-1");
    }

    // ---- Another provider under the same name

    @Test
    void another_model_under_the_same_name_is_another_provider() {
        open("first");
        ProviderCircuitBreaker old = orchestrator.circuitBreaker("first");
        int count = meters.getMeters().size();

        reload(with(first, p -> p.model("m-2")), second);

        assertThat(status("first").circuitBreaker().state()).isEqualTo(CircuitState.CLOSED);
        assertThat(status("first").attempts().answered()).isZero();
        assertThat(status("first").model()).contains("m-2");
        assertThat(registered()).containsExactly("first", "second");
        assertThat(metered()).containsExactly("first", "second");
        assertThat(meters.getMeters()).hasSize(count);
        assertThat(registry.find("first").orElseThrow().getState()).isEqualTo(CircuitBreaker.State.CLOSED);
        assertThat(old.state()).isEqualTo(CircuitState.OPEN);
        assertThat(ask()).isEqualTo("first-key-1");
    }

    @Test
    void what_is_left_out_and_what_its_type_would_put_there_are_the_same() {
        open("first");
        reload(with(first, p -> p.model("m-1").baseUrl("https://memory.invalid")), second);
        assertThat(orchestrator.circuitBreaker("first").state()).isEqualTo(CircuitState.OPEN);
        assertThat(works.made("first")).hasSize(1);

        reload(with(first, p -> p.baseUrl("https://other.invalid")), second);
        assertThat(orchestrator.circuitBreaker("first").state()).isEqualTo(CircuitState.CLOSED);
    }

    @Test
    void an_attempt_at_the_one_before_reports_to_it_alone() {
        Held held = works.hold("first");
        CompletableFuture<ChatResponse> call = begin(held);
        reload(with(first, p -> p.model("m-2")), second);
        held.fails(FailureKind.SERVER);
        end(call);
        assertThat(status("first").circuitBreaker().failureCount()).isZero();
        assertThat(status("first").attempts().failed()).isZero();
    }

    // ---- The client

    @Test
    void another_key_takes_another_client_and_the_old_one_is_closed_after_its_last_attempt() {
        Held held = works.hold("first");
        CompletableFuture<ChatResponse> call = begin(held);
        reload(with(first, p -> p.apiKey("key-2")), second);
        reload(with(first, p -> p.apiKey("key-3")), second);

        assertThat(ask()).isEqualTo("key-3");
        assertThat(works.made("first")).extracting(made -> made.closed.get()).containsExactly(0, 1, 0);
        held.answers();
        assertThat(end(call).text()).isEqualTo("first-key-1");
        assertThat(works.made("first")).extracting(made -> made.closed.get()).containsExactly(1, 1, 0);
    }

    @Test
    void another_option_takes_another_client_and_nothing_else_does() {
        reload(with(first, p -> p.option("flavour", "mint")), second);
        assertThat(ask()).isEqualTo("first-key-1 mint");
        reload(
                with(
                        first,
                        p -> p.option("flavour", "mint")
                                .priority(0)
                                .weight(9)
                                .retry(Retries.AT_ONCE)
                                .totalTimeout(Duration.ofSeconds(1))
                                .connectTimeout(Duration.ofSeconds(1))
                                .maxConcurrent(5)
                                .contextWindow(1_000)
                                .collectStreams(true)
                                .quota(QuotaSettings.builder().requestsPerDay(9).build())
                                .circuitBreaker(CircuitBreakerSettings.slowApi())),
                second);
        assertThat(works.made("first")).hasSize(2);
    }

    @Test
    void closing_closes_what_is_given_up_and_still_in_use() {
        Held held = works.hold("first");
        CompletableFuture<ChatResponse> call = begin(held);
        reload(second);
        Thread closing = new Thread(orchestrator::close, "closing");
        closing.start();
        // It waits a second of this time for a call that does not end.
        while (closing.isAlive()) {
            time.advance(Duration.ofMillis(500));
            Thread.onSpinWait();
        }
        assertThat(works.made()).allMatch(made -> made.closed.get() == 1);
        held.fails(FailureKind.CANCELLED);
        assertThatThrownBy(() -> end(call)).hasCauseInstanceOf(CallCancelledException.class);
        works.made().forEach(made -> made.cutOff.set(0));
    }

    // ---- What another key lifts

    @ParameterizedTest
    @EnumSource(names = {"CREDENTIAL", "PERMISSION", "MODEL_NOT_FOUND", "QUOTA_EXHAUSTED"})
    void another_key_lifts_what_the_old_one_was_kept_away_for(FailureKind kind) {
        works.fails("first", kind);
        ask();
        assertThat(status("first").parked()).isPresent();
        works.when("first", made -> {});
        reload(with(first, p -> p.priority(0)), second);
        assertThat(ask()).isEqualTo("second-key-1");

        reload(with(first, p -> p.apiKey("key-2")), second);
        assertThat(status("first").parked()).isEmpty();
        assertThat(ask()).isEqualTo("key-2");
    }

    @Test
    void another_key_does_not_lift_what_the_provider_asked_for() {
        works.fails("first", FailureKind.RATE_LIMITED);
        ask();
        works.when("first", made -> {});
        reload(with(first, p -> p.apiKey("key-2")), second);
        assertThat(ask()).isEqualTo("second-key-1");
    }

    @Test
    void a_failure_of_the_old_key_does_not_keep_calls_away_from_the_new_one() {
        Held held = works.hold("first");
        CompletableFuture<ChatResponse> call = begin(held);
        reload(with(first, p -> p.apiKey("key-2")), second);
        held.fails(FailureKind.CREDENTIAL);
        assertThat(end(call).provider()).isEqualTo("second");

        assertThat(status("first").parked()).isEmpty();
        assertThat(ask()).isEqualTo("key-2");
    }

    @Test
    void another_key_forgets_what_the_provider_said_of_the_old_one_s_quota() {
        ProviderSettings limited = with(
                first, p -> p.quota(QuotaSettings.builder().requestsPerDay(100).build()));
        reload(limited, second);
        works.when("first", made -> {
            if (made.target.apiKey().equals(Optional.of("first-key-1"))) {
                made.says(limit(100, 0));
            }
        });
        ask();
        assertThat(ask()).as("nothing is left").isEqualTo("second-key-1");

        Held held = works.hold("first");
        reload(with(limited, p -> p.apiKey("key-2")), second);
        assertThat(status("first").quotas()).extracting(QuotaStatus::used).containsExactly(1L);
        CompletableFuture<ChatResponse> call = begin(held);
        held.answers();
        end(call);
        assertThat(status("first").quotas()).extracting(QuotaStatus::used).containsExactly(2L);
    }

    @Test
    void what_the_provider_says_to_the_old_key_counts_no_more_under_the_new_one() {
        ProviderSettings limited = with(
                first, p -> p.quota(QuotaSettings.builder().requestsPerDay(100).build()));
        reload(limited, second);
        Held held = works.hold("first");
        CompletableFuture<ChatResponse> call = begin(held);
        works.made("first").get(0).says(limit(100, 0));
        reload(with(limited, p -> p.apiKey("key-2")), second);
        held.answers();
        assertThat(end(call).text()).isEqualTo("first-key-1");

        assertThat(status("first").quotas()).extracting(QuotaStatus::used).containsExactly(1L);
        assertThat(ask()).isEqualTo("key-2");
    }

    private static RateLimit limit(long limit, long remaining) {
        return new RateLimit(
                "requests",
                Optional.of(Duration.ofDays(1)),
                OptionalLong.of(limit),
                OptionalLong.of(remaining),
                Optional.empty());
    }

    @Test
    void another_key_lifts_what_a_check_of_the_old_one_has_found() {
        works.whenChecked("first", made -> {
            throw ProviderException.of(FailureKind.CREDENTIAL, "scripted");
        });
        orchestrator.checkProviders();
        assertThat(ask()).isEqualTo("second-key-1");
        reload(with(first, p -> p.apiKey("key-2")), second);
        assertThat(status("first").deprioritized()).isFalse();
        assertThat(ask()).isEqualTo("key-2");
    }

    @Test
    void a_check_of_the_old_key_says_nothing_of_the_new_one() throws InterruptedException {
        Held held = new Held();
        works.whenChecked("first", made -> held.run());
        Thread checking = new Thread(orchestrator::checkProviders);
        checking.start();
        held.awaitBegun();
        reload(with(first, p -> p.apiKey("key-2")), second);
        held.fails(FailureKind.CREDENTIAL);
        checking.join();

        assertThat(status("first").lastCheck()).isEmpty();
        assertThat(status("first").deprioritized()).isFalse();
        assertThat(ask()).isEqualTo("key-2");
    }

    // ---- What changes when

    @Test
    void a_call_keeps_the_deadline_and_the_order_that_it_began_with() {
        reload(builder -> builder.deadline(Duration.ofSeconds(20)), first, second, third);
        Held held = works.hold("first");
        CompletableFuture<ChatResponse> call = begin(held);
        reload(builder -> builder.deadline(Duration.ofSeconds(5)), first, third, with(second, p -> p.priority(9)));
        assertThat(orchestrator.explain(REQUEST).candidates())
                .extracting(Explanation.Candidate::provider)
                .containsExactly("first", "third", "second");

        time.advance(Duration.ofSeconds(9));
        held.fails(FailureKind.SERVER);
        assertThat(end(call).provider()).isEqualTo("second");
    }

    @Test
    void a_call_keeps_whether_a_policy_refusal_goes_on() {
        reload(builder -> builder.failOverOnContentFilter(true), first, second);
        Held held = works.hold("first");
        CompletableFuture<ChatResponse> call = begin(held);
        reload(first, second);
        held.fails(FailureKind.CONTENT_FILTERED);
        assertThat(end(call).provider()).isEqualTo("second");
    }

    @Test
    void limits_of_a_provider_hold_for_attempts_that_begin_after() {
        works.fails("first", FailureKind.SERVER);
        Held held = works.hold("first");
        CompletableFuture<ChatResponse> call = begin(held);
        reload(with(first, p -> p.retry(Retries.AT_ONCE).circuitBreaker(CircuitBreakerSettings.slowApi())), second);

        held.fails(FailureKind.SERVER);
        end(call);
        assertThat(works.asked("first")).as("once, as when it began").isEqualTo(1);
        assertThat(orchestrator.circuitBreaker("first").state())
                .as("one of three")
                .isEqualTo(CircuitState.CLOSED);
        ask();
        assertThat(works.asked("first")).isEqualTo(3);
        assertThat(orchestrator.circuitBreaker("first").state()).isEqualTo(CircuitState.OPEN);
    }

    @Test
    void the_number_of_attempts_under_way_is_right_whenever_its_limit_changes() {
        Held unlimited = works.hold("first");
        CompletableFuture<ChatResponse> one = begin(unlimited);
        reload(with(first, p -> p.maxConcurrent(1)), second);
        Held limited = works.hold("first");
        CompletableFuture<ChatResponse> two = begin(limited);
        assertThat(ask()).as("full").isEqualTo("second-key-1");
        reload(with(first, p -> p.maxConcurrent(0)), second);
        assertThat(ask()).isEqualTo("first-key-1");
        Held again = works.hold("first");
        CompletableFuture<ChatResponse> three = begin(again);
        reload(with(first, p -> p.maxConcurrent(2)), second);

        unlimited.answers();
        end(one);
        again.answers();
        end(three);
        Held second = works.hold("first");
        CompletableFuture<ChatResponse> four = begin(second);
        assertThat(ask()).as("two are under way that count").isEqualTo("second-key-1");
        limited.answers();
        end(two);
        assertThat(ask()).isEqualTo("first-key-1");
        second.answers();
        end(four);
    }

    @Test
    void quotas_follow_and_what_was_reserved_is_settled() {
        Held held = works.hold("first");
        reload(
                with(
                        first,
                        p -> p.quota(
                                QuotaSettings.builder().requestsPerMinute(1).build())),
                second);
        CompletableFuture<ChatResponse> call = begin(held);
        assertThat(ask()).isEqualTo("second-key-1");
        reload(
                with(
                        first,
                        p -> p.quota(QuotaSettings.builder()
                                .requestsPerMinute(3)
                                .requestsPerDay(8)
                                .build())),
                second);
        assertThat(status("first").quotas()).extracting(QuotaStatus::used).containsExactly(1L, 0L);

        held.fails(FailureKind.SERVER);
        end(call);
        assertThat(status("first").quotas()).extracting(QuotaStatus::used).containsExactly(0L, 0L);
        ask();
        assertThat(status("first").quotas()).extracting(QuotaStatus::used).containsExactly(1L, 1L);
        reload(first, second);
        assertThat(status("first").quotas()).isEmpty();
    }

    @Test
    void a_changed_threshold_holds_for_the_next_failure() {
        orchestrator.circuitBreaker("first").recordFailure();
        reload(
                with(
                        first,
                        p -> p.circuitBreaker(CircuitBreakerSettings.builder()
                                .failureThreshold(1)
                                .build())),
                second);
        assertThat(orchestrator.circuitBreaker("first").state()).isEqualTo(CircuitState.CLOSED);
        orchestrator.circuitBreaker("first").recordFailure();
        assertThat(orchestrator.circuitBreaker("first").state()).isEqualTo(CircuitState.OPEN);
        assertThat(registry.find("first").orElseThrow().getState()).isEqualTo(CircuitBreaker.State.OPEN);
    }

    // ---- The cache

    @Test
    void the_cache_goes_on_and_off_and_keeps_its_answers() {
        UnaryOperator<Orchestrator.Builder> on = builder -> builder.cacheEnabled(true);
        reload(on, first, second);
        ask();
        reload(first, second);
        ask();
        assertThat(works.asked("first")).isEqualTo(2);
        reload(builder -> on.apply(builder).cacheTtl(Duration.ofMinutes(5)).cacheMaxSize(1_000_000), first, second);
        time.advance(Duration.ofMinutes(4));
        ask();
        assertThat(works.asked("first")).as("kept").isEqualTo(2);
        time.advance(Duration.ofMinutes(1));
        ask();
        assertThat(works.asked("first")).as("too old by now").isEqualTo(3);
        reload(builder -> on.apply(builder).cacheMaxSize(1), first, second);
        ask();
        assertThat(works.asked("first")).as("too large by now").isEqualTo(4);
    }

    @Test
    void an_answer_that_was_under_way_when_the_options_changed_is_not_kept() {
        UnaryOperator<Orchestrator.Builder> on = builder -> builder.cacheEnabled(true);
        reload(on, first, second);
        Held held = works.hold("first");
        CompletableFuture<ChatResponse> call = begin(held);
        reload(on, with(first, p -> p.option("flavour", "mint")), second);
        assertThat(ask()).as("not that call's answer").isEqualTo("first-key-1 mint");
        held.answers();
        assertThat(end(call).text()).isEqualTo("first-key-1");

        reload(on, first, second);
        ask();
        assertThat(works.made("first").get(2).asked).hasValue(1);
    }

    @Test
    void an_answer_that_was_made_with_options_that_were_taken_back_is_not_kept() {
        UnaryOperator<Orchestrator.Builder> on = builder -> builder.cacheEnabled(true);
        reload(on, first, second);
        Held one = works.hold("first");
        Held two = works.hold("second");
        CompletableFuture<ChatResponse> call = begin(one);
        reload(on, first, with(second, p -> p.option("flavour", "wrong")));
        one.fails(FailureKind.NETWORK);
        two.awaitBegun();
        reload(on, first, second);
        two.answers();
        assertThat(end(call).text()).isEqualTo("second-key-1 wrong");

        assertThat(ask()).isEqualTo("first-key-1");
    }

    @Test
    void another_instance_under_the_same_name_does_not_take_over_the_answers_of_the_one_before() {
        ProviderSettings before = own("one");
        ProviderSettings after = own("two");
        UnaryOperator<Orchestrator.Builder> on = builder -> builder.cacheEnabled(true);
        reload(on, before);
        assertThat(ask()).isEqualTo("one");
        reload(on, after);
        assertThat(ask()).isEqualTo("two");
        reload(on, first);
        reload(on, before);
        ChatResponse again = orchestrator.chat(REQUEST);
        assertThat(again.text()).isEqualTo("one");
        assertThat(again.trail().steps()).hasOnlyElementsOfType(Trail.Answered.class);
        reload(on, with(before, p -> p.priority(7)));
        assertThat(orchestrator.chat(REQUEST).trail().steps()).hasOnlyElementsOfType(Trail.Cached.class);
    }

    @Test
    void G6_a_call_that_begins_after_an_instance_was_swapped_does_not_join_one_at_the_instance_before() {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        ProviderSettings before = ProviderSettings.builder("own")
                .chatProvider((request, delivery, deadline, cancellation, sink) -> {
                    asked.countDown();
                    Held.await(goOn);
                    sink.event(new ChatEvent.Text("one"));
                    sink.event(new ChatEvent.Finished(FinishReason.STOP));
                })
                .build();
        UnaryOperator<Orchestrator.Builder> on = builder -> builder.cacheEnabled(true);
        reload(on, before);
        CompletableFuture<ChatResponse> call = orchestrator.chatAsync(REQUEST);
        Held.await(asked);
        reload(on, own("two"));
        assertThat(end(orchestrator.chatAsync(REQUEST)).text()).isEqualTo("two");
        reload(on, before);
        assertThat(orchestrator.circuitBreaker("own").counters().successes()).isZero();
        goOn.countDown();
        assertThat(end(call).text()).isEqualTo("one");
        assertThat(orchestrator.circuitBreaker("own").counters().successes())
                .as("it was the one before the last")
                .isZero();
    }

    private static ProviderSettings own(String text) {
        return ProviderSettings.builder("own")
                .chatProvider((request, delivery, deadline, cancellation, sink) -> {
                    sink.event(new ChatEvent.Text(text));
                    sink.event(new ChatEvent.Finished(FinishReason.STOP));
                })
                .build();
    }

    // ---- Publishers

    @Test
    void a_publisher_goes_by_what_is_in_force_when_somebody_subscribes() throws InterruptedException {
        reload(builder -> builder.route("fast", route -> route.providers("first")), first, second);
        Flow.Publisher<ChatEvent> answers =
                orchestrator.publish(REQUEST, CallOptions.defaults().withRoute("fast"));
        reload(builder -> builder.route("fast", route -> route.providers("second")), first, second);
        assertThat(outcome(answers)).isEqualTo("second-key-1");
        reload(first, second);
        assertThat(outcome(answers)).isEqualTo("no route is named 'fast'; there are [default]");
    }

    private static String outcome(Flow.Publisher<ChatEvent> publisher) throws InterruptedException {
        StringBuilder seen = new StringBuilder();
        CountDownLatch over = new CountDownLatch(1);
        publisher.subscribe(new Flow.Subscriber<>() {
            @Override
            public void onSubscribe(Flow.Subscription subscription) {
                subscription.request(Long.MAX_VALUE);
            }

            @Override
            public void onNext(ChatEvent event) {
                if (event instanceof ChatEvent.Text text) {
                    seen.append(text.text());
                }
            }

            @Override
            public void onError(Throwable failure) {
                seen.append(failure.getMessage());
                over.countDown();
            }

            @Override
            public void onComplete() {
                over.countDown();
            }
        });
        assertThat(over.await(10, TimeUnit.SECONDS)).isTrue();
        return seen.toString();
    }
}
