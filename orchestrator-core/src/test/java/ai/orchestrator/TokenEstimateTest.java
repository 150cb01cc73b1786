package ai.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.Content;
import ai.orchestrator.chat.Tool;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenEstimateTest {

    @ParameterizedTest
    @ValueSource(strings = {"", "a", "Why is the sky blue?", "größer", "為什麼天空是藍色的", "🌍🌎🌏", "aé漢🌍", "\ud83c"})
    void a_text_has_half_a_token_for_each_byte(String text) {
        // A lone half of a pair is a question mark in UTF-8, and two bytes here.
        int bytes = text.equals("\ud83c") ? 2 : text.getBytes(StandardCharsets.UTF_8).length;
        assertThat(TokenEstimate.text(text)).isEqualTo((bytes + 1) / 2);
    }

    @Test
    void everything_that_is_sent_counts() {
        long plain = TokenEstimate.input(ChatRequest.of("hello"));
        assertThat(plain).isEqualTo(8 + 8 + 3);
        ChatRequest.Builder request = ChatRequest.builder().user("hello");
        long tool = TokenEstimate.input(request.tool(new Tool("weather", "The weather now.", "{\"type\":\"object\"}"))
                .build());
        assertThat(tool).isEqualTo(plain + 8 + 4 + 8 + 9);
        assertThat(TokenEstimate.input(ChatRequest.builder()
                        .user(new Content.Text("hello"), Content.Image.of("image/png", new byte[] {1}))
                        .build()))
                .isEqualTo(plain + 2_000);
    }

    @Test
    void an_answer_is_as_long_as_the_request_allows_or_a_thousand_tokens() {
        assertThat(TokenEstimate.output(
                        ChatRequest.builder().user("hello").maxTokens(7).build()))
                .isEqualTo(7);
        assertThat(TokenEstimate.output(ChatRequest.of("hello"))).isEqualTo(1_024);
    }
}
