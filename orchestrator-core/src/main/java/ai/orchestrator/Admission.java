package ai.orchestrator;

import ai.orchestrator.breaker.Acquisition.Permit;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.FailureKind;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What a provider says to a call that wants to make an attempt. */
sealed interface Admission {

    /**
     * Not now.
     *
     * @param step why
     * @param parked what the parking said, if that is why
     */
    record Refused(Trail.Skipped step, Parking.@Nullable Refusal parked) implements Admission {}

    /** The right to make one attempt, with all that was taken for it; to be completed once, by the call's thread. */
    final class Granted implements Admission {

        private final RegisteredProvider provider;
        private final Permit permit;
        private final Parking.@Nullable FirstCall first;

        Granted(RegisteredProvider provider, Permit permit, Parking.@Nullable FirstCall first) {
            this.provider = provider;
            this.permit = permit;
            this.first = first;
        }

        void succeeded(Duration took) {
            provider.leave();
            if (first != null) {
                first.reported();
            }
            permit.success(took);
        }

        /**
         * The attempt failed.
         *
         * @return whether the provider is parked from now on, and was not before
         */
        boolean failed(Duration took, Throwable cause, Decision decision, FailureKind kind) {
            provider.leave();
            // Parked before others may come.
            boolean parked = decision.parkNanos() > 0 && provider.parking().park(decision.parkNanos(), kind);
            if (first != null) {
                first.reported();
            }
            if (decision.countsAgainstProvider()) {
                permit.failure(took, cause);
            } else {
                permit.release();
            }
            return parked;
        }

        /** The attempt came to nothing that anybody could say what it means: an {@link Error}. */
        void broken(Duration took, Throwable cause) {
            provider.leave();
            if (first != null) {
                first.reported();
            }
            permit.failure(took, cause);
        }

        /** The attempt was not made, or says nothing about the provider. */
        void released() {
            provider.leave();
            if (first != null) {
                first.release();
            }
            permit.release();
        }
    }
}
