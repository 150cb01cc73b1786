package ai.orchestrator.config;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.RouteSettings;
import ai.orchestrator.StreamRescue;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.internal.ProviderCatalog;
import ai.orchestrator.quota.QuotaSettings;
import ai.orchestrator.routing.RoutingStrategy;
import ai.orchestrator.routing.StandardStrategy;
import ai.orchestrator.routing.TokenPrice;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZoneId;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Turns keys and values into settings and notes every mistake. For one thread. */
final class PropertiesReader {

    private static final String ROOT = "orchestrator.";
    private static final String DEFAULTS = "orchestrator.defaults.";
    private static final String PROVIDERS = "orchestrator.providers.";
    private static final String ROUTES = "orchestrator.routes.";
    private static final Pattern PLACEHOLDER = Pattern.compile("\\$\\{([^}:]*)(?::([^}]*))?}");
    private static final Pattern SIZE = Pattern.compile("(\\d{1,15})(B|KB|MB|GB)?");
    private static final Pattern DURATION = Pattern.compile("(-?\\d{1,15})(ms|s|m|h|d)");

    /** Whole settings and, with a dot at the end, groups that the specification names and a later version brings. */
    private static final List<String> LATER_SETTINGS = List.of("api-key-file");

    private static final List<String> LATER_KEYS = Stream.concat(LATER_SETTINGS.stream(), Stream.of("metrics."))
            .map(key -> ROOT + key)
            .toList();

    private static final Map<String, Supplier<CircuitBreakerSettings>> PRESETS = new TreeMap<>(Map.of(
            "fast-api", CircuitBreakerSettings::fastApi,
            "slow-api", CircuitBreakerSettings::slowApi,
            "critical-service", CircuitBreakerSettings::criticalService));

    @FunctionalInterface
    private interface Setting {
        void apply(Draft draft, String value);
    }

    @FunctionalInterface
    private interface TopLevel {
        Consumer<Orchestrator.Builder> read(String value);
    }

    /** What is set once for all providers. */
    private static final Map<String, TopLevel> TOP_LEVEL = new LinkedHashMap<>();

    static {
        TOP_LEVEL.put("orchestrator.deadline", value -> {
            Duration deadline = duration(value);
            if (deadline.isZero() || deadline.isNegative()) {
                throw new IllegalArgumentException("must be more than zero");
            }
            return builder -> builder.deadline(deadline);
        });
        TOP_LEVEL.put("orchestrator.drain-timeout", value -> {
            Duration drainTimeout = duration(value);
            return builder -> builder.drainTimeout(drainTimeout);
        });
        TOP_LEVEL.put("orchestrator.stream-rescue", value -> {
            StreamRescue rescue = rescue(value);
            return builder -> builder.streamRescue(rescue);
        });
        TOP_LEVEL.put("orchestrator.fail-over-on-content-filter", value -> {
            boolean failOver = bool(value);
            return builder -> builder.failOverOnContentFilter(failOver);
        });
        TOP_LEVEL.put("orchestrator.health.check", value -> {
            boolean check = bool(value);
            return builder -> builder.healthChecks(check);
        });
        TOP_LEVEL.put("orchestrator.health.interval", value -> {
            Duration interval = duration(value);
            return builder -> builder.healthCheckInterval(interval);
        });
        TOP_LEVEL.put("orchestrator.health.timeout", value -> {
            Duration timeout = duration(value);
            return builder -> builder.healthCheckTimeout(timeout);
        });
        TOP_LEVEL.put("orchestrator.cache.enabled", value -> {
            boolean enabled = bool(value);
            return builder -> builder.cacheEnabled(enabled);
        });
        TOP_LEVEL.put("orchestrator.cache.ttl", value -> {
            Duration ttl = duration(value);
            return builder -> builder.cacheTtl(ttl);
        });
        TOP_LEVEL.put("orchestrator.cache.max-size", value -> {
            long bytes = size(value);
            return builder -> builder.cacheMaxSize(bytes);
        });
        TOP_LEVEL.put("orchestrator.routing.strategy", value -> {
            RoutingStrategy strategy = strategy(value);
            return builder -> builder.strategy(strategy);
        });
        TOP_LEVEL.put("orchestrator.routing.fail-open", value -> {
            boolean failOpen = bool(value);
            return builder -> builder.failOpen(failOpen);
        });
    }

    /** What a route may set. */
    private static final Map<String, BiConsumer<RouteSettings.Builder, String>> ROUTE = new LinkedHashMap<>();

    static {
        ROUTE.put("providers", (route, value) -> route.providers(list(value)));
        ROUTE.put("strategy", (route, value) -> route.strategy(strategy(value)));
        ROUTE.put("stream-rescue", (route, value) -> route.streamRescue(rescue(value)));
        ROUTE.put("deadline", (route, value) -> route.deadline(duration(value)));
        ROUTE.put("fail-open", (route, value) -> route.failOpen(bool(value)));
    }

    /** A provider while its keys are read. */
    private static final class Draft {
        private final ProviderSettings.Builder provider;
        private final CircuitBreakerSettings.Builder breaker = CircuitBreakerSettings.builder();
        private final RetrySettings.Builder retry = RetrySettings.builder();
        private final QuotaSettings.Builder quota = QuotaSettings.builder();
        private @Nullable Double inputPrice;
        private @Nullable Double outputPrice;

        private Draft(ProviderSettings.Builder provider) {
            this.provider = provider;
        }
    }

    /** What {@code orchestrator.defaults.} may set; applied in this order, so that a preset comes before what it is refined by. */
    private static final Map<String, Setting> SHARED = new LinkedHashMap<>();

    private static final Map<String, Setting> ALL = new LinkedHashMap<>();

    static {
        SHARED.put("circuit-breaker.preset", (draft, value) -> {
            Supplier<CircuitBreakerSettings> preset = PRESETS.get(value);
            if (preset == null) {
                throw new IllegalArgumentException("unknown preset; allowed: " + String.join(", ", PRESETS.keySet()));
            }
            // Only what a preset is about: the rest may come from the defaults.
            CircuitBreakerSettings recommended = preset.get();
            draft.breaker
                    .failureThreshold(recommended.failureThreshold())
                    .timeoutDuration(recommended.timeoutDuration());
        });
        SHARED.put(
                "circuit-breaker.failure-threshold", (draft, value) -> draft.breaker.failureThreshold(integer(value)));
        SHARED.put(
                "circuit-breaker.timeout-duration", (draft, value) -> draft.breaker.timeoutDuration(duration(value)));
        SHARED.put(
                "circuit-breaker.success-threshold", (draft, value) -> draft.breaker.successThreshold(integer(value)));
        SHARED.put("circuit-breaker.failure-window", (draft, value) -> draft.breaker.failureWindow(duration(value)));
        SHARED.put("circuit-breaker.trial-lease", (draft, value) -> draft.breaker.trialLease(duration(value)));
        SHARED.put("retry.max-attempts", (draft, value) -> draft.retry.maxAttempts(integer(value)));
        SHARED.put("retry.backoff", (draft, value) -> draft.retry.backoff(duration(value)));
        SHARED.put("retry.max-backoff", (draft, value) -> draft.retry.maxBackoff(duration(value)));
        SHARED.put("retry.wait-for-hint", (draft, value) -> draft.retry.waitForHint(duration(value)));
        SHARED.put("retry-after-cap", (draft, value) -> draft.retry.retryAfterCap(duration(value)));
        SHARED.put("max-concurrent", (draft, value) -> draft.provider.maxConcurrent(integer(value)));
        SHARED.put("context-window", (draft, value) -> draft.provider.contextWindow(wholeNumber(value)));
        SHARED.put("weight", (draft, value) -> draft.provider.weight(integer(value)));
        SHARED.put("price.input", (draft, value) -> draft.inputPrice = price(value));
        SHARED.put("price.output", (draft, value) -> draft.outputPrice = price(value));
        SHARED.put("quota.requests-per-minute", (draft, value) -> draft.quota.requestsPerMinute(wholeNumber(value)));
        SHARED.put("quota.requests-per-day", (draft, value) -> draft.quota.requestsPerDay(wholeNumber(value)));
        SHARED.put("quota.tokens-per-minute", (draft, value) -> draft.quota.tokensPerMinute(wholeNumber(value)));
        SHARED.put("quota.tokens-per-day", (draft, value) -> draft.quota.tokensPerDay(wholeNumber(value)));
        SHARED.put("quota.zone", (draft, value) -> draft.quota.zone(zone(value)));
        SHARED.put("collect-streams", (draft, value) -> draft.provider.collectStreams(bool(value)));
        SHARED.put("timeout.connect", (draft, value) -> draft.provider.connectTimeout(duration(value)));
        SHARED.put("timeout.first-token", (draft, value) -> draft.provider.firstTokenTimeout(duration(value)));
        SHARED.put("timeout.idle", (draft, value) -> draft.provider.idleTimeout(duration(value)));
        SHARED.put("timeout.total", (draft, value) -> draft.provider.totalTimeout(duration(value)));
        ALL.putAll(SHARED);
        ALL.put("type", (draft, value) -> draft.provider.type(value));
        ALL.put("api-key", (draft, value) -> draft.provider.apiKey(value));
        ALL.put("base-url", (draft, value) -> draft.provider.baseUrl(value));
        ALL.put("model", (draft, value) -> draft.provider.model(value));
        ALL.put("allow-plain-http", (draft, value) -> draft.provider.allowPlainHttp(bool(value)));
        ALL.put("priority", (draft, value) -> draft.provider.priority(integer(value)));
        ALL.put("enabled", (draft, value) -> draft.provider.enabled(bool(value)));
    }

    private final Map<String, String> environment;
    private final List<String> mistakes;
    private final ProviderCatalog catalog;
    private final Map<String, String> defaults = new LinkedHashMap<>();
    private final Map<String, Map<String, String>> providers = new LinkedHashMap<>();
    private final Map<String, Map<String, String>> routes = new LinkedHashMap<>();

    /** The routes of which some value could not be resolved. */
    private final Set<String> unread = new HashSet<>();

    private final List<Consumer<Orchestrator.Builder>> topLevel = new ArrayList<>();

    PropertiesReader(Map<String, String> environment, List<String> mistakes, ProviderCatalog catalog) {
        this.environment = environment;
        this.mistakes = mistakes;
        this.catalog = catalog;
    }

    void accept(String key, String rawValue) {
        Optional<String> resolved = resolve(key, rawValue.strip());
        if (key.startsWith(DEFAULTS)) {
            setting(key, key.substring(DEFAULTS.length()), resolved, SHARED, defaults);
        } else if (key.startsWith(PROVIDERS)) {
            String rest = key.substring(PROVIDERS.length());
            int dot = rest.indexOf('.');
            if (dot < 1) {
                mistakes.add(key + ": unknown key; a provider's keys are orchestrator.providers.<name>.<setting>");
                return;
            }
            String setting = rest.substring(dot + 1);
            Map<String, String> values =
                    providers.computeIfAbsent(rest.substring(0, dot), name -> new LinkedHashMap<>());
            if (!ALL.containsKey(setting) && !isLater(setting, LATER_SETTINGS)) {
                // Perhaps one that only its type has: looked at when the type is known.
                resolved.ifPresent(value -> values.put(setting, value));
            } else {
                setting(key, setting, resolved, ALL, values);
            }
        } else if (key.startsWith(ROUTES)) {
            route(key, resolved);
        } else {
            resolved.ifPresent(value -> topLevel(key, value));
        }
    }

    private void route(String key, Optional<String> value) {
        String rest = key.substring(ROUTES.length());
        int dot = rest.indexOf('.');
        String setting = rest.substring(dot + 1);
        if (dot < 1 || !ROUTE.containsKey(setting)) {
            mistakes.add(key + ": unknown key; a route's keys are orchestrator.routes.<name>.<setting> with one of "
                    + String.join(", ", ROUTE.keySet()));
            return;
        }
        String name = rest.substring(0, dot);
        Map<String, String> values = routes.computeIfAbsent(name, unused -> new LinkedHashMap<>());
        value.ifPresentOrElse(text -> values.put(setting, text), () -> unread.add(name));
    }

    private void topLevel(String key, String value) {
        TopLevel setting = TOP_LEVEL.get(key);
        if (setting != null) {
            check(key, value, () -> {
                Consumer<Orchestrator.Builder> given = setting.read(value);
                // Refuses what is out of range.
                given.accept(Orchestrator.builder());
                topLevel.add(given);
            });
        } else if (isLater(key, LATER_KEYS)) {
            mistakes.add(key + ": not available yet in this version; remove it");
        } else {
            mistakes.add(key + ": unknown key; allowed: " + String.join(", ", TOP_LEVEL.keySet())
                    + ", orchestrator.defaults.<setting>, orchestrator.providers.<name>.<setting>,"
                    + " orchestrator.routes.<name>.<setting>");
        }
    }

    private void setting(
            String key,
            String setting,
            Optional<String> value,
            Map<String, Setting> allowed,
            Map<String, String> into) {
        if (allowed.containsKey(setting)) {
            value.ifPresent(text -> into.put(setting, text));
        } else if (isLater(setting, LATER_SETTINGS)) {
            mistakes.add(key + ": not available yet in this version; remove it");
        } else {
            mistakes.add(key + ": unknown key; allowed here: "
                    + allowed.keySet().stream().sorted().collect(Collectors.joining(", ")));
        }
    }

    private static boolean isLater(String key, List<String> later) {
        return later.stream().anyMatch(name -> name.endsWith(".") ? key.startsWith(name) : key.equals(name));
    }

    boolean namesNoProvider() {
        return providers.isEmpty();
    }

    /** What is set once for all providers. */
    List<Consumer<Orchestrator.Builder>> topLevel() {
        return topLevel;
    }

    /** The providers whose own keys have no mistake; mistakes in the defaults are noted once. */
    List<ProviderSettings> providers() {
        apply(new Draft(ProviderSettings.builder("defaults")), DEFAULTS, SHARED, defaults, true);
        List<ProviderSettings> built = new ArrayList<>();
        providers.forEach((name, values) -> {
            ProviderSettings.Builder builder;
            try {
                builder = ProviderSettings.builder(name);
            } catch (IllegalArgumentException e) {
                mistakes.add(PROVIDERS + name + ": " + e.getMessage());
                return;
            }
            Draft draft = new Draft(builder);
            apply(draft, DEFAULTS, SHARED, defaults, false);
            apply(draft, PROVIDERS + name + ".", ALL, values, true);
            applyOptions(draft, PROVIDERS + name + ".", values);
            applyPrice(draft, PROVIDERS + name + ".", values);
            built.add(draft.provider
                    .quota(draft.quota.build())
                    .circuitBreaker(draft.breaker.build())
                    .retry(draft.retry.build())
                    .build());
        });
        return built;
    }

    /** The routes whose keys have no mistake. */
    List<RouteSettings> routes() {
        List<RouteSettings> built = new ArrayList<>();
        routes.forEach((name, values) -> {
            RouteSettings.Builder builder;
            try {
                builder = RouteSettings.builder(name);
            } catch (IllegalArgumentException e) {
                mistakes.add(ROUTES + name + ": " + e.getMessage());
                return;
            }
            int before = mistakes.size();
            ROUTE.forEach((setting, apply) -> {
                String value = values.get(setting);
                if (value != null) {
                    check(ROUTES + name + "." + setting, value, () -> apply.accept(builder, value));
                }
            });
            if (unread.contains(name)) {
                // Its mistake is noted already.
                return;
            }
            if (!values.containsKey("providers")) {
                mistakes.add(ROUTES + name + ".providers: missing; list the providers of the route, such as "
                        + String.join(",", providers.keySet()));
            } else if (mistakes.size() == before) {
                built.add(builder.build());
            }
        });
        return built;
    }

    /** One of the two alone would make a provider look cheap. */
    private void applyPrice(Draft draft, String prefix, Map<String, String> values) {
        if (draft.inputPrice != null && draft.outputPrice != null) {
            draft.provider.price(new TokenPrice(draft.inputPrice, draft.outputPrice));
        }
        boolean input = isGiven("price.input", prefix, values);
        if (input != isGiven("price.output", prefix, values)) {
            mistakes.add(prefix + (input ? "price.output" : "price.input")
                    + ": missing; a price has both price.input and price.output, 0 where it costs nothing");
        }
    }

    private boolean isGiven(String setting, String prefix, Map<String, String> values) {
        // One that could not be read has its mistake already.
        return values.containsKey(setting)
                || defaults.containsKey(setting)
                || mistakes.stream()
                        .anyMatch(mistake ->
                                mistake.startsWith(prefix + setting) || mistake.startsWith(DEFAULTS + setting));
    }

    private void applyOptions(Draft draft, String prefix, Map<String, String> values) {
        Set<String> own = catalog.optionNames(values.getOrDefault("type", ""));
        values.forEach((setting, value) -> {
            if (own.contains(setting)) {
                draft.provider.option(setting, value);
            } else if (!ALL.containsKey(setting)) {
                mistakes.add(prefix + setting + ": unknown key; allowed here: "
                        + Stream.concat(ALL.keySet().stream(), own.stream())
                                .sorted()
                                .collect(Collectors.joining(", ")));
            }
        });
    }

    private void apply(
            Draft draft, String prefix, Map<String, Setting> order, Map<String, String> values, boolean noteMistakes) {
        order.forEach((name, setting) -> {
            String value = values.get(name);
            if (value != null) {
                try {
                    setting.apply(draft, value);
                } catch (IllegalArgumentException e) {
                    if (noteMistakes) {
                        // A key must never be shown.
                        String shown = name.equals("api-key") ? prefix + name : prefix + name + "=" + value;
                        mistakes.add(shown + ": " + e.getMessage());
                    }
                }
            }
        });
    }

    private void check(String key, String value, Runnable assignment) {
        try {
            assignment.run();
        } catch (IllegalArgumentException e) {
            mistakes.add(key + "=" + value + ": " + e.getMessage());
        }
    }

    private Optional<String> resolve(String key, String value) {
        Matcher matcher = PLACEHOLDER.matcher(value);
        StringBuilder resolved = new StringBuilder();
        boolean complete = true;
        while (matcher.find()) {
            String name = matcher.group(1);
            String replacement = environment.get(name);
            if (replacement == null) {
                replacement = matcher.group(2);
            }
            if (replacement == null) {
                mistakes.add(key + ": missing; the environment variable " + name
                        + " is not set; set it, or give a default as ${" + name + ":default}");
                complete = false;
                replacement = "";
            }
            matcher.appendReplacement(resolved, Matcher.quoteReplacement(replacement));
        }
        matcher.appendTail(resolved);
        if (PLACEHOLDER.matcher(value).replaceAll("").contains("${")) {
            mistakes.add(key + ": a ${ is not closed; write ${NAME} or ${NAME:default}");
            complete = false;
        }
        return complete ? Optional.of(resolved.toString()) : Optional.empty();
    }

    private static long wholeNumber(String value) {
        try {
            return Long.parseLong(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("must be a whole number, such as 128000", e);
        }
    }

    private static int integer(String value) {
        try {
            return Integer.parseInt(value);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("must be a whole number, such as 5", e);
        }
    }

    private static double price(String value) {
        try {
            return new TokenPrice(Double.parseDouble(value), 0).input();
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("must be zero or more for a million tokens, such as 0.59", e);
        }
    }

    private static ZoneId zone(String value) {
        try {
            return ZoneId.of(value);
        } catch (DateTimeException e) {
            throw new IllegalArgumentException("must be a time zone, such as UTC, America/Los_Angeles or +02:00", e);
        }
    }

    private static List<String> list(String value) {
        return Stream.of(value.split(",", -1))
                .map(String::strip)
                .filter(entry -> !entry.isEmpty())
                .toList();
    }

    private static RoutingStrategy strategy(String value) {
        for (StandardStrategy strategy : StandardStrategy.values()) {
            if (strategy.toString().equals(value)) {
                return strategy;
            }
        }
        throw new IllegalArgumentException("must be one of "
                + Stream.of(StandardStrategy.values())
                        .map(StandardStrategy::toString)
                        .collect(Collectors.joining(", ")));
    }

    private static StreamRescue rescue(String value) {
        for (StreamRescue rescue : StreamRescue.values()) {
            if (rescue.name().toLowerCase(Locale.ROOT).equals(value)) {
                return rescue;
            }
        }
        throw new IllegalArgumentException("must be fail, hold or restart");
    }

    private static boolean bool(String value) {
        if (!Set.of("true", "false").contains(value)) {
            throw new IllegalArgumentException("must be true or false");
        }
        return value.equals("true");
    }

    /** In bytes; a kilobyte has 1024. */
    private static long size(String value) {
        Matcher matcher = SIZE.matcher(value);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("must be a size, such as 512KB, 64MB, 1GB or a number of bytes");
        }
        long unit = switch (Objects.requireNonNullElse(matcher.group(2), "B")) {
            case "KB" -> 1L << 10;
            case "MB" -> 1L << 20;
            case "GB" -> 1L << 30;
            default -> 1;
        };
        // More than fits, nobody has.
        return Math.min(Long.parseLong(matcher.group(1)), Long.MAX_VALUE >> 30) * unit;
    }

    private static Duration duration(String value) {
        Matcher matcher = DURATION.matcher(value);
        try {
            if (!matcher.matches()) {
                return Duration.parse(value);
            }
            long amount = Long.parseLong(matcher.group(1));
            return switch (matcher.group(2)) {
                case "ms" -> Duration.ofMillis(amount);
                case "s" -> Duration.ofSeconds(amount);
                case "m" -> Duration.ofMinutes(amount);
                case "h" -> Duration.ofHours(amount);
                default -> Duration.ofDays(amount);
            };
        } catch (DateTimeParseException | ArithmeticException e) {
            throw new IllegalArgumentException("must be a duration, such as 500ms, 60s, 5m, 2h, 30d or PT1M30S", e);
        }
    }
}
