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
import org.openjdk.jcstress.infra.results.LLLLL_Result;
import org.openjdk.jcstress.infra.results.LLLL_Result;
import org.openjdk.jcstress.infra.results.LLL_Result;

/** A trial that gives its permit back, or never reports. */
public final class B8Leases {

    private B8Leases() {}

    @JCStressTest
    @Description("The one trial succeeds while its lease ends and another caller asks.")
    @Outcome(id = "permit, CLOSED, 0, 0", expect = ACCEPTABLE, desc = "The success came in time.")
    @Outcome(
            id = "permit, HALF_OPEN, 1, 1",
            expect = ACCEPTABLE,
            desc = "The lease had ended; the caller is the new trial and the success was late.")
    @Outcome(expect = FORBIDDEN, desc = "Both counted or none, or Resilience4j does not follow.")
    @State
    public static class SuccessAndLeaseEnd {

        private final Rig rig = Rig.waitOver(1);
        private final Permit trial = rig.permit();

        @Actor
        public void actor1() {
            trial.success();
        }

        @Actor
        public void actor2(LLLL_Result r) {
            rig.clock.moveTo(Rig.WAIT_END + Rig.LEASE);
            r.r1 = rig.ask();
        }

        @Arbiter
        public void arbiter(LLLL_Result r) {
            r.r2 = rig.state();
            r.r3 = rig.counters().lateResults();
            r.r4 = rig.counters().expiredLeases();
        }
    }

    @JCStressTest
    @Description("The one trial fails while its lease ends and another caller asks.")
    @Outcome(id = "refused, OPEN, 0, 0", expect = ACCEPTABLE, desc = "The failure came in time.")
    @Outcome(
            id = "permit, HALF_OPEN, 1, 1",
            expect = ACCEPTABLE,
            desc = "The lease had ended; the caller is the new trial and the failure was late.")
    @Outcome(expect = FORBIDDEN, desc = "Both counted or none, or Resilience4j does not follow.")
    @State
    public static class FailureAndLeaseEnd {

        private final Rig rig = Rig.waitOver(1);
        private final Permit trial = rig.permit();

        @Actor
        public void actor1() {
            trial.failure();
        }

        @Actor
        public void actor2(LLLL_Result r) {
            rig.clock.moveTo(Rig.WAIT_END + Rig.LEASE);
            r.r1 = rig.ask();
        }

        @Arbiter
        public void arbiter(LLLL_Result r) {
            r.r2 = rig.state();
            r.r3 = rig.counters().lateResults();
            r.r4 = rig.counters().expiredLeases();
        }
    }

    @JCStressTest
    @Description("The one trial gives its permit back while its lease ends and another caller asks.")
    @Outcome(
            id = "permit, HALF_OPEN, refused, 1",
            expect = ACCEPTABLE,
            desc = "One permit, given back in one of the two ways.")
    @Outcome(expect = FORBIDDEN, desc = "The permit came back twice or not at all.")
    @State
    public static class ReleaseAndLeaseEnd {

        private final Rig rig = Rig.waitOver(1);
        private final Permit trial = rig.permit();

        @Actor
        public void actor1() {
            trial.release();
        }

        @Actor
        public void actor2(LLLL_Result r) {
            rig.clock.moveTo(Rig.WAIT_END + Rig.LEASE);
            r.r1 = rig.ask();
        }

        @Arbiter
        public void arbiter(LLLL_Result r) {
            r.r2 = rig.state();
            r.r3 = rig.ask();
            r.r4 = rig.counters().released() + rig.counters().expiredLeases();
        }
    }

    @JCStressTest
    @Description("The one trial gives its permit back while another caller asks.")
    @Outcome(id = "permit, refused, HALF_OPEN", expect = ACCEPTABLE, desc = "The caller got it.")
    @Outcome(id = "refused, permit, HALF_OPEN", expect = ACCEPTABLE, desc = "The next one gets it.")
    @Outcome(expect = FORBIDDEN, desc = "The permit was lost or doubled.")
    @State
    public static class ReleaseAndCaller {

        private final Rig rig = Rig.waitOver(1);
        private final Permit trial = rig.permit();

        @Actor
        public void actor1() {
            trial.release();
        }

        @Actor
        public void actor2(LLL_Result r) {
            r.r1 = rig.ask();
        }

        @Arbiter
        public void arbiter(LLL_Result r) {
            r.r2 = rig.ask();
            r.r3 = rig.state();
        }
    }

    @JCStressTest
    @Description("The one trial never reports: two callers ask at the instant at which its lease ends.")
    @Outcome(
            id = {"permit, refused, HALF_OPEN, 1", "refused, permit, HALF_OPEN, 1"},
            expect = ACCEPTABLE,
            desc = "One of them is the new trial.")
    @Outcome(expect = FORBIDDEN, desc = "The lost permit came back twice or not at all.")
    @State
    public static class TwoCallersAfterTheLease {

        private final Rig rig = Rig.waitOver(1);

        public TwoCallersAfterTheLease() {
            rig.permit();
            rig.clock.moveTo(Rig.WAIT_END + Rig.LEASE);
        }

        @Actor
        public void actor1(LLLL_Result r) {
            r.r1 = rig.ask();
        }

        @Actor
        public void actor2(LLLL_Result r) {
            r.r2 = rig.ask();
        }

        @Arbiter
        public void arbiter(LLLL_Result r) {
            r.r3 = rig.state();
            r.r4 = rig.counters().expiredLeases();
        }
    }

    @JCStressTest
    @Description("Two trials: one succeeds while the lease of both ends and another caller asks.")
    @Outcome(
            id = "permit, HALF_OPEN, 1, 1, 0",
            expect = ACCEPTABLE,
            desc = "The success came in time; the other trial was lost.")
    @Outcome(id = "permit, HALF_OPEN, 0, 2, 1", expect = ACCEPTABLE, desc = "Both were lost; the success was late.")
    @Outcome(expect = FORBIDDEN, desc = "A lease ended for one and not for the other, or a result counted after it.")
    @State
    public static class TwoTrialsAndOneLeaseEnd {

        private final Rig rig = Rig.waitOver(2);
        private final Permit first = rig.permit();

        public TwoTrialsAndOneLeaseEnd() {
            rig.permit();
        }

        @Actor
        public void actor1() {
            first.success();
        }

        @Actor
        public void actor2(LLLLL_Result r) {
            rig.clock.moveTo(Rig.WAIT_END + Rig.LEASE);
            r.r1 = rig.ask();
        }

        @Arbiter
        public void arbiter(LLLLL_Result r) {
            r.r2 = rig.state();
            r.r3 = rig.breaker.status().successCount();
            r.r4 = rig.counters().expiredLeases();
            r.r5 = rig.counters().lateResults();
        }
    }
}
