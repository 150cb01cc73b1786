package ai.orchestrator.simulation;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.RateLimit;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.time.Deadline;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * A provider that does anything that one may do, as its seed says: its n-th attempt does the same whatever others do. It tells of each
 * attempt when it begins, of what it says, and when it ends.
 */
final class RandomProvider implements ChatProvider {

    private static final long FOR_EVER = Duration.ofDays(1_000).toNanos();
    private static final int ANSWER = 100;

    private final Stage stage;
    private final long seed;
    private final List<RandomScene.Mood> moods;
    private int attempts;

    @Nullable
    ReferenceProvider reference;

    /** Where it plays. */
    interface Stage {

        long now();

        /** Waits; whether the signal came first. */
        boolean await(CountDownLatch signal, long nanos) throws InterruptedException;

        Attempt begins(ReferenceProvider provider, ChatRequest request, Delivery delivery, Deadline deadline);

        void ends(Attempt attempt, boolean cancelled, @Nullable RuntimeException thrown);
    }

    RandomProvider(Stage stage, long seed, List<RandomScene.Mood> moods) {
        this.stage = stage;
        this.seed = seed;
        this.moods = moods;
    }

    @Override
    public Optional<String> unsupported(ChatRequest request) {
        return request.seed().isPresent() && Objects.requireNonNull(reference).lacksSeeds
                ? Optional.of("seed: has none")
                : Optional.empty();
    }

    @Override
    public void chat(
            ChatRequest request, Delivery delivery, Deadline deadline, Cancellation cancellation, EventSink sink) {
        Attempt attempt = stage.begins(Objects.requireNonNull(reference), request, delivery, deadline);
        RandomScene.Mood mood = mood(attempts);
        Draw draw = new Draw(seed + attempts++);
        RuntimeException thrown = null;
        try {
            new Performance(attempt, draw, mood, cancellation, sink).play();
        } catch (RuntimeException e) {
            thrown = e;
            throw e;
        } finally {
            stage.ends(attempt, cancellation.isCancelled(), thrown);
        }
    }

    private RandomScene.Mood mood(int attempt) {
        int left = attempt;
        for (RandomScene.Mood mood : moods) {
            left -= mood.attempts();
            if (left < 0) {
                return mood;
            }
        }
        return moods.get(moods.size() - 1);
    }

    /** One attempt. */
    private final class Performance {

        private final Attempt attempt;
        private final Draw draw;
        private final RandomScene.Mood mood;
        private final Cancellation cancellation;
        private final EventSink sink;
        private final int pieces;
        private int said;

        private Performance(
                Attempt attempt, Draw draw, RandomScene.Mood mood, Cancellation cancellation, EventSink sink) {
            this.attempt = attempt;
            this.draw = draw;
            this.mood = mood;
            this.cancellation = cancellation;
            this.sink = sink;
            this.pieces = draw.between(1, 4);
        }

        private void play() {
            boolean fails = draw.chance(mood.failingPercent());
            int way = fails ? draw.below(ANSWER) : ANSWER;
            if (draw.chance(80)) {
                pause();
                attempt.sign(stage.now());
                sink.connected();
            }
            pause();
            if (way < 55) {
                report(25);
                throw failure(draw.of(mood.kinds()));
            } else if (way < 70) {
                // It breaks off.
                say(draw.below(pieces + 1));
                if (draw.chance(50)) {
                    throw failure(draw.of(FailureKind.NETWORK, FailureKind.SERVER, FailureKind.OVERLOADED));
                }
                return;
            } else if (way < 85) {
                say(draw.below(pieces));
                pause(FOR_EVER);
            } else if (way < 90) {
                throw new IllegalStateException("a bug in a provider");
            }
            answer();
        }

        private void answer() {
            if (draw.chance(30)) {
                event(new ChatEvent.Started("model", "id", ""));
            }
            report(30);
            say(pieces);
            if (draw.chance(70)) {
                long used = draw.chance(80) ? draw.below(1_200) : draw.below(6_000);
                attempt.usedTokens = used;
                event(new ChatEvent.Used(new Usage(used / 2, used - used / 2, 0, 0)));
            }
            event(new ChatEvent.Finished(FinishReason.STOP));
            attempt.finished = true;
            if (draw.chance(5)) {
                // What comes after the end takes nothing away.
                pause();
                throw failure(FailureKind.NETWORK);
            }
        }

        private void report(int percent) {
            if (draw.chance(percent)) {
                attempt.reports = List.of(new RateLimit(
                        draw.of("requests", "tokens"),
                        Optional.of(draw.of(Duration.ofMinutes(1), Duration.ofDays(1), Duration.ofSeconds(10))),
                        OptionalLong.empty(),
                        OptionalLong.of(draw.of(0, 1, 1_000, 20_000)),
                        draw.chance(70) ? Optional.of(draw.millis(0, 1_000, 30_000, 3_600_000)) : Optional.empty()));
                event(new ChatEvent.Limited(attempt.reports));
            }
        }

        private void say(int count) {
            while (said < count) {
                if (said > 0) {
                    pause();
                }
                if (draw.chance(10)) {
                    attempt.sign(stage.now());
                    sink.alive();
                    pause();
                }
                String piece = attempt.provider.name() + ":" + attempts + ":" + said++ + " ";
                attempt.piece(piece);
                event(new ChatEvent.Text(piece));
            }
        }

        private void event(ChatEvent event) {
            attempt.sign(stage.now());
            sink.event(event);
        }

        private void pause() {
            pause(draw.chance(30) ? 0 : draw.nanosUpTo(mood.slowness()));
        }

        private void pause(long nanos) {
            CountDownLatch stop = new CountDownLatch(1);
            boolean stopped;
            try (Cancellation.Registration registration = cancellation.onCancel(stop::countDown)) {
                stopped = stage.await(stop, nanos);
            } catch (InterruptedException e) {
                stopped = true;
                Thread.currentThread().interrupt();
            }
            if (stopped || cancellation.isCancelled()) {
                // As a dialect does, or one that takes it for its connection's end.
                throw draw.chance(90)
                        ? ProviderException.of(FailureKind.CANCELLED, "cancelled")
                        : ProviderException.of(FailureKind.NETWORK, "closed");
            }
        }

        /** As a dialect makes it of an answer that says so. */
        private ProviderException failure(FailureKind kind) {
            ProviderException.Builder failure = ProviderException.builder(kind, "by plan");
            int status = switch (kind) {
                case TIMEOUT -> draw.of(0, 408, 504, 524);
                case OVERLOADED -> draw.of(503, 529);
                case SERVER -> 500;
                case MODEL_LOADING -> 503;
                case RATE_LIMITED -> 429;
                case QUOTA_EXHAUSTED -> draw.of(402, 429);
                case CREDENTIAL -> 401;
                case PERMISSION -> 403;
                case MODEL_NOT_FOUND -> 404;
                case CONTEXT_TOO_LONG, CONTENT_FILTERED, BAD_REQUEST, TOOL_GENERATION -> 400;
                case CONFLICT -> 409;
                case CANCELLED -> 499;
                case NETWORK, MALFORMED, TRUNCATED -> 0;
            };
            boolean hinted = status >= 400
                    && draw.chance(
                            kind == FailureKind.RATE_LIMITED
                                            || kind == FailureKind.OVERLOADED
                                            || kind == FailureKind.MODEL_LOADING
                                    ? 50
                                    : 10);
            failure.status(status)
                    .mayHaveBeenProcessed(
                            switch (kind) {
                                case NETWORK, TIMEOUT -> status > 0 || draw.chance(60);
                                case SERVER, MALFORMED, TRUNCATED -> true;
                                default -> false;
                            });
            if (hinted) {
                failure.retryAfter(draw.millis(0, 1, 1_000, 5_000, 90_000, 7_200_000, 32L * 86_400_000));
            }
            return failure.build();
        }
    }
}
