package ai.orchestrator.simulation;

import ai.orchestrator.provider.FailureKind;

/** The table of docs/failures.md, written once more from it. */
enum AfterFailure {
    /** Another provider at once; the same one when none is left. */
    NEXT,
    /** The same one once, then another. */
    HERE_ONCE,
    /** Another provider, never the same. */
    NEXT_ONLY,
    END;

    static AfterFailure of(FailureKind kind, boolean silent, boolean passesFilteredOn) {
        return switch (kind) {
            case NETWORK, OVERLOADED, MODEL_LOADING, RATE_LIMITED, TRUNCATED -> NEXT;
            case TIMEOUT -> silent ? NEXT_ONLY : NEXT;
            case SERVER, TOOL_GENERATION, CONFLICT, MALFORMED -> HERE_ONCE;
            case QUOTA_EXHAUSTED, CREDENTIAL, PERMISSION, MODEL_NOT_FOUND, CONTEXT_TOO_LONG -> NEXT_ONLY;
            case CONTENT_FILTERED -> passesFilteredOn ? NEXT_ONLY : END;
            case BAD_REQUEST, CANCELLED -> END;
        };
    }

    boolean allowsRetry() {
        return this == NEXT || this == HERE_ONCE;
    }

    static boolean isFailureForBreaker(FailureKind kind) {
        return switch (kind) {
            case NETWORK, TIMEOUT, OVERLOADED, SERVER, MALFORMED, TRUNCATED -> true;
            default -> false;
        };
    }

    static boolean isRequestsFault(FailureKind kind) {
        return switch (kind) {
            case CONTEXT_TOO_LONG, CONTENT_FILTERED, BAD_REQUEST, CANCELLED -> true;
            default -> false;
        };
    }
}
