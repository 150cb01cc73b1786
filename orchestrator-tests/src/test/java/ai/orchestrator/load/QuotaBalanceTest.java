package ai.orchestrator.load;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.CallOptions;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.ProviderStatus;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.StreamRescue;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.quota.QuotaSettings;
import ai.orchestrator.quota.QuotaStatus;
import ai.orchestrator.quota.QuotaWindow;
import ai.orchestrator.time.Deadline;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Another seed: {@code -Dorchestrator.load.seed=…}. */
@Timeout(120)
class QuotaBalanceTest {

    private static final int CALLERS = 16;
    private static final int CALLS = 4_000;

    /** Of a question of five letters. */
    private static final long ESTIMATE = 8 + 8 + 3 + 1024;

    private final long seed = Long.getLong("orchestrator.load.seed", System.nanoTime());
    private final FastTime time = new FastTime();
    private final ExecutorService callers = Executors.newFixedThreadPool(CALLERS);

    /** What the answers said, or would have been estimated to take, by provider. */
    private final Map<String, Account> accounts = new ConcurrentHashMap<>();

    private static final class Account {

        private final LongAdder answers = new LongAdder();
        private final LongAdder tokens = new LongAdder();
    }

    @AfterEach
    void release() throws InterruptedException {
        callers.shutdownNow();
        assertThat(callers.awaitTermination(Patience.SECONDS, TimeUnit.SECONDS)).isTrue();
        time.close();
    }

    /** Answers, fails, breaks off, falls silent and goes wrong as a seed says, and mostly tells what it took. */
    private record Moody(long seed, AtomicInteger attempts) implements ChatProvider {

        private static final FailureKind[] KINDS = {
            FailureKind.NETWORK,
            FailureKind.SERVER,
            FailureKind.OVERLOADED,
            FailureKind.MALFORMED,
            FailureKind.RATE_LIMITED,
            FailureKind.CONTENT_FILTERED
        };

        @Override
        public void chat(
                ChatRequest request, Delivery delivery, Deadline deadline, Cancellation cancellation, EventSink sink) {
            SplittableRandom random = new SplittableRandom(seed + attempts.incrementAndGet());
            sink.connected();
            int mood = random.nextInt(100);
            if (mood < 5) {
                throw failure(random);
            }
            say(random.nextInt(5), sink);
            if (random.nextInt(8) > 0) {
                sink.event(new ChatEvent.Used(Usage.of(random.nextInt(100), random.nextInt(3_000))));
            }
            if (mood < 12) {
                throw failure(random);
            } else if (mood < 14) {
                await(Patience.SECONDS * 1_000, cancellation);
            } else if (mood < 15) {
                throw new IllegalStateException("a bug");
            } else if (mood < 16) {
                throw new StackOverflowError("deep");
            } else if (mood < 18) {
                return;
            } else if (mood < 60) {
                await(1 + random.nextInt(4), cancellation);
            }
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
            if (mood < 30) {
                throw failure(random);
            }
        }

        private static void say(int pieces, EventSink sink) {
            for (int i = 0; i < pieces; i++) {
                sink.event(new ChatEvent.Text("piece "));
            }
        }

        private static ProviderException failure(SplittableRandom random) {
            return ProviderException.builder(KINDS[random.nextInt(KINDS.length)], "by plan")
                    .retryAfter(random.nextBoolean() ? Duration.ofSeconds(1) : null)
                    .build();
        }

        private static void await(long millis, Cancellation cancellation) {
            CountDownLatch cancelled = new CountDownLatch(1);
            try (var registration = cancellation.onCancel(cancelled::countDown)) {
                if (!cancelled.await(millis, TimeUnit.MILLISECONDS)) {
                    return;
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            throw ProviderException.of(FailureKind.CANCELLED, "cancelled");
        }
    }

    private Orchestrator orchestrator() {
        Orchestrator.Builder builder = Orchestrator.builder()
                .timeSource(time)
                .instantSource(InstantSource.fixed(Instant.parse("2026-11-24T12:00:00Z")))
                .deadline(Duration.ofHours(1));
        for (int i = 0; i < 3; i++) {
            int number = i;
            QuotaSettings.Builder quota =
                    QuotaSettings.builder().requestsPerDay(1_000_000).tokensPerDay(1_000_000_000);
            if (number < 2) {
                // These come to their ends, again and again.
                quota.requestsPerMinute(60).tokensPerMinute(150_000);
            }
            builder.provider(
                    "p" + i,
                    p -> p.chatProvider(new Moody(seed * 31 + number * 1_000_003L, new AtomicInteger()))
                            .priority(number)
                            .maxConcurrent(number == 0 ? 6 : 0)
                            .quota(quota.build())
                            .retry(RetrySettings.builder()
                                    .backoff(Duration.ofMillis(500))
                                    .build())
                            .firstTokenTimeout(Duration.ofSeconds(20))
                            .idleTimeout(Duration.ofSeconds(20))
                            .totalTimeout(Duration.ofSeconds(30))
                            .circuitBreaker(CircuitBreakerSettings.builder()
                                    .timeoutDuration(Duration.ofSeconds(2))
                                    .build()));
        }
        return builder.build();
    }

    private void call(Orchestrator orchestrator, int number) {
        SplittableRandom random = new SplittableRandom(seed + number);
        ChatRequest request = ChatRequest.of(String.format(Locale.ROOT, "q%04d", number));
        Cancellation cancellation = new Cancellation();
        StreamRescue[] rescues = StreamRescue.values();
        CallOptions options = CallOptions.defaults()
                .withCancellation(cancellation)
                .withStreamRescue(rescues[random.nextInt(rescues.length)]);
        if (random.nextInt(20) == 0) {
            options = options.withDeadline(Duration.ofSeconds(1 + random.nextInt(5)));
        }
        if (random.nextInt(6) == 0) {
            time.schedule(random.nextLong(5_000_000_000L), cancellation::cancel);
        }
        try {
            book(ask(orchestrator, request, options, random.nextInt(3)));
        } catch (OrchestratorException | StackOverflowError e) {
            // It took nothing.
        } catch (CompletionException e) {
            assertThat(e).hasCauseInstanceOf(Throwable.class);
        }
    }

    private static ChatResponse ask(Orchestrator orchestrator, ChatRequest request, CallOptions options, int way) {
        if (way == 0) {
            return orchestrator.chat(request, options);
        }
        if (way == 1) {
            return orchestrator.chatAsync(request, options).join();
        }
        try (ChatStream stream = orchestrator.stream(request, options)) {
            return stream.response();
        }
    }

    private void book(ChatResponse answer) {
        Account account = accounts.computeIfAbsent(answer.provider(), unseen -> new Account());
        account.answers.increment();
        account.tokens.add(answer.usage().map(Usage::totalTokens).orElse(ESTIMATE));
    }

    @Test
    void when_all_calls_have_ended_what_is_used_is_what_the_answers_took() throws Exception {
        System.out.println("seed " + seed);
        try (Orchestrator orchestrator = orchestrator()) {
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < CALLERS; i++) {
                int first = i;
                running.add(callers.submit(() -> {
                    for (int number = first; number < CALLS; number += CALLERS) {
                        call(orchestrator, number);
                    }
                }));
            }
            for (Future<?> caller : running) {
                caller.get(6 * Patience.SECONDS, TimeUnit.SECONDS);
            }
            Patience.until(
                    "no attempt is under way",
                    () -> orchestrator.status().providers().stream()
                            .allMatch(provider -> provider.attempts().underWay() == 0));
            for (ProviderStatus provider : orchestrator.status().providers()) {
                System.out.println(provider.name() + " " + provider.attempts() + " " + provider.quotas());
                Account account = accounts.computeIfAbsent(provider.name(), unseen -> new Account());
                assertThat(account.answers.sum())
                        .isEqualTo(provider.attempts().answered())
                        .isGreaterThan(100);
                assertThat(provider.quotas())
                        .filteredOn(quota -> quota.window() == QuotaWindow.DAY)
                        .extracting(QuotaStatus::used)
                        .as(provider.name())
                        .containsExactly(account.answers.sum(), account.tokens.sum());
            }
            Patience.until(
                    "each minute is over",
                    () -> orchestrator.status().providers().stream()
                            .flatMap(provider -> provider.quotas().stream())
                            .allMatch(quota -> quota.window() == QuotaWindow.DAY || quota.used() == 0));
        }
    }
}
