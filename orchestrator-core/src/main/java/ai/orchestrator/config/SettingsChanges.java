package ai.orchestrator.config;

import ai.orchestrator.OrchestratorSettings;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.RouteSettings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.stream.Stream;

/** Tells in what two settings differ: the keys, not what they are set to; providers and routes that come or go by their names alone. */
final class SettingsChanges {

    private final List<String> changed = new ArrayList<>();

    private SettingsChanges() {}

    static String keys(OrchestratorSettings before, OrchestratorSettings after) {
        SettingsChanges changes = new SettingsChanges();
        changes.settings(ConfigKeys.ROOT, ConfigKeys.TOP, before, after);
        changes.named(
                ConfigKeys.PROVIDERS, before.providers(), after.providers(), ProviderSettings::name, changes::provider);
        changes.named(
                ConfigKeys.ROUTES,
                before.routes(),
                after.routes(),
                RouteSettings::name,
                (was, is) -> changes.settings(ConfigKeys.ROUTES + is.name() + ".", ConfigKeys.ROUTE, was, is));
        return changes.changed.isEmpty()
                ? "the order, or what only a program can set"
                : String.join(", ", changes.changed);
    }

    private <S> void named(
            String prefix, List<S> before, List<S> after, Function<S, String> name, BiConsumer<S, S> compare) {
        Map<String, S> gone = new LinkedHashMap<>();
        before.forEach(one -> gone.put(name.apply(one), one));
        for (S is : after) {
            S was = gone.remove(name.apply(is));
            if (was == null) {
                changed.add(prefix + name.apply(is) + " (new)");
            } else {
                compare.accept(was, is);
            }
        }
        gone.keySet().forEach(key -> changed.add(prefix + key + " (removed)"));
    }

    private void provider(ProviderSettings was, ProviderSettings is) {
        String prefix = ConfigKeys.PROVIDERS + is.name() + ".";
        settings(prefix, ConfigKeys.PROVIDER, was, is);
        Stream.concat(was.options().keySet().stream(), is.options().keySet().stream())
                .distinct()
                .filter(option ->
                        !Objects.equals(was.options().get(option), is.options().get(option)))
                .forEach(option -> changed.add(prefix + option));
    }

    private <S> void settings(String prefix, List<? extends Setting<?, S, ?>> all, S was, S is) {
        all.stream()
                .filter(setting -> !setting.text(was).equals(setting.text(is)))
                .forEach(setting -> changed.add(prefix + setting.name()));
    }
}
