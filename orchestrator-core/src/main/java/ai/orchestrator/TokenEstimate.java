package ai.orchestrator;

import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.Content;
import ai.orchestrator.chat.Message;
import ai.orchestrator.chat.ResponseFormat;
import ai.orchestrator.chat.Tool;
import ai.orchestrator.chat.ToolCall;

/** How many tokens a call may cost, before anybody has counted them: rather too many than too few. */
final class TokenEstimate {

    /** Where a request sets none. */
    static final long OUTPUT_TOKENS = 1_024;

    /** More than what any vendor counts for one of usual size. */
    private static final long IMAGE_TOKENS = 2_000;

    /** For what stands around a message or a tool. */
    private static final long FRAME_TOKENS = 8;

    private TokenEstimate() {}

    static long input(ChatRequest request) {
        long tokens = FRAME_TOKENS;
        for (Message message : request.messages()) {
            tokens += FRAME_TOKENS;
            for (Content content : message.content()) {
                tokens += content instanceof Content.Text part ? text(part.text()) : IMAGE_TOKENS;
            }
            for (ToolCall call : message.toolCalls()) {
                tokens += FRAME_TOKENS + text(call.name()) + text(call.arguments());
            }
        }
        for (Tool tool : request.tools()) {
            tokens += FRAME_TOKENS + text(tool.name()) + text(tool.description()) + text(tool.parameters());
        }
        if (request.responseFormat() instanceof ResponseFormat.JsonSchema format) {
            tokens += text(format.schema());
        }
        return tokens;
    }

    static long output(ChatRequest request) {
        return request.maxTokens().isPresent() ? request.maxTokens().getAsInt() : OUTPUT_TOKENS;
    }

    /** Half of its bytes in UTF-8: a token of English has four letters, one of Chinese is a character or less. */
    static long text(String text) {
        long bytes = text.length();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c >= 0x80) {
                // Half of a pair that makes four bytes has two.
                bytes += c < 0x800 || Character.isSurrogate(c) ? 1 : 2;
            }
        }
        return (bytes + 1) / 2;
    }
}
