package ai.orchestrator.benchmarks;

import ai.orchestrator.breaker.Acquisition;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.breaker.ProviderCircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerRegistry;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.openjdk.jol.info.GraphLayout;

/**
 * What one more breaker takes in memory: the bytes that can be reached from a second breaker and not from a first. So everything that breakers
 * share counts for neither, and needs no list: settings, time source, instant source, enums, loggers, lambdas without state, Resilience4j's
 * scheduler. The registry is one for all, as in an orchestrator, and each breaker is taken out of it before it is measured: through the
 * registry each would reach all others.
 */
final class BreakerSizes {

    private static final int THREADS = 16;
    private static final int CALLS_PER_THREAD = 50_000;

    private BreakerSizes() {}

    static String markdown() {
        // JOL reads this when it starts: without, it can't look into lambdas.
        System.setProperty("jol.magicFieldOffset", "true");
        CircuitBreakerSettings settings = Breakers.settings(Breakers.DEFAULT_THRESHOLD);
        CircuitBreakerConfig config = Breakers.resilience4jConfig(Breakers.DEFAULT_THRESHOLD);
        CircuitBreakerRegistry registry = CircuitBreakerRegistry.ofDefaults();
        Supplier<ProviderCircuitBreaker> orchestrator = () -> {
            ProviderCircuitBreaker breaker = Breakers.orchestrator("breaker", settings, registry);
            breaker.close();
            return breaker;
        };
        Supplier<CircuitBreaker> resilience4j = () -> Breakers.resilience4j(Breakers.DEFAULT_THRESHOLD);

        long own = bytes(orchestrator, breaker -> {});
        long theirs = bytes(resilience4j, breaker -> {});
        return """
                | memory of one more breaker | bytes |
                |---|---:|
                | Failsafe | %,d |
                | Resilience4j, its configuration shared | %,d |
                | Resilience4j, its configuration its own | %,d |
                | orchestrator, with the Resilience4j breaker that follows it | %,d |
                | **orchestrator beyond Resilience4j** | **%,d** |
                | the same after %d threads have fought over it, beyond Resilience4j after that | %,d |
                """.formatted(
                        bytes(() -> Breakers.failsafe(Breakers.DEFAULT_THRESHOLD), breaker -> {}),
                        bytes(() -> CircuitBreaker.of("breaker", config), breaker -> {}),
                        theirs,
                        own,
                        own - theirs,
                        THREADS,
                        bytes(orchestrator, BreakerSizes::contend) - bytes(resilience4j, BreakerSizes::contend));
    }

    private static <T> long bytes(Supplier<T> supplier, Consumer<T> use) {
        T first = supplier.get();
        T second = supplier.get();
        use.accept(first);
        use.accept(second);
        return GraphLayout.parseInstance(first, second).totalSize()
                - GraphLayout.parseInstance(first).totalSize();
    }

    private static void contend(ProviderCircuitBreaker breaker) {
        contend(() -> ((Acquisition.Permit) breaker.tryAcquire()).success());
    }

    private static void contend(CircuitBreaker breaker) {
        contend(() -> {
            breaker.acquirePermission();
            breaker.onSuccess(0, breaker.getTimestampUnit());
        });
    }

    private static void contend(Runnable call) {
        Thread[] threads = IntStream.range(0, THREADS)
                .mapToObj(i -> new Thread(() -> {
                    for (int n = 0; n < CALLS_PER_THREAD; n++) {
                        call.run();
                    }
                }))
                .toArray(Thread[]::new);
        for (Thread thread : threads) {
            thread.start();
        }
        for (Thread thread : threads) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
