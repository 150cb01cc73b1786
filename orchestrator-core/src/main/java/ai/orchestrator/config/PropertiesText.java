package ai.orchestrator.config;

import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

/**
 * The text of a properties file, entry by entry. {@link Properties} reads each of them, so that all its rules hold; it gets them one at a time,
 * because it tells neither in which line an entry is nor that a key is given twice, and gives up at the first that it cannot read.
 */
final class PropertiesText {

    /**
     * One key with its value.
     *
     * @param line where it begins, from 1
     */
    record Entry(int line, String key, String value) {}

    /**
     * An entry that cannot be read.
     *
     * @param line where it begins, from 1
     */
    record Unreadable(int line) {}

    private final List<Entry> entries = new ArrayList<>();
    private final List<Unreadable> unreadable = new ArrayList<>();

    private PropertiesText() {}

    static PropertiesText parse(String text) {
        PropertiesText parsed = new PropertiesText();
        StringBuilder logical = new StringBuilder();
        int begun = 0;
        int number = 0;
        for (String line : text.split("\r\n|\r|\n", -1)) {
            number++;
            if (logical.length() == 0) {
                if (isIgnored(line)) {
                    continue;
                }
                begun = number;
            }
            logical.append(line).append('\n');
            if (!continues(line)) {
                parsed.read(begun, logical.toString());
                logical.setLength(0);
            }
        }
        if (logical.length() > 0) {
            parsed.read(begun, logical.toString());
        }
        return parsed;
    }

    private static boolean isIgnored(String line) {
        int start = 0;
        while (start < line.length() && " \t\f".indexOf(line.charAt(start)) >= 0) {
            start++;
        }
        return start == line.length() || line.charAt(start) == '#' || line.charAt(start) == '!';
    }

    /** A backslash at the end continues the line, unless another one escapes it. */
    private static boolean continues(String line) {
        int backslashes = 0;
        while (backslashes < line.length() && line.charAt(line.length() - 1 - backslashes) == '\\') {
            backslashes++;
        }
        return backslashes % 2 == 1;
    }

    private void read(int line, String logical) {
        Properties read = new Properties();
        try {
            read.load(new StringReader(logical));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (IllegalArgumentException e) {
            unreadable.add(new Unreadable(line));
            return;
        }
        read.forEach((key, value) -> entries.add(new Entry(line, (String) key, (String) value)));
    }

    List<Entry> entries() {
        return entries;
    }

    /** Entries with a {@code \}{@code u} that no four hexadecimal digits follow. */
    List<Unreadable> unreadable() {
        return unreadable;
    }
}
