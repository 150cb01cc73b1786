package ai.orchestrator.simulation;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.routing.TokenPrice;
import ai.orchestrator.testkit.SimulatedTimeSource;
import ai.orchestrator.time.Deadline;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Takes simulated time to answer, and suffers from its weather. Not guarded: one caller runs at a time. */
final class SimulatedProvider implements ChatProvider {

    static final Usage USAGE = Usage.of(500, 200);

    private static final int PIECES = 5;

    /** How long it takes until the first piece of an answer comes, as a part of the whole. */
    private static final double FIRST_PIECE = 0.3;

    /** How much answers differ: the deviation of the logarithm of their times. */
    private static final double SPREAD = 0.35;

    private static final Duration CONNECTING = Duration.ofMillis(20);

    private final SimulatedTimeSource time;
    private final Random random;
    private final Duration median;
    private final Weather weather;
    private final TokenPrice price;
    private int underWay;

    private long attempts;
    private long attemptsWhileSick;
    private double cost;
    private @Nullable Duration backAfter;

    SimulatedProvider(SimulatedTimeSource time, long seed, Duration median, TokenPrice price, Weather weather) {
        this.time = time;
        this.random = new Random(seed);
        this.median = median;
        this.price = price;
        this.weather = weather;
    }

    TokenPrice price() {
        return price;
    }

    long attempts() {
        return attempts;
    }

    long attemptsWhileSick() {
        return attemptsWhileSick;
    }

    /** What its answers have cost, and what was read of requests whose answers nobody waited for. */
    double cost() {
        return cost;
    }

    /** How long after the end of its sickness it has begun its first answer. */
    Optional<Duration> backAfter() {
        return Optional.ofNullable(backAfter);
    }

    @Override
    public void chat(
            ChatRequest request, Delivery delivery, Deadline deadline, Cancellation cancellation, EventSink sink) {
        long began = time.nanoTime();
        attempts++;
        if (weather.isSickAt(began)) {
            attemptsWhileSick++;
        }
        Condition condition = weather.at(began, underWay);
        // Drawn in any case, so that an attempt's fate does not depend on those of others.
        double chance = random.nextDouble();
        double takes = condition.slowness() * Math.exp(SPREAD * random.nextGaussian());
        underWay++;
        try {
            CountDownLatch cancelled = new CountDownLatch(1);
            try (var registration = cancellation.onCancel(cancelled::countDown)) {
                if (chance < condition.failureRate()) {
                    fail(condition, cancelled, sink);
                } else {
                    answer(delivery, (long) (takes * median.toNanos()), cancelled, sink);
                    if (weather.isOverAt(began)) {
                        Duration after = weather.sinceOver(began);
                        // The first that began need not be the first that is there.
                        backAfter = backAfter == null || after.compareTo(backAfter) < 0 ? after : backAfter;
                    }
                }
            }
        } finally {
            underWay--;
        }
    }

    private void fail(Condition condition, CountDownLatch cancelled, EventSink sink) {
        Condition.Failure failure = condition.failure().orElse(null);
        if (failure == null || failure.kind() != FailureKind.NETWORK) {
            sink.connected();
        }
        if (failure == null) {
            await(cancelled, TimeUnit.DAYS.toNanos(1));
            throw ProviderException.of(FailureKind.SERVER, "nobody has waited longer than a day");
        }
        await(cancelled, condition.takes().toNanos());
        throw failure.exception();
    }

    private void answer(Delivery delivery, long takesNanos, CountDownLatch cancelled, EventSink sink) {
        await(cancelled, CONNECTING.toNanos());
        sink.connected();
        long firstNanos = (long) (takesNanos * FIRST_PIECE);
        await(cancelled, firstNanos);
        if (delivery == Delivery.STREAMED) {
            for (int i = 0; i < PIECES; i++) {
                sink.event(new ChatEvent.Text("piece "));
                await(cancelled, (takesNanos - firstNanos) / PIECES);
            }
        } else {
            await(cancelled, takesNanos - firstNanos);
            sink.event(new ChatEvent.Text("an answer"));
        }
        sink.event(new ChatEvent.Used(USAGE));
        sink.event(new ChatEvent.Finished(FinishReason.STOP));
        cost += price.cost(USAGE.inputTokens(), USAGE.outputTokens());
    }

    private void await(CountDownLatch cancelled, long nanos) {
        try {
            if (!time.await(cancelled, nanos)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        cost += price.cost(USAGE.inputTokens(), 0);
        throw ProviderException.of(FailureKind.CANCELLED, "cancelled");
    }
}
