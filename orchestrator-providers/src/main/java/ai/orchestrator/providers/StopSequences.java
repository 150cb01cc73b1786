package ai.orchestrator.providers;

import java.util.List;

/**
 * Ends a text that comes in pieces before the first stop sequence in it, where a server leaves it in. Holds back only what may be the beginning
 * of one. Looks at each character once, whatever the text and the sequences are. For one thread at a time.
 */
final class StopSequences {

    private static final int NOWHERE = Integer.MAX_VALUE;

    private final List<Search> searches;

    /** What is not shown yet, and where in the text it begins. */
    private String held = "";

    private int heldFrom;

    /** Where the first sequence begins that is whole; one that begins earlier may not be whole yet. */
    private int found = NOWHERE;

    private boolean reached;

    StopSequences(List<String> sequences) {
        this.searches = sequences.stream().map(Search::new).toList();
    }

    /**
     * Takes a piece.
     *
     * @return what can be shown by now
     */
    String accept(String piece) {
        if (searches.isEmpty()) {
            return piece;
        }
        String text = held + piece;
        for (int at = held.length(); at < text.length() && !reached; at++) {
            int taken = heldFrom + at + 1;
            for (Search search : searches) {
                if (search.take(text.charAt(at))) {
                    found = Math.min(found, taken - search.length());
                }
            }
            reached = found <= taken - longestBeginning();
        }
        return reached ? last(text) : show(text, text.length() - longestBeginning());
    }

    /** What was held back in vain, now that nothing follows. */
    String rest() {
        reached |= found != NOWHERE;
        return reached ? last(held) : show(held, held.length());
    }

    /** Whether the text has ended. */
    boolean isReached() {
        return reached;
    }

    private String show(String text, int end) {
        held = text.substring(end);
        heldFrom += end;
        return text.substring(0, end);
    }

    /** What stands before the sequence that ends the text. */
    private String last(String text) {
        String shown = show(text, found - heldFrom);
        held = "";
        return shown;
    }

    private int longestBeginning() {
        int longest = 0;
        for (Search search : searches) {
            longest = Math.max(longest, search.matched);
        }
        return longest;
    }

    /** How much of one sequence the text ends with: the search of Knuth, Morris and Pratt. */
    private static final class Search {

        private final String sequence;

        /** To how much of the sequence's beginning its first characters can shrink, by how many they are. */
        private final int[] shorter;

        private int matched;

        private Search(String sequence) {
            this.sequence = sequence;
            this.shorter = new int[sequence.length() + 1];
            for (int length = 2; length <= sequence.length(); length++) {
                shorter[length] = next(shorter[length - 1], sequence.charAt(length - 1));
            }
        }

        private int length() {
            return sequence.length();
        }

        /** Whether the sequence is whole with this character. Goes on behind it, as the text does for the others. */
        private boolean take(char c) {
            matched = next(matched, c);
            boolean whole = matched == sequence.length();
            if (whole) {
                matched = shorter[matched];
            }
            return whole;
        }

        private int next(int length, char c) {
            int left = length;
            while (left > 0 && sequence.charAt(left) != c) {
                left = shorter[left];
            }
            return sequence.charAt(left) == c ? left + 1 : 0;
        }
    }
}
