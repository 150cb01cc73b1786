package ai.orchestrator.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import ai.orchestrator.breaker.Acquisition.Permit;
import ai.orchestrator.breaker.CircuitBreakerCounters;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.LLL_Result;
import org.openjdk.jcstress.infra.results.L_Result;

/** Nothing is lost from the counters. */
public final class B17Counters {

    private B17Counters() {}

    @JCStressTest
    @Description("Two callers succeed at once in a closed breaker, on the short way.")
    @Outcome(id = "2, 2, CLOSED", expect = ACCEPTABLE, desc = "Both count, in Resilience4j too.")
    @Outcome(expect = FORBIDDEN, desc = "A success was lost.")
    @State
    public static class HealthySuccesses {

        private final Rig rig = Rig.closed(5);
        private final Permit permit = rig.permit();

        @Actor
        public void actor1() {
            permit.success();
        }

        @Actor
        public void actor2() {
            permit.success();
        }

        @Arbiter
        public void arbiter(LLL_Result r) {
            r.r1 = rig.counters().successes();
            r.r2 = rig.resilience4j.getMetrics().getNumberOfSuccessfulCalls();
            r.r3 = rig.state();
        }
    }

    @JCStressTest
    @Description(
            "Two callers ask twice each, from the instant at which the wait is over; one succeeds, the other fails.")
    @Outcome(id = "4", expect = ACCEPTABLE, desc = "Every permit ended in one counter, every refusal in another.")
    @Outcome(expect = FORBIDDEN, desc = "A permit or a refusal was lost or counted twice.")
    @State
    public static class EveryRequestIsCounted {

        private final Rig rig = Rig.waitOver(1);
        private final long before = sum();

        @Actor
        public void actor1() {
            succeed();
            succeed();
        }

        @Actor
        public void actor2() {
            fail();
            fail();
        }

        private void succeed() {
            if (rig.breaker.tryAcquire() instanceof Permit permit) {
                permit.success();
            }
        }

        private void fail() {
            if (rig.breaker.tryAcquire() instanceof Permit permit) {
                permit.failure();
            }
        }

        private long sum() {
            CircuitBreakerCounters counters = rig.counters();
            return counters.successes()
                    + counters.failures()
                    + counters.released()
                    + counters.lateResults()
                    + counters.refusals();
        }

        @Arbiter
        public void arbiter(L_Result r) {
            r.r1 = sum() - before;
        }
    }
}
