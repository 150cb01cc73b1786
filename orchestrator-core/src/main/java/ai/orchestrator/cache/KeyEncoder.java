package ai.orchestrator.cache;

import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.Content;
import ai.orchestrator.chat.Message;
import ai.orchestrator.chat.ResponseFormat;
import ai.orchestrator.chat.Tool;
import ai.orchestrator.chat.ToolCall;
import ai.orchestrator.chat.ToolChoice;
import java.math.BigDecimal;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Digests a request. Each value is preceded by its length, or by a letter that says which of several it is, so that no two requests are
 * written alike. For one thread, and one digest.
 */
final class KeyEncoder {

    /** To be changed with the encoding, so that no answer is found under a key that meant something else. */
    private static final int VERSION = 1;

    private static final int BUFFER_BYTES = 256;

    private final MessageDigest digest;
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private int used;

    KeyEncoder() {
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
        number(VERSION);
    }

    byte[] digest() {
        flush();
        return digest.digest();
    }

    void request(ChatRequest request) {
        list(request.messages(), this::message);
        number(request.maxTokens());
        number(request.temperature());
        number(request.topP());
        number(request.seed());
        list(request.stopSequences(), this::string);
        list(request.tools(), this::tool);
        toolChoice(request.toolChoice());
        responseFormat(request.responseFormat());
        optional(request.reasoningEffort(), effort -> string(effort.name()));
        json(request.extra());
        flag(request.responseHeaders());
    }

    private void message(Message message) {
        string(message.role().name());
        list(message.content(), this::content);
        list(message.toolCalls(), this::toolCall);
        optional(message.answeredCall(), this::toolCall);
        flag(message.toolFailed());
        json(message.providerState());
    }

    private void content(Content content) {
        if (content instanceof Content.Text text) {
            letter('t');
            string(text.text());
        } else if (content instanceof Content.Image image) {
            letter('i');
            string(image.mediaType());
            optional(image.bytes(), this::bytes);
            optional(image.url(), url -> string(url.toString()));
        }
    }

    private void tool(Tool tool) {
        string(tool.name());
        string(tool.description());
        string(tool.parameters());
    }

    private void toolCall(ToolCall call) {
        string(call.id());
        string(call.name());
        string(call.arguments());
    }

    private void toolChoice(ToolChoice choice) {
        if (choice instanceof ToolChoice.Mode mode) {
            letter('m');
            string(mode.name());
        } else if (choice instanceof ToolChoice.Named named) {
            letter('n');
            string(named.tool());
        }
    }

    private void responseFormat(ResponseFormat format) {
        if (format instanceof ResponseFormat.Plain plain) {
            letter('p');
            string(plain.name());
        } else if (format instanceof ResponseFormat.JsonSchema schema) {
            letter('s');
            string(schema.name());
            string(schema.schema());
        }
    }

    // ---- Values of JSON: the order of an object's fields does not matter, nor how a number is written

    private void json(@Nullable Object value) {
        if (value == null) {
            letter('0');
        } else if (value instanceof Boolean flag) {
            flag(flag);
        } else if (value instanceof String text) {
            letter('t');
            string(text);
        } else if (value instanceof Number number) {
            letter('#');
            string(canonical(number));
        } else if (value instanceof List<?> elements) {
            letter('l');
            list(elements, this::json);
        } else if (value instanceof Map<?, ?> fields) {
            letter('o');
            Map<String, @Nullable Object> sorted = new TreeMap<>();
            fields.forEach((name, field) -> sorted.put((String) name, field));
            list(sorted.entrySet(), field -> {
                string(field.getKey());
                json(field.getValue());
            });
        } else {
            throw new IllegalArgumentException("not a value of JSON: " + value.getClass());
        }
    }

    private static String canonical(Number number) {
        String written = number.toString();
        try {
            return new BigDecimal(written).stripTrailingZeros().toString();
        } catch (NumberFormatException e) {
            // A number of somebody's own: as it is written.
            return written;
        }
    }

    // ---- The rest is made of these

    private void number(OptionalInt value) {
        json(value.isPresent() ? value.getAsInt() : null);
    }

    private void number(OptionalLong value) {
        json(value.isPresent() ? value.getAsLong() : null);
    }

    private void number(OptionalDouble value) {
        json(value.isPresent() ? value.getAsDouble() : null);
    }

    private <T> void optional(Optional<T> value, Consumer<T> encode) {
        flag(value.isPresent());
        value.ifPresent(encode);
    }

    <T extends @Nullable Object> void list(Collection<T> values, Consumer<T> encode) {
        number(values.size());
        values.forEach(encode);
    }

    /** By its UTF-16 units: in UTF-8 every broken pair of surrogates would become the same question mark. */
    void string(String value) {
        number(value.length());
        for (int i = 0; i < value.length(); i++) {
            char unit = value.charAt(i);
            put(unit >> 8);
            put(unit);
        }
    }

    private void bytes(byte[] value) {
        number(value.length);
        flush();
        digest.update(value);
    }

    private void number(int value) {
        put(value >> 24);
        put(value >> 16);
        put(value >> 8);
        put(value);
    }

    private void flag(boolean value) {
        letter(value ? 'y' : 'n');
    }

    private void letter(char letter) {
        put(letter);
    }

    private void put(int octet) {
        if (used == BUFFER_BYTES) {
            flush();
        }
        buffer[used++] = (byte) octet;
    }

    private void flush() {
        digest.update(buffer, 0, used);
        used = 0;
    }
}
