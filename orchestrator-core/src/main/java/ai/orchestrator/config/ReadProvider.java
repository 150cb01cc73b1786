package ai.orchestrator.config;

import ai.orchestrator.ProviderSettings;
import ai.orchestrator.provider.ProviderTarget;
import java.util.Map;
import java.util.Optional;

/**
 * A provider that has been read.
 *
 * @param own what was given for it alone, by the name of the setting
 * @param target what its type makes of it; empty if there is a mistake
 */
record ReadProvider(ProviderSettings settings, Map<String, Given> own, Optional<ProviderTarget> target) {}
