package ai.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;

import ai.orchestrator.Decision.Next;
import ai.orchestrator.Decision.Situation;
import ai.orchestrator.provider.FailureKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Keeps the table in docs/failures.md equal to what is decided. */
class FailureTableTest {

    private static final long WAIT = TimeUnit.MILLISECONDS.toNanos(500);
    private static final long HINT = TimeUnit.SECONDS.toNanos(7);

    @Test
    void the_documented_table_is_what_is_decided() throws IOException {
        String page = Files.readString(Path.of("..", "docs", "failures.md"));
        int begin = page.indexOf("| kind | another provider can be asked |");
        String table = page.substring(begin, page.indexOf("\n\n", begin));
        List<String> expected = new ArrayList<>(table.lines().limit(2).toList());
        for (FailureKind kind : FailureKind.values()) {
            if (kind == FailureKind.TIMEOUT) {
                expected.add(row("`TIMEOUT`, connecting, 408, 504", kind, false));
                expected.add(row("`TIMEOUT`, silent", kind, true));
            } else {
                expected.add(row("`" + kind + "`", kind, false));
            }
        }
        assertThat(table.lines()).containsExactlyElementsOf(expected);
    }

    private static String row(String name, FailureKind kind, boolean silent) {
        return "| "
                + String.join(" | ", name, withOthers(kind, silent), withNone(kind, silent), breaker(kind), park(kind))
                + " |";
    }

    private static String withOthers(FailureKind kind, boolean silent) {
        Next first = next(kind, silent, 1, true);
        if (first == Next.RETRY) {
            assertThat(next(kind, silent, 2, true)).isEqualTo(Next.FAIL_OVER);
            return "here once, then next";
        }
        String condition = kind == FailureKind.CONTEXT_TOO_LONG ? ", if its window is known to be larger" : "";
        return first == Next.STOP ? "end" : "next" + condition;
    }

    private static String withNone(FailureKind kind, boolean silent) {
        return next(kind, silent, 1, false) == Next.RETRY ? "here" : "end";
    }

    private static String breaker(FailureKind kind) {
        return decide(kind, false, 1, true, Decision.NONE, 0).countsAgainstProvider() ? "failure" : "permit back";
    }

    private static String park(FailureKind kind) {
        long hinted = decide(kind, false, 1, true, HINT, 0).parkNanos();
        long first = decide(kind, false, 1, true, Decision.NONE, 0).parkNanos();
        long second = decide(kind, false, 1, true, Decision.NONE, 1).parkNanos();
        long later = decide(kind, false, 1, true, Decision.NONE, 99).parkNanos();
        if (hinted == 0) {
            return "no";
        }
        if (hinted != HINT) {
            return text(hinted);
        }
        if (first == 0) {
            return "for the hint";
        }
        return "for the hint, else " + text(first) + (second == 2 * first ? " doubling to " + text(later) : "");
    }

    private static String text(long nanos) {
        long seconds = TimeUnit.NANOSECONDS.toSeconds(nanos);
        return seconds % 60 == 0 ? seconds / 60 + " min" : seconds + " s";
    }

    private static Next next(FailureKind kind, boolean silent, int attempts, boolean others) {
        return decide(kind, silent, attempts, others, Decision.NONE, 0).next();
    }

    private static Decision decide(
            FailureKind kind, boolean silent, int attempts, boolean others, long hintNanos, int rateLimitsBefore) {
        return Decision.after(new Situation(
                kind,
                silent,
                false,
                attempts,
                others,
                WAIT,
                hintNanos,
                rateLimitsBefore,
                TimeUnit.HOURS.toNanos(1),
                true,
                false,
                RetrySettings.builder().maxAttempts(3).build()));
    }
}
