package ai.orchestrator.providers;

import java.util.List;

/**
 * Ends a text that comes in pieces before the first stop sequence in it, where a server leaves it in. Holds back only what may be the beginning
 * of one. For one thread at a time.
 */
final class StopSequences {

    private final List<String> sequences;
    private String held = "";
    private boolean reached;

    StopSequences(List<String> sequences) {
        this.sequences = List.copyOf(sequences);
    }

    /**
     * Takes a piece.
     *
     * @return what can be shown by now
     */
    String accept(String piece) {
        if (sequences.isEmpty()) {
            return piece;
        }
        held += piece;
        return shown(false);
    }

    /** What was held back in vain, now that nothing follows. */
    String rest() {
        return shown(true);
    }

    /** Whether the text has ended. */
    boolean isReached() {
        return reached;
    }

    private String shown(boolean complete) {
        int end = 0;
        while (!reached && end < held.length()) {
            if (begins(end)) {
                reached = true;
            } else if (!complete && mayBegin(end)) {
                break;
            } else {
                end++;
            }
        }
        String shown = held.substring(0, end);
        held = reached ? "" : held.substring(end);
        return shown;
    }

    private boolean begins(int at) {
        return sequences.stream().anyMatch(sequence -> held.startsWith(sequence, at));
    }

    private boolean mayBegin(int at) {
        int left = held.length() - at;
        return sequences.stream()
                .anyMatch(sequence -> left < sequence.length() && held.regionMatches(at, sequence, 0, left));
    }
}
