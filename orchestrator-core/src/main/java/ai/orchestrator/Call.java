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
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** All attempts for one request: asks the candidates until one has answered or none is left. For one thread. */
final class Call {

    private static final Logger logger = LoggerFactory.getLogger(Orchestrator.class);

    /** Far more than any deadline, so that a provider's hint can be counted in nanoseconds. */
    private static final Duration LONGEST_HINT = Duration.ofDays(366);

    private final Context context;
    private final Route route;
    private final ChatRequest request;
    private final Deadline deadline;
    private final Duration allowed;
    private final long startNanos;
    private final Cancellation cancellation;
    private final LiveAnswer live;
    private final Candidates candidates;
    private List<Trail.Step> steps = List.of();
    private @Nullable ProviderException firstFailure;
    private List<ProviderException> laterFailures = List.of();
    private @Nullable Candidate lastAsked;

    /** What the attempt that begins was taken from the retry budget; null if nothing. */
    private RetryBudget.@Nullable Withdrawal drawn;

    private String partialText = "";

    /**
     * What all calls of an orchestrator share.
     *
     * @param random zero or more and less than one, another number each time
     * @param present a route as it is now, by its name; null if there is none any more
     * @param aborted whether calls are to end because the orchestrator is closed
     */
    record Context(
            TimeSource timeSource,
            RetryBudget budget,
            DoubleSupplier random,
            Function<String, @Nullable Route> present,
            BooleanSupplier aborted) {

        /** Why a call is to end that this thread makes or waits for; null if it is not. */
        CallCancelledException.@Nullable Reason unwanted(Cancellation call) {
            // In this order, because whoever closes says so first and cancels then.
            boolean cancelled = call.isCancelled();
            if (aborted.getAsBoolean()) {
                return CallCancelledException.Reason.CLOSED;
            }
            if (cancelled) {
                return CallCancelledException.Reason.CANCELLED;
            }
            return Thread.currentThread().isInterrupted() ? CallCancelledException.Reason.INTERRUPTED : null;
        }
    }

    Call(
            Context context,
            Route route,
            ChatRequest request,
            Duration allowed,
            Deadline deadline,
            Cancellation cancellation,
            LiveAnswer live) {
        this.context = context;
        this.route = route;
        this.request = request;
        this.allowed = allowed;
        this.deadline = deadline;
        this.startNanos = context.timeSource.nanoTime();
        this.cancellation = cancellation;
        this.live = live;
        this.candidates = new Candidates(context, route, request, deadline);
    }

    ChatResponse run() {
        try {
            while (true) {
                stopIfOver();
                Candidate candidate = candidates.next();
                Admission.Granted admission;
                if (candidate != null) {
                    admission = awaitTurn(candidate) ? admit(candidate) : null;
                } else if (candidates.renew()) {
                    continue;
                } else {
                    candidate = lastAsked == null ? candidates.leastBad() : null;
                    admission = candidate == null ? null : admitDespiteBreaker(candidate);
                    if (candidate == null || admission == null) {
                        if (candidates.renew()) {
                            continue;
                        }
                        throw exhausted();
                    }
                }
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

    /**
     * Waits until a provider may be asked again.
     *
     * @return false if another one may be, sooner than was known
     */
    private boolean awaitTurn(Candidate candidate) {
        candidate.waited = Duration.ZERO;
        long now = context.timeSource.nanoTime();
        if (candidate.attempts == 0 || candidate.dueNanos - now <= 0) {
            return true;
        }
        CountDownLatch woken = new CountDownLatch(1);
        candidates.whenSooner(woken::countDown);
        try (Cancellation.Registration registration = cancellation.onCancel(woken::countDown)) {
            context.timeSource.await(woken, Math.min(candidate.dueNanos - now, deadline.remainingNanos()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        stopIfOver();
        long after = context.timeSource.nanoTime();
        candidate.waited = Duration.ofNanos(after - now);
        candidates.timeHasPassed();
        return candidate.dueNanos - after <= 0 || (candidate.sooner != null && candidate.sooner.isDone());
    }

    private Admission.@Nullable Granted admit(Candidate candidate) {
        RegisteredProvider provider = candidate.provider;
        if (candidate.attempts == 0) {
            Optional<String> unfit = candidates.unfit(candidate);
            if (unfit.isPresent()) {
                candidate.stage = Candidate.Stage.DONE;
                note(new Trail.Skipped(provider.name(), unfit.get(), Optional.empty()));
                return null;
            }
        }
        Admission admission = provider.admit(deadline, candidates);
        if (admission instanceof Admission.Withdrawn withdrawn) {
            candidate.stage = candidate.attempts == 0 ? Candidate.Stage.SKIPPED : Candidate.Stage.DONE;
            candidates.wereLost();
            note(withdrawn.step());
            return null;
        }
        if (admission instanceof Admission.Refused refused) {
            refused(candidate, refused);
            return null;
        }
        Admission.Granted granted = (Admission.Granted) admission;
        if (!draw(candidate)) {
            granted.released();
            candidate.stage = Candidate.Stage.DONE;
            note(notAgain(provider, Candidates.BUDGET_USED_UP));
            return null;
        }
        return granted;
    }

    /** Every door is closed, and this one is tried all the same (R24). */
    private Admission.@Nullable Granted admitDespiteBreaker(Candidate candidate) {
        Admission admission = candidate.provider.admitBesidesBreaker(deadline, candidates);
        if (admission instanceof Admission.Withdrawn) {
            candidates.wereLost();
        }
        if (!(admission instanceof Admission.Granted granted)) {
            return null;
        }
        logger.debug("Every breaker is open; {} is asked all the same", candidate.provider.name());
        draw(candidate);
        return granted;
    }

    private void refused(Candidate candidate, Admission.Refused refused) {
        Parking.Refusal parked = refused.parked();
        if (candidate.attempts == 0) {
            candidate.stage = Candidate.Stage.SKIPPED;
            candidate.keyRejected = parked != null && parked.kind() == FailureKind.CREDENTIAL;
        } else if (parked != null) {
            // It has waited as it was told, and others were faster: it goes on waiting, within its deadline (R9).
            candidate.stage = Candidate.Stage.WAITING;
        } else {
            candidate.stage = Candidate.Stage.DONE;
        }
        note(refused.step());
    }

    private boolean draw(Candidate candidate) {
        drawn = null;
        if (candidate.attempts > 0) {
            drawn = context.budget.tryRetry();
            return drawn != null;
        }
        if (lastAsked != null) {
            drawn = context.budget.failover();
        } else {
            context.budget.firstAttempt();
        }
        return true;
    }

    /** The attempt was not made, or cancelled: it does not count. */
    private void giveBack() {
        if (drawn != null) {
            drawn.giveBack();
            drawn = null;
        }
    }

    private void note(Trail.Skipped step) {
        add(step);
        logger.debug("{}", step);
    }

    private static Trail.Skipped notAgain(RegisteredProvider provider, String reason) {
        return new Trail.Skipped(provider.name(), "not asked again: " + reason, Optional.empty());
    }

    // ---- One attempt

    /** The answer, or null if the call goes on; throws if it ends here. */
    private @Nullable ChatResponse attempt(Candidate candidate, Admission.Granted admission) {
        RegisteredProvider provider = candidate.provider;
        ProviderSetup setup = admission.setup();
        Delivery delivery = setup.settings().collectStreams() ? Delivery.STREAMED : live.delivery();
        // What most calls have done before is nothing, and nobody looks at it while a whole answer is waited for.
        Trail soFar = steps.isEmpty() || live == LiveAnswer.NONE ? Trail.EMPTY : trail();
        Attempt attempt = new Attempt(
                setup,
                context.timeSource,
                deadline,
                makesRoom(candidate, setup, delivery),
                delivery,
                live.attempt(provider.name(), soFar));
        ChatResponse.Builder answer;
        try {
            // The permit may have come too late: then no attempt is made, which says nothing about the provider (R7).
            stopIfOver();
            candidate.attempts++;
            lastAsked = candidate;
            answer = attempt.run(request, cancellation);
        } catch (CallCancelledException | DeadlineExceededException e) {
            admission.released();
            giveBack();
            throw e;
        } catch (ProviderException e) {
            candidates.timeHasPassed();
            failed(candidate, admission, attempt, e);
            return null;
        } catch (Throwable e) {
            // An Error, or whatever else may come: nobody can say what the provider did, but what it holds must not be
            // lost.
            admission.broken(attempt.elapsed(), e);
            throw e;
        }
        Duration took = attempt.elapsed();
        admission.succeeded(attempt, took);
        candidate.succeeded();
        add(new Trail.Answered(provider.name(), candidate.waited, took));
        return answer.trail(trail()).build();
    }

    /**
     * What to ask halfway to the deadline. A whole answer gives no sign of life before it is there, so without a limit one provider that has
     * fallen silent would use up the call.
     */
    private @Nullable LongPredicate makesRoom(Candidate candidate, ProviderSetup setup, Delivery delivery) {
        boolean unlimited = setup.settings().totalTimeout().isEmpty();
        return delivery == Delivery.WHOLE && unlimited && candidates.areSeveral()
                ? elapsed -> makesRoom(candidate, elapsed)
                : null;
    }

    /** On the time source's thread, while the call's waits for the attempt; if that ends now, nobody needs to know. */
    private boolean makesRoom(Candidate candidate, long elapsedNanos) {
        try {
            return candidate.provider.isSlowerThanUsual(elapsedNanos) && candidates.hasOtherNow(candidate);
        } catch (Throwable e) {
            // From a provider's own code that was asked what it can do: the limits must be kept all the same.
            logger.warn("Cannot tell whether another provider than '{}' could be asked", candidate.provider.name(), e);
            return false;
        }
    }

    private void failed(Candidate candidate, Admission.Granted admission, Attempt attempt, ProviderException failure) {
        RegisteredProvider provider = candidate.provider;
        Duration took = attempt.elapsed();
        String text = attempt.partialText();
        if (!text.isEmpty()) {
            partialText = text;
        }
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
        add(step);
        LiveAnswer.BrokenOff brokenOff = new LiveAnswer.BrokenOff(provider.name(), failure, text, trail());
        boolean shown = live.failed(brokenOff);
        Decision decision;
        try {
            decision = decide(candidate, admission.setup(), failure, shown);
        } catch (Throwable e) {
            // From a provider's own code that was asked what it can do.
            admission.broken(took, failure);
            throw e;
        }
        boolean parked = admission.failed(attempt, took, failure, decision, failure.kind());
        tell(step, decision, parked);
        if (failure.kind() == FailureKind.CANCELLED) {
            giveBack();
        }
        stopIfUnwanted();
        if (shown) {
            throw new StreamFailedException(brokenOff);
        }
        if (decision.next() == Decision.Next.STOP) {
            // A cancellation that nobody here asked for (499) is the provider's word too.
            throw new RequestRejectedException(provider.name(), failure, trail());
        }
        if (firstFailure == null) {
            firstFailure = failure;
        } else {
            laterFailures = laterFailures.isEmpty() ? new ArrayList<>(2) : laterFailures;
            laterFailures.add(failure);
        }
        follow(candidate, failure.kind(), decision);
    }

    private Decision decide(Candidate candidate, ProviderSetup attempted, ProviderException failure, boolean shown) {
        long wait = candidate.retry(attempted).onError(failure);
        long waitNanos = wait < 0 ? Decision.NONE : Duration.ofMillis(wait).toNanos();
        if (failure.kind() == FailureKind.CONTEXT_TOO_LONG) {
            candidates.needLargerWindowThan(candidate);
        }
        return Decision.after(new Situation(
                failure.kind(),
                Decision.isSilence(failure),
                shown,
                candidate.attempts,
                candidates.hasOther(candidate, waitNanos),
                waitNanos,
                failure.retryAfter().map(Call::hintNanos).orElse(Decision.NONE),
                candidate.provider.parking().rateLimitsBefore(),
                deadline.remainingNanos(),
                context.budget.allowsRetry(),
                route.passesFilteredOn(),
                attempted.settings().retry()));
    }

    private static long hintNanos(Duration hint) {
        return (hint.compareTo(LONGEST_HINT) > 0 ? LONGEST_HINT : hint).toNanos();
    }

    private void follow(Candidate candidate, FailureKind kind, Decision decision) {
        candidate.keyRejected = kind == FailureKind.CREDENTIAL;
        candidate.waitEndNanos = context.timeSource.nanoTime() + decision.waitNanos();
        candidate.stage = decision.next() == Decision.Next.LEAVE ? Candidate.Stage.DONE : Candidate.Stage.WAITING;
        if (decision.next() == Decision.Next.RETRY) {
            candidates.prefer(candidate);
        }
    }

    private static void tell(Trail.Failed step, Decision decision, boolean parked) {
        String provider = step.provider();
        if (parked && step.kind().isMisconfiguration()) {
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
        candidates.forEach(candidate -> {
            if (candidate.stage == Candidate.Stage.WAITING) {
                candidates.whyNotAgain(candidate).ifPresent(reason -> add(notAgain(candidate.provider, reason)));
            }
        });
        if (candidates.areAllUnfit()) {
            return new RequestRejectedException(reasons(), trail());
        }
        if (firstFailure != null && isRequestsFault()) {
            return new RequestRejectedException(firstFailing(), firstFailure, trail());
        }
        Duration earliest = candidates.earliestRetry();
        return candidates.areAllKeysRejected()
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
        CallCancelledException.Reason reason = context.unwanted(cancellation);
        if (reason != null) {
            throw new CallCancelledException(reason, firstFailure, trail());
        }
    }

    private void add(Trail.Step step) {
        if (steps.isEmpty()) {
            // The only one of most calls needs no list that can grow.
            steps = List.of(step);
            return;
        }
        if (steps.size() == 1) {
            steps = new ArrayList<>(steps);
        }
        steps.add(step);
    }

    private Trail trail() {
        return new Trail(steps, Duration.ofNanos(context.timeSource.nanoTime() - startNanos));
    }
}
