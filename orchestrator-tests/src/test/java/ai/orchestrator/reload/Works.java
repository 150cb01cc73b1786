package ai.orchestrator.reload;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.ProviderSettings;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.RateLimit;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.ChatProviderFactory;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.provider.ProviderOption;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.provider.ProviderType;
import ai.orchestrator.time.Deadline;
import java.net.URI;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/** Makes providers in memory of the type {@code memory}, has them do what a test says, and knows what became of each. */
final class Works implements ChatProviderFactory {

    private static final long PATIENCE_SECONDS = 10;

    private static final ProviderType MEMORY = new ProviderType(
            "memory",
            Optional.of(URI.create("https://memory.invalid")),
            Optional.of("m-1"),
            false,
            List.of(),
            List.of(ProviderOption.optional("flavour", Pattern.compile("[a-z]+"), "letters", "what it tastes of")));

    private final Queue<Made> made = new ConcurrentLinkedQueue<>();
    private final Map<String, Consumer<Made>> scripts = new ConcurrentHashMap<>();
    private final Map<String, Consumer<Made>> checks = new ConcurrentHashMap<>();
    private final Map<String, Runnable> looks = new ConcurrentHashMap<>();
    private volatile Consumer<ProviderTarget> onCreate = target -> {};
    private volatile Consumer<Made> onClose = made -> {};

    /** A provider of a name does this before it answers; if it throws, it does not answer. */
    Works when(String name, Consumer<Made> script) {
        scripts.put(name, script);
        return this;
    }

    Works fails(String name, FailureKind kind) {
        return when(name, made -> {
            throw ProviderException.of(kind, "scripted");
        });
    }

    /** A check of a provider of a name does this; if it throws, the check has failed. */
    Works whenChecked(String name, Consumer<Made> script) {
        checks.put(name, script);
        return this;
    }

    /** The next attempt at a provider of a name waits until it is told how to end; all others are as they were. */
    Held hold(String name) {
        Held held = new Held();
        Consumer<Made> before = scripts.getOrDefault(name, made -> {});
        scripts.put(name, made -> {
            if (held.taken.getAndIncrement() == 0) {
                held.run();
            } else {
                before.accept(made);
            }
        });
        return held;
    }

    /** Does something when a call looks at a provider of a name the next time, right before it asks whether it may be asked. */
    Works whenLookedAt(String name, Runnable action) {
        looks.put(name, action);
        return this;
    }

    void onCreate(Consumer<ProviderTarget> action) {
        onCreate = action;
    }

    /** Does something when one is closed, before that counts. */
    void onClose(Consumer<Made> action) {
        onClose = action;
    }

    List<Made> made() {
        return List.copyOf(made);
    }

    /** Those made for a provider's name, in their order. */
    List<Made> made(String name) {
        return made.stream().filter(one -> one.target.name().equals(name)).toList();
    }

    int asked(String name) {
        return made(name).stream().mapToInt(one -> one.asked.get()).sum();
    }

    void assertEachClosedOnceAndNoneWhileInUse() {
        assertThat(made).allSatisfy(one -> {
            assertThat(one.closed).as("%s was closed once", one).hasValue(1);
            assertThat(one.cutOff).as("%s was closed while in use", one).hasValue(0);
        });
    }

    @Override
    public List<ProviderType> types() {
        return List.of(MEMORY);
    }

    @Override
    public ChatProvider create(ProviderTarget target, InstantSource instantSource) {
        onCreate.accept(target);
        Made one = new Made(target);
        made.add(one);
        return one;
    }

    static ProviderSettings.Builder memory(String name) {
        return ProviderSettings.builder(name).type("memory").apiKey(name + "-key-1");
    }

    /** Answers with its key. */
    final class Made implements ChatProvider {

        final ProviderTarget target;
        final AtomicInteger asked = new AtomicInteger();
        final AtomicInteger closed = new AtomicInteger();

        /** How many attempts began or ended when it was closed already. */
        final AtomicInteger cutOff = new AtomicInteger();

        /** How often a call looked at it when it was closed already. */
        final AtomicInteger lookedAtClosed = new AtomicInteger();

        /** What it says with its answers. */
        private final Queue<RateLimit> limits = new ConcurrentLinkedQueue<>();

        private Made(ProviderTarget target) {
            this.target = target;
        }

        void says(RateLimit limit) {
            limits.add(limit);
        }

        @Override
        public boolean check(Cancellation cancellation) {
            noteClosed();
            try {
                checks.getOrDefault(target.name(), made -> {}).accept(this);
                return true;
            } finally {
                noteClosed();
            }
        }

        @Override
        public Optional<String> unsupported(ChatRequest request) {
            if (closed.get() > 0) {
                lookedAtClosed.incrementAndGet();
            }
            Runnable action = looks.remove(target.name());
            if (action != null) {
                action.run();
            }
            return Optional.empty();
        }

        @Override
        public void chat(
                ChatRequest request, Delivery delivery, Deadline deadline, Cancellation cancellation, EventSink sink) {
            asked.incrementAndGet();
            noteClosed();
            sink.connected();
            try {
                Objects.requireNonNull(scripts.getOrDefault(target.name(), made -> {}))
                        .accept(this);
                sink.event(new ChatEvent.Text(target.apiKey().orElse("no key")
                        + target.option("flavour").map(f -> " " + f).orElse("")));
                if (!limits.isEmpty()) {
                    sink.event(new ChatEvent.Limited(List.copyOf(limits)));
                }
                sink.event(new ChatEvent.Finished(FinishReason.STOP));
            } finally {
                noteClosed();
            }
        }

        private void noteClosed() {
            if (closed.get() > 0) {
                cutOff.incrementAndGet();
            }
        }

        @Override
        public void close() {
            onClose.accept(this);
            closed.incrementAndGet();
        }

        @Override
        public String toString() {
            return target.toString();
        }
    }

    /** An attempt that a test ends. */
    static final class Held {

        private final AtomicInteger taken = new AtomicInteger();
        private final CountDownLatch begun = new CountDownLatch(1);
        private final CountDownLatch ended = new CountDownLatch(1);
        private volatile Runnable end = () -> {};

        void run() {
            begun.countDown();
            await(ended);
            end.run();
        }

        Held awaitBegun() {
            await(begun);
            return this;
        }

        void answers() {
            ended.countDown();
        }

        void fails(FailureKind kind) {
            end = () -> {
                throw ProviderException.of(kind, "scripted");
            };
            ended.countDown();
        }

        static void await(CountDownLatch latch) {
            try {
                if (!latch.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                    throw new IllegalStateException("waited in vain");
                }
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
