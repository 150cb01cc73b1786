package ai.orchestrator.server;

import ai.orchestrator.breaker.CircuitState;

/** Colours of a terminal that takes ANSI escape sequences. */
enum Paint {
    RED(31),
    GREEN(32),
    YELLOW(33),
    BOLD(1);

    private final int code;

    Paint(int code) {
        this.code = code;
    }

    String on(String text) {
        return "\u001B[" + code + "m" + text + "\u001B[0m";
    }

    static Paint of(CircuitState state) {
        return switch (state) {
            case CLOSED, DISABLED -> GREEN;
            case HALF_OPEN -> YELLOW;
            case OPEN, FORCED_OPEN -> RED;
        };
    }
}
