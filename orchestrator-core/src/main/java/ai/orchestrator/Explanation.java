package ai.orchestrator;

import ai.orchestrator.internal.Durations;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The way that a call would take now. A look only: nothing is asked, taken or counted, and a moment later the way may be another. Immutable.
 *
 * @param route the name of the call's route
 * @param candidates the providers in the order in which they would be asked; unmodifiable
 * @param failOpen who would be asked although its breaker is open, because every other door is closed too and {@linkplain
 *     Orchestrator.Builder#failOpen that is wished}
 */
public record Explanation(String route, List<Candidate> candidates, Optional<String> failOpen) {

    /** Copies the candidates and checks that nothing is null. */
    public Explanation {
        Objects.requireNonNull(route, "route");
        candidates = List.copyOf(candidates);
        Objects.requireNonNull(failOpen, "failOpen");
    }

    /**
     * Who would be asked first.
     *
     * @return the provider's configured name; empty if the call would fail without asking anybody
     */
    public Optional<String> first() {
        return candidates.stream()
                .filter(candidate -> candidate.skipped().isEmpty())
                .map(Candidate::provider)
                .findFirst()
                .or(() -> failOpen);
    }

    /** The candidates on one line. */
    @Override
    public String toString() {
        return candidates.stream().map(Candidate::toString).collect(Collectors.joining("; "))
                + failOpen.map(name -> "; " + name + " would be asked all the same")
                        .orElse("");
    }

    /**
     * One provider's place on the way.
     *
     * @param provider its configured name
     * @param skipped why it would be skipped; empty if it would be asked when its turn comes
     * @param retryIn when it may be asked, if it would be skipped and that is known
     */
    public record Candidate(String provider, Optional<String> skipped, Optional<Duration> retryIn) {

        /** Checks that nothing is null. */
        public Candidate {
            Objects.requireNonNull(provider, "provider");
            Objects.requireNonNull(skipped, "skipped");
            Objects.requireNonNull(retryIn, "retryIn");
        }

        @Override
        public String toString() {
            return provider
                    + skipped.map(reason -> " would be skipped: " + reason).orElse(" may be asked")
                    + retryIn.map(wait -> ", next try in " + Durations.text(wait))
                            .orElse("");
        }
    }
}
