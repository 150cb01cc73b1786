/** Talks to providers over HTTP: one dialect per vendor family. Decides nothing. */
module ai.orchestrator.providers {
    requires transitive ai.orchestrator.core;
    requires transitive okhttp3;
    requires okio;
    requires com.fasterxml.jackson.databind;
    requires static transitive org.jspecify;

    exports ai.orchestrator.providers;

    provides ai.orchestrator.provider.ChatProviderFactory with
            ai.orchestrator.providers.HttpProviderFactory;
}
