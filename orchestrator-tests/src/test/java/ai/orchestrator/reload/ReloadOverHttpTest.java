package ai.orchestrator.reload;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.ProviderSettings;
import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.ChatStream;
import ai.orchestrator.testkit.ManualTimeSource;
import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.Retries;
import ai.orchestrator.testkit.ScriptedServer;
import ai.orchestrator.testkit.StreamScript;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** G6 over real HTTP. */
@Timeout(60)
class ReloadOverHttpTest {

    private static final ChatRequest REQUEST = ChatRequest.of("hello");

    private final ManualTimeSource time = new ManualTimeSource(Long.MAX_VALUE - 1_000);
    private final ScriptedServer first = ScriptedServer.start();
    private final ScriptedServer second = ScriptedServer.start().otherwise(Reply.answer("from the second"));
    private final Orchestrator orchestrator = both(p -> p).timeSource(time).build();

    @AfterEach
    void stop() {
        orchestrator.close();
        first.close();
        second.close();
    }

    private static ProviderSettings.Builder provider(String name, ScriptedServer server) {
        return ProviderSettings.builder(name)
                .type("openai")
                .baseUrl(server.baseUrl())
                .apiKey("planted-key-1")
                .model("m")
                .retry(Retries.NONE)
                .circuitBreaker(
                        CircuitBreakerSettings.builder().failureThreshold(1).build());
    }

    private Orchestrator.Builder both(UnaryOperator<ProviderSettings.Builder> change) {
        return Orchestrator.builder()
                .drainTimeout(Duration.ZERO)
                .provider(change.apply(provider("first", first).priority(1)).build())
                .provider(provider("second", second).priority(2).build());
    }

    private static String key(ScriptedServer.ReceivedRequest request) {
        return request.headers().entrySet().stream()
                .filter(header -> header.getKey().toLowerCase(Locale.ROOT).equals("authorization"))
                .findFirst()
                .orElseThrow()
                .getValue();
    }

    @Test
    void G6_an_open_breaker_keeps_its_state_and_the_new_key_is_sent_when_its_wait_is_over() {
        first.reply(Reply.status(500, "{}"), Reply.answer("from the first"));
        assertThat(orchestrator.chat(REQUEST).text()).isEqualTo("from the second");
        assertThat(orchestrator.circuitBreaker("first").state()).isEqualTo(CircuitState.OPEN);
        time.advance(Duration.ofSeconds(25));

        orchestrator.reconfigure(both(p -> p.apiKey("planted-key-2")).settings());

        assertThat(orchestrator.circuitBreaker("first").status().timeUntilRetry())
                .contains(Duration.ofSeconds(35));
        assertThat(orchestrator.chat(REQUEST).text()).isEqualTo("from the second");
        time.advance(Duration.ofSeconds(35));
        assertThat(orchestrator.chat(REQUEST).text()).isEqualTo("from the first");
        assertThat(first.requests())
                .extracting(ReloadOverHttpTest::key)
                .containsExactly("Bearer planted-key-1", "Bearer planted-key-2");
    }

    @Test
    void G6_a_removed_provider_is_never_chosen_again_by_a_call_in_flight_neither() {
        CompletableFuture<Object> gate = new CompletableFuture<>();
        first.reply(Reply.status(500, "{}").after(gate));
        CompletableFuture<ChatResponse> call = orchestrator.chatAsync(REQUEST);
        first.awaitRequest();
        try (ScriptedServer third = ScriptedServer.start().reply(Reply.answer("from the third"))) {
            orchestrator.reconfigure(Orchestrator.builder()
                    .drainTimeout(Duration.ZERO)
                    .provider(provider("first", first).build())
                    .provider(provider("third", third).build())
                    .settings());
            gate.complete("now");
            assertThat(call.orTimeout(10, TimeUnit.SECONDS).join().text()).isEqualTo("from the third");
            assertThat(second.requestCount()).isZero();
        }
    }

    @Test
    void G6_one_of_weight_zero_is_never_chosen_again_by_a_call_in_flight_neither() {
        CompletableFuture<Object> gate = new CompletableFuture<>();
        first.reply(Reply.status(500, "{}").after(gate), Reply.answer("not any more"));
        CompletableFuture<ChatResponse> call = orchestrator.chatAsync(REQUEST);
        first.awaitRequest();
        orchestrator.reconfigure(both(p -> p.weight(0).retry(Retries.AT_ONCE)).settings());
        gate.complete("now");
        assertThat(call.orTimeout(10, TimeUnit.SECONDS).join().text()).isEqualTo("from the second");
        for (int i = 0; i < 20; i++) {
            assertThat(orchestrator.chat(REQUEST).text()).isEqualTo("from the second");
        }
        assertThat(first.requestCount()).isEqualTo(1);
    }

    @Test
    void a_stream_goes_on_to_its_end_when_its_provider_is_removed_or_its_key_changes() {
        CompletableFuture<Object> gate = new CompletableFuture<>();
        first.reply(Reply.stream(StreamScript.empty()
                .send(Reply.token("one"))
                .await(gate)
                .send(Reply.token(" two") + Reply.tokensEnd(2))));
        try (ChatStream stream = orchestrator.stream(REQUEST)) {
            while (!(stream.next() instanceof ChatEvent.Text)) {
                // What comes before the first piece.
            }
            orchestrator.reconfigure(both(p -> p.apiKey("planted-key-2")).settings());
            orchestrator.reconfigure(Orchestrator.builder()
                    .drainTimeout(Duration.ZERO)
                    .provider(provider("second", second).build())
                    .settings());
            gate.complete("now");
            assertThat(stream.response().text()).isEqualTo("one two");
        }
        assertThat(orchestrator.chat(REQUEST).text()).isEqualTo("from the second");
    }
}
