package ai.orchestrator.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RouteWarningTest {

    private static final String PROVIDERS = """
            orchestrator.providers.a.type=ollama
            orchestrator.providers.b.type=ollama
            orchestrator.providers.b.model=other
            orchestrator.routes.fast.providers=""";

    @TempDir
    private Path directory;

    private ConfigReport check(String text) throws IOException {
        return ConfigLoader.of(Files.writeString(directory.resolve("o.properties"), text))
                .environment(Map.of())
                .systemProperties(Map.of())
                .check();
    }

    @Test
    void a_provider_that_no_route_lists_is_warned_of() throws IOException {
        assertThat(check(PROVIDERS + "a").warnings())
                .extracting(String::valueOf)
                .containsExactly("line 2: orchestrator.providers.b: no route lists it, so only calls that name no route"
                        + " ask it");
    }

    @Test
    void a_provider_that_a_route_may_have_meant_is_not() throws IOException {
        ConfigReport report = check(PROVIDERS + "a,b1");

        assertThat(report.mistakes()).hasSize(1);
        assertThat(report.warnings()).isEmpty();
    }
}
