package ai.orchestrator.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;
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

/** An operator moves the Resilience4j breaker itself: the move is adopted at the next request. */
public final class B1Resilience4jByHand {

    private B1Resilience4jByHand() {}

    @JCStressTest
    @Description("Somebody forces Resilience4j open while a caller asks.")
    @Outcome(
            id = {"permit, refused, FORCED_OPEN", "refused, refused, FORCED_OPEN"},
            expect = ACCEPTABLE,
            desc = "The next request at the latest adopts it.")
    @Outcome(expect = FORBIDDEN, desc = "The operator lost, or Resilience4j does not follow.")
    @State
    public static class RawForceOpenAndCaller {

        private final Rig rig = Rig.closed(1);

        @Actor
        public void actor1(LLL_Result r) {
            r.r1 = rig.ask();
        }

        @Actor
        public void actor2() {
            rig.resilience4j.transitionToForcedOpenState();
        }

        @Arbiter
        public void arbiter(LLL_Result r) {
            r.r2 = rig.ask();
            r.r3 = rig.state();
        }
    }

    @JCStressTest
    @Description("Somebody forces Resilience4j open while a caller succeeds.")
    @Outcome(id = "refused, FORCED_OPEN", expect = ACCEPTABLE, desc = "The next request adopts it.")
    @Outcome(expect = FORBIDDEN, desc = "The operator lost, or Resilience4j does not follow.")
    @State
    public static class RawForceOpenAndSuccess {

        private final Rig rig = Rig.closed(1);
        private final Permit permit = rig.permit();

        @Actor
        public void actor1() {
            permit.success();
        }

        @Actor
        public void actor2() {
            rig.resilience4j.transitionToForcedOpenState();
        }

        @Arbiter
        public void arbiter(LL_Result r) {
            r.r1 = rig.ask();
            r.r2 = rig.state();
        }
    }

    @JCStressTest
    @Description("Somebody forces Resilience4j open while the failure arrives that opens.")
    @Outcome(id = "refused, FORCED_OPEN", expect = ACCEPTABLE, desc = "The next request adopts it.")
    @Outcome(
            id = "refused, OPEN",
            expect = ACCEPTABLE_INTERESTING,
            desc = "The trip overtook the move by hand: only forceOpen() is sure to win.")
    @Outcome(expect = FORBIDDEN, desc = "The operator lost, or Resilience4j does not follow.")
    @State
    public static class RawForceOpenAndTrip {

        private final Rig rig = Rig.closed(1);
        private final Permit permit = rig.permit();

        @Actor
        public void actor1() {
            permit.failure();
        }

        @Actor
        public void actor2() {
            rig.resilience4j.transitionToForcedOpenState();
        }

        @Arbiter
        public void arbiter(LL_Result r) {
            r.r1 = rig.ask();
            r.r2 = rig.state();
        }
    }
}
