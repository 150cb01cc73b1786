package ai.orchestrator.config;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorSettings;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.RouteSettings;
import ai.orchestrator.StreamRescue;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.quota.QuotaSettings;
import ai.orchestrator.routing.RoutingStrategy;
import ai.orchestrator.routing.StandardStrategy;
import ai.orchestrator.routing.TokenPrice;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Every setting that core knows; those of one type of provider alone the types announce themselves. */
final class ConfigKeys {

    static final String ROOT = "orchestrator.";
    static final String DEFAULTS = "orchestrator.defaults.";
    static final String PROVIDERS = "orchestrator.providers.";
    static final String ROUTES = "orchestrator.routes.";

    static final String API_KEY = "api-key";
    static final String API_KEY_FILE = "api-key-file";
    static final String PRESET = "circuit-breaker.preset";

    private static final Duration MILLI = Duration.ofMillis(1);

    private static final ValueType<RoutingStrategy> STRATEGY = ValueType.choice(
            "choice",
            StandardStrategy.class.getName(),
            List.<RoutingStrategy>of(StandardStrategy.values()),
            String::valueOf);

    private static final ValueType<StreamRescue> RESCUE = ValueType.choice(StreamRescue.class);

    private static final ValueType<Preset> PRESETS = ValueType.choice(Preset.class);

    /** How a breaker is set up in one word. */
    enum Preset {
        FAST_API(CircuitBreakerSettings::fastApi),
        SLOW_API(CircuitBreakerSettings::slowApi),
        CRITICAL_SERVICE(CircuitBreakerSettings::criticalService);

        @SuppressWarnings("ImmutableEnumChecker") // method references without state
        private final Supplier<CircuitBreakerSettings> settings;

        Preset(Supplier<CircuitBreakerSettings> settings) {
            this.settings = settings;
        }

        CircuitBreakerSettings settings() {
            return settings.get();
        }

        private String meaning() {
            return "`" + PRESETS.formatter().apply(this) + "` (" + settings().failureThreshold() + ", "
                    + ValueType.formatDuration(settings().timeoutDuration()) + ")";
        }
    }

    /** A provider while its values are read. */
    static final class Draft {

        private final ProviderSettings.Builder provider;
        private final Path directory;
        private final CircuitBreakerSettings.Builder breaker = CircuitBreakerSettings.builder();
        private final RetrySettings.Builder retry = RetrySettings.builder();
        private final QuotaSettings.Builder quota = QuotaSettings.builder();
        private @Nullable Double inputPrice;
        private @Nullable Double outputPrice;

        /**
         * @param directory what a relative path starts from
         */
        Draft(String name, Path directory) {
            this.provider = ProviderSettings.builder(name);
            this.directory = directory;
        }

        void option(String name, String value) {
            provider.option(name, value);
        }

        /** One half alone would make a provider look cheap. */
        boolean hasHalfAPrice() {
            return (inputPrice == null) != (outputPrice == null);
        }

        ProviderSettings build() {
            if (inputPrice != null && outputPrice != null) {
                provider.price(new TokenPrice(inputPrice, outputPrice));
            }
            return provider.quota(quota.build())
                    .circuitBreaker(breaker.build())
                    .retry(retry.build())
                    .build();
        }
    }

    /** What holds for all calls. */
    static final List<Setting<Orchestrator.Builder, OrchestratorSettings, ?>> TOP = List.of(
            top(
                    "deadline",
                    ValueType.DURATION,
                    Range.above(Duration.ZERO),
                    Orchestrator.Builder::deadline,
                    OrchestratorSettings::deadline,
                    "limit of a whole call, all attempts together"),
            top(
                    "drain-timeout",
                    ValueType.DURATION,
                    Range.durationFrom(Duration.ZERO),
                    Orchestrator.Builder::drainTimeout,
                    OrchestratorSettings::drainTimeout,
                    "how long `close()` waits for calls in flight; 0s ends them at once"),
            top(
                    "stream-rescue",
                    RESCUE,
                    Orchestrator.Builder::streamRescue,
                    OrchestratorSettings::streamRescue,
                    "what happens when a provider breaks off in a stream: `fail` ends it with the text that had come,"
                            + " `hold` shows nothing before the answer is complete, `restart` tells the reader to begin"
                            + " anew"),
            top(
                    "fail-over-on-content-filter",
                    ValueType.FLAG,
                    Orchestrator.Builder::failOverOnContentFilter,
                    OrchestratorSettings::failOverOnContentFilter,
                    "whether a policy refusal is put to the next provider"),
            top(
                    "retry-budget",
                    ValueType.PERCENTAGE,
                    Range.of(0.0, 1.0),
                    Orchestrator.Builder::retryBudget,
                    OrchestratorSettings::retryBudget,
                    "how many retries on the same provider there may be for the first attempts of all calls, over ten"
                            + " seconds, beside ten that are always there"),
            top(
                    "routing.strategy",
                    STRATEGY,
                    Orchestrator.Builder::strategy,
                    OrchestratorSettings::strategy,
                    "who is asked first"),
            top(
                    "routing.fail-open",
                    ValueType.FLAG,
                    Orchestrator.Builder::failOpen,
                    OrchestratorSettings::failOpen,
                    "whether a call that finds every breaker open asks one provider all the same"),
            top(
                    "cache.enabled",
                    ValueType.FLAG,
                    Orchestrator.Builder::cacheEnabled,
                    OrchestratorSettings::cacheEnabled,
                    "whether an answer is given again for an identical request"),
            top(
                    "cache.ttl",
                    ValueType.DURATION,
                    Range.above(Duration.ZERO),
                    Orchestrator.Builder::cacheTtl,
                    OrchestratorSettings::cacheTtl,
                    "how long an answer is kept"),
            top(
                    "cache.max-size",
                    ValueType.BYTES,
                    Range.above(0L),
                    Orchestrator.Builder::cacheMaxSize,
                    OrchestratorSettings::cacheMaxSize,
                    "about how much memory kept answers may take"),
            top(
                    "health.check",
                    ValueType.FLAG,
                    Orchestrator.Builder::healthChecks,
                    OrchestratorSettings::healthChecks,
                    "whether each provider is asked something free now and then; one that fails is asked after the"
                            + " others"),
            top(
                    "health.interval",
                    ValueType.DURATION,
                    Range.durationFrom(Duration.ofSeconds(1)),
                    Orchestrator.Builder::healthCheckInterval,
                    OrchestratorSettings::healthCheckInterval,
                    "how long a provider is left alone between two checks"),
            top(
                    "health.timeout",
                    ValueType.DURATION,
                    Range.durationFrom(MILLI),
                    Orchestrator.Builder::healthCheckTimeout,
                    OrchestratorSettings::healthCheckTimeout,
                    "how long a check may take"));

    /** What a route may set. */
    static final List<Setting<RouteSettings.Builder, RouteSettings, ?>> ROUTE = List.of(
            Setting.<RouteSettings.Builder, RouteSettings, List<String>>of(
                            "providers",
                            ValueType.NAMES,
                            "names of providers, each once",
                            RouteSettings.Builder::providers,
                            route -> Optional.of(route.providers()).filter(names -> !names.isEmpty()),
                            "the route's providers in their order")
                    .unset("required"),
            Setting.<RouteSettings.Builder, RouteSettings, RoutingStrategy>of(
                            "strategy",
                            STRATEGY,
                            String.join(", ", STRATEGY.choices()),
                            RouteSettings.Builder::strategy,
                            RouteSettings::strategy,
                            "who is asked first")
                    .unset("that of all"),
            Setting.<RouteSettings.Builder, RouteSettings, StreamRescue>of(
                            "stream-rescue",
                            RESCUE,
                            String.join(", ", RESCUE.choices()),
                            RouteSettings.Builder::streamRescue,
                            RouteSettings::streamRescue,
                            "the contract of streams")
                    .unset("that of all"),
            Setting.<RouteSettings.Builder, RouteSettings, Duration>of(
                            "deadline",
                            ValueType.DURATION,
                            Range.above(Duration.ZERO),
                            RouteSettings.Builder::deadline,
                            RouteSettings::deadline,
                            "limit of a whole call")
                    .unset("that of all"),
            Setting.<RouteSettings.Builder, RouteSettings, Boolean>of(
                            "fail-open",
                            ValueType.FLAG,
                            String.join(", ", ValueType.FLAG.choices()),
                            RouteSettings.Builder::failOpen,
                            RouteSettings::failOpen,
                            "whether a call that finds every breaker open asks one all the same")
                    .unset("that of all"));

    /** What a provider alone may set. */
    static final List<Setting<Draft, ProviderSettings, ?>> OWN = List.of(
            own(
                            "type",
                            "one of the types",
                            (draft, value) -> draft.provider.type(value),
                            ProviderSettings::type,
                            "whose dialect it speaks, and whose defaults it has")
                    .unset("required"),
            own(
                            API_KEY,
                            "visible ASCII, no blanks",
                            (draft, value) -> draft.provider.apiKey(value),
                            ProviderSettings::apiKey,
                            "its key; needed at the vendor's own address, and for `azure`; best as `${ENV}`")
                    .unset("none"),
            // What was read from it is the key, and the file is no setting any more.
            own(
                            API_KEY_FILE,
                            "a file that has the key alone",
                            (draft, value) -> draft.provider.apiKeyFile(draft.directory.resolve(value)),
                            settings -> Optional.empty(),
                            "a file with the key, such as a mounted secret, instead of `api-key`; a relative path starts"
                                    + " at the properties file")
                    .unset("none"),
            own(
                            "base-url",
                            "http(s), host, path",
                            (draft, value) -> draft.provider.baseUrl(value),
                            ProviderSettings::baseUrl,
                            "another server of the same dialect; plain http only to this machine")
                    .unset("the type's"),
            own(
                            "model",
                            "not blank",
                            (draft, value) -> draft.provider.model(value),
                            ProviderSettings::model,
                            "the model to ask")
                    .unset("the type's"),
            flag(
                    "allow-plain-http",
                    (draft, value) -> draft.provider.allowPlainHttp(value),
                    ProviderSettings::allowPlainHttp,
                    "allows plain http to another machine, which shows key and prompts to anybody on the way"),
            of(
                    "priority",
                    ValueType.INTEGER,
                    Range.atLeast(0),
                    (draft, value) -> draft.provider.priority(value),
                    ProviderSettings::priority,
                    "lower is asked first"),
            flag(
                    "enabled",
                    (draft, value) -> draft.provider.enabled(value),
                    ProviderSettings::enabled,
                    "false keeps the provider configured but asks it nothing"));

    /** What a provider may set, and {@code orchestrator.defaults.} for all; in this order, so that a preset comes before what refines it. */
    static final List<Setting<Draft, ProviderSettings, ?>> SHARED = List.of(
            Setting.<Draft, ProviderSettings, Preset>of(
                            PRESET,
                            PRESETS,
                            String.join(", ", PRESETS.choices()),
                            (draft, preset) -> draft.breaker
                                    // Only what a preset is about: the rest may come from the defaults.
                                    .failureThreshold(preset.settings().failureThreshold())
                                    .timeoutDuration(preset.settings().timeoutDuration()),
                            settings -> Optional.empty(),
                            "sets the next two: "
                                    + Stream.of(Preset.values())
                                            .map(Preset::meaning)
                                            .collect(Collectors.joining(", ")))
                    .unset("none"),
            of(
                    "circuit-breaker.failure-threshold",
                    ValueType.INTEGER,
                    Range.of(1, 1_000),
                    (draft, value) -> draft.breaker.failureThreshold(value),
                    settings -> settings.circuitBreaker().failureThreshold(),
                    "failures in a row that open the breaker"),
            of(
                    "circuit-breaker.timeout-duration",
                    ValueType.DURATION,
                    Range.durationFrom(MILLI),
                    (draft, value) -> draft.breaker.timeoutDuration(value),
                    settings -> settings.circuitBreaker().timeoutDuration(),
                    "how long it stays open before a trial"),
            of(
                    "circuit-breaker.success-threshold",
                    ValueType.INTEGER,
                    Range.of(1, 1_000),
                    (draft, value) -> draft.breaker.successThreshold(value),
                    settings -> settings.circuitBreaker().successThreshold(),
                    "successful trials that close it"),
            of(
                    "circuit-breaker.failure-window",
                    ValueType.DURATION,
                    Range.durationFrom(MILLI).or(Duration.ZERO),
                    (draft, value) -> draft.breaker.failureWindow(value),
                    settings -> settings.circuitBreaker().failureWindow(),
                    "how long a failure counts; 0s is for ever"),
            Setting.<Draft, ProviderSettings, Duration>of(
                            "circuit-breaker.trial-lease",
                            ValueType.DURATION,
                            Range.durationFrom(MILLI),
                            (draft, value) -> draft.breaker.trialLease(value),
                            settings -> settings.circuitBreaker().trialLease(),
                            "how long a trial may stay silent; by default until a second after its attempt's deadline")
                    .unset("per call"),
            of(
                    "retry.max-attempts",
                    ValueType.INTEGER,
                    Range.of(1, 100),
                    (draft, value) -> draft.retry.maxAttempts(value),
                    settings -> settings.retry().maxAttempts(),
                    "attempts of one call at this provider, the first included; 1 repeats nothing"),
            of(
                    "retry.backoff",
                    ValueType.DURATION,
                    Range.durationFrom(Duration.ZERO),
                    (draft, value) -> draft.retry.backoff(value),
                    settings -> settings.retry().backoff(),
                    "first wait where the provider names none; doubles, with jitter"),
            of(
                    "retry.max-backoff",
                    ValueType.DURATION,
                    Range.durationFrom(Duration.ZERO),
                    (draft, value) -> draft.retry.maxBackoff(value),
                    settings -> settings.retry().maxBackoff(),
                    "longest wait where the provider names none"),
            of(
                    "retry.wait-for-hint",
                    ValueType.DURATION,
                    Range.durationFrom(Duration.ZERO),
                    (draft, value) -> draft.retry.waitForHint(value),
                    settings -> settings.retry().waitForHint(),
                    "a wait that the provider asks for, up to this long, is waited for although another one could be"
                            + " asked"),
            of(
                    "retry-after-cap",
                    ValueType.DURATION,
                    Range.durationFrom(Duration.ZERO).withoutLeast(),
                    (draft, value) -> draft.retry.retryAfterCap(value),
                    settings -> settings.retry().retryAfterCap(),
                    "longest time that a provider is left alone because it asked for that"),
            of(
                    "timeout.connect",
                    ValueType.DURATION,
                    Range.above(Duration.ZERO),
                    (draft, value) -> draft.provider.connectTimeout(value),
                    ProviderSettings::connectTimeout,
                    "limit of connecting, look-up and TLS included"),
            of(
                    "timeout.first-token",
                    ValueType.DURATION,
                    Range.above(Duration.ZERO),
                    (draft, value) -> draft.provider.firstTokenTimeout(value),
                    ProviderSettings::firstTokenTimeout,
                    "limit of a stream's first token; comments are none; must not be beyond the deadline"),
            of(
                    "timeout.idle",
                    ValueType.DURATION,
                    Range.above(Duration.ZERO),
                    (draft, value) -> draft.provider.idleTimeout(value),
                    ProviderSettings::idleTimeout,
                    "limit of a stream's silence after that"),
            Setting.<Draft, ProviderSettings, Duration>of(
                            "timeout.total",
                            ValueType.DURATION,
                            Range.above(Duration.ZERO),
                            (draft, value) -> draft.provider.totalTimeout(value),
                            ProviderSettings::totalTimeout,
                            "limit of one attempt; by default one at a whole answer that takes unusually long ends"
                                    + " halfway to the deadline, if another provider could be asked")
                    .unset("by the deadline"),
            of(
                    "max-concurrent",
                    ValueType.INTEGER,
                    Range.atLeast(0),
                    (draft, value) -> draft.provider.maxConcurrent(value),
                    ProviderSettings::maxConcurrent,
                    "attempts at once, beyond which it is skipped; 0 is no limit"),
            limit(
                    "quota.requests-per-minute",
                    (draft, value) -> draft.quota.requestsPerMinute(value),
                    settings -> settings.quota().requestsPerMinute(),
                    "attempts within 60 seconds"),
            limit(
                    "quota.requests-per-day",
                    (draft, value) -> draft.quota.requestsPerDay(value),
                    settings -> settings.quota().requestsPerDay(),
                    "attempts within a calendar day"),
            limit(
                    "quota.tokens-per-minute",
                    (draft, value) -> draft.quota.tokensPerMinute(value),
                    settings -> settings.quota().tokensPerMinute(),
                    "tokens of requests and answers within 60 seconds"),
            limit(
                    "quota.tokens-per-day",
                    (draft, value) -> draft.quota.tokensPerDay(value),
                    settings -> settings.quota().tokensPerDay(),
                    "tokens of requests and answers within a calendar day"),
            Setting.of(
                    "quota.zone",
                    ValueType.ZONE,
                    "a time zone",
                    (draft, value) -> draft.quota.zone(value),
                    settings -> Optional.of(settings.quota().zone()),
                    "where the day begins at midnight"),
            of(
                    "weight",
                    ValueType.INTEGER,
                    Range.of(0, 1_000_000),
                    (draft, value) -> draft.provider.weight(value),
                    ProviderSettings::weight,
                    "its share under `weighted`; 0 is never asked, whatever the strategy"),
            Setting.<Draft, ProviderSettings, Double>of(
                            "price.input",
                            ValueType.DECIMAL,
                            Range.atLeast(0.0),
                            (draft, value) -> draft.inputPrice = notNegative(value),
                            settings -> settings.price().map(TokenPrice::input),
                            "for a million tokens of requests, in one currency for all; for `cost`; both or neither")
                    .unset("none"),
            Setting.<Draft, ProviderSettings, Double>of(
                            "price.output",
                            ValueType.DECIMAL,
                            Range.atLeast(0.0),
                            (draft, value) -> draft.outputPrice = notNegative(value),
                            settings -> settings.price().map(TokenPrice::output),
                            "the same of answers")
                    .unset("none"),
            Setting.<Draft, ProviderSettings, Long>of(
                            "context-window",
                            ValueType.LONG,
                            Range.above(0L),
                            (draft, value) -> draft.provider.contextWindow(value),
                            settings -> boxed(settings.contextWindow()),
                            "tokens; a request too long for one provider goes only to one with a larger window")
                    .unset("unknown"),
            flag(
                    "collect-streams",
                    (draft, value) -> draft.provider.collectStreams(value),
                    ProviderSettings::collectStreams,
                    "streams from the provider also for calls that do not, which gives them the limits of first token"
                            + " and silence"));

    /** Everything that core knows of a provider. */
    static final List<Setting<Draft, ProviderSettings, ?>> PROVIDER =
            Stream.concat(OWN.stream(), SHARED.stream()).toList();

    private ConfigKeys() {}

    private static <T extends Comparable<T>> Setting<Orchestrator.Builder, OrchestratorSettings, T> top(
            String name,
            ValueType<T> type,
            Range<T> range,
            BiConsumer<Orchestrator.Builder, T> setter,
            Function<OrchestratorSettings, T> getter,
            String meaning) {
        return Setting.of(name, type, range, setter, getter.andThen(Optional::of), meaning);
    }

    private static <T> Setting<Orchestrator.Builder, OrchestratorSettings, T> top(
            String name,
            ValueType<T> type,
            BiConsumer<Orchestrator.Builder, T> setter,
            Function<OrchestratorSettings, T> getter,
            String meaning) {
        return Setting.of(name, type, String.join(", ", type.choices()), setter, getter.andThen(Optional::of), meaning);
    }

    private static <T extends Comparable<T>> Setting<Draft, ProviderSettings, T> of(
            String name,
            ValueType<T> type,
            Range<T> range,
            BiConsumer<Draft, T> setter,
            Function<ProviderSettings, T> getter,
            String meaning) {
        return Setting.of(name, type, range, setter, getter.andThen(Optional::of), meaning);
    }

    private static Setting<Draft, ProviderSettings, Boolean> flag(
            String name,
            BiConsumer<Draft, Boolean> setter,
            Function<ProviderSettings, Boolean> getter,
            String meaning) {
        return Setting.of(
                name,
                ValueType.FLAG,
                String.join(", ", ValueType.FLAG.choices()),
                setter,
                getter.andThen(Optional::of),
                meaning);
    }

    private static Setting<Draft, ProviderSettings, String> own(
            String name,
            String allowed,
            BiConsumer<Draft, String> setter,
            Function<ProviderSettings, Optional<String>> getter,
            String meaning) {
        return Setting.of(name, ValueType.TEXT, allowed, setter, getter, meaning);
    }

    private static Setting<Draft, ProviderSettings, Long> limit(
            String name,
            BiConsumer<Draft, Long> setter,
            Function<ProviderSettings, OptionalLong> getter,
            String meaning) {
        return Setting.of(name, ValueType.LONG, Range.above(0L), setter, getter.andThen(ConfigKeys::boxed), meaning);
    }

    private static Optional<Long> boxed(OptionalLong value) {
        return value.isPresent() ? Optional.of(value.getAsLong()) : Optional.empty();
    }

    private static double notNegative(double price) {
        return new TokenPrice(price, 0).input();
    }

    /** The names of all settings in a list. */
    static List<String> names(List<? extends Setting<?, ?, ?>> settings) {
        return settings.stream().map(Setting::name).toList();
    }
}
