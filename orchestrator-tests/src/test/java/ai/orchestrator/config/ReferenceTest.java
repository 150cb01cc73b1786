package ai.orchestrator.config;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.testkit.GeneratedBlock;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The reference of keys, and the same for Spring's tools, are what the code knows. */
class ReferenceTest {

    private static final String DOCUMENT = "docs/configuration.md";
    private static final String WRITE = "config.write";
    private static final Path METADATA =
            Path.of("../orchestrator-core/src/main/resources/META-INF/additional-spring-configuration-metadata.json");
    private static final ObjectMapper MAPPER = new ObjectMapper();

    @Test
    void the_reference_has_every_key_with_its_type_default_range_and_meaning() throws IOException {
        GeneratedBlock.check(
                DOCUMENT,
                "keys of all",
                table(
                        key -> !key.key().contains("<name>")
                                && key.providerTypes().isEmpty(),
                        false),
                WRITE);
        GeneratedBlock.check(
                DOCUMENT,
                "keys of providers",
                table(
                        key -> key.key().startsWith("orchestrator.providers.")
                                && key.providerTypes().isEmpty(),
                        false),
                WRITE);
        GeneratedBlock.check(
                DOCUMENT, "keys of types", table(key -> !key.providerTypes().isEmpty(), true), WRITE);
        GeneratedBlock.check(
                DOCUMENT, "keys of routes", table(key -> key.key().startsWith("orchestrator.routes."), false), WRITE);
    }

    private static String table(Predicate<ConfigKey> which, boolean types) {
        List<ConfigKey> keys = ConfigKey.all().stream().filter(which).toList();
        return "| key | " + (types ? "types | " : "type | ") + "default | allowed | meaning |\n|---|---|---|---|---|\n"
                + keys.stream().map(key -> row(key, types)).collect(Collectors.joining("\n"));
    }

    private static String row(ConfigKey key, boolean types) {
        String name = key.key().replaceFirst("^orchestrator\\.(providers|routes)\\.<name>\\.", "");
        String kind = types
                ? key.providerTypes().stream().map(type -> "`" + type + "`").collect(Collectors.joining(", "))
                : key.type();
        String value = key.hasDefault() ? "`" + key.defaultValue() + "`" : key.defaultValue();
        return "| `" + name + "`" + (key.inherited() ? " *" : "") + " | " + kind + " | " + value + " | " + key.allowed()
                + " | " + key.meaning() + " |";
    }

    @Test
    void springs_tools_get_the_same() throws IOException {
        String expected = metadata();
        if (System.getProperty(WRITE) != null) {
            Files.createDirectories(METADATA.getParent());
            Files.writeString(METADATA, expected);
        }
        assertThat(Files.readString(METADATA))
                .as("if the change is meant, run: mvn verify -Dquick -D%s", WRITE)
                .isEqualTo(expected);
    }

    private static String metadata() throws IOException {
        ObjectNode root = MAPPER.createObjectNode();
        ArrayNode properties = root.putArray("properties");
        ArrayNode hints = root.putArray("hints");
        for (ConfigKey key : ConfigKey.all()) {
            String name = key.key().replace("<name>", "*");
            put(key, name, properties, hints);
            if (key.inherited()) {
                put(key, name.replace("orchestrator.providers.*.", "orchestrator.defaults."), properties, hints);
            }
        }
        DefaultPrettyPrinter printer = new DefaultPrettyPrinter().withArrayIndenter(new DefaultIndenter("  ", "\n"));
        printer.indentObjectsWith(new DefaultIndenter("  ", "\n"));
        return MAPPER.writer(printer).writeValueAsString(root) + "\n";
    }

    private static void put(ConfigKey key, String name, ArrayNode properties, ArrayNode hints) {
        ObjectNode property = properties.addObject().put("name", name).put("type", key.javaType());
        String types = key.providerTypes().isEmpty() ? "" : " Only of " + String.join(", ", key.providerTypes()) + ".";
        property.put("description", sentence(key.meaning().replace("`", "")) + types);
        if (key.hasDefault()) {
            switch (key.javaType()) {
                case "java.lang.Integer", "java.lang.Long" ->
                    property.put("defaultValue", Long.parseLong(key.defaultValue()));
                case "java.lang.Boolean" -> property.put("defaultValue", Boolean.parseBoolean(key.defaultValue()));
                default -> property.put("defaultValue", key.defaultValue());
            }
        }
        if (!key.choices().isEmpty() && !key.javaType().equals("java.lang.Boolean")) {
            ArrayNode values = hints.addObject().put("name", name).putArray("values");
            key.choices().forEach(choice -> values.addObject().put("value", choice));
        }
    }

    /** The form that Spring asks for: a capital first, a full stop at the end. */
    private static String sentence(String text) {
        return text.substring(0, 1).toUpperCase(java.util.Locale.ROOT) + text.substring(1) + ".";
    }
}
