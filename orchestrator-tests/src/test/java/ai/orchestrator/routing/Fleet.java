package ai.orchestrator.routing;

import ai.orchestrator.CallOptions;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Retries;
import ai.orchestrator.time.Deadline;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Providers in memory that a test makes slow or sick, behind an orchestrator on manual time that asks each once. */
final class Fleet implements AutoCloseable {

    static final ChatRequest REQUEST = ChatRequest.of("hello");

    /** Says nothing of the provider's breaker, and keeps no call away, so that a provider may fail as often as a test likes. */
    static final FailureKind SICK = FailureKind.CONFLICT;

    final ManualTimeSource time = new ManualTimeSource();
    private final Map<String, Member> members = new HashMap<>();
    private final Orchestrator.Builder builder =
            Orchestrator.builder().timeSource(time).drainTimeout(Duration.ZERO).random(new Random(26)::nextDouble);
    private @Nullable Orchestrator orchestrator;

    /** A provider that does what the test has said last. */
    private final class Member implements ChatProvider {

        private Duration takes = Duration.ZERO;
        private @Nullable FailureKind failure;

        @Override
        public void chat(
                ChatRequest request, Delivery delivery, Deadline deadline, Cancellation cancellation, EventSink sink) {
            sink.connected();
            if (!takes.isZero()) {
                time.advance(takes);
            }
            if (cancellation.isCancelled()) {
                throw ProviderException.of(FailureKind.CANCELLED, "cancelled");
            }
            if (failure != null) {
                throw ProviderException.of(failure, "scripted");
            }
            sink.event(new ChatEvent.Text("fine"));
            sink.event(new ChatEvent.Finished(FinishReason.STOP));
        }
    }

    /** With providers of these names that differ in nothing. */
    static Fleet of(String... names) {
        Fleet fleet = new Fleet();
        for (String name : names) {
            fleet.with(name, p -> {});
        }
        return fleet;
    }

    Fleet with(String name, Consumer<ProviderSettings.Builder> settings) {
        Member member = new Member();
        members.put(name, member);
        builder.provider(
                name,
                settings.andThen(p -> p.chatProvider(member).retry(Retries.NONE).connectTimeout(Duration.ofHours(1))));
        return this;
    }

    Fleet set(Consumer<Orchestrator.Builder> settings) {
        settings.accept(builder);
        return this;
    }

    /** Adds a route for each provider so far, of the same name, so that a test can give each its own past. */
    Fleet eachAlone() {
        members.keySet().forEach(name -> builder.route(name, route -> route.providers(name)));
        return this;
    }

    Orchestrator orchestrator() {
        if (orchestrator == null) {
            orchestrator = builder.deadline(Duration.ofHours(1)).build();
        }
        return orchestrator;
    }

    // ---- What a provider does

    /** From now on it takes so long to answer, or to fail. */
    void slow(String name, Duration takes) {
        member(name).takes = takes;
    }

    /** From now on it fails. */
    void fails(String name, FailureKind kind) {
        member(name).failure = kind;
    }

    void answers(String name) {
        member(name).failure = null;
    }

    private Member member(String name) {
        Member member = members.get(name);
        if (member == null) {
            throw new IllegalArgumentException("no provider is named " + name);
        }
        return member;
    }

    /** Keeps calls away from it, at no cost. */
    void shut(String... names) {
        for (String name : names) {
            orchestrator().circuitBreaker(name).forceOpen();
        }
    }

    // ---- Who serves

    ChatResponse ask() {
        return orchestrator().chat(REQUEST);
    }

    /** Asks one alone, so many times, whatever comes of it. */
    void askAlone(String name, int calls) {
        for (int i = 0; i < calls; i++) {
            try {
                orchestrator().chat(REQUEST, CallOptions.defaults().withRoute(name));
            } catch (OrchestratorException e) {
                // As the test wants it.
            }
        }
    }

    /** Gives one a past of so many failures and answers, each of which took so long. */
    void past(String name, int failures, int answers, Duration each) {
        slow(name, each);
        fails(name, SICK);
        askAlone(name, failures);
        answers(name);
        askAlone(name, answers);
    }

    /** How often each has served. */
    Map<String, Integer> served(int calls) {
        Map<String, Integer> served = new TreeMap<>();
        for (int i = 0; i < calls; i++) {
            served.merge(ask().provider(), 1, Integer::sum);
        }
        return served;
    }

    /** Who would be asked, in this order. */
    List<String> order() {
        return order(REQUEST);
    }

    List<String> order(ChatRequest request) {
        return orchestrator().explain(request).candidates().stream()
                .map(candidate -> candidate.provider())
                .toList();
    }

    /** Who was tried by a call, in this order, skipped ones too. */
    static List<String> tried(ChatResponse answer) {
        return new ArrayList<>(
                answer.trail().steps().stream().map(Trail.Step::provider).toList());
    }

    @Override
    public void close() {
        orchestrator().close();
    }
}
