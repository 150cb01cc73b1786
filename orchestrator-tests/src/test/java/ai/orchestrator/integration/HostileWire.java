package ai.orchestrator.integration;

import java.util.List;
import java.util.function.IntFunction;

/**
 * How one type of provider writes answers, for peers that make something evil of them.
 *
 * @param type the provider's type
 * @param path what its base URL ends with
 * @param whole a complete answer that says "all is well"
 * @param stream a complete stream that says the same
 * @param piece one event of a stream with a few characters of text, without an end
 * @param toolCall an event with the call of this number
 */
record HostileWire(String type, String path, String whole, String stream, String piece, IntFunction<String> toolCall) {

    static final String TEXT = "all is well";

    /** One for each dialect. */
    static List<HostileWire> all() {
        return List.of(openAi(), anthropic(), gemini());
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

    @Override
    public String toString() {
        return type;
    }
}
