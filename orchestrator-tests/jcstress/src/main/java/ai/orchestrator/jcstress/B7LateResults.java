package ai.orchestrator.jcstress;

import static java.util.Objects.requireNonNull;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import ai.orchestrator.breaker.Acquisition.Permit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.LLLLL_Result;
import org.openjdk.jcstress.infra.results.LL_Result;

/** A result belongs to the state in which its call started. */
public final class B7LateResults {

    private B7LateResults() {}

    @JCStressTest
    @Description(
            "Threshold 1: one caller fails, waits and becomes the trial, while another of the closed time succeeds.")
    @Outcome(
            id = "permit, HALF_OPEN, refused, 0, CLOSED",
            expect = ACCEPTABLE,
            desc = "The trial goes on and alone decides.")
    @Outcome(
            expect = FORBIDDEN,
            desc = "A late result moved the breaker, gave or took a permit, or reached Resilience4j.")
    @State
    public static class LateSuccess {

        private final Rig rig = Rig.closed(1);
        private final Permit permit = rig.permit();
        private @Nullable Permit trial;

        @Actor
        public void actor1(LLLLL_Result r) {
            permit.failure();
            rig.clock.moveTo(Rig.WAIT_END);
            trial = rig.permit();
            r.r1 = Rig.word(trial);
        }

        @Actor
        public void actor2() {
            permit.success();
        }

        @Arbiter
        public void arbiter(LLLLL_Result r) {
            r.r2 = rig.state();
            r.r3 = rig.ask();
            r.r4 = rig.resilience4j.getMetrics().getNumberOfBufferedCalls();
            requireNonNull(trial).success();
            r.r5 = rig.state();
        }
    }

    @JCStressTest
    @Description("As LateSuccess, but a consumer of Resilience4j's events keeps the success up on its way.")
    @Outcome(
            id = "permit, HALF_OPEN, refused, 0, CLOSED",
            expect = ACCEPTABLE,
            desc = "The trial goes on and alone decides.")
    @Outcome(
            expect = FORBIDDEN,
            desc = "A late result moved the breaker, gave or took a permit, or reached Resilience4j.")
    @State
    public static class LateSuccessKeptUp {

        private final Rig rig = Rig.closed(1);
        private final Permit permit = rig.permit();
        private @Nullable Permit trial;

        public LateSuccessKeptUp() {
            rig.slowDownConsumers();
        }

        @Actor
        public void actor1(LLLLL_Result r) {
            permit.failure();
            rig.clock.moveTo(Rig.WAIT_END);
            trial = rig.permit();
            r.r1 = Rig.word(trial);
        }

        @Actor
        public void actor2() {
            permit.success();
        }

        @Arbiter
        public void arbiter(LLLLL_Result r) {
            r.r2 = rig.state();
            r.r3 = rig.ask();
            r.r4 = rig.resilience4j.getMetrics().getNumberOfBufferedCalls();
            requireNonNull(trial).success();
            r.r5 = rig.state();
        }
    }

    @JCStressTest
    @Description(
            "Threshold 1: one caller fails, waits and becomes the trial, while another of the closed time fails too.")
    @Outcome(
            id = "permit, HALF_OPEN, refused, 0, CLOSED",
            expect = ACCEPTABLE,
            desc = "The trial goes on and alone decides.")
    @Outcome(
            expect = FORBIDDEN,
            desc = "A late result moved the breaker, gave or took a permit, or reached Resilience4j.")
    @State
    public static class LateFailure {

        private final Rig rig = Rig.closed(1);
        private final Permit permit = rig.permit();
        private @Nullable Permit trial;

        @Actor
        public void actor1(LLLLL_Result r) {
            permit.failure();
            rig.clock.moveTo(Rig.WAIT_END);
            trial = rig.permit();
            r.r1 = Rig.word(trial);
        }

        @Actor
        public void actor2() {
            permit.failure();
        }

        @Arbiter
        public void arbiter(LLLLL_Result r) {
            r.r2 = rig.state();
            r.r3 = rig.ask();
            r.r4 = rig.resilience4j.getMetrics().getNumberOfBufferedCalls();
            requireNonNull(trial).success();
            r.r5 = rig.state();
        }
    }

    @JCStressTest
    @Description(
            "Threshold 1: one caller fails, waits and becomes the trial, while another of the closed time gives its permit back.")
    @Outcome(
            id = "permit, HALF_OPEN, refused, 0, CLOSED",
            expect = ACCEPTABLE,
            desc = "The trial goes on and alone decides.")
    @Outcome(
            expect = FORBIDDEN,
            desc = "A late result moved the breaker, gave or took a permit, or reached Resilience4j.")
    @State
    public static class LateRelease {

        private final Rig rig = Rig.closed(1);
        private final Permit permit = rig.permit();
        private @Nullable Permit trial;

        @Actor
        public void actor1(LLLLL_Result r) {
            permit.failure();
            rig.clock.moveTo(Rig.WAIT_END);
            trial = rig.permit();
            r.r1 = Rig.word(trial);
        }

        @Actor
        public void actor2() {
            permit.release();
        }

        @Arbiter
        public void arbiter(LLLLL_Result r) {
            r.r2 = rig.state();
            r.r3 = rig.ask();
            r.r4 = rig.resilience4j.getMetrics().getNumberOfBufferedCalls();
            requireNonNull(trial).success();
            r.r5 = rig.state();
        }
    }

    @JCStressTest
    @Description(
            "Two trials: one fails, waits and becomes a trial of the next half-open time, while the other of the first succeeds.")
    @Outcome(
            id = "permit, HALF_OPEN, 0, permit, refused",
            expect = ACCEPTABLE,
            desc = "The late success is no success of the new time.")
    @Outcome(expect = FORBIDDEN, desc = "A late trial counted, or gave or took a permit.")
    @State
    public static class LateTrial {

        private final Rig rig = Rig.waitOver(2);
        private final Permit first = rig.permit();
        private final Permit second = rig.permit();

        @Actor
        public void actor1(LLLLL_Result r) {
            first.failure();
            rig.clock.moveTo(2 * Rig.WAIT_END);
            r.r1 = rig.ask();
        }

        @Actor
        public void actor2() {
            second.success();
        }

        @Arbiter
        public void arbiter(LLLLL_Result r) {
            r.r2 = rig.state();
            r.r3 = rig.breaker.status().successCount();
            r.r4 = rig.ask();
            r.r5 = rig.ask();
        }
    }

    @JCStressTest
    @Description("One caller of the closed time succeeds while an operator resets and a failure follows; threshold 2.")
    @Outcome(id = "CLOSED, 1", expect = ACCEPTABLE, desc = "The old success does not end the new row.")
    @Outcome(expect = FORBIDDEN, desc = "A late success ended a row that it does not belong to.")
    @State
    public static class LateSuccessAfterReset {

        private final Rig rig = Rig.closed(2);
        private final Permit permit = rig.permit();

        @Actor
        public void actor1() {
            rig.breaker.reset();
            rig.permit().failure();
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
}
