package ai.orchestrator.benchmarks;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.routing.StandardStrategy;
import ai.orchestrator.routing.TokenPrice;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * Whole calls of one of several providers in memory. What such a call takes beyond one of a lone provider, which needs no routing, is what
 * routing costs.
 */
@State(Scope.Benchmark)
public class RoutingBenchmark {

    /** How the providers are. */
    public enum Condition {
        /** Whoever is asked first answers. */
        WELL,
        /** An operator has shut all but one, so that a call skips every other one until it comes to that. */
        ONE_LEFT
    }

    @Param("3")
    public int providers = 3;

    @Param
    public StandardStrategy strategy = StandardStrategy.PRIORITY;

    @Param("WELL")
    public Condition condition = Condition.WELL;

    private final ChatRequest request = ChatRequest.of("Why is the sky blue?");
    private Orchestrator orchestrator = orchestrator();

    /** Makes the providers. */
    @Setup
    public void setUp() {
        orchestrator.close();
        orchestrator = orchestrator();
        if (condition == Condition.ONE_LEFT) {
            for (int i = 0; i < providers - 1; i++) {
                orchestrator.circuitBreaker("memory-" + i).forceOpen();
            }
        }
    }

    private Orchestrator orchestrator() {
        Orchestrator.Builder builder = Orchestrator.builder().strategy(strategy);
        for (int i = 0; i < providers; i++) {
            int number = i;
            builder.provider(
                    "memory-" + i,
                    p -> p.chatProvider(new InMemoryProvider())
                            .priority(number)
                            .weight(number + 1)
                            .price(new TokenPrice(number, 1)));
        }
        return builder.build();
    }

    /** Ends the threads. */
    @TearDown
    public void tearDown() {
        orchestrator.close();
    }

    /** An answer as a whole. */
    @Benchmark
    public ChatResponse chat() {
        return orchestrator.chat(request);
    }
}
