package ai.orchestrator.config;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorSettings;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.internal.ProviderCatalog;
import ai.orchestrator.provider.ProviderOption;
import ai.orchestrator.provider.ProviderType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A key of the configuration, as the reference describes it. Immutable.
 *
 * @param key the key; {@code <name>} stands for the name of a provider or route
 * @param type what kind of value it takes, such as {@code duration}
 * @param javaType the same as a class, for tools
 * @param defaultValue the value unless configured, as a file would have it; words such as {@code none} where there is no value
 * @param hasDefault whether {@code defaultValue} is a value rather than words
 * @param allowed which values of its type are allowed, in words
 * @param choices every value that is allowed; empty where they cannot be counted; unmodifiable
 * @param inherited whether it may also be set for all providers, under {@code orchestrator.defaults.}
 * @param providerTypes the only types of provider that have it; empty for all; unmodifiable
 * @param meaning what it does, in Markdown
 */
record ConfigKey(
        String key,
        String type,
        String javaType,
        String defaultValue,
        boolean hasDefault,
        String allowed,
        List<String> choices,
        boolean inherited,
        List<String> providerTypes,
        String meaning) {

    /** Copies the lists and checks that nothing is null. */
    ConfigKey {
        Objects.requireNonNull(key, "key");
        Objects.requireNonNull(type, "type");
        Objects.requireNonNull(javaType, "javaType");
        Objects.requireNonNull(defaultValue, "defaultValue");
        Objects.requireNonNull(allowed, "allowed");
        choices = List.copyOf(choices);
        providerTypes = List.copyOf(providerTypes);
        Objects.requireNonNull(meaning, "meaning");
    }

    /**
     * Every key that there is, with those of the types of provider on the class path.
     *
     * @return what holds for all, providers, routes; then what only some types have; unmodifiable
     */
    static List<ConfigKey> all() {
        List<ConfigKey> keys = new ArrayList<>();
        OrchestratorSettings top = Orchestrator.builder().settings();
        ConfigKeys.TOP.forEach(setting -> keys.add(of(ConfigKeys.ROOT, setting, top, false)));
        ProviderSettings provider = ProviderSettings.builder("name").build();
        ConfigKeys.OWN.forEach(setting -> keys.add(of(ConfigKeys.PROVIDERS + "<name>.", setting, provider, false)));
        ConfigKeys.SHARED.forEach(setting -> keys.add(of(ConfigKeys.PROVIDERS + "<name>.", setting, provider, true)));
        // A route without providers cannot be built, and has no value of its own.
        ConfigKeys.ROUTE.forEach(setting -> keys.add(of(ConfigKeys.ROUTES + "<name>.", setting)));
        keys.addAll(ofTypes());
        return List.copyOf(keys);
    }

    private static <S> ConfigKey of(String prefix, Setting<?, S, ?> setting, S defaults, boolean inherited) {
        return setting.text(defaults)
                .map(value -> of(prefix, setting, value, true, inherited))
                .orElseGet(() -> of(prefix, setting, setting.unset(), false, inherited));
    }

    private static ConfigKey of(String prefix, Setting<?, ?, ?> setting) {
        return of(prefix, setting, setting.unset(), false, false);
    }

    private static ConfigKey of(
            String prefix, Setting<?, ?, ?> setting, String defaultValue, boolean hasDefault, boolean inherited) {
        return new ConfigKey(
                prefix + setting.name(),
                setting.type().name(),
                setting.type().javaName(),
                defaultValue,
                hasDefault,
                setting.allowed(),
                setting.type().choices(),
                inherited,
                List.of(),
                setting.meaning());
    }

    /** What is the same in several types comes once. */
    private static List<ConfigKey> ofTypes() {
        Map<String, ConfigKey> keys = new LinkedHashMap<>();
        try (ProviderCatalog catalog = ProviderCatalog.load(List.of())) {
            for (ProviderType type : catalog.types()) {
                for (ProviderOption option : type.options()) {
                    ConfigKey key = of(type, option);
                    keys.merge(option.name() + key.withTypes(List.of()), key, ConfigKey::or);
                }
            }
        }
        return List.copyOf(keys.values());
    }

    private static ConfigKey of(ProviderType type, ProviderOption option) {
        return new ConfigKey(
                ConfigKeys.PROVIDERS + "<name>." + option.name(),
                ValueType.TEXT.name(),
                ValueType.TEXT.javaName(),
                option.defaultValue().orElse("none"),
                option.defaultValue().isPresent(),
                option.allowed(),
                List.of(),
                false,
                List.of(type.name()),
                option.meaning());
    }

    private ConfigKey or(ConfigKey other) {
        List<String> types = new ArrayList<>(providerTypes);
        types.addAll(other.providerTypes);
        return withTypes(types);
    }

    private ConfigKey withTypes(List<String> types) {
        return new ConfigKey(
                key, type, javaType, defaultValue, hasDefault, allowed, choices, inherited, types, meaning);
    }
}
