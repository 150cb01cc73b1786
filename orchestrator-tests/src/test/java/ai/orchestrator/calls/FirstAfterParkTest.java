package ai.orchestrator.calls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.CallCancelledException;
import ai.orchestrator.CallOptions;
import ai.orchestrator.Orchestrator;
import ai.orchestrator.RetrySettings;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.testkit.SimulatedTimeSource;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A provider that was parked is tried by one call first, and nobody knows more of it if that call is cancelled. */
@Timeout(60)
class FirstAfterParkTest {

    private static final ChatRequest REQUEST = ChatRequest.of("hello");

    private final SimulatedTimeSource time = new SimulatedTimeSource();
    private final Script provider = new Script((cancellation, sink) -> {
        sink.connected();
        CountDownLatch cancelled = new CountDownLatch(1);
        try (Cancellation.Registration registration = cancellation.onCancel(cancelled::countDown)) {
            boolean wasCancelled = time.await(cancelled, TimeUnit.MILLISECONDS.toNanos(100));
            throw ProviderException.of(
                    wasCancelled ? FailureKind.CANCELLED : FailureKind.RATE_LIMITED, "as the test wants it");
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    });
    private final Orchestrator orchestrator = Orchestrator.builder()
            .timeSource(time)
            .provider(
                    "only",
                    p -> p.chatProvider(provider)
                            .retry(RetrySettings.builder().maxAttempts(1).build()))
            .build();

    @AfterEach
    void close() {
        orchestrator.close();
        time.close();
    }

    private void askAt(long millis, String skipped) {
        time.start(
                Duration.ofMillis(millis),
                () -> assertThatThrownBy(() -> orchestrator.chat(REQUEST))
                        .isInstanceOf(AllProvidersFailedException.class)
                        .satisfies(e -> assertThat(((AllProvidersFailedException) e)
                                        .trail()
                                        .toString())
                                .contains(skipped)));
    }

    private void askAndCancelAt(long millis, long cancelled) {
        Cancellation cancellation = new Cancellation();
        time.start(
                Duration.ofMillis(millis),
                () -> assertThatThrownBy(() -> orchestrator.chat(
                                REQUEST, CallOptions.defaults().withCancellation(cancellation)))
                        .isInstanceOf(CallCancelledException.class));
        time.start(Duration.ofMillis(cancelled), cancellation::cancel);
    }

    @Test
    void when_the_first_call_is_cancelled_another_one_goes_first_and_the_rest_keep_away() {
        askAt(0, "RATE_LIMITED");
        askAndCancelAt(2_000, 2_050);
        askAt(2_040, "another call tries it first");
        askAt(2_060, "RATE_LIMITED");
        askAt(2_070, "another call tries it first");

        time.run();

        assertThat(provider.calls()).isEqualTo(3);
    }

    @Test
    void a_cancelled_first_call_does_not_break_the_row_of_rate_limits() {
        askAt(0, "RATE_LIMITED");
        askAndCancelAt(2_000, 2_050);
        askAt(3_000, "RATE_LIMITED");
        askAt(4_500, "parked for 600 ms after RATE_LIMITED");

        time.run();
    }
}
