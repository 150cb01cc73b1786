package ai.orchestrator.config;

import ai.orchestrator.ConfigurationException.Mistake;

/**
 * Where a value comes from.
 *
 * @param rank later ones win
 * @param source what a mistake there is said to be in; empty for what nobody has set
 * @param line the line in a file, from 1; 0 elsewhere
 */
record Origin(Rank rank, String source, int line) {

    /** In ascending order. */
    enum Rank {
        DEFAULT,
        FILE,
        ENVIRONMENT,
        SYSTEM_PROPERTY,
        PROGRAM
    }

    static final Origin DEFAULT = new Origin(Rank.DEFAULT, "", 0);
    static final Origin PROGRAM = new Origin(Rank.PROGRAM, "set by the program", 0);

    static Origin file(String file, int line) {
        return new Origin(Rank.FILE, file, line);
    }

    static Origin environment(String variable) {
        return new Origin(Rank.ENVIRONMENT, "environment variable " + variable, 0);
    }

    static Origin systemProperty(String name) {
        return new Origin(Rank.SYSTEM_PROPERTY, "system property " + name, 0);
    }

    /** For people who have the file before them. */
    String text() {
        return switch (rank) {
            case DEFAULT -> "default";
            case FILE -> "line " + line;
            default -> source;
        };
    }

    Mistake of(Mistake mistake) {
        return rank == Rank.DEFAULT ? mistake : mistake.in(source, line);
    }
}
