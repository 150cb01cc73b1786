package ai.orchestrator.simulation;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.StreamRescue;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.internal.Durations;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.quota.QuotaSettings;
import ai.orchestrator.routing.RoutingStrategy;
import ai.orchestrator.routing.StandardStrategy;
import ai.orchestrator.routing.TokenPrice;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Providers, routes and settings, all drawn from one seed, and the orchestrator that is built of them. */
final class RandomScene {

    private static final int MOST_PROVIDERS = 6;
    private static final int MOST_ROUTES = 4;

    final Instant start;
    final boolean passesFilteredOn;

    /** Whether many calls at once fail and are repeated, so that the retry budget is used up. */
    final boolean isStorm;

    final List<ReferenceProvider> providers = new ArrayList<>();
    final List<Route> routes = new ArrayList<>();
    final Orchestrator.Builder builder = Orchestrator.builder();
    private final Draw draw;

    /**
     * A route, and what is known of its calls.
     *
     * @param name the empty one is the default route
     */
    record Route(
            String name, List<ReferenceProvider> members, boolean failOpen, StreamRescue rescue, Duration deadline) {}

    /** How a provider is doing: until when, counted in attempts, how often it fails, and how. */
    record Mood(int attempts, int failingPercent, List<FailureKind> kinds, Duration slowness) {}

    RandomScene(Draw draw, RandomProvider.Stage stage) {
        this.draw = draw;
        // Often close to midnight, where days end.
        this.start = Instant.parse("2026-03-28T00:00:00Z")
                .plusSeconds(draw.below(86_400))
                .plusNanos(draw.below(1_000_000_000));
        this.passesFilteredOn = draw.chance(30);
        this.isStorm = draw.chance(8);
        int count = draw.between(1, isStorm ? 3 : MOST_PROVIDERS);
        int needed = draw.below(count);
        // A trait of the whole run: many of them at once would leave few calls with anything to do.
        boolean limited = !isStorm && draw.chance(50);
        for (int i = 0; i < count; i++) {
            RandomProvider provider = new RandomProvider(stage, draw.seed(), moods());
            ProviderSettings settings = settings("p" + i, provider, i == needed, limited);
            ReferenceProvider reference = new ReferenceProvider(settings, draw.chance(15), start);
            provider.reference = reference;
            providers.add(reference);
            builder.provider(settings);
        }
        routes();
        builder.failOverOnContentFilter(passesFilteredOn);
    }

    private ProviderSettings settings(String name, RandomProvider provider, boolean needed, boolean limited) {
        ProviderSettings.Builder settings = ProviderSettings.builder(name)
                .chatProvider(provider)
                .priority(draw.below(4))
                .enabled(needed || draw.chance(93))
                .weight(draw.chance(50) ? 1 : draw.of(needed ? 1 : 0, 1, 2, 5))
                .collectStreams(draw.chance(25))
                .connectTimeout(draw.millis(20, 500, 5_000, 5_000))
                .firstTokenTimeout(draw.millis(50, 2_000, 10_000, 10_000))
                .idleTimeout(draw.millis(50, 1_000, 15_000, 15_000))
                .circuitBreaker(breaker())
                .retry(retry());
        if (draw.chance(40)) {
            settings.totalTimeout(draw.millis(100, 1_000, 10_000, 60_000));
        }
        if (draw.chance(60)) {
            settings.price(new TokenPrice(draw.below(4) / 2.0, draw.below(4)));
        }
        if (draw.chance(60)) {
            settings.contextWindow(draw.of(1_000L, 8_000L, 32_000L, 128_000L));
        }
        if (limited && draw.chance(40)) {
            settings.maxConcurrent(draw.between(1, 3));
        }
        if (limited && draw.chance(50)) {
            settings.quota(quota());
        }
        return settings.build();
    }

    private CircuitBreakerSettings breaker() {
        CircuitBreakerSettings.Builder breaker = CircuitBreakerSettings.builder()
                .failureThreshold(isStorm ? 100 : draw.of(1, 1, 2, 3, 5))
                .timeoutDuration(draw.millis(1, 100, 5_000, 30_000, 60_000))
                .successThreshold(draw.of(1, 1, 2, 3))
                .failureWindow(draw.millis(0, 1_000, 60_000, 60_000));
        if (draw.chance(20)) {
            breaker.trialLease(draw.millis(1, 100, 1_000, 10_000));
        }
        return breaker.build();
    }

    private RetrySettings retry() {
        return RetrySettings.builder()
                .maxAttempts(isStorm ? 4 : draw.of(1, 2, 2, 2, 3, 6))
                .backoff(draw.millis(0, 1, 500, 500, 3_000))
                .maxBackoff(draw.millis(0, 1_000, 10_000, 10_000))
                .waitForHint(draw.millis(0, 0, 2_000, 60_000))
                .retryAfterCap(draw.millis(1_000, 60_000, 3_600_000))
                .build();
    }

    private QuotaSettings quota() {
        QuotaSettings.Builder quota =
                QuotaSettings.builder().zone(ZoneId.of(draw.of("UTC", "UTC", "America/Los_Angeles", "Europe/Berlin")));
        if (draw.chance(50)) {
            quota.requestsPerMinute(draw.of(1, 2, 5, 20));
        }
        if (draw.chance(30)) {
            quota.requestsPerDay(draw.of(3, 10, 50));
        }
        if (draw.chance(40)) {
            quota.tokensPerMinute(draw.of(500, 3_000, 20_000));
        }
        if (draw.chance(20)) {
            quota.tokensPerDay(draw.of(2_000, 20_000, 100_000));
        }
        return quota.build();
    }

    private List<Mood> moods() {
        List<Mood> moods = new ArrayList<>();
        int count = draw.between(1, 3);
        for (int i = 0; i < count; i++) {
            moods.add(new Mood(
                    draw.between(1, 30),
                    draw.of(0, 20, 50, 90, 100),
                    draw.chance(60)
                            ? draw.some(List.of(
                                    FailureKind.NETWORK,
                                    FailureKind.OVERLOADED,
                                    FailureKind.SERVER,
                                    FailureKind.RATE_LIMITED,
                                    FailureKind.TIMEOUT))
                            : draw.some(List.of(FailureKind.values())),
                    draw.millis(0, 10, 400, 3_000, 20_000)));
        }
        return moods;
    }

    private void routes() {
        StreamRescue rescue = draw.of(StreamRescue.values());
        boolean failOpen = draw.chance(25);
        Duration deadline = deadline();
        builder.strategy(strategy()).streamRescue(rescue).failOpen(failOpen).deadline(deadline);
        routes.add(new Route("", asked(providers), failOpen, rescue, deadline));
        int count = draw.below(MOST_ROUTES + 1);
        for (int i = 0; i < count; i++) {
            List<ReferenceProvider> chosen = draw.some(providers);
            List<ReferenceProvider> members = asked(chosen);
            if (members.isEmpty()) {
                continue;
            }
            Route route = new Route(
                    "r" + i,
                    members,
                    draw.chance(50) ? failOpen : draw.chance(50),
                    draw.chance(50) ? rescue : draw.of(StreamRescue.values()),
                    draw.chance(50) ? deadline : deadline());
            routes.add(route);
            builder.route(
                    route.name,
                    settings -> settings.providers(
                                    chosen.stream().map(ReferenceProvider::name).toList())
                            .strategy(strategy())
                            .streamRescue(route.rescue)
                            .failOpen(route.failOpen)
                            .deadline(route.deadline));
        }
    }

    private static List<ReferenceProvider> asked(List<ReferenceProvider> providers) {
        return providers.stream()
                .filter(provider -> provider.settings.enabled() && provider.settings.weight() > 0)
                .toList();
    }

    private RoutingStrategy strategy() {
        return draw.of(StandardStrategy.values());
    }

    Duration deadline() {
        return draw.millis(1, 200, 2_000, 10_000, 30_000, 30_000, 60_000, 300_000);
    }

    /** What was drawn, in words. */
    Stream<String> story() {
        Stream<String> setting =
                Stream.of("it is " + start + (passesFilteredOn ? ", policy refusals go to another provider" : ""));
        return Stream.of(
                        setting,
                        providers.stream().map(RandomScene::story),
                        routes.stream().map(RandomScene::story))
                .flatMap(lines -> lines);
    }

    private static String story(ReferenceProvider provider) {
        ProviderSettings settings = provider.settings;
        return settings.name() + ": priority " + settings.priority() + ", weight " + settings.weight()
                + (settings.enabled() ? "" : ", disabled")
                + (provider.lacksSeeds ? ", cannot do seeds" : "")
                + settings.contextWindow().stream()
                        .mapToObj(window -> ", window " + window)
                        .collect(Collectors.joining())
                + (settings.maxConcurrent() > 0 ? ", at most " + settings.maxConcurrent() + " at once" : "")
                + (settings.collectStreams() ? ", collects streams" : "") + ", connect "
                + Durations.text(settings.connectTimeout()) + ", first token "
                + Durations.text(settings.firstTokenTimeout()) + ", idle " + Durations.text(settings.idleTimeout())
                + settings.totalTimeout()
                        .map(total -> ", total " + Durations.text(total))
                        .orElse("")
                + "\n    " + settings.circuitBreaker() + "\n    " + settings.retry() + "\n    " + settings.quota();
    }

    private static String story(Route route) {
        return "route '" + route.name + "': "
                + route.members.stream().map(ReferenceProvider::name).toList()
                + (route.failOpen ? ", fails open" : "") + ", " + route.rescue + ", " + Durations.text(route.deadline);
    }
}
