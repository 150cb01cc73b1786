package ai.orchestrator.providers;

import ai.orchestrator.provider.ProviderOption;
import ai.orchestrator.provider.ProviderTarget;
import java.util.List;
import java.util.regex.Pattern;
import okhttp3.HttpUrl;

/**
 * How Azure serves the OpenAI dialect. A deployment has an address of its own and the interface a version by date; under an address that ends
 * with {@code /v1}, the deployment is named in the body and no version is needed.
 */
final class AzureOpenAi {

    private static final String API_VERSION = "api-version";
    private static final String AUTH = "auth";
    private static final String DEPLOYED_MODEL = "deployed-model";

    /** The latest one that is no preview. */
    private static final String DEFAULT_VERSION = "2024-10-21";

    /** The first version that takes {@code stream_options}; earlier ones refuse what they do not know. */
    private static final String STREAM_OPTIONS_SINCE = "2024-09-01";

    private AzureOpenAi() {}

    static List<ProviderOption> options() {
        return List.of(
                ProviderOption.optional(
                        API_VERSION,
                        Pattern.compile("\\d{4}-\\d{2}-\\d{2}(?:-preview)?|v1|preview|latest"),
                        "a date such as 2024-10-21 or 2025-04-01-preview; at an address that ends with /v1 also v1,"
                                + " preview or latest",
                        "the version of the interface; by default the one that the address goes with"),
                ProviderOption.of(
                        AUTH,
                        "api-key",
                        Pattern.compile("api-key|bearer"),
                        "api-key or bearer",
                        "which header carries the key"),
                ProviderOption.optional(
                        DEPLOYED_MODEL,
                        Pattern.compile("[\\x21-\\x7e]{1,200}"),
                        "the name of the model that the deployment runs, such as gpt-5-mini",
                        "what the deployment runs, which decides what may be asked of it; by default what its name says"));
    }

    /** Where to post. The address may be the whole one that Azure's portal shows, but for its query. */
    static HttpUrl chatCompletions(ProviderTarget target) {
        HttpUrl base = Endpoint.without(Endpoint.base(target.baseUrl()), "chat", "completions");
        HttpUrl.Builder url = base.newBuilder();
        if (base.pathSegments().contains("deployments")) {
            addVersion(target, url);
        } else if (Endpoint.endsWith(base, "v1")) {
            target.option(API_VERSION).ifPresent(version -> url.addQueryParameter(API_VERSION, version));
        } else {
            if (!Endpoint.endsWith(base, "openai")) {
                url.addPathSegment("openai");
            }
            url.addPathSegment("deployments").addPathSegment(target.model());
            addVersion(target, url);
        }
        return url.addPathSegments("chat/completions").build();
    }

    /** The resource's list of models: "Models - List" of the data plane's reference, which is not below a deployment. */
    static HttpUrl models(ProviderTarget target) {
        HttpUrl base = Endpoint.without(chatCompletions(target), "chat", "completions");
        HttpUrl.Builder url = base.newBuilder();
        int deployments = base.pathSegments().indexOf("deployments");
        for (int last = base.pathSize() - 1; deployments >= 0 && last >= deployments; last--) {
            url.removePathSegment(last);
        }
        return url.addPathSegment("models").build();
    }

    private static void addVersion(ProviderTarget target, HttpUrl.Builder url) {
        url.addQueryParameter(API_VERSION, target.option(API_VERSION).orElse(DEFAULT_VERSION));
    }

    /** Whether the key is a token of Entra ID. */
    static boolean sendsBearer(ProviderTarget target) {
        return target.option(AUTH).filter("bearer"::equals).isPresent();
    }

    static boolean knowsStreamOptions(ProviderTarget target) {
        // The words for the latest version sort behind every date.
        return target.option(API_VERSION).orElse(DEFAULT_VERSION).compareTo(STREAM_OPTIONS_SINCE) >= 0;
    }

    /** Whose rules hold: a deployment may have any name. */
    static String deployedModel(ProviderTarget target) {
        return target.option(DEPLOYED_MODEL).orElse(target.model());
    }
}
