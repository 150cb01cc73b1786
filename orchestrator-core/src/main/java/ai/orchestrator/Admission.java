package ai.orchestrator;

import ai.orchestrator.breaker.Acquisition.Permit;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.chat.Usage;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.quota.Quota;
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

    /**
     * Not any more: the provider was taken away since the call began.
     *
     * @param step how
     */
    record Withdrawn(Trail.Skipped step) implements Admission {}

    /** The right to make one attempt, with all that was taken for it; to be completed once, by the call's thread. */
    final class Granted implements Admission {

        private final RegisteredProvider provider;
        private final ProviderSetup setup;
        private final Parking.@Nullable FirstCall first;
        private final Quota.@Nullable Reservation quota;

        /** The breaker's; null for an attempt that it hears nothing of. */
        private @Nullable Permit permit;

        Granted(
                RegisteredProvider provider,
                ProviderSetup setup,
                Parking.@Nullable FirstCall first,
                Quota.@Nullable Reservation quota) {
            this.provider = provider;
            this.setup = setup;
            this.first = first;
            this.quota = quota;
        }

        /** What the attempt goes by, whatever changes meanwhile. */
        ProviderSetup setup() {
            return setup;
        }

        void guardedBy(Permit permit) {
            this.permit = permit;
        }

        void succeeded(Attempt attempt, Duration took) {
            provider.lastCheck().clear();
            provider.leave(setup);
            if (quota != null) {
                Usage usage = attempt.usage();
                if (usage == null) {
                    quota.settle();
                } else {
                    quota.settle(usage.totalTokens());
                }
                provider.correctQuota(setup, attempt.rateLimits());
            }
            provider.attempts().answered();
            provider.recent().succeeded(took);
            if (first != null) {
                first.reported();
            }
            if (permit != null) {
                permit.success(took);
            }
        }

        /**
         * The attempt failed.
         *
         * @return whether the provider is parked from now on, and was not before
         */
        boolean failed(Attempt attempt, Duration took, Throwable cause, Decision decision, FailureKind kind) {
            provider.leave(setup);
            if (quota != null) {
                quota.refund();
                provider.correctQuota(setup, attempt.rateLimits());
            }
            if (kind == FailureKind.CANCELLED) {
                provider.attempts().abandoned();
            } else {
                provider.attempts().failed();
            }
            if (!Decision.blamesRequest(kind)) {
                provider.recent().failed();
            }
            // Parked before others may come.
            boolean parked = decision.parkNanos() > 0 && provider.park(setup, decision.parkNanos(), kind);
            if (first != null) {
                if (kind == FailureKind.CANCELLED) {
                    // Nothing was learnt, so that the others would all come at once.
                    first.release();
                } else {
                    first.reported();
                }
            }
            if (permit != null) {
                if (decision.countsAgainstProvider()) {
                    permit.failure(took, cause);
                } else {
                    permit.release();
                }
            }
            return parked;
        }

        /** The attempt came to nothing that anybody could say what it means: an {@link Error}. */
        void broken(Duration took, Throwable cause) {
            provider.leave(setup);
            refund();
            provider.attempts().failed();
            provider.recent().failed();
            if (first != null) {
                first.reported();
            }
            if (permit != null) {
                permit.failure(took, cause);
            }
        }

        /** The attempt was not made, or says nothing about the provider. */
        void released() {
            giveBack();
            provider.attempts().abandoned();
            if (permit != null) {
                permit.release();
            }
        }

        /** Another guard keeps the call away. */
        void giveBack() {
            provider.leave(setup);
            refund();
            if (first != null) {
                first.release();
            }
        }

        private void refund() {
            if (quota != null) {
                quota.refund();
            }
        }
    }
}
