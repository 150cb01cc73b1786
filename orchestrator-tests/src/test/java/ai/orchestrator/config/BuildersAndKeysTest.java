package ai.orchestrator.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorSettings;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.RouteSettings;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.config.ConfigKeys.Draft;
import ai.orchestrator.quota.QuotaSettings;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever can be set by a builder can be set by a key, and the other way round; and both draw the same lines. */
class BuildersAndKeysTest {

    /** What a program alone can give. */
    private static final Set<String> CODE_ONLY = Set.of(
            "Orchestrator.cache",
            "Orchestrator.circuitBreakerListener",
            "Orchestrator.circuitBreakerRegistry",
            "Orchestrator.executor",
            "Orchestrator.instantSource",
            "Orchestrator.meterRegistry",
            "Orchestrator.providerFactory",
            "Orchestrator.random",
            "Orchestrator.timeSource",
            "ProviderSettings.chatProvider");

    /** What the keys of providers and routes, or of a type's own options, stand for as a whole. */
    private static final Set<String> GROUPS = Set.of(
            "Orchestrator.provider",
            "Orchestrator.route",
            "ProviderSettings.circuitBreaker",
            "ProviderSettings.retry",
            "ProviderSettings.quota",
            "ProviderSettings.option");

    /** Two keys make one price. */
    private static final Map<String, String> OTHER_HALF =
            Map.of("price.input", "price.output", "price.output", "price.input");

    @TempDir
    private Path directory;

    @Test
    void every_key_moves_what_a_builder_sets_and_every_builders_setting_has_a_key() throws Exception {
        Files.writeString(directory.resolve("key"), "sk-of-file");
        Set<String> moved = new TreeSet<>();
        for (Setting<Orchestrator.Builder, OrchestratorSettings, ?> setting : ConfigKeys.TOP) {
            moved.addAll(moved(setting.name(), Orchestrator.builder().settings(), () -> {
                Orchestrator.Builder builder = Orchestrator.builder();
                setting.apply(builder, other(setting));
                return builder.settings();
            }));
        }
        for (Setting<Draft, ProviderSettings, ?> setting : ConfigKeys.PROVIDER) {
            moved.addAll(moved(setting.name(), new Draft("p", directory).build(), () -> {
                Draft draft = new Draft("p", directory);
                setting.apply(draft, other(setting));
                String half = OTHER_HALF.get(setting.name());
                ConfigKeys.PROVIDER.stream()
                        .filter(one -> one.name().equals(half))
                        .forEach(one -> one.apply(draft, "1"));
                return draft.build();
            }));
        }
        for (Setting<RouteSettings.Builder, RouteSettings, ?> setting : ConfigKeys.ROUTE) {
            moved.addAll(moved(
                    setting.name(), RouteSettings.builder("r").providers("b").build(), () -> {
                        RouteSettings.Builder builder =
                                RouteSettings.builder("r").providers("b");
                        setting.apply(builder, other(setting));
                        return builder.build();
                    }));
        }

        Set<String> settable = new TreeSet<>();
        List.of(
                        Orchestrator.Builder.class,
                        ProviderSettings.Builder.class,
                        RouteSettings.Builder.class,
                        CircuitBreakerSettings.Builder.class,
                        RetrySettings.Builder.class,
                        QuotaSettings.Builder.class)
                .forEach(builder -> settable.addAll(settable(builder)));
        settable.removeAll(CODE_ONLY);
        settable.removeAll(GROUPS);
        // Two ways to one setting.
        settable.remove("ProviderSettings.apiKeyFile");
        assertThat(moved).containsExactlyElementsOf(settable);
    }

    /** The settings that a key has changed; at least one. */
    private static Set<String> moved(String key, Object before, Supplier<?> set) throws Exception {
        Map<String, Object> was = values(before);
        Map<String, Object> is = values(set.get());
        Set<String> moved = new TreeSet<>();
        is.forEach((name, value) -> {
            if (!value.equals(was.get(name))) {
                moved.add(name);
            }
        });
        assertThat(moved).as(key).isNotEmpty();
        return moved;
    }

    private static Map<String, Object> values(Object settings) throws Exception {
        Map<String, Object> values = new TreeMap<>();
        for (Method accessor : settings.getClass().getDeclaredMethods()) {
            boolean isAccessor = Modifier.isPublic(accessor.getModifiers())
                    && !Modifier.isStatic(accessor.getModifiers())
                    && accessor.getParameterCount() == 0
                    && !Set.of("toBuilder", "hashCode", "toString", "mayBeAsked", "isEmpty", "countsTokens")
                            .contains(accessor.getName());
            if (!isAccessor) {
                continue;
            }
            Object value = value(settings, accessor);
            if (value instanceof CircuitBreakerSettings
                    || value instanceof RetrySettings
                    || value instanceof QuotaSettings) {
                values.putAll(values(value));
            } else {
                String owner = settings instanceof OrchestratorSettings
                        ? "Orchestrator"
                        : settings.getClass().getSimpleName();
                values.put(owner + "." + accessor.getName(), value);
            }
        }
        return values;
    }

    private static Object value(Object settings, Method accessor) throws IllegalAccessException {
        try {
            return accessor.invoke(settings);
        } catch (InvocationTargetException e) {
            throw new AssertionError(e);
        }
    }

    private static Set<String> settable(Class<?> builder) {
        Set<String> names = new TreeSet<>();
        Stream.of(builder.getDeclaredMethods())
                .filter(method -> Modifier.isPublic(method.getModifiers())
                        && !method.isSynthetic()
                        && method.getReturnType() == builder)
                .forEach(method -> names.add(builder.getDeclaringClass().getSimpleName() + "." + method.getName()));
        return names;
    }

    /** A value that is allowed and not the default. */
    private static String other(Setting<?, ?, ?> setting) {
        if (setting.name().equals(ConfigKeys.API_KEY_FILE)) {
            return "key";
        }
        if (!setting.type().choices().isEmpty()) {
            return setting.type().choices().equals(List.of("true", "false"))
                    // One of the two is the default.
                    ? (setting.name().equals("enabled") ? "false" : "true")
                    : setting.type().choices().get(1);
        }
        return switch (setting.type().name()) {
            case "duration" -> "77s";
            case "size" -> "77MB";
            case "whole number" -> "77";
            case "number" -> "0.77";
            case "percentage" -> "77%";
            case "time zone" -> "Europe/Berlin";
            default -> "a77";
        };
    }

    // ---- Ranges

    @Test
    void the_range_that_a_key_tells_is_the_one_that_its_builder_has() {
        List<String> told = new ArrayList<>();
        ConfigKeys.TOP.forEach(setting -> range(setting, Orchestrator::builder, told));
        ConfigKeys.PROVIDER.forEach(setting -> range(setting, () -> new Draft("p", directory), told));
        ConfigKeys.ROUTE.forEach(setting -> range(setting, () -> RouteSettings.builder("r"), told));
        assertThat(told).hasSizeGreaterThan(30);
    }

    private static <B> void range(Setting<B, ?, ?> setting, Supplier<B> builders, List<String> told) {
        Range<?> range = setting.range();
        if (range == null) {
            return;
        }
        told.add(setting.name());
        Consumer<String> allowed = text -> assertThatCode(() -> setting.apply(builders.get(), text))
                .as("%s=%s", setting.name(), text)
                .doesNotThrowAnyException();
        Consumer<String> refused = text -> assertThatThrownBy(() -> setting.apply(builders.get(), text))
                .as("%s=%s", setting.name(), text)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("must be " + setting.allowed());
        if (range.open()) {
            refused.accept(text(setting, range.least(), 0));
            allowed.accept(text(setting, range.least(), 1));
        } else {
            allowed.accept(text(setting, range.least(), 0));
            if (!setting.type().equals(ValueType.BYTES)) {
                String below = text(setting, range.least(), -1);
                if (below.equals(String.valueOf(range.special()))) {
                    allowed.accept(below);
                } else {
                    refused.accept(below);
                }
            }
        }
        if (range.special() != null) {
            allowed.accept(text(setting, range.special(), 0));
            refused.accept(text(setting, range.special(), -1));
        }
        if (range.most() != null) {
            allowed.accept(text(setting, range.most(), 0));
            refused.accept(text(setting, range.most(), 1));
        } else if (!setting.type().equals(ValueType.DECIMAL)) {
            allowed.accept(
                    setting.type().equals(ValueType.DURATION)
                            ? "PT2562047788015215H"
                            : Integer.toString(Integer.MAX_VALUE));
        }
    }

    /** A value, or the next one above or below it. */
    private static String text(Setting<?, ?, ?> setting, Object value, int steps) {
        if (value instanceof Duration duration) {
            // By the nanosecond, so that the bound is exact; at a least value of a millisecond too.
            return duration.plusNanos(steps).toString();
        }
        if (setting.type().equals(ValueType.PERCENTAGE)) {
            return (Math.round((double) value * 100) + steps) + "%";
        }
        if (value instanceof Double number) {
            return Double.toString(number + steps * 0.01);
        }
        return Long.toString(((Number) value).longValue() + steps);
    }

    @Test
    void a_zone_is_the_same_however_it_is_written() {
        assertThat(QuotaSettings.builder().zone(ZoneId.of("UTC")).build())
                .isEqualTo(QuotaSettings.builder().build());
    }
}
