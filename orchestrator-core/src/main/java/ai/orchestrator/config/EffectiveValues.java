package ai.orchestrator.config;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorSettings;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.RouteSettings;
import ai.orchestrator.config.ConfigKeys.Draft;
import ai.orchestrator.provider.ProviderTarget;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** What is in force, key by key, and where each value comes from. For one use by one thread. */
final class EffectiveValues {

    private final Map<String, Given> top;
    private final Map<String, Given> defaults;
    private final Set<String> bad;
    private final UnaryOperator<String> shown;
    private final List<ConfigValue> values = new ArrayList<>();

    /**
     * @param bad the keys whose value cannot be used
     * @param shown makes a text fit to be shown
     */
    EffectiveValues(Map<String, Given> top, Map<String, Given> defaults, Set<String> bad, UnaryOperator<String> shown) {
        this.top = top;
        this.defaults = defaults;
        this.bad = bad;
        this.shown = shown;
    }

    List<ConfigValue> values() {
        return values;
    }

    void all(OrchestratorSettings all) {
        for (Setting<Orchestrator.Builder, OrchestratorSettings, ?> setting : ConfigKeys.TOP) {
            Given given = top.get(setting.name());
            show(
                    ConfigKeys.ROOT + setting.name(),
                    setting.text(all).orElse(setting.unset()),
                    given == null ? null : given.from());
        }
    }

    void route(RouteSettings route, Map<String, Given> own, OrchestratorSettings all) {
        for (Setting<RouteSettings.Builder, RouteSettings, ?> setting : ConfigKeys.ROUTE) {
            String key = ConfigKeys.ROUTES + route.name() + "." + setting.name();
            Given given = own.get(setting.name());
            if (given != null) {
                show(key, setting.text(route).orElse(setting.unset()), given.from());
            } else {
                showOfAll(key, setting.name(), all);
            }
        }
    }

    /** What a route does not say itself, it does as all do. */
    private void showOfAll(String key, String setting, OrchestratorSettings all) {
        for (Setting<Orchestrator.Builder, OrchestratorSettings, ?> general : ConfigKeys.TOP) {
            if (general.name().equals(setting) || general.name().equals("routing." + setting)) {
                Given given = top.get(general.name());
                show(
                        key,
                        general.text(all).orElse(general.unset()),
                        given == null ? null : ConfigKeys.ROOT + general.name() + ", " + given.from());
            }
        }
    }

    void provider(ReadProvider provider) {
        String prefix = ConfigKeys.PROVIDERS + provider.settings().name() + ".";
        for (Setting<Draft, ProviderSettings, ?> setting : ConfigKeys.PROVIDER) {
            switch (setting.name()) {
                case ConfigKeys.API_KEY -> showKey(prefix, provider);
                case ConfigKeys.API_KEY_FILE -> {}
                case ConfigKeys.PRESET -> {}
                case "base-url" ->
                    showOfType(
                            prefix,
                            provider,
                            setting,
                            provider.target().map(target -> target.baseUrl().toString()));
                case "model" ->
                    showOfType(prefix, provider, setting, provider.target().map(ProviderTarget::model));
                default ->
                    show(
                            prefix + setting.name(),
                            setting.text(provider.settings()).orElse(setting.unset()),
                            from(provider, setting.name()));
            }
        }
        provider.target()
                .ifPresent(target -> target.type()
                        .options()
                        .forEach(option -> target.option(option.name())
                                .ifPresent(
                                        value -> show(prefix + option.name(), value, from(provider, option.name())))));
    }

    private void showKey(String prefix, ReadProvider provider) {
        Given key = provider.own().get(ConfigKeys.API_KEY);
        Given file = provider.own().get(ConfigKeys.API_KEY_FILE);
        if (provider.settings().apiKey().isEmpty() || (key == null && file == null)) {
            show(prefix + ConfigKeys.API_KEY, "none", null);
        } else if (key != null) {
            show(prefix + ConfigKeys.API_KEY, Secrets.MASK, key.from());
        } else if (file != null) {
            show(prefix + ConfigKeys.API_KEY, Secrets.MASK, file.from() + ", file " + file.text());
        }
    }

    private void showOfType(
            String prefix,
            ReadProvider provider,
            Setting<Draft, ProviderSettings, ?> setting,
            Optional<String> resolved) {
        Given given = provider.own().get(setting.name());
        String value = setting.text(provider.settings()).or(() -> resolved).orElse(setting.unset());
        show(prefix + setting.name(), value, given == null ? null : given.from());
    }

    /** Where a provider has a value from; null for the builders' defaults. */
    private @Nullable String from(ReadProvider provider, String setting) {
        boolean ofPreset = setting.equals("circuit-breaker.failure-threshold")
                || setting.equals("circuit-breaker.timeout-duration");
        Given own = provider.own().get(setting);
        if (own != null) {
            return own.from();
        }
        Given ownPreset = provider.own().get(ConfigKeys.PRESET);
        if (ofPreset && ownPreset != null) {
            return "preset " + ownPreset.text() + ", " + ownPreset.from();
        }
        Given inherited = defaults.get(setting);
        if (inherited != null) {
            return ConfigKeys.DEFAULTS + setting + ", " + inherited.from();
        }
        Given preset = defaults.get(ConfigKeys.PRESET);
        return ofPreset && preset != null
                ? ConfigKeys.DEFAULTS + ConfigKeys.PRESET + "=" + preset.text() + ", " + preset.from()
                : null;
    }

    private void show(String key, String value, @Nullable String from) {
        if (bad.contains(key)) {
            // What would be in force instead is not what anybody wants.
            return;
        }
        values.add(new ConfigValue(
                shown.apply(key), shown.apply(value), Optional.ofNullable(from).map(shown)));
    }
}
