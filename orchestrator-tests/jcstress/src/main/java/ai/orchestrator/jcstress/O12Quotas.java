package ai.orchestrator.jcstress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import ai.orchestrator.quota.Quota;
import ai.orchestrator.quota.Quota.Reservation;
import ai.orchestrator.quota.QuotaSettings;
import java.time.Instant;
import java.time.InstantSource;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.LLL_Result;
import org.openjdk.jcstress.infra.results.LL_Result;

/** No more is reserved than fits, nothing is lost or given back twice, and who only looks sees what was true. */
public final class O12Quotas {

    private O12Quotas() {}

    private static Quota quota(long requestsPerMinute, long requestsPerDay, long tokensPerMinute) {
        return Quota.of(
                "quota",
                QuotaSettings.builder()
                        .requestsPerMinute(requestsPerMinute)
                        .requestsPerDay(requestsPerDay)
                        .tokensPerMinute(tokensPerMinute)
                        .build(),
                new HandClock(),
                InstantSource.fixed(Instant.EPOCH));
    }

    private static String ask(Quota quota, long tokens) {
        return quota.reserve(tokens) instanceof Reservation ? "reserved" : "refused";
    }

    /** Requests of the minute, of the day, and tokens. */
    private static String used(Quota quota) {
        return quota.status().stream()
                .map(status -> Long.toString(status.used()))
                .reduce((a, b) -> a + "/" + b)
                .orElseThrow();
    }

    @JCStressTest
    @Description("Two callers ask at once for the last request.")
    @Outcome(
            id = {"reserved, refused, 1/1/5", "refused, reserved, 1/1/5"},
            expect = ACCEPTABLE,
            desc = "One gets it.")
    @Outcome(expect = FORBIDDEN, desc = "Both or none got it.")
    @State
    public static class TheLastRequest {

        private final Quota quota = quota(1, 2, 100);

        @Actor
        public void actor1(LLL_Result r) {
            r.r1 = ask(quota, 5);
        }

        @Actor
        public void actor2(LLL_Result r) {
            r.r2 = ask(quota, 5);
        }

        @Arbiter
        public void arbiter(LLL_Result r) {
            r.r3 = used(quota);
        }
    }

    @JCStressTest
    @Description("Two callers ask at once for more than half of the tokens.")
    @Outcome(id = "reserved, refused, 1/1/7", expect = ACCEPTABLE, desc = "The first gets them.")
    @Outcome(id = "refused, reserved, 1/1/6", expect = ACCEPTABLE, desc = "The second gets them.")
    @Outcome(expect = FORBIDDEN, desc = "Both or none got them, or the one that did not has taken a request.")
    @State
    public static class InAllWindowsOrInNone {

        private final Quota quota = quota(2, 2, 10);

        @Actor
        public void actor1(LLL_Result r) {
            r.r1 = ask(quota, 7);
        }

        @Actor
        public void actor2(LLL_Result r) {
            r.r2 = ask(quota, 6);
        }

        @Arbiter
        public void arbiter(LLL_Result r) {
            r.r3 = used(quota);
        }
    }

    @JCStressTest
    @Description("A caller gives the only request back while another asks for it.")
    @Outcome(id = "reserved, 1/1/3", expect = ACCEPTABLE, desc = "The other came later.")
    @Outcome(id = "refused, 0/0/0", expect = ACCEPTABLE, desc = "The other came sooner.")
    @Outcome(expect = FORBIDDEN, desc = "The request was lost, or is used twice.")
    @State
    public static class RefundAndReserve {

        private final Quota quota = quota(1, 1, 10);
        private final Reservation reservation = (Reservation) quota.reserve(10);

        @Actor
        public void actor1() {
            reservation.refund();
        }

        @Actor
        public void actor2(LL_Result r) {
            r.r1 = ask(quota, 3);
        }

        @Arbiter
        public void arbiter(LL_Result r) {
            r.r2 = used(quota);
        }
    }

    @JCStressTest
    @Description("One thread settles a reservation, another gives it back.")
    @Outcome(id = "1/1/30, 0.7", expect = ACCEPTABLE, desc = "It was settled.")
    @Outcome(id = "0/0/0, 1.0", expect = ACCEPTABLE, desc = "It was given back.")
    @Outcome(expect = FORBIDDEN, desc = "Both counted, or neither, or who looks does not see it.")
    @State
    public static class SettleAndRefund {

        private final Quota quota = quota(10, 10, 100);
        private final Reservation reservation = (Reservation) quota.reserve(20);

        @Actor
        public void actor1() {
            reservation.settle(30);
        }

        @Actor
        public void actor2() {
            reservation.refund();
        }

        @Arbiter
        public void arbiter(LL_Result r) {
            r.r1 = used(quota);
            r.r2 = quota.left();
        }
    }

    @JCStressTest
    @Description("Two callers reserve while a third only looks, twice.")
    @Outcome(
            id = {"1.0, 1.0, 0.0", "1.0, 0.5, 0.0", "1.0, 0.0, 0.0", "0.5, 0.5, 0.0", "0.5, 0.0, 0.0", "0.0, 0.0, 0.0"},
            expect = ACCEPTABLE,
            desc = "It sees what is left, in the order in which it was.")
    @Outcome(
            expect = FORBIDDEN,
            desc = "It saw what never was, or went back in time, or a change is missing at the end.")
    @State
    public static class Onlooker {

        private final Quota quota = quota(2, 10, 100);

        @Actor
        public void actor1() {
            String unused = ask(quota, 1);
        }

        @Actor
        public void actor2() {
            String unused = ask(quota, 1);
        }

        @Actor
        public void actor3(LLL_Result r) {
            r.r1 = quota.left();
            r.r2 = quota.left();
        }

        @Arbiter
        public void arbiter(LLL_Result r) {
            r.r3 = quota.left();
        }
    }
}
