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
 * @param candidates the providers in the order in which they would be asked; unmodifiable
 */
public record Explanation(List<Candidate> candidates) {

    /** Copies the candidates. */
    public Explanation {
        candidates = List.copyOf(candidates);
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
                .findFirst();
    }

    /** The candidates on one line. */
    @Override
    public String toString() {
        return candidates.stream().map(Candidate::toString).collect(Collectors.joining("; "));
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
