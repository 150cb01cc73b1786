package ai.orchestrator.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Everything goes wrong at once, over real sockets and in real time, as {@code docs/chaos.md} says. For so many seconds: {@code
 * -Dorchestrator.chaos.seconds=…}. With the same faults once more: {@code -Dorchestrator.chaos.seed=…}; what the threads make of them differs
 * from run to run all the same.
 */
class ChaosTest {

    /** How long the end of a call may take beyond its deadline, a cancel or an interrupt, on a machine that has other work. */
    private static final long SLACK_MILLIS = 2_000;

    private final long seed = Long.getLong("orchestrator.chaos.seed", System.nanoTime());
    private final long seconds = Long.getLong("orchestrator.chaos.seconds", 20);

    @Test
    @Timeout(value = 20, unit = TimeUnit.MINUTES)
    void whatever_the_network_does_no_call_is_lost_or_late_and_nothing_is_left_behind() throws Exception {
        System.out.println("orchestrator.chaos.seed=" + seed);
        OpenFiles files = new OpenFiles();
        long start = System.nanoTime();
        AtomicInteger numbers = new AtomicInteger();
        HostileFleet fleet = new HostileFleet(seed);
        Balance balance = new Balance(fleet);
        try (fleet) {
            for (int number = 0;
                    balance.wrongs().isEmpty() && System.nanoTime() - start < TimeUnit.SECONDS.toNanos(seconds);
                    number++) {
                try (Round round = new Round(number, seed, fleet, balance, files, numbers)) {
                    round.run();
                }
                if (number == 0) {
                    // The first round has loaded classes, from files that stay open.
                    files = new OpenFiles();
                }
            }
        } finally {
            System.out.println(balance.table());
        }
        assertThat(balance.wrongs()).isEmpty();
        assertThat(balance.calls(Balance.BEGUN))
                .as("calls begun")
                .isEqualTo(balance.calls(Balance.ANSWERED)
                        + balance.calls(Balance.GIVEN_UP)
                        + balance.calls(Balance.FAILED));
        assertThat(balance.calls(Balance.ANSWERED))
                .as("good weather enough")
                .isGreaterThan(balance.calls(Balance.BEGUN) / 4);
        // In a short run not everything needs to have had its turn.
        assertThat(balance.faultsDealt())
                .as("bad weather enough")
                .hasSizeGreaterThanOrEqualTo(seconds < 300 ? Fault.values().length / 2 : Fault.values().length);
        assertThat(balance.failuresSeen())
                .as("what calls fail with")
                .contains(
                        "AllProvidersFailedException",
                        "CallCancelledException",
                        "DeadlineExceededException",
                        "RequestRejectedException",
                        "StreamFailedException");
        assertThat(balance.maxLatenessMillis()).as(balance.latest()).isLessThan(SLACK_MILLIS);
        // A few that the virtual machine itself may have opened meanwhile.
        assertThat(files.more()).as("files left open").isLessThan(20);
    }
}
