package ai.orchestrator.internal;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Guesses which name was meant. */
public final class NearestName {

    /** Below this share of letters in common, a guess would only puzzle. */
    private static final double ALIKE = 0.5;

    /** A slip of the finger. */
    public static final double SLIP = 0.75;

    private static final int SHOWN = 10;

    /** Whatever is longer is no slip of the finger. */
    private static final int LONGEST = 200;

    private NearestName() {}

    /**
     * The known name most like the one typed.
     *
     * @param typed what nobody knows
     * @param known what there is
     * @return one that is like it; empty if none is
     */
    public static Optional<String> of(String typed, Collection<String> known) {
        return of(typed, known, ALIKE);
    }

    /**
     * The known name most like the one typed.
     *
     * @param typed what nobody knows
     * @param known what there is
     * @param alike how much like it: from zero to one, which is the same
     * @return one that is like it; empty if none is
     */
    public static Optional<String> of(String typed, Collection<String> known, double alike) {
        if (typed.length() > LONGEST) {
            return Optional.empty();
        }
        return known.stream()
                .max(Comparator.comparingDouble(name -> likeness(typed, name)))
                .filter(name -> likeness(typed, name) >= alike);
    }

    /**
     * Names for a message.
     *
     * @param names any number
     * @return the first ten of them, and how many more there are
     */
    public static String some(Collection<String> names) {
        String shown = names.stream().limit(SHOWN).collect(Collectors.joining(", "));
        return names.size() <= SHOWN ? shown : shown + " and " + (names.size() - SHOWN) + " more";
    }

    /**
     * What to say of a name that nobody knows.
     *
     * @param what what it names, such as {@code route}
     * @param typed the name
     * @param known what there is
     * @return two lines
     */
    public static List<String> explain(String what, String typed, List<String> known) {
        String guess = of(typed, known)
                .map(nearest -> "; did you mean " + nearest + "?")
                .orElse("");
        return List.of(
                "orchestrator: unknown " + what + " '" + typed + "'" + guess, "There are: " + String.join(", ", known));
    }

    private static double likeness(String typed, String name) {
        return 2.0 * longestCommonSubsequence(typed, name) / (typed.length() + name.length());
    }

    private static int longestCommonSubsequence(String a, String b) {
        int[][] length = new int[a.length() + 1][b.length() + 1];
        for (int i = 1; i <= a.length(); i++) {
            for (int j = 1; j <= b.length(); j++) {
                length[i][j] = a.charAt(i - 1) == b.charAt(j - 1)
                        ? length[i - 1][j - 1] + 1
                        : Math.max(length[i - 1][j], length[i][j - 1]);
            }
        }
        return length[a.length()][b.length()];
    }
}
