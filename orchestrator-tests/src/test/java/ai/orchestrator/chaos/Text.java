package ai.orchestrator.chaos;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What servers answer: each piece says to which question it belongs, who wrote it, in which answer, and which piece of how many it is. */
final class Text {

    /** Whose letters have one to four bytes each. */
    private static final String LETTERS = "word wört \u20ac \u6f22\u5b57 \ud83d\ude00";

    private static final Pattern FIRST = Pattern.compile("\\[([a-z]+-\\d{8})\\|([a-z]+)\\|(\\d+)\\|0/(\\d+) .*");

    private Text() {}

    static List<String> pieces(String question, String server, long answer, int count) {
        List<String> pieces = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            pieces.add("[" + question + "|" + server + "|" + answer + "|" + i + "/" + count + " " + LETTERS + "]");
        }
        return pieces;
    }

    private static String whole(Matcher first) {
        return String.join(
                "",
                pieces(
                        first.group(1),
                        first.group(2),
                        Long.parseLong(first.group(3)),
                        Integer.parseInt(first.group(4))));
    }

    /** Whether it is one whole answer of that server to that question, and nothing of another. */
    static boolean isWhole(String text, String question, String server) {
        return isWhole(text, question) && text.startsWith("|" + server + "|", question.length() + 1);
    }

    /** Whether it is one whole answer to that question, whoever wrote it. */
    static boolean isWhole(String text, String question) {
        Matcher first = FIRST.matcher(text);
        return first.matches()
                && first.group(1).equals(question)
                && whole(first).equals(text);
    }

    /** Whether one answer to that question, whoever wrote it, begins so. */
    static boolean isBeginning(String text, String question) {
        Matcher first = FIRST.matcher(text);
        return text.isEmpty()
                || (first.matches()
                        && first.group(1).equals(question)
                        && whole(first).startsWith(text));
    }
}
