package ai.orchestrator.scenarios;

import ai.orchestrator.testkit.Reply;
import ai.orchestrator.testkit.ScriptedServer.ReceivedRequest;

/** Chat completions of a deployment, with what its filters found in front, and hints that one header gives and another denies. */
final class AzureWire extends OpenAiWire {

    private static final String FILTERED =
            "\"prompt_filter_results\":[{\"prompt_index\":0,\"content_filter_results\":{\"violence\":"
                    + "{\"filtered\":false,\"severity\":\"safe\"}}}]";

    @Override
    public String baseUrl(String address) {
        return address.replace("/v1", "");
    }

    @Override
    public boolean understands(ReceivedRequest request) {
        return request.path().matches("/openai/deployments/[^/]+/chat/completions\\?api-version=\\d{4}-\\d{2}-\\d{2}")
                && isQuestion(request.body());
    }

    @Override
    public String answer(String text, String model) {
        return super.answer(text, model).replaceFirst("}$", "," + FILTERED + "}");
    }

    @Override
    public String start(String model) {
        return "data: {\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\"," + FILTERED + "}\n\n";
    }

    @Override
    public Reply error(Fault fault) {
        return switch (fault) {
            case LIMITED -> error(429, "\"code\":\"RateLimitReached\",\"message\":\"too many requests\"");
            case BROKEN -> error(500, "\"code\":\"InternalServerError\",\"message\":\"broken\"");
            case DOWN -> error(503, "\"code\":\"ServiceUnavailable\",\"message\":\"down\"");
        };
    }

    private static Reply error(int status, String fields) {
        return Reply.status(status, "{\"error\":{" + fields + "}}");
    }

    @Override
    public Reply limitedFor(int seconds) {
        return super.limitedFor(seconds).withHeader("retry-after-ms", "0");
    }

    @Override
    public Refusal refusal(boolean streamed, String model) {
        return new Refusal(
                error(
                        400,
                        "\"message\":\"not about that\",\"type\":null,\"param\":\"prompt\",\"code\":\"content_filter\","
                                + "\"status\":400,\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\","
                                + "\"content_filter_result\":{\"violence\":{\"filtered\":true,\"severity\":\"high\"}}}"),
                "ResponsibleAIPolicyViolation",
                "not about that");
    }
}
