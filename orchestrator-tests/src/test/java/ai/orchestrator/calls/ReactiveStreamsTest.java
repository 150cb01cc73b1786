package ai.orchestrator.calls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import ai.orchestrator.Orchestrator;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Flow;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.tck.TestEnvironment;
import org.reactivestreams.tck.flow.FlowPublisherVerification;
import org.testng.SkipException;
import org.testng.annotations.Test;

/** The Reactive Streams verification over what {@link Orchestrator#publish} returns. */
@Timeout(120)
class ReactiveStreamsTest {

    /** The rules that the verification names but has no test for, in its words; {@link PublishingTest} has some. */
    private static final String UNTESTED = "Not verified by this TCK.";

    /** Each test that does not apply, and why. */
    private static final Map<String, String> NOT_APPLICABLE = Map.of(
            "untested_spec106_mustConsiderSubscriptionCancelledAfterOnErrorOrOnCompleteHasBeenCalled", UNTESTED,
            "untested_spec107_mustNotEmitFurtherSignalsOnceOnErrorHasBeenSignalled", UNTESTED,
            "untested_spec108_possiblyCanceledSubscriptionShouldNotReceiveOnErrorOrOnCompleteSignals", UNTESTED,
            "untested_spec109_subscribeShouldNotThrowNonFatalThrowable", UNTESTED,
            "untested_spec110_rejectASubscriptionRequestIfTheSameSubscriberSubscribesTwice", UNTESTED,
            "untested_spec304_requestShouldNotPerformHeavyComputations", UNTESTED,
            "untested_spec305_cancelMustNotSynchronouslyPerformHeavyComputation", UNTESTED);

    private static final Orchestrator orchestrator = Orchestrator.builder()
            .provider(
                    "counting",
                    p -> p.chatProvider((request, delivery, deadline, cancellation, sink) -> {
                        long texts = request.seed().orElseThrow();
                        for (long i = 0; i < texts && !cancellation.isCancelled(); i++) {
                            sink.event(new ChatEvent.Text("x"));
                        }
                        sink.event(new ChatEvent.Finished(FinishReason.STOP));
                    }))
            .build();

    private static final Orchestrator failing = Orchestrator.builder()
            .provider(
                    "failing",
                    p -> p.chatProvider((request, delivery, deadline, cancellation, sink) -> {
                        throw ProviderException.of(FailureKind.CREDENTIAL, "no such key");
                    }))
            .build();

    @AfterAll
    static void close() {
        orchestrator.close();
        failing.close();
    }

    /** A stream has at least one event: the end of the answer. */
    private static final class Verification extends FlowPublisherVerification<ChatEvent> {

        private static final long TIMEOUT_MILLIS = 2_000;
        private static final long SILENCE_MILLIS = 100;

        private Verification() {
            super(new TestEnvironment(TIMEOUT_MILLIS, SILENCE_MILLIS));
        }

        @Override
        public Flow.Publisher<ChatEvent> createFlowPublisher(long elements) {
            return orchestrator.publish(ChatRequest.builder()
                    .user("count")
                    .seed(Math.max(0, elements - 1))
                    .build());
        }

        @Override
        public Flow.Publisher<ChatEvent> createFailedFlowPublisher() {
            return failing.publish(ChatRequest.of("hello"));
        }
    }

    @TestFactory
    Stream<DynamicTest> publishing_follows_the_rules_of_Reactive_Streams() {
        Map<String, String> skipped = new TreeMap<>();
        Stream<DynamicTest> rules = Stream.of(Verification.class.getMethods())
                .filter(method -> method.isAnnotationPresent(Test.class))
                .sorted(Comparator.comparing(Method::getName))
                .map(method -> dynamicTest(method.getName(), () -> verify(method, skipped)));
        return Stream.concat(
                rules,
                Stream.of(dynamicTest(
                        "what does not apply is known",
                        () -> assertThat(skipped).isEqualTo(NOT_APPLICABLE))));
    }

    private static void verify(Method method, Map<String, String> skipped) throws Throwable {
        Verification verification = new Verification();
        verification.setUp();
        try {
            method.invoke(verification);
        } catch (InvocationTargetException e) {
            if (!(e.getCause() instanceof SkipException)) {
                throw e.getCause();
            }
            skipped.put(method.getName(), String.valueOf(e.getCause().getMessage()));
        }
    }
}
