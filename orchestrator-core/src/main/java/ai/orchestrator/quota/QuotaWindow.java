package ai.orchestrator.quota;

/** Over which time a quota counts. */
public enum QuotaWindow {

    /** The last 60 seconds at any moment. */
    MINUTE("per minute"),

    /** A calendar day in the zone of the settings. */
    DAY("per day");

    private final String text;

    QuotaWindow(String text) {
        this.text = text;
    }

    @Override
    public String toString() {
        return text;
    }
}
