package ai.orchestrator.providers;

import ai.orchestrator.chat.Content;
import ai.orchestrator.chat.Message;
import ai.orchestrator.chat.Tool;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Base64;
import java.util.List;

/** The parts of OpenAI's requests that other dialects have taken over. */
final class OpenAiShapes {

    private OpenAiShapes() {}

    /** What a message says, as a text where it has no pictures: older servers know no parts. */
    static void writeContent(Message message, ObjectNode json) {
        if (message.content().stream().allMatch(Content.Text.class::isInstance)) {
            json.put("content", message.text());
            return;
        }
        ArrayNode parts = json.putArray("content");
        for (Content content : message.content()) {
            if (content instanceof Content.Text text) {
                parts.addObject().put("type", "text").put("text", text.text());
            } else if (content instanceof Content.Image image) {
                parts.addObject()
                        .put("type", "image_url")
                        .putObject("image_url")
                        .put("url", url(image));
            }
        }
    }

    private static String url(Content.Image image) {
        return image.url()
                .map(Object::toString)
                .orElseGet(() -> "data:" + image.mediaType() + ";base64,"
                        + Base64.getEncoder().encodeToString(image.bytes().orElseThrow()));
    }

    /**
     * What the model may call.
     *
     * @throws ai.orchestrator.provider.ProviderException of kind BAD_REQUEST if a tool's parameters are no JSON object
     */
    static void writeTools(List<Tool> tools, ObjectNode json) {
        ArrayNode array = json.putArray("tools");
        for (Tool tool : tools) {
            ObjectNode function = array.addObject().put("type", "function").putObject("function");
            function.put("name", tool.name());
            if (!tool.description().isEmpty()) {
                function.put("description", tool.description());
            }
            function.set(
                    "parameters",
                    Json.callersObject("the parameters of tool '" + tool.name() + "'", tool.parameters()));
        }
    }
}
