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
import org.openjdk.jcstress.infra.results.LLL_Result;
import org.openjdk.jcstress.infra.results.LL_Result;

/** Failures that age out. */
public final class B4FailureWindow {

    private B4FailureWindow() {}

    @JCStressTest
    @Description("Threshold 2, one failure so far: the second arrives while the first ages out.")
    @Outcome(id = "OPEN, 2", expect = ACCEPTABLE, desc = "The second came in time.")
    @Outcome(id = "CLOSED, 1", expect = ACCEPTABLE, desc = "The first no longer counted.")
    @Outcome(expect = FORBIDDEN, desc = "It counted by two different times, or Resilience4j does not follow.")
    @State
    public static class FailureAtTheEndOfTheWindow {

        private final Rig rig = Rig.closed(2);
        private final Permit permit = rig.permit();

        public FailureAtTheEndOfTheWindow() {
            permit.failure();
        }

        @Actor
        public void actor1() {
            rig.clock.moveTo(Rig.WINDOW_END);
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
    @Description("Threshold 2, one failure so far that has aged out: two callers fail at once.")
    @Outcome(id = "OPEN, 2, 1", expect = ACCEPTABLE, desc = "The old one is forgotten; both new ones count.")
    @Outcome(expect = FORBIDDEN, desc = "A failure was lost, the old one was counted, or Resilience4j does not follow.")
    @State
    public static class TwoFailuresAfterTheWindow {

        private final Rig rig = Rig.closed(2);
        private final Permit permit = rig.permit();

        public TwoFailuresAfterTheWindow() {
            permit.failure();
            rig.clock.moveTo(Rig.WINDOW_END);
        }

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
}
