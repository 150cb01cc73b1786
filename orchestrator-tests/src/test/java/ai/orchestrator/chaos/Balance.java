package ai.orchestrator.chaos;

import ai.orchestrator.ProviderStatus;
import ai.orchestrator.chat.Trail;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Queue;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.ToLongBiFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What was begun and how it ended. Safe for use by several threads. */
final class Balance {

    /** What can be left behind. */
    enum Left {
        THREADS("threads of the orchestrator"),
        CONNECTIONS("connections at the servers"),
        POOLED("connections in the application's pool"),
        ATTEMPTS("attempts under way"),
        RESERVED("requests reserved on quotas"),
        FILES("open files of the process, beyond those before");

        private final String words;

        Left(String words) {
            this.words = words;
        }
    }

    /** Numbers by row and column. */
    private static final class Table {

        private final ConcurrentMap<String, ConcurrentMap<String, LongAdder>> rows = new ConcurrentHashMap<>();

        void add(String row, String column, long count) {
            rows.computeIfAbsent(row, first -> new ConcurrentHashMap<>())
                    .computeIfAbsent(column, first -> new LongAdder())
                    .add(count);
        }

        long at(String row, String column) {
            LongAdder count = rows.getOrDefault(row, new ConcurrentHashMap<>()).get(column);
            return count == null ? 0 : count.sum();
        }

        long ofRow(String row) {
            return columns(row).stream().mapToLong(column -> at(row, column)).sum();
        }

        NavigableSet<String> rows() {
            return new TreeSet<>(rows.keySet());
        }

        NavigableSet<String> columns(String row) {
            return new TreeSet<>(
                    rows.getOrDefault(row, new ConcurrentHashMap<>()).keySet());
        }
    }

    static final String BEGUN = "begun";
    static final String ANSWERED = "answered";
    static final String GIVEN_UP = "given up";
    static final String FAILED = "failed";

    /** By the way in which they were made, and how they ended. */
    private final Table calls = new Table();

    /** By exception, and what the last attempt came to. */
    private final Table failures = new Table();

    /** By outcome and provider. */
    private final Table attempts = new Table();

    /** By what trails tell of a failed attempt, and provider. */
    private final Table kinds = new Table();

    private final Table remarks = new Table();
    private final Map<Left, Long> most = new EnumMap<>(Left.class);
    private final Map<Left, Long> left = new EnumMap<>(Left.class);
    private final Queue<String> wrongs = new ConcurrentLinkedQueue<>();
    private long maxAfterDeadline;
    private long maxAfterEnding;
    private String latest = "";

    private final HostileFleet fleet;

    Balance(HostileFleet fleet) {
        this.fleet = fleet;
    }

    // ---- Calls

    void begun(String way) {
        calls.add(way, BEGUN, 1);
    }

    void answered(String way) {
        calls.add(way, ANSWERED, 1);
    }

    /** By the caller, who then gets neither an answer nor an error. */
    void givenUp(String way) {
        calls.add(way, GIVEN_UP, 1);
    }

    void failed(String way, Throwable failure, String detail) {
        calls.add(way, FAILED, 1);
        failures.add(failure.getClass().getSimpleName(), detail, 1);
    }

    /** What one call did. */
    void trail(Trail trail) {
        String before = "";
        for (Trail.Step step : trail.steps()) {
            if (step instanceof Trail.Cached || step instanceof Trail.Joined) {
                remark(step instanceof Trail.Cached ? "answers from the cache" : "calls that joined another", 1);
                // What follows is told by the other call.
                return;
            } else if (step instanceof Trail.Skipped) {
                remark("times a provider was skipped", 1);
                continue;
            } else if (step instanceof Trail.Failed failed) {
                kinds.add(failed.kind().name(), step.provider(), 1);
            }
            if (!before.isEmpty()) {
                remark(before.equals(step.provider()) ? "retries" : "failovers", 1);
            }
            before = step.provider();
        }
    }

    synchronized void endedAfterDeadline(long nanos, String what) {
        noteLatest(nanos, what + " after its deadline");
        maxAfterDeadline = Math.max(maxAfterDeadline, nanos);
    }

    /** After its caller had cancelled or interrupted it. */
    synchronized void endedAfterEnding(long nanos, String what) {
        noteLatest(nanos, what + " after it was told to end");
        maxAfterEnding = Math.max(maxAfterEnding, nanos);
    }

    private void noteLatest(long nanos, String what) {
        if (nanos > Math.max(maxAfterDeadline, maxAfterEnding)) {
            latest = TimeUnit.NANOSECONDS.toMillis(nanos) + " ms: " + what;
        }
    }

    synchronized long maxLatenessMillis() {
        return TimeUnit.NANOSECONDS.toMillis(Math.max(maxAfterDeadline, maxAfterEnding));
    }

    /** What was later than all else. */
    synchronized String latest() {
        return latest;
    }

    // ---- What must not be

    void wrong(String what) {
        wrongs.add(what);
    }

    void wrong(String what, Throwable failure) {
        StringWriter story = new StringWriter();
        failure.printStackTrace(new PrintWriter(story));
        wrongs.add(what + ": " + story);
    }

    List<String> wrongs() {
        return List.copyOf(wrongs);
    }

    // ---- Rounds

    /** While a round goes on. */
    synchronized void sees(Left what, long count) {
        most.merge(what, count, Math::max);
    }

    /** When a round is over. */
    synchronized void leaves(Left what, long count) {
        left.merge(what, count, Math::max);
    }

    /** All of one provider's in a round that is over. */
    void attempts(String provider, ProviderStatus.Attempts all) {
        attempts.add(ANSWERED, provider, all.answered());
        attempts.add(FAILED, provider, all.failed());
        attempts.add("given up or not made", provider, all.abandoned());
    }

    /** Something else that is worth counting. */
    void remark(String what, long count) {
        remarks.add(what, "", count);
    }

    /** Of all ways. */
    long calls(String end) {
        return calls.rows().stream().mapToLong(way -> calls.at(way, end)).sum();
    }

    /** What at least one server has dealt at least once. */
    NavigableSet<String> faultsDealt() {
        return Stream.of(Fault.values())
                .map(Fault::toString)
                .filter(fault -> fleet.servers().stream().anyMatch(server -> server.dealt(fault) > 0))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** What calls have failed with, by their simple names. */
    NavigableSet<String> failuresSeen() {
        return failures.rows();
    }

    // ---- As tables

    String table() {
        List<String> providers = List.copyOf(fleet.providers().keySet());
        return callsTable()
                + failuresTable()
                + matrix("attempts", attempts.rows(), providers, attempts::at)
                + matrix("failed, in trails", kinds.rows(), providers, kinds::at)
                + matrix(
                        "dealt by servers",
                        Stream.of(Fault.values()).map(Fault::toString).toList(),
                        fleet.servers().stream().map(HostileServer::name).toList(),
                        (fault, server) -> fleet.server(server).dealt(fault))
                + remarksTable();
    }

    private String callsTable() {
        List<String> ends = List.of(BEGUN, ANSWERED, GIVEN_UP, FAILED);
        StringBuilder table = new StringBuilder(heading("calls", ends));
        for (String way : calls.rows()) {
            table.append(line(way, ends.stream().map(end -> calls.at(way, end)).toList()));
        }
        return table + line("all", ends.stream().map(this::calls).toList()) + "\n";
    }

    private String failuresTable() {
        StringBuilder table = new StringBuilder("| failed with | calls | of them |\n|---|---:|---|\n");
        for (String exception : failures.rows()) {
            String details = failures.columns(exception).stream()
                    .map(detail -> failures.at(exception, detail) + " " + detail)
                    .collect(Collectors.joining(", "));
            table.append(line(exception, List.of(failures.ofRow(exception), details)));
        }
        return table + "\n";
    }

    private synchronized String remarksTable() {
        StringBuilder table = new StringBuilder(heading("what else", List.of("")));
        remarks.rows().forEach(remark -> table.append(line(remark, List.of(remarks.ofRow(remark)))));
        table.append(line("latest end after a deadline", List.of(millis(maxAfterDeadline))))
                .append(line("latest end after a cancel, an interrupt or a close", List.of(millis(maxAfterEnding))))
                .append('\n')
                .append(heading("left behind", List.of("seen at most", "after a round, at most")));
        most.forEach((what, count) -> table.append(line(what.words, List.of(count, left.getOrDefault(what, 0L)))));
        return table.toString();
    }

    private static String matrix(
            String name, Iterable<String> rows, List<String> columns, ToLongBiFunction<String, String> cells) {
        List<String> columnsAndAll =
                Stream.concat(columns.stream(), Stream.of("all")).toList();
        StringBuilder table = new StringBuilder(heading(name, columnsAndAll));
        for (String row : rows) {
            List<Long> counts = new ArrayList<>();
            columns.forEach(column -> counts.add(cells.applyAsLong(row, column)));
            counts.add(counts.stream().mapToLong(Long::longValue).sum());
            table.append(line(row, counts));
        }
        return table + "\n";
    }

    private static String heading(String name, List<String> columns) {
        return line(name, columns) + "|---|" + "---:|".repeat(columns.size()) + "\n";
    }

    private static String line(String name, List<?> cells) {
        return "| " + name + " | " + cells.stream().map(String::valueOf).collect(Collectors.joining(" | ")) + " |\n";
    }

    private static String millis(long nanos) {
        return TimeUnit.NANOSECONDS.toMillis(nanos) + " ms";
    }
}
