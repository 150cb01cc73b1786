package ai.orchestrator.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.CallOptions;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.ProviderStatus;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.load.Patience;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.providers.HttpProviderFactory;
import ai.orchestrator.quota.QuotaStatus;
import ai.orchestrator.quota.QuotaUnit;
import ai.orchestrator.quota.QuotaWindow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import okhttp3.ConnectionPool;
import org.jspecify.annotations.Nullable;

/** One orchestrator's life: some seconds of storm, and then either calm and a look at whether all is as before, or its end amid its calls. */
final class Round implements AutoCloseable {

    private static final int CALLERS = 24;
    private static final Duration LENGTH = Duration.ofSeconds(4);
    private static final int MILLIS_BETWEEN_LOOKS = 200;

    /** Those that a provider is parked for by the ten minutes. */
    private static final Set<FailureKind> LASTING = Set.of(
            FailureKind.CREDENTIAL, FailureKind.PERMISSION, FailureKind.MODEL_NOT_FOUND, FailureKind.QUOTA_EXHAUSTED);

    private final long seed;
    private final HostileFleet fleet;
    private final Balance balance;
    private final OpenFiles files;

    /** Gives each call of all rounds another number. */
    private final AtomicInteger numbers;

    private final boolean endsAmid;
    private final Set<Thread> threadsBefore = orchestratorThreads();
    private final Map<HostileServer, Long> requestsBefore = new HashMap<>();
    private final ExecutorService callers = Executors.newCachedThreadPool();
    private final ScheduledExecutorService pests = Executors.newScheduledThreadPool(2);
    private final @Nullable ExecutorService fewThreads;
    private final ConnectionPool pool = new ConnectionPool(2, 300, TimeUnit.MILLISECONDS);
    private final HttpProviderFactory overTls;
    private final Orchestrator orchestrator;

    /** Every other round ends amid its calls, and every third has too few threads. */
    Round(int number, long seed, HostileFleet fleet, Balance balance, OpenFiles files, AtomicInteger numbers) {
        this.seed = seed + number * 1_000L;
        this.fleet = fleet;
        this.balance = balance;
        this.files = files;
        this.numbers = numbers;
        this.endsAmid = number % 2 == 1;
        this.fewThreads = number % 3 == 2
                ? new ThreadPoolExecutor(12, 12, 1, TimeUnit.SECONDS, new ArrayBlockingQueue<>(4))
                : null;
        fleet.servers().forEach(server -> requestsBefore.put(server, server.requests()));
        this.overTls = HttpProviderFactory.using(fleet.client(pool));
        this.orchestrator = fleet.orchestrator(overTls, fewThreads);
    }

    void run() throws Exception {
        // All is well, and loaded: what the first calls of all take says nothing.
        recover();
        storm();
        if (!endsAmid) {
            recover();
            balance.remark("breakers that were closed again, with all their trials", closedBreakers());
            hasAllItsPlaces();
            end();
        }
        leavesNothing();
        balance.remark(endsAmid ? "rounds that ended amid their calls" : "rounds that ended in calm", 1);
    }

    private void storm() throws Exception {
        AtomicBoolean over = new AtomicBoolean();
        AtomicBoolean closing = new AtomicBoolean();
        StormCaller.Terms terms =
                new StormCaller.Terms(orchestrator, fleet, balance, numbers, fewThreads != null, closing, pests);
        fleet.stormy(true);
        List<Future<?>> running = new ArrayList<>();
        for (int i = 0; i < CALLERS; i++) {
            StormCaller caller = new StormCaller(terms, new SplittableRandom(seed + i));
            running.add(callers.submit(() -> {
                boolean open = true;
                while (open && !over.get()) {
                    open = caller.call();
                }
            }));
        }
        long end = System.nanoTime() + LENGTH.toNanos();
        while (System.nanoTime() < end) {
            look();
        }
        if (endsAmid) {
            closing.set(true);
            end();
        }
        over.set(true);
        for (Future<?> caller : running) {
            caller.get(3 * Patience.SECONDS, TimeUnit.SECONDS);
        }
        fleet.stormy(false);
    }

    /** At what must hold all the time. */
    private void look() throws InterruptedException {
        for (ProviderStatus provider : orchestrator.checkProviders().providers()) {
            for (QuotaStatus quota : provider.quotas()) {
                if (quota.unit() == QuotaUnit.REQUESTS && quota.used() > quota.limit()) {
                    balance.wrong(provider.name() + " is beyond its quota: " + quota);
                }
            }
            if (provider.name().equals(HostileFleet.NARROW)
                    && provider.attempts().underWay() > HostileFleet.PLACES) {
                balance.wrong(provider.name() + " has too many at once: " + provider.attempts());
            }
        }
        balance.sees(Balance.Left.THREADS, threads());
        balance.sees(Balance.Left.CONNECTIONS, fleet.openConnections());
        balance.sees(Balance.Left.POOLED, pool.connectionCount());
        balance.sees(Balance.Left.ATTEMPTS, underWay());
        balance.sees(Balance.Left.RESERVED, reserved());
        balance.sees(Balance.Left.FILES, files.more());
        for (int i = 0; i < MILLIS_BETWEEN_LOOKS; i++) {
            Patience.moment();
        }
    }

    private long threads() {
        return orchestratorThreads().stream()
                .filter(thread -> !threadsBefore.contains(thread))
                .count();
    }

    private static Set<Thread> orchestratorThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                // While one makes a call, OkHttp calls it by the address.
                .filter(thread -> thread.getName().startsWith("orchestrator-")
                        || thread.getName().startsWith("OkHttp http"))
                .collect(Collectors.toSet());
    }

    private long underWay() {
        return orchestrator.status().providers().stream()
                .mapToLong(provider -> provider.attempts().underWay())
                .sum();
    }

    /** About, while attempts are under way. */
    private long reserved() {
        return orchestrator.status().providers().stream()
                .flatMap(provider -> provider.quotas().stream()
                        .filter(quota -> quota.window() == QuotaWindow.DAY && quota.unit() == QuotaUnit.REQUESTS)
                        .map(quota -> quota.used() - provider.attempts().answered()))
                .mapToLong(Long::longValue)
                .sum();
    }

    private void end() throws Exception {
        long start = System.nanoTime();
        callers.submit(orchestrator::close).get(Patience.SECONDS, TimeUnit.SECONDS);
        balance.endedAfterEnding(System.nanoTime() - start - HostileFleet.DRAIN.toNanos(), "close()");
    }

    // ---- In calm

    private void recover() throws InterruptedException {
        Patience.until("no attempt is under way", () -> underWay() == 0);
        for (String provider : fleet.providers().keySet()) {
            int[] inARow = {0};
            Patience.until(provider + " has recovered", () -> hasRecovered(provider, inARow));
        }
    }

    /** Neither a trial nor the first call after a park is waited for that will never report. */
    private boolean hasRecovered(String provider, int[] answersInARow) {
        CallOptions options = CallOptions.defaults().withRoute(HostileFleet.routeTo(provider));
        String skipped = skipped(options).orElse("");
        if (skipped.contains("quota") || isParkedForLong(provider)) {
            return true;
        } else if (!skipped.isEmpty()) {
            return false;
        }
        String question = question("ask");
        try {
            ChatResponse answer = orchestrator.chat(StormCaller.request(question), options);
            assertThat(Text.isWhole(answer.text(), question)).as(answer.text()).isTrue();
        } catch (AllProvidersFailedException e) {
            // On a busy machine a good answer may come too late.
            answersInARow[0] = 0;
            return provider.equals(HostileFleet.UNHEARD)
                    && String.valueOf(e.getMessage()).contains("NETWORK");
        }
        return ++answersInARow[0] > HostileFleet.TRIALS
                && orchestrator.circuitBreaker(provider).state() == CircuitState.CLOSED;
    }

    private long closedBreakers() {
        return orchestrator.status().providers().stream()
                .filter(provider -> provider.circuitBreaker().state() == CircuitState.CLOSED)
                .count();
    }

    private Optional<String> skipped(CallOptions options) {
        return orchestrator
                .explain(StormCaller.request("ask-00000000"), options)
                .candidates()
                .get(0)
                .skipped();
    }

    private boolean isParkedForLong(String provider) {
        return orchestrator.status().providers().stream()
                .filter(any -> any.name().equals(provider))
                .flatMap(any -> any.parked().stream())
                .anyMatch(parked -> LASTING.contains(parked.kind()));
    }

    private String question(String kind) {
        return String.format(Locale.ROOT, "%s-%08d", kind, numbers.incrementAndGet());
    }

    private void hasAllItsPlaces() throws InterruptedException {
        CallOptions options = CallOptions.defaults().withRoute(HostileFleet.routeTo(HostileFleet.NARROW));
        if (skipped(options).isEmpty()) {
            // More than once, because on a busy machine the first may have run out of time when the last has come.
            Patience.until("all its places can be taken", () -> takesAllPlaces(options));
        }
    }

    private boolean takesAllPlaces(CallOptions options) {
        HostileServer server = fleet.server(HostileFleet.NARROW);
        server.hold();
        List<CompletableFuture<ChatResponse>> calls = new ArrayList<>();
        for (int i = 0; i < HostileFleet.PLACES; i++) {
            calls.add(orchestrator.chatAsync(StormCaller.request(question("hold")), options));
        }
        boolean all = false;
        while (!all && calls.stream().noneMatch(CompletableFuture::isDone)) {
            all = server.held() == HostileFleet.PLACES;
        }
        while (server.held() > 0 || !calls.stream().allMatch(CompletableFuture::isDone)) {
            server.letGo();
        }
        return all;
    }

    // ---- In the end

    private void leavesNothing() throws InterruptedException {
        overTls.close();
        if (fewThreads != null) {
            fewThreads.shutdown();
            assertThat(fewThreads.awaitTermination(Patience.SECONDS, TimeUnit.SECONDS))
                    .as("the application's threads are free")
                    .isTrue();
        }
        Patience.until("the orchestrator's threads have ended", () -> threads() == 0);
        Patience.until(
                "the application's pool has none but idle connections",
                () -> pool.connectionCount() == pool.idleConnectionCount());
        pool.evictAll();
        try {
            Patience.until("every connection is closed", () -> fleet.openConnections() == 0);
        } catch (AssertionError e) {
            throw new AssertionError(fleet.describeOpen(), e);
        }
        assertThat(pool.connectionCount()).isZero();
        balance.leaves(Balance.Left.THREADS, threads());
        balance.leaves(Balance.Left.CONNECTIONS, fleet.openConnections());
        balance.leaves(Balance.Left.POOLED, pool.connectionCount());
        balance.leaves(Balance.Left.ATTEMPTS, underWay());
        balance.leaves(Balance.Left.RESERVED, reserved());
        balance.leaves(Balance.Left.FILES, files.more());
        Map<HostileServer, Long> attempts = new HashMap<>();
        for (ProviderStatus provider : orchestrator.status().providers()) {
            assertThat(provider.attempts().underWay()).as(provider.name()).isZero();
            long answered = provider.attempts().answered();
            for (QuotaStatus quota : provider.quotas()) {
                if (quota.window() == QuotaWindow.DAY) {
                    balance.remark(quota.unit().name().toLowerCase(Locale.ROOT) + " booked on quotas", quota.used());
                    assertThat(isCostOf(answered, quota.unit(), quota.used()))
                            .as("the cost of %d answers of %s is %s", answered, provider.name(), quota)
                            .isTrue();
                }
            }
            balance.attempts(provider.name(), provider.attempts());
            String server = fleet.providers().get(provider.name());
            fleet.servers().stream()
                    .filter(asked -> asked.name().equals(server))
                    .forEach(asked -> attempts.merge(asked, made(provider.attempts()), Long::sum));
        }
        attempts.forEach((server, made) -> assertThat(server.requests() - requestsBefore.getOrDefault(server, 0L))
                .as("requests at %s, of which none is repeated unseen", server.name())
                .isLessThanOrEqualTo(made));
    }

    private static long made(ProviderStatus.Attempts attempts) {
        return attempts.answered() + attempts.failed() + attempts.abandoned();
    }

    /** Nothing is reserved any more, and used is what the answers took, or were taken to have cost where they did not say. */
    private static boolean isCostOf(long answers, QuotaUnit unit, long used) {
        if (unit == QuotaUnit.REQUESTS) {
            return used == answers;
        }
        // Of two frames, half of the letters of a question of 12 or 13, and what the answer may have.
        long one = 16 + 6 + StormCaller.MAX_TOKENS - HostileServer.TOKENS;
        long other = one + 1;
        long beyond = used - answers * HostileServer.TOKENS;
        for (long i = 0; i <= answers; i++) {
            long rest = beyond - i * one;
            if (rest >= 0 && rest % other == 0 && i + rest / other <= answers) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void close() {
        callers.shutdownNow();
        pests.shutdownNow();
    }
}
