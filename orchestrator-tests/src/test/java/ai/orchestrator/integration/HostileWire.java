package ai.orchestrator.integration;

import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * How one type of provider writes answers, for peers that make something evil of them.
 *
 * @param type the provider's type
 * @param path what its base URL ends with
 * @param whole a complete answer that says "all is well"
 * @param stream a complete stream that says the same
 * @param piece one event of a stream with a few characters of text, without an end
 * @param toolCall an event with the call of this number; null if it knows no tools
 */
record HostileWire(
        String type,
        String path,
        String whole,
        String stream,
        String piece,
        @Nullable IntFunction<String> toolCall) {

    /** How a stream is cut into pieces. */
    enum Framing {
        EVENTS("data: ", "data: xxxxxxxxxx\n", ": " + "still here ".repeat(90) + "\n\n"),
        LINES("", "{\"a\":\n", " ".repeat(1_000) + "\n");

        private final String begin;
        private final String unending;
        private final String filler;

        Framing(String begin, String unending, String filler) {
            this.begin = begin;
            this.unending = unending;
            this.filler = filler;
        }

        /** What stands before the JSON of a piece. */
        String begin() {
            return begin;
        }

        /** A part of a piece that goes on and on. */
        String unending() {
            return unending;
        }

        /** What says no more than that the server is alive. */
        String filler() {
            return filler;
        }
    }

    Framing framing() {
        return type.equals("ollama") ? Framing.LINES : Framing.EVENTS;
    }

    static final String TEXT = "all is well";

    /** One for each dialect. */
    static List<HostileWire> all() {
        return List.of(openAi(), anthropic(), gemini(), cohere(), ollama(), huggingFaceText());
    }

    private static HostileWire openAi() {
        String usage = "\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":3,\"total_tokens\":11}";
        return new HostileWire(
                "openai",
                "/v1",
                "{\"id\":\"c1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                        + "\"content\":\"all is well\"},\"finish_reason\":\"stop\"}]," + usage + "}",
                openAiEvent("{\"content\":\"all is\"}", "null")
                        + openAiEvent("{\"content\":\" well\"}", "null")
                        + openAiEvent("{}", "\"stop\"")
                        + "data: {\"id\":\"c1\",\"choices\":[]," + usage + "}\n\ndata: [DONE]\n\n",
                openAiEvent("{\"content\":\"" + "la ".repeat(1_000) + "\"}", "null"),
                number -> openAiEvent(
                        "{\"tool_calls\":[{\"index\":" + number + ",\"id\":\"t" + number
                                + "\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}",
                        "null"));
    }

    private static String openAiEvent(String delta, String finishReason) {
        return "data: {\"id\":\"c1\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":" + delta
                + ",\"finish_reason\":" + finishReason + "}]}\n\n";
    }

    private static HostileWire anthropic() {
        String start = anthropicEvent(
                "message_start",
                "\"message\":{\"id\":\"c1\",\"model\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":8,"
                        + "\"output_tokens\":1}}");
        return new HostileWire(
                "anthropic",
                "/v1",
                "{\"id\":\"c1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[{\"type\":\"text\","
                        + "\"text\":\"all is well\"}],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":8,"
                        + "\"output_tokens\":3}}",
                start
                        + anthropicEvent(
                                "content_block_start",
                                "\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}")
                        + anthropicText("all is")
                        + anthropicText(" well")
                        + anthropicEvent("content_block_stop", "\"index\":0")
                        + anthropicEvent(
                                "message_delta",
                                "\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":3}")
                        + "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
                anthropicText("la ".repeat(1_000)),
                number -> anthropicEvent(
                        "content_block_start",
                        "\"index\":" + number + ",\"content_block\":{\"type\":\"tool_use\",\"id\":\"t" + number
                                + "\",\"name\":\"f\",\"input\":{}}"));
    }

    private static String anthropicText(String text) {
        return anthropicEvent(
                "content_block_delta", "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"" + text + "\"}");
    }

    private static String anthropicEvent(String type, String fields) {
        return "event: " + type + "\ndata: {\"type\":\"" + type + "\"," + fields + "}\n\n";
    }

    private static HostileWire gemini() {
        String usage = "\"usageMetadata\":{\"promptTokenCount\":8,\"candidatesTokenCount\":3}";
        return new HostileWire(
                "gemini",
                "/v1beta",
                "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"all is well\"}]},"
                        + "\"finishReason\":\"STOP\"}]," + usage + "}",
                geminiEvent("{\"text\":\"all is\"}", "")
                        + geminiEvent("{\"text\":\" well\"}", ",\"finishReason\":\"STOP\"")
                                .replace("}]}\r\n", "}]," + usage + "}\r\n"),
                geminiEvent("{\"text\":\"" + "la ".repeat(1_000) + "\"}", ""),
                number -> geminiEvent("{\"functionCall\":{\"name\":\"f\",\"args\":{\"n\":" + number + "}}}", ""));
    }

    private static String geminiEvent(String part, String more) {
        return "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[" + part + "]}" + more
                + "}]}\r\n\r\n";
    }

    private static HostileWire cohere() {
        String end = "\"finish_reason\":\"COMPLETE\",\"usage\":{\"tokens\":{\"input_tokens\":8,\"output_tokens\":3}}";
        return new HostileWire(
                "cohere",
                "/v2",
                "{\"id\":\"c1\",\"message\":{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"all is well\"}]},"
                        + end + "}",
                cohereEvent("message-start", "\"id\":\"c1\",\"delta\":{\"message\":{\"role\":\"assistant\"}}")
                        + cohereText("all is")
                        + cohereText(" well")
                        + cohereEvent("content-end", "\"index\":0")
                        + cohereEvent("message-end", "\"delta\":{" + end + "}")
                        + "data: [DONE]\n\n",
                cohereText("la ".repeat(1_000)),
                number -> cohereEvent(
                        "tool-call-start",
                        "\"index\":" + number + ",\"delta\":{\"message\":{\"tool_calls\":{\"id\":\"t" + number
                                + "\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}}}"));
    }

    private static String cohereText(String text) {
        return cohereEvent(
                "content-delta", "\"index\":0,\"delta\":{\"message\":{\"content\":{\"text\":\"" + text + "\"}}}");
    }

    private static String cohereEvent(String type, String fields) {
        return "event: " + type + "\ndata: {\"type\":\"" + type + "\"," + fields + "}\n\n";
    }

    private static HostileWire huggingFaceText() {
        String end =
                ",\"generated_text\":\"all is well\",\"details\":{\"finish_reason\":\"eos_token\",\"generated_tokens\":3,"
                        + "\"input_length\":8}";
        return new HostileWire(
                "huggingface-text",
                "",
                "[{\"generated_text\":\"all is well\",\"details\":{\"finish_reason\":\"eos_token\",\"generated_tokens\":3}}]",
                huggingFaceToken("all is", "") + huggingFaceToken(" well", end),
                huggingFaceToken("la ".repeat(1_000), ""),
                null);
    }

    private static String huggingFaceToken(String text, String more) {
        return "data:{\"index\":1,\"token\":{\"id\":1,\"text\":\"" + text + "\",\"special\":false}" + more + "}\n\n";
    }

    private static HostileWire ollama() {
        String end = "\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":8,\"eval_count\":3";
        return new HostileWire(
                "ollama",
                "",
                ollamaLine("\"content\":\"all is well\"", end),
                ollamaLine("\"content\":\"all is\"", "\"done\":false")
                        + ollamaLine("\"content\":\" well\"", "\"done\":false")
                        + ollamaLine("\"content\":\"\"", end),
                ollamaLine("\"content\":\"" + "la ".repeat(1_000) + "\"", "\"done\":false"),
                number -> ollamaLine(
                        "\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":{\"n\":" + number + "}}}]",
                        "\"done\":false"));
    }

    private static String ollamaLine(String message, String end) {
        return "{\"model\":\"m\",\"message\":{\"role\":\"assistant\"," + message + "}," + end + "}\n";
    }

    @Override
    public String toString() {
        return type;
    }
}
