package ai.orchestrator.providers;

import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.EventSink;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import okhttp3.Request;

/** How one family of vendors writes requests and answers. Immutable and safe for use by several threads. */
interface Dialect {

    /** As {@link ai.orchestrator.provider.ChatProvider#unsupported}; for the message, begins with the option's name. */
    Optional<String> unsupported(ChatRequest request);

    /** Where and with which headers to post, the key among them. */
    Request.Builder http(Delivery delivery);

    /**
     * What to get, with which headers, to learn whether the provider can be reached and takes its key; empty if there is nothing that costs
     * nothing.
     */
    Optional<Request.Builder> check();

    /**
     * What to post.
     *
     * @throws ai.orchestrator.provider.ProviderException of kind BAD_REQUEST if the caller's own JSON is none
     */
    ObjectNode json(ChatRequest request, Delivery delivery);

    /** How its streams are cut into pieces. */
    default StreamFormat streamFormat() {
        return StreamFormat.SERVER_SENT_EVENTS;
    }

    /** Reads one answer to the request. */
    AnswerDecoder decoder(ChatRequest request, AnswerHead head, EventSink sink);

    /** Over which a limit counts where the vendor does not say so in its headers, by the headers' subject. */
    default Map<String, Duration> rateLimitWindows() {
        return Map.of();
    }
}
