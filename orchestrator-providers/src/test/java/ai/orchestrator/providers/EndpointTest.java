package ai.orchestrator.providers;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EndpointTest {

    @ParameterizedTest
    @CsvSource({
        "http://h, http://h/chat/completions",
        "http://h/, http://h/chat/completions",
        "http://h/v1, http://h/v1/chat/completions",
        "http://h/v1/, http://h/v1/chat/completions",
        "http://h/v1//, http://h/v1/chat/completions",
        "http://h/v1/chat/completions, http://h/v1/chat/completions",
        "http://h/v1/chat/completions/, http://h/v1/chat/completions",
        "http://h/chat, http://h/chat/chat/completions",
        "http://h/a%2Fb, http://h/a%2Fb/chat/completions",
        "http://h/xchat/completions, http://h/xchat/completions/chat/completions",
    })
    void what_a_dialect_puts_behind_an_address_is_there_once(URI address, String expected) {
        assertThat(Endpoint.of(address, "chat", "completions")).hasToString(expected);
    }
}
