package ai.orchestrator;

import java.util.List;

/** A configuration was refused as a whole. The message lists every mistake, each with its key and what is allowed; nothing was sent. */
public final class ConfigurationException extends OrchestratorException {

    private static final long serialVersionUID = 1L;

    /** An array, because an exception can be serialized and a list need not be. */
    private final String[] mistakes;

    /**
     * Refuses a configuration.
     *
     * @param source where it came from, such as a file's name
     * @param mistakes one sentence each, without secrets; at least one
     */
    public ConfigurationException(String source, List<String> mistakes) {
        super(message(source, mistakes), null);
        this.mistakes = mistakes.toArray(new String[0]);
    }

    private static String message(String source, List<String> mistakes) {
        if (mistakes.isEmpty()) {
            throw new IllegalArgumentException("a refused configuration has at least one mistake");
        }
        return mistakes.size() == 1
                ? source + ": " + mistakes.get(0)
                : source + ": " + mistakes.size() + " mistakes\n  " + String.join("\n  ", mistakes);
    }

    /**
     * Everything that is wrong.
     *
     * @return one sentence for each mistake, unmodifiable
     */
    public List<String> mistakes() {
        return List.of(mistakes);
    }
}
