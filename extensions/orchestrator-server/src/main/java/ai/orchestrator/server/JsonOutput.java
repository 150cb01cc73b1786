package ai.orchestrator.server;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.Trail;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;

/** What {@code --json} prints. A key without a value is absent. */
final class JsonOutput {

    private static final ObjectMapper MAPPER = new ObjectMapper();

    private JsonOutput() {}

    static String answer(ChatResponse answer) {
        ObjectNode json = MAPPER.createObjectNode();
        json.put("answer", answer.text());
        json.put("provider", answer.provider());
        if (!answer.model().isEmpty()) {
            json.put("model", answer.model());
        }
        json.put("finish_reason", answer.finishReason().name().toLowerCase(Locale.ROOT));
        answer.usage()
                .ifPresent(usage -> json.putObject("usage")
                        .put("input_tokens", usage.inputTokens())
                        .put("output_tokens", usage.outputTokens())
                        .put("total_tokens", usage.totalTokens()));
        return withTrail(json, answer.trail());
    }

    /** A piece of an answer that comes; empty for what the end has as well. */
    static Optional<String> event(ChatEvent event) {
        ObjectNode json = MAPPER.createObjectNode();
        if (event instanceof ChatEvent.Text piece) {
            json.put("text", piece.text());
        } else if (event instanceof ChatEvent.Reasoning piece) {
            json.put("reasoning", piece.text());
        } else if (event instanceof ChatEvent.Restarted restarted) {
            json.putObject("restarted")
                    .put("provider", restarted.provider())
                    .put("kind", restarted.kind().name());
        }
        return json.isEmpty() ? Optional.empty() : Optional.of(json.toString());
    }

    static String error(OrchestratorException error) {
        ObjectNode json = MAPPER.createObjectNode();
        ObjectNode described = json.putObject("error")
                .put("type", error.getClass().getSimpleName())
                .put("message", error.getMessage());
        if (!error.partialText().isEmpty()) {
            described.put("partial_text", error.partialText());
        }
        if (error instanceof AllProvidersFailedException failed) {
            failed.earliestRetry().ifPresent(wait -> described.put("retry_in_ms", wait.toMillis()));
        }
        return withTrail(json, error.trail());
    }

    private static String withTrail(ObjectNode json, Trail trail) {
        json.put("elapsed_ms", trail.elapsed().toMillis());
        ArrayNode steps = json.putArray("trail");
        for (Trail.Step step : trail.steps()) {
            ObjectNode entry = steps.addObject().put("provider", step.provider());
            if (step instanceof Trail.Answered answered) {
                entry.put("outcome", "answered");
                putWait(entry, answered.waited());
                entry.put("took_ms", answered.took().toMillis());
            } else if (step instanceof Trail.Failed failed) {
                entry.put("outcome", "failed").put("kind", failed.kind().name());
                failed.status().ifPresent(status -> entry.put("status", status));
                putUnlessEmpty(entry, "code", failed.code());
                putUnlessEmpty(entry, "request_id", failed.requestId());
                failed.retryAfter().ifPresent(wait -> entry.put("retry_after_ms", wait.toMillis()));
                putWait(entry, failed.waited());
                entry.put("reason", failed.reason())
                        .put("took_ms", failed.took().toMillis());
            } else if (step instanceof Trail.Skipped skipped) {
                entry.put("outcome", "skipped").put("reason", skipped.reason());
                skipped.retryIn().ifPresent(wait -> entry.put("retry_in_ms", wait.toMillis()));
            }
        }
        return json.toString();
    }

    private static void putUnlessEmpty(ObjectNode entry, String key, String value) {
        if (!value.isEmpty()) {
            entry.put(key, value);
        }
    }

    private static void putWait(ObjectNode entry, Duration waited) {
        if (!waited.isZero()) {
            entry.put("waited_ms", waited.toMillis());
        }
    }
}
