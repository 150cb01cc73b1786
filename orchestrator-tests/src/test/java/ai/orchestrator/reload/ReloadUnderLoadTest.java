package ai.orchestrator.reload;

import static ai.orchestrator.reload.Works.memory;
import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.CallOptions;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.OrchestratorSettings;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.ProviderStatus;
import ai.orchestrator.breaker.CircuitBreakerCounters;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.quota.QuotaSettings;
import ai.orchestrator.quota.QuotaStatus;
import ai.orchestrator.routing.RoutingStrategy;
import ai.orchestrator.routing.StandardStrategy;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.Retries;
import ai.orchestrator.testkit.ScriptedServer;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** G6: any number of calls while the configuration changes again and again. */
@Timeout(120)
class ReloadUnderLoadTest {

    private static final int CALLS = 10_000;
    private static final int RELOADS = 100;
    private static final int THREADS = 8;
    private static final ChatRequest REQUEST = ChatRequest.of("hello");

    private static final List<StandardStrategy> STRATEGIES = List.of(StandardStrategy.values());
    private static final List<FailureKind> KINDS = List.of(FailureKind.values());
    private static final CallOptions FAST = CallOptions.defaults().withRoute("fast");

    private final Random random = new Random(9);
    private final Works works = new Works();
    private final CircuitBreakerRegistry registry = CircuitBreakerRegistry.ofDefaults();
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();

    /** A change that the next call makes that has begun and asked nobody yet. */
    private final AtomicReference<@Nullable Runnable> midway = new AtomicReference<>();

    private void changeMidway() {
        changeMidway(null);
    }

    /** Makes the change that waits for a call to be midway, and has another one wait, if any; none is lost to another thread's. */
    private void changeMidway(@Nullable Runnable next) {
        Runnable change = midway.getAndSet(next);
        if (change != null) {
            change.run();
        }
    }

    private RoutingStrategy strategy() {
        RoutingStrategy strategy = STRATEGIES.get(random.nextInt(STRATEGIES.size()));
        return (provider, call) -> {
            changeMidway();
            return strategy.rank(provider, call);
        };
    }

    /** Keys, priorities, models, routes, breakers, quotas and the providers themselves, by chance; one at least may be asked in each route. */
    private synchronized OrchestratorSettings next(ScriptedServer server) {
        List<ProviderSettings> providers = new ArrayList<>();
        int certain = random.nextInt(6);
        for (int i = 0; i < 6; i++) {
            if (i != certain && random.nextInt(3) == 0) {
                continue;
            }
            ProviderSettings.Builder provider = i == 5
                    ? ProviderSettings.builder("http")
                            .type("openai")
                            .baseUrl(server.baseUrl())
                            .apiKey("key-" + random.nextInt(3))
                    : memory("p" + i).apiKey("key-" + random.nextInt(3));
            provider.model("m-" + random.nextInt(2))
                    .priority(random.nextInt(4))
                    .weight(i == certain ? 1 : random.nextInt(3))
                    .enabled(i == certain || random.nextInt(5) > 0)
                    .maxConcurrent(random.nextBoolean() ? 0 : 1_000)
                    .totalTimeout(Duration.ofSeconds(20 + random.nextInt(10)))
                    .circuitBreaker(CircuitBreakerSettings.builder()
                            .failureThreshold(1 + random.nextInt(5))
                            .successThreshold(1 + random.nextInt(3))
                            .build());
            if (random.nextBoolean()) {
                provider.quota(QuotaSettings.builder()
                        .requestsPerMinute(100_000 + random.nextInt(10))
                        .build());
            }
            providers.add(provider.build());
        }
        ProviderSettings always = providers.stream()
                .filter(provider -> provider.name().equals(certain == 5 ? "http" : "p" + certain))
                .findFirst()
                .orElseThrow();
        Set<String> fast = new LinkedHashSet<>();
        fast.add(always.name());
        fast.add(providers.get(0).name());
        Orchestrator.Builder builder = Orchestrator.builder()
                .strategy(strategy())
                .healthChecks(random.nextBoolean())
                .cacheTtl(Duration.ofSeconds(1 + random.nextInt(5)))
                .route("fast", route -> route.providers(List.copyOf(fast)));
        providers.forEach(builder::provider);
        return builder.settings();
    }

    private static Set<String> names(Collection<ProviderStatus> providers) {
        return providers.stream().map(ProviderStatus::name).collect(Collectors.toSet());
    }

    @Test
    void G6_of_10000_calls_none_fails_because_of_100_reloads() throws InterruptedException {
        Set<Thread> before = Thread.getAllStackTraces().keySet();
        Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        AtomicInteger begun = new AtomicInteger();
        AtomicInteger reloads = new AtomicInteger();
        try (ScriptedServer server = ScriptedServer.start().otherwise(Reply.answer("fine"))) {
            Orchestrator.Builder builder = next(server).toBuilder()
                    .providerFactory(works)
                    .circuitBreakerRegistry(registry)
                    .meterRegistry(meters);
            try (Orchestrator orchestrator = builder.build()) {
                List<Thread> callers = new ArrayList<>();
                for (int i = 0; i < THREADS; i++) {
                    callers.add(new Thread(
                            () -> {
                                int call;
                                while ((call = begun.getAndIncrement()) < CALLS) {
                                    try {
                                        if (call % (CALLS / RELOADS) == 0) {
                                            changeMidway(() -> {
                                                orchestrator.reconfigure(next(server));
                                                reloads.incrementAndGet();
                                            });
                                        } else if (call % (2 * CALLS / RELOADS) == 1) {
                                            changeMidway();
                                        }
                                        ask(orchestrator, call);
                                    } catch (RuntimeException | Error e) {
                                        failures.add(e);
                                    }
                                }
                            },
                            "caller-" + i));
                }
                callers.forEach(Thread::start);
                for (Thread caller : callers) {
                    caller.join();
                }

                changeMidway();
                assertThat(failures).isEmpty();
                assertThat(reloads).hasValue(RELOADS);
                Set<String> present = names(orchestrator.status().providers());
                assertThat(registry.getAllCircuitBreakers())
                        .extracting(CircuitBreaker::getName)
                        .containsExactlyInAnyOrderElementsOf(present);
                assertThat(meters.getMeters())
                        .extracting(meter -> String.valueOf(meter.getId().getTag("name")))
                        .containsOnly(present.toArray(String[]::new));
                assertOnlyOpen((int)
                        present.stream().filter(name -> !name.equals("http")).count());
                assertThat(orchestrator.status().providers())
                        .allMatch(provider -> provider.attempts().underWay() == 0)
                        .allMatch(provider -> provider.attempts().failed() == 0);
                assertThat(server.requestCount()).as("some went over the wire").isPositive();
            }
        }
        works.assertEachClosedOnceAndNoneWhileInUse();
        assertThat(registry.getAllCircuitBreakers()).isEmpty();
        assertThat(meters.getMeters()).isEmpty();
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (!before.contains(thread) && thread.getName().startsWith("orchestrator-")) {
                thread.join(10_000);
                assertThat(thread.isAlive()).as(thread.getName()).isFalse();
            }
        }
    }

    /** A check that began before the last change may still hold one that was given up. */
    private void assertOnlyOpen(int expected) {
        long start = System.nanoTime();
        while (open() > expected && System.nanoTime() - start < TimeUnit.SECONDS.toNanos(30)) {
            Thread.onSpinWait();
        }
        assertThat(open()).as("only those in force are open").isEqualTo(expected);
    }

    private long open() {
        return works.made().stream().filter(made -> made.closed.get() == 0).count();
    }

    /** Keys, limits and breakers, and who there is, by chance; two providers stay all the time. */
    private synchronized OrchestratorSettings nextStorm() {
        Orchestrator.Builder builder = Orchestrator.builder()
                .healthChecks(random.nextBoolean())
                .healthCheckInterval(Duration.ofSeconds(1))
                .retryBudget(random.nextDouble())
                .strategy(STRATEGIES.get(random.nextInt(STRATEGIES.size())));
        for (int i = 0; i < 5; i++) {
            boolean stays = i < 2;
            if (stays || random.nextBoolean()) {
                builder.provider(memory("p" + i)
                        .retry(Retries.NONE)
                        .apiKey("key-" + random.nextInt(3))
                        .model("m-" + (stays ? 1 : random.nextInt(2)))
                        .priority(random.nextInt(3))
                        .enabled(i == 0 || random.nextInt(4) > 0)
                        .maxConcurrent(random.nextInt(3) == 0 ? 0 : 2 + random.nextInt(3))
                        .quota(QuotaSettings.builder()
                                .requestsPerDay(1_000_000 + random.nextInt(10))
                                .build())
                        .circuitBreaker(CircuitBreakerSettings.builder()
                                .failureThreshold(1 + random.nextInt(4))
                                .successThreshold(1 + random.nextInt(3))
                                .timeoutDuration(Duration.ofMillis(1 + random.nextInt(5)))
                                .build())
                        .build());
            }
        }
        return builder.settings();
    }

    /** In every sixth attempt or check something goes wrong. */
    private static void failNowAndThen() {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        if (random.nextInt(6) == 0) {
            throw ProviderException.of(KINDS.get(random.nextInt(KINDS.size())), "scripted");
        }
    }

    @Test
    void G6_nothing_that_failing_calls_took_is_lost_over_any_number_of_reloads() throws InterruptedException {
        for (int i = 0; i < 5; i++) {
            works.when("p" + i, made -> failNowAndThen());
            works.whenChecked("p" + i, made -> failNowAndThen());
        }
        Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
        AtomicInteger begun = new AtomicInteger();
        Orchestrator.Builder builder = nextStorm().toBuilder()
                .instantSource(InstantSource.fixed(Instant.parse("2026-11-24T12:00:00Z")))
                .providerFactory(works)
                .circuitBreakerRegistry(registry)
                .meterRegistry(meters);
        try (Orchestrator orchestrator = builder.build()) {
            List<Thread> callers = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                Thread caller = new Thread(
                        () -> {
                            int call;
                            while ((call = begun.getAndIncrement()) < CALLS) {
                                try {
                                    if (call % 10 == 0) {
                                        orchestrator.reconfigure(nextStorm());
                                    }
                                    ask(orchestrator, call, CallOptions.defaults());
                                } catch (RuntimeException | Error e) {
                                    Throwable reason = e instanceof CompletionException ? e.getCause() : e;
                                    // Some must fail.
                                    if (!(reason instanceof OrchestratorException)) {
                                        failures.add(e);
                                    }
                                }
                            }
                        },
                        "caller-" + i);
                callers.add(caller);
                caller.start();
            }
            for (Thread caller : callers) {
                caller.join();
            }

            assertThat(failures).isEmpty();
            for (ProviderStatus provider : orchestrator.status().providers().subList(0, 2)) {
                ProviderStatus.Attempts attempts = provider.attempts();
                assertThat(attempts.underWay()).isZero();
                assertThat(attempts.answered()).isPositive();
                assertThat(attempts.failed()).isPositive();
                assertThat(provider.quotas())
                        .extracting(QuotaStatus::used)
                        .as("failures of %s are refunded", provider.name())
                        .containsExactly(attempts.answered());
                CircuitBreakerCounters counters =
                        orchestrator.circuitBreaker(provider.name()).counters();
                assertThat(counters.successes() + counters.failures() + counters.released() + counters.lateResults())
                        .as("permits of %s that came back", provider.name())
                        .isEqualTo(attempts.answered() + attempts.failed() + attempts.abandoned());
            }
            Orchestrator.Builder one = Orchestrator.builder();
            orchestrator
                    .settings()
                    .providers()
                    .forEach(provider ->
                            one.provider(provider.toBuilder().maxConcurrent(1).build()));
            orchestrator.reconfigure(one.settings());
            assertThat(orchestrator.explain(REQUEST).candidates())
                    .extracting(candidate -> candidate.skipped().orElse(""))
                    .noneMatch(reason -> reason.startsWith("full"));
            Set<String> present = names(orchestrator.status().providers());
            assertThat(registry.getAllCircuitBreakers())
                    .extracting(CircuitBreaker::getName)
                    .containsExactlyInAnyOrderElementsOf(present);
            assertOnlyOpen(present.size());
        }
        works.assertEachClosedOnceAndNoneWhileInUse();
        assertThat(registry.getAllCircuitBreakers()).isEmpty();
        assertThat(meters.getMeters()).isEmpty();
    }

    private static void ask(Orchestrator orchestrator, int call) {
        ask(orchestrator, call, (call & 4) == 0 ? FAST : CallOptions.defaults());
    }

    private static void ask(Orchestrator orchestrator, int call, CallOptions options) {
        switch (call % 8) {
            case 0 -> {
                try (ChatStream stream = orchestrator.stream(REQUEST, options)) {
                    stream.response();
                }
            }
            case 1 -> orchestrator.chatAsync(REQUEST, options).join();
            case 2 -> orchestrator.chat(ChatRequest.of("hello " + call % 50), options.withCache(true));
            default -> orchestrator.chat(REQUEST, options);
        }
        if (call % 500 == 0) {
            orchestrator.status();
            orchestrator.explain(REQUEST, options);
        }
    }
}
