package ai.orchestrator.provider;

import java.net.URI;
import java.util.Objects;
import java.util.Optional;

/**
 * What a provider calls: a type, an address, a model, a key.
 *
 * @param name the provider's configured name, for messages
 * @param type what speaks there
 * @param baseUrl the address, complete with scheme and version path
 * @param model the model to ask
 * @param apiKey the key, if there is one; shown nowhere
 */
public record ProviderTarget(String name, ProviderType type, URI baseUrl, String model, Optional<String> apiKey) {

    /** Checks that nothing is null. */
    public ProviderTarget {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(type, "type");
        Objects.requireNonNull(baseUrl, "baseUrl");
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(apiKey, "apiKey");
    }

    /** Everything but the key. */
    @Override
    public String toString() {
        return "ProviderTarget(" + name + ", type=" + type.name() + ", baseUrl=" + baseUrl + ", model=" + model + ")";
    }
}
