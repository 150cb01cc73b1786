package ai.orchestrator.config;

import java.util.List;
import java.util.stream.Collectors;

/**
 * A value that can be used, and where it comes from.
 *
 * @param key as it is shown in messages
 * @param variables the environment variables that are in it
 */
record Given(String key, String text, Origin origin, List<String> variables) {

    Given {
        variables = List.copyOf(variables);
    }

    String from() {
        return origin.text()
                + variables.stream().map(name -> ", ${" + name + "}").distinct().collect(Collectors.joining());
    }
}
