package ai.orchestrator.quota;

import java.util.Locale;

/** What a quota counts. */
public enum QuotaUnit {

    /** Attempts, each as one. */
    REQUESTS("request"),

    /** Tokens of requests and answers together. */
    TOKENS("token");

    private final String noun;

    QuotaUnit(String noun) {
        this.noun = noun;
    }

    /** For example {@code 14,400 requests}. */
    String count(long number) {
        return grouped(number) + " " + noun + (number == 1 ? "" : "s");
    }

    static String grouped(long number) {
        return String.format(Locale.ROOT, "%,d", number);
    }
}
