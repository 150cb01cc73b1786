package ai.orchestrator.chat;

import java.util.Objects;
import java.util.regex.Pattern;

/** What form the answer's text must have. Immutable and safe for use by several threads. */
public sealed interface ResponseFormat {

    /** Without a schema. */
    enum Plain implements ResponseFormat {
        /** Any text, which is the default. */
        TEXT,
        /** Some JSON object; the prompt says which. Several providers refuse it unless the prompt has the word JSON. */
        JSON
    }

    /**
     * JSON that follows a schema, strictly.
     *
     * @param name what the schema is called: 1 to 64 letters, digits, underscores and hyphens
     * @param schema a JSON schema as JSON text: an object; checked before anything is sent
     */
    record JsonSchema(String name, String schema) implements ResponseFormat {

        private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,64}");

        /**
         * Checks the name.
         *
         * @throws IllegalArgumentException if it has another form
         */
        public JsonSchema {
            if (!NAME.matcher(name).matches()) {
                throw new IllegalArgumentException("a schema's name must be 1 to 64 letters, digits, underscores and"
                        + " hyphens but is '" + name + "'");
            }
            Objects.requireNonNull(schema, "schema");
        }

        /** The name alone. */
        @Override
        public String toString() {
            return "JsonSchema(" + name + ")";
        }
    }
}
