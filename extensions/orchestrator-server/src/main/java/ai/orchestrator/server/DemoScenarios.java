package ai.orchestrator.server;

import ai.orchestrator.breaker.CircuitBreakerSettings;
import ai.orchestrator.breaker.CircuitBreakerStatus;
import ai.orchestrator.breaker.CircuitState;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** The demo's scenarios. Every claim in them is checked against what was observed. */
final class DemoScenarios {

    /** Long enough to see the countdown, short enough to wait for. */
    private static final CircuitBreakerSettings QUICK = CircuitBreakerSettings.builder()
            .failureThreshold(3)
            .timeoutDuration(Duration.ofMillis(1_200))
            .build();

    static final List<DemoScenario> ALL = List.of(
            new DemoScenario(
                    "basic",
                    "Basic operation",
                    "Failures in a row open the breaker, which then refuses calls.",
                    QUICK,
                    DemoScenarios::basic),
            new DemoScenario(
                    "recovery",
                    "Complete recovery",
                    "After a wait, one successful trial closes the breaker.",
                    QUICK,
                    DemoScenarios::recovery),
            new DemoScenario(
                    "failed-recovery",
                    "Failed recovery",
                    "A trial that fails opens the breaker for another wait.",
                    QUICK,
                    DemoScenarios::failedRecovery),
            new DemoScenario(
                    "several-successes",
                    "Several successes required",
                    "A careful breaker wants several successful trials.",
                    QUICK.toBuilder().successThreshold(3).build(),
                    DemoScenarios::severalSuccesses),
            new DemoScenario(
                    "status",
                    "Status",
                    "What the breaker tells about itself in each state.",
                    QUICK.toBuilder().successThreshold(2).build(),
                    DemoScenarios::status),
            new DemoScenario(
                    "reset",
                    "Manual reset",
                    "An operator closes an open breaker without waiting.",
                    QUICK.toBuilder().timeoutDuration(Duration.ofMinutes(1)).build(),
                    DemoScenarios::reset));

    private DemoScenarios() {}

    private static void basic(DemoStage stage) throws InterruptedException {
        DemoCall first = stage.call();
        stage.claim("closed: calls go through", first.answered() && first.leavesClosed(0));

        stage.providerFails();
        stage.call();
        DemoCall secondFailure = stage.call();
        stage.claim("2 failures are one too few to open it", secondFailure.failed() && secondFailure.leavesClosed(2));

        stage.providerAnswers();
        DemoCall success = stage.call();
        stage.claim(
                "a success sets the count back to 0: only failures in a row count",
                success.answered() && success.leavesClosed(0));

        openByFailures(stage);
        stage.call();
        DemoCall refused = stage.call();
        stage.claim(
                "refused calls were never sent: of " + stage.calls() + " calls the server saw " + stage.requests(),
                refused.refusedUnsent() && stage.calls() == 9 && stage.requests() == 7);
    }

    private static void recovery(DemoStage stage) throws InterruptedException {
        openByFailures(stage);
        stage.providerAnswers();
        DemoCall refused = stage.call();
        stage.claim(
                "the provider is well, but the breaker refuses until its wait is over",
                refused.refusedUnsent() && refused.leaves(CircuitState.OPEN));
        stage.awaitRetry();
        DemoCall trial = stage.call();
        stage.claim(
                "this was the trial: half open while it ran, closed by its success",
                trial.answered() && trial.wasTrial() && trial.leavesClosed(0));
        DemoCall next = stage.call();
        stage.claim("calls go through again", next.answered() && next.leavesClosed(0));
    }

    private static void failedRecovery(DemoStage stage) throws InterruptedException {
        openByFailures(stage);
        stage.awaitRetry();
        DemoCall failedTrial = stage.call();
        stage.claim(
                "the trial failed, and this one failure opened it again",
                failedTrial.failed() && failedTrial.wasTrial() && failedTrial.leaves(CircuitState.OPEN));
        stage.claim("its wait has begun anew", waitsAnew(failedTrial.after()));
        refuses(stage);
        stage.providerAnswers();
        stage.awaitRetry();
        DemoCall trial = stage.call();
        stage.claim(
                "the second trial succeeded and closed it",
                trial.answered() && trial.wasTrial() && trial.leavesClosed(0));
    }

    private static void severalSuccesses(DemoStage stage) throws InterruptedException {
        openByFailures(stage);
        stage.providerAnswers();
        stage.awaitRetry();
        for (int successes = 1; successes <= 2; successes++) {
            DemoCall trial = stage.call();
            stage.claim(
                    "still half open: " + successes + " of 3 successes",
                    trial.answered()
                            && trial.wasTrial()
                            && trial.leaves(CircuitState.HALF_OPEN)
                            && trial.after().successCount() == successes);
        }
        DemoCall last = stage.call();
        stage.claim("the 3rd success closed it", last.answered() && last.wasTrial() && last.leavesClosed(0));
    }

    private static void status(DemoStage stage) throws InterruptedException {
        stage.providerFails();
        stage.call();
        Map<String, Object> closed = stage.showStatus();
        stage.claim(
                "closed, with a failure on record, and no time to wait for",
                "closed".equals(closed.get("state"))
                        && Integer.valueOf(1).equals(closed.get("failure_count"))
                        && closed.containsKey("last_failure_time")
                        && !closed.containsKey("opened_at")
                        && !closed.containsKey("time_until_retry"));

        stage.call();
        stage.call();
        Map<String, Object> open = stage.showStatus();
        stage.claim(
                "open, since when, and how long until a retry",
                "open".equals(open.get("state"))
                        && Integer.valueOf(3).equals(open.get("failure_count"))
                        && open.containsKey("opened_at")
                        && open.containsKey("time_since_opened")
                        && open.containsKey("time_until_retry"));

        stage.providerAnswers();
        stage.awaitRetry();
        stage.call();
        Map<String, Object> halfOpen = stage.showStatus();
        stage.claim(
                "half open, after one of two successes",
                "half_open".equals(halfOpen.get("state"))
                        && Integer.valueOf(1).equals(halfOpen.get("success_count"))
                        && !halfOpen.containsKey("time_until_retry"));

        stage.call();
        Map<String, Object> recovered = stage.showStatus();
        stage.claim(
                "closed again, and nothing left of the outage",
                "closed".equals(recovered.get("state"))
                        && Integer.valueOf(0).equals(recovered.get("failure_count"))
                        && !recovered.containsKey("last_failure_time")
                        && !recovered.containsKey("opened_at"));
    }

    private static void reset(DemoStage stage) throws InterruptedException {
        openByFailures(stage);
        refuses(stage);
        stage.providerAnswers();
        CircuitBreakerStatus status = stage.reset();
        stage.claim(
                "closed, with all counts and times cleared",
                status.state() == CircuitState.CLOSED
                        && status.failureCount() == 0
                        && status.lastFailureTime().isEmpty()
                        && status.openedAt().isEmpty()
                        && status.timeUntilRetry().isEmpty());
        DemoCall next = stage.call();
        stage.claim("calls go through again", next.answered() && next.leavesClosed(0));
    }

    private static void openByFailures(DemoStage stage) throws InterruptedException {
        stage.providerFails();
        stage.call();
        DemoCall second = stage.call();
        DemoCall third = stage.call();
        stage.claim(
                "the 3rd failure in a row opened it, not the 2nd",
                second.failed() && second.leavesClosed(2) && third.failed() && third.leaves(CircuitState.OPEN));
    }

    private static void refuses(DemoStage stage) throws InterruptedException {
        DemoCall refused = stage.call();
        stage.claim(
                "open: the call was refused at once, and nothing was sent",
                refused.refusedUnsent() && refused.leaves(CircuitState.OPEN));
    }

    private static boolean waitsAnew(CircuitBreakerStatus status) {
        Duration wait = status.settings().timeoutDuration();
        return status.timeSinceOpened()
                        .filter(since -> since.compareTo(wait) < 0)
                        .isPresent()
                && status.timeUntilRetry().filter(left -> !left.isZero()).isPresent();
    }
}
