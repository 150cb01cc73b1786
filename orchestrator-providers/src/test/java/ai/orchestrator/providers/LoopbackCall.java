package ai.orchestrator.providers;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.provider.ProviderTarget;
import ai.orchestrator.provider.ProviderType;
import ai.orchestrator.time.Deadline;
import ai.orchestrator.time.TimeSource;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import mockwebserver3.MockWebServer;

/** One call to a server in this process. */
final class LoopbackCall {

    private LoopbackCall() {}

    static void streamed(MockWebServer server) {
        chat(server, Delivery.STREAMED);
    }

    static void whole(MockWebServer server) {
        chat(server, Delivery.WHOLE);
    }

    private static void chat(MockWebServer server, Delivery delivery) {
        try (HttpProviderFactory factory = new HttpProviderFactory()) {
            ProviderType type = factory.types().stream()
                    .filter(candidate -> candidate.name().equals("vllm"))
                    .findFirst()
                    .orElseThrow();
            ProviderTarget target = new ProviderTarget(
                    "test", type, server.url("/v1").uri(), "m", Optional.of("sk-made-up-1234567890"), Map.of());
            factory.create(target, InstantSource.system())
                    .chat(
                            ChatRequest.of("Hello"),
                            delivery,
                            Deadline.after(TimeSource.system(), Duration.ofSeconds(20)),
                            new Cancellation(),
                            new IgnoringSink());
        }
    }

    private static final class IgnoringSink implements EventSink {

        @Override
        public void connected() {}

        @Override
        public void alive() {}

        @Override
        public void event(ChatEvent event) {}
    }
}
