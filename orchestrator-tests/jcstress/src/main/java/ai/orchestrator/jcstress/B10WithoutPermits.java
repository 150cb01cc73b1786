package ai.orchestrator.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.LLLL_Result;
import org.openjdk.jcstress.infra.results.LLL_Result;

/** Callers that look with canRequest and take no permit. */
public final class B10WithoutPermits {

    private B10WithoutPermits() {}

    @JCStressTest
    @Description("One trial is allowed: one caller looks while another asks, at the instant at which the wait is over.")
    @Outcome(id = "true, permit, HALF_OPEN", expect = ACCEPTABLE, desc = "Looked first.")
    @Outcome(id = "false, permit, HALF_OPEN", expect = ACCEPTABLE, desc = "Asked first.")
    @Outcome(expect = FORBIDDEN, desc = "Looking took a permit, or Resilience4j does not follow.")
    @State
    public static class LookAndAsk {

        private final Rig rig = Rig.waitOver(1);

        @Actor
        public void actor1(LLL_Result r) {
            r.r1 = rig.breaker.canRequest();
        }

        @Actor
        public void actor2(LLL_Result r) {
            r.r2 = rig.ask();
        }

        @Arbiter
        public void arbiter(LLL_Result r) {
            r.r3 = rig.state();
        }
    }

    @JCStressTest
    @Description("One trial is allowed: two callers look at the instant at which the wait is over.")
    @Outcome(id = "true, true, HALF_OPEN, permit", expect = ACCEPTABLE, desc = "Neither took the permit.")
    @Outcome(expect = FORBIDDEN, desc = "Looking took a permit, or Resilience4j does not follow.")
    @State
    public static class TwoLook {

        private final Rig rig = Rig.waitOver(1);

        @Actor
        public void actor1(LLLL_Result r) {
            r.r1 = rig.breaker.canRequest();
        }

        @Actor
        public void actor2(LLLL_Result r) {
            r.r2 = rig.breaker.canRequest();
        }

        @Arbiter
        public void arbiter(LLLL_Result r) {
            r.r3 = rig.state();
            r.r4 = rig.ask();
        }
    }
}
