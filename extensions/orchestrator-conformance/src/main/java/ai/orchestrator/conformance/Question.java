package ai.orchestrator.conformance;

/** What is asked where only the answer counts. */
final class Question {

    /** Accepted by nobody. */
    static final String KEY = "not-a-key-0123456789";

    /** A name that no dialect has rules for. */
    static final String MODEL = "model-1";

    static final String TEXT = "Why is the sky blue?";

    private Question() {}
}
