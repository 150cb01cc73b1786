package ai.orchestrator.providers;

import java.net.URI;
import java.util.List;
import okhttp3.HttpUrl;

/** Where a dialect posts: a configured address, and what the dialect puts behind it. */
final class Endpoint {

    private Endpoint() {}

    /** The address without the slash at its end, which says nothing. */
    static HttpUrl base(URI address) {
        HttpUrl url = HttpUrl.get(address.toString());
        HttpUrl.Builder builder = url.newBuilder();
        for (int last = url.pathSize() - 1;
                last > 0 && url.encodedPathSegments().get(last).isEmpty();
                last--) {
            builder.removePathSegment(last);
        }
        return builder.build();
    }

    /** The address with the segments behind it, once: documents and portals often show it with them. */
    static HttpUrl of(URI address, String... segments) {
        HttpUrl base = base(address);
        return endsWith(base, segments)
                ? base
                : base.newBuilder().addPathSegments(String.join("/", segments)).build();
    }

    /** The address without the segments at its end, if they are there. */
    static HttpUrl without(HttpUrl url, String... segments) {
        if (!endsWith(url, segments)) {
            return url;
        }
        HttpUrl.Builder builder = url.newBuilder();
        for (int i = 1; i <= segments.length; i++) {
            builder.removePathSegment(url.pathSize() - i);
        }
        return builder.build();
    }

    static boolean endsWith(HttpUrl url, String... segments) {
        List<String> path = url.encodedPathSegments();
        int from = path.size() - segments.length;
        return from >= 0 && path.subList(from, path.size()).equals(List.of(segments));
    }
}
