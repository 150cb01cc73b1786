package ai.orchestrator.load;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.CallCancelledException;
import ai.orchestrator.CallOptions;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.StreamRescue;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Readers, closers, askers and cancellers of one answer, each on a thread of its own, round after round. */
@Timeout(60)
class StreamRacesTest {

    private static final int ROUNDS = 1_500;

    /** Around the number of pieces by which a provider may be ahead of its reader. */
    private static final int MOST_PIECES = 600;

    private final long seed = Long.getLong("orchestrator.load.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final AtomicInteger running = new AtomicInteger();

    /** Says numbers. The question is how many. */
    private final ChatProvider counting = (request, delivery, deadline, cancellation, sink) -> {
        running.incrementAndGet();
        try {
            int pieces = Integer.parseInt(request.messages().get(0).text());
            for (int i = 0; i < pieces; i++) {
                sink.event(new ChatEvent.Text(i + " "));
            }
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        } finally {
            running.decrementAndGet();
        }
    };

    private final Orchestrator orchestrator = Orchestrator.builder()
            .provider("counting", p -> p.chatProvider(counting))
            .build();

    @BeforeEach
    void tellSeed() {
        System.out.println("seed " + seed);
    }

    @AfterEach
    void release() throws Exception {
        Patience.until("no attempt is under way", () -> running.get() == 0);
        threads.submit(orchestrator::close).get(Patience.SECONDS / 2, TimeUnit.SECONDS);
        threads.shutdownNow();
        assertThat(threads.awaitTermination(Patience.SECONDS, TimeUnit.SECONDS)).isTrue();
    }

    /** Does all of them at the same time, as nearly as threads can. */
    private void together(Runnable... actions) throws Exception {
        CyclicBarrier start = new CyclicBarrier(actions.length);
        List<Future<?>> done = new ArrayList<>();
        for (Runnable action : actions) {
            done.add(threads.submit(() -> {
                start.await(Patience.SECONDS, TimeUnit.SECONDS);
                action.run();
                return null;
            }));
        }
        for (Future<?> each : done) {
            each.get(Patience.SECONDS, TimeUnit.SECONDS);
        }
    }

    private CallOptions anyContract() {
        StreamRescue[] contracts = StreamRescue.values();
        return CallOptions.defaults().withStreamRescue(contracts[random.nextInt(contracts.length)]);
    }

    /** Lets a moment pass that is too short for a wait. */
    private static void spin(int turns) {
        for (int i = 0; i < turns; i++) {
            Thread.onSpinWait();
        }
    }

    @Test
    void a_stream_that_is_closed_while_it_is_read_ends_once_and_in_order() throws Exception {
        int whole = 0;
        for (int round = 0; round < ROUNDS; round++) {
            int pieces = random.nextInt(MOST_PIECES);
            int closeAfter = random.nextInt(20_000);
            ChatStream stream = orchestrator.stream(ChatRequest.of(String.valueOf(pieces)), anyContract());
            AtomicInteger read = new AtomicInteger();
            AtomicBoolean finished = new AtomicBoolean();
            together(
                    () -> {
                        try {
                            for (ChatEvent event : stream) {
                                assertThat(finished).isFalse();
                                if (event instanceof ChatEvent.Text piece) {
                                    assertThat(piece.text()).isEqualTo(read.getAndIncrement() + " ");
                                } else {
                                    finished.set(true);
                                }
                            }
                            assertThat(finished).isTrue();
                            assertThat(stream.response().text()).hasSameSizeAs(answer(pieces));
                        } catch (CallCancelledException e) {
                            assertThat(finished).isFalse();
                            assertThat(e.reason()).isEqualTo(CallCancelledException.Reason.CANCELLED);
                        }
                    },
                    () -> {
                        spin(closeAfter);
                        stream.close();
                    },
                    () -> {
                        spin(closeAfter);
                        stream.close();
                    });
            if (finished.get()) {
                assertThat(read).hasValue(pieces);
                whole++;
            }
        }
        System.out.println(whole + " of " + ROUNDS + " were read to their end");
    }

    private static String answer(int pieces) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < pieces; i++) {
            text.append(i).append(' ');
        }
        return text.toString();
    }

    @Test
    void a_subscriber_that_asks_and_cancels_on_many_threads_gets_what_it_asked_for() throws Exception {
        int completed = 0;
        for (int round = 0; round < ROUNDS; round++) {
            int pieces = random.nextInt(MOST_PIECES);
            boolean cancels = random.nextInt(3) == 0;
            int cancelAfter = random.nextInt(20_000);
            Asking subscriber = new Asking();
            long first = random.nextInt(4);
            long[] portions = random.longs(pieces + 1L, 1, 9).toArray();
            orchestrator
                    .publish(ChatRequest.of(String.valueOf(pieces)), anyContract())
                    .subscribe(subscriber);
            if (first > 0) {
                subscriber.ask(first);
            }
            Runnable asker = () -> {
                for (long portion : portions) {
                    subscriber.ask(portion);
                }
            };
            together(asker, asker, () -> {
                spin(cancelAfter);
                if (cancels) {
                    subscriber.cancel();
                }
            });
            if (!cancels) {
                // There was more than enough demand.
                assertThat(subscriber.ended.await(Patience.SECONDS, TimeUnit.SECONDS))
                        .isTrue();
                assertThat(subscriber.texts).hasValue(pieces);
                completed++;
            }
            assertThat(subscriber.faults).isEmpty();
        }
        System.out.println(completed + " of " + ROUNDS + " were not cancelled");
    }

    @Test
    void a_call_that_fails_while_its_subscriber_asks_never_looks_complete() throws Exception {
        ChatProvider failing = (request, delivery, deadline, cancellation, sink) -> {
            throw ProviderException.of(FailureKind.BAD_REQUEST, "on purpose");
        };
        try (Orchestrator refusing = Orchestrator.builder()
                .provider("failing", p -> p.chatProvider(failing))
                .build()) {
            for (int round = 0; round < 20 * ROUNDS; round++) {
                CompletableFuture<String> end = new CompletableFuture<>();
                CompletableFuture<Flow.Subscription> given = new CompletableFuture<>();
                refusing.publish(ChatRequest.of("hello")).subscribe(new Flow.Subscriber<>() {
                    @Override
                    public void onSubscribe(Flow.Subscription subscription) {
                        given.complete(subscription);
                    }

                    @Override
                    public void onNext(ChatEvent event) {
                        end.complete("onNext");
                    }

                    @Override
                    public void onError(Throwable failure) {
                        end.complete("onError");
                    }

                    @Override
                    public void onComplete() {
                        end.complete("onComplete");
                    }
                });
                while (!end.isDone()) {
                    given.join().request(1);
                }
                assertThat(end.join()).isEqualTo("onError");
            }
        }
    }

    /** A subscriber that keeps the rules and looks whether the publisher does. */
    private static final class Asking implements Flow.Subscriber<ChatEvent> {

        private final AtomicLong asked = new AtomicLong();
        private final AtomicLong got = new AtomicLong();
        private final AtomicInteger texts = new AtomicInteger();
        private final AtomicInteger inside = new AtomicInteger();
        private final AtomicInteger ends = new AtomicInteger();
        private final CountDownLatch ended = new CountDownLatch(1);
        private final Queue<String> faults = new ConcurrentLinkedQueue<>();
        private final List<Flow.Subscription> subscription = new ArrayList<>(1);

        private void ask(long more) {
            asked.addAndGet(more);
            subscription.get(0).request(more);
        }

        private void cancel() {
            subscription.get(0).cancel();
        }

        @Override
        public void onSubscribe(Flow.Subscription given) {
            subscription.add(given);
        }

        @Override
        public void onNext(ChatEvent event) {
            enter("onNext");
            if (got.incrementAndGet() > asked.get()) {
                faults.add("more than was asked for");
            }
            if (event instanceof ChatEvent.Text piece && !piece.text().equals(texts.getAndIncrement() + " ")) {
                faults.add("out of order: " + piece);
            }
            inside.decrementAndGet();
        }

        private void enter(String method) {
            if (inside.getAndIncrement() != 0) {
                faults.add(method + " while another call was inside");
            }
            if (ends.get() > 0) {
                faults.add(method + " after the end");
            }
        }

        @Override
        public void onError(Throwable failure) {
            enter("onError");
            // One that is cancelled may hear of it, or not.
            if (!(failure instanceof CallCancelledException)) {
                faults.add("ended with " + failure);
            }
            end();
        }

        @Override
        public void onComplete() {
            enter("onComplete");
            end();
        }

        private void end() {
            ends.incrementAndGet();
            inside.decrementAndGet();
            ended.countDown();
        }
    }
}
