package ai.orchestrator;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;

/** Sees the answers of a call's attempts while they come. */
interface LiveAnswer {

    /** For a call that only wants the complete answer. */
    LiveAnswer NONE = new LiveAnswer() {

        private final Reception nobody = new Reception() {
            @Override
            public void event(ChatEvent event, Runnable resumed) {
                // Nobody reads it.
            }

            @Override
            public void end() {
                // Nothing waits.
            }

            @Override
            public boolean waits() {
                return false;
            }
        };

        @Override
        public Delivery delivery() {
            return Delivery.WHOLE;
        }

        @Override
        public Reception attempt(String provider, Trail soFar) {
            return nobody;
        }

        @Override
        public boolean failed(BrokenOff attempt) {
            return false;
        }

        @Override
        public boolean endsAt(FailureKind kind) {
            return false;
        }
    };

    /** Takes one attempt's events. */
    interface Reception {

        /**
         * Takes an event, on the provider's thread; may block until the attempt is over.
         *
         * @param resumed is run where it blocked and goes on, before {@link #waits()} says so
         */
        void event(ChatEvent event, Runnable resumed);

        /** Takes no more, and lets go of whoever waits: the attempt is cancelled. For any thread. */
        void end();

        /** Whether it blocks now: then a silence is not the provider's. For any thread. */
        boolean waits();
    }

    /**
     * An attempt that failed.
     *
     * @param partialText what had come of its answer
     * @param trail what the call has done so far
     */
    record BrokenOff(String provider, ProviderException failure, String partialText, Trail trail) {}

    /** How the answer is wanted. */
    Delivery delivery();

    /**
     * An attempt begins.
     *
     * @param soFar what the call has done before
     */
    Reception attempt(String provider, Trail soFar);

    /**
     * The attempt failed: what was held back of its answer is dropped.
     *
     * @return whether some of its answer was shown already and cannot be taken back, so that no other attempt may follow
     */
    boolean failed(BrokenOff attempt);

    /** Whether {@link #failed} would say so now. */
    boolean endsAt(FailureKind kind);
}
