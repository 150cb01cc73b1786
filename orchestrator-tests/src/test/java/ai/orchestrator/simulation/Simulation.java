package ai.orchestrator.simulation;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.routing.TokenPrice;
import ai.orchestrator.testkit.SimulatedTimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** One run of a scenario under a setup: the same traffic and the same trouble for every setup. */
final class Simulation {

    private static final ChatRequest REQUEST = ChatRequest.of("x".repeat(2_000));
    private static final Instant MIDNIGHT = Instant.parse("2026-01-02T00:00:00Z");
    private static final List<String> NAMES = List.of("first", "second", "third");
    private static final List<Integer> WEIGHTS = List.of(6, 3, 1);
    private static final long SEED = 26;

    private final Scenario scenario;
    private final Setup setup;
    private final Traffic traffic;
    private final List<Long> latencies = new ArrayList<>();
    private long failed;
    private long whileSick;

    private Simulation(Scenario scenario, Setup setup, Traffic traffic) {
        this.scenario = scenario;
        this.setup = setup;
        this.traffic = traffic;
    }

    /**
     * What came of a run.
     *
     * @param calls how many there were
     * @param answered the part of them that was answered, from zero to one
     * @param median how long the caller had to wait in half of them, failed ones included
     * @param p99 in 99 of 100
     * @param longest in all
     * @param attemptsPerCall of all providers
     * @param sickLoad attempts at the sick provider while it was sick, for each call that came then; empty if it never was
     * @param backAfter how long after its end of sickness it began its first answer; empty if there was none
     * @param cost of a thousand answered calls
     */
    record Result(
            long calls,
            double answered,
            Duration median,
            Duration p99,
            Duration longest,
            double attemptsPerCall,
            Optional<Double> sickLoad,
            Optional<Duration> backAfter,
            double cost) {}

    static Result run(Scenario scenario, Setup setup, Traffic traffic) {
        return new Simulation(scenario, setup, traffic).run();
    }

    private Result run() {
        try (SimulatedTimeSource time = new SimulatedTimeSource()) {
            Weather weather = scenario.first(traffic);
            List<SimulatedProvider> providers = List.of(
                    new SimulatedProvider(time, 1, Duration.ofMillis(1_000), new TokenPrice(0.5, 1.5), weather),
                    new SimulatedProvider(
                            time, 2, Duration.ofMillis(1_500), new TokenPrice(1, 3), scenario.others(traffic)),
                    new SimulatedProvider(
                            time, 3, Duration.ofMillis(2_000), new TokenPrice(2, 8), scenario.others(traffic)));
            try (Orchestrator orchestrator = orchestrator(time, providers)) {
                Random gaps = new Random(SEED);
                double seconds = 0;
                while ((seconds -= Math.log(1 - gaps.nextDouble()) / traffic.callsPerSecond())
                        < traffic.length().toSeconds()) {
                    time.start(Duration.ofNanos((long) (seconds * 1e9)), () -> call(time, orchestrator, weather));
                }
                time.run();
            }
            return result(providers);
        }
    }

    private Orchestrator orchestrator(SimulatedTimeSource time, List<SimulatedProvider> providers) {
        Orchestrator.Builder builder = Orchestrator.builder()
                .timeSource(time)
                .instantSource(time.instantSource(MIDNIGHT.minus(traffic.troubleUntil())))
                .random(new Random(SEED)::nextDouble);
        for (int i = 0; i < (setup == Setup.ALONE ? 1 : providers.size()); i++) {
            int order = i;
            SimulatedProvider provider = providers.get(i);
            builder.provider(NAMES.get(i), p -> {
                p.chatProvider(provider)
                        .priority(order)
                        .weight(WEIGHTS.get(order))
                        .price(provider.price());
                if (order == 0) {
                    scenario.configure(p);
                }
                setup.providers.accept(p);
            });
        }
        setup.orchestrator.accept(builder);
        return builder.build();
    }

    private void call(SimulatedTimeSource time, Orchestrator orchestrator, Weather weather) {
        long began = time.nanoTime();
        if (weather.isSickAt(began)) {
            whileSick++;
        }
        try {
            orchestrator.chat(REQUEST);
        } catch (OrchestratorException e) {
            failed++;
        }
        latencies.add(time.nanoTime() - began);
    }

    private Result result(List<SimulatedProvider> providers) {
        long[] sorted = latencies.stream().mapToLong(Long::longValue).sorted().toArray();
        long attempts =
                providers.stream().mapToLong(SimulatedProvider::attempts).sum();
        double cost = providers.stream().mapToDouble(SimulatedProvider::cost).sum();
        SimulatedProvider first = providers.get(0);
        int calls = sorted.length;
        return new Result(
                calls,
                (double) (calls - failed) / calls,
                Duration.ofNanos(sorted[calls / 2]),
                Duration.ofNanos(sorted[calls * 99 / 100]),
                Duration.ofNanos(sorted[calls - 1]),
                (double) attempts / calls,
                whileSick == 0 ? Optional.empty() : Optional.of((double) first.attemptsWhileSick() / whileSick),
                whileSick == 0 ? Optional.empty() : first.backAfter(),
                1_000 * cost / (calls - failed));
    }
}
