package ai.orchestrator.benchmarks;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.FinishReason;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.ChatProvider;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import ai.orchestrator.time.Deadline;

/** Answers at once and costs nothing itself: its events are made beforehand. */
final class InMemoryProvider implements ChatProvider {

    private static final ChatEvent TEXT = new ChatEvent.Text("Because air scatters blue light more than red.");
    private static final ChatEvent FINISHED = new ChatEvent.Finished(FinishReason.STOP);

    @Override
    public void chat(
            ChatRequest request, Delivery delivery, Deadline deadline, Cancellation cancellation, EventSink sink) {
        sink.connected();
        sink.event(TEXT);
        sink.event(FINISHED);
    }
}
