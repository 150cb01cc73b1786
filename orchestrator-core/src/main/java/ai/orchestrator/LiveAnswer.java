package ai.orchestrator;

import ai.orchestrator.chat.ChatEvent;
import ai.orchestrator.chat.Trail;
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
        public Reception attempt() {
            return nobody;
        }

        @Override
        public boolean failed(String provider, FailureKind kind) {
            return false;
        }

        @Override
        public void goesOn(Trail trail, ProviderException firstFailure) {
            // Nobody reads before the end.
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

    /** An attempt begins. */
    Reception attempt();

    /**
     * The attempt failed: what was held back of its answer is dropped.
     *
     * @param provider who failed
     * @param kind why
     * @return whether some of its answer was shown already and cannot be taken back, so that no other attempt may follow
     */
    boolean failed(String provider, FailureKind kind);

    /**
     * The call goes on after a failure.
     *
     * @param trail what it has done so far, for a reader that ends it
     */
    void goesOn(Trail trail, ProviderException firstFailure);
}
