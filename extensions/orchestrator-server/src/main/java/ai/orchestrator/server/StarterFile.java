package ai.orchestrator.server;

import ai.orchestrator.provider.ProviderType;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A configuration to begin with, for the keys that an environment has. It names their variables, never a key. What is switched off in it is
 * valid too, once the # is taken away and capitals are replaced. Immutable.
 */
final class StarterFile {

    /** Asked in this order: quick ones first, those that pass requests on to others last. */
    private static final List<String> ORDER = List.of(
            "groq", "openai", "anthropic", "gemini", "mistral", "deepseek", "cohere", "openrouter", "huggingface");

    private static final String LOCAL = "ollama";

    private static final String HEAD = """
            # Which providers of large language models are asked, and how.
            #
            # Check this file:  ./orchestrator check FILE
            # Ask:              ./orchestrator ask --config FILE "Why is the sky blue?"
            # All settings:     docs/configuration.md
            #
            # ${NAME} stands for the environment variable NAME, so that no key is written here.
            # What begins with #orchestrator is switched off; take the # away to use it.

            # ---- What holds for all calls

            # The limit of a whole call, all attempts together.
            #orchestrator.deadline=30s

            # Who is asked first: priority, weighted, round-robin, score, latency or cost.
            #orchestrator.routing.strategy=priority

            # Give an answer again for an identical request, for 30 days unless cache.ttl says otherwise.
            #orchestrator.cache.enabled=true

            # Ask each provider something free now and then; one that fails is asked after the others.
            #orchestrator.health.check=true

            # ---- What holds for all providers; one may have it otherwise, under its own name

            # The failures in a row that open the circuit breaker, and how long it stays open:
            # fast-api (5, 30s), slow-api (3, 60s) or critical-service (10, 2m).
            #orchestrator.defaults.circuit-breaker.preset=fast-api

            # The limit of one attempt, so that enough of the deadline is left for another provider.
            #orchestrator.defaults.timeout.total=12s

            # What may be used of a provider; also requests-per-day, tokens-per-minute, tokens-per-day.
            #orchestrator.defaults.quota.requests-per-minute=60

            # ---- The providers; the lowest priority is asked first, the next one when it cannot answer
            """;

    /**
     * A provider in the file, called as its type is.
     *
     * @param variable the variable with its key; empty if it needs none
     * @param lacks what it cannot be asked without, in words; empty if it is switched on
     */
    record Block(ProviderType type, Optional<String> variable, String lacks) {

        private static Block of(ProviderType type, String variable) {
            List<String> lacks = new ArrayList<>();
            if (type.baseUrl().isEmpty()) {
                lacks.add("base-url");
            }
            if (type.defaultModel().isEmpty()) {
                lacks.add("model");
            }
            return new Block(type, Optional.of(variable), String.join(" and ", lacks));
        }

        String name() {
            return type.name();
        }

        boolean isOn() {
            return lacks.isEmpty();
        }

        private String text(int priority) {
            StringBuilder text = new StringBuilder("\n");
            if (!isOn()) {
                text.append("# The type " + name() + " needs its " + lacks
                        + " from you, in place of what is in capitals; see docs/providers.md.\n");
            } else if (variable.isEmpty()) {
                text.append("# It runs on this machine and needs no key.\n");
            }
            String prefix = (isOn() ? "" : "#") + "orchestrator.providers." + name() + ".";
            text.append(prefix + "type=" + name() + "\n");
            variable.ifPresent(key -> text.append(prefix + "api-key=${" + key + "}\n"));
            if (type.baseUrl().isEmpty()) {
                // Of those that take a key, Azure alone has an address for each customer.
                text.append(prefix + "base-url=https://NAME.openai.azure.com/openai/v1\n");
            }
            text.append(prefix + "model=" + type.defaultModel().orElse("MODEL") + "\n");
            text.append(prefix + "priority=" + priority + "\n");
            return text.toString();
        }
    }

    private final List<Block> providers;
    private final String text;

    private StarterFile(List<Block> providers, String text) {
        this.providers = providers;
        this.text = text;
    }

    /**
     * Writes for the keys that are there, and where none is for the models of this machine.
     *
     * @param types every type that can be configured
     * @param environment variables and their values
     */
    static StarterFile of(List<ProviderType> types, Map<String, String> environment) {
        List<ProviderType> keyed = withAKeyOfTheirOwn(types);
        List<Block> found = keyed.stream()
                .flatMap(type -> type.apiKeyVariables().stream()
                        .filter(variable ->
                                !environment.getOrDefault(variable, "").isBlank())
                        .findFirst()
                        .map(variable -> Block.of(type, variable))
                        .stream())
                .toList();
        boolean none = found.stream().noneMatch(Block::isOn);
        Stream<Block> local = types.stream()
                .filter(type -> none && type.name().equals(LOCAL))
                .map(type -> new Block(type, Optional.empty(), ""));
        List<Block> providers = Stream.concat(local, found.stream())
                .sorted(Comparator.comparing(provider -> !provider.isOn()))
                .toList();
        List<ProviderType> others = keyed.stream()
                .filter(type ->
                        found.stream().noneMatch(provider -> provider.type().equals(type)))
                .toList();
        return new StarterFile(providers, text(providers, others));
    }

    /** Of types that take one and the same key only the first. */
    private static List<ProviderType> withAKeyOfTheirOwn(List<ProviderType> types) {
        Set<String> taken = new HashSet<>();
        List<ProviderType> keyed = new ArrayList<>();
        for (ProviderType type : types) {
            if (!type.apiKeyVariables().isEmpty()
                    && type.apiKeyVariables().stream().noneMatch(taken::contains)) {
                taken.addAll(type.apiKeyVariables());
                keyed.add(type);
            }
        }
        keyed.sort(Comparator.comparingInt(
                type -> ORDER.contains(type.name()) ? ORDER.indexOf(type.name()) : ORDER.size()));
        return keyed;
    }

    private static String text(List<Block> providers, List<ProviderType> others) {
        StringBuilder text = new StringBuilder(HEAD);
        for (int i = 0; i < providers.size(); i++) {
            text.append(providers.get(i).text(i + 1));
        }
        if (!others.isEmpty()) {
            text.append("\n# Other types, and the variables with their keys (init writes those that are set):\n");
            others.forEach(type -> text.append(
                    String.format("#   %-11s  %s\n", type.name(), String.join(" or ", type.apiKeyVariables()))));
        }
        String on = providers.stream().filter(Block::isOn).map(Block::name).collect(Collectors.joining(","));
        text.append("""

                # ---- Routes: some of the providers, in an order and with limits of their own; for those who ask for it,
                # as in: ./orchestrator ask --config FILE --route quick "Why is the sky blue?"
                #orchestrator.routes.quick.providers=%s
                #orchestrator.routes.quick.strategy=latency
                #orchestrator.routes.quick.deadline=15s
                """.formatted(on));
        return text.toString();
    }

    /** Those that are switched on first, in the order in which they are asked. */
    List<Block> providers() {
        return providers;
    }

    String text() {
        return text;
    }
}
