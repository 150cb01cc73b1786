package ai.orchestrator.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URL;
import java.util.Collections;
import java.util.List;
import okhttp3.OkHttp;
import okhttp3.OkHttpClient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the clients run on. */
class ClassPathTest {

    @ParameterizedTest
    @ValueSource(strings = {"okhttp3/OkHttpClient.class", "okio/Buffer.class", "kotlin/Unit.class"})
    void the_three_clients_and_this_library_share_one_copy(String name) throws IOException {
        List<URL> copies = Collections.list(OkHttpClient.class.getClassLoader().getResources(name));
        assertThat(copies).hasSize(1);
    }

    @Test
    void it_is_the_okhttp_that_this_library_is_built_with() {
        assertThat(OkHttp.VERSION).isEqualTo(System.getProperty("okhttp.version"));
    }
}
