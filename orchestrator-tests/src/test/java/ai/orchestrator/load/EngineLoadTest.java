package ai.orchestrator.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.Explanation;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.ProviderStatus;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.breaker.ProviderCircuitBreaker;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.quota.QuotaSettings;
import ai.orchestrator.quota.QuotaStatus;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer;
import ai.orchestrator.testkit.StreamScript;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Another seed: {@code -Dorchestrator.load.seed=…}. What the threads make of it differs from run to run all the same. */
@Timeout(120)
class EngineLoadTest {

    private static final int CALLERS = 16;
    private static final int TRIALS = 3;
    private static final long MANY = 1_000_000;

    /** Of fast time, as all durations here: a thousandth in real time. */
    private static final CircuitBreakerSettings BREAKER = CircuitBreakerSettings.builder()
            .failureThreshold(5)
            .successThreshold(TRIALS)
            .timeoutDuration(Duration.ofSeconds(20))
            // What is lost must stay lost, to be found.
            .trialLease(Duration.ofDays(7))
            .build();

    private static final RetrySettings RETRY = RetrySettings.builder()
            .maxAttempts(3)
            .backoff(Duration.ofSeconds(1))
            .maxBackoff(Duration.ofSeconds(4))
            .waitForHint(Duration.ofSeconds(3))
            .build();

    private final long seed = Long.getLong("orchestrator.load.seed", System.nanoTime());
    private final Set<Thread> threadsBefore = Patience.orchestratorThreads();
    private final FastTime time = new FastTime();
    private final Caller.Tally tally = new Caller.Tally();
    private final ExecutorService callers = Executors.newFixedThreadPool(CALLERS);
    private final ExecutorService blocking = Executors.newFixedThreadPool(100);

    @BeforeEach
    void tellSeed() {
        System.out.println("seed " + seed);
    }

    @AfterEach
    void release() throws InterruptedException {
        callers.shutdownNow();
        blocking.shutdownNow();
        time.close();
        assertThat(callers.awaitTermination(Patience.SECONDS, TimeUnit.SECONDS)).isTrue();
        assertThat(blocking.awaitTermination(Patience.SECONDS, TimeUnit.SECONDS))
                .isTrue();
    }

    private Orchestrator.Builder orchestrator() {
        return Orchestrator.builder()
                .timeSource(time)
                .deadline(Duration.ofHours(8))
                .drainTimeout(Duration.ofHours(8));
    }

    private static ProviderSettings.Builder settings(
            ProviderSettings.Builder provider, int priority, int maxConcurrent) {
        return provider.priority(priority)
                .maxConcurrent(maxConcurrent)
                .circuitBreaker(BREAKER)
                .retry(RETRY)
                .connectTimeout(Duration.ofSeconds(3_000))
                .firstTokenTimeout(Duration.ofSeconds(400))
                .idleTimeout(Duration.ofSeconds(300))
                .totalTimeout(Duration.ofSeconds(900));
    }

    /** All calls at once, from several threads. */
    private void call(int calls, Orchestrator orchestrator, Caller.Judge judge, Caller.Temper temper) throws Exception {
        long before = tally.ended();
        List<Future<?>> running = new ArrayList<>();
        for (int i = 0; i < CALLERS; i++) {
            int first = i;
            running.add(callers.submit(() -> {
                Caller caller = new Caller(orchestrator, judge, tally, temper, blocking);
                for (int number = first; number < calls; number += CALLERS) {
                    caller.begin(number, new SplittableRandom(seed + number));
                }
                caller.finish();
                return null;
            }));
        }
        for (Future<?> caller : running) {
            caller.get(6 * Patience.SECONDS, TimeUnit.SECONDS);
        }
        System.out.println(tally);
        assertThat(tally.faults()).isEmpty();
        assertThat(tally.ended() - before).isEqualTo(calls);
    }

    private void closeAtOnce(Orchestrator orchestrator) throws Exception {
        Future<?> closing = callers.submit(orchestrator::close);
        closing.get(Patience.SECONDS / 2, TimeUnit.SECONDS);
        assertThat(orchestrator.status().providers())
                .as("every attempt that began has ended")
                .allSatisfy(
                        provider -> assertThat(provider.attempts().underWay()).isZero());
        Patience.until("no timer waits", () -> time.pendingTimers() == 0);
        // The application's own time source has a thread as well.
        time.close();
        Patience.untilEnded(threadsBefore);
    }

    @Test
    void ten_thousand_calls_each_end_once_and_leave_nothing_behind() throws Exception {
        List<FlappingProvider> providers = new ArrayList<>();
        Orchestrator.Builder builder = orchestrator();
        int[] limits = {0, 8, 24, 0};
        for (int i = 0; i < limits.length; i++) {
            int limit = limits[i];
            int priority = i;
            FlappingProvider provider = new FlappingProvider("p" + i, seed + i, i == limits.length - 1);
            providers.add(provider);
            builder.provider(
                    "p" + i,
                    p -> settings(p.chatProvider(provider), priority, limit)
                            .quota(QuotaSettings.builder().requestsPerDay(MANY).build()));
        }
        // One day lasts as long as the test.
        Orchestrator orchestrator =
                builder.instantSource(InstantSource.fixed(Instant.EPOCH)).build();
        Caller.Judge judge = new Caller.Judge() {
            @Override
            public boolean isWhole(String provider, String question, String text) {
                return FlappingProvider.isWhole(provider, question, text);
            }

            @Override
            public boolean isBeginning(String question, String text) {
                return FlappingProvider.isBeginning(question, text);
            }

            @Override
            public int attemptsFor(String question) {
                return providers.stream()
                        .mapToInt(provider -> provider.attemptsFor(question))
                        .sum();
            }
        };

        call(10_000, orchestrator, judge, new Caller.Temper(true, true, true));

        assertThat(tally.ended("answer")).isGreaterThan(1_000);
        // Those that were given up may still be on their way out.
        Patience.until(
                "no attempt is under way",
                () -> providers.stream().allMatch(provider -> provider.running() == 0)
                        && orchestrator.status().providers().stream()
                                .allMatch(provider -> provider.attempts().underWay() == 0)
                        && time.pendingTimers() == 0);
        for (int i = 0; i < limits.length; i++) {
            FlappingProvider provider = providers.get(i);
            System.out.println("p" + i + ": " + provider.attempts() + " attempts, at most " + provider.mostRunning()
                    + " at once, " + orchestrator.circuitBreaker("p" + i) + " "
                    + orchestrator.circuitBreaker("p" + i).counters());
            assertThat(provider.attempts()).isGreaterThan(50);
            addsUp(orchestrator.status().providers().get(i).attempts(), provider.attempts());
            if (limits[i] > 0) {
                assertThat(provider.mostRunning()).isLessThanOrEqualTo(limits[i]);
            }
            recovers(orchestrator, "p" + i);
            hasAllItsPlaces(orchestrator, provider, "p" + i, limits[i]);
            retries(orchestrator, "p" + i);
            hasAllItsTrials(orchestrator, provider, "p" + i);
        }
        closeAtOnce(orchestrator);
        assertThat(orchestrator.status().providers())
                .allSatisfy(provider -> assertThat(provider.quotas())
                        .extracting(QuotaStatus::used)
                        .containsExactly(provider.attempts().answered()));
    }

    /** Some were let in and cancelled before they were made. */
    private static void addsUp(ProviderStatus.Attempts counted, int made) {
        System.out.println(counted);
        assertThat(counted.underWay()).isZero();
        long ended = counted.answered() + counted.failed();
        assertThat((long) made).isBetween(ended, ended + counted.abandoned());
        assertThat(counted.answered()).isPositive();
        assertThat(counted.failed()).isPositive();
    }

    private static Explanation.Candidate explained(Orchestrator orchestrator, ChatRequest request, String provider) {
        return orchestrator.explain(request).candidates().stream()
                .filter(candidate -> candidate.provider().equals(provider))
                .findFirst()
                .orElseThrow();
    }

    /** Neither a trial nor the first call after a park is waited for that will never report. */
    private static void recovers(Orchestrator orchestrator, String name) throws InterruptedException {
        ProviderCircuitBreaker breaker = orchestrator.circuitBreaker(name);
        for (int i = 0; i <= TRIALS; i++) {
            ChatRequest question = FlappingProvider.aimedAt(name, FlappingProvider.ANSWER, i);
            Patience.until(
                    name + " may be asked: " + explained(orchestrator, question, name),
                    () -> explained(orchestrator, question, name).skipped().isEmpty());
            assertThat(orchestrator.chat(question).trail().attempts()).isOne();
        }
        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
    }

    private static void hasAllItsPlaces(Orchestrator orchestrator, FlappingProvider provider, String name, int limit)
            throws Exception {
        if (limit == 0) {
            return;
        }
        List<CompletableFuture<ChatResponse>> holding = hold(orchestrator, provider, name, limit);
        assertThatThrownBy(() -> orchestrator.chat(FlappingProvider.aimedAt(name, FlappingProvider.ANSWER, 0)))
                .isInstanceOf(AllProvidersFailedException.class)
                .hasMessageContaining("full: " + limit);
        letGo(provider, holding);
    }

    private static List<CompletableFuture<ChatResponse>> hold(
            Orchestrator orchestrator, FlappingProvider provider, String name, int count) throws InterruptedException {
        List<CompletableFuture<ChatResponse>> holding = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            holding.add(orchestrator.chatAsync(FlappingProvider.aimedAt(name, FlappingProvider.HOLD, i)));
        }
        Patience.until(count + " are held at " + name, () -> provider.held() == count);
        return holding;
    }

    private static void letGo(FlappingProvider provider, List<CompletableFuture<ChatResponse>> holding)
            throws Exception {
        provider.letGo();
        for (CompletableFuture<ChatResponse> held : holding) {
            assertThat(held.get(Patience.SECONDS, TimeUnit.SECONDS).trail().attempts())
                    .isOne();
        }
    }

    /** The retry budget has recovered. */
    private static void retries(Orchestrator orchestrator, String name) throws InterruptedException {
        ChatResponse[] answer = new ChatResponse[1];
        int[] number = {0};
        Patience.until("a retry is allowed at " + name, () -> {
            try {
                answer[0] = orchestrator.chat(FlappingProvider.aimedAt(name, FlappingProvider.FAIL_ONCE, number[0]++));
                return true;
            } catch (AllProvidersFailedException e) {
                return false;
            }
        });
        assertThat(answer[0].trail().attempts()).isEqualTo(2);
    }

    private static void hasAllItsTrials(Orchestrator orchestrator, FlappingProvider provider, String name)
            throws Exception {
        ProviderCircuitBreaker breaker = orchestrator.circuitBreaker(name);
        while (breaker.state() == CircuitState.CLOSED) {
            assertThatThrownBy(() -> orchestrator.chat(FlappingProvider.aimedAt(name, FlappingProvider.FAIL, 0)))
                    .isInstanceOf(AllProvidersFailedException.class);
        }
        ChatRequest question = FlappingProvider.aimedAt(name, FlappingProvider.ANSWER, 0);
        Patience.until(
                name + "'s breaker lets trials through",
                () -> explained(orchestrator, question, name).skipped().isEmpty());
        List<CompletableFuture<ChatResponse>> trials = hold(orchestrator, provider, name, TRIALS);
        assertThatThrownBy(() -> orchestrator.chat(question))
                .isInstanceOf(AllProvidersFailedException.class)
                .hasMessageContaining("its trials are under way");

        assertThat(trials.remove(0).cancel(true)).isTrue();
        Patience.until("the cancelled trial has ended", () -> provider.held() == TRIALS - 1);
        Patience.until(
                "its permit is back",
                () -> explained(orchestrator, question, name).skipped().isEmpty());
        trials.add(orchestrator.chatAsync(FlappingProvider.aimedAt(name, FlappingProvider.HOLD, TRIALS)));
        Patience.until("another has taken its place", () -> provider.held() == TRIALS);
        letGo(provider, trials);
        assertThat(breaker.state()).isEqualTo(CircuitState.CLOSED);
    }

    // ---- Over sockets

    private static final int SERVERS = 3;
    private static final String[] PIECES = {"one ", "two ", "three ", "four ", "end"};

    private static String[] pieces(int server) {
        String[] pieces = PIECES.clone();
        for (int i = 0; i < pieces.length; i++) {
            pieces[i] = "s" + server + ":" + pieces[i];
        }
        return pieces;
    }

    private static Reply good(int server, Random random) {
        String[] pieces = pieces(server);
        return random.nextInt(4) == 0 ? Reply.answer(String.join("", pieces)) : Reply.tokens(pieces);
    }

    private static Reply flapping(int server, Random random) {
        int dice = random.nextInt(100);
        if (dice < 6) {
            return Reply.error(503, "server_is_overloaded", "busy");
        } else if (dice < 10) {
            return Reply.error(500, "server_error", "broken");
        } else if (dice < 13) {
            return Reply.error(429, "rate_limit_exceeded", "slow down").withHeader("retry-after", "3");
        } else if (dice < 15) {
            return Reply.error(429, "rate_limit_exceeded", "slow down");
        } else if (dice < 21) {
            return Reply.reset();
        } else if (dice < 26) {
            StreamScript cut = StreamScript.empty();
            String[] pieces = pieces(server);
            for (int i = 0; i < random.nextInt(pieces.length); i++) {
                cut = cut.send(Reply.token(pieces[i]));
            }
            return Reply.stream(random.nextInt(8) == 0 ? cut.thenSilence() : cut.thenClose());
        } else if (dice < 28) {
            return Reply.closeAfter(random.nextInt(60));
        } else if (dice == 28) {
            return Reply.hang();
        } else if (dice == 29) {
            return random.nextInt(6) == 0 ? Reply.error(401, "invalid_api_key", "who?") : Reply.hangAfterHeaders();
        }
        return good(server, random);
    }

    private static final Caller.Judge BY_SERVER = new Caller.Judge() {
        @Override
        public boolean isWhole(String provider, String question, String text) {
            int server = provider.charAt(1) - '0';
            return text.equals(String.join("", pieces(server)));
        }

        @Override
        public boolean isBeginning(String question, String text) {
            return text.isEmpty()
                    || String.join("", pieces(text.charAt(1) - '0')).startsWith(text);
        }

        @Override
        public int attemptsFor(String question) {
            return -1;
        }
    };

    private final class Servers implements AutoCloseable {

        private final List<ScriptedServer> started = new ArrayList<>();

        private Orchestrator orchestrator() {
            Orchestrator.Builder builder = EngineLoadTest.this.orchestrator();
            for (int i = 0; i < SERVERS; i++) {
                ScriptedServer server = ScriptedServer.start();
                started.add(server);
                Random random = new Random(seed + i);
                for (int j = 0; j < 300; j++) {
                    server.reply(flapping(i, random));
                }
                server.otherwise(good(i, random));
                int priority = i;
                builder.provider(
                        "s" + i,
                        p -> settings(
                                        p.type("openai")
                                                .baseUrl(server.baseUrl())
                                                .apiKey("key")
                                                .model("m")
                                                .collectStreams(true),
                                        priority,
                                        priority == 1 ? 20 : 0)
                                // Of 500 connections at once some wait a second, for the client to knock again.
                                .firstTokenTimeout(Duration.ofSeconds(3_000))
                                .idleTimeout(Duration.ofSeconds(1_000))
                                .totalTimeout(Duration.ofSeconds(6_000)));
            }
            return builder.build();
        }

        private int requests() {
            return started.stream().mapToInt(ScriptedServer::requestCount).sum();
        }

        private int openConnections() {
            return started.stream().mapToInt(ScriptedServer::openConnections).sum();
        }

        @Override
        public void close() {
            started.forEach(ScriptedServer::close);
        }
    }

    private void overSockets(Servers servers, Caller.Temper temper) throws Exception {
        Orchestrator orchestrator = servers.orchestrator();

        call(500, orchestrator, BY_SERVER, temper);

        assertThat(tally.ended("answer")).isGreaterThan(50);
        closeAtOnce(orchestrator);
        Patience.until("all connections are closed", () -> servers.openConnections() == 0);
    }

    @Test
    void five_hundred_calls_over_sockets_each_end_once_and_leave_no_connection() throws Exception {
        try (Servers servers = new Servers()) {
            overSockets(servers, new Caller.Temper(true, true, true));
        }
    }

    @Test
    void five_hundred_patient_calls_over_sockets_each_end_once() throws Exception {
        try (Servers servers = new Servers()) {
            overSockets(servers, new Caller.Temper(false, false, false));

            System.out.println("attempts " + tally.attempts() + ", requests " + servers.requests());
            // One that found no connection in time is an attempt without a request; but none is repeated unseen.
            assertThat((long) servers.requests()).isBetween(tally.attempts() / 2, tally.attempts());
        }
    }
}
