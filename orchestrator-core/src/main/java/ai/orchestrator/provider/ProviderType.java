package ai.orchestrator.provider;

import java.net.URI;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A type of provider that can be configured, such as {@code groq}, with its vendor's defaults.
 *
 * @param name what configuration calls it, in lower case
 * @param baseUrl the vendor's own address; empty if there is none, and it must be configured
 * @param defaultModel the model that is asked unless configured otherwise; empty if there is none, and it must be configured
 * @param needsApiKey whether the vendor wants a key: at its own address, since another one is taken to know what it wants, and at any where
 *     the type has none of its own
 * @param apiKeyVariables the environment variables that the vendor's own tools take the key from, the usual one first; unmodifiable
 * @param options the settings that only this type has; unmodifiable
 */
public record ProviderType(
        String name,
        Optional<URI> baseUrl,
        Optional<String> defaultModel,
        boolean needsApiKey,
        List<String> apiKeyVariables,
        List<ProviderOption> options) {

    /** Copies the options and checks that nothing is null. */
    public ProviderType {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(baseUrl, "baseUrl");
        Objects.requireNonNull(defaultModel, "defaultModel");
        apiKeyVariables = List.copyOf(apiKeyVariables);
        options = List.copyOf(options);
    }
}
