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

/** In half-open: never more trials than successes are still needed; the first failed trial opens it again. */
public final class B6Trials {

    private B6Trials() {}

    @JCStressTest
    @Description("One trial is allowed: two callers ask at the instant at which the wait is over.")
    @Outcome(
            id = {"permit, refused, HALF_OPEN", "refused, permit, HALF_OPEN"},
            expect = ACCEPTABLE,
            desc = "One of them is the trial.")
    @Outcome(expect = FORBIDDEN, desc = "Too many trials or none, or Resilience4j does not follow.")
    @State
    public static class TwoCallersOneTrial {

        private final Rig rig = Rig.waitOver(1);

        @Actor
        public void actor1(LLL_Result r) {
            r.r1 = rig.ask();
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
    @Description("One trial is allowed: two callers ask while the wait ends.")
    @Outcome(
            id = {"permit, refused, HALF_OPEN", "refused, permit, HALF_OPEN"},
            expect = ACCEPTABLE,
            desc = "One of them is the trial.")
    @Outcome(expect = FORBIDDEN, desc = "Too many trials or none, or Resilience4j does not follow.")
    @State
    public static class TwoCallersAsTheWaitEnds {

        private final Rig rig = Rig.open(1, 1);

        @Actor
        public void actor1(LLL_Result r) {
            rig.clock.moveTo(Rig.WAIT_END);
            r.r1 = rig.ask();
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
    @Description("Two trials are allowed: two callers ask at the instant at which the wait is over.")
    @Outcome(
            id = "permit, permit, refused, HALF_OPEN",
            expect = ACCEPTABLE,
            desc = "Both are trials, and there is no third.")
    @Outcome(expect = FORBIDDEN, desc = "Too many trials or too few, or Resilience4j does not follow.")
    @State
    public static class TwoCallersTwoTrials {

        private final Rig rig = Rig.waitOver(2);

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
            r.r3 = rig.ask();
            r.r4 = rig.state();
        }
    }

    @JCStressTest
    @Description("One trial is allowed: three callers ask at the instant at which the wait is over.")
    @Outcome(
            id = {
                "permit, refused, refused, HALF_OPEN",
                "refused, permit, refused, HALF_OPEN",
                "refused, refused, permit, HALF_OPEN"
            },
            expect = ACCEPTABLE,
            desc = "One of them is the trial.")
    @Outcome(expect = FORBIDDEN, desc = "Too many trials or none, or Resilience4j does not follow.")
    @State
    public static class ThreeCallersOneTrial {

        private final Rig rig = Rig.waitOver(1);

        @Actor
        public void actor1(LLLL_Result r) {
            r.r1 = rig.ask();
        }

        @Actor
        public void actor2(LLLL_Result r) {
            r.r2 = rig.ask();
        }

        @Actor
        public void actor3(LLLL_Result r) {
            r.r3 = rig.ask();
        }

        @Arbiter
        public void arbiter(LLLL_Result r) {
            r.r4 = rig.state();
        }
    }

    @JCStressTest
    @Description("Two trials are allowed: three callers ask at the instant at which the wait is over.")
    @Outcome(
            id = {
                "permit, permit, refused, HALF_OPEN",
                "permit, refused, permit, HALF_OPEN",
                "refused, permit, permit, HALF_OPEN"
            },
            expect = ACCEPTABLE,
            desc = "Two of them are trials.")
    @Outcome(expect = FORBIDDEN, desc = "Too many trials or too few, or Resilience4j does not follow.")
    @State
    public static class ThreeCallersTwoTrials {

        private final Rig rig = Rig.waitOver(2);

        @Actor
        public void actor1(LLLL_Result r) {
            r.r1 = rig.ask();
        }

        @Actor
        public void actor2(LLLL_Result r) {
            r.r2 = rig.ask();
        }

        @Actor
        public void actor3(LLLL_Result r) {
            r.r3 = rig.ask();
        }

        @Arbiter
        public void arbiter(LLLL_Result r) {
            r.r4 = rig.state();
        }
    }

    @JCStressTest
    @Description("Two trials are allowed: two callers ask twice each, at the instant at which the wait is over.")
    @Outcome(
            id = {
                "permit permit, refused refused, HALF_OPEN",
                "refused refused, permit permit, HALF_OPEN",
                "permit refused, permit refused, HALF_OPEN"
            },
            expect = ACCEPTABLE,
            desc = "The first two requests are the trials.")
    @Outcome(expect = FORBIDDEN, desc = "Too many trials or too few, or a permit after a refusal.")
    @State
    public static class TwoCallersAskTwice {

        private final Rig rig = Rig.waitOver(2);

        @Actor
        public void actor1(LLL_Result r) {
            r.r1 = rig.ask() + " " + rig.ask();
        }

        @Actor
        public void actor2(LLL_Result r) {
            r.r2 = rig.ask() + " " + rig.ask();
        }

        @Arbiter
        public void arbiter(LLL_Result r) {
            r.r3 = rig.state();
        }
    }

    @JCStressTest
    @Description("Two trials are allowed and under way: one succeeds while another caller asks.")
    @Outcome(
            id = "refused, HALF_OPEN, CLOSED",
            expect = ACCEPTABLE,
            desc = "One success and one trial: no room; the trial closes it.")
    @Outcome(expect = FORBIDDEN, desc = "More trials than successes are still needed.")
    @State
    public static class SuccessfulTrialMakesNoRoom {

        private final Rig rig = Rig.waitOver(2);
        private final Permit first = rig.permit();
        private final Permit second = rig.permit();

        @Actor
        public void actor1() {
            first.success();
        }

        @Actor
        public void actor2(LLL_Result r) {
            r.r1 = rig.ask();
        }

        @Arbiter
        public void arbiter(LLL_Result r) {
            r.r2 = rig.state();
            second.success();
            r.r3 = rig.state();
        }
    }

    @JCStressTest
    @Description("The one trial succeeds while another caller asks.")
    @Outcome(id = "refused, CLOSED", expect = ACCEPTABLE, desc = "Asked while half open.")
    @Outcome(id = "permit, CLOSED", expect = ACCEPTABLE, desc = "Asked when it was closed.")
    @Outcome(expect = FORBIDDEN, desc = "The success did not close it, or Resilience4j does not follow.")
    @State
    public static class LastSuccessAndCaller {

        private final Rig rig = Rig.waitOver(1);
        private final Permit trial = rig.permit();

        @Actor
        public void actor1() {
            trial.success();
        }

        @Actor
        public void actor2(LL_Result r) {
            r.r1 = rig.ask();
        }

        @Arbiter
        public void arbiter(LL_Result r) {
            r.r2 = rig.state();
        }
    }

    @JCStressTest
    @Description("Two successes are needed: both trials succeed at once.")
    @Outcome(id = "CLOSED, 2, 0", expect = ACCEPTABLE, desc = "Both count; it closes.")
    @Outcome(expect = FORBIDDEN, desc = "A success was lost, or Resilience4j does not follow.")
    @State
    public static class TwoTrialsSucceed {

        private final Rig rig = Rig.waitOver(2);
        private final Permit first = rig.permit();
        private final Permit second = rig.permit();

        @Actor
        public void actor1() {
            first.success();
        }

        @Actor
        public void actor2() {
            second.success();
        }

        @Arbiter
        public void arbiter(LLL_Result r) {
            r.r1 = rig.state();
            r.r2 = rig.counters().successes();
            r.r3 = rig.counters().lateResults();
        }
    }

    @JCStressTest
    @Description("Two trials fail at once.")
    @Outcome(id = "OPEN, 2, 1", expect = ACCEPTABLE, desc = "The first opens it again, the second is late.")
    @Outcome(expect = FORBIDDEN, desc = "It reopened twice, or not, or Resilience4j does not follow.")
    @State
    public static class TwoTrialsFail {

        private final Rig rig = Rig.waitOver(2);
        private final Permit first = rig.permit();
        private final Permit second = rig.permit();

        @Actor
        public void actor1() {
            first.failure();
        }

        @Actor
        public void actor2() {
            second.failure();
        }

        @Arbiter
        public void arbiter(LLL_Result r) {
            r.r1 = rig.state();
            r.r2 = rig.counters().openings();
            r.r3 = rig.counters().lateResults();
        }
    }

    @JCStressTest
    @Description("Two successes are needed: one trial fails while the other succeeds.")
    @Outcome(
            id = {"OPEN, 1, 0", "OPEN, 0, 1"},
            expect = ACCEPTABLE,
            desc = "The failed trial opens it; the success counted before, or was late.")
    @Outcome(expect = FORBIDDEN, desc = "A failed trial did not open it, or Resilience4j does not follow.")
    @State
    public static class OneTrialFailsOneSucceeds {

        private final Rig rig = Rig.waitOver(2);
        private final Permit first = rig.permit();
        private final Permit second = rig.permit();

        @Actor
        public void actor1() {
            first.success();
        }

        @Actor
        public void actor2() {
            second.failure();
        }

        @Arbiter
        public void arbiter(LLL_Result r) {
            r.r1 = rig.state();
            r.r2 = rig.counters().successes();
            r.r3 = rig.counters().lateResults();
        }
    }

    @JCStressTest
    @Description("Two trials are allowed, one is under way: it fails while another caller asks.")
    @Outcome(
            id = "permit, OPEN",
            expect = ACCEPTABLE,
            desc = "The caller was the second trial; the failure opened it all the same.")
    @Outcome(id = "refused, OPEN", expect = ACCEPTABLE, desc = "The caller found it open.")
    @Outcome(expect = FORBIDDEN, desc = "A failed trial did not open it, or Resilience4j does not follow.")
    @State
    public static class FailedTrialAndCaller {

        private final Rig rig = Rig.waitOver(2);
        private final Permit trial = rig.permit();

        @Actor
        public void actor1() {
            trial.failure();
        }

        @Actor
        public void actor2(LL_Result r) {
            r.r1 = rig.ask();
        }

        @Arbiter
        public void arbiter(LL_Result r) {
            r.r2 = rig.state();
        }
    }

    @JCStressTest
    @Description("The one trial is reported as a success and as a failure at once.")
    @Outcome(
            id = {"CLOSED, 1", "OPEN, 1"},
            expect = ACCEPTABLE,
            desc = "One of the two counts.")
    @Outcome(expect = FORBIDDEN, desc = "Both counted or none, or Resilience4j does not follow.")
    @State
    public static class OnePermitSettledTwice {

        private final Rig rig = Rig.waitOver(1);
        private final Permit trial = rig.permit();
        private final long before = results();

        @Actor
        public void actor1() {
            trial.success();
        }

        @Actor
        public void actor2() {
            trial.failure();
        }

        private long results() {
            return rig.counters().successes() + rig.counters().failures();
        }

        @Arbiter
        public void arbiter(LL_Result r) {
            r.r1 = rig.state();
            r.r2 = results() - before;
        }
    }

    @JCStressTest
    @Description("The one trial succeeds while a caller that knows no permits records a failure; 2 failures open.")
    @Outcome(id = "CLOSED, 1, 0", expect = ACCEPTABLE, desc = "The trial closed it; the failure counts there.")
    @Outcome(id = "OPEN, 2, 1", expect = ACCEPTABLE, desc = "The failure opened it; the trial was late.")
    @Outcome(expect = FORBIDDEN, desc = "Both decided, or none, or Resilience4j does not follow.")
    @State
    public static class TrialAndRecordedFailure {

        private final Rig rig = Rig.open(2, 1);
        private final Permit trial;

        public TrialAndRecordedFailure() {
            rig.clock.moveTo(Rig.WAIT_END);
            trial = rig.permit();
        }

        @Actor
        public void actor1() {
            trial.success();
        }

        @Actor
        public void actor2() {
            rig.breaker.recordFailure();
        }

        @Arbiter
        public void arbiter(LLL_Result r) {
            r.r1 = rig.state();
            r.r2 = rig.failureCount();
            r.r3 = rig.counters().lateResults();
        }
    }
}
