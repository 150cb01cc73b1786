package ai.orchestrator.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.FailureKind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;

/** The common setting: a primary and a fallback, at most two attempts at each, and a limit of 30 s for an attempt. */
@Timeout(60)
abstract class Catalogue {

    static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
    static final Duration ATTEMPT_LIMIT = Duration.ofSeconds(30);
    static final Duration FIRST_TOKEN_LIMIT = ProviderSettings.DEFAULT_FIRST_TOKEN_TIMEOUT;
    static final Duration IDLE_LIMIT = ProviderSettings.DEFAULT_IDLE_TIMEOUT;
    static final Duration NANO = Duration.ofNanos(1);

    final CallTime time = new CallTime();
    final Vendor primary = new Vendor("primary", time);
    final Vendor fallback = new Vendor("fallback", time);
    final Observed observed = new Observed();
    final ExecutorService threads = Executors.newCachedThreadPool();
    private final List<Orchestrator> orchestrators = new ArrayList<>();

    @AfterEach
    void close() {
        // First, so that nobody waits for a server.
        primary.close();
        fallback.close();
        orchestrators.forEach(Orchestrator::close);
        observed.close();
        threads.shutdownNow();
    }

    // ---- Given

    /** What the primary speaks, and the fallback accordingly. */
    void speak(Dialect dialect) {
        primary.speaks(dialect);
        fallback.speaks(dialect.ofFallback());
    }

    Orchestrator.Builder builder() {
        return Orchestrator.builder()
                .timeSource(time)
                .instantSource(() -> START.plus(time.now()))
                .providerFactory(observed)
                .deadline(Duration.ofSeconds(60));
    }

    static Consumer<ProviderSettings.Builder> at(Vendor vendor, Way way, int priority) {
        return p -> p.type(vendor.type())
                .baseUrl(vendor.baseUrl())
                .apiKey("any")
                .model(vendor.model())
                .priority(priority)
                .totalTimeout(ATTEMPT_LIMIT)
                .collectStreams(way == Way.COLLECTED);
    }

    Orchestrator.Builder both(
            Way way, Consumer<ProviderSettings.Builder> ofPrimary, Consumer<ProviderSettings.Builder> ofFallback) {
        return builder()
                .provider(primary.name(), at(primary, way, 1).andThen(ofPrimary))
                .provider(fallback.name(), at(fallback, way, 2).andThen(ofFallback));
    }

    Orchestrator.Builder both(Way way, Consumer<ProviderSettings.Builder> ofPrimary) {
        return both(way, ofPrimary, p -> {});
    }

    Orchestrator open(Orchestrator.Builder builder) {
        Orchestrator orchestrator = builder.build();
        orchestrators.add(orchestrator);
        return orchestrator;
    }

    Orchestrator open(Way way) {
        return open(both(way, p -> {}));
    }

    // ---- When

    RunningCall start(Way way, Orchestrator orchestrator) {
        return way.start(orchestrator, threads);
    }

    Outcome ask(Way way, Orchestrator orchestrator) {
        return start(way, orchestrator).outcome();
    }

    Outcome ask(Way way) {
        return ask(way, open(way));
    }

    // ---- Then

    /** The whole answer of one provider, once, and nothing of any other. */
    static void assertAnswered(Outcome outcome, Vendor by) {
        assertThat(outcome.failure()).isEmpty();
        assertThat(outcome.text()).isEqualTo(Vendor.ANSWER);
        assertThat(outcome.model()).isEqualTo(by.model());
        assertThat(outcome.usage()).contains(new Usage(Vendor.PROMPT_TOKENS, Vendor.WORDS, 0, 0));
        outcome.response().ifPresent(response -> {
            assertThat(response.text()).isEqualTo(Vendor.ANSWER);
            assertThat(response.provider()).isEqualTo(by.name());
        });
    }

    <T extends Throwable> T assertFailed(Outcome outcome, Class<T> type) {
        assertThat(outcome.response()).map(ChatResponse::text).isEmpty();
        assertThat(outcome.failure()).get().isInstanceOf(type);
        return type.cast(outcome.failure().orElseThrow());
    }

    /** What the trail says of the first attempt, for the ways that show one. */
    static void assertFirstFailure(Outcome outcome, FailureKind kind) {
        outcome.trail()
                .ifPresent(trail -> assertThat(trail.steps().get(0))
                        .isInstanceOfSatisfying(
                                Trail.Failed.class,
                                failed -> assertThat(failed.kind()).isEqualTo(kind)));
    }

    static Duration seconds(long seconds) {
        return Duration.ofSeconds(seconds);
    }
}
