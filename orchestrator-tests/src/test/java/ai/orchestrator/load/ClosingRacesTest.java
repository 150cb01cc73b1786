package ai.orchestrator.load;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.CallCancelledException;
import ai.orchestrator.CallOptions;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An orchestrator is closed while calls are anywhere on their way. */
@Timeout(60)
class ClosingRacesTest {

    private static final int ORCHESTRATORS = 400;
    private static final int CALLERS = 4;

    private static final ChatProvider REFUSING = (request, delivery, deadline, cancellation, sink) -> {
        throw ProviderException.of(FailureKind.CONTENT_FILTERED, "not about that");
    };

    private final ExecutorService callers = Executors.newFixedThreadPool(CALLERS);

    @AfterEach
    void release() throws InterruptedException {
        callers.shutdownNow();
        assertThat(callers.awaitTermination(Patience.SECONDS, TimeUnit.SECONDS)).isTrue();
    }

    /** Looks all the time whether it is to end: it goes from one provider to the next, and never waits. */
    private static Orchestrator orchestrator() {
        Orchestrator.Builder builder =
                Orchestrator.builder().failOverOnContentFilter(true).drainTimeout(Duration.ZERO);
        for (int i = 0; i < 100; i++) {
            builder.provider("p" + i, p -> p.chatProvider(REFUSING));
        }
        return builder.build();
    }

    private static CallCancelledException.Reason askUntilCancelled(Orchestrator orchestrator, CallOptions options) {
        while (true) {
            try {
                orchestrator.chat(ChatRequest.of("hello"), options);
            } catch (CallCancelledException e) {
                return e.reason();
            } catch (OrchestratorException e) {
                // Once more.
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void a_call_that_ends_because_the_orchestrator_is_closed_says_so(boolean shared) throws Exception {
        Map<CallCancelledException.Reason, Integer> reasons = new EnumMap<>(CallCancelledException.Reason.class);
        CallOptions options = CallOptions.defaults().withCache(shared);
        for (int i = 0; i < ORCHESTRATORS; i++) {
            List<Future<CallCancelledException.Reason>> asking = new ArrayList<>();
            try (Orchestrator orchestrator = orchestrator()) {
                for (int j = 0; j < CALLERS; j++) {
                    asking.add(callers.submit(() -> askUntilCancelled(orchestrator, options)));
                }
                Patience.moment();
            }
            for (Future<CallCancelledException.Reason> reason : asking) {
                reasons.merge(reason.get(Patience.SECONDS, TimeUnit.SECONDS), 1, Integer::sum);
            }
        }
        assertThat(reasons).containsOnlyKeys(CallCancelledException.Reason.CLOSED);
    }
}
