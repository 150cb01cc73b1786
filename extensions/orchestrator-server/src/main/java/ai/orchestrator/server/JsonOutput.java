package ai.orchestrator.server;

import ai.orchestrator.AllProvidersFailedException;
import ai.orchestrator.ConfigurationException;
import ai.orchestrator.ConfigurationException.Mistake;
import ai.orchestrator.OrchestratorException;
import ai.orchestrator.OrchestratorStatus;
import ai.orchestrator.ProviderStatus;
import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.config.ConfigReport;
import ai.orchestrator.config.ConfigValue;
import ai.orchestrator.health.HealthCheck;
import ai.orchestrator.health.ProviderHealth;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
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
        if (error instanceof ConfigurationException refused) {
            put(refused.mistakes(), described.putArray("mistakes"));
        }
        return withTrail(json, error.trail());
    }

    /** What is in force, defaults included, and what is wrong. */
    static String check(Path file, ConfigReport report) {
        ObjectNode json = MAPPER.createObjectNode().put("file", file.toString());
        ArrayNode values = json.putArray("values");
        for (ConfigValue value : report.values()) {
            ObjectNode entry = values.addObject().put("key", value.key()).put("value", value.value());
            value.origin().ifPresent(origin -> entry.put("origin", origin));
        }
        put(report.mistakes(), json.putArray("mistakes"));
        put(report.warnings(), json.putArray("warnings"));
        return json.toString();
    }

    private static void put(List<Mistake> mistakes, ArrayNode json) {
        for (Mistake mistake : mistakes) {
            ObjectNode entry = json.addObject();
            mistake.source().ifPresent(source -> entry.put("source", source));
            mistake.line().ifPresent(line -> entry.put("line", line));
            putUnlessEmpty(entry, "key", mistake.key());
            mistake.value().ifPresent(value -> entry.put("value", value));
            entry.put("problem", mistake.problem());
            mistake.nearest().ifPresent(nearest -> entry.put("nearest", nearest));
        }
    }

    /** Durations in milliseconds, but in the breaker's own map, where they are seconds. */
    static String status(OrchestratorStatus status) {
        ObjectNode json = MAPPER.createObjectNode();
        json.put("at", status.at().toString());
        ArrayNode providers = json.putArray("providers");
        status.providers().forEach(provider -> put(provider, providers.addObject()));
        ArrayNode routes = json.putArray("routes");
        status.routes()
                .forEach(route -> routes.addObject()
                        .put("name", route.name())
                        .put("strategy", route.strategy())
                        .set("providers", MAPPER.valueToTree(route.providers())));
        return json.toString();
    }

    private static void put(ProviderStatus provider, ObjectNode json) {
        json.put("name", provider.name());
        provider.type().ifPresent(type -> json.put("type", type));
        provider.model().ifPresent(model -> json.put("model", model));
        json.put("enabled", provider.enabled())
                .put("priority", provider.priority())
                .put("weight", provider.weight())
                .set(
                        "circuit_breaker",
                        MAPPER.valueToTree(provider.circuitBreaker().toMap()));
        ProviderHealth health = provider.health();
        ObjectNode recent = json.putObject("health")
                .put("attempts", health.attempts())
                .put("successes", health.successes())
                .put("success_rate", health.successRate())
                .put("score", provider.score());
        health.meanLatency().ifPresent(mean -> recent.put("mean_latency_ms", mean.toNanos() / 1e6));
        json.put("quota_left", provider.quotaLeft());
        ArrayNode quotas = json.putArray("quotas");
        provider.quotas()
                .forEach(quota -> quotas.addObject()
                        .put("unit", quota.unit().name().toLowerCase(Locale.ROOT))
                        .put("window", quota.window().name().toLowerCase(Locale.ROOT))
                        .put("limit", quota.limit())
                        .put("used", quota.used())
                        .put("left", quota.left())
                        .put("resets_in_ms", quota.resetsIn().toMillis()));
        json.put("deprioritized", provider.deprioritized());
        provider.parked()
                .ifPresent(parked -> json.putObject("parked")
                        .put("kind", parked.kind().name())
                        .put("left_ms", parked.left().toMillis()));
        provider.lastCheck().ifPresent(check -> put(check, json.putObject("check")));
        json.putObject("attempts")
                .put("answered", provider.attempts().answered())
                .put("failed", provider.attempts().failed())
                .put("abandoned", provider.attempts().abandoned())
                .put("under_way", provider.attempts().underWay());
    }

    private static void put(HealthCheck check, ObjectNode json) {
        json.put("outcome", check.outcome().name().toLowerCase(Locale.ROOT));
        check.failure().ifPresent(kind -> json.put("kind", kind.name()));
        putUnlessEmpty(json, "reason", check.reason());
        json.put("at", check.at().toString())
                .put("took_ms", check.took().toMillis())
                .put("age_ms", check.age().toMillis());
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
            } else if (step instanceof Trail.Cached cached) {
                entry.put("outcome", "cached").put("age_ms", cached.age().toMillis());
            } else if (step instanceof Trail.Joined joined) {
                entry.put("outcome", "joined")
                        .put("under_way_ms", joined.underWay().toMillis());
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
