package ai.orchestrator.provider;

import java.net.URI;
import java.util.Map;
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
 * @param options the type's own settings by name: what was configured, else their defaults; unmodifiable
 */
public record ProviderTarget(
        String name,
        ProviderType type,
        URI baseUrl,
        String model,
        Optional<String> apiKey,
        Map<String, String> options) {

    /** Copies the options and checks that nothing is null. */
    public ProviderTarget {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(type, "type");
        Objects.requireNonNull(baseUrl, "baseUrl");
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(apiKey, "apiKey");
        options = Map.copyOf(options);
    }

    /**
     * The value of one of the type's own settings.
     *
     * @param name the option's name
     * @return what was configured, else its default; empty if it has none
     */
    public Optional<String> option(String name) {
        return Optional.ofNullable(options.get(name));
    }

    /** Everything but the key and the options. */
    @Override
    public String toString() {
        return "ProviderTarget(" + name + ", type=" + type.name() + ", baseUrl=" + baseUrl + ", model=" + model + ")";
    }
}
