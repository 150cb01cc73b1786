package ai.orchestrator.load;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.time.Deadline;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A provider in memory that is well and sick by turns, as a seed says. Its n-th attempt does the same in every run. Each piece of an answer
 * names provider and question. A question {@code name/wish/…} is for that provider alone, which then does as it is told.
 */
final class FlappingProvider implements ChatProvider {

    static final String ANSWER = "answer";
    static final String FAIL = "fail";
    static final String FAIL_ONCE = "fail-once";
    static final String HOLD = "hold";

    /** Of so many attempts in a row the last ones are those of a sick provider. */
    private static final int PHASE = 80;

    private static final int SICK = 9;

    private final String name;
    private final long seed;
    private final boolean steady;
    private final AtomicInteger attempts = new AtomicInteger();
    private final AtomicInteger running = new AtomicInteger();
    private final AtomicInteger mostRunning = new AtomicInteger();
    private final AtomicInteger held = new AtomicInteger();
    private final Map<String, AtomicInteger> attemptsByQuestion = new ConcurrentHashMap<>();
    private volatile Cancellation gate = new Cancellation();

    /**
     * @param steady fails now and then too, but is never sick, and never asks to be left alone
     */
    FlappingProvider(String name, long seed, boolean steady) {
        this.name = name;
        this.seed = seed;
        this.steady = steady;
    }

    static ChatRequest aimedAt(String provider, String wish, int number) {
        return ChatRequest.of(provider + "/" + wish + "/" + number);
    }

    /** The whole answer of so many pieces. */
    static String answer(String provider, String question, int pieces) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < pieces; i++) {
            text.append(piece(provider, question, i, pieces));
        }
        return text.toString();
    }

    private static String piece(String provider, String question, int index, int pieces) {
        return provider + ":" + question + ":" + index + "of" + pieces + " ";
    }

    /** Whether a text is one whole answer of that provider to that question. */
    static boolean isWhole(String provider, String question, String text) {
        int pieces = (int) text.chars().filter(c -> c == ' ').count();
        return pieces > 0 && text.equals(answer(provider, question, pieces));
    }

    /** Whether a text is the beginning of one answer, by whoever, to that question. */
    static boolean isBeginning(String question, String text) {
        if (text.isEmpty()) {
            return true;
        }
        String provider = text.substring(0, text.indexOf(':'));
        int pieces = Integer.parseInt(text.substring(text.indexOf("of") + 2, text.indexOf(' ')));
        return answer(provider, question, pieces).startsWith(text);
    }

    int attempts() {
        return attempts.get();
    }

    int attemptsFor(String question) {
        AtomicInteger count = attemptsByQuestion.get(question);
        return count == null ? 0 : count.get();
    }

    int running() {
        return running.get();
    }

    int mostRunning() {
        return mostRunning.get();
    }

    int held() {
        return held.get();
    }

    /** Lets go of those that are held, and of none that come later. */
    void letGo() {
        Cancellation old = gate;
        gate = new Cancellation();
        old.cancel();
    }

    @Override
    public Optional<String> unsupported(ChatRequest request) {
        String question = question(request);
        return question.contains("/") && !question.startsWith(name + "/")
                ? Optional.of("what is meant for another")
                : Optional.empty();
    }

    private static String question(ChatRequest request) {
        return request.messages().get(0).text();
    }

    @Override
    public void chat(
            ChatRequest request, Delivery delivery, Deadline deadline, Cancellation cancellation, EventSink sink) {
        String question = question(request);
        mostRunning.accumulateAndGet(running.incrementAndGet(), Math::max);
        int nth = attemptsByQuestion
                .computeIfAbsent(question, unseen -> new AtomicInteger())
                .incrementAndGet();
        try {
            if (question.contains("/")) {
                obey(question, nth, cancellation, sink);
            } else {
                flap(question, attempts.getAndIncrement(), cancellation, sink);
            }
        } finally {
            running.decrementAndGet();
        }
    }

    private void obey(String question, int nth, Cancellation cancellation, EventSink sink) {
        String wish = question.split("/", -1)[1];
        sink.connected();
        if (wish.equals(FAIL) || (wish.equals(FAIL_ONCE) && nth == 1)) {
            throw failure(FailureKind.SERVER, 500, null);
        }
        if (wish.equals(HOLD)) {
            CountDownLatch letGo = new CountDownLatch(1);
            try (var holding = gate.onCancel(letGo::countDown)) {
                held.incrementAndGet();
                await(letGo, Patience.SECONDS * 1_000, cancellation);
            } finally {
                held.decrementAndGet();
            }
        }
        say(question, 3, 3, sink);
    }

    private void flap(String question, int attempt, Cancellation cancellation, EventSink sink) {
        SplittableRandom random = new SplittableRandom(seed * 1_000_003 + attempt);
        if (random.nextInt(4) > 0) {
            sink.connected();
        }
        boolean sick = !steady && attempt % PHASE >= PHASE - SICK;
        int dice = steady ? 73 + random.nextInt(927) : random.nextInt(sick ? 70 : 1_000);
        int pieces = random.nextInt(50) == 0 ? 400 : 1 + random.nextInt(12);
        if (dice < 20) {
            throw failure(FailureKind.NETWORK, 0, null);
        } else if (dice < 40) {
            throw failure(FailureKind.OVERLOADED, 503, random.nextBoolean() ? Duration.ofSeconds(2) : null);
        } else if (dice < 60) {
            throw failure(FailureKind.SERVER, 500, null);
        } else if (dice < 66) {
            throw failure(FailureKind.RATE_LIMITED, 429, null);
        } else if (dice < 72) {
            throw failure(FailureKind.RATE_LIMITED, 429, Duration.ofSeconds(5));
        } else if (dice < 73 && attempt > 300) {
            throw failure(FailureKind.CREDENTIAL, 401, null);
        } else if (dice < 100) {
            // Ends without its end.
            say(question, random.nextInt(pieces), pieces, sink);
            return;
        } else if (dice < 120) {
            say(question, random.nextInt(pieces), pieces, sink);
            throw failure(FailureKind.NETWORK, 0, null);
        } else if (dice < 125) {
            say(question, random.nextInt(pieces), pieces, sink);
            await(new CountDownLatch(1), Patience.SECONDS * 1_000, cancellation);
        } else if (dice < 130) {
            throw new IllegalStateException("a bug in " + name);
        } else if (dice < 400) {
            await(new CountDownLatch(1), 1 + random.nextInt(20), cancellation);
        }
        sink.event(new ChatEvent.Started("model", name + "-" + attempt, ""));
        if (random.nextInt(4) == 0) {
            sink.event(new ChatEvent.Reasoning("let me see"));
        }
        say(question, pieces, pieces, sink);
    }

    private void say(String question, int said, int pieces, EventSink sink) {
        for (int i = 0; i < said; i++) {
            sink.event(new ChatEvent.Text(piece(name, question, i, pieces)));
        }
        if (said == pieces) {
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        }
    }

    private static void await(CountDownLatch latch, long millis, Cancellation cancellation) {
        try (var cancelled = cancellation.onCancel(latch::countDown)) {
            if (latch.await(millis, TimeUnit.MILLISECONDS) && !cancellation.isCancelled()) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (cancellation.isCancelled()) {
            throw ProviderException.of(FailureKind.CANCELLED, "cancelled");
        }
    }

    private ProviderException failure(FailureKind kind, int status, @Nullable Duration retryAfter) {
        return ProviderException.builder(kind, name + " fails by plan")
                .status(status)
                .retryAfter(retryAfter)
                .build();
    }
}
