package ai.orchestrator.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import ai.orchestrator.breaker.Acquisition.Permit;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.LLLL_Result;
import org.openjdk.jcstress.infra.results.LLL_Result;
import org.openjdk.jcstress.infra.results.LL_Result;

/** Failures in a row, none lost and none counted twice. */
public final class B3Failures {

    private B3Failures() {}

    @JCStressTest
    @Description("Threshold 2: two callers fail at once.")
    @Outcome(id = "OPEN, 2, 1", expect = ACCEPTABLE, desc = "Both count; it opens once.")
    @Outcome(expect = FORBIDDEN, desc = "A failure was lost or counted twice, or Resilience4j does not follow.")
    @State
    public static class TwoFailuresOpen {

        private final Rig rig = Rig.closed(2);
        private final Permit permit = rig.permit();

        @Actor
        public void actor1() {
            permit.failure();
        }

        @Actor
        public void actor2() {
            permit.failure();
        }

        @Arbiter
        public void arbiter(LLL_Result r) {
            r.r1 = rig.state();
            r.r2 = rig.failureCount();
            r.r3 = rig.counters().openings();
        }
    }

    @JCStressTest
    @Description("Threshold 3: two callers fail at once.")
    @Outcome(id = "CLOSED, 2", expect = ACCEPTABLE, desc = "Both count; it stays closed.")
    @Outcome(expect = FORBIDDEN, desc = "A failure was lost, or it opened too early.")
    @State
    public static class TwoFailuresAreNotEnough {

        private final Rig rig = Rig.closed(3);
        private final Permit permit = rig.permit();

        @Actor
        public void actor1() {
            permit.failure();
        }

        @Actor
        public void actor2() {
            permit.failure();
        }

        @Arbiter
        public void arbiter(LL_Result r) {
            r.r1 = rig.state();
            r.r2 = rig.failureCount();
        }
    }

    @JCStressTest
    @Description("Threshold 3: three callers fail at once.")
    @Outcome(id = "OPEN, 3, 1", expect = ACCEPTABLE, desc = "All count; it opens once.")
    @Outcome(expect = FORBIDDEN, desc = "A failure was lost or counted twice, or Resilience4j does not follow.")
    @State
    public static class ThreeFailuresOpen {

        private final Rig rig = Rig.closed(3);
        private final Permit permit = rig.permit();

        @Actor
        public void actor1() {
            permit.failure();
        }

        @Actor
        public void actor2() {
            permit.failure();
        }

        @Actor
        public void actor3() {
            permit.failure();
        }

        @Arbiter
        public void arbiter(LLL_Result r) {
            r.r1 = rig.state();
            r.r2 = rig.failureCount();
            r.r3 = rig.counters().openings();
        }
    }

    @JCStressTest
    @Description("Threshold 4: three callers fail at once.")
    @Outcome(id = "CLOSED, 3", expect = ACCEPTABLE, desc = "All count; it stays closed.")
    @Outcome(expect = FORBIDDEN, desc = "A failure was lost, or it opened too early.")
    @State
    public static class ThreeFailuresAreNotEnough {

        private final Rig rig = Rig.closed(4);
        private final Permit permit = rig.permit();

        @Actor
        public void actor1() {
            permit.failure();
        }

        @Actor
        public void actor2() {
            permit.failure();
        }

        @Actor
        public void actor3() {
            permit.failure();
        }

        @Arbiter
        public void arbiter(LL_Result r) {
            r.r1 = rig.state();
            r.r2 = rig.failureCount();
        }
    }

    @JCStressTest
    @Description("Threshold 2: two failures are recorded at once by callers that know no permits.")
    @Outcome(id = "OPEN, 2, 1", expect = ACCEPTABLE, desc = "Both count; it opens once.")
    @Outcome(expect = FORBIDDEN, desc = "A failure was lost or counted twice, or Resilience4j does not follow.")
    @State
    public static class TwoRecordedFailuresOpen {

        private final Rig rig = Rig.closed(2);

        @Actor
        public void actor1() {
            rig.breaker.recordFailure();
        }

        @Actor
        public void actor2() {
            rig.breaker.recordFailure();
        }

        @Arbiter
        public void arbiter(LLL_Result r) {
            r.r1 = rig.state();
            r.r2 = rig.failureCount();
            r.r3 = rig.counters().openings();
        }
    }

    @JCStressTest
    @Description("Threshold 2, no failures so far: one caller fails while another succeeds.")
    @Outcome(
            id = "CLOSED, 1, 1, 1",
            expect = ACCEPTABLE,
            desc = "The success came first, or the failure did not see it.")
    @Outcome(id = "CLOSED, 0, 1, 1", expect = ACCEPTABLE, desc = "The failure came first; the success ended the row.")
    @Outcome(expect = FORBIDDEN, desc = "One of the two was lost.")
    @State
    public static class FailureAndSuccess {

        private final Rig rig = Rig.closed(2);
        private final Permit permit = rig.permit();

        @Actor
        public void actor1() {
            permit.failure();
        }

        @Actor
        public void actor2() {
            permit.success();
        }

        @Arbiter
        public void arbiter(LLLL_Result r) {
            r.r1 = rig.state();
            r.r2 = rig.failureCount();
            r.r3 = rig.counters().failures();
            r.r4 = rig.counters().successes();
        }
    }

    @JCStressTest
    @Description("Threshold 2, one failure so far: the second failure arrives together with a success.")
    @Outcome(id = "CLOSED, 1", expect = ACCEPTABLE, desc = "The success came first and ended the row.")
    @Outcome(id = "OPEN, 2", expect = ACCEPTABLE, desc = "The failure came first; the success was late.")
    @Outcome(
            expect = FORBIDDEN,
            desc = "A success closed or half closed what had opened, or Resilience4j does not follow.")
    @State
    public static class SuccessAndTrip {

        private final Rig rig = Rig.closed(2);
        private final Permit permit = rig.permit();

        public SuccessAndTrip() {
            permit.failure();
        }

        @Actor
        public void actor1() {
            permit.failure();
        }

        @Actor
        public void actor2() {
            permit.success();
        }

        @Arbiter
        public void arbiter(LL_Result r) {
            r.r1 = rig.state();
            r.r2 = rig.failureCount();
        }
    }

    @JCStressTest
    @Description("Threshold 1: the failure that opens arrives together with a success that takes the short way.")
    @Outcome(
            id = {"OPEN, 1, 0", "OPEN, 0, 1"},
            expect = ACCEPTABLE,
            desc = "Open in every order; the success counted before, or was late.")
    @Outcome(expect = FORBIDDEN, desc = "A success undid the opening, or was lost, or Resilience4j does not follow.")
    @State
    public static class HealthySuccessAndTrip {

        private final Rig rig = Rig.closed(1);
        private final Permit permit = rig.permit();

        @Actor
        public void actor1() {
            permit.failure();
        }

        @Actor
        public void actor2() {
            permit.success();
        }

        @Arbiter
        public void arbiter(LLL_Result r) {
            r.r1 = rig.state();
            r.r2 = rig.counters().successes();
            r.r3 = rig.counters().lateResults();
        }
    }
}
