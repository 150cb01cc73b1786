package ai.orchestrator.providers;

import ai.orchestrator.chat.Message;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** How a conversation becomes one text, for models that only go on with a text. */
enum PromptTemplate {
    /** A question as it is; several turns as a transcript. */
    PLAIN("plain") {
        @Override
        String text(List<Message> messages) {
            String system = messages.stream()
                    .filter(message -> message.role() == Message.Role.SYSTEM)
                    .map(Message::text)
                    .filter(text -> !text.isBlank())
                    .collect(Collectors.joining("\n\n"));
            List<Message> turns = turns(messages);
            String said = isTranscript(turns)
                    ? turns.stream().map(PromptTemplate::transcribed).collect(Collectors.joining()) + "Assistant:"
                    : turns.stream().map(Message::text).collect(Collectors.joining());
            return system.isEmpty() || said.isEmpty() ? system + said : system + "\n\n" + said;
        }

        @Override
        Optional<String> end(List<Message> messages) {
            return isTranscript(turns(messages)) ? Optional.of("\nUser:") : Optional.empty();
        }
    },

    /** As Qwen's and many other models' {@code chat_template} writes it. */
    CHATML("chatml") {
        @Override
        List<String> controlTokens() {
            return List.of("<|im_start|>", "<|im_end|>", "<|endoftext|>");
        }

        @Override
        String text(List<Message> messages) {
            return messages.stream()
                            .map(message -> "<|im_start|>" + role(message) + "\n" + message.text() + "<|im_end|>\n")
                            .collect(Collectors.joining())
                    + "<|im_start|>assistant\n";
        }

        @Override
        Optional<String> end(List<Message> messages) {
            return Optional.of("<|im_end|>");
        }
    },

    /** As Llama 3's model card writes it, but for {@code <|begin_of_text|>}: servers put that before every text. */
    LLAMA_3("llama-3") {
        @Override
        List<String> controlTokens() {
            return List.of(
                    "<|begin_of_text|>",
                    "<|end_of_text|>",
                    "<|start_header_id|>",
                    "<|end_header_id|>",
                    "<|eot_id|>",
                    "<|eom_id|>");
        }

        @Override
        String text(List<Message> messages) {
            return messages.stream()
                            .map(message -> header(role(message)) + message.text() + "<|eot_id|>")
                            .collect(Collectors.joining())
                    + header("assistant");
        }

        private String header(String role) {
            return "<|start_header_id|>" + role + "<|end_header_id|>\n\n";
        }

        @Override
        Optional<String> end(List<Message> messages) {
            return Optional.of("<|eot_id|>");
        }
    };

    private final String word;

    PromptTemplate(String word) {
        this.word = word;
    }

    /** What configuration calls it. */
    String word() {
        return word;
    }

    static PromptTemplate of(String word) {
        return Arrays.stream(values())
                .filter(template -> template.word.equals(word))
                .findFirst()
                .orElseThrow();
    }

    /** The conversation, up to where the model is to go on. */
    abstract String text(List<Message> messages);

    /** What the model writes where its turn is over; empty if nothing tells. */
    abstract Optional<String> end(List<Message> messages);

    /** What a model takes for the borders of turns. */
    List<String> controlTokens() {
        return List.of();
    }

    /** Which of these a message contains: it would end its turn and begin another. */
    Optional<String> forgery(List<Message> messages) {
        return controlTokens().stream()
                .filter(token ->
                        messages.stream().anyMatch(message -> message.text().contains(token)))
                .findFirst();
    }

    private static String role(Message message) {
        return message.role().name().toLowerCase(Locale.ROOT);
    }

    private static List<Message> turns(List<Message> messages) {
        return messages.stream()
                .filter(message -> message.role() != Message.Role.SYSTEM)
                .toList();
    }

    private static boolean isTranscript(List<Message> turns) {
        return turns.size() > 1 || turns.stream().anyMatch(turn -> turn.role() != Message.Role.USER);
    }

    private static String transcribed(Message turn) {
        return (turn.role() == Message.Role.USER ? "User: " : "Assistant: ") + turn.text() + "\n";
    }
}
