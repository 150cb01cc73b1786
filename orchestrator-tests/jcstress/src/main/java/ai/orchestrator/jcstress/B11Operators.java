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
import org.openjdk.jcstress.infra.results.L_Result;

/** What an operator decides wins every race. */
public final class B11Operators {

    private B11Operators() {}

    @JCStressTest
    @Description("The failure that opens arrives while an operator forces it open.")
    @Outcome(id = "FORCED_OPEN", expect = ACCEPTABLE, desc = "The operator wins.")
    @Outcome(expect = FORBIDDEN, desc = "The operator lost, or Resilience4j does not follow.")
    @State
    public static class TripAndForceOpen {

        private final Rig rig = Rig.closed(1);
        private final Permit permit = rig.permit();

        @Actor
        public void actor1() {
            permit.failure();
        }

        @Actor
        public void actor2() {
            rig.breaker.forceOpen();
        }

        @Arbiter
        public void arbiter(L_Result r) {
            r.r1 = rig.state();
        }
    }

    @JCStressTest
    @Description("The failure that opens arrives while an operator disables it.")
    @Outcome(id = "DISABLED", expect = ACCEPTABLE, desc = "The operator wins.")
    @Outcome(expect = FORBIDDEN, desc = "The operator lost, or Resilience4j does not follow.")
    @State
    public static class TripAndDisable {

        private final Rig rig = Rig.closed(1);
        private final Permit permit = rig.permit();

        @Actor
        public void actor1() {
            permit.failure();
        }

        @Actor
        public void actor2() {
            rig.breaker.disable();
        }

        @Arbiter
        public void arbiter(L_Result r) {
            r.r1 = rig.state();
        }
    }

    @JCStressTest
    @Description("The failure that opens arrives while an operator resets it.")
    @Outcome(id = "CLOSED, 0", expect = ACCEPTABLE, desc = "The operator wins; the failure is undone or late.")
    @Outcome(expect = FORBIDDEN, desc = "The operator lost, or Resilience4j does not follow.")
    @State
    public static class TripAndReset {

        private final Rig rig = Rig.closed(1);
        private final Permit permit = rig.permit();

        @Actor
        public void actor1() {
            permit.failure();
        }

        @Actor
        public void actor2() {
            rig.breaker.reset();
        }

        @Arbiter
        public void arbiter(LL_Result r) {
            r.r1 = rig.state();
            r.r2 = rig.failureCount();
        }
    }

    @JCStressTest
    @Description("A success takes the short way while an operator forces it open.")
    @Outcome(id = "FORCED_OPEN", expect = ACCEPTABLE, desc = "The operator wins.")
    @Outcome(expect = FORBIDDEN, desc = "The operator lost, or Resilience4j does not follow.")
    @State
    public static class HealthySuccessAndForceOpen {

        private final Rig rig = Rig.closed(1);
        private final Permit permit = rig.permit();

        @Actor
        public void actor1() {
            permit.success();
        }

        @Actor
        public void actor2() {
            rig.breaker.forceOpen();
        }

        @Arbiter
        public void arbiter(L_Result r) {
            r.r1 = rig.state();
        }
    }

    @JCStressTest
    @Description("A caller asks at the instant at which the wait is over, while an operator forces it open.")
    @Outcome(
            id = {"permit, FORCED_OPEN, refused", "refused, FORCED_OPEN, refused"},
            expect = ACCEPTABLE,
            desc = "The operator wins.")
    @Outcome(expect = FORBIDDEN, desc = "The operator lost, or Resilience4j does not follow.")
    @State
    public static class EndOfWaitAndForceOpen {

        private final Rig rig = Rig.waitOver(1);

        @Actor
        public void actor1(LLL_Result r) {
            r.r1 = rig.ask();
        }

        @Actor
        public void actor2() {
            rig.breaker.forceOpen();
        }

        @Arbiter
        public void arbiter(LLL_Result r) {
            r.r2 = rig.state();
            r.r3 = rig.ask();
        }
    }

    @JCStressTest
    @Description("A caller asks at the instant at which the wait is over, while an operator disables it.")
    @Outcome(id = "permit, DISABLED, permit", expect = ACCEPTABLE, desc = "The operator wins.")
    @Outcome(expect = FORBIDDEN, desc = "The operator lost, or Resilience4j does not follow.")
    @State
    public static class EndOfWaitAndDisable {

        private final Rig rig = Rig.waitOver(1);

        @Actor
        public void actor1(LLL_Result r) {
            r.r1 = rig.ask();
        }

        @Actor
        public void actor2() {
            rig.breaker.disable();
        }

        @Arbiter
        public void arbiter(LLL_Result r) {
            r.r2 = rig.state();
            r.r3 = rig.ask();
        }
    }

    @JCStressTest
    @Description("A caller asks at the instant at which the wait is over, while an operator resets it.")
    @Outcome(id = "permit, CLOSED, permit", expect = ACCEPTABLE, desc = "The operator wins.")
    @Outcome(expect = FORBIDDEN, desc = "The operator lost, or Resilience4j does not follow.")
    @State
    public static class EndOfWaitAndReset {

        private final Rig rig = Rig.waitOver(1);

        @Actor
        public void actor1(LLL_Result r) {
            r.r1 = rig.ask();
        }

        @Actor
        public void actor2() {
            rig.breaker.reset();
        }

        @Arbiter
        public void arbiter(LLL_Result r) {
            r.r2 = rig.state();
            r.r3 = rig.ask();
        }
    }

    @JCStressTest
    @Description("The last trial succeeds while an operator forces it open.")
    @Outcome(id = "FORCED_OPEN", expect = ACCEPTABLE, desc = "The operator wins.")
    @Outcome(expect = FORBIDDEN, desc = "The operator lost, or Resilience4j does not follow.")
    @State
    public static class LastSuccessAndForceOpen {

        private final Rig rig = Rig.waitOver(1);
        private final Permit trial = rig.permit();

        @Actor
        public void actor1() {
            trial.success();
        }

        @Actor
        public void actor2() {
            rig.breaker.forceOpen();
        }

        @Arbiter
        public void arbiter(L_Result r) {
            r.r1 = rig.state();
        }
    }

    @JCStressTest
    @Description("A trial fails while an operator resets it.")
    @Outcome(id = "CLOSED, 0", expect = ACCEPTABLE, desc = "The operator wins; the failure is undone or late.")
    @Outcome(expect = FORBIDDEN, desc = "The operator lost, or Resilience4j does not follow.")
    @State
    public static class FailedTrialAndReset {

        private final Rig rig = Rig.waitOver(1);
        private final Permit trial = rig.permit();

        @Actor
        public void actor1() {
            trial.failure();
        }

        @Actor
        public void actor2() {
            rig.breaker.reset();
        }

        @Arbiter
        public void arbiter(LL_Result r) {
            r.r1 = rig.state();
            r.r2 = rig.failureCount();
        }
    }

    @JCStressTest
    @Description("A trial fails while an operator disables it.")
    @Outcome(id = "DISABLED", expect = ACCEPTABLE, desc = "The operator wins.")
    @Outcome(expect = FORBIDDEN, desc = "The operator lost, or Resilience4j does not follow.")
    @State
    public static class FailedTrialAndDisable {

        private final Rig rig = Rig.waitOver(1);
        private final Permit trial = rig.permit();

        @Actor
        public void actor1() {
            trial.failure();
        }

        @Actor
        public void actor2() {
            rig.breaker.disable();
        }

        @Arbiter
        public void arbiter(L_Result r) {
            r.r1 = rig.state();
        }
    }

    @JCStressTest
    @Description("One operator forces it open while another disables it.")
    @Outcome(
            id = {"FORCED_OPEN", "DISABLED"},
            expect = ACCEPTABLE,
            desc = "One of them was last.")
    @Outcome(expect = FORBIDDEN, desc = "The operator lost, or Resilience4j does not follow.")
    @State
    public static class TwoOperators {

        private final Rig rig = Rig.closed(1);

        @Actor
        public void actor1() {
            rig.breaker.forceOpen();
        }

        @Actor
        public void actor2() {
            rig.breaker.disable();
        }

        @Arbiter
        public void arbiter(L_Result r) {
            r.r1 = rig.state();
        }
    }

    @JCStressTest
    @Description("One operator forces it open while another resets it.")
    @Outcome(
            id = {"FORCED_OPEN", "CLOSED"},
            expect = ACCEPTABLE,
            desc = "One of them was last.")
    @Outcome(expect = FORBIDDEN, desc = "The operator lost, or Resilience4j does not follow.")
    @State
    public static class ForceOpenAndReset {

        private final Rig rig = Rig.closed(1);

        @Actor
        public void actor1() {
            rig.breaker.forceOpen();
        }

        @Actor
        public void actor2() {
            rig.breaker.reset();
        }

        @Arbiter
        public void arbiter(L_Result r) {
            r.r1 = rig.state();
        }
    }
}
