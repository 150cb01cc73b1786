package ai.orchestrator.server;

import java.io.Console;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * What standard output leads to.
 *
 * @param interactive whether it is a terminal, where a line can be rewritten in place
 * @param escapes whether that terminal takes ANSI escape sequences, as far as the operating system tells
 */
record Terminal(boolean interactive, boolean escapes) {

    /** A file or a pipe. */
    static final Terminal NONE = new Terminal(false, false);

    /** When output is coloured. Shown in lower case, as it is typed. */
    enum ColorMode {
        AUTO,
        ALWAYS,
        NEVER;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    static final class ColorModeConverter implements ITypeConverter<ColorMode> {

        @Override
        public ColorMode convert(String value) {
            return Arrays.stream(ColorMode.values())
                    .filter(mode -> mode.toString().equals(value))
                    .findFirst()
                    .orElseThrow(
                            () -> new TypeConversionException("must be auto, always or never but is '" + value + "'"));
        }
    }

    static Terminal ofThisProcess() {
        if (!isTerminal(System.console())) {
            return NONE;
        }
        boolean windows = System.getProperty("os.name", "").startsWith("Windows");
        return new Terminal(true, !windows || Ansi.AUTO.enabled());
    }

    /** Up to JDK 21 there is a console only where input and output are terminals; since 22 it has to be asked. */
    private static boolean isTerminal(@Nullable Console console) {
        if (console == null) {
            return false;
        }
        try {
            return (boolean) Console.class.getMethod("isTerminal").invoke(console);
        } catch (NoSuchMethodException e) {
            return true;
        } catch (ReflectiveOperationException e) {
            return false;
        }
    }

    /** Whether to colour: a mode that was asked for wins over {@code NO_COLOR}, as no-color.org has it. */
    boolean colours(ColorMode mode, Map<String, String> environment) {
        return switch (mode) {
            case ALWAYS -> true;
            case NEVER -> false;
            case AUTO ->
                escapes
                        && rewrites(environment)
                        && environment.getOrDefault("NO_COLOR", "").isEmpty();
        };
    }

    /** Whether to rewrite lines in place. */
    boolean rewrites(Map<String, String> environment) {
        return interactive && !"dumb".equals(environment.get("TERM"));
    }
}
