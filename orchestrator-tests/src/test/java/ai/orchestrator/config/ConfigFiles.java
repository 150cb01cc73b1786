package ai.orchestrator.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Loaders of files that see nothing of this process. */
final class ConfigFiles {

    static final String GOOD = """
            orchestrator.providers.a.type=openai
            orchestrator.providers.a.base-url=http://localhost:1/v1
            """;

    private ConfigFiles() {}

    static ConfigLoader loader(Path directory, String text) throws IOException {
        return ConfigLoader.of(Files.writeString(directory.resolve("o.properties"), text))
                .environment(Map.of())
                .systemProperties(Map.of());
    }

    static String value(ConfigReport report, String key) {
        return report.values().stream()
                .filter(value -> value.key().equals(key))
                .findFirst()
                .orElseThrow()
                .value();
    }

    static String origin(ConfigReport report, String key) {
        return report.values().stream()
                .filter(value -> value.key().equals(key))
                .findFirst()
                .orElseThrow()
                .origin()
                .orElse("default");
    }
}
