package ai.orchestrator.server;

import ai.orchestrator.OrchestratorStatus;
import ai.orchestrator.ProviderStatus;
import ai.orchestrator.breaker.CircuitBreakerStatus;
import ai.orchestrator.health.HealthCheck;
import ai.orchestrator.health.HealthCheck.Outcome;
import ai.orchestrator.health.ProviderHealth;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** How the status of an orchestrator looks: a hundred columns where the names allow it. Immutable. */
final class StatusTable {

    private static final int WIDTH = 100;
    private static final String GAP = "  ";
    private static final String NOTHING = "-";

    /** The column that gives way where a row would be too wide, and what is left of it at least. */
    private static final int MODEL_COLUMN = 1;

    private static final int MIN_MODEL_WIDTH = 12;

    private static final List<Cell> PROVIDER_COLUMNS = Stream.of(
                    "provider",
                    "type, model",
                    "breaker",
                    "score",
                    "success",
                    "mean",
                    "quota",
                    "parked",
                    "ok/fail",
                    "check")
            .map(Cell::title)
            .toList();

    private static final List<Cell> ROUTE_COLUMNS =
            Stream.of("route", "strategy", "providers").map(Cell::title).toList();

    private final boolean colours;

    private record Cell(String text, @Nullable Paint paint) {

        private static Cell of(String text) {
            return new Cell(text, null);
        }

        private static Cell title(String text) {
            return new Cell(text, Paint.BOLD);
        }
    }

    StatusTable(boolean colours) {
        this.colours = colours;
    }

    List<String> lines(OrchestratorStatus status) {
        List<ProviderStatus> providers = inOrder(status);
        List<List<Cell>> rows = new ArrayList<>(List.of(PROVIDER_COLUMNS));
        providers.forEach(provider -> rows.add(row(provider)));
        List<String> lines = new ArrayList<>(table(rows, MODEL_COLUMN));
        providers.forEach(provider -> note(provider).ifPresent(lines::add));
        lines.add("");
        List<List<Cell>> routes = new ArrayList<>(List.of(ROUTE_COLUMNS));
        status.routes()
                .forEach(route -> routes.add(List.of(
                        Cell.of(route.name()),
                        Cell.of(route.strategy()),
                        Cell.of(route.providers().isEmpty() ? NOTHING : String.join(", ", route.providers())))));
        lines.addAll(table(routes, -1));
        return lines;
    }

    /** As the default route has them, and then those that are in no route. */
    private static List<ProviderStatus> inOrder(OrchestratorStatus status) {
        List<String> route = status.routes().get(0).providers();
        return status.providers().stream()
                .sorted(Comparator.comparingInt(provider ->
                        route.contains(provider.name()) ? route.indexOf(provider.name()) : Integer.MAX_VALUE))
                .toList();
    }

    private static List<Cell> row(ProviderStatus provider) {
        ProviderHealth health = provider.health();
        return List.of(
                Cell.of(provider.name()),
                Cell.of(provider.type().orElse("own")
                        + provider.model().map(model -> " " + model).orElse("")),
                breaker(provider),
                Cell.of(String.format(Locale.ROOT, "%.2f", provider.score())),
                Cell.of(health.attempts() == 0 ? NOTHING : 100 * health.successes() / health.attempts() + "%"),
                Cell.of(health.meanLatency().map(StatusTable::took).orElse(NOTHING)),
                quota(provider),
                parked(provider),
                Cell.of(provider.attempts().answered() + "/"
                        + provider.attempts().failed()),
                provider.lastCheck().map(StatusTable::check).orElse(Cell.of(NOTHING)));
    }

    private static Cell breaker(ProviderStatus provider) {
        if (!provider.enabled()) {
            return Cell.of("off");
        }
        if (provider.weight() == 0) {
            return Cell.of("weight 0");
        }
        CircuitBreakerStatus breaker = provider.circuitBreaker();
        String state = breaker.state().key().replace('_', ' ');
        String detail = switch (breaker.state()) {
            case CLOSED ->
                breaker.failureCount() == 0
                        ? ""
                        : " " + breaker.failureCount() + "/"
                                + breaker.settings().failureThreshold();
            case OPEN -> breaker.timeUntilRetry().map(left -> " " + left(left)).orElse("");
            case HALF_OPEN ->
                " " + breaker.successCount() + "/" + breaker.settings().successThreshold();
            case FORCED_OPEN, DISABLED -> "";
        };
        return new Cell(state + detail, Paint.of(breaker.state()));
    }

    private static Cell quota(ProviderStatus provider) {
        if (provider.quotas().isEmpty()) {
            return Cell.of(NOTHING);
        }
        // Never more than there is, but for what a double cannot hold.
        String left = (int) (100 * provider.quotaLeft() + 1e-9) + "%";
        return provider.quotaLeft() > 0 ? Cell.of(left) : new Cell(left, Paint.RED);
    }

    private static Cell parked(ProviderStatus provider) {
        return provider.parked()
                .map(parked -> new Cell(
                        parked.kind() + (parked.left().isZero() ? ", trial" : " " + left(parked.left())), Paint.YELLOW))
                .orElse(Cell.of(NOTHING));
    }

    private static Cell check(HealthCheck check) {
        return switch (check.outcome()) {
            case OK -> new Cell("ok " + took(check.took()), Paint.GREEN);
            case FAILED -> new Cell(check.failure().map(Enum::name).orElse("failed"), Paint.RED);
            case NOT_AVAILABLE -> Cell.of("none free");
        };
    }

    private static Optional<String> note(ProviderStatus provider) {
        Optional<String> failed = provider.lastCheck()
                .filter(check -> check.outcome() == Outcome.FAILED)
                .map(check -> "its check failed " + words(check.age().toSeconds()) + " ago: " + check.reason());
        if (!provider.deprioritized()) {
            return failed.map(reason -> GAP + provider.name() + ": " + reason);
        }
        return Optional.of(
                GAP + provider.name() + " comes after the others: " + failed.orElse("it is nearly out of quota"));
    }

    private List<String> table(List<List<Cell>> rows, int shrinking) {
        int columns = rows.get(0).size();
        int[] widths = new int[columns];
        for (List<Cell> row : rows) {
            for (int i = 0; i < columns; i++) {
                widths[i] = Math.max(widths[i], row.get(i).text().length());
            }
        }
        if (shrinking >= 0) {
            int total = GAP.length() * (columns - 1);
            for (int width : widths) {
                total += width;
            }
            widths[shrinking] = Math.min(
                    widths[shrinking], Math.max(MIN_MODEL_WIDTH, widths[shrinking] - Math.max(0, total - WIDTH)));
        }
        return rows.stream().map(row -> line(row, widths)).toList();
    }

    private String line(List<Cell> row, int[] widths) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < widths.length; i++) {
            Cell cell = row.get(i);
            String text =
                    cell.text().length() > widths[i] ? cell.text().substring(0, widths[i] - 1) + "…" : cell.text();
            line.append(i == 0 ? "" : GAP)
                    .append(colours && cell.paint() != null ? cell.paint().on(text) : text);
            if (i < widths.length - 1) {
                line.append(" ".repeat(widths[i] - text.length()));
            }
        }
        return line.toString();
    }

    private static String took(Duration duration) {
        long millis = duration.toMillis();
        return millis < 1_000 ? millis + " ms" : String.format(Locale.ROOT, "%.1f s", millis / 1e3);
    }

    /** What is left of a wait, never too little. */
    private static String left(Duration duration) {
        return words(duration.plusMillis(999).toSeconds());
    }

    private static String words(long seconds) {
        if (seconds < 120) {
            return seconds + " s";
        }
        if (seconds < 7_200) {
            return seconds / 60 + " min";
        }
        return seconds / 3_600 + " h";
    }
}
