package ai.orchestrator;

import ai.orchestrator.Decision.Situation;
import ai.orchestrator.chat.ChatRequest;
import ai.orchestrator.chat.ChatResponse;
import ai.orchestrator.chat.Trail;
import ai.orchestrator.internal.Durations;
import ai.orchestrator.provider.Cancellation;
import ai.orchestrator.provider.Delivery;
import ai.orchestrator.provider.FailureKind;
import ai.orchestrator.provider.ProviderException;
import ai.orchestrator.time.Deadline;
import ai.orchestrator.time.TimeSource;
import io.github.resilience4j.retry.Retry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All attempts for one request: asks the candidates until one has answered or none is left. For one thread. */
final class Call {

    private static final Logger logger = LoggerFactory.getLogger(Orchestrator.class);

    /** Far more than any deadline, so that a provider's hint can be counted in nanoseconds. */
    private static final Duration LONGEST_HINT = Duration.ofDays(366);

    private static final String BUDGET_USED_UP = "the retry budget is used up";

    private final Context context;
    private final ChatRequest request;
    private final Deadline deadline;
    private final Duration allowed;
    private final long startNanos;
    private final Cancellation cancellation;
    private final LiveAnswer live;
    private final Candidate[] candidates;
    private final List<Trail.Step> steps = new ArrayList<>(2);
    private @Nullable ProviderException firstFailure;
    private final List<ProviderException> laterFailures = new ArrayList<>(0);
    private @Nullable Candidate lastAsked;

    /** Where a decision said to go, before anybody else is looked at. */
    private @Nullable Candidate preferred;

    /** What a request that was too long for one provider needs more than; zero if none has said so. */
    private long windowExceeded;

    private String partialText = "";

    /**
     * What all calls of an orchestrator share.
     *
     * @param passesFilteredOn whether a policy refusal is put to another provider
     * @param aborted whether calls are to end because the orchestrator is closed
     */
    record Context(
            TimeSource timeSource,
            RetryBudget budget,
            List<RegisteredProvider> providers,
            boolean passesFilteredOn,
            BooleanSupplier aborted) {}

    /** A provider's part in this call. */
    private static final class Candidate {

        private enum Stage {
            /** Has not been asked. */
            FRESH,
            /** Could not be asked when its turn came. */
            SKIPPED,
            /** Has failed, and may be asked again when its wait is over. */
            WAITING,
            /** Is of no more use to this call. */
            DONE
        }

        private final RegisteredProvider provider;
        private Stage stage = Stage.FRESH;
        private int attempts;
        private Retry.@Nullable AsyncContext<ChatResponse.Builder> retry;
        private long dueNanos;
        private Duration waited = Duration.ZERO;
        private boolean keyRejected;

        private Candidate(RegisteredProvider provider) {
            this.provider = provider;
        }

        private Retry.AsyncContext<ChatResponse.Builder> retry() {
            if (retry == null) {
                retry = provider.retry().begin();
            }
            return retry;
        }
    }

    Call(
            Context context,
            ChatRequest request,
            Duration allowed,
            Deadline deadline,
            Cancellation cancellation,
            LiveAnswer live) {
        this.context = context;
        this.request = request;
        this.allowed = allowed;
        this.deadline = deadline;
        this.startNanos = context.timeSource.nanoTime();
        this.cancellation = cancellation;
        this.live = live;
        this.candidates = new Candidate[context.providers.size()];
        for (int i = 0; i < candidates.length; i++) {
            candidates[i] = new Candidate(context.providers.get(i));
        }
    }

    ChatResponse run() {
        try {
            while (true) {
                stopIfOver();
                Candidate candidate = next();
                if (candidate == null) {
                    throw exhausted();
                }
                awaitTurn(candidate);
                Admission.Granted admission = admit(candidate);
                if (admission != null) {
                    ChatResponse response = attempt(candidate, admission);
                    if (response != null) {
                        return response;
                    }
                }
            }
        } catch (OrchestratorException e) {
            e.keep(partialText);
            // Not to the first failure: an exception of a provider's own may be one for all calls.
            laterFailures.forEach(e::addSuppressed);
            throw e;
        }
    }

    // ---- Whose turn it is

    private @Nullable Candidate next() {
        Candidate retried = preferred;
        preferred = null;
        if (retried != null && mayReturnTo(retried)) {
            return retried;
        }
        for (Candidate candidate : candidates) {
            if (candidate.stage == Candidate.Stage.FRESH) {
                return candidate;
            }
        }
        Candidate chosen = null;
        for (Candidate candidate : candidates) {
            if (mayReturnTo(candidate) && (chosen == null || candidate.dueNanos - chosen.dueNanos < 0)) {
                chosen = candidate;
            }
        }
        return chosen;
    }

    private boolean mayReturnTo(Candidate candidate) {
        return candidate.stage == Candidate.Stage.WAITING
                && whyNotAgain(candidate).isEmpty();
    }

    private Optional<String> whyNotAgain(Candidate candidate) {
        long waitNanos = candidate.dueNanos - context.timeSource.nanoTime();
        if (waitNanos >= deadline.remainingNanos()) {
            return Optional.of(
                    "its wait of " + Durations.text(Duration.ofNanos(waitNanos)) + " would pass the deadline");
        }
        if (!context.budget.allowsRetry()) {
            return Optional.of(BUDGET_USED_UP);
        }
        // The failure may have opened the breaker: it would refuse when the wait is over.
        return unfit(candidate.provider)
                .or(() -> candidate
                        .provider
                        .refusal()
                        .filter(refusal -> refusal.retryIn()
                                .filter(opens -> opens.toNanos() > waitNanos)
                                .isPresent())
                        .map(Trail.Skipped::reason));
    }

    /** Whether there is somebody to turn to, instead of waiting for one until a time. */
    private boolean hasOther(Candidate candidate, long waitNanos) {
        long due = context.timeSource.nanoTime() + waitNanos;
        for (Candidate other : candidates) {
            if (other != candidate && (isEligible(other) || mayReturnTo(other))) {
                // Of two that have failed, the one whose wait ends first; one that never ends is no rival.
                if (other.stage == Candidate.Stage.FRESH || waitNanos == Decision.NONE || other.dueNanos - due <= 0) {
                    return true;
                }
            }
        }
        return false;
    }

    private boolean isEligible(Candidate candidate) {
        return candidate.stage == Candidate.Stage.FRESH
                && unfit(candidate.provider).isEmpty()
                && candidate.provider.refusal().isEmpty();
    }

    /** Waits until a provider may be asked again. */
    private void awaitTurn(Candidate candidate) {
        long now = context.timeSource.nanoTime();
        candidate.waited = Duration.ZERO;
        if (candidate.attempts == 0 || candidate.dueNanos - now <= 0) {
            return;
        }
        CountDownLatch cancelled = new CountDownLatch(1);
        try (Cancellation.Registration registration = cancellation.onCancel(cancelled::countDown)) {
            context.timeSource.await(cancelled, candidate.dueNanos - now);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        stopIfOver();
        candidate.waited = Duration.ofNanos(context.timeSource.nanoTime() - now);
        // Time has passed: who could not be asked before is looked at again when it comes to that.
        for (Candidate other : candidates) {
            if (other.stage == Candidate.Stage.SKIPPED) {
                other.stage = Candidate.Stage.FRESH;
            }
        }
    }

    private Admission.@Nullable Granted admit(Candidate candidate) {
        RegisteredProvider provider = candidate.provider;
        if (candidate.attempts == 0) {
            Optional<String> unfit = unfit(provider);
            if (unfit.isPresent()) {
                skip(
                        candidate,
                        Candidate.Stage.DONE,
                        new Trail.Skipped(provider.name(), unfit.get(), Optional.empty()));
                return null;
            }
        }
        Admission admission = provider.admit(deadline);
        if (admission instanceof Admission.Refused refused) {
            skip(candidate, candidate.attempts == 0 ? Candidate.Stage.SKIPPED : Candidate.Stage.DONE, refused.step());
            candidate.keyRejected |= refused.parkedAfter() == FailureKind.CREDENTIAL;
            return null;
        }
        Admission.Granted granted = (Admission.Granted) admission;
        if (!draw(candidate)) {
            granted.released();
            skip(candidate, Candidate.Stage.DONE, notAgain(provider, BUDGET_USED_UP));
            return null;
        }
        return granted;
    }

    /** Why a provider cannot serve this request at all, if so. */
    private Optional<String> unfit(RegisteredProvider provider) {
        if (windowExceeded > 0) {
            OptionalLong window = provider.settings().contextWindow();
            if (window.isEmpty() || window.getAsLong() <= windowExceeded) {
                return Optional.of("its context window is not known to be larger than " + windowExceeded + " tokens");
            }
        }
        return provider.cannotServe(request);
    }

    private boolean draw(Candidate candidate) {
        if (candidate.attempts > 0) {
            return context.budget.tryRetry();
        }
        if (lastAsked == null) {
            context.budget.firstAttempt();
        } else {
            context.budget.failover();
        }
        return true;
    }

    private void skip(Candidate candidate, Candidate.Stage stage, Trail.Skipped step) {
        candidate.stage = stage;
        steps.add(step);
        logger.debug("{}", step);
    }

    private static Trail.Skipped notAgain(RegisteredProvider provider, String reason) {
        return new Trail.Skipped(provider.name(), "not asked again: " + reason, Optional.empty());
    }

    // ---- One attempt

    /** The answer, or null if the call goes on; throws if it ends here. */
    private @Nullable ChatResponse attempt(Candidate candidate, Admission.Granted admission) {
        RegisteredProvider provider = candidate.provider;
        Delivery delivery =
                live == LiveAnswer.NONE && !provider.settings().collectStreams() ? Delivery.WHOLE : Delivery.STREAMED;
        Attempt attempt = new Attempt(provider, context.timeSource, deadline, delivery, live.attempt());
        ChatResponse.Builder answer;
        try {
            // The permit may have come too late: then no attempt is made, which says nothing about the provider (R7).
            stopIfOver();
            candidate.attempts++;
            lastAsked = candidate;
            answer = attempt.run(request, cancellation);
        } catch (CallCancelledException | DeadlineExceededException e) {
            admission.released();
            throw e;
        } catch (ProviderException e) {
            failed(candidate, admission, attempt, e);
            return null;
        } catch (Throwable e) {
            // An Error, or whatever else may come: nobody can say what the provider did, but what it holds must not be
            // lost.
            admission.broken(attempt.elapsed(), e);
            throw e;
        }
        Duration took = attempt.elapsed();
        admission.succeeded(took);
        if (candidate.retry != null) {
            candidate.retry.onComplete();
        }
        steps.add(new Trail.Answered(provider.name(), candidate.waited, took));
        return answer.trail(trail()).build();
    }

    private void failed(Candidate candidate, Admission.Granted admission, Attempt attempt, ProviderException failure) {
        RegisteredProvider provider = candidate.provider;
        Duration took = attempt.elapsed();
        boolean shown = live.failed(provider.name(), failure.kind());
        String text = attempt.partialText();
        if (!text.isEmpty()) {
            partialText = text;
        }
        Decision decision;
        try {
            decision = decide(candidate, failure, shown);
        } catch (Throwable e) {
            // From a provider's own code that was asked what it can do.
            admission.broken(took, failure);
            throw e;
        }
        boolean parked = admission.failed(took, failure, decision, failure.kind());
        Trail.Failed step = new Trail.Failed(
                provider.name(),
                candidate.waited,
                took,
                failure.kind(),
                failure.status(),
                failure.code(),
                failure.requestId(),
                failure.retryAfter(),
                String.valueOf(failure.getMessage()));
        steps.add(step);
        tell(step, decision, parked);
        stopIfUnwanted();
        if (shown) {
            throw new StreamFailedException(provider.name(), text, failure, trail());
        }
        if (decision.next() == Decision.Next.STOP) {
            // A cancellation that nobody here asked for (499) is the provider's word too.
            throw new RequestRejectedException(provider.name(), failure, trail());
        }
        if (firstFailure == null) {
            firstFailure = failure;
        } else {
            laterFailures.add(failure);
        }
        follow(candidate, failure.kind(), decision);
    }

    private Decision decide(Candidate candidate, ProviderException failure, boolean shown) {
        long wait = candidate.retry().onError(failure);
        long waitNanos = wait < 0 ? Decision.NONE : Duration.ofMillis(wait).toNanos();
        if (failure.kind() == FailureKind.CONTEXT_TOO_LONG) {
            // Where its own window is not known, none is known to be larger.
            windowExceeded = Math.max(
                    windowExceeded,
                    candidate.provider.settings().contextWindow().orElse(Long.MAX_VALUE));
        }
        return Decision.after(new Situation(
                failure.kind(),
                Decision.isSilence(failure),
                shown,
                candidate.attempts,
                hasOther(candidate, waitNanos),
                waitNanos,
                failure.retryAfter().map(Call::hintNanos).orElse(Decision.NONE),
                candidate.provider.parking().rateLimitsBefore(),
                deadline.remainingNanos(),
                context.budget.allowsRetry(),
                context.passesFilteredOn,
                candidate.provider.settings().retry()));
    }

    private static long hintNanos(Duration hint) {
        return (hint.compareTo(LONGEST_HINT) > 0 ? LONGEST_HINT : hint).toNanos();
    }

    private void follow(Candidate candidate, FailureKind kind, Decision decision) {
        candidate.keyRejected = kind == FailureKind.CREDENTIAL;
        candidate.dueNanos = context.timeSource.nanoTime() + decision.waitNanos();
        candidate.stage = decision.next() == Decision.Next.LEAVE ? Candidate.Stage.DONE : Candidate.Stage.WAITING;
        if (decision.next() == Decision.Next.RETRY) {
            preferred = candidate;
        }
    }

    private static void tell(Trail.Failed step, Decision decision, boolean parked) {
        String provider = step.provider();
        if (step.kind().isMisconfiguration()) {
            logger.error("The configuration of provider '{}' needs a look: {}", provider, step.reason());
        } else if (parked) {
            logger.info(
                    "Provider '{}' is not asked for {}: {} {}",
                    provider,
                    Durations.text(Duration.ofNanos(decision.parkNanos())),
                    step.kind(),
                    step.reason());
        } else {
            logger.debug("{}", step);
        }
    }

    // ---- The end of the call

    private OrchestratorException exhausted() {
        stopIfExpired();
        boolean unfit = true;
        boolean keysRejected = true;
        for (Candidate candidate : candidates) {
            if (candidate.stage == Candidate.Stage.WAITING) {
                whyNotAgain(candidate).ifPresent(reason -> steps.add(notAgain(candidate.provider, reason)));
            }
            unfit &= candidate.attempts == 0 && candidate.stage == Candidate.Stage.DONE;
            keysRejected &= candidate.keyRejected;
        }
        if (candidates.length > 0 && unfit) {
            return new RequestRejectedException(reasons(), trail());
        }
        if (firstFailure != null && isRequestsFault()) {
            return new RequestRejectedException(firstFailing(), firstFailure, trail());
        }
        Duration earliest = earliestRetry();
        return candidates.length > 0 && keysRejected
                ? new CredentialsRejectedException(firstFailure, earliest, trail())
                : new AllProvidersFailedException(firstFailure, earliest, trail());
    }

    private List<String> reasons() {
        return steps.stream()
                .filter(Trail.Skipped.class::isInstance)
                .map(step -> step.provider() + ": " + ((Trail.Skipped) step).reason())
                .toList();
    }

    /** Whether everybody who was asked said that the request cannot be served as it is. */
    private boolean isRequestsFault() {
        return steps.stream()
                .allMatch(step -> !(step instanceof Trail.Failed failed) || Decision.blamesRequest(failed.kind()));
    }

    private String firstFailing() {
        return steps.stream()
                .filter(Trail.Failed.class::isInstance)
                .findFirst()
                .orElseThrow()
                .provider();
    }

    /** Null if a provider may be asked at once, or nobody knows. */
    private @Nullable Duration earliestRetry() {
        Duration earliest = null;
        for (Candidate candidate : candidates) {
            if (candidate.attempts == 0 && candidate.stage == Candidate.Stage.DONE) {
                continue;
            }
            Optional<Trail.Skipped> refusal = candidate.provider.refusal();
            if (refusal.isEmpty()) {
                return null;
            }
            Duration retryIn = refusal.get().retryIn().orElse(null);
            if (retryIn != null && (earliest == null || retryIn.compareTo(earliest) < 0)) {
                earliest = retryIn;
            }
        }
        return earliest;
    }

    private void stopIfOver() {
        stopIfUnwanted();
        stopIfExpired();
    }

    private void stopIfExpired() {
        if (deadline.isExpired()) {
            throw new DeadlineExceededException(allowed, firstFailure, trail());
        }
    }

    private void stopIfUnwanted() {
        if (context.aborted.getAsBoolean()) {
            throw new CallCancelledException(CallCancelledException.Reason.CLOSED, firstFailure, trail());
        }
        if (cancellation.isCancelled()) {
            throw new CallCancelledException(CallCancelledException.Reason.CANCELLED, firstFailure, trail());
        }
        if (Thread.currentThread().isInterrupted()) {
            throw new CallCancelledException(CallCancelledException.Reason.INTERRUPTED, firstFailure, trail());
        }
    }

    private Trail trail() {
        return new Trail(steps, Duration.ofNanos(context.timeSource.nanoTime() - startNanos));
    }
}
