package ai.orchestrator.secrets;

/** The keys that this module's tests use, recognisable wherever they turn up. */
public final class PlantedKeys {

    /** Part of every planted key, and of nothing else. */
    public static final String MARK = "PLANTED";

    /** A key as most vendors write it. */
    public static final String KEY = "planted-" + MARK + "-0123456789abcdef";

    private PlantedKeys() {}
}
