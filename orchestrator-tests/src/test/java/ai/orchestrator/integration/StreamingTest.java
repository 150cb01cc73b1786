package ai.orchestrator.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.StreamFailedException;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer;
import ai.orchestrator.testkit.StreamScript;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class StreamingTest {

    private final ManualTimeSource time = new ManualTimeSource();
    private final ScriptedServer first = ScriptedServer.start();
    private final ScriptedServer second = ScriptedServer.start();
    private final Orchestrator orchestrator = Orchestrator.builder()
            .timeSource(time)
            .provider(
                    "first",
                    p -> p.type("openai").baseUrl(first.baseUrl()).model("m").priority(1))
            .provider(
                    "second",
                    p -> p.type("openai").baseUrl(second.baseUrl()).model("m").priority(2))
            .build();

    @AfterEach
    void close() {
        orchestrator.close();
        first.close();
        second.close();
    }

    @Test
    void a_stream_shows_the_pieces_as_they_come_and_then_the_whole_answer() {
        first.reply(Reply.tokens("Why", " not", "?"));
        try (ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            List<String> texts = new ArrayList<>();
            for (ChatEvent event : stream) {
                if (event instanceof ChatEvent.Text piece) {
                    texts.add(piece.text());
                }
            }
            ChatResponse response = stream.response();
            assertThat(texts).containsExactly("Why", " not", "?");
            assertThat(response.text()).isEqualTo("Why not?");
            assertThat(response.provider()).isEqualTo("first");
            assertThat(response.usage().orElseThrow().outputTokens()).isEqualTo(3);
        }
    }

    @Test
    void a_failure_before_the_first_token_is_not_seen() {
        first.reply(Reply.stream(StreamScript.empty().send(": wait\n\n").thenClose()));
        second.reply(Reply.tokens("fine"));
        try (ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            ChatResponse response = stream.response();
            assertThat(response.text()).isEqualTo("fine");
            assertThat(response.trail().toString()).contains("first failed").contains("TRUNCATED");
        }
    }

    @Test
    void a_stream_that_breaks_off_after_its_first_token_ends_with_its_partial_text() {
        first.reply(Reply.stream(StreamScript.empty()
                .send(Reply.token("half an"))
                .send(Reply.token(" answ"))
                .thenClose()));
        try (ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            assertThatThrownBy(stream::response).isInstanceOfSatisfying(StreamFailedException.class, e -> {
                assertThat(e.kind()).isEqualTo(FailureKind.TRUNCATED);
                assertThat(e.partialText()).isEqualTo("half an answ");
                assertThat(e.provider()).isEqualTo("first");
            });
        }
        assertThat(second.requestCount()).isZero();
    }

    @Test
    void closing_a_stream_closes_its_connection() {
        first.reply(Reply.stream(StreamScript.empty().send(Reply.token("Why")).thenSilence()));
        try (ChatStream stream = orchestrator.stream(ChatRequest.of("hello"))) {
            assertThat(stream.hasNext()).isTrue();
        }
        first.awaitClientClosed(first.awaitRequest());
    }
}
