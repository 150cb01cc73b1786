package ai.orchestrator.load;

import ai.orchestrator.CallCancelledException;
import ai.orchestrator.CallOptions;
import ai.orchestrator.DeadlineExceededException;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.RequestRejectedException;
import ai.orchestrator.StreamRescue;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ProviderException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/** Makes calls of every kind, one after the other but none waiting for another, and notes how each ended. */
final class Caller {

    /** Judges what came of a call. */
    interface Judge {

        /** Whether an answer is whole and of one piece. */
        boolean isWhole(String provider, String question, String text);

        boolean isBeginning(String question, String text);

        /** Every provider's attempts for a call that has ended; negative if nobody counts them. */
        int attemptsFor(String question);
    }

    /** What became of all calls. */
    static final class Tally {

        private final Map<String, LongAdder> ends = new TreeMap<>();
        private final Queue<String> faults = new ConcurrentLinkedQueue<>();
        private final LongAdder attempts = new LongAdder();

        private synchronized void end(String how) {
            ends.computeIfAbsent(how, first -> new LongAdder()).increment();
        }

        synchronized long ended() {
            return ends.values().stream().mapToLong(LongAdder::sum).sum();
        }

        synchronized long ended(String how) {
            LongAdder count = ends.get(how);
            return count == null ? 0 : count.sum();
        }

        List<String> faults() {
            return List.copyOf(faults);
        }

        /** Of the calls whose trail could be seen. */
        long attempts() {
            return attempts.sum();
        }

        @Override
        public synchronized String toString() {
            return ends.toString();
        }
    }

    /**
     * How impatient the callers are.
     *
     * @param cancels whether some give up
     * @param hurries whether some have a short deadline
     * @param subscribes whether some subscribe, and then do not see the trail of an answer
     */
    record Temper(boolean cancels, boolean hurries, boolean subscribes) {}

    private final Orchestrator orchestrator;
    private final Judge judge;
    private final Tally tally;
    private final Temper temper;
    private final Executor blocking;
    private final List<Reader> readers = new ArrayList<>();
    private final List<Cancellation> cancellations = new ArrayList<>();
    private final List<CompletableFuture<?>> open = new ArrayList<>();

    /**
     * @param blocking runs calls that block
     */
    Caller(Orchestrator orchestrator, Judge judge, Tally tally, Temper temper, Executor blocking) {
        this.orchestrator = orchestrator;
        this.judge = judge;
        this.tally = tally;
        this.temper = temper;
        this.blocking = blocking;
    }

    /** A stream that waits for being read. */
    private record Reader(String question, ChatStream stream, int closeAfter) {}

    void begin(int number, SplittableRandom random) {
        String question = "q" + number;
        ChatRequest request = ChatRequest.of(question);
        CallOptions options = options(random);
        int kind = random.nextInt(temper.subscribes ? 10 : 7);
        int giveUpAfter = temper.cancels && random.nextInt(8) == 0 ? random.nextInt(8) : Integer.MAX_VALUE;
        if (kind == 0) {
            open.add(CompletableFuture.runAsync(() -> ask(question, request, options), blocking));
        } else if (kind < 4) {
            askLater(question, request, options, giveUpAfter);
        } else if (kind < 7) {
            readers.add(new Reader(question, orchestrator.stream(request, options), giveUpAfter));
        } else {
            Listener listener = new Listener(question, random.split(), giveUpAfter);
            open.add(listener.ended);
            orchestrator.publish(request, options).subscribe(listener);
        }
    }

    private CallOptions options(SplittableRandom random) {
        StreamRescue[] contracts = StreamRescue.values();
        CallOptions options = CallOptions.defaults().withStreamRescue(contracts[random.nextInt(contracts.length)]);
        if (random.nextInt(4) == 0) {
            options = options.withLiveReasoning();
        }
        if (temper.hurries && random.nextInt(30) == 0) {
            options = options.withDeadline(Duration.ofSeconds(1 + random.nextInt(300)));
        }
        if (temper.cancels && random.nextInt(20) == 0) {
            Cancellation cancellation = new Cancellation();
            cancellations.add(cancellation);
            options = options.withCancellation(cancellation);
        }
        return options;
    }

    /** Cancels those that are to be cancelled, reads the streams, and waits for every end. */
    void finish() throws InterruptedException, TimeoutException {
        cancellations.forEach(Cancellation::cancel);
        readers.forEach(this::read);
        for (CompletableFuture<?> call : open) {
            try {
                call.get(3 * Patience.SECONDS, TimeUnit.SECONDS);
            } catch (ExecutionException | CancellationException e) {
                // Judged where it ended.
            }
        }
    }

    private void ask(String question, ChatRequest request, CallOptions options) {
        try {
            answered(question, orchestrator.chat(request, options));
        } catch (RuntimeException | Error e) {
            failed(question, e, true);
        }
    }

    private void askLater(String question, ChatRequest request, CallOptions options, int giveUpAfter) {
        CompletableFuture<ChatResponse> answer = orchestrator.chatAsync(request, options);
        AtomicInteger ends = new AtomicInteger();
        open.add(answer.handle((response, failure) -> {
            if (ends.incrementAndGet() > 1) {
                tally.faults.add(question + " ended twice");
            }
            if (failure == null) {
                answered(question, response);
            } else if (failure instanceof CancellationException) {
                tally.end("cancelled future");
            } else {
                failed(question, failure, true);
            }
            return response;
        }));
        if (giveUpAfter < Integer.MAX_VALUE) {
            answer.cancel(true);
        }
    }

    private void read(Reader reader) {
        StringBuilder text = new StringBuilder();
        int read = 0;
        try (ChatStream stream = reader.stream) {
            boolean closed = false;
            while (true) {
                if (read++ == reader.closeAfter) {
                    stream.close();
                    closed = true;
                }
                if (!stream.hasNext()) {
                    break;
                }
                if (closed && read <= reader.closeAfter) {
                    tally.faults.add(reader.question + " went on after it was closed");
                }
                collect(stream.next(), text);
            }
            ChatResponse response = stream.response();
            same(reader.question, text, response);
            answered(reader.question, response);
        } catch (RuntimeException | Error e) {
            beginning(reader.question, text);
            // The trail of a call that the reader gave up is not for the reader.
            failed(reader.question, e, read <= reader.closeAfter);
        }
    }

    private static void collect(ChatEvent event, StringBuilder text) {
        if (event instanceof ChatEvent.Restarted) {
            text.setLength(0);
        } else if (event instanceof ChatEvent.Text piece) {
            text.append(piece.text());
        }
    }

    private void same(String question, StringBuilder shown, ChatResponse response) {
        if (!shown.toString().equals(response.text())) {
            tally.faults.add(question + " showed '" + shown + "' but answered '" + response.text() + "'");
        }
    }

    private void beginning(String question, StringBuilder shown) {
        if (!judge.isBeginning(question, shown.toString())) {
            tally.faults.add(question + " showed '" + shown + "'");
        }
    }

    private void answered(String question, ChatResponse response) {
        if (!judge.isWhole(response.provider(), question, response.text())) {
            tally.faults.add(question + " was answered by " + response.provider() + ": '" + response.text() + "'");
        }
        check(question, response.trail());
        tally.end("answer");
    }

    private void failed(String question, Throwable failure, boolean withTrail) {
        tally.end(failure.getClass().getSimpleName());
        if (!(failure instanceof OrchestratorException ended) || failure instanceof ProviderException) {
            tally.faults.add(question + " ended with " + failure);
            return;
        }
        if (failure instanceof RequestRejectedException) {
            tally.faults.add(question + " was good but ended with " + failure);
        }
        boolean expected = !(failure instanceof CallCancelledException cancelled)
                || (temper.cancels && cancelled.reason() == CallCancelledException.Reason.CANCELLED);
        if (!expected || (failure instanceof DeadlineExceededException && !temper.hurries)) {
            tally.faults.add(question + " ended with " + failure);
        }
        if (!judge.isBeginning(question, ended.partialText())) {
            tally.faults.add(question + " kept '" + ended.partialText() + "'");
        }
        if (withTrail) {
            check(question, ended.trail());
        }
    }

    private void check(String question, Trail trail) {
        tally.attempts.add(trail.attempts());
        int seen = judge.attemptsFor(question);
        if (seen >= 0 && seen != trail.attempts()) {
            tally.faults.add(question + " reached providers " + seen + " times but its trail is " + trail);
        }
    }

    /** Subscribes, asks in small portions, some of them from within, and gives up where it is told to. */
    private final class Listener implements Flow.Subscriber<ChatEvent> {

        private final String question;
        private final SplittableRandom random;
        private final int cancelAfter;
        private final CompletableFuture<Void> ended = new CompletableFuture<>();
        private final StringBuilder text = new StringBuilder();
        private final AtomicInteger inside = new AtomicInteger();
        private Flow.Subscription subscription = new Flow.Subscription() {
            @Override
            public void request(long n) {
                throw new IllegalStateException("before onSubscribe");
            }

            @Override
            public void cancel() {
                throw new IllegalStateException("before onSubscribe");
            }
        };

        private int seen;
        private long asked;
        private boolean cancelled;
        private boolean finished;

        private Listener(String question, SplittableRandom random, int cancelAfter) {
            this.question = question;
            this.random = random;
            this.cancelAfter = cancelAfter;
        }

        @Override
        public void onSubscribe(Flow.Subscription given) {
            subscription = given;
            cancelOrAsk();
        }

        private void cancelOrAsk() {
            if (seen == cancelAfter && !cancelled) {
                cancelled = true;
                subscription.cancel();
                tally.end("cancelled subscription");
                ended.complete(null);
            } else if (asked == seen) {
                long more = random.nextLong(1, 6);
                asked += more;
                subscription.request(more);
            }
        }

        @Override
        public void onNext(ChatEvent event) {
            if (inside.getAndIncrement() != 0 || cancelled || finished) {
                tally.faults.add(question + " was given " + event + " while it could not take it");
            }
            seen++;
            finished = event instanceof ChatEvent.Finished;
            collect(event, text);
            // Asking for more leads to no call from within.
            cancelOrAsk();
            inside.decrementAndGet();
        }

        @Override
        public void onError(Throwable failure) {
            beginning(question, text);
            if (end()) {
                failed(question, failure, true);
            }
            ended.complete(null);
        }

        @Override
        public void onComplete() {
            String shown = text.toString();
            String provider = shown.isEmpty() ? "" : shown.substring(0, shown.indexOf(':'));
            if (!finished || !judge.isWhole(provider, question, shown)) {
                tally.faults.add(question + " was shown '" + shown + "'");
            }
            if (end()) {
                tally.end("answer");
            }
            ended.complete(null);
        }

        private boolean end() {
            if (cancelled || ended.isDone()) {
                tally.faults.add(question + " ended again");
                return false;
            }
            return true;
        }
    }
}
