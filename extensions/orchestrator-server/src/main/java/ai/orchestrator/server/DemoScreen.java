package ai.orchestrator.server;

import ai.orchestrator.breaker.CircuitBreakerStatus;
import ai.orchestrator.breaker.CircuitState;
import ai.orchestrator.time.TimeSource;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** How the demo looks: eighty columns, coloured and with a running countdown where that is possible. For one thread. */
final class DemoScreen {

    private static final String ROW = "%6s  %s  %-4s  %s  %s%n";
    private static final int OUTCOME_WIDTH = 27;
    private static final int STATES_WIDTH = 18;
    private static final String MARGIN = " ".repeat(8);
    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final PrintStream out;
    private final boolean colours;
    private final boolean rewrites;
    private final TimeSource timeSource;

    DemoScreen(PrintStream out, boolean colours, boolean rewrites, TimeSource timeSource) {
        this.out = out;
        this.colours = colours;
        this.rewrites = rewrites;
        this.timeSource = timeSource;
    }

    void text(String line) {
        out.println(line);
    }

    void title(String title) {
        out.println();
        out.println(paint(Paint.BOLD, title));
    }

    void columns() {
        out.println();
        out.printf(ROW, "call", padded("outcome", OUTCOME_WIDTH), "sent", padded("breaker", STATES_WIDTH), "count");
    }

    void call(DemoCall call) {
        Paint outcome = switch (call.outcome()) {
            case ANSWERED -> Paint.GREEN;
            case FAILED -> Paint.RED;
            case REFUSED -> Paint.YELLOW;
        };
        out.printf(
                ROW,
                call.number(),
                paint(outcome, padded(call.words(), OUTCOME_WIDTH)),
                call.sent() ? "yes" : "no",
                states(call),
                count(call.after()));
    }

    private String states(DemoCall call) {
        CircuitState after = call.after().state();
        boolean changed =
                call.sent() && call.during().filter(during -> during != after).isPresent();
        if (!changed) {
            return paint(Paint.of(after), padded(after.key(), STATES_WIDTH));
        }
        CircuitState during = call.during().orElseThrow();
        String arrow = " > ";
        int left = STATES_WIDTH - during.key().length() - arrow.length();
        return paint(Paint.of(during), during.key()) + arrow + paint(Paint.of(after), padded(after.key(), left));
    }

    private static String count(CircuitBreakerStatus status) {
        return status.state() == CircuitState.HALF_OPEN
                ? status.successCount() + "/" + status.settings().successThreshold() + " successes"
                : status.failureCount() + "/" + status.settings().failureThreshold() + " failures";
    }

    void event(String text) {
        out.println(MARGIN + paint(Paint.BOLD, text));
    }

    void confirmed(String claim) {
        out.println("    " + paint(Paint.GREEN, "ok") + "  " + claim);
    }

    void refuted(String claim, String observed) {
        out.println(" " + paint(Paint.RED, "WRONG") + "  " + paint(Paint.RED, "expected: " + claim));
        out.println(MARGIN + paint(Paint.RED, "but observed: " + observed));
    }

    void map(Map<String, Object> map) {
        map.forEach((key, value) -> out.printf(MARGIN + "  %-18s %s%n", key, plain(value)));
    }

    /** A small double would show as 4.1E-4. */
    private static String plain(Object value) {
        return value instanceof Double number ? String.format(Locale.ROOT, "%.3f", number) : value.toString();
    }

    void verdict(boolean good, String text) {
        out.println();
        out.println(paint(good ? Paint.GREEN : Paint.RED, text));
    }

    /** Waits. Where lines can be rewritten, the time left runs down in one; elsewhere the line is printed once. */
    void countdown(Duration wait, String until) throws InterruptedException {
        CountDownLatch never = new CountDownLatch(1);
        if (!rewrites) {
            out.println(MARGIN + "waiting " + seconds(wait) + " " + until);
            timeSource.await(never, wait.toNanos());
            return;
        }
        long end = timeSource.nanoTime() + wait.toNanos();
        int width = 0;
        for (long left; (left = end - timeSource.nanoTime()) > 0; ) {
            String line = MARGIN + "waiting " + seconds(Duration.ofNanos(left)) + " " + until;
            width = Math.max(width, line.length());
            rewrite(padded(line, width));
            timeSource.await(never, Math.min(left, TICK_NANOS));
        }
        rewrite(padded(MARGIN + "waited " + seconds(wait), width));
        out.println();
    }

    private void rewrite(String line) {
        out.print("\r" + line);
        out.flush();
    }

    /** Whether nobody takes the output any more. */
    boolean isLost() {
        return out.checkError();
    }

    static String seconds(Duration duration) {
        return String.format(Locale.ROOT, "%.1f s", duration.toNanos() / 1e9);
    }

    private static String padded(String text, int width) {
        return text + " ".repeat(Math.max(0, width - text.length()));
    }

    private String paint(Paint paint, String text) {
        return colours ? paint.on(text) : text;
    }
}
