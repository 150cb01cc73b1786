package ai.orchestrator.cache;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.Content;
import ai.orchestrator.chat.Message;
import ai.orchestrator.chat.ReasoningEffort;
import ai.orchestrator.chat.ResponseFormat;
import ai.orchestrator.chat.Tool;
import ai.orchestrator.chat.ToolCall;
import ai.orchestrator.chat.ToolChoice;
import java.lang.reflect.Modifier;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CacheKeyTest {

    private static final List<String> PROVIDERS = List.of("a", "b");
    private static final ToolCall CALL = new ToolCall("id", "tool", "{}");
    private static final Tool TOOL = new Tool("tool", "does", "{}");

    private static CacheKey key(ChatRequest request) {
        return CacheKey.of("default", PROVIDERS, request);
    }

    private static CacheKey key(ChatRequest.Builder request) {
        return key(request.build());
    }

    private static ChatRequest.Builder plain() {
        return ChatRequest.builder().user("hello");
    }

    private static ChatRequest with(Message message) {
        return ChatRequest.builder().message(message).build();
    }

    private static ChatRequest with(Content content) {
        return with(Message.user(content));
    }

    /** Those of an instance, so that one that is new, and perhaps not in the key, is noticed. */
    private static Set<String> fields(Class<?> type) {
        return Arrays.stream(type.getDeclaredFields())
                .filter(field -> !Modifier.isStatic(field.getModifiers()) && !field.isSynthetic())
                .map(java.lang.reflect.Field::getName)
                .collect(Collectors.toSet());
    }

    private static void assertEachCounts(Class<?> type, ChatRequest usual, Map<String, ChatRequest> changed) {
        assertThat(changed.keySet()).as("fields of " + type).isEqualTo(fields(type));
        assertThat(Stream.concat(Stream.of(usual), changed.values().stream())
                        .map(CacheKeyTest::key)
                        .distinct())
                .as("keys for changed fields of " + type)
                .hasSize(changed.size() + 1);
    }

    @Test
    void every_field_of_a_request_counts() {
        assertEachCounts(
                ChatRequest.class,
                plain().build(),
                Map.ofEntries(
                        Map.entry("messages", plain().user("again").build()),
                        Map.entry("maxTokens", plain().maxTokens(7).build()),
                        Map.entry("temperature", plain().temperature(0.7).build()),
                        Map.entry("topP", plain().topP(0.7).build()),
                        Map.entry("seed", plain().seed(7).build()),
                        Map.entry("stopSequences", plain().stop("7").build()),
                        Map.entry("tools", plain().tool(TOOL).build()),
                        Map.entry(
                                "toolChoice",
                                plain().toolChoice(ToolChoice.Mode.NONE).build()),
                        Map.entry(
                                "responseFormat",
                                plain().responseFormat(ResponseFormat.Plain.JSON)
                                        .build()),
                        Map.entry(
                                "reasoningEffort",
                                plain().reasoningEffort(ReasoningEffort.LOW).build()),
                        Map.entry("extra", plain().extra("groq", "field", 7).build()),
                        Map.entry(
                                "responseHeaders", plain().withResponseHeaders().build())));
    }

    @Test
    void every_field_of_a_message_counts() {
        Message usual = Message.assistant("hello");
        assertEachCounts(
                Message.class,
                with(usual),
                Map.of(
                        "role", with(Message.user("hello")),
                        "content", with(Message.assistant("hello!")),
                        "toolCalls", with(Message.assistant("hello", List.of(CALL))),
                        "answered", with(Message.toolResult(CALL, "hello")),
                        "toolFailed", with(Message.toolFailure(CALL, "hello")),
                        "providerState", with(usual.withProviderState("anthropic", "{}"))));
    }

    @Test
    void every_field_of_the_parts_counts() {
        byte[] picture = {1, 2, 3};
        assertEachCounts(Content.Text.class, with(new Content.Text("x")), Map.of("text", with(new Content.Text("y"))));
        assertEachCounts(
                Content.Image.class,
                with(Content.Image.of("image/png", picture)),
                Map.of(
                        "mediaType", with(Content.Image.of("image/gif", picture)),
                        "bytes", with(Content.Image.of("image/png", new byte[] {1, 2})),
                        "url", with(Content.Image.at(URI.create("https://example.com/x.png")))));
        assertEachCounts(
                ToolCall.class,
                with(Message.toolResult(CALL, "x")),
                Map.of(
                        "id", with(Message.toolResult(new ToolCall("other", "tool", "{}"), "x")),
                        "name", with(Message.toolResult(new ToolCall("id", "other", "{}"), "x")),
                        "arguments", with(Message.toolResult(new ToolCall("id", "tool", "[]"), "x"))));
        assertEachCounts(
                Tool.class,
                plain().tool(TOOL).build(),
                Map.of(
                        "name", plain().tool(new Tool("other", "does", "{}")).build(),
                        "description",
                                plain().tool(new Tool("tool", "does not", "{}")).build(),
                        "parameters",
                                plain().tool(new Tool("tool", "does", "[]")).build()));
        assertEachCounts(
                ToolChoice.Named.class,
                plain().tool(TOOL).build(),
                Map.of(
                        "tool",
                        plain().tool(TOOL)
                                .toolChoice(new ToolChoice.Named("tool"))
                                .build()));
        assertEachCounts(
                ResponseFormat.JsonSchema.class,
                plain().responseFormat(new ResponseFormat.JsonSchema("name", "{}"))
                        .build(),
                Map.of(
                        "name",
                                plain().responseFormat(new ResponseFormat.JsonSchema("other", "{}"))
                                        .build(),
                        "schema",
                                plain().responseFormat(new ResponseFormat.JsonSchema("name", "[]"))
                                        .build()));
    }

    @Test
    void there_are_no_other_parts() {
        assertThat(Content.class.getPermittedSubclasses()).containsOnly(Content.Text.class, Content.Image.class);
        assertThat(ToolChoice.class.getPermittedSubclasses())
                .containsOnly(ToolChoice.Mode.class, ToolChoice.Named.class);
        assertThat(ResponseFormat.class.getPermittedSubclasses())
                .containsOnly(ResponseFormat.Plain.class, ResponseFormat.JsonSchema.class);
    }

    @Test
    void what_is_put_together_otherwise_is_something_else() {
        List<ChatRequest.Builder> all = List.of(
                ChatRequest.builder().user("ab").user("c"),
                ChatRequest.builder().user("a").user("bc"),
                ChatRequest.builder().user("abc"),
                ChatRequest.builder().user(new Content.Text("ab"), new Content.Text("c")),
                ChatRequest.builder().system("ab").user("c"),
                ChatRequest.builder().user("c").system("ab"),
                plain(),
                plain().stop("a", "b"),
                plain().stop("b", "a"),
                plain().stop("ab"),
                plain().temperature(0.5),
                plain().topP(0.5),
                plain().maxTokens(5),
                plain().seed(5),
                plain().reasoningEffort(ReasoningEffort.LOW),
                plain().reasoningEffort(ReasoningEffort.HIGH),
                ChatRequest.builder().user(Content.Image.at(URI.create("https://example.com/x.png"))),
                ChatRequest.builder().user(Content.Image.at(URI.create("https://example.com/y.png"))),
                plain().extra("x", true),
                plain().extra("x", false),
                plain().extra("x", null),
                plain().extra("x", "true"),
                plain().extra("x", 1),
                plain().extra("x", "1"),
                plain().extra("x", List.of(1)),
                plain().extra("x", List.of(List.of(1))),
                plain().extra("x", List.of(1, 2)),
                plain().extra("x", List.of(2, 1)),
                plain().extra("x", List.of()),
                plain().extra("x", Map.of()),
                plain().extra("x", Map.of("1", 1)),
                plain().extra("groq", "x", 1),
                plain().extra("hf", "x", 1),
                ChatRequest.builder().user("\ud800"),
                ChatRequest.builder().user("\udc00"),
                ChatRequest.builder().user("?"),
                ChatRequest.builder().user("\ufffd"));
        assertThat(all.stream().map(CacheKeyTest::key).distinct()).hasSize(all.size());
    }

    @Test
    void the_order_of_fields_and_the_spelling_of_numbers_do_not_count() {
        List<String> names = new ArrayList<>(List.of("a", "b", "c", "d", "e", "f"));
        Map<String, Object> ordered = new LinkedHashMap<>();
        names.forEach(name -> ordered.put(name, Map.of(name, 1)));
        Collections.reverse(names);
        Map<String, Object> reversed = new LinkedHashMap<>();
        names.forEach(name -> reversed.put(name, Map.of(name, 1)));
        assertThat(key(plain().extra("x", ordered)))
                .isEqualTo(key(plain().extra("x", reversed)))
                .isEqualTo(key(plain().extra("x", new HashMap<>(ordered))));
        assertThat(key(plain().extra("a", 1).extra("b", 2)))
                .isEqualTo(key(plain().extra("b", 2).extra("a", 1)));

        List<Number> ones = List.of(
                1,
                1L,
                (short) 1,
                (byte) 1,
                1.0,
                1f,
                BigInteger.ONE,
                BigDecimal.ONE,
                new BigDecimal("1.000"),
                new BigDecimal("10e-1"));
        assertThat(ones.stream().map(one -> key(plain().extra("x", one))).distinct())
                .hasSize(1);
        assertThat(key(plain().extra("x", 0.0))).isEqualTo(key(plain().extra("x", -0.0)));
        assertThat(key(plain().extra("x", 1e300))).isNotEqualTo(key(plain().extra("x", 1e301)));
        assertThat(key(plain().temperature(0))).isEqualTo(key(plain().temperature(-0.0)));
    }

    @Test
    void a_number_of_somebodys_own_is_taken_as_it_is_written() {
        record Fraction(int above, int below) {}
        class Own extends Number {
            private static final long serialVersionUID = 1L;
            private final transient Fraction fraction;

            Own(Fraction fraction) {
                this.fraction = fraction;
            }

            @Override
            public int intValue() {
                return fraction.above / fraction.below;
            }

            @Override
            public long longValue() {
                return intValue();
            }

            @Override
            public float floatValue() {
                return intValue();
            }

            @Override
            public double doubleValue() {
                return intValue();
            }

            @Override
            public String toString() {
                return fraction.above + "/" + fraction.below;
            }
        }
        assertThat(key(plain().extra("x", new Own(new Fraction(1, 2)))))
                .isEqualTo(key(plain().extra("x", new Own(new Fraction(1, 2)))))
                .isNotEqualTo(key(plain().extra("x", new Own(new Fraction(1, 3)))));
    }

    @Test
    void the_route_and_the_providers_count_but_not_their_order() {
        ChatRequest request = plain().build();
        CacheKey usual = CacheKey.of("default", List.of("a", "b"), request);
        assertThat(CacheKey.of("default", List.of("b", "a"), request)).isEqualTo(usual);
        assertThat(Stream.of(
                                usual,
                                CacheKey.of("fast", List.of("a", "b"), request),
                                CacheKey.of("default", List.of("a"), request),
                                CacheKey.of("default", List.of("a", "b", "c"), request),
                                CacheKey.of("default", List.of("ab"), request))
                        .distinct())
                .hasSize(5);
    }

    @Test
    void a_key_is_the_same_in_every_process_and_shows_nothing_of_what_was_asked() {
        CacheKey key = key(ChatRequest.builder()
                .system("be brief")
                .user(new Content.Text("what is this"), Content.Image.of("image/png", new byte[5_000]))
                .temperature(0.25)
                .extra("top_k", 5));
        assertThat(key.toString()).isEqualTo("8a3be4f85a3c4d16329562aced2c9fe8ae878cd081654f30eb3dfcd408b1230f");
        assertThat(key)
                .hasSameHashCodeAs(key(ChatRequest.builder()
                        .system("be brief")
                        .user(new Content.Text("what is this"), Content.Image.of("image/png", new byte[5_000]))
                        .temperature(0.25)
                        .extra("top_k", 5)));
        // One of everything, so that whoever changes the encoding thinks of its version.
        CacheKey full = key(ChatRequest.builder()
                .user(new Content.Text("x".repeat(70_000)), Content.Image.at(URI.create("https://example.com/x.png")))
                .message(Message.assistant("", List.of(CALL)).withProviderState("anthropic", "{}"))
                .message(Message.toolFailure(CALL, "broken"))
                .tool(TOOL)
                .toolChoice(new ToolChoice.Named("tool"))
                .maxTokens(5)
                .topP(0.5)
                .seed(5)
                .stop("end")
                .responseFormat(new ResponseFormat.JsonSchema("name", "{}"))
                .reasoningEffort(ReasoningEffort.LOW)
                .extra("x", List.of("1", true, Map.of("y", 1)))
                .withResponseHeaders());
        assertThat(full.toString()).isEqualTo("863e9629bdf6e7a8659b27f17d4ccecd4c8cecf6ebb3071fd218867b08653a4d");
        assertThat(full).doesNotHaveSameHashCodeAs(key);
        @Nullable Object other = "text";
        assertThat(key.equals(other)).isFalse();
    }
}
