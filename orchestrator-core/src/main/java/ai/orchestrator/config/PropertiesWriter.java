package ai.orchestrator.config;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorSettings;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.RouteSettings;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Writes settings as a properties file: what is not as it is by default, and no key. For one use by one thread. */
final class PropertiesWriter {

    private final StringBuilder text = new StringBuilder();
    private final Set<String> variables = new HashSet<>();

    private PropertiesWriter() {}

    static String write(OrchestratorSettings settings) {
        PropertiesWriter writer = new PropertiesWriter();
        writer.differences(
                ConfigKeys.ROOT,
                ConfigKeys.TOP,
                settings,
                Orchestrator.builder().settings());
        settings.providers().forEach(writer::provider);
        settings.routes().forEach(writer::route);
        return writer.text.toString();
    }

    private void provider(ProviderSettings provider) {
        if (provider.chatProvider().isPresent()) {
            throw new IllegalArgumentException("the provider '" + provider.name()
                    + "' is the application's own chatProvider, which no file can name");
        }
        paragraph();
        String prefix = ConfigKeys.PROVIDERS + provider.name() + ".";
        differences(
                prefix,
                ConfigKeys.PROVIDER,
                provider,
                ProviderSettings.builder(provider.name()).build());
        provider.options().forEach((name, value) -> entry(prefix + name, escaped(value)));
    }

    private void route(RouteSettings route) {
        paragraph();
        String prefix = ConfigKeys.ROUTES + route.name() + ".";
        for (Setting<RouteSettings.Builder, RouteSettings, ?> setting : ConfigKeys.ROUTE) {
            setting.text(route).ifPresent(value -> write(prefix, setting, value));
        }
    }

    private <S> void differences(String prefix, List<? extends Setting<?, S, ?>> all, S settings, S defaults) {
        for (Setting<?, S, ?> setting : all) {
            Optional<String> value = setting.text(settings);
            if (value.isPresent() && !value.equals(setting.text(defaults))) {
                write(prefix, setting, value.get());
            }
        }
    }

    private void write(String prefix, Setting<?, ?, ?> setting, String value) {
        if (!setting.type().choices().isEmpty() && !setting.type().choices().contains(value)) {
            throw new IllegalArgumentException(
                    prefix + setting.name() + " is the application's own '" + value + "', which no file can name");
        }
        // A provider's name is what its variable is called after; the key itself belongs in no text.
        entry(
                prefix + setting.name(),
                setting.name().equals(ConfigKeys.API_KEY) ? "${" + variable(prefix) + "}" : escaped(value));
    }

    private String variable(String prefix) {
        String name = prefix.substring(ConfigKeys.PROVIDERS.length(), prefix.length() - 1)
                .toUpperCase(Locale.ROOT)
                .replace('-', '_');
        String variable = (Character.isDigit(name.charAt(0)) ? "_" + name : name) + "_API_KEY";
        for (int i = 2; !variables.add(variable); i++) {
            variable = name + "_API_KEY_" + i;
        }
        return variable;
    }

    private void entry(String key, String value) {
        text.append(key).append('=').append(value).append('\n');
    }

    private void paragraph() {
        if (text.length() > 0) {
            text.append('\n');
        }
    }

    /** As {@link java.util.Properties} and {@link Placeholders} read it back. */
    private static String escaped(String value) {
        String plain = value.replace("\\", "\\\\").replace("${", "\\\\${");
        StringBuilder escaped = new StringBuilder();
        plain.chars().forEach(c -> {
            if (c < ' ' || c == 0x7f) {
                escaped.append(String.format("\\u%04x", c));
            } else {
                escaped.append((char) c);
            }
        });
        return escaped.toString();
    }
}
