package ai.orchestrator.chaos;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.CallCancelledException;
import ai.orchestrator.CallOptions;
import ai.orchestrator.DeadlineExceededException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.RequestRejectedException;
import ai.orchestrator.StreamFailedException;
import ai.orchestrator.StreamRescue;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ProviderException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Makes calls of every kind, one after the other, gives some of them up, and judges what comes of each. For one thread. */
final class StormCaller {

    /**
     * What all callers of a round share.
     *
     * @param numbers gives each call another number
     * @param executorIsFull whether calls may find no thread
     * @param closing whether the orchestrator is being closed
     * @param pests ends calls from outside
     */
    record Terms(
            Orchestrator orchestrator,
            HostileFleet fleet,
            Balance balance,
            AtomicInteger numbers,
            boolean executorIsFull,
            AtomicBoolean closing,
            ScheduledExecutorService pests) {}

    /** What every request allows its answer. */
    static final int MAX_TOKENS = 200;

    /** How long a call is waited for after its deadline before it is given up for lost. */
    private static final long LOST_SECONDS = 20;

    private static final CountDownLatch NEVER = new CountDownLatch(1);

    private final Terms terms;
    private final Orchestrator orchestrator;
    private final Balance balance;
    private final SplittableRandom random;

    StormCaller(Terms terms, SplittableRandom random) {
        this.terms = terms;
        this.orchestrator = terms.orchestrator;
        this.balance = terms.balance;
        this.random = random;
    }

    private enum Way {
        CHAT("chat"),
        STREAM("stream"),
        ASYNC("chatAsync"),
        PUBLISH("publish");

        private final String words;

        Way(String words) {
            this.words = words;
        }
    }

    /** Makes one call; says whether it found the orchestrator open. */
    boolean call() {
        int number = terms.numbers.incrementAndGet();
        // Some ask the same, at about the same time.
        boolean shared = random.nextInt(5) == 0;
        String question = String.format(Locale.ROOT, shared ? "same-%08d" : "ask-%08d", shared ? number / 40 : number);
        CallOptions options = CallOptions.defaults()
                .withCache(shared)
                .withRoute(oneOf(terms.fleet.routes()))
                .withStreamRescue(oneOf(List.of(StreamRescue.values())));
        Duration allowed = random.nextInt(4) == 0 ? Duration.ofMillis(30 + random.nextInt(600)) : HostileFleet.DEADLINE;
        Way way = oneOf(List.of(Way.values()));
        balance.begun(way.words);
        Call call = new Call(way, question, options.withDeadline(allowed), allowed.toNanos());
        switch (way) {
            case CHAT -> call.chat();
            case STREAM -> call.stream();
            case ASYNC -> call.async();
            case PUBLISH -> call.publish();
        }
        if (call.foundNobody) {
            // As a caller would who is told to come again.
            pause(1 + random.nextInt(60));
        }
        return !call.foundClosed;
    }

    private <T> T oneOf(List<T> all) {
        return all.get(random.nextInt(all.size()));
    }

    private static void pause(int millis) {
        try {
            if (NEVER.await(millis, TimeUnit.MILLISECONDS)) {
                throw new IllegalStateException();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    static ChatRequest request(String question) {
        return ChatRequest.builder().user(question).maxTokens(MAX_TOKENS).build();
    }

    /** What ends a call from outside, at most once and not when it has ended by itself. Armed by the caller's thread. */
    private final class Pest {

        private boolean armed;
        private boolean over;
        private volatile long firedAt;

        private void arm(int withinMillis, Runnable end) {
            if (!armed) {
                armed = true;
                var unused = terms.pests.schedule(
                        () -> fire(end), random.nextInt(withinMillis * 1_000), TimeUnit.MICROSECONDS);
            }
        }

        private synchronized void fire(Runnable end) {
            if (!over) {
                firedAt = System.nanoTime();
                try {
                    end.run();
                } catch (RuntimeException e) {
                    balance.wrong("a call could not be ended", e);
                }
            }
        }

        /** From here on nothing happens any more; says whether it has. */
        private synchronized boolean over() {
            over = true;
            return hasFired();
        }

        private boolean hasFired() {
            return firedAt != 0;
        }

        private void ended(long now, String what) {
            if (hasFired()) {
                balance.endedAfterEnding(now - firedAt, what);
            }
        }
    }

    private final class Call {

        private final Way way;
        private final String question;
        private final ChatRequest request;
        private final CallOptions options;
        private final long allowed;
        private final Cancellation cancellation = new Cancellation();
        private final AtomicBoolean ended = new AtomicBoolean();
        private final long begun;
        private volatile boolean foundNobody;
        private volatile boolean foundClosed;
        private final Pest canceller = new Pest();
        private final Pest interrupter = new Pest();

        private Call(Way way, String question, CallOptions options, long allowed) {
            this.way = way;
            this.question = question;
            this.request = request(question);
            this.allowed = allowed;
            boolean withCancellation = random.nextInt(5) == 0;
            this.options = withCancellation ? options.withCancellation(cancellation) : options;
            this.begun = System.nanoTime();
            if (withCancellation && random.nextBoolean()) {
                canceller.arm(300, cancellation::cancel);
            }
        }

        @Override
        public String toString() {
            return way + " " + question + " " + options;
        }

        private void wrong(String what) {
            balance.wrong(this + " " + what);
        }

        // ---- The four ways

        private void chat() {
            interruptSometimes();
            try {
                answered(orchestrator.chat(request, options));
            } catch (Throwable e) {
                // Judged, whatever it is.
                failed(e);
            }
            interruptsAreKept();
        }

        private void interruptSometimes() {
            if (random.nextInt(8) == 0) {
                interrupter.arm(200, Thread.currentThread()::interrupt);
            }
        }

        private void interruptsAreKept() {
            boolean interrupted = interrupter.over();
            if (Thread.interrupted() != interrupted) {
                wrong(interrupted ? "swallowed an interrupt" : "left an interrupt behind");
            }
            canceller.over();
        }

        private void stream() {
            int closeAfter = random.nextInt(6) == 0 ? random.nextInt(6) : Integer.MAX_VALUE;
            boolean slow = random.nextInt(6) == 0;
            StringBuilder shown = new StringBuilder();
            boolean closed = false;
            try (ChatStream stream = orchestrator.stream(request, options)) {
                // By another thread than its reader's.
                if (random.nextInt(10) == 0) {
                    canceller.arm(200, stream::close);
                }
                interruptSometimes();
                for (int read = 0; stream.hasNext(); read++) {
                    collect(stream.next(), shown);
                    if (read == closeAfter) {
                        stream.close();
                        closed = true;
                    } else if (slow && System.nanoTime() - begun < allowed) {
                        pause(random.nextInt(30));
                    }
                }
                ChatResponse response = stream.response();
                if (!response.text().contentEquals(shown)) {
                    wrong("showed '" + shown + "' but answered '" + response.text() + "'");
                }
                answered(response);
            } catch (Throwable e) {
                // Judged, whatever it is.
                isBeginning(shown.toString());
                if (closed && e instanceof CallCancelledException) {
                    givenUp("closed early");
                } else {
                    failed(e);
                }
            }
            interruptsAreKept();
        }

        private void async() {
            CompletableFuture<ChatResponse> future = orchestrator.chatAsync(request, options);
            if (random.nextInt(4) == 0) {
                canceller.arm(200, () -> future.cancel(true));
            }
            try {
                answered(future.get(allowed + TimeUnit.SECONDS.toNanos(LOST_SECONDS), TimeUnit.NANOSECONDS));
            } catch (CancellationException e) {
                givenUp("cancelled");
            } catch (ExecutionException e) {
                failed(e.getCause() == null ? e : e.getCause());
            } catch (InterruptedException | TimeoutException e) {
                wrong("was lost: " + e);
            }
            canceller.over();
        }

        private void publish() {
            Subscriber subscriber = new Subscriber(this, random.split());
            orchestrator.publish(request, options).subscribe(subscriber);
            if (random.nextInt(5) == 0) {
                canceller.arm(200, subscriber::cancel);
            }
            try {
                if (!subscriber.over.await(allowed + TimeUnit.SECONDS.toNanos(LOST_SECONDS), TimeUnit.NANOSECONDS)) {
                    wrong("was lost");
                }
            } catch (InterruptedException e) {
                wrong("was lost: " + e);
            }
            canceller.over();
        }

        // ---- How it ended

        private void end(Object how) {
            long now = System.nanoTime();
            if (!ended.compareAndSet(false, true)) {
                wrong("ended twice");
            }
            String what = this + " ended with " + how;
            balance.endedAfterDeadline(now - begun - allowed, what);
            canceller.ended(now, what);
            interrupter.ended(now, what);
        }

        private void answered(ChatResponse response) {
            end(response.trail());
            balance.answered(way.words);
            isWhole(response.text(), response.provider());
            balance.trail(response.trail());
            boolean named = response.trail().steps().stream()
                    .anyMatch(step -> !(step instanceof Trail.Failed || step instanceof Trail.Skipped)
                            && step.provider().equals(response.provider()));
            if (!named) {
                wrong("was answered by " + response.provider() + " after " + response.trail());
            }
        }

        /** What was published does not say by whom. */
        private void published(String text, boolean finished) {
            end("all published");
            balance.answered(way.words);
            if (!finished || !Text.isWhole(text, question)) {
                wrong("was shown '" + text + "'");
            }
        }

        private void isWhole(String text, String provider) {
            if (!Text.isWhole(text, question, terms.fleet.providers().getOrDefault(provider, "?"))) {
                wrong("was answered by " + provider + ": '" + text + "'");
            }
        }

        private void isBeginning(String text) {
            if (!Text.isBeginning(text, question)) {
                wrong("was shown '" + text + "'");
            }
        }

        private void givenUp(String how) {
            end(how);
            balance.givenUp(way.words);
        }

        private void failed(Throwable failure) {
            end(failure instanceof OrchestratorException known ? known.trail() : failure);
            if (!(failure instanceof OrchestratorException ended) || failure instanceof ProviderException) {
                balance.failed(way.words, failure, "");
                balance.wrong(this + " ended with something else", failure);
                return;
            }
            String detail = detail(ended);
            balance.failed(way.words, ended, detail);
            balance.trail(ended.trail());
            isBeginning(ended.partialText());
            foundNobody = ended.trail().attempts() == 0;
            foundClosed = ended instanceof CallCancelledException cancelled
                    && cancelled.reason() == CallCancelledException.Reason.CLOSED;
            if (!isExpected(ended)) {
                balance.wrong(this + " ended without a reason", ended);
            }
        }

        private String detail(OrchestratorException ended) {
            if (ended instanceof CallCancelledException cancelled) {
                return cancelled.reason().name();
            } else if (ended instanceof StreamFailedException broken) {
                return broken.kind().name();
            }
            return ended.trail().steps().stream()
                    .filter(Trail.Failed.class::isInstance)
                    .reduce((first, second) -> second)
                    .map(step -> ((Trail.Failed) step).kind().name())
                    .orElse("nothing tried");
        }

        private boolean isExpected(OrchestratorException ended) {
            if (ended instanceof CallCancelledException cancelled) {
                return switch (cancelled.reason()) {
                    case CANCELLED -> canceller.hasFired();
                    case INTERRUPTED -> interrupter.hasFired();
                    case CLOSED -> terms.closing.get();
                    case NO_THREAD -> terms.executorIsFull;
                };
            } else if (ended instanceof DeadlineExceededException) {
                return System.nanoTime() - begun >= allowed;
            } else if (ended instanceof RequestRejectedException) {
                // Of a good request, so only by what the plan has a server say.
                return detail(ended).equals("BAD_REQUEST");
            }
            return ended instanceof AllProvidersFailedException || ended instanceof StreamFailedException;
        }
    }

    private static void collect(ChatEvent event, StringBuilder text) {
        if (event instanceof ChatEvent.Restarted) {
            text.setLength(0);
        } else if (event instanceof ChatEvent.Text piece) {
            text.append(piece.text());
        }
    }

    /** Takes a few events at a time. Its signals come one at a time, and its call may be cancelled by another thread. */
    private static final class Subscriber implements Flow.Subscriber<ChatEvent> {

        private final Call call;
        private final SplittableRandom random;
        private final CountDownLatch over = new CountDownLatch(1);
        private final AtomicReference<Flow.@Nullable Subscription> subscription = new AtomicReference<>();
        private final AtomicBoolean ended = new AtomicBoolean();
        private final AtomicInteger inside = new AtomicInteger();
        private final StringBuilder text = new StringBuilder();
        private int left;
        private boolean finished;
        private boolean terminated;

        private Subscriber(Call call, SplittableRandom random) {
            this.call = call;
            this.random = random;
        }

        private void cancel() {
            Flow.Subscription given = subscription.get();
            if (given != null && ended.compareAndSet(false, true)) {
                given.cancel();
                call.givenUp("subscription cancelled");
                over.countDown();
            }
        }

        @Override
        public void onSubscribe(Flow.Subscription given) {
            subscription.set(given);
            request(given);
        }

        private void request(Flow.Subscription given) {
            left = 1 + random.nextInt(4);
            given.request(left);
        }

        @Override
        public void onNext(ChatEvent event) {
            if (inside.getAndIncrement() != 0 || finished || terminated || left-- <= 0) {
                call.wrong("was given " + event + " while it could not take it");
            }
            finished = event instanceof ChatEvent.Finished;
            collect(event, text);
            inside.decrementAndGet();
            Flow.Subscription given = subscription.get();
            if (left == 0 && given != null) {
                request(given);
            }
        }

        @Override
        public void onError(Throwable failure) {
            terminate();
            if (ended.compareAndSet(false, true)) {
                call.isBeginning(text.toString());
                call.failed(failure);
                over.countDown();
            }
        }

        @Override
        public void onComplete() {
            terminate();
            if (ended.compareAndSet(false, true)) {
                call.published(text.toString(), finished);
                over.countDown();
            }
        }

        private void terminate() {
            if (terminated) {
                call.wrong("ended twice");
            }
            terminated = true;
        }
    }
}
