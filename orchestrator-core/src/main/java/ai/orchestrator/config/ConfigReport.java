package ai.orchestrator.config;

import ai.orchestrator.ConfigurationException.Mistake;
import ai.orchestrator.OrchestratorSettings;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * What {@link ConfigLoader#check()} found. Immutable; has no secret but in the settings.
 *
 * @param settings what is configured; empty if there is a mistake
 * @param mistakes why it is refused, in the order of the file; unmodifiable
 * @param warnings what is allowed and probably not meant, in the order of the file; unmodifiable
 * @param values what is in force, or would be without the mistakes; what cannot be used is left out; unmodifiable
 */
public record ConfigReport(
        Optional<OrchestratorSettings> settings,
        List<Mistake> mistakes,
        List<Mistake> warnings,
        List<ConfigValue> values) {

    /** Copies the lists and checks that nothing is null. */
    public ConfigReport {
        Objects.requireNonNull(settings, "settings");
        mistakes = List.copyOf(mistakes);
        warnings = List.copyOf(warnings);
        values = List.copyOf(values);
    }
}
